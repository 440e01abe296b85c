/* Rows of the neighbour list, as force kernels read them. Include after device/cuda/launch.cuh. */
#ifndef MDS_MODEL_ROW_CUH
#define MDS_MODEL_ROW_CUH

extern "C" {
#include "md/neighbor_view.h"
}

typedef struct mds_cell {
    double h[3][3];
} mds_cell;

/* A copy in registers: kernels store, and what they read again and again must not be reread. */
static __device__ inline mds_cell mds_cell_of(const mds_step_block *d)
{
    mds_cell cell;

#pragma unroll
    for (int k = 0; k < 9; ++k)
        cell.h[k / 3][k % 3] = d->h[k / 3][k % 3];
    return cell;
}

/* Two doubles that are loaded together. */
typedef struct __attribute__((aligned(16))) mds_two {
    double a, b;
} mds_two;

static __device__ inline void mds_load_position(const mds_neighbor_view *list, int i, double x[3])
{
    const double *row = list->xw + 4 * (size_t)i;
    const mds_two xy = *(const mds_two *)row;

    x[0] = xy.a;
    x[1] = xy.b;
    x[2] = row[2];
}

/* The vector from x to an entry of the row, and its square. */
static __device__ inline double mds_row_vector(const mds_neighbor_view *list, const mds_cell *cell,
                                               uint32_t entry, const double x[3], double d[3])
{
    /* No translation, which most entries of a large cell have. */
    const uint32_t here = mds_entry_pack(0, 0, 0, 0);
    double xj[3];

    mds_load_position(list, mds_entry_atom(entry), xj);
    for (int k = 0; k < 3; ++k)
        d[k] = xj[k] - x[k];
    if ((entry & ((1u << 3 * MDS_ENTRY_SHIFT_BITS) - 1u)) != here) {
        double t[3];

        mds_entry_translation(entry, cell->h, t);
        for (int k = 0; k < 3; ++k)
            d[k] = xj[k] + t[k] - x[k];
    }
    return d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
}

#endif
