/* The engine's own state, shared by ani.c (what is known before a step) and ani_compute.c (the
 * step). */
#ifndef MDS_MODEL_ANI_ANI_MODEL_H
#define MDS_MODEL_ANI_ANI_MODEL_H

#include "md/neighbor.h"
#include "model/ani/ani_list.h"
#include "model/ani/ani_pack.h"
#include "device/team.h"
#include "model/model.h"

enum { ANI_THREADS_MAX = 256 };

/* Blocks of one element that go through a network together. */
typedef struct ani_group {
    int element, first, blocks; /* first: block */
    int atoms;
} ani_group;

typedef struct ani {
    mds_model base;
    ani_weights *weights;
    const ani_kernel *kernel;
    mds_team *team;
    int first, members; /* in use */
    mds_neighbor *neighbors;
    ani_pack pack;
    ani_list list;
    double self_energy; /* eV, of all atoms */
    double member_energy[ANI_MEMBERS_MAX];
    int groups;
    ani_group *group;    /* (groups) */
    double *unit_energy; /* (members·groups) eV */
    int *unit_start;     /* (threads+1) first unit of each thread; unit = member·groups + group */
    /* Device memory, a part for each thread: gradients, activations, scratch, forces of all threads
     * but the first, which uses the state's. */
    void *g, *grad, *h, *scratch, *f;
    size_t g_bytes, grad_bytes, h_bytes, scratch_bytes, f_bytes;
    size_t grad_stride, h_stride; /* bytes from one thread's part to the next */
    struct ani_cuda *cuda;        /* instead of all that, but the list, on a CUDA device */
} ani;

/* Divides the networks' work and reserves what a step needs; called by prepare. */
mds_status ani_plan_step(ani *self);
mds_status ani_compute(mds_model *model, mds_state *state, unsigned want);
/* Of the networks, per step (mds_engine.work). */
void ani_work(const mds_model *model, const mds_scalars *s, mds_work *out);

#endif
