/* The record of a case: every summary statistic, by metric. One list declares them; the store's
 * columns, the tables, `list metrics` and docs/metrics.md derive from it. */
#ifndef MDS_CASE_RECORD_H
#define MDS_CASE_RECORD_H

#include "case/samples.h"
#include "case/study.h"

/* X(id, key, unit, long name) — latency over the steady steps. */
#define MDS_METRIC_LIST(X)                                                                         \
    X(LATENCY_MEAN, "latency_mean_s", "s", "mean step latency")                                    \
    X(LATENCY_MEDIAN, "latency_median_s", "s", "median step latency")                              \
    X(LATENCY_STD, "latency_std_s", "s", "standard deviation of the step latency")                 \
    X(LATENCY_MIN, "latency_min_s", "s", "smallest step latency")                                  \
    X(LATENCY_MAX, "latency_max_s", "s", "largest step latency")                                   \
    X(LATENCY_P95, "latency_p95_s", "s", "95th percentile of the step latency")                    \
    X(LATENCY_P99, "latency_p99_s", "s", "99th percentile of the step latency")                    \
    X(LATENCY_CV, "latency_cv", "1", "coefficient of variation of the step latency")               \
    X(LATENCY_N_EFF, "latency_n_eff", "1", "effective number of independent latency samples")      \
    X(LATENCY_MEDIAN_LO, "latency_median_lo_s", "s", "lower end of the median's 95 % interval")    \
    X(LATENCY_MEDIAN_HI, "latency_median_hi_s", "s", "upper end of the median's 95 % interval")    \
    X(LATENCY_FIRST, "latency_first_s", "s", "latency of the first step")                          \
    X(LATENCY_WARMUP, "latency_warmup_mean_s", "s", "mean latency of the warm-up steps")           \
    X(DEVICE_MEAN, "device_mean_s", "s", "mean step time by the device's event clock")             \
    X(DEVICE_MEDIAN, "device_median_s", "s", "median step time by the device's event clock")       \
    X(STEPS_PER_S, "steps_per_s", "1/s", "steps per second")                                       \
    X(NS_PER_DAY, "ns_per_day", "ns/day", "simulated time per day")                                \
    X(US_PER_ATOM, "us_per_atom", "us", "median step latency per atom")                            \
    X(SETUP, "setup_s", "s", "time from the command to the first step")                            \
    X(TOTAL, "total_s", "s", "time of the steady steps")                                           \
    X(REBUILDS, "neighbor_rebuilds", "1", "neighbour list builds in the steady steps")             \
    X(DANGEROUS, "neighbor_dangerous", "1", "neighbour list builds that came too late")            \
    X(N_EDGES, "n_edges_mean", "1", "mean number of neighbour pairs or graph edges")               \
    X(ENGINE_INITIAL, "engine_initial_bytes", "B", "engine allocator, at the first steady step")   \
    X(ENGINE_FINAL, "engine_final_bytes", "B", "engine allocator, at the last steady step")        \
    X(ENGINE_PEAK, "engine_peak_bytes", "B", "engine allocator, peak")                             \
    X(DEVICE_PEAK, "device_peak_bytes", "B", "device memory in use by this process, peak")         \
    X(PROCESS_PEAK, "device_process_peak_bytes", "B", "that by the driver's account, peak")        \
    X(RSS_INITIAL, "host_rss_initial_bytes", "B", "resident set, at the first steady step")        \
    X(RSS_FINAL, "host_rss_final_bytes", "B", "resident set, at the last steady step")             \
    X(RSS_PEAK, "host_rss_peak_bytes", "B", "resident set, peak")                                  \
    X(MEMORY_DELTA, "memory_delta_bytes", "B", "largest growth of these over the steady part")     \
    X(LEAK_SLOPE, "leak_slope_bytes_per_step", "B", "Theil-Sen slope of the fastest growing one")  \
    X(LEAK, "leak", "1", "1 when the memory verdict is a leak")                                    \
    X(ENERGY_INITIAL, "energy_initial_eV", "eV", "conserved quantity, first steady step")          \
    X(ENERGY_FINAL, "energy_final_eV", "eV", "conserved quantity, last steady step")               \
    X(ENERGY_DRIFT, "energy_drift_rel", "1", "(E_end - E_0)/|E_0| of the conserved quantity")      \
    X(ENERGY_SLOPE, "energy_slope_meV_atom_ps", "meV/ps", "least-squares slope per atom")          \
    X(ENERGY_RMS, "energy_rms_meV_atom", "meV", "rms about the fitted line, per atom")             \
    X(ENERGY_STD, "energy_std_eV", "eV", "standard deviation of the conserved quantity")           \
    X(POTENTIAL_MEAN, "energy_potential_mean_eV", "eV", "mean potential energy")                   \
    X(TEMPERATURE_MEAN, "temperature_mean_K", "K", "mean temperature")                             \
    X(TEMPERATURE_STD, "temperature_std_K", "K", "standard deviation of the temperature")          \
    X(PRESSURE_MEAN, "pressure_mean_GPa", "GPa", "mean pressure")                                  \
    X(FLAGGED, "steps_flagged", "1", "steady steps in a throttled interval or preempted")          \
    X(CLEAN_MEAN, "latency_clean_mean_s", "s", "mean step latency without flagged steps")          \
    X(CLEAN_MEDIAN, "latency_clean_median_s", "s", "median step latency without flagged steps")    \
    X(CLEAN_P95, "latency_clean_p95_s", "s", "95th percentile without flagged steps")              \
    X(CLEAN_P99, "latency_clean_p99_s", "s", "99th percentile without flagged steps")              \
    X(POWER_MEAN, "power_mean_W", "W", "mean power of the device over the steady steps")           \
    X(ENERGY_STEP, "energy_per_step_J", "J", "energy of the device per steady step")               \
    X(NS_DAY_WATT, "ns_per_day_per_W", "ns/day/W", "simulated time per day and watt")              \
    X(CLOCK_MIN, "clock_min_MHz", "MHz", "lowest clock of the device in the steady steps")         \
    X(TEMPERATURE_DEVICE, "device_temperature_max_C", "degree_Celsius",                            \
      "highest temperature of the device in the steady steps")                                     \
    X(FORCE_RMSE, "force_rmse_eV_A", "eV/angstrom",                                                \
      "rms difference of a force component from the teacher's, on the same frames")                \
    X(FORCE_ERROR, "force_error_rel", "1", "that over the rms component of the teacher's forces")  \
    X(FORCE_ERROR_MAX, "force_error_max_eV_A", "eV/angstrom",                                      \
      "largest difference of an atom's force from the teacher's")                                  \
    X(COMPONENT_STEP, "component_step_s", "s", "mean step of the component pass")                  \
    X(COMPONENT_RESIDUAL, "component_residual_s", "s", "its step less the sum of its components")  \
    X(PEAK_FLOP, "peak_flop_per_s", "1/s",                                                         \
      "operations per second of a large matrix product, measured beside the case")                 \
    X(PEAK_BYTES, "peak_bytes_per_s", "B/s",                                                       \
      "bytes read and written per second in a large copy, measured beside the case")

typedef enum mds_metric {
#define MDS_METRIC_ENUM(id, key, unit, text) MDS_METRIC_##id,
    MDS_METRIC_LIST(MDS_METRIC_ENUM)
#undef MDS_METRIC_ENUM
        MDS_METRIC_COUNT
} mds_metric;

typedef struct mds_metric_info {
    const char *key, *unit, *long_name;
} mds_metric_info;

const mds_metric_info *mds_metric_get(mds_metric metric);
mds_metric mds_metric_find(const char *key); /* MDS_METRIC_COUNT when unknown */

typedef struct mds_record {
    double value[MDS_METRIC_COUNT];       /* NaN: not known */
    double component_s[MDS_REGION_COUNT]; /* mean per step; NaN: not part of this model's step */
    /* Per step, by formula (mds_work); NaN: not known. */
    double component_flop[MDS_REGION_COUNT], component_bytes[MDS_REGION_COUNT];
} mds_record;

/* From the samples, as far as they go: also for a case that failed half-way. */
mds_status mds_record_summarize(const mds_study *study, const mds_case *point,
                                const mds_samples *samples, mds_record *out);

#endif
