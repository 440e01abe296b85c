/* Private to device/cuda: an opened CUDA device. Empty where CUDA is not built in. */
#ifndef MDS_DEVICE_CUDA_CUDA_DEVICE_H
#define MDS_DEVICE_CUDA_CUDA_DEVICE_H

#include "device/device_class.h"
#include "device/gpu_list.h"

#ifdef MDS_WITH_CUDA

#include <cuda_runtime.h>

/* What was allocated and not freed, for exact accounting. */
typedef struct mds_cuda_block {
    void *memory;
    size_t bytes;
} mds_cuda_block;

typedef struct mds_cuda_device {
    mds_device base;
    int ordinal;
    cudaStream_t stream;
    cudaMemPool_t pool;  /* NULL: this device has no pools, memory comes from cudaMalloc() */
    cudaEvent_t *events; /* (event_room) of which base.event_count are the ring */
    int event_room;
    mds_cuda_block *blocks; /* (block_count) in a heap array of block_room */
    int block_count, block_room;
    struct mds_cuda_blas *blas; /* of ops_cuda.c; NULL before the first product */
    bool recording;             /* between graph_begin() and graph_end() */
    /* The first error of a function that cannot return one; the next sync does. */
    mds_status noted;
    char note[256];
} mds_cuda_device;

/* Remembers the stored message, for sync. */
void mds_cuda_note(mds_cuda_device *cuda, mds_status status);
/* MDS_ERR_INTERNAL while a graph is recorded, when nothing may wait or allocate. */
mds_status mds_cuda_check_not_recording(const mds_cuda_device *cuda, const char *what);

mds_status mds_cuda_events_create(mds_device *device, int count);
void mds_cuda_events_destroy(mds_cuda_device *cuda);
void mds_cuda_event_record(mds_device *device, int slot);
bool mds_cuda_event_passed(mds_device *device, int slot);
double mds_cuda_event_elapsed(mds_device *device, int first, int second);

mds_status mds_cuda_graph_begin(mds_device *device);
mds_status mds_cuda_graph_end(mds_device *device, mds_graph **out);
mds_status mds_cuda_graph_launch(mds_device *device, mds_graph *graph);
void mds_cuda_graph_destroy(mds_device *device, mds_graph *graph);

mds_status mds_cuda_pool_create(mds_cuda_device *cuda);
void mds_cuda_pool_destroy(mds_cuda_device *cuda);
mds_status mds_cuda_alloc(mds_device *device, size_t bytes, void **out);
void mds_cuda_free(mds_device *device, void *memory);
void mds_cuda_get_memory(const mds_device *device, mds_device_memory *out);
int64_t mds_cuda_available(const mds_device *device);
mds_status mds_cuda_host_alloc(mds_device *device, size_t bytes, void **out);
void mds_cuda_host_free(mds_device *device, void *memory);

void mds_cuda_blas_destroy(mds_cuda_device *cuda);

/* Who device `ordinal` is. */
mds_status mds_cuda_describe(int ordinal, mds_gpu *out);

#endif
#endif
