/* Private to record*.c: what the parts of the summary work on. */
#ifndef MDS_CASE_RECORD_PRIVATE_H
#define MDS_CASE_RECORD_PRIVATE_H

#include "case/record.h"

enum { MDS_RECORD_NOT_STEADY = MDS_STEP_FIRST | MDS_STEP_WARMUP };

typedef struct mds_record_view {
    const mds_study *study;
    const mds_case *point;
    const mds_samples *samples;
    const mds_cell *flags; /* of the steps pool */
    int64_t rows;          /* of the steps pool */
    double dt_fs;
    const char *latency; /* the steps series that says how long a step took */
    double *x, *y;       /* room for any series of the case, and its abscissa */
} mds_record_view;

/* Known values of a steps series whose flags have all of `with` and none of `without`, into v->y,
 * with their row numbers in v->x. Returns how many. */
size_t mds_record_gather(const mds_record_view *v, const char *key, int64_t with, int64_t without);

mds_status mds_record_flags(const mds_record_view *v, double *value);
void mds_record_telemetry(const mds_record_view *v, double *value);

#endif
