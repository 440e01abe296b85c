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

#include <stdbool.h>
#include <stdint.h>

enum { NPT_STRAINS = 6 }; /* 11 22 33 21 31 32 */

typedef struct npt_cell {
    bool anisotropic;
    double kT;       /* eV, > 0 */
    double pressure; /* P₀, eV/Å³ */
    double mobility; /* β_T/τ_p, Å³/(eV fs) */
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

/* Draws the move of a cell of `volume` whose internal pressure times volume is `pv` (eV,
 * symmetric): kinetic tensor + virial. Noise: (seed, MDS_RNG_BAROSTAT, step). e and inverse are
 * valid while `largest` is below 1/2. */
void npt_cell_draw(const npt_cell *cell, double volume, const double pv[3][3], uint64_t seed,
                   int64_t step, npt_move *move);

/* What Δ(K + U + P₀V − ½kT ln V) of the whole step must be corrected by so that the sum is
 * conserved (that is, minus kT times the logarithm of the ratio of the probabilities of the reverse
 * and the forward move); `volume` and `pv` are those after the step. */
double npt_cell_balance_eV(const npt_cell *cell, const npt_move *move, double volume,
                           const double pv[3][3]);

#endif
