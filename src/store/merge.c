/* One file of several: runs of other nodes, of other days, the tasks of a job array. */
#include "store/build.h"
#include "store/h5.h"
#include "store/image.h"
#include "store/match.h"
#include "store/reader.h"
#include "store/sources.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file to merge. */
typedef struct input {
    mds_results results;
    int first_source; /* its numbers in /provenance/sources: those it was merged from, then its own
                       */
    int own_source;
    int *match; /* (rows of the result) its row, or -1 */
    int taken;
} input;

typedef struct merger {
    input *inputs;
    int input_count;
    mds_row_entry *entries; /* all rows of all files, numbered in that order */
    int entry_count;
    mds_row *rows;
    int count;
} merger;

/* What is worth more of one case. */
static int worth(const mds_row *row)
{
    switch ((mds_case_status)row->status) {
    case MDS_CASE_DONE:
        return 4;
    case MDS_CASE_FAILED:
        return 3;
    case MDS_CASE_RUNNING:
        return 2;
    case MDS_CASE_PENDING:
        return row->done[MDS_POOL_STEPS] > 0 ? 2 : 1;
    default:
        return 0;
    }
}

static bool is_better(const mds_row *row, const mds_row *than)
{
    if (worth(row) != worth(than))
        return worth(row) > worth(than);
    return isfinite(row->t_start) && !(row->t_start <= than->t_start);
}

static void label_of(const mds_row *row, char *out, size_t size)
{
    snprintf(out, size, "%s/%lld/%s/%s/r%lld", row->system, (long long)row->n_atoms_asked,
             row->protocol, row->model, (long long)row->repeat);
}

static int owner_of(const merger *m, const mds_row *row)
{
    for (int k = 0; k < m->input_count; ++k) {
        const mds_results *r = &m->inputs[k].results;

        if (row >= r->rows && row < r->rows + r->count)
            return k;
    }
    return -1;
}

static mds_status refuse(const merger *m, const mds_row *a, const mds_row *b)
{
    char label[256], difference[384];

    label_of(a, label, sizeof label);
    mds_row_difference(a, b, difference, sizeof difference);
    return mds_fail(MDS_ERR_CONFIG,
                    "%s and %s cannot be merged: %s is not the same case in both: %s",
                    m->inputs[owner_of(m, a)].results.path, m->inputs[owner_of(m, b)].results.path,
                    label, difference);
}

/* By label and then by file, so that what a person calls one case lies together. */
static int by_label_then_row(const void *left, const void *right)
{
    const int order = mds_row_by_label(left, right);
    const mds_row_entry *a = left, *b = right;

    return order ? order : (a->number > b->number) - (a->number < b->number);
}

/* Marks in `entries` the row to take of each run of equal labels: number of the others = -1. */
static mds_status choose(merger *m)
{
    qsort(m->entries, (size_t)m->entry_count, sizeof *m->entries, by_label_then_row);
    for (int i = 0, end; i < m->entry_count; i = end) {
        mds_row_entry *best = &m->entries[i];
        int copies = 0;
        char label[256];

        for (end = i;
             end < m->entry_count && mds_row_by_label(&m->entries[i], &m->entries[end]) == 0;
             ++end) {
            mds_row_entry *other = &m->entries[end];

            copies += other->row->status != MDS_CASE_SKIPPED;
            if (other == best)
                continue;
            /* A skipped case has another key than the same case where it could run. */
            if (strcmp(other->row->key, best->row->key) != 0 && worth(other->row) &&
                worth(best->row))
                return refuse(m, best->row, other->row);
            mds_row_entry *loser = is_better(other->row, best->row) ? best : other;
            best = loser == best ? other : best;
            loser->number = -1;
        }
        if (copies < 2)
            continue;
        label_of(best->row, label, sizeof label);
        mds_log(MDS_LOG_INFO, "%s: in %d files, that of %s is taken", label, copies,
                m->inputs[owner_of(m, best->row)].results.path);
    }
    return MDS_OK;
}

static int by_number(const void *left, const void *right)
{
    const mds_row_entry *a = left, *b = right;

    return (a->number > b->number) - (a->number < b->number);
}

/* The chosen rows in the order of the files. */
static void collect(merger *m)
{
    qsort(m->entries, (size_t)m->entry_count, sizeof *m->entries, by_number);
    for (int i = 0; i < m->entry_count; ++i) {
        const mds_row_entry *entry = &m->entries[i];

        if (entry->number < 0)
            continue;
        const int k = owner_of(m, entry->row);
        input *in = &m->inputs[k];
        mds_row *row = &m->rows[m->count];

        *row = *entry->row;
        row->source = row->source >= 0 ? in->first_source + row->source : in->own_source;
        if (row->status == MDS_CASE_RUNNING)
            row->status = MDS_CASE_PENDING;
        in->match[m->count] = (int)(entry->row - in->results.rows);
        in->taken += 1;
        m->count += 1;
    }
    mds_store_place(m->rows, m->count);
}

static mds_status read_inputs(merger *m, const char *const *files)
{
    int total = 0, sources = 0;
    mds_status status = MDS_OK;

    for (int k = 0; k < m->input_count; ++k) {
        input *in = &m->inputs[k];

        MDS_TRY(mds_results_read(files[k], &in->results));
        total += in->results.count;
        in->first_source = sources;
        sources += mds_sources_count(files[k]);
        in->own_source = sources++;
    }
    m->entries = calloc((size_t)total + 1, sizeof *m->entries);
    m->rows = calloc((size_t)total + 1, sizeof *m->rows);
    for (int k = 0; k < m->input_count; ++k) {
        input *in = &m->inputs[k];

        in->match = malloc(((size_t)total + 1) * sizeof *in->match);
        if (!m->entries || !m->rows || !in->match) {
            status = mds_fail(MDS_ERR_NOMEM, "no memory to merge %d rows", total);
            goto out;
        }
        for (int i = 0; i < total; ++i)
            in->match[i] = -1;
        for (int i = 0; i < in->results.count; ++i) {
            m->entries[m->entry_count] = (mds_row_entry){&in->results.rows[i], m->entry_count};
            m->entry_count += 1;
        }
    }
out:
    return status;
}

/* The scalars of /summary, past HDF5. */
static mds_status put_number(const char *temporary, const char *path, const char *name,
                             double value)
{
    const hid_t file = H5Fopen(temporary, H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t set = file < 0 ? -1 : H5Dopen2(file, name, H5P_DEFAULT);
    const int64_t offset = set < 0 ? -1 : mds_h5_offset(set);
    const int fd = open(temporary, O_WRONLY | O_CLOEXEC);
    mds_status status = MDS_OK;

    if (offset < 0)
        status = mds_h5_fail(path, name);
    else if (fd < 0)
        status = mds_fail(MDS_ERR_IO, "%s: %s", temporary, strerror(errno));
    else
        status = mds_image_put(fd, &value, sizeof value, offset, path);
    if (fd >= 0)
        close(fd);
    if (set >= 0)
        H5Dclose(set);
    if (file >= 0)
        H5Fclose(file);
    return status;
}

static mds_status fill(const merger *m, const char *temporary, const char *path)
{
    double first = NAN, last = NAN;
    int launches = 0;
    mds_status status = MDS_OK;

    for (int k = 0; k < m->input_count; ++k) {
        const input *in = &m->inputs[k];

        MDS_TRY(mds_store_copy(in->results.path, temporary, in->results.rows, m->rows, in->match,
                               m->count, &launches));
        first = fmin(first, in->results.t_start);
        last = fmax(last, in->results.t_end);
    }
    MDS_TRY(put_number(temporary, path, "/summary/t_start", first));
    MDS_TRY(put_number(temporary, path, "/summary/t_end", last));
out:
    return status;
}

/* The study of a merged file: the first one's, whose targets count; each source keeps its own. */
static mds_status borrow_study(const merger *m, mds_study *study)
{
    const mds_results *first = &m->inputs[0].results;
    mds_status status = MDS_OK;

    snprintf(study->name, sizeof study->name, "%s", first->name);
    study->targets = first->targets;
    study->run.leak_tolerance_MB = first->leak_tolerance_MB;
    MDS_TRY(mds_results_text(first->path, "/config/given", &study->text));
    MDS_TRY(mds_results_text(first->path, "/config/resolved", &study->resolved));
    for (int k = 1; k < m->input_count; ++k)
        if (memcmp(&m->inputs[k].results.targets, &first->targets, sizeof first->targets) != 0)
            mds_log(MDS_LOG_WARN, "%s: other targets than %s, whose count",
                    m->inputs[k].results.path, first->path);
out:
    return status;
}

static mds_status write_merged(merger *m, const char *path, const char *const *files,
                               const mds_provenance *provenance)
{
    char temporary[MDS_PATH_SIZE + 8] = "";
    mds_study study = {0};
    mds_store_plan plan = {.study = &study,
                           .provenance = *provenance,
                           .sources = files,
                           .source_count = m->input_count};
    mds_status status = MDS_OK;

    MDS_TRY(borrow_study(m, &study));
    MDS_TRY(mds_store_make_parent(path));
    MDS_TRY(mds_store_temporary(path, temporary, sizeof temporary));
    MDS_TRY(mds_store_build(temporary, path, &plan, m->rows, m->count));
    MDS_TRY(fill(m, temporary, path));
    MDS_TRY(mds_store_publish(path, temporary));
out:
    if (status != MDS_OK && *temporary)
        unlink(temporary);
    free(study.text);
    free(study.resolved);
    return status;
}

mds_status mds_store_merge(const char *path, bool force, const char *const *files, int count,
                           const mds_provenance *provenance)
{
    merger m = {.inputs = calloc((size_t)count, sizeof *m.inputs), .input_count = count};
    int lock = -1;
    mds_status status = MDS_OK;

    if (!m.inputs)
        return mds_fail(MDS_ERR_NOMEM, "no memory to merge %d files", count);
    mds_h5_quiet();
    MDS_TRY(mds_store_check_path(path, force));
    MDS_TRY(read_inputs(&m, files));
    MDS_TRY(choose(&m));
    collect(&m);
    MDS_TRY(mds_store_make_parent(path));
    MDS_TRY(mds_store_lock(path, &lock));
    MDS_TRY(write_merged(&m, path, files, provenance));
    for (int k = 0; k < count; ++k)
        mds_log(MDS_LOG_INFO, "%s: %d of %d cases", files[k], m.inputs[k].taken,
                m.inputs[k].results.count);
out:
    mds_store_unlock(lock);
    for (int k = 0; k < count; ++k) {
        mds_results_fini(&m.inputs[k].results);
        free(m.inputs[k].match);
    }
    free(m.inputs);
    free(m.entries);
    free(m.rows);
    return status;
}
