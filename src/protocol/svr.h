/* Stochastic velocity rescaling (Bussi, Donadio & Parrinello, J. Chem. Phys. 126, 014101 (2007)):
 * one factor for all velocities, which moves the kinetic energy to a new value drawn from its exact
 * canonical transition probability, eq. (A7). Shared by nvt and npt, on the host and the device. */
#ifndef MDS_PROTOCOL_SVR_H
#define MDS_PROTOCOL_SVR_H

#include "base/rng.h"
#include "base/units.h"

#include <math.h>

/* The draws of one step, in order: each takes the next block, so that a rejection consumes numbers
 * of this step only. */
typedef struct mds_svr_draws {
    uint64_t seed, step;
    uint32_t next;
} mds_svr_draws;

static inline MDS_HD mds_philox_block mds_svr_next(mds_svr_draws *d)
{
    return mds_rng_block(d->seed, MDS_RNG_SVR, d->step, 0, d->next++);
}

/* Gamma-distributed number of unit scale and shape >= 1 by exact rejection (Marsaglia & Tsang, ACM
 * Trans. Math. Softw. 26, 363 (2000)). */
static inline MDS_HD double mds_svr_gamma(mds_svr_draws *d, double shape)
{
    const double third = shape - 1.0 / 3.0, width = 1.0 / sqrt(9.0 * third);

    for (;;) {
        double pair[2];

        mds_normal2(mds_svr_next(d), pair);
        const mds_philox_block block = mds_svr_next(d);
        const double root = 1.0 + width * pair[0], cube = root * root * root;
        const double u = mds_uniform(block.word[0], block.word[1]);
        if (cube > 0.0 && log(u) < 0.5 * pair[0] * pair[0] + third * (1.0 - cube + log(cube)))
            return third * cube;
    }
}

/* Σ R² over `count` standard normal numbers, at the cost of one gamma-distributed number. */
static inline MDS_HD double mds_svr_squares(mds_svr_draws *d, int count)
{
    double pair[2];

    if (count >= 2)
        return 2.0 * mds_svr_gamma(d, 0.5 * count);
    mds_normal2(mds_svr_next(d), pair);
    return count == 1 ? pair[0] * pair[0] : 0.0;
}

/* The factor for kinetic energy `kinetic_eV` of `freedom` degrees of freedom over dt_fs with
 * relaxation time tau_fs; its noise is (seed, MDS_RNG_SVR, step). 1 when nothing moves. */
static inline MDS_HD double mds_svr_factor(double kinetic_eV, int freedom, double temperature_K,
                                           double dt_fs, double tau_fs, uint64_t seed, int64_t step)
{
    mds_svr_draws d = {seed, (uint64_t)step, 0};
    double pair[2];

    if (freedom < 1 || !(kinetic_eV > 0.0))
        return 1.0;
    const double kept = exp(-dt_fs / tau_fs);
    const double target = 0.5 * MDS_BOLTZMANN_EV * temperature_K * freedom;
    const double gain = (1.0 - kept) * target / (freedom * kinetic_eV);
    mds_normal2(mds_svr_next(&d), pair);
    const double first = pair[0], others = mds_svr_squares(&d, freedom - 1);
    const double square = kept + gain * (first * first + others) + 2.0 * first * sqrt(kept * gain);
    /* The sign of eq. (A8): one velocity component crosses zero now and then, which matters only
     * for a handful of degrees of freedom. */
    const double sign = first + sqrt(kept / gain) < 0.0 ? -1.0 : 1.0;
    return sign * sqrt(square > 0.0 ? square : 0.0);
}

#endif
