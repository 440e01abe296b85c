/* An ANI model on a CUDA device: memory, and the order of a step. */
#include "model/ani/ani_cuda_model.h"

#ifdef MDS_WITH_CUDA

#include "model/ani/ani_model.h"

#include <stdlib.h>
#include <string.h>

mds_status ani_cuda_create(ani *self, const mds_model_spec *spec)
{
    ani_cuda *cuda = calloc(1, sizeof *cuda);

    if (!cuda)
        return mds_fail(MDS_ERR_NOMEM, "ani: no memory for the model");
    self->cuda = cuda;
    (void)mds_precision_product(spec->precision, &cuda->real, &cuda->product);
    return MDS_OK;
}

void ani_cuda_destroy(ani *self)
{
    ani_cuda *cuda = self->cuda;
    mds_device *device = self->base.device;

    if (!cuda)
        return;
    ani_cuda_buffer *const buffers[] = {
        &cuda->atoms, &cuda->shifts, &cuda->descriptors, &cuda->energies, &cuda->activations,
        &cuda->rows,  &cuda->spill,  &cuda->weights,     &cuda->tiles,    &cuda->saved};

    for (size_t k = 0; k < sizeof buffers / sizeof *buffers; ++k)
        mds_device_free(device, buffers[k]->memory);
    ani_cuda_pack_fini(device, &cuda->pack);
    mds_force_sums_fini(&cuda->sums, device);
    free(cuda);
    self->cuda = NULL;
}

mds_status ani_cuda_reserve(ani *self, ani_cuda_buffer *buffer, size_t bytes, const char *what)
{
    return mds_device_reserve(self->base.device, bytes, what, &buffer->memory, &buffer->capacity);
}

static void put(mds_real real, void *to, int i, double value)
{
    if (real == MDS_REAL_FP32)
        ((float *)to)[i] = (float)value;
    else
        ((double *)to)[i] = value;
}

/* The constants of the descriptor: numbers in the job, tables in device memory. */
static mds_status set_descriptor(ani *self, int live)
{
    ani_cuda *cuda = self->cuda;
    const ani_descriptor *d = &self->weights->descriptor;
    double table[4 * ANI_SHIFTS_MAX]; /* or as many floats */
    const int begin_z = d->n_radial + d->n_angular, count = begin_z + 2 * d->n_sections;
    const size_t bytes = (size_t)count * mds_real_size(cuda->real);

    for (int k = 0; k < d->n_radial; ++k)
        put(cuda->real, table, k, d->shift_r[k]);
    for (int k = 0; k < d->n_angular; ++k)
        put(cuda->real, table, d->n_radial + k, d->shift_a[k]);
    for (int k = 0; k < d->n_sections; ++k) {
        put(cuda->real, table, begin_z + k, self->list.atoms.cos_z[k]);
        put(cuda->real, table, begin_z + d->n_sections + k, self->list.atoms.sin_z[k]);
    }
    mds_status status = ani_cuda_reserve(self, &cuda->shifts, bytes, "ani shifts");
    if (status == MDS_OK)
        status = mds_device_copy(self->base.device, cuda->shifts.memory, table, bytes,
                                 MDS_COPY_TO_DEVICE);
    cuda->job = (ani_cuda_job){.real = cuda->real,
                               .live = live,
                               .features = cuda->pack.features,
                               .n_radial = d->n_radial,
                               .n_angular = d->n_angular,
                               .n_sections = d->n_sections,
                               .radial_cutoff = d->radial_cutoff,
                               .angular_cutoff = d->angular_cutoff,
                               .eta_r = d->eta_r,
                               .eta_a = d->eta_a,
                               .zeta = d->zeta,
                               .shifts = cuda->shifts.memory,
                               .members = self->members};
    return status;
}

/* Elements and slots of the atoms; these do not change while atoms move. */
static mds_status set_atoms(ani *self, const mds_state *state, const int *kind_of, int live)
{
    ani_cuda *cuda = self->cuda;
    mds_device *device = self->base.device;
    const size_t n = (size_t)state->n, bytes = n * sizeof(int);
    int *type = malloc(3 * bytes), *kind = type + n, *slot = kind + n, next[ANI_ELEMENTS_MAX];
    mds_status status;

    if (!type)
        return mds_fail(MDS_ERR_NOMEM, "ani: no memory for %d atoms", state->n);
    MDS_TRY(mds_device_copy(device, type, state->type, bytes, MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_sync(device));
    memset(cuda->count, 0, sizeof cuda->count);
    for (size_t i = 0; i < n; ++i)
        ++cuda->count[kind[i] = kind_of[type[i]]];
    for (int e = 0, first = 0; e < live; first += cuda->count[e], ++e)
        next[e] = cuda->first[e] = first;
    for (size_t i = 0; i < n; ++i)
        slot[i] = next[kind[i]]++;
    MDS_TRY(ani_cuda_reserve(self, &cuda->atoms, 2 * bytes, "ani atoms"));
    MDS_TRY(mds_device_copy(device, cuda->atoms.memory, kind, 2 * bytes, MDS_COPY_TO_DEVICE));
    cuda->job.kind = cuda->atoms.memory;
    cuda->job.slot = cuda->job.kind + n;
out:
    free(type);
    return status;
}

/* Outputs of one element at a time, and gradients: as wide as the widest of each layer. */
static mds_status set_activations(ani *self)
{
    ani_cuda *cuda = self->cuda;
    const size_t size = (size_t)self->members * mds_real_size(cuda->real);
    size_t need[ANI_LAYERS_MAX + 2] = {0}, all = 0;

    for (int e = 0; e < cuda->pack.live; ++e)
        for (int l = 0; l + 1 < cuda->pack.net[e].layers; ++l) {
            const size_t reals = (size_t)cuda->count[e] * (size_t)cuda->pack.net[e].out[l];
            size_t *const places[2] = {&need[l], &need[ANI_LAYERS_MAX + (l + 1) % 2]};

            for (int k = 0; k < 2; ++k)
                *places[k] = reals * size > *places[k] ? (reals * size + 255) / 256 * 256
                                                       : *places[k];
        }
    for (int k = 0; k < ANI_LAYERS_MAX + 2; ++k)
        all += need[k];
    const mds_status status = ani_cuda_reserve(self, &cuda->activations, all, "ani activations");
    char *at = cuda->activations.memory;
    for (int k = 0; status == MDS_OK && k < ANI_LAYERS_MAX + 2; at += need[k++])
        *(k < ANI_LAYERS_MAX ? &cuda->h[k] : &cuda->g[k - ANI_LAYERS_MAX]) = at;
    return status;
}

/* Weights of the elements that are there. */
static mds_status set_weights(ani *self, const int *element, int live)
{
    ani_cuda *cuda = self->cuda;
    ani_cuda_pack *pack = &cuda->pack;
    mds_device *device = self->base.device;
    const char *way = mds_options_text(&self->base.spec.options, "network");
    mds_status status = MDS_OK;

    if (pack->live == live && memcmp(pack->element, element, (size_t)live * sizeof *element) == 0)
        return MDS_OK;
    MDS_TRY(ani_cuda_pack_make(device, self->weights, cuda->real, self->first, self->members,
                               element, live, self->weights->energy_unit_eV / self->members, pack));
    cuda->fused = false;
    if (cuda->real == MDS_REAL_FP32 && strcmp(way, "products") != 0)
        status = ani_cuda_fuse(self, &cuda->fused);
    if (status == MDS_OK && !cuda->fused && strcmp(way, "fused") == 0)
        status = mds_fail(MDS_ERR_UNSUPPORTED, "option 'network': %s",
                          cuda->real == MDS_REAL_FP64 ? "one kernel is for float32 only"
                                                      : "these networks do not fit the shared "
                                                        "memory of this device");
    if (status == MDS_OK && !cuda->fused)
        status = ani_cuda_pack_upload(device, pack);
out:
    if (status != MDS_OK)
        ani_cuda_pack_fini(device, pack);
    return status;
}

/* Descriptors and their gradients, of each member where one kernel has them apart. */
static mds_status set_matrices(ani *self, size_t n)
{
    ani_cuda *cuda = self->cuda;
    const size_t matrix = n * (size_t)cuda->pack.features * mds_real_size(cuda->real);
    const size_t begin = (matrix + 255) / 256 * 256;
    const int parts = cuda->fused ? self->members : 1;
    mds_status status;

    MDS_TRY(ani_cuda_reserve(self, &cuda->descriptors, begin + (size_t)parts * matrix,
                             "ani descriptors"));
    MDS_TRY(ani_cuda_reserve(self, &cuda->energies, (size_t)self->members * n * sizeof(double),
                             "ani energies"));
    cuda->job.g = cuda->descriptors.memory;
    cuda->job.grad = cuda->grad = (char *)cuda->descriptors.memory + begin;
    cuda->job.parts = parts;
    cuda->job.energy = cuda->energies.memory;
out:
    return status;
}

mds_status ani_cuda_prepare(ani *self, const mds_state *state, const int *element, int live,
                            const int *kind_of)
{
    ani_cuda *cuda = self->cuda;
    mds_status status;

    MDS_TRY(set_weights(self, element, live));
    MDS_TRY(set_descriptor(self, live));
    MDS_TRY(set_atoms(self, state, kind_of, live));
    MDS_TRY(set_matrices(self, (size_t)state->n));
    MDS_TRY(cuda->fused ? ani_cuda_set_tiles(self) : set_activations(self));
    MDS_TRY(mds_force_sums_reserve(&cuda->sums, self->base.device, state->n));
    cuda->job.self_energy = 0.0;
    for (int e = 0; e < live && mds_options_bool(&self->base.spec.options, "self_energies"); ++e)
        cuda->job.self_energy += self->weights->energy_unit_eV * cuda->count[e] *
                                 self->weights->self_energy[element[e]];
    cuda->job.list = (mds_neighbor_view){0}; /* so that rows are planned for anew */
    mds_neighbor_invalidate(self->neighbors);
out:
    return status;
}

/* ---- shared memory ---- */

/* What static arrays and alignment may leave of the 48 KiB every device has. */
enum { SHARED_BYTES = 47 * 1024, NEAR_REALS = 12, NEAR_INTS = 2, INTS = 80 };

/* The places of one kernel's arrays for blocks of `warps`; true when they fit. */
static bool lay_out(const ani_cuda_job *job, bool back, int warps, bool spill, int room,
                    ani_cuda_layout *at)
{
    const int size = (int)mds_real_size(job->real), angular = job->n_angular, z = job->n_sections;
    const int64_t columns = (int64_t)job->live * (job->live + 1) / 2 * angular * z;
    const int64_t near = (int64_t)room * (NEAR_REALS * size + NEAR_INTS * (int)sizeof(int));
    int64_t used = job->n_radial + angular + 2 * z;

    *at = (ani_cuda_layout){.warps = warps, .spill = spill, .room = room};
    at->row = (int)used;
    used += back ? job->features : 0;
    at->part = (int)used;
    used += back ? 3 * 32 * ANI_CUDA_TILES : 32 * warps;
    at->sums = (int)used;
    used += back ? 0 : warps * columns;
    at->factors = (int)used;
    used += warps * (angular + (back ? 0 : z)) * ANI_CUDA_PAD;
    used = (used + 1) / 2 * 2;
    at->near = (int)used;
    at->spill_bytes = spill ? (near + 127) / 128 * 128 : 0;
    const int64_t bytes = used * size + (spill ? 0 : near) + INTS * (int)sizeof(int);
    at->shared_bytes = bytes;
    return bytes <= SHARED_BYTES;
}

static bool choose(const ani_cuda_job *job, bool back, int room, ani_cuda_layout *at)
{
    for (int spill = 0; spill < 2; ++spill)
        for (int warps = ANI_CUDA_WARPS; warps >= 2; warps /= 2) /* a thread for each shift */
            if (lay_out(job, back, warps, spill, room, at))
                return true;
    return false;
}

mds_status ani_cuda_plan(ani_cuda_job *job, int stride)
{
    const int room = (stride + 1) / 2 * 2;

    if (choose(job, false, room, &job->describe) && choose(job, true, room, &job->gradient))
        return MDS_OK;
    return mds_fail(MDS_ERR_UNSUPPORTED,
                    "ani: a descriptor of %d numbers is too long for the shared memory of a CUDA "
                    "device",
                    job->features);
}

/* ---- a step ---- */

/* After the list has got rows of another size. */
static mds_status set_rows(ani *self)
{
    ani_cuda *cuda = self->cuda;
    ani_cuda_job *job = &cuda->job;
    const mds_neighbor_view *list = &self->neighbors->view;
    const size_t entries = (size_t)list->n * (size_t)list->stride;
    const size_t quads = (entries * 4 * mds_real_size(cuda->real) + 255) / 256 * 256;
    mds_status status;

    MDS_TRY(ani_cuda_plan(job, list->stride));
    MDS_TRY(
        ani_cuda_reserve(self, &cuda->rows, quads + entries * sizeof(int), "ani pair gradients"));
    const int64_t spill = job->describe.spill_bytes > job->gradient.spill_bytes
                              ? job->describe.spill_bytes
                              : job->gradient.spill_bytes;
    MDS_TRY(
        ani_cuda_reserve(self, &cuda->spill, (size_t)list->n * (size_t)spill, "ani neighbours"));
    job->q = cuda->rows.memory;
    job->mirror = (int *)((char *)cuda->rows.memory + quads);
    job->spill = cuda->spill.memory;
out:
    return status;
}

mds_status ani_compute_cuda(mds_model *model, mds_state *state, unsigned want)
{
    ani *self = (ani *)model;
    ani_cuda *cuda = self->cuda;
    ani_cuda_job *job = &cuda->job;
    mds_device *device = model->device;

    mds_region_begin(model->regions, MDS_REGION_NEIGHBOR);
    mds_status status = mds_neighbor_update(self->neighbors, state);
    mds_region_end(model->regions, MDS_REGION_NEIGHBOR);
    if (status == MDS_OK && self->neighbors->view.stride != job->list.stride)
        status = set_rows(self);
    if (status != MDS_OK)
        return status;
    job->list = self->neighbors->view;
    job->out = mds_force_sums_out(&cuda->sums, state, want & MDS_WANT_VIRIAL);

    mds_region_begin(model->regions, MDS_REGION_DESCRIPTOR);
    status = ani_cuda_describe(device, job);
    mds_region_end(model->regions, MDS_REGION_DESCRIPTOR);
    if (status == MDS_OK)
        status = cuda->fused ? ani_cuda_networks_fused(self, state->d)
                             : ani_cuda_networks(self, state->d);
    mds_region_begin(model->regions, MDS_REGION_FORCES);
    if (status == MDS_OK)
        status = ani_cuda_gradient(device, job);
    if (status == MDS_OK)
        status = ani_cuda_forces(device, job);
    mds_region_end(model->regions, MDS_REGION_FORCES);
    return status;
}

mds_status ani_cuda_descriptor(const ani *self, int i, double *out)
{
    const ani_cuda *cuda = self->cuda;
    mds_device *device = self->base.device;
    const size_t size = mds_real_size(cuda->real), features = (size_t)cuda->pack.features;
    int slot = 0;
    mds_status status =
        mds_device_copy(device, &slot, cuda->job.slot + i, sizeof slot, MDS_COPY_TO_HOST);

    if (status == MDS_OK)
        status = mds_device_sync(device);
    if (status == MDS_OK)
        status = mds_device_copy(device, out,
                                 (const char *)cuda->job.g + (size_t)slot * features * size,
                                 features * size, MDS_COPY_TO_HOST);
    if (status == MDS_OK)
        status = mds_device_sync(device);
    for (size_t k = features; cuda->real == MDS_REAL_FP32 && k-- > 0;) {
        float value;

        memcpy(&value, (const char *)out + k * sizeof value, sizeof value);
        out[k] = (double)value;
    }
    return status;
}

#endif
