/* The water engine against a plain sum over all images, against its own energy by finite
 * differences, and on what it must refuse. */
#include "harness/test.h"

#include "base/rng.h"
#include "model/model.h"
#include "model/spcfw/spcfw_math.h"

static mds_device *device;

static double uniform(int seed, int k)
{
    const mds_philox_block b = mds_rng_block((uint64_t)seed, MDS_RNG_TEST, 0, (uint64_t)k, 0);

    return mds_uniform(b.word[0], b.word[1]);
}

/* na·nb·nc molecules on a grid of the cell, turned at random, each atom then moved by a random
 * lattice vector when `broken`. */
static void make_water(mds_state *state, const double h[3][3], const int grid[3], int seed,
                       bool broken)
{
    const bool periodic[3] = {true, true, true};
    const int n = 3 * grid[0] * grid[1] * grid[2];
    mds_structure structure = {0};

    CHECK_OK(mds_structure_init(&structure, n, false));
    CHECK_OK(mds_box_set(&structure.box, h, periodic));
    for (int i = 0; i < n; ++i) {
        const int m = i / 3;
        const double s[3] = {(m % grid[0] + 0.1 * uniform(seed, 50 * m + 1)) / grid[0],
                             (m / grid[0] % grid[1] + 0.1 * uniform(seed, 50 * m + 2)) / grid[1],
                             (m / grid[0] / grid[1] + 0.1 * uniform(seed, 50 * m + 3)) / grid[2]};
        const double z = 2.0 * uniform(seed, 50 * m + 4) - 1.0, w = sqrt(1.0 - z * z);
        const double phi = 2.0 * MDS_PI * uniform(seed, 50 * m + 5);
        const double u[3] = {w * cos(phi), w * sin(phi), z}, v[3] = {-sin(phi), cos(phi), 0.0};
        const double bend = 1.9 + 0.2 * uniform(seed, 50 * m + 6);
        const double length = 0.95 + 0.1 * uniform(seed, 50 * m + 6 + i % 3);
        double r[3];

        structure.type[i] = mds_species_add(&structure.species, i % 3 ? 1 : 8);
        mds_box_to_cartesian(&structure.box, s, r);
        for (int d = 0; d < 3; ++d) {
            if (i % 3 == 1)
                r[d] += length * u[d];
            if (i % 3 == 2)
                r[d] += length * (cos(bend) * u[d] + sin(bend) * v[d]);
        }
        for (int e = 0; broken && e < 3; ++e) {
            const int k = (int)(5.0 * uniform(seed, 50 * m + 10 + 3 * e + i % 3)) - 2;

            for (int d = 0; d < 3; ++d)
                r[d] += k * h[e][d];
        }
        memcpy(structure.x + 3 * i, r, sizeof r);
        structure.mass[i] = 1.0;
    }
    CHECK_OK(mds_state_init(state, device, &structure));
    mds_structure_fini(&structure);
}

static mds_status try_model(const mds_state *state, const char *kernel, double skin,
                            mds_model **model)
{
    mds_model_spec spec;

    CHECK_OK(mds_model_spec_init(&spec, "spcfw", "spcfw", MDS_PRECISION_FP64));
    CHECK_OK(mds_options_set_text(&spec.options, "kernel", kernel));
    CHECK_OK(mds_options_set_number(&spec.options, "skin_A", skin));
    mds_status status = mds_model_create(&spec, device, model);
    if (status == MDS_OK)
        status = mds_model_prepare(*model, state);
    return status;
}

static mds_model *open_model(const mds_state *state, double skin)
{
    mds_model *model;

    CHECK_OK(try_model(state, "auto", skin, &model));
    return model;
}

/* ---- the plain sum ------------------------------------------------------------------------------
 */

typedef struct plain {
    double energy, w[3][3], f[600][3];
} plain;

static void add_pair(plain *sum, int i, int j, const double d[3], spcfw_pair pair, double weight)
{
    sum->energy += weight * pair.energy;
    for (int a = 0; a < 3; ++a) {
        sum->f[i][a] -= weight * pair.force_over_r * d[a];
        sum->f[j][a] += weight * pair.force_over_r * d[a];
        for (int b = 0; b < 3; ++b)
            sum->w[a][b] += weight * pair.force_over_r * d[a] * d[b];
    }
}

static double charge(int i)
{
    return i % 3 ? SPCFW_CHARGE_H : SPCFW_CHARGE_O;
}

/* One ordered pair (i, image of j); `nearest` is the intramolecular nearest image. */
static void plain_pair(plain *sum, const spcfw_dsf *dsf, int i, int j, const double d[3],
                       bool nearest)
{
    const double s = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    const double qq = SPCFW_COULOMB * charge(i) * charge(j);
    spcfw_pair pair = spcfw_coulomb(dsf, s);

    if (s >= dsf->cutoff * dsf->cutoff)
        return;
    if (nearest) { /* as the specification has it: without 1/r */
        pair.energy -= 1.0 / sqrt(s);
        pair.force_over_r -= 1.0 / (s * sqrt(s));
    }
    add_pair(sum, i, j, d, pair, 0.5 * qq);
    if (i % 3 == 0 && j % 3 == 0) {
        pair = spcfw_lennard_jones(s);
        pair.energy -= spcfw_lennard_jones(dsf->cutoff * dsf->cutoff).energy;
        add_pair(sum, i, j, d, pair, 0.5);
    }
}

static void plain_molecule(plain *sum, const mds_state *state, int o)
{
    double a[2][3], f[2][3];

    for (int k = 0; k < 2; ++k) {
        for (int d = 0; d < 3; ++d)
            a[k][d] = state->x[3 * (o + 1 + k) + d] - state->x[3 * o + d];
        mds_box_minimum_image(&state->box, a[k]);
        add_pair(sum, o, o + 1 + k, a[k],
                 spcfw_bond(a[k][0] * a[k][0] + a[k][1] * a[k][1] + a[k][2] * a[k][2]), 1.0);
    }
    sum->energy += spcfw_angle(a[0], a[1], f[0], f[1]);
    for (int k = 0; k < 2; ++k)
        for (int d = 0; d < 3; ++d) {
            sum->f[o + 1 + k][d] += f[k][d];
            sum->f[o][d] -= f[k][d];
            for (int e = 0; e < 3; ++e)
                sum->w[e][d] += a[k][e] * f[k][d];
        }
}

static void plain_sum(plain *sum, const mds_state *state)
{
    const spcfw_dsf dsf = spcfw_dsf_make(0.2, 9.0);
    int most[3];

    memset(sum, 0, sizeof *sum);
    assert_true(state->n <= 600);
    for (int i = 0; i < state->n; ++i) {
        sum->energy += spcfw_self_energy(&dsf, charge(i));
        if (i % 3 == 0)
            plain_molecule(sum, state, i);
        for (int j = 0; j < state->n; ++j) {
            double near[3], d[3];

            /* From the nearest image all others follow within 9 Å plus its own length. */
            for (int k = 0; k < 3; ++k)
                near[k] = state->x[3 * j + k] - state->x[3 * i + k];
            mds_box_minimum_image(&state->box, near);
            const double length = sqrt(near[0] * near[0] + near[1] * near[1] + near[2] * near[2]);
            for (int k = 0; k < 3; ++k)
                most[k] = (int)((9.0 + length) / state->box.height[k]) + 1;
            for (int a = -most[0]; a <= most[0]; ++a)
                for (int b = -most[1]; b <= most[1]; ++b)
                    for (int c = -most[2]; c <= most[2]; ++c) {
                        const bool here = !a && !b && !c;

                        for (int k = 0; k < 3; ++k)
                            d[k] = near[k] + a * state->box.h[0][k] + b * state->box.h[1][k] +
                                   c * state->box.h[2][k];
                        if (i != j || !here)
                            plain_pair(sum, &dsf, i, j, d, i != j && i / 3 == j / 3 && here);
                    }
        }
    }
}

/* Both sums round differently, and the kernels' polynomials leave 1e-12 per pair: 1e-10 eV and
 * 5e-9 eV/Å for the few hundred neighbours of an atom. */
static void compare(const mds_state *state, const plain *want)
{
    CHECK_NEAR(state->s->potential_eV, want->energy, 0.0, 1e-9 * state->n);
    for (int k = 0; k < 3 * state->n; ++k)
        CHECK_NEAR(state->f[k], want->f[k / 3][k % 3], 1e-12, 5e-9);
    for (int k = 0; k < 9; ++k)
        CHECK_NEAR(state->s->virial_eV[k / 3][k % 3], want->w[k / 3][k % 3], 1e-12,
                   1e-8 * state->n);
}

static void check_plain(const double h[3][3], const int grid[3], int seed, bool broken)
{
    static const char *const kernels[] = {"avx512", "avx2", "portable"};
    static plain want;
    mds_state state = {0};

    make_water(&state, h, grid, seed, broken);
    plain_sum(&want, &state);
    for (int k = 0; k < 3; ++k)
        for (int s = 0; s < 3; ++s) {
            mds_model *model;
            const mds_status status =
                try_model(&state, kernels[k], (const double[]){0.0, 1.0, 3.0}[s], &model);

            if (status == MDS_ERR_UNSUPPORTED)
                continue; /* a processor without these vectors */
            assert_int_equal(status, MDS_OK);
            CHECK_OK(mds_model_compute(model, &state, MDS_WANT_VIRIAL));
            compare(&state, &want);
            CHECK_NEAR(state.s->rebuilt, 1.0, 0.0, 0.0);
            mds_model_destroy(model);
        }
    mds_state_fini(&state);
}

static void test_plain_sum(void **unused)
{
    const double small[3][3] = {{6.3, 0, 0}, {0, 6.1, 0}, {0, 0, 6.2}};
    const double skewed[3][3] = {{6.2, 0, 0}, {7.5, 6.2, 0}, {-4.0, 9.0, 6.2}};
    const double turned[3][3] = {{1.0, 8.0, 2.0}, {-9.0, 1.5, 0.5}, {0.3, 1.0, 7.0}};
    const double slab[3][3] = {{3.1, 0, 0}, {0, 20.0, 0}, {0.5, 0, 10.0}};
    const double tiny[3][3] = {{3.1, 0, 0}, {0, 3.1, 0}, {0, 0, 3.1}};
    const double thin[3][3] = {{2.2, 0, 0}, {0, 6.0, 0}, {0, 0, 7.0}};

    (void)unused;
    check_plain(small, (const int[]){2, 2, 2}, 1, false);
    check_plain(small, (const int[]){2, 2, 2}, 2, true);
    check_plain(skewed, (const int[]){2, 2, 2}, 3, true); /* equals a cube of 6.2 Å, much tilted */
    check_plain(turned, (const int[]){3, 3, 2}, 4, true); /* left-handed as well */
    check_plain(slab, (const int[]){1, 6, 3}, 5, true);
    check_plain(tiny, (const int[]){1, 1, 1}, 6, true); /* one molecule and its images */
    check_plain(thin, (const int[]){1, 2, 2}, 7, true); /* H–H beyond half a height */
}

/* ---- derivatives --------------------------------------------------------------------------------
 */

/* No edge is 9 Å: an atom would see its own image exactly at the cutoff, where the Lennard-Jones
 * force jumps. */
static const double cell[3][3] = {{9.2, 0, 0}, {1.0, 9.5, 0}, {-2.0, 1.5, 10.0}};
static const int cells[3] = {3, 3, 3};

static double energy_of(mds_model *model, mds_state *state)
{
    CHECK_OK(mds_model_compute(model, state, 0));
    return state->s->potential_eV;
}

static void test_forces_are_gradients(void **unused)
{
    const double h = 1e-4;
    mds_state state = {0};

    (void)unused;
    make_water(&state, cell, cells, 11, true);
    mds_model *model = open_model(&state, 1.0);
    double *forces = malloc((size_t)state.n * 3 * sizeof *forces);

    CHECK_OK(mds_model_compute(model, &state, 0));
    memcpy(forces, state.f, (size_t)state.n * 3 * sizeof *forces);
    for (int k = 0; k < 3 * state.n; k += 7) {
        const double keep = state.x[k];

        state.x[k] = keep + h;
        const double up = energy_of(model, &state);
        state.x[k] = keep - h;
        const double down = energy_of(model, &state);
        state.x[k] = keep;
        /* h² E'''/6 with E''' of a bond up to 1e3 eV/ų leaves 2e-6; the Lennard-Jones cutoff jumps
         * in force, and may be crossed: 24 ε (σ/rc)⁶/rc h/2 = 2e-9. */
        CHECK_NEAR((down - up) / (2.0 * h), forces[k], 1e-6, 3e-6);
    }
    free(forces);
    mds_model_destroy(model);
    mds_state_fini(&state);
}

static void test_virial_is_strain_derivative(void **unused)
{
    const double h = 1e-5;
    mds_state state = {0};
    double w[3][3];

    (void)unused;
    make_water(&state, cell, cells, 12, false);
    mds_model *model = open_model(&state, 1.0);
    double *x = malloc((size_t)state.n * 3 * sizeof *x);

    CHECK_OK(mds_model_compute(model, &state, MDS_WANT_VIRIAL));
    memcpy(w, state.s->virial_eV, sizeof w);
    memcpy(x, state.x, (size_t)state.n * 3 * sizeof *x);
    const mds_box box = state.box;

    for (int k = 0; k < 9; ++k) {
        double e[2];

        for (int side = 0; side < 2; ++side) {
            double strained[3][3];
            const double eps = side ? h : -h;

            memcpy(strained, box.h, sizeof strained);
            for (int i = 0; i < 3; ++i) /* r' = r + ε r_a e_b */
                strained[i][k % 3] += eps * box.h[i][k / 3];
            for (int i = 0; i < state.n; ++i) {
                memcpy(state.x + 3 * i, x + 3 * i, 3 * sizeof *x);
                state.x[3 * i + k % 3] += eps * x[3 * i + k / 3];
            }
            CHECK_OK(mds_box_set(&state.box, (const double(*)[3])strained, box.periodic));
            e[side] = energy_of(model, &state);
        }
        /* Rounding 1e-14·200 eV / 2e-5; curvature h² k_b l² per bond. */
        CHECK_NEAR((e[0] - e[1]) / (2.0 * h), w[k / 3][k % 3], 1e-6, 2e-6);
        CHECK_NEAR(w[k / 3][k % 3], w[k % 3][k / 3], 0.0, 0.0);
    }
    free(x);
    mds_model_destroy(model);
    mds_state_fini(&state);
}

/* ---- the list over many steps --------------------------------------------------------------- */

/* Molecules that drift against each other in a deforming cell: with the list kept as the skin
 * allows, energy and forces are those of a list made afresh at every step. */
static void test_list_stays_valid(void **unused)
{
    mds_state state = {0};
    double builds = 0.0;

    (void)unused;
    make_water(&state, cell, cells, 13, true);
    mds_model *model = open_model(&state, 1.5), *fresh = open_model(&state, 0.0);
    double *forces = malloc((size_t)state.n * 3 * sizeof *forces);
    const mds_box start = state.box;

    for (int step = 0; step < 80; ++step) {
        double h[3][3];
        const double strain = 0.001;

        for (int i = 0; i < state.n / 3; ++i)
            for (int d = 0; d < 3; ++d) {
                const double move = d == i % 3 ? (i % 2 ? 0.04 : -0.04) : 0.0;

                for (int a = 0; a < 3; ++a) /* molecules move as a whole */
                    state.x[9 * i + 3 * a + d] += move;
            }
        memcpy(h, state.box.h, sizeof h);
        for (int i = 0; i < 3; ++i)
            h[i][1] += strain * (h[i][0] - h[i][1]);
        for (int i = 0; i < state.n; ++i)
            state.x[3 * i + 1] += strain * (state.x[3 * i] - state.x[3 * i + 1]);
        CHECK_OK(mds_box_set(&state.box, (const double(*)[3])h, start.periodic));

        const double energy = energy_of(model, &state);
        builds += state.s->rebuilt;
        memcpy(forces, state.f, (size_t)state.n * 3 * sizeof *forces);
        CHECK_NEAR(energy_of(fresh, &state), energy, 1e-12, 1e-9);
        for (int k = 0; k < 3 * state.n; ++k)
            CHECK_NEAR(state.f[k], forces[k], 1e-10, 1e-9);
    }
    assert_true(builds > 1.0 && builds < 40.0);
    free(forces);
    mds_model_destroy(model);
    mds_model_destroy(fresh);
    mds_state_fini(&state);
}

static void test_repeatable(void **unused)
{
    mds_state state[2] = {{0}, {0}};
    mds_model *model[2];

    (void)unused;
    for (int k = 0; k < 2; ++k) {
        make_water(&state[k], cell, cells, 14, false);
        model[k] = open_model(&state[k], 0.5);
    }
    for (int step = 0; step < 20; ++step) {
        for (int k = 0; k < 2; ++k) {
            CHECK_OK(mds_model_compute(model[k], &state[k], step % 2 ? MDS_WANT_VIRIAL : 0));
            for (int i = 0; i < 3 * state[k].n; ++i)
                state[k].x[i] += 0.01 * state[k].f[i];
        }
        assert_memory_equal(state[0].f, state[1].f, (size_t)state[0].n * 3 * sizeof(double));
        assert_memory_equal(state[0].s, state[1].s, sizeof *state[0].s);
    }
    for (int k = 0; k < 2; ++k) {
        mds_model_destroy(model[k]);
        mds_state_fini(&state[k]);
    }
}

/* One model serves another state after a second prepare, and a virial not wanted is NaN. */
static void test_prepare_again(void **unused)
{
    const double small[3][3] = {{6.3, 0, 0}, {0, 6.1, 0}, {0, 0, 6.2}};
    mds_state big = {0}, little = {0};

    (void)unused;
    make_water(&big, cell, cells, 15, false);
    make_water(&little, small, (const int[]){2, 2, 2}, 16, false);
    mds_model *model = open_model(&big, 1.0), *other = open_model(&little, 1.0);
    const double want = energy_of(other, &little);

    energy_of(model, &big);
    assert_true(isnan(big.s->virial_eV[0][0]));
    assert_true(big.s->n_edges > 0.0);
    CHECK_OK(mds_model_prepare(model, &little));
    CHECK_NEAR(energy_of(model, &little), want, 0.0, 0.0);
    mds_model_destroy(model);
    mds_model_destroy(other);
    mds_state_fini(&big);
    mds_state_fini(&little);
}

/* ---- refusals -----------------------------------------------------------------------------------
 */

static void refuse(mds_state *state, mds_status want, const char *words)
{
    mds_model *model;

    CHECK_FAILS(try_model(state, "auto", 1.0, &model), want, words);
    mds_model_destroy(model);
}

static void test_refusals(void **unused)
{
    mds_state state = {0};
    mds_model_spec spec;
    mds_model_target target = {.n_atoms = 96, .periodic = true};
    mds_model *model;

    (void)unused;
    make_water(&state, cell, cells, 17, false);
    state.type[4] = state.type[3];
    refuse(&state, MDS_ERR_CONFIG, "atom 4 is O");
    state.type[4] = state.type[5];
    state.type[0] = state.type[1];
    refuse(&state, MDS_ERR_CONFIG, "atom 0 is H");
    state.type[0] = state.type[3];
    state.n -= 1;
    refuse(&state, MDS_ERR_CONFIG, "atom 78 begins a molecule");
    state.n += 1;
    const double keep = state.x[3 * 5];
    state.x[3 * 5] += 4.6; /* half the cell, so that no image is near */
    refuse(&state, MDS_ERR_CONFIG, "atom 5 (H) is");
    state.x[3 * 5] = keep;
    state.box.periodic[2] = false;
    refuse(&state, MDS_ERR_UNSUPPORTED, "periodic");
    state.box.periodic[2] = true;

    model = open_model(&state, 1.0);
    energy_of(model, &state);
    state.x[10] = NAN;
    CHECK_FAILS(mds_model_compute(model, &state, 0), MDS_ERR_NUMERIC, "atom 3");
    mds_model_destroy(model);
    mds_state_fini(&state);

    CHECK_OK(mds_model_spec_init(&spec, "spcfw", "spcfw", MDS_PRECISION_FP64));
    mds_species_add(&target.species, 8);
    CHECK_FAILS(mds_model_supports(&spec, &target, true, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED,
                "water");
    mds_species_add(&target.species, 1);
    CHECK_OK(mds_model_supports(&spec, &target, true, MDS_DEVICE_CPU));
    target.n_atoms = 97;
    CHECK_FAILS(mds_model_supports(&spec, &target, true, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED,
                "97 atoms");
    CHECK_OK(mds_options_set_number(&spec.options, "cutoff_A", 15.0));
    CHECK_FAILS(mds_model_create(&spec, device, &model), MDS_ERR_CONFIG, "alpha * cutoff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_sum),
        cmocka_unit_test(test_forces_are_gradients),
        cmocka_unit_test(test_virial_is_strain_derivative),
        cmocka_unit_test(test_list_stays_valid),
        cmocka_unit_test(test_repeatable),
        cmocka_unit_test(test_prepare_again),
        cmocka_unit_test(test_refusals),
    };

    if (mds_device_open("cpu", &device) != MDS_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    mds_device_close(device);
    return failed;
}
