/* 512-bit vectors of float32. Nothing here may run before ani_kernel_find() has asked the
 * processor. */
#include "base/units.h"
#include "model/ani/ani_kernel.h"

#ifdef __x86_64__

#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#include <immintrin.h>

#define REAL_BITS     32
#define VECTOR_BYTES  64
#define KERNEL        "avx512"
#define NAME(x)       x##_avx512_fp32
#define V_MAX(a, b)   ((vec)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define V_MIN(a, b)   ((vec)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define V_ROUND(x)    ((vec)_mm512_roundscale_ps((__m512)(x), 0))
#define V_SCALE(x, n) ((vec)_mm512_scalef_ps((__m512)(x), (__m512)(n)))
#define V_MASK        __mmask16
#define V_BETWEEN(x, from, to)                                                                     \
    ((V_MASK)(_mm512_cmp_ps_mask((__m512)(x), (__m512)(from), _CMP_GE_OQ) &                        \
              _mm512_cmp_ps_mask((__m512)(x), (__m512)(to), _CMP_LT_OQ)))
#define V_COMPRESS(p, m, x) _mm512_storeu_ps(p, _mm512_maskz_compress_ps(m, (__m512)(x)))
#define V_COMPRESS_INT(p, m, x)                                                                    \
    _mm512_storeu_si512(p, _mm512_maskz_compress_epi32(m, _mm512_loadu_si512(x)))
#define V_RCP(x)   ((vec)reciprocal((__m512)(x)))
#define V_RSQRT(x) ((vec)reciprocal_root((__m512)(x)))
#define V_SUM(x)   _mm512_reduce_add_ps((__m512)(x))

/* An estimate to 14 bits and a step of Newton's: half the error of the last bit is left, in a third
 * of the time of a division. */
static inline __m512 reciprocal(__m512 x)
{
    const __m512 y = _mm512_rcp14_ps(x);

    return _mm512_fmadd_ps(y, _mm512_fnmadd_ps(x, y, _mm512_set1_ps(1.0f)), y);
}

static inline __m512 reciprocal_root(__m512 x)
{
    const __m512 y = _mm512_rsqrt14_ps(x);
    const __m512 e = _mm512_fnmadd_ps(_mm512_mul_ps(x, y), y, _mm512_set1_ps(1.0f));

    return _mm512_fmadd_ps(_mm512_mul_ps(y, e), _mm512_set1_ps(0.5f), y);
}

/* In each 128-bit lane: first ab = (a0+a2, b0+b2, a1+a3, b1+b3), then (a, b, c, d). */
static inline void sum_four(const __m512 *x, float *out)
{
    const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(x[0], x[1]), _mm512_unpackhi_ps(x[0], x[1]));
    const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(x[2], x[3]), _mm512_unpackhi_ps(x[2], x[3]));
    const __m512 all =
        _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));

    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}

#define V_SUM4(x, out) sum_four((const __m512 *)(x), out)

extern const ani_kernel ani_kernel_avx512_fp32;

#include "model/ani/ani_vector_body.h"

#include "model/ani/ani_filter_body.h"

#include "model/ani/ani_descriptor_body.h"

#include "model/ani/ani_network_body.h"

#endif
