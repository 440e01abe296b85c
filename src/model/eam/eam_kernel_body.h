/* The text of the two passes, included once per instruction set with EAM_VARIANT(name) defined.
 * Long flat loops over SoA arrays are left to the compiler's vectoriser; short fixed vectors, where
 * a pair's numbers lie side by side, use GCC's vector type, which any target can lower. */
#include "model/eam/eam_kernel.h"

#include <string.h>

/* Unaligned and aliasing views of two and four doubles. */
typedef double vec2 __attribute__((vector_size(16), aligned(8), may_alias));
typedef double vec4 __attribute__((vector_size(32), aligned(8), may_alias));

/* Appends the pairs of row i inside the cutoff behind pair p; returns their end. Every entry is
 * written and only those inside advance the place, which keeps branches out of the loop: a third to
 * a half of the entries lie in the skin, in no order a predictor could learn. */
static int collect_row(const eam_job *job, int i, int p, double *restrict r2)
{
    const mds_neighbor *list = job->list;
    const double *restrict xe = list->xe;
    const int *restrict index = list->index + list->start[i];
    const int *restrict owner = list->owner;
    const int count = list->count[i];
    const double limit = job->cutoff * job->cutoff;
    const vec4 xi = *(const vec4 *)(xe + 4 * (size_t)i);
    double *restrict d = job->pairs.d + 4 * (size_t)p;
    int *restrict j = job->pairs.j + p;
    int kept = 0;

    for (int k = 0; k < count; ++k) {
        const int row = index[k];
        const vec4 delta = *(const vec4 *)(xe + 4 * (size_t)row) - xi;
        const vec4 square = delta * delta;
        const double distance2 = square[0] + square[1] + square[2];

        *(vec4 *)(d + 4 * kept) = delta;
        j[kept] = owner[row];
        r2[kept] = distance2;
        kept += distance2 < limit;
    }
    return p + kept;
}

static void evaluate_sc(const eam_job *job, int n, int count, double *restrict w,
                        double *restrict u)
{
    const eam_sc sc = job->sc;
    const double *restrict r2 = job->pairs.r2;
    double *restrict rho = job->pairs.rho;
    double *restrict phi = job->pairs.phi;

    if (n == 9) {
        for (int k = 0; k < count; ++k) {
            const eam_pair pair = eam_sc_pair(&sc, 9, r2[k]);

            rho[k] = pair.rho, phi[k] = pair.phi, w[k] = pair.w, u[k] = pair.u;
        }
    } else {
        for (int k = 0; k < count; ++k) {
            const eam_pair pair = eam_sc_pair(&sc, 7, r2[k]);

            rho[k] = pair.rho, phi[k] = pair.phi, w[k] = pair.w, u[k] = pair.u;
        }
    }
}

static void evaluate_fs(const eam_job *job, int count, double *restrict w, double *restrict u)
{
    const eam_fs fs = job->fs;
    const double *restrict r2 = job->pairs.r2;
    double *restrict rho = job->pairs.rho;
    double *restrict phi = job->pairs.phi;

    for (int k = 0; k < count; ++k) {
        const eam_pair pair = eam_fs_pair(&fs, r2[k]);

        rho[k] = pair.rho, phi[k] = pair.phi, w[k] = pair.w, u[k] = pair.u;
    }
}

/* r2 → segment of the table, place in it (in `rho`, overwritten later) and 1/r (in `phi`). */
static void locate(const eam_job *job, int count)
{
    const double inverse_dr = job->tables.inverse_dr;
    const int knots = job->tables.nr;
    const double *restrict r2 = job->pairs.r2;
    double *restrict t = job->pairs.rho;
    double *restrict inverse_r = job->pairs.phi;
    int *restrict knot = job->pairs.knot;

    for (int k = 0; k < count; ++k) {
        const double r = sqrt(r2[k]);

        knot[k] = eam_segment(r, inverse_dr, knots, &t[k]);
        inverse_r[k] = 1.0 / r;
    }
}

/* Both cubics of one line at t: (ρ, z) and their slopes per segment. The lanes of a vec2 are the
 * two functions, so that a pair costs four loads, all from one cache line. */
static void interpolate(const double *restrict line, double t, double *restrict value,
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
    const double *restrict line = job->tables.line;
    double *restrict value = pairs->value, *restrict slope = pairs->slope;
    double *restrict rho = pairs->rho, *restrict phi = pairs->phi;

    locate(job, count);
    for (int k = 0; k < count; ++k)
        interpolate(line + EAM_LINE * (size_t)pairs->knot[k], rho[k], value + 2 * k, slope + 2 * k);
    for (int k = 0; k < count; ++k) {
        const double inverse_r = phi[k];

        rho[k] = value[2 * k];
        phi[k] = value[2 * k + 1] * inverse_r;
        w[k] = slope[2 * k] * inverse_dr * inverse_r;
        u[k] = (slope[2 * k + 1] * inverse_dr - phi[k]) * (inverse_r * inverse_r);
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
            const int tj = job->type[pairs->j[p]], k = p - base;
            const size_t at = EAM_LINE * (size_t)pairs->knot[k];
            const double *here = tables->line + size * (size_t)(ti * tables->types + tj) + at;
            const double *there = tables->line + size * (size_t)(tj * tables->types + ti) + at;
            const double t = pairs->rho[k], inverse_r = pairs->phi[k];
            const double scale = tables->inverse_dr * inverse_r;
            double value[2], slope[2];

            interpolate(there, t, value, slope);
            pairs->rho_j[k] = value[0];
            pairs->w_j[p] = slope[0] * scale;
            interpolate(here, t, value, slope);
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

/* ρ to both ends of each pair of the rows. */
static void add_densities(const eam_job *job, int first, int last)
{
    const eam_pairs *pairs = &job->pairs;
    const int base = pairs->first[first];
    const double *restrict here = pairs->rho;
    const double *restrict there = job->tables.types > 1 ? pairs->rho_j : pairs->rho;
    double *restrict rho = job->rho;

    for (int i = first; i < last; ++i) {
        const int begin = pairs->first[i] - base, end = pairs->first[i + 1] - base;
        const int *restrict j = pairs->j + base;

        for (int k = begin; k < end; ++k)
            rho[j[k]] += there[k];
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
            pairs->first[i + 1] = p = collect_row(job, i, p, pairs->r2 + (p - base));
        const int count = pairs->first[last] - base;
        if (job->form == EAM_FORM_SC)
            evaluate_sc(job, job->sc.n, count, pairs->w + base, pairs->u + base);
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

/* g = E'(r)/r of each pair of row i, over `u`: F'_i w + F'_j w_j + u. */
static void weigh_row(const eam_job *job, int i)
{
    const eam_pairs *pairs = &job->pairs;
    const int *restrict j = pairs->j;
    const double *restrict dF = job->dF;
    const double *restrict w = pairs->w, *restrict w_j = pairs->w_j;
    double *restrict u = pairs->u;
    const double own = dF[i];

    if (job->tables.types > 1) {
        for (int p = pairs->first[i]; p < pairs->first[i + 1]; ++p)
            u[p] += own * w[p] + dF[j[p]] * w_j[p];
    } else {
        for (int p = pairs->first[i]; p < pairs->first[i + 1]; ++p)
            u[p] += (own + dF[j[p]]) * w[p];
    }
}

/* W_ab = −Σ g d_a d_b. */
static void sum_virial(const eam_job *job, double virial[6])
{
    const eam_pairs *pairs = &job->pairs;
    vec4 square = {0.0}, cross = {0.0};

    for (int p = 0; p < pairs->first[job->list->n]; ++p) {
        const vec4 d = *(const vec4 *)(pairs->d + 4 * (size_t)p);
        const vec4 turned = {d[1], d[2], d[0], 0.0};
        const vec4 scaled = d * pairs->u[p];

        square += scaled * d;
        cross += scaled * turned; /* xy yz zx */
    }
    for (int a = 0; a < 3; ++a)
        virial[a] = -square[a];
    virial[3] = -cross[0];
    virial[4] = -cross[2];
    virial[5] = -cross[1];
}

void EAM_VARIANT(eam_forces)(eam_job *job, bool want_virial)
{
    const int n = job->list->n;
    const eam_pairs *pairs = &job->pairs;
    const double *restrict d = pairs->d;
    const double *restrict g = pairs->u;
    const int *restrict j = pairs->j;
    double *restrict fe = job->fe;

    memset(fe, 0, 4 * (size_t)n * sizeof *fe);
    for (int i = 0; i < n; ++i) {
        vec4 own = {0.0};

        weigh_row(job, i);
        for (int p = pairs->first[i]; p < pairs->first[i + 1]; ++p) {
            const vec4 pull = *(const vec4 *)(d + 4 * (size_t)p) * g[p];
            vec4 *const other = (vec4 *)(fe + 4 * (size_t)j[p]);

            *other -= pull;
            own += pull;
        }
        *(vec4 *)(fe + 4 * (size_t)i) += own;
    }
    if (want_virial)
        sum_virial(job, job->virial);
}
