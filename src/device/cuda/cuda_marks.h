/* Private to device/: NVTX and the profiler's switch, for marks.c. */
#ifndef MDS_DEVICE_CUDA_CUDA_MARKS_H
#define MDS_DEVICE_CUDA_CUDA_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef MDS_WITH_CUDA

bool mds_cuda_marks_built(void); /* the toolkit had the headers */
void mds_cuda_marks_push(const char *name, int64_t number);
void mds_cuda_marks_pop(void);
void mds_cuda_marks_record(bool begin);

#endif
#endif
