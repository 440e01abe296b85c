#include "device/team.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* How often a thread looks before it goes to sleep: some tens of microseconds, more than lies
 * between the parts of a step, and less than would disturb others when a step is over. */
enum { LOOKS = 4000 };

typedef struct worker {
    mds_team *team;
    int number;
    pthread_t thread;
} worker;

struct mds_team {
    int size, started;
    worker *workers; /* (size − 1) */
    pthread_mutex_t mutex;
    pthread_cond_t go, done;
    atomic_int round; /* counts the calls of run() */
    atomic_int busy;  /* workers that have not finished this round */
    bool stop;
    void (*work)(void *context, int t);
    void *context;
};

static void rest(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

/* Waits until the round is not `old`. */
static void wait_for_round(mds_team *team, int old)
{
    for (int i = 0; i < LOOKS; ++i, rest())
        if (atomic_load(&team->round) != old)
            return;
    pthread_mutex_lock(&team->mutex);
    while (atomic_load(&team->round) == old)
        pthread_cond_wait(&team->go, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}

static void *work_on(void *argument)
{
    worker *self = argument;
    mds_team *team = self->team;

    for (int round = 0;; ++round) {
        wait_for_round(team, round);
        if (team->stop)
            return NULL;
        team->work(team->context, self->number);
        if (atomic_fetch_sub(&team->busy, 1) == 1) {
            pthread_mutex_lock(&team->mutex);
            pthread_cond_signal(&team->done);
            pthread_mutex_unlock(&team->mutex);
        }
    }
}

static void start_round(mds_team *team)
{
    atomic_store(&team->busy, team->started);
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add(&team->round, 1);
    pthread_cond_broadcast(&team->go);
    pthread_mutex_unlock(&team->mutex);
}

mds_status mds_team_create(int size, mds_team **out)
{
    mds_team *team = calloc(1, sizeof *team);

    *out = NULL;
    if (team && size > 1)
        team->workers = calloc((size_t)size - 1, sizeof *team->workers);
    if (!team || (size > 1 && !team->workers)) {
        free(team);
        return mds_fail(MDS_ERR_NOMEM, "no memory for %d threads", size);
    }
    team->size = size;
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->go, NULL);
    pthread_cond_init(&team->done, NULL);
    for (int t = 1; t < size; ++t) {
        worker *w = &team->workers[t - 1];

        *w = (worker){.team = team, .number = t};
        const int code = pthread_create(&w->thread, NULL, work_on, w);
        if (code != 0) {
            mds_team_destroy(team);
            return mds_fail(MDS_ERR_NOMEM, "thread %d of %d cannot be started: %s", t, size,
                            strerror(code));
        }
        ++team->started;
    }
    *out = team;
    return MDS_OK;
}

void mds_team_destroy(mds_team *team)
{
    if (!team)
        return;
    team->stop = true;
    start_round(team);
    for (int t = 0; t < team->started; ++t)
        pthread_join(team->workers[t].thread, NULL);
    pthread_mutex_destroy(&team->mutex);
    pthread_cond_destroy(&team->go);
    pthread_cond_destroy(&team->done);
    free(team->workers);
    free(team);
}

int mds_team_size(const mds_team *team)
{
    return team->size;
}

void mds_team_run(mds_team *team, void (*work)(void *context, int t), void *context)
{
    if (team->size == 1) {
        work(context, 0);
        return;
    }
    team->work = work;
    team->context = context;
    start_round(team);
    work(context, 0);
    for (int i = 0; i < LOOKS; ++i, rest())
        if (atomic_load(&team->busy) == 0)
            return;
    pthread_mutex_lock(&team->mutex);
    while (atomic_load(&team->busy) != 0)
        pthread_cond_wait(&team->done, &team->mutex);
    pthread_mutex_unlock(&team->mutex);
}
