/* ANI networks on CUDA beside the CPU: the small model of the CPU's tests (odd widths and shifts,
 * so that everything padded is there), structures, and what must agree how well. */
#ifndef MDS_TESTS_GPU_ANI_SIDES_H
#define MDS_TESTS_GPU_ANI_SIDES_H

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
    const char *network; /* NULL: as it is */
    double skin;         /* 0: as it is */
} choice;

static inline double tolerance_of(const choice *c)
{
    return c->precision == MDS_PRECISION_FP64 ? 1e-11 : 5e-6;
}

static inline mds_model_spec spec_of(const choice *c, mds_precision precision)
{
    mds_model_spec spec;

    CHECK_OK(mds_model_spec_init(&spec, "ani", "ani", precision));
    CHECK_OK(mds_options_set_number(&spec.options, "member", c->member));
    if (c->network)
        CHECK_OK(mds_options_set_text(&spec.options, "network",
                                      precision == MDS_PRECISION_FP64 ? "auto" : c->network));
    if (c->skin > 0.0)
        CHECK_OK(mds_options_set_number(&spec.options, "skin_A", c->skin));
    if (c->weights)
        CHECK_OK(mds_options_set_text(&spec.options, "weights", c->weights));
    else
        spec.seed = SYNTHETIC;
    return spec;
}

/* Prepared with `s`. The CPU always computes in float64: what it says is right. */
static inline void open_side(side *out, mds_device *device, const choice *c, const mds_structure *s)
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
static inline mds_structure scatter(double edge, const int *z, int kinds, int n, bool periodic)
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

static inline double largest_force(const outcome *o)
{
    double largest = 1.0;

    for (int k = 0; k < 3 * o->n; ++k)
        largest = fmax(largest, fabs(o->f[k]));
    return largest;
}

static inline void check_close(const outcome *got, const outcome *want, double tolerance,
                               bool virial)
{
    const double scale = tolerance * largest_force(want);

    assert_int_equal(got->d.fault, MDS_FAULT_NONE);
    CHECK_NEAR(got->s.n_edges, want->s.n_edges, 0.0, 0.0);
    CHECK_NEAR(got->s.potential_eV, want->s.potential_eV, tolerance, tolerance * want->n * 3.0);
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

static inline void check_descriptors(const side *got, const side *want, int n, double tolerance)
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

static inline int no_leaks(void **state)
{
    mds_device_memory memory;

    (void)state;
    mds_device_get_memory(cuda, &memory);
    assert_int_equal(memory.used, 0);
    return 0;
}

#define ON_CUDA(test) cmocka_unit_test_teardown(test, no_leaks)

/* In main(): opens the devices and makes the model; 77 where there is no device. */
static inline int run_on_cuda(const struct CMUnitTest *tests, size_t count)
{
    if (mds_device_open("cuda:0", &cuda) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    CHECK_OK(mds_device_open("cpu", &cpu));
    fixture_make(folder);
    const int failed = _cmocka_run_group_tests("ani", tests, count, NULL, NULL);
    fixture_remove(folder);
    mds_device_close(cuda);
    mds_device_close(cpu);
    return failed;
}

#endif
