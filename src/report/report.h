/* The tables of a run, made from the results file alone: what rank 0 prints at the end and what
 * `mdsweep report` prints later are the same by construction. */
#ifndef MDS_REPORT_REPORT_H
#define MDS_REPORT_REPORT_H

#include "report/table.h"
#include "store/reader.h"

/* X(id, name, title) */
#define MDS_REPORT_LIST(X)                                                                         \
    X(SCALING, "scaling", "Scaling: step latency by system, protocol, model and size")             \
    X(FITS, "fits", "Scaling fits: t(N) = t0 + a N^b on the medians")                              \
    X(HOTSPOTS, "hotspots", "Hotspots: components above 10 % of the step, at the largest size")    \
    X(RECOMMENDATIONS, "recommendations", "Recommendations")                                       \
    X(TARGETS, "targets", "Targets")                                                               \
    X(LATENCY, "latency", "Latency of the steady steps, case by case")                             \
    X(MEMORY, "memory", "Memory over the steady steps, case by case")                              \
    X(ENERGY, "energy", "Energy and temperature over the steady steps, case by case")              \
    X(COMPARISON, "comparison", "Models beside their teacher")                                     \
    X(POWER, "power", "Power, clocks and doubtful steps, case by case")                            \
    X(FAILURES, "failures", "Failed and skipped cases")

typedef enum mds_report_id {
#define MDS_REPORT_ENUM(id, name, title) MDS_REPORT_##id,
    MDS_REPORT_LIST(MDS_REPORT_ENUM)
#undef MDS_REPORT_ENUM
        MDS_REPORT_COUNT
} mds_report_id;

const char *mds_report_name(mds_report_id id);
/* MDS_ERR_USAGE with the nearest name. */
mds_status mds_report_parse(const char *word, mds_report_id *out);

/* Fills `out` (uninitialised). */
mds_status mds_report_build(mds_report_id id, const mds_results *results, mds_table *out);

/* What the run says in one block: cases, time, ranks, efficiency, file. */
void mds_report_header(const mds_results *results, mds_strbuf *out);

/* Whether every checked case meets every target; `physics` is the part that concerns energy drift.
 */
typedef struct mds_verdict {
    int checked, missed, physics_missed;
    int done, failed, skipped, pending;
    double efficiency; /* busy time over ranks × makespan; NaN while it runs */
} mds_verdict;
void mds_report_verdict(const mds_results *results, mds_verdict *out);

/* The standard report: header and tables that are not empty. */
mds_status mds_report_write(const mds_results *results, mds_format format, mds_strbuf *out);

/* The tables kept in the results file: layouts for its creation (heap, caller frees) and columns to
 * be written at the end. */
mds_status mds_report_layouts(const mds_matrix *matrix, mds_summary_layout **out, int *count);
void mds_report_layouts_free(mds_summary_layout *layouts, int count);
mds_status mds_report_store(const mds_results *results, mds_store *store);

#endif
