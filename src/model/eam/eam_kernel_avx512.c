/* Everything below is compiled for this instruction set; nothing here may run before
 * eam_kernel_find() has asked the processor. */
#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx2,fma"))),        \
                             apply_to = function)
#else
#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#endif
#define EAM_VARIANT(name) name##_avx512
#include "model/eam/eam_kernel_body.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
