/* The ANI engine against a plain reading of its formulas: all images summed, angles by acos, one
 * number after the other in float64. The model is a small one that the test writes itself
 * (ani_fixture.h): widths and shapes are odd, so that every padded lane and column is there. */
#include "ani_fixture.h"

#include "model/ani/ani.h"

enum { ATOMS = 11 };

static const double hartree = 27.211386024367243;
static char folder[FIXTURE_FOLDER];
static mds_device *device;

typedef struct neighbor {
    double r[3], d;
    int element;
} neighbor;

/* ---- the oracle ---- */

static double cut(double d, double cutoff)
{
    return d <= cutoff ? 0.5 * cos(MDS_PI * d / cutoff) + 0.5 : 0.0;
}

static int find_neighbors(const mds_structure *s, const int *element, int i, neighbor *out)
{
    int count = 0, reach[3];

    for (int a = 0; a < 3; ++a)
        reach[a] = s->box.periodic[a] ? 3 : 0;
    for (int j = 0; j < s->n; ++j)
        for (int la = -reach[0]; la <= reach[0]; ++la)
            for (int lb = -reach[1]; lb <= reach[1]; ++lb)
                for (int lc = -reach[2]; lc <= reach[2]; ++lc) {
                    neighbor to = {.element = element[j]};

                    for (int a = 0; a < 3; ++a)
                        to.r[a] = s->x[3 * j + a] - s->x[3 * i + a] + la * s->box.h[0][a] +
                                  lb * s->box.h[1][a] + lc * s->box.h[2][a];
                    to.d = sqrt(to.r[0] * to.r[0] + to.r[1] * to.r[1] + to.r[2] * to.r[2]);
                    if (to.d > 1e-9 && to.d < 4.3)
                        out[count++] = to;
                }
    assert_true(count < 1000);
    return count;
}

static void describe(const neighbor *list, int count, double *g)
{
    static const double shift_r[] = {0.8, 1.4, 2.0, 2.6, 3.3}, shift_a[] = {0.8, 1.5, 2.2};
    static const double shift_z[] = {0.78539816, 2.3561945};

    memset(g, 0, FIXTURE_INPUTS * sizeof *g);
    for (int j = 0; j < count; ++j)
        for (int k = 0; k < FIXTURE_RADIAL; ++k)
            g[list[j].element * FIXTURE_RADIAL + k] +=
                0.25 * exp(-9.0 * pow(list[j].d - (double)(float)shift_r[k], 2)) *
                cut(list[j].d, 4.3);
    for (int j = 0; j < count; ++j)
        for (int k = 0; k < j; ++k) {
            const neighbor *a = &list[j], *b = &list[k];
            const int pair = ani_pair_index(FIXTURE_ELEMENTS, a->element, b->element);
            double *to = g + FIXTURE_ELEMENTS * FIXTURE_RADIAL +
                         pair * FIXTURE_ANGULAR * FIXTURE_SECTIONS;
            const double dot = a->r[0] * b->r[0] + a->r[1] * b->r[1] + a->r[2] * b->r[2];
            const double theta = acos(0.95 * dot / (a->d * b->d));

            for (int s = 0; s < FIXTURE_ANGULAR; ++s)
                for (int z = 0; z < FIXTURE_SECTIONS; ++z)
                    to[s * FIXTURE_SECTIONS + z] +=
                        2.0 * pow(0.5 + 0.5 * cos(theta - (double)(float)shift_z[z]), 8.0) *
                        exp(-6.0 * pow(0.5 * (a->d + b->d) - (double)(float)shift_a[s], 2)) *
                        cut(a->d, 3.1) * cut(b->d, 3.1);
        }
}

static double network(int member, int element, const double *g)
{
    double x[FIXTURE_INPUTS], y[FIXTURE_INPUTS];

    memcpy(x, g, sizeof x);
    for (int l = 0; l < FIXTURE_LAYERS; ++l) {
        const int in = fixture_width[element][l], out = fixture_width[element][l + 1];

        for (int o = 0; o < out; ++o) {
            y[o] = (double)fixture_number(member, element, l, 1, o);
            for (int k = 0; k < in; ++k)
                y[o] += (double)fixture_number(member, element, l, 0, o * in + k) * x[k];
            if (l + 1 < FIXTURE_LAYERS && y[o] < 0.0)
                y[o] = 0.1 * expm1(10.0 * y[o]);
        }
        memcpy(x, y, sizeof x);
    }
    return x[0];
}

/* eV, without self energies. */
static double oracle(const mds_structure *s, int member)
{
    static neighbor list[1000];
    double energy = 0.0, g[FIXTURE_INPUTS];
    int element[64];

    for (int i = 0; i < s->n; ++i) {
        const int z = s->species.z[s->type[i]];

        element[i] = z == 1 ? 0 : z == 6 ? 1 : 2;
    }
    for (int i = 0; i < s->n; ++i) {
        describe(list, find_neighbors(s, element, i, list), g);
        energy += network(member, element[i], g);
    }
    return hartree * energy;
}

/* ---- structures ---- */

/* Atoms at random places, none nearer than 0.8 Å to another or its images, in a skewed cell of
 * edge about `edge`. */
static mds_structure cell_of(double edge, const int *z, int n, bool periodic)
{
    const double h[3][3] = {
        {edge, 0.1, 0.0}, {0.3 * edge, 0.9 * edge, 0.2}, {-0.2, 0.25 * edge, 1.1 * edge}};
    const bool p[3] = {periodic, periodic, periodic};
    mds_structure s = {0};
    uint64_t draw = 0;

    CHECK_OK(mds_structure_init(&s, n, false));
    CHECK_OK(mds_box_set(&s.box, h, p));
    for (int i = 0; i < n; ++i) {
        double nearest;

        s.type[i] = mds_species_add(&s.species, z[i]);
        s.mass[i] = 1.0;
        do {
            double at[3], d[3];

            for (int a = 0; a < 3; ++a, ++draw)
                at[a] = 0.5 + 0.5 * sin(1e4 * sin(12.9898 * (double)draw + 1.0));
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
    return s;
}

static const int mixture[ATOMS] = {8, 1, 1, 6, 1, 8, 6, 6, 1, 8, 1};

typedef struct result {
    double energy, member[FIXTURE_MEMBERS], f[3 * 64], w[3][3], edges;
} result;

typedef struct choice {
    const char *kernel;
    mds_precision precision;
    int member;
    bool self;
    int threads;
} choice;

/* False where the processor has not got the kernel. */
static bool evaluate(const mds_structure *s, choice c, result *out)
{
    mds_model_spec spec;
    mds_model *model;
    mds_state state = {0};
    mds_scalars scalars;

    CHECK_OK(mds_model_spec_init(&spec, "ani", "ani", c.precision));
    CHECK_OK(mds_options_set_text(&spec.options, "weights", folder));
    CHECK_OK(mds_options_set_text(&spec.options, "kernel", c.kernel));
    CHECK_OK(mds_options_set_number(&spec.options, "member", c.member));
    CHECK_OK(mds_options_set_number(&spec.options, "self_energies", c.self));
    CHECK_OK(mds_options_set_number(&spec.options, "threads", c.threads));
    if (mds_model_create(&spec, device, &model) == MDS_ERR_UNSUPPORTED)
        return false;
    CHECK_OK(mds_state_init(&state, device, s));
    CHECK_OK(mds_model_prepare(model, &state));
    CHECK_OK(mds_model_compute(model, &state, MDS_WANT_VIRIAL));
    CHECK_OK(mds_state_fetch_scalars(&state, &scalars));
    out->energy = scalars.potential_eV;
    out->edges = scalars.n_edges;
    memcpy(out->w, scalars.virial_eV, sizeof out->w);
    memcpy(out->f, state.f, (size_t)s->n * 3 * sizeof *out->f);
    memcpy(out->member, ani_member_energies(model),
           (size_t)ani_member_count(model) * sizeof *out->member);
    mds_state_fini(&state);
    mds_model_destroy(model);
    return true;
}

static const char *const kernels[] = {"portable", "avx2", "avx512"};

/* Energies to 1e-11 relative: a hundred products of order one in another order. */
static void check_energies(const mds_structure *s)
{
    const double want[2] = {oracle(s, 0), oracle(s, 1)};

    for (int k = 0; k < 3; ++k) {
        result r;

        if (!evaluate(s, (choice){kernels[k], MDS_PRECISION_FP64, -1, false, 1}, &r))
            continue;
        for (int m = 0; m < FIXTURE_MEMBERS; ++m)
            CHECK_NEAR(r.member[m], want[m], 1e-11, 1e-11);
        CHECK_NEAR(r.energy, 0.5 * (want[0] + want[1]), 1e-11, 1e-11);
        assert_true(evaluate(s, (choice){kernels[k], MDS_PRECISION_FP64, 1, false, 1}, &r));
        CHECK_NEAR(r.energy, want[1], 1e-11, 1e-11);
        assert_true(evaluate(s, (choice){kernels[k], MDS_PRECISION_FP32, -1, false, 1}, &r));
        /* Sums of up to 1000 numbers of order one (in the cell of two atoms, where images crowd)
         * and networks of some 300 weights, in float32. */
        CHECK_NEAR(r.energy, 0.5 * (want[0] + want[1]), 2e-6, 3e-6 * s->n);
    }
}

static void test_energy_of_many_elements(void **state)
{
    mds_structure s = cell_of(6.0, mixture, ATOMS, true);

    (void)state;
    check_energies(&s);
    mds_structure_fini(&s);
}

static void test_energy_among_own_images(void **state)
{
    mds_structure s = cell_of(3.0, mixture, 2, true);

    (void)state;
    check_energies(&s);
    mds_structure_fini(&s);
}

static void test_energy_of_molecules(void **state)
{
    mds_structure s = cell_of(4.5, mixture, ATOMS, false);

    (void)state;
    check_energies(&s);
    mds_structure_fini(&s);
}

/* One element present out of three, more atoms of it than lanes; and a lone atom. */
static void test_energy_of_one_element(void **state)
{
    int z[40];

    (void)state;
    for (int i = 0; i < 40; ++i)
        z[i] = 6;
    mds_structure s = cell_of(8.5, z, 40, true), alone = cell_of(4.0, z, 1, false);
    check_energies(&s);
    check_energies(&alone);
    mds_structure_fini(&s);
    mds_structure_fini(&alone);
}

static void test_self_energies(void **state)
{
    mds_structure s = cell_of(6.0, mixture, ATOMS, true);
    result with, without;
    double sum = 0.0;

    (void)state;
    for (int i = 0; i < ATOMS; ++i)
        sum += hartree * fixture_self[mixture[i] == 1 ? 0 : mixture[i] == 6 ? 1 : 2];
    assert_true(evaluate(&s, (choice){"auto", MDS_PRECISION_FP64, -1, true, 1}, &with));
    assert_true(evaluate(&s, (choice){"auto", MDS_PRECISION_FP64, -1, false, 1}, &without));
    CHECK_NEAR(with.energy - without.energy, sum, 1e-12, 0.0);
    mds_structure_fini(&s);
}

/* Forces by differences of the oracle: h² E''' and 1e-13/h stay below 1e-6; CELU bends at zero, so
 * a second derivative may jump there. */
static void test_forces_and_kernels_agree(void **state)
{
    const double h = 1e-5;
    mds_structure s = cell_of(4.2, mixture, ATOMS, true);
    result first, other;

    (void)state;
    assert_true(evaluate(&s, (choice){"portable", MDS_PRECISION_FP64, 0, false, 1}, &first));
    for (int i = 0; i < 3 * ATOMS; i += 4) {
        const double x = s.x[i];

        s.x[i] = x + h;
        const double up = oracle(&s, 0);
        s.x[i] = x - h;
        const double down = oracle(&s, 0);
        s.x[i] = x;
        CHECK_NEAR(first.f[i], (down - up) / (2.0 * h), 1e-6, 1e-6);
    }
    for (int k = 1; k < 3; ++k) {
        if (!evaluate(&s, (choice){kernels[k], MDS_PRECISION_FP64, 0, false, 1}, &other))
            continue;
        CHECK_NEAR(other.edges, first.edges, 0.0, 0.0);
        for (int i = 0; i < 3 * ATOMS; ++i)
            CHECK_NEAR(other.f[i], first.f[i], 1e-11, 1e-10);
        for (int i = 0; i < 9; ++i)
            CHECK_NEAR(other.w[i / 3][i % 3], first.w[i / 3][i % 3], 1e-11, 1e-10);
        assert_true(evaluate(&s, (choice){kernels[k], MDS_PRECISION_FP32, 0, false, 1}, &other));
        /* Atoms at 0.8 Å: forces of over 100 eV/Å cancel, each rounded to 1e-7 of itself. */
        double largest = 0.0;
        for (int i = 0; i < 3 * ATOMS; ++i)
            largest = fmax(largest, fabs(first.f[i]));
        for (int i = 0; i < 3 * ATOMS; ++i)
            CHECK_NEAR(other.f[i], first.f[i], 1e-6, 2e-6 * largest);
    }
    mds_structure_fini(&s);
}

/* Threads divide the work and change nothing but the order in which forces are added; also when
 * there are more of them than there is work. */
static void test_threads(void **state)
{
    int z[40];

    (void)state;
    for (int i = 0; i < 40; ++i)
        z[i] = mixture[i % ATOMS];
    mds_structure s = cell_of(8.0, z, 40, true);
    for (int form = 0; form < 4; ++form) {
        const mds_precision precision = form & 1 ? MDS_PRECISION_FP64 : MDS_PRECISION_FP32;
        const double tolerance = form & 1 ? 1e-12 : 1e-5;
        const int member = form & 2 ? 1 : -1;
        result one, many;

        assert_true(evaluate(&s, (choice){"auto", precision, member, true, 1}, &one));
        for (int threads = 2; threads < 48; threads += threads < 5 ? 1 : 21) {
            assert_true(evaluate(&s, (choice){"auto", precision, member, true, threads}, &many));
            CHECK_NEAR(many.energy, one.energy, 0.0, 0.0);
            CHECK_NEAR(many.edges, one.edges, 0.0, 0.0);
            for (int i = 0; i < 3 * s.n; ++i)
                CHECK_NEAR(many.f[i], one.f[i], tolerance, tolerance);
            for (int i = 0; i < 9; ++i)
                CHECK_NEAR(many.w[i / 3][i % 3], one.w[i / 3][i % 3], tolerance, 10 * tolerance);
        }
    }
    mds_structure_fini(&s);
}

/* Made-up weights: the shape of ANI-2x, the same numbers for the same seed, others for another. */
static void test_synthetic_weights(void **state)
{
    static const int z[3] = {8, 1, 1};
    mds_structure s = cell_of(5.0, z, 3, true);
    double energy[3];

    (void)state;
    for (int k = 0; k < 3; ++k) {
        mds_model_spec spec;
        mds_model *model;
        mds_state st = {0};
        mds_scalars scalars;

        CHECK_OK(mds_model_spec_init(&spec, "ani", "ani", MDS_PRECISION_FP64));
        spec.seed = k == 2 ? 6 : 5;
        CHECK_OK(mds_model_create(&spec, device, &model));
        assert_int_equal(ani_member_count(model), 8);
        assert_int_equal(ani_descriptor_size(model), 1008);
        CHECK_OK(mds_state_init(&st, device, &s));
        CHECK_OK(mds_model_prepare(model, &st));
        CHECK_OK(mds_model_compute(model, &st, 0));
        CHECK_OK(mds_state_fetch_scalars(&st, &scalars));
        energy[k] = scalars.potential_eV;
        mds_state_fini(&st);
        mds_model_destroy(model);
    }
    assert_true(energy[0] == energy[1]);
    assert_true(fabs(energy[0] - energy[2]) > 1e-3);
    mds_structure_fini(&s);
}

static int set_up(void **state)
{
    (void)state;
    fixture_make(folder);
    CHECK_OK(mds_device_open("cpu", &device));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mds_device_memory memory;

    mds_device_get_memory(device, &memory);
    assert_int_equal(memory.used, 0);
    mds_device_close(device);
    fixture_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_energy_of_many_elements),
        cmocka_unit_test(test_energy_among_own_images),
        cmocka_unit_test(test_energy_of_molecules),
        cmocka_unit_test(test_energy_of_one_element),
        cmocka_unit_test(test_self_energies),
        cmocka_unit_test(test_forces_and_kernels_agree),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_synthetic_weights),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
