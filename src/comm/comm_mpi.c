/* The ranks of MPI_COMM_WORLD. Two-sided messages only: spec'd and measured to be the one form that
 * neither stalls behind a busy target nor fails on several nodes. */
#include "base/clock.h"
#include "base/log.h"
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

/* A call of MPI that failed here may have been whole elsewhere: the others would go on, into the
 * next collective call, and wait in it for ever. So that all ranks end, at once, and say which call
 * it was; what was finished is on the disk, and the rest is for --resume. */
static void check(mpi_comm *comm, int code, const char *call)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;

    if (code == MPI_SUCCESS)
        return;
    MPI_Error_string(code, text, &length);
    mds_log(MDS_LOG_ERROR, "rank %d: %s failed (%s); all ranks end, --resume goes on",
            comm->base.rank, call, text);
    mds_comm_abort(&comm->base, mds_status_exit_code(MDS_ERR_IO));
}

static MPI_Comm world_of(mds_comm *comm)
{
    return ((mpi_comm *)comm)->world;
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
    check((mpi_comm *)comm,
          MPI_Allgather(record, (int)bytes, MPI_BYTE, all, (int)bytes, MPI_BYTE, world_of(comm)),
          "MPI_Allgather");
    return MDS_OK;
}

static mds_status broadcast(mds_comm *comm, void *bytes, size_t count)
{
    check((mpi_comm *)comm, MPI_Bcast(bytes, (int)count, MPI_BYTE, 0, world_of(comm)), "MPI_Bcast");
    return MDS_OK;
}

/* MPI_Barrier spins in Open MPI and would take a core from a worker that still measures. */
static bool barrier(mds_comm *comm, double timeout_s)
{
    const int64_t start = mds_clock_ns();
    MPI_Request request;
    int done = 0;

    check((mpi_comm *)comm, MPI_Ibarrier(world_of(comm), &request), "MPI_Ibarrier");
    for (;;) {
        check((mpi_comm *)comm, MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
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
    check((mpi_comm *)comm,
          MPI_Send(message, (int)sizeof *message, MPI_BYTE, to, TAG, world_of(comm)), "MPI_Send");
    return MDS_OK;
}

static bool poll_message(mds_comm *comm, mds_message *message)
{
    MPI_Status from;
    int there = 0;

    check((mpi_comm *)comm, MPI_Iprobe(MPI_ANY_SOURCE, TAG, world_of(comm), &there, &from),
          "MPI_Iprobe");
    if (!there)
        return false;
    check((mpi_comm *)comm,
          MPI_Recv(message, (int)sizeof *message, MPI_BYTE, from.MPI_SOURCE, TAG, world_of(comm),
                   MPI_STATUS_IGNORE),
          "MPI_Recv");
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
    check(comm, MPI_Comm_split_type(comm->world, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
          "MPI_Comm_split_type");
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
