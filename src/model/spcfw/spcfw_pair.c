#include "model/spcfw/spcfw_pair.h"

#include "model/spcfw/spcfw_list.h"

#include <string.h>

void spcfw_pair_set_constants(spcfw_list *list, double cutoff)
{
    /* The force of two oxygens then is field · charge, as the Coulomb force is, without the 6 of
     * the derivative; the energy has the 6 instead, to be taken off the sum. */
    const double unit = SPCFW_UNIT * SPCFW_OXYGEN / 6.0;
    const double sigma3 = SPCFW_LJ_SIGMA * SPCFW_LJ_SIGMA * SPCFW_LJ_SIGMA;
    const double c6 = 4.0 * SPCFW_LJ_EPSILON * sigma3 * sigma3 / unit;
    const double shift = spcfw_lennard_jones(cutoff * cutoff).energy / unit;

    for (int slot = 0; slot < list->clusters * SPCFW_CLUSTER; ++slot) {
        spcfw_cluster *c = &list->cluster[slot / SPCFW_CLUSTER];
        const int lane = slot % SPCFW_CLUSTER;
        const bool used = slot < list->n, oxygen = used && slot % 3 == 0;

        c->q[lane] = oxygen ? SPCFW_OXYGEN : used ? 1.0 : 0.0;
        c->c6[lane] = oxygen ? c6 : 0.0;
        c->c12[lane] = oxygen ? c6 * sigma3 * sigma3 : 0.0;
        c->lj_shift[lane] = oxygen ? shift : 0.0;
    }
}

const spcfw_kernels *spcfw_kernels_find(const char *name)
{
    const bool any = strcmp(name, "auto") == 0;

#ifdef __x86_64__
    if ((any || strcmp(name, "avx512") == 0) && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512dq"))
        return &spcfw_kernels_avx512;
    if ((any || strcmp(name, "avx2") == 0) && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("fma"))
        return &spcfw_kernels_avx2;
#endif
    return any || strcmp(name, "portable") == 0 ? &spcfw_kernels_portable : NULL;
}
