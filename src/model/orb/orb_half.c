/* The order of the fp16 path: what is packed, and which kernel gets what. The step is
 *
 *     features (float32) → halves → encoder
 *     tables → h, its halves, P
 *     layer: network of edges → sums at atoms → three products → norm, h, P for the next layer
 *     mean of h → all heads → what they mean
 *
 * with six launches for each layer. Arrays of other precisions serve for halves: edges.m (256
 * floats a row) holds m and e as halves, nodes.in (768 floats a row) h, R and S in its first half.
 */
#include "model/orb/orb_half.h"

#ifdef MDS_WITH_CUDA

#include "model/orb/orb_fused.h"

#include <stdlib.h>

typedef struct half_layer {
    orb_fused_mlp edge, node;
    const uint16_t *node_w; /* (2H,256) packed */
} half_layer;

struct orb_half {
    void *packed;
    orb_fused_mlp encoder;
    half_layer layer[ORB_LAYERS_MAX];
    /* for `room` edges */
    void *memory;
    int room;
    uint16_t *f;    /* (E, inputs of the encoder) */
    float *gate[2]; /* (E,2) of this layer and the next, in turn */
};

/* ---- weights ---- */

/* Where packed matrices go; with `base` NULL they are only counted. */
typedef struct packer {
    const orb *self;
    uint16_t *base;
    size_t used; /* halves */
    int *overflow;
} packer;

static mds_status pack(packer *p, int outs, int inputs, const void *w, const uint16_t **out)
{
    const size_t at = p->used;

    p->used += orb_fused_packed(outs, inputs);
    if (!p->base)
        return MDS_OK;
    *out = p->base + at;
    return orb_fused_pack(p->self->base.device, outs, inputs, w, inputs, p->base + at, p->overflow);
}

static mds_status pack_mlp(packer *p, const orb_mlp *mlp, orb_fused_mlp *to)
{
    const int hidden = p->self->variant->hidden;
    const bool v3 = p->self->variant->v3;
    mds_status status;

    *to = (orb_fused_mlp){.inputs = orb_fused_inputs(mlp->inputs),
                          .hidden = hidden,
                          .kind = v3 ? ORB_FUSED_SILU | ORB_FUSED_RMS : 0,
                          .eps = (float)orb_norm(p->self, mlp, 0).eps,
                          .b = {mlp->b[0], mlp->b[1], mlp->b[2]},
                          .gamma = mlp->gamma,
                          .beta = mlp->beta};
    MDS_TRY(pack(p, hidden, mlp->inputs, mlp->w[0], &to->w[0]));
    MDS_TRY(pack(p, hidden, hidden, mlp->w[1], &to->w[1]));
    status = pack(p, ORB_WIDTH, hidden, mlp->w[2], &to->w[2]);
out:
    return status;
}

static mds_status pack_all(packer *p, orb_half *half)
{
    const orb_weights *w = &p->self->weights;
    mds_status status;

    MDS_TRY(pack_mlp(p, &w->edge_encoder, &half->encoder));
    for (int l = 0; l < w->layers; ++l) {
        MDS_TRY(pack_mlp(p, &w->layer[l].edge, &half->layer[l].edge));
        MDS_TRY(pack_mlp(p, &w->layer[l].node, &half->layer[l].node));
        MDS_TRY(pack(p, 2 * p->self->variant->hidden, ORB_WIDTH, w->layer[l].node_w,
                     &half->layer[l].node_w));
    }
out:
    return status;
}

static mds_status check_weights(const orb *self, const int *overflow)
{
    int flag = 0;
    mds_status status;

    MDS_TRY(mds_device_copy(self->base.device, &flag, overflow, sizeof flag, MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_sync(self->base.device));
    if (flag)
        status = mds_fail(MDS_ERR_CONFIG,
                          "orb: a weight of %s is larger than float16 can hold (65504): precision "
                          "tf32 or fp32 can be used, fp16 cannot",
                          self->variant->name);
out:
    return status;
}

mds_status orb_half_create(orb *self)
{
    packer p = {.self = self};
    mds_device *device = self->base.device;
    void *flag = NULL;
    mds_status status;

    self->half = calloc(1, sizeof *self->half);
    if (!self->half)
        MDS_TRY(mds_fail(MDS_ERR_NOMEM, "orb: no memory for the model"));
    MDS_TRY(pack_all(&p, self->half)); /* counts */
    MDS_TRY(mds_device_alloc(device, p.used * sizeof(uint16_t), "orb float16 weights",
                             &self->half->packed));
    MDS_TRY(mds_device_alloc(device, sizeof(int), "orb float16 weights", &flag));
    MDS_TRY(mds_device_fill(device, flag, 0, sizeof(int)));
    p = (packer){.self = self, .base = self->half->packed, .overflow = flag};
    MDS_TRY(pack_all(&p, self->half));
    MDS_TRY(check_weights(self, flag));
    status = orb_fused_check(device, &self->half->layer[0].node);
out:
    mds_device_free(device, flag);
    return status;
}

void orb_half_destroy(orb *self)
{
    if (!self->half)
        return;
    mds_device_free(self->base.device, self->half->packed);
    mds_device_free(self->base.device, self->half->memory);
    free(self->half);
    self->half = NULL;
}

/* ---- the step ---- */

/* Memory for as many edges as the other arrays have room for. */
static mds_status fit(orb *self)
{
    orb_half *half = self->half;
    const size_t room = (size_t)self->edges.room, inputs = (size_t)half->encoder.inputs;
    const size_t gates = room * 2 * sizeof(float);
    mds_device *device = self->base.device;

    if (half->memory && half->room == self->edges.room)
        return MDS_OK;
    mds_device_free(device, half->memory);
    half->memory = NULL;
    half->room = self->edges.room;
    const mds_status status = mds_device_alloc(device, room * inputs * sizeof(uint16_t) + 2 * gates,
                                               "orb float16 edges", &half->memory);
    if (status != MDS_OK)
        return status;
    half->f = half->memory;
    half->gate[0] = (float *)(void *)(half->f + room * inputs);
    half->gate[1] = half->gate[0] + room * 2;
    return MDS_OK;
}

static uint16_t *messages(const orb *self)
{
    return self->edges.m;
}

static uint16_t *edge_halves(const orb *self)
{
    return messages(self) + (size_t)self->edges.room * ORB_WIDTH;
}

static const int *edge_count(const orb *self)
{
    return self->graph.start + self->graph.n;
}

static mds_status features(orb *self)
{
    const int room = self->edges.room, count = self->variant->features;
    const orb_range range = orb_range_of(self, room, 0);
    mds_status status;

    MDS_TRY(self->kernel->features(&range, &self->weights, &self->graph, self->edges.f,
                                   self->edges.envelope));
    status = orb_fused_halve(self->base.device, room, edge_count(self), count, self->edges.f, count,
                             self->half->f, self->half->encoder.inputs);
out:
    return status;
}

/* A network of edges: e and its halves, and the gates of layer `next` (none after the last). */
static orb_fused_rows edges_job(const orb *self, const orb_fused_mlp *mlp, int next)
{
    const bool last = next == self->weights.layers;
    orb_fused_rows job = {.mlp = *mlp,
                          .room = self->edges.room,
                          .ldx = mlp->inputs,
                          .ldsum16 = ORB_WIDTH,
                          .count = edge_count(self),
                          .sum = last ? NULL : self->edges.e,
                          .sum16 = last ? NULL : edge_halves(self)};

    if (last)
        return job;
    const orb_layer *layer = &self->weights.layer[next];
    for (int k = 0; k < 2; ++k) {
        job.gate_w[k] = layer->gate[k];
        job.gate_b[k] = (float)layer->gate_bias[k];
    }
    job.envelope = self->edges.envelope;
    job.gate = self->half->gate[next % 2];
    return job;
}

static mds_status encode(orb *self)
{
    const orb_fused_begin begin = {.number = self->nodes.number,
                                   .encoded = self->encoded,
                                   .first_p = self->first_p,
                                   .h = self->nodes.h,
                                   .p = self->nodes.p,
                                   .in = self->nodes.in,
                                   .outs = 2 * self->variant->hidden};
    orb_fused_rows job = edges_job(self, &self->half->encoder, 0);
    mds_status status;

    job.x = self->half->f;
    MDS_TRY(orb_fused_network(self->base.device, &job));
    status = orb_fused_start(self->base.device, self->graph.n, &begin);
out:
    return status;
}

static mds_status send_messages(orb *self, int l)
{
    orb_fused_rows job = edges_job(self, &self->half->layer[l].edge, l + 1);

    job.x = edge_halves(self);
    job.p = self->nodes.p;
    job.sender = self->graph.sender;
    job.receiver = self->graph.receiver;
    job.y16 = messages(self);
    job.old = self->edges.e;
    return orb_fused_network(self->base.device, &job);
}

static mds_status collect(orb *self, int l)
{
    const orb_fused_sums sums = {.start = self->graph.start,
                                 .receiver_start = self->graph.receiver_start,
                                 .receiver_edges = self->graph.receiver_edges,
                                 .m = messages(self),
                                 .gate = self->half->gate[l % 2],
                                 .in = self->nodes.in};

    return orb_fused_collect(self->base.device, self->graph.n, &sums);
}

/* The features of atoms are written by one block of columns while others still read the old ones,
 * so that they are in two places in turn; after the last layer they are where the heads look. */
static float *features_of(const orb *self, int l)
{
    return l % 2 == 0 || l == self->weights.layers ? self->nodes.h : self->nodes.stash[0].z1;
}

static mds_status update_nodes(orb *self, int l)
{
    const half_layer *layer = &self->half->layer[l];
    const orb_fused_mlp *mlp = &layer->node;
    const bool last = l + 1 == self->weights.layers;
    mds_device *device = self->base.device;
    orb_fused_job job = {.rows = self->graph.n,
                         .outs = mlp->hidden,
                         .inputs = mlp->inputs,
                         .ldx = mlp->inputs,
                         .activate = 1,
                         .kind = mlp->kind,
                         .x = self->nodes.in,
                         .w = mlp->w[0],
                         .bias = mlp->b[0],
                         .y16 = self->nodes.y1};
    mds_status status;

    MDS_TRY(orb_fused_product(device, &job));
    job.inputs = job.ldx = mlp->hidden;
    job.x = self->nodes.y1;
    job.w = mlp->w[1];
    job.bias = mlp->b[1];
    job.y16 = self->nodes.y2;
    MDS_TRY(orb_fused_product(device, &job));
    job.outs = ORB_WIDTH;
    job.activate = 0;
    job.x = self->nodes.y2;
    job.w = mlp->w[2];
    job.bias = mlp->b[2];
    job.y = self->nodes.stash[0].u;
    MDS_TRY(orb_fused_product(device, &job));
    job = (orb_fused_job){.rows = self->graph.n,
                          .outs = last ? 0 : 2 * mlp->hidden,
                          .inputs = ORB_WIDTH,
                          .kind = mlp->kind,
                          .w = last ? NULL : layer[1].node_w,
                          .y = self->nodes.p,
                          .u = self->nodes.stash[0].u,
                          .gamma = mlp->gamma,
                          .beta = mlp->beta,
                          .old = features_of(self, l),
                          .sum = features_of(self, l + 1),
                          .sum16 = self->nodes.in,
                          .ldsum16 = 3 * ORB_WIDTH,
                          .eps = mlp->eps};
    status = orb_fused_product(device, &job);
out:
    return status;
}

/* A part of the step as a component. */
static mds_status part(orb *self, mds_region region, mds_status (*work)(orb *self, int l), int l)
{
    mds_region_begin(self->base.regions, region);
    const mds_status status = work(self, l);
    mds_region_end(self->base.regions, region);
    return status;
}

static mds_status first_parts(orb *self)
{
    mds_regions *regions = self->base.regions;

    mds_region_begin(regions, MDS_REGION_DESCRIPTOR);
    mds_status status = features(self);
    mds_region_end(regions, MDS_REGION_DESCRIPTOR);
    if (status != MDS_OK)
        return status;
    mds_region_begin(regions, MDS_REGION_ENCODER);
    status = encode(self);
    mds_region_end(regions, MDS_REGION_ENCODER);
    return status;
}

mds_status orb_half_forward(orb *self)
{
    mds_status status;

    MDS_TRY(fit(self));
    MDS_TRY(first_parts(self));
    for (int l = 0; l < self->weights.layers; ++l) {
        MDS_TRY(part(self, MDS_REGION_EDGE_NETWORK, send_messages, l));
        MDS_TRY(part(self, MDS_REGION_AGGREGATE, collect, l));
        MDS_TRY(part(self, MDS_REGION_NODE_NETWORK, update_nodes, l));
    }
out:
    return status;
}

static orb_fused_head head_of(const orb_head *head, void *y)
{
    return (orb_fused_head){.w = {head->w[0], head->w[1]},
                            .b = {head->b[0], head->b[1]},
                            .y = y,
                            .outs = head->outputs};
}

mds_status orb_half_heads(orb *self, mds_state *state, unsigned want)
{
    const orb_weights *w = &self->weights;
    const orb_nodes *nodes = &self->nodes;
    const orb_fused_heads job = {.head = {head_of(&w->forces, nodes->forces),
                                          head_of(&w->energy, nodes->energy),
                                          head_of(&w->stress, nodes->stress)},
                                 .h = nodes->h,
                                 .mean = nodes->mean,
                                 .kind = self->variant->v3 ? ORB_FUSED_SILU : 0};
    mds_status status;

    MDS_TRY(self->target->average(self));
    MDS_TRY(
        orb_fused_heads_of(self->base.device, self->graph.n, (want & MDS_WANT_VIRIAL) != 0, &job));
    status = self->target->finish(self, state, want);
out:
    return status;
}

#endif
