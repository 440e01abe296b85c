/* The pair loop with 256-bit vectors. */
#include "model/spcfw/spcfw_list.h"

#ifdef SPCFW_X86

#pragma GCC target("avx2,fma")
#include <immintrin.h>

typedef __m256d vec;
typedef __m256d mask;
#define LANES            4
#define KERNELS          spcfw_kernels_avx2
#define TITLE            "avx2"
#define SECONDS_PER_ATOM 0.85e-6

#define v_load(p)         _mm256_load_pd(p)
#define v_store(p, a)     _mm256_store_pd(p, a)
#define v_load2(p, q)     v_load(p)
#define v_store2(p, q, a) v_store(p, a)
#define v_set(a)          _mm256_set1_pd(a)
#define v_add(a, b)       _mm256_add_pd(a, b)
#define v_sub(a, b)       _mm256_sub_pd(a, b)
#define v_mul(a, b)       _mm256_mul_pd(a, b)
#define v_fma(a, b, c)    _mm256_fmadd_pd(a, b, c)
#define v_keep(m, a)      _mm256_and_pd(m, a)
#define m_less(a, b)      _mm256_cmp_pd(a, b, _CMP_LT_OQ)
#define v_max(a, b)       _mm256_max_pd(a, b)
#define m_bits(m)         ((unsigned)_mm256_movemask_pd(m))
#define m_and(a, b)       _mm256_and_pd(a, b)

/* The 11-bit single-precision estimate y, then the series of (1 − e)^(−1/2) with e = 1 − s y²: what
 * is left out is of order e⁶ < 2^−60. */
static inline vec v_rsqrt(vec s)
{
    const vec y = _mm256_cvtps_pd(_mm_rsqrt_ps(_mm256_cvtpd_ps(s)));
    const vec e = _mm256_fnmadd_pd(_mm256_mul_pd(s, y), y, v_set(1.0));
    vec series = v_fma(v_set(63.0 / 256.0), e, v_set(35.0 / 128.0));

    series = v_fma(v_fma(v_fma(series, e, v_set(0.3125)), e, v_set(0.375)), e, v_set(0.5));
    return v_fma(v_mul(y, e), series, y);
}

static inline double v_sum(vec a)
{
    const __m128d half = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));

    return _mm_cvtsd_f64(_mm_add_sd(half, _mm_unpackhi_pd(half, half)));
}

#include "model/spcfw/spcfw_pair_kernel.h"

#endif
