/* Private to worker.c and worker_server.c: what the rank, its fork server and the worker say to
 * each other. Every channel is a SOCK_SEQPACKET pair: messages keep their boundaries, a vanished
 * peer is an end of file, and writing to one needs no SIGPIPE. */
#ifndef MDS_CASE_WORKER_SERVER_H
#define MDS_CASE_WORKER_SERVER_H

#include "case/worker.h"

#include <stdatomic.h>

/* Rank to server, one byte each. */
enum { CONTROL_SPAWN = 'S', CONTROL_TERMINATE = 'T', CONTROL_KILL = 'K' };

/* Rank to worker. The ticket is new for every run; a command whose ticket is no longer the current
 * one, or was already taken, is a leftover of a worker that died before reading it. */
typedef struct worker_command {
    uint64_t ticket;
    int index, attempt;
} worker_command;

typedef enum worker_news { NEWS_SPAWNED, NEWS_NO_FORK, NEWS_DIED, NEWS_DONE } worker_news;

/* Server or worker to rank. */
typedef struct worker_message {
    worker_news news;
    pid_t pid;
    int detail;      /* NEWS_DIED: the wait status; NEWS_NO_FORK: errno */
    uint64_t ticket; /* NEWS_DONE */
} worker_message;

/* Shared between the three; beside the samples, because those are wiped by every run. */
typedef struct worker_tickets {
    _Atomic uint64_t current;  /* written by the rank */
    _Atomic uint64_t accepted; /* written by the worker: it has begun with this one */
} worker_tickets;

typedef struct worker_server {
    const mds_worker_config *config;
    mds_samples *samples;
    worker_tickets *tickets;
    pid_t rank;
    int control, news, command; /* the server's and worker's ends */
} worker_server;

/* The server process: forks workers when told to, reports their deaths, ends with its rank. */
_Noreturn void mds_worker_serve(const worker_server *server);

#endif
