/* The classical engines on CUDA against the CPU, for numbers of atoms that do and do not fill warps
 * and blocks, in skew cells with many images; recorded and launched again; and what kernels find
 * wrong. On a GPU, or on the shim. */
#include "gpu_engines.h"

#include <unistd.h>

static mds_device *cpu, *cuda;
static char setfl[] = "/tmp/mds_gpu_engines_XXXXXX";

static const matter kinds[] = {
    {"null", "null", {18, 0}, 3.6, NULL},   {"harmonic", "harmonic", {18, 0}, 3.6, NULL},
    {"argon", "lj", {18, 0}, 3.7, NULL},    {"silicon", "sw", {14, 0}, 2.5, NULL},
    {"copper", "eam", {29, 0}, 2.5, NULL},  {"aluminum", "eam", {13, 0}, 2.8, NULL},
    {"iron", "eam", {26, 0}, 2.45, NULL},   {"table", "eam", {29, 0}, 2.5, setfl},
    {"alloy", "eam", {29, 13}, 2.5, setfl}, {"water", "spcfw", {8, 1}, 3.1, NULL},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static double same_as_cpu(const matter *kind, int n)
{
    mds_structure base, hot;
    double worst = 0.0;
    side a, b;

    make_matter(&base, kind, n);
    CHECK_OK(mds_structure_copy(&hot, &base));
    shake(&hot, 0.05, 99);
    side_open(&a, cpu, kind, &base);
    side_open(&b, cuda, kind, &base);
    for (int step = 0; step < 2; ++step) { /* the second time with the list of the first */
        side_move(&a, &hot);
        side_move(&b, &hot);
        const outcome want = side_compute(&a, MDS_WANT_VIRIAL);
        const outcome got = side_compute(&b, MDS_WANT_VIRIAL);
        const outcome again = side_compute(&b, 0);

        worst = fmax(worst, check_same(&got, &want, true));
        check_same(&again, &want, false);
        check_bits(&again, &got);
        free(want.f);
        free(got.f);
        free(again.f);
        shake(&hot, 0.02, 100);
    }
    side_close(&a);
    side_close(&b);
    mds_structure_fini(&base);
    mds_structure_fini(&hot);
    return worst;
}

static void engines_agree_with_the_cpu(void **state)
{
    static const int counts[] = {1, 2, 5, 31, 32, 33, 64, 127, 216};
    static const int water[] = {3, 6, 33, 63, 96, 129, 216};
    const matter *kind = *state;
    double worst = 0.0;

    if (kind->z[0] == 8)
        for (size_t k = 0; k < sizeof water / sizeof *water; ++k)
            worst = fmax(worst, same_as_cpu(kind, water[k]));
    else
        for (size_t k = 0; k < sizeof counts / sizeof *counts; ++k)
            worst = fmax(worst, same_as_cpu(kind, counts[k]));
    printf("%s: forces differ by %.1e of the largest at most\n", kind->name, worst);
}

/* A cell that is thinner than the cutoff, with edges far from right angles, and atoms cells away
 * from it; of water, molecules broken over its faces. */
static void thin_skew_cells(void **state)
{
    const matter *kind = *state;
    const bool periodic[3] = {true, true, true};
    const double h[3][3] = {{4.1, 0.0, 0.0}, {2.0, 4.4, 0.0}, {-1.7, 2.1, 5.3}};
    mds_structure s;
    side a, b;

    make_matter(&s, kind, 6);
    for (int i = 0; i < s.n; ++i) {
        const double *x = s.x + 3 * i;
        double at[3];

        mds_box_to_fractional(&s.box, x, at); /* molecules keep their shape well enough */
        if (kind->z[0] != 8)
            for (int k = 0; k < 3; ++k)
                s.x[3 * i + k] = at[0] * h[0][k] + at[1] * h[1][k] + at[2] * h[2][k];
    }
    CHECK_OK(mds_box_set(&s.box, h, periodic));
    for (int i = 0; i < s.n; ++i)
        for (int k = 0; k < 3; ++k)
            s.x[3 * i + k] += (i % 3 - 1) * h[2][k] + (i % 2) * h[1][k] - (i % 4) * h[0][k];
    side_open(&a, cpu, kind, &s);
    side_open(&b, cuda, kind, &s);
    const outcome want = side_compute(&a, MDS_WANT_VIRIAL), got = side_compute(&b, MDS_WANT_VIRIAL);
    check_same(&got, &want, true);
    free(want.f);
    free(got.f);
    side_close(&a);
    side_close(&b);
    mds_structure_fini(&s);
}

/* One recording serves as atoms move, also when the list has to be rebuilt. */
static void recorded_steps(void **state)
{
    const matter *kind = *state;
    mds_graph *graph = NULL;
    mds_structure s;
    side a, b;
    double rebuilt = 0.0;

    if (!mds_device_has_graphs(cuda))
        skip();
    make_matter(&s, kind, 33);
    side_open(&a, cpu, kind, &s);
    side_open(&b, cuda, kind, &s);
    for (int warm = 0; warm < 2; ++warm)
        CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
    const int64_t generation = mds_device_generation(cuda);
    CHECK_OK(mds_device_graph_begin(cuda));
    CHECK_OK(mds_model_compute(b.model, &b.state, MDS_WANT_VIRIAL));
    CHECK_OK(mds_device_graph_end(cuda, &graph));
    assert_int_equal(mds_device_generation(cuda), generation);
    for (int step = 0; step < 8; ++step) {
        shake(&s, step % 2 ? 0.05 : 0.01, 200 + (uint64_t)step);
        for (int k = 0; step % 3 == 2 && k < 3 * s.n; ++k) /* beyond any skin */
            s.x[k] += 0.9;
        side_move(&a, &s);
        side_move(&b, &s);
        CHECK_OK(mds_device_graph_launch(cuda, graph));
        const outcome want = side_compute(&a, MDS_WANT_VIRIAL), got = side_look(&b);

        /* The lists may be of different ages; water's edges are those of the list. */
        if (kind->z[0] == 8)
            ((outcome *)&got)->s.n_edges = want.s.n_edges;
        check_same(&got, &want, true);
        rebuilt += got.s.rebuilt;
        free(want.f);
        free(got.f);
    }
    const bool has_list = strcmp(kind->engine, "null") != 0 &&
                          strcmp(kind->engine, "harmonic") != 0;
    assert_true(has_list ? rebuilt >= 2.0 : rebuilt == 0.0);
    mds_device_graph_destroy(cuda, graph);
    side_close(&a);
    side_close(&b);
    mds_structure_fini(&s);
}

/* Another model, other memory, the same bits. */
static void results_repeat(void **state)
{
    const matter *kind = *state;
    mds_structure s;
    outcome first = {0};

    make_matter(&s, kind, 129);
    for (int pass = 0; pass < 3; ++pass) {
        side b;

        side_open(&b, cuda, kind, &s);
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
    mds_structure_fini(&s);
}

static const matter *find(const char *name)
{
    for (int k = 0; k < KINDS; ++k)
        if (strcmp(kinds[k].name, name) == 0)
            return &kinds[k];
    return NULL;
}

/* `hot` leads to the fault, with its value; then nothing changes any more. The first step, whose
 * list is sized while the host waits, is a good one: in it the host would see for itself. */
static void check_fault(const matter *kind, const mds_structure *s, const mds_structure *hot,
                        mds_step_fault fault, double value)
{
    side b;

    side_open(&b, cuda, kind, s);
    CHECK_OK(mds_model_compute(b.model, &b.state, 0));
    side_move(&b, hot);
    const outcome first = side_compute(&b, 0);
    assert_int_equal(first.d.fault, fault);
    if (!isnan(value))
        assert_true(first.d.fault_value == value);
    side_move(&b, s);
    const outcome second = side_compute(&b, 0);
    assert_int_equal(second.d.fault, fault);
    assert_memory_equal(first.f, second.f, (size_t)s->n * 3 * sizeof *first.f);
    free(first.f);
    free(second.f);
    side_close(&b);
}

static void faults_are_left_in_the_step_block(void **state)
{
    const double none[3][3] = {{0}};
    const bool no[3] = {false, false, false};
    mds_structure s, hot;

    (void)state;
    for (int k = 1; k < KINDS; ++k) {
        if (strcmp(kinds[k].engine, "harmonic") == 0)
            continue; /* has no list, which is what looks at positions */
        make_matter(&s, &kinds[k], 33);
        CHECK_OK(mds_structure_copy(&hot, &s));
        hot.x[3 * 7 + 1] = NAN;
        check_fault(&kinds[k], &s, &hot, MDS_FAULT_NOT_FINITE, 7.0);
        mds_structure_fini(&hot);
        mds_structure_fini(&s);
    }
    make_matter(&s, find("argon"), 33);
    CHECK_OK(mds_structure_copy(&hot, &s));
    memcpy(hot.x + 3, hot.x, 3 * sizeof *hot.x);
    check_fault(find("argon"), &s, &hot, MDS_FAULT_ENERGY, NAN);
    mds_structure_fini(&hot);
    mds_structure_fini(&s);

    make_matter(&s, find("copper"), 5);
    CHECK_OK(mds_box_set(&s.box, none, no));
    CHECK_OK(mds_structure_copy(&hot, &s));
    hot.x[3 * 3] += 1000.0; /* alone: no density */
    check_fault(find("copper"), &s, &hot, MDS_FAULT_DENSITY, 3.0);
    mds_structure_fini(&hot);
    mds_structure_fini(&s);
}

/* What prepare() says of atoms that it can only see by fetching them. */
static void topology_is_checked(void **state)
{
    const mds_model_spec spec = matter_spec(find("water"));
    mds_model *model;
    mds_state atoms;
    mds_structure s;

    (void)state;
    make_matter(&s, find("water"), 6);
    CHECK_OK(mds_model_create(&spec, cuda, &model));
    s.x[3 * 4] += 3.5;
    s.x[3 * 4 + 1] += 3.0;
    skew_cell(&s, 12.0);
    CHECK_OK(mds_state_init(&atoms, cuda, &s));
    CHECK_FAILS(mds_model_prepare(model, &atoms), MDS_ERR_CONFIG, "from its oxygen");
    mds_state_fini(&atoms);
    s.type[0] = 1;
    CHECK_OK(mds_state_init(&atoms, cuda, &s));
    CHECK_FAILS(mds_model_prepare(model, &atoms), MDS_ERR_CONFIG, "O H H");
    mds_state_fini(&atoms);
    mds_model_destroy(model);
    mds_structure_fini(&s);
}

/* The engine that misbehaves: in a kernel, counted by the kernel. */
static void nan_on_purpose(void **state)
{
    static const matter kind = {"fault", "fault", {18, 0}, 3.6, NULL};
    mds_model_spec spec = matter_spec(&kind);
    mds_structure s;
    side b = {.device = cuda};

    (void)state;
    make_matter(&s, &kind, 33);
    CHECK_OK(mds_options_set_text(&spec.options, "kind", "nan"));
    CHECK_OK(mds_options_set_number(&spec.options, "at_step", 3));
    CHECK_OK(mds_state_init(&b.state, cuda, &s));
    CHECK_OK(mds_model_create(&spec, cuda, &b.model));
    CHECK_OK(mds_model_prepare(b.model, &b.state));
    for (int step = 0; step < 5; ++step) {
        const outcome got = side_compute(&b, MDS_WANT_VIRIAL);

        assert_true(isnan(got.s.potential_eV) == (step >= 3));
        assert_true(isnan(got.f[98]) == (step >= 3));
        assert_true(got.s.virial_eV[1][2] == 0.0);
        free(got.f);
    }
    side_close(&b);
    mds_structure_fini(&s);
}

/* Everything that was allocated is given back. */
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
    static void (*const for_all[])(void **) = {engines_agree_with_the_cpu, thin_skew_cells,
                                               recorded_steps, results_repeat};
    enum { FOR_ALL = sizeof for_all / sizeof *for_all };
    const struct CMUnitTest others[] = {
        cmocka_unit_test_teardown(faults_are_left_in_the_step_block, no_leaks),
        cmocka_unit_test_teardown(topology_is_checked, no_leaks),
        cmocka_unit_test_teardown(nan_on_purpose, no_leaks),
    };
    struct CMUnitTest tests[FOR_ALL * KINDS];
    int failed;

    if (mds_device_open("cuda:0", &cuda) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    if (mds_device_open("cpu", &cpu) != MDS_OK || close(mkstemp(setfl)) != 0)
        return 1;
    write_setfl(setfl);
    for (int k = 0; k < FOR_ALL * KINDS; ++k)
        tests[k] = (struct CMUnitTest){.name = kinds[k % KINDS].name,
                                       .test_func = for_all[k / KINDS],
                                       .teardown_func = no_leaks,
                                       .initial_state = (void *)&kinds[k % KINDS]};
    failed = cmocka_run_group_tests_name("engines", tests, NULL, NULL);
    failed += cmocka_run_group_tests(others, NULL, NULL);
    unlink(setfl);
    mds_device_close(cuda);
    mds_device_close(cpu);
    return failed;
}
