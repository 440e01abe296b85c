#include "protocol/npt/cell.h"

#include "base/rng.h"

#include <math.h>
#include <string.h>

/* Row and column of the six strains, and the factor of their mobility. */
static const int row_of[NPT_STRAINS] = {0, 1, 2, 1, 2, 2};
static const int column_of[NPT_STRAINS] = {0, 1, 2, 0, 0, 1};
static const double weight_of[NPT_STRAINS] = {1, 1, 1, 2, 2, 2};

static double trace(const double m[3][3])
{
    return m[0][0] + m[1][1] + m[2][2];
}

/* Mean and variance of the step of √V. */
static double root_drift(const npt_cell *cell, double volume, const double pv[3][3])
{
    const double force = (trace(pv) / 3.0 + 0.5 * cell->kT) / volume - cell->pressure;

    return 0.5 * cell->mobility * cell->dt_fs * sqrt(volume) * force;
}

static double root_variance(const npt_cell *cell)
{
    return 0.5 * cell->kT * cell->mobility * cell->dt_fs;
}

/* Mean and variance of the shape's strains. The volume in their mobility is the mean over the step,
 * the same for the reverse step, so that it drops out of the balance. */
static void shape_drift(const npt_cell *cell, double mean_volume, const double pv[3][3],
                        double out[NPT_STRAINS])
{
    static const double divergence[3] = {2.0, 0.0, -2.0};
    const double scale = cell->mobility * cell->dt_fs / (3.0 * mean_volume);

    for (int c = 0; c < 3; ++c)
        out[c] = scale * (pv[c][c] - trace(pv) / 3.0 + divergence[c] * cell->kT);
    for (int c = 3; c < NPT_STRAINS; ++c)
        out[c] = scale * weight_of[c] * pv[row_of[c]][column_of[c]];
}

static double shape_variance(const npt_cell *cell, double mean_volume, int c)
{
    return 2.0 * weight_of[c] * cell->kT * cell->mobility * cell->dt_fs / (3.0 * mean_volume);
}

/* exp(u) of a small lower triangular u by its series, which is as exact as the arithmetic. */
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

/* e, inverse and largest of the move, from its shape and `growth` = ln(V'/V). */
static void deform(npt_move *move, double growth, bool anisotropic)
{
    double u[3][3] = {{0}}, minus[3][3];

    move->largest = fabs(growth) / 3.0;
    if (!anisotropic) {
        for (int a = 0; a < 3; ++a) {
            move->e[a][a] = exp(growth / 3.0);
            move->inverse[a][a] = exp(-growth / 3.0);
        }
        return;
    }
    for (int c = 0; c < NPT_STRAINS; ++c) {
        u[row_of[c]][column_of[c]] = move->shape[c] + (c < 3 ? growth / 3.0 : 0.0);
        if (!(fabs(move->shape[c]) <= move->largest))
            move->largest = fabs(move->shape[c]);
    }
    for (int k = 0; k < 9; ++k)
        minus[k / 3][k % 3] = -u[k / 3][k % 3];
    exponential((const double(*)[3])u, move->e);
    exponential((const double(*)[3])minus, move->inverse);
}

/* Noise of the six strains, without a trace. */
static void shape_noise(const npt_cell *cell, double mean_volume, uint64_t seed, int64_t step,
                        double out[NPT_STRAINS])
{
    for (int c = 0; c < NPT_STRAINS; ++c)
        out[c] = sqrt(shape_variance(cell, mean_volume, c)) *
                 mds_rng_normal(seed, MDS_RNG_BAROSTAT, (uint64_t)step, 0, (uint32_t)c + 1);
    const double mean = (out[0] + out[1] + out[2]) / 3.0;
    for (int c = 0; c < 3; ++c)
        out[c] -= mean;
}

void npt_cell_draw(const npt_cell *cell, double volume, const double pv[3][3], uint64_t seed,
                   int64_t step, npt_move *move)
{
    const double root = sqrt(volume);

    *move = (npt_move){.root_drift = root_drift(cell, volume, pv)};
    move->root_step = move->root_drift +
                      sqrt(root_variance(cell)) *
                          mds_rng_normal(seed, MDS_RNG_BAROSTAT, (uint64_t)step, 0, 0);
    const double next = root + move->root_step;
    if (!(next > 0.0)) {
        move->largest = NAN;
        return;
    }
    move->mean_volume = root * next;
    if (cell->anisotropic) {
        shape_drift(cell, move->mean_volume, pv, move->shape_drift);
        shape_noise(cell, move->mean_volume, seed, step, move->shape);
        for (int c = 0; c < NPT_STRAINS; ++c)
            move->shape[c] += move->shape_drift[c];
    }
    deform(move, 2.0 * log(next / root), cell->anisotropic);
}

/* ((u + back)² − (u − forth)²) / 2 variance, without the cancellation. */
static double gaussian_ratio(double u, double forth, double back, double variance)
{
    return (forth + back) * (2.0 * u + back - forth) / (2.0 * variance);
}

double npt_cell_balance_eV(const npt_cell *cell, const npt_move *move, double volume,
                           const double pv[3][3])
{
    double back[NPT_STRAINS];
    double sum = gaussian_ratio(move->root_step, move->root_drift, root_drift(cell, volume, pv),
                                root_variance(cell));

    if (!cell->anisotropic)
        return cell->kT * sum;
    shape_drift(cell, move->mean_volume, pv, back);
    for (int c = 0; c < NPT_STRAINS; ++c)
        sum += gaussian_ratio(move->shape[c], move->shape_drift[c], back[c],
                              shape_variance(cell, move->mean_volume, c));
    /* The strains of the reverse move fill a volume of another size than those of the move itself:
     * det exp(ad u), with the measure of which `divergence` above is the derivative. */
    sum += 2.0 * (move->shape[2] - move->shape[0]);
    return cell->kT * sum;
}
