/* Preloaded into a run, it makes one call of MPI fail where a test wants it to, by the profiling
 * interface. What to fail is told by the environment:
 *
 *   FAULT_CALL   MPI_Allgather, MPI_Send, MPI_File_open, ... (those below)
 *   FAULT_N      the first call that fails, from 1; and so do all after it
 *   FAULT_RANK   only in this rank of the run
 *   FAULT_LOG    a line is added to this file for every call that was made to fail
 *
 * Collective calls are made and then told to have failed: a rank that did not take part would leave
 * the others inside of MPI, where nobody could help them. Others are not made. */
#include <fcntl.h>
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int calls;

static int told(const char *call)
{
    const char *wanted = getenv("FAULT_CALL"), *number = getenv("FAULT_N");
    const char *rank = getenv("FAULT_RANK"), *own = getenv("OMPI_COMM_WORLD_RANK");
    const char *log = getenv("FAULT_LOG");

    if (!wanted || !number || strcmp(wanted, call) != 0 || (rank && own && strcmp(rank, own) != 0))
        return MPI_SUCCESS;
    if (++calls < atoi(number))
        return MPI_SUCCESS;
    const int fd = log ? open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (fd >= 0) {
        char line[64];
        const int length = snprintf(line, sizeof line, "%s %d\n", call, calls);

        (void)!write(fd, line, (size_t)length);
        close(fd);
    }
    return MPI_ERR_OTHER;
}

/* Made, and then perhaps told to have failed. */
static int after(const char *call, int code)
{
    const int fault = told(call);

    return fault != MPI_SUCCESS ? fault : code;
}

int MPI_Init(int *argc, char ***argv)
{
    return after("MPI_Init", PMPI_Init(argc, argv));
}

int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *out)
{
    return after("MPI_Comm_split_type", PMPI_Comm_split_type(comm, type, key, info, out));
}

int MPI_Comm_dup(MPI_Comm comm, MPI_Comm *out)
{
    return after("MPI_Comm_dup", PMPI_Comm_dup(comm, out));
}

int MPI_Allgather(const void *send, int count, MPI_Datatype type, void *receive, int receive_count,
                  MPI_Datatype receive_type, MPI_Comm comm)
{
    return after("MPI_Allgather",
                 PMPI_Allgather(send, count, type, receive, receive_count, receive_type, comm));
}

int MPI_Bcast(void *buffer, int count, MPI_Datatype type, int root, MPI_Comm comm)
{
    return after("MPI_Bcast", PMPI_Bcast(buffer, count, type, root, comm));
}

int MPI_Barrier(MPI_Comm comm)
{
    return after("MPI_Barrier", PMPI_Barrier(comm));
}

int MPI_Ibarrier(MPI_Comm comm, MPI_Request *request)
{
    return after("MPI_Ibarrier", PMPI_Ibarrier(comm, request));
}

int MPI_Allreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op,
                  MPI_Comm comm)
{
    return after("MPI_Allreduce", PMPI_Allreduce(send, receive, count, type, op, comm));
}

int MPI_Test(MPI_Request *request, int *flag, MPI_Status *status)
{
    return after("MPI_Test", PMPI_Test(request, flag, status));
}

int MPI_Iprobe(int source, int tag, MPI_Comm comm, int *flag, MPI_Status *status)
{
    return after("MPI_Iprobe", PMPI_Iprobe(source, tag, comm, flag, status));
}

int MPI_Send(const void *buffer, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm)
{
    const int fault = told("MPI_Send");

    return fault != MPI_SUCCESS ? fault : PMPI_Send(buffer, count, type, to, tag, comm);
}

int MPI_Recv(void *buffer, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
             MPI_Status *status)
{
    const int fault = told("MPI_Recv");

    return fault != MPI_SUCCESS ? fault : PMPI_Recv(buffer, count, type, from, tag, comm, status);
}

int MPI_File_open(MPI_Comm comm, const char *name, int mode, MPI_Info info, MPI_File *out)
{
    const int code = PMPI_File_open(comm, name, mode, info, out), fault = told("MPI_File_open");

    if (fault == MPI_SUCCESS)
        return code;
    if (code == MPI_SUCCESS)
        PMPI_File_close(out);
    return fault;
}

int MPI_File_set_view(MPI_File file, MPI_Offset at, MPI_Datatype type, MPI_Datatype file_type,
                      const char *representation, MPI_Info info)
{
    return after("MPI_File_set_view",
                 PMPI_File_set_view(file, at, type, file_type, representation, info));
}

int MPI_File_get_size(MPI_File file, MPI_Offset *size)
{
    return after("MPI_File_get_size", PMPI_File_get_size(file, size));
}

int MPI_File_set_size(MPI_File file, MPI_Offset size)
{
    return after("MPI_File_set_size", PMPI_File_set_size(file, size));
}

int MPI_File_read_at(MPI_File file, MPI_Offset at, void *buffer, int count, MPI_Datatype type,
                     MPI_Status *status)
{
    const int fault = told("MPI_File_read_at");

    return fault != MPI_SUCCESS ? fault : PMPI_File_read_at(file, at, buffer, count, type, status);
}

int MPI_File_write_at(MPI_File file, MPI_Offset at, const void *buffer, int count,
                      MPI_Datatype type, MPI_Status *status)
{
    const int fault = told("MPI_File_write_at");

    return fault != MPI_SUCCESS ? fault : PMPI_File_write_at(file, at, buffer, count, type, status);
}

int MPI_File_write_at_all(MPI_File file, MPI_Offset at, const void *buffer, int count,
                          MPI_Datatype type, MPI_Status *status)
{
    return after("MPI_File_write_at_all",
                 PMPI_File_write_at_all(file, at, buffer, count, type, status));
}

int MPI_File_sync(MPI_File file)
{
    return after("MPI_File_sync", PMPI_File_sync(file));
}

int MPI_File_close(MPI_File *file)
{
    return after("MPI_File_close", PMPI_File_close(file));
}
