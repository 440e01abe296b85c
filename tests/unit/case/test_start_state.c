/* Thermal start states: temperature, momentum, the heat in the positions, and that nothing but the
 * key decides what comes out. Seeds are fixed, so the stated chances of a false alarm are not taken
 * anew at every run. */
#include "harness/test.h"

#include <unistd.h>

#include "base/units.h"
#include "case/runner.h"

/* A study of one system per name, and a case of it. */
typedef struct fixture {
    mds_study study;
    mds_system_spec systems[2];
    mds_case point;
    mds_start_cache *cache;
} fixture;

static void set_up(fixture *f, const char *first, const char *second, int n_asked)
{
    memset(f, 0, sizeof *f);
    CHECK_OK(mds_system_resolve(first, &f->systems[0]));
    CHECK_OK(mds_system_resolve(second, &f->systems[1]));
    f->study.systems = f->systems;
    f->study.system_count = 2;
    f->study.run.seed = 20251123;
    f->point.n_asked = n_asked;
    f->point.run.temperature_K = 300.0;
    f->point.run.equilibration = -1;
    CHECK_OK(mds_start_cache_create(2, &f->cache));
}

static void tear_down(fixture *f)
{
    mds_start_cache_destroy(f->cache);
}

static mds_structure start(fixture *f)
{
    mds_structure s;

    CHECK_OK(mds_start_state(f->cache, &f->study, &f->point, NULL, NULL, &s));
    assert_non_null(s.v);
    return s;
}

static double temperature(const mds_structure *s)
{
    double sum = 0.0;

    for (int i = 0; i < 3 * s->n; ++i)
        sum += s->mass[i / 3] * s->v[i] * s->v[i];
    return sum * MDS_MVV_TO_EV / (MDS_BOLTZMANN_EV * (3 * s->n - 3));
}

/* The largest component of the momentum over that of a typical atom. */
static double momentum(const mds_structure *s)
{
    double p[3] = {0.0, 0.0, 0.0}, squares = 0.0;

    for (int i = 0; i < 3 * s->n; ++i) {
        const double part = s->mass[i / 3] * s->v[i];

        p[i % 3] += part;
        squares += part * part;
    }
    return fmax(fabs(p[0]), fmax(fabs(p[1]), fabs(p[2]))) / sqrt(squares / (3.0 * s->n));
}

static bool same(const mds_structure *a, const mds_structure *b)
{
    const size_t bytes = 3 * (size_t)a->n * sizeof(double);

    return a->n == b->n && memcmp(a->x, b->x, bytes) == 0 && memcmp(a->v, b->v, bytes) == 0 &&
           memcmp(a->type, b->type, (size_t)a->n * sizeof(int)) == 0;
}

/* Potential energy by the reference model. */
static double potential(const mds_structure *s)
{
    mds_model_target target = {.species = s->species, .n_atoms = s->n, .periodic = true};
    mds_model_spec spec;
    mds_device *device;
    mds_model *model;
    mds_state state;

    CHECK_OK(mds_device_open("cpu", &device));
    CHECK_OK(mds_state_init(&state, device, s));
    CHECK_OK(mds_model_resolve("reference", &target, MDS_PRECISION_AUTO, &spec));
    CHECK_OK(mds_model_create(&spec, device, &model));
    CHECK_OK(mds_model_prepare(model, &state));
    CHECK_OK(mds_model_compute(model, &state, 0));

    const double energy = state.s->potential_eV;

    mds_model_destroy(model);
    mds_state_fini(&state);
    mds_device_close(device);
    return energy;
}

/* The temperature of n atoms fluctuates by T√(2/(3n − 3)); 5 of those happen once in 10⁶. */
static void temperature_and_momentum(void **unused)
{
    static const char *const names[] = {"silicon", "copper", "aluminum", "iron", "water"};
    static const int sizes[] = {32, 128};

    (void)unused;
    for (int k = 0; k < 5; ++k)
        for (int i = 0; i < 2; ++i) {
            fixture f;

            set_up(&f, names[k], "iron", sizes[i]);

            mds_structure s = start(&f);

            CHECK_NEAR(temperature(&s), 300.0, 5.0 * sqrt(2.0 / (3 * s.n - 3)), 0.0);
            /* Rounding of the sum over n atoms. */
            assert_true(momentum(&s) < 1e-12);
            mds_structure_fini(&s);
            tear_down(&f);
        }
}

/* Equipartition: a crystal has 3/2 k_B T (n − 1)/n per atom more than the lattice, the same as its
 * kinetic energy. It fluctuates by √(2/3n) = 5 % of itself at 256 atoms: 5 σ, and 5 % for what is
 * not harmonic. */
static void heat_is_in_the_positions_too(void **unused)
{
    static const char *const names[] = {"silicon", "copper", "iron"};

    (void)unused;
    for (int k = 0; k < 3; ++k) {
        fixture f;
        mds_structure lattice;

        set_up(&f, names[k], "iron", 256);

        mds_structure s = start(&f);
        const double kinetic = 1.5 * MDS_BOLTZMANN_EV * 300.0 * (s.n - 1);

        CHECK_OK(mds_system_build(&f.systems[0], 256, 1, &lattice));
        CHECK_NEAR(potential(&s) - potential(&lattice), kinetic, 0.3, 0.0);
        mds_structure_fini(&lattice);
        mds_structure_fini(&s);
        tear_down(&f);
    }
}

/* Molecules stay whole (the O–H bond of SPC/Fw has a standard deviation of 0.024 Å at 300 K: 6 σ)
 * and oxygens repel each other below 2.3 Å, where the pair is 20 k_B T up; the energy has come down
 * to that of the liquid, about −0.145 eV/atom, from −0.02 of the lattice. */
static void water_is_a_liquid(void **unused)
{
    fixture f;

    (void)unused;
    set_up(&f, "water", "iron", 192);

    mds_structure s = start(&f);

    for (int o = 0; o < s.n; o += 3) {
        for (int j = 0; j < s.n; ++j) {
            double d[3];

            for (int k = 0; k < 3; ++k)
                d[k] = s.x[3 * j + k] - s.x[3 * o + k];
            if (j != o + 1 && j != o + 2)
                mds_box_minimum_image(&s.box, d);

            const double r = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);

            if (j == o + 1 || j == o + 2)
                CHECK_NEAR(r, 1.03, 0.0, 0.15);
            else if (j % 3 == 0 && j != o)
                assert_true(r > 2.3);
        }
    }
    CHECK_NEAR(potential(&s) / s.n, -0.14, 0.0, 0.025);
    mds_structure_fini(&s);
    tear_down(&f);
}

static void order_and_cache_do_not_matter(void **unused)
{
    fixture f, g;

    (void)unused;
    set_up(&f, "silicon", "iron", 64);

    mds_structure silicon = start(&f);

    f.point.system = 1;

    mds_structure iron = start(&f);

    /* Another worker, the other way round, with one place in its cache, and other indices of
     * everything that must not matter. */
    set_up(&g, "iron", "silicon", 64);
    mds_start_cache_destroy(g.cache);
    CHECK_OK(mds_start_cache_create(1, &g.cache));
    g.point.protocol = 2;
    g.point.model = 3;
    g.point.repeat = 5;
    g.point.size = 4;
    g.point.run.steps = 77;

    mds_structure iron_again = start(&g);

    assert_true(same(&iron, &iron_again));
    g.point.system = 1;

    mds_structure silicon_again = start(&g), silicon_cached = start(&g);

    assert_true(same(&silicon, &silicon_again));
    assert_true(same(&silicon, &silicon_cached));
    g.point.system = 0;

    mds_structure iron_evicted = start(&g);

    assert_true(same(&iron, &iron_evicted));
    mds_structure_fini(&silicon);
    mds_structure_fini(&iron);
    mds_structure_fini(&iron_again);
    mds_structure_fini(&silicon_again);
    mds_structure_fini(&silicon_cached);
    mds_structure_fini(&iron_evicted);
    tear_down(&f);
    tear_down(&g);
}

static void seed_temperature_and_options_do_matter(void **unused)
{
    fixture f;

    (void)unused;
    set_up(&f, "silicon", "iron", 64);

    mds_structure first = start(&f);

    f.study.run.seed++;

    mds_structure other_seed = start(&f);

    f.study.run.seed--;
    f.point.run.temperature_K = 400.0;

    mds_structure hotter = start(&f);

    f.point.run.temperature_K = 300.0;
    CHECK_OK(mds_options_set_number(&f.systems[0].options, "lattice_A", 5.5));

    mds_structure wider = start(&f);

    assert_false(same(&first, &other_seed));
    assert_false(same(&first, &hotter));
    assert_true(temperature(&hotter) > temperature(&first));
    CHECK_NEAR(wider.box.volume, 8 * 5.5 * 5.5 * 5.5, 1e-12, 0.0);
    mds_structure_fini(&first);
    mds_structure_fini(&other_seed);
    mds_structure_fini(&hotter);
    mds_structure_fini(&wider);
    tear_down(&f);
}

static void without_equilibration_the_lattice_stays(void **unused)
{
    fixture f;
    mds_structure lattice;

    (void)unused;
    set_up(&f, "copper", "iron", 108);
    f.point.run.equilibration = 0;
    CHECK_OK(mds_system_build(&f.systems[0], 108, 1, &lattice));

    mds_structure s = start(&f);

    assert_memory_equal(s.x, lattice.x, 3 * (size_t)s.n * sizeof *s.x);
    CHECK_NEAR(temperature(&s), 300.0, 1e-10, 0.0); /* drawn and scaled */
    assert_true(momentum(&s) < 1e-12);
    mds_structure_fini(&s);
    f.point.run.temperature_K = 0.0;
    f.point.run.equilibration = -1;
    s = start(&f);
    assert_memory_equal(s.x, lattice.x, 3 * (size_t)s.n * sizeof *s.x);
    for (int i = 0; i < 3 * s.n; ++i)
        assert_true(s.v[i] == 0.0);
    mds_structure_fini(&s);
    mds_structure_fini(&lattice);
    tear_down(&f);
}

static void count_beat(void *context)
{
    ++*(int *)context;
}

static void the_watchdog_sees_progress(void **unused)
{
    fixture f;
    mds_structure s;
    int beats = 0;

    (void)unused;
    set_up(&f, "iron", "iron", 32);
    f.point.run.equilibration = 200;
    CHECK_OK(mds_start_state(f.cache, &f.study, &f.point, count_beat, &beats, &s));
    assert_in_range(beats, 10, 200);
    mds_structure_fini(&s);
    tear_down(&f);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Elements without a reference, and hydrogen and oxygen that are no water: velocities only. */
static void files_of_anything_get_velocities(void **unused)
{
    static const char *const texts[] = {
        "2\nLattice=\"0 2.82 2.82 2.82 0 2.82 2.82 2.82 0\" Properties=species:S:1:pos:R:3\n"
        "Na 0 0 0\nCl 2.82 2.82 2.82\n",
        "4\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3\n"
        "H 0 0 0.9\nO 0 0 0\nO 1.45 0 0\nH 1.45 0 -0.9\n",
    };

    (void)unused;
    for (int k = 0; k < 2; ++k) {
        char path[] = "/tmp/mds-test-start-XXXXXX.xyz";
        fixture f;

        close(mkstemps(path, 4));
        write_file(path, texts[k]);
        set_up(&f, path, "iron", 64);

        mds_structure s = start(&f);

        assert_int_equal(s.n, 64);
        CHECK_NEAR(temperature(&s), 300.0, 1e-10, 0.0);
        mds_structure_fini(&s);
        tear_down(&f);
        unlink(path);
    }
}

static void failures_name_the_system(void **unused)
{
    fixture f;
    mds_structure s;

    (void)unused;
    set_up(&f, "silicon", "iron", 2);
    CHECK_FAILS(mds_start_state(f.cache, &f.study, &f.point, NULL, NULL, &s), MDS_ERR_UNSUPPORTED,
                "start state of silicon");
    assert_null(s.x);
    tear_down(&f);
    mds_start_cache_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temperature_and_momentum),
        cmocka_unit_test(heat_is_in_the_positions_too),
        cmocka_unit_test(water_is_a_liquid),
        cmocka_unit_test(order_and_cache_do_not_matter),
        cmocka_unit_test(seed_temperature_and_options_do_matter),
        cmocka_unit_test(without_equilibration_the_lattice_stays),
        cmocka_unit_test(the_watchdog_sees_progress),
        cmocka_unit_test(files_of_anything_get_velocities),
        cmocka_unit_test(failures_name_the_system),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
