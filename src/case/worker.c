/* The rank's side of the worker: sends cases, hears of their ends, and says why one failed. */
#include "case/worker.h"

#include "base/clock.h"
#include "case/worker_private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    START_MS = 10000,   /* the first worker must be there by then */
    STOP_MS = 2000,     /* the server must have ended by then */
    TERMINATE_S = 2,    /* from SIGTERM to SIGKILL of a cancelled case */
    UNKILLABLE_S = 30,  /* a process that survives SIGKILL so long hangs in a driver */
    START_ATTEMPTS = 3, /* workers that may die before they have begun a case */
};

/* --- talking --- */

static void tell_server(mds_worker *worker, char word)
{
    /* A failure means that the server has gone, which the news channel says too. */
    while (worker->control >= 0 && send(worker->control, &word, 1, MSG_NOSIGNAL) < 0 &&
           errno == EINTR)
        ;
}

static void ask_for_worker(mds_worker *worker)
{
    worker->pid = 0;
    if (!worker->spawning)
        tell_server(worker, CONTROL_SPAWN);
    worker->spawning = true;
}

static void send_task(mds_worker *worker)
{
    if (!worker->running || worker->sent || worker->pid == 0 || worker->spawning)
        return;
    ssize_t sent;

    do
        sent = send(worker->command, &worker->task, sizeof worker->task, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    worker->sent = true;
    ++worker->starts;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Without its server a rank can have no more workers: forking one now, after MPI_Init, is not safe.
 */
static void lose_server(mds_worker *worker, const char *why)
{
    if (worker->server > 0) {
        kill(worker->server, SIGKILL);
        waitpid(worker->server, NULL, WNOHANG);
    }
    worker->server = worker->pid = 0;
    close_fd(&worker->control);
    close_fd(&worker->command);
    if (worker->running)
        mds_worker_settle(worker, worker->ending ? worker->ending : MDS_FAILURE_ERROR, "%s", why);
}

static void on_death(mds_worker *worker, const worker_message *message)
{
    if (message->pid == worker->pid || worker->pid == 0)
        worker->pid = 0;
    const bool begun = worker->sent &&
                       atomic_load(&worker->tickets->accepted) == worker->task.ticket;

    if (worker->running && (begun || worker->ending))
        mds_worker_settle_by_death(worker, message->detail);
    else if (worker->running && worker->starts >= START_ATTEMPTS)
        mds_worker_settle(worker, MDS_FAILURE_ERROR, "%d workers died before they could begin",
                          worker->starts);
    else
        worker->sent = false; /* it died idle: its successor gets the command again */
    worker->ending = MDS_FAILURE_NONE;
    worker->killed = false;
    ask_for_worker(worker);
}

static void on_done(mds_worker *worker, const worker_message *message)
{
    const mds_status status = (mds_status)message->detail;

    /* Once a kill is under way its death decides, or the next case would meet a dying worker. */
    if (!worker->running || message->ticket != worker->task.ticket || worker->ending)
        return;
    mds_worker_settle_by_status(worker, status);
    /* After these the process is not what it was: a poisoned context, a full heap, broken code. */
    if (status == MDS_ERR_DEVICE || status == MDS_ERR_DEVICE_LOST || status == MDS_ERR_NOMEM ||
        status == MDS_ERR_INTERNAL) {
        tell_server(worker, CONTROL_KILL);
        ask_for_worker(worker);
    }
}

static void on_message(mds_worker *worker, const worker_message *message)
{
    switch (message->news) {
    case NEWS_SPAWNED:
        worker->pid = message->pid;
        worker->spawning = false;
        send_task(worker);
        break;
    case NEWS_NO_FORK:
        worker->spawning = false;
        if (worker->running)
            mds_worker_settle(worker, MDS_FAILURE_ERROR, "cannot fork a worker: %s",
                              strerror(message->detail));
        break;
    case NEWS_DIED:
        on_death(worker, message);
        break;
    case NEWS_DONE:
        on_done(worker, message);
        break;
    }
}

/* Reads what there is; false at the end of file. */
static bool drain_news(mds_worker *worker)
{
    worker_message message;

    for (;;) {
        const ssize_t got = recv(worker->news, &message, sizeof message, MSG_DONTWAIT);

        if (got == (ssize_t)sizeof message)
            on_message(worker, &message);
        else if (got >= 0)
            return false;
        else if (errno != EINTR)
            return errno == EAGAIN || errno == EWOULDBLOCK;
    }
}

static void look_after_server(mds_worker *worker)
{
    char why[96], number[32];
    int status = 0;

    if (worker->server <= 0)
        return;
    bool there = drain_news(worker);

    if (waitpid(worker->server, &status, WNOHANG) == worker->server) {
        drain_news(worker); /* its last words came before its end */
        worker->server = 0;
        there = false;
    }
    if (there)
        return;
    snprintf(why, sizeof why, "the worker's server process ended%s%s",
             WIFSIGNALED(status) ? ": " : "",
             WIFSIGNALED(status) ? mds_signal_name(WTERMSIG(status), number, sizeof number) : "");
    lose_server(worker, why);
}

static void begin_ending(mds_worker *worker, mds_failure why, bool by_force)
{
    worker->ending = why;
    worker->killed = by_force;
    worker->ending_ns = mds_clock_ns();
    tell_server(worker, by_force ? CONTROL_KILL : CONTROL_TERMINATE);
}

static void watch(mds_worker *worker)
{
    const int64_t now = mds_clock_ns();
    const int64_t beat = atomic_load(&worker->samples.header->heartbeat);

    if (!worker->running)
        return;
    if (worker->ending) {
        const double waited_s = 1e-9 * (double)(now - worker->ending_ns);

        if (!worker->killed && waited_s > TERMINATE_S) {
            worker->killed = true;
            tell_server(worker, CONTROL_KILL);
        } else if (waited_s > UNKILLABLE_S) {
            lose_server(worker, "the worker cannot be killed (it hangs in a system call)");
        }
        return;
    }
    if (beat != worker->heartbeat) {
        worker->heartbeat = beat;
        worker->beat_ns = now;
    } else if (worker->timeout_s > 0 &&
               1e-9 * (double)(now - worker->beat_ns) > worker->timeout_s) {
        if (worker->sent && worker->pid > 0)
            begin_ending(worker, MDS_FAILURE_TIMEOUT, true);
        else
            mds_worker_settle(worker, MDS_FAILURE_ERROR, "no worker could be started in time");
    }
}

/* --- public --- */

static mds_status open_channels(mds_worker *worker, worker_server *server)
{
    int control[2] = {-1, -1}, news[2] = {-1, -1}, command[2] = {-1, -1};

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, news) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, command)) {
        const int reason = errno;

        for (int i = 0; i < 2; ++i) {
            close_fd(&control[i]);
            close_fd(&news[i]);
            close_fd(&command[i]);
        }
        return mds_fail(MDS_ERR_IO, "cannot make the worker's channels: %s", strerror(reason));
    }
    worker->control = control[0];
    worker->news = news[0];
    worker->command = command[0];
    server->control = control[1];
    server->news = news[1];
    server->command = command[1];
    return MDS_OK;
}

static mds_status start_server(mds_worker *worker)
{
    worker_server server = {.config = &worker->config,
                            .samples = &worker->samples,
                            .tickets = worker->tickets,
                            .rank = getpid()};
    mds_status status = open_channels(worker, &server);

    if (status != MDS_OK)
        return status;
    fflush(NULL); /* or a worker that calls exit() would print our pending output again */
    worker->spawning = true;
    worker->server = fork();
    if (worker->server == 0) {
        close(worker->control);
        close(worker->news);
        close(worker->command);
        mds_worker_serve(&server);
    }
    const int reason = errno;

    close(server.control);
    close(server.news);
    close(server.command);
    return worker->server > 0
               ? MDS_OK
               : mds_fail(MDS_ERR_IO, "cannot fork the worker's server: %s", strerror(reason));
}

static mds_status wait_for_first(mds_worker *worker)
{
    const int64_t start = mds_clock_ns();
    struct pollfd news = {.fd = worker->news, .events = POLLIN};

    while (worker->server > 0 && worker->spawning &&
           mds_clock_ns() - start < (int64_t)START_MS * 1000000) {
        poll(&news, 1, 100);
        look_after_server(worker);
    }
    return worker->pid > 0 ? MDS_OK
                           : mds_fail(MDS_ERR_INTERNAL, "no worker process could be started");
}

mds_status mds_worker_create(const mds_worker_config *config, mds_worker **out)
{
    mds_worker *worker = calloc(1, sizeof *worker);
    mds_status status = MDS_OK;

    *out = NULL;
    if (!worker)
        return mds_fail(MDS_ERR_NOMEM, "out of memory for the worker");
    worker->config = *config;
    worker->control = worker->news = worker->command = -1;
    MDS_TRY(mds_samples_create(config->capacity, &worker->samples));
    MDS_TRY(mds_samples_add_frames(&worker->samples, config->frame_bytes));
    if (config->isolated) {
        worker->tickets = mmap(NULL, sizeof *worker->tickets, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (worker->tickets == MAP_FAILED) {
            worker->tickets = NULL;
            status = mds_fail(MDS_ERR_NOMEM, "out of memory for the worker");
            goto out;
        }
        MDS_TRY(start_server(worker));
        MDS_TRY(wait_for_first(worker));
    }
    *out = worker;
    worker = NULL;
out:
    mds_worker_destroy(worker);
    return status;
}

static void stop_server(mds_worker *worker)
{
    if (worker->running)
        tell_server(worker, CONTROL_KILL);
    close_fd(&worker->command); /* an idle worker leaves */
    close_fd(&worker->control); /* and then its server */
    for (int ms = 0; worker->server > 0 && ms < STOP_MS; ms += 2) {
        if (waitpid(worker->server, NULL, WNOHANG) != 0)
            worker->server = 0;
        else
            poll(NULL, 0, 2);
    }
    if (worker->server > 0) {
        kill(worker->server, SIGKILL);
        waitpid(worker->server, NULL, 0);
        worker->server = 0;
    }
}

void mds_worker_destroy(mds_worker *worker)
{
    if (!worker)
        return;
    stop_server(worker);
    close_fd(&worker->news);
    if (worker->tickets)
        munmap(worker->tickets, sizeof *worker->tickets);
    mds_samples_destroy(&worker->samples);
    free(worker);
}

int mds_worker_fd(const mds_worker *worker)
{
    return worker->news;
}

pid_t mds_worker_pid(const mds_worker *worker)
{
    return worker->pid;
}

static mds_status run_here(mds_worker *worker)
{
    mds_error_clear();
    const mds_status status = worker->config.body(worker->config.context, worker->task.index,
                                                  worker->task.attempt, &worker->samples);
    mds_samples_header *header = worker->samples.header;

    header->status = status;
    if (status != MDS_OK && !header->message[0])
        snprintf(header->message, sizeof header->message, "%.*s", (int)sizeof header->message - 1,
                 mds_error());
    mds_worker_settle_by_status(worker, status);
    return MDS_OK;
}

mds_status mds_worker_run(mds_worker *worker, int case_index, int attempt, double timeout_s)
{
    if (worker->config.isolated)
        look_after_server(worker);
    if (worker->running)
        return mds_fail(MDS_ERR_INTERNAL, "the worker is busy with case %d", worker->task.index);
    if (worker->config.isolated && worker->server <= 0)
        return mds_fail(MDS_ERR_INTERNAL,
                        "the worker's server process has ended; this rank can run no more cases");
    mds_samples_reset(&worker->samples, case_index, attempt);
    worker->task.ticket += 1;
    worker->task.index = case_index;
    worker->task.attempt = attempt;
    worker->running = true;
    worker->sent = false;
    worker->starts = 0;
    worker->timeout_s = timeout_s;
    worker->heartbeat = 0;
    worker->beat_ns = mds_clock_ns();
    worker->ending = worker->failure = MDS_FAILURE_NONE;
    worker->killed = false;
    worker->outcome = MDS_WORKER_NOTHING;
    worker->reason[0] = '\0';
    if (!worker->config.isolated)
        return run_here(worker);
    atomic_store(&worker->tickets->current, worker->task.ticket);
    if (worker->pid == 0)
        ask_for_worker(worker);
    send_task(worker);
    return MDS_OK;
}

mds_worker_event mds_worker_poll(mds_worker *worker)
{
    if (worker->config.isolated) {
        look_after_server(worker);
        watch(worker);
    }
    const mds_worker_event outcome = worker->outcome;

    worker->outcome = MDS_WORKER_NOTHING;
    return outcome;
}

void mds_worker_cancel(mds_worker *worker)
{
    if (!worker->running || worker->ending)
        return;
    if (worker->pid > 0 && worker->sent)
        begin_ending(worker, MDS_FAILURE_CANCELLED, false);
    else
        mds_worker_settle(worker, MDS_FAILURE_CANCELLED, "before it began");
}

mds_failure mds_worker_failure(const mds_worker *worker)
{
    return worker->failure;
}

const char *mds_worker_reason(const mds_worker *worker)
{
    return worker->reason;
}

mds_samples *mds_worker_samples(mds_worker *worker)
{
    return &worker->samples;
}
