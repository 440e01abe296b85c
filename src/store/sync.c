#include "store/sync.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct mds_syncer {
    int fd;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked, answered;
    int64_t wanted, done;
    int error;
    bool ending;
};

static void *serve(void *context)
{
    mds_syncer *s = context;

    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (s->wanted == s->done && !s->ending)
            pthread_cond_wait(&s->asked, &s->lock);
        if (s->ending)
            break;
        const int64_t ticket = s->wanted; /* one sync for all that asked meanwhile */
        pthread_mutex_unlock(&s->lock);
        const int error = fdatasync(s->fd) != 0 ? errno : 0;
        pthread_mutex_lock(&s->lock);
        if (error)
            s->error = error;
        s->done = ticket;
        pthread_cond_broadcast(&s->answered);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

mds_status mds_syncer_create(int fd, mds_syncer **out)
{
    mds_syncer *s = calloc(1, sizeof *s);
    sigset_t all, before;

    *out = NULL;
    if (!s)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the store");
    s->fd = fd;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->asked, NULL);
    pthread_cond_init(&s->answered, NULL);
    /* Signals are for the rank's loop, whose sleep they interrupt. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int reason = pthread_create(&s->thread, NULL, serve, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (reason != 0) {
        free(s);
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
    pthread_cond_destroy(&s->answered);
    pthread_cond_destroy(&s->asked);
    pthread_mutex_destroy(&s->lock);
    free(s);
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
    pthread_mutex_lock(&s->lock);
    while (wait && s->done < ticket && !s->error)
        pthread_cond_wait(&s->answered, &s->lock);
    const int64_t done = s->done;
    *error = s->error;
    pthread_mutex_unlock(&s->lock);
    return done;
}
