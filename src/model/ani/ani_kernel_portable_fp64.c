/* 128-bit vectors of float64, which every processor has or the compiler imitates. */
#include "base/units.h"
#include "model/ani/ani_kernel.h"

#include <math.h>

#define REAL_BITS    64
#define VECTOR_BYTES 16
#define TILE_ROWS    4
#define KERNEL       "portable"
#define NAME(x)      x##_portable_fp64
#define V_MAX(a, b)  larger(a, b)
#define V_MIN(a, b)  (-larger(-(a), -(b)))
#define V_RCP(x)     ((REAL)1 / (x))
#define V_RSQRT(x)   ((REAL)1 / root_of(x))
#define V_SUM(x)     sum_of(x)

typedef double quad __attribute__((vector_size(VECTOR_BYTES)));

static inline quad larger(quad a, quad b)
{
    for (int l = 0; l < (int)(sizeof a / sizeof a[0]); ++l)
        a[l] = a[l] > b[l] ? a[l] : b[l];
    return a;
}

static inline quad root_of(quad x)
{
    for (int l = 0; l < (int)(sizeof x / sizeof x[0]); ++l)
        x[l] = sqrt(x[l]);
    return x;
}

static inline double sum_of(quad x)
{
    return x[0] + x[1];
}

extern const ani_kernel ani_kernel_portable_fp64;

#include "model/ani/ani_vector_body.h"

#include "model/ani/ani_filter_body.h"

#include "model/ani/ani_descriptor_body.h"

#include "model/ani/ani_network_body.h"
