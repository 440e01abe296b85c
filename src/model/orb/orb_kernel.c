#include "model/orb/orb_kernel.h"

extern const orb_kernel orb_kernel_avx512_fp32, orb_kernel_avx2_fp32;
extern const orb_kernel orb_kernel_portable_fp32, orb_kernel_portable_fp64;

const orb_kernel *orb_kernel_find(mds_real real)
{
    if (real == MDS_REAL_FP64)
        return &orb_kernel_portable_fp64;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma"))
        return &orb_kernel_avx512_fp32;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return &orb_kernel_avx2_fp32;
#endif
    return &orb_kernel_portable_fp32;
}
