/* Private to sweep/: the conditions of exclude and overrides, looked up once as indices of the
 * axes, so that matching a case compares no names. */
#ifndef MDS_SWEEP_RULE_H
#define MDS_SWEEP_RULE_H

#include "case/study.h"

/* A condition by axis: NULL, or (axis length) flags. */
typedef struct mds_rule_flags {
    bool *system, *size, *protocol, *model;
} mds_rule_flags;

typedef struct mds_rules {
    int exclude_count, override_count;
    mds_rule_flags *exclude, *overrides;
    bool *flags; /* memory of all */
} mds_rules;

mds_status mds_rules_init(mds_rules *rules, const mds_study *study);
void mds_rules_fini(mds_rules *rules); /* accepts a zeroed struct */

bool mds_rules_exclude(const mds_rules *rules, const mds_case *point);
/* The study's run with the overrides that match (the last one wins), and the system's own time step
 * where none is given. */
void mds_rules_run(const mds_rules *rules, const mds_study *study, const mds_case *point,
                   mds_run *out);

#endif
