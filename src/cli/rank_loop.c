#include "cli/rank_loop.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Kinds of messages. */
enum {
    ASK,     /* rank → 0: a case, please */
    ASSIGN,  /* 0 → rank: value[0] = index, or -1: no more */
    REPORT,  /* rank → 0: value = index, status, median ns, ns it took; text = reason */
    GIVE_UP, /* rank → 0: value[0] = index to hand out again; this rank can run no more cases */
    RETIRE,  /* rank → 0: this rank's device is lost, the case it was lost in has been reported */
    STOP,    /* rank → 0 → all: no new cases; value[0] = ns that running ones may still take */
    END      /* 0 → all: no rank has a case any more */
};

/* How long a rank sleeps. The dispenser looks for messages more often: an answer may be late by
 * this much, and each look costs its worker's core about 10 us when they share one. */
enum { SLEEP_ASKED_MS = 1, SLEEP_OVER_MS = 20, SLEEP_RUNNING_MS = 200, SLEEP_DISPENSER_MS = 1 };

static const int64_t flush_ns = 1000000000;

static void send_to(mds_rank_loop *loop, int to, int kind, int64_t a, int64_t b, int64_t c,
                    const char *text)
{
    mds_message message = {.kind = kind, .value = {a, b, c, 0}};

    if (kind == REPORT)
        message.value[3] = mds_clock_ns() - loop->started_ns;

    snprintf(message.text, sizeof message.text, "%s", text ? text : "");
    if (mds_comm_send(loop->comm, to, &message) != MDS_OK) {
        mds_log(MDS_LOG_ERROR, "%s", mds_error());
        mds_comm_abort(loop->comm, 74);
    }
}

/* No new cases from here on. The running one may finish until `drain_ns`; everyone is told. */
static void begin_stop(mds_rank_loop *loop, int64_t drain_ns)
{
    const bool news = !loop->stopping || drain_ns < loop->drain_ns;

    if (!news)
        return;
    loop->stopping = true;
    loop->drain_ns = drain_ns;
    const int64_t left = drain_ns - mds_clock_ns();
    if (mds_comm_rank(loop->comm) != 0)
        send_to(loop, 0, STOP, left > 0 ? left : 0, 0, 0, NULL);
    else
        for (int r = 1; r < mds_comm_size(loop->comm); ++r)
            send_to(loop, r, STOP, left > 0 ? left : 0, 0, 0, NULL);
}

/* Signals, the deadline, and the end of the grace they leave. */
static void look_at_clock(mds_rank_loop *loop)
{
    const int64_t now = mds_clock_ns();

    if (*loop->stop > loop->stop_seen) {
        loop->stop_seen = *loop->stop;
        begin_stop(loop, loop->stop_seen == MDS_STOP_DRAIN ? now + MDS_DRAIN_S * INT64_C(1000000000)
                                                           : now);
    }
    if (now >= loop->deadline_ns)
        begin_stop(loop, loop->deadline_ns);
    if (loop->stopping && now >= loop->drain_ns && loop->index >= 0)
        mds_worker_cancel(loop->worker);
}

/* The store is lost to this rank: it takes no more cases, and neither does anyone else. */
static void store_failed(mds_rank_loop *loop)
{
    if (loop->error == MDS_OK) {
        loop->error = MDS_ERR_IO;
        snprintf(loop->error_text, sizeof loop->error_text, "%s", mds_error());
        /* What ended before may still get to the disk; closing puts back what does not. */
        (void)mds_store_settle(loop->store, true, &loop->settled);
        loop->settled = true;
    }
    begin_stop(loop, mds_clock_ns());
}

/* In predicted seconds: what is left on the clock, at the pace that predictions have held so far.
 */
static double seconds_left(const mds_rank_loop *loop)
{
    if (loop->deadline_ns == INT64_MAX)
        return INFINITY;
    const double left = 1e-9 * (double)(loop->deadline_ns - mds_clock_ns());
    const double pace = loop->predicted_s > 0.0 ? loop->actual_s / loop->predicted_s : 1.0;
    return pace > 0.0 ? left / pace : left;
}

static void answer(mds_rank_loop *loop, int rank)
{
    int index = -1;

    if (!loop->stopping)
        index = mds_queue_take(loop->queue, seconds_left(loop));

    if (index < 0)
        loop->ranks_left -= 1;
    else
        loop->progress->running += 1;
    send_to(loop, rank, ASSIGN, index, 0, 0, NULL);
}

/* Writes what is left of the cases before. It takes a millisecond or more, mostly of waiting for
 * the disk, in which the worker has something to do. */
static void settle(mds_rank_loop *loop, bool wait)
{
    loop->settled = true;
    if (loop->error == MDS_OK && mds_store_settle(loop->store, wait, &loop->settled) != MDS_OK)
        store_failed(loop);
}

static void begin_case(mds_rank_loop *loop)
{
    if (loop->error == MDS_OK && mds_store_begin_case(loop->store, loop->index, loop->self,
                                                      mds_comm_rank(loop->comm)) != MDS_OK)
        store_failed(loop);
}

/* Without its fork server this rank can run nothing; another one shall have the case. */
static void give_up(mds_rank_loop *loop)
{
    mds_log(MDS_LOG_ERROR, "rank %d: %s", mds_comm_rank(loop->comm), mds_error());
    send_to(loop, 0, GIVE_UP, loop->index, 0, 0, NULL);
    loop->index = -1;
    loop->over = true;
}

static void start_case(mds_rank_loop *loop, int index)
{
    const bool isolated = mds_worker_fd(loop->worker) >= 0;

    loop->asked = false;
    if (index < 0) {
        loop->over = true;
        settle(loop, true);
        return;
    }
    loop->index = index;
    loop->started_ns = loop->flushed_ns = mds_clock_ns();
    if (!isolated) { /* the case runs inside the next call */
        settle(loop, true);
        begin_case(loop);
    }
    if (mds_worker_run(loop->worker, index, 1, loop->matrix->cases[index].run.timeout_s) !=
        MDS_OK) {
        give_up(loop);
        settle(loop, true);
    } else if (isolated) {
        begin_case(loop);
        settle(loop, false);
    }
}

static void take_message(mds_rank_loop *loop, const mds_message *message)
{
    switch (message->kind) {
    case ASK:
        answer(loop, message->from);
        break;
    case ASSIGN:
        start_case(loop, (int)message->value[0]);
        break;
    case REPORT:
        loop->progress->running -= 1;
        if (message->value[1] ==
            MDS_CASE_PENDING) { /* put back; perhaps only its worker was told */
            mds_queue_put_back(loop->queue, (int)message->value[0]);
            break;
        }
        loop->actual_s += 1e-9 * (double)message->value[3];
        loop->predicted_s += loop->matrix->cases[message->value[0]].cost_s;
        mds_progress_case(loop->progress, (int)message->value[0],
                          (mds_case_status)message->value[1],
                          message->value[2] < 0 ? NAN : 1e-9 * (double)message->value[2],
                          message->from, message->text);
        break;
    case GIVE_UP:
        loop->progress->running -= 1;
        loop->ranks_left -= 1;
        mds_queue_put_back(loop->queue, (int)message->value[0]);
        break;
    case RETIRE:
        loop->ranks_left -= 1;
        loop->ranks_lost += 1;
        break;
    case END:
        loop->ended = true;
        break;
    case STOP:
        begin_stop(loop, mds_clock_ns() + message->value[0]);
        break;
    default:
        break;
    }
}

/* What the device did is in the case's reason; the other ranks have the rest of the work. */
static void retire(mds_rank_loop *loop)
{
    mds_log(MDS_LOG_WARN, "rank %d on host %s has lost its device %s and takes no more cases",
            mds_comm_rank(loop->comm), mds_comm_host(loop->comm), loop->self->device);
    settle(loop, true);
    send_to(loop, 0, RETIRE, 0, 0, 0, NULL);
    loop->over = true;
}

/* Writes the ended case and reports it. A case that a signal cut off goes back to PENDING. */
static void finish_case(mds_rank_loop *loop, mds_worker_event event)
{
    const mds_failure failure = mds_worker_failure(loop->worker);
    const mds_samples *samples = mds_worker_samples(loop->worker);
    const mds_case *point = &loop->matrix->cases[loop->index];
    mds_case_status status = MDS_CASE_DONE;
    const char *reason = "";
    mds_record record;

    if (event == MDS_WORKER_FAILED) {
        status = failure == MDS_FAILURE_CANCELLED ? MDS_CASE_PENDING : MDS_CASE_FAILED;
        reason = mds_worker_reason(loop->worker);
    }
    if (mds_record_summarize(loop->study, point, samples, &record) != MDS_OK &&
        status == MDS_CASE_DONE) {
        status = MDS_CASE_FAILED;
        reason = mds_error();
    }
    loop->failed += status == MDS_CASE_FAILED;
    if (loop->error == MDS_OK &&
        mds_store_end_case(loop->store, samples, &record, status, reason) != MDS_OK)
        store_failed(loop);
    if (status == MDS_CASE_PENDING) /* once reported, its row may be another rank's */
        settle(loop, true);
    const double median = record.value[MDS_METRIC_LATENCY_MEDIAN];
    send_to(loop, 0, REPORT, loop->index, status,
            status == MDS_CASE_DONE && isfinite(median) ? (int64_t)(1e9 * median) : -1, reason);
    loop->index = -1;
    if (event == MDS_WORKER_FAILED && failure == MDS_FAILURE_DEVICE_LOST)
        retire(loop);
}

static void look_at_worker(mds_rank_loop *loop)
{
    const mds_worker_event event = mds_worker_poll(loop->worker);
    const int64_t now = mds_clock_ns();

    if (event != MDS_WORKER_NOTHING) {
        finish_case(loop, event);
        return;
    }
    if (now - loop->flushed_ns < flush_ns || loop->error != MDS_OK)
        return;
    loop->flushed_ns = now;
    if (mds_store_flush_case(loop->store, mds_worker_samples(loop->worker)) != MDS_OK)
        store_failed(loop);
}

static void sleep_until_news(mds_rank_loop *loop)
{
    struct pollfd news[] = {
        {.fd = loop->index >= 0 ? mds_worker_fd(loop->worker) : -1, .events = POLLIN},
        {.fd = loop->settled || loop->asked ? -1 : mds_store_fd(loop->store), .events = POLLIN},
    };
    int wait_ms = SLEEP_RUNNING_MS;

    if (loop->queue && loop->ranks_left > (loop->over ? 0 : 1))
        wait_ms = SLEEP_DISPENSER_MS;
    else if (loop->index < 0)
        wait_ms = loop->over ? SLEEP_OVER_MS : SLEEP_ASKED_MS;
    (void)poll(news, 2, wait_ms); /* a signal ends it early, and is looked at next */
}

/* A rank asks only when it is idle: once all were told that there is no more, no case runs. */
static bool is_finished(mds_rank_loop *loop)
{
    if (!loop->queue)
        return loop->ended;
    if (loop->ranks_left > 0)
        return false;
    for (int r = 1; r < mds_comm_size(loop->comm); ++r)
        send_to(loop, r, END, 0, 0, 0, NULL);
    return true;
}

mds_status mds_rank_loop_run(mds_rank_loop *loop)
{
    mds_message message;

    loop->index = -1;
    loop->settled = true;
    loop->error = MDS_OK;
    loop->ranks_left = mds_comm_size(loop->comm);
    loop->drain_ns = INT64_MAX;
    for (;;) {
        bool busy = false;

        look_at_clock(loop);
        while (mds_comm_poll(loop->comm, &message)) {
            take_message(loop, &message);
            busy = true;
        }
        if (!loop->settled && !loop->asked) /* the answer first: the worker waits for it */
            settle(loop, false);
        if (loop->index >= 0)
            look_at_worker(loop);
        if (loop->index < 0 && !loop->asked && !loop->over) {
            loop->asked = true;
            send_to(loop, 0, ASK, 0, 0, 0, NULL);
            busy = true;
        }
        if (is_finished(loop))
            break;
        if (loop->progress)
            mds_progress_tick(loop->progress);
        if (!busy)
            sleep_until_news(loop);
    }
    if (loop->error != MDS_OK)
        return mds_fail(loop->error, "%s", loop->error_text);
    if (loop->queue && loop->queue->left > 0 && loop->ranks_lost == mds_comm_size(loop->comm)) {
        mds_log(MDS_LOG_WARN, "no rank has a device any more; %d cases are left for --resume",
                loop->queue->left);
        return loop->stopping ? mds_fail(MDS_ERR_STOPPED, "stopped early") : MDS_OK;
    }
    if (loop->stopping || (loop->queue && loop->queue->left > 0))
        return mds_fail(MDS_ERR_STOPPED, "stopped early");
    return MDS_OK;
}
