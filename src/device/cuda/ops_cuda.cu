/* Row-wise operations: each element is read and written once, by one thread. */
#include "device/cuda/launch.cuh"

extern "C" {
#include "device/act_math.h"
#include "device/cuda/ops_cuda.h"
}

#include "device/cuda/row_map.cuh"

static __device__ inline float value_of(int kind, float a, float z)
{
    return mds_act_value_fp32((mds_act_kind)kind, a, z);
}

static __device__ inline double value_of(int kind, double a, double z)
{
    return mds_act_value_fp64((mds_act_kind)kind, a, z);
}

static __device__ inline float slope_of(int kind, float a, float z, float y)
{
    return mds_act_slope_fp32((mds_act_kind)kind, a, z, y);
}

static __device__ inline double slope_of(int kind, double a, double z, double y)
{
    return mds_act_slope_fp64((mds_act_kind)kind, a, z, y);
}

/* Chooses the kernel template<real, width>. */
#define BY_REAL(kernel, real, width)                                                               \
    ((real) == MDS_REAL_FP32 ? ((width) > 1 ? kernel<float, 4> : kernel<float, 1>)                 \
                             : ((width) > 1 ? kernel<double, 2> : kernel<double, 1>))

typedef struct act_job {
    const void *bias, *a, *b;
    const int *ia, *ib;
    void *x, *y;
    double celu;
    int kind, rows, cols, lda, ldb, ldx, ldy, keep; /* keep: z goes to x */
} act_job;

template <typename real, int width>
static __device__ inline void add_pack(mds_pack<real, width> *z, const void *x, int64_t at)
{
    const mds_pack<real, width> more = mds_load_pack<real, width>((const real *)x + at);

#pragma unroll
    for (int k = 0; k < width; ++k)
        z->v[k] += more.v[k];
}

template <typename real, int width> static __global__ void gather_act(const act_job job)
{
    const int64_t row = mds_map_row();

    if (row >= job.rows)
        return;
    real *x = (real *)job.x + row * job.ldx, *y = (real *)job.y + row * job.ldy;
    const int64_t a = job.a ? (int64_t)job.ia[row] * job.lda : 0;
    const int64_t b = job.b ? (int64_t)job.ib[row] * job.ldb : 0;

    for (int j = threadIdx.x * width; j < job.cols; j += blockDim.x * width) {
        mds_pack<real, width> z = mds_load_pack<real, width>(x + j);

        if (job.bias)
            add_pack<real, width>(&z, job.bias, j);
        if (job.a)
            add_pack<real, width>(&z, job.a, a + j);
        if (job.b)
            add_pack<real, width>(&z, job.b, b + j);
        if (job.keep)
            mds_store_pack<real, width>(x + j, z);
#pragma unroll
        for (int k = 0; k < width; ++k)
            z.v[k] = value_of(job.kind, (real)job.celu, z.v[k]);
        mds_store_pack<real, width>(y + j, z);
    }
}

extern "C" mds_status mds_cuda_gather_act(mds_device *device, const mds_gather_act *op)
{
    const bool adds = op->bias || op->a || op->b;
    const act_job job = {op->bias,     op->a,    op->b,    op->ia,
                         op->ib,       op->x,    op->y,    op->act.a,
                         op->act.kind, op->rows, op->cols, op->lda,
                         op->ldb,      op->ldx,  op->ldy,  adds && op->x != op->y};
    int width = mds_pack_width(op->real, op->cols, op->x, op->ldx);
    dim3 grid, block;

    if (op->rows == 0 || op->cols == 0)
        return MDS_OK;
    width = mds_least(width, mds_pack_width(op->real, op->cols, op->y, op->ldy));
    width = mds_least(width, mds_pack_width(op->real, op->cols, op->bias, op->cols));
    width = mds_least(width, mds_pack_width(op->real, op->cols, op->a, op->lda));
    width = mds_least(width, mds_pack_width(op->real, op->cols, op->b, op->ldb));
    mds_row_map(op->rows, op->cols / width, &grid, &block);
    void (*const kernel)(act_job) = BY_REAL(gather_act, op->real, width);
    return MDS_LAUNCH(device, kernel, grid, block, 0, job);
}

extern "C" mds_status mds_cuda_bias_act(mds_device *device, const mds_bias_act *op)
{
    mds_gather_act same;

    memset(&same, 0, sizeof same);
    same.real = op->real;
    same.act = op->act;
    same.rows = op->rows;
    same.cols = op->cols;
    same.bias = op->bias;
    same.x = op->x;
    same.y = op->y;
    same.ldx = op->ldx;
    same.ldy = op->ldy;
    return mds_cuda_gather_act(device, &same);
}

typedef struct grad_job {
    const void *z, *y;
    void *g;
    double celu;
    int kind, rows, cols, ldz, ldy, ldg;
} grad_job;

/* Celu knows its slope from y, the others from z: one of the two is read. */
template <typename real, int width> static __global__ void act_grad(const grad_job job)
{
    const int64_t row = mds_map_row();
    const bool by_y = job.kind == MDS_ACT_CELU;

    if (row >= job.rows)
        return;
    const real *from = by_y ? (const real *)job.y + row * job.ldy
                            : (const real *)job.z + row * job.ldz;
    real *g = (real *)job.g + row * job.ldg;

    for (int j = threadIdx.x * width; j < job.cols; j += blockDim.x * width) {
        const mds_pack<real, width> x = mds_load_pack<real, width>(from + j);
        mds_pack<real, width> out = mds_load_pack<real, width>(g + j);

#pragma unroll
        for (int k = 0; k < width; ++k)
            out.v[k] *= slope_of(job.kind, (real)job.celu, x.v[k], x.v[k]);
        mds_store_pack<real, width>(g + j, out);
    }
}

extern "C" mds_status mds_cuda_act_grad(mds_device *device, const mds_act_grad *op)
{
    const bool by_y = op->act.kind == MDS_ACT_CELU;
    const grad_job job = {op->z,    op->y,    op->g,   op->act.a, op->act.kind,
                          op->rows, op->cols, op->ldz, op->ldy,   op->ldg};
    int width = mds_pack_width(op->real, op->cols, op->g, op->ldg);
    dim3 grid, block;

    if (op->rows == 0 || op->cols == 0 || op->act.kind == MDS_ACT_NONE)
        return MDS_OK;
    width = mds_least(width, by_y ? mds_pack_width(op->real, op->cols, op->y, op->ldy)
                                  : mds_pack_width(op->real, op->cols, op->z, op->ldz));
    mds_row_map(op->rows, op->cols / width, &grid, &block);
    void (*const kernel)(grad_job) = BY_REAL(act_grad, op->real, width);
    return MDS_LAUNCH(device, kernel, grid, block, 0, job);
}

typedef struct rows_job {
    const int *index, *start;
    const void *x;
    void *y;
    int rows, cols, ldx, ldy;
} rows_job;

static rows_job rows_job_of(const mds_rows *op)
{
    const rows_job job = {op->index, op->start, op->x, op->y, op->rows, op->cols, op->ldx, op->ldy};

    return job;
}

template <typename real, int width> static __global__ void gather_rows(const rows_job job)
{
    const int64_t row = mds_map_row();

    if (row >= job.rows)
        return;
    const int from = job.index[row];
    const real *x = (const real *)job.x + (int64_t)from * job.ldx;
    real *y = (real *)job.y + row * job.ldy;

    for (int j = threadIdx.x * width; j < job.cols; j += blockDim.x * width) {
        mds_pack<real, width> pack = {};

        if (from >= 0)
            pack = mds_load_pack<real, width>(x + j);
        mds_store_pack<real, width>(y + j, pack);
    }
}

extern "C" mds_status mds_cuda_gather_rows(mds_device *device, const mds_rows *op)
{
    const int width = mds_least(mds_pack_width(op->real, op->cols, op->x, op->ldx),
                                mds_pack_width(op->real, op->cols, op->y, op->ldy));
    dim3 grid, block;

    if (op->rows == 0 || op->cols == 0)
        return MDS_OK;
    mds_row_map(op->rows, op->cols / width, &grid, &block);
    void (*const kernel)(rows_job) = BY_REAL(gather_rows, op->real, width);
    return MDS_LAUNCH(device, kernel, grid, block, 0, rows_job_of(op));
}

/* A block is (32, parts): a lane takes a column, part p the terms start + p, + parts, ..., and at
 * the end thread (lane, 0) adds the parts in order. */
enum { PARTS_MAX = 8 };

template <typename real> static __global__ void segment_sum(const rows_job job)
{
    __shared__ double part[PARTS_MAX][32];
    const int lane = threadIdx.x, parts = blockDim.y;
    const int column = blockIdx.y * 32 + lane;
    const int begin = job.start[blockIdx.x], end = job.start[blockIdx.x + 1];
    double sum = 0.0;

    if (column < job.cols) {
        const real *x = (const real *)job.x + column;

#pragma unroll 4
        for (int i = begin + (int)threadIdx.y; i < end; i += parts)
            sum += (double)x[(int64_t)(job.index ? job.index[i] : i) * job.ldx];
    }
    part[threadIdx.y][lane] = sum;
    __syncthreads();
    if (threadIdx.y != 0 || column >= job.cols)
        return;
    for (int p = 1; p < parts; ++p)
        sum += part[p][lane];
    ((real *)job.y)[(int64_t)blockIdx.x * job.ldy + column] = (real)sum;
}

/* Narrow rows: a warp per segment and column, its lanes over the terms. */
template <typename real> static __global__ void segment_sum_narrow(const rows_job job)
{
    const int64_t segment = mds_map_row();
    const int lane = threadIdx.x, column = blockIdx.y;
    double sum = 0.0;

    if (segment >= job.rows)
        return; /* the whole warp */
    const int begin = job.start[segment], end = job.start[segment + 1];
    const real *x = (const real *)job.x + column;

    for (int i = begin + lane; i < end; i += 32)
        sum += (double)x[(int64_t)(job.index ? job.index[i] : i) * job.ldx];
    for (int step = 16; step > 0; step /= 2)
        sum += __shfl_down_sync(0xffffffffu, sum, step);
    if (lane == 0)
        ((real *)job.y)[segment * job.ldy + column] = (real)sum;
}

/* The order of the sum follows from the shape alone, so it repeats. Few segments are long ones,
 * with many terms for each thread: those are divided. */
extern "C" mds_status mds_cuda_segment_sum(mds_device *device, const mds_rows *op)
{
    enum { NARROW = 8, WARPS = 8, MANY = 1024 };
    const unsigned rows = (unsigned)op->rows, chunks = ((unsigned)op->cols + 31) / 32;
    const bool fp32 = op->real == MDS_REAL_FP32;

    if (op->rows == 0 || op->cols == 0)
        return MDS_OK;
    if (op->cols <= NARROW) {
        void (*const kernel)(rows_job) = fp32 ? segment_sum_narrow<float>
                                              : segment_sum_narrow<double>;

        return MDS_LAUNCH(device, kernel, dim3((rows + WARPS - 1) / WARPS, (unsigned)op->cols),
                          dim3(32, WARPS), 0, rows_job_of(op));
    }
    void (*const kernel)(rows_job) = fp32 ? segment_sum<float> : segment_sum<double>;
    const unsigned parts = (int64_t)rows * chunks < MANY ? PARTS_MAX : 2;

    return MDS_LAUNCH(device, kernel, dim3(rows, chunks), dim3(32, parts), 0, rows_job_of(op));
}
