/* A compressed copy. A run needs contiguous datasets, for filters and independent writes exclude
 * each other; an archive wants small ones. */
#include "store/build.h"
#include "store/h5.h"
#include "store/reader.h"

#include <hdf5_hl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, DEFLATE = 6, SMALL = 2048 /* bytes: not worth a filter */ };

typedef struct packing {
    hid_t from, to;
    const char *path;
    mds_status status;
    bool attach; /* second round: dimension scales, once all datasets are there */
} packing;

static herr_t fail(packing *p, const char *name)
{
    if (p->status == MDS_OK)
        p->status = mds_h5_fail(p->path, name);
    return -1;
}

/* Dimension scales hold references into their file: they are made anew. */
static bool is_reference(const char *name)
{
    return strcmp(name, "DIMENSION_LIST") == 0 || strcmp(name, "REFERENCE_LIST") == 0 ||
           strcmp(name, "CLASS") == 0 || strcmp(name, "NAME") == 0;
}

static herr_t copy_attribute(hid_t object, const char *name, const H5A_info_t *info, void *target)
{
    const hid_t to = *(const hid_t *)target;
    herr_t failed = -1;

    if (is_reference(name))
        return 0;
    const hid_t from = H5Aopen(object, name, H5P_DEFAULT);
    const hid_t type = H5Aget_type(from), space = H5Aget_space(from);
    const hid_t copy = H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    char *value = malloc(info->data_size + 1);
    if (copy >= 0 && value && H5Aread(from, type, value) >= 0)
        failed = H5Awrite(copy, type, value);
    free(value);
    H5Aclose(copy);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(from);
    return failed < 0 ? -1 : 0;
}

static hid_t packed_list(hid_t from, const hsize_t *shape, int rank, size_t width)
{
    const hid_t list = H5Dget_create_plist(from);
    hsize_t chunk[8] = {0}, row = width;

    for (int i = 1; i < rank; ++i)
        row *= shape[i];
    if (rank < 1 || rank > 8 || shape[0] * row < SMALL || H5Dget_storage_size(from) == 0)
        return list;
    memcpy(chunk, shape, (size_t)rank * sizeof *chunk);
    chunk[0] = CHUNK * sizeof(mds_cell) / row;
    chunk[0] = chunk[0] < 1 ? 1 : chunk[0] > shape[0] ? shape[0] : chunk[0];
    H5Pset_layout(list, H5D_CHUNKED);
    H5Pset_chunk(list, rank, chunk);
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_INCR);
    H5Pset_shuffle(list);
    H5Pset_deflate(list, DEFLATE);
    return list;
}

/* By the first dimension, in pieces of a few MiB. */
static herr_t copy_values(hid_t from, hid_t to, hid_t type, const hsize_t *shape, int rank)
{
    hsize_t row = H5Tget_size(type), start[8] = {0}, count[8];
    herr_t failed = 0;

    if (rank == 0) {
        char *value = malloc(row);

        failed = !value || H5Dread(from, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) < 0 ||
                         H5Dwrite(to, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) < 0
                     ? -1
                     : 0;
        free(value);
        return failed;
    }
    for (int i = 1; i < rank; ++i)
        row *= shape[i];
    memcpy(count, shape, (size_t)rank * sizeof *count);
    const hsize_t most = 8 * CHUNK * sizeof(mds_cell) / row + 1;
    char *rows = malloc((size_t)((shape[0] < most ? shape[0] : most) * row + 1));
    const hid_t space = H5Dget_space(from);
    for (; rows && failed >= 0 && start[0] < shape[0]; start[0] += count[0]) {
        count[0] = shape[0] - start[0] < most ? shape[0] - start[0] : most;
        const hid_t memory = H5Screate_simple(rank, count, NULL);

        failed |= H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
        failed |= H5Dread(from, type, memory, space, H5P_DEFAULT, rows);
        failed |= H5Dwrite(to, type, memory, space, H5P_DEFAULT, rows);
        H5Sclose(memory);
    }
    H5Sclose(space);
    free(rows);
    return rows ? failed : -1;
}

static herr_t copy_dataset(packing *p, hid_t from, const char *name)
{
    const hid_t type = H5Dget_type(from), space = H5Dget_space(from);
    const int rank = H5Sget_simple_extent_ndims(space);
    hsize_t shape[H5S_MAX_RANK] = {0};
    herr_t failed = -1;

    H5Sget_simple_extent_dims(space, shape, NULL);
    const hid_t list = packed_list(from, shape, rank, H5Tget_size(type));
    const hid_t to = H5Dcreate2(p->to, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (to >= 0) {
        /* A dimension without a variable has no storage, and stays so. */
        const bool stored = H5Dget_storage_size(from) > 0 && rank <= 8;

        failed = stored ? copy_values(from, to, type, shape, rank) : 0;
        failed |= H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, (void *)&to);
    }
    if (failed < 0)
        fail(p, name);
    H5Dclose(to);
    H5Pclose(list);
    H5Sclose(space);
    H5Tclose(type);
    return failed < 0 ? -1 : 0;
}

static herr_t attach_one(hid_t from, unsigned dimension, hid_t scale, void *context)
{
    packing *p = context;
    char name[256] = "", own[256] = "", label[256] = "";
    herr_t failed = -1;

    H5Iget_name(scale, name, sizeof name);
    H5Iget_name(from, own, sizeof own);
    const hid_t to = H5Dopen2(p->to, own, H5P_DEFAULT);
    const hid_t new_scale = H5Dopen2(p->to, name, H5P_DEFAULT);
    if (to >= 0 && new_scale >= 0) {
        if (H5DSis_scale(new_scale) <= 0) {
            H5DSget_scale_name(scale, label, sizeof label);
            H5DSset_scale(new_scale, label);
        }
        failed = H5DSattach_scale(to, new_scale, dimension);
    }
    if (to >= 0)
        H5Dclose(to);
    if (new_scale >= 0)
        H5Dclose(new_scale);
    return failed < 0 ? -1 : 0;
}

static herr_t visit(hid_t root, const char *name, const H5O_info_t *info, void *context)
{
    packing *p = context;
    const hid_t from = H5Oopen(root, name, H5P_DEFAULT);
    herr_t failed = 0;

    if (p->attach && info->type == H5O_TYPE_DATASET) {
        if (H5DSis_scale(from) <= 0 && H5DSiterate_scales(from, 0, NULL, attach_one, p) < 0 &&
            H5Aexists(from, "DIMENSION_LIST") > 0)
            failed = fail(p, name);
    } else if (!p->attach && info->type == H5O_TYPE_DATASET) {
        failed = copy_dataset(p, from, name);
    } else if (!p->attach && info->type == H5O_TYPE_GROUP) {
        const hid_t to = strcmp(name, ".") == 0
                             ? H5Gopen2(p->to, "/", H5P_DEFAULT)
                             : H5Gcreate2(p->to, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

        if (to < 0 ||
            H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, (void *)&to) < 0)
            failed = fail(p, name);
        if (to >= 0)
            H5Gclose(to);
    }
    H5Oclose(from);
    return failed;
}

static mds_status pack(const char *from, const char *temporary, const char *path)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    packing p = {.path = path};

    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    p.from = H5Fopen(from, H5F_ACC_RDONLY, H5P_DEFAULT);
    p.to = H5Fcreate(temporary, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    if (p.from < 0 || p.to < 0)
        fail(&p, p.from < 0 ? from : "cannot be created");
    for (int round = 0; round < 2 && p.status == MDS_OK; ++round) {
        p.attach = round == 1;
        if (H5Ovisit(p.from, H5_INDEX_NAME, H5_ITER_INC, visit, &p) < 0)
            fail(&p, "cannot be copied");
    }
    if (p.to >= 0 && H5Fclose(p.to) < 0)
        fail(&p, "cannot be written");
    if (p.from >= 0)
        H5Fclose(p.from);
    H5Pclose(access);
    return p.status;
}

mds_status mds_store_repack(const char *from, const char *path, bool force)
{
    char temporary[MDS_PATH_SIZE + 8] = "";
    mds_results results = {0};
    int lock = -1;
    mds_status status = MDS_OK;

    H5dont_atexit(); /* after a failed write the library's own end would crash */
    mds_h5_quiet();
    MDS_TRY(mds_store_check_path(path, force));
    MDS_TRY(mds_results_read(from, &results));
    MDS_TRY(mds_store_make_parent(path));
    MDS_TRY(mds_store_lock(path, &lock));
    MDS_TRY(mds_store_temporary(path, temporary, sizeof temporary));
    MDS_TRY(pack(from, temporary, path));
    MDS_TRY(mds_store_publish(path, temporary));
out:
    if (status != MDS_OK && *temporary)
        unlink(temporary);
    mds_store_unlock(lock);
    mds_results_fini(&results);
    return status;
}
