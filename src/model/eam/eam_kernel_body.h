/* The text of the two passes, included once per instruction set with EAM_VARIANT(name) defined.
 * Long flat loops over SoA arrays are left to the compiler's vectoriser; short fixed vectors, where
 * a pair's numbers lie side by side, use GCC's vector type, which any target can lower. Two loops
 * that no compiler finds, compaction and reciprocal roots, have an AVX-512 text of their own. */
#include "model/eam/eam_kernel.h"

#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

/* Unaligned and aliasing views of two and four doubles. */
typedef double vec2 __attribute__((vector_size(16), aligned(8), may_alias));
typedef double vec4 __attribute__((vector_size(32), aligned(8), may_alias));

#ifdef __AVX512F__

/* Squared distances of eight rows of xe from xi (twice the same four numbers). Two rows share a
 * register; sums across it are put off until two unpackings have brought four rows together. */
static inline __m512d square_distances(const double *xe, const int *index, __m512d xi)
{
    const __m512i xy = _mm512_setr_epi64(0, 4, 1, 5, 8, 12, 9, 13);
    const __m512i z = _mm512_setr_epi64(2, 6, 3, 7, 10, 14, 11, 15);
    __m512d half[2];

    for (int k = 0; k < 2; ++k) {
        const int *i = index + 4 * k;
        __m512d a = _mm512_castpd256_pd512(_mm256_loadu_pd(xe + 4 * (size_t)i[0]));
        __m512d b = _mm512_castpd256_pd512(_mm256_loadu_pd(xe + 4 * (size_t)i[2]));

        a = _mm512_insertf64x4(a, _mm256_loadu_pd(xe + 4 * (size_t)i[1]), 1) - xi;
        b = _mm512_insertf64x4(b, _mm256_loadu_pd(xe + 4 * (size_t)i[3]), 1) - xi;
        a *= a;
        b *= b;
        half[k] = _mm512_unpacklo_pd(a, b) + _mm512_unpackhi_pd(a, b);
    }
    return _mm512_permutex2var_pd(half[0], xy, half[1]) +
           _mm512_permutex2var_pd(half[0], z, half[1]);
}

/* Appends the entries of row i inside the cutoff behind pair p, and their squared distances to r2;
 * returns their end. Full registers are stored and only the kept lanes advance the place. */
static int collect_row(const eam_job *job, int i, int p, double *r2)
{
    const mds_neighbor *list = job->list;
    const int *index = list->index + list->start[i];
    const int count = list->count[i];
    const __m512d limit = _mm512_set1_pd(job->cutoff * job->cutoff);
    const __m512d xi = _mm512_broadcast_f64x4(_mm256_loadu_pd(list->xe + 4 * (size_t)i));
    int *row = job->pairs.row + p;
    int kept = 0;

    for (int k = 0; k < count; k += 8) {
        int last[8];
        const int *eight = index + k;
        unsigned in_row = 0xFF;

        if (count - k < 8) { /* the rest of the row, filled up with the atom itself */
            for (int l = 0; l < 8; ++l)
                last[l] = k + l < count ? index[k + l] : i;
            eight = last;
            in_row = (1u << (count - k)) - 1u;
        }
        const __m512d distance2 = square_distances(list->xe, eight, xi);
        const __mmask8 inside =
            (__mmask8)(in_row & _mm512_cmp_pd_mask(distance2, limit, _CMP_LT_OQ));

        _mm512_storeu_pd(r2 + kept, _mm512_maskz_compress_pd(inside, distance2));
        _mm256_storeu_si256(
            (__m256i *)(row + kept),
            _mm256_maskz_compress_epi32(inside, _mm256_loadu_si256((const __m256i *)eight)));
        kept += __builtin_popcount(inside);
    }
    return p + kept;
}

/* r2 → r and 1/r. The 14-bit estimate doubles its digits twice; the result is within 2 units in the
 * last place, for a third of the time that a root and a division take. Coincident atoms get r = 0,
 * which is a place in a table, and 1/r = NaN, which reaches the energy. */
static void take_roots(const eam_job *job, int count)
{
    double *r = job->pairs.r, *inverse_r = job->pairs.inverse_r;
    const __m512d half = _mm512_set1_pd(0.5), one = _mm512_set1_pd(1.0);
    const __m512d zero = _mm512_setzero_pd();

    for (int k = 0; k < count; k += 8) {
        const __m512d x = _mm512_loadu_pd(r + k);
        __m512d y = _mm512_rsqrt14_pd(x);

        for (int step = 0; step < 2; ++step) {
            const __m512d error = one - x * y * y;

            y += half * y * error;
        }
        _mm512_storeu_pd(inverse_r + k, y);
        _mm512_storeu_pd(r + k, _mm512_maskz_mul_pd(_mm512_cmp_pd_mask(x, zero, _CMP_GT_OQ), x, y));
    }
}

#else

/* Appends the entries of row i inside the cutoff behind pair p, and their squared distances to r2;
 * returns their end. Every entry is written and only those inside advance the place, which keeps
 * branches out of the loop: a third of the entries lie in the skin, in no order that a predictor
 * could learn. */
static int collect_row(const eam_job *job, int i, int p, double *restrict r2)
{
    const mds_neighbor *list = job->list;
    const double *restrict xe = list->xe;
    const int *restrict index = list->index + list->start[i];
    const int count = list->count[i];
    const double limit = job->cutoff * job->cutoff;
    const vec4 xi = *(const vec4 *)(xe + 4 * (size_t)i);
    int *restrict row = job->pairs.row + p;
    int kept = 0;

    for (int k = 0; k < count; ++k) {
        const vec4 d = *(const vec4 *)(xe + 4 * (size_t)index[k]) - xi;
        const vec4 square = d * d;
        const double distance2 = square[0] + square[1] + square[2];

        row[kept] = index[k];
        r2[kept] = distance2;
        kept += distance2 < limit;
    }
    return p + kept;
}

/* r2 → r and 1/r. */
static void take_roots(const eam_job *job, int count)
{
    double *restrict r = job->pairs.r, *restrict inverse_r = job->pairs.inverse_r;

    for (int k = 0; k < count; ++k) {
        r[k] = sqrt(r[k]);
        inverse_r[k] = 1.0 / r[k];
    }
}

#endif

/* The formulas over the `count` pairs of a block; w and u go to the pairs' own places. */
static inline void evaluate_sc(const eam_job *job, int n, int count, double *restrict w,
                               double *restrict u)
{
    const eam_sc sc = job->sc;
    const double *restrict r = job->pairs.r, *restrict inverse_r = job->pairs.inverse_r;
    double *restrict rho = job->pairs.rho, *restrict phi = job->pairs.phi;

    for (int k = 0; k < count; ++k) {
        const eam_pair pair = eam_sc_pair(&sc, n, r[k], inverse_r[k]);

        rho[k] = pair.rho, phi[k] = pair.phi, w[k] = pair.w, u[k] = pair.u;
    }
}

static void evaluate_fs(const eam_job *job, int count, double *restrict w, double *restrict u)
{
    const eam_fs fs = job->fs;
    const double *restrict r = job->pairs.r, *restrict inverse_r = job->pairs.inverse_r;
    double *restrict rho = job->pairs.rho, *restrict phi = job->pairs.phi;

    for (int k = 0; k < count; ++k) {
        const eam_pair pair = eam_fs_pair(&fs, r[k], inverse_r[k]);

        rho[k] = pair.rho, phi[k] = pair.phi, w[k] = pair.w, u[k] = pair.u;
    }
}

/* r → segment of the table, and the place in it (over r). */
static void locate(const eam_job *job, int count)
{
    const double inverse_dr = job->tables.inverse_dr;
    const int knots = job->tables.nr;
    double *restrict r = job->pairs.r;
    int *restrict knot = job->pairs.knot;

    for (int k = 0; k < count; ++k)
        knot[k] = eam_segment(r[k], inverse_dr, knots, &r[k]);
}

/* Both cubics of one line at t: (ρ, z) and their slopes per segment. The lanes of a vec2 are the
 * two functions, so that a pair costs four loads, all from one cache line. */
static inline void interpolate(const double *restrict line, double t, double *restrict value,
                               double *restrict slope)
{
    const vec2 c3 = *(const vec2 *)line, c2 = *(const vec2 *)(line + 2);
    const vec2 c1 = *(const vec2 *)(line + 4), c0 = *(const vec2 *)(line + 6);
    const vec2 b2 = c3 * t + c2;
    const vec2 b1 = b2 * t + c1;

    *(vec2 *)value = b1 * t + c0;
    *(vec2 *)slope = (c3 * t + b2) * t + b1;
}

static void evaluate_table(const eam_job *job, int count, double *restrict w, double *restrict u)
{
    const eam_pairs *pairs = &job->pairs;
    const double inverse_dr = job->tables.inverse_dr;
    const double *restrict line = job->tables.line, *restrict t = pairs->r;
    const double *restrict inverse_r = pairs->inverse_r;
    const int *restrict knot = pairs->knot;
    double *restrict value = pairs->value, *restrict slope = pairs->slope;
    double *restrict rho = pairs->rho, *restrict phi = pairs->phi;

    locate(job, count);
    for (int k = 0; k < count; ++k)
        interpolate(line + EAM_LINE * (size_t)knot[k], t[k], value + 2 * k, slope + 2 * k);
    for (int k = 0; k < count; ++k) {
        rho[k] = value[2 * k];
        phi[k] = value[2 * k + 1] * inverse_r[k];
        w[k] = slope[2 * k] * inverse_dr * inverse_r[k];
        u[k] = (slope[2 * k + 1] * inverse_dr - phi[k]) * (inverse_r[k] * inverse_r[k]);
    }
}

/* Several types: the two densities of a pair come from two lines. Rows first … last − 1. */
static void evaluate_mixed(const eam_job *job, int first, int last)
{
    const eam_tables *tables = &job->tables;
    const eam_pairs *pairs = &job->pairs;
    const size_t size = EAM_LINE * (size_t)tables->nr;
    const int base = pairs->first[first];

    locate(job, pairs->first[last] - base);
    for (int i = first; i < last; ++i) {
        const int ti = job->type[i];

        for (int p = pairs->first[i]; p < pairs->first[i + 1]; ++p) {
            const int tj = job->type[job->list->owner[pairs->row[p]]], k = p - base;
            const size_t at = EAM_LINE * (size_t)pairs->knot[k];
            const double *here = tables->line + size * (size_t)(ti * tables->types + tj) + at;
            const double *there = tables->line + size * (size_t)(tj * tables->types + ti) + at;
            const double inverse_r = pairs->inverse_r[k];
            const double scale = tables->inverse_dr * inverse_r;
            double value[2], slope[2];

            interpolate(there, pairs->r[k], value, slope);
            pairs->rho_j[k] = value[0];
            pairs->w_j[p] = slope[0] * scale;
            interpolate(here, pairs->r[k], value, slope);
            pairs->rho[k] = value[0];
            pairs->w[p] = slope[0] * scale;
            pairs->phi[k] = value[1] * inverse_r;
            pairs->u[p] = (slope[1] * tables->inverse_dr - pairs->phi[k]) * (inverse_r * inverse_r);
        }
    }
}

static double sum(const double *values, int count)
{
    vec4 part = {0.0}, other = {0.0};
    double rest = 0.0;
    int k = 0;

    for (; k + 8 <= count; k += 8) {
        part += *(const vec4 *)(values + k);
        other += *(const vec4 *)(values + k + 4);
    }
    for (; k < count; ++k)
        rest += values[k];
    part += other;
    return (part[0] + part[1]) + (part[2] + part[3]) + rest;
}

/* ρ to both ends of each pair of the rows. The owners found on the way are kept for pass 2. */
static void add_densities(const eam_job *job, int first, int last)
{
    const eam_pairs *pairs = &job->pairs;
    const int base = pairs->first[first];
    const int *restrict owner = job->list->owner, *restrict row = pairs->row + base;
    int *restrict j = pairs->j + base;
    const double *restrict here = pairs->rho;
    const double *restrict there = job->tables.types > 1 ? pairs->rho_j : pairs->rho;
    double *restrict rho = job->rho;

    for (int i = first; i < last; ++i) {
        const int begin = pairs->first[i] - base, end = pairs->first[i + 1] - base;

#pragma GCC unroll 4
        for (int k = begin; k < end; ++k) {
            j[k] = owner[row[k]];
            rho[j[k]] += there[k];
        }
        rho[i] += sum(here + begin, end - begin);
    }
}

void EAM_VARIANT(eam_density)(eam_job *job)
{
    const int n = job->list->n;
    const eam_pairs *pairs = &job->pairs;

    memset(job->rho, 0, (size_t)n * sizeof *job->rho);
    job->pair_energy = 0.0;
    pairs->first[0] = 0;
    for (int first = 0; first < n; first += EAM_BLOCK_ROWS) {
        const int last = first + EAM_BLOCK_ROWS < n ? first + EAM_BLOCK_ROWS : n;
        const int base = pairs->first[first];

        for (int i = first, p = base; i < last; ++i)
            pairs->first[i + 1] = p = collect_row(job, i, p, pairs->r + (p - base));
        const int count = pairs->first[last] - base;
        take_roots(job, count);
        if (job->form == EAM_FORM_SC && job->sc.n == 9)
            evaluate_sc(job, 9, count, pairs->w + base, pairs->u + base);
        else if (job->form == EAM_FORM_SC)
            evaluate_sc(job, 7, count, pairs->w + base, pairs->u + base);
        else if (job->form == EAM_FORM_FS)
            evaluate_fs(job, count, pairs->w + base, pairs->u + base);
        else if (job->tables.types == 1)
            evaluate_table(job, count, pairs->w + base, pairs->u + base);
        else
            evaluate_mixed(job, first, last);
        job->pair_energy += sum(pairs->phi, count);
        add_densities(job, first, last);
    }
}

/* What the pairs of one parity add to their atom i: −f_i, and −W as Σ g d_a d_a in `square` and
 * xy yz zx in `cross`. Two of them alternate, because a sum that waits for itself at every pair
 * would take as long as all the rest. */
typedef struct pull_sums {
    vec4 own, square, cross;
} pull_sums;

/* Pair p: g = F'_i w + F'_j w_j + u = E'(r)/r; f_i = g d, f_j = −g d. */
static inline __attribute__((always_inline)) void
pull_pair(const eam_job *job, int i, int p, bool mixed, bool want_virial, pull_sums *sums)
{
    const eam_pairs *pairs = &job->pairs;
    const int j = pairs->j[p];
    const vec4 d = *(const vec4 *)(job->list->xe + 4 * (size_t)pairs->row[p]) -
                   *(const vec4 *)(job->list->xe + 4 * (size_t)i);
    const double F_i = job->dF[i], F_j = job->dF[j], w = pairs->w[p];
    const double g = pairs->u[p] + (mixed ? F_i * w + F_j * pairs->w_j[p] : (F_i + F_j) * w);
    const vec4 pull = d * g;

    *(vec4 *)(job->fe + 4 * (size_t)j) -= pull;
    sums->own += pull;
    if (want_virial) {
        const vec4 turned = {d[1], d[2], d[0], 0.0};

        /* Not pull · d: with another use of `pull` its sums would not be contracted, and the forces
         * of a step with virial would differ in the last bit from those of one without. */
        sums->square += d * d * g;
        sums->cross += d * turned * g;
    }
}

static inline __attribute__((always_inline)) void add_forces(eam_job *shared, bool mixed,
                                                             bool want_virial)
{
    const eam_job local = *shared; /* so that stores to forces cannot seem to change it */
    const eam_job *job = &local;
    pull_sums even = {0}, odd = {0};

    for (int i = 0; i < job->list->n; ++i) {
        const int end = job->pairs.first[i + 1];
        int p = job->pairs.first[i];

        even.own = odd.own = (vec4){0.0};
        for (; p + 2 <= end; p += 2) {
            pull_pair(job, i, p, mixed, want_virial, &even);
            pull_pair(job, i, p + 1, mixed, want_virial, &odd);
        }
        if (p < end)
            pull_pair(job, i, p, mixed, want_virial, &even);
        *(vec4 *)(job->fe + 4 * (size_t)i) += even.own + odd.own;
    }
    even.square += odd.square;
    even.cross += odd.cross;
    for (int a = 0; a < 3; ++a)
        shared->virial[a] = -even.square[a];
    shared->virial[3] = -even.cross[0];
    shared->virial[4] = -even.cross[2];
    shared->virial[5] = -even.cross[1];
}

void EAM_VARIANT(eam_forces)(eam_job *job, bool want_virial)
{
    memset(job->fe, 0, 4 * (size_t)job->list->n * sizeof *job->fe);
    if (job->tables.types > 1 && want_virial)
        add_forces(job, true, true);
    else if (job->tables.types > 1)
        add_forces(job, true, false);
    else if (want_virial)
        add_forces(job, false, true);
    else
        add_forces(job, false, false);
}
