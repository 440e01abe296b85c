// The calls that -fsanitize=thread makes (compiled with MDSWEEP_SHIM_RACES alone: elsewhere they
// are ThreadSanitizer's own).
#ifdef MDS_SHIM_RACES
#include "shim.hpp"

extern "C" {

void __tsan_init(void)
{
    shim::races_watch();
}

void __tsan_func_entry(void *)
{
}
void __tsan_func_exit(void)
{
}

#define CALLS(size)                                                                                \
    void __tsan_read##size(void *p)                                                                \
    {                                                                                              \
        shim::races_access(p, size, false);                                                        \
    }                                                                                              \
    void __tsan_write##size(void *p)                                                               \
    {                                                                                              \
        shim::races_access(p, size, true);                                                         \
    }                                                                                              \
    void __tsan_volatile_read##size(void *p)                                                       \
    {                                                                                              \
        shim::races_volatile(p, size, false);                                                      \
    }                                                                                              \
    void __tsan_volatile_write##size(void *p)                                                      \
    {                                                                                              \
        shim::races_volatile(p, size, true);                                                       \
    }                                                                                              \
    void __tsan_unaligned_read##size(void *p)                                                      \
    {                                                                                              \
        shim::races_access(p, size, false);                                                        \
    }                                                                                              \
    void __tsan_unaligned_write##size(void *p)                                                     \
    {                                                                                              \
        shim::races_access(p, size, true);                                                         \
    }
CALLS(1)
CALLS(2)
CALLS(4)
CALLS(8)
CALLS(16)

void __tsan_read_range(void *p, size_t bytes)
{
    if (bytes)
        shim::races_access(p, bytes, false);
}

void __tsan_write_range(void *p, size_t bytes)
{
    if (bytes)
        shim::races_access(p, bytes, true);
}

// The host's half of a .cu file: counts of shared pointers, guards of static variables.
int __tsan_atomic32_fetch_add(volatile int *p, int value, int)
{
    return __atomic_fetch_add(p, value, __ATOMIC_ACQ_REL);
}

char __tsan_atomic8_load(const volatile char *p, int)
{
    return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

void __tsan_vptr_update(void **, void *)
{
}
void __tsan_vptr_read(void **)
{
}

} // extern "C"
#endif
