/* The published networks of Orb (github.com/orbital-materials/orb-models, Apache-2.0; M. Neumann et
 * al., arXiv:2410.22570; B. Rhodes et al., arXiv:2504.06231) by name: graph network simulators that
 * differ in depth, width, edge features, neighbour count and heads. */
#ifndef MDS_MODEL_ORB_ORB_VARIANT_H
#define MDS_MODEL_ORB_ORB_VARIANT_H

#include <stdbool.h>

enum {
    ORB_WIDTH = 256,    /* of node and edge features */
    ORB_ELEMENTS = 119, /* rows of the table of elements; row 0 is not used */
    ORB_LAYERS_MAX = 15,
    ORB_HIDDEN_MAX = 1024,
    ORB_FEATURES_MAX = 128,
    ORB_GAUSSIANS = 20,
    ORB_BESSEL = 8,
    ORB_HARMONICS = 16,
    ORB_BINS = 50, /* of the confidence */
    ORB_NEIGHBORS_MAX = 120,
    ORB_VARIANTS = 13
};

#define ORB_CUTOFF 6.0 /* Å */

typedef struct orb_variant {
    const char *name;
    bool v3;           /* SiLU, RMS norm, Bessel ⊗ harmonics, ZBL, confidence; else as v2 */
    bool conservative; /* forces and stress are derivatives of the energy */
    int layers, hidden, features, neighbors;
} orb_variant;

extern const orb_variant orb_variants[ORB_VARIANTS];
/* Names for an option's choices, ends with NULL. */
extern const char *const orb_variant_names[ORB_VARIANTS + 1];

/* NULL when unknown. */
const orb_variant *orb_variant_find(const char *name);

/* Floating-point operations of the products of one call, forward and, if conservative, backward. */
double orb_variant_flops_per_edge(const orb_variant *variant, int layers);
double orb_variant_flops_per_node(const orb_variant *variant, int layers);

#endif
