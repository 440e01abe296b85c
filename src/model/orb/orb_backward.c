/* The network, backward: the derivative of the energy by every edge vector, from which forces and
 * virial of the conservative models follow. Layer by layer in reverse: the atoms' network, the
 * gated sums, the edges' network, and the products with the atoms' features, which are summed over
 * the edges of each atom first and multiplied once per atom, as forward.
 *
 * Gradients by e stand in edges.m, by h in nodes.h_grad, by [h | R | S] in nodes.in, by the
 * products in nodes.p; that by the first layer's pre-activation takes the place of stash.z1, or
 * stays in scratch where all edges are under way at once. */
#include "model/orb/orb_model.h"

#include <string.h>

/* ---- atoms ---- */

/* g ← g·act'(z) for a thread's columns. */
static mds_status slope_columns(const orb *self, int first, int count, const void *z, void *g)
{
    const int hidden = self->variant->hidden;
    const mds_act_grad op = {.real = self->real,
                             .act = orb_activation(self),
                             .rows = self->graph.n,
                             .cols = count,
                             .z = orb_at(self, z, (size_t)first),
                             .g = orb_at(self, g, (size_t)first),
                             .ldz = hidden,
                             .ldg = hidden};

    return mds_op_act_grad(NULL, self->base.device, &op);
}

/* The norm: u ← gradient by u, from that by h. */
static void node_norm(void *context, int t)
{
    orb *self = context;
    const orb_mlp *mlp = &self->weights.layer[self->layer].node;
    const int n = self->graph.n, first = orb_share(self, n, t);
    const int rows = orb_share(self, n, t + 1) - first;
    const mds_norm norm = orb_norm(self, mlp, rows);
    const size_t row = (size_t)first * ORB_WIDTH;
    void *g = orb_at(self, self->nodes.in, row); /* for now rows of 256 */
    const mds_norm_grad op = {.real = self->real,
                              .rms = norm.rms,
                              .rows = rows,
                              .cols = ORB_WIDTH,
                              .eps = norm.eps,
                              .weight = norm.weight,
                              .x = orb_at(self, self->nodes.stash[self->layer].u, row),
                              .g = g,
                              .ldx = ORB_WIDTH,
                              .ldg = ORB_WIDTH};

    self->status[t] = mds_device_copy(self->base.device, g, orb_at(self, self->nodes.h_grad, row),
                                      (size_t)rows * ORB_WIDTH * mds_real_size(self->real),
                                      MDS_COPY_ON_DEVICE);
    if (self->status[t] == MDS_OK)
        self->status[t] = mds_op_norm_grad(NULL, self->base.device, &op);
}

static void node_third(void *context, int t)
{
    orb *self = context;
    const orb_mlp *mlp = &self->weights.layer[self->layer].node;
    const int hidden = self->variant->hidden, first = orb_share_columns(self, hidden, t);
    const int count = orb_share_columns(self, hidden, t + 1) - first;
    const mds_status status = orb_product_back(self, self->graph.n, ORB_WIDTH, count,
                                               self->nodes.in, ORB_WIDTH,
                                               orb_at(self, mlp->w[2], (size_t)first), hidden, 0.0,
                                               orb_at(self, self->nodes.y2, (size_t)first), hidden);

    self->status[t] =
        status == MDS_OK
            ? slope_columns(self, first, count, self->nodes.stash[self->layer].z2, self->nodes.y2)
            : status;
}

static void node_second(void *context, int t)
{
    orb *self = context;
    const orb_mlp *mlp = &self->weights.layer[self->layer].node;
    const int hidden = self->variant->hidden, first = orb_share_columns(self, hidden, t);
    const int count = orb_share_columns(self, hidden, t + 1) - first;
    const mds_status status = orb_product_back(self, self->graph.n, hidden, count, self->nodes.y2,
                                               hidden, orb_at(self, mlp->w[1], (size_t)first),
                                               hidden, 0.0,
                                               orb_at(self, self->nodes.y1, (size_t)first), hidden);

    self->status[t] =
        status == MDS_OK
            ? slope_columns(self, first, count, self->nodes.stash[self->layer].z1, self->nodes.y1)
            : status;
}

static void node_first(void *context, int t)
{
    orb *self = context;
    const orb_mlp *mlp = &self->weights.layer[self->layer].node;
    const int hidden = self->variant->hidden, inputs = 3 * ORB_WIDTH;
    const int first = orb_share_columns(self, inputs, t);
    const int count = orb_share_columns(self, inputs, t + 1) - first;

    self->status[t] = orb_product_back(self, self->graph.n, hidden, count, self->nodes.y1, hidden,
                                       orb_at(self, mlp->w[0], (size_t)first), inputs, 0.0,
                                       orb_at(self, self->nodes.in, (size_t)first), inputs);
}

/* The first 256 columns are the residual's second way to h. */
static void node_residual(void *context, int t)
{
    orb *self = context;
    const orb_range range = orb_range_of(self, self->graph.n, t);

    self->status[t] = self->kernel->add_rows(&range, ORB_WIDTH, self->nodes.in, 3 * ORB_WIDTH,
                                             self->nodes.h_grad, ORB_WIDTH);
}

static mds_status through_nodes(orb *self)
{
    mds_status status;

    MDS_TRY(orb_run(self, node_norm));
    MDS_TRY(orb_run(self, node_third));
    MDS_TRY(orb_run(self, node_second));
    MDS_TRY(orb_run(self, node_first));
    MDS_TRY(orb_run(self, node_residual));
out:
    return status;
}

/* ---- edges ---- */

/* Where the gradient by the first layer's pre-activation is. */
static void *first_grad(const orb *self, const orb_stash *stash)
{
    return self->whole ? orb_scratch(self, 0, 1) : stash->z1;
}

/* From g, the gradient by the norm's output (rows of a tile), to that by the pre-activation of the
 * first layer, which goes to first_grad(). */
static mds_status edge_network(const orb *self, const orb_mlp *mlp, const orb_stash *stash, int t,
                               int first, int rows, void *g)
{
    const int hidden = self->variant->hidden;
    const mds_norm norm = orb_norm(self, mlp, rows);
    const size_t wide = (size_t)first * (size_t)hidden;
    void *g2 = orb_scratch(self, t, 0), *g1 = orb_scratch(self, t, 1);
    void *z1 = orb_at(self, stash->z1, wide);
    const mds_norm_grad through_norm = {.real = self->real,
                                        .rms = norm.rms,
                                        .rows = rows,
                                        .cols = ORB_WIDTH,
                                        .eps = norm.eps,
                                        .weight = norm.weight,
                                        .x = orb_at(self, stash->u, (size_t)first * ORB_WIDTH),
                                        .g = g,
                                        .ldx = ORB_WIDTH,
                                        .ldg = ORB_WIDTH};
    mds_act_grad slope = {.real = self->real,
                          .act = orb_activation(self),
                          .rows = rows,
                          .cols = hidden,
                          .z = orb_at(self, stash->z2, wide),
                          .g = g2,
                          .ldz = hidden,
                          .ldg = hidden};
    mds_status status;

    MDS_TRY(mds_op_norm_grad(NULL, self->base.device, &through_norm));
    MDS_TRY(orb_product_back(self, rows, ORB_WIDTH, hidden, g, ORB_WIDTH, mlp->w[2], hidden, 0.0,
                             g2, hidden));
    MDS_TRY(mds_op_act_grad(NULL, self->base.device, &slope));
    MDS_TRY(orb_product_back(self, rows, hidden, hidden, g2, hidden, mlp->w[1], hidden, 0.0, g1,
                             hidden));
    slope.z = z1;
    slope.g = g1;
    MDS_TRY(mds_op_act_grad(NULL, self->base.device, &slope));
    if (!self->whole)
        memcpy(z1, g1, (size_t)rows * (size_t)hidden * mds_real_size(self->real));
out:
    return status;
}

/* One layer's messages; m is made again from the norm's input. */
static mds_status message_tile(const orb *self, int t, int first, int rows)
{
    const orb_layer *layer = &self->weights.layer[self->layer];
    const orb_stash *stash = &self->edges.stash[self->layer];
    const orb_gates gates = {{layer->gate[0], layer->gate[1]},
                             {layer->gate_bias[0], layer->gate_bias[1]}};
    void *g = orb_scratch(self, t, 2), *m = orb_scratch(self, t, 3);
    const size_t row = (size_t)first * ORB_WIDTH;
    const int hidden = self->variant->hidden;
    mds_norm norm = orb_norm(self, &layer->edge, rows);
    const orb_range range = {self->base.device, self->real, first, first + rows};
    const orb_message_grad job = {.graph = &self->graph,
                                  .gates = &gates,
                                  .node = self->nodes.in,
                                  .message = m,
                                  .envelope = self->edges.envelope,
                                  .sigma = self->edges.sigma[self->layer],
                                  .edge = self->edges.m,
                                  .grad = g,
                                  .envelope_grad = self->edges.envelope_grad};
    mds_status status;

    norm.x = orb_at(self, stash->u, row);
    norm.y = m;
    MDS_TRY(mds_op_norm(NULL, self->base.device, &norm));
    MDS_TRY(self->kernel->message_grad(&range, &job));
    MDS_TRY(edge_network(self, &layer->edge, stash, t, first, rows, g));
    status = orb_product_back(self, rows, hidden, ORB_WIDTH,
                              orb_at(self, first_grad(self, stash), (size_t)first * (size_t)hidden),
                              hidden, layer->edge.w[0], ORB_WIDTH, 1.0,
                              orb_at(self, self->edges.m, row), ORB_WIDTH);
out:
    return status;
}

static mds_status encoder_tile(const orb *self, int t, int first, int rows)
{
    const orb_mlp *mlp = &self->weights.edge_encoder;
    const orb_stash *stash = &self->edges.stash[self->weights.layers];
    const int hidden = self->variant->hidden, features = mlp->inputs;
    mds_status status;

    MDS_TRY(edge_network(self, mlp, stash, t, first, rows,
                         orb_at(self, self->edges.m, (size_t)first * ORB_WIDTH)));
    status = orb_product_back(
        self, rows, hidden, features,
        orb_at(self, first_grad(self, stash), (size_t)first * (size_t)hidden), hidden, mlp->w[0],
        features, 0.0, orb_at(self, self->edges.f, (size_t)first * (size_t)features), features);
out:
    return status;
}

static mds_status tiles(const orb *self, int t,
                        mds_status (*work)(const orb *self, int t, int first, int rows))
{
    const int first = orb_share(self, self->graph.edges, t);
    const int count = orb_share(self, self->graph.edges, t + 1) - first;
    const int parts = self->whole ? 1 : (count + ORB_TILE - 1) / ORB_TILE;
    mds_status status = MDS_OK;

    for (int k = 0; k < parts && status == MDS_OK; ++k) {
        const int from = (int)((int64_t)count * k / parts);
        const int to = (int)((int64_t)count * (k + 1) / parts);

        status = work(self, t, first + from, to - from);
    }
    return status;
}

static void message_share(void *context, int t)
{
    orb *self = context;

    self->status[t] = tiles(self, t, message_tile);
}

/* ... and from the features to the vectors. */
static void encoder_share(void *context, int t)
{
    orb *self = context;
    const orb_range range = orb_range_of(self, self->graph.edges, t);

    self->status[t] = tiles(self, t, encoder_tile);
    if (self->status[t] == MDS_OK)
        self->status[t] = self->kernel->vector_grad(&range, &self->weights, &self->graph,
                                                    self->edges.f, self->edges.envelope_grad,
                                                    self->edges.vector_grad);
}

/* ---- products of atoms ---- */

/* Sums of the edges' gradients at their senders and receivers. */
static void sum_share(void *context, int t)
{
    orb *self = context;
    const int hidden = self->variant->hidden, n = self->graph.n, first = orb_share(self, n, t);
    const size_t row = (size_t)first * 2 * (size_t)hidden;
    mds_rows op = {.real = self->real,
                   .rows = orb_share(self, n, t + 1) - first,
                   .cols = hidden,
                   .start = self->graph.start + first,
                   .x = first_grad(self, &self->edges.stash[self->layer]),
                   .y = orb_at(self, self->nodes.p, row),
                   .ldx = hidden,
                   .ldy = 2 * hidden};

    self->status[t] = mds_op_segment_sum(NULL, self->base.device, &op);
    if (self->status[t] != MDS_OK)
        return;
    op.start = self->graph.receiver_start + first;
    op.index = self->graph.receiver_edges;
    op.y = orb_at(self, op.y, (size_t)hidden);
    self->status[t] = mds_op_segment_sum(NULL, self->base.device, &op);
}

static void product_share(void *context, int t)
{
    orb *self = context;
    const int wide = 2 * self->variant->hidden, first = orb_share_columns(self, ORB_WIDTH, t);
    const int count = orb_share_columns(self, ORB_WIDTH, t + 1) - first;
    const void *w = self->weights.layer[self->layer].node_w;

    self->status[t] = orb_product_back(self, self->graph.n, wide, count, self->nodes.p, wide,
                                       orb_at(self, w, (size_t)first), ORB_WIDTH, 1.0,
                                       orb_at(self, self->nodes.h_grad, (size_t)first), ORB_WIDTH);
}

/* ---- order ---- */

static mds_status start(orb *self)
{
    const size_t edges = (size_t)self->graph.edges;
    mds_device *device = self->base.device;
    const mds_rows op = {.real = self->real,
                         .rows = self->graph.n,
                         .cols = ORB_WIDTH,
                         .index = self->nodes.zero,
                         .x = self->nodes.mean,
                         .y = self->nodes.h_grad,
                         .ldx = ORB_WIDTH,
                         .ldy = ORB_WIDTH};
    mds_status status;

    MDS_TRY(mds_op_gather_rows(NULL, device, &op));
    MDS_TRY(
        mds_device_fill(device, self->edges.m, 0, edges * ORB_WIDTH * mds_real_size(self->real)));
    status = mds_device_fill(device, self->edges.envelope_grad, 0, edges * sizeof(double));
out:
    return status;
}

/* An atom's features before the first layer do not depend on where it is. */
static mds_status through_layers(orb *self)
{
    mds_status status = MDS_OK;

    for (self->layer = self->weights.layers - 1; self->layer >= 0; --self->layer) {
        MDS_TRY(through_nodes(self));
        MDS_TRY(orb_run(self, message_share));
        if (self->layer > 0) {
            MDS_TRY(orb_run(self, sum_share));
            MDS_TRY(orb_run(self, product_share));
        }
    }
out:
    return status;
}

mds_status orb_backward(orb *self, mds_state *state, unsigned want)
{
    mds_regions *regions = self->base.regions;
    mds_status status;

    mds_region_begin(regions, MDS_REGION_NETWORK_BACKWARD);
    status = orb_energy_grad(self);
    if (status == MDS_OK)
        status = start(self);
    if (status == MDS_OK)
        status = through_layers(self);
    if (status == MDS_OK)
        status = orb_run(self, encoder_share);
    mds_region_end(regions, MDS_REGION_NETWORK_BACKWARD);
    if (status != MDS_OK)
        return status;
    mds_region_begin(regions, MDS_REGION_ZBL);
    status = self->target->zbl(self, state, want);
    mds_region_end(regions, MDS_REGION_ZBL);
    if (status != MDS_OK)
        return status;
    mds_region_begin(regions, MDS_REGION_FORCES);
    status = self->target->collect(self, state, want);
    mds_region_end(regions, MDS_REGION_FORCES);
    return status;
}
