/* The ranks of a run behind a few typed verbs; nothing else includes mpi.h (but the store, which
 * hands the communicator to HDF5). Two implementations: MPI, and `self` (one process, no MPI),
 * which serves the commands that need no launcher and the tests.
 *
 * Collective verbs say so; all ranks must call them in the same order. No verb spins: waiting polls
 * with a sleep, because a rank shares its cores with the worker it measures. */
#ifndef MDS_COMM_COMM_H
#define MDS_COMM_COMM_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mds_comm mds_comm;

/* One process. Never fails but for memory. */
mds_status mds_comm_create_self(mds_comm **out);
/* Collective: MPI_Init and the local rank by MPI_Comm_split_type. Call once, after the worker's
 * fork server was forked. */
mds_status mds_comm_create_mpi(mds_comm **out);
/* Collective for MPI: finalises it. Accepts NULL. */
void mds_comm_destroy(mds_comm *comm);
/* Ends every rank at once with `code`; for errors that the others cannot know of. */
_Noreturn void mds_comm_abort(mds_comm *comm, int code);

int mds_comm_rank(const mds_comm *comm);
int mds_comm_size(const mds_comm *comm);
int mds_comm_local_rank(const mds_comm *comm); /* among the ranks of this host */
int mds_comm_local_size(const mds_comm *comm);
const char *mds_comm_host(const mds_comm *comm);
const char *mds_comm_library(const mds_comm *comm); /* "Open MPI v4.1.4, ..." or "none" */
bool mds_comm_is_mpi(const mds_comm *comm);
/* The MPI_Comm as an opaque pointer, for the store alone; NULL for self. */
const void *mds_comm_handle(const mds_comm *comm);

/* Collective: every rank gets the gravest status of any, and the message of the lowest rank that
 * has it, so that no rank goes on alone into a collective call. */
mds_status mds_comm_agree(mds_comm *comm, mds_status status);
/* Collective, behind a collective call of another library: the same, but a rank whose call failed
 * waits a few seconds at most for those that may still be inside of it, and then ends all of them
 * with its message. */
mds_status mds_comm_settle(mds_comm *comm, mds_status status);
/* Collective: OK everywhere when all ranks hold the same value; else the ranks that differ. */
bool mds_comm_all_equal(mds_comm *comm, uint64_t value);
/* Collective: maximum / sum over the ranks. */
int64_t mds_comm_max(mds_comm *comm, int64_t value);
int64_t mds_comm_sum(mds_comm *comm, int64_t value);
/* Collective: record (bytes) of every rank, in rank order, into all (size × bytes). */
mds_status mds_comm_allgather(mds_comm *comm, const void *record, size_t bytes, void *all);
/* Collective: rank 0's bytes everywhere. */
mds_status mds_comm_broadcast(mds_comm *comm, void *bytes, size_t count);
/* Collective, with sleeping: false when not all ranks came within `timeout_s`. */
bool mds_comm_barrier(mds_comm *comm, double timeout_s);

/* Small messages between the ranks' event loops. */
typedef struct mds_message {
    int kind; /* the caller's */
    int from; /* filled in by poll */
    int64_t value[4];
    char text[224]; /* for people */
} mds_message;

/* Buffered: returns at once. A message to oneself is delivered by the next poll. */
mds_status mds_comm_send(mds_comm *comm, int to, const mds_message *message);
/* Takes the next message if there is one. */
bool mds_comm_poll(mds_comm *comm, mds_message *message);

#endif
