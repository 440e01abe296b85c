/* Nothing here may run before cpu_rows.c has asked the processor. */
#include "device/cpu/cpu_rows.h"

#include <math.h>
#include <string.h>

#ifdef __x86_64__

#pragma GCC target("avx2,fma")

#define REAL         float
#define FLOAT32      1
#define VECTOR_BYTES 32
#define NAME(x)      x##_avx2_fp32
#define LABEL        "avx2"

#include "device/cpu/cpu_rows_body.h"

#endif
