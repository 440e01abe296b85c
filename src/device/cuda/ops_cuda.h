/* Private to device/cuda: the kernels of the table mds_ops_cuda, and its products. */
#ifndef MDS_DEVICE_CUDA_OPS_CUDA_H
#define MDS_DEVICE_CUDA_OPS_CUDA_H

#include "device/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As in ops.h, for shapes that its wrappers have checked; rows and cols may be 0. */
mds_status mds_cuda_bias_act(mds_device *device, const mds_bias_act *op);
mds_status mds_cuda_act_grad(mds_device *device, const mds_act_grad *op);
mds_status mds_cuda_gather_rows(mds_device *device, const mds_rows *op);
mds_status mds_cuda_gather_act(mds_device *device, const mds_gather_act *op);
mds_status mds_cuda_segment_sum(mds_device *device, const mds_rows *op);
mds_status mds_cuda_norm(mds_device *device, const mds_norm *op);
mds_status mds_cuda_norm_add(mds_device *device, const mds_norm_add *op);
mds_status mds_cuda_norm_grad(mds_device *device, const mds_norm_grad *op);

/* c ← beta · c, batch matrices (m,n): a product without terms. */
mds_status mds_cuda_scale(mds_device *device, const mds_gemm *op);

/* Three copies of float32 matrices (rows,cols), `batch` of them `stride` elements apart, each in
 * two TF32 parts, x = high + low to 22 bits. to (batch, 3 copies): element (i,j) of copy p lies at
 * p·copy_stride + i·ldto + j. Copies are (low, high, high), or with `second` (high, low, high): the
 * three terms of a product, the small ones first. */
typedef struct mds_cuda_split {
    const float *from;
    float *to;
    int64_t stride, stride_to, copy_stride;
    int rows, cols, batch, ld, ldto, second;
} mds_cuda_split;

mds_status mds_cuda_split_tf32(mds_device *device, const mds_cuda_split *split);

#ifdef __cplusplus
}
#endif

#endif
