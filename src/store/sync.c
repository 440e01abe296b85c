#include "store/sync.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Cases of milliseconds share their syncs, for as long as one lasts others lack the disk and a
 * processor: a hundredth of the time goes into them, but a finished case is not left without one
 * for longer than PAUSE_MAX_MS, which is more of the time where a sync takes more than 50 ms.
 * Whoever waits for one does not wait for this. */
enum { PAUSE_SHARE = 100, PAUSE_MIN_MS = 100, PAUSE_MAX_MS = 5000 };

struct mds_syncer {
    int fd;
    int news; /* an eventfd, readable after a sync */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked, answered;
    int64_t wanted, done;
    int error;
    bool ending, urgent;
};

static struct timespec after(struct timespec time, int64_t ms)
{
    time.tv_nsec += (ms % 1000) * 1000000;
    time.tv_sec += ms / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static int64_t milliseconds(struct timespec from, struct timespec to)
{
    return (to.tv_sec - from.tv_sec) * INT64_C(1000) + (to.tv_nsec - from.tv_nsec) / 1000000;
}

/* Syncs; *next is when it may be done again. Returns the errno, or 0. */
static int sync_now(int fd, struct timespec *next)
{
    struct timespec begin, end;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    const int error = fdatasync(fd) != 0 ? errno : 0;
    clock_gettime(CLOCK_MONOTONIC, &end);
    int64_t pause = PAUSE_SHARE * milliseconds(begin, end);
    if (pause < PAUSE_MIN_MS)
        pause = PAUSE_MIN_MS;
    if (pause > PAUSE_MAX_MS)
        pause = PAUSE_MAX_MS;
    *next = after(end, pause);
    return error;
}

/* Until there is something to sync and it is time for it; false: never more. */
static bool sleep_until_due(mds_syncer *s, const struct timespec *next)
{
    while (s->wanted == s->done && !s->ending)
        pthread_cond_wait(&s->asked, &s->lock);
    while (!s->ending && !s->urgent &&
           pthread_cond_timedwait(&s->asked, &s->lock, next) != ETIMEDOUT)
        ;
    return !s->ending;
}

static void *serve(void *context)
{
    mds_syncer *s = context;
    struct timespec next = {0};

    pthread_mutex_lock(&s->lock);
    while (sleep_until_due(s, &next)) {
        const int64_t ticket = s->wanted; /* one sync for all that asked meanwhile */
        s->urgent = false;
        pthread_mutex_unlock(&s->lock);
        const int error = sync_now(s->fd, &next);
        pthread_mutex_lock(&s->lock);
        if (error)
            s->error = error;
        s->done = ticket;
        pthread_cond_broadcast(&s->answered);
        (void)eventfd_write(s->news, 1);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static int start_thread(mds_syncer *s)
{
    sigset_t all, before;

    /* Signals are for the rank's loop, whose sleep they interrupt. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int reason = pthread_create(&s->thread, NULL, serve, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return reason;
}

static void discard(mds_syncer *s)
{
    pthread_cond_destroy(&s->answered);
    pthread_cond_destroy(&s->asked);
    pthread_mutex_destroy(&s->lock);
    if (s->news >= 0)
        close(s->news);
    free(s);
}

mds_status mds_syncer_create(int fd, mds_syncer **out)
{
    mds_syncer *s = calloc(1, sizeof *s);
    pthread_condattr_t monotonic;

    *out = NULL;
    if (!s)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the store");
    s->fd = fd;
    s->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->asked, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&s->answered, NULL);
    const int reason = s->news < 0 ? errno : start_thread(s);
    if (reason != 0) {
        discard(s);
        return mds_fail(MDS_ERR_NOMEM, "no thread for the store: %s", strerror(reason));
    }
    *out = s;
    return MDS_OK;
}

void mds_syncer_destroy(mds_syncer *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->ending = true;
    pthread_cond_signal(&s->asked);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    discard(s);
}

int mds_syncer_fd(const mds_syncer *s)
{
    return s->news;
}

int64_t mds_syncer_request(mds_syncer *s)
{
    pthread_mutex_lock(&s->lock);
    const int64_t ticket = ++s->wanted;
    pthread_cond_signal(&s->asked);
    pthread_mutex_unlock(&s->lock);
    return ticket;
}

int64_t mds_syncer_done(mds_syncer *s, int64_t ticket, bool wait, int *error)
{
    eventfd_t old_news;

    /* Before the look: what ends in between is told again, and nothing is missed. */
    (void)eventfd_read(s->news, &old_news);
    pthread_mutex_lock(&s->lock);
    if (wait && s->done < ticket) {
        s->urgent = true;
        pthread_cond_signal(&s->asked);
    }
    while (wait && s->done < ticket && !s->error)
        pthread_cond_wait(&s->answered, &s->lock);
    const int64_t done = s->done;
    *error = s->error;
    pthread_mutex_unlock(&s->lock);
    return done;
}
