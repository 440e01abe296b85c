#include "md/box.h"

#include "md/box_math.h"

#include <float.h>
#include <math.h>
#include <string.h>

static double norm(const double a[3])
{
    return sqrt(mds_dot3(a, a));
}

static bool is_zero(const double a[3])
{
    return a[0] == 0.0 && a[1] == 0.0 && a[2] == 0.0;
}

/* A unit vector at right angles to `a`. */
static void any_normal(const double a[3], double out[3])
{
    const int least = fabs(a[0]) <= fabs(a[1]) ? (fabs(a[0]) <= fabs(a[2]) ? 0 : 2)
                                               : (fabs(a[1]) <= fabs(a[2]) ? 1 : 2);
    double axis[3] = {0.0, 0.0, 0.0};

    axis[least] = 1.0;
    mds_cross3(a, axis, out);
    const double length = norm(out);
    for (int k = 0; k < 3; ++k)
        out[k] /= length;
}

/* Gives every zero vector a length of 1 Å across the others. */
static void complete(double h[3][3])
{
    int zeros = 0;

    for (int k = 0; k < 3; ++k)
        zeros += is_zero(h[k]);
    if (zeros == 3) {
        for (int k = 0; k < 3; ++k)
            h[k][k] = 1.0;
        return;
    }
    for (int k = 0; k < 3 && zeros > 0; ++k) {
        double *a = h[(k + 1) % 3], *b = h[(k + 2) % 3];

        if (!is_zero(h[k]))
            continue;
        if (is_zero(a) || is_zero(b)) {
            any_normal(is_zero(a) ? b : a, h[k]);
        } else {
            mds_cross3(a, b, h[k]);
            const double length = norm(h[k]);
            for (int c = 0; c < 3 && length > 0.0; ++c)
                h[k][c] /= length;
        }
        --zeros;
    }
}

mds_status mds_box_set(mds_box *box, const double h[3][3], const bool periodic[3])
{
    static const char name[3] = {'a', 'b', 'c'};
    double across[3][3];
    mds_box set = {0};

    memcpy(set.h, h, sizeof set.h);
    memcpy(set.periodic, periodic, sizeof set.periodic);
    for (int k = 0; k < 3; ++k) {
        for (int c = 0; c < 3; ++c)
            if (!isfinite(h[k][c]))
                return mds_fail(MDS_ERR_CONFIG, "cell vector %c has a component that is not finite",
                                name[k]);
        if (periodic[k] && is_zero(h[k]))
            return mds_fail(MDS_ERR_CONFIG, "cell vector %c is zero but its direction is periodic",
                            name[k]);
    }
    complete(set.h);
    const double det = mds_box_invert((const double(*)[3])set.h, set.inverse, across);
    /* Relative to a cuboid of the same edges; 1e-9 is far beyond any cell that means something. */
    if (!(fabs(det) > 1e-9 * norm(set.h[0]) * norm(set.h[1]) * norm(set.h[2])) || det == 0.0)
        return mds_fail(MDS_ERR_CONFIG, "the cell is singular: its vectors lie in one plane");
    for (int k = 0; k < 3; ++k)
        set.height[k] = fabs(det) / norm(across[k]);
    if (!isfinite(det) || !isfinite(set.height[0] + set.height[1] + set.height[2]))
        return mds_fail(MDS_ERR_CONFIG, "the cell is too large or too small for arithmetic");
    set.volume = periodic[0] && periodic[1] && periodic[2] ? fabs(det) : 0.0;
    *box = set;
    return MDS_OK;
}

mds_status mds_box_set_orthogonal(mds_box *box, double a, double b, double c)
{
    const double h[3][3] = {{a, 0.0, 0.0}, {0.0, b, 0.0}, {0.0, 0.0, c}};
    const bool periodic[3] = {true, true, true};

    return mds_box_set(box, h, periodic);
}

mds_status mds_box_restrict(const mds_box *box, mds_box *restricted, double q[3][3])
{
    const double *a = box->h[0], *b = box->h[1], *c = box->h[2];
    double e1[3], e2[3], e3[3], h[3][3] = {{0.0}}, turn[3][3];

    /* Gram and Schmidt: e3 follows c, so that a left-handed cell is reflected, not refused. */
    h[0][0] = norm(a);
    for (int k = 0; k < 3; ++k)
        e1[k] = a[k] / h[0][0];
    h[1][0] = mds_dot3(b, e1);
    for (int k = 0; k < 3; ++k)
        e2[k] = b[k] - h[1][0] * e1[k];
    h[1][1] = norm(e2);
    for (int k = 0; k < 3; ++k)
        e2[k] /= h[1][1];
    mds_cross3(e1, e2, e3);
    h[2][0] = mds_dot3(c, e1);
    h[2][1] = mds_dot3(c, e2);
    h[2][2] = mds_dot3(c, e3);
    if (h[2][2] < 0.0) {
        h[2][2] = -h[2][2];
        for (int k = 0; k < 3; ++k)
            e3[k] = -e3[k];
    }
    for (int k = 0; k < 3; ++k) {
        turn[k][0] = e1[k];
        turn[k][1] = e2[k];
        turn[k][2] = e3[k];
    }
    const bool periodic[3] = {box->periodic[0], box->periodic[1], box->periodic[2]};
    const mds_status status = mds_box_set(restricted, (const double(*)[3])h, periodic);
    if (status == MDS_OK && q)
        memcpy(q, turn, sizeof turn);
    return status;
}

static void row_times(const double v[3], const double matrix[3][3], double out[3])
{
    const double a = v[0], b = v[1], c = v[2];

    for (int k = 0; k < 3; ++k)
        out[k] = a * matrix[0][k] + b * matrix[1][k] + c * matrix[2][k];
}

void mds_box_to_cartesian(const mds_box *box, const double s[3], double r[3])
{
    row_times(s, (const double(*)[3])box->h, r);
}

void mds_box_to_fractional(const mds_box *box, const double r[3], double s[3])
{
    row_times(r, (const double(*)[3])box->inverse, s);
}

/* Steps to the shortest of the 26 neighbouring images until none is shorter: brings a vector in a
 * skewed cell near the shortest one, so that the exhaustive search below stays small. */
static void descend(const mds_box *box, double d[3])
{
    for (bool better = true; better;) {
        double best[3] = {d[0], d[1], d[2]};

        for (int code = 0; code < 27; ++code) {
            const double s[3] = {code % 3 - 1, code / 3 % 3 - 1, code / 9 - 1};
            double t[3];

            if ((s[0] != 0.0 && !box->periodic[0]) || (s[1] != 0.0 && !box->periodic[1]) ||
                (s[2] != 0.0 && !box->periodic[2]))
                continue;
            row_times(s, (const double(*)[3])box->h, t);
            for (int k = 0; k < 3; ++k)
                t[k] += d[k];
            /* The margin keeps two images of equal length from taking turns for ever. */
            if (mds_dot3(t, t) < mds_dot3(best, best) * (1.0 - 1e-12))
                memcpy(best, t, sizeof best);
        }
        better = memcmp(best, d, sizeof best) != 0;
        memcpy(d, best, sizeof best);
    }
}

void mds_box_minimum_image(const mds_box *box, double d[3])
{
    double s[3], shift[3], shortest = INFINITY, best[3];
    int low[3], high[3];

    mds_box_to_fractional(box, d, s);
    for (int k = 0; k < 3; ++k) {
        shift[k] = box->periodic[k] ? -rint(s[k]) : 0.0;
        if (box->periodic[k] && box->height[k] < shortest)
            shortest = box->height[k];
    }
    row_times(shift, (const double(*)[3])box->h, shift);
    for (int k = 0; k < 3; ++k)
        d[k] += shift[k];
    /* Lattice vectors are at least `shortest` long, so nothing beats a vector of half of that. */
    if (!(mds_dot3(d, d) > 0.25 * shortest * shortest))
        return;
    descend(box, d);
    if (!(mds_dot3(d, d) > 0.25 * shortest * shortest))
        return;
    /* An image no longer than d has |s_k| height_k ≤ |d| for each k. */
    mds_box_to_fractional(box, d, s);
    for (int k = 0; k < 3; ++k) {
        const double reach = norm(d) / box->height[k];

        low[k] = box->periodic[k] ? (int)ceil(-reach - s[k]) : 0;
        high[k] = box->periodic[k] ? (int)floor(reach - s[k]) : 0;
    }
    memcpy(best, d, sizeof best);
    for (int i = low[0]; i <= high[0]; ++i)
        for (int j = low[1]; j <= high[1]; ++j)
            for (int k = low[2]; k <= high[2]; ++k) {
                const double n[3] = {i, j, k};
                double t[3];

                row_times(n, (const double(*)[3])box->h, t);
                for (int c = 0; c < 3; ++c)
                    t[c] += d[c];
                if (mds_dot3(t, t) < mds_dot3(best, best))
                    memcpy(best, t, sizeof best);
            }
    memcpy(d, best, sizeof best);
}
