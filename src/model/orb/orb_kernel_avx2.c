/* Nothing here may run before orb_kernel_find() has asked the processor. */
#include "model/orb/orb_edge_math.h"
#include "model/orb/orb_kernel.h"

#include <string.h>

#ifdef __x86_64__

#pragma GCC target("avx2,fma")

#define REAL    float
#define NAME(x) x##_avx2_fp32
#define LABEL   "avx2"

#include "model/orb/orb_kernel_body.h"

#endif
