/* Vectors of REAL and their elementary functions. The file that includes this defines REAL_BITS (32
 * or 64), VECTOR_BYTES, NAME(x), and of vectors V_MAX(a, b), V_MIN(a, b), V_SUM(x), V_RCP(x) = 1/x
 * and V_RSQRT(x) = 1/sqrt(x) to within two roundings; and perhaps V_SUM4(x[4], out[4]), V_ROUND(x)
 * and V_SCALE(x, n) = x 2^n for whole n, and V_MASK, V_BETWEEN(x, from, to), V_COMPRESS(p, mask, x)
 * and V_COMPRESS_INT(p, mask, from), which pack the lanes of a mask. */

#define LOG2_E 1.44269504088896340736

#if REAL_BITS == 64
#define REAL double
typedef int64_t NAME(int);
#define BITS_OF_ONE  INT64_C(0x3ff0000000000000)
#define BITS_OF_ROOT INT64_C(0x3fe6a09e667f3bcd) /* of sqrt(1/2) */
#define MANTISSA     52
#define EXP2_LOWEST  (-1022.0)
#define SHIFTER      6755399441055744.0 /* 1.5·2^52 */
#else
#define REAL         float
typedef int32_t NAME(int);
#define BITS_OF_ONE  0x3f800000
#define BITS_OF_ROOT 0x3f3504f3
#define MANTISSA     23
#define EXP2_LOWEST  (-126.0f)
#define SHIFTER      12582912.0f /* 1.5·2^23 */
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

/* 2^y for y ≤ 0 or a little above; beyond the smallest normal number it stays there or becomes
 * zero. y = n + r with n whole and |r| ≤ ½; adding SHIFTER rounds y, and leaves n in the low bits
 * of the sum, from where it is moved into the exponent of 1. 2^r: in float64 the Taylor series of
 * e^{r ln 2}, in float32 the polynomial of degree 6 with the least relative error, 2e-9. */
static inline vec NAME(vexp2)(vec y)
{
#ifdef V_SCALE
    const vec n = V_ROUND(y);
#else
    y = V_MAX(y, NAME(set)((REAL)EXP2_LOWEST));
    const vec shifted = y + (REAL)SHIFTER;
    const vec n = shifted - (REAL)SHIFTER;
#endif
#if REAL_BITS == 64
    const vec r = (y - n) * 0.69314718055994530942;
    vec p = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
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
    p = p * r + 1.0;
    p = p * r + 1.0;
#else
    const vec r = y - n;
    vec p = r * 1.5345811608e-04f + 1.3399931216e-03f;
    p = p * r + 9.6184889586e-03f;
    p = p * r + 5.5503287770e-02f;
    p = p * r + 2.4022646891e-01f;
    p = p * r + 6.9314720574e-01f;
    p = p * r + 1.0f;
#endif
#ifdef V_SCALE
    return V_SCALE(p, n);
#else
    return p * (vec)(((ivec)shifted << MANTISSA) + BITS_OF_ONE);
#endif
}

/* log2 x for normal x > 0: x = 2^e m with m in [√½, √2), log2 m = 2/ln 2 artanh f,
 * f = (m−1)/(m+1); a series in f², in float32 with the least relative error, 7e-10. */
static inline vec NAME(vlog2)(vec x)
{
    const ivec e = ((ivec)x - BITS_OF_ROOT) >> MANTISSA;
    const vec m = (vec)((ivec)x - (e << MANTISSA));
    const vec f = (m - (REAL)1) * V_RCP(m + (REAL)1), s = f * f;
#if REAL_BITS == 64
    vec p = s * (1.0 / 21.0) + 1.0 / 19.0;
    p = p * s + 1.0 / 17.0;
    p = p * s + 1.0 / 15.0;
    p = p * s + 1.0 / 13.0;
    p = p * s + 1.0 / 11.0;
    p = p * s + 1.0 / 9.0;
    p = p * s + 1.0 / 7.0;
    p = p * s + 1.0 / 5.0;
    p = p * s + 1.0 / 3.0;
    p = (p * s + 1.0) * 2.88539008177792681472;
#else
    vec p = s * 4.3173587796e-01f + 5.7671438402e-01f;
    p = p * s + 9.6179884764e-01f;
    p = p * s + 2.8853900798e+00f;
#endif
    return __builtin_convertvector(e, vec) + f * p;
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

#ifndef V_SUM4 /* the sums of four vectors */
static inline void NAME(sum4)(const vec x[4], REAL out[4])
{
    for (int k = 0; k < 4; ++k)
        out[k] = V_SUM(x[k]);
}
#define V_SUM4(x, out) NAME(sum4)(x, out)
#endif

/* All bits of the first `count` lanes. */
static inline ivec NAME(first)(int count)
{
    ivec lane;

    for (int l = 0; l < LANES; ++l)
        lane[l] = l;
    return lane < (NAME(int))count;
}
