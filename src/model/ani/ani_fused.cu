/* The networks of all elements and members in one kernel: a block takes 16 atoms of one element
 * through one member, forward and back, with the outputs of the layers in shared memory. Weights
 * come from the second-level cache, each once for each of the two ways.
 *
 * Matrices in shared memory are (terms, 16 atoms), with the halves of a row exchanged in every
 * other pair of rows, so that a column of four terms and eight atoms meets all 32 banks. A warp
 * computes 32 results of the 16 atoms at a time, a lane 4 x 4 of them: by FMA, or by tensor cores
 * in three products of TF32 parts (mma.cuh), whose columns are numbered so that the weights of a
 * lane are four neighbours in both cases. */
#include "device/cuda/launch.cuh"

extern "C" {
#include "device/act_math.h"
#include "model/ani/ani_cuda.h"
}
#include "device/cuda/mma.cuh"

enum {
    ROWS = ANI_FUSED_ROWS,
    COLUMNS = ANI_FUSED_COLUMNS,
    QUADS = COLUMNS / 4,
    STEP = 8, /* terms whose weights are loaded together */
    WARPS = ANI_FUSED_BLOCK / 32
};

/* Before compute capability 8.0 there are no TF32 units: float32 is as right, and faster than what
 * mma.cuh would do instead. */
#ifdef MDS_MMA_OLD
#define BY_TENSOR(tensor) false
#else
#define BY_TENSOR(tensor) (tensor)
#endif

/* Where the number of atom `row` in row k of a matrix lies. */
static __device__ inline int place(int k, int row)
{
    return k * ROWS + (row ^ (k & 2) << 2);
}

/* What a lane has of 16 x 32 results: x[s][j] is of atom row(s), column column(s) + j. */
typedef struct results {
    float x[4][4];
} results;

template <bool tensor> static __device__ inline int row_of(int s)
{
    return BY_TENSOR(tensor) ? mds_mma_row(s) : mds_mma_lane() / 8 * 4 + s;
}

template <bool tensor> static __device__ inline int column_of(int s)
{
    return 4 * (BY_TENSOR(tensor) ? mds_mma_column(s) : mds_mma_lane() % 8);
}

/* ---- products ---- */

static __device__ inline void load_weights(const float4 *w, int lane, float4 out[STEP])
{
#pragma unroll
    for (int k = 0; k < STEP; ++k)
        out[k] = __ldg(w + k * QUADS + lane % QUADS);
}

static __device__ inline void multiply(const float *a, const float4 &w, results *sum)
{
    const float4 x = *(const float4 *)a;
    const float rows[4] = {x.x, x.y, x.z, x.w}, columns[4] = {w.x, w.y, w.z, w.w};

#pragma unroll
    for (int s = 0; s < 4; ++s)
#pragma unroll
        for (int j = 0; j < 4; ++j)
            sum->x[s][j] += rows[s] * columns[j];
}

/* a (terms,16) in shared memory times w (terms,32): the weights of the next 8 terms are on their
 * way while those of these 8 are used. */
static __device__ inline results product_fma(const float *a, const float *w, int terms)
{
    const int lane = mds_mma_lane(), row = lane / 8 * 4;
    const float4 *from = (const float4 *)w;
    results sum = {{{0.0f}}};
    float4 now[STEP], next[STEP];

    load_weights(from, lane, now);
    for (int k = 0; k < terms; k += STEP) {
        if (k + STEP < terms)
            load_weights(from + (k + STEP) * QUADS, lane, next);
#pragma unroll
        for (int t = 0; t < STEP; ++t)
            multiply(a + place(k + t, row), now[t], &sum);
#pragma unroll
        for (int t = 0; t < STEP; ++t)
            now[t] = next[t];
    }
    return sum;
}

static __device__ inline mds_tf32x3_a load_atoms(const float *a, int k)
{
    const int row = mds_mma_lane() >> 2, term = k + (mds_mma_lane() & 3);
    mds_tf32x3_a out;

#pragma unroll
    for (int r = 0; r < 4; ++r) {
        const float x = a[place(term + (r >> 1) * 4, row + (r & 1) * 8)];

        out.high.x[r] = mds_tf32_bits(x);
        out.low.x[r] = mds_tf32_rest(x, out.high.x[r]);
    }
    return out;
}

/* The two terms that a lane multiplies of a step, four columns each. */
static __device__ inline void load_terms(const float4 *w, float4 out[2])
{
    const int lane = mds_mma_lane();

    out[0] = __ldg(w + (lane & 3) * QUADS + (lane >> 2));
    out[1] = __ldg(w + ((lane & 3) + 4) * QUADS + (lane >> 2));
}

/* The same by tensor cores: column c of product q is column 4c + q. */
static __device__ inline results product_tensor(const float *a, const float *w, int terms)
{
    enum { AHEAD = 2 };
    const float4 *from = (const float4 *)w;
    mds_mma_sum d[4] = {mds_mma_zero(), mds_mma_zero(), mds_mma_zero(), mds_mma_zero()};
    float4 ring[AHEAD][2];
    results sum;

#pragma unroll
    for (int p = 0; p < AHEAD; ++p)
        if (p * STEP < terms)
            load_terms(from + p * STEP * QUADS, ring[p]);
    for (int first = 0; first < terms; first += AHEAD * STEP)
#pragma unroll
        for (int p = 0; p < AHEAD; ++p) {
            const int k = first + p * STEP;

            if (k >= terms)
                break;
            const float4 u = ring[p][0], v = ring[p][1];
            const float us[4] = {u.x, u.y, u.z, u.w}, vs[4] = {v.x, v.y, v.z, v.w};
            const mds_tf32x3_a atoms = load_atoms(a, k);

            if (k + AHEAD * STEP < terms)
                load_terms(from + (k + AHEAD * STEP) * QUADS, ring[p]);
            mds_tf32_b high[4], low[4];

#pragma unroll
            for (int q = 0; q < 4; ++q) {
                const mds_tf32x3_b both = mds_tf32x3_split_b(us[q], vs[q]);

                high[q] = both.high;
                low[q] = both.low;
            }
            /* As mds_mma_tf32x3(), but four products at a time that do not wait for each other. */
            mds_mma_tf32_row(d, atoms.low, high);
            mds_mma_tf32_row(d, atoms.high, low);
            mds_mma_tf32_row(d, atoms.high, high);
        }
#pragma unroll
    for (int s = 0; s < 4; ++s)
#pragma unroll
        for (int q = 0; q < 4; ++q)
            sum.x[s][q] = d[q].x[s];
    return sum;
}

template <bool tensor>
static __device__ inline results product(const float *a, const float *w, int terms)
{
    if (BY_TENSOR(tensor))
        return product_tensor(a, w, terms);
    return product_fma(a, w, terms);
}

/* ---- layers ---- */

/* The slope of celu (a = 0.1) from its value. */
static __device__ inline float slope_of(float y)
{
    return mds_act_slope_fp32(MDS_ACT_CELU, 0.1f, 0.0f, y);
}

/* y = celu(W x + b). */
template <bool tensor>
static __device__ void layer_forward(const ani_fused_job &job, const ani_fused_layer &layer, int m,
                                     const float *x, float *y)
{
    const int terms = layer.in, block = terms * COLUMNS;
    const float *w = job.weights + layer.forward + m * layer.forward_stride;
    const float *bias = job.weights + layer.bias + m * layer.out;

    for (int b = (int)threadIdx.x / 32; b * COLUMNS < layer.out; b += WARPS) {
        const results sum = product<tensor>(x, w + (size_t)b * block, terms);

#pragma unroll
        for (int s = 0; s < 4; ++s) {
            const int row = row_of<tensor>(s), column = b * COLUMNS + column_of<tensor>(s);

            for (int j = 0; column < layer.out && j < 4; ++j)
                y[place(column + j, row)] =
                    mds_act_value_fp32(MDS_ACT_CELU, 0.1f, sum.x[s][j] + bias[column + j]);
        }
    }
}

/* From g = dE/dz of the layer to dE/dz of the layer before, in the place of its outputs. */
template <bool tensor>
static __device__ void layer_backward(const ani_fused_job &job, const ani_fused_layer &layer, int m,
                                      const float *g, float *y)
{
    const int terms = layer.out, block = terms * COLUMNS;
    const float *w = job.weights + layer.backward + m * layer.backward_stride;

    for (int b = (int)threadIdx.x / 32; b * COLUMNS < layer.in; b += WARPS) {
        const results sum = product<tensor>(g, w + (size_t)b * block, terms);

#pragma unroll
        for (int s = 0; s < 4; ++s) {
            const int row = row_of<tensor>(s), column = b * COLUMNS + column_of<tensor>(s);

            for (int j = 0; column < layer.in && j < 4; ++j) {
                float *at = y + place(column + j, row);

                *at = sum.x[s][j] * slope_of(*at);
            }
        }
    }
}

/* dE/dG of the atoms. */
template <bool tensor>
static __device__ void first_backward(const ani_fused_job &job, const ani_fused_layer &layer, int m,
                                      const ani_fused_tile &tile, const float *g)
{
    const int terms = layer.out, block = terms * COLUMNS;
    const float *w = job.weights + layer.backward + m * layer.backward_stride;
    float *to = job.grad + ((size_t)m * job.n + tile.first) * job.features;

    for (int b = (int)threadIdx.x / 32; b * COLUMNS < layer.in; b += WARPS) {
        const results sum = product<tensor>(g, w + (size_t)b * block, terms);

#pragma unroll
        for (int s = 0; s < 4; ++s) {
            const int row = row_of<tensor>(s), column = b * COLUMNS + column_of<tensor>(s);
            const float4 four = {sum.x[s][0], sum.x[s][1], sum.x[s][2], sum.x[s][3]};

            if (row < tile.rows && column < layer.in)
                *(float4 *)(to + (size_t)row * job.features + column) = four;
        }
    }
}

/* Energies, and dE/dz of the last hidden layer in the place of its outputs. 16 lanes for each atom.
 */
static __device__ void last_layer(const ani_fused_job &job, const ani_fused_net &net, int m,
                                  const ani_fused_tile &tile, float *h)
{
    enum { LANES = ANI_FUSED_BLOCK / ROWS };
    const float *w = job.weights + net.weight + m * net.width;
    const int row = (int)threadIdx.x / LANES;
    double sum = 0.0;

    for (int k = (int)threadIdx.x % LANES; k < net.width; k += LANES) {
        float *at = h + place(k, row);

        sum += (double)w[k] * (double)*at;
        *at = w[k] * slope_of(*at);
    }
#pragma unroll
    for (int bit = LANES / 2; bit > 0; bit /= 2)
        sum += __shfl_xor_sync(0xffffffffu, sum, bit);
    if (threadIdx.x % LANES == 0 && row < tile.rows)
        job.energy[(size_t)m * job.n + tile.first + row] = sum + (double)job.weights[net.bias + m];
}

/* Descriptors of the atoms, zero where there is none. */
static __device__ void load_descriptors(const ani_fused_job &job, const ani_fused_tile &tile,
                                        float *x)
{
    const float *g = job.g + (size_t)tile.first * job.features;

    for (int k = (int)threadIdx.x; k < ROWS * job.features; k += ANI_FUSED_BLOCK) {
        const int row = k / job.features, column = k % job.features;

        x[place(column, row)] = row < tile.rows ? g[k] : 0.0f;
    }
}

template <bool tensor>
static __global__ __launch_bounds__(ANI_FUSED_BLOCK, 2) void ani_fused(const ani_fused_job job)
{
    MDS_DYNAMIC_SHARED(float, shared);
    const int m = (int)blockIdx.x / job.tiles;

    if (job.d->fault)
        return;
    const ani_fused_tile tile = job.tile[(int)blockIdx.x % job.tiles];
    const ani_fused_net &net = job.net[tile.element];
    float *y = shared, *const saved = job.saved + blockIdx.x * (job.shared_bytes / sizeof(float));
    int floats = ROWS * net.width;

    for (int l = 0; l < net.hidden; ++l)
        floats += ROWS * net.layer[l].in;
    if (job.phases & ANI_FUSED_FORWARD) {
        load_descriptors(job, tile, shared);
        __syncthreads();
        for (int l = 0; l < net.hidden; ++l) {
            float *const x = y;

            y += ROWS * net.layer[l].in;
            layer_forward<tensor>(job, net.layer[l], m, x, y);
            __syncthreads();
        }
        last_layer(job, net, m, tile, y);
        __syncthreads();
    } else {
        for (int k = (int)threadIdx.x; k < floats; k += ANI_FUSED_BLOCK)
            shared[k] = saved[k];
        y += floats - ROWS * net.width;
        __syncthreads();
    }
    if (!(job.phases & ANI_FUSED_BACKWARD)) {
        for (int k = (int)threadIdx.x; k < floats; k += ANI_FUSED_BLOCK)
            saved[k] = shared[k];
        return;
    }
    for (int l = net.hidden - 1; l > 0; --l) {
        float *const g = y;

        y -= ROWS * net.layer[l].in;
        layer_backward<tensor>(job, net.layer[l], m, g, y);
        __syncthreads();
    }
    first_backward<tensor>(job, net.layer[0], m, tile, y);
}

typedef void (*fused_kernel)(ani_fused_job);

static fused_kernel kernel_of(const ani_fused_job *job)
{
    return job->tf32x3 ? ani_fused<true> : ani_fused<false>;
}

extern "C" bool ani_fused_allow(mds_device *device, const ani_fused_job *job)
{
    const bool allowed = job->shared_bytes <= 48 * 1024 ||
                         cudaFuncSetAttribute(kernel_of(job),
                                              cudaFuncAttributeMaxDynamicSharedMemorySize,
                                              (int)job->shared_bytes) == cudaSuccess;

    (void)device; /* the current one */
    if (!allowed)
        (void)cudaGetLastError();
    return allowed;
}

extern "C" mds_status ani_fused_networks(mds_device *device, const ani_fused_job *job)
{
    const fused_kernel kernel = kernel_of(job);

    return MDS_LAUNCH(device, kernel, (unsigned)(job->tiles * job->members), ANI_FUSED_BLOCK,
                      (size_t)job->shared_bytes, *job);
}
