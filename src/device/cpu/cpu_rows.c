#include "device/cpu/cpu_rows.h"

#include "base/cpu.h"

#include <string.h>

extern const mds_cpu_rows mds_cpu_rows_avx512_fp32, mds_cpu_rows_avx2_fp32;
extern const mds_cpu_rows mds_cpu_rows_portable_fp32, mds_cpu_rows_portable_fp64;

static bool runs(const char *name)
{
    return strcmp(name, "portable") == 0 || mds_cpu_runs(name);
}

/* `name` NULL: the best. */
static const mds_cpu_rows *choose(const char *name, mds_real real)
{
    static const mds_cpu_rows *const fp32[] = {
#ifdef __x86_64__
        &mds_cpu_rows_avx512_fp32,
        &mds_cpu_rows_avx2_fp32,
#endif
        &mds_cpu_rows_portable_fp32,
    };

    if (real == MDS_REAL_FP64)
        return name && strcmp(name, "portable") != 0 ? NULL : &mds_cpu_rows_portable_fp64;
    for (size_t i = 0; i < sizeof fp32 / sizeof *fp32; ++i)
        if ((!name || strcmp(name, fp32[i]->name) == 0) && runs(fp32[i]->name))
            return fp32[i];
    return NULL;
}

const mds_cpu_rows *mds_cpu_rows_find(mds_real real)
{
    return choose(NULL, real);
}

const mds_cpu_rows *mds_cpu_rows_named(const char *name, mds_real real)
{
    return choose(name, real);
}
