/* MDS_HD marks a formula that the host and the device both compile (C11 and CUDA C++). */
#ifndef MDS_BASE_HD_H
#define MDS_BASE_HD_H

#ifdef __CUDACC__
#define MDS_HD __host__ __device__
#else
#define MDS_HD
#endif

#endif
