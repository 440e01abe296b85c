// The switch of stacks: the registers that a called function must keep, pushed and popped. Some
// five nanoseconds, where swapcontext() makes a system call.
#include "fiber.hpp"
#include "shim.hpp"

#include <csignal>
#include <cstdint>
#include <cstring>

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if SHIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// void mds_shim_switch(void **save, void *load)
extern "C" void mds_shim_switch(void **save, void *load);

#if defined(__x86_64__)
asm(R"(
    .text
    .globl mds_shim_switch
    .type mds_shim_switch, @function
mds_shim_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size mds_shim_switch, .-mds_shim_switch
)");
#elif defined(__aarch64__)
asm(R"(
    .text
    .globl mds_shim_switch
    .type mds_shim_switch, %function
mds_shim_switch:
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
    .size mds_shim_switch, .-mds_shim_switch
)");
#else
#error "the shim's fibres are written for x86-64 and aarch64"
#endif

namespace shim
{

static const size_t STACK = 128 << 10;

static std::vector<Stack> &pool = *new std::vector<Stack>;
static void *host_sp;
#if SHIM_ASAN
static const void *host_bottom; // of the stack that entered a fibre
static size_t host_bytes;
#endif

Stack stack_take()
{
    if (!pool.empty()) {
        const Stack stack = pool.back();
        pool.pop_back();
        return stack;
    }
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    void *memory = mmap(nullptr, STACK + page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

    if (memory == MAP_FAILED || mprotect(memory, page, PROT_NONE) != 0)
        report("no memory for the stack of a thread");
    return {static_cast<char *>(memory) + page, STACK};
}

void stack_give(Stack stack)
{
    pool.push_back(stack);
}

void fiber_prepare(Fiber *fiber, void (*entry)())
{
    fiber->stack = stack_take();
    fiber->fake_stack = nullptr;
    uintptr_t *top = reinterpret_cast<uintptr_t *>(fiber->stack.bottom + fiber->stack.bytes);
#if defined(__x86_64__)
    top[-1] = 0; // entry() returns to nowhere, and finds the stack aligned as after a call
    top[-2] = reinterpret_cast<uintptr_t>(entry);
    for (int i = 3; i <= 8; ++i)
        top[-i] = 0;
    fiber->sp = top - 8;
#else
    uintptr_t *frame = top - 20;
    memset(frame, 0, 160);
    frame[11] = reinterpret_cast<uintptr_t>(entry); // x30
    fiber->sp = frame;
#endif
}

void fiber_enter(Fiber *fiber)
{
#if SHIM_ASAN
    void *fake = nullptr;

    __sanitizer_start_switch_fiber(&fake, fiber->stack.bottom, fiber->stack.bytes);
#endif
    mds_shim_switch(&host_sp, fiber->sp);
#if SHIM_ASAN
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

void fiber_started()
{
#if SHIM_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &host_bottom, &host_bytes);
#endif
}

void fiber_leave(Fiber *fiber, bool last)
{
#if SHIM_ASAN
    __sanitizer_start_switch_fiber(last ? nullptr : &fiber->fake_stack, host_bottom, host_bytes);
#endif
    mds_shim_switch(&fiber->sp, host_sp);
#if SHIM_ASAN
    __sanitizer_finish_switch_fiber(fiber->fake_stack, &host_bottom, &host_bytes);
#endif
    (void)last;
}

void fiber_scrub(Fiber *fiber)
{
#if SHIM_ASAN
    ASAN_UNPOISON_MEMORY_REGION(fiber->stack.bottom, fiber->stack.bytes);
#endif
    (void)fiber;
}

bool fiber_redirect(Fiber *fiber, void *signal_context, void (*entry)())
{
    ucontext_t *u = static_cast<ucontext_t *>(signal_context);
    uintptr_t *top = reinterpret_cast<uintptr_t *>(fiber->stack.bottom + fiber->stack.bytes);

    if (!u)
        return false;
    fiber_scrub(fiber);
#if defined(__x86_64__)
    top[-1] = 0;
    u->uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(reinterpret_cast<uintptr_t>(top - 1));
    u->uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(reinterpret_cast<uintptr_t>(entry));
    u->uc_mcontext.gregs[REG_EFL] &= ~static_cast<greg_t>(0x400); // direction flag, by the ABI
#else
    u->uc_mcontext.sp = reinterpret_cast<uintptr_t>(top - 2);
    u->uc_mcontext.pc = reinterpret_cast<uintptr_t>(entry);
#endif
    return true;
}

} // namespace shim
