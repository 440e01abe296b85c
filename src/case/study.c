#include "case/study.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mds_study_fini(mds_study *study)
{
    if (!study)
        return;
    free(study->systems);
    free(study->sizes);
    free(study->protocols);
    free(study->models);
    free(study->exclude);
    free(study->overrides);
    free(study->text);
    free(study->resolved);
    memset(study, 0, sizeof *study);
}

const char *mds_case_status_name(mds_case_status status)
{
    static const char *const names[] = {
#define STATUS_NAME(id, value) [value] = #id,
        MDS_CASE_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    };

    return (unsigned)status < MDS_CASE_STATUS_COUNT ? names[status] : "UNKNOWN";
}

static mds_status apply_options(const mds_study_model *model, mds_options *options)
{
    for (int i = 0; i < model->set_count; ++i) {
        const struct mds_study_set *set = &model->set[i];
        const mds_status status = set->is_text
                                      ? mds_options_set_text(options, set->key, set->text)
                                      : mds_options_set_number(options, set->key, set->number);

        if (status != MDS_OK) {
            mds_error_prefix("model '%s': ", model->name);
            return status;
        }
    }
    return MDS_OK;
}

mds_status mds_case_model_spec(const mds_study *study, const mds_case *point, mds_model_spec *out)
{
    const mds_study_model *model = &study->models[point->model];
    mds_status status;

    if (model->engine[0]) {
        status = mds_model_spec_init(out, model->name, model->engine, point->run.precision);
    } else {
        mds_model_target target = {.n_atoms = point->n_atoms, .periodic = true};

        status = mds_system_species(&study->systems[point->system], &target.species);
        if (status == MDS_OK)
            status = mds_model_resolve(model->base[0] ? model->base : model->name, &target,
                                       point->run.precision, out);
        if (status == MDS_OK)
            snprintf(out->name, sizeof out->name, "%s", model->name);
    }
    return status == MDS_OK ? apply_options(model, &out->options) : status;
}

char *mds_case_label(const mds_study *study, const mds_case *point, char *out, size_t size)
{
    mds_model_spec spec;
    const bool synthetic = mds_case_model_spec(study, point, &spec) == MDS_OK &&
                           mds_model_is_synthetic(&spec);

    snprintf(out, size, "%s/%d/%s/%s/r%d%s", study->systems[point->system].name, point->n_asked,
             study->protocols[point->protocol].name, study->models[point->model].name,
             point->repeat, synthetic ? " (SYNTHETIC)" : "");
    return out;
}

/* Rows of a segment that is sampled at its first step, every `every` steps, and at its last. */
static int64_t sampled(int64_t steps, int64_t every)
{
    if (steps <= 0)
        return 0;
    return every > 0 ? (steps - 1) / every + 2 : 2;
}

/* Enough for some seconds at the full rate; a longer case keeps ever fewer of its readings
 * (case/sampler.h), so that the room need not be guessed from its time. */
static int64_t telemetry_rows(const mds_run *run)
{
    const int64_t steps = run->warmup + run->steps + run->component_steps;
    const int64_t least = 16, most = 512;

    if (!(run->telemetry_hz > 0.0))
        return 0;
    return least + steps / 8 < most ? least + steps / 8 : most;
}

int64_t mds_case_rows(const mds_case *point, mds_pool pool)
{
    const mds_run *run = &point->run;

    switch (pool) {
    case MDS_POOL_STEPS:
        return 1 + run->warmup + run->steps;
    case MDS_POOL_COMPONENTS:
        return run->component_steps;
    case MDS_POOL_MEMORY:
        return 1 + sampled(run->warmup, run->memory_every) + sampled(run->steps, run->memory_every);
    case MDS_POOL_TELEMETRY:
        return telemetry_rows(run);
    default:
        return 0;
    }
}

int64_t mds_case_frames(const mds_study *study, const mds_case *point)
{
    const int64_t every = study->trajectory_every, steps = point->run.steps;

    return every > 0 && steps > 0 && point->status != MDS_CASE_SKIPPED ? (steps - 1) / every + 1
                                                                       : 0;
}
