#include "device/cuda/cuda_error.h"

#ifdef MDS_WITH_CUDA

#include <cuda_runtime.h>

#include <stddef.h>

/* By number: the same in every toolkit since 11, while not every toolkit has all the names. */
static const struct {
    int code;
    mds_status status;
    const char *class;
} known[] = {
    {2, MDS_ERR_NOMEM, "out of memory"}, /* cudaErrorMemoryAllocation */
    {9, MDS_ERR_DEVICE, "invalid launch configuration"},
    {98, MDS_ERR_DEVICE, "no such kernel"},
    {209, MDS_ERR_DEVICE, "no kernel for this architecture"},
    {700, MDS_ERR_DEVICE, "illegal address"},
    {701, MDS_ERR_DEVICE, "too many resources for a launch"},
    {702, MDS_ERR_DEVICE, "launch timeout"},
    {710, MDS_ERR_DEVICE, "device assert"},
    {714, MDS_ERR_DEVICE, "hardware stack error"},
    {715, MDS_ERR_DEVICE, "illegal instruction"},
    {716, MDS_ERR_DEVICE, "misaligned address"},
    {717, MDS_ERR_DEVICE, "invalid address space"},
    {718, MDS_ERR_DEVICE, "invalid program counter"},
    {719, MDS_ERR_DEVICE, "launch failure"},
    /* A device that has fallen off the bus is reported by one of these, to this process or to the
     * next; one whose memory or link makes uncorrectable errors is as good as gone. */
    {3, MDS_ERR_DEVICE_LOST, "initialisation failed"},
    {46, MDS_ERR_DEVICE_LOST, "device unavailable"},
    {100, MDS_ERR_DEVICE_LOST, "no device"},
    {214, MDS_ERR_DEVICE_LOST, "uncorrectable memory error"},
    {220, MDS_ERR_DEVICE_LOST, "uncorrectable link error"},
    {802, MDS_ERR_DEVICE_LOST, "system not ready"},
};

mds_status mds_cuda_status(int code, const char *what)
{
    mds_status status = MDS_ERR_DEVICE;
    const char *class = "error";

    if (code == 0)
        return MDS_OK;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i)
        if (known[i].code == code) {
            status = known[i].status;
            class = known[i].class;
        }
    return mds_fail(status, "%s%s in %s (%s: %s)", status == MDS_ERR_DEVICE ? "cuda: " : "", class,
                    what, cudaGetErrorName((cudaError_t)code),
                    cudaGetErrorString((cudaError_t)code));
}

#endif
