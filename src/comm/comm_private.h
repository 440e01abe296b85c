/* What an implementation of comm.h provides; comm.c holds what both share. */
#ifndef MDS_COMM_COMM_PRIVATE_H
#define MDS_COMM_COMM_PRIVATE_H

#include "comm/comm.h"

enum { MDS_COMM_LOOPBACK = 8 }; /* messages to oneself that may wait */

typedef struct mds_comm_class {
    void (*destroy)(mds_comm *comm);
    void (*abort)(mds_comm *comm, int code);
    mds_status (*allgather)(mds_comm *comm, const void *record, size_t bytes, void *all);
    mds_status (*broadcast)(mds_comm *comm, void *bytes, size_t count);
    bool (*barrier)(mds_comm *comm, double timeout_s);
    mds_status (*send)(mds_comm *comm, int to, const mds_message *message);
    bool (*poll)(mds_comm *comm, mds_message *message);
} mds_comm_class;

struct mds_comm {
    const mds_comm_class *class;
    int rank, size, local_rank, local_size;
    char host[64];
    char library[128];
    const void *handle;
    mds_message loopback[MDS_COMM_LOOPBACK];
    int loopback_count;
};

#endif
