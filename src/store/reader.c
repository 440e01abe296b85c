#include "store/reader.h"

#include "store/h5.h"
#include "store/layout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/stat.h>

/* Opens for reading and checks that the file is one of ours. */
static mds_status open_results(const char *path, hid_t *file, int *minor)
{
    struct stat info;
    char name[64] = "", version[32] = "";

    mds_h5_quiet();
    *file = -1;
    if (stat(path, &info) != 0)
        return mds_fail(MDS_ERR_IO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return mds_fail(MDS_ERR_IO, "%s: is a folder, a results file is expected", path);
    if (H5Fis_hdf5(path) <= 0) {
        H5Eclear2(H5E_DEFAULT);
        return mds_fail(MDS_ERR_IO, "%s: not an HDF5 file; a results file of mdsweep is expected",
                        path);
    }
    /* A run writes without HDF5's own lock, and looking at it must be possible. */
    *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (*file < 0)
        return mds_h5_fail(path, "cannot be opened");
    for (int i = 0; i < 2; ++i) {
        const hid_t id = H5Aopen(*file, i ? "schema_version" : "schema_name", H5P_DEFAULT);
        if (id < 0)
            break;
        const hid_t type = H5Aget_type(id);
        if (H5Tget_class(type) == H5T_STRING && H5Tget_size(type) < sizeof version)
            H5Aread(id, type, i ? version : name);
        H5Tclose(type);
        H5Aclose(id);
    }
    H5Eclear2(H5E_DEFAULT);
    if (strcmp(name, MDS_SCHEMA_NAME) != 0) {
        H5Fclose(*file);
        return mds_fail(MDS_ERR_IO, "%s: HDF5, but not a results file of mdsweep (no schema_name)",
                        path);
    }
    if (strtol(version, NULL, 10) != strtol(MDS_SCHEMA_VERSION, NULL, 10)) {
        H5Fclose(*file);
        return mds_fail(MDS_ERR_IO, "%s: schema version %s, this program reads %s", path, version,
                        MDS_SCHEMA_VERSION);
    }
    const char *dot = strchr(version, '.');
    if (minor)
        *minor = dot ? (int)strtol(dot + 1, NULL, 10) : 0;
    return MDS_OK;
}

static hssize_t length_of(hid_t file, const char *name)
{
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);

    if (set < 0)
        return -1;
    const hid_t space = H5Dget_space(set);
    const hssize_t length = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    H5Dclose(set);
    return length;
}

/* Columns that a file of an older minor version lacks keep what mds_row_from_case() would say. */
static mds_status read_column(hid_t file, const char *path, const mds_column *column, mds_row *rows,
                              int count)
{
    char name[96];

    snprintf(name, sizeof name, "/cases/%s", column->name);
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    if (set < 0) {
        H5Eclear2(H5E_DEFAULT);
        if (column->type != MDS_COLUMN_F8)
            return MDS_OK;
        const double unknown = NAN;
        for (int i = 0; i < count; ++i)
            memcpy((char *)&rows[i] + column->offset, &unknown, sizeof unknown);
        return MDS_OK;
    }
    const hid_t type = mds_h5_column_type(column->type, column->size);
    char *cells = malloc((size_t)count * column->size + 1);
    mds_status status = MDS_OK;
    if (!cells)
        status = mds_fail(MDS_ERR_NOMEM, "%s: no memory for %d rows", path, count);
    else if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) < 0)
        status = mds_h5_fail(path, name);
    else
        for (int i = 0; i < count; ++i)
            memcpy((char *)&rows[i] + column->offset, cells + (size_t)i * column->size,
                   column->size);
    for (int i = 0; column->type == MDS_COLUMN_TEXT && i < count; ++i)
        ((char *)&rows[i])[column->offset + column->size - 1] = '\0';
    free(cells);
    H5Tclose(type);
    H5Dclose(set);
    return status;
}

static double read_number(hid_t file, const char *name)
{
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);
    double value = NAN;

    if (set >= 0) {
        H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value);
        H5Dclose(set);
    }
    H5Eclear2(H5E_DEFAULT);
    return value;
}

static mds_status read_text(hid_t file, const char *path, const char *name, char **out)
{
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT);

    *out = NULL;
    if (set < 0)
        return mds_h5_fail(path, name);
    const hid_t type = H5Dget_type(set);
    const size_t size = H5Tget_size(type);
    mds_status status = MDS_OK;
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0)
        status = mds_fail(MDS_ERR_IO, "%s: %s is not a text", path, name);
    else if (!(*out = calloc(1, size + 1)))
        status = mds_fail(MDS_ERR_NOMEM, "%s: no memory for %s", path, name);
    else if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *out) < 0)
        status = mds_h5_fail(path, name);
    H5Tclose(type);
    H5Dclose(set);
    return status;
}

static bool is_packed(hid_t file)
{
    const hid_t set = H5Dopen2(file, "/cases/status", H5P_DEFAULT);
    const hid_t list = set < 0 ? -1 : H5Dget_create_plist(set);
    const bool packed = list >= 0 && H5Pget_layout(list) != H5D_CONTIGUOUS;

    if (list >= 0)
        H5Pclose(list);
    if (set >= 0)
        H5Dclose(set);
    return packed;
}

static mds_status read_rows(hid_t file, mds_results *out)
{
    const hssize_t count = length_of(file, "/cases/case");
    mds_status status = MDS_OK;

    if (count < 1 || count > 100000000)
        return mds_fail(MDS_ERR_IO, "%s: no cases in it", out->path);
    out->rows = calloc((size_t)count, sizeof *out->rows);
    if (!out->rows)
        return mds_fail(MDS_ERR_NOMEM, "%s: no memory for %lld rows", out->path, (long long)count);
    out->count = (int)count;
    for (int i = 0; i < out->count; ++i)
        out->rows[i].source = -1; /* before 1.2 no file was a merged one */
    for (int i = 0; i < mds_column_count() && status == MDS_OK; ++i) {
        mds_column column;

        mds_column_get(i, &column);
        status = read_column(file, out->path, &column, out->rows, out->count);
    }
    return status;
}

mds_status mds_results_read(const char *path, mds_results *out)
{
    hid_t file;
    char name[96], *text = NULL;

    memset(out, 0, sizeof *out);
    snprintf(out->path, sizeof out->path, "%s", path);
    mds_status status = open_results(path, &file, &out->minor);
    if (status != MDS_OK)
        return status;
    status = read_rows(file, out);
    out->packed = is_packed(file);
    for (int i = 0; i < mds_target_count(); ++i) {
        snprintf(name, sizeof name, "/config/targets/%s", mds_target_get(i)->key);
        mds_target_set(&out->targets, i, read_number(file, name));
    }
    out->leak_tolerance_MB = read_number(file, "/config/targets/leak_tolerance_MB");
    out->t_start = read_number(file, "/summary/t_start");
    out->t_end = read_number(file, "/summary/t_end");
    const double ranks = read_number(file, "/summary/ranks");
    out->ranks = isfinite(ranks) ? (int)ranks : 0;
    if (status == MDS_OK && read_text(file, path, "/config/name", &text) == MDS_OK)
        snprintf(out->name, sizeof out->name, "%s", text);
    free(text);
    const hid_t id = H5Aopen(file, "created", H5P_DEFAULT);
    if (id >= 0) {
        const hid_t type = H5Aget_type(id);
        if (H5Tget_size(type) < sizeof out->created)
            H5Aread(id, type, out->created);
        H5Tclose(type);
        H5Aclose(id);
    }
    H5Fclose(file);
    if (status != MDS_OK)
        mds_results_fini(out);
    return status;
}

void mds_results_fini(mds_results *results)
{
    free(results->rows);
    results->rows = NULL;
    results->count = 0;
}

mds_status mds_results_series(const char *path, const mds_row *row, mds_pool pool, const char *key,
                              double **out, int64_t *count)
{
    hid_t file, set = -1;
    char name[96];
    const hsize_t start = (hsize_t)row->start[pool], length = (hsize_t)row->done[pool];
    mds_status status = open_results(path, &file, NULL);

    *out = NULL;
    *count = row->done[pool];
    if (status != MDS_OK)
        return status;
    snprintf(name, sizeof name, "/%s/%s", mds_pool_name(pool), key);
    set = H5Dopen2(file, name, H5P_DEFAULT);
    *out = calloc((size_t)length + 1, sizeof **out);
    if (set < 0) {
        status = mds_h5_fail(path, name);
    } else if (!*out) {
        status = mds_fail(MDS_ERR_NOMEM, "%s: no memory for %s", path, name);
    } else if (length > 0) {
        const hid_t in_file = H5Dget_space(set), in_memory = H5Screate_simple(1, &length, NULL);

        if (H5Sselect_hyperslab(in_file, H5S_SELECT_SET, &start, NULL, &length, NULL) < 0 ||
            H5Dread(set, H5T_NATIVE_DOUBLE, in_memory, in_file, H5P_DEFAULT, *out) < 0)
            status = mds_h5_fail(path, name);
        H5Sclose(in_file);
        H5Sclose(in_memory);
    }
    if (set >= 0)
        H5Dclose(set);
    H5Fclose(file);
    return status;
}

mds_status mds_results_text(const char *path, const char *dataset, char **out)
{
    hid_t file;
    mds_status status = open_results(path, &file, NULL);

    *out = NULL;
    if (status != MDS_OK)
        return status;
    status = read_text(file, path, dataset, out);
    H5Fclose(file);
    return status;
}
