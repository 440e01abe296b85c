#include "model/ani/ani_pack.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

static int padded(int count)
{
    return (count + ANI_PACK - 1) / ANI_PACK * ANI_PACK;
}

int ani_pack_features(const ani_weights *w, int live)
{
    return padded(ani_descriptor_length(&w->descriptor, live));
}

/* Widths as the kernel sees them: the last layer keeps its one output. */
static void widths(const ani_weights *w, int member, int element, int live, int l, int *in,
                   int *out)
{
    const ani_net *net = &w->net[member][element];

    *in = l ? padded(net->layer[l].in) : ani_pack_features(w, live);
    *out = l + 1 < net->layers ? padded(net->layer[l].out) : 1;
}

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

size_t ani_pack_bytes(const ani_weights *weights, const ani_kernel *kernel, int first, int members,
                      const int *element, int live)
{
    size_t bytes = 0;

    for (int m = first; m < first + members; ++m)
        for (int e = 0; e < live; ++e)
            for (int l = 0; l < weights->net[m][element[e]].layers; ++l) {
                int in, out;

                widths(weights, m, element[e], live, l, &in, &out);
                bytes += aligned((size_t)in * (size_t)out * kernel->real_size) +
                         aligned((size_t)out * kernel->real_size);
            }
    return bytes;
}

void ani_pack_columns(const ani_weights *w, const int *element, int live, int *full)
{
    const ani_descriptor *d = &w->descriptor;
    const int tile = d->n_angular * d->n_sections, radial = ani_descriptor_radial(d, w->elements);
    int k = 0;

    for (int a = 0; a < live; ++a)
        for (int r = 0; r < d->n_radial; ++r)
            full[k++] = element[a] * d->n_radial + r;
    for (int a = 0; a < live; ++a)
        for (int b = a; b < live; ++b)
            for (int t = 0; t < tile; ++t)
                full[k++] = radial + ani_pair_index(w->elements, element[a], element[b]) * tile + t;
}

typedef struct packer {
    const ani_weights *weights;
    const ani_kernel *kernel;
    const int *full; /* (live columns) */
    double scale;
    float *weight, *bias; /* one layer as in its file */
    char *host, *device;  /* the packed memory, here and where it will be */
    size_t used;
} packer;

static void put(const packer *p, size_t base, size_t i, double value)
{
    if (p->kernel->real_size == sizeof(float))
        ((float *)(void *)(p->host + base))[i] = (float)value;
    else
        ((double *)(void *)(p->host + base))[i] = value;
}

static mds_status pack_layer(packer *p, int member, int element, int live, int l, ani_packed *net)
{
    const ani_net *shape = &p->weights->net[member][element];
    const ani_layer *layer = &shape->layer[l];
    const bool last = l + 1 == shape->layers;
    const int columns = l ? layer->in : ani_descriptor_length(&p->weights->descriptor, live);
    const double scale = last ? p->scale : 1.0;
    int in, out;
    const mds_status status = ani_weights_read(p->weights, member, element, l, p->weight, p->bias);

    if (status != MDS_OK)
        return status;
    widths(p->weights, member, element, live, l, &in, &out);
    const size_t weights = p->used;
    const size_t biases = weights + aligned((size_t)in * (size_t)out * p->kernel->real_size);
    p->used = biases + aligned((size_t)out * p->kernel->real_size);
    for (int o = 0; o < layer->out; ++o) {
        const float *row = p->weight + (size_t)o * (size_t)layer->in;
        const size_t base = (size_t)(o / ANI_PACK) * (size_t)in * ANI_PACK + o % ANI_PACK;

        for (int k = 0; k < columns; ++k)
            put(p, weights, last ? (size_t)k : base + (size_t)k * ANI_PACK,
                scale * (double)row[l ? k : p->full[k]]);
        put(p, biases, (size_t)o, scale * (double)p->bias[o]);
    }
    net->in[l] = in;
    net->out[l] = out;
    net->weight[l] = p->device + weights;
    net->bias[l] = p->device + biases;
    return MDS_OK;
}

/* Room for the largest layer of all, and for the columns it keeps. */
static mds_status make_buffers(packer *p, int live, int **full)
{
    *full = malloc(((size_t)ani_pack_features(p->weights, live) + 1) * sizeof **full);
    if (!*full)
        return mds_fail(MDS_ERR_NOMEM, "ani: no memory for a layer");
    return ani_weights_buffers(p->weights, &p->weight, &p->bias);
}

mds_status ani_pack_make(mds_device *device, const ani_weights *weights, const ani_kernel *kernel,
                         int first, int members, const int *element, int live, double scale,
                         ani_pack *pack)
{
    packer p = {.weights = weights, .kernel = kernel, .scale = scale};
    int *full = NULL;
    const size_t bytes = ani_pack_bytes(weights, kernel, first, members, element, live);
    mds_status status;

    ani_pack_fini(device, pack);
    MDS_TRY(make_buffers(&p, live, &full));
    ani_pack_columns(weights, element, live, full);
    p.full = full;
    MDS_TRY(mds_device_alloc(device, bytes, "ani weights", &pack->memory));
    p.device = pack->memory;
    p.host = calloc(bytes, 1);
    if (!p.host) {
        status = mds_fail(MDS_ERR_NOMEM, "ani: no memory for the weights");
        goto out;
    }
    for (int m = 0; m < members; ++m)
        for (int e = 0; e < live; ++e) {
            pack->net[m][e].layers = weights->net[first + m][element[e]].layers;
            for (int l = 0; l < pack->net[m][e].layers; ++l)
                MDS_TRY(pack_layer(&p, first + m, element[e], live, l, &pack->net[m][e]));
        }
    MDS_TRY(mds_device_copy(device, pack->memory, p.host, bytes, MDS_COPY_TO_DEVICE));
    memcpy(pack->element, element, (size_t)live * sizeof *element);
    pack->live = live;
    pack->members = members;
    pack->features = ani_pack_features(weights, live);
    pack->bytes = bytes;
out:
    free(full);
    free(p.weight);
    free(p.bias);
    free(p.host);
    if (status != MDS_OK)
        ani_pack_fini(device, pack);
    return status;
}

void ani_pack_fini(mds_device *device, ani_pack *pack)
{
    mds_device_free(device, pack->memory);
    memset(pack, 0, sizeof *pack);
}
