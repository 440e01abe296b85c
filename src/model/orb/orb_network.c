/* Memory of a step, and the products of its networks. */
#include "model/orb/orb_model.h"

#include <string.h>

static size_t up(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Takes `reals` from memory that begins at `base` (NULL: only counts). */
static void *take(const orb *self, char *base, size_t *used, size_t reals)
{
    char *at = base ? base + *used : NULL;

    *used += up(reals * mds_real_size(self->real));
    return at;
}

static void take_stash(const orb *self, char *base, size_t *used, size_t rows, orb_stash *stash)
{
    const size_t hidden = (size_t)self->variant->hidden;

    stash->z1 = take(self, base, used, rows * hidden);
    stash->z2 = take(self, base, used, rows * hidden);
    stash->u = take(self, base, used, rows * ORB_WIDTH);
}

static size_t lay_out_nodes(orb *self, size_t n, char *base)
{
    orb_nodes *nodes = &self->nodes;
    const size_t hidden = (size_t)self->variant->hidden;
    const int stashes = self->variant->conservative ? self->weights.layers : 1;
    size_t used = 2 * up(n * sizeof(int));

    nodes->number = (int *)(void *)base;
    nodes->zero = (int *)(void *)(base ? base + up(n * sizeof(int)) : NULL);
    nodes->radius = (double *)(void *)(base ? base + used : NULL);
    used += up(n * sizeof(double));
    nodes->h = take(self, base, &used, n * ORB_WIDTH);
    nodes->p = take(self, base, &used, n * 2 * hidden);
    nodes->in = take(self, base, &used, n * 3 * ORB_WIDTH);
    nodes->y1 = take(self, base, &used, n * hidden);
    nodes->y2 = take(self, base, &used, n * hidden);
    nodes->head = take(self, base, &used, n * ORB_WIDTH);
    nodes->energy = take(self, base, &used, 1);
    nodes->forces = take(self, base, &used, n * 3);
    nodes->stress = take(self, base, &used, 6);
    nodes->mean = take(self, base, &used, ORB_WIDTH);
    for (int l = 0; l < stashes; ++l)
        take_stash(self, base, &used, n, &nodes->stash[l]);
    for (int l = stashes; l < self->weights.layers; ++l)
        nodes->stash[l] = nodes->stash[0];
    if (self->variant->conservative)
        nodes->h_grad = take(self, base, &used, n * ORB_WIDTH);
    return used;
}

/* Reals of scratch for each row that is under way. */
static size_t scratch_row(const orb *self)
{
    const bool both = self->variant->conservative || !self->whole;

    return 2 * (size_t)self->variant->hidden + (both ? 2 * ORB_WIDTH : 0);
}

static size_t lay_out_edges(orb *self, size_t room, char *base)
{
    orb_edges *edges = &self->edges;
    const int layers = self->weights.layers;
    size_t used = 0;

    edges->f = take(self, base, &used, room * (size_t)self->variant->features);
    edges->envelope = take(self, base, &used, room);
    edges->e = take(self, base, &used, room * ORB_WIDTH);
    edges->m = take(self, base, &used, room * ORB_WIDTH);
    edges->gate = take(self, base, &used, room * 2);
    if (self->whole && !self->half)
        self->scratch = take(self, base, &used, room * scratch_row(self));
    if (!self->variant->conservative)
        return used;
    for (int l = 0; l <= layers; ++l)
        take_stash(self, base, &used, room, &edges->stash[l]);
    for (int l = 0; l < layers; ++l)
        edges->sigma[l] = take(self, base, &used, room * 2);
    edges->envelope_grad = (double *)(void *)(base ? base + used : NULL);
    used += up(room * sizeof(double));
    edges->vector_grad = (double *)(void *)(base ? base + used : NULL);
    used += up(room * 3 * sizeof(double));
    return used;
}

mds_status orb_reserve_nodes(orb *self, int n)
{
    mds_status status = mds_device_reserve(self->base.device, lay_out_nodes(self, (size_t)n, NULL),
                                           "orb atoms", &self->nodes.memory, &self->nodes.bytes);

    if (status != MDS_OK)
        return status;
    lay_out_nodes(self, (size_t)n, self->nodes.memory);
    if (self->scratch || self->whole)
        return MDS_OK;
    return mds_device_alloc(self->base.device,
                            (size_t)mds_team_size(self->team) * scratch_row(self) * ORB_TILE *
                                mds_real_size(self->real),
                            "orb scratch", &self->scratch);
}

mds_status orb_set_edge_room(orb *self, int room)
{
    orb_edges *to = &self->edges;
    const size_t bytes = lay_out_edges(self, (size_t)room, NULL);

    mds_device_free(self->base.device, to->memory);
    *to = (orb_edges){0};
    const mds_status status = mds_device_alloc(self->base.device, bytes, "orb edges", &to->memory);
    if (status != MDS_OK)
        return status;
    to->bytes = bytes;
    to->room = room;
    lay_out_edges(self, (size_t)room, to->memory);
    return MDS_OK;
}

mds_status orb_reserve_edges(orb *self, int edges)
{
    orb_edges *to = &self->edges;
    /* A tenth more than there are, so that a liquid does not allocate at every other step; never
     * more than there can be. */
    const int64_t most = (int64_t)self->graph.n * self->graph.k;
    int64_t room = edges + (int64_t)edges / 10 + 64;

    if (edges <= to->room)
        return MDS_OK;
    room = room < most ? room : most;
    const mds_status status = mds_device_reserve(self->base.device,
                                                 lay_out_edges(self, (size_t)room, NULL),
                                                 "orb edges", &to->memory, &to->bytes);
    to->room = status == MDS_OK ? (int)room : 0;
    if (status == MDS_OK)
        lay_out_edges(self, (size_t)room, to->memory);
    return status;
}

void *orb_scratch(const orb *self, int t, int k)
{
    const size_t hidden = (size_t)self->variant->hidden;
    const size_t start[4] = {0, hidden, 2 * hidden, 2 * hidden + ORB_WIDTH};
    const size_t rows = self->whole ? (size_t)self->edges.room : ORB_TILE;

    return orb_at(self, self->scratch, ((size_t)t * scratch_row(self) + start[k]) * rows);
}

mds_status orb_run(orb *self, void (*work)(void *context, int t))
{
    const int size = mds_team_size(self->team);

    for (int t = 0; t < size; ++t)
        self->status[t] = MDS_OK;
    mds_team_run(self->team, work, self);
    for (int t = 0; t < size; ++t)
        if (self->status[t] != MDS_OK) /* messages belong to threads */
            return t == 0 ? self->status[t]
                          : mds_fail(self->status[t], "orb: an operation failed in thread %d", t);
    return MDS_OK;
}

mds_status orb_product(const orb *self, int rows, int outs, int ins, const void *x, int ldx,
                       const void *w, int ldw, void *y, int ldy)
{
    const mds_gemm op = {.real = self->real,
                         .trans_b = true,
                         .m = rows,
                         .n = outs,
                         .k = ins,
                         .alpha = 1.0,
                         .a = x,
                         .lda = ldx,
                         .b = w,
                         .ldb = ldw,
                         .c = y,
                         .ldc = ldy,
                         .product = self->product};

    return mds_op_gemm(NULL, self->base.device, &op);
}

mds_status orb_product_back(const orb *self, int rows, int outs, int ins, const void *g, int ldg,
                            const void *w, int ldw, double beta, void *y, int ldy)
{
    const mds_gemm op = {.real = self->real,
                         .m = rows,
                         .n = ins,
                         .k = outs,
                         .alpha = 1.0,
                         .beta = beta,
                         .a = g,
                         .lda = ldg,
                         .b = w,
                         .ldb = ldw,
                         .c = y,
                         .ldc = ldy,
                         .product = self->product};

    return mds_op_gemm(NULL, self->base.device, &op);
}

mds_act orb_activation(const orb *self)
{
    return (mds_act){.kind = self->variant->v3 ? MDS_ACT_SILU : MDS_ACT_SSP};
}

/* The reference's RMS norm takes the spacing of its own type as ε; the published networks are
 * float32, so this is float32's whatever the precision here. */
mds_norm orb_norm(const orb *self, const orb_mlp *mlp, int rows)
{
    return (mds_norm){.real = self->real,
                      .rms = self->variant->v3,
                      .rows = rows,
                      .cols = ORB_WIDTH,
                      .eps = self->variant->v3 ? 1.1920929e-7 : 1e-5,
                      .weight = mlp->gamma,
                      .bias = mlp->beta,
                      .ldx = ORB_WIDTH,
                      .ldy = ORB_WIDTH};
}

mds_status orb_mlp_apply(const orb *self, const orb_mlp *mlp, int rows, const void *x,
                         void *hidden1, void *hidden2, void *y)
{
    const int hidden = self->variant->hidden;
    mds_bias_act act = {.real = self->real,
                        .act = orb_activation(self),
                        .rows = rows,
                        .cols = hidden,
                        .bias = mlp->b[0],
                        .x = hidden1,
                        .y = hidden1,
                        .ldx = hidden,
                        .ldy = hidden};
    mds_norm_add norm = {.norm = orb_norm(self, mlp, rows), .pre = mlp->b[2]};
    mds_status status;

    MDS_TRY(orb_product(self, rows, hidden, mlp->inputs, x, mlp->inputs, mlp->w[0], mlp->inputs,
                        hidden1, hidden));
    MDS_TRY(mds_op_bias_act(NULL, self->base.device, &act));
    MDS_TRY(orb_product(self, rows, hidden, hidden, hidden1, hidden, mlp->w[1], hidden, hidden2,
                        hidden));
    act.bias = mlp->b[1];
    act.x = act.y = hidden2;
    MDS_TRY(mds_op_bias_act(NULL, self->base.device, &act));
    MDS_TRY(orb_product(self, rows, ORB_WIDTH, hidden, hidden2, hidden, mlp->w[2], hidden, y,
                        ORB_WIDTH));
    norm.norm.x = norm.norm.y = y;
    status = mds_op_norm_add(NULL, self->base.device, &norm);
out:
    return status;
}
