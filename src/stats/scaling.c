#include "stats/stats.h"

#include "base/rng.h"
#include "stats/order.h"

#include <math.h>
#include <stdlib.h>

/* The exponent is searched between these; a fit that ends at a bound says that the data do not
 * tell. */
static const double exponent_min = 0.0, exponent_max = 4.0;

enum { GRID = 41, GOLDEN_STEPS = 40, RESAMPLES = 400 };

typedef struct curve {
    double t0, a, b;
} curve;

typedef struct problem {
    const double *log_n, *t; /* (count); log of n over the geometric mean of all n */
    const double *weight;    /* (count) 1/t² of the data: relative errors are what is alike */
    int count;
    bool offset; /* fit t0 too */
} problem;

/* Least squares of t0 and a for given b, with t0 ≥ 0 (a fixed cost cannot be negative) and a ≥ 0.
 * Returns the weighted sum of squared residuals. */
static double solve_linear(const problem *p, double b, double *t0, double *a)
{
    double sw = 0.0, su = 0.0, suu = 0.0, st = 0.0, sut = 0.0;

    for (int i = 0; i < p->count; ++i) {
        const double w = p->weight[i], u = exp(b * p->log_n[i]), t = p->t[i];

        sw += w;
        su += w * u;
        suu += w * u * u;
        st += w * t;
        sut += w * u * t;
    }

    const double determinant = sw * suu - su * su;

    *t0 = 0.0;
    *a = sut / suu;
    if (p->offset) {
        /* b near 0 makes the columns alike; then the power alone says as much. */
        if (determinant > 1e-12 * sw * suu) {
            *t0 = (st * suu - su * sut) / determinant;
            *a = (sw * sut - su * st) / determinant;
        }
        if (*a < 0.0) {
            *a = 0.0;
            *t0 = st / sw;
        } else if (*t0 < 0.0) {
            *t0 = 0.0;
            *a = sut / suu;
        }
    }

    double squares = 0.0;

    for (int i = 0; i < p->count; ++i) {
        const double r = p->t[i] - *t0 - *a * exp(b * p->log_n[i]);

        squares += p->weight[i] * r * r;
    }
    return squares;
}

/* The sum of squares as a function of b may have two valleys (one of them at a bound), so a grid
 * finds the valley and the golden section its floor. */
static curve fit(const problem *p)
{
    const double golden = 0.6180339887498949;
    const double spacing = (exponent_max - exponent_min) / (GRID - 1);
    double best = INFINITY, t0, a;
    int at = 0;

    for (int i = 0; i < GRID; ++i) {
        const double squares = solve_linear(p, exponent_min + i * spacing, &t0, &a);

        if (squares < best) {
            best = squares;
            at = i;
        }
    }

    double lo = exponent_min + (at > 0 ? at - 1 : 0) * spacing;
    double hi = exponent_min + (at < GRID - 1 ? at + 1 : at) * spacing;
    double left = hi - golden * (hi - lo), right = lo + golden * (hi - lo);
    double f_left = solve_linear(p, left, &t0, &a), f_right = solve_linear(p, right, &t0, &a);

    for (int i = 0; i < GOLDEN_STEPS; ++i) {
        if (f_left <= f_right) {
            hi = right;
            right = left;
            f_right = f_left;
            left = hi - golden * (hi - lo);
            f_left = solve_linear(p, left, &t0, &a);
        } else {
            lo = left;
            left = right;
            f_left = f_right;
            right = lo + golden * (hi - lo);
            f_right = solve_linear(p, right, &t0, &a);
        }
    }

    curve out = {.b = 0.5 * (lo + hi)};

    solve_linear(p, out.b, &out.t0, &out.a);
    return out;
}

static double value(const problem *p, const curve *c, int i)
{
    return c->t0 + c->a * exp(c->b * p->log_n[i]);
}

/* Weighted coefficient of determination. */
static double determination(const problem *p, const curve *c)
{
    double sw = 0.0, st = 0.0, squares = 0.0, total = 0.0;

    for (int i = 0; i < p->count; ++i) {
        sw += p->weight[i];
        st += p->weight[i] * p->t[i];
    }
    for (int i = 0; i < p->count; ++i) {
        const double r = p->t[i] - value(p, c, i), d = p->t[i] - st / sw;

        squares += p->weight[i] * r * r;
        total += p->weight[i] * d * d;
    }
    return total > 0.0 ? 1.0 - squares / total : NAN;
}

/* The residual bootstrap (Efron 1979): relative residuals, widened by √(count/(count − parameters))
 * for the freedom that the fit has used up, are dealt again to the fitted values. Random numbers
 * are counter-based with a fixed seed: the same points give the same interval. */
static mds_status bootstrap(const problem *p, const curve *c, int parameters, double *lo,
                            double *hi)
{
    *lo = *hi = NAN;
    if (p->count <= parameters)
        return MDS_OK;

    const size_t count = (size_t)p->count;
    double *memory = malloc((3 * count + RESAMPLES) * sizeof *memory);

    if (!memory)
        return mds_fail(MDS_ERR_NOMEM, "scaling fit: no memory for %d points", p->count);

    double *residual = memory, *t = memory + count, *weight = t + count, *b = weight + count;
    const double widen = sqrt((double)p->count / (double)(p->count - parameters));
    const problem again = {p->log_n, t, weight, p->count, p->offset};

    for (size_t i = 0; i < count; ++i) {
        const double fitted = value(p, c, (int)i);

        residual[i] = widen * (p->t[i] - fitted) / fitted;
    }
    for (uint32_t k = 0; k < RESAMPLES; ++k) {
        for (size_t i = 0; i < count; ++i) {
            const mds_philox_block block = mds_philox(20251123, k, i);
            const size_t j = (size_t)(mds_uniform(block.word[0], block.word[1]) * (double)count);
            const double factor = 1.0 + residual[j];

            t[i] = value(p, c, (int)i) * (factor > 0.01 ? factor : 0.01);
            weight[i] = 1.0 / (t[i] * t[i]);
        }
        b[k] = fit(&again).b;
    }
    mds_sort(b, RESAMPLES);
    *lo = mds_stats_percentile_sorted(b, RESAMPLES, 2.5);
    *hi = mds_stats_percentile_sorted(b, RESAMPLES, 97.5);
    free(memory);
    return MDS_OK;
}

static int distinct(double *sorted, int count)
{
    int different = count > 0;

    mds_sort(sorted, (size_t)count);
    for (int i = 1; i < count; ++i)
        different += sorted[i] > sorted[i - 1];
    return different;
}

mds_status mds_stats_scaling(const double *n, const double *t, int count, mds_scaling *out)
{
    *out = (mds_scaling){.t0 = NAN, .a = NAN, .b = NAN, .b_lo = NAN, .b_hi = NAN, .r2 = NAN};
    if (count <= 0)
        return MDS_OK;

    double *memory = malloc(4 * (size_t)count * sizeof *memory);

    if (!memory)
        return mds_fail(MDS_ERR_NOMEM, "scaling fit: no memory for %d points", count);

    double *log_n = memory, *time = log_n + count, *weight = time + count, *sorted = weight + count;
    problem p = {.log_n = log_n, .t = time, .weight = weight};
    double center = 0.0;
    mds_status status = MDS_OK;

    for (int i = 0; i < count; ++i) {
        if (!(n[i] > 0.0) || !(t[i] > 0.0) || !isfinite(n[i]) || !isfinite(t[i]))
            continue; /* a case that failed has no time */
        log_n[p.count] = log(n[i]);
        center += log_n[p.count];
        time[p.count] = t[i];
        weight[p.count] = 1.0 / (t[i] * t[i]);
        sorted[p.count] = n[i];
        p.count++;
    }
    out->points = p.count;

    const int sizes = distinct(sorted, p.count);

    if (sizes >= 2) {
        /* Centred logarithms keep N^b of order one for every b. */
        center /= p.count;
        for (int i = 0; i < p.count; ++i)
            log_n[i] -= center;
        p.offset = sizes >= 4;

        const curve best = fit(&p);

        out->t0 = best.t0;
        out->a = best.a * exp(-best.b * center);
        out->b = best.b;
        out->r2 = determination(&p, &best);
        status = bootstrap(&p, &best, p.offset ? 3 : 2, &out->b_lo, &out->b_hi);
    }
    free(memory);
    return status;
}
