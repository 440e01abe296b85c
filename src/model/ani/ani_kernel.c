#include "model/ani/ani_kernel.h"

#include "base/cpu.h"

#include <string.h>

extern const ani_kernel ani_kernel_avx512_fp32, ani_kernel_avx512_fp64;
extern const ani_kernel ani_kernel_avx2_fp32, ani_kernel_avx2_fp64;
extern const ani_kernel ani_kernel_portable_fp32, ani_kernel_portable_fp64;

static bool runs(const char *name)
{
    return strcmp(name, "portable") == 0 || mds_cpu_runs(name);
}

const ani_kernel *ani_kernel_find(const char *name, bool fp64)
{
    static const ani_kernel *const kernels[][2] = {
#ifdef __x86_64__
        {&ani_kernel_avx512_fp32, &ani_kernel_avx512_fp64},
        {&ani_kernel_avx2_fp32, &ani_kernel_avx2_fp64},
#endif
        {&ani_kernel_portable_fp32, &ani_kernel_portable_fp64},
    };

    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; ++i) {
        const ani_kernel *kernel = kernels[i][fp64];

        if ((strcmp(name, "auto") == 0 || strcmp(name, kernel->name) == 0) && runs(kernel->name))
            return kernel;
    }
    return NULL;
}
