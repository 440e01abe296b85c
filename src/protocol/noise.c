#define NOISE_NAME mds_noise_base
#include "protocol/noise_body.h"

mds_noise_function *mds_noise_find(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2"))
        return mds_noise_avx2;
#endif
    return mds_noise_base;
}
