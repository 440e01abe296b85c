/* The expanded matrix as a table, for `plan` and `--dry-run`. */
#ifndef MDS_CLI_PLAN_TEXT_H
#define MDS_CLI_PLAN_TEXT_H

#include "report/table.h"
#include "sweep/matrix.h"

/* Every case with its rank (as the dispenser would place it on `ranks` ranks), predicted time and
 * memory, or the reason why it is skipped; then the totals. */
mds_status mds_plan_text(const mds_study *study, const mds_matrix *matrix, int ranks,
                         mds_format format, mds_strbuf *out);

#endif
