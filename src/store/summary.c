/* What rank 0 writes about a run as a whole: its launch, its times, its tables. */
#include "store/writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        status = mds_store_write_failed(store, name);
    else if (!scalar && rows > 0)
        status = mds_store_write_cells(store, set, type, 0, rows, cells, name);
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
    const mds_status status = mds_store_write_cells(store, set, type, row, 1, cell, name);
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
