/* An ANI model on a CUDA device as the host sees it: memory, weights, and the order of kernels.
 * Private to ani_cuda*.c; the rest of the engine knows the five functions at the end. */
#ifndef MDS_MODEL_ANI_ANI_CUDA_MODEL_H
#define MDS_MODEL_ANI_ANI_CUDA_MODEL_H

#include "md/neighbor.h"
#include "model/ani/ani_cuda.h"
#include "model/model.h"

struct ani;

/* The networks of one element, all members together: weight[l] (members,out,in), bias[l]
 * (members,out), widths padded by zeros to a common one of all members; the last layer's weight is
 * (members,in). */
typedef struct ani_cuda_net {
    int layers;
    int in[ANI_LAYERS_MAX], out[ANI_LAYERS_MAX];
    const void *weight[ANI_LAYERS_MAX], *bias[ANI_LAYERS_MAX];
} ani_cuda_net;

typedef struct ani_cuda_pack {
    int live, features;
    int element[ANI_ELEMENTS_MAX]; /* (live) indices into the weights, ascending */
    ani_cuda_net net[ANI_ELEMENTS_MAX];
    size_t bytes;
    char *host; /* where it is before the upload */
    void *memory;
} ani_cuda_pack;

typedef struct ani_cuda_buffer {
    void *memory;
    size_t capacity;
} ani_cuda_buffer;

typedef struct ani_cuda {
    mds_real real;
    mds_product product;
    ani_cuda_pack pack;
    ani_cuda_job job; /* all but what changes with the state and the list */
    int count[ANI_ELEMENTS_MAX], first[ANI_ELEMENTS_MAX]; /* atoms of each element; first slot */
    void *h[ANI_LAYERS_MAX]; /* hidden outputs of one element: (atoms, members·width) */
    void *g[2];              /* gradients on their way back, the same */
    void *grad;              /* what job.grad is */
    ani_cuda_buffer atoms, shifts, descriptors, energies, activations, rows, spill;
    mds_force_sums sums;
    bool fused;            /* networks are one kernel */
    ani_fused_job network; /* then */
    ani_cuda_buffer weights, tiles, saved;
} ani_cuda;

/* In host memory: the present elements' networks, of members first … first+members−1; energies
 * times `scale`. MDS_ERR_UNSUPPORTED when members of one element differ in their number of layers.
 */
mds_status ani_cuda_pack_make(mds_device *device, const ani_weights *weights, mds_real real,
                              int first, int members, const int *element, int live, double scale,
                              ani_cuda_pack *pack);
/* From host to device memory. */
mds_status ani_cuda_pack_upload(mds_device *device, ani_cuda_pack *pack);
void ani_cuda_pack_fini(mds_device *device, ani_cuda_pack *pack);

/* Networks of all elements, forward and backward, from job.g to job.grad and job.energy: by the
 * table of operations, or as one kernel. */
mds_status ani_cuda_networks(struct ani *self, const mds_step_block *d);
mds_status ani_cuda_networks_fused(struct ani *self, const mds_step_block *d);

/* Takes the weights of a pack in host memory for the one kernel. `*can` is false, and nothing was
 * done, where the device has not got the shared memory. */
mds_status ani_cuda_fuse(struct ani *self, bool *can);
/* Divides the atoms among its blocks. */
mds_status ani_cuda_set_tiles(struct ani *self);

mds_status ani_cuda_reserve(struct ani *self, ani_cuda_buffer *buffer, size_t bytes,
                            const char *what);

/* For ani.c: on CUDA devices `self->cuda` is this. */
mds_status ani_cuda_create(struct ani *self, const mds_model_spec *spec);
void ani_cuda_destroy(struct ani *self); /* accepts one without */
mds_status ani_cuda_prepare(struct ani *self, const mds_state *state, const int *element, int live,
                            const int *kind_of);
mds_status ani_compute_cuda(mds_model *model, mds_state *state, unsigned want);
/* Descriptor of atom i, live columns, as float64. For tests; waits. */
mds_status ani_cuda_descriptor(const struct ani *self, int i, double *out);

#endif
