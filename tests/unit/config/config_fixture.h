/* Loads configuration text from a file in a folder of its own, which is the working folder. */
#ifndef MDS_TESTS_CONFIG_FIXTURE_H
#define MDS_TESTS_CONFIG_FIXTURE_H

#include "harness/test.h"

#include "base/strbuf.h"
#include "config/config.h"

#include <unistd.h>

/* A sweep that is right, for texts about other sections; one line. */
#define SWEEP                                                                                      \
    "sweep: { systems = [\"silicon\"]; sizes = [64]; protocols = [\"nve\"]; models = "             \
    "[\"reference\"]; };\n"

typedef struct loaded {
    mds_study study;
    mds_problems problems;
    mds_status status;
} loaded;

static char test_folder[] = "/tmp/mdsweep-config-XXXXXX";

static inline void remove_folder(void)
{
    char command[64];

    snprintf(command, sizeof command, "rm -rf %s", test_folder);
    if (chdir("/") != 0 || system(command) != 0)
        fprintf(stderr, "%s is left behind\n", test_folder);
}

/* Until the program ends. */
static inline void enter_folder(void)
{
    if (!mkdtemp(test_folder) || chdir(test_folder) != 0 || atexit(remove_folder) != 0) {
        fprintf(stderr, "no temporary folder\n");
        exit(1);
    }
}

static inline void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static inline loaded load_with(const char *text, const mds_config_overrides *overrides)
{
    loaded l = {.status = MDS_OK};

    write_text("t.cfg", text);
    l.status = mds_config_load("t.cfg", overrides, &l.study, &l.problems);
    return l;
}

/* `set`: NULL-terminated texts of --set. */
static inline loaded load_set(const char *text, const char *const *set)
{
    mds_config_overrides overrides = {.set = set};

    while (set && set[overrides.set_count])
        ++overrides.set_count;
    return load_with(text, &overrides);
}

static inline void unload(loaded *l)
{
    mds_study_fini(&l->study);
    mds_problems_fini(&l->problems);
}

/* "t.cfg:3: text\n" of each; heap. */
static inline char *problem_text(const mds_problems *problems)
{
    mds_strbuf buf = {0};

    for (int i = 0; i < problems->count; ++i) {
        const mds_problem *p = &problems->list[i];
        if (p->line > 0)
            mds_strbuf_add(&buf, "%s:%d: %s\n", p->file, p->line, p->text);
        else
            mds_strbuf_add(&buf, "%s%s%s\n", p->file, p->file[0] ? ": " : "", p->text);
    }
    char *text = strdup(mds_strbuf_text(&buf));
    mds_strbuf_fini(&buf);
    return text;
}

/* The text loads, with these --set (NULL: none). */
static inline loaded expect_good(const char *text, const char *const *set)
{
    loaded l = load_set(text, set);
    char *problems = problem_text(&l.problems);

    if (l.status != MDS_OK || l.problems.count != 0)
        fail_msg("status %d for\n%s%s", (int)l.status, text, problems);
    free(problems);
    return l;
}

/* The text is refused with exactly these lines. */
static inline void expect_bad(const char *text, const char *const *set, const char *want)
{
    loaded l = load_set(text, set);
    char *got = problem_text(&l.problems);

    if (l.status != MDS_ERR_CONFIG || strcmp(got, want) != 0)
        fail_msg("status %d for\n%s---got\n%s---want\n%s", (int)l.status, text, got, want);
    assert_null(l.study.systems); /* the study is empty */
    assert_null(l.study.text);
    free(got);
    unload(&l);
}

#endif
