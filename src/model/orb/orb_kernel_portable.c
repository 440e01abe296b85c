/* For processors without the vectors of the other files, and float64, which is for reference. */
#include "model/orb/orb_edge_math.h"
#include "model/orb/orb_kernel.h"

#include <string.h>

#define REAL    float
#define NAME(x) x##_portable_fp32
#define LABEL   "portable"
#include "model/orb/orb_kernel_body.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##_portable_fp64
#include "model/orb/orb_kernel_body.h"
