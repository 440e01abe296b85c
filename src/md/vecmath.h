/* Elementary functions as plain arithmetic, so that a loop which calls them is vectorised by the
 * compiler (a libm call would stop it), and the clones of such loops for wider machines.
 *
 * Results may differ in the last bit between clones (fused multiply-add), never from run to run on
 * one machine. */
#ifndef MDS_MD_VECMATH_H
#define MDS_MD_VECMATH_H

#include "base/hd.h"

#include <stdint.h>
#include <string.h>

/* Compiles a function for x86-64 levels 4 (AVX-512) and 3 (AVX2, FMA) too; the loader picks one by
 * the machine it finds. Sanitizers run before the loader can ask, so they get the plain one. */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&       \
    __GNUC__ >= 12 && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define MDS_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define MDS_CLONES
#endif

/* e^x, relative error below 4e-16 where the result is a normal number; x below −708 gives e^−708
 * (3e-308) and x above 709 gives e^709: no infinities, no branches.
 *
 * x = n ln 2 + r with |r| ≤ ½ ln 2, e^x = 2^n e^r. Adding 1.5·2^52 rounds x/ln 2 to an integer in
 * the low bits of the sum. The Taylor series ends after r^13, whose remainder is below 5e-18. */
static inline MDS_HD double mds_exp(double x)
{
    const double shifter = 6755399441055744.0;        /* 1.5·2^52 */
    const double ln2_hi = 6.93147180369123816490e-01; /* 33 bits: n ln2_hi is exact */
    const double ln2_lo = 1.90821492927058770002e-10;
    uint64_t bits;
    double scale;

    x = x < -708.0 ? -708.0 : x;
    x = x > 709.0 ? 709.0 : x;
    const double shifted = x * 1.44269504088896340736 + shifter;
    const double n = shifted - shifter;
    const double r = (x - n * ln2_hi) - n * ln2_lo;
    /* The low bits of `shifted` hold n; moved up, they are added to the exponent of 1. */
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 52) + UINT64_C(0x3ff0000000000000);
    memcpy(&scale, &bits, sizeof scale);

    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    /* 1 + r + r²(…): the large terms last, so that their rounding is the only one that counts. */
    return scale * (1.0 + (r + r * r * p));
}

#endif
