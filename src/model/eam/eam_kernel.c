#include "model/eam/eam_kernel.h"

#include "base/cpu.h"

#include <string.h>

static const eam_kernel kernels[] = {
#ifdef __x86_64__
    {"avx512", eam_density_avx512, eam_forces_avx512},
    {"avx2", eam_density_avx2, eam_forces_avx2},
#endif
    {"base", eam_density_base, eam_forces_base},
};

static bool runs(const char *name)
{
    return strcmp(name, "base") == 0 || mds_cpu_runs(name);
}

mds_status eam_kernel_find(const char *name, const eam_kernel **out)
{
    const bool automatic = strcmp(name, "auto") == 0;

    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; ++i) {
        *out = &kernels[i];
        if ((automatic || strcmp(kernels[i].name, name) == 0) && runs(kernels[i].name))
            return MDS_OK;
    }
    *out = NULL;
    return mds_fail(MDS_ERR_UNSUPPORTED, "this processor does not run the %s variant of eam", name);
}
