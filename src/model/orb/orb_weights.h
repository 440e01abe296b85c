/* The numbers of a network in the order a step reads them. They come from a weights file made by
 * analysis/convert_orb.py (tensors under the names of the published state dict) or are synthetic.
 * Matrices are (outputs, inputs), row-major, in the precision of the engine, in device memory. */
#ifndef MDS_MODEL_ORB_ORB_WEIGHTS_H
#define MDS_MODEL_ORB_ORB_WEIGHTS_H

#include "device/ops.h"
#include "model/orb/orb_variant.h"

/* in → hidden → hidden → 256, with an activation after the first two, and a norm. beta is NULL for
 * the RMS norm. */
typedef struct orb_mlp {
    int inputs;
    void *w[3], *b[3], *gamma, *beta;
} orb_mlp;

/* The edge network's first layer acts on [edge | sender | receiver]; its parts for the nodes stand
 * apart, one below the other: node_w (2·hidden, 256). edge.w[0] is (hidden, 256). */
typedef struct orb_layer {
    orb_mlp edge, node;
    void *node_w;
    void *gate[2];       /* (256): of receivers, of senders */
    double gate_bias[2]; /* the same order */
} orb_layer;

/* 256 → 256 → outputs; a value is output·scale + shift. */
typedef struct orb_head {
    int outputs;
    void *w[2], *b[2];
    double scale[2], shift[2]; /* stress of v3: diagonal, off-diagonal; otherwise both the same */
} orb_head;

typedef struct orb_weights {
    const orb_variant *variant;
    mds_device *device;
    mds_real real;
    int layers;
    void *memory;
    void *elements; /* (119, 256) embeddings */
    orb_mlp node_encoder, edge_encoder;
    orb_layer layer[ORB_LAYERS_MAX];
    orb_head energy, forces, stress, confidence; /* outputs = 0: the variant has none */
    double reference[ORB_ELEMENTS - 1];          /* eV, by atomic number */
    double bessel[ORB_BESSEL], bessel_prefactor;
} orb_weights;

/* Loads from `path`, or makes synthetic ones when `path` is NULL (then `layers` may be fewer than
 * the variant has). MDS_ERR_UNSUPPORTED when there is no file. On failure nothing is left. */
mds_status orb_weights_load(mds_device *device, const orb_variant *variant, const char *path,
                            int layers, mds_real real, orb_weights *out);
void orb_weights_fini(orb_weights *weights); /* accepts a zeroed struct */
/* Bytes of the numbers above. */
double orb_weights_bytes(const orb_variant *variant, int layers, mds_real real);
/* Whether the file is there and is one of this variant; cheap. */
mds_status orb_weights_check(const orb_variant *variant, const char *path);

#endif
