/* Which steps there is reason to doubt: a clock held down, a core taken away. */
#include "case/trial.h"

#include <sys/resource.h>

long mds_trial_preemptions(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

/* Which of the `over` oldest steps are doubtful. A look at the kernel's count per step would cost
 * several per cent of a short one, so it is one for the batch, and the longest steps of the batch
 * are taken to be those that were interrupted. */
void mds_trial_flag_doubtful(mds_trial *trial, int over)
{
    mds_step_ring *ring = &trial->ring;
    const int64_t throttled = mds_sampler_flags(trial->sampler);
    const long preemptions = mds_trial_preemptions();
    long left = preemptions - trial->preemptions;

    trial->preemptions = preemptions;
    for (int k = 0; throttled && k < over; ++k)
        ring->flags[k] |= throttled;
    for (; left > 0; --left) {
        int longest = -1;

        for (int k = 0; k < over; ++k)
            if (!(ring->flags[k] & MDS_STEP_PREEMPTED) &&
                (longest < 0 || ring->wall_s[k] > ring->wall_s[longest]))
                longest = k;
        if (longest < 0)
            return;
        ring->flags[longest] |= MDS_STEP_PREEMPTED;
    }
}
