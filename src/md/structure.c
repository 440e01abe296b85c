#include "md/structure.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

mds_status mds_structure_init(mds_structure *structure, int n, bool with_velocities)
{
    if (n < 0)
        return mds_fail(MDS_ERR_INTERNAL, "a structure of %d atoms", n);
    const size_t count = (size_t)n + (n == 0);

    memset(structure, 0, sizeof *structure);
    structure->type = calloc(count, sizeof *structure->type);
    structure->x = calloc(count * 3, sizeof *structure->x);
    structure->mass = calloc(count, sizeof *structure->mass);
    structure->v = with_velocities ? calloc(count * 3, sizeof *structure->v) : NULL;
    if (!structure->type || !structure->x || !structure->mass ||
        (with_velocities && !structure->v)) {
        mds_structure_fini(structure);
        return mds_fail(MDS_ERR_NOMEM, "no memory for a structure of %d atoms", n);
    }
    structure->n = n;
    return MDS_OK;
}

void mds_structure_fini(mds_structure *structure)
{
    free(structure->type);
    free(structure->x);
    free(structure->v);
    free(structure->mass);
    memset(structure, 0, sizeof *structure);
}

mds_status mds_structure_copy(mds_structure *to, const mds_structure *from)
{
    return mds_structure_repeat(to, from, 1, 1, 1);
}

/* One copy of `from`, moved by `offset`, as atoms first … first + from->n − 1 of `to`. */
static void place_copy(mds_structure *to, const mds_structure *from, size_t first,
                       const double offset[3])
{
    const size_t n = (size_t)from->n;

    for (size_t i = 0; i < n; ++i)
        for (int k = 0; k < 3; ++k)
            to->x[3 * (first + i) + k] = from->x[3 * i + k] + offset[k];
    memcpy(to->type + first, from->type, n * sizeof *to->type);
    memcpy(to->mass + first, from->mass, n * sizeof *to->mass);
    if (from->v)
        memcpy(to->v + 3 * first, from->v, 3 * n * sizeof *to->v);
}

mds_status mds_structure_repeat(mds_structure *to, const mds_structure *from, int na, int nb,
                                int nc)
{
    const int times[3] = {na, nb, nc};
    double h[3][3];

    memset(to, 0, sizeof *to);
    for (int k = 0; k < 3; ++k) {
        if (times[k] < 1)
            return mds_fail(MDS_ERR_CONFIG, "a cell cannot be repeated %d times", times[k]);
        if (times[k] > 1 && !from->box.periodic[k])
            return mds_fail(MDS_ERR_CONFIG,
                            "direction %c is not periodic and cannot be repeated %d times",
                            "abc"[k], times[k]);
        for (int c = 0; c < 3; ++c)
            h[k][c] = from->box.h[k][c] * times[k];
    }
    const double total = (double)from->n * na * nb * nc;
    if (total > INT_MAX / 8)
        return mds_fail(MDS_ERR_CAPACITY, "%d x %d x %d copies of %d atoms are too many", na, nb,
                        nc, from->n);
    mds_status status = mds_structure_init(to, (int)total, from->v != NULL);
    if (status != MDS_OK)
        return status;
    to->species = from->species;
    if (na == 1 && nb == 1 && nc == 1) {
        to->box = from->box;
    } else {
        status = mds_box_set(&to->box, (const double(*)[3])h, from->box.periodic);
        if (status != MDS_OK) {
            mds_structure_fini(to);
            return status;
        }
    }
    size_t first = 0;
    for (int a = 0; a < na; ++a)
        for (int b = 0; b < nb; ++b)
            for (int c = 0; c < nc; ++c) {
                const double s[3] = {a, b, c};
                double offset[3];

                mds_box_to_cartesian(&from->box, s, offset);
                place_copy(to, from, first, offset);
                first += (size_t)from->n;
            }
    return MDS_OK;
}

static void turn_rows(double *rows, int n, const double q[3][3])
{
    for (int i = 0; i < n; ++i) {
        double *r = rows + 3 * (size_t)i;
        const double a = r[0], b = r[1], c = r[2];

        for (int k = 0; k < 3; ++k)
            r[k] = a * q[0][k] + b * q[1][k] + c * q[2][k];
    }
}

mds_status mds_structure_restrict(mds_structure *structure, double q[3][3])
{
    mds_box restricted;
    double turn[3][3];

    const mds_status status = mds_box_restrict(&structure->box, &restricted, turn);
    if (status != MDS_OK)
        return status;
    structure->box = restricted;
    turn_rows(structure->x, structure->n, (const double(*)[3])turn);
    if (structure->v)
        turn_rows(structure->v, structure->n, (const double(*)[3])turn);
    if (q)
        memcpy(q, turn, sizeof turn);
    return MDS_OK;
}
