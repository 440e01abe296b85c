#include "device/cuda/launch.cuh"

extern "C" {
#include "model/fault/fault_cuda.h"
}

#undef NDEBUG /* the assertion is what this is for */
#include <assert.h>

enum { BLOCK = 128 };

typedef struct fault_job {
    int64_t at_step, *calls;
    fault_in_kernel kind;
    int n, virial, unused; /* an even number: no padding */
    double *f;
    mds_scalars *s;
    mds_step_block *d;
    int *nobodys; /* from the host, so that no compiler sees what will happen */
} fault_job;

static __device__ void strike(const fault_job *job)
{
    volatile int *fault = &job->d->fault;

    if (job->kind == FAULT_KERNEL_ADDRESS)
        *job->nobodys = 1;
    assert(job->kind != FAULT_KERNEL_ASSERT);
    /* A fault never has this number; the compiler does not know. */
    while (job->kind == FAULT_KERNEL_HANG && *fault != -1)
        ;
}

/* One block, so that the count is read by all before it is raised. */
static __global__ void fault_forces(const fault_job job)
{
    const int thread = (int)threadIdx.x;

    if (job.d->fault)
        return;
    const int64_t call = *job.calls;
    const bool due = call >= job.at_step;
    const double value = due && job.kind == FAULT_KERNEL_NAN ? (double)NAN : 0.0;

    if (due && thread == 0)
        strike(&job);
    for (int k = thread; k < 3 * job.n; k += BLOCK)
        job.f[k] = value;
    if (thread < 9)
        job.s->virial_eV[thread / 3][thread % 3] = job.virial ? 0.0 : (double)NAN;
    __syncthreads();
    if (thread == 0) {
        job.s->potential_eV = value;
        job.s->n_edges = job.s->rebuilt = 0.0;
        *job.calls = call + 1;
    }
}

extern "C" mds_status fault_cuda_forces(const mds_state *state, fault_in_kernel kind,
                                        int64_t at_step, int64_t *calls, bool virial)
{
    const fault_job job = {at_step, calls,    kind,     state->n, virial,
                           0,       state->f, state->s, state->d, (int *)(uintptr_t)64};

    return MDS_LAUNCH(state->device, fault_forces, 1, BLOCK, 0, job);
}
