/* Runs a body in a process of its own, since a report ends it and a fault outlives the test. The
 * parent never uses CUDA: a process that was forked from one that has must not either. */
#ifndef MDS_TESTS_GPU_SHIM_CHILD_H
#define MDS_TESTS_GPU_SHIM_CHILD_H

#include "harness/test.h"

#include <signal.h>
#include <unistd.h>

#include <sys/wait.h>

typedef struct child_end {
    int status;       /* as from waitpid() */
    char text[65536]; /* what it wrote to stderr */
} child_end;

static inline void child_run(void (*body)(void), child_end *end)
{
    int ends[2];
    size_t have = 0;
    ssize_t got;

    fflush(NULL);
    if (pipe(ends) != 0)
        fail_msg("pipe");
    const pid_t child = fork();

    if (child == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        signal(SIGABRT, SIG_DFL); /* cmocka's handlers are not for here */
        signal(SIGSEGV, SIG_DFL);
        body();
        _exit(0);
    }
    close(ends[1]);
    while (have < sizeof end->text - 1 &&
           (got = read(ends[0], end->text + have, sizeof end->text - 1 - have)) > 0)
        have += (size_t)got;
    end->text[have] = '\0';
    close(ends[0]);
    waitpid(child, &end->status, 0);
}

/* The body ends by itself. */
static inline void child_lives(void (*body)(void))
{
    static child_end end;

    child_run(body, &end);
    if (!WIFEXITED(end.status) || WEXITSTATUS(end.status) != 0)
        fail_msg("ended with status %x: %s", (unsigned)end.status, end.text);
}

/* The body is ended, and says one of the words before. */
static inline void child_dies(void (*body)(void), const char *words, const char *or_words)
{
    static child_end end;

    child_run(body, &end);
    if (WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0)
        fail_msg("lived on; wanted: %s", words);
    if (!strstr(end.text, words) && !(or_words && strstr(end.text, or_words)))
        fail_msg("wanted '%s', got: %s", words, end.text);
}

/* In a child: ends it with the place when the condition does not hold. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            _exit(3);                                                                              \
        }                                                                                          \
    } while (0)

#endif
