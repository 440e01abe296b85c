#include "case/sampler.h"

#include "base/clock.h"
#include "probe/telemetry.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    STACK_BYTES = 256 * 1024, /* a default stack would be a visible part of memory_limit_MB */
    STOP_S = 2,
    ROW_CELLS = 64
};

struct mds_sampler {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    mds_telemetry *telemetry;
    mds_samples *samples;
    int64_t room; /* rows */
    int64_t origin_ns, period_ns;
    int64_t readings, kept_every; /* one of so many readings becomes a row */
    _Atomic int64_t flags, process_bytes;
    _Atomic bool abandoned;
};

static void read_once(mds_sampler *s, bool last)
{
    mds_samples_header *header = s->samples->header;
    mds_telemetry_reading reading;
    mds_cell row[ROW_CELLS];

    mds_telemetry_read(s->telemetry, &reading);
    const bool throttled = reading.throttle_reasons > 0 &&
                           (reading.throttle_reasons & MDS_THROTTLE_DOUBTFUL) != 0;
    atomic_store_explicit(&s->flags, throttled ? (int64_t)MDS_STEP_THROTTLED : 0,
                          memory_order_relaxed);
    atomic_store_explicit(&s->process_bytes, reading.process_bytes, memory_order_relaxed);
    const int64_t rows = mds_samples_rows(s->samples, MDS_POOL_TELEMETRY);
    const int64_t left = s->room - rows;

    /* The last row is for the last reading. */
    if (left < 1 || (!last && (s->readings++ % s->kept_every != 0 || left < 2)))
        return;
    if (atomic_load(&s->abandoned)) /* the samples belong to another case by now */
        return;
    const mds_observation seen = {.telemetry = &reading,
                                  .time_s = 1e-9 * (double)(mds_clock_ns() - s->origin_ns),
                                  .phase = atomic_load(&header->phase),
                                  .step = mds_samples_rows(s->samples, MDS_POOL_STEPS)};
    mds_pool_sample(MDS_POOL_TELEMETRY, &seen, row);
    mds_samples_append(s->samples, MDS_POOL_TELEMETRY, row);
}

/* Twice as many rows as half of what is left when the interval was doubled last. */
static void thin_out(mds_sampler *s, int64_t *next_doubling)
{
    const int64_t rows = mds_samples_rows(s->samples, MDS_POOL_TELEMETRY);

    if (rows < *next_doubling)
        return;
    s->kept_every *= 2;
    *next_doubling += (s->room - rows + 1) / 2;
}

static void *serve(void *context)
{
    mds_sampler *s = context;
    int64_t next_doubling = (s->room + 1) / 2;
    struct timespec next;

    clock_gettime(CLOCK_MONOTONIC, &next);
    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        pthread_mutex_unlock(&s->lock);
        read_once(s, false);
        thin_out(s, &next_doubling);
        next.tv_nsec += s->period_ns % 1000000000;
        next.tv_sec += s->period_ns / 1000000000 + next.tv_nsec / 1000000000;
        next.tv_nsec %= 1000000000;
        pthread_mutex_lock(&s->lock);
        while (!s->stopping && pthread_cond_timedwait(&s->changed, &s->lock, &next) != ETIMEDOUT)
            ;
    }
    pthread_mutex_unlock(&s->lock);
    read_once(s, true);
    return NULL;
}

static int begin_thread(mds_sampler *s)
{
    pthread_attr_t attributes;
    pthread_condattr_t monotonic;
    sigset_t all, before;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    /* Signals are for the thread that is measured: a worker ends by them. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&s->thread, &attributes, serve, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

static void destroy(mds_sampler *s)
{
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    mds_telemetry_close(s->telemetry);
    free(s);
}

mds_status mds_sampler_start(double hz, const mds_device_info *device, mds_samples *samples,
                             int64_t rows, int64_t origin_ns, mds_sampler **out)
{
    *out = NULL;
    if (!(hz > 0.0) || rows < 1)
        return MDS_OK;
    if (samples->columns[MDS_POOL_TELEMETRY] > ROW_CELLS)
        return mds_fail(MDS_ERR_INTERNAL, "the telemetry pool has more than %d columns", ROW_CELLS);
    mds_sampler *s = calloc(1, sizeof *s);
    if (!s || !(s->telemetry = mds_telemetry_open(device))) {
        free(s);
        return mds_fail(MDS_ERR_NOMEM, "no memory for telemetry");
    }
    snprintf(samples->header->telemetry, sizeof samples->header->telemetry, "%s",
             mds_telemetry_source(s->telemetry));
    s->samples = samples;
    s->room = rows < samples->capacity[MDS_POOL_TELEMETRY] ? rows
                                                           : samples->capacity[MDS_POOL_TELEMETRY];
    s->origin_ns = origin_ns;
    s->period_ns = (int64_t)(1e9 / hz);
    s->kept_every = 1;
    s->process_bytes = -1;
    const int error = begin_thread(s);
    if (error) {
        destroy(s);
        return mds_fail(MDS_ERR_NOMEM, "cannot start the telemetry thread: %s", strerror(error));
    }
    *out = s;
    return MDS_OK;
}

void mds_sampler_stop(mds_sampler *s)
{
    struct timespec until;

    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->stopping = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += STOP_S;
    if (pthread_timedjoin_np(s->thread, NULL, &until) == 0)
        destroy(s);
    else {
        atomic_store(&s->abandoned, true);
        pthread_detach(s->thread); /* it still uses *s */
    }
}

int64_t mds_sampler_flags(const mds_sampler *s)
{
    return s ? atomic_load_explicit(&s->flags, memory_order_relaxed) : 0;
}

int64_t mds_sampler_process_bytes(const mds_sampler *s)
{
    return s ? atomic_load_explicit(&s->process_bytes, memory_order_relaxed) : -1;
}
