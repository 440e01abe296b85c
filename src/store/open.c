/* Opening and closing the file for a run: the two moments in which all ranks wait for each other.
 */
#include "store/reader.h"
#include "store/writer.h"

#include <mpi.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

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
        if (store->column_set[i] < 0)
            return mds_h5_fail(store->path, name);
        store->column_type[i] = mds_h5_column_type(column->type, column->size);
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
 * word leaves the others for ever. SIGALRM then ends this rank, and with it the run: after a time
 * in which any file system answers, or what the environment says; after an error, which was told
 * already, sooner. */
enum { PATIENCE_S = 300, PATIENCE_AFTER_ERROR_S = 10 };
static const char patience_name[] = "MDSWEEP_IO_TIMEOUT_S";

static void on_silence(int number)
{
    static const char text[] = "mdsweep: error: the results file: no answer from MPI-IO for long "
                               "(MDSWEEP_IO_TIMEOUT_S, 300 s unless set)\n";

    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(74);
}

static void on_silence_after_error(int number)
{
    (void)number;
    _exit(74);
}

static void begin_collective(bool well)
{
    const struct sigaction action = {.sa_handler = well ? on_silence : on_silence_after_error};
    const char *told = getenv(patience_name);
    const int asked_s = told ? atoi(told) : 0;

    sigaction(SIGALRM, &action, NULL);
    alarm((unsigned)(!well ? PATIENCE_AFTER_ERROR_S : asked_s > 0 ? asked_s : PATIENCE_S));
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

        if (H5Pset_fapl_mpio(access, *world, MPI_INFO_NULL) < 0) {
            const mds_status status = mds_h5_fail(store->path, "cannot be opened with MPI-IO");

            H5Pclose(access);
            return status;
        }
    }
    mds_status status = MDS_OK;
    begin_collective(true);
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
    status = mds_syncer_create(store->fd, &store->syncer);
    return status == MDS_OK ? open_columns(store) : status;
}

mds_status mds_store_open(const char *path, mds_comm *comm, mds_store **out)
{
    mds_store *store = calloc(1, sizeof *store);
    mds_results results = {0};
    mds_status status = MDS_OK;

    *out = NULL;
    if (!store)
        status = mds_fail(MDS_ERR_NOMEM, "no memory for the store");
    else
        store->fd = -1;
    mds_h5_quiet();
    if (status == MDS_OK)
        status = mds_results_read(path, &results);
    /* Opening is collective: nobody enters it unless all will. */
    status = mds_comm_agree(comm, status);
    if (status == MDS_OK) {
        snprintf(store->path, sizeof store->path, "%s", path);
        store->file = -1;
        store->index = store->ended = store->lost = -1;
        store->rows = results.rows;
        store->count = results.count;
        results.rows = NULL;
        status = mds_comm_settle(comm, open_file(store, comm));
    }
    mds_results_fini(&results);
    if (status == MDS_OK)
        *out = store;
    else if (store) {
        mds_syncer_destroy(store->syncer);
        if (store->fd >= 0)
            close(store->fd);
        free(store->rows);
        free(store);
    }
    return status;
}

mds_status mds_store_sync(mds_store *store)
{
    if (fdatasync(store->fd) != 0)
        return mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", store->path, strerror(errno));
    return MDS_OK;
}

mds_status mds_store_close(mds_store *store, bool well)
{
    mds_status status = MDS_OK;

    if (!store)
        return MDS_OK;
    mds_store_put_back_rest(store);
    mds_syncer_destroy(store->syncer);
    for (int i = 0; i < store->column_count; ++i)
        H5Tclose(store->column_type[i]);
    /* STRONG close degree: the datasets go with the file. */
    begin_collective(well);
    if (H5Fclose(store->file) < 0)
        status = mds_h5_fail(store->path, "cannot be closed");
    end_collective();
    if (store->fd >= 0)
        close(store->fd);
    free(store->tail);
    free(store->rows);
    free(store);
    return status;
}
