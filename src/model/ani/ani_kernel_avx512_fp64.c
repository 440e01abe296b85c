/* 512-bit vectors of float64. Nothing here may run before ani_kernel_find() has asked the
 * processor. */
#include "base/units.h"
#include "model/ani/ani_kernel.h"

#ifdef __x86_64__

#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#include <immintrin.h>

#define REAL_BITS     64
#define VECTOR_BYTES  64
#define KERNEL        "avx512"
#define NAME(x)       x##_avx512_fp64
#define V_MAX(a, b)   ((vec)_mm512_max_pd((__m512d)(a), (__m512d)(b)))
#define V_MIN(a, b)   ((vec)_mm512_min_pd((__m512d)(a), (__m512d)(b)))
#define V_ROUND(x)    ((vec)_mm512_roundscale_pd((__m512d)(x), 0))
#define V_SCALE(x, n) ((vec)_mm512_scalef_pd((__m512d)(x), (__m512d)(n)))
#define V_MASK        __mmask8
#define V_BETWEEN(x, from, to)                                                                     \
    ((V_MASK)(_mm512_cmp_pd_mask((__m512d)(x), (__m512d)(from), _CMP_GE_OQ) &                      \
              _mm512_cmp_pd_mask((__m512d)(x), (__m512d)(to), _CMP_LT_OQ)))
#define V_COMPRESS(p, m, x) _mm512_storeu_pd(p, _mm512_maskz_compress_pd(m, (__m512d)(x)))
#define V_COMPRESS_INT(p, m, x)                                                                    \
    _mm256_storeu_si256((__m256i *)(p),                                                            \
                        _mm256_maskz_compress_epi32(m, _mm256_loadu_si256((const __m256i *)(x))))
#define V_RCP(x)   ((REAL)1 / (x))
#define V_RSQRT(x) ((REAL)1 / (vec)_mm512_sqrt_pd((__m512d)(x)))
#define V_SUM(x)   _mm512_reduce_add_pd((__m512d)(x))

extern const ani_kernel ani_kernel_avx512_fp64;

#include "model/ani/ani_vector_body.h"

#include "model/ani/ani_filter_body.h"

#include "model/ani/ani_descriptor_body.h"

#include "model/ani/ani_network_body.h"

#endif
