/* Which steps there is reason to doubt: a clock held down, a core taken away. */
#include "case/trial.h"

#include <sys/resource.h>

long mds_trial_preemptions(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

/* Shorter steps must stand out before the kernel is asked, which takes 0.3 µs: a step that lost the
 * core lasted until it got it back, at least INTERRUPTION_S longer than others; and a list build,
 * which also takes longer, as long as a step or two. */
#define SHORT_S        20e-6
#define INTERRUPTION_S 5e-6

/* A step longer than this may have been interrupted. */
static double usual_limit(const mds_step_ring *ring, int over)
{
    double shortest = ring->wall_s[0];

    for (int k = 1; k < over; ++k)
        shortest = ring->wall_s[k] < shortest ? ring->wall_s[k] : shortest;
    return shortest < SHORT_S ? 2.0 * shortest + INTERRUPTION_S : 0.0;
}

/* The longest step that is not flagged yet, if it is longer than `limit`; -1: there is none. */
static int longest_above(const mds_step_ring *ring, int over, double limit)
{
    int longest = -1;

    for (int k = 0; k < over; ++k)
        if (ring->wall_s[k] > limit && !(ring->flags[k] & MDS_STEP_PREEMPTED)) {
            limit = ring->wall_s[k];
            longest = k;
        }
    return longest;
}

/* A look at the kernel's count per step would cost several per cent of a short one, and one per
 * batch can still be seen; so it is only for batches with a step of unusual length, and such steps
 * are taken to be those that were interrupted, the longest first. */
void mds_trial_flag_doubtful(mds_trial *trial, int over)
{
    mds_step_ring *ring = &trial->ring;
    const int64_t throttled = mds_sampler_flags(trial->sampler);

    for (int k = 0; throttled && k < over; ++k)
        ring->flags[k] |= throttled;
    const double limit = usual_limit(ring, over);
    int longest = longest_above(ring, over, limit);

    if (longest < 0)
        return;
    const long preemptions = mds_trial_preemptions();
    long left = preemptions - trial->preemptions;

    trial->preemptions = preemptions;
    for (; left > 0 && longest >= 0; --left) {
        ring->flags[longest] |= MDS_STEP_PREEMPTED;
        longest = longest_above(ring, over, limit);
    }
}
