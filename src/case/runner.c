#include "case/runner.h"

#include "base/clock.h"
#include "case/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void beat_setup(void *context)
{
    mds_samples_beat(context, MDS_PHASE_SETUP);
}

/* Address space this process has now: the first number of statm, in pages. 0 when unknown. */
static rlim_t address_space(int statm)
{
    char text[128];
    unsigned long long pages;
    const ssize_t got = pread(statm, text, sizeof text - 1, 0);

    if (got <= 0)
        return 0;
    text[got] = '\0';
    return sscanf(text, "%llu", &pages) == 1 ? (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) : 0;
}

/* The limit counts from what the process has mapped already (libraries, the sample buffers), so
 * that it bounds what the case adds, and an allocation beyond it fails like on a full machine. */
static mds_status limit_memory(mds_trial *trial)
{
    const double limit_MB = trial->run->memory_limit_MB;
    struct rlimit limit;

    if (!(limit_MB > 0))
        return MDS_OK;
    if (getrlimit(RLIMIT_AS, &trial->old_limit))
        return mds_fail(MDS_ERR_IO, "memory_limit_MB: %s", strerror(errno));
    limit = trial->old_limit;
    limit.rlim_cur = address_space(trial->statm) + (rlim_t)(limit_MB * 1e6);
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max)
        limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_AS, &limit))
        return mds_fail(MDS_ERR_IO, "memory_limit_MB: %s", strerror(errno));
    trial->limited = true;
    return MDS_OK;
}

static mds_option_value *threads_option(mds_model_spec *spec)
{
    const mds_option *option = mds_options_find(&spec->options, "threads");

    return option ? &spec->options.value[option - spec->options.table] : NULL;
}

/* `run.threads` is for every engine that has threads and was not given its own number. */
static void hand_on_threads(mds_trial *trial)
{
    mds_option_value *threads = threads_option(&trial->spec);

    if (threads && !threads->given)
        threads->number = trial->run->threads;
}

/* What the engine will use: one without the option has one. */
static int threads_of(mds_trial *trial)
{
    const mds_option_value *threads = threads_option(&trial->spec);

    if (!threads)
        return 1;
    return threads->number > 0 ? (int)threads->number : mds_device_get_info(trial->device)->cores;
}

static void note_facts(mds_trial *trial)
{
    mds_samples_header *header = trial->samples->header;
    const mds_device_info *info = mds_device_get_info(trial->device);

    snprintf(header->device, sizeof header->device, "%s", info->name);
    snprintf(header->device_model, sizeof header->device_model, "%s", info->model);
    snprintf(header->device_uuid, sizeof header->device_uuid, "%s", info->uuid);
    snprintf(header->engine, sizeof header->engine, "%s", trial->spec.engine->name);
    snprintf(header->precision, sizeof header->precision, "%s",
             mds_precision_name(trial->spec.precision));
    header->threads = threads_of(trial);
    header->synthetic = mds_model_is_synthetic(&trial->spec);
    header->device_total_bytes = info->memory_bytes;
    header->n_atoms = trial->state.n;
}

static mds_status make_protocol(mds_trial *trial)
{
    const mds_run *run = trial->run;
    const mds_protocol_spec *spec = &trial->study->protocols[trial->point->protocol];
    const double system_dt = trial->study->systems[trial->point->system].class->timestep_fs;
    mds_protocol_config config = {.dt_fs = isnan(run->timestep_fs) ? system_dt : run->timestep_fs,
                                  .temperature_K = run->temperature_K,
                                  .pressure_GPa = run->pressure_GPa,
                                  .seed = run->seed,
                                  .regions = &trial->regions};

    if (spec->class->needs_frames) {
        const mds_status status = mds_frame_store_make(spec, &trial->start, config.dt_fs,
                                                       run->temperature_K, run->seed, beat_setup,
                                                       trial->samples, &trial->frames);

        if (status != MDS_OK)
            return status;
        config.frames = &trial->frames.frames;
    }
    return mds_protocol_create(spec, &config, &trial->state, trial->model, &trial->protocol);
}

static mds_status setup(mds_trial *trial, const char *device, mds_start_cache *cache)
{
    mds_status status;

    mds_samples_beat(trial->samples, MDS_PHASE_SETUP);
    /* First of all: a GPU takes terabytes of addresses, which are not what the limit is about. */
    MDS_TRY(mds_device_open(device, &trial->device));
    MDS_TRY(limit_memory(trial));
    MDS_TRY(mds_case_model_spec(trial->study, trial->point, &trial->spec));
    hand_on_threads(trial);
    MDS_TRY(mds_start_state(cache, trial->study, trial->point, beat_setup, trial->samples,
                            &trial->start));
    MDS_TRY(mds_state_init(&trial->state, trial->device, &trial->start));
    note_facts(trial);
    beat_setup(trial->samples);
    MDS_TRY(mds_model_create(&trial->spec, trial->device, &trial->model));
    trial->regions.device = trial->device;
    trial->regions.marks = &trial->marks;
    mds_model_set_regions(trial->model, &trial->regions);
    beat_setup(trial->samples);
    MDS_TRY(mds_model_prepare(trial->model, &trial->state));
    beat_setup(trial->samples);
    MDS_TRY(make_protocol(trial));
    /* A thermostat may count the centre of mass as well. */
    trial->samples->header->degrees_of_freedom = trial->state.degrees_of_freedom;
    MDS_TRY(mds_trial_arm(trial));
    MDS_TRY(mds_sampler_start(trial->run->telemetry_hz, mds_device_get_info(trial->device),
                              trial->samples, mds_case_rows(trial->point, MDS_POOL_TELEMETRY),
                              trial->started_ns, &trial->sampler));
out:
    return status;
}

static mds_status count_dangerous(const mds_trial *trial, int64_t *out)
{
    mds_scalars scalars;
    const mds_status status = mds_state_fetch_scalars(&trial->state, &scalars);

    *out = status == MDS_OK && isfinite(scalars.dangerous) ? (int64_t)scalars.dangerous : 0;
    return status;
}

static double thread_cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static mds_status steady(mds_trial *trial)
{
    mds_samples_header *header = trial->samples->header;
    const int64_t steps = trial->run->steps;
    int64_t before, after;
    mds_status status;

    MDS_TRY(mds_state_pull_block(&trial->state));
    header->volume_A3 = trial->state.box.volume;
    MDS_TRY(count_dangerous(trial, &before));
    mds_marks_record(&trial->marks, trial->device, true);
    const double cpu_begin = thread_cpu_s();
    const int64_t begin = mds_clock_ns();
    status = trial->run->timing == MDS_TIMING_OFF
                 ? mds_trial_bare_segment(trial, MDS_PHASE_STEADY, steps)
                 : mds_trial_segment(trial, MDS_PHASE_STEADY, steps, 0);
    header->loop_s = 1e-9 * (double)(mds_clock_ns() - begin - trial->frames_ns);
    header->loop_cpu_s = thread_cpu_s() - cpu_begin;
    mds_marks_record(&trial->marks, trial->device, false);
    if (status != MDS_OK)
        return status;
    MDS_TRY(count_dangerous(trial, &after));
    header->dangerous_builds = after - before;
out:
    return status;
}

static void clean_up(mds_trial *trial)
{
    mds_sampler_stop(trial->sampler);
    mds_trial_late_disarm(trial);
    mds_protocol_destroy(trial->protocol);
    mds_frame_store_fini(&trial->frames);
    mds_model_destroy(trial->model);
    mds_state_fini(&trial->state);
    mds_structure_fini(&trial->start);
    mds_device_close(trial->device);
    if (trial->limited)
        setrlimit(RLIMIT_AS, &trial->old_limit);
    if (trial->statm >= 0)
        close(trial->statm);
}

/* The range of the whole case, "case silicon/64/nve/reference/r0". */
static int begin_marks(mds_trial *trial)
{
    char name[272], label[256];

    trial->marks.on = trial->study->nvtx;
    if (!trial->marks.on)
        return 0;
    mds_case_label(trial->study, trial->point, label, sizeof label);
    snprintf(name, sizeof name, "case %s", label);
    return mds_marks_begin(&trial->marks, name, -1);
}

mds_status mds_case_run(const mds_study *study, const mds_case *point, int case_index, int attempt,
                        const char *device, mds_start_cache *cache, mds_samples *samples)
{
    mds_samples_header *header = samples->header;
    mds_trial trial = {.study = study,
                       .point = point,
                       .run = &point->run,
                       .samples = samples,
                       .started_ns = mds_clock_ns(),
                       .statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
    const int mark = begin_marks(&trial);
    mds_status status;

    mds_error_clear();
    header->case_index = case_index;
    header->attempt = attempt;
    MDS_TRY(setup(&trial, device, cache));
    header->setup_s = 1e-9 * (double)(mds_clock_ns() - trial.started_ns);
    MDS_TRY(mds_trial_segment(&trial, MDS_PHASE_FIRST, 1, MDS_STEP_FIRST));
    MDS_TRY(mds_trial_segment(&trial, MDS_PHASE_WARMUP, trial.run->warmup, MDS_STEP_WARMUP));
    MDS_TRY(steady(&trial));
    MDS_TRY(mds_trial_components(&trial, trial.run->component_steps));
    mds_trial_work(&trial);
    mds_trial_compare(&trial);
out:
    header->status = status;
    snprintf(header->message, sizeof header->message, "%.*s", (int)sizeof header->message - 1,
             status == MDS_OK ? ""
             : mds_error()[0] ? mds_error()
                              : mds_status_text(status));
    clean_up(&trial);
    mds_marks_end_to(&trial.marks, mark);
    mds_samples_beat(samples, MDS_PHASE_FINISHED);
    return status;
}
