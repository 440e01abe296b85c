#include "protocol/npt/cell.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

/* Row and column of the six strains. */
static const int row_of[NPT_STRAINS] = {0, 1, 2, 1, 2, 2};
static const int column_of[NPT_STRAINS] = {0, 1, 2, 0, 0, 1};

static int strains(const npt_cell *cell)
{
    return cell->anisotropic ? NPT_STRAINS : 1;
}

/* Variance of strain c over one step. */
static double variance(const npt_cell *cell, double volume, int c)
{
    const double whole = 2.0 * cell->kT * cell->mobility * cell->dt_fs / volume;

    if (!cell->anisotropic)
        return whole;
    return c < 3 ? whole / 3.0 : 2.0 * whole / 3.0;
}

/* Mean of the strains over one step. */
static void drift(const npt_cell *cell, double volume, const double pv[3][3], double *out)
{
    static const double divergence[3] = {2.0, 0.0, -2.0};
    const double step = cell->mobility * cell->dt_fs;

    if (!cell->anisotropic) {
        const double inside = (pv[0][0] + pv[1][1] + pv[2][2]) / (3.0 * volume);
        out[0] = step * (inside - cell->pressure);
        return;
    }
    for (int c = 0; c < 3; ++c)
        out[c] = step / 3.0 * ((pv[c][c] + divergence[c] * cell->kT) / volume - cell->pressure);
    for (int c = 3; c < NPT_STRAINS; ++c)
        out[c] = 2.0 * step / 3.0 * pv[row_of[c]][column_of[c]] / volume;
}

/* exp(u) of a small lower triangular u by its series, which is as exact as the arithmetic: the
 * moves that are let through are shorter than 1/2. */
static void exponential(const double u[3][3], double out[3][3])
{
    double term[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};

    memcpy(out, term, sizeof term);
    for (int order = 1; order <= 14; ++order) {
        double next[3][3] = {{0}};

        for (int i = 0; i < 3; ++i)
            for (int j = 0; j <= i; ++j)
                for (int k = j; k <= i; ++k)
                    next[i][j] += term[i][k] * u[k][j] / order;
        memcpy(term, next, sizeof term);
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j <= i; ++j)
                out[i][j] += term[i][j];
    }
}

static void deformation(const npt_cell *cell, npt_move *move)
{
    double u[3][3] = {{0}}, minus[3][3] = {{0}};

    if (cell->anisotropic)
        for (int c = 0; c < NPT_STRAINS; ++c)
            u[row_of[c]][column_of[c]] = move->strain[c];
    else
        for (int a = 0; a < 3; ++a)
            u[a][a] = move->strain[0] / 3.0;
    for (int k = 0; k < 9; ++k)
        minus[k / 3][k % 3] = -u[k / 3][k % 3];
    exponential((const double(*)[3])u, move->e);
    exponential((const double(*)[3])minus, move->inverse);
}

void npt_cell_draw(const npt_cell *cell, double volume, const double pv[3][3], uint64_t seed,
                   int64_t step, npt_move *move)
{
    *move = (npt_move){.volume = volume};
    drift(cell, volume, pv, move->drift);
    for (int c = 0; c < strains(cell); ++c)
        move->strain[c] = move->drift[c] + sqrt(variance(cell, volume, c)) *
                                               mds_rng_normal(seed, MDS_RNG_BAROSTAT,
                                                              (uint64_t)step, 0, (uint32_t)c);
    deformation(cell, move);
}

double npt_cell_balance_eV(const npt_cell *cell, const npt_move *move, double volume,
                           const double pv[3][3])
{
    double back[NPT_STRAINS] = {0}, sum = 0.0;

    drift(cell, volume, pv, back);
    for (int c = 0; c < strains(cell); ++c) {
        const double forth_width = variance(cell, move->volume, c);
        const double back_width = variance(cell, volume, c);
        const double forth = move->strain[c] - move->drift[c], again = move->strain[c] + back[c];

        sum += 0.5 * (again * again / back_width - forth * forth / forth_width) +
               0.5 * log(back_width / forth_width);
    }
    /* The strains of the reverse move fill a volume of another size than those of the move itself:
     * det exp(ad u), with the measure of which `divergence` above is the derivative. */
    if (cell->anisotropic)
        sum += 2.0 * (move->strain[2] - move->strain[0]);
    return cell->kT * sum;
}
