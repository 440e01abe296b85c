/* Structures of any number of atoms, and one model on two devices side by side: the CPU's result is
 * what the other one's is measured by. */
#ifndef MDS_TESTS_GPU_ENGINES_H
#define MDS_TESTS_GPU_ENGINES_H

#include "base/rng.h"
#include "harness/test.h"
#include "model/model.h"

/* A kind of matter that a model is tried with. */
typedef struct matter {
    const char *name, *engine;
    int z[2];       /* elements; 0: only one */
    double spacing; /* Å of a simple lattice, about the distance of neighbours */
    const char *file;
} matter;

static inline void skew_cell(mds_structure *s, double edge)
{
    const bool periodic[3] = {true, true, true};
    const double h[3][3] = {{edge, 0.0, 0.0},
                            {0.07 * edge, 1.02 * edge, 0.0},
                            {-0.05 * edge, 0.09 * edge, 0.97 * edge}};

    CHECK_OK(mds_box_set(&s->box, h, periodic));
}

static inline void shake(mds_structure *s, double width, uint64_t seed)
{
    for (int i = 0; i < 3 * s->n; ++i)
        s->x[i] += width * mds_rng_normal(seed, MDS_RNG_TEST, 0, (uint64_t)i / 3, (uint32_t)i % 3);
}

static inline void add_water(mds_structure *s, int molecule)
{
    const double bond = 1.03, half = 0.5 * 110.0 * MDS_PI / 180.0, turn = 0.4 + 1.3 * molecule;
    double *o = s->x + 9 * (size_t)molecule;

    for (int k = 1; k < 3; ++k) {
        const double angle = turn + (k == 1 ? half : -half);

        memcpy(o + 3 * k, o, 3 * sizeof *o);
        o[3 * k + molecule % 3] += bond * cos(angle);
        o[3 * k + (molecule + 1) % 3] += bond * sin(angle);
        s->type[3 * molecule + k] = 1;
    }
}

/* n atoms (of water: n a multiple of 3) on the first sites of a cube of the lattice, shaken. */
static inline void make_matter(mds_structure *s, const matter *kind, int n)
{
    const int unit = kind->z[0] == 8 ? 3 : 1, sites = n / unit;
    const int edge = (int)ceil(cbrt((double)sites) - 1e-9);

    memset(s, 0, sizeof *s);
    CHECK_OK(mds_structure_init(s, n, false));
    skew_cell(s, edge * kind->spacing);
    for (int t = 0; t < 2 && kind->z[t]; ++t)
        mds_species_add(&s->species, kind->z[t]);
    for (int k = 0; k < sites; ++k) {
        const double at[3] = {(k % edge + 0.4) / edge, (k / edge % edge + 0.5) / edge,
                              (k / (edge * edge) + 0.6) / edge};

        mds_box_to_cartesian(&s->box, at, s->x + 3 * (size_t)k * unit);
        if (unit == 3)
            add_water(s, k);
        else
            s->type[k] = s->species.count > 1 ? k % 3 == 1 : 0;
    }
    for (int i = 0; i < n; ++i)
        s->mass[i] = s->species.mass[s->type[i]];
    shake(s, 0.04, (uint64_t)n);
}

/* A model and a state on a device. */
typedef struct side {
    mds_device *device;
    mds_model *model;
    mds_state state;
} side;

typedef struct outcome {
    mds_scalars s;
    mds_step_block d; /* zero on the CPU */
    int n;
    double *f; /* (n,3) heap */
} outcome;

static inline mds_model_spec matter_spec(const matter *kind)
{
    mds_model_spec spec;

    CHECK_OK(mds_model_spec_init(&spec, kind->name, kind->engine, MDS_PRECISION_FP64));
    if (kind->file)
        CHECK_OK(mds_options_set_text(&spec.options, "file", kind->file));
    return spec;
}

/* Prepared with `s`. The device stays the caller's. */
static inline void side_open(side *out, mds_device *device, const matter *kind,
                             const mds_structure *s)
{
    const mds_model_spec spec = matter_spec(kind);

    memset(out, 0, sizeof *out);
    out->device = device;
    CHECK_OK(mds_state_init(&out->state, device, s));
    CHECK_OK(mds_model_create(&spec, device, &out->model));
    CHECK_OK(mds_model_prepare(out->model, &out->state));
}

static inline void side_close(side *s)
{
    mds_model_destroy(s->model);
    mds_state_fini(&s->state);
}

static inline void side_move(side *to, const mds_structure *s)
{
    CHECK_OK(mds_device_copy(to->device, to->state.x, s->x, (size_t)s->n * 3 * sizeof *s->x,
                             MDS_COPY_TO_DEVICE));
    CHECK_OK(mds_device_sync(to->device));
}

static inline outcome side_look(side *s)
{
    const size_t bytes = (size_t)s->state.n * 3 * sizeof(double);
    outcome out = {.n = s->state.n, .f = malloc(bytes)};

    CHECK_OK(mds_device_sync(s->device));
    CHECK_OK(mds_state_fetch_scalars(&s->state, &out.s));
    CHECK_OK(mds_device_copy(s->device, out.f, s->state.f, bytes, MDS_COPY_TO_HOST));
    if (s->state.d)
        CHECK_OK(mds_device_copy(s->device, &out.d, s->state.d, sizeof out.d, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(s->device));
    return out;
}

static inline outcome side_compute(side *s, unsigned want)
{
    CHECK_OK(mds_model_compute(s->model, &s->state, want));
    return side_look(s);
}

/* The same terms in float64, summed in another order, with and without fused multiply-add: forces
 * agree to some 1e-14 of the largest term; 1e-12 of the largest force is far less than what is
 * promised. The energy of water is a small rest of large terms, hence its part per atom. Returns
 * the largest difference of a force, by the largest force (or 1 eV/Å). */
static inline double check_same(const outcome *got, const outcome *want, bool virial)
{
    double largest = 1.0, worst = 0.0;

    assert_int_equal(got->d.fault, MDS_FAULT_NONE);
    for (int k = 0; k < 3 * want->n; ++k)
        largest = fmax(largest, fabs(want->f[k]));
    for (int k = 0; k < 3 * want->n; ++k) {
        assert_true(isfinite(got->f[k]) && isfinite(want->f[k]));
        worst = fmax(worst, fabs(got->f[k] - want->f[k]) / largest);
    }
    CHECK_NEAR(worst, 0.0, 0.0, 1e-12);
    CHECK_NEAR(got->s.potential_eV, want->s.potential_eV, 1e-12, 1e-13 * want->n);
    CHECK_NEAR(got->s.n_edges, want->s.n_edges, 0.0, 0.0);
    for (int k = 0; k < 9; ++k) {
        const double a = got->s.virial_eV[k / 3][k % 3], b = want->s.virial_eV[k / 3][k % 3];

        if (virial)
            CHECK_NEAR(a, b, 1e-11, 1e-12 * want->n * largest);
        else
            assert_true(isnan(a));
    }
    return worst;
}

static inline void check_bits(const outcome *got, const outcome *want)
{
    assert_memory_equal(got->f, want->f, (size_t)want->n * 3 * sizeof *want->f);
    assert_memory_equal(&got->s.potential_eV, &want->s.potential_eV, sizeof(double));
    assert_true(got->s.n_edges == want->s.n_edges);
}

/* Two elements, smooth functions that are no metal's: a setfl file for the tables, flavour fs, so
 * that the densities differ by who makes them at whom. */
static inline void write_setfl(const char *path)
{
    const int n = 400;
    const double drho = 0.05, dr = 5.0 / (n - 1), rc = 4.99;
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fprintf(file, "made\nfor\ntests\n2 Cu Al\n%d %.17g %d %.17g %.17g\n", n, drho, n, dr, rc);
    for (int t = 0; t < 2; ++t) {
        fprintf(file, "%d %.3f 3.6 fcc\n", t ? 13 : 29, t ? 26.98 : 63.55);
        for (int k = 0; k < n; ++k)
            fprintf(file, "%.17g\n", -(1.2 + 0.3 * t) * sqrt(k * drho + 0.01));
        for (int at = 0; at < 2; ++at)
            for (int k = 0; k < n; ++k) {
                const double x = fmax(0.0, 1.0 - k * dr / rc);

                fprintf(file, "%.17g\n", (4.0 + t + 2.0 * at) * x * x * x);
            }
    }
    for (int pair = 0; pair < 3; ++pair)
        for (int k = 0; k < n; ++k) {
            const double r = k * dr, x = fmax(0.0, 1.0 - r / rc);

            fprintf(file, "%.17g\n", r * (3.0 + pair) * x * x * x * exp(-0.3 * r));
        }
    assert_int_equal(fclose(file), 0);
}

#endif
