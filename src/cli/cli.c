#include "cli/commands.h"

#include "base/log.h"
#include "base/text.h"
#include "cli/build_info.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const mds_command *const commands[] = {
    &mds_command_run,     &mds_command_plan,   &mds_command_check,  &mds_command_report,
    &mds_command_compare, &mds_command_eval,   &mds_command_status, &mds_command_list,
    &mds_command_merge,   &mds_command_repack,
};

enum { COMMANDS = sizeof commands / sizeof commands[0], SYNOPSIS = 28 };

int mds_cli_fail(mds_status status)
{
    mds_log(MDS_LOG_ERROR, "%s", *mds_error() ? mds_error() : mds_status_text(status));
    return mds_status_exit_code(status);
}

int mds_cli_print(mds_strbuf *text)
{
    const char *bytes = mds_strbuf_text(text);
    size_t left = strlen(bytes);

    if (text->failed)
        return mds_cli_fail(mds_fail(MDS_ERR_NOMEM, "no memory for the output"));
    while (left > 0) {
        const ssize_t count = write(STDOUT_FILENO, bytes, left);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return mds_cli_fail(mds_fail(MDS_ERR_IO, "standard output: %s", strerror(errno)));
        bytes += count;
        left -= (size_t)count;
    }
    mds_strbuf_clear(text);
    return 0;
}

/* Open MPI sets its own variable, other launchers PMI's or Slurm's; SLURM_PROCID counts only inside
 * a step, for in the batch shell it is 0 for everyone. */
static const char *launcher_rank(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i)
        if (getenv(names[i]))
            return getenv(names[i]);
    return getenv("SLURM_STEP_ID") ? getenv("SLURM_PROCID") : NULL;
}

int mds_cli_launcher_rank(void)
{
    const char *rank = launcher_rank();

    return rank ? atoi(rank) : 0;
}

bool mds_cli_is_launched(void)
{
    return launcher_rank() != NULL;
}

int mds_cli_load(const mds_args *args, mds_study *study, mds_matrix *matrix, mds_binding *binding)
{
    mds_config_overrides overrides = {.output = mds_args_value(args, "output"),
                                      .device = mds_args_value(args, "device")};
    mds_problems problems = {0};
    const bool speak = mds_cli_launcher_rank() == 0;
    long repeats = 0;

    memset(study, 0, sizeof *study);
    memset(matrix, 0, sizeof *matrix);
    overrides.set = mds_args_values(args, "set", &overrides.set_count);
    mds_status status = mds_args_int(args, "repeats", 1, 1000, 0, &repeats);
    if (status != MDS_OK)
        return speak ? mds_cli_fail(status) : mds_status_exit_code(status);
    overrides.repeats = (int)repeats;
    status = mds_config_load(args->positional[0], &overrides, study, &problems);
    if (status != MDS_OK) {
        for (int i = 0; speak && i < problems.count; ++i) {
            const mds_problem *p = &problems.list[i];

            if (*p->file && p->line > 0)
                mds_log(MDS_LOG_ERROR, "%s:%d: %s", p->file, p->line, p->text);
            else
                mds_log(MDS_LOG_ERROR, "%s%s%s", p->file, *p->file ? ": " : "", p->text);
        }
        if (speak && problems.count == 0) /* no fault of the file's: no memory, say */
            mds_cli_fail(status);
        mds_problems_fini(&problems);
        mds_study_fini(study);
        return mds_status_exit_code(status);
    }
    mds_problems_fini(&problems);
    status = mds_binding_resolve(study->run.device, binding);
    if (status == MDS_OK && speak)
        mds_binding_say(study->run.device, &binding->gpus);
    if (status == MDS_OK) /* "auto" alone needs to be told */
        status = mds_matrix_expand(study, mds_args_value(args, "filter"), binding->word, matrix);
    if (status != MDS_OK) {
        mds_study_fini(study);
        return speak ? mds_cli_fail(status) : mds_status_exit_code(status);
    }
    return 0;
}

/* The length of a synopsis up to " [options]", which would widen the overview for nothing. */
static int without_options(const char *synopsis)
{
    const char *options = strstr(synopsis, " [options]");

    return (int)(options ? (size_t)(options - synopsis) : strlen(synopsis));
}

static void add_overview(mds_strbuf *out)
{
    mds_strbuf_add(out, "mdsweep profiles molecular-dynamics trajectories of force fields over a "
                        "matrix of\nsystems, sizes, protocols and models, one MPI rank per device, "
                        "into one HDF5 file.\n\nusage:\n");
    for (int i = 0; i < COMMANDS; ++i)
        mds_strbuf_add(out, "  mdsweep %-*.*s %s\n", SYNOPSIS,
                       without_options(commands[i]->synopsis), commands[i]->synopsis,
                       commands[i]->summary);
    mds_strbuf_add(
        out,
        "  mdsweep %-*s %s\n  mdsweep %-*s %s\n\n"
        "Each command has options; see its --help. stdout carries data, stderr the log.\n"
        "exit codes: 0 all well, 1 some cases failed, 2 usage, 3 regression or target missed "
        "(--gate),\n"
        "  5 physics gate failed (--gate), 74 input/output, 75 stopped early, 78 bad "
        "configuration\n\n"
        "  mpirun -np 8 mdsweep configs/scaling.cfg\n",
        SYNOPSIS, "--help", "this text", SYNOPSIS, "--version", "version and build facts");
}

static int print_version(void)
{
    mds_strbuf out = {0};

    mds_strbuf_add(&out, "mdsweep %s (%s)\ncompiler: %s\nflags:    %s\n", MDS_VERSION,
                   MDS_BUILD_COMMIT, MDS_BUILD_COMPILER, MDS_BUILD_FLAGS);
    mds_strbuf_add(&out, "MPI:      %s\nHDF5:     %s (parallel)\nCUDA:     %s\n", MDS_BUILD_MPI,
                   MDS_BUILD_HDF5, MDS_BUILD_CUDA);
    const int code = mds_cli_print(&out);
    mds_strbuf_fini(&out);
    return code;
}

static int print_help(const mds_command *command)
{
    mds_strbuf out = {0};

    if (command)
        mds_args_help(command, &out);
    else
        add_overview(&out);
    const int code = mds_cli_print(&out);
    mds_strbuf_fini(&out);
    return code;
}

/* Commands that do not run the sweep are done once, also when a launcher started them N times. */
static void speak_once(const mds_command *command)
{
    if (command == &mds_command_run || mds_cli_launcher_rank() == 0)
        return;
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDOUT_FILENO);
        dup2(nowhere, STDERR_FILENO);
        close(nowhere);
    }
}

/* A first word that is no command is a configuration, unless it looks like a misspelt command. */
static const mds_command *pick(const char *word, int *skip, mds_status *status)
{
    const char *names[COMMANDS];

    *status = MDS_OK;
    *skip = 1;
    for (int i = 0; i < COMMANDS; ++i) {
        names[i] = commands[i]->name;
        if (strcmp(word, names[i]) == 0)
            return commands[i];
    }
    if (word[0] != '-' && !strchr(word, '.') && !strchr(word, '/') && access(word, F_OK) != 0) {
        const char *near = mds_nearest_word(word, names, COMMANDS);

        *status = near ? mds_fail(MDS_ERR_USAGE,
                                  "'%s' is neither a command nor a file, did you "
                                  "mean '%s'?",
                                  word, near)
                       : mds_fail(MDS_ERR_USAGE,
                                  "'%s' is neither a command nor a file; see "
                                  "'mdsweep --help'",
                                  word);
        return NULL;
    }
    *skip = 0;
    return &mds_command_run;
}

/* A rank that ends with an error before MPI_Init makes mpirun kill the others at once, and with
 * them the message that rank 0 was about to print. */
static void let_first_rank_speak(int code)
{
    const bool agreed = code == 0 || code == 1 || code == 75; /* after the sweep, told already */

    if (!agreed && mds_cli_launcher_rank() != 0)
        sleep(1);
}

int mds_cli_main(int argc, char **argv)
{
    mds_status status;
    mds_args *args = NULL;
    int skip;

    if (argc < 2) {
        print_help(NULL);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return print_help(NULL);
    if (strcmp(argv[1], "--version") == 0)
        return print_version();
    const mds_command *command = pick(argv[1], &skip, &status);
    if (!command)
        return mds_cli_launcher_rank() == 0 ? mds_cli_fail(status) : mds_status_exit_code(status);
    speak_once(command);
    args = malloc(sizeof *args);
    if (!args)
        return mds_cli_fail(mds_fail(MDS_ERR_NOMEM, "no memory for the command line"));
    status = mds_args_parse(command, argc - skip, argv + skip, args);
    int code;
    if (status != MDS_OK)
        code = mds_cli_launcher_rank() == 0 ? mds_cli_fail(status) : mds_status_exit_code(status);
    else
        code = args->help ? print_help(command) : command->run(args);
    free(args);
    let_first_rank_speak(code);
    return code;
}
