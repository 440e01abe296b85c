/* Einstein crystal: each atom on a spring to the site where it was at prepare(). Everything about
 * it is known in closed form (frequency √(k/m), canonical averages, stress), which makes it the
 * check of integrators and thermostats. Not translation invariant, by nature. */
#include "model/harmonic/harmonic_math.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

typedef struct harmonic {
    mds_model base;
    double k;     /* eV/Å² */
    double *site; /* (n,3) fractional, on the device */
    size_t capacity;
} harmonic;

static void harmonic_destroy(mds_model *model)
{
    harmonic *self = (harmonic *)model;

    mds_device_free(self->base.device, self->site);
    free(self);
}

static mds_status harmonic_create(const mds_model_spec *spec, mds_device *device, mds_model **out)
{
    harmonic *self = calloc(1, sizeof *self);

    if (!self)
        return mds_fail(MDS_ERR_NOMEM, "harmonic: no memory for the model");
    self->base.device = device;
    self->k = mds_options_real(&spec->options, "k_eV_A2");
    *out = &self->base;
    return MDS_OK;
}

static mds_status harmonic_prepare(mds_model *model, const mds_state *state)
{
    harmonic *self = (harmonic *)model;
    const mds_status status =
        mds_device_reserve(self->base.device, (size_t)state->n * 3 * sizeof *self->site,
                           "harmonic sites", (void **)&self->site, &self->capacity);

    for (int i = 0; status == MDS_OK && i < state->n; ++i)
        mds_box_to_fractional(&state->box, state->x + 3 * i, self->site + 3 * i);
    return status;
}

static mds_status harmonic_compute(mds_model *model, mds_state *state, unsigned want)
{
    const harmonic *self = (const harmonic *)model;
    double energy = 0.0, dd[3][3] = {{0}};

    mds_region_begin(self->base.regions, MDS_REGION_FORCES);
    for (int i = 0; i < state->n; ++i) {
        double d[3];

        mds_box_to_cartesian(&state->box, self->site + 3 * i, d);
        for (int a = 0; a < 3; ++a)
            d[a] = state->x[3 * i + a] - d[a];
        energy += harmonic_site(self->k, d, state->f + 3 * i);
        for (int a = 0; a < 3; ++a)
            for (int b = 0; b < 3; ++b)
                dd[a][b] += d[a] * d[b];
    }
    state->s->potential_eV = energy;
    state->s->n_edges = 0.0;
    state->s->rebuilt = 0.0;
    for (int k = 0; want & MDS_WANT_VIRIAL && k < 9; ++k)
        state->s->virial_eV[k / 3][k % 3] = -self->k * dd[k / 3][k % 3];
    mds_region_end(self->base.regions, MDS_REGION_FORCES);
    return MDS_OK;
}

static double harmonic_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                              mds_device_kind kind)
{
    (void)spec;
    (void)kind;
    return 5e-9 * target->n_atoms;
}

static double harmonic_memory_bytes(const mds_model_spec *spec, const mds_model_target *target)
{
    (void)spec;
    return 24.0 * target->n_atoms;
}

static const mds_option harmonic_options[] = {
    {.key = "k_eV_A2",
     .type = MDS_OPTION_REAL,
     .unit = "eV/Å²",
     .preset = 5.0,
     .min = 1e-6,
     .max = 1e4,
     .help = "spring constant"},
    {0},
};

const mds_engine mds_engine_harmonic = {
    .name = "harmonic",
    .summary = "Einstein crystal: springs to the start positions",
    .options = harmonic_options,
    .caps = MDS_CAP_STRESS | MDS_CAP_CONSERVATIVE | MDS_CAP_NONPERIODIC,
    .precisions = 1u << MDS_PRECISION_FP64,
    .default_precision = MDS_PRECISION_FP64,
    .create = harmonic_create,
    .destroy = harmonic_destroy,
    .prepare = harmonic_prepare,
    .compute = harmonic_compute,
    .cost_s = harmonic_cost_s,
    .memory_bytes = harmonic_memory_bytes,
    .on_sim = true,
};
