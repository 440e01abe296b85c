/* ANI networks on CUDA against the CPU: descriptors number by number, energies, forces, virials, in
 * every precision, for one member and the mean of all; recorded and launched again. The model is
 * the small one of the CPU's tests (odd widths and shifts, so that everything padded is there), the
 * shape of ANI-2x with made-up weights, and the published weights where they are. On a GPU, or on
 * the shim. */
#include "gpu_engines.h"
#include "unit/model/ani_fixture.h"

#include "model/ani/ani.h"

static mds_device *cpu, *cuda;
static char folder[FIXTURE_FOLDER];

enum { SYNTHETIC = 1 };

/* What is computed, and how well the two must agree. Float64: sums of a few thousand numbers in
 * another order. Float32: networks round each product to 6e-8, and forces are sums of terms a
 * hundred times larger than they are where atoms crowd. */
typedef struct choice {
    const char *weights; /* NULL: made up, of ANI-2x */
    mds_precision precision;
    int member;
    double skin; /* 0: as it is */
} choice;

static double tolerance_of(const choice *c)
{
    return c->precision == MDS_PRECISION_FP64 ? 1e-11 : 5e-6;
}

static mds_model_spec spec_of(const choice *c, mds_precision precision)
{
    mds_model_spec spec;

    CHECK_OK(mds_model_spec_init(&spec, "ani", "ani", precision));
    CHECK_OK(mds_options_set_number(&spec.options, "member", c->member));
    if (c->skin > 0.0)
        CHECK_OK(mds_options_set_number(&spec.options, "skin_A", c->skin));
    if (c->weights)
        CHECK_OK(mds_options_set_text(&spec.options, "weights", c->weights));
    else
        spec.seed = SYNTHETIC;
    return spec;
}

/* Prepared with `s`. The CPU always computes in float64: what it says is right. */
static void open_side(side *out, mds_device *device, const choice *c, const mds_structure *s)
{
    const mds_model_spec spec = spec_of(c, device == cpu ? MDS_PRECISION_FP64 : c->precision);

    memset(out, 0, sizeof *out);
    out->device = device;
    CHECK_OK(mds_state_init(&out->state, device, s));
    CHECK_OK(mds_model_create(&spec, device, &out->model));
    CHECK_OK(mds_model_prepare(out->model, &out->state));
}

/* ---- structures ---- */

/* Atoms at random places, none nearer than 0.8 Å to another or its images, in a skewed cell of
 * edge about `edge`. */
static mds_structure scatter(double edge, const int *z, int kinds, int n, bool periodic)
{
    const double h[3][3] = {
        {edge, 0.1, 0.0}, {0.3 * edge, 0.9 * edge, 0.2}, {-0.2, 0.25 * edge, 1.1 * edge}};
    const double none[3][3] = {{0}};
    const bool p[3] = {periodic, periodic, periodic}, yes[3] = {true, true, true};
    mds_structure s = {0};
    uint64_t draw = 0;

    CHECK_OK(mds_structure_init(&s, n, false));
    CHECK_OK(mds_box_set(&s.box, h, yes));
    for (int i = 0; i < n; ++i) {
        double nearest;

        s.type[i] = mds_species_add(&s.species, z[i % kinds]);
        s.mass[i] = 1.0;
        do {
            double at[3], d[3];

            for (int a = 0; a < 3; ++a, ++draw)
                at[a] = 0.5 + 0.5 * sin(1e3 * mds_rng_normal(5, MDS_RNG_TEST, 0, draw, 0));
            mds_box_to_cartesian(&s.box, at, s.x + 3 * i);
            nearest = 9.0;
            for (int j = 0; j < i; ++j) {
                for (int a = 0; a < 3; ++a)
                    d[a] = s.x[3 * i + a] - s.x[3 * j + a];
                if (periodic)
                    mds_box_minimum_image(&s.box, d);
                nearest = fmin(nearest, sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]));
            }
        } while (nearest < 0.8);
    }
    if (!periodic)
        CHECK_OK(mds_box_set(&s.box, none, p));
    return s;
}

static const int mixture[] = {8, 1, 1, 6, 1, 8, 6, 6, 1, 8, 1};
static const int carbon[] = {6};

/* ---- comparisons ---- */

static double largest_force(const outcome *o)
{
    double largest = 1.0;

    for (int k = 0; k < 3 * o->n; ++k)
        largest = fmax(largest, fabs(o->f[k]));
    return largest;
}

static void check_close(const outcome *got, const outcome *want, double tolerance, bool virial)
{
    const double scale = tolerance * largest_force(want);

    assert_int_equal(got->d.fault, MDS_FAULT_NONE);
    CHECK_NEAR(got->s.n_edges, want->s.n_edges, 0.0, 0.0);
    CHECK_NEAR(got->s.potential_eV, want->s.potential_eV, 0.0, tolerance * want->n * 3.0);
    for (int k = 0; k < 3 * want->n; ++k)
        CHECK_NEAR(got->f[k], want->f[k], 0.0, scale);
    for (int k = 0; k < 9; ++k) {
        const double w = got->s.virial_eV[k / 3][k % 3];

        if (virial)
            CHECK_NEAR(w, want->s.virial_eV[k / 3][k % 3], 0.0, 4.0 * scale * sqrt(want->n));
        else
            assert_true(isnan(w));
    }
}

static void check_descriptors(const side *got, const side *want, int n, double tolerance)
{
    const int size = ani_descriptor_size(want->model);
    double *a = calloc((size_t)size, sizeof *a), *b = calloc((size_t)size, sizeof *b);

    assert_int_equal(ani_descriptor_size(got->model), size);
    for (int i = 0; i < n; ++i) {
        ani_descriptor_of(got->model, i, a);
        ani_descriptor_of(want->model, i, b);
        for (int k = 0; k < size; ++k)
            CHECK_NEAR(a[k], b[k], tolerance, tolerance);
    }
    free(a);
    free(b);
}

static void compare(const mds_structure *s, const choice *c)
{
    const double tolerance = tolerance_of(c);
    mds_structure hot;
    side a, b;

    CHECK_OK(mds_structure_copy(&hot, s));
    open_side(&a, cpu, c, s);
    open_side(&b, cuda, c, s);
    for (int step = 0; step < 2; ++step) { /* the second time with the list of the first */
        side_move(&a, &hot);
        side_move(&b, &hot);
        const outcome want = side_compute(&a, MDS_WANT_VIRIAL);
        const outcome got = side_compute(&b, MDS_WANT_VIRIAL);
        const outcome again = side_compute(&b, 0);

        check_descriptors(&b, &a, s->n, c->precision == MDS_PRECISION_FP64 ? 1e-12 : 5e-6);
        check_close(&got, &want, tolerance, true);
        check_close(&again, &want, tolerance, false);
        check_bits(&again, &got);
        free(want.f);
        free(got.f);
        free(again.f);
        shake(&hot, 0.02, 100);
    }
    side_close(&a);
    side_close(&b);
    mds_structure_fini(&hot);
}

static void compare_all(mds_structure s)
{
    for (int form = 0; form < 6; ++form) {
        static const mds_precision precisions[] = {MDS_PRECISION_FP64, MDS_PRECISION_FP32,
                                                   MDS_PRECISION_TF32X3};

        compare(&s, &(choice){folder, precisions[form / 2], form % 2 ? 1 : -1, 0.0});
    }
    mds_structure_fini(&s);
}

/* ---- tests ---- */

static void many_elements(void **state)
{
    static const int counts[] = {5, 11, 33, 65};

    (void)state;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; ++k)
        compare_all(scatter(2.7 * cbrt(counts[k]), mixture, 11, counts[k], true));
}

/* Hundreds of neighbours, most of them images: more than fit shared memory. */
static void among_own_images(void **state)
{
    (void)state;
    compare_all(scatter(2.6, mixture, 11, 2, true));
    compare_all(scatter(3.1, mixture, 11, 6, true));
}

static void molecules(void **state)
{
    (void)state;
    compare_all(scatter(4.5, mixture, 11, 11, false));
    compare_all(scatter(7.0, mixture, 11, 31, false));
}

/* One element out of three; a lone atom, which has no neighbours at all. */
static void one_element(void **state)
{
    (void)state;
    compare_all(scatter(8.5, carbon, 1, 40, true));
    compare_all(scatter(30.0, carbon, 1, 1, true));
    compare_all(scatter(4.0, carbon, 1, 1, false));
}

/* 128 columns, eight members. */
static void shape_of_ani_2x(void **state)
{
    static const matter water = {"water", "ani", {8, 1}, 3.1, NULL};
    static const choice choices[] = {{NULL, MDS_PRECISION_FP64, -1, 0.0},
                                     {NULL, MDS_PRECISION_FP32, -1, 0.0},
                                     {NULL, MDS_PRECISION_TF32X3, -1, 0.0},
                                     {NULL, MDS_PRECISION_FP32, 3, 0.0}};
    mds_structure s;

    (void)state;
    make_matter(&s, &water, 33);
    for (size_t k = 0; k < sizeof choices / sizeof *choices; ++k)
        compare(&s, &choices[k]);
    mds_structure_fini(&s);
}

/* Figures of the published weights: float32 as good as its own rounding allows, in eV per atom and
 * eV/Å (docs/models-ani.md), with room for a sum in another order. */
static void published_weights(void **state)
{
    static const matter water = {"water", "ani", {8, 1}, 3.1, NULL};
    char weights[512];
    mds_structure s;

    (void)state;
    if (!mds_test_data())
        skip();
    snprintf(weights, sizeof weights, "%s/data/ani-2x_8x", mds_test_data());
    make_matter(&s, &water, 24);
    for (int form = 0; form < 3; ++form) {
        const choice c = {weights,
                          form == 0   ? MDS_PRECISION_FP64
                          : form == 1 ? MDS_PRECISION_FP32
                                      : MDS_PRECISION_TF32X3,
                          -1, 0.0};
        double square = 0.0, worst = 0.0;
        side a, b;

        open_side(&a, cpu, &c, &s);
        open_side(&b, cuda, &c, &s);
        const outcome want = side_compute(&a, MDS_WANT_VIRIAL);
        const outcome got = side_compute(&b, MDS_WANT_VIRIAL);
        const double per_atom = fabs(got.s.potential_eV - want.s.potential_eV) / s.n;

        for (int k = 0; k < 3 * s.n; ++k) {
            const double d = fabs(got.f[k] - want.f[k]);

            worst = fmax(worst, d);
            square += d * d;
        }
        const double rms = sqrt(square / (3 * s.n));
        printf("%s: energy %.1e eV/atom, force %.1e, rms %.1e eV/Å\n",
               mds_precision_name(c.precision), per_atom, worst, rms);
        assert_true(per_atom <= (form ? 5e-7 : 1e-11));
        assert_true(worst <= (form ? 5e-5 : 1e-10));
        assert_true(rms <= (form ? 5e-6 : 1e-10));
        free(want.f);
        free(got.f);
        side_close(&a);
        side_close(&b);
    }
    mds_structure_fini(&s);
}

/* One recording serves as atoms move, also when the list has to be rebuilt, and gives the bits that
 * its kernels give one by one. */
static void recorded_steps(void **state)
{
    mds_structure s = scatter(2.7 * cbrt(33), mixture, 11, 33, true);
    double rebuilt = 0.0;

    (void)state;
    if (!mds_device_has_graphs(cuda))
        skip();
    for (int form = 0; form < 3; ++form) {
        const choice c = {
            folder,
            (mds_precision[]){MDS_PRECISION_FP64, MDS_PRECISION_FP32, MDS_PRECISION_TF32X3}[form],
            form == 1 ? 1 : -1, 0.0};
        mds_graph *graph = NULL;
        side a, b, eager;

        open_side(&a, cpu, &c, &s);
        open_side(&b, cuda, &c, &s);
        open_side(&eager, cuda, &c, &s);
        CHECK_OK(mds_model_compute(eager.model, &eager.state, MDS_WANT_VIRIAL));
        for (int warm = 0; warm < 2; ++warm)
            CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
        const int64_t generation = mds_device_generation(cuda);
        CHECK_OK(mds_device_graph_begin(cuda));
        CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
        CHECK_OK(mds_device_graph_end(cuda, &graph));
        assert_int_equal(mds_device_generation(cuda), generation);
        for (int step = 0; step < 6; ++step) {
            shake(&s, step % 2 ? 0.05 : 0.01, 200 + (uint64_t)step);
            for (int k = 0; step % 3 == 2 && k < 3 * s.n; ++k) /* beyond any skin */
                s.x[k] += 0.9;
            side_move(&a, &s);
            side_move(&b, &s);
            side_move(&eager, &s);
            CHECK_OK(mds_device_graph_launch(cuda, graph));
            const outcome want = side_compute(&a, MDS_WANT_VIRIAL), got = side_look(&b);
            const outcome plain = side_compute(&eager, MDS_WANT_VIRIAL);

            check_close(&got, &want, tolerance_of(&c), true);
            check_bits(&plain, &got);
            rebuilt += got.s.rebuilt;
            free(want.f);
            free(got.f);
            free(plain.f);
        }
        mds_device_graph_destroy(cuda, graph);
        side_close(&a);
        side_close(&b);
        side_close(&eager);
    }
    assert_true(rebuilt >= 6.0);
    mds_structure_fini(&s);
}

/* A gas that becomes dense: the rows of the list get more room, and what depends on their size with
 * them. */
static void more_room(void **state)
{
    mds_structure s = scatter(17.0, mixture, 11, 33, true), dense;
    const choice c = {folder, MDS_PRECISION_FP64, -1, 0.1};
    side a, b;

    (void)state;
    open_side(&a, cpu, &c, &s);
    open_side(&b, cuda, &c, &s);
    const outcome first = side_compute(&b, 0);
    const int64_t generation = mds_device_generation(cuda);

    free(first.f);
    for (int step = 1; step < 60; ++step) {
        const double shrink = pow(0.985, step);
        double h[3][3];

        CHECK_OK(mds_structure_copy(&dense, &s));
        for (int k = 0; k < 9; ++k)
            h[k / 3][k % 3] = shrink * s.box.h[k / 3][k % 3];
        CHECK_OK(mds_box_set(&dense.box, (const double(*)[3])h, s.box.periodic));
        for (int k = 0; k < 3 * s.n; ++k)
            dense.x[k] *= shrink;
        a.state.box = b.state.box = dense.box;
        CHECK_OK(mds_state_push_block(&b.state));
        side_move(&a, &dense);
        side_move(&b, &dense);
        CHECK_OK(mds_model_make_room(b.model, &b.state));
        const outcome want = side_compute(&a, MDS_WANT_VIRIAL);
        const outcome got = side_compute(&b, MDS_WANT_VIRIAL);
        check_close(&got, &want, 1e-10, true);
        free(want.f);
        free(got.f);
        mds_structure_fini(&dense);
    }
    assert_true(mds_device_generation(cuda) > generation);
    side_close(&a);
    side_close(&b);
    mds_structure_fini(&s);
}

/* Another model, other memory, the same bits; and the same model with other atoms in between. */
static void results_repeat(void **state)
{
    mds_structure s = scatter(2.7 * cbrt(65), mixture, 11, 65, true);
    mds_structure other = scatter(6.0, carbon, 1, 7, true);
    const choice c = {folder, MDS_PRECISION_FP32, -1, 0.0};
    mds_state between;
    outcome first = {0};

    (void)state;
    CHECK_OK(mds_state_init(&between, cuda, &other));
    for (int pass = 0; pass < 3; ++pass) {
        side b;

        open_side(&b, cuda, &c, &s);
        if (pass == 2) {
            CHECK_OK(mds_model_compute(b.model, &b.state, 0));
            CHECK_OK(mds_model_prepare(b.model, &between));
            CHECK_OK(mds_model_compute(b.model, &between, 0));
            CHECK_OK(mds_model_prepare(b.model, &b.state));
        }
        const outcome now = side_compute(&b, MDS_WANT_VIRIAL);
        if (pass == 0) {
            first = now;
        } else {
            check_bits(&now, &first);
            assert_memory_equal(now.s.virial_eV, first.s.virial_eV, sizeof now.s.virial_eV);
            free(now.f);
        }
        side_close(&b);
    }
    free(first.f);
    mds_state_fini(&between);
    mds_structure_fini(&s);
    mds_structure_fini(&other);
}

/* What is not a number ends the trajectory, and the state stays as it was found. */
static void faults(void **state)
{
    mds_structure s = scatter(6.0, mixture, 11, 11, true), hot;
    const choice c = {folder, MDS_PRECISION_FP32, -1, 0.0};
    side b;

    (void)state;
    CHECK_OK(mds_structure_copy(&hot, &s));
    hot.x[3 * 7 + 1] = NAN;
    open_side(&b, cuda, &c, &s);
    const outcome good = side_compute(&b, 0);
    side_move(&b, &hot);
    const outcome bad = side_compute(&b, 0);
    assert_int_equal(bad.d.fault, MDS_FAULT_NOT_FINITE);
    assert_memory_equal(bad.f, good.f, (size_t)s.n * 3 * sizeof *good.f);
    free(good.f);
    free(bad.f);
    side_close(&b);
    mds_structure_fini(&s);
    mds_structure_fini(&hot);
}

/* One pass in TF32 is not enough for dynamics (spec: 4e-3 eV/Å), so there is no such choice; three
 * are a way of CUDA devices alone. */
static void precisions_are_refused(void **state)
{
    const choice c = {folder, MDS_PRECISION_FP32, -1, 0.0};
    mds_model_spec spec = spec_of(&c, MDS_PRECISION_TF32);
    mds_model *model;

    (void)state;
    CHECK_FAILS(mds_model_create(&spec, cuda, &model), MDS_ERR_UNSUPPORTED, "no precision tf32");
    spec.precision = MDS_PRECISION_TF32X3;
    CHECK_FAILS(mds_model_create(&spec, cpu, &model), MDS_ERR_UNSUPPORTED, "tf32x3");
}

static int no_leaks(void **state)
{
    mds_device_memory memory;

    (void)state;
    mds_device_get_memory(cuda, &memory);
    assert_int_equal(memory.used, 0);
    return 0;
}

int main(void)
{
    static void (*const all[])(void **) = {
        many_elements,          among_own_images, molecules, one_element,    shape_of_ani_2x,
        published_weights,      recorded_steps,   more_room, results_repeat, faults,
        precisions_are_refused,
    };
    static const char *const names[] = {
        "many_elements",
        "among_own_images",
        "molecules",
        "one_element",
        "shape_of_ani_2x",
        "published_weights",
        "recorded_steps",
        "more_room",
        "results_repeat",
        "faults",
        "precisions_are_refused",
    };
    enum { COUNT = sizeof all / sizeof *all };
    struct CMUnitTest tests[COUNT];

    if (mds_device_open("cuda:0", &cuda) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    CHECK_OK(mds_device_open("cpu", &cpu));
    fixture_make(folder);
    for (int k = 0; k < COUNT; ++k)
        tests[k] =
            (struct CMUnitTest){.name = names[k], .test_func = all[k], .teardown_func = no_leaks};
    const int failed = cmocka_run_group_tests_name("ani", tests, NULL, NULL);
    fixture_remove(folder);
    mds_device_close(cuda);
    mds_device_close(cpu);
    return failed;
}
