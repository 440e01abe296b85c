/* Why a case ended, as a class and in words. */
#include "base/text.h"
#include "case/worker_private.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

const char *mds_failure_word(mds_failure failure)
{
    static const char *const words[] = {
#define FAILURE_WORD(id, word) word,
        MDS_FAILURE_LIST(FAILURE_WORD)
#undef FAILURE_WORD
    };

    return (unsigned)failure < MDS_FAILURE_COUNT ? words[failure] : "unknown";
}

const char *mds_signal_name(int number, char *out, size_t size)
{
    static const struct {
        int number;
        const char *name;
    } known[] = {{SIGSEGV, "SIGSEGV"}, {SIGABRT, "SIGABRT"}, {SIGFPE, "SIGFPE"},
                 {SIGBUS, "SIGBUS"},   {SIGILL, "SIGILL"},   {SIGTRAP, "SIGTRAP"},
                 {SIGSYS, "SIGSYS"},   {SIGKILL, "SIGKILL"}, {SIGTERM, "SIGTERM"},
                 {SIGALRM, "SIGALRM"}, {SIGXCPU, "SIGXCPU"}, {SIGXFSZ, "SIGXFSZ"}};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i)
        if (known[i].number == number)
            return known[i].name;
    snprintf(out, size, "signal %d", number);
    return out;
}

/* "in steady step 12", "during setup". Steps are counted from 1 within their segment. */
static const char *where(const mds_worker *worker, char *out, size_t size)
{
    const mds_samples_header *header = worker->samples.header;
    const long long warmup = header->warmup_done, steady = header->steady_done;

    switch ((mds_phase)atomic_load(&header->phase)) {
    case MDS_PHASE_SETUP:
        return "during setup";
    case MDS_PHASE_FIRST:
        return "in the first step";
    case MDS_PHASE_WARMUP:
        snprintf(out, size, "in warm-up step %lld", warmup + 1);
        return out;
    case MDS_PHASE_STEADY:
        snprintf(out, size, "in steady step %lld", steady + 1);
        return out;
    case MDS_PHASE_COMPONENTS:
        snprintf(out, size, "in component step %lld",
                 (long long)mds_samples_rows(&worker->samples, MDS_POOL_COMPONENTS) + 1);
        return out;
    case MDS_PHASE_FINISHED:
        return "after the last step";
    default:
        return "before setup";
    }
}

void mds_worker_settle(mds_worker *worker, mds_failure failure, const char *format, ...)
{
    worker->running = false;
    worker->failure = failure;
    worker->outcome = failure == MDS_FAILURE_NONE ? MDS_WORKER_DONE : MDS_WORKER_FAILED;
    worker->reason[0] = '\0';
    if (failure == MDS_FAILURE_NONE)
        return;
    const int used =
        snprintf(worker->reason, sizeof worker->reason, "%s: ", mds_failure_word(failure));
    va_list args;

    va_start(args, format);
    vsnprintf(worker->reason + used, sizeof worker->reason - (size_t)used, format, args);
    va_end(args);
}

/* "steady step 12: model 'sw': cuda: illegal address in ..." begins with its class instead, as the
 * failures of the worker do: "cuda: illegal address in ... (steady step 12: model 'sw')". */
static bool settle_by_cuda(mds_worker *worker, const char *message)
{
    const char *class = strstr(message, "cuda: ");
    const size_t before = class ? (size_t)(class - message) : 0;

    if (!class)
        return false;
    mds_worker_settle(worker, MDS_FAILURE_DEVICE, "%s", "");
    snprintf(worker->reason, sizeof worker->reason, "%s%s%.*s%s", class, before > 2 ? " (" : "",
             before > 2 ? (int)before - 2 : 0, message, before > 2 ? ")" : "");
    return true;
}

static mds_failure failure_of_status(mds_status status)
{
    switch (status) {
    case MDS_OK:
        return MDS_FAILURE_NONE;
    case MDS_ERR_NUMERIC:
        return MDS_FAILURE_NAN;
    case MDS_ERR_NOMEM:
        return MDS_FAILURE_OOM;
    case MDS_ERR_DEVICE:
        return MDS_FAILURE_DEVICE;
    case MDS_ERR_DEVICE_LOST:
        return MDS_FAILURE_DEVICE_LOST;
    case MDS_ERR_STOPPED:
        return MDS_FAILURE_CANCELLED;
    default:
        return MDS_FAILURE_ERROR;
    }
}

void mds_worker_settle_by_status(mds_worker *worker, mds_status status)
{
    char message[sizeof worker->samples.header->message];

    /* Shared memory: another process may have left it unterminated. */
    memcpy(message, worker->samples.header->message, sizeof message);
    message[sizeof message - 1] = '\0';
    if (status == MDS_ERR_DEVICE && settle_by_cuda(worker, message))
        return;
    mds_worker_settle(worker, failure_of_status(status), "%s",
                      message[0] ? message : mds_status_text(status));
}

void mds_worker_settle_by_death(mds_worker *worker, int wait_status)
{
    char place[64], number[32], limit[48];
    const char *at = where(worker, place, sizeof place);

    if (worker->ending == MDS_FAILURE_TIMEOUT) {
        mds_format_duration(worker->timeout_s, limit, sizeof limit);
        mds_worker_settle(worker, MDS_FAILURE_TIMEOUT, "no step for %s (%s)", limit, at);
    } else if (worker->ending == MDS_FAILURE_CANCELLED) {
        mds_worker_settle(worker, MDS_FAILURE_CANCELLED, "%s", at);
    } else if (WIFEXITED(wait_status)) {
        mds_worker_settle(worker, MDS_FAILURE_EXITED, "code %d %s", WEXITSTATUS(wait_status), at);
    } else if (WTERMSIG(wait_status) == SIGKILL) {
        mds_worker_settle(worker, MDS_FAILURE_OOM,
                          "SIGKILL %s (the system's out-of-memory killer?)", at);
    } else if (WTERMSIG(wait_status) == SIGTERM) {
        mds_worker_settle(worker, MDS_FAILURE_CANCELLED, "SIGTERM %s", at);
    } else {
        mds_worker_settle(worker, MDS_FAILURE_CRASHED, "%s %s",
                          mds_signal_name(WTERMSIG(wait_status), number, sizeof number), at);
    }
}
