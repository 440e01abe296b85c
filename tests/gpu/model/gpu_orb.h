/* An Orb network of synthetic weights and reduced depth on the CPU and on a CUDA device, and
 * structures that are hard for it. */
#ifndef MDS_TESTS_GPU_ORB_H
#define MDS_TESTS_GPU_ORB_H

#include "base/rng.h"
#include "harness/test.h"
#include "model/orb/orb.h"
#include "model/orb/orb_model.h"

typedef struct twins {
    mds_device *device[2]; /* the host's, CUDA's */
    mds_model *model[2];
    mds_state state[2];
} twins;

typedef struct outcome {
    int n;
    mds_scalars s;
    double f[3 * 128];
} outcome;

static inline mds_model_spec twins_spec(const char *variant, int layers, mds_precision precision)
{
    mds_model_spec spec;

    CHECK_OK(mds_model_spec_init(&spec, variant, "orb", precision));
    CHECK_OK(mds_options_set_text(&spec.options, "variant", variant));
    CHECK_OK(mds_options_set_number(&spec.options, "synthetic", 1));
    CHECK_OK(mds_options_set_number(&spec.options, "layers", layers));
    return spec;
}

/* The precision is CUDA's; the host's is float64 or float32. */
static inline void twins_open(twins *t, const char *variant, int layers, mds_precision host,
                              mds_precision cuda)
{
    const mds_model_spec specs[2] = {twins_spec(variant, layers, host),
                                     twins_spec(variant, layers, cuda)};

    memset(t, 0, sizeof *t);
    CHECK_OK(mds_device_open("cpu", &t->device[0]));
    CHECK_OK(mds_device_open("cuda:0", &t->device[1]));
    for (int side = 0; side < 2; ++side)
        CHECK_OK(mds_model_create(&specs[side], t->device[side], &t->model[side]));
}

static inline void twins_prepare(twins *t, const mds_structure *s)
{
    for (int side = 0; side < 2; ++side) {
        mds_state_fini(&t->state[side]);
        t->state[side] = (mds_state){0};
        CHECK_OK(mds_state_init(&t->state[side], t->device[side], s));
        CHECK_OK(mds_model_prepare(t->model[side], &t->state[side]));
    }
}

static inline void twins_move(twins *t, const mds_structure *s)
{
    for (int side = 0; side < 2; ++side) {
        CHECK_OK(mds_device_copy(t->device[side], t->state[side].x, s->x,
                                 (size_t)s->n * 3 * sizeof *s->x, MDS_COPY_TO_DEVICE));
        CHECK_OK(mds_device_sync(t->device[side]));
    }
}

static inline void twins_close(twins *t)
{
    for (int side = 0; side < 2; ++side) {
        mds_state_fini(&t->state[side]);
        mds_model_destroy(t->model[side]);
        mds_device_memory memory;
        mds_device_get_memory(t->device[side], &memory);
        assert_int_equal(memory.used, 0);
        mds_device_close(t->device[side]);
    }
}

static inline outcome twins_look(twins *t, int side)
{
    outcome out = {.n = t->state[side].n};

    assert_true(out.n <= 128);
    CHECK_OK(mds_state_fetch_scalars(&t->state[side], &out.s));
    CHECK_OK(mds_device_copy(t->device[side], out.f, t->state[side].f,
                             (size_t)out.n * 3 * sizeof(double), MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(t->device[side]));
    return out;
}

static inline outcome twins_compute(twins *t, int side, unsigned want)
{
    CHECK_OK(mds_model_compute(t->model[side], &t->state[side], want));
    return twins_look(t, side);
}

static inline int twins_fault(const twins *t)
{
    mds_step_block block;

    CHECK_OK(mds_device_copy(t->device[1], &block, t->state[1].d, sizeof block, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(t->device[1]));
    return block.fault;
}

static inline double largest_of(const double *x, int count)
{
    double largest = 0.0;

    for (int k = 0; k < count; ++k)
        largest = fmax(largest, fabs(x[k]));
    return largest;
}

/* Forces and virial relative to their largest, the energy to its part per atom; a virial that one
 * has not got, the other must not have. Returns the largest difference of a force. */
static inline double check_near(const outcome *got, const outcome *want, double tolerance)
{
    const double *w = &want->s.virial_eV[0][0], *v = &got->s.virial_eV[0][0];
    const double force = fmax(largest_of(want->f, 3 * want->n), 1e-3);
    double worst = 0.0;

    assert_true(got->s.n_edges == want->s.n_edges);
    CHECK_NEAR(got->s.potential_eV, want->s.potential_eV, tolerance, tolerance * want->n);
    for (int k = 0; k < 3 * want->n; ++k) {
        assert_true(isfinite(got->f[k]));
        worst = fmax(worst, fabs(got->f[k] - want->f[k]) / force);
    }
    CHECK_NEAR(worst, 0.0, 0.0, tolerance);
    for (int k = 0; k < 9; ++k)
        if (isnan(w[k]))
            assert_true(isnan(v[k]));
        else
            CHECK_NEAR(v[k], w[k], 0.0, tolerance * fmax(largest_of(w, 9), 1.0));
    return worst;
}

static inline void check_bits(const outcome *got, const outcome *want)
{
    assert_memory_equal(got->f, want->f, (size_t)want->n * 3 * sizeof *want->f);
    assert_memory_equal(&got->s.potential_eV, &want->s.potential_eV, sizeof(double));
    assert_memory_equal(got->s.virial_eV, want->s.virial_eV, sizeof want->s.virial_eV);
}

/* ---- structures ---- */

static inline void orb_matter(mds_structure *s, const double h[3][3], bool periodic, int count,
                              const double (*at)[3])
{
    static const int z[8] = {11, 17, 14, 8, 12, 1, 26, 29};
    const bool sides[3] = {periodic, periodic, periodic};
    const double none[3][3] = {{0}};

    memset(s, 0, sizeof *s);
    CHECK_OK(mds_structure_init(s, count, false));
    CHECK_OK(mds_box_set(&s->box, periodic ? h : none, sides));
    for (int i = 0; i < count; ++i) {
        s->type[i] = mds_species_add(&s->species, z[i % 8]);
        s->mass[i] = mds_element_mass(z[i % 8]);
        for (int a = 0; a < 3; ++a)
            s->x[3 * i + a] = at[i][0] * h[0][a] + at[i][1] * h[1][a] + at[i][2] * h[2][a];
    }
}

enum {
    SMALL_CELL, /* the golden vectors' cell, with a hydrogen near its oxygen: the repulsion works */
    PERFECT,    /* fcc, whose shells are cut between equals */
    ONE_ATOM,   /* all neighbours are its own images */
    THIN,     /* triclinic and left-handed, far thinner than the cutoff; atoms away from the cell */
    MOLECULE, /* no cell, fewer neighbours than there may be */
    LINEAR,   /* ... without a unique axis */
    SCATTERED, /* 33 atoms, more than a warp has lanes, in a larger cell */
    STRUCTURES
};

static inline void orb_scatter(mds_structure *s, int count, double edge, bool periodic)
{
    const double h[3][3] = {{edge, 0, 0}, {0.1 * edge, edge, 0}, {-0.05 * edge, 0.2 * edge, edge}};
    double at[128][3] = {{0}};

    for (int i = 0; i < count; ++i)
        for (int a = 0; a < 3; ++a) /* a lattice of four a side, shaken */
            at[i][a] = ((a == 0   ? i % 4
                         : a == 1 ? i / 4 % 4
                                  : i / 16) +
                        0.5) /
                           4.0 +
                       0.05 * mds_rng_normal(7, MDS_RNG_TEST, 0, (uint64_t)i, (uint32_t)a);
    orb_matter(s, h, periodic, count, (const double(*)[3])at);
}

static inline void orb_structure(mds_structure *s, int which)
{
    static const double golden[3][3] = {{5.1, 0, 0}, {.4, 5.3, 0}, {-.3, .5, 4.9}};
    static const double copper[3][3] = {{3.58, 0, 0}, {0, 3.58, 0}, {0, 0, 3.58}};
    static const double primitive[3][3] = {{0, 1.8, 1.8}, {1.8, 0, 1.8}, {1.8, 1.8, 0}};
    static const double thin[3][3] = {{2.4, 0, 0}, {1.1, 3.3, 0}, {-0.9, 1.4, -9.1}};
    static const double unit[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    static const double fcc[4][3] = {{0, 0, 0}, {0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};
    static const double random[8][3] = {{.02, .01, .01},  {.51, .02, .05}, {.05, .51, .01},
                                        {.01, .06, .52},  {.55, .5, -.02}, {.08, .2, .42},
                                        {.03, .54, 1.49}, {.54, -.42, .51}};
    static const double bent[5][3] = {
        {0, 0, 0}, {1.1, .2, -.3}, {.3, 1.4, .5}, {-1.0, .4, 1.6}, {4.1, 3.6, 2.9}};
    static const double line[3][3] = {{0, 0, 0}, {.7, .5, .9}, {1.4, 1.0, 1.8}};

    switch (which) {
    case SMALL_CELL:
        orb_matter(s, golden, true, 8, random);
        break;
    case PERFECT:
        orb_matter(s, copper, true, 4, fcc);
        break;
    case ONE_ATOM:
        orb_matter(s, primitive, true, 1, fcc);
        break;
    case THIN:
        orb_matter(s, thin, true, 3, random + 5);
        break;
    case MOLECULE:
        orb_matter(s, unit, false, 5, bent);
        break;
    case LINEAR:
        orb_matter(s, unit, false, 3, line);
        break;
    default:
        orb_scatter(s, 33, 11.0, true);
        break;
    }
}

static inline void orb_shake(mds_structure *s, double width, uint64_t seed)
{
    for (int i = 0; i < 3 * s->n; ++i)
        s->x[i] += width * mds_rng_normal(seed, MDS_RNG_TEST, 0, (uint64_t)i / 3, (uint32_t)i % 3);
}

#endif
