/* For processors without the vectors of the other files, and float64, which is for reference. */
#include "device/cpu/cpu_rows.h"

#include <math.h>
#include <string.h>

#define REAL         float
#define FLOAT32      1
#define VECTOR_BYTES 16
#define NAME(x)      x##_portable_fp32
#define LABEL        "portable"
#include "device/cpu/cpu_rows_body.h"
#undef REAL
#undef FLOAT32
#undef NAME
#define REAL    double
#define FLOAT32 0
#define NAME(x) x##_portable_fp64
#include "device/cpu/cpu_rows_body.h"
