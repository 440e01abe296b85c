/* The results file. Rank 0 creates it alone with everything the run will ever need; all ranks then
 * open it in parallel and only write raw data into rows they own. No collective call lies between
 * opening and closing, so a rank may die at any moment without harm to what is written.
 *
 * Order of a case's writes: attempt, rank, start → status RUNNING → series and *_done, every second
 * or so → results → fdatasync → status DONE or FAILED. The last three while the next case runs. */
#ifndef MDS_STORE_STORE_H
#define MDS_STORE_STORE_H

#include "comm/comm.h"
#include "store/row.h"
#include "sweep/matrix.h"

typedef struct mds_store mds_store;

/* Facts about the run, written once: /provenance/<name>. */
typedef struct mds_fact {
    char name[48];
    char *text;            /* heap */
    const char *long_name; /* static; NULL: the name */
} mds_fact;

/* One row per rank: /provenance/ranks/<column>. */
typedef struct mds_rank_info {
    char host[64], device[64], device_model[96], device_uuid[64], cpus[128];
    int64_t pid, local_rank;
    /* of a GPU, else "" and -1 */
    char pci[32], near_cpus[128], allocator[16], driver[96];
    char sharing[64]; /* "mig", "mps", "oversubscribed by 2 ranks"; "": this rank's alone */
    int64_t numa_node, memory_bytes, clock_MHz;
} mds_rank_info;

typedef struct mds_provenance {
    const mds_fact *facts;
    int fact_count;
    const mds_rank_info *ranks;
    int rank_count;
} mds_provenance;

/* A table of the run's summary, for which creation makes room: /summary/<name>/<column>, `rows`
 * long. What rank 0 does not fill stays NaN or "", and 0 in the extra column `valid`. */
typedef struct mds_summary_column {
    char name[48];
    int width; /* bytes of a text column; 0: float64 */
    const char *unit;
    char long_name[96];
} mds_summary_column;

typedef struct mds_summary_layout {
    const char *name;
    const mds_summary_column *columns;
    int column_count;
    int64_t rows;
} mds_summary_layout;

/* What a file is made from; all borrowed. */
typedef struct mds_store_plan {
    const mds_study *study;
    const mds_matrix *matrix;
    mds_provenance provenance;
    const mds_summary_layout *tables;
    int table_count;
    /* Files whose provenance goes along, as /provenance/sources/<n>; a merged one among them stands
     * for those it was merged from. `carried`: one whose sources stay as they are, or NULL. */
    const char *const *sources;
    int source_count;
    const char *carried;
} mds_store_plan;

enum { MDS_RUNS_MAX = 64 }; /* launches that /provenance/runs has room for */

/* Rank 0 only, before anyone opens: writes PATH.tmp, allocates its blocks, syncs and renames it to
 * PATH. Missing folders are made. MDS_ERR_IO: PATH exists (unless `force`), cannot be written, or
 * the disk is too full ("needs X, Y free"); nothing that was there is harmed. */
mds_status mds_store_create(const char *path, bool force, const mds_store_plan *plan);

/* What resuming found. `finished` (matrix->count): cases not to run again. Heap. */
typedef struct mds_resumption {
    bool *finished;
    int done, failed, requeued, added,
        foreign; /* foreign: rows kept that the matrix no longer has */
} mds_resumption;

/* Rank 0 only: makes PATH fit the matrix and says what is left to do. Cases that are DONE stay,
 * those that FAILED too unless `retry_failed`; a RUNNING one is what the last run died in: it goes
 * back to PENDING, or to FAILED after MDS_ATTEMPTS_MAX attempts. Where the set of cases changed, a
 * new file is built beside the old one, the rows are copied, and it takes the old one's name.
 * MDS_ERR_CONFIG when a case's parameters changed, with the difference. */
enum { MDS_ATTEMPTS_MAX = 3 };
mds_status mds_store_resume(const char *path, bool retry_failed, const mds_store_plan *plan,
                            mds_resumption *out);
void mds_resumption_fini(mds_resumption *resumption);

/* One file PATH of the rows of `files`. A case that several have is taken once: a DONE one before
 * others, then the newest; the log says so. MDS_ERR_CONFIG where files ran the same case with other
 * parameters. What is in flight in a file counts as PENDING. */
mds_status mds_store_merge(const char *path, bool force, const char *const *files, int count,
                           const mds_provenance *provenance);
/* A compressed copy: chunked, shuffled, deflated; same objects, same values. The process must not
 * have used HDF5 before. */
mds_status mds_store_repack(const char *from, const char *path, bool force);

/* Whether creating PATH can succeed: the checks of mds_store_create() that cost nothing, so that a
 * dry run can tell. */
mds_status mds_store_check_path(const char *path, bool force);

/* Makes the folders above PATH. */
mds_status mds_store_make_parent(const char *path);

/* Bytes the file will have, for `plan`. */
double mds_store_predicted_bytes(const mds_study *study, const mds_matrix *matrix);

/* Takes the run's lock PATH.lock without waiting (rank 0, held until release or death). MDS_ERR_IO
 * when another run holds it. *fd is -1 on failure. */
mds_status mds_store_lock(const char *path, int *fd);
void mds_store_unlock(int fd);
/* Whether a run holds it, as far as this host can tell; true where that is unknown. */
bool mds_store_in_use(const char *path);

/* Collective: opens PATH for writing rows. The rows' plan columns are read from it. */
mds_status mds_store_open(const char *path, mds_comm *comm, mds_store **out);

/* Independent from here on. `index` is the case's row. */
mds_status mds_store_begin_case(mds_store *store, int index, const mds_rank_info *who, int rank);
/* Writes the rows published since the last call. */
mds_status mds_store_flush_case(mds_store *store, const mds_samples *samples);
/* The case has ended: takes the rest of the rows; after that the samples may be used again. */
mds_status mds_store_end_case(mds_store *store, const mds_samples *samples,
                              const mds_record *record, mds_case_status status, const char *reason);
/* The second half of that, which need not keep a worker waiting: results, sync, status; the sync is
 * made by a thread, and until it is over the file says RUNNING. To be called again and again, until
 * all is *settled; `wait`: only returns then. */
mds_status mds_store_settle(mds_store *store, bool wait, bool *settled);
/* For poll(): readable when settling has something to do that it had not before. */
int mds_store_fd(const mds_store *store);

/* Rank 0, after all cases: start and end of the run, and the columns of its summary tables. `cells`
 * is double[rows], or char[rows][width] for text; rows beyond the room made are dropped. */
mds_status mds_store_write_times(mds_store *store, double t_start, double t_end);
/* Rank 0, before the first case: notes the launch in /provenance/runs; t_end becomes unknown. */
mds_status mds_store_write_launch(mds_store *store, double t_start, int ranks, const char *command);
/* Rank 0, after opening a resumed file: puts the rows of unfinished cases back to PENDING, and what
 * the run died in too often to FAILED. `finished` (count) as mds_resumption has it. */
mds_status mds_store_requeue(mds_store *store, const bool *finished, int count);
mds_status mds_store_write_summary(mds_store *store, const char *table,
                                   const mds_summary_column *column, const void *cells,
                                   int64_t rows);

/* Waits until all that this rank wrote is on the disk. Before closing, which does not tell. */
mds_status mds_store_sync(mds_store *store);
/* Collective: closes the file. Not `well`: after an error, of which all ranks know; if MPI-IO then
 * does not let them close it together within some seconds, the process ends here with code 74. */
mds_status mds_store_close(mds_store *store, bool well);

#endif
