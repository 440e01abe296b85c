/* Edge features, gates and the sums of messages. */
#include "device/cuda/launch.cuh"

extern "C" {
#include "model/orb/orb_cuda.h"
#include "model/orb/orb_edge_math.h"
}

enum {
    FEATURE_EDGES = 32, /* of a block */
    FEATURE_BLOCK = FEATURE_EDGES * ORB_BESSEL,
    GATE_WARPS = 4,
    HELD = ORB_WIDTH / 32 /* elements of a row that a lane holds */
};

/* ---- features ---- */

/* For a block: what the edges' features are made of, first by direction, then by length. */
typedef struct edge_parts {
    double angular[FEATURE_EDGES][ORB_HARMONICS + 1]; /* one more: no conflicts of banks */
    double radial[FEATURE_EDGES][ORB_BESSEL];
} edge_parts;

static __device__ void direction(const orb_cuda_features &job, int e, double n[3])
{
    const double d = job.distance[e], inverse = 1.0 / (d > 1e-12 ? d : 1e-12);

    for (int a = 0; a < 3; ++a)
        n[a] = job.vector[3 * (size_t)e + a] * inverse;
}

/* Eight Bessel functions by the sixteen harmonics, times the envelope. */
template <typename real> static __global__ void orb_features_v3(const orb_cuda_features job)
{
    __shared__ edge_parts parts;
    const int thread = (int)threadIdx.x, first = (int)blockIdx.x * FEATURE_EDGES;
    const int rows = job.rows - first < FEATURE_EDGES ? job.rows - first : FEATURE_EDGES;
    const int mine = thread / ORB_BESSEL, k = thread % ORB_BESSEL;

    if (mine < rows) {
        double slope;
        const double d = job.distance[first + mine], c = orb_envelope(d, &slope);

        parts.radial[mine][k] = c * orb_bessel(d, job.prefactor, job.bessel[k], &slope);
        if (k == 0)
            ((real *)job.envelope)[first + mine] = (real)c;
    }
    if (thread < rows) {
        double n[3], y[ORB_HARMONICS];

        direction(job, first + thread, n);
        orb_harmonics(n, y, NULL);
#pragma unroll
        for (int m = 0; m < ORB_HARMONICS; ++m)
            parts.angular[thread][m] = y[m];
    }
    __syncthreads();
    for (int at = thread; at < rows * ORB_FEATURES_MAX; at += FEATURE_BLOCK) {
        const int row = at / ORB_FEATURES_MAX, j = at % ORB_FEATURES_MAX;

        ((real *)job.f)[(size_t)first * ORB_FEATURES_MAX + at] =
            (real)(parts.radial[row][j / ORB_HARMONICS] * parts.angular[row][j % ORB_HARMONICS]);
    }
}

/* Twenty Gaussians and the direction. */
template <typename real> static __global__ void orb_features_v2(const orb_cuda_features job)
{
    enum { WIDTH = ORB_GAUSSIANS + 3 };
    const int at = (int)(blockIdx.x * blockDim.x + threadIdx.x), e = at / WIDTH, j = at % WIDTH;
    double slope, n[3];

    if (e >= job.rows)
        return;
    if (j < ORB_GAUSSIANS) {
        ((real *)job.f)[at] = (real)orb_gaussian(job.distance[e], j);
    } else {
        direction(job, e, n);
        ((real *)job.f)[at] = (real)(j == ORB_GAUSSIANS       ? n[0]
                                     : j == ORB_GAUSSIANS + 1 ? n[1]
                                                              : n[2]);
    }
    if (j == 0)
        ((real *)job.envelope)[e] = (real)orb_envelope(job.distance[e], &slope);
}

extern "C" mds_status orb_cuda_features_of(mds_device *device, mds_real real,
                                           const orb_cuda_features *job)
{
    const bool fp32 = real == MDS_REAL_FP32;
    void (*const v3)(orb_cuda_features) = fp32 ? orb_features_v3<float> : orb_features_v3<double>;
    void (*const v2)(orb_cuda_features) = fp32 ? orb_features_v2<float> : orb_features_v2<double>;
    const int64_t numbers = (int64_t)job->rows * (ORB_GAUSSIANS + 3);

    if (job->v3)
        return MDS_LAUNCH(device, v3, (job->rows + FEATURE_EDGES - 1) / FEATURE_EDGES,
                          FEATURE_BLOCK, 0, *job);
    return MDS_LAUNCH(device, v2, (unsigned)((numbers + FEATURE_BLOCK - 1) / FEATURE_BLOCK),
                      FEATURE_BLOCK, 0, *job);
}

/* ---- gates ---- */

/* A warp has an edge. */
template <typename real> static __global__ void orb_gate(const orb_cuda_gate job)
{
    const int lane = (int)threadIdx.x, row = (int)(blockIdx.x * GATE_WARPS + threadIdx.y);

    if (row >= job.rows)
        return; /* the whole warp */
    const real *e = (const real *)job.e + (size_t)row * ORB_WIDTH;
    const real *w0 = (const real *)job.w[0], *w1 = (const real *)job.w[1];
    real sum0 = 0, sum1 = 0;

#pragma unroll
    for (int t = 0; t < HELD; ++t) {
        const int j = lane + 32 * t;

        sum0 += e[j] * w0[j];
        sum1 += e[j] * w1[j];
    }
    for (int bit = 16; bit > 0; bit /= 2) {
        sum0 += __shfl_xor_sync(0xffffffffu, sum0, bit);
        sum1 += __shfl_xor_sync(0xffffffffu, sum1, bit);
    }
    if (lane > 1)
        return;
    const double x = lane ? (double)sum1 + job.b[1] : (double)sum0 + job.b[0];
    const double s = 1.0 / (1.0 + exp(-x));
    const size_t at = 2 * (size_t)row + (size_t)lane;

    ((real *)job.gate)[at] = (real)s * ((const real *)job.envelope)[row];
    if (job.sigma)
        ((real *)job.sigma)[at] = (real)s;
}

extern "C" mds_status orb_cuda_gates(mds_device *device, mds_real real, const orb_cuda_gate *job)
{
    void (*const kernel)(orb_cuda_gate) = real == MDS_REAL_FP32 ? orb_gate<float>
                                                                : orb_gate<double>;

    return MDS_LAUNCH(device, kernel, (job->rows + GATE_WARPS - 1) / GATE_WARPS,
                      dim3(32, GATE_WARPS), 0, *job);
}

/* ---- sums ---- */

/* Two blocks have an atom, one for what it receives and one for what it sends; a thread has a
 * column and adds the edges in their order. */
template <typename real> static __global__ void orb_aggregate(const orb_cuda_aggregate job)
{
    const int i = (int)blockIdx.x, column = (int)threadIdx.x, sent = (int)blockIdx.y;
    const int *start = sent ? job.start : job.receiver_start;
    const int first = start[i], last = start[i + 1];
    const real *m = (const real *)job.m + column, *gate = (const real *)job.gate + sent;
    real *out = (real *)job.out + (size_t)i * 3 * ORB_WIDTH + column;
    real sum = 0;

#pragma unroll 4
    for (int k = first; k < last; ++k) {
        const size_t e = (size_t)(sent ? k : job.receiver_edges[k]);

        sum += gate[2 * e] * m[e * ORB_WIDTH];
    }
    out[(1 + sent) * ORB_WIDTH] = sum;
    if (sent)
        out[0] = ((const real *)job.h)[(size_t)i * ORB_WIDTH + column];
}

extern "C" mds_status orb_cuda_sum_messages(mds_device *device, mds_real real,
                                            const orb_cuda_aggregate *job)
{
    void (*const kernel)(orb_cuda_aggregate) = real == MDS_REAL_FP32 ? orb_aggregate<float>
                                                                     : orb_aggregate<double>;

    return MDS_LAUNCH(device, kernel, dim3((unsigned)job->n, 2), ORB_WIDTH, 0, *job);
}
