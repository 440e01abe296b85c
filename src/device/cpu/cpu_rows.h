/* Row-wise operations of the CPU table whose time shows in a profile: the same loops compiled for
 * several instruction sets, and the best chosen once by what the processor says it has. float32
 * uses its own exponential (2 units in the last place); float64 uses the library's. */
#ifndef MDS_DEVICE_CPU_CPU_ROWS_H
#define MDS_DEVICE_CPU_CPU_ROWS_H

#include "device/ops.h"

typedef struct mds_cpu_rows {
    const char *name; /* "avx512", "avx2", "portable" */
    void (*bias_act)(const mds_bias_act *op);
    void (*act_grad)(const mds_act_grad *op);
    void (*gather_act)(const mds_gather_act *op);
    void (*norm_add)(const mds_norm_add *op);
    void (*norm_grad)(const mds_norm_grad *op);
} mds_cpu_rows;

/* Activations of these tables; the others are in ops_cpu_body.h. */
static inline bool mds_cpu_rows_knows(mds_act_kind kind)
{
    return kind == MDS_ACT_SILU || kind == MDS_ACT_SSP || kind == MDS_ACT_NONE;
}

const mds_cpu_rows *mds_cpu_rows_find(mds_real real);
/* For tests: a table by name, or NULL where the processor cannot run it. */
const mds_cpu_rows *mds_cpu_rows_named(const char *name, mds_real real);

#endif
