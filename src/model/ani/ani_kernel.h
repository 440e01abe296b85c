/* The loops of an ANI model over atoms, compiled for each instruction set and precision.
 *
 * Descriptor G of a centre, neighbours j at r_j (their images too), d = |r_j| (J. S. Smith,
 * O. Isayev, A. E. Roitberg, Chem. Sci. 8, 3192 (2017), doi:10.1039/C6SC05720A, with the factors
 * 0.25, 2 and 0.95 that belong to the trained models although the papers leave out two of them):
 *   radial,  element s, shift k:   Σ_j ¼ exp(−η_r (d_j − R_k)²) f(d_j; Rcr)
 *   angular, elements s ≤ s', shift a, section z:  Σ_{j<k} 2 ((1 + cos(θ − θ_z))/2)^ζ
 *            exp(−η_a ((d_j + d_k)/2 − R_a)²) f(d_j; Rca) f(d_k; Rca),   cos θ := 0.95 r̂_j·r̂_k
 *   f(d; R) = ½ cos(π d/R) + ½ within R.
 * With u = cos θ and v = sin θ = sqrt(1 − u²) ≥ 0.31, cos(θ − φ) = u cos φ + v sin φ: no angle is
 * ever formed, and nothing is singular for atoms in a line.
 *
 * A network is a chain of products y = W x + b with CELU (α = 0.1) between them.
 *
 * Layout: atoms are sorted by element into slots; each element begins at a multiple of `lanes`.
 * Whatever belongs to `lanes` neighbouring slots lies together, (slots/lanes, features, lanes), so
 * that a vector holds one feature of several atoms and a weight is broadcast. Only the columns of
 * elements that are there exist. Reals are float or double by kernel ("void *" here). */
#ifndef MDS_MODEL_ANI_ANI_KERNEL_H
#define MDS_MODEL_ANI_ANI_KERNEL_H

#include "model/ani/ani_weights.h"

#include <stddef.h>

enum {
    ANI_LANES_MAX = 16,
    ANI_PACK = 8, /* rows of weights that lie together; widths of layers are multiples of it */
    ANI_GROUP_BLOCKS = 3 /* blocks of `lanes` atoms that go through a network together */
};

/* Atoms and neighbours. i < n is an atom, e < live one of its elements present, in the order of the
 * model; (i,e) means i·live + e. */
typedef struct ani_atoms {
    ani_descriptor d;
    double cos_z[ANI_SHIFTS_MAX], sin_z[ANI_SHIFTS_MAX]; /* of d.shift_z */
    int n, live;
    int features;          /* of the present elements, padded to a multiple of ANI_PACK */
    const int *slot;       /* (n) */
    const int *start;      /* (n·live+1) of the candidates of (i,e): within cutoff + skin */
    const int *candidate;  /* (start[n·live]) rows of the neighbour list */
    const int *pool_start; /* (n·live+1) multiples of ANI_LANES_MAX, room for all candidates */
    /* written by filter() */
    int *near, *close; /* (n,live) neighbours within Rcr; the first `close` of them within Rca */
    int *row;          /* (pool) */
    void *ux, *uy, *uz, *dist; /* (pool) unit vector and distance, Å */
} ani_atoms;

/* What the scratch of one thread must hold: maxima over atoms. */
typedef struct ani_extent {
    int span;      /* pool entries of an atom */
    int triples;   /* padded pairs of neighbours of an atom */
    int64_t edges; /* neighbours within Rcr of all atoms */
} ani_extent;

/* One network with its weights in the order of use. weight[l]: (out/PACK, in, PACK) with `in` and
 * `out` padded by zeros; the last layer is a plain vector. */
typedef struct ani_packed {
    int layers;
    int in[ANI_LAYERS_MAX], out[ANI_LAYERS_MAX]; /* padded, but for the last `out`, 1 */
    const void *weight[ANI_LAYERS_MAX], *bias[ANI_LAYERS_MAX];
} ani_packed;

typedef struct ani_kernel {
    const char *name; /* "avx512", "avx2", "portable" */
    int lanes;
    size_t real_size;

    /* Unit vectors and distances of the neighbours of atoms first..last-1 from xe (m+1,4); the
     * extent of these atoms. */
    void (*filter)(const ani_atoms *atoms, const double *xe, int first, int last,
                   ani_extent *extent);
    /* Bytes of scratch that describe() and forces() need. */
    size_t (*scratch_bytes)(const ani_atoms *atoms, const ani_extent *extent);
    /* Descriptors of atoms first..last-1 into g (slots/lanes, features, lanes). */
    void (*describe)(const ani_atoms *atoms, const ani_extent *extent, int first, int last,
                     void *scratch, void *g);
    /* From grad = dE/dG (as g): adds to f (n,3), with the owners of rows, and to dE/dε. */
    void (*forces)(const ani_atoms *atoms, const ani_extent *extent, int first, int last,
                   void *scratch, const void *grad, const int *owner, double *f,
                   double strain[3][3]);

    /* Reals of scratch that a group of ANI_GROUP_BLOCKS blocks needs. */
    size_t (*group_reals)(const ani_packed *net);
    /* Σ of the energies of `atoms` atoms in `blocks` blocks; keeps in `h` what backward() needs. */
    double (*forward)(const ani_packed *net, int blocks, int atoms, const void *g, void *h);
    /* dE/dG of the same blocks: written to `grad`, or added to it. Overwrites h. */
    void (*backward)(const ani_packed *net, int blocks, void *h, bool add, void *grad);
} ani_kernel;

/* `name`: "auto", or one of the names above; NULL where the processor has not got it. */
const ani_kernel *ani_kernel_find(const char *name, bool fp64);

#endif
