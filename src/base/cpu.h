/* Which of the loops that are compiled several times this processor can run. */
#ifndef MDS_BASE_CPU_H
#define MDS_BASE_CPU_H

#include <stdbool.h>

/* "avx512": AVX-512 F, DQ and VL, with FMA. "avx2": AVX2 with FMA. False for any other word, and on
 * processors that are not x86-64. */
bool mds_cpu_runs(const char *instructions);

#endif
