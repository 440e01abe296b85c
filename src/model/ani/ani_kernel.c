#include "model/ani/ani_kernel.h"

#include <string.h>

extern const ani_kernel ani_kernel_avx512_fp32, ani_kernel_avx512_fp64;
extern const ani_kernel ani_kernel_avx2_fp32, ani_kernel_avx2_fp64;
extern const ani_kernel ani_kernel_portable_fp32, ani_kernel_portable_fp64;

static bool runs(const ani_kernel *kernel)
{
#ifdef __x86_64__
    if (strcmp(kernel->name, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
    if (strcmp(kernel->name, "avx2") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return strcmp(kernel->name, "portable") == 0;
}

const ani_kernel *ani_kernel_find(const char *name, bool fp64)
{
    static const ani_kernel *const kernels[][2] = {
#ifdef __x86_64__
        {&ani_kernel_avx512_fp32, &ani_kernel_avx512_fp64},
        {&ani_kernel_avx2_fp32, &ani_kernel_avx2_fp64},
#endif
        {&ani_kernel_portable_fp32, &ani_kernel_portable_fp64},
    };

    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; ++i) {
        const ani_kernel *kernel = kernels[i][fp64];

        if ((strcmp(name, "auto") == 0 || strcmp(name, kernel->name) == 0) && runs(kernel))
            return kernel;
    }
    return NULL;
}
