/* The subcommands; main.c picks one. */
#ifndef MDS_CLI_COMMANDS_H
#define MDS_CLI_COMMANDS_H

#include "cli/args.h"
#include "cli/binding.h"
#include "config/config.h"
#include "sweep/matrix.h"

extern const mds_command mds_command_run, mds_command_plan, mds_command_check, mds_command_report,
    mds_command_eval, mds_command_status, mds_command_list, mds_command_merge, mds_command_repack,
    mds_command_compare;

/* Dispatches argv (program name first) to a subcommand; `run` when the first word is no command.
 * Returns the exit code. */
int mds_cli_main(int argc, char **argv);

/* Prints the stored error as one line on stderr and returns its exit code. */
int mds_cli_fail(mds_status status);
/* Writes to stdout at once; an error (closed pipe, full disk) is exit code 74. */
int mds_cli_print(mds_strbuf *text);

/* What the launcher says this process is, before MPI_Init: rank 0 (or no launcher) speaks for all.
 */
int mds_cli_launcher_rank(void);
/* Whether a launcher (mpirun, srun) started this process. */
bool mds_cli_is_launched(void);

/* Loads CONFIG with the flags of the command line and expands it for the devices of this host,
 * which `binding` then has; every problem is printed by the rank that speaks. Returns an exit code,
 * 0 with study and matrix to be fini'd. */
int mds_cli_load(const mds_args *args, mds_study *study, mds_matrix *matrix, mds_binding *binding);

/* The flags that mds_cli_load() reads; commands include them in their tables. */
#define MDS_CLI_CONFIG_FLAGS                                                                       \
    {"output", 'o', "FILE", "results file (output.file)"},                                         \
        {"set", 's', "PATH=VALUE", "override a setting, e.g. --set run.steps=200; repeatable"},    \
        {"filter", 'f', "EXPR", "only these cases: \"system == silicon and size >= 128\""},        \
        {"device", 0, "NAME", "auto, cpu, sim or cuda (run.device)"},                              \
    {                                                                                              \
        "repeats", 0, "N", "repeats of every case (sweep.repeats)"                                 \
    }

#endif
