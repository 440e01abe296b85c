/* The pair loop with 512-bit vectors. */
#include "model/spcfw/spcfw_list.h"

#ifdef SPCFW_X86

#pragma GCC target("avx512f,avx512dq,avx2,fma")
#include <immintrin.h>

typedef __m512d vec;
typedef __mmask8 mask;
#define LANES            8
#define KERNELS          spcfw_kernels_avx512
#define TITLE            "avx512"
#define SECONDS_PER_ATOM 0.5e-6

#define v_load(p)     _mm512_load_pd(p)
#define v_store(p, a) _mm512_store_pd(p, a)
#define v_load2(p, q)                                                                              \
    _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_load_pd(p)), _mm256_load_pd(q), 1)
#define v_store2(p, q, a) store2(p, q, a)
#define v_set(a)          _mm512_set1_pd(a)
#define v_add(a, b)       _mm512_add_pd(a, b)
#define v_sub(a, b)       _mm512_sub_pd(a, b)
#define v_mul(a, b)       _mm512_mul_pd(a, b)
#define v_fma(a, b, c)    _mm512_fmadd_pd(a, b, c)
#define v_keep(m, a)      _mm512_maskz_mov_pd(m, a)
#define v_sum(a)          _mm512_reduce_add_pd(a)
#define m_less(a, b)      _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ)
#define v_max(a, b)       _mm512_max_pd(a, b)
#define m_bits(m)         ((unsigned)(m))
#define m_and(a, b)       ((mask)((a) & (b)))

static inline void store2(double *p, double *q, vec a)
{
    _mm256_store_pd(p, _mm512_castpd512_pd256(a));
    _mm256_store_pd(q, _mm512_extractf64x4_pd(a, 1));
}

/* The 14-bit estimate y, then the series of (1 − e)^(−1/2) with e = 1 − s y²: what is left out is
 * of order e⁴ < 2^−52. */
static inline vec v_rsqrt(vec s)
{
    const vec y = _mm512_rsqrt14_pd(s);
    const vec e = _mm512_fnmadd_pd(_mm512_mul_pd(s, y), y, v_set(1.0));
    const vec series = v_fma(v_fma(v_set(0.3125), e, v_set(0.375)), e, v_set(0.5));

    return v_fma(v_mul(y, e), series, y);
}

#include "model/spcfw/spcfw_pair_kernel.h"

#endif
