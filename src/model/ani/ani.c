/* The engine of ANI networks: files in ani_files.c, formulas and loops in ani_kernel.h and the
 * *_body.h files, and here the order of things. */
#include "model/ani/ani.h"

#include "model/ani/ani_cuda_model.h"
#include "model/ani/ani_model.h"
#include "model/built_in.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void ani_destroy(mds_model *model)
{
    ani *self = (ani *)model;
    mds_device *device = self->base.device;

#ifdef MDS_WITH_CUDA
    ani_cuda_destroy(self);
#endif
    mds_neighbor_destroy(self->neighbors);
    ani_pack_fini(device, &self->pack);
    ani_list_fini(&self->list, device);
    mds_device_free(device, self->g);
    mds_device_free(device, self->grad);
    mds_device_free(device, self->h);
    mds_device_free(device, self->scratch);
    mds_device_free(device, self->f);
    mds_team_destroy(self->team);
    free(self->group);
    free(self->unit_energy);
    free(self->unit_start);
    ani_weights_close(self->weights);
    free(self->weights);
    free(self);
}

/* Elements and constants only. Heap, because it is large. */
static mds_status open_weights(const mds_model_spec *spec, ani_weights **out)
{
    mds_status status = MDS_OK;

    *out = malloc(sizeof **out);
    if (!*out)
        return mds_fail(MDS_ERR_NOMEM, "ani: no memory for the description of the networks");
    if (spec->seed)
        ani_weights_synthetic(spec->seed, *out);
    else
        status = ani_weights_open(mds_options_text(&spec->options, "weights"), *out);
    const int member = mds_options_int(&spec->options, "member");
    if (status == MDS_OK && member >= (*out)->members)
        status = mds_fail(MDS_ERR_CONFIG, "option 'member': %d, but there are members 0 to %d",
                          member, (*out)->members - 1);
    if (status != MDS_OK) {
        ani_weights_close(*out);
        free(*out);
        *out = NULL;
    }
    return status;
}

#ifdef MDS_WITH_CUDA
static bool on_cuda(const ani *self)
{
    return mds_device_get_kind(self->base.device) == MDS_DEVICE_CUDA;
}
#endif

/* 0 means the cores this process may use. */
static int threads_of(const ani *self, const mds_options *options)
{
    const int asked = mds_options_int(options, "threads");
    const int cores = asked ? asked : mds_device_get_info(self->base.device)->cores;

    return cores < 1 ? 1 : cores > ANI_THREADS_MAX ? ANI_THREADS_MAX : cores;
}

/* Threads and loops of the host. */
static mds_status set_up_host(ani *self, const mds_model_spec *spec)
{
    const char *kernel = mds_options_text(&spec->options, "kernel");

    self->kernel = ani_kernel_find(kernel, spec->precision == MDS_PRECISION_FP64);
    if (!self->kernel)
        return mds_fail(MDS_ERR_UNSUPPORTED, "option 'kernel': this processor has no %s", kernel);
    self->list.lanes = self->kernel->lanes;
    self->list.real_size = self->kernel->real_size;
    return mds_team_create(threads_of(self, &spec->options), &self->team);
}

static mds_status set_up(ani *self, const mds_model_spec *spec)
{
    const mds_options *options = &spec->options;
    const int member = mds_options_int(options, "member");
    mds_status status;

    MDS_TRY(open_weights(spec, &self->weights));
    MDS_TRY(ani_weights_check(self->weights));
    self->first = member < 0 ? 0 : member;
    self->members = member < 0 ? self->weights->members : 1;
    self->list.atoms.d = self->weights->descriptor;
    for (int z = 0; z < self->weights->descriptor.n_sections; ++z) {
        self->list.atoms.cos_z[z] = cos(self->weights->descriptor.shift_z[z]);
        self->list.atoms.sin_z[z] = sin(self->weights->descriptor.shift_z[z]);
    }
    const mds_neighbor_options list = {.cutoff = self->weights->descriptor.radial_cutoff,
                                       .skin = mds_options_real(options, "skin_A"),
                                       .kind = MDS_NEIGHBOR_FULL};
    MDS_TRY(mds_neighbor_create(self->base.device, &list, &self->neighbors));
#ifdef MDS_WITH_CUDA
    if (on_cuda(self))
        return ani_cuda_create(self, spec);
#endif
    status = set_up_host(self, spec);
out:
    return status;
}

static mds_status ani_create(const mds_model_spec *spec, mds_device *device, mds_model **out)
{
    ani *self = calloc(1, sizeof *self);

    if (!self)
        return mds_fail(MDS_ERR_NOMEM, "ani: no memory for the model");
    self->base.device = device;
    const mds_status status = set_up(self, spec);
    if (status != MDS_OK) {
        ani_destroy(&self->base);
        return status;
    }
    *out = &self->base;
    return MDS_OK;
}

/* ---- prepare ---- */

static mds_status unknown_element(const ani_weights *w, int z)
{
    char known[ANI_ELEMENTS_MAX * 4 + 1] = "";

    for (int e = 0; e < w->elements; ++e) {
        strcat(known, " ");
        strcat(known, w->symbol[e]);
    }
    return mds_fail(MDS_ERR_UNSUPPORTED, "ani has networks for%s only, not for %s", known,
                    mds_element_symbol(z));
}

/* The elements of the species in the model's order, and which of them a type is. */
static mds_status find_elements(const ani_weights *w, const mds_species *species, int *element,
                                int *live, int *kind_of)
{
    bool present[ANI_ELEMENTS_MAX] = {false};
    int index[ANI_ELEMENTS_MAX];

    *live = 0;
    for (int t = 0; t < species->count; ++t) {
        const int e = ani_weights_find(w, species->z[t]);

        if (e < 0)
            return unknown_element(w, species->z[t]);
        present[e] = true;
    }
    for (int e = 0; e < w->elements; ++e)
        if (present[e]) {
            index[e] = *live;
            element[(*live)++] = e;
        }
    for (int t = 0; t < species->count; ++t)
        kind_of[t] = index[ani_weights_find(w, species->z[t])];
    return MDS_OK;
}

static mds_status ani_prepare(mds_model *model, const mds_state *state)
{
    ani *self = (ani *)model;
    int element[ANI_ELEMENTS_MAX], kind_of[MDS_SPECIES_MAX], live;
    mds_status status;

    MDS_TRY(find_elements(self->weights, &state->species, element, &live, kind_of));
#ifdef MDS_WITH_CUDA
    if (on_cuda(self))
        return ani_cuda_prepare(self, state, element, live, kind_of);
#endif
    if (self->pack.live != live ||
        memcmp(self->pack.element, element, (size_t)live * sizeof *element) != 0)
        MDS_TRY(ani_pack_make(self->base.device, self->weights, self->kernel, self->first,
                              self->members, element, live,
                              self->weights->energy_unit_eV / self->members, &self->pack));
    MDS_TRY(ani_list_set_atoms(&self->list, self->base.device, state->n, state->type, kind_of, live,
                               self->pack.features));
    MDS_TRY(ani_plan_step(self));
    self->self_energy = 0.0;
    for (int e = 0; e < live && mds_options_bool(&model->spec.options, "self_energies"); ++e)
        self->self_energy += self->weights->energy_unit_eV * self->list.count[e] *
                             self->weights->self_energy[element[e]];
    mds_neighbor_invalidate(self->neighbors);
out:
    return status;
}

static mds_status ani_make_room(mds_model *model, mds_state *state)
{
    return mds_neighbor_make_room(((ani *)model)->neighbors, state);
}

/* ---- what is known without atoms ---- */

static mds_status ani_supports(const mds_model_spec *spec, const mds_model_target *target)
{
    ani_weights *weights;
    mds_status status = open_weights(spec, &weights);
    int element[ANI_ELEMENTS_MAX], kind_of[MDS_SPECIES_MAX], live;

    if (status == MDS_OK)
        status = find_elements(weights, &target->species, element, &live, kind_of);
    ani_weights_close(weights);
    free(weights);
    return status;
}

/* Whether these are the small networks that are part of the program. */
static bool is_student(const mds_model_spec *spec)
{
    return mds_built_in_name(mds_options_text(&spec->options, "weights")) != NULL;
}

static double ani_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                         mds_device_kind kind)
{
    const int members = mds_options_int(&spec->options, "member") < 0 ? 8 : 1;
    const double slower = spec->precision == MDS_PRECISION_FP64 ? 2.2 : 1.0;

    if (kind == MDS_DEVICE_CUDA) /* a guess (docs/performance.md); not measured */
        return slower * (is_student(spec)
                             ? 25e-6 + 0.02e-6 * target->n_atoms
                             : 30e-6 + (0.03e-6 + 0.012e-6 * members) * target->n_atoms);
    /* As measured with AVX-512; AVX2 takes 1.6 times that. */
    if (is_student(spec))
        return slower * (1e-6 + 1e-6 * target->n_atoms);
    return slower * (10e-6 + 1e-6 * (3.5 + 2.5 * members) * target->n_atoms);
}

static double ani_memory_bytes(const mds_model_spec *spec, const mds_model_target *target)
{
    const int members = mds_options_int(&spec->options, "member") < 0 ? 8 : 1;
    const double wider = spec->precision == MDS_PRECISION_FP64 ? 2.0 : 1.0;
    const int live = target->species.count;

    if (is_student(spec))
        return wider * (0.1e6 + 5e3 * target->n_atoms);
    /* Weights of one member and element in water take 0.4 MB; columns grow with the pairs. */
    return wider * (members * live * (0.2e6 + 0.03e6 * live * (live + 1)) +
                    target->n_atoms * (4e3 + 300.0 * live * (live + 1)));
}

static double ani_cutoff(const mds_model *model)
{
    return ((const ani *)model)->weights->descriptor.radial_cutoff;
}

/* ---- for tests ---- */

int ani_member_count(const mds_model *model)
{
    return ((const ani *)model)->members;
}

const double *ani_member_energies(const mds_model *model)
{
    return ((const ani *)model)->member_energy;
}

int ani_descriptor_size(const mds_model *model)
{
    const ani_weights *w = ((const ani *)model)->weights;

    return ani_descriptor_length(&w->descriptor, w->elements);
}

/* The live columns of atom i. */
static void live_descriptor(const ani *self, int i, double *out)
{
    const int lanes = self->list.lanes;

#ifdef MDS_WITH_CUDA
    if (on_cuda(self)) {
        if (ani_cuda_descriptor(self, i, out) != MDS_OK)
            out[0] = NAN;
        return;
    }
#endif
    const int slot = self->list.atoms.slot[i], features = self->list.atoms.features;
    const size_t base = (size_t)(slot / lanes) * (size_t)(lanes * features);

    for (int k = 0; k < features; ++k) {
        const size_t at = base + (size_t)(k * lanes + slot % lanes);

        out[k] = self->kernel->real_size == sizeof(float) ? (double)((const float *)self->g)[at]
                                                          : ((const double *)self->g)[at];
    }
}

void ani_descriptor_of(const mds_model *model, int i, double *out)
{
    const ani *self = (const ani *)model;
    const ani_weights *w = self->weights;
    const int *element = self->pack.element;
    int live = self->pack.live, *full;

#ifdef MDS_WITH_CUDA
    if (on_cuda(self)) {
        element = self->cuda->pack.element;
        live = self->cuda->pack.live;
    }
#endif
    const int columns = ani_descriptor_length(&w->descriptor, live);
    double *row = calloc((size_t)ani_pack_features(w, live) + 1, sizeof *row);

    full = calloc((size_t)columns + 1, sizeof *full);
    memset(out, 0, (size_t)ani_descriptor_size(model) * sizeof *out);
    if (row && full) {
        live_descriptor(self, i, row);
        ani_pack_columns(w, element, live, full);
        for (int k = 0; k < columns; ++k)
            out[full[k]] = row[k];
    }
    free(row);
    free(full);
}

static const char *const kernel_words[] = {"auto", "avx512", "avx2", "portable", NULL};
static const char *const network_words[] = {"auto", "fused", "products", NULL};

static const mds_option ani_options[] = {
    {.key = "weights",
     .type = MDS_OPTION_TEXT,
     .preset_text = "weights/ani-2x_8x",
     .help = "folder of NeuroChem files, or a weights file (docs/weights.md)"},
    {.key = "member",
     .type = MDS_OPTION_INT,
     .preset = -1,
     .min = -1,
     .max = ANI_MEMBERS_MAX - 1,
     .help = "one network of the ensemble; -1: the mean of all"},
    {.key = "self_energies",
     .type = MDS_OPTION_BOOL,
     .preset = 1,
     .help = "add the energies of free atoms"},
    {.key = "skin_A",
     .type = MDS_OPTION_REAL,
     .unit = "Å",
     .preset = 1.0,
     .min = 0.0,
     .max = 5.0,
     .help = "skin of the neighbour list"},
    {.key = "threads",
     .type = MDS_OPTION_INT,
     .preset = 1,
     .min = 0,
     .max = ANI_THREADS_MAX,
     .help = "threads of the CPU loops; 0: as many as the cores this process may use"},
    {.key = "kernel",
     .type = MDS_OPTION_TEXT,
     .preset_text = "auto",
     .choices = kernel_words,
     .help = "instruction set of the loops"},
    {.key = "network",
     .type = MDS_OPTION_TEXT,
     .preset_text = "auto",
     .choices = network_words,
     .help = "on CUDA: the networks as one kernel, or as products of matrices"},
    {0},
};

const mds_engine mds_engine_ani = {
    .name = "ani",
    .summary = "ANI networks (ANI-2x, 1x, 1ccx), ensemble or single member",
    .options = ani_options,
    .caps = MDS_CAP_STRESS | MDS_CAP_CONSERVATIVE | MDS_CAP_NONPERIODIC,
    .precisions = 1u << MDS_PRECISION_FP64 | 1u << MDS_PRECISION_FP32 | 1u << MDS_PRECISION_TF32X3,
    .default_precision = MDS_PRECISION_FP32,
    .create = ani_create,
    .destroy = ani_destroy,
    .prepare = ani_prepare,
    .compute = ani_compute,
    .supports = ani_supports,
    .cost_s = ani_cost_s,
    .memory_bytes = ani_memory_bytes,
    .cutoff = ani_cutoff,
    .members = ani_member_count,
    .compute_cuda = MDS_CUDA_FN(ani_compute_cuda),
    .make_room = ani_make_room,
    .work = ani_work,
    .on_sim = true,
};
