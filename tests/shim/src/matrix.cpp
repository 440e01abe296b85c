// Products of small matrices by a warp, and the loads of their operands. Each lane's registers lie
// on its own stack; the lane that comes last works on all of them. Who has which element is what
// PTX says of mma.m16n8k16 (f16) and mma.m16n8k8 (tf32): group = lane / 4 is a row of a and d and a
// column of b, lane % 4 a place along the others.
//
// Products of halves and of TF32 numbers are exact in float; sums are rounded after each term.
// Units of a device sum otherwise (several terms at once, cut and not rounded), so that results
// agree to some units of the last place of the largest term, and tests must allow for it.
#include "block.hpp"

#include <cuda_fp16.h>

#include <cstring>

namespace shim
{

namespace
{

enum { ROWS = 16, COLUMNS = 8, TERMS = 16 };

struct Operands {
    float a[ROWS][TERMS], b[TERMS][COLUMNS], d[ROWS][COLUMNS];
};

template <typename T> T *lane_of(const Thread *warp, int lane)
{
    return reinterpret_cast<T *>(static_cast<uintptr_t>(warp[lane].value));
}

const float *half_values()
{
    static const std::vector<float> &table = *[] {
        auto *all = new std::vector<float>(65536);

        for (unsigned i = 0; i < 65536; ++i)
            (*all)[i] = __half2float(__ushort_as_half(static_cast<unsigned short>(i)));
        return all;
    }();
    return table.data();
}

void take_halves(const Thread *warp, int at, Operands *to)
{
    const float *value = half_values();

    for (int lane = 0; lane < WARP; ++lane) {
        const mds_shim_mma_lane *l = lane_of<mds_shim_mma_lane>(warp, lane);
        const int group = lane / 4, pair = lane % 4 * 2;

        for (int r = 0; r < 4 && at == 0; ++r)
            for (int k = 0; k < 2; ++k)
                to->a[group + r % 2 * 8][pair + r / 2 * 8 + k] = value[l->a[r] >> 16 * k & 0xffff];
        for (int r = 0; r < 2; ++r)
            for (int k = 0; k < 2; ++k)
                to->b[pair + r * 8 + k][group] = value[l->b[2 * at + r] >> 16 * k & 0xffff];
    }
}

// The units look at the upper 19 bits.
float tf32(unsigned bits)
{
    return mds_shim_bits<float>(bits & 0xffffe000u);
}

void take_tf32(const Thread *warp, int at, Operands *to)
{
    for (int lane = 0; lane < WARP; ++lane) {
        const mds_shim_mma_lane *l = lane_of<mds_shim_mma_lane>(warp, lane);
        const int group = lane / 4, place = lane % 4;

        for (int r = 0; r < 4 && at == 0; ++r)
            to->a[group + r % 2 * 8][place + r / 2 * 4] = tf32(l->a[r]);
        for (int r = 0; r < 2; ++r)
            to->b[place + r * 4][group] = tf32(l->b[2 * at + r]);
    }
}

void multiply(const Thread *warp, int at, int terms, Operands *o)
{
    for (int lane = 0; lane < WARP; ++lane)
        for (int r = 0; r < 4; ++r)
            o->d[lane / 4 + r / 2 * 8][lane % 4 * 2 + r % 2] =
                lane_of<mds_shim_mma_lane>(warp, lane)->d[4 * at + r];
    for (int i = 0; i < ROWS; ++i)
        for (int k = 0; k < terms; ++k)
            for (int j = 0; j < COLUMNS; ++j)
                o->d[i][j] += o->a[i][k] * o->b[k][j];
    for (int lane = 0; lane < WARP; ++lane)
        for (int r = 0; r < 4; ++r)
            lane_of<mds_shim_mma_lane>(warp, lane)->d[4 * at + r] =
                o->d[lane / 4 + r / 2 * 8][lane % 4 * 2 + r % 2];
}

// Lane 8 m + i has the address of row i of matrix m; lane l gets elements 2 (l % 4) and the next of
// row l / 4 of each.
void load(const Thread *warp)
{
    for (int lane = 0; lane < WARP; ++lane) {
        mds_shim_matrix_lane *to = lane_of<mds_shim_matrix_lane>(warp, lane);

        for (int m = 0; m < to->matrices; ++m)
            memcpy(&to->got[m],
                   static_cast<const char *>(
                       lane_of<mds_shim_matrix_lane>(warp, 8 * m + lane / 4)->row) +
                       lane % 4 * 4,
                   4);
    }
}

} // namespace

void matrices_done(const Thread *warp, mds_shim_wait kind)
{
    Operands o;

    if (kind == MDS_SHIM_LOAD_MATRIX) {
        load(warp);
        return;
    }
    for (int at = 0; at < lane_of<mds_shim_mma_lane>(warp, 0)->n; ++at) {
        if (kind == MDS_SHIM_MMA_HALF)
            take_halves(warp, at, &o);
        else
            take_tf32(warp, at, &o);
        multiply(warp, at, kind == MDS_SHIM_MMA_HALF ? 16 : 8, &o);
    }
}

} // namespace shim

using namespace shim;

// All 32 lanes must come: fewer would give what no device gives.
static void meet(mds_shim_wait kind, void *lane, const char *file, int line)
{
    const int warp = block.current / WARP;

    if (block.current >= 0 && block.alive[warp] != 0xffffffffu)
        report("%s at %s:%d: not all 32 lanes of the warp are there", wait_name(kind), file, line);
    mds_shim_warp(kind, 0xffffffffu, reinterpret_cast<uintptr_t>(lane), 0, WARP, file, line);
}

extern "C" void mds_shim_mma(mds_shim_wait kind, mds_shim_mma_lane *lane, const char *file,
                             int line)
{
    meet(kind, lane, file, line);
}

extern "C" void mds_shim_load_matrix(mds_shim_matrix_lane *lane, const char *file, int line)
{
    const uintptr_t row = reinterpret_cast<uintptr_t>(lane->row);

    if (block.current >= 0 && block.current % WARP < 8 * lane->matrices) {
        const uintptr_t shared = reinterpret_cast<uintptr_t>(mds_shim_dynamic_shared());

        if (memory_is_device(lane->row))
            report("ldmatrix at %s:%d: it reads shared memory, not the device's", file, line);
        if (row % 16)
            report("ldmatrix at %s:%d: a row that is not aligned to 16 bytes", file, line);
        if (row >= shared && row < shared + OPTIN_SHARED &&
            row + 16 > shared + block.kernel->shared_bytes)
            report("ldmatrix at %s:%d: byte %zu of %zu bytes of dynamic shared memory", file, line,
                   static_cast<size_t>(row - shared), block.kernel->shared_bytes);
        races_access(lane->row, 16, false);
    }
    meet(MDS_SHIM_LOAD_MATRIX, lane, file, line);
}
