/* The networks of direct Orb models on tensor cores: operands in float16, sums and what is carried
 * on (features of edges and atoms) in float32. Few kernels: a whole network of three layers with
 * its norm is one, and hidden layers never leave the multiprocessor.
 *
 * A layer is  orb_fused_network (edges) → orb_fused_collect (gated sums at both ends) → the network
 * of atoms, as orb_fused_network or as three of orb_fused_product → orb_fused_product (what the
 * next layer's edges take of the atoms).
 *
 * All pointers but those of structs are device memory; nothing is owned, allocated or waited for.
 * Halves are uint16_t here, in rows whose starts lie on multiples of 16 bytes; w rows wide is 256
 * unless said. Numbers of rows are given as room, for which kernels are launched, and as a count in
 * device memory, beyond which nothing is read or written: a recorded graph serves any number of
 * edges. Sums have a fixed order that depends on nothing else: results repeat bit for bit, with any
 * height of tiles.
 *
 * Range of halves: 65504. What is larger becomes infinite, shows as NaN in the features, and so in
 * the energy, whose fault ends the step; it does not pass unseen. Weights are looked at once, when
 * they are packed.
 *
 * Follows spec/orb.md sections 9.1 to 9.6; the formulas are those of orb_forward.c. */
#ifndef MDS_MODEL_ORB_ORB_FUSED_H
#define MDS_MODEL_ORB_ORB_FUSED_H

#include "device/device.h"

enum {
    ORB_FUSED_WIDTH = 256,
    ORB_FUSED_STEP = 64 /* inputs come in multiples of it, filled up with zeros */
};

/* ---- weights, once ---- */

/* Inputs of a network as its kernels take them. */
static inline int orb_fused_inputs(int inputs)
{
    return (inputs + ORB_FUSED_STEP - 1) / ORB_FUSED_STEP * ORB_FUSED_STEP;
}

/* Halves of a packed matrix; outs is a multiple of 256. */
static inline size_t orb_fused_packed(int outs, int inputs)
{
    return (size_t)outs * (size_t)orb_fused_inputs(inputs);
}

/* w (outs, inputs), rows ldw apart, in the order in which a warp's lanes take it: packed
 * (orb_fused_packed() halves, 16-byte aligned). *overflow, an int, becomes 1 if a weight is too
 * large for a half, and is left alone otherwise. */
mds_status orb_fused_pack(mds_device *device, int outs, int inputs, const float *w, int ldw,
                          uint16_t *packed, int *overflow);

/* ---- the step ---- */

enum { ORB_FUSED_SILU = 1, ORB_FUSED_RMS = 2 };

/* inputs → hidden → hidden → 256 with a norm: y = norm(w2 act(w1 act(w0 x + b0) + b1) + b2). */
typedef struct orb_fused_mlp {
    int inputs; /* as packed */
    int hidden; /* a multiple of 256, from 512 on */
    int kind;   /* ORB_FUSED_SILU, else the shifted softplus; ORB_FUSED_RMS, else layer norm */
    float eps;
    const uint16_t *w[3]; /* packed */
    const float *b[3];
    const float *gamma, *beta; /* beta may be NULL */
} orb_fused_mlp;

/* A network on rows. Parts that are not wanted are NULL. */
typedef struct orb_fused_rows {
    orb_fused_mlp mlp;
    int room, ldx, ldsum16;
    int tile;          /* rows of a block: 16, 32, 64; 0: the fastest, by orb_fused_tile() */
    const int *count;  /* NULL: all of room */
    const uint16_t *x; /* (room, mlp.inputs) */
    /* the first layer's sum gets p[sender][0 … H) + p[receiver][H … 2H) besides; p (n,2H) */
    const float *p;
    const int *sender, *receiver; /* (room) */
    uint16_t *y16;                /* (room,256) y as halves */
    const float *old;             /* (room,256) */
    float *sum;                   /* (room,256) becomes old + y, or y; may be old */
    uint16_t
        *sum16; /* the same as halves; may lie in rows of x, whose tile has been read by then */
    /* gates of the new sum: sigmoid(sum · gate_w + gate_b) · envelope; [0] of receivers */
    const float *gate_w[2];
    float gate_b[2];
    const float *envelope; /* (room) */
    float *gate;           /* (room,2); needs sum */
} orb_fused_rows;

mds_status orb_fused_network(mds_device *device, const orb_fused_rows *rows);
/* MDS_ERR_UNSUPPORTED if the device's blocks have too little shared memory for it. */
mds_status orb_fused_check(mds_device *device, const orb_fused_mlp *mlp);

/* Rows of a block, by how many there are. 0: not enough shared memory even for 16. */
int orb_fused_tile(mds_device *device, const orb_fused_mlp *mlp, int room);
size_t orb_fused_shared_bytes(const orb_fused_mlp *mlp, int tile);
size_t orb_fused_shared_limit(void); /* bytes a block of the current device can have */

/* R[i] = Σ gate[e][0] m[e] over edges received, S[i] = Σ gate[e][1] m[e] over edges sent, as halves
 * into columns 256 … 511 and 512 … 767 of in (n,768), whose first columns are the atoms' features.
 * Sums in float32. */
typedef struct orb_fused_sums {
    const int *start;          /* (n+1) edges of each sender */
    const int *receiver_start; /* (n+1) into receiver_edges */
    const int *receiver_edges;
    const uint16_t *m; /* (edges,256) */
    const float *gate; /* (edges,2) */
    uint16_t *in;
} orb_fused_sums;

mds_status orb_fused_collect(mds_device *device, int n, const orb_fused_sums *sums);

/* One product, spread over the chip by columns as well: for the few rows of atoms, where blocks of
 * orb_fused_network() would be few and each of them would read all weights. */
typedef struct orb_fused_job {
    int rows, outs, inputs; /* outs a multiple of 64, inputs of 256 */
    int ldx;
    int activate;          /* 0: none */
    int kind;              /* of activation and norm */
    const uint16_t *x, *w; /* w packed */
    const float *bias;     /* (outs) or NULL */
    float *y;              /* (rows, outs), or */
    uint16_t *y16;         /* (rows, outs) */
    /* With u, which is (rows,256), x is not read: it is sum = old + norm(u), left there and in
     * sum16 too. With outs = 0 nothing else is done, and sum may be old; otherwise not. */
    const float *u, *gamma, *beta, *old;
    float *sum;
    uint16_t *sum16;
    int ldsum16;
    float eps;
} orb_fused_job;

/* y = act(x · wᵀ + bias). */
mds_status orb_fused_product(mds_device *device, const orb_fused_job *job);

/* What atoms begin with, from the tables by element. */
typedef struct orb_fused_begin {
    const int *number;              /* (n) */
    const float *encoded, *first_p; /* (elements,256), (elements,outs) */
    float *h, *p;                   /* (n,256), (n,outs) */
    uint16_t *in;                   /* (n,768): h as halves into the first columns */
    int64_t outs;                   /* 2 hidden */
} orb_fused_begin;

mds_status orb_fused_start(mds_device *device, int n, const orb_fused_begin *job);

/* 256 → 256 → outs with an activation between: y (rows, outs), before any normaliser. In float32.
 */
typedef struct orb_fused_head {
    const float *w[2], *b[2];
    float *y;
    int64_t outs;
} orb_fused_head;

typedef struct orb_fused_heads {
    orb_fused_head head[3]; /* forces, of each row of h; energy and stress, of the mean */
    const float *h, *mean;  /* (n,256), (256) */
    int64_t kind;           /* of the activation */
} orb_fused_heads;

/* `stress`: or it is left out. */
mds_status orb_fused_heads_of(mds_device *device, int n, bool stress, const orb_fused_heads *job);

/* y (rows, cols) = x as halves, with zeros in columns cols … ldy. Beyond *count (NULL: all):
 * untouched.
 */
mds_status orb_fused_halve(mds_device *device, int rows, const int *count, int cols, const float *x,
                           int ldx, uint16_t *y, int ldy);

#endif
