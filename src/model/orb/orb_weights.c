#include "model/orb/orb_weights.h"

#include "base/units.h"
#include "model/orb/orb_synthetic.h"
#include "model/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char format[] = "mdsweep-orb-weights";
enum { FORMAT_MAJOR = 1, KEY_SIZE = 128, BIGGEST = ORB_HIDDEN_MAX * ORB_HIDDEN_MAX };

/* One walk over the network: the first time (memory NULL) it measures, the second it loads. */
typedef struct loader {
    orb_weights *to;
    mds_weights *file; /* NULL: synthetic */
    char *memory;      /* NULL: measure only */
    char *host;        /* the same as the host may write it: another place where it has no access */
    size_t used;       /* bytes */
    float *tensor;     /* (BIGGEST) the last one read */
    char key[KEY_SIZE]; /* its name */
} loader;

static mds_status fetch(loader *l, const char *key, int rows, int cols)
{
    const int64_t dims[2] = {rows, cols};

    if (strcmp(l->key, key) == 0)
        return MDS_OK;
    snprintf(l->key, sizeof l->key, "%s", key);
    if (!l->file) {
        orb_synthetic_fill(key, cols, (size_t)rows * (size_t)cols, l->tensor);
        return MDS_OK;
    }
    return mds_weights_read(l->file, key, MDS_WEIGHTS_F32, rows == 1 ? 1 : 2,
                            rows == 1 ? &dims[1] : dims, l->tensor);
}

/* `count` columns from `first` of tensor `key` (rows, cols) become a new array *out. */
static mds_status take(loader *l, const char *key, int rows, int cols, int first, int count,
                       void **out)
{
    const size_t size = mds_real_size(l->to->real), reals = (size_t)rows * (size_t)count;
    const size_t begin = l->used;

    l->used += (reals * size + 63) / 64 * 64;
    if (!l->memory)
        return MDS_OK;
    const mds_status status = fetch(l, key, rows, cols);
    if (status != MDS_OK)
        return status;
    char *at = l->host + begin;

    *out = l->memory + begin;
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < count; ++j) {
            const float x = l->tensor[(size_t)i * (size_t)cols + (size_t)(first + j)];
            const size_t to = (size_t)i * (size_t)count + (size_t)j;

            if (l->to->real == MDS_REAL_FP32)
                ((float *)(void *)at)[to] = x;
            else
                ((double *)(void *)at)[to] = x;
        }
    return MDS_OK;
}

static mds_status take_number(loader *l, const char *key, double *out)
{
    if (!l->memory)
        return MDS_OK;
    const mds_status status = fetch(l, key, 1, 1);
    *out = l->tensor[0];
    return status;
}

/* The three layers and the norm below `prefix`; of the first only the columns of the edge when the
 * network is one of edges with 768 inputs (`split`). */
static mds_status take_mlp(loader *l, const char *prefix, int inputs, bool split, orb_mlp *mlp)
{
    const int hidden = l->to->variant->hidden;
    const int widths[4] = {inputs, hidden, hidden, ORB_WIDTH};
    char key[KEY_SIZE];
    mds_status status;

    mlp->inputs = split ? ORB_WIDTH : inputs;
    for (int k = 0; k < 3; ++k) {
        snprintf(key, sizeof key, "%s.mlp.NN-%d.weight", prefix, k);
        MDS_TRY(take(l, key, widths[k + 1], widths[k], 0, k == 0 ? mlp->inputs : widths[k],
                     &mlp->w[k]));
        snprintf(key, sizeof key, "%s.mlp.NN-%d.bias", prefix, k);
        MDS_TRY(take(l, key, 1, widths[k + 1], 0, widths[k + 1], &mlp->b[k]));
    }
    snprintf(key, sizeof key, "%s.layer_norm.weight", prefix);
    MDS_TRY(take(l, key, 1, ORB_WIDTH, 0, ORB_WIDTH, &mlp->gamma));
    snprintf(key, sizeof key, "%s.layer_norm.bias", prefix);
    if (!l->to->variant->v3)
        MDS_TRY(take(l, key, 1, ORB_WIDTH, 0, ORB_WIDTH, &mlp->beta));
    status = MDS_OK;
out:
    return status;
}

static mds_status take_layer(loader *l, int index, orb_layer *layer)
{
    const int hidden = l->to->variant->hidden, inputs = 3 * ORB_WIDTH;
    static const char *const gates[2] = {"_receive_attn", "_send_attn"};
    char prefix[64], key[KEY_SIZE];
    void *ignored;
    mds_status status;

    snprintf(prefix, sizeof prefix, "model.gnn_stacks.%d._edge_mlp", index);
    MDS_TRY(take_mlp(l, prefix, inputs, true, &layer->edge));
    snprintf(key, sizeof key, "%s.mlp.NN-0.weight", prefix);
    MDS_TRY(take(l, key, hidden, inputs, ORB_WIDTH, ORB_WIDTH, &layer->node_w));
    /* Directly behind, so that both are one matrix: a part's bytes are a multiple of 64. */
    MDS_TRY(take(l, key, hidden, inputs, 2 * ORB_WIDTH, ORB_WIDTH, &ignored));
    snprintf(prefix, sizeof prefix, "model.gnn_stacks.%d._node_mlp", index);
    MDS_TRY(take_mlp(l, prefix, inputs, false, &layer->node));
    for (int k = 0; k < 2; ++k) {
        snprintf(key, sizeof key, "model.gnn_stacks.%d.%s.weight", index, gates[k]);
        MDS_TRY(take(l, key, 1, ORB_WIDTH, 0, ORB_WIDTH, &layer->gate[k]));
        snprintf(key, sizeof key, "model.gnn_stacks.%d.%s.bias", index, gates[k]);
        MDS_TRY(take_number(l, key, &layer->gate_bias[k]));
    }
out:
    return status;
}

/* `normalizers`: the names of one or two, after the prefix; NULL: none. */
static mds_status take_head(loader *l, const char *prefix, int outputs,
                            const char *const *normalizers, orb_head *head)
{
    char key[KEY_SIZE];
    mds_status status;

    head->outputs = outputs;
    for (int k = 0; k < 2; ++k) {
        const int rows = k == 0 ? ORB_WIDTH : outputs;

        snprintf(key, sizeof key, "%s.mlp.NN-%d.weight", prefix, k);
        MDS_TRY(take(l, key, rows, ORB_WIDTH, 0, ORB_WIDTH, &head->w[k]));
        snprintf(key, sizeof key, "%s.mlp.NN-%d.bias", prefix, k);
        MDS_TRY(take(l, key, 1, rows, 0, rows, &head->b[k]));
    }
    for (int k = 0; k < 2 && normalizers; ++k) {
        double variance = 1.0;

        snprintf(key, sizeof key, "%s.%s.bn.running_var", prefix, normalizers[k]);
        MDS_TRY(take_number(l, key, &variance));
        head->scale[k] = sqrt(variance);
        snprintf(key, sizeof key, "%s.%s.bn.running_mean", prefix, normalizers[k]);
        MDS_TRY(take_number(l, key, &head->shift[k]));
    }
    status = MDS_OK;
out:
    return status;
}

static mds_status take_heads(loader *l)
{
    static const char *const one[2] = {"normalizer", "normalizer"};
    static const char *const two[2] = {"diag_normalizer", "offdiag_normalizer"};
    orb_weights *w = l->to;
    mds_status status;

    MDS_TRY(take_head(l, "heads.energy", 1, one, &w->energy));
    if (l->memory) {
        MDS_TRY(fetch(l, "heads.energy.reference.linear.weight", 1, ORB_ELEMENTS - 1));
        for (int z = 0; z < ORB_ELEMENTS - 1; ++z)
            w->reference[z] = l->tensor[z];
    }
    if (!w->variant->conservative) {
        MDS_TRY(take_head(l, "heads.forces", 3, one, &w->forces));
        MDS_TRY(take_head(l, "heads.stress", 6, w->variant->v3 ? two : one, &w->stress));
    }
    if (w->variant->v3)
        MDS_TRY(take_head(l, "heads.confidence", ORB_BINS, NULL, &w->confidence));
out:
    return status;
}

/* A converted file has the buffers of the checkpoint; without one they are what they were computed
 * from. */
static mds_status take_bessel(loader *l)
{
    orb_weights *w = l->to;
    mds_status status = MDS_OK;

    w->bessel_prefactor = sqrt(2.0 / ORB_CUTOFF);
    for (int k = 0; k < ORB_BESSEL; ++k)
        w->bessel[k] = (k + 1) * MDS_PI / ORB_CUTOFF;
    if (!l->file || !l->memory)
        return MDS_OK;
    MDS_TRY(fetch(l, "model.rbf_transform.bessel_weights", 1, ORB_BESSEL));
    for (int k = 0; k < ORB_BESSEL; ++k)
        w->bessel[k] = l->tensor[k];
    MDS_TRY(take_number(l, "model.rbf_transform.prefactor", &w->bessel_prefactor));
    double cutoff = 0.0;
    MDS_TRY(take_number(l, "model.rbf_transform.r_max", &cutoff));
    if (cutoff != ORB_CUTOFF)
        status = mds_fail(MDS_ERR_CONFIG, "%s: r_max is %g Å, but these networks have 6 Å",
                          mds_weights_path(l->file), cutoff);
out:
    return status;
}

static mds_status walk(loader *l)
{
    orb_weights *w = l->to;
    mds_status status;

    l->used = 0;
    MDS_TRY(take(l, "model.atom_emb.embeddings.weight", ORB_ELEMENTS, ORB_WIDTH, 0, ORB_WIDTH,
                 &w->elements));
    MDS_TRY(take_mlp(l, "model._encoder._node_fn", ORB_WIDTH, false, &w->node_encoder));
    MDS_TRY(take_mlp(l, "model._encoder._edge_fn", w->variant->features, false, &w->edge_encoder));
    for (int i = 0; i < w->layers; ++i)
        MDS_TRY(take_layer(l, i, &w->layer[i]));
    MDS_TRY(take_heads(l));
    if (w->variant->v3)
        MDS_TRY(take_bessel(l));
out:
    return status;
}

/* What a checkpoint has besides, and inference does not need. */
static void skip_unused(mds_weights *file)
{
    static const char *const prefixes[] = {"model._decoder.", "grad_forces_normalizer.",
                                           "grad_stress_normalizer."};
    static const char *const suffixes[] = {"num_batches_tracked", "bin_edges"};

    for (int i = 0; i < mds_weights_count(file); ++i) {
        const char *name = mds_weights_name(file, i);
        const size_t length = strlen(name);

        for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; ++k)
            if (strncmp(name, prefixes[k], strlen(prefixes[k])) == 0)
                mds_weights_skip(file, name);
        for (size_t k = 0; k < sizeof suffixes / sizeof *suffixes; ++k)
            if (length > strlen(suffixes[k]) &&
                strcmp(name + length - strlen(suffixes[k]), suffixes[k]) == 0)
                mds_weights_skip(file, name);
    }
}

/* Opens the file and refuses that of another variant: the networks of a family have the same
 * shapes, so nothing else would notice. */
static mds_status open_file(const orb_variant *variant, const char *path, mds_weights **out)
{
    char name[64];
    mds_status status;

    MDS_TRY(mds_weights_open(path, format, FORMAT_MAJOR, out));
    MDS_TRY(mds_weights_attribute_text(*out, "variant", name, sizeof name));
    if (strcmp(name, variant->name) != 0)
        status = mds_fail(MDS_ERR_CONFIG, "%s: these are weights of %s, not of %s", path, name,
                          variant->name);
out:
    if (status != MDS_OK) {
        if (status == MDS_ERR_UNSUPPORTED)
            mds_error_prefix(
                "no weights of %s (make the file with analysis/convert_orb.py from the "
                "published checkpoint, or set synthetic = true): ",
                variant->name);
        mds_weights_close(*out);
        *out = NULL;
    }
    return status;
}

mds_status orb_weights_check(const orb_variant *variant, const char *path)
{
    mds_weights *file = NULL;
    const mds_status status = open_file(variant, path, &file);

    mds_weights_close(file);
    return status;
}

mds_status orb_weights_load(mds_device *device, const orb_variant *variant, const char *path,
                            int layers, mds_real real, orb_weights *out)
{
    loader l = {.to = out};
    void *memory = NULL, *staging = NULL;
    mds_status status;

    *out = (orb_weights){.variant = variant, .device = device, .real = real, .layers = layers};
    if (path)
        MDS_TRY(open_file(variant, path, &l.file));
    l.tensor = malloc(BIGGEST * sizeof *l.tensor);
    if (!l.tensor)
        MDS_TRY(mds_fail(MDS_ERR_NOMEM, "orb: no memory to read weights"));
    MDS_TRY(walk(&l));
    MDS_TRY(mds_device_alloc(device, l.used, "orb weights", &memory));
    out->memory = l.memory = l.host = memory;
    if (!mds_device_host_access(device)) {
        l.host = staging = calloc(l.used, 1);
        if (!staging)
            MDS_TRY(mds_fail(MDS_ERR_NOMEM, "orb: no memory to read weights"));
    }
    MDS_TRY(walk(&l));
    if (staging) {
        MDS_TRY(mds_device_copy(device, memory, staging, l.used, MDS_COPY_TO_DEVICE));
        MDS_TRY(mds_device_sync(device));
    }
    if (l.file) {
        skip_unused(l.file);
        MDS_TRY(mds_weights_refuse_unread(l.file));
    }
out:
    free(staging);
    free(l.tensor);
    mds_weights_close(l.file);
    if (status != MDS_OK)
        orb_weights_fini(out);
    return status;
}

void orb_weights_fini(orb_weights *weights)
{
    mds_device_free(weights->device, weights->memory);
    memset(weights, 0, sizeof *weights);
}

double orb_weights_bytes(const orb_variant *variant, int layers, mds_real real)
{
    orb_weights unused = {.variant = variant, .real = real, .layers = layers};
    loader l = {.to = &unused};

    return walk(&l) == MDS_OK ? (double)l.used : 0.0;
}
