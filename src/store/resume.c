/* Going on with a file: which rows stay, which run again, and a new file where the matrix has
 * grown. An HDF5 file is never extended in place: a kill inside that can cost the whole file, while
 * building a second one and renaming it cannot. */
#include "store/build.h"
#include "store/match.h"
#include "store/reader.h"

#include "base/log.h"
#include "sweep/matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static mds_status refuse(const char *path, const mds_row *was, const mds_row *is)
{
    char difference[384];

    mds_row_difference(was, is, difference, sizeof difference);
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
    mds_row_entry *keys = mds_row_index(old->rows, old->count, mds_row_by_key);
    mds_row_entry *labels = mds_row_index(old->rows, old->count, mds_row_by_label);
    mds_status status = MDS_OK;

    if (!keys || !labels)
        status = mds_fail(MDS_ERR_NOMEM, "no memory to match %d rows", old->count);
    for (int i = 0; i < count && status == MDS_OK; ++i) {
        const mds_row_entry probe = {&rows[i], i};
        const mds_row_entry *found =
            bsearch(&probe, keys, (size_t)old->count, sizeof *keys, mds_row_by_key);
        const mds_row_entry *same_name =
            found ? NULL
                  : bsearch(&probe, labels, (size_t)old->count, sizeof *labels, mds_row_by_label);

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
    mds_store_plan whole = *plan;
    int launches = 0;
    mds_status status = MDS_OK;

    if (!match_all || (*total = append_foreign(old, match, count, rows, match_all)) < 0) {
        free(match_all);
        return mds_fail(MDS_ERR_NOMEM, "no memory to resume %d rows", old->count);
    }
    for (int i = 0; i < count; ++i)
        if (match[i] >= 0)
            adopt_row(&old->rows[match[i]], finished[i], &rows[i]);
    mds_store_place(rows, *total);
    MDS_TRY(mds_store_temporary(path, temporary, sizeof temporary));
    whole.carried = path;
    MDS_TRY(mds_store_build(temporary, path, &whole, rows, *total));
    MDS_TRY(mds_store_copy(path, temporary, old->rows, rows, match_all, *total, &launches));
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
    /* It lacks columns, or cannot be written in parallel. */
    if (old->count < count || old->minor < MDS_SCHEMA_MINOR || old->packed)
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
