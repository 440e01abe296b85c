/* `list devices`: what can run here, and which rank would get which GPU. */
#include "cli/commands.h"
#include "cli/list_devices.h"

#include "base/text.h"
#include "device/device.h"

#include <stdlib.h>
#include <string.h>

/* Devices on the host, which may be opened here. */
static void list_host_devices(mds_strbuf *out)
{
    static const char *const names[] = {"cpu", "sim"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        mds_device *device;
        char bytes[32];

        if (mds_device_open(names[i], &device) != MDS_OK) {
            mds_strbuf_add(out, "  %-10s not available: %s\n", names[i], mds_error());
            continue;
        }
        const mds_device_info *info = mds_device_get_info(device);
        mds_strbuf_add(out, "  %-10s %s, %d cores, %s\n", names[i], info->model, info->cores,
                       mds_format_bytes((double)info->memory_bytes, bytes, sizeof bytes));
        mds_device_close(device);
    }
}

static void list_gpu(const mds_gpu *gpu, mds_strbuf *out)
{
    char bytes[32];

    mds_strbuf_add(out, "  cuda:%-5d %s, %d SMs, %s, compute capability %d.%d\n", gpu->ordinal,
                   gpu->model, gpu->sms,
                   mds_format_bytes((double)gpu->memory_bytes, bytes, sizeof bytes), gpu->major,
                   gpu->minor);
    mds_strbuf_add(out, "             %s\n             PCI %s", gpu->uuid, gpu->pci);
    if (gpu->numa_node >= 0)
        mds_strbuf_add(out, ", NUMA node %d", gpu->numa_node);
    if (gpu->cpus[0])
        mds_strbuf_add(out, ", near CPUs %s", gpu->cpus);
    mds_strbuf_add(out, "\n             clocks up to");
    if (gpu->clock_MHz > 0)
        mds_strbuf_add(out, " %d MHz", gpu->clock_MHz);
    else
        mds_strbuf_add(out, " (not known)");
    if (gpu->memory_clock_MHz > 0)
        mds_strbuf_add(out, ", memory %d MHz", gpu->memory_clock_MHz);
    if (gpu->mig)
        mds_strbuf_add(out, "; part of a GPU (MIG)");
    if (gpu->mps)
        mds_strbuf_add(out, "; shared by a multi-process server (MPS)");
    if (!gpu->pools)
        mds_strbuf_add(out, "; no memory pools");
    mds_strbuf_add(out, "\n");
}

static void list_gpus(const mds_gpu_list *gpus, mds_strbuf *out)
{
    if (gpus->count == 0) {
        mds_strbuf_add(out, "  %-10s not available: %s\n", "cuda:0", gpus->reason);
        return;
    }
    for (int i = 0; i < gpus->count; ++i)
        list_gpu(&gpus->gpu[i], out);
    mds_strbuf_add(out, "driver: %s%sCUDA %d.%d; the program's runtime: CUDA %d.%d\n", gpus->driver,
                   gpus->driver[0] ? ", " : "", gpus->driver_cuda / 1000,
                   gpus->driver_cuda % 1000 / 10, gpus->runtime_cuda / 1000,
                   gpus->runtime_cuda % 1000 / 10);
}

/* Without a launcher: what it would be with one. */
static void explain_ranks(const mds_gpu_list *gpus, mds_strbuf *out)
{
    if (gpus->count == 1)
        mds_strbuf_add(out, "ranks: one rank of this host gets cuda:0; a second would share it "
                            "(--oversubscribe)\n");
    else if (gpus->count > 1)
        mds_strbuf_add(out,
                       "ranks: of the ranks of this host, number k gets cuda:k, k = 0 to %d; more "
                       "would share them (--oversubscribe)\n",
                       gpus->count - 1);
}

/* One line per rank, on rank 0. */
static void list_ranks(const mds_rank_info *ranks, int count, mds_strbuf *out)
{
    mds_strbuf_add(out, "ranks:\n");
    for (int i = 0; i < count; ++i)
        mds_strbuf_add(out, "  %-4d %s, %s%s%s, CPUs %s%s%s%s\n", i, ranks[i].host, ranks[i].device,
                       ranks[i].device_uuid[0] ? " " : "", ranks[i].device_uuid, ranks[i].cpus,
                       mds_cpus_overlap(ranks[i].cpus, ranks[i].near_cpus) ? ""
                                                                           : ", far from the GPU",
                       ranks[i].sharing[0] ? "; " : "", ranks[i].sharing);
}

static mds_status ask_ranks(const mds_binding *binding, mds_strbuf *out)
{
    mds_comm *comm = NULL;
    mds_rank_info *ranks = NULL;
    mds_status status;

    MDS_TRY(mds_comm_create_mpi(&comm));
    MDS_TRY(mds_binding_gather(comm, binding, &ranks));
    status = mds_binding_check(ranks, mds_comm_size(comm), true);
    list_ranks(ranks, mds_comm_size(comm), out);
    if (status != MDS_OK)
        mds_strbuf_add(out, "  a run would be refused: %s\n", mds_error());
    status = MDS_OK;
out:
    free(ranks);
    mds_comm_destroy(comm);
    return status;
}

mds_status mds_list_devices(mds_strbuf *out)
{
    mds_binding *binding = calloc(1, sizeof *binding);
    mds_status status;

    if (!binding)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the list of devices");
    MDS_TRY(mds_binding_resolve("auto", binding));
    mds_strbuf_add(out, "devices:\n");
    list_host_devices(out);
    list_gpus(&binding->gpus, out);
    if (mds_cli_is_launched())
        MDS_TRY(ask_ranks(binding, out));
    else
        explain_ranks(&binding->gpus, out);
out:
    free(binding);
    return status;
}
