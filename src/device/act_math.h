/* The activations of ops.h and their slopes, in float32 and float64, for the host and for kernels:
 *
 *     mds_act_value_fp32(kind, a, z)        y
 *     mds_act_slope_fp32(kind, a, z, y)     dy/dz, from y (celu) or from z (the others)
 *
 * and the same with fp64. `a` is of celu. */
#ifndef MDS_DEVICE_ACT_MATH_H
#define MDS_DEVICE_ACT_MATH_H

#include "base/hd.h"
#include "device/ops.h"

#include <math.h>

#define REAL     float
#define NAME(x)  x##_fp32
#define EXP(x)   expf(x)
#define EXPM1(x) expm1f(x)
#define LOG1P(x) log1pf(x)
#define ERFC(x)  erfcf(x)
#include "device/act_body.h"
#undef REAL
#undef NAME
#undef EXP
#undef EXPM1
#undef LOG1P
#undef ERFC
#define REAL     double
#define NAME(x)  x##_fp64
#define EXP(x)   exp(x)
#define EXPM1(x) expm1(x)
#define LOG1P(x) log1p(x)
#define ERFC(x)  erfc(x)
#include "device/act_body.h"
#undef REAL
#undef NAME
#undef EXP
#undef EXPM1
#undef LOG1P
#undef ERFC

#endif
