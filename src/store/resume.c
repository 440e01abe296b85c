/* Going on with a file: which rows stay, which run again, and a new file where the matrix has
 * grown. An HDF5 file is never extended in place: a kill inside that can cost the whole file, while
 * building a second one and renaming it cannot. */
#include "store/build.h"
#include "store/h5.h"
#include "store/image.h"
#include "store/reader.h"
#include "store/trajectory.h"

#include "base/log.h"
#include "sweep/matrix.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Rows of the old file sorted by key, to be found by the new cases. */
typedef struct index_entry {
    const mds_row *row;
    int number;
} index_entry;

static int by_key(const void *left, const void *right)
{
    return strcmp(((const index_entry *)left)->row->key, ((const index_entry *)right)->row->key);
}

static int by_label(const void *left, const void *right)
{
    const mds_row *a = ((const index_entry *)left)->row, *b = ((const index_entry *)right)->row;
    int order = strcmp(a->system, b->system);

    if (order == 0)
        order = strcmp(a->protocol, b->protocol);
    if (order == 0)
        order = strcmp(a->model, b->model);
    if (order == 0)
        order = (a->n_atoms_asked > b->n_atoms_asked) - (a->n_atoms_asked < b->n_atoms_asked);
    return order ? order : (a->repeat > b->repeat) - (a->repeat < b->repeat);
}

static index_entry *make_index(const mds_results *old, int (*order)(const void *, const void *))
{
    index_entry *entries = calloc((size_t)old->count, sizeof *entries);

    for (int i = 0; entries && i < old->count; ++i)
        entries[i] = (index_entry){&old->rows[i], i};
    if (entries)
        qsort(entries, (size_t)old->count, sizeof *entries, order);
    return entries;
}

/* What the columns can tell of a difference; the rest is in the options. */
static void describe_difference(const mds_row *was, const mds_row *is, char *out, size_t size)
{
    static const struct {
        const char *name;
        size_t offset;
    } numbers[] =
        {
            {"dt_fs", offsetof(mds_row, dt_fs)},
            {"temperature_K", offsetof(mds_row, temperature_K)},
            {"pressure_GPa", offsetof(mds_row, pressure_GPa)},
        },
      counts[] = {
          {"n_atoms", offsetof(mds_row, n_atoms)},
          {"steps", offsetof(mds_row, steps)},
          {"warmup", offsetof(mds_row, warmup_asked)},
          {"seed", offsetof(mds_row, seed)},
      };
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && used < size; ++i) {
        double a, b;

        memcpy(&a, (const char *)was + numbers[i].offset, sizeof a);
        memcpy(&b, (const char *)is + numbers[i].offset, sizeof b);
        if (a != b && !(isnan(a) && isnan(b)))
            used += (size_t)snprintf(out + used, size - used, "%s%s was %g, is %g",
                                     used ? ", " : "", numbers[i].name, a, b);
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0] && used < size; ++i) {
        int64_t a, b;

        memcpy(&a, (const char *)was + counts[i].offset, sizeof a);
        memcpy(&b, (const char *)is + counts[i].offset, sizeof b);
        if (a != b)
            used += (size_t)snprintf(out + used, size - used, "%s%s was %lld, is %lld",
                                     used ? ", " : "", counts[i].name, (long long)a, (long long)b);
    }
    if (used < size && strcmp(was->engine, is->engine) != 0 && *was->engine && *is->engine)
        used += (size_t)snprintf(out + used, size - used, "%sengine was %s, is %s",
                                 used ? ", " : "", was->engine, is->engine);
    if (used < size && strcmp(was->precision, is->precision) != 0 && *was->precision &&
        *is->precision)
        used += (size_t)snprintf(out + used, size - used, "%sprecision was %s, is %s",
                                 used ? ", " : "", was->precision, is->precision);
    if (used == 0)
        snprintf(out, size, "options of its system, protocol, model or run differ");
}

static mds_status refuse(const char *path, const mds_row *was, const mds_row *is)
{
    char difference[384];

    describe_difference(was, is, difference, sizeof difference);
    return mds_fail(MDS_ERR_CONFIG,
                    "%s: cannot resume, %s/%lld/%s/%s/r%lld has changed: %s; keep the parameters "
                    "of cases that exist, or write elsewhere with -o FILE",
                    path, is->system, (long long)is->n_atoms_asked, is->protocol, is->model,
                    (long long)is->repeat, difference);
}

/* The old row of each new case into match (-1: none). */
static mds_status match_rows(const char *path, const mds_results *old, const mds_row *rows,
                             int count, int *match)
{
    index_entry *keys = make_index(old, by_key), *labels = make_index(old, by_label);
    mds_status status = MDS_OK;

    if (!keys || !labels)
        status = mds_fail(MDS_ERR_NOMEM, "no memory to match %d rows", old->count);
    for (int i = 0; i < count && status == MDS_OK; ++i) {
        const index_entry probe = {&rows[i], i};
        const index_entry *found = bsearch(&probe, keys, (size_t)old->count, sizeof *keys, by_key);
        const index_entry *same_name =
            found ? NULL : bsearch(&probe, labels, (size_t)old->count, sizeof *labels, by_label);

        match[i] = found ? found->number : -1;
        if (!same_name || same_name->row->status == MDS_CASE_SKIPPED)
            continue; /* what it lacked then is there now */
        if (rows[i].status != MDS_CASE_SKIPPED)
            status = refuse(path, same_name->row, &rows[i]);
        else if (same_name->row->status == MDS_CASE_DONE ||
                 same_name->row->status == MDS_CASE_FAILED)
            match[i] = same_name->number; /* the other way round: what was measured stays */
    }
    free(keys);
    free(labels);
    return status;
}

/* What happened to a row, from the old file into the new. A case that runs again takes the room
 * that the plan gives it, which another version of the program may see differently. */
static void adopt_row(const mds_row *old, bool finished, mds_row *row)
{
    const int64_t frame_every = row->frame_every, frame_count = row->frame_count;
    int64_t count[MDS_POOL_COUNT];

    memcpy(count, row->count, sizeof count);
    *row = *old;
    if (!finished && (old->frame_every != frame_every || old->frame_count != frame_count)) {
        row->frame_every = frame_every;
        row->frame_count = frame_count;
        row->frames_done = 0;
    }
    for (int pool = 0; pool < MDS_POOL_COUNT && !finished; ++pool) {
        row->count[pool] = count[pool];
        if (row->done[pool] > count[pool])
            row->done[pool] = count[pool];
    }
}

/* The ranges of the pools, one row behind the other. */
static void place_rows(mds_row *rows, int count)
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

static mds_status copy_column(const filling *f, mds_pool pool, const mds_series *series,
                              const mds_row *old, const mds_row *new, const int *match, int count)
{
    char name[96];
    mds_status status = MDS_OK;

    snprintf(name, sizeof name, "/%s/%s", mds_pool_name(pool), series->key);
    const hid_t source = H5Dopen2(f->from, name, H5P_DEFAULT);
    const hid_t target = H5Dopen2(f->layout, name, H5P_DEFAULT);
    const int64_t offset = target < 0 ? -1 : mds_h5_offset(target);

    for (int i = 0; i < count && status == MDS_OK && source >= 0; ++i) {
        const int64_t rows = match[i] < 0 ? 0 : new[i].done[pool];

        if (rows > 0 && offset < 0)
            status = mds_fail(MDS_ERR_INTERNAL, "%s: %s has no place", f->path, name);
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

/* The launches noted so far. */
static mds_status copy_runs(const filling *f)
{
    static const char *const names[] = {"t_start", "ranks", "command", "valid"};
    mds_status status = MDS_OK;

    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == MDS_OK; ++i) {
        char name[64];

        snprintf(name, sizeof name, "/provenance/runs/%s", names[i]);
        const hid_t source = H5Dopen2(f->from, name, H5P_DEFAULT);
        const hid_t target = H5Dopen2(f->layout, name, H5P_DEFAULT);
        const hid_t type = target < 0 ? -1 : H5Dget_type(target);
        const size_t size = target < 0 ? 0 : MDS_RUNS_MAX * H5Tget_size(type);
        char *cells = size ? malloc(size) : NULL;

        if (source >= 0 && cells && mds_h5_offset(target) >= 0) {
            if (H5Dread(source, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) < 0)
                status = mds_h5_fail(f->path, name);
            else
                status = mds_image_put(f->fd, cells, size, mds_h5_offset(target), f->path);
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

static mds_status copy_pools(const char *path, const char *temporary, const mds_row *old,
                             const mds_row *new, const int *match, int count)
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
        status = copy_runs(&f);
    if (f.from >= 0)
        H5Fclose(f.from);
    if (f.layout >= 0)
        H5Fclose(f.layout);
    if (f.fd >= 0 && close(f.fd) != 0 && status == MDS_OK)
        status = mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    return status;
}

/* Rows that the matrix no longer has go behind those it has: nothing measured is ever dropped.
 * (Nothing was in skipped cases.) */
static int append_foreign(const mds_results *old, const int *match, int count, mds_row *rows,
                          int *match_all)
{
    bool *used = calloc((size_t)old->count, sizeof *used);
    int total = count;

    if (!used)
        return -1;
    memcpy(match_all, match, (size_t)count * sizeof *match);
    for (int i = 0; i < count; ++i)
        if (match[i] >= 0)
            used[match[i]] = true;
    for (int i = 0; i < old->count; ++i) {
        if (used[i] || old->rows[i].status == MDS_CASE_SKIPPED)
            continue;
        rows[total] = old->rows[i];
        match_all[total++] = i;
    }
    free(used);
    return total;
}

static mds_status rebuild(const char *path, const mds_store_plan *plan, const mds_results *old,
                          mds_row *rows, const int *match, const bool *finished, int *total)
{
    char temporary[MDS_PATH_SIZE + 8] = "";
    const int count = plan->matrix->count;
    int *match_all = calloc((size_t)(count + old->count), sizeof *match_all);
    mds_status status = MDS_OK;

    if (!match_all || (*total = append_foreign(old, match, count, rows, match_all)) < 0) {
        free(match_all);
        return mds_fail(MDS_ERR_NOMEM, "no memory to resume %d rows", old->count);
    }
    for (int i = 0; i < count; ++i)
        if (match[i] >= 0)
            adopt_row(&old->rows[match[i]], finished[i], &rows[i]);
    place_rows(rows, *total);
    MDS_TRY(mds_store_temporary(path, temporary, sizeof temporary));
    MDS_TRY(mds_store_build(temporary, path, plan, rows, *total));
    MDS_TRY(copy_pools(path, temporary, old->rows, rows, match_all, *total));
    MDS_TRY(mds_store_publish(path, temporary));
out:
    if (status != MDS_OK && *temporary)
        unlink(temporary);
    free(match_all);
    return status;
}

static bool same_layout(const mds_results *old, const mds_row *rows, const int *match,
                        const bool *finished, int count)
{
    if (old->count < count || old->minor < MDS_SCHEMA_MINOR) /* it lacks columns */
        return false;
    for (int i = 0; i < count; ++i) {
        const mds_row *was = &old->rows[i], *is = &rows[i];

        if (match[i] != i)
            return false;
        if (!finished[i] &&
            (memcmp(was->count, is->count, sizeof was->count) != 0 ||
             was->frame_count != is->frame_count || was->frame_every != is->frame_every))
            return false;
    }
    return true;
}

/* Sorts the cases into finished and to do. */
static void judge(const mds_results *old, const mds_matrix *matrix, const int *match,
                  bool retry_failed, mds_resumption *out)
{
    for (int i = 0; i < matrix->count; ++i) {
        const mds_row *row = match[i] < 0 ? NULL : &old->rows[match[i]];

        if (matrix->cases[i].status == MDS_CASE_SKIPPED) {
            out->finished[i] = true;
        } else if (!row || row->status == MDS_CASE_SKIPPED) {
            out->added += 1;
        } else if (row->status == MDS_CASE_DONE) {
            out->finished[i] = true;
            out->done += 1;
        } else if (row->status == MDS_CASE_FAILED && !retry_failed) {
            out->finished[i] = true;
            out->failed += 1;
        } else if (row->status == MDS_CASE_RUNNING && row->attempt >= MDS_ATTEMPTS_MAX &&
                   !retry_failed) {
            out->finished[i] = true; /* marked FAILED by mds_store_requeue() */
            out->failed += 1;
        } else {
            out->requeued += 1;
        }
    }
}

mds_status mds_store_resume(const char *path, bool retry_failed, const mds_store_plan *plan,
                            mds_resumption *out)
{
    const int count = plan->matrix->count;
    mds_results old = {0};
    mds_row *rows = NULL;
    int *match = NULL, total = 0;
    mds_status status = MDS_OK;

    memset(out, 0, sizeof *out);
    MDS_TRY(mds_results_read(path, &old));
    rows = calloc((size_t)(count + old.count), sizeof *rows);
    match = calloc((size_t)count, sizeof *match);
    out->finished = calloc((size_t)count, sizeof *out->finished);
    if (!rows || !match || !out->finished) {
        status = mds_fail(MDS_ERR_NOMEM, "no memory to resume %d rows", count + old.count);
        goto out;
    }
    mds_store_lay_out(plan, rows);
    MDS_TRY(match_rows(path, &old, rows, count, match));
    judge(&old, plan->matrix, match, retry_failed, out);
    total = old.count;
    if (!same_layout(&old, rows, match, out->finished, count))
        MDS_TRY(rebuild(path, plan, &old, rows, match, out->finished, &total));
    out->foreign = total - count;
out:
    free(rows);
    free(match);
    mds_results_fini(&old);
    if (status != MDS_OK)
        mds_resumption_fini(out);
    return status;
}

void mds_resumption_fini(mds_resumption *resumption)
{
    free(resumption->finished);
    *resumption = (mds_resumption){0};
}
