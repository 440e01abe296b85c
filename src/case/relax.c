#include "case/relax.h"

#include "base/units.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* The recommended parameters of the paper. */
static const double grow = 1.1, shrink = 0.5, mixing_start = 0.1, mixing_decay = 0.99;
enum { STEPS_BEFORE_GROWTH = 5, BEAT_EVERY = 10 };

/* All atoms get one mass: a minimisation has no physical time, and with hydrogens as heavy as that
 * the stiffest bond (O–H, 46 eV/Å²) stays stable up to 6 fs. */
static const double mass_u = 10.0, dt_first_fs = 0.5, dt_max_fs = 2.5;
static const double step_max_A = 0.1;

typedef struct fire {
    double *v; /* (3n) Å/fs */
    double dt, mixing;
    int downhill; /* steps since the last one that went uphill */
} fire;

static double largest(const double *x, size_t count)
{
    double most = 0.0;

    for (size_t i = 0; i < count; ++i)
        if (!(fabs(x[i]) <= most))
            most = fabs(x[i]);
    return most;
}

/* One step of equations F1–F5 of the paper, then semi-implicit Euler. */
static void advance(fire *self, const double *f, double *x, size_t count)
{
    double power = 0.0, vv = 0.0, ff = 0.0;

    for (size_t i = 0; i < count; ++i) {
        power += f[i] * self->v[i];
        vv += self->v[i] * self->v[i];
        ff += f[i] * f[i];
    }
    if (power > 0.0) {
        const double turn = ff > 0.0 ? self->mixing * sqrt(vv / ff) : 0.0;

        for (size_t i = 0; i < count; ++i)
            self->v[i] = (1.0 - self->mixing) * self->v[i] + turn * f[i];
        if (++self->downhill > STEPS_BEFORE_GROWTH) {
            self->dt = fmin(self->dt * grow, dt_max_fs);
            self->mixing *= mixing_decay;
        }
    } else {
        for (size_t i = 0; i < count; ++i)
            self->v[i] = 0.0;
        self->dt *= shrink;
        self->mixing = mixing_start;
        self->downhill = 0;
    }

    const double kick = self->dt / (mass_u * MDS_MVV_TO_EV);

    for (size_t i = 0; i < count; ++i)
        self->v[i] += kick * f[i];

    const double reach = self->dt * largest(self->v, count);
    const double scale = reach > step_max_A ? step_max_A / reach : 1.0;

    for (size_t i = 0; i < count; ++i)
        x[i] += scale * self->dt * self->v[i];
}

mds_status mds_relax_state(const mds_relax *relax, mds_model *model, mds_state *state)
{
    const size_t count = 3 * (size_t)state->n;
    fire self = {.dt = dt_first_fs, .mixing = mixing_start};
    mds_status status;

    assert(mds_device_host_access(state->device));
    self.v = calloc(count, sizeof *self.v);
    if (!self.v)
        return mds_fail(MDS_ERR_NOMEM, "no memory to relax %d atoms", state->n);
    MDS_TRY(mds_model_compute(model, state, 0));
    for (int i = 0; i < relax->max_steps && largest(state->f, count) > relax->force_eV_A; ++i) {
        advance(&self, state->f, state->x, count);
        MDS_TRY(mds_model_compute(model, state, 0));
        if (relax->beat && i % BEAT_EVERY == 0)
            relax->beat(relax->context);
    }
out:
    free(self.v);
    return status;
}
