/* Intrinsics and mathematical functions of device code, on the host. Included by mds_shim_kernel.h.
 */
#ifndef MDS_SHIM_MATH_H
#define MDS_SHIM_MATH_H

#include <cmath>
#include <cstdint>
#include <cstring>

template <typename To, typename From> static inline To mds_shim_bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "same size");
    To to;

    memcpy(&to, &from, sizeof to);
    return to;
}

/* Macros where a C library has, or may come to have, a function of that name. */
#define __expf(x) std::exp(static_cast<float>(x))
#define __logf(x) std::log(static_cast<float>(x))
#define __sinf(x) std::sin(static_cast<float>(x))
#define __cosf(x) std::cos(static_cast<float>(x))
#define rsqrt     mds_shim_rsqrt
#define rsqrtf    mds_shim_rsqrtf
#define sinpi     mds_shim_sinpi
#define cospi     mds_shim_cospi

#define MDS_SHIM_FN static inline
MDS_SHIM_FN int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
MDS_SHIM_FN int __popcll(unsigned long long x)
{
    return __builtin_popcountll(x);
}
MDS_SHIM_FN int __ffs(int x)
{
    return __builtin_ffs(x);
}
MDS_SHIM_FN int __ffsll(long long x)
{
    return __builtin_ffsll(x);
}
MDS_SHIM_FN int __clz(int x)
{
    return x ? __builtin_clz(static_cast<unsigned>(x)) : 32;
}
MDS_SHIM_FN int __clzll(long long x)
{
    return x ? __builtin_clzll(static_cast<unsigned long long>(x)) : 64;
}
MDS_SHIM_FN unsigned __umulhi(unsigned a, unsigned b)
{
    return static_cast<unsigned>(static_cast<uint64_t>(a) * b >> 32);
}
MDS_SHIM_FN unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    __extension__ typedef unsigned __int128 wide;
    return static_cast<unsigned long long>(static_cast<wide>(a) * b >> 64);
}
MDS_SHIM_FN int __float_as_int(float x)
{
    return mds_shim_bits<int>(x);
}
MDS_SHIM_FN unsigned __float_as_uint(float x)
{
    return mds_shim_bits<unsigned>(x);
}
MDS_SHIM_FN float __int_as_float(int x)
{
    return mds_shim_bits<float>(x);
}
MDS_SHIM_FN float __uint_as_float(unsigned x)
{
    return mds_shim_bits<float>(x);
}
MDS_SHIM_FN long long __double_as_longlong(double x)
{
    return mds_shim_bits<long long>(x);
}
MDS_SHIM_FN double __longlong_as_double(long long x)
{
    return mds_shim_bits<double>(x);
}
MDS_SHIM_FN int __double2int_rn(double x)
{
    return static_cast<int>(std::nearbyint(x));
}
MDS_SHIM_FN int __double2int_rz(double x)
{
    return static_cast<int>(x);
}
MDS_SHIM_FN int __double2int_rd(double x)
{
    return static_cast<int>(std::floor(x));
}
MDS_SHIM_FN long long __double2ll_rn(double x)
{
    return std::llrint(x);
}
MDS_SHIM_FN float __double2float_rn(double x)
{
    return static_cast<float>(x);
}
MDS_SHIM_FN double __dadd_rn(double a, double b)
{
    return a + b;
}
MDS_SHIM_FN double __dsub_rn(double a, double b)
{
    return a - b;
}
MDS_SHIM_FN double __dmul_rn(double a, double b)
{
    return a * b;
}
MDS_SHIM_FN double __ddiv_rn(double a, double b)
{
    return a / b;
}
MDS_SHIM_FN double __dsqrt_rn(double a)
{
    return std::sqrt(a);
}
MDS_SHIM_FN double __fma_rn(double a, double b, double c)
{
    return std::fma(a, b, c);
}
MDS_SHIM_FN float __fmaf_rn(float a, float b, float c)
{
    return std::fma(a, b, c);
}
MDS_SHIM_FN float __fdividef(float a, float b)
{
    return a / b;
}
MDS_SHIM_FN float __frcp_rn(float x)
{
    return 1.0f / x;
}
MDS_SHIM_FN double rsqrt(double x)
{
    return 1.0 / std::sqrt(x);
}
MDS_SHIM_FN float rsqrtf(float x)
{
    return 1.0f / std::sqrt(x);
}
MDS_SHIM_FN double rcbrt(double x)
{
    return 1.0 / std::cbrt(x);
}
MDS_SHIM_FN double sinpi(double x)
{
    return std::sin(3.14159265358979323846 * x);
}
MDS_SHIM_FN double cospi(double x)
{
    return std::cos(3.14159265358979323846 * x);
}
MDS_SHIM_FN void sincospi(double x, double *s, double *c)
{
    *s = sinpi(x);
    *c = cospi(x);
}
MDS_SHIM_FN double norm3d(double a, double b, double c)
{
    return std::sqrt(a * a + b * b + c * c);
}
MDS_SHIM_FN double rnorm3d(double a, double b, double c)
{
    return 1.0 / norm3d(a, b, c);
}

#define MDS_SHIM_MINMAX(T)                                                                         \
    MDS_SHIM_FN T min(T a, T b)                                                                    \
    {                                                                                              \
        return b < a ? b : a;                                                                      \
    }                                                                                              \
    MDS_SHIM_FN T max(T a, T b)                                                                    \
    {                                                                                              \
        return a < b ? b : a;                                                                      \
    }
MDS_SHIM_MINMAX(int)
MDS_SHIM_MINMAX(unsigned)
MDS_SHIM_MINMAX(long long)
MDS_SHIM_MINMAX(unsigned long long)
MDS_SHIM_MINMAX(long)
MDS_SHIM_MINMAX(unsigned long)
#undef MDS_SHIM_MINMAX
MDS_SHIM_FN double min(double a, double b)
{
    return std::fmin(a, b);
}
MDS_SHIM_FN double max(double a, double b)
{
    return std::fmax(a, b);
}
MDS_SHIM_FN float min(float a, float b)
{
    return std::fmin(a, b);
}
MDS_SHIM_FN float max(float a, float b)
{
    return std::fmax(a, b);
}
#undef MDS_SHIM_FN

#endif
