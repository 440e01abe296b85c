/* From the raw series of a case to its summary: steady steps only, by their flags. */
#include "case/record_private.h"

#include "stats/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A leak too slow for the run is judged by whether it would matter in a run of this many steps. */
#define LEAK_HORIZON_STEPS 1e6

enum { NOT_STEADY = MDS_RECORD_NOT_STEADY };

static const mds_metric_info metrics[] = {
#define METRIC_INFO(id, key, unit, text) {key, unit, text},
    MDS_METRIC_LIST(METRIC_INFO)
#undef METRIC_INFO
};

const mds_metric_info *mds_metric_get(mds_metric metric)
{
    return (unsigned)metric < MDS_METRIC_COUNT ? &metrics[metric] : NULL;
}

mds_metric mds_metric_find(const char *key)
{
    int metric = 0;

    while (metric < MDS_METRIC_COUNT && strcmp(metrics[metric].key, key) != 0)
        ++metric;
    return (mds_metric)metric;
}

typedef mds_record_view view;

static const mds_cell *column(const view *v, mds_pool pool, const char *key)
{
    return mds_samples_column(v->samples, pool, mds_pool_find_column(pool, key));
}

size_t mds_record_gather(const view *v, const char *key, int64_t with, int64_t without)
{
    const mds_cell *cell = column(v, MDS_POOL_STEPS, key);
    size_t n = 0;

    for (int64_t row = 0; row < v->rows; ++row) {
        const int64_t flags = v->flags[row].i8;

        if ((flags & with) != with || (flags & without) || !isfinite(cell[row].f8))
            continue;
        v->x[n] = (double)row;
        v->y[n++] = cell[row].f8;
    }
    return n;
}

static size_t gather_steady(const view *v, const char *key)
{
    return mds_record_gather(v, key, 0, NOT_STEADY);
}

static double mean_of(const view *v, size_t n)
{
    return mds_stats_moments(v->y, n).mean;
}

/* --- latency --- */

static mds_status summarize_latency(const view *v, double *value)
{
    static const double q[] = {50, 95, 99};
    const size_t n = gather_steady(v, v->latency);
    const mds_moments moments = mds_stats_moments(v->y, n);
    double percentile[3], lo, hi, n_eff;
    mds_status status;

    MDS_TRY(mds_stats_percentiles(v->y, n, q, 3, percentile));
    n_eff = n ? (double)n / (2 * mds_stats_autocorrelation_time(v->y, n)) : 0;
    MDS_TRY(mds_stats_median_interval(v->y, n, n_eff, &lo, &hi));
    value[MDS_METRIC_LATENCY_MEAN] = moments.mean;
    value[MDS_METRIC_LATENCY_STD] = moments.std;
    value[MDS_METRIC_LATENCY_MIN] = moments.min;
    value[MDS_METRIC_LATENCY_MAX] = moments.max;
    value[MDS_METRIC_LATENCY_CV] = moments.cv;
    value[MDS_METRIC_LATENCY_MEDIAN] = percentile[0];
    value[MDS_METRIC_LATENCY_P95] = percentile[1];
    value[MDS_METRIC_LATENCY_P99] = percentile[2];
    value[MDS_METRIC_LATENCY_N_EFF] = n ? n_eff : NAN;
    value[MDS_METRIC_LATENCY_MEDIAN_LO] = lo;
    value[MDS_METRIC_LATENCY_MEDIAN_HI] = hi;
    if (n)
        value[MDS_METRIC_TOTAL] = moments.mean * (double)n;
    value[MDS_METRIC_LATENCY_FIRST] =
        mean_of(v, mds_record_gather(v, v->latency, MDS_STEP_FIRST, 0));
    value[MDS_METRIC_LATENCY_WARMUP] =
        mean_of(v, mds_record_gather(v, v->latency, MDS_STEP_WARMUP, 0));
    value[MDS_METRIC_REBUILDS] =
        n ? (double)mds_record_gather(v, v->latency, MDS_STEP_REBUILT, NOT_STEADY) : NAN;
out:
    return status;
}

static mds_status summarize_device_time(const view *v, double *value)
{
    static const double q[] = {50};
    const size_t n = gather_steady(v, "device_s");

    value[MDS_METRIC_DEVICE_MEAN] = mean_of(v, n);
    return mds_stats_percentiles(v->y, n, q, 1, &value[MDS_METRIC_DEVICE_MEDIAN]);
}

/* Without samples (timing "off") the loop as a whole still gives a mean. */
static void derive_rates(const view *v, double *value)
{
    const mds_samples_header *header = v->samples->header;

    if (isnan(value[MDS_METRIC_LATENCY_MEAN]) && header->steady_done > 0 && header->loop_s > 0) {
        value[MDS_METRIC_TOTAL] = header->loop_s;
        value[MDS_METRIC_LATENCY_MEAN] = header->loop_s / (double)header->steady_done;
    }
    const double mean = value[MDS_METRIC_LATENCY_MEAN];
    const double median = value[MDS_METRIC_LATENCY_MEDIAN];
    const double typical = isnan(median) ? mean : median;

    value[MDS_METRIC_STEPS_PER_S] = 1 / mean;
    value[MDS_METRIC_NS_PER_DAY] = 86400 / mean * v->dt_fs * 1e-6;
    if (header->n_atoms > 0)
        value[MDS_METRIC_US_PER_ATOM] = 1e6 * typical / header->n_atoms;
    if (header->setup_s > 0)
        value[MDS_METRIC_SETUP] = header->setup_s;
    if (header->steady_done > 0)
        value[MDS_METRIC_DANGEROUS] = (double)header->dangerous_builds;
}

/* --- memory --- */

/* Steady rows of a memory series, bytes in v->y over steps in v->x. */
static size_t gather_memory(const view *v, const char *key)
{
    const mds_cell *step = column(v, MDS_POOL_MEMORY, "step");
    const mds_cell *bytes = column(v, MDS_POOL_MEMORY, key);
    const int64_t rows = mds_samples_rows(v->samples, MDS_POOL_MEMORY);
    size_t n = 0;

    for (int64_t row = 0; row < rows; ++row) {
        const int64_t at = step[row].i8;

        if (at >= v->rows || (v->flags[at].i8 & NOT_STEADY) || bytes[row].i8 < 0)
            continue;
        v->x[n] = (double)at;
        v->y[n++] = (double)bytes[row].i8;
    }
    return n;
}

static mds_status judge_memory(const view *v, const char *key, mds_leak *out)
{
    const size_t n = gather_memory(v, key);

    return mds_stats_leak(v->x, v->y, n, v->point->run.leak_tolerance_MB * 1e6, LEAK_HORIZON_STEPS,
                          out);
}

static mds_status summarize_memory(const view *v, double *value)
{
    mds_leak engine, device, process, rss;
    mds_status status;

    MDS_TRY(judge_memory(v, "engine_bytes", &engine));
    MDS_TRY(judge_memory(v, "device_used_bytes", &device));
    MDS_TRY(judge_memory(v, "device_process_bytes", &process));
    MDS_TRY(judge_memory(v, "host_rss_bytes", &rss));
    value[MDS_METRIC_ENGINE_INITIAL] = engine.initial;
    value[MDS_METRIC_ENGINE_FINAL] = engine.final;
    value[MDS_METRIC_ENGINE_PEAK] = engine.peak;
    value[MDS_METRIC_DEVICE_PEAK] = device.peak;
    value[MDS_METRIC_PROCESS_PEAK] = process.peak;
    value[MDS_METRIC_RSS_INITIAL] = rss.initial;
    value[MDS_METRIC_RSS_FINAL] = rss.final;
    value[MDS_METRIC_RSS_PEAK] = rss.peak;
    if (isnan(engine.delta) && isnan(rss.delta))
        goto out; /* no memory samples: no verdict */
    /* fmax() passes over what is not known. */
    value[MDS_METRIC_MEMORY_DELTA] =
        fmax(fmax(engine.delta, device.delta), fmax(process.delta, rss.delta));
    value[MDS_METRIC_LEAK_SLOPE] = fmax(fmax(engine.trend.slope, device.trend.slope),
                                        fmax(process.trend.slope, rss.trend.slope));
    value[MDS_METRIC_LEAK] = engine.leak || device.leak || process.leak || rss.leak;
out:
    return status;
}

/* --- physics --- */

static void summarize_energy(const view *v, double *value)
{
    const mds_samples_header *header = v->samples->header;
    const bool integrates = v->study->protocols[v->point->protocol].class->integrates;

    value[MDS_METRIC_POTENTIAL_MEAN] = mean_of(v, gather_steady(v, "energy_potential_eV"));
    value[MDS_METRIC_PRESSURE_MEAN] = mean_of(v, gather_steady(v, "pressure_GPa"));
    value[MDS_METRIC_N_EDGES] = mean_of(v, gather_steady(v, "n_edges"));
    /* Replayed frames have no dynamics, and random weights no physics worth a verdict. */
    if (!integrates || header->synthetic)
        return;
    size_t n = gather_steady(v, "temperature_K");
    const mds_moments temperature = mds_stats_moments(v->y, n);

    value[MDS_METRIC_TEMPERATURE_MEAN] = temperature.mean;
    value[MDS_METRIC_TEMPERATURE_STD] = temperature.std;
    n = gather_steady(v, "conserved_eV");
    if (n == 0)
        return;
    for (size_t i = 0; i < n; ++i)
        v->x[i] *= 1e-3 * v->dt_fs; /* steps to ps */
    const mds_drift drift = mds_stats_drift(v->x, v->y, n, header->n_atoms);

    value[MDS_METRIC_ENERGY_INITIAL] = drift.initial;
    value[MDS_METRIC_ENERGY_FINAL] = drift.final;
    value[MDS_METRIC_ENERGY_DRIFT] = drift.relative;
    value[MDS_METRIC_ENERGY_SLOPE] = drift.slope_meV_atom_ps;
    value[MDS_METRIC_ENERGY_RMS] = drift.rms_meV_atom;
    value[MDS_METRIC_ENERGY_STD] = drift.std_eV;
}

static void summarize_force_error(const view *v, double *value)
{
    const mds_force_error *error = &v->samples->header->force_error;

    if (!*error->teacher)
        return;
    value[MDS_METRIC_FORCE_RMSE] = error->rmse_eV_A;
    value[MDS_METRIC_FORCE_ERROR] = error->relative;
    value[MDS_METRIC_FORCE_ERROR_MAX] = error->largest_eV_A;
}

/* --- components --- */

static double column_mean(const mds_cell *cell, int64_t rows)
{
    double sum = 0;
    int64_t known = 0;

    for (int64_t row = 0; row < rows; ++row)
        if (isfinite(cell[row].f8)) {
            sum += cell[row].f8;
            ++known;
        }
    /* A region first entered late did nothing before: its mean is over all steps. */
    return known ? sum / (double)rows : NAN;
}

static void summarize_components(const view *v, mds_record *out)
{
    const int64_t rows = mds_samples_rows(v->samples, MDS_POOL_COMPONENTS);
    double sum = 0;

    for (int region = 0; region < MDS_REGION_COUNT; ++region) {
        char key[64];

        snprintf(key, sizeof key, "%s_s", mds_region_key((mds_region)region));
        out->component_s[region] = column_mean(column(v, MDS_POOL_COMPONENTS, key), rows);
        if (isfinite(out->component_s[region]))
            sum += out->component_s[region];
    }
    const double step = column_mean(column(v, MDS_POOL_COMPONENTS, "step_s"), rows);

    out->value[MDS_METRIC_COMPONENT_STEP] = step;
    out->value[MDS_METRIC_COMPONENT_RESIDUAL] = step - sum; /* NaN without a pass */
}

static void take_work(const view *v, mds_record *out)
{
    const mds_case_work *work = &v->samples->header->work;

    for (int i = 0; work->known && i < MDS_REGION_COUNT; ++i) {
        if (work->flop[i] > 0.0)
            out->component_flop[i] = work->flop[i];
        if (work->bytes[i] > 0.0)
            out->component_bytes[i] = work->bytes[i];
    }
    if (work->known) {
        out->value[MDS_METRIC_PEAK_FLOP] = work->peak_flop_s;
        out->value[MDS_METRIC_PEAK_BYTES] = work->peak_bytes_s;
    }
}

mds_status mds_record_summarize(const mds_study *study, const mds_case *point,
                                const mds_samples *samples, mds_record *out)
{
    view v = {.study = study,
              .point = point,
              .samples = samples,
              .rows = mds_samples_rows(samples, MDS_POOL_STEPS),
              .latency = samples->header->device_clock ? "device_s" : "wall_s",
              .dt_fs = point->run.timestep_fs};
    const int64_t memory_rows = mds_samples_rows(samples, MDS_POOL_MEMORY);
    const size_t room = (size_t)(v.rows > memory_rows ? v.rows : memory_rows) + 1;
    mds_status status = MDS_OK;

    for (int i = 0; i < MDS_METRIC_COUNT; ++i)
        out->value[i] = NAN;
    for (int i = 0; i < MDS_REGION_COUNT; ++i)
        out->component_s[i] = out->component_flop[i] = out->component_bytes[i] = NAN;
    if (isnan(v.dt_fs))
        v.dt_fs = study->systems[point->system].class->timestep_fs;
    v.flags = column(&v, MDS_POOL_STEPS, "flags");
    v.x = malloc(2 * room * sizeof *v.x);
    if (!v.x)
        return mds_fail(MDS_ERR_NOMEM, "out of memory to summarise %lld steps", (long long)v.rows);
    v.y = v.x + room;
    MDS_TRY(summarize_latency(&v, out->value));
    MDS_TRY(summarize_device_time(&v, out->value));
    MDS_TRY(mds_record_flags(&v, out->value));
    derive_rates(&v, out->value);
    mds_record_telemetry(&v, out->value);
    MDS_TRY(summarize_memory(&v, out->value));
    summarize_energy(&v, out->value);
    summarize_force_error(&v, out->value);
    summarize_components(&v, out);
    take_work(&v, out);
out:
    free(v.x);
    return status;
}
