/* Filter expressions of `--filter`: comparisons joined by and, or, not and parentheses.
 *     system == silicon and size >= 128 and not (protocol == npt or model =~ orb*)
 * Names: system protocol model (text: == != =~ with * and ?), size n_atoms repeat (numbers: == != <
 * <= > >=), key (text). `a == b,c` means any of b, c, and `a != b,c` none of them. `not` binds
 * tighter than `and`, `and` tighter than `or`. */
#ifndef MDS_SWEEP_FILTER_H
#define MDS_SWEEP_FILTER_H

#include "case/study.h"

typedef struct mds_filter mds_filter;

/* MDS_ERR_USAGE with the column, what was found and what would be right. */
mds_status mds_filter_parse(const char *text, mds_filter **out);
bool mds_filter_match(const mds_filter *filter, const mds_study *study, const mds_case *point);
/* For a filter that matches nothing: "; no system is called 'slicon', did you mean 'silicon'?" when
 * one of its words is no value of its axis, else "". Into out; returns out. */
const char *mds_filter_hint(const mds_filter *filter, const mds_study *study, char *out,
                            size_t size);
void mds_filter_destroy(mds_filter *filter); /* accepts NULL */

#endif
