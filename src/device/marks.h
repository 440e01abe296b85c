/* Marks for profilers: nested ranges of the calling thread with names ("step"), which Nsight
 * Systems shows above the kernels that were launched within, and the part of a run that a profiler
 * is to record. NVTX of the CUDA toolkit, in builds with CUDA; with no profiler attached its calls
 * return at once.
 *
 * Off, a mark costs one predictable branch. Ranges belong to the thread that began them. */
#ifndef MDS_DEVICE_MARKS_H
#define MDS_DEVICE_MARKS_H

#include "device/device.h"

/* All zero: off. */
typedef struct mds_marks {
    bool on;
    int depth; /* ranges that are open */
} mds_marks;

/* Why this build has no marks, in one line; NULL when it has. */
const char *mds_marks_lacking(void);

/* Out of line, for begin and end_to. */
void mds_marks_push(mds_marks *marks, const char *name, int64_t number);
void mds_marks_pop(mds_marks *marks, int depth);

/* Opens a range; returns what end_to() wants. `number` is shown beside the name (negative: none).
 * marks may be NULL. */
static inline int mds_marks_begin(mds_marks *marks, const char *name, int64_t number)
{
    if (!marks || !marks->on)
        return 0;
    mds_marks_push(marks, name, number);
    return marks->depth - 1;
}

/* Closes the range whose begin() returned `depth`, and all within it that an error left open. */
static inline void mds_marks_end_to(mds_marks *marks, int depth)
{
    if (marks && marks->on)
        mds_marks_pop(marks, depth);
}

/* cudaProfilerStart() and cudaProfilerStop(), for tools that were told to wait for them; nothing
 * unless marks are on and the device is a CUDA device. */
void mds_marks_record(const mds_marks *marks, const mds_device *device, bool begin);

#endif
