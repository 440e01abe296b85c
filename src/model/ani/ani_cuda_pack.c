/* Weights for a CUDA device: plain matrices, all members of an element together. */
#include "model/ani/ani_cuda_model.h"

#ifdef MDS_WITH_CUDA

#include "model/ani/ani_pack.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN = 256, WIDTH = 8 /* columns are a multiple of: whole packs of loads */ };

static int padded(int count)
{
    return (count + WIDTH - 1) / WIDTH * WIDTH;
}

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

typedef struct packer {
    const ani_weights *weights;
    mds_real real;
    int first, members, live;
    const int *full; /* (live columns) of the whole descriptor */
    double scale;
    float *weight, *bias; /* one layer as in its file */
    char *host;           /* NULL: only sizes */
    size_t used;
} packer;

static void put(const packer *p, size_t base, size_t i, double value)
{
    if (p->real == MDS_REAL_FP32)
        ((float *)(void *)(p->host + base))[i] = (float)value;
    else
        ((double *)(void *)(p->host + base))[i] = value;
}

/* One layer of one member from its file to its place. */
static mds_status fill_layer(const packer *p, int m, int element, int l, const ani_cuda_net *net,
                             size_t weight, size_t bias)
{
    const ani_layer *layer = &p->weights->net[p->first + m][element].layer[l];
    const int columns = l ? layer->in : ani_descriptor_length(&p->weights->descriptor, p->live);
    const double scale = l + 1 == net->layers ? p->scale : 1.0;
    const size_t in = (size_t)net->in[l], out = (size_t)net->out[l];
    const mds_status status =
        ani_weights_read(p->weights, p->first + m, element, l, p->weight, p->bias);

    for (int o = 0; status == MDS_OK && o < layer->out; ++o) {
        const float *row = p->weight + (size_t)o * (size_t)layer->in;
        const size_t at = ((size_t)m * out + (size_t)o) * in;

        for (int k = 0; k < columns; ++k)
            put(p, weight, at + (size_t)k, scale * (double)row[l ? k : p->full[k]]);
        put(p, bias, (size_t)m * out + (size_t)o, scale * (double)p->bias[o]);
    }
    return status;
}

static mds_status pack_element(packer *p, int element, ani_cuda_net *net)
{
    const size_t size = mds_real_size(p->real), members = (size_t)p->members;
    mds_status status = MDS_OK;

    net->layers = p->weights->net[p->first][element].layers;
    for (int l = 0; l < net->layers; ++l) {
        int in = 0, out = 0;

        for (int m = 0; m < p->members; ++m) {
            const ani_net *shape = &p->weights->net[p->first + m][element];

            if (shape->layers != net->layers)
                return mds_fail(MDS_ERR_UNSUPPORTED,
                                "element %s: members with different numbers of layers are not "
                                "possible on a CUDA device",
                                p->weights->symbol[element]);
            in = shape->layer[l].in > in ? shape->layer[l].in : in;
            out = shape->layer[l].out > out ? shape->layer[l].out : out;
        }
        net->in[l] = l ? net->out[l - 1] : ani_pack_features(p->weights, p->live);
        net->out[l] = l + 1 < net->layers ? padded(out) : 1;
        const size_t weight = p->used;
        const size_t bias = weight +
                            aligned(members * (size_t)net->out[l] * (size_t)net->in[l] * size);
        p->used = bias + aligned(members * (size_t)net->out[l] * size);
        net->weight[l] = p->host ? p->host + weight : NULL;
        net->bias[l] = p->host ? p->host + bias : NULL;
        for (int m = 0; p->host && m < p->members; ++m)
            MDS_TRY(fill_layer(p, m, element, l, net, weight, bias));
    }
out:
    return status;
}

static mds_status pack_all(packer *p, const int *element, ani_cuda_pack *pack)
{
    mds_status status = MDS_OK;

    p->used = 0;
    for (int e = 0; e < p->live; ++e)
        MDS_TRY(pack_element(p, element[e], &pack->net[e]));
out:
    return status;
}

mds_status ani_cuda_pack_make(mds_device *device, const ani_weights *weights, mds_real real,
                              int first, int members, const int *element, int live, double scale,
                              ani_cuda_pack *pack)
{
    packer p = {.weights = weights,
                .real = real,
                .first = first,
                .members = members,
                .live = live,
                .scale = scale};
    int *full = malloc(((size_t)ani_pack_features(weights, live) + 1) * sizeof *full);
    mds_status status;

    ani_cuda_pack_fini(device, pack);
    if (!full) {
        status = mds_fail(MDS_ERR_NOMEM, "ani: no memory for columns");
        goto out;
    }
    ani_pack_columns(weights, element, live, full);
    p.full = full;
    MDS_TRY(ani_weights_buffers(weights, &p.weight, &p.bias));
    MDS_TRY(pack_all(&p, element, pack));
    pack->bytes = p.used;
    pack->host = p.host = calloc(pack->bytes, 1);
    if (!p.host) {
        status = mds_fail(MDS_ERR_NOMEM, "ani: no memory for the weights");
        goto out;
    }
    MDS_TRY(pack_all(&p, element, pack));
    memcpy(pack->element, element, (size_t)live * sizeof *element);
    pack->live = live;
    pack->features = ani_pack_features(weights, live);
out:
    free(full);
    free(p.weight);
    free(p.bias);
    if (status != MDS_OK)
        ani_cuda_pack_fini(device, pack);
    return status;
}

mds_status ani_cuda_pack_upload(mds_device *device, ani_cuda_pack *pack)
{
    mds_status status;

    MDS_TRY(mds_device_alloc(device, pack->bytes, "ani weights", &pack->memory));
    MDS_TRY(mds_device_copy(device, pack->memory, pack->host, pack->bytes, MDS_COPY_TO_DEVICE));
    for (int e = 0; e < pack->live; ++e)
        for (int l = 0; l < pack->net[e].layers; ++l) {
            ani_cuda_net *net = &pack->net[e];

            net->weight[l] = (char *)pack->memory + ((const char *)net->weight[l] - pack->host);
            net->bias[l] = (char *)pack->memory + ((const char *)net->bias[l] - pack->host);
        }
    free(pack->host);
    pack->host = NULL;
out:
    return status;
}

void ani_cuda_pack_fini(mds_device *device, ani_cuda_pack *pack)
{
    mds_device_free(device, pack->memory);
    free(pack->host);
    memset(pack, 0, sizeof *pack);
}

#endif
