/* Command lines by table: what is parsed is what --help prints. */
#ifndef MDS_CLI_ARGS_H
#define MDS_CLI_ARGS_H

#include "base/status.h"
#include "base/strbuf.h"

#include <stdbool.h>

enum { MDS_ARGS_FLAGS_MAX = 24, MDS_ARGS_REPEAT_MAX = 64, MDS_ARGS_POSITIONAL_MAX = 1024 };

typedef struct mds_flag {
    const char *name;     /* "output", given as --output; NULL ends the table */
    char letter;          /* 'o', given as -o; 0: none */
    const char *argument; /* "FILE" in the help; NULL: takes none */
    const char *help;
} mds_flag;

typedef struct mds_args mds_args;

typedef struct mds_command {
    const char *name;     /* "plan" */
    const char *synopsis; /* "plan CONFIG [options]" */
    const char *summary;  /* one line */
    const char *details;  /* more lines for its --help, or NULL */
    const mds_flag *flags;
    int positional_min, positional_max;
    int (*run)(const mds_args *args); /* exit code */
} mds_command;

struct mds_args {
    const mds_command *command;
    int argc;
    char **argv;
    const char *positional[MDS_ARGS_POSITIONAL_MAX];
    int positional_count;
    const char *value[MDS_ARGS_FLAGS_MAX][MDS_ARGS_REPEAT_MAX]; /* borrowed from argv */
    int given[MDS_ARGS_FLAGS_MAX];
    bool help;
};

/* argv[0] is the command's word. MDS_ERR_USAGE with the nearest flag. */
mds_status mds_args_parse(const mds_command *command, int argc, char **argv, mds_args *out);
int mds_args_given(const mds_args *args, const char *flag);         /* how often */
const char *mds_args_value(const mds_args *args, const char *flag); /* the last, or NULL */
const char *const *mds_args_values(const mds_args *args, const char *flag, int *count);
/* A number from lo to hi; `preset` when not given. */
mds_status mds_args_int(const mds_args *args, const char *flag, long lo, long hi, long preset,
                        long *out);

void mds_args_help(const mds_command *command, mds_strbuf *out);

#endif
