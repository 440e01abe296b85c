#include "sweep/queue.h"

#include <stdlib.h>
#include <string.h>

mds_status mds_queue_init(mds_queue *queue, const mds_matrix *matrix, const bool *finished)
{
    memset(queue, 0, sizeof *queue);
    queue->matrix = matrix;
    queue->finished = calloc((size_t)matrix->count + 1, sizeof *queue->finished);
    if (!queue->finished)
        return mds_fail(MDS_ERR_NOMEM, "no memory for a queue of %d cases", matrix->count);
    for (int i = 0; i < matrix->count; ++i) {
        queue->finished[i] = matrix->cases[i].status == MDS_CASE_SKIPPED ||
                             (finished && finished[i]);
        queue->left += !queue->finished[i];
    }
    return MDS_OK;
}

void mds_queue_fini(mds_queue *queue)
{
    free(queue->finished);
    memset(queue, 0, sizeof *queue);
}

void mds_queue_put_back(mds_queue *queue, int index)
{
    if (!queue->finished[index])
        return;
    queue->finished[index] = false;
    ++queue->left;
    queue->next = 0;
}

int mds_queue_take(mds_queue *queue, double seconds_left)
{
    const mds_matrix *matrix = queue->matrix;

    while (queue->next < matrix->count && queue->finished[matrix->order[queue->next]])
        ++queue->next;
    for (int i = queue->next; i < matrix->count && queue->left > 0; ++i) {
        const int index = matrix->order[i];

        if (queue->finished[index] || matrix->cases[index].cost_s > seconds_left)
            continue;
        queue->finished[index] = true;
        --queue->left;
        return index;
    }
    return -1;
}
