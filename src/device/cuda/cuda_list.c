/* Which GPUs there are. None of these calls makes a context. */
#include "device/cuda/cuda_device.h"

#include <stdio.h>
#include <string.h>

#ifdef MDS_WITH_CUDA

#include "device/cuda/cuda_error.h"

#include <stdlib.h>
#include <unistd.h>

/* The k-th word of CUDA_VISIBLE_DEVICES, "" when there is none. */
static void visible_word(int k, char *out, size_t size)
{
    const char *at = getenv("CUDA_VISIBLE_DEVICES");

    out[0] = '\0';
    for (; at && k > 0; --k) {
        at = strchr(at, ',');
        at = at ? at + 1 : NULL;
    }
    if (at)
        snprintf(out, size, "%.*s", (int)strcspn(at, ","), at);
}

/* As nvidia-smi writes it. The UUID that the runtime gives for a part of a GPU may be that of the
 * whole, which other ranks may have parts of; the word that made it visible is the part's own. */
static void format_uuid(const struct cudaDeviceProp *prop, int ordinal, mds_gpu *out)
{
    const unsigned char *b = (const unsigned char *)prop->uuid.bytes;
    char word[64];

    out->mig = strstr(prop->name, " MIG ") != NULL;
    visible_word(ordinal, word, sizeof word);
    if (out->mig && strncmp(word, "MIG-", 4) == 0) {
        snprintf(out->uuid, sizeof out->uuid, "%s", word);
        return;
    }
    snprintf(out->uuid, sizeof out->uuid,
             "%s-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             out->mig ? "MIG" : "GPU", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
             b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* A client of the multi-process server finds its control pipe where this says, or in /tmp. */
static bool has_mps(void)
{
    const char *folder = getenv("CUDA_MPS_PIPE_DIRECTORY");
    char pipe[512];

    snprintf(pipe, sizeof pipe, "%s/control", folder && *folder ? folder : "/tmp/nvidia-mps");
    return access(pipe, F_OK) == 0;
}

static int attribute(enum cudaDeviceAttr which, int ordinal)
{
    int value = 0;

    return cudaDeviceGetAttribute(&value, which, ordinal) == cudaSuccess ? value : 0;
}

mds_status mds_cuda_describe(int ordinal, mds_gpu *out)
{
    struct cudaDeviceProp prop;
    mds_status status;

    memset(out, 0, sizeof *out);
    MDS_TRY(mds_cuda_status(cudaGetDeviceProperties(&prop, ordinal), "cudaGetDeviceProperties"));
    out->ordinal = ordinal;
    snprintf(out->model, sizeof out->model, "%.95s", prop.name);
    format_uuid(&prop, ordinal, out);
    snprintf(out->pci, sizeof out->pci, "%04x:%02x:%02x.0", prop.pciDomainID, prop.pciBusID,
             prop.pciDeviceID);
    out->memory_bytes = (int64_t)prop.totalGlobalMem;
    out->sms = prop.multiProcessorCount;
    out->major = prop.major;
    out->minor = prop.minor;
    out->clock_MHz = attribute(cudaDevAttrClockRate, ordinal) / 1000;
    out->memory_clock_MHz = attribute(cudaDevAttrMemoryClockRate, ordinal) / 1000;
    out->pools = attribute(cudaDevAttrMemoryPoolsSupported, ordinal) != 0;
    out->mps = has_mps();
    mds_gpu_read_place("/sys", out);
out:
    return status;
}

void mds_cuda_list(mds_gpu_list *out)
{
    int count = 0;

    memset(out, 0, sizeof *out);
    (void)cudaRuntimeGetVersion(&out->runtime_cuda);
    (void)cudaDriverGetVersion(&out->driver_cuda);
    const cudaError_t code = cudaGetDeviceCount(&count);
    if (code != cudaSuccess || count == 0)
        snprintf(out->reason, sizeof out->reason, "no GPU is visible (%s)",
                 code == cudaSuccess ? "none in CUDA_VISIBLE_DEVICES" : cudaGetErrorString(code));
    (void)cudaGetLastError();
    for (int k = 0; code == cudaSuccess && k < count && out->count < MDS_GPU_MAX; ++k) {
        if (mds_cuda_describe(k, &out->gpu[out->count]) == MDS_OK)
            out->count += 1;
        else
            snprintf(out->reason, sizeof out->reason, "%s", mds_error());
    }
}

#else

void mds_cuda_list(mds_gpu_list *out)
{
    memset(out, 0, sizeof *out);
    snprintf(out->reason, sizeof out->reason, "this build has no CUDA");
}

#endif
