/* 512-bit vectors of float32. Nothing here may run before ani_kernel_find() has asked the
 * processor. */
#include "base/units.h"
#include "model/ani/ani_kernel.h"

#ifdef __x86_64__

#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#include <immintrin.h>

#define REAL_BITS    32
#define VECTOR_BYTES 64
#define KERNEL       "avx512"
#define NAME(x)      x##_avx512_fp32
#define V_SQRT(x)    ((vec)_mm512_sqrt_ps((__m512)(x)))
#define V_SUM(x)     _mm512_reduce_add_ps((__m512)(x))

extern const ani_kernel ani_kernel_avx512_fp32;

#include "model/ani/ani_vector_body.h"

#include "model/ani/ani_descriptor_body.h"

#include "model/ani/ani_network_body.h"

#endif
