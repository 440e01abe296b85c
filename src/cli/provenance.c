#include "cli/provenance.h"

#include "base/strbuf.h"
#include "cli/build_info.h"
#include "device/device.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* "0-3,8" of the affinity mask. */
static void format_cpus(char *out, size_t size)
{
    cpu_set_t set;
    size_t used = 0;

    out[0] = '\0';
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return;
    for (int cpu = 0; cpu < CPU_SETSIZE && used < size; ++cpu) {
        int last = cpu;

        if (!CPU_ISSET(cpu, &set))
            continue;
        while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, &set))
            ++last;
        const int count =
            last > cpu ? snprintf(out + used, size - used, "%s%d-%d", used ? "," : "", cpu, last)
                       : snprintf(out + used, size - used, "%s%d", used ? "," : "", cpu);
        used += (size_t)count;
        cpu = last;
    }
}

mds_status mds_provenance_rank(const mds_comm *comm, const char *device, mds_rank_info *out)
{
    mds_device *opened = NULL;

    memset(out, 0, sizeof *out);
    snprintf(out->host, sizeof out->host, "%s", mds_comm_host(comm));
    snprintf(out->device, sizeof out->device, "%s", device);
    format_cpus(out->cpus, sizeof out->cpus);
    out->pid = getpid();
    out->local_rank = mds_comm_local_rank(comm);
    out->numa_node = out->memory_bytes = out->clock_MHz = -1;
    if (strncmp(device, "cuda", 4) == 0)
        return MDS_OK;
    const mds_status status = mds_device_open(device, &opened);
    if (status != MDS_OK)
        return status;
    const mds_device_info *info = mds_device_get_info(opened);
    snprintf(out->device_model, sizeof out->device_model, "%s", info->model);
    snprintf(out->device_uuid, sizeof out->device_uuid, "%s", info->uuid);
    mds_device_close(opened);
    return MDS_OK;
}

mds_status mds_provenance_gather(mds_comm *comm, const mds_rank_info *own, mds_rank_info **all)
{
    *all = calloc((size_t)mds_comm_size(comm), sizeof **all);
    const mds_status ready = mds_comm_agree(
        comm, *all ? MDS_OK : mds_fail(MDS_ERR_NOMEM, "no memory for the table of ranks"));
    if (ready != MDS_OK)
        return ready;
    return mds_comm_allgather(comm, own, sizeof *own, *all);
}

static void add_fact(mds_fact *facts, int *count, const char *name, const char *long_name,
                     const char *text)
{
    snprintf(facts[*count].name, sizeof facts[*count].name, "%s", name);
    facts[*count].long_name = long_name;
    facts[(*count)++].text = strdup(text);
}

/* Variables that can change a timing or say where it was made; nothing personal. */
static void environment_text(mds_strbuf *out)
{
    static const char *const prefixes[] = {
        "SLURM_JOB",      "SLURM_NTASKS", "SLURM_NNODES", "SLURM_CLUSTER", "SLURM_RESTART_COUNT",
        "OMP_",           "OPENBLAS_",    "CUDA_",        "NVIDIA_",       "MDSWEEP_",
        "OMPI_MCA_btl",   "OMPI_MCA_pml", "OMPI_MCA_osc", "OMPI_MCA_io",   "OMPI_MCA_rmaps",
        "OMPI_MCA_hwloc", "MALLOC_"};
    extern char **environ;

    for (char **e = environ; *e; ++e)
        for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; ++i)
            if (strncmp(*e, prefixes[i], strlen(prefixes[i])) == 0) {
                mds_strbuf_add(out, "%s\n", *e);
                break;
            }
}

mds_status mds_provenance_facts(const mds_comm *comm, int argc, char **argv, mds_fact **facts,
                                int *count)
{
    enum { FACTS = 12 };
    struct utsname system;
    mds_strbuf text = {0};
    char folder[1024] = "";

    *count = 0;
    *facts = calloc(FACTS, sizeof **facts);
    if (!*facts)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the provenance");
    add_fact(*facts, count, "program_version", "version of mdsweep", MDS_VERSION);
    add_fact(*facts, count, "program_commit", "commit it was built from", MDS_BUILD_COMMIT);
    add_fact(*facts, count, "build_compiler", "compiler", MDS_BUILD_COMPILER);
    add_fact(*facts, count, "build_flags", "compiler flags", MDS_BUILD_FLAGS);
    add_fact(*facts, count, "mpi_library", "MPI library at run time", mds_comm_library(comm));
    add_fact(*facts, count, "hdf5_library", "HDF5 library at build time", MDS_BUILD_HDF5);
    add_fact(*facts, count, "cuda_toolkit", "CUDA toolkit, or none", MDS_BUILD_CUDA);
    for (int i = 0; i < argc; ++i)
        mds_strbuf_add(&text, "%s%s", i ? " " : "", argv[i]);
    add_fact(*facts, count, "command_line", "command line of the run", mds_strbuf_text(&text));
    mds_strbuf_clear(&text);
    add_fact(*facts, count, "working_folder", "folder it was started in",
             getcwd(folder, sizeof folder) ? folder : "");
    if (uname(&system) == 0)
        mds_strbuf_add(&text, "%s %s %s", system.sysname, system.release, system.machine);
    add_fact(*facts, count, "system", "operating system of rank 0", mds_strbuf_text(&text));
    mds_strbuf_clear(&text);
    environment_text(&text);
    add_fact(*facts, count, "environment", "environment variables that matter to a run",
             mds_strbuf_text(&text));
    mds_strbuf_fini(&text);
    return MDS_OK;
}

void mds_provenance_free(mds_fact *facts, int count)
{
    for (int i = 0; facts && i < count; ++i)
        free(facts[i].text);
    free(facts);
}
