/* Vectors of REAL and their elementary functions. The file that includes this defines REAL_BITS (32
 * or 64), VECTOR_BYTES, NAME(x), V_SQRT(x) and V_SUM(x). */

#if REAL_BITS == 64
#define REAL double
typedef int64_t NAME(int);
#define BITS_OF_ONE  INT64_C(0x3ff0000000000000)
#define BITS_OF_ROOT INT64_C(0x3fe6a09e667f3bcd) /* of sqrt(1/2) */
#define MANTISSA     52
#define EXP_LOWEST   (-708.0)
#define SHIFTER      6755399441055744.0 /* 1.5·2^52 */
#define LN2_HIGH     6.93147180369123816490e-01
#define LN2_LOW      1.90821492927058770002e-10
#else
#define REAL         float
typedef int32_t NAME(int);
#define BITS_OF_ONE  0x3f800000
#define BITS_OF_ROOT 0x3f3504f3
#define MANTISSA     23
#define EXP_LOWEST   (-87.0f)
#define SHIFTER      12582912.0f /* 1.5·2^23 */
#define LN2_HIGH     6.9314575195e-01f
#define LN2_LOW      1.4286067653e-06f
#endif

enum { NAME(LANES) = VECTOR_BYTES / (REAL_BITS / 8) };
#define LANES NAME(LANES)

typedef REAL NAME(vec) __attribute__((vector_size(VECTOR_BYTES)));
typedef NAME(int) NAME(ivec) __attribute__((vector_size(VECTOR_BYTES)));
/* At any address. */
typedef REAL NAME(uvec)
    __attribute__((vector_size(VECTOR_BYTES), aligned(REAL_BITS / 8), may_alias));

#define vec  NAME(vec)
#define ivec NAME(ivec)
#define uvec NAME(uvec)

static inline vec NAME(load)(const REAL *p)
{
    return *(const uvec *)p;
}

static inline void NAME(store)(REAL *p, vec a)
{
    *(uvec *)p = a;
}

static inline vec NAME(set)(REAL a)
{
    return a - (vec){0};
}

static inline vec NAME(keep)(vec a, ivec mask)
{
    return (vec)((ivec)a & mask);
}

static inline vec NAME(min0)(vec a)
{
    return NAME(keep)(a, a < NAME(set)(0));
}

/* e^x for x ≤ 0 or a little above; relative error below 3e-16 (1e-7 in float32). The series are
 * Taylor's for |r| ≤ ½ ln 2; md/vecmath.h explains the steps. */
static inline vec NAME(vexp)(vec x)
{
    const vec lowest = NAME(set)((REAL)EXP_LOWEST);
    const ivec high = x > lowest;

    x = (vec)(((ivec)x & high) | ((ivec)lowest & ~high));
    const vec shifted = x * (REAL)1.44269504088896340736 + (REAL)SHIFTER;
    const vec n = shifted - (REAL)SHIFTER;
    const vec r = (x - n * (REAL)LN2_HIGH) - n * (REAL)LN2_LOW;
    const vec scale = (vec)(((ivec)shifted << MANTISSA) + BITS_OF_ONE);
#if REAL_BITS == 64
    vec p = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
#else
    vec p = r * (1.0f / 5040.0f) + 1.0f / 720.0f;
#endif
    p = p * r + (REAL)(1.0 / 120.0);
    p = p * r + (REAL)(1.0 / 24.0);
    p = p * r + (REAL)(1.0 / 6.0);
    p = p * r + (REAL)0.5;
    return scale * ((REAL)1 + (r + r * r * p));
}

/* ln x for normal x > 0: x = 2^e m with m in [√½, √2), ln m = 2 artanh f, f = (m−1)/(m+1). */
static inline vec NAME(vlog)(vec x)
{
    const ivec e = ((ivec)x - BITS_OF_ROOT) >> MANTISSA;
    const vec m = (vec)((ivec)x - (e << MANTISSA));
    const vec f = (m - (REAL)1) / (m + (REAL)1), s = f * f;
#if REAL_BITS == 64
    vec p = s * (1.0 / 21.0) + 1.0 / 19.0;
    p = p * s + 1.0 / 17.0;
    p = p * s + 1.0 / 15.0;
    p = p * s + 1.0 / 13.0;
    p = p * s + 1.0 / 11.0;
    p = p * s + 1.0 / 9.0;
#else
    vec p = s * (1.0f / 11.0f) + 1.0f / 9.0f;
#endif
    p = p * s + (REAL)(1.0 / 7.0);
    p = p * s + (REAL)(1.0 / 5.0);
    p = p * s + (REAL)(1.0 / 3.0);
    const vec scale = __builtin_convertvector(e, vec);
    return scale * (REAL)LN2_HIGH + (scale * (REAL)LN2_LOW + (REAL)2 * (f + f * s * p));
}

/* f(d; R) = ½ cos(π d/R) + ½ = cos²(π d/2R) and f'(d), 0 beyond R. The angle is measured from π/4,
 * where the series are short. */
static inline void NAME(vcutoff)(vec d, REAL cutoff, vec *value, vec *slope)
{
    const REAL quarter = (REAL)(MDS_PI / 4.0), root = (REAL)0.70710678118654752440;
    const vec t = d * ((REAL)(MDS_PI / 2.0) / cutoff) - quarter, s = t * t;
#if REAL_BITS == 64
    vec c = s * (-1.0 / 6402373705728000.0) + 1.0 / 20922789888000.0;
    c = c * s - 1.0 / 87178291200.0;
    c = c * s + 1.0 / 479001600.0;
    c = c * s - 1.0 / 3628800.0;
    c = c * s + 1.0 / 40320.0;
    vec q = s * (1.0 / 355687428096000.0) - 1.0 / 1307674368000.0;
    q = q * s + 1.0 / 6227020800.0;
    q = q * s - 1.0 / 39916800.0;
    q = q * s + 1.0 / 362880.0;
#else
    vec c = s * (-1.0f / 3628800.0f) + 1.0f / 40320.0f;
    vec q = s * (-1.0f / 39916800.0f) + 1.0f / 362880.0f;
#endif
    c = c * s - (REAL)(1.0 / 720.0);
    c = c * s + (REAL)(1.0 / 24.0);
    c = c * s - (REAL)0.5;
    c = c * s + (REAL)1;
    q = q * s - (REAL)(1.0 / 5040.0);
    q = q * s + (REAL)(1.0 / 120.0);
    q = q * s - (REAL)(1.0 / 6.0);
    const vec sine = t + t * s * q;
    const vec co = root * (c - sine), si = root * (c + sine);
    const ivec inside = d < NAME(set)(cutoff);

    *value = NAME(keep)(co * co, inside);
    *slope = NAME(keep)((REAL)(-MDS_PI) / cutoff * co * si, inside);
}

/* All bits of the first `count` lanes. */
static inline ivec NAME(first)(int count)
{
    ivec lane;

    for (int l = 0; l < LANES; ++l)
        lane[l] = l;
    return lane < (NAME(int))count;
}
