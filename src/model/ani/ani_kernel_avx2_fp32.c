/* 256-bit vectors of float32; sixteen registers hold sums of four outputs. Nothing here may run
 * before ani_kernel_find() has asked the processor. */
#include "base/units.h"
#include "model/ani/ani_kernel.h"

#ifdef __x86_64__

#pragma GCC target("avx2,fma")
#include <immintrin.h>

#define REAL_BITS    32
#define VECTOR_BYTES 32
#define TILE_ROWS    4
#define KERNEL       "avx2"
#define NAME(x)      x##_avx2_fp32
#define V_MAX(a, b)  ((vec)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define V_MIN(a, b)  ((vec)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define V_RCP(x)     ((REAL)1 / (x))
#define V_RSQRT(x)   ((REAL)1 / (vec)_mm256_sqrt_ps((__m256)(x)))
#define V_SUM(x)     sum_of((__m256)(x))

static inline float sum_of(__m256 x)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));

    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

extern const ani_kernel ani_kernel_avx2_fp32;

#include "model/ani/ani_vector_body.h"

#include "model/ani/ani_filter_body.h"

#include "model/ani/ani_descriptor_body.h"

#include "model/ani/ani_network_body.h"

#endif
