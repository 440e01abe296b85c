/* After everything is timed: how far the forces of a replayed case are from those of another model,
 * the teacher, on the same frames. Nothing here can fail the case. */
#include "base/log.h"
#include "case/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Spread evenly over more frames than that. */
enum { FRAMES_MAX = 64 };

static int find_model(const mds_study *study, const char *name)
{
    for (int i = 0; i < study->model_count; ++i)
        if (strcmp(study->models[i].name, name) == 0)
            return i;
    return -1;
}

/* A model of the sweep, or a built-in one; in its own precision, not that of the run. */
static mds_status teacher_spec(const mds_trial *trial, mds_model_spec *out)
{
    const mds_study *study = trial->study;
    const mds_model_target target = {.species = trial->state.species,
                                     .n_atoms = trial->state.n,
                                     .periodic = trial->state.box.periodic[0] &&
                                                 trial->state.box.periodic[1] &&
                                                 trial->state.box.periodic[2]};
    mds_case point = *trial->point;
    mds_status status;

    point.model = find_model(study, study->teacher);
    point.run.precision = MDS_PRECISION_AUTO;
    MDS_TRY(point.model >= 0 ? mds_case_model_spec(study, &point, out)
                             : mds_model_resolve(study->teacher, &target, MDS_PRECISION_AUTO, out));
    MDS_TRY(mds_model_supports(out, &target, false, mds_device_get_kind(trial->device)));
    if (mds_model_is_synthetic(out))
        status = mds_fail(MDS_ERR_UNSUPPORTED, "the teacher's weights are made up");
out:
    return status;
}

static mds_status forces_of(mds_model *model, mds_state *state, double *out)
{
    mds_scalars scalars;
    mds_status status;

    MDS_TRY(mds_model_prepare(model, state));
    MDS_TRY(mds_model_compute(model, state, 0u));
    MDS_TRY(mds_device_sync(state->device));
    MDS_TRY(mds_state_fetch_scalars(state, &scalars));
    MDS_TRY(mds_scalars_check_fault(&scalars));
    status = mds_device_copy(state->device, out, state->f, (size_t)state->n * 3 * sizeof(double),
                             MDS_COPY_TO_HOST);
out:
    return status;
}

/* Σ over what was compared so far. */
typedef struct sums {
    double error, teacher; /* of squares, eV²/Å² */
    double largest;        /* of an atom, squared */
    int frames;
} sums;

static void add_frame(const double *f, const double *taught, int n, sums *s)
{
    for (int i = 0; i < n; ++i, f += 3, taught += 3) {
        double error = 0.0;

        for (int k = 0; k < 3; ++k) {
            error += (f[k] - taught[k]) * (f[k] - taught[k]);
            s->teacher += taught[k] * taught[k];
        }
        s->error += error;
        s->largest = fmax(s->largest, error);
    }
    ++s->frames;
}

/* A state of its own for each frame: no list and no graph of the timed part is in the way. */
static mds_status compare_frame(mds_trial *trial, mds_model *teacher, int k, double *f, sums *s)
{
    const size_t count = 3 * (size_t)trial->start.n;
    mds_structure frame = trial->start;
    mds_state state = {0};
    mds_status status;

    frame.x = trial->frames.x + count * (size_t)k;
    frame.v = NULL;
    frame.box = trial->frames.box[k];
    MDS_TRY(mds_state_init(&state, trial->device, &frame));
    MDS_TRY(forces_of(trial->model, &state, f));
    MDS_TRY(forces_of(teacher, &state, f + count));
    add_frame(f, f + count, frame.n, s);
out:
    mds_state_fini(&state);
    return status;
}

static mds_status compare(mds_trial *trial, sums *s)
{
    const int count = trial->frames.frames.count;
    const int stride = (count + FRAMES_MAX - 1) / FRAMES_MAX;
    double *f = malloc((6 * (size_t)trial->start.n + 1) * sizeof *f);
    mds_model *teacher = NULL;
    mds_model_spec spec;
    mds_status status;

    if (!f) {
        status = mds_fail(MDS_ERR_NOMEM, "no memory for the forces of two models");
        goto out;
    }
    MDS_TRY(teacher_spec(trial, &spec));
    MDS_TRY(mds_model_create(&spec, trial->device, &teacher));
    mds_model_set_regions(trial->model, NULL);
    for (int k = 0; k < count; k += stride) {
        mds_samples_beat(trial->samples, MDS_PHASE_COMPONENTS);
        MDS_TRY(compare_frame(trial, teacher, k, f, s));
    }
out:
    mds_model_destroy(teacher);
    free(f);
    return status;
}

void mds_trial_compare(mds_trial *trial)
{
    mds_force_error *out = &trial->samples->header->force_error;
    const char *name = trial->study->teacher;
    sums s = {0};

    if (!*name || strcmp(name, "none") == 0 ||
        strcmp(trial->study->models[trial->point->model].name, name) == 0 ||
        trial->frames.frames.count == 0 || mds_model_is_synthetic(&trial->spec))
        return;
    const mds_status status = compare(trial, &s);
    if (status != MDS_OK || !isfinite(s.error)) {
        if (status != MDS_OK && status != MDS_ERR_UNSUPPORTED)
            mds_log(MDS_LOG_WARN, "forces are not compared with '%s': %s", name, mds_error());
        mds_error_clear();
        return;
    }
    snprintf(out->teacher, sizeof out->teacher, "%s", name);
    out->frames = s.frames;
    out->rmse_eV_A = sqrt(s.error / (3.0 * trial->start.n * s.frames));
    out->relative = s.teacher > 0.0 ? sqrt(s.error / s.teacher) : NAN;
    out->largest_eV_A = sqrt(s.largest);
}
