/* Creation of the results file: complete under another name before anyone sees it. Measured: a kill
 * at any moment leaves no file or a whole one. */
#include "store/build.h"
#include "store/layout.h"
#include "store/trajectory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The layout of the rows: each case owns a range of every pool, in the order of the matrix. */
void mds_store_lay_out(const mds_store_plan *plan, mds_row *rows)
{
    const mds_matrix *matrix = plan->matrix;
    int64_t next[MDS_POOL_COUNT] = {0};

    for (int i = 0; i < matrix->count; ++i) {
        const mds_case *point = &matrix->cases[i];

        mds_row_from_case(plan->study, point, &rows[i]);
        rows[i].frame_count = mds_case_frames(plan->study, point);
        rows[i].frame_every = rows[i].frame_count ? plan->study->trajectory_every : 0;
        for (int pool = 0; pool < MDS_POOL_COUNT; ++pool) {
            rows[i].start[pool] = next[pool];
            rows[i].count[pool] = point->status == MDS_CASE_SKIPPED ||
                                          mds_pool_column_count((mds_pool)pool) == 0
                                      ? 0
                                      : mds_case_rows(point, (mds_pool)pool);
            next[pool] += rows[i].count[pool];
        }
    }
}

double mds_store_predicted_bytes(const mds_study *study, const mds_matrix *matrix)
{
    double bytes = 65536.0;

    for (int i = 0; i < mds_column_count(); ++i) {
        mds_column column;

        mds_column_get(i, &column);
        bytes += (double)column.size * matrix->count + 1024.0;
    }
    for (int i = 0; i < matrix->runnable; ++i) {
        const mds_case *point = &matrix->cases[matrix->order[i]];

        for (int pool = 0; pool < MDS_POOL_COUNT; ++pool)
            bytes += (double)sizeof(mds_cell) * mds_pool_column_count((mds_pool)pool) *
                     (double)mds_case_rows(point, (mds_pool)pool);
        bytes += mds_trajectory_bytes(point->n_atoms, mds_case_frames(study, point));
    }
    return bytes;
}

mds_status mds_store_make_parent(const char *path)
{
    char folder[MDS_PATH_SIZE];

    snprintf(folder, sizeof folder, "%s", path);
    for (char *p = folder + 1; *p; ++p) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            return mds_fail(MDS_ERR_IO, "%s: cannot make the folder %s: %s", path, folder,
                            strerror(errno));
        *p = '/';
    }
    return MDS_OK;
}

mds_status mds_store_check_path(const char *path, bool force)
{
    struct stat info;

    if (strlen(path) + 8 >= MDS_PATH_SIZE)
        return mds_fail(MDS_ERR_IO, "%.60s...: path too long", path);
    if (stat(path, &info) != 0)
        return MDS_OK;
    if (S_ISDIR(info.st_mode))
        return mds_fail(MDS_ERR_IO, "%s: is a folder, the results need a file name", path);
    if (!force)
        return mds_fail(MDS_ERR_IO,
                        "%s: exists; --force replaces it, --resume goes on with it, -o FILE writes "
                        "elsewhere",
                        path);
    return MDS_OK;
}

static mds_status sync_file(const char *path, const char *temporary)
{
    mds_status status = MDS_OK;
    const int fd = open(temporary, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return mds_fail(MDS_ERR_IO, "%s: %s", temporary, strerror(errno));
    if (fsync(fd) != 0)
        status = mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    close(fd);
    return status;
}

static void sync_folder(const char *path)
{
    char folder[MDS_PATH_SIZE];
    const char *slash = strrchr(path, '/');

    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    const int fd = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

mds_status mds_store_publish(const char *path, const char *temporary)
{
    const mds_status status = sync_file(path, temporary);

    if (status != MDS_OK)
        return status;
    if (rename(temporary, path) != 0)
        return mds_fail(MDS_ERR_IO, "%s: %s", path, strerror(errno));
    sync_folder(path);
    return MDS_OK;
}

mds_status mds_store_temporary(const char *path, char *out, size_t size)
{
    snprintf(out, size, "%s.tmp", path);
    const int fd = open(out, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    close(fd);
    return MDS_OK;
}

mds_status mds_store_create(const char *path, bool force, const mds_store_plan *plan)
{
    const int count = plan->matrix->count;
    char temporary[MDS_PATH_SIZE + 8] = "";
    mds_row *rows = NULL;
    mds_status status = MDS_OK;

    MDS_TRY(mds_store_check_path(path, force));
    MDS_TRY(mds_store_make_parent(path));
    MDS_TRY(mds_store_temporary(path, temporary, sizeof temporary));
    rows = calloc((size_t)count, sizeof *rows);
    if (!rows) {
        status = mds_fail(MDS_ERR_NOMEM, "no memory for %d rows", count);
        goto out;
    }
    mds_store_lay_out(plan, rows);
    MDS_TRY(mds_store_build(temporary, path, plan, rows, count));
    MDS_TRY(mds_store_publish(path, temporary));
out:
    if (status != MDS_OK && *temporary)
        unlink(temporary);
    free(rows);
    return status;
}
