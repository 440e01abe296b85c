/* Nothing here may run before orb_kernel_find() has asked the processor. */
#include "model/orb/orb_edge_math.h"
#include "model/orb/orb_kernel.h"

#include <string.h>

#ifdef __x86_64__

#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")

#define REAL    float
#define NAME(x) x##_avx512_fp32
#define LABEL   "avx512"

#include "model/orb/orb_kernel_body.h"

#endif
