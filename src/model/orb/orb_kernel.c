#include "model/orb/orb_kernel.h"

#include "base/cpu.h"

extern const orb_kernel orb_kernel_avx512_fp32, orb_kernel_avx2_fp32;
extern const orb_kernel orb_kernel_portable_fp32, orb_kernel_portable_fp64;

const orb_kernel *orb_kernel_find(mds_real real)
{
    if (real == MDS_REAL_FP64)
        return &orb_kernel_portable_fp64;
#ifdef __x86_64__
    if (mds_cpu_runs("avx512"))
        return &orb_kernel_avx512_fp32;
    if (mds_cpu_runs("avx2"))
        return &orb_kernel_avx2_fp32;
#endif
    return &orb_kernel_portable_fp32;
}
