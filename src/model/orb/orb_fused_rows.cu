/* The small kernels of the fp16 path: weights into the order of lanes, sums at atoms, floats to
 * halves. See orb_fused.h. */
#include "model/orb/orb_tile.cuh"

/* Word i of packed weights: two terms of one column. Within 16 columns and 16 terms a lane has four
 * words, those of mds_half_b of the first eight columns and of the others. */
static __global__ void fused_pack(int words, int outs, int inputs, int steps, const float *w,
                                  int ldw, unsigned *packed, int *overflow)
{
    const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);

    if (i >= words)
        return;
    const int word = i % 4, lane = i / 4 % 32, step = i / 128 % steps, pair = i / 128 / steps;
    const int out = pair * 16 + word / 2 * 8 + lane / 4;
    const int in = step * 16 + word % 2 * 8 + lane % 4 * 2;
    float v[2] = {0.0f, 0.0f};

    for (int k = 0; k < 2; ++k)
        if (out < outs && in + k < inputs)
            v[k] = w[(int64_t)out * ldw + in + k];
    packed[i] = mds_half_pair(v[0], v[1]);
    if (!(fabsf(v[0]) < 65520.0f && fabsf(v[1]) < 65520.0f))
        atomicMax(overflow, 1);
}

extern "C" mds_status orb_fused_pack(mds_device *device, int outs, int inputs, const float *w,
                                     int ldw, uint16_t *packed, int *overflow)
{
    const int words = (int)(orb_fused_packed(outs, inputs) / 2);

    if (outs % ORB_COLUMNS)
        return mds_fail(MDS_ERR_INTERNAL, "orb: %d outputs are no multiple of %d", outs,
                        (int)ORB_COLUMNS);
    return MDS_LAUNCH(device, fused_pack, (words + 255) / 256, 256, 0, words, outs, inputs,
                      orb_fused_inputs(inputs) / 16, w, ldw, (unsigned *)packed, overflow);
}

/* A block per atom: half of it sums what the atom received, the other what it sent, each thread two
 * columns. Four edges are on their way at a time; they are added one after the other. */
enum { SUMMERS = ORB_FUSED_WIDTH / 2 };

static __device__ inline float2 halves_at(const uint16_t *row, int column)
{
    const unsigned word = *(const unsigned *)(row + column);

    return make_float2(__half2float(__ushort_as_half((unsigned short)(word & 0xffffu))),
                       __half2float(__ushort_as_half((unsigned short)(word >> 16))));
}

static __global__ void __launch_bounds__(2 * SUMMERS) fused_collect(const orb_fused_sums job)
{
    const int atom = (int)blockIdx.x, sent = (int)threadIdx.x / SUMMERS;
    const int column = (int)threadIdx.x % SUMMERS * 2;
    const int *start = sent ? job.start : job.receiver_start;
    const int begin = start[atom], end = start[atom + 1];
    float x = 0.0f, y = 0.0f;

#pragma unroll 4
    for (int k = begin; k < end; ++k) {
        const int64_t edge = sent ? k : job.receiver_edges[k];
        const float gate = job.gate[2 * edge + sent];
        const float2 m = halves_at(job.m + edge * ORB_FUSED_WIDTH, column);

        x += gate * m.x;
        y += gate * m.y;
    }
    *(unsigned *)(job.in + ((int64_t)atom * 3 + 1 + sent) * ORB_FUSED_WIDTH + column) =
        mds_half_pair(x, y);
}

extern "C" mds_status orb_fused_collect(mds_device *device, int n, const orb_fused_sums *sums)
{
    if (n == 0)
        return MDS_OK;
    return MDS_LAUNCH(device, fused_collect, n, 2 * SUMMERS, 0, *sums);
}

static __global__ void fused_halve(int rows, const int *count, int cols, const float *x, int ldx,
                                   uint16_t *y, int ldy)
{
    const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
    const int pairs = ldy / 2, row = (int)(i / pairs), at = (int)(i % pairs) * 2;

    if (row >= (count ? min(*count, rows) : rows))
        return;
    const float *from = x + (int64_t)row * ldx;
    *(unsigned *)(y + (int64_t)row * ldy + at) =
        mds_half_pair(at < cols ? from[at] : 0.0f, at + 1 < cols ? from[at + 1] : 0.0f);
}

extern "C" mds_status orb_fused_halve(mds_device *device, int rows, const int *count, int cols,
                                      const float *x, int ldx, uint16_t *y, int ldy)
{
    const int64_t threads = (int64_t)rows * (ldy / 2);

    if (threads == 0)
        return MDS_OK;
    return MDS_LAUNCH(device, fused_halve, (unsigned)((threads + 255) / 256), 256, 0, rows, count,
                      cols, x, ldx, y, ldy);
}
