/* AVX2 without fused operations, so that the numbers are those of the base variant. Nothing here
 * may run before mds_noise_find() has asked the processor. */
#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif
#define NOISE_NAME mds_noise_avx2
#include "protocol/noise_body.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#endif
