/* The networks as one kernel: its weights, in the order in which it reads them, and its blocks. */
#include "model/ani/ani_cuda_model.h"

#ifdef MDS_WITH_CUDA

#include "model/ani/ani_model.h"

#include <stdlib.h>
#include <string.h>

static int64_t blocks_of(int columns)
{
    return (columns + ANI_FUSED_COLUMNS - 1) / ANI_FUSED_COLUMNS;
}

/* Takes `floats` on from `*used`, which stays a multiple of a cache line. */
static int64_t take(int64_t *used, int64_t floats)
{
    const int64_t at = *used;

    *used += (floats + 31) / 32 * 32;
    return at;
}

/* Places of the weights of one element; returns the floats of shared memory that it needs. */
static int64_t lay_out(const ani_cuda_net *from, int members, ani_fused_net *net, int64_t *used)
{
    int64_t shared = 0;

    *net = (ani_fused_net){.hidden = from->layers - 1, .width = from->in[from->layers - 1]};
    for (int l = 0; l < net->hidden; ++l) {
        ani_fused_layer *layer = &net->layer[l];

        layer->in = from->in[l];
        layer->out = from->out[l];
        layer->forward_stride = blocks_of(layer->out) * layer->in * ANI_FUSED_COLUMNS;
        layer->backward_stride = blocks_of(layer->in) * layer->out * ANI_FUSED_COLUMNS;
        layer->forward = take(used, members * layer->forward_stride);
        layer->backward = take(used, members * layer->backward_stride);
        layer->bias = take(used, (int64_t)members * layer->out);
        shared += (int64_t)ANI_FUSED_ROWS * layer->in;
    }
    net->weight = take(used, (int64_t)members * net->width);
    net->bias = take(used, members);
    return shared + (int64_t)ANI_FUSED_ROWS * net->width;
}

/* Both orders of one matrix w (out,in) of one member. */
static void fill_matrix(const ani_fused_layer *layer, int m, const float *w, float *to)
{
    float *forward = to + layer->forward + m * layer->forward_stride;
    float *backward = to + layer->backward + m * layer->backward_stride;

    for (int o = 0; o < layer->out; ++o)
        for (int i = 0; i < layer->in; ++i) {
            const float value = w[(size_t)o * (size_t)layer->in + (size_t)i];
            const int wide = ANI_FUSED_COLUMNS;

            forward[((size_t)(o / wide) * (size_t)layer->in + (size_t)i) * ANI_FUSED_COLUMNS +
                    (size_t)(o % wide)] = value;
            backward[((size_t)(i / wide) * (size_t)layer->out + (size_t)o) * ANI_FUSED_COLUMNS +
                     (size_t)(i % wide)] = value;
        }
}

static void fill(const ani_cuda_net *from, int members, const ani_fused_net *net, float *to)
{
    const int last = net->hidden;

    for (int l = 0; l < last; ++l) {
        const ani_fused_layer *layer = &net->layer[l];
        const size_t size = (size_t)layer->in * (size_t)layer->out;

        for (int m = 0; m < members; ++m)
            fill_matrix(layer, m, (const float *)from->weight[l] + (size_t)m * size, to);
        memcpy(to + layer->bias, from->bias[l],
               (size_t)members * (size_t)layer->out * sizeof(float));
    }
    memcpy(to + net->weight, from->weight[last],
           (size_t)members * (size_t)net->width * sizeof(float));
    memcpy(to + net->bias, from->bias[last], (size_t)members * sizeof(float));
}

static mds_status upload(ani *self, const ani_fused_net *nets, int64_t floats)
{
    ani_cuda *cuda = self->cuda;
    const ani_cuda_pack *pack = &cuda->pack;
    const size_t begin = (size_t)floats * sizeof(float);
    const size_t size = (size_t)pack->live * sizeof *nets;
    char *host = calloc(begin + size, 1);
    mds_status status;

    if (!host)
        return mds_fail(MDS_ERR_NOMEM, "ani: no memory for the weights");
    for (int e = 0; e < pack->live; ++e)
        fill(&pack->net[e], self->members, &nets[e], (float *)(void *)host);
    memcpy(host + begin, nets, size);
    MDS_TRY(ani_cuda_reserve(self, &cuda->weights, begin + size, "ani weights"));
    MDS_TRY(mds_device_copy(self->base.device, cuda->weights.memory, host, begin + size,
                            MDS_COPY_TO_DEVICE));
    cuda->network.weights = cuda->weights.memory;
    cuda->network.net =
        (const ani_fused_net *)(const void *)((const char *)cuda->weights.memory + begin);
out:
    free(host);
    return status;
}

mds_status ani_cuda_fuse(ani *self, bool *can)
{
    ani_cuda *cuda = self->cuda;
    ani_cuda_pack *pack = &cuda->pack;
    int64_t used = 0, most = 0;
    ani_fused_net *nets = calloc((size_t)pack->live, sizeof *nets);
    mds_status status = MDS_OK;

    *can = false;
    if (!nets)
        return mds_fail(MDS_ERR_NOMEM, "ani: no memory for the networks");
    for (int e = 0; e < pack->live; ++e) {
        const int64_t shared = lay_out(&pack->net[e], self->members, &nets[e], &used);

        most = shared > most ? shared : most;
    }
    cuda->network = (ani_fused_job){.shared_bytes = most * (int64_t)sizeof(float),
                                    .members = self->members,
                                    .features = pack->features,
                                    .tf32x3 = cuda->product == MDS_PRODUCT_TF32X3};
    if (ani_fused_allow(self->base.device, &cuda->network)) {
        MDS_TRY(upload(self, nets, used));
        free(pack->host);
        pack->host = NULL;
        *can = true;
    }
out:
    free(nets);
    return status;
}

mds_status ani_cuda_set_tiles(ani *self)
{
    ani_cuda *cuda = self->cuda;
    ani_fused_tile *tiles;
    int count = 0;

    for (int e = 0; e < cuda->pack.live; ++e)
        count += (cuda->count[e] + ANI_FUSED_ROWS - 1) / ANI_FUSED_ROWS;
    cuda->network.tiles = 0;
    tiles = calloc((size_t)count, sizeof *tiles);
    if (!tiles)
        return mds_fail(MDS_ERR_NOMEM, "ani: no memory for the plan of a step");
    for (int e = 0; e < cuda->pack.live; ++e)
        for (int at = 0; at < cuda->count[e]; at += ANI_FUSED_ROWS) {
            const int left = cuda->count[e] - at;

            tiles[cuda->network.tiles++] =
                (ani_fused_tile){.element = e,
                                 .first = cuda->first[e] + at,
                                 .rows = left < ANI_FUSED_ROWS ? left : ANI_FUSED_ROWS};
        }
    const size_t bytes = (size_t)count * sizeof *tiles;
    mds_status status = ani_cuda_reserve(self, &cuda->tiles, bytes, "ani tiles");
    if (status == MDS_OK)
        status = mds_device_copy(self->base.device, cuda->tiles.memory, tiles, bytes,
                                 MDS_COPY_TO_DEVICE);
    cuda->network.tile = cuda->tiles.memory;
    free(tiles);
    return status;
}

/* Both ways as launches of their own, so that each can be timed. */
static mds_status run_apart(ani *self, ani_fused_job *job)
{
    ani_cuda *cuda = self->cuda;
    mds_regions *regions = self->base.regions;
    const size_t blocks = (size_t)job->tiles * (size_t)job->members;
    mds_status status;

    MDS_TRY(ani_cuda_reserve(self, &cuda->saved, blocks * (size_t)job->shared_bytes,
                             "ani activations"));
    job->saved = cuda->saved.memory;
    mds_region_begin(regions, MDS_REGION_NETWORK);
    job->phases = ANI_FUSED_FORWARD;
    status = ani_fused_networks(self->base.device, job);
    mds_region_end(regions, MDS_REGION_NETWORK);
    mds_region_begin(regions, MDS_REGION_NETWORK_BACKWARD);
    job->phases = ANI_FUSED_BACKWARD;
    if (status == MDS_OK)
        status = ani_fused_networks(self->base.device, job);
    mds_region_end(regions, MDS_REGION_NETWORK_BACKWARD);
out:
    return status;
}

mds_status ani_cuda_networks_fused(ani *self, const mds_step_block *d)
{
    ani_cuda *cuda = self->cuda;
    const mds_regions *regions = self->base.regions;
    ani_fused_job job = cuda->network;

    job.g = cuda->job.g;
    job.grad = cuda->grad;
    job.energy = cuda->energies.memory;
    job.n = cuda->job.list.n;
    job.d = d;
    if (regions && regions->on)
        return run_apart(self, &job);
    job.phases = ANI_FUSED_FORWARD | ANI_FUSED_BACKWARD;
    return ani_fused_networks(self->base.device, &job);
}

#endif
