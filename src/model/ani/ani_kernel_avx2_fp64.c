/* 256-bit vectors of float64; sixteen registers hold sums of four outputs. Nothing here may run
 * before ani_kernel_find() has asked the processor. */
#include "base/units.h"
#include "model/ani/ani_kernel.h"

#ifdef __x86_64__

#pragma GCC target("avx2,fma")
#include <immintrin.h>

#define REAL_BITS    64
#define VECTOR_BYTES 32
#define TILE_ROWS    4
#define KERNEL       "avx2"
#define NAME(x)      x##_avx2_fp64
#define V_MAX(a, b)  ((vec)_mm256_max_pd((__m256d)(a), (__m256d)(b)))
#define V_MIN(a, b)  ((vec)_mm256_min_pd((__m256d)(a), (__m256d)(b)))
#define V_RCP(x)     ((REAL)1 / (x))
#define V_RSQRT(x)   ((REAL)1 / (vec)_mm256_sqrt_pd((__m256d)(x)))
#define V_SUM(x)     sum_of((__m256d)(x))

static inline double sum_of(__m256d x)
{
    const __m128d s = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));

    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

extern const ani_kernel ani_kernel_avx2_fp64;

#include "model/ani/ani_vector_body.h"

#include "model/ani/ani_filter_body.h"

#include "model/ani/ani_descriptor_body.h"

#include "model/ani/ani_network_body.h"

#endif
