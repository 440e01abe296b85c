#include "device/marks.h"

#include "device/cuda/cuda_marks.h"

#ifdef MDS_WITH_CUDA

const char *mds_marks_lacking(void)
{
    return mds_cuda_marks_built() ? NULL
                                  : "this build was made with a CUDA toolkit that lacks "
                                    "nvtx3/nvToolsExt.h or cuda_profiler_api.h";
}

void mds_marks_push(mds_marks *marks, const char *name, int64_t number)
{
    mds_cuda_marks_push(name, number);
    ++marks->depth;
}

void mds_marks_pop(mds_marks *marks, int depth)
{
    for (; marks->depth > depth; --marks->depth)
        mds_cuda_marks_pop();
}

void mds_marks_record(const mds_marks *marks, const mds_device *device, bool begin)
{
    if (marks->on && mds_device_get_kind(device) == MDS_DEVICE_CUDA)
        mds_cuda_marks_record(begin);
}

#else

const char *mds_marks_lacking(void)
{
    return "this build has no CUDA, and NVTX comes with it (-DMDSWEEP_CUDA=ON)";
}

void mds_marks_push(mds_marks *marks, const char *name, int64_t number)
{
    (void)name;
    (void)number;
    ++marks->depth;
}

void mds_marks_pop(mds_marks *marks, int depth)
{
    if (marks->depth > depth)
        marks->depth = depth;
}

void mds_marks_record(const mds_marks *marks, const mds_device *device, bool begin)
{
    (void)marks;
    (void)device;
    (void)begin;
}

#endif
