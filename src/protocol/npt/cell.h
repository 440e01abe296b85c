/* The stochastic motion of a cell in restricted form under a hydrostatic pressure: numbers only, no
 * atoms. eV, Å, fs, K; pressures in eV/Å³.
 *
 * A move multiplies the cell by E = exp(u) from the right, h ← h E, where the strain u is lower
 * triangular, so that a stays along x and b in the xy plane. Target density, for h with the
 * rotations integrated out, V exp(−(K + U + P₀V)/kT) dμ(h),  dμ the measure that left
 * multiplication keeps, which is exp(−P₀V/kT) dV for the volume (Martyna, Tobias & Klein, J. Chem.
 * Phys. 101, 4177 (1994)).
 *
 * The volume moves as λ = √V, whose noise does not depend on V, so that the balance below closes to
 * third order (Bernetti & Bussi, J. Chem. Phys. 153, 114107 (2020)):
 *   dλ = (β_T λ/2τ_p)(P − P₀ + kT/2V) dt + √(kTβ_T/2τ_p) dW.
 * Anisotropic, the shape moves too, with the mobility β_T/3 of each element of the strain (Del
 * Tatto, Raiteri, Bernetti & Bussi, Appl. Sci. 12, 1139 (2022)). There the noise also turns the
 * cell, and the turn is taken out afterwards. Here it is never made: the two mirrored shears become
 * one of twice the mobility, and the divergence of the diagonal moves leaves a drift
 * (β_T/3τ_p)(kT/V)(2, 0, −2) on u₁₁ u₂₂ u₃₃, without which a and c would not fluctuate alike. */
#ifndef MDS_PROTOCOL_NPT_CELL_H
#define MDS_PROTOCOL_NPT_CELL_H

#include "base/rng.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { NPT_STRAINS = 6 }; /* 11 22 33 21 31 32 */

typedef struct npt_cell {
    int64_t anisotropic; /* 0 or 1; as wide as the rest, so that there is no padding, whose bytes
                            the shim (docs/cuda.md) would take for a pointer to host memory */
    double kT;           /* eV, > 0 */
    double pressure;     /* P₀, eV/Å³ */
    double mobility;     /* β_T/τ_p, Å³/(eV fs) */
    double dt_fs;
} npt_cell;

/* One move: what was drawn, and what the balance of the reverse move needs. */
typedef struct npt_move {
    double root_step, root_drift; /* change of √V, and its mean; Å^{3/2} */
    double mean_volume;           /* √(VV'), Å³ */
    double shape[NPT_STRAINS];    /* strain without its trace */
    double shape_drift[NPT_STRAINS];
    double largest; /* magnitude of the largest strain; NaN when the volume would be negative */
    double e[3][3], inverse[3][3];
} npt_move;

/* Row and column of strain c. */
static inline MDS_HD int npt_strain_row(int c)
{
    return c < 3 ? c : c == 3 ? 1 : 2;
}

static inline MDS_HD int npt_strain_column(int c)
{
    return c < 3 ? c : c == 5 ? 1 : 0;
}

/* The factor of its mobility. */
static inline MDS_HD double npt_strain_weight(int c)
{
    return c < 3 ? 1.0 : 2.0;
}

static inline MDS_HD double npt_trace(const double m[3][3])
{
    return m[0][0] + m[1][1] + m[2][2];
}

/* Mean and variance of the step of √V. */
static inline MDS_HD double npt_root_drift(const npt_cell *cell, double volume,
                                           const double pv[3][3])
{
    const double force = (npt_trace(pv) / 3.0 + 0.5 * cell->kT) / volume - cell->pressure;

    return 0.5 * cell->mobility * cell->dt_fs * sqrt(volume) * force;
}

static inline MDS_HD double npt_root_variance(const npt_cell *cell)
{
    return 0.5 * cell->kT * cell->mobility * cell->dt_fs;
}

/* Mean and variance of the shape's strains. The volume in their mobility is the mean over the step,
 * the same for the reverse step, so that it drops out of the balance. */
static inline MDS_HD void npt_shape_drift(const npt_cell *cell, double mean_volume,
                                          const double pv[3][3], double out[NPT_STRAINS])
{
    const double divergence[3] = {2.0, 0.0, -2.0};
    const double scale = cell->mobility * cell->dt_fs / (3.0 * mean_volume);

    for (int c = 0; c < 3; ++c)
        out[c] = scale * (pv[c][c] - npt_trace(pv) / 3.0 + divergence[c] * cell->kT);
    for (int c = 3; c < NPT_STRAINS; ++c)
        out[c] = scale * npt_strain_weight(c) * pv[npt_strain_row(c)][npt_strain_column(c)];
}

static inline MDS_HD double npt_shape_variance(const npt_cell *cell, double mean_volume, int c)
{
    return 2.0 * npt_strain_weight(c) * cell->kT * cell->mobility * cell->dt_fs /
           (3.0 * mean_volume);
}

/* exp(u) of a small lower triangular u by its series, which is as exact as the arithmetic. */
static inline MDS_HD void npt_exponential(const double u[3][3], double out[3][3])
{
    double term[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};

    memcpy(out, term, sizeof term);
    for (int order = 1; order <= 14; ++order) {
        double next[3][3] = {{0.0}};

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
static inline MDS_HD void npt_deform(npt_move *move, double growth, bool anisotropic)
{
    double u[3][3] = {{0.0}}, minus[3][3];

    move->largest = fabs(growth) / 3.0;
    if (!anisotropic) {
        for (int a = 0; a < 3; ++a) {
            move->e[a][a] = exp(growth / 3.0);
            move->inverse[a][a] = exp(-growth / 3.0);
        }
        return;
    }
    for (int c = 0; c < NPT_STRAINS; ++c) {
        u[npt_strain_row(c)][npt_strain_column(c)] = move->shape[c] + (c < 3 ? growth / 3.0 : 0.0);
        if (!(fabs(move->shape[c]) <= move->largest))
            move->largest = fabs(move->shape[c]);
    }
    for (int k = 0; k < 9; ++k)
        minus[k / 3][k % 3] = -u[k / 3][k % 3];
    npt_exponential((const double(*)[3])u, move->e);
    npt_exponential((const double(*)[3])minus, move->inverse);
}

/* Noise of the six strains, without a trace. */
static inline MDS_HD void npt_shape_noise(const npt_cell *cell, double mean_volume, uint64_t seed,
                                          int64_t step, double out[NPT_STRAINS])
{
    for (int c = 0; c < NPT_STRAINS; ++c)
        out[c] = sqrt(npt_shape_variance(cell, mean_volume, c)) *
                 mds_rng_normal(seed, MDS_RNG_BAROSTAT, (uint64_t)step, 0, (uint32_t)c + 1);
    const double mean = (out[0] + out[1] + out[2]) / 3.0;
    for (int c = 0; c < 3; ++c)
        out[c] -= mean;
}

/* Draws the move of a cell of `volume` whose internal pressure times volume is `pv` (eV,
 * symmetric): kinetic tensor + virial. Noise: (seed, MDS_RNG_BAROSTAT, step). e and inverse are
 * valid while `largest` is below 1/2. */
static inline MDS_HD void npt_cell_draw(const npt_cell *cell, double volume, const double pv[3][3],
                                        uint64_t seed, int64_t step, npt_move *move)
{
    const double root = sqrt(volume);

    memset(move, 0, sizeof *move);
    move->root_drift = npt_root_drift(cell, volume, pv);
    move->root_step = move->root_drift +
                      sqrt(npt_root_variance(cell)) *
                          mds_rng_normal(seed, MDS_RNG_BAROSTAT, (uint64_t)step, 0, 0);
    const double next = root + move->root_step;
    if (!(next > 0.0)) {
        move->largest = NAN;
        return;
    }
    move->mean_volume = root * next;
    if (cell->anisotropic) {
        npt_shape_drift(cell, move->mean_volume, pv, move->shape_drift);
        npt_shape_noise(cell, move->mean_volume, seed, step, move->shape);
        for (int c = 0; c < NPT_STRAINS; ++c)
            move->shape[c] += move->shape_drift[c];
    }
    npt_deform(move, 2.0 * log(next / root), cell->anisotropic);
}

/* ((u + back)² − (u − forth)²) / 2 variance, without the cancellation. */
static inline MDS_HD double npt_gaussian_ratio(double u, double forth, double back, double variance)
{
    return (forth + back) * (2.0 * u + back - forth) / (2.0 * variance);
}

/* What Δ(K + U + P₀V − ½kT ln V) of the whole step must be corrected by so that the sum is
 * conserved (that is, minus kT times the logarithm of the ratio of the probabilities of the reverse
 * and the forward move); `volume` and `pv` are those after the step. */
static inline MDS_HD double npt_cell_balance_eV(const npt_cell *cell, const npt_move *move,
                                                double volume, const double pv[3][3])
{
    double back[NPT_STRAINS];
    double sum = npt_gaussian_ratio(move->root_step, move->root_drift,
                                    npt_root_drift(cell, volume, pv), npt_root_variance(cell));

    if (!cell->anisotropic)
        return cell->kT * sum;
    npt_shape_drift(cell, move->mean_volume, pv, back);
    for (int c = 0; c < NPT_STRAINS; ++c)
        sum += npt_gaussian_ratio(move->shape[c], move->shape_drift[c], back[c],
                                  npt_shape_variance(cell, move->mean_volume, c));
    /* The strains of the reverse move fill a volume of another size than those of the move itself:
     * det exp(ad u), with the measure of which `divergence` above is the derivative. */
    sum += 2.0 * (move->shape[2] - move->shape[0]);
    return cell->kT * sum;
}

#endif
