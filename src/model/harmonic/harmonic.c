/* Einstein crystal: each atom on a spring to the site where it was at prepare(). Everything about
 * it is known in closed form (frequency √(k/m), canonical averages, stress), which makes it the
 * check of integrators and thermostats. Not translation invariant, by nature. */
#include "model/harmonic/harmonic_cuda.h"
#include "model/harmonic/harmonic_math.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

typedef struct harmonic {
    mds_model base;
    double k;     /* eV/Å² */
    double *site; /* (n,3) fractional, on the device */
    size_t capacity;
    mds_force_sums sums; /* on CUDA */
} harmonic;

static void harmonic_destroy(mds_model *model)
{
    harmonic *self = (harmonic *)model;

    mds_device_free(self->base.device, self->site);
    mds_force_sums_fini(&self->sums, self->base.device);
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

/* Where the host cannot write: made here and copied. */
static mds_status place_sites(harmonic *self, const mds_state *state)
{
    mds_device *device = self->base.device;
    mds_structure now = {0};
    mds_status status;

    MDS_TRY(mds_force_sums_reserve(&self->sums, device, state->n));
    MDS_TRY(mds_state_fetch(state, &now));
    for (int i = 0; i < now.n; ++i)
        mds_box_to_fractional(&now.box, now.x + 3 * i, now.x + 3 * i);
    MDS_TRY(mds_device_copy(device, self->site, now.x, (size_t)now.n * 3 * sizeof *now.x,
                            MDS_COPY_TO_DEVICE));
    MDS_TRY(mds_device_sync(device));
out:
    mds_structure_fini(&now);
    return status;
}

static mds_status harmonic_prepare(mds_model *model, const mds_state *state)
{
    harmonic *self = (harmonic *)model;
    const mds_status status =
        mds_device_reserve(self->base.device, (size_t)state->n * 3 * sizeof *self->site,
                           "harmonic sites", (void **)&self->site, &self->capacity);

    if (status != MDS_OK)
        return status;
    if (!mds_device_host_access(self->base.device))
        return place_sites(self, state);
    for (int i = 0; i < state->n; ++i)
        mds_box_to_fractional(&state->box, state->x + 3 * i, self->site + 3 * i);
    return MDS_OK;
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

#ifdef MDS_WITH_CUDA
static mds_status harmonic_compute_cuda(mds_model *model, mds_state *state, unsigned want)
{
    const harmonic *self = (const harmonic *)model;
    const harmonic_cuda_job job = {
        .k = self->k,
        .x = state->x,
        .site = self->site,
        .out = mds_force_sums_out(&self->sums, state, want & MDS_WANT_VIRIAL)};

    mds_region_begin(model->regions, MDS_REGION_FORCES);
    const mds_status status = harmonic_cuda_forces(model->device, &job);
    mds_region_end(model->regions, MDS_REGION_FORCES);
    return status;
}
#endif

/* For CUDA: a guess at the time of one kernel in a graph; not measured. */
static double harmonic_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                              mds_device_kind kind)
{
    (void)spec;
    return kind == MDS_DEVICE_CUDA ? 3e-6 : 5e-9 * target->n_atoms;
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
    .compute_cuda = MDS_CUDA_FN(harmonic_compute_cuda),
    .on_sim = true,
};
