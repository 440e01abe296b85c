/* Nothing here may run before cpu_rows.c has asked the processor. */
#include "device/cpu/cpu_rows.h"

#include <math.h>
#include <string.h>

#ifdef __x86_64__

#pragma GCC target("avx512f,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")

#define REAL         float
#define FLOAT32      1
#define VECTOR_BYTES 64
#define NAME(x)      x##_avx512_fp32
#define LABEL        "avx512"

#include "device/cpu/cpu_rows_body.h"

#endif
