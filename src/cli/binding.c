#include "cli/binding.h"

#include "base/log.h"
#include "base/strbuf.h"
#include "cli/provenance.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_cuda(const char *device)
{
    return strncmp(device, "cuda", 4) == 0;
}

/* One line, so that nobody takes a run on the CPU for one on a GPU. A host without a sign of one
 * needs none. */
static void say_no_gpu(const mds_gpu_list *list)
{
#ifdef MDS_WITH_CUDA
    mds_log(MDS_LOG_INFO, "device auto: %s; running on the CPU", list->reason);
#else
    if (access("/dev/nvidia0", F_OK) == 0)
        mds_log(MDS_LOG_INFO, "device auto: there is a GPU, but %s; running on the CPU",
                list->reason);
#endif
}

mds_status mds_binding_resolve(const char *asked, mds_binding *out)
{
    const bool automatic = strcmp(asked, "auto") == 0;

    memset(out, 0, sizeof *out);
    snprintf(out->word, sizeof out->word, "%s", asked);
    if (!automatic && !is_cuda(asked))
        return MDS_OK;
    const mds_status status = mds_gpu_list_get(&out->gpus);
    if (status == MDS_OK && automatic)
        snprintf(out->word, sizeof out->word, "%s", out->gpus.count > 0 ? "cuda" : "cpu");
    return status;
}

void mds_binding_say(const char *asked, const mds_gpu_list *list)
{
    if (strcmp(asked, "auto") == 0 && list->count == 0)
        say_no_gpu(list);
}

mds_status mds_binding_choose(const mds_gpu_list *list, const char *asked, const mds_comm *comm,
                              int *index)
{
    const char *word = asked[4] == ':' ? asked + 5 : NULL;

    *index = -1;
    if (list->count == 0)
        return mds_fail(MDS_ERR_DEVICE, "rank %d on host %s: %s", mds_comm_rank(comm),
                        mds_comm_host(comm), list->reason);
    *index = word ? mds_gpu_list_find(list, word) : mds_comm_local_rank(comm) % list->count;
    if (*index < 0)
        return mds_fail(
            MDS_ERR_DEVICE,
            "rank %d on host %s: there is no device '%s' among the %d visible; a "
            "number from 0 or the beginning of one UUID is right (mdsweep list devices)",
            mds_comm_rank(comm), mds_comm_host(comm), asked, list->count);
    return MDS_OK;
}

void mds_binding_describe(const mds_gpu_list *list, const mds_gpu *gpu, mds_rank_info *out)
{
    snprintf(out->device, sizeof out->device, "cuda:%d", gpu->ordinal);
    snprintf(out->device_model, sizeof out->device_model, "%s", gpu->model);
    snprintf(out->device_uuid, sizeof out->device_uuid, "%s", gpu->uuid);
    snprintf(out->pci, sizeof out->pci, "%s", gpu->pci);
    snprintf(out->near_cpus, sizeof out->near_cpus, "%s", gpu->cpus);
    snprintf(out->allocator, sizeof out->allocator, "%s", gpu->pools ? "pool" : "cudaMalloc");
    snprintf(out->driver, sizeof out->driver, "%s%sCUDA %d.%d", list->driver,
             list->driver[0] ? ", " : "", list->driver_cuda / 1000, list->driver_cuda % 1000 / 10);
    snprintf(out->sharing, sizeof out->sharing, "%s%s%s", gpu->mig ? "mig" : "",
             gpu->mig && gpu->mps ? ", " : "", gpu->mps ? "mps" : "");
    out->numa_node = gpu->numa_node;
    out->memory_bytes = gpu->memory_bytes;
    out->clock_MHz = gpu->clock_MHz;
}

static mds_status describe_self(const mds_comm *comm, const mds_binding *binding,
                                mds_rank_info *out)
{
    int index = -1;
    mds_status status;

    MDS_TRY(mds_provenance_rank(comm, binding->word, out));
    if (is_cuda(binding->word)) {
        MDS_TRY(mds_binding_choose(&binding->gpus, binding->word, comm, &index));
        mds_binding_describe(&binding->gpus, &binding->gpus.gpu[index], out);
    }
out:
    return status;
}

mds_status mds_binding_gather(mds_comm *comm, const mds_binding *binding, mds_rank_info **ranks)
{
    mds_rank_info self;
    const mds_status status = mds_comm_agree(comm, describe_self(comm, binding, &self));

    *ranks = NULL;
    return status == MDS_OK ? mds_provenance_gather(comm, &self, ranks) : status;
}

static bool share(const mds_rank_info *a, const mds_rank_info *b)
{
    return is_cuda(a->device) && is_cuda(b->device) && strcmp(a->device_uuid, b->device_uuid) == 0;
}

static mds_status refuse_shared(const mds_rank_info *ranks, int count, int first)
{
    mds_strbuf who = {0};
    int sharers = 0;

    for (int i = first; i < count; ++i)
        if (share(&ranks[first], &ranks[i]))
            mds_strbuf_add(&who, "%s%d", sharers++ ? ", " : "", i);
    const mds_status status =
        mds_fail(MDS_ERR_DEVICE,
                 "ranks %s share one GPU (host %s, %s): start one rank per GPU, or say "
                 "--oversubscribe when their timings may disturb each other",
                 mds_strbuf_text(&who), ranks[first].host, ranks[first].device_uuid);

    mds_strbuf_fini(&who);
    return status;
}

static mds_status check_alike(const mds_rank_info *ranks, int count)
{
    for (int i = 1; i < count; ++i)
        if (is_cuda(ranks[i].device) != is_cuda(ranks[0].device))
            return mds_fail(MDS_ERR_DEVICE,
                            "rank 0 on host %s runs on %s, rank %d on host %s on %s: say --device "
                            "cuda or --device cpu",
                            ranks[0].host, ranks[0].device, i, ranks[i].host, ranks[i].device);
    return MDS_OK;
}

mds_status mds_binding_check(mds_rank_info *ranks, int count, bool oversubscribe)
{
    mds_status status = check_alike(ranks, count);

    for (int i = 0; i < count && status == MDS_OK; ++i) {
        char *text = ranks[i].sharing;
        const size_t used = strlen(text);
        int sharers = 0;

        for (int j = 0; j < count; ++j)
            sharers += share(&ranks[i], &ranks[j]);
        if (sharers < 2)
            continue;
        if (!oversubscribe)
            status = refuse_shared(ranks, count, i);
        snprintf(text + used, sizeof ranks[i].sharing - used, "%soversubscribed by %d ranks",
                 used ? ", " : "", sharers);
    }
    return status;
}

void mds_binding_warn_far(const mds_rank_info *ranks, int count)
{
    for (int i = 0; i < count; ++i)
        if (is_cuda(ranks[i].device) && !mds_cpus_overlap(ranks[i].cpus, ranks[i].near_cpus))
            mds_log(MDS_LOG_WARN,
                    "rank %d on host %s runs on CPUs %s, but the CPUs near its %s (%s) are %s: "
                    "launches and copies will be slower",
                    i, ranks[i].host, ranks[i].cpus, ranks[i].device, ranks[i].pci,
                    ranks[i].near_cpus);
}
