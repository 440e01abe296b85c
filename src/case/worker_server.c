#include "case/worker_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GRACE_MS = 1000 };

/* Handlers of the rank (of a launcher, a sanitizer, a test) are not ours: with them a crash would
 * not end the process with its signal. Those that a terminal or Slurm sends to the whole process
 * group are ignored: the rank decides what they mean. */
static void reset_signals(bool ignore_terminate)
{
    static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
    sigset_t none;

    for (int number = 1; number < NSIG; ++number)
        signal(number, SIG_DFL); /* fails for SIGKILL and SIGSTOP, as it should */
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; ++i)
        signal(ignored[i], SIG_IGN);
    if (ignore_terminate)
        signal(SIGTERM, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Dies with `parent`. The parent may have died before the request was made: then we are already
 * somebody else's child. */
static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
}

static void report(int fd, const worker_message *message)
{
    while (send(fd, message, sizeof *message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

/* --- the worker --- */

/* When the node runs out of memory, the kernel should take the worker and not the rank, whose death
 * would end the whole job. */
static void offer_to_oom_killer(void)
{
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return;
    (void)!write(fd, "800", 3);
    close(fd);
}

/* A crash is expected and reported; a core file of every crashed case would fill the disk. The
 * value 1 also keeps a core_pattern that pipes to a program from being run (core(5)). */
static void forbid_core_dumps(void)
{
    struct rlimit limit = {0, 0};

    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < 1 ? 0 : 1;
        setrlimit(RLIMIT_CORE, &limit);
    }
}

static void run_case(const worker_server *server, const worker_command *command)
{
    mds_samples *samples = server->samples;

    mds_error_clear();
    const mds_status status =
        server->config->body(server->config->context, command->index, command->attempt, samples);

    samples->header->status = status;
    if (status != MDS_OK && !samples->header->message[0])
        snprintf(samples->header->message, sizeof samples->header->message, "%s",
                 mds_error()[0] ? mds_error() : mds_status_text(status));
    report(server->news, &(worker_message){NEWS_DONE, getpid(), status, command->ticket});
}

static _Noreturn void work(const worker_server *server, pid_t parent)
{
    die_with(parent);
    prctl(PR_SET_NAME, "mdsweep-worker");
    reset_signals(false);
    close(server->control);
    forbid_core_dumps();
    offer_to_oom_killer();
    for (;;) {
        worker_command command;
        const ssize_t got = recv(server->command, &command, sizeof command, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)sizeof command)
            _exit(0); /* the rank closed its end */
        if (command.ticket != atomic_load(&server->tickets->current) ||
            command.ticket == atomic_load(&server->tickets->accepted))
            continue;
        atomic_store(&server->tickets->accepted, command.ticket);
        run_case(server, &command);
    }
}

/* --- the server --- */

static void on_child(int number)
{
    (void)number; /* only there to interrupt ppoll() */
}

static pid_t spawn(const worker_server *server)
{
    const pid_t self = getpid();
    const pid_t pid = fork();

    if (pid == 0)
        work(server, self);
    if (pid < 0)
        report(server->news, &(worker_message){NEWS_NO_FORK, 0, errno, 0});
    else
        report(server->news, &(worker_message){NEWS_SPAWNED, pid, 0, 0});
    return pid < 0 ? 0 : pid;
}

static bool reap(const worker_server *server, pid_t child)
{
    int status;

    if (waitpid(child, &status, WNOHANG) != child)
        return false;
    report(server->news, &(worker_message){NEWS_DIED, child, status, 0});
    return true;
}

/* The rank has gone or wants us to: an idle worker sees its own end of file and leaves by itself.
 */
static _Noreturn void leave(pid_t child)
{
    for (int ms = 0; child > 0 && ms < GRACE_MS; ms += 10) {
        if (waitpid(child, NULL, WNOHANG) != 0)
            child = 0;
        else
            poll(NULL, 0, 10);
    }
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    _exit(0);
}

_Noreturn void mds_worker_serve(const worker_server *server)
{
    const struct sigaction child_action = {.sa_handler = on_child};
    struct pollfd control = {.fd = server->control, .events = POLLIN};
    bool wanted = true;
    pid_t child = 0;
    sigset_t blocked, open;

    die_with(server->rank);
    prctl(PR_SET_NAME, "mdsweep-server");
    reset_signals(true);
    sigaction(SIGCHLD, &child_action, NULL);
    sigemptyset(&open);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    /* Blocked except inside ppoll(), so that a death between reap() and ppoll() is not missed. */
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    for (;;) {
        char word = 0;

        if (child > 0 && reap(server, child))
            child = 0;
        if (child == 0 && wanted) {
            child = spawn(server);
            wanted = false;
        }
        if (ppoll(&control, 1, NULL, &open) <= 0)
            continue;
        const ssize_t got = recv(server->control, &word, 1, 0);

        if (got == 0 || (got < 0 && errno != EINTR))
            leave(child);
        if (word == CONTROL_SPAWN)
            wanted = true;
        else if (child > 0 && word == CONTROL_TERMINATE)
            kill(child, SIGTERM);
        else if (child > 0 && word == CONTROL_KILL)
            kill(child, SIGKILL);
    }
}
