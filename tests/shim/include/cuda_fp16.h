/* The part of CUDA's half precision that kernels may use: a type to keep numbers in, and its
 * conversions. Arithmetic is not here; kernels calculate in float. */
#ifndef MDS_SHIM_CUDA_FP16_H
#define MDS_SHIM_CUDA_FP16_H

#include <cuda_runtime.h>

#ifdef __cplusplus

struct alignas(2) __half {
    unsigned short mds_bits; /* CUDA hides it as well; __half_as_ushort() is the way */
};

struct alignas(4) __half2 {
    __half x, y;
};

static inline unsigned short __half_as_ushort(__half x)
{
    return x.mds_bits;
}
static inline __half __ushort_as_half(unsigned short bits)
{
    return __half{bits};
}

/* To the nearest, ties to the even one; beyond 65504 infinity from the middle (65520) on. */
static inline __half __float2half_rn(float x)
{
    const uint32_t all = mds_shim_bits<uint32_t>(x), size = all & 0x7fffffffu;
    const uint32_t sign = all >> 16 & 0x8000u;
    uint32_t bits;

    if (size > 0x7f800000u)
        return __half{0x7fff};
    if (size >= 0x47800000u) /* 65536 */
        bits = 0x7c00u;
    else if (size < 0x38800000u) /* below 2⁻¹⁴ the steps are 2⁻²⁴ */
        bits = static_cast<uint32_t>(std::nearbyint(mds_shim_bits<float>(size) * 16777216.0f));
    else
        bits = (size + 0xfffu + (size >> 13 & 1u) - 0x38000000u) >> 13;
    return __half{static_cast<unsigned short>(sign | bits)};
}
static inline float __half2float(__half x)
{
    const uint32_t sign = static_cast<uint32_t>(x.mds_bits & 0x8000u) << 16;
    const uint32_t exponent = x.mds_bits >> 10 & 31u, rest = x.mds_bits & 0x3ffu;

    if (exponent == 31)
        return mds_shim_bits<float>(sign | 0x7f800000u | rest << 13);
    if (exponent == 0) {
        const float size = static_cast<float>(rest) * 5.9604644775390625e-8f; /* 2⁻²⁴ */
        return sign ? -size : size;
    }
    return mds_shim_bits<float>(sign | (exponent + 112) << 23 | rest << 13);
}
static inline __half __float2half(float x)
{
    return __float2half_rn(x);
}
static inline __half2 __floats2half2_rn(float x, float y)
{
    return __half2{__float2half_rn(x), __float2half_rn(y)};
}
static inline __half2 __halves2half2(__half x, __half y)
{
    return __half2{x, y};
}
static inline float __low2float(__half2 x)
{
    return __half2float(x.x);
}
static inline float __high2float(__half2 x)
{
    return __half2float(x.y);
}
static inline float2 __half22float2(__half2 x)
{
    return make_float2(__low2float(x), __high2float(x));
}

#endif
#endif
