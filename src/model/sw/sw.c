/* Stillinger–Weber: the engine; formulas in sw_math.h, loops in sw_cpu.c, kernels in sw_cuda.cu. */
#include "model/model.h"
#include "model/sw/sw_cpu.h"
#include "model/sw/sw_cuda.h"

#include <stdlib.h>

typedef struct sw {
    mds_model base;
    sw_params params;
    mds_neighbor *list;
    void *bond_memory, *moment_memory;
    size_t bond_bytes, moment_bytes;
    int bond_capacity;
    mds_force_sums sums; /* on CUDA */
} sw;

static void sw_destroy(mds_model *model)
{
    sw *self = (sw *)model;

    mds_neighbor_destroy(self->list);
    mds_device_free(self->base.device, self->bond_memory);
    mds_device_free(self->base.device, self->moment_memory);
    mds_force_sums_fini(&self->sums, self->base.device);
    free(self);
}

static double cutoff_of(const mds_options *options)
{
    return mds_options_real(options, "a") * mds_options_real(options, "sigma_A");
}

static sw_params read_params(const mds_options *options)
{
    const double epsilon = mds_options_real(options, "epsilon_eV");
    const double sigma = mds_options_real(options, "sigma_A");
    const double a = mds_options_real(options, "A"), b = mds_options_real(options, "B");
    const double cutoff = cutoff_of(options), gamma = mds_options_real(options, "gamma");
    const sw_params params = {
        .sigma = sigma,
        .gamma_sigma = gamma * sigma,
        .cutoff = cutoff,
        .cutoff2 = cutoff * cutoff,
        .last_gap = -sigma * (gamma < 1.0 ? gamma : 1.0) / 600.0,
        .a_eps = a * epsilon,
        .ab_eps_sigma4 = a * b * epsilon * sigma * sigma * sigma * sigma,
        .lambda_eps = mds_options_real(options, "lambda") * epsilon,
        .cos0 = mds_options_real(options, "cos0"),
    };

    return params;
}

static mds_status sw_create(const mds_model_spec *spec, mds_device *device, mds_model **out)
{
    const mds_neighbor_options list = {.cutoff = cutoff_of(&spec->options),
                                       .skin = mds_options_real(&spec->options, "skin_A"),
                                       .kind = MDS_NEIGHBOR_HALF};
    sw *self = calloc(1, sizeof *self);

    if (!self)
        return mds_fail(MDS_ERR_NOMEM, "sw: no memory for the model");
    self->base.device = device;
    self->params = read_params(&spec->options);
    const mds_status status = mds_neighbor_create(device, &list, &self->list);
    if (status != MDS_OK) {
        sw_destroy(&self->base);
        return status;
    }
    *out = &self->base;
    return MDS_OK;
}

static mds_status sw_prepare(mds_model *model, const mds_state *state)
{
    sw *self = (sw *)model;
    const bool host = mds_device_host_access(model->device);
    const size_t row = (host ? (size_t)SW_MOMENT_STRIDE : (size_t)SW_ROW) * sizeof(double);
    const mds_status status = mds_device_reserve(model->device, (size_t)state->n * row,
                                                 "sw moments", &self->moment_memory,
                                                 &self->moment_bytes);

    mds_neighbor_invalidate(self->list);
    if (status != MDS_OK || host)
        return status;
    return mds_force_sums_reserve(&self->sums, model->device, state->n);
}

/* Room for every entry of the list to be a bond: grows only when the list was rebuilt, so that a
 * quiet step allocates nothing. */
static mds_status lay_out_bonds(sw *self, sw_bonds *bonds)
{
    /* One more than the entries, because pass 1 writes before it knows whether to keep. */
    const size_t need = ((size_t)self->list->entries + 1 + 7) / 8 * 8;
    const size_t each = SW_BOND_DOUBLES * sizeof(double) + SW_BOND_INTS * sizeof(int);

    if (need > (size_t)self->bond_capacity) {
        const mds_status status = mds_device_reserve(self->base.device, need * each, "sw bonds",
                                                     &self->bond_memory, &self->bond_bytes);
        if (status != MDS_OK)
            return status;
        self->bond_capacity = (int)(self->bond_bytes / each / 8 * 8);
    }
    const size_t stride = (size_t)self->bond_capacity;
    double *base = self->bond_memory;
    double **fields[SW_BOND_DOUBLES] = {&bonds->x,    &bonds->y, &bonds->z,  &bonds->inv_r,
                                        &bonds->dphi, &bonds->w, &bonds->dw, &bonds->energy};
    for (int k = 0; k < SW_BOND_DOUBLES; ++k)
        *fields[k] = base + (size_t)k * stride;
    bonds->first = (int *)(base + SW_BOND_DOUBLES * stride);
    bonds->second = bonds->first + stride;
    bonds->count = 0;
    return MDS_OK;
}

static mds_status sw_compute(mds_model *model, mds_state *state, unsigned want)
{
    sw *self = (sw *)model;
    const sw_params *params = &self->params;
    double *moments = self->moment_memory;
    sw_bonds bonds;

    mds_region_begin(self->base.regions, MDS_REGION_NEIGHBOR);
    mds_status status = mds_neighbor_update(self->list, state);
    if (status == MDS_OK)
        status = lay_out_bonds(self, &bonds);
    mds_region_end(self->base.regions, MDS_REGION_NEIGHBOR);
    if (status != MDS_OK)
        return status;

    mds_region_begin(self->base.regions, MDS_REGION_FORCES);
    sw_find_bonds(params, self->list, &bonds);
    sw_bond_terms(params, &bonds);
    sw_moments(&bonds, state->n, moments);
    sw_forces(params, &bonds, state->n, moments, state->f,
              want & MDS_WANT_VIRIAL ? state->s->virial_eV : NULL);
    state->s->potential_eV = sw_energy(params, &bonds, state->n, moments);
    state->s->n_edges = 2.0 * bonds.count;
    mds_region_end(self->base.regions, MDS_REGION_FORCES);
    return MDS_OK;
}

#ifdef MDS_WITH_CUDA
static mds_status sw_compute_cuda(mds_model *model, mds_state *state, unsigned want)
{
    sw *self = (sw *)model;

    mds_region_begin(model->regions, MDS_REGION_NEIGHBOR);
    mds_status status = mds_neighbor_update(self->list, state);
    mds_region_end(model->regions, MDS_REGION_NEIGHBOR);
    if (status != MDS_OK)
        return status;

    const sw_cuda_job job = {.params = self->params,
                             .list = self->list->view,
                             .rows = self->moment_memory,
                             .out = mds_force_sums_out(&self->sums, state, want & MDS_WANT_VIRIAL)};
    mds_region_begin(model->regions, MDS_REGION_FORCES);
    status = sw_cuda_forces(model->device, &job);
    mds_region_end(model->regions, MDS_REGION_FORCES);
    return status;
}
#endif

static mds_status sw_make_room(mds_model *model, mds_state *state)
{
    return mds_neighbor_make_room(((sw *)model)->list, state);
}

static mds_status sw_supports(const mds_model_spec *spec, const mds_model_target *target)
{
    const char *element = mds_options_text(&spec->options, "element");

    if (mds_element_number(element) == 0)
        return mds_fail(MDS_ERR_CONFIG, "option 'element': there is no element \"%s\"", element);
    for (int i = 0; i < target->species.count; ++i)
        if (target->species.z[i] != mds_element_number(element))
            return mds_fail(MDS_ERR_UNSUPPORTED, "sw has parameters for %s only, not for %s",
                            element, mds_element_symbol(target->species.z[i]));
    return MDS_OK;
}

static double sw_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                        mds_device_kind kind)
{
    (void)spec;
    if (kind == MDS_DEVICE_CUDA) /* a guess (docs/performance.md); not measured */
        return 10e-6 + 1e-9 * target->n_atoms;
    return 0.5e-6 + 0.11e-6 * target->n_atoms;
}

static double sw_memory_bytes(const mds_model_spec *spec, const mds_model_target *target)
{
    (void)spec;
    return 30e3 + 1500.0 * target->n_atoms;
}

static double sw_cutoff(const mds_model *model)
{
    return ((const sw *)model)->params.cutoff;
}

#define REAL(name, word, value, low, high, text)                                                   \
    {                                                                                              \
        .key = name, .type = MDS_OPTION_REAL, .unit = word, .preset = value, .min = low,           \
        .max = high, .help = text                                                                  \
    }

static const mds_option sw_options[] = {
    {.key = "element", .type = MDS_OPTION_TEXT, .preset_text = "Si", .help = "the element"},
    REAL("epsilon_eV", "eV", 2.1683, 1e-6, 100.0, "energy scale"),
    REAL("sigma_A", "Å", 2.0951, 0.1, 10.0, "length scale"),
    REAL("a", NULL, 1.80, 0.5, 10.0, "cutoff in units of sigma"),
    REAL("lambda", NULL, 21.0, 0.0, 1e3, "strength of the three-body term"),
    REAL("gamma", NULL, 1.20, 0.0, 10.0, "range of the three-body term"),
    REAL("cos0", NULL, -1.0 / 3.0, -1.0, 1.0, "cosine of the ideal angle"),
    REAL("A", NULL, 7.049556277, 0.0, 1e3, "strength of the two-body term"),
    REAL("B", NULL, 0.6022245584, 0.0, 1e3, "repulsion in the two-body term"),
    REAL("skin_A", "Å", 1.0, 0.0, 5.0, "skin of the neighbour list"),
    {0},
};

const mds_engine mds_engine_sw = {
    .name = "sw",
    .summary = "Stillinger-Weber silicon (1985)",
    .options = sw_options,
    .caps = MDS_CAP_STRESS | MDS_CAP_CONSERVATIVE | MDS_CAP_NONPERIODIC,
    .precisions = 1u << MDS_PRECISION_FP64,
    .default_precision = MDS_PRECISION_FP64,
    .create = sw_create,
    .destroy = sw_destroy,
    .prepare = sw_prepare,
    .compute = sw_compute,
    .supports = sw_supports,
    .cost_s = sw_cost_s,
    .memory_bytes = sw_memory_bytes,
    .cutoff = sw_cutoff,
    .compute_cuda = MDS_CUDA_FN(sw_compute_cuda),
    .make_room = sw_make_room,
    .on_sim = true,
};
