/* Kernels that do what they must not, of bad_kernels.cu. Launched on the legacy stream, without a
 * device of ours; codes are CUDA's. */
#ifndef MDS_TESTS_GPU_SHIM_BAD_KERNELS_H
#define MDS_TESTS_GPU_SHIM_BAD_KERNELS_H

#include <cuda_runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

cudaError_t bad_write(int *p, long at);         /* p[at] = 1 */
cudaError_t bad_read(const int *p, int *out);   /* *out = *p */
cudaError_t bad_address(uint64_t address);      /* writes there */
cudaError_t bad_struct(int *good, int *hidden); /* a struct with both goes to the kernel */
cudaError_t bad_barriers(int *out);             /* odd and even threads at different barriers */
cudaError_t bad_exit(int *out);                 /* half of the threads leave before the barrier */
cudaError_t bad_mask(int *out);                 /* a lane that its mask lacks */
/* A product of matrices by `threads`, from `skew` halves on of as much shared memory as it needs,
 * or from elsewhere. */
cudaError_t bad_matrix(int *out, int threads, int skew, const int *instead);
cudaError_t bad_warp(int *out); /* half a warp waits for the other half, which waits
                                   at the block's barrier */
cudaError_t bad_assert(void);
cudaError_t bad_trap(void);
cudaError_t bad_order(int *ticket, int *order); /* order[i] = the how-maniest thread i was */
cudaError_t bad_shared(double *out);            /* reads shared memory that nobody wrote */
cudaError_t bad_race(double *x, int n);         /* each thread adds its neighbour's, no barrier */
cudaError_t good_race(double *x, int n);        /* the same with barriers */
cudaError_t set_value(int *p, int value, cudaStream_t stream);
cudaError_t wide_launch(unsigned grid, unsigned block, size_t shared, int opt_in);

#ifdef __cplusplus
}
#endif

#endif
