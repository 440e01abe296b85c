/* What telemetry and the flags of steps say of a case: doubtful steps, energy, clocks. */
#include "case/record_private.h"

#include "stats/stats.h"

#include <math.h>

enum { DOUBTFUL = MDS_STEP_THROTTLED | MDS_STEP_PREEMPTED };

/* The drivers' counters move on every 20 to 100 ms: over less than this the energy of a step would
 * be an accident. */
static const double shortest_s = 0.5;

mds_status mds_record_flags(const mds_record_view *v, double *value)
{
    static const double q[] = {50, 95, 99};
    double percentile[3];
    const size_t all = mds_record_gather(v, v->latency, 0, MDS_RECORD_NOT_STEADY);

    if (all == 0)
        return MDS_OK;
    const size_t n = mds_record_gather(v, v->latency, 0, MDS_RECORD_NOT_STEADY | DOUBTFUL);
    const mds_status status = mds_stats_percentiles(v->y, n, q, 3, percentile);

    if (status != MDS_OK)
        return status;
    value[MDS_METRIC_FLAGGED] = (double)(all - n);
    value[MDS_METRIC_CLEAN_MEAN] = mds_stats_moments(v->y, n).mean;
    value[MDS_METRIC_CLEAN_MEDIAN] = percentile[0];
    value[MDS_METRIC_CLEAN_P95] = percentile[1];
    value[MDS_METRIC_CLEAN_P99] = percentile[2];
    return MDS_OK;
}

static const mds_cell *telemetry(const mds_record_view *v, const char *key)
{
    return mds_samples_column(v->samples, MDS_POOL_TELEMETRY,
                              mds_pool_find_column(MDS_POOL_TELEMETRY, key));
}

void mds_record_telemetry(const mds_record_view *v, double *value)
{
    const int64_t rows = mds_samples_rows(v->samples, MDS_POOL_TELEMETRY);
    const mds_cell *phase = telemetry(v, "phase"), *time = telemetry(v, "time_s");
    const mds_cell *step = telemetry(v, "step"), *energy = telemetry(v, "energy_J");
    const mds_cell *power = telemetry(v, "power_W"), *clock = telemetry(v, "clock_MHz");
    const mds_cell *temperature = telemetry(v, "temperature_C");
    int64_t first = -1, last = -1, powers = 0;
    double watts = 0;

    for (int64_t row = 0; row < rows; ++row) {
        if (phase[row].i8 != MDS_PHASE_STEADY)
            continue;
        first = first < 0 ? row : first;
        last = row;
        if (isfinite(power[row].f8)) {
            watts += power[row].f8;
            ++powers;
        }
        /* fmin and fmax pass over what is not known. */
        value[MDS_METRIC_CLOCK_MIN] = fmin(value[MDS_METRIC_CLOCK_MIN], clock[row].f8);
        value[MDS_METRIC_TEMPERATURE_DEVICE] =
            fmax(value[MDS_METRIC_TEMPERATURE_DEVICE], temperature[row].f8);
    }
    if (last <= first)
        return;
    const double seconds = time[last].f8 - time[first].f8;
    const double steps = (double)(step[last].i8 - step[first].i8);
    const double joules = energy[last].f8 - energy[first].f8;

    if (seconds < shortest_s || steps < 1)
        return;
    if (powers)
        value[MDS_METRIC_POWER_MEAN] = watts / (double)powers;
    if (isfinite(joules))
        value[MDS_METRIC_POWER_MEAN] = joules / seconds; /* a counter misses nothing in between */
    value[MDS_METRIC_ENERGY_STEP] = value[MDS_METRIC_POWER_MEAN] * seconds / steps;
    value[MDS_METRIC_NS_DAY_WATT] = value[MDS_METRIC_NS_PER_DAY] / value[MDS_METRIC_POWER_MEAN];
}
