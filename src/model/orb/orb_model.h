/* The engine's own state, shared by the files that make a step: orb.c (life and order),
 * orb_network.c (memory and products), orb_forward.c, orb_heads.c, orb_backward.c.
 *
 * Shapes: n atoms, E edges, H hidden width; rows of 256 unless said. "reals" are in the engine's
 * precision; what leaves the network is float64. */
#ifndef MDS_MODEL_ORB_ORB_MODEL_H
#define MDS_MODEL_ORB_ORB_MODEL_H

#include "model/model.h"
#include "model/orb/orb_kernel.h"

enum {
    ORB_THREADS_MAX = 256,
    ORB_TILE = 512 /* rows of edges that go through a network together: scratch stays in cache */
};

/* What a network leaves for the way back: the inputs of both activations and of the norm. */
typedef struct orb_stash {
    void *z1, *z2, *u; /* (rows,H), (rows,H), (rows,256) */
} orb_stash;

typedef struct orb_edges {
    void *memory;
    size_t bytes;
    int room;       /* edges */
    void *f;        /* (E,features), later their gradient */
    void *envelope; /* (E) */
    void *e, *m;    /* features; messages, later gradient by e */
    void *gate;     /* (E,2) */
    /* conservative only */
    orb_stash stash[ORB_LAYERS_MAX + 1]; /* of the layers, then of the encoder */
    void *sigma[ORB_LAYERS_MAX];         /* (E,2) */
    double *envelope_grad;               /* (E) */
    double *vector_grad;                 /* (E,3) eV/Å */
} orb_edges;

typedef struct orb_nodes {
    void *memory;
    size_t bytes;
    int *number;   /* (n) atomic numbers */
    void *h;       /* features */
    void *p;       /* (n,2H) their products with node_w; later gradient by those */
    void *in;      /* (n,768): h | R | S; later gradient by those */
    void *y1, *y2; /* (n,H) */
    void *head;    /* hidden layer of a head */
    void *out;     /* (n,50) of a head */
    void *mean;    /* (256) */
    orb_stash stash[ORB_LAYERS_MAX]; /* direct models use the first for all */
    void *h_grad;                    /* conservative only */
} orb_nodes;

typedef struct orb {
    mds_model base;
    const orb_variant *variant;
    const orb_kernel *kernel;
    mds_real real;
    orb_weights weights;
    void *encoded; /* (119,256) node features at the start, by element */
    void *first_p; /* (119,2H) and their products for the first layer */
    mds_team *team;
    mds_neighbor *neighbors;
    orb_graph graph;
    orb_nodes nodes;
    orb_edges edges;
    void *scratch; /* of each thread: two (TILE,H), two (TILE,256) */
    double reference_energy;
    /* of the step under way */
    int layer;
    mds_status status[ORB_THREADS_MAX];
} orb;

/* ---- orb_network.c ---- */

static inline void *orb_at(const orb *self, const void *base, size_t reals)
{
    return (char *)(uintptr_t)base + reals * mds_real_size(self->real);
}

/* A thread's part of `count`. */
static inline int orb_share(const orb *self, int count, int t)
{
    return (int)((int64_t)count * t / mds_team_size(self->team));
}

/* The same in units of 16 columns. */
static inline int orb_share_columns(const orb *self, int count, int t)
{
    return 16 * orb_share(self, count / 16, t);
}

/* Piece k of a thread's scratch: 0, 1 (TILE,H); 2, 3 (TILE,256). */
void *orb_scratch(const orb *self, int t, int k);
mds_status orb_reserve_nodes(orb *self, int n);
mds_status orb_reserve_edges(orb *self, int edges);
/* Runs `work` on all threads; the first thread's error, or another's. */
mds_status orb_run(orb *self, void (*work)(void *context, int t));

/* y (rows,outs) = x (rows,ins) · wᵀ, w (outs,ins) with its rows ldw apart. */
mds_status orb_product(const orb *self, int rows, int outs, int ins, const void *x, int ldx,
                       const void *w, int ldw, void *y, int ldy);
/* y (rows,ins) = g (rows,outs) · w + beta y. */
mds_status orb_product_back(const orb *self, int rows, int outs, int ins, const void *g, int ldg,
                            const void *w, int ldw, double beta, void *y, int ldy);
mds_act orb_activation(const orb *self);
mds_norm orb_norm(const orb *self, const orb_mlp *mlp, int rows);
/* The whole network on `rows` rows of x, which become the norm's output y (rows,256); hidden1 and
 * hidden2 (rows,H). For tables. */
mds_status orb_mlp_apply(const orb *self, const orb_mlp *mlp, int rows, const void *x,
                         void *hidden1, void *hidden2, void *y);

/* ---- the parts of a step ---- */
mds_status orb_forward(orb *self);
/* Energy into state->s, forces and virial of direct models too. */
mds_status orb_heads(orb *self, mds_state *state, unsigned want);
/* Adds the repulsion of near nuclei to energy and, of direct models, forces and virial. */
void orb_add_zbl(orb *self, mds_state *state, unsigned want);
/* Forces and virial of conservative models. */
mds_status orb_backward(orb *self, mds_state *state, unsigned want);
/* The first row of dE/dh (the same for all atoms) into nodes.mean. */
mds_status orb_energy_grad(orb *self);
mds_status orb_compute(mds_model *model, mds_state *state, unsigned want);

#endif
