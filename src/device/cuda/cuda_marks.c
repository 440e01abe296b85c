/* NVTX 3 is a header of the toolkit and no library: its functions look for a profiler at their
 * first call (NVTX_INJECTION64_PATH, which the profiler sets) and do nothing without one. */
#include "device/cuda/cuda_marks.h"

#ifdef MDS_WITH_CUDA

/* A toolkit may have been installed without the parts that these belong to. */
#if __has_include(<nvtx3/nvToolsExt.h>) && __has_include(<cuda_profiler_api.h>)
#include <cuda_profiler_api.h>
#include <nvtx3/nvToolsExt.h>
#define HAS_MARKS 1
#else
#define HAS_MARKS 0
#endif

bool mds_cuda_marks_built(void)
{
    return HAS_MARKS;
}

#if HAS_MARKS

void mds_cuda_marks_push(const char *name, int64_t number)
{
    nvtxEventAttributes_t range = {.version = NVTX_VERSION,
                                   .size = NVTX_EVENT_ATTRIB_STRUCT_SIZE,
                                   .messageType = NVTX_MESSAGE_TYPE_ASCII};

    range.message.ascii = name;
    if (number >= 0) {
        range.payloadType = NVTX_PAYLOAD_TYPE_INT64;
        range.payload.llValue = number;
    }
    nvtxRangePushEx(&range);
}

void mds_cuda_marks_pop(void)
{
    nvtxRangePop();
}

void mds_cuda_marks_record(bool begin)
{
    /* Without a profiler these are errors of some drivers, and of no interest. */
    if (begin)
        (void)cudaProfilerStart();
    else
        (void)cudaProfilerStop();
}

#else

void mds_cuda_marks_push(const char *name, int64_t number)
{
    (void)name;
    (void)number;
}

void mds_cuda_marks_pop(void)
{
}

void mds_cuda_marks_record(bool begin)
{
    (void)begin;
}

#endif
#endif
