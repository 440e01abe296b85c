/* What every engine owes, whatever its formula: forces and stress are derivatives of the energy,
 * the energy knows no origin, direction, numbering or choice of images, is additive, and comes out
 * the same bit for bit each time; memory is given back. Run for every listed engine on every device
 * it claims, with every sample it supports, so that a new engine is tested by being listed. */
#include "model_samples.h"

#include "model/model.h"

/* One engine on one device with one sample. */
typedef struct subject {
    const mds_engine *engine;
    const char *device_name;
    mds_device *device;
    mds_model *model;
    model_sample sample;
} subject;

typedef struct result {
    int n;
    double energy, virial[3][3];
    double *f; /* (n,3) heap */
} result;

/* What kernels found wrong; nothing where there are none. */
static int fault_of(const mds_state *state)
{
    mds_step_block block = {0};

    if (state->d) {
        CHECK_OK(mds_device_copy(state->device, &block, state->d, sizeof block, MDS_COPY_TO_HOST));
        CHECK_OK(mds_device_sync(state->device));
    }
    return block.fault;
}

/* Prepared with the base, evaluated at the hot positions. `want` as for compute. */
static result evaluate(subject *s, const model_sample *sample, unsigned want)
{
    mds_state state = {0};
    result out = {.n = sample->hot.n};

    CHECK_OK(mds_state_init(&state, s->device, &sample->base));
    CHECK_OK(mds_model_prepare(s->model, &state));
    CHECK_OK(mds_device_copy(s->device, state.x, sample->hot.x, (size_t)out.n * 3 * sizeof(double),
                             MDS_COPY_TO_DEVICE));
    state.box = sample->hot.box;
    CHECK_OK(mds_state_push_block(&state));
    CHECK_OK(mds_model_compute(s->model, &state, want));
    CHECK_OK(mds_device_sync(s->device));
    mds_scalars scalars;
    CHECK_OK(mds_state_fetch_scalars(&state, &scalars));
    assert_int_equal(fault_of(&state), MDS_FAULT_NONE);
    out.energy = scalars.potential_eV;
    memcpy(out.virial, scalars.virial_eV, sizeof out.virial);
    out.f = malloc((size_t)out.n * 3 * sizeof *out.f);
    CHECK_OK(mds_device_copy(s->device, out.f, state.f, (size_t)out.n * 3 * sizeof(double),
                             MDS_COPY_TO_HOST));
    mds_state_fini(&state);
    return out;
}

static double energy_of(subject *s, const model_sample *sample)
{
    const result r = evaluate(s, sample, 0);

    free(r.f);
    return r.energy;
}

/* Central differences with step h: truncation h²/6 E''' ≈ 1e-9, rounding 1e-13/h ≈ 5e-9, and where
 * a second derivative jumps (Finnis-Sinclair) h × jump at worst if a pair sits there. */
static const double difference_step = 2e-5;
static const double difference_tolerance = 1e-6;
/* Two float64 sums over the same terms in another order. */
static const double same = 1e-10;

static void forces_are_derivatives(subject *s)
{
    const result r = evaluate(s, &s->sample, MDS_WANT_VIRIAL);
    double *x = s->sample.hot.x;

    for (int k = 0; k < 3 * r.n; ++k) {
        const double x0 = x[k];

        x[k] = x0 + difference_step;
        const double up = energy_of(s, &s->sample);
        x[k] = x0 - difference_step;
        const double down = energy_of(s, &s->sample);
        x[k] = x0;
        CHECK_NEAR(r.f[k], (down - up) / (2.0 * difference_step), difference_tolerance,
                   difference_tolerance);
    }
    free(r.f);
}

/* x → x (1 + ε) with ε_ab = e for atoms and cell. */
static void strain(mds_structure *structure, int a, int b, double e)
{
    double h[3][3];

    for (int i = 0; i < structure->n; ++i)
        structure->x[3 * i + b] += e * structure->x[3 * i + a];
    memcpy(h, structure->box.h, sizeof h);
    for (int i = 0; i < 3; ++i)
        h[i][b] += e * h[i][a];
    CHECK_OK(mds_box_set(&structure->box, (const double(*)[3])h, structure->box.periodic));
}

static double strained_energy(subject *s, int a, int b, double e)
{
    model_sample sample;

    sample_copy(&sample, &s->sample);
    strain(&sample.hot, a, b, e);
    const double energy = energy_of(s, &sample);
    sample_fini(&sample);
    return energy;
}

static void virial_is_the_derivative_by_strain(subject *s)
{
    const double e = difference_step;

    if (!(s->engine->caps & MDS_CAP_STRESS))
        return;
    const result r = evaluate(s, &s->sample, MDS_WANT_VIRIAL);
    for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b) {
            const double up = strained_energy(s, a, b, e), down = strained_energy(s, a, b, -e);

            CHECK_NEAR(r.virial[a][b], (down - up) / (2.0 * e), difference_tolerance,
                       5.0 * difference_tolerance);
            CHECK_NEAR(r.virial[a][b], r.virial[b][a], 0.0, same);
        }
    free(r.f);
}

static void check_same_energy(const result *r, double energy)
{
    CHECK_NEAR(r->energy, energy, same, same);
}

static void translation_changes_nothing(subject *s)
{
    const double by[3] = {1.234, -7.7, 0.31};
    const result r = evaluate(s, &s->sample, MDS_WANT_VIRIAL);
    model_sample moved;

    sample_copy(&moved, &s->sample);
    for (int k = 0; k < 3 * r.n; ++k) {
        moved.base.x[k] += by[k % 3];
        moved.hot.x[k] += by[k % 3];
    }
    const result m = evaluate(s, &moved, MDS_WANT_VIRIAL);
    check_same_energy(&m, r.energy);
    for (int k = 0; k < 3 * r.n; ++k)
        CHECK_NEAR(m.f[k], r.f[k], same, same);
    if (s->engine != mds_engine_find("harmonic"))
        for (int a = 0; a < 3; ++a) {
            double total = 0.0;

            for (int i = 0; i < r.n; ++i)
                total += r.f[3 * i + a];
            CHECK_NEAR(total, 0.0, 0.0, same);
        }
    free(m.f);
    free(r.f);
    sample_fini(&moved);
}

static void turn(mds_structure *structure, const double q[3][3])
{
    double h[3][3] = {{0}};

    for (int i = 0; i < structure->n; ++i) {
        const double x[3] = {structure->x[3 * i], structure->x[3 * i + 1], structure->x[3 * i + 2]};

        for (int b = 0; b < 3; ++b)
            structure->x[3 * i + b] = x[0] * q[0][b] + x[1] * q[1][b] + x[2] * q[2][b];
    }
    for (int i = 0; i < 3; ++i)
        for (int b = 0; b < 3; ++b)
            for (int a = 0; a < 3; ++a)
                h[i][b] += structure->box.h[i][a] * q[a][b];
    CHECK_OK(mds_box_set(&structure->box, (const double(*)[3])h, structure->box.periodic));
}

/* q = rotation by 0.7 about x after one by −1.1 about z. */
static void rotation_turns_forces_and_virial(subject *s)
{
    const double c = cos(0.7), d = sin(0.7), e = cos(-1.1), f = sin(-1.1);
    const double q[3][3] = {{e, f * c, f * d}, {-f, e * c, e * d}, {0.0, -d, c}};
    const result r = evaluate(s, &s->sample, MDS_WANT_VIRIAL);
    model_sample turned;

    sample_copy(&turned, &s->sample);
    turn(&turned.base, q);
    turn(&turned.hot, q);
    const result t = evaluate(s, &turned, MDS_WANT_VIRIAL);
    check_same_energy(&t, r.energy);
    for (int i = 0; i < r.n; ++i)
        for (int b = 0; b < 3; ++b)
            CHECK_NEAR(t.f[3 * i + b],
                       r.f[3 * i] * q[0][b] + r.f[3 * i + 1] * q[1][b] + r.f[3 * i + 2] * q[2][b],
                       same, same);
    for (int k = 0; s->engine->caps & MDS_CAP_STRESS && k < 9; ++k) {
        double want = 0.0;

        for (int a = 0; a < 9; ++a)
            want += q[a / 3][k / 3] * r.virial[a / 3][a % 3] * q[a % 3][k % 3];
        CHECK_NEAR(t.virial[k / 3][k % 3], want, same, same);
    }
    free(t.f);
    free(r.f);
    sample_fini(&turned);
}

static void reverse(mds_structure *structure, int unit)
{
    mds_structure old;
    const int units = structure->n / unit;

    CHECK_OK(mds_structure_copy(&old, structure));
    for (int i = 0; i < structure->n; ++i) {
        const int from = (units - 1 - i / unit) * unit + i % unit;

        memcpy(structure->x + 3 * i, old.x + 3 * from, 3 * sizeof(double));
        structure->type[i] = old.type[from];
        structure->mass[i] = old.mass[from];
    }
    mds_structure_fini(&old);
}

static void numbering_does_not_matter(subject *s)
{
    const int unit = s->sample.unit;
    const result r = evaluate(s, &s->sample, MDS_WANT_VIRIAL);
    model_sample other;

    sample_copy(&other, &s->sample);
    reverse(&other.base, unit);
    reverse(&other.hot, unit);
    const result p = evaluate(s, &other, MDS_WANT_VIRIAL);
    check_same_energy(&p, r.energy);
    for (int i = 0; i < r.n; ++i) {
        const int from = (r.n / unit - 1 - i / unit) * unit + i % unit;

        for (int a = 0; a < 3; ++a)
            CHECK_NEAR(p.f[3 * i + a], r.f[3 * from + a], same, same);
    }
    free(p.f);
    free(r.f);
    sample_fini(&other);
}

static void energy_is_additive(subject *s)
{
    static const int repeats[3][3] = {{2, 1, 1}, {1, 2, 1}, {2, 1, 3}};
    const result r = evaluate(s, &s->sample, MDS_WANT_VIRIAL);

    for (int k = 0; k < 3; ++k) {
        const int *by = repeats[k], copies = by[0] * by[1] * by[2];
        model_sample big = s->sample;

        CHECK_OK(mds_structure_repeat(&big.base, &s->sample.base, by[0], by[1], by[2]));
        CHECK_OK(mds_structure_repeat(&big.hot, &s->sample.hot, by[0], by[1], by[2]));
        const result b = evaluate(s, &big, MDS_WANT_VIRIAL);
        check_same_energy(&b, copies * r.energy);
        for (int i = 0; i < 3 * b.n; ++i)
            CHECK_NEAR(b.f[i], r.f[i % (3 * r.n)], same, same);
        for (int a = 0; s->engine->caps & MDS_CAP_STRESS && a < 9; ++a)
            CHECK_NEAR(b.virial[a / 3][a % 3], copies * r.virial[a / 3][a % 3], same, same);
        free(b.f);
        sample_fini(&big);
    }
    free(r.f);
}

static void images_are_interchangeable(subject *s)
{
    const result r = evaluate(s, &s->sample, MDS_WANT_VIRIAL);
    model_sample other;

    sample_copy(&other, &s->sample);
    for (int i = 0; i < r.n; ++i)
        for (int a = 0; a < 3; ++a)
            for (int b = 0; b < 3; ++b) {
                const double by = (i * 7 + a * 3) % 5 - 2;

                other.base.x[3 * i + b] += by * other.base.box.h[a][b];
                other.hot.x[3 * i + b] += by * other.hot.box.h[a][b];
            }
    const result w = evaluate(s, &other, MDS_WANT_VIRIAL);
    check_same_energy(&w, r.energy);
    for (int k = 0; k < 3 * r.n; ++k)
        CHECK_NEAR(w.f[k], r.f[k], same, same);
    for (int a = 0; s->engine->caps & MDS_CAP_STRESS && a < 9; ++a)
        CHECK_NEAR(w.virial[a / 3][a % 3], r.virial[a / 3][a % 3], same, same);
    free(w.f);
    free(r.f);
    sample_fini(&other);
}

/* The same bits again, also from a fresh model and after the model has seen another size; and the
 * virial is NaN unless it was asked for. */
static void results_repeat(subject *s)
{
    const result r = evaluate(s, &s->sample, MDS_WANT_VIRIAL);
    model_sample big = s->sample;

    CHECK_OK(mds_structure_repeat(&big.base, &s->sample.base, 1, 2, 2));
    CHECK_OK(mds_structure_repeat(&big.hot, &s->sample.hot, 1, 2, 2));
    free(evaluate(s, &big, 0).f);
    sample_fini(&big);
    for (int pass = 0; pass < 2; ++pass) {
        const result again = evaluate(s, &s->sample, MDS_WANT_VIRIAL);

        assert_memory_equal(&again.energy, &r.energy, sizeof r.energy);
        assert_memory_equal(again.f, r.f, (size_t)r.n * 3 * sizeof *r.f);
        assert_memory_equal(again.virial, r.virial, sizeof r.virial);
        free(again.f);
        const mds_model_spec spec = s->model->spec;
        mds_model_destroy(s->model);
        CHECK_OK(mds_model_create(&spec, s->device, &s->model));
    }
    const result without = evaluate(s, &s->sample, 0);
    check_same_energy(&without, r.energy);
    for (int k = 0; k < 3 * r.n; ++k)
        CHECK_NEAR(without.f[k], r.f[k], same, same);
    for (int k = 0; k < 9; ++k)
        assert_true(isnan(without.virial[k / 3][k % 3]));
    free(without.f);
    free(r.f);
}

/* A cluster without periodicity is the same cluster alone in a huge periodic cell. */
static void clusters_work(subject *s)
{
    const double edge = 200.0, huge[3][3] = {{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}};
    const double none[3][3] = {{0}};
    const bool yes[3] = {true, true, true}, no[3] = {false, false, false};
    model_sample open, boxed;

    if (!(s->engine->caps & MDS_CAP_NONPERIODIC))
        return;
    sample_copy(&open, &s->sample);
    sample_copy(&boxed, &s->sample);
    CHECK_OK(mds_box_set(&open.base.box, none, no));
    CHECK_OK(mds_box_set(&boxed.base.box, huge, yes));
    open.hot.box = open.base.box;
    boxed.hot.box = boxed.base.box;
    const result a = evaluate(s, &open, 0), b = evaluate(s, &boxed, 0);
    check_same_energy(&a, b.energy);
    for (int k = 0; k < 3 * a.n; ++k)
        CHECK_NEAR(a.f[k], b.f[k], same, same);
    free(a.f);
    free(b.f);
    sample_fini(&open);
    sample_fini(&boxed);
}

/* A step later the list is old and the result is the one of a fresh list. */
static void results_do_not_depend_on_the_age_of_the_list(subject *s)
{
    const int n = s->sample.hot.n;
    mds_state state = {0};
    model_sample sample;

    sample_copy(&sample, &s->sample);
    CHECK_OK(mds_state_init(&state, s->device, &sample.base));
    CHECK_OK(mds_model_prepare(s->model, &state));
    for (int step = 0; step < 12; ++step) {
        mds_scalars scalars;

        CHECK_OK(mds_device_copy(s->device, state.x, sample.hot.x, (size_t)n * 3 * sizeof(double),
                                 MDS_COPY_TO_DEVICE));
        CHECK_OK(mds_model_compute(s->model, &state, MDS_WANT_VIRIAL));
        CHECK_OK(mds_state_fetch_scalars(&state, &scalars));
        subject fresh = *s;
        CHECK_OK(mds_model_create(&s->model->spec, s->device, &fresh.model));
        CHECK_NEAR(scalars.potential_eV, energy_of(&fresh, &sample), same, same);
        mds_model_destroy(fresh.model);
        sample_rattle(&sample.hot, 0.03, 10 + (uint64_t)step);
    }
    mds_state_fini(&state);
    sample_fini(&sample);
}

static void misuse_is_refused(subject *s)
{
    mds_state state = {0};
    mds_model_spec spec = s->model->spec;
    mds_model *fresh;

    CHECK_OK(mds_state_init(&state, s->device, &s->sample.base));
    CHECK_OK(mds_model_create(&spec, s->device, &fresh));
    CHECK_FAILS(mds_model_compute(fresh, &state, 0), MDS_ERR_INTERNAL, "not prepared");
    mds_model_destroy(fresh);
    CHECK_OK(mds_model_prepare(s->model, &state));
    --state.n;
    CHECK_FAILS(mds_model_compute(s->model, &state, 0), MDS_ERR_INTERNAL, "not prepared");
    ++state.n;
    if (s->engine != mds_engine_find("null")) {
        const double bad = NAN;

        CHECK_OK(mds_device_copy(s->device, state.x + 4, &bad, sizeof bad, MDS_COPY_TO_DEVICE));
        /* Where the host has no access it learns of that late, unless it waits anyhow. */
        if (mds_device_host_access(s->device))
            CHECK_FAILS(mds_model_compute(s->model, &state, 0), MDS_ERR_NUMERIC, "");
        else if (mds_model_compute(s->model, &state, 0) == MDS_OK)
            assert_int_not_equal(fault_of(&state), MDS_FAULT_NONE);
    }
    mds_state_fini(&state);
    for (int p = MDS_PRECISION_FP64; p < MDS_PRECISION_COUNT; ++p)
        if (!(s->engine->precisions & 1u << p)) {
            spec.precision = (mds_precision)p;
            CHECK_FAILS(mds_model_create(&spec, s->device, &fresh), MDS_ERR_UNSUPPORTED,
                        "precision");
            assert_null(fresh);
        }
}

/* What holds for every network too, also one whose forces are no derivatives of its energy and who
 * knows directions: that of a graph network at a depth of one layer. */
static void (*const network_properties[])(subject *) = {
    numbering_does_not_matter,
    images_are_interchangeable,
    results_repeat,
    misuse_is_refused,
};

static void (*const properties[])(subject *) = {
    forces_are_derivatives,
    virial_is_the_derivative_by_strain,
    translation_changes_nothing,
    rotation_turns_forces_and_virial,
    numbering_does_not_matter,
    energy_is_additive,
    images_are_interchangeable,
    results_repeat,
    clusters_work,
    results_do_not_depend_on_the_age_of_the_list,
    misuse_is_refused,
};

/* The spec of `name`, an engine's or "student", for a sample; false when there is none. */
static bool make_spec(const char *name, const mds_model_target *target, mds_model_spec *spec)
{
    const mds_engine *engine = mds_engine_find(name);

    if (engine)
        CHECK_OK(mds_model_spec_init(spec, name, name, MDS_PRECISION_AUTO));
    else if (mds_model_resolve(name, target, MDS_PRECISION_AUTO, spec) != MDS_OK)
        return false;
    /* What is to be seen is the formula, not the rounding of a network in float32; and of a network
     * whose weights are not here, made-up weights show as much. */
    if (spec->engine->precisions & 1u << MDS_PRECISION_FP64)
        spec->precision = MDS_PRECISION_FP64;
    return true;
}

/* Weights that need no file, and as few layers as there can be. */
static bool make_shallow(mds_model_spec *spec)
{
    if (!mds_options_find(&spec->options, "synthetic") ||
        !mds_options_find(&spec->options, "layers"))
        return false;
    CHECK_OK(mds_options_set_number(&spec->options, "synthetic", 1));
    CHECK_OK(mds_options_set_number(&spec->options, "layers", 1));
    return true;
}

static void check_all(subject *s, void (*const *list)(subject *), size_t count)
{
    for (size_t k = 0; k < count; ++k)
        list[k](s);
}

/* All properties for one engine, device and sample; false when the engine does not do it. */
static bool check_sample(const char *name, const char *device_name, int which)
{
    subject s = {.device_name = device_name};
    mds_model_spec spec;
    mds_device_memory before, after;

    CHECK_OK(mds_device_open(device_name, &s.device));
    sample_init(&s.sample, which);
    const mds_model_target target = {
        .species = s.sample.base.species, .n_atoms = s.sample.base.n, .periodic = true};
    const bool has = make_spec(name, &target, &spec);
    const bool shallow = has && which == SAMPLE_WATER && make_shallow(&spec);
    if (has && mds_engine_find(name) && !shallow &&
        mds_model_supports(&spec, &target, false, mds_device_get_kind(s.device)) != MDS_OK)
        spec.seed = 1;
    const bool does =
        has && mds_model_supports(&spec, &target, false, mds_device_get_kind(s.device)) == MDS_OK;
    if (does) {
        s.engine = spec.engine;
        printf("%s on %s: %s\n", name, device_name, s.sample.name);
        mds_device_get_memory(s.device, &before);
        CHECK_OK(mds_model_create(&spec, s.device, &s.model));
        if (shallow)
            check_all(&s, network_properties,
                      sizeof network_properties / sizeof *network_properties);
        else
            check_all(&s, properties, sizeof properties / sizeof *properties);
        assert_true(mds_model_cost_s(&spec, &target, MDS_DEVICE_CPU) > 0.0);
        assert_true(mds_model_memory_bytes(&spec, &target) >= 0.0);
        mds_model_destroy(s.model);
        mds_device_get_memory(s.device, &after);
        assert_int_equal(after.used, before.used);
        CHECK_OK(mds_device_sync(s.device));
    } else {
        printf("%s on %s: not %s (%s)\n", name, device_name, s.sample.name, mds_error());
    }
    sample_fini(&s.sample);
    mds_device_close(s.device);
    return does;
}

static bool has_cuda(void)
{
    mds_device *device;
    const bool has = mds_device_open("cuda:0", &device) == MDS_OK;

    mds_device_close(device);
    return has;
}

static void engine_keeps_its_word(void **state)
{
    const mds_engine *engine = *state;
    int done = 0;

    for (int which = 0; which < SAMPLES; ++which) {
        done += check_sample(engine->name, "cpu", which);
        if (engine->on_sim)
            done += check_sample(engine->name, "sim", which);
        if (engine->compute_cuda && has_cuda())
            done += check_sample(engine->name, "cuda:0", which);
    }
    if (done == 0)
        skip();
}

/* The networks that are shipped, each with its material, and with no other. */
static void students_keep_their_word(void **state)
{
    const bool cuda = has_cuda();

    (void)state;
    for (int which = 0; which < SAMPLES; ++which) {
        assert_int_equal(check_sample("student", "cpu", which), which != SAMPLE_ARGON);
        if (cuda)
            assert_int_equal(check_sample("student", "cuda:0", which), which != SAMPLE_ARGON);
    }
}

int main(void)
{
    struct CMUnitTest tests[64];
    int count = 0;

    for (int i = 0; i < mds_engine_count() && count < 63; ++i)
        if (!mds_engine_get(i)->hidden)
            tests[count++] = (struct CMUnitTest){.name = mds_engine_get(i)->name,
                                                 .test_func = engine_keeps_its_word,
                                                 .initial_state = (void *)mds_engine_get(i)};
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(students_keep_their_word);
    return _cmocka_run_group_tests("engines", tests, (size_t)count, NULL, NULL);
}
