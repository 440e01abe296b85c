/* After the component pass: the work of each component by the engine's formulas, and the device's
 * peak, so that tables can say how near to it a component is. Nothing here can fail the case. */
#include "base/log.h"
#include "case/trial.h"
#include "device/peak.h"

#include <math.h>

static mds_status measure_peak(mds_trial *trial, mds_case_work *work)
{
    mds_real real;
    mds_product product;
    mds_peak peak;

    if (!mds_precision_product(trial->spec.precision, &real, &product))
        return MDS_OK;
    const mds_status status =
        mds_peak_measure(trial->device, real, product, trial->samples->header->threads, &peak);

    if (status == MDS_OK) {
        work->peak_flop_s = peak.flop_s;
        work->peak_bytes_s = peak.bytes_s;
    }
    return status;
}

void mds_trial_work(mds_trial *trial)
{
    mds_case_work *work = &trial->samples->header->work;
    mds_work parts[MDS_REGION_COUNT];
    mds_scalars scalars;

    if (trial->run->component_steps == 0)
        return;
    mds_status status = mds_state_fetch_scalars(&trial->state, &scalars);
    if (status != MDS_OK || !mds_model_work(trial->model, &scalars, parts))
        return;
    work->peak_flop_s = work->peak_bytes_s = NAN;
    for (int i = 0; i < MDS_REGION_COUNT; ++i) {
        work->flop[i] = parts[i].flop;
        work->bytes[i] = parts[i].bytes;
    }
    status = measure_peak(trial, work);
    if (status != MDS_OK)
        mds_log(MDS_LOG_DEBUG, "the device's peak is not known: %s", mds_error());
    mds_error_clear();
    work->known = true;
}
