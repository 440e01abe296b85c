/* The engine of Orb networks: life, options, and the order of a step. The formulas are those of
 * github.com/orbital-materials/orb-models (Apache-2.0), peculiarities included; docs/models-orb.md
 * lists them. */
#include "model/orb/orb.h"

#include "model/orb/orb_half.h"
#include "model/orb/orb_model.h"
#include "model/orb/orb_zbl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 320 };

static void orb_destroy(mds_model *model)
{
    orb *self = (orb *)model;
    mds_device *device = self->base.device;

    mds_neighbor_destroy(self->neighbors);
#ifdef MDS_WITH_CUDA
    orb_half_destroy(self);
    orb_cuda_destroy(self);
#endif
    if (self->graph.device)
        orb_graph_fini(&self->graph);
    orb_weights_fini(&self->weights);
    mds_device_free(device, self->encoded);
    mds_device_free(device, self->first_p);
    mds_device_free(device, self->energy_w);
    mds_device_free(device, self->nodes.memory);
    mds_device_free(device, self->edges.memory);
    if (!self->whole)
        mds_device_free(device, self->scratch);
    mds_team_destroy(self->team);
    free(self);
}

/* ---- create ---- */

static const orb_variant *variant_of(const mds_model_spec *spec)
{
    return orb_variant_find(mds_options_text(&spec->options, "variant"));
}

static bool is_synthetic(const mds_model_spec *spec)
{
    return mds_options_bool(&spec->options, "synthetic");
}

static const char *path_of(const mds_model_spec *spec, char path[PATH_SIZE])
{
    const char *given = mds_options_text(&spec->options, "weights");

    if (*given)
        snprintf(path, PATH_SIZE, "%s", given);
    else
        snprintf(path, PATH_SIZE, "weights/%s.h5", variant_of(spec)->name);
    return path;
}

/* Depth; less than the variant's only where no published number is meant. */
static mds_status layers_of(const mds_model_spec *spec, int *out)
{
    const orb_variant *variant = variant_of(spec);
    const int asked = mds_options_int(&spec->options, "layers");

    *out = asked ? asked : variant->layers;
    if (*out != variant->layers && !is_synthetic(spec))
        return mds_fail(MDS_ERR_CONFIG, "option 'layers': %d is for synthetic weights, %s has %d",
                        asked, variant->name, variant->layers);
    return MDS_OK;
}

/* The way back would need a scale for its small numbers, and nobody has tried it. */
static mds_status check_precision(const mds_model_spec *spec)
{
    if (spec->precision == MDS_PRECISION_FP16 && variant_of(spec)->conservative)
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "%s has no precision fp16, which only direct models have (but tf32)",
                        variant_of(spec)->name);
    return MDS_OK;
}

/* 0 means the cores this process may use. Without host access there are no loops to divide. */
static int threads_of(const mds_model_spec *spec, const mds_device *device)
{
    if (!mds_device_host_access(device))
        return 1;
    const int asked = mds_options_int(&spec->options, "threads");
    const int cores = asked ? asked : mds_device_get_info(device)->cores;

    return cores < 1 ? 1 : cores > ORB_THREADS_MAX ? ORB_THREADS_MAX : cores;
}

/* The energy head's last layer times the normaliser's scale: where the way back begins. */
static mds_status make_energy_w(orb *self)
{
    const orb_head *head = &self->weights.energy;
    const size_t bytes = ORB_WIDTH * mds_real_size(self->real);
    mds_device *device = self->base.device;
    double row[ORB_WIDTH]; /* of either precision */
    mds_status status;

    MDS_TRY(mds_device_alloc(device, bytes, "orb energy head", &self->energy_w));
    MDS_TRY(mds_device_copy(device, row, head->w[1], bytes, MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_sync(device));
    for (int j = 0; j < ORB_WIDTH; ++j)
        if (self->real == MDS_REAL_FP32) {
            float *at = (float *)row + j;

            *at = (float)(head->scale[0] * (double)*at);
        } else {
            row[j] *= head->scale[0];
        }
    MDS_TRY(mds_device_copy(device, self->energy_w, row, bytes, MDS_COPY_TO_DEVICE));
    status = mds_device_sync(device);
out:
    return status;
}

/* What depends on the element alone: the encoded features, and their products for layer 0. */
static mds_status make_tables(orb *self)
{
    mds_device *device = self->base.device;
    const size_t hidden = (size_t)self->variant->hidden, size = mds_real_size(self->real);
    void *work = NULL;
    mds_status status;

    MDS_TRY(
        mds_device_alloc(device, ORB_ELEMENTS * ORB_WIDTH * size, "orb elements", &self->encoded));
    MDS_TRY(
        mds_device_alloc(device, ORB_ELEMENTS * 2 * hidden * size, "orb elements", &self->first_p));
    MDS_TRY(mds_device_alloc(device, ORB_ELEMENTS * 2 * hidden * size, "orb scratch", &work));
    MDS_TRY(orb_mlp_apply(self, &self->weights.node_encoder, ORB_ELEMENTS, self->weights.elements,
                          work, orb_at(self, work, ORB_ELEMENTS * hidden), self->encoded));
    status = orb_product(self, ORB_ELEMENTS, 2 * (int)hidden, ORB_WIDTH, self->encoded, ORB_WIDTH,
                         self->weights.layer[0].node_w, ORB_WIDTH, self->first_p, 2 * (int)hidden);
out:
    mds_device_free(device, work);
    return status;
}

static mds_status set_up(orb *self, const mds_model_spec *spec)
{
    const mds_neighbor_options list = {.cutoff = ORB_CUTOFF,
                                       .skin = mds_options_real(&spec->options, "skin_A"),
                                       .kind = MDS_NEIGHBOR_FULL};
    char path[PATH_SIZE];
    mds_product product;
    int layers;
    mds_status status;

    self->variant = variant_of(spec);
    (void)mds_precision_product(spec->precision, &self->real, &product);
    self->whole = !mds_device_host_access(self->base.device);
    self->kernel = orb_kernel_find(self->real);
    self->target = &orb_target_host;
#ifdef MDS_WITH_CUDA
    if (self->whole)
        MDS_TRY(orb_cuda_create(self));
#endif
    MDS_TRY(check_precision(spec));
    MDS_TRY(layers_of(spec, &layers));
    MDS_TRY(orb_weights_load(self->base.device, self->variant,
                             is_synthetic(spec) ? NULL : path_of(spec, path), layers, self->real,
                             &self->weights));
    MDS_TRY(make_tables(self)); /* on CUDA the first products, which must not be recorded */
    self->product = product;
#ifdef MDS_WITH_CUDA
    if (spec->precision == MDS_PRECISION_FP16)
        MDS_TRY(orb_half_create(self));
#endif
    if (self->variant->conservative)
        MDS_TRY(make_energy_w(self));
    MDS_TRY(mds_neighbor_create(self->base.device, &list, &self->neighbors));
    status = mds_team_create(threads_of(spec, self->base.device), &self->team);
out:
    return status;
}

static mds_status orb_create(const mds_model_spec *spec, mds_device *device, mds_model **out)
{
    orb *self = calloc(1, sizeof *self);

    if (!self)
        return mds_fail(MDS_ERR_NOMEM, "orb: no memory for the model");
    self->base.device = device;
    const mds_status status = set_up(self, spec);
    if (status != MDS_OK) {
        orb_destroy(&self->base);
        return status;
    }
    *out = &self->base;
    return MDS_OK;
}

/* ---- prepare ---- */

static mds_status check_elements(const mds_species *species)
{
    for (int t = 0; t < species->count; ++t)
        if (species->z[t] < 1 || species->z[t] > ORB_ELEMENTS - 2)
            return mds_fail(MDS_ERR_UNSUPPORTED, "orb knows the elements 1 to %d, not %s",
                            ORB_ELEMENTS - 2, mds_element_symbol(species->z[t]));
    return MDS_OK;
}

static mds_status check_cell(const mds_box *box)
{
    if (box->periodic[0] != box->periodic[1] || box->periodic[1] != box->periodic[2])
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "orb: the cell must be periodic in all directions or in none");
    return MDS_OK;
}

/* What is known of each atom by its element. */
static mds_status name_atoms(orb *self, const mds_state *state)
{
    mds_device *device = self->base.device;
    const size_t n = (size_t)state->n;
    int *number = malloc(n * sizeof *number);
    double *radius = malloc(n * sizeof *radius);
    mds_status status = MDS_OK;

    self->reference_energy = 0.0;
    if (!number || !radius)
        MDS_TRY(mds_fail(MDS_ERR_NOMEM, "orb: no memory for %d atoms", state->n));
    MDS_TRY(mds_device_copy(device, number, state->type, n * sizeof *number, MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_sync(device));
    for (size_t i = 0; i < n; ++i) {
        number[i] = state->species.z[number[i]];
        radius[i] = orb_covalent_radius[number[i] + 1];
        self->reference_energy += self->weights.reference[number[i]];
    }
    MDS_TRY(mds_device_copy(device, self->nodes.number, number, n * sizeof *number,
                            MDS_COPY_TO_DEVICE));
    MDS_TRY(mds_device_copy(device, self->nodes.radius, radius, n * sizeof *radius,
                            MDS_COPY_TO_DEVICE));
    MDS_TRY(mds_device_fill(device, self->nodes.zero, 0, n * sizeof *self->nodes.zero));
    status = mds_device_sync(device); /* the copies' sources are about to go */
out:
    free(number);
    free(radius);
    return status;
}

static mds_status orb_prepare(mds_model *model, const mds_state *state)
{
    orb *self = (orb *)model;
    mds_status status;

    MDS_TRY(check_elements(&state->species));
    MDS_TRY(check_cell(&state->box));
    if (!(state->n > 0))
        MDS_TRY(mds_fail(MDS_ERR_UNSUPPORTED, "orb: there are no atoms"));
    MDS_TRY(orb_graph_set_atoms(&self->graph, model->device, state->n, self->variant->neighbors));
    MDS_TRY(orb_reserve_nodes(self, state->n));
    if (self->whole)
        self->edges.room = 0; /* to be found anew from the first positions */
    MDS_TRY(name_atoms(self, state));
    mds_neighbor_invalidate(self->neighbors);
out:
    return status;
}

/* ---- compute ---- */

static mds_status forward(orb *self)
{
#ifdef MDS_WITH_CUDA
    if (self->half)
        return orb_half_forward(self);
#endif
    return orb_forward(self);
}

static mds_status heads(orb *self, mds_state *state, unsigned want)
{
#ifdef MDS_WITH_CUDA
    if (self->half)
        return orb_half_heads(self, state, want);
#endif
    return orb_heads(self, state, want);
}

static mds_status orb_compute(mds_model *model, mds_state *state, unsigned want)
{
    orb *self = (orb *)model;
    mds_regions *regions = model->regions;
    mds_status status;

    MDS_TRY(check_cell(&state->box));
    mds_region_begin(regions, MDS_REGION_NEIGHBOR);
    status = self->target->make_graph(self, state);
    mds_region_end(regions, MDS_REGION_NEIGHBOR);
    if (status == MDS_OK)
        status = forward(self);
    if (status != MDS_OK)
        return status;
    mds_region_begin(regions, MDS_REGION_HEADS);
    status = heads(self, state, want);
    mds_region_end(regions, MDS_REGION_HEADS);
    if (status == MDS_OK && self->variant->conservative)
        return orb_backward(self, state, want);
    if (status == MDS_OK && self->variant->v3) {
        mds_region_begin(regions, MDS_REGION_ZBL);
        status = self->target->zbl(self, state, want);
        mds_region_end(regions, MDS_REGION_ZBL);
    }
out:
    return status;
}

static mds_status orb_make_room(mds_model *model, mds_state *state)
{
    orb *self = (orb *)model;

    return self->target->make_room(self, state);
}

/* ---- what is known without atoms ---- */

static mds_status orb_supports(const mds_model_spec *spec, const mds_model_target *target)
{
    char path[PATH_SIZE];
    int layers;
    mds_status status;

    MDS_TRY(check_precision(spec));
    MDS_TRY(layers_of(spec, &layers));
    MDS_TRY(check_elements(&target->species));
    if (!is_synthetic(spec))
        status = orb_weights_check(variant_of(spec), path_of(spec, path));
out:
    return status;
}

static unsigned orb_caps(const mds_model_spec *spec)
{
    const unsigned caps = MDS_CAP_STRESS | MDS_CAP_NONPERIODIC;

    return variant_of(spec)->conservative ? caps | MDS_CAP_CONSERVATIVE : caps;
}

static int depth_of(const mds_model_spec *spec)
{
    const int asked = mds_options_int(&spec->options, "layers");

    return asked ? asked : variant_of(spec)->layers;
}

/* Neighbours within 6 Å of an atom of a condensed phase, if the variant would take them all. */
static double edges_per_atom(const orb_variant *variant)
{
    const double typical = 70.0;

    return variant->neighbors < typical ? variant->neighbors : typical;
}

/* A guess from floors (docs/performance.md), not measured: launches, products at half of what the
 * data sheet promises, and what lies between them going through memory. */
static double cuda_cost_s(const mds_model_spec *spec, const orb_variant *variant, int layers,
                          double flops, double edges)
{
    const double launch = 3e-6, bandwidth = 4e12;
    const double rate = spec->precision == MDS_PRECISION_FP16     ? 4e14
                        : spec->precision == MDS_PRECISION_TF32   ? 2.5e14
                        : spec->precision == MDS_PRECISION_TF32X3 ? 8e13
                                                                  : 3e13;
    const bool fused = spec->precision == MDS_PRECISION_FP16; /* orb_half.c */
    const double launches = fused                   ? 13.0 + layers * 6.0
                            : variant->conservative ? 30.0 + layers * 34.0
                                                    : 30.0 + layers * 15.0;
    const double bytes = fused ? 16.0 * ORB_WIDTH
                               : (spec->precision == MDS_PRECISION_FP64 ? 8.0 : 4.0) *
                                     (10.0 * variant->hidden + 9.0 * ORB_WIDTH);

    return launch * launches + flops / rate + layers * edges * bytes / bandwidth;
}

static double orb_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                         mds_device_kind kind)
{
    const orb_variant *variant = variant_of(spec);
    const int layers = depth_of(spec);
    const double edges = edges_per_atom(variant) * target->n_atoms;
    const double flops = orb_variant_flops_per_edge(variant, layers) * edges +
                         orb_variant_flops_per_node(variant, layers) * target->n_atoms;
    const double rate = spec->precision == MDS_PRECISION_FP64 ? 3e10 : 8e10; /* of one core */

    if (kind == MDS_DEVICE_CUDA)
        return cuda_cost_s(spec, variant, layers, flops, edges);
    return 1e-3 + flops / rate;
}

static double orb_memory_bytes(const mds_model_spec *spec, const mds_model_target *target)
{
    const orb_variant *variant = variant_of(spec);
    const int layers = depth_of(spec);
    const mds_real real = spec->precision == MDS_PRECISION_FP64 ? MDS_REAL_FP64 : MDS_REAL_FP32;
    const double size = (double)mds_real_size(real), kept = 2.0 * variant->hidden + ORB_WIDTH;
    const double stash = variant->conservative ? kept * (layers + 1) : 0.0;
    const double per_edge = size * (variant->features + 2.0 * ORB_WIDTH + stash) + 64.0;
    const double per_node = size * (6.0 * variant->hidden + 6.0 * ORB_WIDTH +
                                    (variant->conservative ? kept * layers : kept));

    const double packed = spec->precision == MDS_PRECISION_FP16 ? 0.5 : 0.0; /* halves beside */

    return (1.0 + packed) * orb_weights_bytes(variant, layers, real) +
           target->n_atoms * (per_node + 1.1 * per_edge * edges_per_atom(variant));
}

static double orb_cutoff(const mds_model *model)
{
    (void)model;
    return ORB_CUTOFF;
}

static const mds_option orb_options[] = {
    {.key = "variant",
     .type = MDS_OPTION_TEXT,
     .preset_text = "orb-v2",
     .choices = orb_variant_names,
     .help = "which of the published networks"},
    {.key = "weights",
     .type = MDS_OPTION_TEXT,
     .help = "file made by analysis/convert_orb.py; empty: weights/VARIANT.h5"},
    {.key = "synthetic",
     .type = MDS_OPTION_BOOL,
     .help = "made-up weights, for the cost of a step alone: results mean nothing"},
    {.key = "dynamics",
     .type = MDS_OPTION_BOOL,
     .help = "synthetic weights may move atoms; by default they are shown replayed frames"},
    {.key = "layers",
     .type = MDS_OPTION_INT,
     .min = 0,
     .max = ORB_LAYERS_MAX,
     .help = "depth, with synthetic weights; 0: as published"},
    {.key = "skin_A",
     .type = MDS_OPTION_REAL,
     .unit = "Å",
     .preset = 0.5,
     .min = 0.0,
     .max = 5.0,
     .help = "skin of the list from which the nearest are chosen at every step"},
    {.key = "threads",
     .type = MDS_OPTION_INT,
     .preset = 1,
     .min = 0,
     .max = ORB_THREADS_MAX,
     .help = "threads of the CPU loops; 0: as many as the cores this process may use"},
    {0},
};

const mds_engine mds_engine_orb = {
    .name = "orb",
    .summary = "Orb graph networks (v2, v3 direct and conservative); variant = ...",
    .options = orb_options,
    .caps = MDS_CAP_STRESS | MDS_CAP_NONPERIODIC,
    .caps_of = orb_caps,
    .precisions = 1u << MDS_PRECISION_FP64 | 1u << MDS_PRECISION_FP32 | 1u << MDS_PRECISION_TF32 |
                  1u << MDS_PRECISION_TF32X3 | 1u << MDS_PRECISION_FP16,
    .default_precision = MDS_PRECISION_FP32,
    .create = orb_create,
    .destroy = orb_destroy,
    .work = orb_work,
    .expected_error = orb_expected_error,
    .prepare = orb_prepare,
    .compute = orb_compute,
    .supports = orb_supports,
    .cost_s = orb_cost_s,
    .memory_bytes = orb_memory_bytes,
    .cutoff = orb_cutoff,
    .compute_cuda = MDS_CUDA_FN(orb_compute),
    .make_room = orb_make_room,
    .on_sim = true,
};
