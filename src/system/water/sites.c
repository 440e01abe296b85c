#include "system/water/sites.h"

#include <stdint.h>

/* Pairs of generators tried: all of them up to some 60 molecules, then a regular sample, which is
 * enough to come within a few per cent of the best. */
enum { TRIES = 4096 };

/* `value` modulo n, as the image nearest to 0. */
static int64_t wrapped(int64_t value, int64_t n)
{
    const int64_t rest = value % n;

    return rest > n / 2 ? rest - n : rest;
}

/* Square of the shortest vector in units of 1/n of the edge; stops early below `enough`. Because
 * the points form a group, the distances from point 0 are all there are. */
static int64_t shortest(int64_t n, int64_t g0, int64_t g1, int64_t enough)
{
    int64_t least = n * n; /* a point's own image */

    for (int64_t i = 1; i <= n / 2 && least > enough; ++i) {
        const int64_t x = wrapped(i, n), y = wrapped(i * g0, n), z = wrapped(i * g1, n);
        const int64_t square = x * x + y * y + z * z;

        if (square < least)
            least = square;
    }
    return least;
}

/* The k-th pair to try: every pair when they are few, else steps by an irrational share of all. */
static int64_t nth_pair(int64_t k, int64_t pairs)
{
    const double turns = 0.6180339887498949 * (double)k;

    return pairs <= TRIES ? k : (int64_t)((double)pairs * (turns - (double)(int64_t)turns));
}

void water_choose_sites(int n, int generator[2])
{
    const int64_t pairs = (int64_t)n * n;
    int64_t best = 0;

    generator[0] = generator[1] = 0;
    for (int64_t k = 0; k < TRIES && k < pairs; ++k) {
        const int64_t pair = nth_pair(k, pairs), g0 = pair / n, g1 = pair % n;
        const int64_t least = shortest(n, g0, g1, best);

        if (least > best) {
            best = least;
            generator[0] = (int)g0;
            generator[1] = (int)g1;
        }
    }
}

void water_site(int n, const int generator[2], int i, double site[3])
{
    site[0] = (double)i / n;
    site[1] = (double)((int64_t)i * generator[0] % n) / n;
    site[2] = (double)((int64_t)i * generator[1] % n) / n;
}
