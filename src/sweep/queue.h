/* The dispenser's state on rank 0: which case goes out next. Pure data; the messages are comm's. */
#ifndef MDS_SWEEP_QUEUE_H
#define MDS_SWEEP_QUEUE_H

#include "base/status.h"
#include "sweep/matrix.h"

typedef struct mds_queue {
    const mds_matrix *matrix; /* borrowed */
    int next;                 /* position in matrix->order */
    bool *finished;           /* (matrix->count) not to be handed out: done before, or skipped */
    int left;
} mds_queue;

/* `finished`: (count) flags of cases not to run (resume), or NULL. Copied. */
mds_status mds_queue_init(mds_queue *queue, const mds_matrix *matrix, const bool *finished);
void mds_queue_fini(mds_queue *queue);
/* Next case index, or -1 when none is left or none that fits: `seconds_left` bounds the predicted
 * cost (INFINITY: no limit). A case that does not fit is passed over, smaller ones may still go
 * out. */
int mds_queue_take(mds_queue *queue, double seconds_left);
/* A case that was taken and could not be run: it goes out again. */
void mds_queue_put_back(mds_queue *queue, int index);

#endif
