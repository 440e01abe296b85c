/* The kernels of the Orb engine on CUDA devices: what they are given, and their launchers. Arrays
 * named void are in precision `real`. Kernels that write the graph or the state return at once when
 * the step has a fault; the others compute with what is there, whose indices are always in range.
 * C11 and CUDA C++. */
#ifndef MDS_MODEL_ORB_ORB_CUDA_H
#define MDS_MODEL_ORB_ORB_CUDA_H

#include "device/ops.h"
#include "md/neighbor_view.h"
#include "model/force_sums.h"
#include "model/orb/orb_variant.h"

/* The graph of orb_graph.h in device memory. Edges stand one behind the other, start[n] is their
 * true number and `room` how many there is room for; from the true number to `room` they are such
 * that nothing comes of them (orb_model.h). Those that an atom receives are in the order of its
 * neighbours. */
typedef struct orb_cuda_graph {
    mds_neighbor_view list;
    mds_scalars *s;
    mds_step_block *d;
    int k, room, full, unused; /* full: n·k edges have room, so that it cannot be short of it */
    int *start, *receiver_start;
    int *sender, *receiver, *receiver_edges;
    double *vector, *distance;
    /* scratch */
    int *kept;         /* (n) edges of each atom */
    int *received;     /* (n) edges to each atom */
    int *chosen;       /* (n,k) places in the list's row of the nearest, nearest first */
    int *rank;         /* (n,stride) of each place of a row among the nearest; −1: none of them */
    int *arriving;     /* (n,stride) the edge from that neighbour to the row's atom; −1: none */
    double *list_fill; /* (1) what the list's last build said of its rows */
    unsigned *ticket;  /* (1) */
} orb_cuda_graph;

/* What the heads left, and what it means. */
typedef struct orb_cuda_finish {
    mds_scalars *s;
    mds_step_block *d;
    const double *x; /* (n,3) */
    double *f;       /* (n,3) */
    const int *edges;
    const void *energy, *forces, *stress; /* forces NULL: a conservative model */
    double energy_scale, energy_shift, reference;
    double forces_scale, forces_shift;
    double stress_scale[2], stress_shift[2];
    int n, virial, last, unused; /* last: nothing is added to the energy after this */
} orb_cuda_finish;

/* Sums over the edges of atoms. */
typedef struct orb_cuda_edges {
    mds_force_out out;
    const int *start, *sender, *receiver, *receiver_start, *receiver_edges;
    const double *vector, *distance;
    double *vector_grad; /* NULL: a direct model */
    const int *number;
    const double *radius;
} orb_cuda_edges;

typedef struct orb_cuda_features {
    const double *vector, *distance;
    void *f, *envelope;
    double bessel[ORB_BESSEL], prefactor;
    int v3, rows;
} orb_cuda_features;

typedef struct orb_cuda_gate {
    const void *w[2], *e, *envelope;
    void *gate, *sigma;
    double b[2];
    int rows, unused;
} orb_cuda_gate;

typedef struct orb_cuda_aggregate {
    const int *start, *receiver_start, *receiver_edges;
    const void *h, *m, *gate;
    void *out;
    int n, unused;
} orb_cuda_aggregate;

typedef struct orb_cuda_message_grad {
    const int *sender, *receiver;
    const void *w[2], *node, *message, *envelope, *sigma;
    void *edge, *grad;
    double *envelope_grad;
    int rows, unused;
} orb_cuda_message_grad;

typedef struct orb_cuda_vector_grad {
    const double *vector, *distance, *envelope_grad;
    const void *f_grad;
    double *out;
    double bessel[ORB_BESSEL], prefactor;
    int rows, unused;
} orb_cuda_vector_grad;

#ifdef __cplusplus
extern "C" {
#endif

/* The nearest k of each atom's neighbours, their number, start and the fill of the list. Fault:
 * MDS_FAULT_EDGES. */
mds_status orb_cuda_select(mds_device *device, const orb_cuda_graph *graph);
/* The edges, and which of them each atom receives; after orb_cuda_select(). */
mds_status orb_cuda_connect(mds_device *device, const orb_cuda_graph *graph);

mds_status orb_cuda_features_of(mds_device *device, mds_real real, const orb_cuda_features *job);
mds_status orb_cuda_gates(mds_device *device, mds_real real, const orb_cuda_gate *job);
mds_status orb_cuda_sum_messages(mds_device *device, mds_real real, const orb_cuda_aggregate *job);

/* mean (256) of the rows of h (n,256). */
mds_status orb_cuda_average(mds_device *device, mds_real real, int n, const void *h, void *mean);
mds_status orb_cuda_finish_heads(mds_device *device, mds_real real, const orb_cuda_finish *job);
mds_status orb_cuda_repel(mds_device *device, const orb_cuda_edges *job);
mds_status orb_cuda_collect(mds_device *device, const orb_cuda_edges *job);

mds_status orb_cuda_messages_back(mds_device *device, mds_real real,
                                  const orb_cuda_message_grad *job);
mds_status orb_cuda_vectors_back(mds_device *device, mds_real real,
                                 const orb_cuda_vector_grad *job);
/* to += from, rows of `cols`. */
mds_status orb_cuda_add_rows(mds_device *device, mds_real real, int rows, int cols,
                             const void *from, int ldfrom, void *to, int ldto);

#ifdef __cplusplus
}
#endif

#endif
