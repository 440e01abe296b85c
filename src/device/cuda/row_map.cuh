/* How kernels of rows are spread over threads: a block is (x, y) threads, x along a row and y over
 * rows, with x as wide as rows are long, so that neither long nor short rows leave threads without
 * work and no index is divided. Elements go in packs of 16 bytes where rows allow.
 * Include after device/cuda/launch.cuh and device/ops.h. */
#ifndef MDS_DEVICE_CUDA_ROW_MAP_CUH
#define MDS_DEVICE_CUDA_ROW_MAP_CUH

enum { MDS_ROW_BLOCK = 256 };

template <typename real, int width> struct __align__(sizeof(real) * width) mds_pack
{
    real v[width];
};

template <typename real, int width>
static __device__ inline mds_pack<real, width> mds_load_pack(const real *x)
{
    return *reinterpret_cast<const mds_pack<real, width> *>(x);
}

template <typename real, int width>
static __device__ inline void mds_store_pack(real *x, const mds_pack<real, width> &pack)
{
    *reinterpret_cast<mds_pack<real, width> *>(x) = pack;
}

/* The row of this thread; may be beyond the last. */
static __device__ inline int64_t mds_map_row()
{
    return (int64_t)blockIdx.x * blockDim.y + threadIdx.y;
}

/* Elements that a matrix lets a thread take at once. NULL lets it take any number. */
static inline int mds_pack_width(mds_real real, int cols, const void *x, int ld)
{
    const int width = (int)(16 / mds_real_size(real));

    return !x || (cols % width == 0 && ld % width == 0 && (uintptr_t)x % 16 == 0) ? width : 1;
}

static inline int mds_least(int a, int b)
{
    return a < b ? a : b;
}

/* `packs` per row. */
static inline void mds_row_map(int rows, int packs, dim3 *grid, dim3 *block)
{
    int along = 1;

    while (along < packs && along < MDS_ROW_BLOCK)
        along *= 2;
    *block = dim3((unsigned)along, (unsigned)(MDS_ROW_BLOCK / along));
    *grid = dim3(((unsigned)rows + block->y - 1) / block->y);
}

#endif
