/* The ranks of MPI_COMM_WORLD. Two-sided messages only: spec'd and measured to be the one form that
 * neither stalls behind a busy target nor fails on several nodes. */
#include "base/clock.h"
#include "comm/comm_private.h"

#include <mpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TAG = 71, BARRIER_POLL_US = 500 };

typedef struct mpi_comm {
    mds_comm base;
    MPI_Comm world;
} mpi_comm;

/* Turns an MPI error code into a status with MPI's own words. */
static mds_status check(int code, const char *call)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;

    if (code == MPI_SUCCESS)
        return MDS_OK;
    MPI_Error_string(code, text, &length);
    return mds_fail(MDS_ERR_IO, "%s: %s", call, text);
}

static void destroy(mds_comm *comm)
{
    MPI_Finalize();
    free(comm);
}

static void abort_all(mds_comm *comm, int code)
{
    MPI_Abort(((mpi_comm *)comm)->world, code);
}

static mds_status allgather(mds_comm *comm, const void *record, size_t bytes, void *all)
{
    return check(MPI_Allgather(record, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE,
                               ((mpi_comm *)comm)->world),
                 "MPI_Allgather");
}

static mds_status broadcast(mds_comm *comm, void *bytes, size_t count)
{
    return check(MPI_Bcast(bytes, (int)count, MPI_BYTE, 0, ((mpi_comm *)comm)->world), "MPI_Bcast");
}

/* MPI_Barrier spins in Open MPI and would take a core from a worker that still measures. */
static bool barrier(mds_comm *comm, double timeout_s)
{
    const int64_t start = mds_clock_ns();
    MPI_Request request;
    int done = 0;

    if (MPI_Ibarrier(((mpi_comm *)comm)->world, &request) != MPI_SUCCESS)
        return false;
    for (;;) {
        if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
            return false;
        if (done)
            return true;
        if (1e-9 * (double)(mds_clock_ns() - start) > timeout_s)
            return false;
        usleep(BARRIER_POLL_US);
    }
}

/* A message is small enough to go eagerly: MPI_Send returns although nobody receives yet. */
static mds_status send_message(mds_comm *comm, int to, const mds_message *message)
{
    return check(
        MPI_Send(message, (int)sizeof *message, MPI_BYTE, to, TAG, ((mpi_comm *)comm)->world),
        "MPI_Send");
}

static bool poll_message(mds_comm *comm, mds_message *message)
{
    MPI_Comm world = ((mpi_comm *)comm)->world;
    MPI_Status from;
    int there = 0;

    if (MPI_Iprobe(MPI_ANY_SOURCE, TAG, world, &there, &from) != MPI_SUCCESS || !there)
        return false;
    if (MPI_Recv(message, (int)sizeof *message, MPI_BYTE, from.MPI_SOURCE, TAG, world,
                 MPI_STATUS_IGNORE) != MPI_SUCCESS)
        return false;
    message->from = from.MPI_SOURCE;
    return true;
}

static const mds_comm_class mpi_class = {
    .destroy = destroy,
    .abort = abort_all,
    .allgather = allgather,
    .broadcast = broadcast,
    .barrier = barrier,
    .send = send_message,
    .poll = poll_message,
};

/* What Open MPI does by default and a run must not meet; a setting of the user's stays.
 *
 * Its handler of SIGSEGV, SIGABRT and the like prints a stack trace, for which it allocates: where
 * the signal met malloc() (an abort after a damaged heap does) the rank hangs, and everyone with
 * it.
 *
 * Its ompio opens a file with a semaphore in /dev/shm that is named by the file's base name alone.
 * A rank killed while it holds that leaves every later run with this name waiting for ever, and
 * runs of two folders share it. Its ROMIO has nothing of the kind. */
static void tame_open_mpi(void)
{
    setenv("OMPI_MCA_opal_signal", "", 0);
    setenv("OMPI_MCA_io", "^ompio", 0);
}

mds_status mds_comm_create_mpi(mds_comm **out)
{
    mpi_comm *comm = calloc(1, sizeof *comm);
    MPI_Comm node;
    int length = 0;
    char library[MPI_MAX_LIBRARY_VERSION_STRING] = "";

    *out = NULL;
    if (!comm)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the communicator");
    tame_open_mpi();
    if (MPI_Init(NULL, NULL) != MPI_SUCCESS) {
        free(comm);
        return mds_fail(MDS_ERR_IO, "MPI_Init failed");
    }
    comm->base.class = &mpi_class;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    comm->world = MPI_COMM_WORLD;
    comm->base.handle = &comm->world;
    MPI_Comm_rank(comm->world, &comm->base.rank);
    MPI_Comm_size(comm->world, &comm->base.size);
    MPI_Comm_split_type(comm->world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_rank(node, &comm->base.local_rank);
    MPI_Comm_size(node, &comm->base.local_size);
    MPI_Comm_free(&node);
    gethostname(comm->base.host, sizeof comm->base.host - 1);
    MPI_Get_library_version(library, &length);
    library[strcspn(library, "\n")] = '\0';
    snprintf(comm->base.library, sizeof comm->base.library, "%.127s", library);
    *out = &comm->base;
    return MDS_OK;
}
