/* Normal numbers for whole blocks of atoms: those of base/rng.h, mds_rng_normal(), to the last
 * digits, at a fraction of the cost, because all of it (Philox, logarithm, cosine) runs in vector
 * registers. The same bits on every x86-64 processor: the variants differ in width, not in
 * arithmetic. */
#ifndef MDS_PROTOCOL_NOISE_H
#define MDS_PROTOCOL_NOISE_H

#include "base/rng.h"

enum { MDS_NOISE_BLOCK = 64 };

/* r[a][k] = normal number a of atom first + k of (seed, stream, step), for all MDS_NOISE_BLOCK
 * atoms. */
typedef void mds_noise_function(uint64_t seed, mds_rng_stream stream, int64_t step, int first,
                                double r[3][MDS_NOISE_BLOCK]);

/* The widest variant that this processor runs. */
mds_noise_function *mds_noise_find(void);

/* Not to be called directly, except by tests. */
mds_noise_function mds_noise_base;
#ifdef __x86_64__
mds_noise_function mds_noise_avx2; /* only where the processor has AVX2 */
#endif

#endif
