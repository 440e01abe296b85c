/* What products need besides cuBLAS: scaling where there are no terms, and the division of float32
 * numbers into parts that TF32 units take exactly. */
#include "device/cuda/launch.cuh"

extern "C" {
#include "device/cuda/ops_cuda.h"
}

#include "device/cuda/row_map.cuh"

typedef struct scale_job {
    void *c;
    double beta;
    int64_t stride;
    int rows, cols, ld, unused; /* an even number: no padding */
} scale_job;

/* beta = 0 does not read. */
template <typename real> static __global__ void scale(const scale_job job)
{
    const int64_t row = mds_map_row();

    if (row >= job.rows)
        return;
    real *c = (real *)job.c + blockIdx.y * job.stride + row * job.ld;

    for (int j = threadIdx.x; j < job.cols; j += blockDim.x)
        c[j] = job.beta == 0.0 ? 0 : (real)job.beta * c[j];
}

extern "C" mds_status mds_cuda_scale(mds_device *device, const mds_gemm *op)
{
    const scale_job job = {op->c, op->beta, op->stride_c, op->m, op->n, op->ldc, 0};
    dim3 grid, block;

    mds_row_map(op->m, op->n, &grid, &block);
    grid.y = (unsigned)op->batch;
    void (*const kernel)(scale_job) = op->real == MDS_REAL_FP32 ? scale<float> : scale<double>;
    return MDS_LAUNCH(device, kernel, grid, block, 0, job);
}

/* The nearest number with 10 bits behind the point, as cvt.rna.tf32 gives it. */
static __device__ inline float to_tf32(float x)
{
    return __uint_as_float((__float_as_uint(x) + 0x1000u) & 0xffffe000u);
}

static __global__ void split_tf32(const mds_cuda_split job)
{
    const int64_t row = mds_map_row();

    if (row >= job.rows)
        return;
    const float *from = job.from + blockIdx.y * job.stride + row * job.ld;
    float *to = job.to + blockIdx.y * job.stride_to + row * job.ldto;

    for (int j = threadIdx.x; j < job.cols; j += blockDim.x) {
        const float x = from[j], high = to_tf32(x), low = to_tf32(x - high);

        to[j] = job.second ? high : low;
        to[job.copy_stride + j] = job.second ? low : high;
        to[2 * job.copy_stride + j] = high;
    }
}

extern "C" mds_status mds_cuda_split_tf32(mds_device *device, const mds_cuda_split *split)
{
    dim3 grid, block;

    mds_row_map(split->rows, split->cols, &grid, &block);
    grid.y = (unsigned)split->batch;
    return MDS_LAUNCH(device, split_tf32, grid, block, 0, *split);
}
