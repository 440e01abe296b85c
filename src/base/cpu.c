#include "base/cpu.h"

#include <string.h>

bool mds_cpu_runs(const char *instructions)
{
#ifdef __x86_64__
    if (strcmp(instructions, "avx512") == 0)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
    if (strcmp(instructions, "avx2") == 0)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    (void)instructions;
    return false;
}
