/* The engine on CUDA devices: memory of the graph, and which kernel does what. */
#include "model/orb/orb_cuda.h"

#ifdef MDS_WITH_CUDA

#include "model/orb/orb_model.h"

#include <stdlib.h>

/* How many edges there are in a condensed phase is known beforehand where few of many are taken,
 * and is measured where nearly all are, with some room for what motion adds. */
#define ROOM 1.15
/* Edges over room from which on make_room() gives more. */
#define NEARLY_FULL 0.96
enum { FEW_NEIGHBORS = 32, LEAST_ROOM = 64 };

typedef struct kernels {
    orb_cuda_graph graph;
    mds_force_sums sums;
    void *atoms, *rows; /* scratch of the graph: by atoms, by the list's rows */
    size_t atoms_bytes;
    int rows_n, stride; /* what `rows` is for */
} kernels;

static kernels *kernels_of(const orb *self)
{
    return self->kernels;
}

mds_status orb_cuda_create(orb *self)
{
    self->kernels = calloc(1, sizeof(kernels));
    if (!self->kernels)
        return mds_fail(MDS_ERR_NOMEM, "orb: no memory for the model");
    self->kernel = &orb_kernel_cuda;
    self->target = &orb_target_cuda;
    return MDS_OK;
}

void orb_cuda_destroy(orb *self)
{
    kernels *k = self->kernels;

    if (!k)
        return;
    mds_force_sums_fini(&k->sums, self->base.device);
    mds_device_free(self->base.device, k->atoms);
    mds_device_free(self->base.device, k->rows);
    free(k);
    self->kernels = NULL;
}

/* ---- graph ---- */

static void *take(char *base, size_t *used, size_t bytes)
{
    void *at = base ? base + *used : NULL;

    *used += (bytes + 63) / 64 * 64;
    return at;
}

static size_t lay_out_atoms(orb_cuda_graph *g, size_t n, size_t k, char *base)
{
    size_t used = 0;

    g->ticket = take(base, &used, sizeof *g->ticket);
    g->list_fill = take(base, &used, sizeof *g->list_fill);
    g->kept = take(base, &used, n * sizeof *g->kept);
    g->received = take(base, &used, n * sizeof *g->received);
    g->chosen = take(base, &used, n * k * sizeof *g->chosen);
    return used;
}

/* For a new number of atoms. All zero is a legal graph without edges, for steps that fail before
 * they have one. */
static mds_status fit_atoms(orb *self)
{
    kernels *k = kernels_of(self);
    const orb_graph *graph = &self->graph;
    const size_t n = (size_t)graph->n, most = (size_t)graph->k;
    mds_device *device = self->base.device;
    mds_status status;

    MDS_TRY(mds_device_reserve(device, lay_out_atoms(&k->graph, n, most, NULL), "orb graph",
                               &k->atoms, &k->atoms_bytes));
    lay_out_atoms(&k->graph, n, most, k->atoms);
    MDS_TRY(mds_device_fill(device, k->atoms, 0, k->atoms_bytes));
    MDS_TRY(mds_device_fill(device, graph->memory, 0, graph->memory_bytes));
    status = mds_force_sums_reserve(&k->sums, device, graph->n);
out:
    return status;
}

/* New memory whenever there are other rows, so that what was recorded is void. */
static mds_status fit_rows(orb *self)
{
    kernels *k = kernels_of(self);
    const mds_neighbor_view *list = &self->neighbors->view;
    const size_t count = (size_t)list->n * (size_t)list->stride;

    if (k->rows && k->rows_n == list->n && k->stride == list->stride)
        return MDS_OK;
    mds_device_free(self->base.device, k->rows);
    k->rows = NULL;
    k->rows_n = list->n;
    k->stride = list->stride;
    const mds_status status =
        mds_device_alloc(self->base.device, 2 * count * sizeof(int), "orb graph", &k->rows);
    k->graph.rank = k->rows;
    k->graph.arriving = k->rows ? (int *)k->rows + count : NULL;
    return status;
}

/* The kernels' view of the graph, with room for that many edges. */
static const orb_cuda_graph *view_graph(orb *self, const mds_state *state, int room)
{
    const orb_graph *graph = &self->graph;
    orb_cuda_graph *g = &kernels_of(self)->graph;

    g->list = self->neighbors->view;
    g->s = state->s;
    g->d = state->d;
    g->k = graph->k;
    g->room = room;
    g->full = room == graph->n * graph->k;
    g->start = graph->start;
    g->receiver_start = graph->receiver_start;
    g->sender = graph->sender;
    g->receiver = graph->receiver;
    g->receiver_edges = graph->receiver_edges;
    g->vector = graph->vector;
    g->distance = graph->distance;
    return g;
}

static mds_status read_edges(const orb *self, int *edges)
{
    mds_status status = mds_device_copy(self->base.device, edges, self->graph.start + self->graph.n,
                                        sizeof *edges, MDS_COPY_TO_HOST);

    return status == MDS_OK ? mds_device_sync(self->base.device) : status;
}

/* Room for `edges` and some; contents are lost. */
static mds_status give_room(orb *self, int edges)
{
    const int most = self->graph.n * self->graph.k;
    const double want = ROOM * edges < LEAST_ROOM ? LEAST_ROOM : ROOM * edges;
    const int room = want < most ? ((int)want + LEAST_ROOM - 1) / LEAST_ROOM * LEAST_ROOM : most;
    const mds_status status = orb_set_edge_room(self, room < most ? room : most);

    self->graph.edges = self->edges.room;
    return status;
}

/* The first room for edges: the only time that a step waits. */
static mds_status measure(orb *self, mds_state *state)
{
    const int most = self->graph.n * self->graph.k;
    int edges = most;
    mds_status status;

    if (self->graph.k > FEW_NEIGHBORS) {
        MDS_TRY(orb_cuda_select(self->base.device, view_graph(self, state, most)));
        MDS_TRY(read_edges(self, &edges));
    }
    status = give_room(self, edges);
out:
    return status;
}

static mds_status make_graph(orb *self, mds_state *state)
{
    mds_status status;

    if (self->edges.room == 0)
        MDS_TRY(fit_atoms(self));
    MDS_TRY(mds_neighbor_update(self->neighbors, state));
    MDS_TRY(fit_rows(self));
    if (self->edges.room == 0)
        MDS_TRY(measure(self, state));
    const orb_cuda_graph *g = view_graph(self, state, self->edges.room);
    MDS_TRY(orb_cuda_select(self->base.device, g));
    status = orb_cuda_connect(self->base.device, g);
out:
    return status;
}

static mds_status make_room(orb *self, mds_state *state)
{
    int edges;
    mds_status status;

    MDS_TRY(mds_neighbor_make_room(self->neighbors, state));
    if (self->edges.room == 0)
        return MDS_OK;
    MDS_TRY(fit_rows(self));
    MDS_TRY(read_edges(self, &edges));
    if (self->edges.room < self->graph.n * self->graph.k && edges > NEARLY_FULL * self->edges.room)
        status = give_room(self, edges);
out:
    return status;
}

/* ---- heads and forces ---- */

static mds_status average(const orb *self)
{
    return orb_cuda_average(self->base.device, self->real, self->graph.n, self->nodes.h,
                            self->nodes.mean);
}

static mds_status finish(orb *self, mds_state *state, unsigned want)
{
    const orb_weights *w = &self->weights;
    const bool direct = !self->variant->conservative;
    const orb_cuda_finish job = {
        .s = state->s,
        .d = state->d,
        .x = state->x,
        .f = state->f,
        .edges = self->graph.start + self->graph.n,
        .energy = self->nodes.energy,
        .forces = direct ? self->nodes.forces : NULL,
        .stress = self->nodes.stress,
        .energy_scale = w->energy.scale[0],
        .energy_shift = w->energy.shift[0],
        .reference = self->reference_energy,
        .forces_scale = w->forces.scale[0],
        .forces_shift = w->forces.shift[0],
        .stress_scale = {w->stress.scale[0], w->stress.scale[1]},
        .stress_shift = {w->stress.shift[0], w->stress.shift[1]},
        .n = state->n,
        .virial = (want & MDS_WANT_VIRIAL) != 0,
        .last = !self->variant->v3,
    };

    return orb_cuda_finish_heads(self->base.device, self->real, &job);
}

static orb_cuda_edges edges_of(const orb *self, const mds_state *state, unsigned want)
{
    const orb_graph *graph = &self->graph;

    return (orb_cuda_edges){
        .out = mds_force_sums_out(&kernels_of(self)->sums, state, want & MDS_WANT_VIRIAL),
        .start = graph->start,
        .sender = graph->sender,
        .receiver = graph->receiver,
        .receiver_start = graph->receiver_start,
        .receiver_edges = graph->receiver_edges,
        .vector = graph->vector,
        .distance = graph->distance,
        .vector_grad = self->variant->conservative ? self->edges.vector_grad : NULL,
        .number = self->nodes.number,
        .radius = self->nodes.radius,
    };
}

static mds_status zbl(orb *self, mds_state *state, unsigned want)
{
    const orb_cuda_edges job = edges_of(self, state, want);

    return orb_cuda_repel(self->base.device, &job);
}

static mds_status collect(orb *self, mds_state *state, unsigned want)
{
    const orb_cuda_edges job = edges_of(self, state, want);

    return orb_cuda_collect(self->base.device, &job);
}

const orb_target orb_target_cuda = {
    .make_graph = make_graph,
    .average = average,
    .finish = finish,
    .zbl = zbl,
    .collect = collect,
    .make_room = make_room,
};

/* ---- rows ---- */

static mds_status features(const orb_range *range, const orb_weights *w, const orb_graph *graph,
                           void *f, void *envelope)
{
    orb_cuda_features job = {.vector = graph->vector,
                             .distance = graph->distance,
                             .f = f,
                             .envelope = envelope,
                             .prefactor = w->bessel_prefactor,
                             .v3 = w->variant->v3,
                             .rows = range->last};

    for (int k = 0; k < ORB_BESSEL; ++k)
        job.bessel[k] = w->bessel[k];
    return orb_cuda_features_of(range->device, range->real, &job);
}

static mds_status gate(const orb_range *range, const orb_gates *gates, const void *e,
                       const void *envelope, void *gate, void *sigma)
{
    const orb_cuda_gate job = {.w = {gates->w[0], gates->w[1]},
                               .e = e,
                               .envelope = envelope,
                               .gate = gate,
                               .sigma = sigma,
                               .b = {gates->b[0], gates->b[1]},
                               .rows = range->last};

    return orb_cuda_gates(range->device, range->real, &job);
}

static mds_status aggregate(const orb_range *range, const orb_graph *graph, const void *h,
                            const void *m, const void *gate, void *out)
{
    const orb_cuda_aggregate job = {.start = graph->start,
                                    .receiver_start = graph->receiver_start,
                                    .receiver_edges = graph->receiver_edges,
                                    .h = h,
                                    .m = m,
                                    .gate = gate,
                                    .out = out,
                                    .n = range->last};

    return orb_cuda_sum_messages(range->device, range->real, &job);
}

static mds_status message_grad(const orb_range *range, const orb_message_grad *grad)
{
    const orb_cuda_message_grad job = {.sender = grad->graph->sender,
                                       .receiver = grad->graph->receiver,
                                       .w = {grad->gates->w[0], grad->gates->w[1]},
                                       .node = grad->node,
                                       .message = grad->message,
                                       .envelope = grad->envelope,
                                       .sigma = grad->sigma,
                                       .edge = grad->edge,
                                       .grad = grad->grad,
                                       .envelope_grad = grad->envelope_grad,
                                       .rows = range->last};

    return orb_cuda_messages_back(range->device, range->real, &job);
}

static mds_status add_rows(const orb_range *range, int cols, const void *from, int ldfrom, void *to,
                           int ldto)
{
    return orb_cuda_add_rows(range->device, range->real, range->last, cols, from, ldfrom, to, ldto);
}

static mds_status vector_grad(const orb_range *range, const orb_weights *w, const orb_graph *graph,
                              const void *f_grad, const double *envelope_grad, double *out)
{
    orb_cuda_vector_grad job = {.vector = graph->vector,
                                .distance = graph->distance,
                                .envelope_grad = envelope_grad,
                                .f_grad = f_grad,
                                .out = out,
                                .prefactor = w->bessel_prefactor,
                                .rows = range->last};

    for (int k = 0; k < ORB_BESSEL; ++k)
        job.bessel[k] = w->bessel[k];
    return orb_cuda_vectors_back(range->device, range->real, &job);
}

const orb_kernel orb_kernel_cuda = {
    .name = "cuda",
    .features = features,
    .gate = gate,
    .aggregate = aggregate,
    .message_grad = message_grad,
    .add_rows = add_rows,
    .vector_grad = vector_grad,
};

#endif
