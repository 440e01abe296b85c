#include "md/neighbor_collect.h"

#include <stddef.h>

/* No branch depends on the distance: hits and misses alternate unpredictably. */
static int collect_plain(const double *px, const double *py, const double *pz, int first, int last,
                         const double centre[3], double limit, int *hits, int count)
{
    const double x = centre[0], y = centre[1], z = centre[2];

    for (int k = first; k < last; ++k) {
        const double dx = px[k] - x, dy = py[k] - y, dz = pz[k] - z;

        hits[count] = k;
        count += dx * dx + dy * dy + dz * dz <= limit;
    }
    return count;
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

__attribute__((target("avx512f,avx512vl"))) static int
collect_avx512(const double *px, const double *py, const double *pz, int first, int last,
               const double centre[3], double limit, int *hits, int count)
{
    const __m512d x = _mm512_set1_pd(centre[0]), y = _mm512_set1_pd(centre[1]);
    const __m512d z = _mm512_set1_pd(centre[2]), most = _mm512_set1_pd(limit);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);

    for (int k = first; k < last; k += 8) {
        const __mmask8 here = last - k >= 8 ? 0xFF : (__mmask8)((1u << (last - k)) - 1u);
        const __m512d dx = _mm512_sub_pd(_mm512_maskz_loadu_pd(here, px + k), x);
        const __m512d dy = _mm512_sub_pd(_mm512_maskz_loadu_pd(here, py + k), y);
        const __m512d dz = _mm512_sub_pd(_mm512_maskz_loadu_pd(here, pz + k), z);
        const __m512d square = _mm512_add_pd(
            _mm512_add_pd(_mm512_mul_pd(dx, dx), _mm512_mul_pd(dy, dy)), _mm512_mul_pd(dz, dz));
        const __mmask8 near = _mm512_mask_cmp_pd_mask(here, square, most, _CMP_LE_OQ);
        const __m256i places = _mm256_add_epi32(_mm256_set1_epi32(k), lanes);

        _mm256_storeu_si256((__m256i *)(hits + count), _mm256_maskz_compress_epi32(near, places));
        count += __builtin_popcount(near);
    }
    return count;
}

/* Lane numbers of the set bits of a mask of four, then anything. */
static const int packed[16][4] = {
    {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {2, 0, 0, 0}, {0, 2, 0, 0},
    {1, 2, 0, 0}, {0, 1, 2, 0}, {3, 0, 0, 0}, {0, 3, 0, 0}, {1, 3, 0, 0}, {0, 1, 3, 0},
    {2, 3, 0, 0}, {0, 2, 3, 0}, {1, 2, 3, 0}, {0, 1, 2, 3},
};

__attribute__((target("avx2,popcnt"))) static int collect_avx2(const double *px, const double *py,
                                                               const double *pz, int first,
                                                               int last, const double centre[3],
                                                               double limit, int *hits, int count)
{
    const __m256d x = _mm256_set1_pd(centre[0]), y = _mm256_set1_pd(centre[1]);
    const __m256d z = _mm256_set1_pd(centre[2]), most = _mm256_set1_pd(limit);
    int k = first;

    for (; k + 4 <= last; k += 4) {
        const __m256d dx = _mm256_sub_pd(_mm256_loadu_pd(px + k), x);
        const __m256d dy = _mm256_sub_pd(_mm256_loadu_pd(py + k), y);
        const __m256d dz = _mm256_sub_pd(_mm256_loadu_pd(pz + k), z);
        const __m256d square = _mm256_add_pd(
            _mm256_add_pd(_mm256_mul_pd(dx, dx), _mm256_mul_pd(dy, dy)), _mm256_mul_pd(dz, dz));
        const int near = _mm256_movemask_pd(_mm256_cmp_pd(square, most, _CMP_LE_OQ));
        const __m128i lanes = _mm_loadu_si128((const __m128i *)packed[near]);

        _mm_storeu_si128((__m128i *)(hits + count), _mm_add_epi32(_mm_set1_epi32(k), lanes));
        count += __builtin_popcount((unsigned)near);
    }
    return collect_plain(px, py, pz, k, last, centre, limit, hits, count);
}

void mds_neighbor_collect_versions(mds_neighbor_collect **out, int most)
{
    int count = 0;

    __builtin_cpu_init();
    if (count + 1 < most && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        out[count++] = collect_avx512;
    if (count + 1 < most && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
        out[count++] = collect_avx2;
    if (count + 1 < most)
        out[count++] = collect_plain;
    out[count] = NULL;
}
#else
void mds_neighbor_collect_versions(mds_neighbor_collect **out, int most)
{
    if (most > 1)
        *out++ = collect_plain;
    *out = NULL;
}
#endif
