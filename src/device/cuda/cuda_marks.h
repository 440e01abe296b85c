/* Private to device/: NVTX and the profiler's switch, for marks.c. */
#ifndef MDS_DEVICE_CUDA_CUDA_MARKS_H
#define MDS_DEVICE_CUDA_CUDA_MARKS_H

#ifdef MDS_WITH_CUDA

#include <stdbool.h>
#include <stdint.h>

bool mds_cuda_marks_built(void); /* the toolkit had the headers */
void mds_cuda_marks_push(const char *name, int64_t number);
void mds_cuda_marks_pop(void);
void mds_cuda_marks_record(bool begin);

#endif
#endif
