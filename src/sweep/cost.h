/* Private to sweep/: predicted time of a case, from the engines' own figures. Only the order of
 * cases and the forecast of `plan` depend on it, so a factor of two is good enough. */
#ifndef MDS_SWEEP_COST_H
#define MDS_SWEEP_COST_H

#include "case/study.h"

/* Seconds of a case whose force call takes `call_s`, without its start state. */
double mds_cost_case(const mds_study *study, const mds_case *point, double call_s);

/* Seconds to make the start state of (system, size, temperature): dynamics by the reference model.
 */
double mds_cost_start(const mds_study *study, const mds_case *point,
                      const mds_model_target *target);

/* Seconds to generate the frames that each case of `replay` is given (case/frames.h). */
double mds_cost_frames(const mds_protocol_spec *protocol, const mds_model_target *target);

#endif
