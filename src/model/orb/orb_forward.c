/* The network, forward: features of edges, the encoder, then in each layer the messages on edges,
 * their gated sums at both ends, and the network of the atoms.
 *
 * The first layer of an edge's network acts on [edge | sender | receiver]; here the products with
 * the atoms' features are made once per atom (nodes.p) and added per edge, which saves a third of
 * the work and the concatenation. */
#include "model/orb/orb_model.h"

/* ---- edges ---- */

static void features_share(void *context, int t)
{
    orb *self = context;
    const orb_range range = orb_range_of(self, self->graph.edges, t);

    self->status[t] = self->kernel->features(&range, &self->weights, &self->graph, self->edges.f,
                                             self->edges.envelope);
}

/* One network of edges. */
typedef struct edge_job {
    const orb_mlp *mlp;
    const orb_stash *stash; /* NULL: nothing is kept */
    const void *x;          /* (E,inputs) */
    bool with_nodes;
    void *y, *sum; /* (E,256) */
} edge_job;

/* Rows first … first + rows − 1 through the network. */
static mds_status edge_tile(const orb *self, const edge_job *job, int t, int first, int rows)
{
    const orb_mlp *mlp = job->mlp;
    const int hidden = self->variant->hidden, inputs = mlp->inputs;
    const size_t at = (size_t)first, wide = at * (size_t)hidden, row = at * ORB_WIDTH;
    void *y1 = orb_scratch(self, t, 0), *y2 = orb_scratch(self, t, 1);
    void *z1 = job->stash ? orb_at(self, job->stash->z1, wide) : y1;
    void *z2 = job->stash ? orb_at(self, job->stash->z2, wide) : y2;
    void *u = orb_at(self, job->stash ? job->stash->u : job->y, row);
    mds_gather_act act = {.real = self->real,
                          .act = orb_activation(self),
                          .rows = rows,
                          .cols = hidden,
                          .bias = mlp->b[0],
                          .x = z1,
                          .y = y1,
                          .ldx = hidden,
                          .ldy = hidden};
    mds_norm_add norm = {.norm = orb_norm(self, mlp, rows),
                         .pre = mlp->b[2],
                         .z = job->stash ? u : NULL,
                         .sum = job->sum ? orb_at(self, job->sum, row) : NULL,
                         .ldz = ORB_WIDTH,
                         .ldsum = ORB_WIDTH};
    mds_status status;

    if (job->with_nodes) {
        act.a = self->nodes.p;
        act.b = orb_at(self, self->nodes.p, (size_t)hidden);
        act.ia = self->graph.sender + first;
        act.ib = self->graph.receiver + first;
        act.lda = act.ldb = 2 * hidden;
    }
    MDS_TRY(orb_product(self, rows, hidden, inputs, orb_at(self, job->x, at * (size_t)inputs),
                        inputs, mlp->w[0], inputs, z1, hidden));
    MDS_TRY(mds_op_gather_act(NULL, self->base.device, &act));
    MDS_TRY(orb_product(self, rows, hidden, hidden, y1, hidden, mlp->w[1], hidden, z2, hidden));
    act.a = act.b = NULL;
    act.bias = mlp->b[1];
    act.x = z2;
    act.y = y2;
    MDS_TRY(mds_op_gather_act(NULL, self->base.device, &act));
    MDS_TRY(
        orb_product(self, rows, ORB_WIDTH, hidden, y2, hidden, mlp->w[2], hidden, u, ORB_WIDTH));
    norm.norm.x = u;
    norm.norm.y = orb_at(self, job->y, row);
    status = mds_op_norm_add(NULL, self->base.device, &norm);
out:
    return status;
}

/* A thread's edges in tiles of nearly the same size, or all at once. */
static mds_status edge_tiles(const orb *self, const edge_job *job, int t)
{
    const int first = orb_share(self, self->graph.edges, t);
    const int count = orb_share(self, self->graph.edges, t + 1) - first;
    const int tiles = self->whole ? 1 : (count + ORB_TILE - 1) / ORB_TILE;
    mds_status status = MDS_OK;

    for (int k = 0; k < tiles && status == MDS_OK; ++k) {
        const int from = (int)((int64_t)count * k / tiles);
        const int to = (int)((int64_t)count * (k + 1) / tiles);

        status = edge_tile(self, job, t, first + from, to - from);
    }
    return status;
}

static void encoder_share(void *context, int t)
{
    orb *self = context;
    const bool keep = self->variant->conservative;
    const edge_job job = {.mlp = &self->weights.edge_encoder,
                          .stash = keep ? &self->edges.stash[self->weights.layers] : NULL,
                          .x = self->edges.f,
                          .y = self->edges.e};

    self->status[t] = edge_tiles(self, &job, t);
}

/* Gates come from the features before they are changed; after the last layer nobody needs these. */
static void message_share(void *context, int t)
{
    orb *self = context;
    const orb_layer *layer = &self->weights.layer[self->layer];
    const orb_gates gates = {{layer->gate[0], layer->gate[1]},
                             {layer->gate_bias[0], layer->gate_bias[1]}};
    const bool keep = self->variant->conservative;
    const bool last = self->layer + 1 == self->weights.layers;
    const edge_job job = {.mlp = &layer->edge,
                          .stash = keep ? &self->edges.stash[self->layer] : NULL,
                          .x = self->edges.e,
                          .with_nodes = true,
                          .y = self->edges.m,
                          .sum = last ? NULL : self->edges.e};
    const orb_range range = orb_range_of(self, self->graph.edges, t);

    self->status[t] = self->kernel->gate(&range, &gates, self->edges.e, self->edges.envelope,
                                         self->edges.gate,
                                         keep ? self->edges.sigma[self->layer] : NULL);
    if (self->status[t] == MDS_OK)
        self->status[t] = edge_tiles(self, &job, t);
}

/* ---- atoms ---- */

/* Features and products of the first layer depend on the element alone. */
static mds_status start_nodes(orb *self)
{
    const int hidden2 = 2 * self->variant->hidden;
    mds_rows op = {.real = self->real,
                   .rows = self->graph.n,
                   .cols = ORB_WIDTH,
                   .index = self->nodes.number,
                   .x = self->encoded,
                   .y = self->nodes.h,
                   .ldx = ORB_WIDTH,
                   .ldy = ORB_WIDTH};
    const mds_status status = mds_op_gather_rows(NULL, self->base.device, &op);

    if (status != MDS_OK)
        return status;
    op.x = self->first_p;
    op.y = self->nodes.p;
    op.cols = op.ldx = op.ldy = hidden2;
    return mds_op_gather_rows(NULL, self->base.device, &op);
}

static void aggregate_share(void *context, int t)
{
    orb *self = context;
    const orb_range range = orb_range_of(self, self->graph.n, t);

    self->status[t] = self->kernel->aggregate(&range, &self->graph, self->nodes.h, self->edges.m,
                                              self->edges.gate, self->nodes.in);
}

/* Columns of z = x·wᵀ + b and y = act(z): with few rows the weights are what is read, so threads
 * divide them and not the rows. */
static mds_status node_columns(const orb *self, int t, int inputs, const void *x, const void *w,
                               const void *b, void *z, void *y)
{
    const int hidden = self->variant->hidden, n = self->graph.n;
    const int first = orb_share_columns(self, hidden, t);
    const int count = orb_share_columns(self, hidden, t + 1) - first;
    const size_t at = (size_t)first;
    const mds_bias_act act = {.real = self->real,
                              .act = orb_activation(self),
                              .rows = n,
                              .cols = count,
                              .bias = orb_at(self, b, at),
                              .x = orb_at(self, z, at),
                              .y = orb_at(self, y, at),
                              .ldx = hidden,
                              .ldy = hidden};
    const mds_status status = orb_product(self, n, count, inputs, x, inputs,
                                          orb_at(self, w, at * (size_t)inputs), inputs, act.x,
                                          hidden);

    return status == MDS_OK ? mds_op_bias_act(NULL, self->base.device, &act) : status;
}

static void node_first(void *context, int t)
{
    orb *self = context;
    const orb_mlp *mlp = &self->weights.layer[self->layer].node;
    const orb_nodes *nodes = &self->nodes;

    self->status[t] = node_columns(self, t, mlp->inputs, nodes->in, mlp->w[0], mlp->b[0],
                                   nodes->stash[self->layer].z1, nodes->y1);
}

static void node_second(void *context, int t)
{
    orb *self = context;
    const orb_mlp *mlp = &self->weights.layer[self->layer].node;
    const orb_nodes *nodes = &self->nodes;

    self->status[t] = node_columns(self, t, self->variant->hidden, nodes->y1, mlp->w[1], mlp->b[1],
                                   nodes->stash[self->layer].z2, nodes->y2);
}

static void node_third(void *context, int t)
{
    orb *self = context;
    const orb_mlp *mlp = &self->weights.layer[self->layer].node;
    const int hidden = self->variant->hidden, first = orb_share_columns(self, ORB_WIDTH, t);
    const int count = orb_share_columns(self, ORB_WIDTH, t + 1) - first;

    self->status[t] = orb_product(self, self->graph.n, count, hidden, self->nodes.y2, hidden,
                                  orb_at(self, mlp->w[2], (size_t)first * (size_t)hidden), hidden,
                                  orb_at(self, self->nodes.stash[self->layer].u, (size_t)first),
                                  ORB_WIDTH);
}

static void node_update(void *context, int t)
{
    orb *self = context;
    const orb_mlp *mlp = &self->weights.layer[self->layer].node;
    const int n = self->graph.n, first = orb_share(self, n, t);
    const size_t row = (size_t)first * ORB_WIDTH;
    void *u = orb_at(self, self->nodes.stash[self->layer].u, row);
    mds_norm_add norm = {.norm = orb_norm(self, mlp, orb_share(self, n, t + 1) - first),
                         .pre = mlp->b[2],
                         .z = u,
                         .sum = orb_at(self, self->nodes.h, row),
                         .ldz = ORB_WIDTH,
                         .ldsum = ORB_WIDTH};

    norm.norm.x = u;
    self->status[t] = mds_op_norm_add(NULL, self->base.device, &norm);
}

/* Products of the atoms' new features for the next layer's edges. */
static void node_products(void *context, int t)
{
    orb *self = context;
    const int wide = 2 * self->variant->hidden, first = orb_share_columns(self, wide, t);
    const int count = orb_share_columns(self, wide, t + 1) - first;
    const void *w = self->weights.layer[self->layer + 1].node_w;

    self->status[t] = orb_product(self, self->graph.n, count, ORB_WIDTH, self->nodes.h, ORB_WIDTH,
                                  orb_at(self, w, (size_t)first * ORB_WIDTH), ORB_WIDTH,
                                  orb_at(self, self->nodes.p, (size_t)first), wide);
}

/* ---- order ---- */

static mds_status update_nodes(orb *self)
{
    mds_status status;

    MDS_TRY(orb_run(self, node_first));
    MDS_TRY(orb_run(self, node_second));
    MDS_TRY(orb_run(self, node_third));
    MDS_TRY(orb_run(self, node_update));
    if (self->layer + 1 < self->weights.layers)
        MDS_TRY(orb_run(self, node_products));
out:
    return status;
}

/* A part of the step as a component. */
static mds_status part(orb *self, mds_region region, void (*work)(void *context, int t))
{
    mds_region_begin(self->base.regions, region);
    const mds_status status = orb_run(self, work);
    mds_region_end(self->base.regions, region);
    return status;
}

mds_status orb_forward(orb *self)
{
    mds_regions *regions = self->base.regions;
    mds_status status;

    MDS_TRY(part(self, MDS_REGION_DESCRIPTOR, features_share));
    mds_region_begin(regions, MDS_REGION_ENCODER);
    status = orb_run(self, encoder_share);
    if (status == MDS_OK)
        status = start_nodes(self);
    mds_region_end(regions, MDS_REGION_ENCODER);
    for (self->layer = 0; status == MDS_OK && self->layer < self->weights.layers; ++self->layer) {
        MDS_TRY(part(self, MDS_REGION_EDGE_NETWORK, message_share));
        MDS_TRY(part(self, MDS_REGION_AGGREGATE, aggregate_share));
        mds_region_begin(regions, MDS_REGION_NODE_NETWORK);
        status = update_nodes(self);
        mds_region_end(regions, MDS_REGION_NODE_NETWORK);
    }
out:
    return status;
}
