/* Writing rows while the run is on: independent raw-data writes into blocks that exist, nothing
 * else. No metadata changes, no collective call, memory type equal to file type. */
#include "store/writer.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* HDF5 refuses one write of 2 GiB and more; a GiB is far above any flush. */
static const int64_t rows_per_write = INT64_C(1) << 27;

/* A failed write says little; its usual causes deserve their names. */
mds_status mds_store_write_failed(const mds_store *store, const char *what)
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

static mds_status write_selected(mds_store *store, hid_t set, hid_t type, hid_t in_memory,
                                 hid_t in_file, const void *cells, const char *what)
{
    errno = 0;
    /* On failure nothing else may be called first: it would clear HDF5's account of the error. */
    return H5Dwrite(set, type, in_memory, in_file, H5P_DEFAULT, cells) < 0
               ? mds_store_write_failed(store, what)
               : MDS_OK;
}

mds_status mds_store_write_cells(mds_store *store, hid_t set, hid_t type, int64_t first,
                                 int64_t count, const void *cells, const char *what)
{
    const hsize_t start = (hsize_t)first, length = (hsize_t)count;
    const hid_t in_file = H5Dget_space(set);
    const hid_t in_memory = H5Screate_simple(1, &length, NULL);

    H5Sselect_hyperslab(in_file, H5S_SELECT_SET, &start, NULL, &length, NULL);
    const mds_status status = write_selected(store, set, type, in_memory, in_file, cells, what);
    H5Sclose(in_memory);
    H5Sclose(in_file);
    return status;
}

/* All columns of /cases have one shape: one selection serves them all. */
static mds_status write_phase(mds_store *store, int index, mds_column_phase phase)
{
    const char *row = (const char *)&store->rows[index];
    const hsize_t start = (hsize_t)index, one = 1, total = (hsize_t)store->count;
    const hid_t in_file = H5Screate_simple(1, &total, NULL);
    const hid_t in_memory = H5Screate_simple(1, &one, NULL);
    mds_status status = MDS_OK;

    H5Sselect_hyperslab(in_file, H5S_SELECT_SET, &start, NULL, &one, NULL);
    for (int i = 0; i < store->column_count && status == MDS_OK; ++i) {
        const mds_column *column = &store->column[i];

        if (column->phase == phase)
            status = write_selected(store, store->column_set[i], store->column_type[i], in_memory,
                                    in_file, row + column->offset, column->name);
    }
    H5Sclose(in_memory);
    H5Sclose(in_file);
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
    memcpy(row->device_sharing, who->sharing, sizeof row->device_sharing);
    memset(row->done, 0, sizeof row->done);
    row->frames_done = 0;
    if (row->frame_count > 0)
        MDS_TRY(mds_trajectory_open(store->file, store->path, row, &store->trajectory));
    row->status = MDS_CASE_RUNNING;
    MDS_TRY(write_phase(store, store->index,
                        MDS_COLUMN_FLUSH)); /* the rows of an earlier attempt are void */
    MDS_TRY(write_phase(store, store->index, MDS_COLUMN_BEGIN));
    MDS_TRY(write_phase(store, store->index, MDS_COLUMN_STATUS));
out:
    return status;
}

/* The series of a pool have one shape too. columns: the cells of each, from row `first` on. */
static mds_status write_rows(mds_store *store, int index, mds_pool pool, int64_t first,
                             int64_t count, const mds_cell *const *columns)
{
    const hsize_t start = (hsize_t)(store->rows[index].start[pool] + first);
    const hsize_t length = (hsize_t)count;
    const hid_t in_file = H5Dget_space(store->pool_set[pool][0]);
    const hid_t in_memory = H5Screate_simple(1, &length, NULL);
    mds_status status = MDS_OK;

    H5Sselect_hyperslab(in_file, H5S_SELECT_SET, &start, NULL, &length, NULL);
    for (int i = 0; i < mds_pool_column_count(pool) && status == MDS_OK; ++i)
        status = write_selected(store, store->pool_set[pool][i],
                                mds_h5_cell_type(mds_pool_column(pool, i)->type), in_memory,
                                in_file, columns[i], mds_pool_column(pool, i)->key);
    H5Sclose(in_memory);
    H5Sclose(in_file);
    return status;
}

/* Rows that were published and not written yet. */
static int64_t rows_left(const mds_row *row, const mds_samples *samples, mds_pool pool)
{
    const int64_t published = mds_samples_rows(samples, pool);
    const int64_t last = published < row->count[pool] ? published : row->count[pool];

    return last - row->done[pool];
}

static mds_status flush_pool(mds_store *store, const mds_samples *samples, mds_pool pool)
{
    mds_row *row = &store->rows[store->index];
    const mds_cell *columns[POOL_COLUMNS_MAX];
    mds_status status = MDS_OK;

    for (int64_t left; status == MDS_OK && (left = rows_left(row, samples, pool)) > 0;) {
        const int64_t count = left < rows_per_write ? left : rows_per_write;

        for (int i = 0; i < mds_pool_column_count(pool); ++i)
            columns[i] = mds_samples_column(samples, pool, i) + row->done[pool];
        status = write_rows(store, store->index, pool, row->done[pool], count, columns);
        if (status == MDS_OK)
            row->done[pool] += count;
    }
    return status;
}

/* Takes a copy of the rows not written yet, so that the samples are free for the next case: copying
 * takes a tenth of the time of writing. False when they are too many, or there is no memory. */
static bool keep_tail(mds_store *store, const mds_samples *samples)
{
    mds_row *row = &store->rows[store->index];
    size_t used = 0;

    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool)
        used += (size_t)rows_left(row, samples, (mds_pool)pool) *
                (size_t)mds_pool_column_count((mds_pool)pool);
    if (used > TAIL_CELLS_MAX)
        return false;
    if (!store->tail)
        store->tail = malloc(TAIL_CELLS_MAX * sizeof *store->tail);
    if (!store->tail)
        return false;
    used = 0;
    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool) {
        const size_t count = (size_t)rows_left(row, samples, (mds_pool)pool);

        store->tail_rows[pool] = (int64_t)count;
        for (int i = 0; i < mds_pool_column_count((mds_pool)pool); ++i, used += count)
            memcpy(store->tail + used,
                   mds_samples_column(samples, (mds_pool)pool, i) + row->done[pool],
                   count * sizeof *store->tail);
    }
    return true;
}

static mds_status write_tail(mds_store *store, int index)
{
    mds_row *row = &store->rows[index];
    const mds_cell *columns[POOL_COLUMNS_MAX], *next = store->tail;
    mds_status status = MDS_OK;

    for (int pool = 0; pool < MDS_POOL_COUNT && status == MDS_OK; ++pool) {
        const int64_t count = store->tail_rows[pool];

        store->tail_rows[pool] = 0;
        if (count == 0)
            continue;
        for (int i = 0; i < mds_pool_column_count((mds_pool)pool); ++i, next += count)
            columns[i] = next;
        status = write_rows(store, index, (mds_pool)pool, row->done[pool], count, columns);
        row->done[pool] += count;
    }
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

static mds_status flush_rows(mds_store *store, const mds_samples *samples)
{
    mds_status status = MDS_OK;

    for (int pool = 0; pool < MDS_POOL_COUNT && status == MDS_OK; ++pool)
        status = flush_pool(store, samples, (mds_pool)pool);
    return status == MDS_OK ? flush_frames(store, samples) : status;
}

mds_status mds_store_flush_case(mds_store *store, const mds_samples *samples)
{
    const mds_row *row = &store->rows[store->index];
    const int64_t before = row->done[MDS_POOL_STEPS] + row->done[MDS_POOL_COMPONENTS] +
                           row->frames_done;
    mds_status status = flush_rows(store, samples);
    const int64_t after = row->done[MDS_POOL_STEPS] + row->done[MDS_POOL_COMPONENTS] +
                          row->frames_done;

    if (status == MDS_OK && after != before)
        status = write_phase(store, store->index, MDS_COLUMN_FLUSH);
    return status;
}

mds_status mds_store_end_case(mds_store *store, const mds_samples *samples,
                              const mds_record *record, mds_case_status case_status,
                              const char *reason)
{
    mds_row *row = &store->rows[store->index];
    const mds_samples_header *header = samples->header;
    mds_status status = MDS_OK;

    MDS_TRY(keep_tail(store, samples) ? flush_frames(store, samples) : flush_rows(store, samples));
    row->t_end = mds_clock_epoch_s();
    row->warmup = header->warmup_done;
    row->threads = header->threads;
    row->device_clock = header->device_clock;
    row->synthetic = header->synthetic;
    memset(row->telemetry, 0, sizeof row->telemetry);
    snprintf(row->telemetry, sizeof row->telemetry, "%s", header->telemetry);
    memset(row->compared_to, 0, sizeof row->compared_to);
    snprintf(row->compared_to, sizeof row->compared_to, "%s", header->force_error.teacher);
    row->compared_frames = header->force_error.frames;
    row->degrees_of_freedom = header->degrees_of_freedom;
    row->volume_A3 = header->volume_A3;
    row->record = *record;
    memset(row->reason, 0, sizeof row->reason);
    snprintf(row->reason, sizeof row->reason, "%s", reason ? reason : "");
    row->status = (uint8_t)case_status;
    row->attempt -= case_status == MDS_CASE_PENDING; /* put back: not an attempt that failed */
    store->ended = store->index;
out:
    if (status != MDS_OK)
        store->lost = store->index;
    store->index = -1;
    mds_trajectory_close(&store->trajectory);
    return status;
}

/* Everything but the word that says so, which has to wait for the disk. */
static mds_status write_end(mds_store *store)
{
    const int index = store->ended;
    mds_status status = MDS_OK;

    if (index < 0)
        return MDS_OK;
    store->ended = -1;
    store->lost = index; /* unless all goes well */
    MDS_TRY(write_tail(store, index));
    MDS_TRY(write_phase(store, index, MDS_COLUMN_FLUSH));
    MDS_TRY(write_phase(store, index, MDS_COLUMN_RESULT));
    if (store->rows[index].status == MDS_CASE_PENDING)
        MDS_TRY(write_phase(store, index, MDS_COLUMN_BEGIN));
    store->lost = -1;
    store->unsynced[store->unsynced_count].index = index;
    store->unsynced[store->unsynced_count++].ticket = mds_syncer_request(store->syncer);
out:
    return status;
}

mds_status mds_store_settle(mds_store *store, bool wait, bool *settled)
{
    int error = 0, written = 0;
    mds_status status = write_end(store);

    *settled = true;
    if (status != MDS_OK || store->unsynced_count == 0)
        return status;
    const int64_t last = store->unsynced[store->unsynced_count - 1].ticket;
    const bool must = wait || store->unsynced_count == UNSYNCED_MAX;
    const int64_t done = mds_syncer_done(store->syncer, last, must, &error);

    if (error)
        return mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", store->path, strerror(error));
    while (written < store->unsynced_count && store->unsynced[written].ticket <= done) {
        status = write_phase(store, store->unsynced[written].index, MDS_COLUMN_STATUS);
        if (status != MDS_OK)
            break;
        ++written;
    }
    store->unsynced_count -= written;
    memmove(store->unsynced, store->unsynced + written,
            (size_t)store->unsynced_count * sizeof *store->unsynced);
    *settled = store->unsynced_count == 0;
    return status;
}

static void put_back(mds_store *store, int index)
{
    mds_row *row = &store->rows[index];

    row->attempt -= row->status != MDS_CASE_PENDING;
    row->status = MDS_CASE_PENDING;
    if (write_phase(store, index, MDS_COLUMN_BEGIN) == MDS_OK)
        (void)write_phase(store, index, MDS_COLUMN_STATUS);
}

void mds_store_put_back_rest(mds_store *store)
{
    const int single[] = {store->index, store->ended, store->lost};

    for (size_t i = 0; i < sizeof single / sizeof single[0]; ++i)
        if (single[i] >= 0)
            put_back(store, single[i]);
    for (int i = 0; i < store->unsynced_count; ++i)
        put_back(store, store->unsynced[i].index);
}

int mds_store_fd(const mds_store *store)
{
    return mds_syncer_fd(store->syncer);
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
        memset(row->reason, 0, sizeof row->reason);
        if (gave_up)
            snprintf(row->reason, sizeof row->reason, "crashed: the run died in it %lld times",
                     (long long)row->attempt);
        status = write_phase(store, i, MDS_COLUMN_RESULT);
        row->status = gave_up ? MDS_CASE_FAILED : MDS_CASE_PENDING;
        if (status == MDS_OK)
            status = write_phase(store, i, MDS_COLUMN_STATUS);
    }
    return status;
}
