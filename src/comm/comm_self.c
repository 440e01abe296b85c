/* One process, no MPI: every collective is the identity. */
#include "comm/comm_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void destroy(mds_comm *comm)
{
    free(comm);
}

static void abort_all(mds_comm *comm, int code)
{
    (void)comm;
    _exit(code);
}

static mds_status allgather(mds_comm *comm, const void *record, size_t bytes, void *all)
{
    (void)comm;
    memmove(all, record, bytes);
    return MDS_OK;
}

static mds_status broadcast(mds_comm *comm, void *bytes, size_t count)
{
    (void)comm, (void)bytes, (void)count;
    return MDS_OK;
}

static bool barrier(mds_comm *comm, double timeout_s)
{
    (void)comm, (void)timeout_s;
    return true;
}

static mds_status send_message(mds_comm *comm, int to, const mds_message *message)
{
    (void)message;
    return mds_fail(MDS_ERR_INTERNAL, "message to rank %d of %d", to, comm->size);
}

static bool poll_message(mds_comm *comm, mds_message *message)
{
    (void)comm, (void)message;
    return false;
}

static const mds_comm_class self_class = {
    .destroy = destroy,
    .abort = abort_all,
    .allgather = allgather,
    .broadcast = broadcast,
    .barrier = barrier,
    .send = send_message,
    .poll = poll_message,
};

mds_status mds_comm_create_self(mds_comm **out)
{
    mds_comm *comm = calloc(1, sizeof *comm);

    *out = comm;
    if (!comm)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the communicator");
    comm->class = &self_class;
    comm->size = comm->local_size = 1;
    gethostname(comm->host, sizeof comm->host - 1);
    snprintf(comm->library, sizeof comm->library, "none");
    return MDS_OK;
}
