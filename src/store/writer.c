/* Writing rows while the run is on: independent raw-data writes into blocks that exist, nothing
 * else. No metadata changes, no collective call, memory type equal to file type. */
#include "store/h5.h"
#include "store/reader.h"
#include "store/store.h"
#include "store/trajectory.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <mpi.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { COLUMNS_MAX = 160, POOL_COLUMNS_MAX = 32 };

/* HDF5 refuses one write of 2 GiB and more; a GiB is far above any flush. */
static const int64_t rows_per_write = INT64_C(1) << 27;

struct mds_store {
    char path[MDS_PATH_SIZE];
    hid_t file;
    int fd; /* of our own, for fdatasync: H5Fflush would be collective */
    int column_count;
    mds_column column[COLUMNS_MAX];
    hid_t column_set[COLUMNS_MAX], column_type[COLUMNS_MAX];
    hid_t pool_set[MDS_POOL_COUNT][POOL_COLUMNS_MAX];
    mds_trajectory trajectory; /* of the case in work */
    mds_row *rows;
    int count;
    int index; /* of the case in work, or -1 */
};

mds_status mds_store_lock(const char *path, int *fd)
{
    char name[MDS_PATH_SIZE + 8];

    snprintf(name, sizeof name, "%s.lock", path);
    *fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0)
        return mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", name, strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return MDS_OK;
    const int reason = errno;
    if (reason == ENOLCK || reason == ENOSYS || reason == EOPNOTSUPP) {
        mds_log(MDS_LOG_WARN,
                "%s: this file system has no locks; see to it that no other run "
                "writes this file",
                path);
        return MDS_OK;
    }
    close(*fd);
    *fd = -1;
    if (reason == EWOULDBLOCK)
        return mds_fail(MDS_ERR_IO, "%s: another run is writing this file", path);
    return mds_fail(MDS_ERR_IO, "%s: cannot be locked: %s", name, strerror(reason));
}

void mds_store_unlock(int fd)
{
    if (fd >= 0)
        close(fd); /* the name stays: removing it would race with the next run's open */
}

/* A failed write says little; its usual causes deserve their names. */
static mds_status write_failed(const mds_store *store, const char *what)
{
    const int reason = errno;
    struct statvfs disk;
    const mds_status status = mds_h5_fail(store->path, what);
    char there[32];

    if (fstatvfs(store->fd, &disk) == 0 && disk.f_bavail * disk.f_frsize < (1u << 20))
        return mds_fail(
            MDS_ERR_IO, "%s: disk full: %s free", store->path,
            mds_format_bytes((double)disk.f_bavail * (double)disk.f_frsize, there, sizeof there));
    if (reason == ENOSPC || reason == EDQUOT || reason == EIO || reason == EROFS ||
        reason == ESTALE)
        return mds_fail(MDS_ERR_IO, "%s: %s cannot be written: %s", store->path, what,
                        strerror(reason));
    return status;
}

static mds_status write_cells(mds_store *store, hid_t set, hid_t type, int64_t first, int64_t count,
                              const void *cells, const char *what)
{
    const hsize_t start = (hsize_t)first, length = (hsize_t)count;
    const hid_t in_file = H5Dget_space(set);
    const hid_t in_memory = H5Screate_simple(1, &length, NULL);
    herr_t failed = H5Sselect_hyperslab(in_file, H5S_SELECT_SET, &start, NULL, &length, NULL);

    errno = 0;
    if (failed >= 0)
        failed = H5Dwrite(set, type, in_memory, in_file, H5P_DEFAULT, cells);
    /* Before anything else is called: that would clear HDF5's account of the error. */
    const mds_status status = failed < 0 ? write_failed(store, what) : MDS_OK;
    H5Sclose(in_memory);
    H5Sclose(in_file);
    return status;
}

static mds_status write_phase(mds_store *store, mds_column_phase phase)
{
    const char *row = (const char *)&store->rows[store->index];

    for (int i = 0; i < store->column_count; ++i) {
        const mds_column *column = &store->column[i];

        if (column->phase != phase)
            continue;
        const mds_status status = write_cells(store, store->column_set[i], store->column_type[i],
                                              store->index, 1, row + column->offset, column->name);
        if (status != MDS_OK)
            return status;
    }
    return MDS_OK;
}

static mds_status open_columns(mds_store *store)
{
    char name[96];

    store->column_count = mds_column_count();
    if (store->column_count > COLUMNS_MAX)
        return mds_fail(MDS_ERR_INTERNAL, "more than %d columns", COLUMNS_MAX);
    for (int i = 0; i < store->column_count; ++i) {
        mds_column *column = &store->column[i];

        mds_column_get(i, column);
        snprintf(name, sizeof name, "/cases/%s", column->name);
        store->column_set[i] = H5Dopen2(store->file, name, H5P_DEFAULT);
        store->column_type[i] = mds_h5_column_type(column->type, column->size);
        if (store->column_set[i] < 0)
            return mds_h5_fail(store->path, name);
    }
    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool)
        for (int i = 0; i < mds_pool_column_count((mds_pool)pool); ++i) {
            snprintf(name, sizeof name, "/%s/%s", mds_pool_name((mds_pool)pool),
                     mds_pool_column((mds_pool)pool, i)->key);
            store->pool_set[pool][i] = H5Dopen2(store->file, name, H5P_DEFAULT);
            if (store->pool_set[pool][i] < 0)
                return mds_h5_fail(store->path, name);
        }
    return MDS_OK;
}

/* Opening and closing in parallel wait for all ranks, inside MPI, where one that failed without a
 * word leaves the others for ever. SIGALRM then ends this rank, and with it the run. */
enum { COLLECTIVE_S = 300 };

static void on_alarm(int number)
{
    static const char text[] = "mdsweep: error: the results file: no answer from MPI-IO in 300 s\n";

    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(74);
}

static void begin_collective(void)
{
    const struct sigaction action = {.sa_handler = on_alarm};

    sigaction(SIGALRM, &action, NULL);
    alarm(COLLECTIVE_S);
}

static void end_collective(void)
{
    alarm(0);
}

static mds_status open_file(mds_store *store, mds_comm *comm)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    struct stat info;

    /* An empty file would be taken for a new one and initialised. */
    if (stat(store->path, &info) != 0 || info.st_size == 0) {
        H5Pclose(access);
        return mds_fail(MDS_ERR_IO, "%s: missing or empty", store->path);
    }
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    if (mds_comm_is_mpi(comm)) {
        const MPI_Comm *world = mds_comm_handle(comm);

        H5Pset_fapl_mpio(access, *world, MPI_INFO_NULL);
    }
    mds_status status = MDS_OK;
    begin_collective();
    store->file = H5Fopen(store->path, H5F_ACC_RDWR, access);
    end_collective();
    if (store->file < 0)
        status = mds_h5_fail(store->path, "cannot be opened for writing");
    H5Pclose(access);
    if (status != MDS_OK)
        return status;
    store->fd = open(store->path, O_RDWR | O_CLOEXEC);
    if (store->fd < 0)
        return mds_fail(MDS_ERR_IO, "%s: %s", store->path, strerror(errno));
    /* HDF5 takes no lock with MPI-IO. A shared one lets readers look and keeps serial writers (h5py
     * "r+", which locks exclusively) away; where locks do not work the run goes on without. */
    (void)flock(store->fd, LOCK_SH | LOCK_NB);
    return open_columns(store);
}

mds_status mds_store_open(const char *path, mds_comm *comm, mds_store **out)
{
    mds_store *store = calloc(1, sizeof *store);
    mds_results results = {0};
    mds_status status = MDS_OK;

    *out = NULL;
    if (!store)
        status = mds_fail(MDS_ERR_NOMEM, "no memory for the store");
    mds_h5_quiet();
    if (status == MDS_OK)
        status = mds_results_read(path, &results);
    /* Opening is collective: nobody enters it unless all will. */
    status = mds_comm_agree(comm, status);
    if (status == MDS_OK) {
        snprintf(store->path, sizeof store->path, "%s", path);
        store->file = -1;
        store->fd = -1;
        store->index = -1;
        store->rows = results.rows;
        store->count = results.count;
        results.rows = NULL;
        status = mds_comm_agree(comm, open_file(store, comm));
    }
    mds_results_fini(&results);
    if (status == MDS_OK)
        *out = store;
    else
        free(store);
    return status;
}

mds_status mds_store_begin_case(mds_store *store, int index, const mds_rank_info *who, int rank)
{
    mds_row *row = &store->rows[index];
    mds_status status = MDS_OK;

    store->index = index;
    /* Attempts are counted against a case that the run dies in; asked to retry one that has used
     * them up, or that failed by itself, we start to count anew. */
    if (row->status == MDS_CASE_FAILED || row->attempt >= MDS_ATTEMPTS_MAX)
        row->attempt = 0;
    row->attempt += 1;
    row->rank = rank;
    row->source = -1;
    row->t_start = mds_clock_epoch_s();
    memcpy(row->host, who->host, sizeof row->host);
    memcpy(row->device, who->device, sizeof row->device);
    memset(row->done, 0, sizeof row->done);
    row->frames_done = 0;
    if (row->frame_count > 0)
        MDS_TRY(mds_trajectory_open(store->file, store->path, row, &store->trajectory));
    row->status = MDS_CASE_RUNNING;
    MDS_TRY(write_phase(store, MDS_COLUMN_FLUSH)); /* the rows of an earlier attempt are void */
    MDS_TRY(write_phase(store, MDS_COLUMN_BEGIN));
    MDS_TRY(write_phase(store, MDS_COLUMN_STATUS));
out:
    return status;
}

static mds_status flush_pool(mds_store *store, const mds_samples *samples, mds_pool pool)
{
    mds_row *row = &store->rows[store->index];
    mds_status status = MDS_OK;
    int64_t last = mds_samples_rows(samples, pool);

    if (last > row->count[pool])
        last = row->count[pool];
    while (row->done[pool] < last) {
        const int64_t first = row->done[pool];
        const int64_t count = last - first < rows_per_write ? last - first : rows_per_write;

        for (int i = 0; i < mds_pool_column_count(pool); ++i)
            MDS_TRY(write_cells(
                store, store->pool_set[pool][i], mds_h5_cell_type(mds_pool_column(pool, i)->type),
                row->start[pool] + first, count, mds_samples_column(samples, pool, i) + first,
                mds_pool_column(pool, i)->key));
        row->done[pool] += count;
    }
out:
    return status;
}

static mds_status flush_frames(mds_store *store, const mds_samples *samples)
{
    mds_row *row = &store->rows[store->index];
    const int64_t published = mds_samples_frames(samples);
    const int64_t last = published < row->frame_count ? published : row->frame_count;
    mds_frame_area area;
    mds_status status = MDS_OK;

    if (row->frames_done >= last)
        return MDS_OK;
    MDS_TRY(mds_samples_frame_area(samples, (int)row->n_atoms, row->frame_count, &area));
    MDS_TRY(mds_trajectory_write(&store->trajectory, &area, row->dt_fs, row->frames_done,
                                 last - row->frames_done, store->path));
    row->frames_done = last;
out:
    return status;
}

mds_status mds_store_flush_case(mds_store *store, const mds_samples *samples)
{
    mds_status status = MDS_OK;
    const mds_row *row = &store->rows[store->index];
    const int64_t before = row->done[MDS_POOL_STEPS] + row->done[MDS_POOL_COMPONENTS] +
                           row->frames_done;

    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool)
        MDS_TRY(flush_pool(store, samples, (mds_pool)pool));
    MDS_TRY(flush_frames(store, samples));
    const int64_t after = row->done[MDS_POOL_STEPS] + row->done[MDS_POOL_COMPONENTS] +
                          row->frames_done;
    if (after != before)
        MDS_TRY(write_phase(store, MDS_COLUMN_FLUSH));
out:
    return status;
}

mds_status mds_store_finish_case(mds_store *store, const mds_samples *samples,
                                 const mds_record *record, mds_case_status case_status,
                                 const char *reason)
{
    mds_row *row = &store->rows[store->index];
    const mds_samples_header *header = samples->header;
    mds_status status = MDS_OK;

    MDS_TRY(mds_store_flush_case(store, samples));
    row->t_end = mds_clock_epoch_s();
    row->warmup = header->warmup_done;
    row->threads = header->threads;
    row->synthetic = header->synthetic;
    row->degrees_of_freedom = header->degrees_of_freedom;
    row->volume_A3 = header->volume_A3;
    row->record = *record;
    memset(row->reason, 0, sizeof row->reason);
    snprintf(row->reason, sizeof row->reason, "%s", reason ? reason : "");
    row->status = (uint8_t)case_status;
    MDS_TRY(write_phase(store, MDS_COLUMN_FLUSH));
    MDS_TRY(write_phase(store, MDS_COLUMN_RESULT));
    if (case_status == MDS_CASE_PENDING) { /* put back: not an attempt that failed */
        row->attempt -= 1;
        MDS_TRY(write_phase(store, MDS_COLUMN_BEGIN));
    }
    /* The data must be on the disk before the word that says so. */
    if (fdatasync(store->fd) != 0) {
        status = mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", store->path, strerror(errno));
        goto out;
    }
    MDS_TRY(write_phase(store, MDS_COLUMN_STATUS));
out:
    mds_trajectory_close(&store->trajectory);
    store->index = -1;
    return status;
}

static mds_status write_named(mds_store *store, const char *name, size_t width, const void *cells,
                              int64_t rows)
{
    const hid_t set = H5Dopen2(store->file, name, H5P_DEFAULT);
    mds_status status = MDS_OK;

    if (set < 0)
        return mds_h5_fail(store->path, name);
    const hid_t type = width == 1
                           ? H5Tcopy(H5T_STD_U8LE)
                           : mds_h5_column_type(width ? MDS_COLUMN_TEXT : MDS_COLUMN_F8, width);
    const hid_t space = H5Dget_space(set);
    const bool scalar = H5Sget_simple_extent_type(space) == H5S_SCALAR;
    const int64_t room = (int64_t)H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    if (rows > room)
        rows = room;
    if (scalar && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) < 0)
        status = write_failed(store, name);
    else if (!scalar && rows > 0)
        status = write_cells(store, set, type, 0, rows, cells, name);
    H5Tclose(type);
    H5Dclose(set);
    return status;
}

mds_status mds_store_write_times(mds_store *store, double t_start, double t_end)
{
    mds_status status = MDS_OK;

    MDS_TRY(write_named(store, "/summary/t_start", 0, &t_start, 1));
    MDS_TRY(write_named(store, "/summary/t_end", 0, &t_end, 1));
out:
    return status;
}

/* The first row of /provenance/runs that no launch has taken. */
static int free_launch(mds_store *store)
{
    uint8_t valid[MDS_RUNS_MAX] = {0};
    const hid_t set = H5Dopen2(store->file, "/provenance/runs/valid", H5P_DEFAULT);
    int row = 0;

    if (set < 0)
        return -1;
    if (H5Dread(set, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, valid) < 0)
        row = -1;
    H5Dclose(set);
    while (row >= 0 && row < MDS_RUNS_MAX - 1 && valid[row])
        ++row; /* the last row is used again and again */
    return row;
}

static mds_status write_launch_cell(mds_store *store, const char *column, hid_t type, int row,
                                    const void *cell)
{
    char name[96];

    snprintf(name, sizeof name, "/provenance/runs/%s", column);
    const hid_t set = H5Dopen2(store->file, name, H5P_DEFAULT);
    if (set < 0)
        return mds_h5_fail(store->path, name);
    const mds_status status = write_cells(store, set, type, row, 1, cell, name);
    H5Dclose(set);
    return status;
}

mds_status mds_store_write_launch(mds_store *store, double t_start, int ranks, const char *command)
{
    enum { COMMAND = 256 };
    char text[COMMAND] = "";
    const double count = ranks;
    const uint8_t valid = 1;
    const hid_t type = mds_h5_column_type(MDS_COLUMN_TEXT, COMMAND);
    const int row = free_launch(store);
    mds_status status = row < 0 ? mds_h5_fail(store->path, "/provenance/runs") : MDS_OK;

    snprintf(text, sizeof text, "%s", command);
    if (status == MDS_OK)
        status = write_launch_cell(store, "t_start", H5T_IEEE_F64LE, row, &t_start);
    if (status == MDS_OK)
        status = write_launch_cell(store, "ranks", H5T_IEEE_F64LE, row, &count);
    if (status == MDS_OK)
        status = write_launch_cell(store, "command", type, row, text);
    if (status == MDS_OK)
        status = write_launch_cell(store, "valid", H5T_STD_U8LE, row, &valid);
    H5Tclose(type);
    if (status == MDS_OK)
        status = mds_store_write_times(store, t_start, NAN);
    if (status == MDS_OK)
        status = write_named(store, "/summary/ranks", 0, &count, 1);
    return status;
}

mds_status mds_store_requeue(mds_store *store, const bool *finished, int count)
{
    mds_status status = MDS_OK;

    for (int i = 0; i < store->count && status == MDS_OK; ++i) {
        mds_row *row = &store->rows[i];
        const bool running = row->status == MDS_CASE_RUNNING;
        const bool ours = i < count; /* not one that the matrix no longer has */
        const bool gave_up = ours && finished[i] && running;

        if (!running && (!ours || finished[i] || row->status == MDS_CASE_PENDING))
            continue;
        store->index = i;
        memset(row->reason, 0, sizeof row->reason);
        if (gave_up)
            snprintf(row->reason, sizeof row->reason, "crashed: the run died in it %lld times",
                     (long long)row->attempt);
        status = write_phase(store, MDS_COLUMN_RESULT);
        row->status = gave_up ? MDS_CASE_FAILED : MDS_CASE_PENDING;
        if (status == MDS_OK)
            status = write_phase(store, MDS_COLUMN_STATUS);
    }
    store->index = -1;
    return status;
}

mds_status mds_store_write_summary(mds_store *store, const char *table,
                                   const mds_summary_column *column, const void *cells,
                                   int64_t rows)
{
    char name[128];
    mds_status status = MDS_OK;
    uint8_t *valid = malloc((size_t)(rows > 0 ? rows : 1));

    if (!valid)
        return mds_fail(MDS_ERR_NOMEM, "no memory for a summary column");
    memset(valid, 1, (size_t)(rows > 0 ? rows : 1));
    snprintf(name, sizeof name, "/summary/%s/%s", table, column->name);
    MDS_TRY(write_named(store, name, (size_t)column->width, cells, rows));
    snprintf(name, sizeof name, "/summary/%s/valid", table);
    MDS_TRY(write_named(store, name, 1, valid, rows));
out:
    free(valid);
    return status;
}

mds_status mds_store_close(mds_store *store, bool collective)
{
    mds_status status = MDS_OK;

    if (!store)
        return MDS_OK;
    /* The summary; MPI-IO's own sync at closing does not tell of errors. */
    if (fdatasync(store->fd) != 0)
        status = mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", store->path, strerror(errno));
    if (collective) {
        for (int i = 0; i < store->column_count; ++i)
            H5Tclose(store->column_type[i]);
        /* STRONG close degree: the datasets go with the file. */
        begin_collective();
        if (H5Fclose(store->file) < 0 && status == MDS_OK)
            status = mds_h5_fail(store->path, "cannot be closed");
        end_collective();
    }
    if (store->fd >= 0)
        close(store->fd);
    free(store->rows);
    free(store);
    return status;
}
