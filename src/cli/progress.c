#include "cli/progress.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t refresh_ns = 200000000;

void mds_progress_init(mds_progress *progress, const mds_study *study, const mds_matrix *matrix,
                       int total, int ranks, bool quiet)
{
    const char *term = getenv("TERM");

    *progress = (mds_progress){
        .study = study,
        .matrix = matrix,
        .started_ns = mds_clock_ns(),
        .cost_total_s = matrix->cost_s,
        .total = total,
        .ranks = ranks,
        .live = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0),
        .quiet = quiet,
    };
}

static double elapsed_s(const mds_progress *progress)
{
    return 1e-9 * (double)(mds_clock_ns() - progress->started_ns);
}

/* The remaining predicted cost at the pace seen so far. */
static double eta_s(const mds_progress *progress)
{
    if (progress->cost_done_s <= 0.0)
        return NAN;
    return elapsed_s(progress) * (progress->cost_total_s - progress->cost_done_s) /
           progress->cost_done_s;
}

static void clear_line(const mds_progress *progress)
{
    if (progress->live && !progress->quiet)
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
}

void mds_progress_case(mds_progress *progress, int index, mds_case_status status, double median_s,
                       int rank, const char *reason)
{
    const mds_case *point = &progress->matrix->cases[index];
    char label[256], result[300];

    if (status == MDS_CASE_PENDING) /* put back */
        return;
    progress->finished += 1;
    progress->failed += status == MDS_CASE_FAILED;
    progress->cost_done_s += point->cost_s;
    if (progress->quiet)
        return;
    mds_case_label(progress->study, point, label, sizeof label);
    if (status == MDS_CASE_DONE)
        snprintf(result, sizeof result, "%.2f us/step", 1e6 * median_s);
    else
        snprintf(result, sizeof result, "FAILED %s", reason);
    if (progress->live && status == MDS_CASE_DONE) {
        mds_progress_tick(progress);
        return;
    }
    clear_line(progress);
    mds_log(MDS_LOG_INFO, "[%d/%d] %s  %s  rank %d", progress->finished, progress->total, label,
            result, rank);
}

void mds_progress_tick(mds_progress *progress)
{
    const int64_t now = mds_clock_ns();
    char line[160], eta[32];

    if (!progress->live || progress->quiet || now - progress->shown_ns < refresh_ns)
        return;
    progress->shown_ns = now;
    const int count =
        snprintf(line, sizeof line, "\r\033[K%d/%d done, %d running, %d failed, ETA %s",
                 progress->finished, progress->total, progress->running, progress->failed,
                 mds_format_duration(eta_s(progress), eta, sizeof eta));
    (void)!write(STDERR_FILENO, line, (size_t)count);
}

void mds_progress_end(mds_progress *progress)
{
    clear_line(progress);
}
