#include "base/log.h"
#include "comm/comm_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void mds_comm_destroy(mds_comm *comm)
{
    if (comm)
        comm->class->destroy(comm);
}

void mds_comm_abort(mds_comm *comm, int code)
{
    if (comm)
        comm->class->abort(comm, code);
    _exit(code);
}

int mds_comm_rank(const mds_comm *comm)
{
    return comm->rank;
}

int mds_comm_size(const mds_comm *comm)
{
    return comm->size;
}

int mds_comm_local_rank(const mds_comm *comm)
{
    return comm->local_rank;
}

int mds_comm_local_size(const mds_comm *comm)
{
    return comm->local_size;
}

const char *mds_comm_host(const mds_comm *comm)
{
    return comm->host;
}

const char *mds_comm_library(const mds_comm *comm)
{
    return comm->library;
}

bool mds_comm_is_mpi(const mds_comm *comm)
{
    return comm->handle != NULL;
}

const void *mds_comm_handle(const mds_comm *comm)
{
    return comm->handle;
}

mds_status mds_comm_allgather(mds_comm *comm, const void *record, size_t bytes, void *all)
{
    return comm->class->allgather(comm, record, bytes, all);
}

mds_status mds_comm_broadcast(mds_comm *comm, void *bytes, size_t count)
{
    return comm->class->broadcast(comm, bytes, count);
}

bool mds_comm_barrier(mds_comm *comm, double timeout_s)
{
    return comm->class->barrier(comm, timeout_s);
}

/* This rank cannot take part in a collective call: the others would wait for ever. */
static _Noreturn void give_up(mds_comm *comm, const char *why)
{
    mds_log(MDS_LOG_ERROR, "rank %d: %s to agree with the other ranks", comm->rank, why);
    mds_comm_abort(comm, mds_status_exit_code(MDS_ERR_IO));
}

typedef struct verdict {
    int status;
    char message[512];
} verdict;

/* The status values are ordered by gravity only roughly; what matters is that all ranks take the
 * same one: the lowest failing rank's. A rank that merely stopped does not hide why another did. */
mds_status mds_comm_agree(mds_comm *comm, mds_status status)
{
    if (comm->size == 1)
        return status;

    verdict own = {.status = status};
    verdict *all = calloc((size_t)comm->size, sizeof *all);

    snprintf(own.message, sizeof own.message, "%s", status == MDS_OK ? "" : mds_error());
    if (!all)
        give_up(comm, "no memory");
    if (mds_comm_allgather(comm, &own, sizeof own, all) != MDS_OK)
        give_up(comm, mds_error());
    mds_status agreed = MDS_OK;
    for (int i = 0; i < comm->size && (agreed == MDS_OK || agreed == MDS_ERR_STOPPED); ++i)
        if (all[i].status != MDS_OK && !(agreed != MDS_OK && all[i].status == MDS_ERR_STOPPED))
            agreed = mds_fail((mds_status)all[i].status, "%s", all[i].message);
    free(all);
    return agreed;
}

mds_status mds_comm_settle(mds_comm *comm, mds_status status)
{
    const double patience_s = status == MDS_OK ? HUGE_VAL : 10.0;

    if (comm->size > 1 && !mds_comm_barrier(comm, patience_s)) {
        mds_log(MDS_LOG_ERROR, "rank %d: %s (the other ranks wait for it: all end)", comm->rank,
                mds_error());
        mds_comm_abort(comm, mds_status_exit_code(status));
    }
    return mds_comm_agree(comm, status);
}

/* Reductions by allgather: there are at most a few hundred ranks, and none is in a hurry. */
static int64_t *gather_values(mds_comm *comm, int64_t value)
{
    int64_t *all = calloc((size_t)comm->size, sizeof *all);

    if (!all)
        give_up(comm, "no memory");
    if (mds_comm_allgather(comm, &value, sizeof value, all) != MDS_OK)
        give_up(comm, mds_error());
    return all;
}

bool mds_comm_all_equal(mds_comm *comm, uint64_t value)
{
    int64_t *all = gather_values(comm, (int64_t)value);
    bool equal = true;

    for (int i = 1; i < comm->size; ++i)
        equal = equal && all[i] == all[0];
    free(all);
    return equal;
}

int64_t mds_comm_max(mds_comm *comm, int64_t value)
{
    int64_t *all = gather_values(comm, value), most = value;

    for (int i = 0; i < comm->size; ++i)
        if (all[i] > most)
            most = all[i];
    free(all);
    return most;
}

int64_t mds_comm_sum(mds_comm *comm, int64_t value)
{
    int64_t *all = gather_values(comm, value), sum = 0;

    for (int i = 0; i < comm->size; ++i)
        sum += all[i];
    free(all);
    return sum;
}

mds_status mds_comm_send(mds_comm *comm, int to, const mds_message *message)
{
    if (to != comm->rank)
        return comm->class->send(comm, to, message);
    if (comm->loopback_count == MDS_COMM_LOOPBACK)
        return mds_fail(MDS_ERR_CAPACITY, "too many messages of a rank to itself");
    comm->loopback[comm->loopback_count] = *message;
    comm->loopback[comm->loopback_count++].from = comm->rank;
    return MDS_OK;
}

bool mds_comm_poll(mds_comm *comm, mds_message *message)
{
    if (comm->loopback_count > 0) {
        *message = comm->loopback[0];
        comm->loopback_count -= 1;
        memmove(comm->loopback, comm->loopback + 1,
                (size_t)comm->loopback_count * sizeof *comm->loopback);
        return true;
    }
    return comm->class->poll(comm, message);
}
