/* Loops over edges and atoms that are no product of matrices, in each precision, on the host and as
 * kernels. Arrays named void are in the table's precision; rows are 256 wide unless said. The
 * ranges let threads share a loop; every sum has a fixed order. */
#ifndef MDS_MODEL_ORB_ORB_KERNEL_H
#define MDS_MODEL_ORB_ORB_KERNEL_H

#include "model/orb/orb_graph.h"
#include "model/orb/orb_weights.h"

/* Rows first … last − 1; kernels take them all, from 0. */
typedef struct orb_range {
    mds_device *device;
    mds_real real;
    int first, last;
} orb_range;

/* Gates of edges: g = sigmoid(e·w + b)·c; [0] weighs the message at the receiver, [1] at the
 * sender. */
typedef struct orb_gates {
    const void *w[2];
    double b[2];
} orb_gates;

/* A loss's derivatives on the way back through one layer's sums; see orb_backward.c. */
typedef struct orb_message_grad {
    const orb_graph *graph;
    const orb_gates *gates;
    const void *node;      /* (n,768): g_h | g_R | g_S */
    const void *message;   /* rows of m, from `first` on */
    const void *envelope;  /* (edges) */
    const void *sigma;     /* (edges,2) the gates before the envelope */
    void *edge;            /* (edges,256): ge, changed by what the gates add */
    void *grad;            /* rows from `first` on: derivative by m */
    double *envelope_grad; /* (edges), added to */
} orb_message_grad;

typedef struct orb_kernel {
    const char *name;
    /* f (edges, features): the edge network's input; envelope (edges). */
    mds_status (*features)(const orb_range *range, const orb_weights *w, const orb_graph *graph,
                           void *f, void *envelope);
    /* gate (edges,2) from e (edges,256); sigma (edges,2) or NULL. */
    mds_status (*gate)(const orb_range *range, const orb_gates *gates, const void *e,
                       const void *envelope, void *gate, void *sigma);
    /* R[i] = Σ gate[e][0] m[e] over edges received, S[i] = Σ gate[e][1] m[e] over edges sent, into
     * columns 256… and 512… of out (n,768); h into the first. */
    mds_status (*aggregate)(const orb_range *range, const orb_graph *graph, const void *h,
                            const void *m, const void *gate, void *out);
    mds_status (*message_grad)(const orb_range *range, const orb_message_grad *grad);
    /* to += from, rows of `cols`. */
    mds_status (*add_rows)(const orb_range *range, int cols, const void *from, int ldfrom, void *to,
                           int ldto);
    /* out (edges,3): dE/dv from f_grad (edges, features) and envelope_grad; v3 only. */
    mds_status (*vector_grad)(const orb_range *range, const orb_weights *w, const orb_graph *graph,
                              const void *f_grad, const double *envelope_grad, double *out);
} orb_kernel;

/* The best this processor runs. */
const orb_kernel *orb_kernel_find(mds_real real);
#ifdef MDS_WITH_CUDA
extern const orb_kernel orb_kernel_cuda; /* both precisions */
#endif

#endif
