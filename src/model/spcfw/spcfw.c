/* SPC/Fw: flexible water with damped shifted force electrostatics. See README.md. */
#include "md/neighbor.h"
#include "model/model.h"
#include "model/spcfw/spcfw_bonded.h"
#include "model/spcfw/spcfw_cuda.h"
#include "model/spcfw/spcfw_list.h"
#include "model/spcfw/spcfw_pair.h"

#include <stdlib.h>
#include <string.h>

typedef struct spcfw {
    mds_model base;
    const spcfw_kernels *kernels;
    spcfw_dsf dsf;
    spcfw_pair_constants constants;
    spcfw_list list;
    double skin, self_energy;
    /* on CUDA, instead of `list` */
    mds_neighbor *neighbor;
    mds_force_sums sums;
} spcfw;

static void spcfw_destroy(mds_model *base)
{
    spcfw *model = (spcfw *)base;

    if (!model)
        return;
    mds_neighbor_destroy(model->neighbor);
    mds_force_sums_fini(&model->sums, base->device);
    spcfw_list_fini(&model->list);
    free(model);
}

static mds_status spcfw_create(const mds_model_spec *spec, mds_device *device, mds_model **out)
{
    const char *kernel = mds_options_text(&spec->options, "kernel");
    const double alpha = mds_options_real(&spec->options, "alpha_per_A");
    const mds_neighbor_options list = {.cutoff = mds_options_real(&spec->options, "cutoff_A"),
                                       .skin = mds_options_real(&spec->options, "skin_A"),
                                       .kind = MDS_NEIGHBOR_FULL};
    const bool host = mds_device_host_access(device);
    mds_status status;

    *out = NULL;
    spcfw *model = calloc(1, sizeof *model);
    if (!model)
        return mds_fail(MDS_ERR_NOMEM, "out of memory for engine spcfw");
    model->base.device = device;
    model->kernels = spcfw_kernels_find(kernel);
    model->skin = list.skin;
    model->dsf = spcfw_dsf_make(alpha, list.cutoff);
    if (host && !model->kernels)
        MDS_TRY(mds_fail(MDS_ERR_UNSUPPORTED, "kernel = \"%s\": this processor has no such vectors",
                         kernel));
    MDS_TRY(spcfw_pair_constants_make(&model->dsf, &model->constants));
    if (!host)
        MDS_TRY(mds_neighbor_create(device, &list, &model->neighbor));
    *out = &model->base;
    return MDS_OK;
out:
    spcfw_destroy(&model->base);
    return status;
}

static int element(const mds_structure *now, int i)
{
    return now->species.z[now->type[i]];
}

/* Atoms must come as O, H, H; a hydrogen far from its oxygen means that they are O H H of a file
 * with another order. */
static mds_status check_topology(const mds_structure *now)
{
    const double far = 2.5;

    for (int i = 0; i < now->n; ++i) {
        const int want = i % 3 ? 1 : 8;

        if (element(now, i) != want)
            return mds_fail(MDS_ERR_CONFIG,
                            "atom %d is %s where water, ordered O H H O H H ..., has %s", i,
                            mds_element_symbol(element(now, i)), mds_element_symbol(want));
    }
    if (now->n % 3)
        return mds_fail(MDS_ERR_CONFIG,
                        "atom %d begins a molecule that has no end: %d atoms are "
                        "not whole O H H molecules",
                        now->n - now->n % 3, now->n);
    for (int i = 0; i < now->n; ++i) {
        const double *o = now->x + 3 * (size_t)(i - i % 3), *h = now->x + 3 * (size_t)i;
        double d[3] = {h[0] - o[0], h[1] - o[1], h[2] - o[2]};

        if (d[0] * d[0] + d[1] * d[1] + d[2] * d[2] > far * far)
            mds_box_minimum_image(&now->box, d);
        const double s = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];

        if (!(s <= far * far))
            return mds_fail(MDS_ERR_CONFIG,
                            "atom %d (H) is %.3g Å from its oxygen, atom %d: water must be ordered "
                            "molecule by molecule, O H H",
                            i, sqrt(s), i - i % 3);
    }
    return MDS_OK;
}

/* What is prepared for: borrowed where the host has access, else a copy, which the caller frees. */
static mds_status look_at(const mds_state *state, mds_structure *out)
{
    if (!mds_device_host_access(state->device))
        return mds_state_fetch(state, out);
    out->n = state->n;
    out->box = state->box;
    out->species = state->species;
    out->type = state->type;
    out->x = state->x;
    return MDS_OK;
}

static mds_status spcfw_prepare(mds_model *base, const mds_state *state)
{
    spcfw *model = (spcfw *)base;
    const bool host = mds_device_host_access(state->device);
    mds_structure now = {0};
    mds_status status;

    MDS_TRY(look_at(state, &now));
    for (int d = 0; d < 3; ++d)
        if (!now.box.periodic[d])
            MDS_TRY(mds_fail(MDS_ERR_UNSUPPORTED, "the cell must be periodic in all directions"));
    MDS_TRY(check_topology(&now));
    model->self_energy = state->n / 3 *
                         (spcfw_self_energy(&model->dsf, SPCFW_CHARGE_O) +
                          2.0 * spcfw_self_energy(&model->dsf, SPCFW_CHARGE_H));
    if (host) {
        MDS_TRY(spcfw_list_prepare(&model->list, state->device, model->kernels, state->n,
                                   model->dsf.cutoff, model->skin));
    } else {
        mds_neighbor_invalidate(model->neighbor);
        MDS_TRY(mds_force_sums_reserve(&model->sums, state->device, state->n));
    }
out:
    if (!host)
        mds_structure_fini(&now);
    return status;
}

static void clear_fields(spcfw_list *list)
{
    for (int c = 0; c <= list->clusters; ++c)
        memset(list->cluster[c].f, 0, sizeof list->cluster[c].f);
    memset(list->shift_field, 0, (size_t)list->shifts * sizeof *list->shift_field);
}

/* Fields to forces, in the order of the atoms. */
static void write_forces(const spcfw_list *list, double *f)
{
    for (int slot = 0; slot < list->n; ++slot) {
        const spcfw_cluster *c = &list->cluster[slot / SPCFW_CLUSTER];
        const int lane = slot % SPCFW_CLUSTER;
        const double charge = SPCFW_UNIT * c->q[lane];
        double *to = f + 3 * (size_t)list->atom[slot];

        for (int d = 0; d < 3; ++d)
            to[d] = charge * c->f[d][lane];
    }
}

/* Σ over pairs of r ⊗ f, as a sum over atoms: each at its place with its whole force, and for the
 * pairs of a moved molecule the translation with the force on it. */
static void pair_virial(const spcfw_list *list, double w[3][3])
{
    memset(w, 0, 9 * sizeof(double));
    for (int slot = 0; slot < list->n; ++slot) {
        const spcfw_cluster *c = &list->cluster[slot / SPCFW_CLUSTER];
        const int lane = slot % SPCFW_CLUSTER;

        for (int k = 0; k < 9; ++k)
            w[k / 3][k % 3] += c->x[k / 3][lane] * c->f[k % 3][lane] * c->q[lane];
    }
    for (int s = 0; s < list->shifts; ++s)
        for (int k = 0; k < 9; ++k)
            w[k / 3][k % 3] += list->shift_move[s][k / 3] * list->shift_field[s][k % 3];
    for (int k = 0; k < 9; ++k)
        w[k / 3][k % 3] *= SPCFW_UNIT;
}

static mds_status spcfw_compute(mds_model *base, mds_state *state, unsigned want)
{
    spcfw *model = (spcfw *)base;
    spcfw_list *list = &model->list;
    const bool virial = want & MDS_WANT_VIRIAL;
    double pairs, w[3][3];
    bool rebuilt;

    mds_region_begin(base->regions, MDS_REGION_NEIGHBOR);
    const mds_status status = spcfw_list_update(list, state, &rebuilt);
    mds_region_end(base->regions, MDS_REGION_NEIGHBOR);
    if (status != MDS_OK)
        return status;

    mds_region_begin(base->regions, MDS_REGION_FORCES);
    clear_fields(list);
    list->kernels->pairs(list->cluster, &list->inner, (const double(*)[3])list->shift_move,
                         &model->constants, list->shift_field, &pairs);
    write_forces(list, state->f);
    if (virial)
        pair_virial(list, w);
    mds_region_end(base->regions, MDS_REGION_FORCES);

    mds_region_begin(base->regions, MDS_REGION_BONDED);
    const double bonded = spcfw_bonded(list, state->f, virial ? w : NULL);
    mds_region_end(base->regions, MDS_REGION_BONDED);

    state->s->potential_eV = SPCFW_UNIT * pairs + model->self_energy + bonded;
    for (int a = 0; a < 3; ++a) /* symmetric but for rounding */
        for (int b = 0; b < 3; ++b)
            state->s->virial_eV[a][b] = virial ? 0.5 * (w[a][b] + w[b][a]) : NAN;
    state->s->n_edges = 2.0 * (double)list->pairs;
    state->s->rebuilt = rebuilt;
    state->s->dangerous = (double)list->dangerous;
    return MDS_OK;
}

#ifdef MDS_WITH_CUDA
/* What is bonded is part of the one kernel, and of its region. */
static mds_status spcfw_compute_cuda(mds_model *base, mds_state *state, unsigned want)
{
    spcfw *model = (spcfw *)base;

    mds_region_begin(base->regions, MDS_REGION_NEIGHBOR);
    mds_status status = mds_neighbor_update(model->neighbor, state);
    mds_region_end(base->regions, MDS_REGION_NEIGHBOR);
    if (status != MDS_OK)
        return status;

    const spcfw_cuda_job job = {
        .constants = model->constants,
        .self_o = spcfw_self_energy(&model->dsf, SPCFW_CHARGE_O),
        .self_h = spcfw_self_energy(&model->dsf, SPCFW_CHARGE_H),
        .x = state->x,
        .list = model->neighbor->view,
        .out = mds_force_sums_out(&model->sums, state, want & MDS_WANT_VIRIAL)};
    mds_region_begin(base->regions, MDS_REGION_FORCES);
    status = spcfw_cuda_forces(base->device, &job);
    mds_region_end(base->regions, MDS_REGION_FORCES);
    return status;
}
#endif

static mds_status spcfw_make_room(mds_model *base, mds_state *state)
{
    spcfw *model = (spcfw *)base;

    return model->neighbor ? mds_neighbor_make_room(model->neighbor, state) : MDS_OK;
}

static mds_status spcfw_supports(const mds_model_spec *spec, const mds_model_target *target)
{
    const int oxygen = mds_species_find(&target->species, 8);
    const int hydrogen = mds_species_find(&target->species, 1);

    (void)spec;
    if (target->species.count != 2 || oxygen < 0 || hydrogen < 0)
        return mds_fail(MDS_ERR_UNSUPPORTED, "SPC/Fw is a model of water: O and H, nothing else");
    if (target->n_atoms % 3)
        return mds_fail(MDS_ERR_UNSUPPORTED, "%d atoms are not whole water molecules",
                        target->n_atoms);
    return MDS_OK;
}

/* On a core as measured (README.md); on CUDA a guess (docs/performance.md), not measured. */
static double spcfw_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                           mds_device_kind kind)
{
    const spcfw_kernels *kernels = spcfw_kernels_find(mds_options_text(&spec->options, "kernel"));
    const double fixed = 5e-6;

    if (kind == MDS_DEVICE_CUDA)
        return 15e-6 + 8e-9 * target->n_atoms;
    if (!kernels)
        kernels = &spcfw_kernels_portable;
    return fixed + kernels->seconds_per_atom * target->n_atoms;
}

/* Per atom: its slot, and its share of the lists. A molecule has half the clusters within about
 * reach + 2 Å of it, as an index of four bytes with half again as room to grow, in two lists. */
static double spcfw_memory_bytes(const mds_model_spec *spec, const mds_model_target *target)
{
    const double reach = mds_options_real(&spec->options, "cutoff_A") +
                         mds_options_real(&spec->options, "skin_A") + 2.0;
    const double clusters = 0.1 / SPCFW_CLUSTER * 2.0 / 3.0 * MDS_PI * reach * reach * reach;

    return target->n_atoms * (260.0 + 2.0 * 1.5 * sizeof(int) * clusters / 3.0) + 28672.0;
}

static double spcfw_cutoff(const mds_model *base)
{
    return ((const spcfw *)base)->dsf.cutoff;
}

static const char *const kernel_words[] = {"auto", "avx512", "avx2", "portable", NULL};

static const mds_option spcfw_options[] = {
    {.key = "cutoff_A",
     .type = MDS_OPTION_REAL,
     .unit = "Å",
     .preset = 9.0,
     .min = 4.0,
     .max = 20.0,
     .help = "cutoff of Coulomb and Lennard-Jones"},
    {.key = "alpha_per_A",
     .type = MDS_OPTION_REAL,
     .unit = "1/Å",
     .preset = 0.2,
     .min = 0.01,
     .max = 0.5,
     .help = "damping of the shifted force electrostatics"},
    {.key = "skin_A",
     .type = MDS_OPTION_REAL,
     .unit = "Å",
     .preset = 1.5,
     .min = 0.0,
     .max = 5.0,
     .help = "margin of the pair list; speed only"},
    {.key = "kernel",
     .type = MDS_OPTION_TEXT,
     .preset_text = "auto",
     .choices = kernel_words,
     .help = "vector instructions of the pair loop; speed only"},
    {0},
};

const mds_engine mds_engine_spcfw = {
    .name = "spcfw",
    .summary = "SPC/Fw flexible water, damped shifted force electrostatics",
    .options = spcfw_options,
    .caps = MDS_CAP_STRESS | MDS_CAP_CONSERVATIVE,
    .precisions = 1u << MDS_PRECISION_FP64,
    .default_precision = MDS_PRECISION_FP64,
    .create = spcfw_create,
    .destroy = spcfw_destroy,
    .prepare = spcfw_prepare,
    .compute = spcfw_compute,
    .supports = spcfw_supports,
    .cost_s = spcfw_cost_s,
    .memory_bytes = spcfw_memory_bytes,
    .cutoff = spcfw_cutoff,
    .compute_cuda = MDS_CUDA_FN(spcfw_compute_cuda),
    .make_room = spcfw_make_room,
};
