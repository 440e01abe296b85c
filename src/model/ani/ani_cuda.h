/* An ANI model on a CUDA device: what its kernels take, and the launchers. C11 and CUDA C++.
 *
 * A step is: descriptors, a block for each atom; networks, forward and backward; gradients with
 * respect to the vectors to the neighbours, a block for each atom; forces, a warp for each atom,
 * which gathers what its own descriptor and those of its neighbours depend on it. Formulas are in
 * ani_kernel.h.
 *
 * Atoms are sorted by element into slots, without gaps: rows of matrices. "real" is float or double
 * by `real`. Neighbours of an atom within the radial cutoff are sorted by element, and of one
 * element those within the angular cutoff come first ("close"). */
#ifndef MDS_MODEL_ANI_ANI_CUDA_H
#define MDS_MODEL_ANI_ANI_CUDA_H

#include "device/ops.h"
#include "md/neighbor_view.h"
#include "model/ani/ani_weights.h"
#include "model/force_sums.h"

enum {
    ANI_CUDA_WARPS = 4,  /* of a block, where shared memory allows */
    ANI_CUDA_TILES = 16, /* of 32 triples, that are kept at a time on the way back */
    ANI_CUDA_PAD = 33    /* a row of 32 lanes in shared memory, with different banks below */
};

/* Where a block keeps what in shared memory: offsets in reals. */
typedef struct ani_cuda_layout {
    int warps;
    int spill; /* neighbours are kept in global memory, because they are too many */
    int room;  /* neighbours */
    int row, part, sums, factors, near;
    int64_t shared_bytes, spill_bytes; /* of each block */
} ani_cuda_layout;

/* By value to kernels; an even number of integers in a row, so that there is no padding. */
typedef struct ani_cuda_job {
    mds_real real;
    int live, features; /* elements present; columns of g */
    int n_radial, n_angular, n_sections;
    int parts, members;
    double radial_cutoff, angular_cutoff, eta_r, eta_a, zeta;
    const void *shifts; /* reals: n_radial, n_angular, cosines and sines (n_sections) */
    const int *kind;    /* (n) element of an atom among those present */
    const int *slot;    /* (n) */
    mds_neighbor_view list;
    int *mirror; /* (n,stride) place of the same pair in the neighbour's row; −1: none */
    void *g;     /* (n,features) real, by slots */
    /* dE/dG in `parts` matrices like g, to be added. */
    const void *grad;
    void *q;              /* (n,stride,4) real: dE_i/dr of each entry, and nothing */
    const double *energy; /* (members,n), by slots; eV */
    double self_energy;   /* eV, of all atoms */
    char *spill;          /* (n, spill_bytes) */
    ani_cuda_layout describe, gradient;
    mds_force_out out;
} ani_cuda_job;

/* The last layer of all members for the atoms of one element, h (rows, members·width): energies
 * into energy + m·stride + row, and h ← dE/dz of the layer before. weight (members,width), bias
 * (members). */
typedef struct ani_cuda_last {
    mds_real real;
    int rows, members, width;
    int64_t stride;
    const void *weight, *bias;
    void *h;
    double *energy;
    const mds_step_block *d;
} ani_cuda_last;

/* ---- networks in one kernel ---- */

/* Layer `l` of all members for a block that takes ANI_FUSED_ROWS atoms of one element through one
 * member's network and back. Offsets are of floats behind ani_fused_job.weights. Weights lie in the
 * order in which they are used: blocks of ANI_FUSED_COLUMNS results, (blocks, terms, columns). */
enum { ANI_FUSED_ROWS = 16, ANI_FUSED_COLUMNS = 32, ANI_FUSED_BLOCK = 256 };

typedef struct ani_fused_layer {
    int in, out;                             /* multiples of 8 */
    int64_t forward, backward, bias;         /* of member 0 */
    int64_t forward_stride, backward_stride; /* to the next member; of bias: out */
} ani_fused_layer;

typedef struct ani_fused_net {
    int hidden, width;    /* layers but the last one; inputs of that */
    int64_t weight, bias; /* of the last layer: (members,width), (members) */
    ani_fused_layer layer[ANI_LAYERS_MAX];
} ani_fused_net;

typedef struct ani_fused_tile {
    int element, first, rows, unused; /* first slot */
} ani_fused_tile;

enum { ANI_FUSED_FORWARD = 1, ANI_FUSED_BACKWARD = 2 };

/* By value. With one of the two phases alone the outputs of the layers go through `saved`. */
typedef struct ani_fused_job {
    const ani_fused_net *net;   /* (elements present) */
    const ani_fused_tile *tile; /* (tiles) */
    const float *weights, *g;   /* g (n,features) */
    float *grad;                /* (members,n,features) */
    double *energy;             /* (members,n) */
    float *saved;               /* (tiles·members, shared floats) */
    const mds_step_block *d;
    int64_t shared_bytes;
    int tiles, members, features, n;
    int phases, tf32x3;
} ani_fused_job;

#ifdef __cplusplus
extern "C" {
#endif

/* Allows the kernel its shared memory. False: the device has not got so much. */
bool ani_fused_allow(mds_device *device, const ani_fused_job *job);
mds_status ani_fused_networks(mds_device *device, const ani_fused_job *job);

/* Plans the two kernels that keep neighbours in shared memory, for rows of `stride` entries.
 * MDS_ERR_UNSUPPORTED for a descriptor that is too long. */
mds_status ani_cuda_plan(ani_cuda_job *job, int stride);

mds_status ani_cuda_describe(mds_device *device, const ani_cuda_job *job);
mds_status ani_cuda_last_layer(mds_device *device, const ani_cuda_last *job);
mds_status ani_cuda_gradient(mds_device *device, const ani_cuda_job *job);
mds_status ani_cuda_forces(mds_device *device, const ani_cuda_job *job);

#ifdef __cplusplus
}
#endif

#endif
