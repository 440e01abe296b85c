/* The engine's own state, shared by the files that make a step: orb.c (life and order),
 * orb_network.c (memory and products), orb_forward.c, orb_heads.c, orb_backward.c, and what differs
 * between devices: orb_host.c and orb_cuda.c.
 *
 * On a CUDA device the number of edges is known to kernels alone (graph.start[n]). There all loops
 * over edges go over the room there is for them, which stays the same from step to step: edges
 * beyond the last are of no length's influence (distance 6 Å, so envelope and gates are zero,
 * between atoms 0) and stand in no list of an atom's edges, so what is computed for them is finite
 * and reaches nothing.
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
    int room;       /* edges; 0: none yet */
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
    int *number;    /* (n) atomic numbers */
    int *zero;      /* (n) zeros: indices of a row that all get */
    double *radius; /* (n) Å, covalent, of what the repulsion takes the element for */
    void *h;        /* features */
    void *p;        /* (n,2H) their products with node_w; later gradient by those */
    void *in;       /* (n,768): h | R | S; later gradient by those */
    void *y1, *y2;  /* (n,H) */
    void *head;     /* hidden layer of a head */
    void *energy;   /* (1) of its head */
    void *forces;   /* (n,3) of their head */
    void *stress;   /* (6) of its head */
    void *mean;     /* (256) */
    orb_stash stash[ORB_LAYERS_MAX]; /* direct models use the first for all */
    void *h_grad;                    /* conservative only */
} orb_nodes;

typedef struct orb orb;
typedef struct orb_half orb_half;

/* What is done in another way where the host has no access to the device's memory. `want` and the
 * results in `state` are compute()'s. */
typedef struct orb_target {
    /* Edges of the positions, and room for what belongs to them. */
    mds_status (*make_graph)(orb *self, mds_state *state);
    /* nodes.mean: the features' mean over the atoms, summed in float64. */
    mds_status (*average)(const orb *self);
    /* Energy and number of edges, and of direct models forces and virial, from what the heads left
     * in nodes.energy, forces and stress. */
    mds_status (*finish)(orb *self, mds_state *state, unsigned want);
    /* v3: adds the repulsion of near nuclei to the energy and, of direct models, to forces and
     * virial; of conservative ones to edges.vector_grad. */
    mds_status (*zbl)(orb *self, mds_state *state, unsigned want);
    /* Forces and virial from edges.vector_grad. */
    mds_status (*collect)(orb *self, mds_state *state, unsigned want);
    mds_status (*make_room)(orb *self, mds_state *state);
} orb_target;

struct orb {
    mds_model base;
    const orb_variant *variant;
    const orb_kernel *kernel;
    const orb_target *target;
    mds_real real;
    mds_product product; /* of the networks' layers; tables and heads are exact */
    bool whole;          /* edges go through a network all at once, not in tiles */
    orb_weights weights;
    void *encoded;  /* (119,256) node features at the start, by element */
    void *first_p;  /* (119,2H) and their products for the first layer */
    void *energy_w; /* (256) the energy head's last layer times the normaliser's scale */
    mds_team *team;
    mds_neighbor *neighbors;
    orb_graph graph;
    orb_nodes nodes;
    orb_edges edges;
    void *scratch; /* of each thread two (TILE,H), two (TILE,256); whole: two (room,H) and, of
                      conservative models, two (room,256), in edges.memory */
    double reference_energy;
    void *kernels;  /* what orb_cuda.c keeps; NULL elsewhere */
    orb_half *half; /* what orb_half.c keeps; NULL in other precisions than fp16 */
    /* of the step under way */
    int layer;
    mds_status status[ORB_THREADS_MAX];
};

extern const orb_target orb_target_host;
#ifdef MDS_WITH_CUDA
extern const orb_target orb_target_cuda;
mds_status orb_cuda_create(orb *self);
void orb_cuda_destroy(orb *self); /* accepts a partial object */
#endif

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

static inline orb_range orb_range_of(const orb *self, int count, int t)
{
    return (orb_range){.device = self->base.device,
                       .real = self->real,
                       .first = orb_share(self, count, t),
                       .last = orb_share(self, count, t + 1)};
}

/* Piece k of a thread's scratch: 0, 1 (TILE,H); 2, 3 (TILE,256). */
void *orb_scratch(const orb *self, int t, int k);
mds_status orb_reserve_nodes(orb *self, int n);
/* At least; contents are lost when it grows. */
mds_status orb_reserve_edges(orb *self, int edges);
/* Exactly, in new memory, so that what was recorded with the old one is void. */
mds_status orb_set_edge_room(orb *self, int room);
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
/* Energy, and forces and virial of direct models, into `state`. */
mds_status orb_heads(orb *self, mds_state *state, unsigned want);
/* Forces and virial of conservative models. */
mds_status orb_backward(orb *self, mds_state *state, unsigned want);
/* The first row of dE/dh (the same for all atoms) into nodes.mean. */
mds_status orb_energy_grad(orb *self);

/* ---- orb_work.c ---- */

void orb_work(const mds_model *model, const mds_scalars *s, mds_work *out);

#endif
