/* Configuration text (libconfig) to a study. Every problem is reported in one pass, as
 * "file:line: what is wrong; what would be right", with the nearest valid word. */
#ifndef MDS_CONFIG_CONFIG_H
#define MDS_CONFIG_CONFIG_H

#include "case/study.h"

/* What overrides the file, in order of precedence: command line, then environment (MDSWEEP_*). */
typedef struct mds_config_overrides {
    const char *const *set; /* "run.steps=100", "sweep.systems=[\"iron\"]" */
    int set_count;
    const char *output, *device; /* NULL: not given */
    int repeats;                 /* 0: not given */
} mds_config_overrides;

typedef struct mds_problem {
    char file[MDS_PATH_SIZE]; /* "" for the command line or environment */
    int line;                 /* 0 when there is none */
    char text[512];
} mds_problem;

typedef struct mds_problems {
    mds_problem *list;
    int count, capacity;
} mds_problems;

void mds_problems_add(mds_problems *problems, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void mds_problems_fini(mds_problems *problems);

/* Reads and checks `path`. On MDS_ERR_CONFIG (or MDS_ERR_IO when it cannot be read) `problems` has
 * at least one entry and the study is empty. The study is the caller's to fini. */
mds_status mds_config_load(const char *path, const mds_config_overrides *overrides,
                           mds_study *study, mds_problems *problems);

#endif
