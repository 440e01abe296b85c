/* What the host's BLAS has besides BLAS. */
#ifndef MDS_DEVICE_CPU_CPU_BLAS_H
#define MDS_DEVICE_CPU_CPU_BLAS_H

/* A product stays in the thread that asks for it: engines divide their work among their own
 * threads, and a library that starts as many again for each of them only makes them wait. Done when
 * a device of the host is opened. Libraries other than OpenBLAS, BLIS and MKL: nothing; set their
 * environment. */
void mds_cpu_blas_one_thread(void);

#endif
