#include "cli/plan_text.h"

#include "base/text.h"
#include "store/store.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const mds_table_column columns[] = {
    {"case", "case", 160, NULL, "1", "system/size/protocol/model/repeat"},
    {"key", "key", 20, NULL, "1", "hash of the case's canonical text"},
    {"n_atoms", "atoms", 0, "%.0f", "1", "actual number of atoms"},
    {"steps", "steps", 0, "%.0f", "1", "steady steps"},
    {"dt_fs", "dt fs", 0, "%g", "fs", "time step"},
    {"rank", "rank", 0, "%.0f", "1", "rank it would run on"},
    {"predicted_s", "time s", 0, "%.3g", "s", "predicted time"},
    {"memory_MB", "memory MB", 0, "%.3g", "MB", "predicted memory of the engine"},
    {"note", "note", 256, NULL, "1", "why the case is skipped"},
};

/* Longest first to whoever is free: what the dispenser does when predictions are exact. */
static int *place(const mds_matrix *matrix, int ranks, double *makespan)
{
    int *rank_of = malloc((size_t)matrix->count * sizeof *rank_of);
    double *busy = calloc((size_t)ranks, sizeof *busy);

    *makespan = 0.0;
    if (rank_of && busy) {
        for (int i = 0; i < matrix->count; ++i)
            rank_of[i] = -1;
        for (int i = 0; i < matrix->runnable; ++i) {
            int least = 0;

            for (int r = 1; r < ranks; ++r)
                if (busy[r] < busy[least])
                    least = r;
            rank_of[matrix->order[i]] = least;
            busy[least] += matrix->cases[matrix->order[i]].cost_s;
            if (busy[least] > *makespan)
                *makespan = busy[least];
        }
    }
    free(busy);
    return rank_of;
}

mds_status mds_plan_text(const mds_study *study, const mds_matrix *matrix, int ranks,
                         mds_format format, mds_strbuf *out)
{
    mds_table table;
    double makespan;
    char label[256], key[24], total[32], span[32], bytes[32];
    const double file_bytes = mds_store_predicted_bytes(study, matrix);
    int *rank_of = place(matrix, ranks, &makespan);

    if (!rank_of)
        return mds_fail(MDS_ERR_NOMEM, "no memory for a plan of %d cases", matrix->count);
    mds_table_init(&table, "plan", "Plan: every case of the matrix", columns,
                   sizeof columns / sizeof columns[0]);
    for (int i = 0; i < matrix->count; ++i) {
        const mds_case *point = &matrix->cases[i];
        const bool skipped = point->status == MDS_CASE_SKIPPED;

        snprintf(key, sizeof key, "%016" PRIx64, point->key);
        mds_table_add_text(&table, mds_case_label(study, point, label, sizeof label));
        mds_table_add_text(&table, key);
        mds_table_add_number(&table, point->n_atoms > 0 ? point->n_atoms : NAN);
        mds_table_add_number(&table, (double)point->run.steps);
        mds_table_add_number(&table, point->run.timestep_fs);
        mds_table_add_number(&table, skipped ? NAN : rank_of[i]);
        mds_table_add_number(&table, skipped ? NAN : point->cost_s);
        mds_table_add_number(&table, skipped ? NAN : 1e-6 * point->memory_bytes);
        mds_table_add_text(&table, skipped && point->reason ? point->reason : "");
    }
    mds_table_write(&table, format, out);
    if (format == MDS_FORMAT_JSON)
        mds_strbuf_add(out, "\n");
    if (format == MDS_FORMAT_TEXT)
        mds_strbuf_add(out,
                       "\n%d cases, %d to run, %d skipped; predicted %s of work, %s on %d rank%s; "
                       "file %s -> %s\n",
                       matrix->count, matrix->runnable, matrix->count - matrix->runnable,
                       mds_format_duration(matrix->cost_s, total, sizeof total),
                       mds_format_duration(makespan, span, sizeof span), ranks,
                       ranks == 1 ? "" : "s", mds_format_bytes(file_bytes, bytes, sizeof bytes),
                       study->output);
    mds_table_fini(&table);
    free(rank_of);
    return MDS_OK;
}
