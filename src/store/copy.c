/* Measured rows from one file into another that is being made. */
#include "store/build.h"
#include "store/h5.h"
#include "store/image.h"
#include "store/trajectory.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The ranges of the pools, one row behind the other. */
void mds_store_place(mds_row *rows, int count)
{
    int64_t next[MDS_POOL_COUNT] = {0};

    for (int i = 0; i < count; ++i)
        for (int pool = 0; pool < MDS_POOL_COUNT; ++pool) {
            rows[i].start[pool] = next[pool];
            next[pool] += rows[i].count[pool];
        }
}

/* A file being filled past HDF5: `layout` tells where its datasets lie, `fd` takes the bytes. */
typedef struct filling {
    hid_t from, layout;
    int fd;
    const char *path;
} filling;

/* A series that an older file lacks: NaN, or -1. */
static mds_status put_unknown(const filling *f, mds_cell_type type, int64_t rows, int64_t offset)
{
    mds_cell unknown = {0};
    mds_status status = MDS_OK;

    if (type == MDS_CELL_F8)
        unknown.f8 = NAN;
    else
        unknown.i8 = -1;
    for (int64_t i = 0; i < rows && status == MDS_OK; ++i)
        status = mds_image_put(f->fd, &unknown, sizeof unknown,
                               offset + i * (int64_t)sizeof unknown, f->path);
    return status;
}

static mds_status copy_column(const filling *f, mds_pool pool, const mds_series *series,
                              const mds_row *old, const mds_row *new, const int *match, int count)
{
    char name[96];
    mds_status status = MDS_OK;

    snprintf(name, sizeof name, "/%s/%s", mds_pool_name(pool), series->key);
    const hid_t source = H5Dopen2(f->from, name, H5P_DEFAULT);
    const hid_t target = H5Dopen2(f->layout, name, H5P_DEFAULT);
    const int64_t offset = target < 0 ? -1 : mds_h5_offset(target);

    for (int i = 0; i < count && status == MDS_OK; ++i) {
        const int64_t rows = match[i] < 0 ? 0 : new[i].done[pool];

        if (rows > 0 && offset < 0)
            status = mds_fail(MDS_ERR_INTERNAL, "%s: %s has no place", f->path, name);
        else if (rows > 0 && source < 0)
            status = put_unknown(f, series->type, rows,
                                 offset + new[i].start[pool] * (int64_t)sizeof(mds_cell));
        else if (rows > 0)
            status = mds_h5_copy_rows(
                source, old[match[i]].start[pool], rows, mds_h5_cell_type(series->type), f->fd,
                offset + new[i].start[pool] * (int64_t)sizeof(mds_cell), f->path);
    }
    if (source >= 0)
        H5Dclose(source);
    if (target >= 0)
        H5Dclose(target);
    H5Eclear2(H5E_DEFAULT);
    return status;
}

/* One cell of every column of /provenance/runs. */
static mds_status copy_launch(const filling *f, int from, int to)
{
    static const char *const names[] = {"t_start", "ranks", "command", "valid"};
    mds_status status = MDS_OK;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == MDS_OK; ++i) {
        char name[64];

        snprintf(name, sizeof name, "/provenance/runs/%s", names[i]);
        const hid_t source = H5Dopen2(f->from, name, H5P_DEFAULT);
        const hid_t target = H5Dopen2(f->layout, name, H5P_DEFAULT);
        const hid_t type = target < 0 ? -1 : H5Dget_type(target);
        const size_t size = target < 0 ? 0 : H5Tget_size(type);
        char *cells = size ? malloc(MDS_RUNS_MAX * size) : NULL;

        if (source >= 0 && cells && mds_h5_offset(target) >= 0) {
            if (H5Dread(source, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) < 0)
                status = mds_h5_fail(f->path, name);
            else
                status = mds_image_put(f->fd, cells + (size_t)from * size, size,
                                       mds_h5_offset(target) + (int64_t)((size_t)to * size),
                                       f->path);
        }
        free(cells);
        if (type >= 0)
            H5Tclose(type);
        if (source >= 0)
            H5Dclose(source);
        if (target >= 0)
            H5Dclose(target);
    }
    H5Eclear2(H5E_DEFAULT);
    return status;
}

/* The launches noted in the source, behind the `*launches` that the target has. */
static mds_status copy_launches(const filling *f, int *launches)
{
    uint8_t valid[MDS_RUNS_MAX] = {0};
    const hid_t set = H5Dopen2(f->from, "/provenance/runs/valid", H5P_DEFAULT);
    mds_status status = MDS_OK;

    if (set >= 0) {
        if (H5Dread(set, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, valid) < 0)
            memset(valid, 0, sizeof valid);
        H5Dclose(set);
    }
    H5Eclear2(H5E_DEFAULT);
    for (int i = 0; i < MDS_RUNS_MAX && *launches < MDS_RUNS_MAX && status == MDS_OK; ++i)
        if (valid[i])
            status = copy_launch(f, i, (*launches)++);
    return status;
}

mds_status mds_store_copy(const char *path, const char *temporary, const mds_row *old,
                          const mds_row *new, const int *match, int count, int *launches)
{
    const filling f = {.from = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT),
                       .layout = H5Fopen(temporary, H5F_ACC_RDONLY, H5P_DEFAULT),
                       .fd = open(temporary, O_WRONLY | O_CLOEXEC),
                       .path = path};
    mds_status status = MDS_OK;

    if (f.from < 0 || f.layout < 0)
        status = mds_h5_fail(f.from < 0 ? path : temporary, "cannot be opened to copy its rows");
    else if (f.fd < 0)
        status = mds_fail(MDS_ERR_IO, "%s: %s", temporary, strerror(errno));
    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool)
        for (int c = 0; c < mds_pool_column_count((mds_pool)pool) && status == MDS_OK; ++c)
            status = copy_column(&f, (mds_pool)pool, mds_pool_column((mds_pool)pool, c), old, new,
                                 match, count);
    for (int i = 0; i < count && status == MDS_OK; ++i)
        if (match[i] >= 0)
            status = mds_trajectory_copy(f.from, &old[match[i]], f.layout, f.fd, &new[i], path);
    if (status == MDS_OK)
        status = copy_launches(&f, launches);
    if (f.from >= 0)
        H5Fclose(f.from);
    if (f.layout >= 0)
        H5Fclose(f.layout);
    if (f.fd >= 0 && close(f.fd) != 0 && status == MDS_OK)
        status = mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    return status;
}
