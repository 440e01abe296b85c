/* Trajectories as H5MD 1.1 wants them (de Buyl, Colberg, Höfling, Comput. Phys. Commun. 185, 1546
 * (2014); nongnu.org/h5md). step and time of the box are hard links to those of the positions,
 * which says that both were sampled together. */
#include "store/trajectory.h"

#include "store/image.h"
#include "store/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMENSIONS = 3, PIECE_BYTES = 1 << 26, PART = 512 };

/* Object headers, links and attributes of a group; measured. */
static const double GROUP_BYTES = 4096.0;

/* Below the particle group, in the order of member(). */
static const char *const names[] = {"mass",          "species",         "position/step",
                                    "position/time", "box/edges/value", "position/value"};

enum { SETS = sizeof names / sizeof names[0], FIXED = 2 /* of the atoms alone */ };

static hid_t *member(mds_trajectory *t, int i)
{
    hid_t *const all[SETS] = {&t->mass, &t->species, &t->step, &t->time, &t->edges, &t->positions};

    return all[i];
}

double mds_trajectory_bytes(int n_atoms, int64_t frames)
{
    /* One number per frame more than in shared memory: the time. */
    return frames > 0 ? GROUP_BYTES + 8.0 * (double)frames + mds_frame_bytes(n_atoms, frames) : 0.0;
}

/* --- creation --- */

static herr_t version_attribute(hid_t group, int32_t major, int32_t minor)
{
    const int32_t version[2] = {major, minor};
    const hsize_t two = 2;
    const hid_t space = H5Screate_simple(1, &two, NULL);
    const hid_t id = H5Acreate2(group, "version", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
    const herr_t failed = id < 0 ? -1 : H5Awrite(id, H5T_NATIVE_INT32, version);

    if (id >= 0)
        H5Aclose(id);
    H5Sclose(space);
    return failed;
}

static herr_t box_attributes(hid_t box)
{
    enum { WIDTH = sizeof "periodic" - 1 };
    const char boundary[] = "periodicperiodicperiodic";
    const int32_t dimension = DIMENSIONS;
    const hsize_t count = DIMENSIONS;
    const hid_t text = mds_h5_column_type(MDS_COLUMN_TEXT, WIDTH);
    const hid_t scalar = H5Screate(H5S_SCALAR), simple = H5Screate_simple(1, &count, NULL);
    const hid_t a = H5Acreate2(box, "dimension", H5T_STD_I32LE, scalar, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t b = H5Acreate2(box, "boundary", text, simple, H5P_DEFAULT, H5P_DEFAULT);
    herr_t failed = a < 0 || b < 0 ? -1 : 0;

    if (failed >= 0)
        failed |= H5Awrite(a, H5T_NATIVE_INT32, &dimension) | H5Awrite(b, text, boundary);
    if (a >= 0)
        H5Aclose(a);
    if (b >= 0)
        H5Aclose(b);
    H5Sclose(scalar);
    H5Sclose(simple);
    H5Tclose(text);
    return failed;
}

typedef struct array {
    const char *name;
    hid_t type; /* borrowed */
    int rank;
    hsize_t extent[DIMENSIONS];
    const char *unit, *units; /* H5MD's attribute, and that of the rest of the file */
    const char *long_name;
} array;

/* Of variable length, unlike every other text here: MDAnalysis knows no other units. */
static herr_t unit_attribute(hid_t set, const char *unit)
{
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    herr_t failed = H5Tset_size(type, H5T_VARIABLE) | H5Tset_cset(type, H5T_CSET_UTF8);
    const hid_t id = H5Acreate2(set, "unit", type, space, H5P_DEFAULT, H5P_DEFAULT);

    failed |= id < 0 ? -1 : H5Awrite(id, type, &unit);
    if (id >= 0)
        H5Aclose(id);
    H5Sclose(space);
    H5Tclose(type);
    return failed;
}

/* Blocks are taken at once and never filled: frames_done says which frames there are. */
static herr_t make_array(hid_t group, const array *a)
{
    const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    const hid_t space = H5Screate_simple(a->rank, a->extent, NULL);
    herr_t failed = 0;

    H5Pset_layout(list, H5D_CONTIGUOUS);
    H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
    H5Pset_obj_track_times(list, 0);
    const hid_t set = H5Dcreate2(group, a->name, a->type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (set < 0) {
        failed = -1;
    } else {
        if (a->unit)
            failed |= unit_attribute(set, a->unit);
        failed |= mds_h5_text_attribute(set, "units", a->units);
        failed |= mds_h5_text_attribute(set, "long_name", a->long_name);
        H5Dclose(set);
    }
    H5Sclose(space);
    H5Pclose(list);
    return failed;
}

static hid_t make_group(hid_t parent, const char *name, herr_t *failed)
{
    const hid_t group = H5Gcreate2(parent, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);

    if (group < 0)
        *failed = -1;
    return group;
}

/* Names nobody: who ran a sweep is not recorded anywhere in the file. */
static herr_t make_header(hid_t trajectory)
{
    herr_t failed = 0;
    const hid_t h5md = make_group(trajectory, "h5md", &failed);
    const hid_t author = make_group(h5md, "author", &failed);
    const hid_t creator = make_group(h5md, "creator", &failed);

    if (failed >= 0) {
        failed |= version_attribute(h5md, 1, 1);
        failed |= mds_h5_text_attribute(author, "name", "unknown");
        failed |= mds_h5_text_attribute(creator, "name", "mdsweep");
        failed |= mds_h5_text_attribute(creator, "version", MDS_VERSION);
    }
    H5Gclose(creator);
    H5Gclose(author);
    H5Gclose(h5md);
    return failed;
}

static herr_t make_position(hid_t particles, const mds_row *row)
{
    const hsize_t n = (hsize_t)row->n_atoms, frames = (hsize_t)row->frame_count;
    const array step = {
        "step", H5T_STD_I64LE, 1, {frames}, NULL, "1", "row of the case in /steps, from 0"};
    const array time = {
        "time", H5T_IEEE_F64LE, 1, {frames}, "fs", "fs", "step times the time step of the case"};
    const array value = {
        "value",    H5T_IEEE_F64LE,          3, {frames, n, DIMENSIONS}, "Angstrom",
        "angstrom", "positions, not wrapped"};
    herr_t failed = 0;
    const hid_t position = make_group(particles, "position", &failed);

    if (failed >= 0)
        failed |= make_array(position, &step) | make_array(position, &time) |
                  make_array(position, &value);
    H5Gclose(position);
    return failed;
}

static herr_t make_box(hid_t particles, const mds_row *row)
{
    const array value = {"value",
                         H5T_IEEE_F64LE,
                         3,
                         {(hsize_t)row->frame_count, DIMENSIONS, DIMENSIONS},
                         "Angstrom",
                         "angstrom",
                         "cell vectors as rows"};
    herr_t failed = 0;
    const hid_t box = make_group(particles, "box", &failed);
    const hid_t edges = make_group(box, "edges", &failed);

    if (failed >= 0) {
        failed |= box_attributes(box) | make_array(edges, &value);
        for (int i = 0; i < 2; ++i)
            failed |= H5Lcreate_hard(particles, i ? "position/time" : "position/step", edges,
                                     i ? "time" : "step", H5P_DEFAULT, H5P_DEFAULT);
    }
    H5Gclose(edges);
    H5Gclose(box);
    return failed;
}

herr_t mds_trajectory_create(hid_t parent, const mds_row *row)
{
    const hsize_t n = (hsize_t)row->n_atoms;
    const array mass = {"mass", H5T_IEEE_F64LE, 1, {n}, "u", "u", "masses"};
    const array species = {"species", H5T_STD_I64LE, 1, {n}, NULL, "1", "atomic numbers"};
    herr_t failed = 0;
    const hid_t trajectory = make_group(parent, row->key, &failed);
    const hid_t particles = make_group(trajectory, "particles", &failed);
    const hid_t all = make_group(particles, "all", &failed);

    if (failed >= 0)
        failed |= make_header(trajectory) | make_array(all, &mass) | make_array(all, &species) |
                  make_position(all, row) | make_box(all, row);
    H5Gclose(all);
    H5Gclose(particles);
    H5Gclose(trajectory);
    return failed < 0 ? -1 : 0;
}

/* --- frames --- */

static mds_status open_set(hid_t file, const char *path, const mds_row *row, int i, hid_t *out)
{
    char name[128];

    snprintf(name, sizeof name, "/trajectories/%s/particles/all/%s", row->key, names[i]);
    *out = H5Dopen2(file, name, H5P_DEFAULT);
    if (*out >= 0)
        return MDS_OK;
    *out = 0;
    return mds_h5_fail(path, name);
}

mds_status mds_trajectory_open(hid_t file, const char *path, const mds_row *row,
                               mds_trajectory *out)
{
    mds_status status = MDS_OK;

    for (int i = 0; i < SETS && status == MDS_OK; ++i)
        status = open_set(file, path, row, i, member(out, i));
    if (status != MDS_OK)
        mds_trajectory_close(out);
    return status;
}

void mds_trajectory_close(mds_trajectory *trajectory)
{
    for (int i = 0; i < SETS; ++i)
        if (*member(trajectory, i) > 0)
            H5Dclose(*member(trajectory, i));
    *trajectory = (mds_trajectory){0};
}

/* Rows first … first+count−1 of the first dimension, to the file or from it. */
static mds_status transfer(hid_t set, int64_t first, int64_t count, void *data, bool writing,
                           const char *path)
{
    hsize_t start[DIMENSIONS] = {(hsize_t)first}, extent[DIMENSIONS] = {0};
    const hid_t in_file = H5Dget_space(set), type = H5Dget_type(set);
    const int rank = H5Sget_simple_extent_dims(in_file, extent, NULL);

    extent[0] = (hsize_t)count;
    const hid_t in_memory = H5Screate_simple(rank, extent, NULL);
    herr_t failed = H5Sselect_hyperslab(in_file, H5S_SELECT_SET, start, NULL, extent, NULL);

    if (failed >= 0)
        failed = writing ? H5Dwrite(set, type, in_memory, in_file, H5P_DEFAULT, data)
                         : H5Dread(set, type, in_memory, in_file, H5P_DEFAULT, data);
    /* Before anything else is called: that would clear HDF5's account of the error. */
    const mds_status status = failed < 0 ? mds_h5_fail(path, "trajectory") : MDS_OK;
    H5Sclose(in_memory);
    H5Sclose(in_file);
    H5Tclose(type);
    return status;
}

static mds_status put(hid_t set, int64_t first, int64_t count, const double *data, const char *path)
{
    return transfer(set, first, count, (void *)(uintptr_t)data, true, path);
}

/* Numbers that are whole in the file. */
static mds_status put_whole(hid_t set, int64_t first, int64_t count, const double *data,
                            const char *path)
{
    int64_t whole[PART];
    mds_status status = MDS_OK;

    for (int64_t done = 0; done < count && status == MDS_OK; done += PART) {
        const int64_t part = count - done < PART ? count - done : PART;

        for (int64_t i = 0; i < part; ++i)
            whole[i] = (int64_t)data[done + i];
        status = transfer(set, first + done, part, whole, true, path);
    }
    return status;
}

static mds_status put_times(hid_t set, double dt_fs, int64_t first, int64_t count,
                            const double *step, const char *path)
{
    double time[PART];
    mds_status status = MDS_OK;

    for (int64_t done = 0; done < count && status == MDS_OK; done += PART) {
        const int64_t part = count - done < PART ? count - done : PART;

        for (int64_t i = 0; i < part; ++i)
            time[i] = step[done + i] * dt_fs;
        status = put(set, first + done, part, time, path);
    }
    return status;
}

mds_status mds_trajectory_write(const mds_trajectory *trajectory, const mds_frame_area *area,
                                double dt_fs, int64_t first, int64_t count, const char *path)
{
    const int64_t numbers = 3 * (int64_t)area->n, end = first + count;
    const int64_t piece = PIECE_BYTES / (8 * numbers) + 1; /* HDF5 refuses 2 GiB in one call */
    mds_status status = MDS_OK;

    if (first == 0) {
        MDS_TRY(put(trajectory->mass, 0, area->n, area->mass, path));
        MDS_TRY(put_whole(trajectory->species, 0, area->n, area->z, path));
    }
    MDS_TRY(put_whole(trajectory->step, first, count, area->step + first, path));
    MDS_TRY(put_times(trajectory->time, dt_fs, first, count, area->step + first, path));
    MDS_TRY(put(trajectory->edges, first, count, area->edges + 9 * first, path));
    for (int64_t at = first; at < end; at += piece)
        MDS_TRY(put(trajectory->positions, at, end - at < piece ? end - at : piece,
                    area->positions + numbers * at, path));
out:
    return status;
}

/* --- resuming --- */

static mds_status copy_set(hid_t source, hid_t target, int64_t rows, int fd, const char *path)
{
    hsize_t extent[DIMENSIONS] = {0};
    const hid_t space = H5Dget_space(target);
    const int rank = H5Sget_simple_extent_dims(space, extent, NULL);
    const int64_t offset = mds_h5_offset(target);
    int64_t row_bytes = sizeof(double);
    mds_status status = MDS_OK;

    H5Sclose(space);
    for (int k = 1; k < rank; ++k)
        row_bytes *= (int64_t)extent[k];
    const int64_t piece = PIECE_BYTES / row_bytes + 1;
    char *cells = malloc((size_t)((rows < piece ? rows : piece) * row_bytes));

    if (offset < 0)
        status = mds_fail(MDS_ERR_INTERNAL, "%s: a trajectory has no place", path);
    else if (!cells)
        status = mds_fail(MDS_ERR_NOMEM, "no memory to copy a trajectory");
    for (int64_t at = 0; at < rows && status == MDS_OK; at += piece) {
        const int64_t count = rows - at < piece ? rows - at : piece;

        status = transfer(source, at, count, cells, false, path);
        if (status == MDS_OK)
            status = mds_image_put(fd, cells, (size_t)(count * row_bytes), offset + at * row_bytes,
                                   path);
    }
    free(cells);
    return status;
}

mds_status mds_trajectory_copy(hid_t from, const mds_row *old, hid_t layout, int fd,
                               const mds_row *new, const char *path)
{
    mds_trajectory source = {0}, target = {0};
    mds_status status = MDS_OK;

    if (new->frames_done == 0)
        return MDS_OK;
    MDS_TRY(mds_trajectory_open(from, path, old, &source));
    MDS_TRY(mds_trajectory_open(layout, path, new, &target));
    for (int i = 0; i < SETS; ++i)
        MDS_TRY(copy_set(*member(&source, i), *member(&target, i),
                         i < FIXED ? new->n_atoms : new->frames_done, fd, path));
out:
    mds_trajectory_close(&source);
    mds_trajectory_close(&target);
    return status;
}
