/* Lennard-Jones argon (ε/k_B = 119.8 K, σ = 3.405 Å), shifted force. One pass over a half list;
 * forces on images are gathered in `fe` and folded onto their owners. */
#include "md/neighbor.h"
#include "model/lj/lj_cuda.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

typedef struct lj {
    mds_model base;
    lj_params params;
    mds_neighbor *list;
    double *fe; /* (m,4) */
    size_t fe_bytes;
    mds_force_sums sums; /* on CUDA */
} lj;

static void lj_destroy(mds_model *model)
{
    lj *self = (lj *)model;

    mds_neighbor_destroy(self->list);
    mds_device_free(self->base.device, self->fe);
    mds_force_sums_fini(&self->sums, self->base.device);
    free(self);
}

static mds_status lj_create(const mds_model_spec *spec, mds_device *device, mds_model **out)
{
    const mds_neighbor_options list = {.cutoff = mds_options_real(&spec->options, "cutoff_A"),
                                       .skin = mds_options_real(&spec->options, "skin_A"),
                                       .kind = MDS_NEIGHBOR_HALF};
    lj *self = calloc(1, sizeof *self);

    if (!self)
        return mds_fail(MDS_ERR_NOMEM, "lj: no memory for the model");
    self->base.device = device;
    self->params = lj_params_make(mds_options_real(&spec->options, "epsilon_eV"),
                                  mds_options_real(&spec->options, "sigma_A"), list.cutoff);
    const mds_status status = mds_neighbor_create(device, &list, &self->list);
    if (status != MDS_OK) {
        lj_destroy(&self->base);
        return status;
    }
    *out = &self->base;
    return MDS_OK;
}

static mds_status lj_prepare(mds_model *model, const mds_state *state)
{
    lj *self = (lj *)model;

    mds_neighbor_invalidate(self->list);
    if (mds_device_host_access(model->device))
        return MDS_OK;
    return mds_force_sums_reserve(&self->sums, model->device, state->n);
}

/* Sums of one pass; w: xx, yy, zz, xy, xz, yz of Σ r_a f_b. */
typedef struct sums {
    double energy, edges, w[6];
} sums;

static void add_virial(double w[6], double s, double dx, double dy, double dz)
{
    w[0] += s * dx * dx;
    w[1] += s * dy * dy;
    w[2] += s * dz * dz;
    w[3] += s * dx * dy;
    w[4] += s * dx * dz;
    w[5] += s * dy * dz;
}

static sums pass(const lj_params *params, const mds_neighbor *list, double *fe, bool virial)
{
    const lj_params p = *params;
    const double *xe = list->xe;
    sums sum = {0};
    int64_t pairs = 0;

    memset(fe, 0, (size_t)list->m * 4 * sizeof *fe);
    for (int i = 0; i < list->n; ++i) {
        const double *xi = xe + 4 * (size_t)i;
        const int end = list->start[i] + list->count[i];
        double fx = 0.0, fy = 0.0, fz = 0.0;

        for (int e = list->start[i]; e < end; ++e) {
            const size_t j = 4 * (size_t)list->index[e];
            const double dx = xe[j] - xi[0], dy = xe[j + 1] - xi[1], dz = xe[j + 2] - xi[2];
            const double r2 = dx * dx + dy * dy + dz * dz;
            double s;

            if (r2 >= p.cutoff2)
                continue;
            sum.energy += lj_pair(&p, r2, &s);
            ++pairs;
            fx -= s * dx;
            fy -= s * dy;
            fz -= s * dz;
            fe[j] += s * dx;
            fe[j + 1] += s * dy;
            fe[j + 2] += s * dz;
            if (virial)
                add_virial(sum.w, s, dx, dy, dz);
        }
        fe[4 * i] += fx;
        fe[4 * i + 1] += fy;
        fe[4 * i + 2] += fz;
    }
    sum.edges = 2.0 * (double)pairs;
    return sum;
}

static mds_status lj_compute(mds_model *model, mds_state *state, unsigned want)
{
    lj *self = (lj *)model;

    mds_region_begin(self->base.regions, MDS_REGION_NEIGHBOR);
    mds_status status = mds_neighbor_update(self->list, state);
    if (status == MDS_OK)
        status = mds_device_reserve(self->base.device, (size_t)self->list->m * 4 * sizeof(double),
                                    "lj forces on images", (void **)&self->fe, &self->fe_bytes);
    mds_region_end(self->base.regions, MDS_REGION_NEIGHBOR);
    if (status != MDS_OK)
        return status;

    mds_region_begin(self->base.regions, MDS_REGION_FORCES);
    const sums sum = pass(&self->params, self->list, self->fe, want & MDS_WANT_VIRIAL);
    mds_neighbor_fold_forces(self->list, self->fe, state->f);
    state->s->potential_eV = sum.energy;
    state->s->n_edges = sum.edges;
    if (want & MDS_WANT_VIRIAL) {
        const double *w = sum.w;
        const double full[3][3] = {{w[0], w[3], w[4]}, {w[3], w[1], w[5]}, {w[4], w[5], w[2]}};

        memcpy(state->s->virial_eV, full, sizeof full);
    }
    mds_region_end(self->base.regions, MDS_REGION_FORCES);
    return MDS_OK;
}

#ifdef MDS_WITH_CUDA
static mds_status lj_compute_cuda(mds_model *model, mds_state *state, unsigned want)
{
    lj *self = (lj *)model;

    mds_region_begin(model->regions, MDS_REGION_NEIGHBOR);
    mds_status status = mds_neighbor_update(self->list, state);
    mds_region_end(model->regions, MDS_REGION_NEIGHBOR);
    if (status != MDS_OK)
        return status;

    const lj_cuda_job job = {.params = self->params,
                             .list = self->list->view,
                             .out = mds_force_sums_out(&self->sums, state, want & MDS_WANT_VIRIAL)};
    mds_region_begin(model->regions, MDS_REGION_FORCES);
    status = lj_cuda_forces(model->device, &job);
    mds_region_end(model->regions, MDS_REGION_FORCES);
    return status;
}
#endif

static mds_status lj_make_room(mds_model *model, mds_state *state)
{
    return mds_neighbor_make_room(((lj *)model)->list, state);
}

static mds_status lj_supports(const mds_model_spec *spec, const mds_model_target *target)
{
    (void)spec;
    if (target->species.count > 1)
        return mds_fail(MDS_ERR_UNSUPPORTED, "lj has one set of parameters, for one element");
    return MDS_OK;
}

static double lj_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                        mds_device_kind kind)
{
    (void)spec;
    if (kind == MDS_DEVICE_CUDA) /* a guess (docs/performance.md); not measured */
        return 8e-6 + 2e-9 * target->n_atoms;
    return 0.5e-6 + 0.35e-6 * target->n_atoms;
}

static double lj_memory_bytes(const mds_model_spec *spec, const mds_model_target *target)
{
    (void)spec;
    return 30e3 + 1100.0 * target->n_atoms;
}

static double lj_cutoff(const mds_model *model)
{
    return ((const lj *)model)->params.cutoff;
}

static const mds_option lj_options[] = {
    {.key = "epsilon_eV",
     .type = MDS_OPTION_REAL,
     .unit = "eV",
     .preset = 0.0103235,
     .min = 1e-9,
     .max = 1e3,
     .help = "well depth"},
    {.key = "sigma_A",
     .type = MDS_OPTION_REAL,
     .unit = "Å",
     .preset = 3.405,
     .min = 0.1,
     .max = 20.0,
     .help = "distance of zero energy"},
    {.key = "cutoff_A",
     .type = MDS_OPTION_REAL,
     .unit = "Å",
     .preset = 8.5125,
     .min = 0.1,
     .max = 50.0,
     .help = "cutoff; energy and force go to zero there"},
    {.key = "skin_A",
     .type = MDS_OPTION_REAL,
     .unit = "Å",
     .preset = 1.0,
     .min = 0.0,
     .max = 5.0,
     .help = "skin of the neighbour list"},
    {0},
};

const mds_engine mds_engine_lj = {
    .name = "lj",
    .summary = "Lennard-Jones argon, shifted force",
    .options = lj_options,
    .caps = MDS_CAP_STRESS | MDS_CAP_CONSERVATIVE | MDS_CAP_NONPERIODIC,
    .precisions = 1u << MDS_PRECISION_FP64,
    .default_precision = MDS_PRECISION_FP64,
    .create = lj_create,
    .destroy = lj_destroy,
    .prepare = lj_prepare,
    .compute = lj_compute,
    .supports = lj_supports,
    .cost_s = lj_cost_s,
    .memory_bytes = lj_memory_bytes,
    .cutoff = lj_cutoff,
    .compute_cuda = MDS_CUDA_FN(lj_compute_cuda),
    .make_room = lj_make_room,
    .on_sim = true,
};
