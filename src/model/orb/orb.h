/* What tests see of the engine besides mds_engine_orb. */
#ifndef MDS_MODEL_ORB_ORB_H
#define MDS_MODEL_ORB_ORB_H

#include "model/model.h"

/* Per atom, the probabilities of 50 bins of the force's error (mean absolute, 0 to 0.3 eV/Å,
 * linear), of the last compute(); out (n,50). MDS_ERR_UNSUPPORTED for v2. */
mds_status orb_confidence(mds_model *model, double *out);
/* Its expectation, by the bins' centres (mds_engine.expected_error). */
mds_status orb_expected_error(mds_model *model, double *out);

#endif
