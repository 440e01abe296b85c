/* Kernels of test_mma.cu. */
#ifndef MDS_TESTS_GPU_DEVICE_MMA_H
#define MDS_TESTS_GPU_DEVICE_MMA_H

#include "device/device.h"

typedef enum mma_kind {
    MMA_HALF,
    MMA_TF32,
    MMA_TF32_ROWS,
    MMA_TF32X3,
    MMA_TF32X3_ROWS,
    MMA_KINDS
} mma_kind;

/* c (rows,cols) = a (rows,terms) · bᵀ, b (cols,terms); all multiples of 16, in device memory. A
 * block per 16 rows with a warp per 16 columns, at most 4 of these. */
mds_status mma_product(mds_device *device, mma_kind kind, int rows, int cols, int terms,
                       const float *a, const float *b, float *c);
/* half[i] the bits of x[i] as a half, back[i] that as a float, tf32[i] the bits as TF32. */
mds_status mma_convert(mds_device *device, int n, const float *x, unsigned *half, float *back,
                       unsigned *tf32);

#endif
