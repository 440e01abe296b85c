/* The way back: gradients by messages, by rows that were added, and by the edges' vectors. */
#include "device/cuda/launch.cuh"

extern "C" {
#include "model/orb/orb_cuda.h"
#include "model/orb/orb_edge_math.h"
}

enum { WARPS = 4, HELD = ORB_WIDTH / 32, ADD_BLOCK = 256, VECTOR_EDGES = 32 };

/* ---- messages ---- */

/* A warp has an edge, a lane every 32nd column. R = Σ g₀ m at the receiver and S = Σ g₁ m at the
 * sender, with g = σ c: see message_grad() of orb_kernel_body.h. */
template <typename real> static __global__ void orb_message_back(const orb_cuda_message_grad job)
{
    const int lane = (int)threadIdx.x, e = (int)(blockIdx.x * WARPS + threadIdx.y);

    if (e >= job.rows)
        return; /* the whole warp */
    const size_t row = (size_t)e * ORB_WIDTH;
    const real *m = (const real *)job.message + row, *sigma = (const real *)job.sigma;
    const real *node = (const real *)job.node;
    const real *at0 = node + ((size_t)job.receiver[e] * 3 + 1) * ORB_WIDTH;
    const real *at1 = node + ((size_t)job.sender[e] * 3 + 2) * ORB_WIDTH;
    const real *w0 = (const real *)job.w[0], *w1 = (const real *)job.w[1];
    const real c = ((const real *)job.envelope)[e];
    const real s0 = sigma[2 * (size_t)e], s1 = sigma[2 * (size_t)e + 1];
    real *edge = (real *)job.edge + row, *grad = (real *)job.grad + row;
    real n0[HELD], n1[HELD], t0 = 0, t1 = 0;

#pragma unroll
    for (int t = 0; t < HELD; ++t) {
        const int j = lane + 32 * t;
        const real x = m[j];

        n0[t] = at0[j];
        n1[t] = at1[j];
        t0 += n0[t] * x;
        t1 += n1[t] * x;
    }
    for (int bit = 16; bit > 0; bit /= 2) {
        t0 += __shfl_xor_sync(0xffffffffu, t0, bit);
        t1 += __shfl_xor_sync(0xffffffffu, t1, bit);
    }
    const real slope0 = t0 * c * s0 * (1 - s0), slope1 = t1 * c * s1 * (1 - s1);

#pragma unroll
    for (int t = 0; t < HELD; ++t) {
        const int j = lane + 32 * t;
        const real before = edge[j];

        grad[j] = before + n0[t] * (s0 * c) + n1[t] * (s1 * c);
        edge[j] = before + slope0 * w0[j] + slope1 * w1[j];
    }
    if (lane == 0)
        job.envelope_grad[e] += (double)t0 * (double)s0 + (double)t1 * (double)s1;
}

extern "C" mds_status orb_cuda_messages_back(mds_device *device, mds_real real,
                                             const orb_cuda_message_grad *job)
{
    void (*const kernel)(orb_cuda_message_grad) = real == MDS_REAL_FP32 ? orb_message_back<float>
                                                                        : orb_message_back<double>;

    return MDS_LAUNCH(device, kernel, (job->rows + WARPS - 1) / WARPS, dim3(32, WARPS), 0, *job);
}

/* ---- rows ---- */

template <typename real>
static __global__ void orb_add_rows(int rows, int cols, const real *from, int ldfrom, real *to,
                                    int ldto)
{
    const int64_t at = (int64_t)blockIdx.x * ADD_BLOCK + threadIdx.x;

    if (at >= (int64_t)rows * cols)
        return;
    const int64_t i = at / cols, j = at % cols;

    to[i * ldto + j] += from[i * ldfrom + j];
}

extern "C" mds_status orb_cuda_add_rows(mds_device *device, mds_real real, int rows, int cols,
                                        const void *from, int ldfrom, void *to, int ldto)
{
    const unsigned blocks = (unsigned)(((int64_t)rows * cols + ADD_BLOCK - 1) / ADD_BLOCK);

    if (real == MDS_REAL_FP32)
        return MDS_LAUNCH(device, orb_add_rows<float>, blocks, ADD_BLOCK, 0, rows, cols,
                          (const float *)from, ldfrom, (float *)to, ldto);
    return MDS_LAUNCH(device, orb_add_rows<double>, blocks, ADD_BLOCK, 0, rows, cols,
                      (const double *)from, ldfrom, (double *)to, ldto);
}

/* ---- vectors ---- */

/* A warp has 32 edges and loads their gradients together; then a thread has an edge, as
 * vector_grad() of orb_kernel_body.h. */
template <typename real> static __global__ void orb_vector_back(const orb_cuda_vector_grad job)
{
    enum { STRIDE = ORB_FEATURES_MAX + 1 }; /* one more: no conflicts of banks */
    __shared__ real tile[VECTOR_EDGES * STRIDE];
    const int lane = (int)threadIdx.x, first = (int)blockIdx.x * VECTOR_EDGES;
    const int rows = job.rows - first < VECTOR_EDGES ? job.rows - first : VECTOR_EDGES;
    const real *from = (const real *)job.f_grad + (size_t)first * ORB_FEATURES_MAX;

    for (int at = lane; at < rows * ORB_FEATURES_MAX; at += VECTOR_EDGES)
        tile[at / ORB_FEATURES_MAX * STRIDE + at % ORB_FEATURES_MAX] = from[at];
    __syncthreads();
    if (lane >= rows)
        return;
    const size_t e = (size_t)(first + lane);
    const double d = job.distance[e], *v = job.vector + 3 * e;
    const double n[3] = {v[0] / d, v[1] / d, v[2] / d};
    double y[ORB_HARMONICS], jacobian[ORB_HARMONICS][3], gy[ORB_HARMONICS], turn[3];
    double c_slope, along = 0.0, by_c = job.envelope_grad[e];
    const double c = orb_envelope(d, &c_slope);

    orb_harmonics(n, y, jacobian);
#pragma unroll
    for (int m = 0; m < ORB_HARMONICS; ++m)
        gy[m] = 0.0;
    for (int k = 0; k < ORB_BESSEL; ++k) {
        double slope, sum = 0.0;
        const double b = orb_bessel(d, job.prefactor, job.bessel[k], &slope);

#pragma unroll
        for (int m = 0; m < ORB_HARMONICS; ++m) {
            const double x = (double)tile[lane * STRIDE + ORB_HARMONICS * k + m];

            sum += x * y[m];
            gy[m] += c * b * x;
        }
        by_c += b * sum;
        along += c * slope * sum;
    }
    along += by_c * c_slope;
    for (int a = 0; a < 3; ++a)
        turn[a] = 0.0;
#pragma unroll
    for (int m = 0; m < ORB_HARMONICS; ++m)
        for (int a = 0; a < 3; ++a)
            turn[a] += jacobian[m][a] * gy[m];
    const double radial = turn[0] * n[0] + turn[1] * n[1] + turn[2] * n[2];

    for (int a = 0; a < 3; ++a)
        job.out[3 * e + a] = along * n[a] + (turn[a] - radial * n[a]) / d;
}

extern "C" mds_status orb_cuda_vectors_back(mds_device *device, mds_real real,
                                            const orb_cuda_vector_grad *job)
{
    void (*const kernel)(orb_cuda_vector_grad) = real == MDS_REAL_FP32 ? orb_vector_back<float>
                                                                       : orb_vector_back<double>;

    return MDS_LAUNCH(device, kernel, (job->rows + VECTOR_EDGES - 1) / VECTOR_EDGES, VECTOR_EDGES,
                      0, *job);
}
