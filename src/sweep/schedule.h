/* Private to sweep/: the order in which cases go out. */
#ifndef MDS_SWEEP_SCHEDULE_H
#define MDS_SWEEP_SCHEDULE_H

#include "sweep/matrix.h"

/* Makes matrix->order, runnable and cost_s from its cases. MDS_ERR_CONFIG when two have one key. */
mds_status mds_schedule_make(const mds_study *study, mds_matrix *m);

#endif
