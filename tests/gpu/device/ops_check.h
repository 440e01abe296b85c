/* Operations of a CUDA device against their definitions (ops_ref.c): at once and from a graph, with
 * the same bits; shared by the tests of operations. */
#ifndef MDS_TESTS_GPU_DEVICE_OPS_CHECK_H
#define MDS_TESTS_GPU_DEVICE_OPS_CHECK_H

#include "base/rng.h"
#include "device/ops.h"
#include "harness/test.h"

enum { BLOCKS = 8 };

/* A block of numbers of order one, on the host (for the definition) and on the device; what is
 * written is compared everywhere, also where nothing should have been. */
typedef struct block {
    int count;
    mds_real real;
    void *start, *host, *got, *device;
} block;

static mds_device *device, *cpu;
static block blocks[BLOCKS];
static int block_count;

static inline double at(mds_real real, const void *data, int i)
{
    return real == MDS_REAL_FP32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

static inline block *make(mds_real real, int count)
{
    block *b = &blocks[block_count++];
    const size_t bytes = (size_t)count * mds_real_size(real) + 1;

    assert_true(block_count <= BLOCKS);
    *b = (block){.count = count, .real = real};
    b->start = malloc(bytes);
    b->host = malloc(bytes);
    b->got = malloc(bytes);
    for (int i = 0; i < count; ++i) {
        const double x = mds_rng_normal(7, MDS_RNG_TEST, 0, (uint64_t)i, (uint32_t)block_count);

        if (real == MDS_REAL_FP32)
            ((float *)b->start)[i] = (float)x;
        else
            ((double *)b->start)[i] = x;
    }
    memcpy(b->host, b->start, bytes);
    CHECK_OK(mds_device_alloc(device, bytes, "test", &b->device));
    return b;
}

static inline void reset(void)
{
    for (int i = 0; i < block_count; ++i)
        CHECK_OK(mds_device_copy(device, blocks[i].device, blocks[i].start,
                                 (size_t)blocks[i].count * mds_real_size(blocks[i].real),
                                 MDS_COPY_TO_DEVICE));
}

static inline void drop(void)
{
    for (int i = 0; i < block_count; ++i) {
        free(blocks[i].start);
        free(blocks[i].host);
        free(blocks[i].got);
        mds_device_free(device, blocks[i].device);
    }
    block_count = 0;
}

/* `first`: against the definition, otherwise for the same bits as before. */
static inline void compare(bool first, double ulps)
{
    for (int i = 0; i < block_count; ++i) {
        block *b = &blocks[i];
        const double eps = ulps * (b->real == MDS_REAL_FP32 ? 6e-8 : 1.2e-16);
        const size_t bytes = (size_t)b->count * mds_real_size(b->real);
        char *before = malloc(bytes + 1);

        memcpy(before, b->got, bytes);
        CHECK_OK(mds_device_copy(device, b->got, b->device, bytes, MDS_COPY_TO_HOST));
        CHECK_OK(mds_device_sync(device));
        for (int k = 0; first && k < b->count; ++k)
            CHECK_NEAR(at(b->real, b->got, k), at(b->real, b->host, k), eps, eps);
        if (!first)
            assert_memory_equal(before, b->got, bytes);
        free(before);
    }
}

/* An operation with its data on the device (side 1) or on the host for the definition (side 0). */
typedef mds_status (*side_fn)(int side, const void *context);

static inline void *data(const block *b, int side, int skip)
{
    char *start = b ? (side ? b->device : b->host) : NULL;

    return b ? start + (size_t)skip * mds_real_size(b->real) : NULL;
}

/* At once, then from a graph and from the same start. */
static inline void check(side_fn fn, const void *context, double ulps)
{
    mds_graph *graph = NULL;

    CHECK_OK(fn(0, context));
    reset();
    CHECK_OK(fn(1, context));
    compare(true, ulps);
    CHECK_OK(mds_device_graph_begin(device));
    CHECK_OK(fn(1, context));
    CHECK_OK(mds_device_graph_end(device, &graph));
    reset();
    CHECK_OK(mds_device_graph_launch(device, graph));
    compare(false, 0.0);
    mds_device_graph_destroy(device, graph);
    drop();
}

static inline mds_device *of(int side)
{
    return side ? device : cpu;
}

static inline const mds_ops *table(int side)
{
    return side ? NULL : &mds_ops_ref;
}

static const mds_real both[2] = {MDS_REAL_FP32, MDS_REAL_FP64};

/* Rows and columns; the columns of the middle ones go in packs of 16 bytes. */
static const int row_shapes[][2] = {{1, 1}, {257, 1}, {3, 128}, {5, 300}, {33, 37}, {0, 4}, {4, 0}};

enum { ROW_SHAPES = sizeof row_shapes / sizeof *row_shapes };

static inline void *put(const void *from, size_t bytes)
{
    void *to = NULL;

    CHECK_OK(mds_device_alloc(device, bytes, "test", &to));
    CHECK_OK(mds_device_copy(device, to, from, bytes, MDS_COPY_TO_DEVICE));
    return to;
}

static inline int open_device(void **state)
{
    (void)state;
    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        exit(77);
    }
    CHECK_OK(mds_device_open("cpu", &cpu));
    return 0;
}

static inline int close_device(void **state)
{
    (void)state;
    mds_device_close(device);
    mds_device_close(cpu);
    return 0;
}

#endif
