/* Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror & Shaw, SC'11,
 * doi:10.1145/2063384.2063405). The same (key, counter) gives the same numbers on every machine,
 * thread and device, so noise belongs to (seed, stream, step, atom) and not to who draws it. */
#ifndef MDS_BASE_RNG_H
#define MDS_BASE_RNG_H

#include "base/hd.h"
#include "base/units.h"

#include <math.h>
#include <stdint.h>

typedef struct mds_philox_block {
    uint32_t word[4];
} mds_philox_block;

static inline MDS_HD mds_philox_block mds_philox(uint64_t key, uint64_t counter_lo,
                                                 uint64_t counter_hi)
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    mds_philox_block c = {{(uint32_t)counter_lo, (uint32_t)(counter_lo >> 32), (uint32_t)counter_hi,
                           (uint32_t)(counter_hi >> 32)}};

    for (int round = 0; round < 10; ++round) {
        const uint64_t p0 = (uint64_t)0xD2511F53u * c.word[0];
        const uint64_t p1 = (uint64_t)0xCD9E8D57u * c.word[2];
        const mds_philox_block next = {{(uint32_t)(p1 >> 32) ^ c.word[1] ^ k0, (uint32_t)p1,
                                        (uint32_t)(p0 >> 32) ^ c.word[3] ^ k1, (uint32_t)p0}};

        c = next;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return c;
}

/* 52 random bits on the open interval (0, 1): never 0, so its logarithm is finite. With 53 bits the
 * half that is added would round the largest one to 1. */
static inline MDS_HD double mds_uniform(uint32_t hi, uint32_t lo)
{
    const uint64_t bits = ((uint64_t)hi << 32 | lo) >> 12;

    return ((double)bits + 0.5) * (1.0 / 4503599627370496.0);
}

/* Two independent standard normal numbers from one block (Box & Muller 1958). */
static inline MDS_HD void mds_normal2(mds_philox_block block, double out[2])
{
    const double radius = sqrt(-2.0 * log(mds_uniform(block.word[0], block.word[1])));
    const double angle = 2.0 * MDS_PI * mds_uniform(block.word[2], block.word[3]);

    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}

/* Streams keep the uses of one seed apart; the value is part of the counter. */
typedef enum mds_rng_stream {
    MDS_RNG_VELOCITY = 1,
    MDS_RNG_LANGEVIN = 2,
    MDS_RNG_SVR = 3,
    MDS_RNG_BAROSTAT = 4,
    MDS_RNG_BUILD = 5,
    MDS_RNG_REPLAY = 6,
    MDS_RNG_TEST = 7
} mds_rng_stream;

/* Block number `draw` of (seed, stream, step, index): at most 2^16 draws, 2^40 indices. */
static inline MDS_HD mds_philox_block mds_rng_block(uint64_t seed, mds_rng_stream stream,
                                                    uint64_t step, uint64_t index, uint32_t draw)
{
    return mds_philox(seed, step, index << 24 | (uint64_t)(draw & 0xFFFF) << 8 | (uint64_t)stream);
}

/* Standard normal number `component` (0, 1, 2, ...) of atom `index` at `step`. */
static inline MDS_HD double mds_rng_normal(uint64_t seed, mds_rng_stream stream, uint64_t step,
                                           uint64_t index, uint32_t component)
{
    double pair[2];

    mds_normal2(mds_rng_block(seed, stream, step, index, component / 2), pair);
    return pair[component % 2];
}

#endif
