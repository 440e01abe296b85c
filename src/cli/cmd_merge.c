/* Commands that make a results file of others: merge, repack. */
#include "cli/commands.h"

#include "base/log.h"
#include "base/text.h"
#include "cli/provenance.h"
#include "comm/comm.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static mds_status merge(const mds_args *args, const char *output)
{
    mds_comm *comm = NULL;
    mds_rank_info self;
    mds_provenance provenance = {.ranks = &self, .rank_count = 1};
    mds_fact *facts = NULL;
    mds_status status = MDS_OK;

    MDS_TRY(mds_comm_create_self(&comm));
    MDS_TRY(mds_provenance_rank(comm, "cpu", &self));
    MDS_TRY(mds_provenance_facts(comm, args->argc, args->argv, &facts, &provenance.fact_count));
    provenance.facts = facts;
    MDS_TRY(mds_store_merge(output, mds_args_given(args, "force") > 0, args->positional,
                            args->positional_count, &provenance));
out:
    mds_provenance_free(facts, provenance.fact_count);
    mds_comm_destroy(comm);
    return status;
}

static int merge_command(const mds_args *args)
{
    const char *output = mds_args_value(args, "output");
    mds_status status;

    if (!output)
        return mds_cli_fail(mds_fail(MDS_ERR_USAGE, "merge needs -o FILE, the file to make"));
    status = merge(args, output);
    return status == MDS_OK ? 0 : mds_cli_fail(status);
}

static const mds_flag merge_flags[] = {
    {"output", 'o', "FILE", "the file to make"},
    {"force", 0, NULL, "replace an existing file"},
    {0},
};

const mds_command mds_command_merge = {
    .name = "merge",
    .synopsis = "merge -o ALL FILE... [options]",
    .summary = "one results file of several: other nodes, other days, job arrays",
    .details =
        "A case that several files have is taken once: a finished one before others, then the\n"
        "newest. Where files ran a case with other parameters they are refused, exit 78. Each\n"
        "case keeps its provenance: column source, group /provenance/sources.",
    .flags = merge_flags,
    .positional_min = 1,
    .positional_max = MDS_ARGS_POSITIONAL_MAX,
    .run = merge_command,
};

static int repack_command(const mds_args *args)
{
    const char *output = mds_args_value(args, "output");
    struct stat before, after;
    char was[32], is[32];

    if (!output)
        return mds_cli_fail(mds_fail(MDS_ERR_USAGE, "repack needs -o FILE, the copy to make"));
    const mds_status status =
        mds_store_repack(args->positional[0], output, mds_args_given(args, "force") > 0);
    if (status != MDS_OK)
        return mds_cli_fail(status);
    if (stat(args->positional[0], &before) == 0 && stat(output, &after) == 0)
        mds_log(MDS_LOG_INFO, "%s: %s, was %s", output,
                mds_format_bytes((double)after.st_size, is, sizeof is),
                mds_format_bytes((double)before.st_size, was, sizeof was));
    return 0;
}

static const mds_flag repack_flags[] = {
    {"output", 'o', "OUT", "the copy to make"},
    {"force", 0, NULL, "replace an existing file"},
    {0},
};

const mds_command mds_command_repack = {
    .name = "repack",
    .synopsis = "repack FILE -o OUT [options]",
    .summary = "a compressed copy for the archive; every command reads it",
    .flags = repack_flags,
    .positional_min = 1,
    .positional_max = 1,
    .run = repack_command,
};
