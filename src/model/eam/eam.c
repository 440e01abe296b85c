/* Embedded-atom models: Sutton–Chen (Cu, Al), Finnis–Sinclair (Fe) and setfl tables.
 *
 *     E = Σ_{i<j} φ(r_ij) + Σ_i F(ρ_i),   f_i = Σ_j [F'_i ρ'_j + F'_j ρ'_i + φ'] r̂_ij
 *
 * F' of a neighbour is only known when its ρ is complete, hence two passes over pairs with the
 * embedding between them (eam_kernel.h). Spec: Å, eV; the formulas stand in eam_math.h. */
#include "model/eam/eam_analytic.h"
#include "model/eam/eam_cuda.h"
#include "model/eam/eam_kernel.h"
#include "model/eam/eam_table.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct buffer {
    void *memory;
    size_t capacity;
} buffer;

enum {
    BUFFER_RHO,
    BUFFER_DF,
    BUFFER_FE,
    BUFFER_FIRST,
    BUFFER_J,
    BUFFER_ROW,
    BUFFER_W,
    BUFFER_W_J,
    BUFFER_U,
    BUFFER_SCRATCH,
    BUFFER_KNOT,
    BUFFER_COUNT
};

typedef struct eam {
    mds_model base;
    const eam_kernel *kernel;
    setfl file; /* no values when the form needs none */
    double skin;
    double A; /* weight of the root in the analytic embeddings, eV */
    mds_neighbor *list;
    int64_t builds; /* of the list when the pair buffers were last fitted */
    eam_job job;
    buffer buffers[BUFFER_COUNT];
    mds_force_sums sums; /* on CUDA, where the densities' buffer holds (n) eam_node */
} eam;

static bool wants_file(const mds_options *options)
{
    const char *form = mds_options_text(options, "form");

    return strcmp(form, "setfl") == 0 ||
           (strcmp(form, "auto") == 0 && *mds_options_text(options, "file"));
}

/* The options among themselves. */
static mds_status check_options(const mds_options *options)
{
    const char *form = mds_options_text(options, "form");
    const bool has_file = *mds_options_text(options, "file") != '\0';

    if (strcmp(form, "setfl") == 0 && !has_file)
        return mds_fail(MDS_ERR_CONFIG, "eam: form 'setfl' needs `file`, the path of a setfl file");
    if (has_file && !wants_file(options))
        return mds_fail(MDS_ERR_CONFIG, "eam: form '%s' takes no `file`, form 'setfl' does", form);
    return MDS_OK;
}

static mds_status eam_supports(const mds_model_spec *spec, const mds_model_target *target)
{
    const char *path = mds_options_text(&spec->options, "file");
    mds_status status = check_options(&spec->options);
    setfl header;
    eam_job job;
    double A;

    if (status != MDS_OK)
        return status;
    if (!wants_file(&spec->options))
        return eam_choose_analytic(&spec->options, &target->species, &job, &A);
    status = setfl_read_header(path, &header);
    if (status == MDS_ERR_IO) { /* a case that cannot run here, not an error of the sweep */
        mds_error_prefix("setfl file: ");
        return MDS_ERR_UNSUPPORTED;
    }
    return status == MDS_OK ? eam_check_elements(&header, path, &target->species) : status;
}

static void eam_destroy(mds_model *model)
{
    eam *self = (eam *)model;

    if (!self)
        return;
    mds_neighbor_destroy(self->list);
    eam_tables_fini(&self->job.tables, self->base.device);
    for (int i = 0; i < BUFFER_COUNT; ++i)
        mds_device_free(self->base.device, self->buffers[i].memory);
    mds_force_sums_fini(&self->sums, self->base.device);
    setfl_fini(&self->file);
    free(self);
}

static setfl_flavour parse_flavour(const char *word)
{
    return strcmp(word, "fs") == 0      ? SETFL_FS
           : strcmp(word, "alloy") == 0 ? SETFL_ALLOY
                                        : SETFL_AUTO;
}

static mds_status eam_create(const mds_model_spec *spec, mds_device *device, mds_model **out)
{
    const mds_options *options = &spec->options;
    mds_status status;
    eam *self = calloc(1, sizeof *self);

    if (!self)
        return mds_fail(MDS_ERR_NOMEM, "eam: no memory for the model");
    self->base.device = device;
    self->base.spec = *spec;
    self->skin = mds_options_real(options, "skin_A");
    MDS_TRY(check_options(options));
    MDS_TRY(eam_kernel_find(mds_options_text(options, "simd"), &self->kernel));
    if (wants_file(options))
        MDS_TRY(setfl_read(mds_options_text(options, "file"),
                           parse_flavour(mds_options_text(options, "flavour")), &self->file));
    *out = &self->base;
    return MDS_OK;
out:
    eam_destroy(&self->base);
    return status;
}

/* Makes room with an eighth to spare, so that the next list, a little longer, fits too. */
static mds_status fit(eam *self, int which, size_t bytes, const char *what)
{
    buffer *b = &self->buffers[which];

    if (bytes <= b->capacity)
        return MDS_OK;
    return mds_device_reserve(self->base.device, bytes + bytes / 8, what, &b->memory, &b->capacity);
}

static mds_status fit_atoms(eam *self, int n)
{
    const size_t count = (size_t)n;
    eam_job *job = &self->job;
    mds_status status;

    if (!mds_device_host_access(self->base.device)) {
        MDS_TRY(fit(self, BUFFER_RHO, count * sizeof(eam_node), "eam densities"));
        MDS_TRY(mds_force_sums_reserve(&self->sums, self->base.device, n));
        goto out;
    }
    MDS_TRY(fit(self, BUFFER_RHO, count * sizeof(double), "eam densities"));
    MDS_TRY(fit(self, BUFFER_DF, count * sizeof(double), "eam embedding slopes"));
    MDS_TRY(fit(self, BUFFER_FE, 4 * count * sizeof(double), "eam forces"));
    MDS_TRY(fit(self, BUFFER_FIRST, (count + 1) * sizeof(int), "eam row starts"));
    job->rho = self->buffers[BUFFER_RHO].memory;
    job->dF = self->buffers[BUFFER_DF].memory;
    job->fe = self->buffers[BUFFER_FE].memory;
    job->pairs.first = self->buffers[BUFFER_FIRST].memory;
out:
    return status;
}

static mds_status eam_prepare(mds_model *model, const mds_state *state)
{
    eam *self = (eam *)model;
    eam_job *job = &self->job;
    mds_status status;

    if (self->file.values) {
        MDS_TRY(eam_check_elements(&self->file, mds_options_text(&model->spec.options, "file"),
                                   &state->species));
        MDS_TRY(eam_tables_build(&job->tables, model->device, &self->file, &state->species));
        job->form = EAM_FORM_TABLE;
        job->cutoff = self->file.cutoff;
    } else {
        MDS_TRY(eam_choose_analytic(&model->spec.options, &state->species, job, &self->A));
    }
    MDS_TRY(fit_atoms(self, state->n));
    mds_neighbor_destroy(self->list);
    self->list = NULL;
    self->builds = -1;
    const mds_neighbor_options options = {
        .cutoff = job->cutoff, .skin = self->skin, .kind = MDS_NEIGHBOR_HALF};
    MDS_TRY(mds_neighbor_create(model->device, &options, &self->list));
    job->list = self->list;
out:
    return status;
}

/* Most entries that a block of rows has. */
static size_t largest_block(const mds_neighbor *list)
{
    size_t most = 0;

    for (int first = 0; first < list->n; first += EAM_BLOCK_ROWS) {
        size_t count = 0;

        for (int i = first; i < list->n && i < first + EAM_BLOCK_ROWS; ++i)
            count += (size_t)list->count[i];
        most = count > most ? count : most;
    }
    return most;
}

/* The pair buffers grow with the list, which changes only when it is rebuilt. */
static mds_status fit_pairs(eam *self)
{
    const mds_neighbor *list = self->list;
    const size_t p = (size_t)list->entries + EAM_SLACK, word = sizeof(double);
    const size_t b = (largest_block(list) + EAM_SLACK + 7) / 8 * 8;
    const bool mixed = self->job.tables.types > 1;
    eam_pairs *pairs = &self->job.pairs;
    mds_status status;

    MDS_TRY(fit(self, BUFFER_ROW, p * sizeof(int), "eam pairs"));
    MDS_TRY(fit(self, BUFFER_J, p * sizeof(int), "eam pairs"));
    MDS_TRY(fit(self, BUFFER_W, p * word, "eam pair densities"));
    MDS_TRY(fit(self, BUFFER_W_J, mixed ? p * word : 0, "eam pair densities"));
    MDS_TRY(fit(self, BUFFER_U, p * word, "eam pair forces"));
    MDS_TRY(fit(self, BUFFER_SCRATCH, EAM_SCRATCH * b * word, "eam scratch"));
    MDS_TRY(fit(self, BUFFER_KNOT, b * sizeof(int), "eam scratch"));
    pairs->row = self->buffers[BUFFER_ROW].memory;
    pairs->j = self->buffers[BUFFER_J].memory;
    pairs->w = self->buffers[BUFFER_W].memory;
    pairs->w_j = mixed ? self->buffers[BUFFER_W_J].memory : pairs->w;
    pairs->u = self->buffers[BUFFER_U].memory;
    pairs->knot = self->buffers[BUFFER_KNOT].memory;
    pairs->r = self->buffers[BUFFER_SCRATCH].memory;
    pairs->inverse_r = pairs->r + b;
    pairs->rho = pairs->r + 2 * b;
    pairs->rho_j = pairs->r + 3 * b;
    pairs->phi = pairs->r + 4 * b;
    pairs->value = pairs->r + 5 * b;
    pairs->slope = pairs->r + 7 * b;
    self->builds = list->builds;
out:
    return status;
}

/* Σ F(ρ) and F'(ρ). */
static mds_status embed(const eam *self, const mds_state *state, double *energy)
{
    const eam_job *job = &self->job;

    *energy = 0.0;
    for (int i = 0; i < state->n; ++i) {
        const double rho = job->rho[i];

        if (!isfinite(rho) || (job->form != EAM_FORM_TABLE && rho <= 0.0))
            return mds_fail(
                MDS_ERR_NUMERIC, "eam: the electron density at atom %d is %g (step %lld): %s", i,
                rho, (long long)state->step,
                isfinite(rho) ? "its root needs a positive one" : "atoms lie on top of each other");
        *energy += job->form == EAM_FORM_TABLE
                       ? eam_tables_embed(&job->tables, state->type[i], rho, &job->dF[i])
                       : eam_root_embedding(self->A, rho, &job->dF[i]);
    }
    return MDS_OK;
}

static void write_results(const eam_job *job, mds_state *state, double energy, unsigned want)
{
    mds_scalars *s = state->s;
    const double *w = job->virial;

    for (int i = 0; i < state->n; ++i)
        for (int a = 0; a < 3; ++a)
            state->f[3 * i + a] = job->fe[4 * i + a];
    s->potential_eV = energy;
    s->n_edges = 2.0 * job->pairs.first[state->n];
    if (!(want & MDS_WANT_VIRIAL))
        return;
    const double full[3][3] = {{w[0], w[3], w[4]}, {w[3], w[1], w[5]}, {w[4], w[5], w[2]}};
    memcpy(s->virial_eV, full, sizeof full);
}

static mds_status eam_compute(mds_model *model, mds_state *state, unsigned want)
{
    eam *self = (eam *)model;
    mds_regions *regions = model->regions;
    eam_job *job = &self->job;
    double energy;

    mds_region_begin(regions, MDS_REGION_NEIGHBOR);
    mds_status status = mds_neighbor_update(self->list, state);
    if (status == MDS_OK && self->builds != self->list->builds)
        status = fit_pairs(self);
    mds_region_end(regions, MDS_REGION_NEIGHBOR);
    if (status != MDS_OK)
        return status;

    mds_region_begin(regions, MDS_REGION_DENSITY);
    job->type = state->type;
    self->kernel->density(job);
    mds_region_end(regions, MDS_REGION_DENSITY);

    mds_region_begin(regions, MDS_REGION_EMBEDDING);
    status = embed(self, state, &energy);
    mds_region_end(regions, MDS_REGION_EMBEDDING);
    if (status != MDS_OK)
        return status;

    mds_region_begin(regions, MDS_REGION_FORCES);
    self->kernel->forces(job, want & MDS_WANT_VIRIAL);
    write_results(job, state, energy + job->pair_energy, want);
    mds_region_end(regions, MDS_REGION_FORCES);
    return MDS_OK;
}

#ifdef MDS_WITH_CUDA
static eam_cuda_job cuda_job(const eam *self, const mds_state *state, unsigned want)
{
    const eam_job *job = &self->job;
    const eam_cuda_job out = {
        .form = job->form,
        .cutoff2 = job->cutoff * job->cutoff,
        .sc = job->sc,
        .fs = job->fs,
        .tables = job->tables,
        .A = self->A,
        .type = state->type,
        .nodes = self->buffers[BUFFER_RHO].memory,
        .list = self->list->view,
        .out = mds_force_sums_out(&self->sums, state, want & MDS_WANT_VIRIAL)};

    return out;
}

/* The embedding is part of the kernel of the densities, and of its region. */
static mds_status eam_compute_cuda(mds_model *model, mds_state *state, unsigned want)
{
    eam *self = (eam *)model;

    mds_region_begin(model->regions, MDS_REGION_NEIGHBOR);
    mds_status status = mds_neighbor_update(self->list, state);
    mds_region_end(model->regions, MDS_REGION_NEIGHBOR);
    if (status != MDS_OK)
        return status;

    const eam_cuda_job job = cuda_job(self, state, want);
    mds_region_begin(model->regions, MDS_REGION_DENSITY);
    status = eam_cuda_density(model->device, &job);
    mds_region_end(model->regions, MDS_REGION_DENSITY);
    if (status != MDS_OK)
        return status;

    mds_region_begin(model->regions, MDS_REGION_FORCES);
    status = eam_cuda_forces(model->device, &job);
    mds_region_end(model->regions, MDS_REGION_FORCES);
    return status;
}
#endif

static mds_status eam_make_room(mds_model *model, mds_state *state)
{
    return mds_neighbor_make_room(((eam *)model)->list, state);
}

static double eam_cutoff(const mds_model *model)
{
    return ((const eam *)model)->job.cutoff;
}

/* Pairs per atom from a cutoff and the density of the metals this is for (0.085 atoms per Å³). */
static double pairs_per_atom(double cutoff)
{
    return 0.5 * 0.085 * 4.0 / 3.0 * 3.14159265358979 * cutoff * cutoff * cutoff;
}

/* The cutoff at plan time. A setfl file is not opened for an estimate: 6 Å is typical. */
static double planned_cutoff(const mds_model_spec *spec, const mds_model_target *target)
{
    const double typical = 6.0;
    eam_job job;
    double A;

    if (wants_file(&spec->options) ||
        eam_choose_analytic(&spec->options, &target->species, &job, &A) != MDS_OK)
        return typical;
    return job.cutoff;
}

/* Measured on one core (README.md): 3 ns per pair inside the cutoff, 2 ns per entry of the list. */
static double eam_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                         mds_device_kind kind)
{
    const double cutoff = planned_cutoff(spec, target);
    const double skin = mds_options_real(&spec->options, "skin_A");
    const double inside = pairs_per_atom(cutoff), listed = pairs_per_atom(cutoff + skin);

    if (kind == MDS_DEVICE_CUDA) /* a guess (docs/performance.md); not measured */
        return 10e-6 + 0.02e-9 * listed * target->n_atoms;
    return (20e-9 + 3e-9 * inside + 2e-9 * listed) * target->n_atoms;
}

static double eam_memory_bytes(const mds_model_spec *spec, const mds_model_target *target)
{
    const double cutoff = planned_cutoff(spec, target) + mds_options_real(&spec->options, "skin_A");
    const double side = cbrt(target->n_atoms / 0.085) + 2.0 * cutoff;
    const double images = 0.085 * side * side * side;

    const double types = target->species.count;
    const double tables = wants_file(&spec->options) ? types * (types * 640e3 + 320e3) : 0.0;

    /* Kept pairs and list; arrays per atom; rows with their offsets; room for growth. Tables have
     * about 10,000 knots. */
    return 1.3 * (pairs_per_atom(cutoff) * 28.0 * target->n_atoms + 120.0 * target->n_atoms +
                  84.0 * images) +
           tables;
}

static const char *const forms[] = {"auto", "sutton-chen", "finnis-sinclair", "setfl", NULL};
static const char *const flavours[] = {"auto", "alloy", "fs", NULL};
static const char *const variants[] = {"auto", "base", "avx2", "avx512", NULL};

static const mds_option eam_options[] = {
    {.key = "form",
     .type = MDS_OPTION_TEXT,
     .preset_text = "auto",
     .choices = forms,
     .help = "functional form; auto: setfl when a file is given, else by element (Cu, Al, Fe)"},
    {.key = "file", .type = MDS_OPTION_TEXT, .help = "path of a setfl file (eam/alloy or eam/fs)"},
    {.key = "flavour",
     .type = MDS_OPTION_TEXT,
     .preset_text = "auto",
     .choices = flavours,
     .help = "kind of setfl file; auto: by the count of its numbers, then by its name"},
    {.key = "skin_A",
     .type = MDS_OPTION_REAL,
     .unit = "Å",
     .preset = 1.0,
     .min = 0.0,
     .max = 10.0,
     .help = "Verlet skin of the neighbour list"},
    {.key = "simd",
     .type = MDS_OPTION_TEXT,
     .preset_text = "auto",
     .choices = variants,
     .help = "instruction set of the CPU loops; auto: the widest that the processor has"},
    {0},
};

const mds_engine mds_engine_eam = {
    .name = "eam",
    .summary = "embedded atom: Sutton-Chen Cu and Al, Finnis-Sinclair Fe, setfl tables",
    .options = eam_options,
    .caps = MDS_CAP_STRESS | MDS_CAP_CONSERVATIVE | MDS_CAP_NONPERIODIC,
    .precisions = 1u << MDS_PRECISION_FP64,
    .default_precision = MDS_PRECISION_FP64,
    .create = eam_create,
    .destroy = eam_destroy,
    .prepare = eam_prepare,
    .compute = eam_compute,
    .supports = eam_supports,
    .cost_s = eam_cost_s,
    .memory_bytes = eam_memory_bytes,
    .cutoff = eam_cutoff,
    .compute_cuda = MDS_CUDA_FN(eam_compute_cuda),
    .make_room = eam_make_room,
    .on_sim = true,
};
