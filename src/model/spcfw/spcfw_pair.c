#include "model/spcfw/spcfw_pair.h"

#include "base/cpu.h"

#include <stdbool.h>
#include <string.h>

mds_status spcfw_pair_constants_make(const spcfw_dsf *dsf, spcfw_pair_constants *out)
{
    /* The force of two oxygens then is field · charge, as the Coulomb force is, without the 6 of
     * the derivative; the energy has the 6 instead, to be taken off the sum. */
    const double unit = SPCFW_UNIT * SPCFW_OXYGEN / 6.0;
    const double sigma3 = SPCFW_LJ_SIGMA * SPCFW_LJ_SIGMA * SPCFW_LJ_SIGMA;

    out->cutoff2 = dsf->cutoff * dsf->cutoff;
    out->force_shift = dsf->force_shift;
    out->c6 = 4.0 * SPCFW_LJ_EPSILON * sigma3 * sigma3 / unit;
    out->c12 = out->c6 * sigma3 * sigma3;
    out->lj_shift = spcfw_lennard_jones(out->cutoff2).energy / unit;
    return spcfw_fit_make(dsf, &out->fit);
}

const spcfw_kernels *spcfw_kernels_find(const char *name)
{
    const bool any = strcmp(name, "auto") == 0;

#ifdef SPCFW_X86
    if ((any || strcmp(name, "avx512") == 0) && mds_cpu_runs("avx512"))
        return &spcfw_kernels_avx512;
    if ((any || strcmp(name, "avx2") == 0) && mds_cpu_runs("avx2"))
        return &spcfw_kernels_avx2;
#endif
    return any || strcmp(name, "portable") == 0 ? &spcfw_kernels_portable : NULL;
}
