/* Body of one variant of noise.h; the including file says for which instructions it is compiled and
 * defines NOISE_NAME. No guard: included once per variant.
 *
 * Every loop runs over the atoms of the block without a branch or a call, which is the form that
 * the compiler vectorises; integers become doubles by placing their bits under an exponent, because
 * neither SSE2 nor AVX2 converts 64-bit integers. */
#include "protocol/noise.h"

#include <string.h>

typedef uint32_t noise_words[4][MDS_NOISE_BLOCK];

static inline double from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint64_t to_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* An integer below 2^52 as a double, exactly. */
static inline double to_double(uint64_t small)
{
    return from_bits(small | UINT64_C(0x4330000000000000)) - 4503599627370496.0;
}

/* mds_uniform(), the same value. */
static inline double uniform(uint32_t hi, uint32_t lo)
{
    return (to_double(((uint64_t)hi << 32 | lo) >> 12) + 0.5) * (1.0 / 4503599627370496.0);
}

/* ln u for normal u: u = 2^k m with m in [√½, √2), ln m = 2 artanh((m − 1)/(m + 1)) by its series,
 * whose argument is below 0.172. */
static inline double logarithm(double u)
{
    const uint64_t root_half = UINT64_C(0x3FE6A09E667F3BCD), exponents = UINT64_C(0x3FF) << 52;
    const uint64_t shifted = to_bits(u) + (exponents - root_half);
    const double power = to_double(shifted >> 52) - 1023.0;
    const double m = from_bits((shifted & UINT64_C(0x000FFFFFFFFFFFFF)) + root_half);
    const double s = (m - 1.0) / (m + 1.0), z = s * s;
    double sum = 1.0 / 21.0;

    sum = sum * z + 1.0 / 19.0;
    sum = sum * z + 1.0 / 17.0;
    sum = sum * z + 1.0 / 15.0;
    sum = sum * z + 1.0 / 13.0;
    sum = sum * z + 1.0 / 11.0;
    sum = sum * z + 1.0 / 9.0;
    sum = sum * z + 1.0 / 7.0;
    sum = sum * z + 1.0 / 5.0;
    sum = sum * z + 1.0 / 3.0;
    return power * 0.69314718055994530942 + 2.0 * (s + s * z * sum);
}

/* cos 2πt and sin 2πt for t in (0, 1): the nearest quarter of a turn is taken out exactly, the
 * rest, at most π/4, goes into the Taylor series. */
static inline void cosine_sine(double t, double *cosine, double *sine)
{
    const double big = 6755399441055744.0; /* 1.5 · 2^52: adding it rounds to an integer */
    const double shifted = 4.0 * t + big;
    const uint64_t quarter = to_bits(shifted);
    const double x = 2.0 * MDS_PI * (t - 0.25 * (shifted - big)), z = x * x;
    double s = 1.0 / 355687428096000.0, c = 1.0 / 20922789888000.0;

    s = s * z - 1.0 / 1307674368000.0;
    s = s * z + 1.0 / 6227020800.0;
    s = s * z - 1.0 / 39916800.0;
    s = s * z + 1.0 / 362880.0;
    s = s * z - 1.0 / 5040.0;
    s = s * z + 1.0 / 120.0;
    s = s * z - 1.0 / 6.0;
    s = x + x * z * s;
    c = c * z - 1.0 / 87178291200.0;
    c = c * z + 1.0 / 479001600.0;
    c = c * z - 1.0 / 3628800.0;
    c = c * z + 1.0 / 40320.0;
    c = c * z - 1.0 / 720.0;
    c = c * z + 1.0 / 24.0;
    c = c * z - 0.5;
    c = 1.0 + z * c;
    /* An odd quarter exchanges the two; the signs follow the second bit. */
    const uint64_t odd = (uint64_t)0 - (quarter & 1), top = UINT64_C(1) << 63;
    const uint64_t cs = to_bits(c), sn = to_bits(s);
    *cosine = from_bits(((cs & ~odd) | (sn & odd)) ^ (((quarter + 1) << 62) & top));
    *sine = from_bits(((sn & ~odd) | (cs & odd)) ^ ((quarter << 62) & top));
}

/* mds_philox() of block number `draw` of every atom, one round after the other. */
static inline void philox(uint64_t seed, mds_rng_stream stream, int64_t step, int first,
                          uint32_t draw, noise_words w)
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);

    for (int k = 0; k < MDS_NOISE_BLOCK; ++k) {
        const uint64_t high = ((uint64_t)first + (uint64_t)k) << 24 | (uint64_t)draw << 8 |
                              (uint64_t)stream;

        w[0][k] = (uint32_t)(uint64_t)step;
        w[1][k] = (uint32_t)((uint64_t)step >> 32);
        w[2][k] = (uint32_t)high;
        w[3][k] = (uint32_t)(high >> 32);
    }
    for (int round = 0; round < 10; ++round) {
        for (int k = 0; k < MDS_NOISE_BLOCK; ++k) {
            const uint64_t p0 = (uint64_t)0xD2511F53u * w[0][k];
            const uint64_t p1 = (uint64_t)0xCD9E8D57u * w[2][k];

            w[0][k] = (uint32_t)(p1 >> 32) ^ w[1][k] ^ k0;
            w[1][k] = (uint32_t)p1;
            w[2][k] = (uint32_t)(p0 >> 32) ^ w[3][k] ^ k1;
            w[3][k] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
}

void NOISE_NAME(uint64_t seed, mds_rng_stream stream, int64_t step, int first,
                double r[3][MDS_NOISE_BLOCK])
{
    noise_words w;

    philox(seed, stream, step, first, 0, w);
    for (int k = 0; k < MDS_NOISE_BLOCK; ++k) {
        const double radius = sqrt(-2.0 * logarithm(uniform(w[0][k], w[1][k])));
        double c, s;

        cosine_sine(uniform(w[2][k], w[3][k]), &c, &s);
        r[0][k] = radius * c;
        r[1][k] = radius * s;
    }
    philox(seed, stream, step, first, 1, w);
    for (int k = 0; k < MDS_NOISE_BLOCK; ++k) {
        const double radius = sqrt(-2.0 * logarithm(uniform(w[0][k], w[1][k])));
        double c, s;

        cosine_sine(uniform(w[2][k], w[3][k]), &c, &s);
        r[2][k] = radius * c;
    }
}
