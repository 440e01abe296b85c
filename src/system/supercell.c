#include "system/supercell.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>

static double area(const double u[3], const double v[3])
{
    const double x = u[1] * v[2] - u[2] * v[1];
    const double y = u[2] * v[0] - u[0] * v[2];
    const double z = u[0] * v[1] - u[1] * v[0];

    return sqrt(x * x + y * y + z * z);
}

/* Surface over volume^(2/3): 6 for a cube, more for everything else. */
static double elongation(const mds_box *cell, const double faces[3], const int repeat[3])
{
    const double na = repeat[0], nb = repeat[1], nc = repeat[2];
    const double surface = 2.0 * (faces[0] * nb * nc + faces[1] * nc * na + faces[2] * na * nb);

    return cell->volume > 0.0 ? surface / pow(cell->volume * na * nb * nc, 2.0 / 3.0) : surface;
}

/* The most nearly cubic way to `copies`; false when no periodic directions give that number. */
static bool best_shape(const mds_box *cell, int copies, double *least, int repeat[3])
{
    const double(*h)[3] = (const double(*)[3])cell->h;
    const double faces[3] = {area(h[1], h[2]), area(h[2], h[0]), area(h[0], h[1])};
    bool found = false;

    for (int na = 1; na <= copies; ++na) {
        if (na > 1 && !cell->periodic[0])
            break;
        if (copies % na != 0)
            continue;

        const int rest = copies / na;

        for (int nb = 1; nb <= rest; ++nb) {
            if (nb > 1 && !cell->periodic[1])
                break;
            if (rest % nb != 0 || (rest / nb > 1 && !cell->periodic[2]))
                continue;

            const int shape[3] = {na, nb, rest / nb};
            const double value = elongation(cell, faces, shape);

            /* Equal but for rounding counts as equal, so that 2×2×4 is found before 4×2×2. */
            if (value < *least * (1.0 - 1e-9)) {
                *least = value;
                for (int k = 0; k < 3; ++k)
                    repeat[k] = shape[k];
                found = true;
            }
        }
    }
    return found;
}

mds_status mds_supercell_check(const char *name, int n_asked, int n_atoms, int below, int above)
{
    if (n_atoms >= 1 && 2 * (int64_t)n_atoms >= n_asked && n_atoms <= 2 * (int64_t)n_asked)
        return MDS_OK;
    if (below > 0 && above > 0)
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "%s cannot be built near %d atoms; the nearest possible are %d and %d",
                        name, n_asked, below, above);
    return mds_fail(MDS_ERR_UNSUPPORTED,
                    "%s cannot be built near %d atoms; the nearest possible is %d", name, n_asked,
                    below > 0 ? below : above);
}

mds_status mds_supercell_nearest(const mds_box *cell, int n_cell, int n_asked, const char *name,
                                 int *n_atoms, int repeat[3])
{
    const bool repeats = cell->periodic[0] || cell->periodic[1] || cell->periodic[2];
    const int floor_copies = repeats ? n_asked / n_cell : 1;
    int nearest = INT_MAX;
    double least = INFINITY;

    /* One periodic direction gives every multiple, so that the nearest count is one of two. */
    for (int copies = floor_copies; copies <= floor_copies + repeats; ++copies) {
        const int64_t n = (int64_t)copies * n_cell;

        if (copies < 1 || n > INT_MAX / 8)
            continue;

        const int distance = (int)(n > n_asked ? n - n_asked : n_asked - n);

        if (distance > nearest)
            continue;
        if (distance < nearest)
            least = INFINITY;
        nearest = distance;
        if (best_shape(cell, copies, &least, repeat))
            *n_atoms = (int)n;
    }
    return mds_supercell_check(name, n_asked, *n_atoms, floor_copies * n_cell,
                               repeats ? (floor_copies + 1) * n_cell : 0);
}
