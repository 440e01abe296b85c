/* The comparison that ends a replayed case. With forces that are a multiple of the teacher's the
 * answer is known: F = c F_teacher has the relative error |c - 1|. */
#include "case/record.h"
#include "study_fixture.h"

/* Stillinger-Weber with another scale of energy; frames of the reference, which is the same model
 * with the published one. */
static void run_scaled(fixture *f, double factor, const char *teacher, const char *device)
{
    fixture_init(f, "silicon", 64, "replay", "scaled");
    CHECK_OK(mds_options_set_number(&f->protocol.options, "frame_count", 5));
    snprintf(f->model.engine, sizeof f->model.engine, "sw");
    snprintf(f->model.set[0].key, sizeof f->model.set[0].key, "epsilon_eV");
    f->model.set[0].number = 2.1683 * factor;
    f->model.set_count = 1;
    snprintf(f->study.teacher, sizeof f->study.teacher, "%s", teacher);
    CHECK_OK(fixture_run(f, device));
}

static void summarize(const fixture *f, mds_record *out)
{
    CHECK_OK(mds_record_summarize(&f->study, &f->point, &f->samples, out));
}

static void a_known_error_is_found(void **state)
{
    mds_record ten, twenty;
    fixture f;

    (void)state;
    run_scaled(&f, 1.1, "reference", "cpu");
    assert_string_equal(f.samples.header->force_error.teacher, "reference");
    assert_int_equal(f.samples.header->force_error.frames, 5);
    summarize(&f, &ten);
    /* Rounding of sums of some 1e2 terms. */
    CHECK_NEAR(ten.value[MDS_METRIC_FORCE_ERROR], 0.1, 1e-11, 0.0);
    /* Silicon at 300 K: forces of the order of 1 eV/Å, none of them ten times the usual. */
    assert_true(ten.value[MDS_METRIC_FORCE_RMSE] > 0.01 && ten.value[MDS_METRIC_FORCE_RMSE] < 0.5);
    assert_true(ten.value[MDS_METRIC_FORCE_ERROR_MAX] > ten.value[MDS_METRIC_FORCE_RMSE]);
    assert_true(ten.value[MDS_METRIC_FORCE_ERROR_MAX] < 10 * ten.value[MDS_METRIC_FORCE_RMSE]);
    fixture_fini(&f);

    run_scaled(&f, 1.2, "reference", "sim");
    summarize(&f, &twenty);
    CHECK_NEAR(twenty.value[MDS_METRIC_FORCE_RMSE], 2 * ten.value[MDS_METRIC_FORCE_RMSE], 1e-11, 0);
    CHECK_NEAR(twenty.value[MDS_METRIC_FORCE_ERROR_MAX], 2 * ten.value[MDS_METRIC_FORCE_ERROR_MAX],
               1e-11, 0);
    fixture_fini(&f);
}

/* The timed part is as without a comparison: the same rows, the same energies. */
static void the_samples_stay_as_they_were(void **state)
{
    fixture with, without;

    (void)state;
    run_scaled(&with, 1.1, "reference", "cpu");
    run_scaled(&without, 1.1, "", "cpu");
    for (int pool = 0; pool < MDS_POOL_TELEMETRY; ++pool)
        assert_int_equal(mds_samples_rows(&with.samples, (mds_pool)pool),
                         mds_samples_rows(&without.samples, (mds_pool)pool));
    const mds_cell *a = fixture_column(&with, MDS_POOL_STEPS, "energy_potential_eV");
    const mds_cell *b = fixture_column(&without, MDS_POOL_STEPS, "energy_potential_eV");
    for (int i = 0; i < 40; ++i)
        assert_true(a[i].f8 == b[i].f8);
    fixture_fini(&with);
    fixture_fini(&without);
}

static void check_none(const fixture *f)
{
    mds_record record;

    assert_int_equal(f->samples.header->status, MDS_OK);
    assert_string_equal(f->samples.header->force_error.teacher, "");
    summarize(f, &record);
    assert_true(isnan(record.value[MDS_METRIC_FORCE_RMSE]));
    assert_true(isnan(record.value[MDS_METRIC_FORCE_ERROR]));
    assert_true(isnan(record.value[MDS_METRIC_FORCE_ERROR_MAX]));
}

static void where_there_is_none_the_case_is_whole(void **state)
{
    static const char *const teachers[] = {
        "",            /* not said */
        "none",        /* asked for none */
        "scaled",      /* the model itself */
        "spcfw",       /* cannot do silicon */
        "no-such-name" /* config/ refuses it before */
    };
    fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof teachers / sizeof teachers[0]; ++i) {
        run_scaled(&f, 1.1, teachers[i], "cpu");
        check_none(&f);
        fixture_fini(&f);
    }
    /* Dynamics visits other places with every model: nothing to compare. */
    fixture_init(&f, "silicon", 64, "nve", "sw");
    snprintf(f.study.teacher, sizeof f.study.teacher, "reference");
    CHECK_OK(fixture_run(&f, "cpu"));
    check_none(&f);
    fixture_fini(&f);
}

/* A teacher of the sweep has the options that the sweep gave it. */
static void the_teacher_may_be_a_model_of_the_sweep(void **state)
{
    mds_study_model models[2] = {0};
    mds_record record;
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 64, "replay", "reference");
    CHECK_OK(mds_options_set_number(&f.protocol.options, "frame_count", 2));
    models[0] = f.model;
    snprintf(models[1].name, sizeof models[1].name, "double");
    snprintf(models[1].engine, sizeof models[1].engine, "sw");
    snprintf(models[1].set[0].key, sizeof models[1].set[0].key, "epsilon_eV");
    models[1].set[0].number = 2 * 2.1683;
    models[1].set_count = 1;
    f.study.models = models;
    f.study.model_count = 2;
    snprintf(f.study.teacher, sizeof f.study.teacher, "double");
    CHECK_OK(fixture_run(&f, "cpu"));
    summarize(&f, &record);
    CHECK_NEAR(record.value[MDS_METRIC_FORCE_ERROR], 0.5, 1e-11, 0.0);
    fixture_fini(&f);
}

/* Springs are tied to the start of the case. If a model were made ready anew for every frame, they
 * would be tied to that, and nothing would ever pull. */
static void models_keep_what_they_know_of_the_start(void **state)
{
    mds_record record;
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 64, "replay", "stiff");
    CHECK_OK(mds_options_set_number(&f.protocol.options, "frame_count", 5));
    snprintf(f.model.engine, sizeof f.model.engine, "harmonic");
    snprintf(f.model.set[0].key, sizeof f.model.set[0].key, "k_eV_A2");
    f.model.set[0].number = 5.5;
    f.model.set_count = 1;
    snprintf(f.study.teacher, sizeof f.study.teacher, "harmonic"); /* 5 eV/Å² */
    CHECK_OK(fixture_run(&f, "cpu"));
    summarize(&f, &record);
    CHECK_NEAR(record.value[MDS_METRIC_FORCE_ERROR], 0.1, 1e-11, 0.0);
    assert_true(record.value[MDS_METRIC_FORCE_RMSE] > 1e-4);
    fixture_fini(&f);
}

/* More frames than are compared: spread over all of them. */
static void many_frames_are_thinned(void **state)
{
    fixture f;

    (void)state;
    fixture_init(&f, "silicon", 8, "replay", "sw");
    CHECK_OK(mds_options_set_number(&f.protocol.options, "frame_count", 150));
    CHECK_OK(mds_options_set_number(&f.protocol.options, "frame_every", 1));
    snprintf(f.study.teacher, sizeof f.study.teacher, "reference");
    CHECK_OK(fixture_run(&f, "cpu"));
    assert_int_equal(f.samples.header->force_error.frames, 50); /* every third */
    assert_true(f.samples.header->force_error.rmse_eV_A < 1e-12);
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_error_is_found),
        cmocka_unit_test(the_samples_stay_as_they_were),
        cmocka_unit_test(where_there_is_none_the_case_is_whole),
        cmocka_unit_test(the_teacher_may_be_a_model_of_the_sweep),
        cmocka_unit_test(models_keep_what_they_know_of_the_start),
        cmocka_unit_test(many_frames_are_thinned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
