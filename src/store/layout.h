/* Shared by creation and the reader: how a case becomes a row, and the targets as a table. */
#ifndef MDS_STORE_LAYOUT_H
#define MDS_STORE_LAYOUT_H

#include "store/row.h"

#ifndef MDS_VERSION
#define MDS_VERSION "unknown"
#endif

/* The plan columns of a row; results NaN, counts 0. */
void mds_row_from_case(const mds_study *study, const mds_case *point, mds_row *out);

typedef struct mds_target_info {
    const char *key, *unit, *long_name;
    size_t offset; /* in mds_targets */
} mds_target_info;

int mds_target_count(void);
const mds_target_info *mds_target_get(int i);
double mds_target_value(const mds_targets *targets, int i);
void mds_target_set(mds_targets *targets, int i, double value);

#endif
