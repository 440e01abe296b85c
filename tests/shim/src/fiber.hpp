// Fibres: a thread of a block has a stack of its own for as long as it lives.
#ifndef MDS_SHIM_FIBER_HPP
#define MDS_SHIM_FIBER_HPP

#include <cstddef>

namespace shim
{

struct Stack {
    char *bottom; // lowest usable byte; a page that cannot be touched lies below
    size_t bytes;
};

struct Fiber {
    Stack stack;
    void *sp;         // while it does not run
    void *fake_stack; // AddressSanitizer's
};

// A stack from the pool, and back.
Stack stack_take();
void stack_give(Stack stack);

// The fibre will begin with entry(), which must not return.
void fiber_prepare(Fiber *fiber, void (*entry)());
// From the host's stack to the fibre, until it leaves.
void fiber_enter(Fiber *fiber);
// From the fibre back to who entered it. `last`: it will not run again.
void fiber_leave(Fiber *fiber, bool last);
// First thing in entry(): tells the sanitizer that the change of stacks is complete.
void fiber_started();
// Forgets what frames that never returned left in the sanitizer's books.
void fiber_scrub(Fiber *fiber);
// Makes the interrupted code of a signal context go on in `entry`, on the fibre's own stack.
bool fiber_redirect(Fiber *fiber, void *signal_context, void (*entry)());

} // namespace shim

#endif
