#include "device/cpu/cpu_blas.h"

#include <stddef.h>

/* Declared here and weak, because which library is behind cblas.h is known at run time only. */
extern void openblas_set_num_threads(int count) __attribute__((weak));
extern void bli_thread_set_num_threads(long count) __attribute__((weak));
extern void MKL_Set_Num_Threads(int count) __attribute__((weak));

void mds_cpu_blas_one_thread(void)
{
    if (openblas_set_num_threads)
        openblas_set_num_threads(1);
    if (bli_thread_set_num_threads)
        bli_thread_set_num_threads(1);
    if (MKL_Set_Num_Threads)
        MKL_Set_Num_Threads(1);
}
