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

/* Forces at frame k. The model was made ready for this state, at the start of the case: what it
 * knows of that start (springs, molecules) holds for every frame. */
static mds_status forces_of(const mds_trial *trial, mds_model *model, mds_state *state, int k,
                            double *out)
{
    const size_t count = 3 * (size_t)state->n, bytes = count * sizeof(double);
    mds_scalars scalars;
    mds_status status;

    state->box = trial->frames.box[k];
    MDS_TRY(mds_state_push_block(state));
    MDS_TRY(mds_device_copy(state->device, state->x, trial->frames.x + count * (size_t)k, bytes,
                            MDS_COPY_TO_DEVICE));
    MDS_TRY(mds_model_compute(model, state, 0u));
    MDS_TRY(mds_state_fetch_scalars(state, &scalars));
    MDS_TRY(mds_scalars_check_fault(&scalars));
    MDS_TRY(mds_device_copy(state->device, out, state->f, bytes, MDS_COPY_TO_HOST));
    status = mds_device_sync(state->device);
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

static mds_status compare(mds_trial *trial, sums *s)
{
    const int count = trial->frames.frames.count, n = trial->start.n;
    const int stride = (count + FRAMES_MAX - 1) / FRAMES_MAX;
    double *f = malloc((6 * (size_t)n + 1) * sizeof *f);
    mds_model *teacher = NULL;
    mds_state state = {0}; /* the teacher's; the model keeps the one it ran with */
    mds_model_spec spec;
    mds_status status;

    if (!f) {
        status = mds_fail(MDS_ERR_NOMEM, "no memory for the forces of two models");
        goto out;
    }
    MDS_TRY(teacher_spec(trial, &spec));
    MDS_TRY(mds_state_init(&state, trial->device, &trial->start));
    MDS_TRY(mds_model_create(&spec, trial->device, &teacher));
    MDS_TRY(mds_model_prepare(teacher, &state));
    mds_model_set_regions(trial->model, NULL);
    for (int k = 0; k < count; k += stride) {
        mds_samples_beat(trial->samples, MDS_PHASE_COMPONENTS);
        MDS_TRY(forces_of(trial, trial->model, &trial->state, k, f));
        MDS_TRY(forces_of(trial, teacher, &state, k, f + 3 * (size_t)n));
        add_frame(f, f + 3 * (size_t)n, n, s);
    }
out:
    mds_model_destroy(teacher);
    mds_state_fini(&state);
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
