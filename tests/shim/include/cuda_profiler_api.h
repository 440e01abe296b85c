/* cudaProfilerStart() and cudaProfilerStop(). */
#ifndef MDS_SHIM_CUDA_PROFILER_API_H
#define MDS_SHIM_CUDA_PROFILER_API_H

#include <cuda_runtime.h>

#endif
