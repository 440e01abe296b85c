#include "store/layout.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void mds_row_from_case(const mds_study *study, const mds_case *point, mds_row *out)
{
    const mds_protocol_spec *protocol = &study->protocols[point->protocol];
    mds_model_spec spec;

    memset(out, 0, sizeof *out);
    snprintf(out->key, sizeof out->key, "%016" PRIx64, point->key);
    snprintf(out->system, sizeof out->system, "%s", study->systems[point->system].name);
    snprintf(out->protocol, sizeof out->protocol, "%s", protocol->name);
    snprintf(out->model, sizeof out->model, "%s", study->models[point->model].name);
    if (strcmp(study->teacher, "none") != 0)
        snprintf(out->teacher, sizeof out->teacher, "%s", study->teacher);
    out->conservative = 1;
    if (point->status != MDS_CASE_SKIPPED && mds_case_model_spec(study, point, &spec) == MDS_OK &&
        spec.engine) {
        snprintf(out->engine, sizeof out->engine, "%s", spec.engine->name);
        snprintf(out->precision, sizeof out->precision, "%s", mds_precision_name(spec.precision));
        out->conservative = (mds_model_caps(&spec) & MDS_CAP_CONSERVATIVE) != 0;
    }
    out->n_atoms_asked = point->n_asked;
    out->n_atoms = point->n_atoms;
    out->repeat = point->repeat;
    out->seed = (int64_t)point->run.seed;
    out->steps = point->run.steps;
    out->warmup_asked = point->run.warmup;
    out->dt_fs = point->run.timestep_fs;
    out->temperature_K = point->run.temperature_K;
    out->pressure_GPa = point->run.pressure_GPa;
    out->predicted_s = point->cost_s;
    out->integrates = protocol->class->integrates;
    out->status = (uint8_t)point->status;
    if (point->reason)
        snprintf(out->reason, sizeof out->reason, "%s", point->reason);
    out->rank = out->source = -1;
    out->t_start = out->t_end = out->volume_A3 = NAN;
    for (int i = 0; i < MDS_METRIC_COUNT; ++i)
        out->record.value[i] = NAN;
    for (int i = 0; i < MDS_REGION_COUNT; ++i)
        out->record.component_s[i] = NAN;
}

static const mds_target_info targets[] = {
    {"mean_ms", "ms", "largest mean step latency", offsetof(mds_targets, mean_ms)},
    {"p95_over_mean", "1", "largest ratio of P95 to the mean",
     offsetof(mds_targets, p95_over_mean)},
    {"p99_over_mean", "1", "largest ratio of P99 to the mean",
     offsetof(mds_targets, p99_over_mean)},
    {"memory_delta_MB", "MB", "largest growth of memory", offsetof(mds_targets, memory_delta_MB)},
    {"us_per_atom", "us", "largest step latency per atom", offsetof(mds_targets, us_per_atom)},
    {"cv", "1", "largest coefficient of variation", offsetof(mds_targets, cv)},
    {"energy_drift", "1", "largest relative energy drift in NVE",
     offsetof(mds_targets, energy_drift)},
};

int mds_target_count(void)
{
    return (int)(sizeof targets / sizeof targets[0]);
}

const mds_target_info *mds_target_get(int i)
{
    return &targets[i];
}

double mds_target_value(const mds_targets *values, int i)
{
    double value;

    memcpy(&value, (const char *)values + targets[i].offset, sizeof value);
    return value;
}

void mds_target_set(mds_targets *values, int i, double value)
{
    memcpy((char *)values + targets[i].offset, &value, sizeof value);
}
