/* Norms of rows and their gradients: a warp per row, a lane takes every 32nd element. Rows of up to
 * MDS_NORM_COLS_MAX elements are read once and kept in registers; longer ones (norm and its
 * gradient alone) are read again for each sum, from the caches. Sums in float64: over a lane's
 * elements in order, then over a tree of lanes. */
#include "device/cuda/launch.cuh"

extern "C" {
#include "device/cuda/ops_cuda.h"
}

enum { WARPS = 4, SHORT = 4, LONG = MDS_NORM_COLS_MAX / 32 /* elements a lane keeps */ };

/* The sum over the warp, in all lanes: both of a pair add the same two numbers. */
static __device__ inline double warp_sum(double value)
{
    for (int step = 16; step > 0; step /= 2)
        value += __shfl_xor_sync(0xffffffffu, value, step);
    return value;
}

typedef struct norm_job {
    const void *weight, *bias, *pre, *x;
    void *y, *z, *sum;
    double eps;
    int rms, rows, cols, ldx, ldy, ldz, ldsum, unused; /* an even number: no padding */
} norm_job;

typedef struct norm_grad_job {
    const void *weight, *x;
    void *g;
    double eps;
    int rms, rows, cols, ldx, ldg, unused;
} norm_grad_job;

/* v[0…held) are elements lane, lane + 32, ... of a row of n. */
template <typename real, int held>
static __device__ inline void load_row(const real *x, int n, real v[held])
{
#pragma unroll
    for (int t = 0; t < held; ++t)
        v[t] = (int)threadIdx.x + 32 * t < n ? x[threadIdx.x + 32 * t] : 0;
}

/* Mean (0 for rms) and scale of a row that is held. */
template <typename real, int held>
static __device__ inline double row_scale(int rms, int n, double eps, const real v[held],
                                          double *mean)
{
    double sum = 0.0, square = 0.0;

#pragma unroll
    for (int t = 0; t < held; ++t)
        sum += (double)v[t]; /* zeros beyond the end */
    *mean = rms ? 0.0 : warp_sum(sum) / n;
#pragma unroll
    for (int t = 0; t < held; ++t) {
        const double d = (double)v[t] - *mean;

        square += (int)threadIdx.x + 32 * t < n ? d * d : 0.0;
    }
    return 1.0 / sqrt(warp_sum(square) / n + eps);
}

/* The same of a row that is not. */
template <typename real>
static __device__ inline double long_row_scale(int rms, int n, double eps, const real *x,
                                               double *mean)
{
    double sum = 0.0, square = 0.0;

    for (int j = threadIdx.x; j < n; j += 32)
        sum += (double)x[j];
    *mean = rms ? 0.0 : warp_sum(sum) / n;
    for (int j = threadIdx.x; j < n; j += 32)
        square += ((double)x[j] - *mean) * ((double)x[j] - *mean);
    return 1.0 / sqrt(warp_sum(square) / n + eps);
}

template <typename real>
static __device__ inline real normed(const norm_job *job, int j, real x, double mean, double scale)
{
    const real weight = job->weight ? ((const real *)job->weight)[j] : 1;
    const real bias = job->bias ? ((const real *)job->bias)[j] : 0;

    return (real)(((double)x - mean) * scale) * weight + bias;
}

template <typename real, int held> static __global__ void norm_add(const norm_job job)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.y;
    const int n = job.cols;
    real v[held];
    double mean;

    if (row >= job.rows)
        return; /* the whole warp */
    load_row<real, held>((const real *)job.x + row * job.ldx, n, v);
    if (job.pre) {
        real pre[held];

        load_row<real, held>((const real *)job.pre, n, pre);
#pragma unroll
        for (int t = 0; t < held; ++t)
            v[t] += pre[t];
    }
    const double scale = row_scale<real, held>(job.rms, n, job.eps, v, &mean);
    real *y = job.y ? (real *)job.y + row * job.ldy : NULL;
    real *z = job.z ? (real *)job.z + row * job.ldz : NULL;
    real *sum = job.sum ? (real *)job.sum + row * job.ldsum : NULL;

#pragma unroll
    for (int t = 0; t < held; ++t) {
        const int j = threadIdx.x + 32 * t;

        if (j >= n)
            continue;
        const real out = normed<real>(&job, j, v[t], mean, scale);

        if (z) /* first: y may be z */
            z[j] = v[t];
        if (y)
            y[j] = out;
        if (sum)
            sum[j] += out;
    }
}

template <typename real> static __global__ void norm_long(const norm_job job)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.y;
    double mean;

    if (row >= job.rows)
        return;
    const real *x = (const real *)job.x + row * job.ldx;
    real *y = (real *)job.y + row * job.ldy;
    const double scale = long_row_scale<real>(job.rms, job.cols, job.eps, x, &mean);

    for (int j = threadIdx.x; j < job.cols; j += 32) /* a lane overwrites only what it has read */
        y[j] = normed<real>(&job, j, x[j], mean, scale);
}

static dim3 grid_of(int rows)
{
    return dim3(((unsigned)rows + WARPS - 1) / WARPS);
}

extern "C" mds_status mds_cuda_norm_add(mds_device *device, const mds_norm_add *op)
{
    const mds_norm *norm = &op->norm;
    const norm_job job = {norm->weight, norm->bias, op->pre,   norm->x,    norm->y,    op->z,
                          op->sum,      norm->eps,  norm->rms, norm->rows, norm->cols, norm->ldx,
                          norm->ldy,    op->ldz,    op->ldsum, 0};
    const bool fp32 = norm->real == MDS_REAL_FP32, few = norm->cols <= 32 * SHORT;
    void (*const kernel)(norm_job) = fp32
                                         ? (few ? norm_add<float, SHORT> : norm_add<float, LONG>)
                                         : (few ? norm_add<double, SHORT> : norm_add<double, LONG>);

    if (norm->rows == 0 || norm->cols == 0)
        return MDS_OK;
    return MDS_LAUNCH(device, kernel, grid_of(norm->rows), dim3(32, WARPS), 0, job);
}

extern "C" mds_status mds_cuda_norm(mds_device *device, const mds_norm *op)
{
    if (op->cols <= MDS_NORM_COLS_MAX) {
        mds_norm_add same;

        memset(&same, 0, sizeof same);
        same.norm = *op;
        return mds_cuda_norm_add(device, &same);
    }
    const norm_job job = {op->weight, op->bias, NULL,     op->x,   op->y,   NULL, NULL, op->eps,
                          op->rms,    op->rows, op->cols, op->ldx, op->ldy, 0,    0,    0};
    void (*const kernel)(norm_job) = op->real == MDS_REAL_FP32 ? norm_long<float>
                                                               : norm_long<double>;

    if (op->rows == 0)
        return MDS_OK;
    return MDS_LAUNCH(device, kernel, grid_of(op->rows), dim3(32, WARPS), 0, job);
}

/* With u = (x − mean)·s and v = g·weight: dx = s (v − mean v − u mean(u v)). */
template <typename real, int held> static __global__ void norm_grad(const norm_grad_job job)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.y;
    const int n = job.cols;
    real x[held], v[held];
    double mean, sum_v = 0.0, sum_uv = 0.0;

    if (row >= job.rows)
        return;
    real *g = (real *)job.g + row * job.ldg;

    load_row<real, held>((const real *)job.x + row * job.ldx, n, x);
    load_row<real, held>(g, n, v);
    const double s = row_scale<real, held>(job.rms, n, job.eps, x, &mean);

#pragma unroll
    for (int t = 0; t < held; ++t) {
        const int j = threadIdx.x + 32 * t;

        if (job.weight && j < n)
            v[t] *= ((const real *)job.weight)[j];
        sum_v += (double)v[t];
        sum_uv += ((double)x[t] - mean) * s * (double)v[t]; /* v is zero beyond the end */
    }
    const double mean_v = job.rms ? 0.0 : warp_sum(sum_v) / n, mean_uv = warp_sum(sum_uv) / n;

#pragma unroll
    for (int t = 0; t < held; ++t) {
        const int j = threadIdx.x + 32 * t;
        const double u = ((double)x[t] - mean) * s;

        if (j < n)
            g[j] = (real)(s * ((double)v[t] - mean_v - u * mean_uv));
    }
}

template <typename real> static __global__ void norm_grad_long(const norm_grad_job job)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.y;
    const int n = job.cols;
    double mean, sum_v = 0.0, sum_uv = 0.0;

    if (row >= job.rows)
        return;
    const real *x = (const real *)job.x + row * job.ldx, *weight = (const real *)job.weight;
    real *g = (real *)job.g + row * job.ldg;
    const double s = long_row_scale<real>(job.rms, n, job.eps, x, &mean);

    for (int j = threadIdx.x; j < n; j += 32) {
        const double v = (double)g[j] * (weight ? (double)weight[j] : 1.0);

        sum_v += v;
        sum_uv += ((double)x[j] - mean) * s * v;
    }
    const double mean_v = job.rms ? 0.0 : warp_sum(sum_v) / n, mean_uv = warp_sum(sum_uv) / n;

    for (int j = threadIdx.x; j < n; j += 32) {
        const double v = (double)g[j] * (weight ? (double)weight[j] : 1.0);

        g[j] = (real)(s * (v - mean_v - ((double)x[j] - mean) * s * mean_uv));
    }
}

extern "C" mds_status mds_cuda_norm_grad(mds_device *device, const mds_norm_grad *op)
{
    const norm_grad_job job = {op->weight, op->x,    op->g,   op->eps, op->rms,
                               op->rows,   op->cols, op->ldx, op->ldg, 0};
    const bool fp32 = op->real == MDS_REAL_FP32, few = op->cols <= 32 * SHORT;
    void (*kernel)(norm_grad_job) =
        fp32 ? (few ? norm_grad<float, SHORT> : norm_grad<float, LONG>)
             : (few ? norm_grad<double, SHORT> : norm_grad<double, LONG>);

    if (op->rows == 0 || op->cols == 0)
        return MDS_OK;
    if (op->cols > MDS_NORM_COLS_MAX)
        kernel = fp32 ? norm_grad_long<float> : norm_grad_long<double>;
    return MDS_LAUNCH(device, kernel, grid_of(op->rows), dim3(32, WARPS), 0, job);
}
