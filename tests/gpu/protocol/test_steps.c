/* Steps on a CUDA device against those on the host: the same trajectories with the same noise, the
 * same numbers beside them, whether kernel by kernel or as a graph. */
#include "unit/protocol/rig.h"

#include <cuda_runtime.h>

typedef enum material { ARGON, CLUSTER, GAS, SPRINGS } material;

/* What a trajectory leaves. */
typedef struct outcome {
    mds_structure structure;
    mds_scalars s;
    int64_t step;
} outcome;

typedef struct plan {
    const char *protocol;
    material material;
    int count; /* lattice cells across */
    int steps;
    double temperature_K;
} plan;

static void make(const plan *p, mds_structure *s)
{
    static const bool none[3] = {false, false, false};
    double h[3][3];

    switch (p->material) {
    case ARGON:
    case CLUSTER:
        rig_lattice(s, 18, p->count, 5.35, true);
        break;
    case GAS:
        rig_lattice(s, 18, p->count, 11.0, false);
        break;
    case SPRINGS:
        rig_lattice(s, 18, p->count, 4.0, false);
        break;
    }
    if (p->material == CLUSTER) {
        memcpy(h, s->box.h, sizeof h);
        CHECK_OK(mds_box_set(&s->box, (const double(*)[3])h, none));
    }
}

static void open_plan(rig *r, const plan *p, const char *device)
{
    static const char *const models[] = {"lj", "lj", "null", "harmonic"};
    mds_structure s;

    make(p, &s);
    rig_open_on(r, device, &s, models[p->material]);
    CHECK_OK(mds_state_draw_velocities(&r->state, 1.5 * p->temperature_K, 5));
    r->config.temperature_K = p->temperature_K;
    r->config.pressure_GPa = 0.05;
    r->config.dt_fs = 2.0;
}

static void finish(rig *r, outcome *out)
{
    CHECK_OK(mds_state_pull_block(&r->state));
    CHECK_OK(mds_state_fetch(&r->state, &out->structure));
    CHECK_OK(mds_state_fetch_scalars(&r->state, &out->s));
    out->step = r->state.step;
    rig_close(r);
}

/* Where each kernel runs several times (MDS_SHIM_CHECK), a few steps show as much. */
static int steps_of(const plan *p)
{
    return getenv("MDS_SHIM_CHECK") && p->steps > 6 ? 6 : p->steps;
}

/* Every fourth step with the virial, as a run does: both kinds of step are recorded. `components`:
 * with regions that are timed, which is kernel by kernel. */
static void run(const plan *p, const char *device, bool components, outcome *out)
{
    mds_regions regions = {.on = components};
    rig r;

    open_plan(&r, p, device);
    regions.device = r.device;
    r.config.regions = &regions;
    mds_model_set_regions(r.model, &regions);
    /* Fast thermostats and barostats, so that a wrong one shows. */
    if (strncmp(p->protocol, "npt", 3) == 0)
        rig_start2(&r, p->protocol, "tau_p_fs", 200.0, "compressibility_1_GPa", 0.4);
    else if (strcmp(p->protocol, "nvt-svr") == 0 || strcmp(p->protocol, "nvt-nhc") == 0)
        rig_start2(&r, p->protocol, "tau_fs", 40.0, NULL, 0.0);
    else
        rig_start(&r, p->protocol);
    for (int k = 0; k < steps_of(p); ++k)
        rig_run(&r, 1, k % 4 == 3 ? MDS_WANT_VIRIAL : 0u);
    mds_model_set_regions(r.model, NULL);
    finish(&r, out);
}

static void forget(outcome *o)
{
    mds_structure_fini(&o->structure);
}

/* Positions agree to 1e-8 Å: the two differ only by the rounding of sums, which the motion of 100
 * steps multiplies by a few hundred. Energies: relative to their size in kT of a few hundred atoms.
 */
static void check_alike(const outcome *cpu, const outcome *gpu)
{
    const mds_structure *a = &cpu->structure, *b = &gpu->structure;
    const mds_scalars *s = &cpu->s, *t = &gpu->s;

    assert_int_equal(cpu->step, gpu->step);
    for (int k = 0; k < 3 * a->n; ++k) {
        CHECK_NEAR(b->x[k], a->x[k], 0.0, 1e-8);
        CHECK_NEAR(b->v[k], a->v[k], 0.0, 1e-10);
    }
    for (int k = 0; k < 9; ++k) {
        CHECK_NEAR(b->box.h[k / 3][k % 3], a->box.h[k / 3][k % 3], 0.0, 1e-9);
        CHECK_NEAR(t->kinetic_tensor_eV[k / 3][k % 3], s->kinetic_tensor_eV[k / 3][k % 3], 0.0,
                   1e-8);
        if (!isnan(s->virial_eV[k / 3][k % 3]))
            CHECK_NEAR(t->virial_eV[k / 3][k % 3], s->virial_eV[k / 3][k % 3], 0.0, 1e-7);
    }
    CHECK_NEAR(t->potential_eV, s->potential_eV, 1e-9, 1e-9);
    CHECK_NEAR(t->kinetic_eV, s->kinetic_eV, 1e-9, 1e-9);
    CHECK_NEAR(t->conserved_eV, s->conserved_eV, 1e-9, 1e-9);
    CHECK_NEAR(t->volume_A3, a->box.volume, 1e-10, 0.0);
    assert_true(t->rebuilt == s->rebuilt && t->dangerous == s->dangerous);
    assert_true(t->fault == 0.0);
}

static void check_equal(const outcome *a, const outcome *b)
{
    const size_t bytes = 3 * (size_t)a->structure.n * sizeof(double);

    assert_memory_equal(a->structure.x, b->structure.x, bytes);
    assert_memory_equal(a->structure.v, b->structure.v, bytes);
    assert_memory_equal(&a->structure.box, &b->structure.box, sizeof a->structure.box);
    assert_memory_equal(&a->s, &b->s, sizeof a->s);
}

static const plan plans[] = {
    /* a size that is a whole warp, and one that is not */
    {"nve", ARGON, 2, 100, 60.0},
    {"nve", ARGON, 3, 100, 60.0},
    {"nve", CLUSTER, 2, 100, 20.0},
    {"nve", GAS, 1, 20, 300.0}, /* one atom, which rests */
    {"nvt-langevin", ARGON, 2, 100, 60.0},
    {"nvt-langevin", SPRINGS, 5, 100, 300.0}, /* 125 atoms */
    {"nvt-svr", ARGON, 2, 100, 60.0},
    {"nvt-svr", ARGON, 3, 40, 60.0},
    {"nvt-nhc", ARGON, 2, 100, 60.0},
    {"nvt-nhc", ARGON, 3, 40, 60.0},
    {"npt-iso", ARGON, 2, 100, 60.0},
    {"npt-aniso", ARGON, 2, 100, 60.0},
    {"npt-aniso", GAS, 5, 60, 300.0},
    /* 1331 atoms: more than end a step in one block */
    {"nve", GAS, 11, 12, 300.0},
    {"nvt-langevin", GAS, 11, 12, 300.0},
    {"nvt-svr", GAS, 11, 12, 300.0},
    {"nvt-nhc", GAS, 11, 12, 300.0},
    {"npt-aniso", GAS, 11, 12, 300.0},
};

static void test_same_trajectories(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < sizeof plans / sizeof plans[0]; ++k) {
        outcome cpu, gpu, again, slow;

        print_message("%s, %d cells of material %d\n", plans[k].protocol, plans[k].count,
                      (int)plans[k].material);
        run(&plans[k], "cpu", false, &cpu);
        run(&plans[k], "cuda:0", false, &gpu);
        check_alike(&cpu, &gpu);
        run(&plans[k], "cuda:0", false, &again);
        check_equal(&gpu, &again);
        run(&plans[k], "cuda:0", true, &slow);
        check_equal(&gpu, &slow);
        forget(&cpu);
        forget(&gpu);
        forget(&again);
        forget(&slow);
    }
}

/* The cell did move, and the list was rebuilt: the comparison above has seen both. */
static void test_plans_are_lively(void **unused)
{
    const plan p = {"npt-aniso", ARGON, 2, 100, 60.0};
    outcome o;

    (void)unused;
    run(&p, "cuda:0", false, &o);
    const double edge = 2 * 5.35;
    assert_true(fabs(o.structure.box.h[0][0] - edge) > 1e-3);
    assert_true(fabs(o.structure.box.h[1][0]) > 1e-4);
    forget(&o);
}

enum { FRAMES = 3, ATOMS = 32 };

static void test_replay(void **unused)
{
    const plan p = {"replay", ARGON, 2, 7, 60.0};
    double x[FRAMES * 3 * ATOMS];
    mds_box box[FRAMES];
    const mds_frames frames = {.count = FRAMES, .n = ATOMS, .x = x, .box = box};
    mds_structure s;

    (void)unused;
    make(&p, &s);
    for (int k = 0; k < FRAMES; ++k) {
        const double scale = 1.0 + 0.01 * k, edge = scale * s.box.h[0][0];

        CHECK_OK(mds_box_set_orthogonal(&box[k], edge, edge, edge));
        for (int j = 0; j < 3 * ATOMS; ++j)
            x[3 * ATOMS * k + j] = scale * s.x[j] + 0.05 * mds_rng_normal(9, MDS_RNG_TEST,
                                                                          (uint64_t)k, (uint64_t)j,
                                                                          0);
    }
    mds_structure_fini(&s);
    outcome o[2];
    static const char *const devices[2] = {"cpu", "cuda:0"};
    for (int d = 0; d < 2; ++d) {
        rig r;

        open_plan(&r, &p, devices[d]);
        r.config.frames = &frames;
        rig_start(&r, "replay");
        rig_run(&r, p.steps, MDS_WANT_VIRIAL);
        finish(&r, &o[d]);
    }
    check_alike(&o[0], &o[1]);
    assert_memory_equal(o[1].structure.x, x, sizeof *x * 3 * ATOMS); /* frame 6 modulo 3 */
    assert_true(o[1].s.kinetic_eV == 0.0);
    forget(&o[0]);
    forget(&o[1]);
}

/* A step that is strained too much is a fault, and the steps after it do nothing. */
static void test_strain_is_a_fault(void **unused)
{
    const plan p = {"npt-iso", GAS, 3, 0, 300.0};
    mds_scalars s;
    outcome before, after;
    rig r;

    (void)unused;
    for (int steps = 1; steps <= 3; steps += 2) {
        open_plan(&r, &p, "cuda:0");
        r.config.pressure_GPa = 1e6;
        rig_start2(&r, "npt", "compressibility_1_GPa", 1.0, "tau_p_fs", 1.0);
        rig_run(&r, steps, 0u);
        CHECK_OK(mds_state_fetch_scalars(&r.state, &s));
        CHECK_FAILS(mds_scalars_check_fault(&s), MDS_ERR_NUMERIC, "raise tau_p_fs");
        finish(&r, steps == 1 ? &before : &after);
        r = (rig){0};
    }
    assert_int_equal(before.step, 0); /* the step block's, which did not advance */
    check_equal(&before, &after);
    forget(&before);
    forget(&after);
}

static void test_lost_atom_is_a_fault(void **unused)
{
    const plan p = {"nve", ARGON, 2, 0, 60.0};
    const double lost = NAN;
    mds_scalars s;
    rig r;

    (void)unused;
    open_plan(&r, &p, "cuda:0");
    rig_start(&r, "nve");
    rig_run(&r, 3, 0u);
    CHECK_OK(mds_device_copy(r.device, r.state.v + 3 * 7, &lost, sizeof lost, MDS_COPY_TO_DEVICE));
    CHECK_OK(mds_device_sync(r.device));
    rig_run(&r, 2, 0u);
    CHECK_OK(mds_state_fetch_scalars(&r.state, &s));
    CHECK_FAILS(mds_scalars_check_fault(&s), MDS_ERR_NUMERIC, "atom 8");
    rig_close(&r);
}

#ifdef MDS_CUDA_SHIM
/* Kernels of a recorded step with the null model, which has one of its own. */
static void test_few_kernels(void **unused)
{
    static const struct {
        plan plan;
        int kernels;
    } cases[] = {
        {{"nve", GAS, 3, 0, 300.0}, 3},           {{"nvt-langevin", GAS, 3, 0, 300.0}, 3},
        {{"nvt-svr", GAS, 3, 0, 300.0}, 3},       {{"nvt-nhc", GAS, 3, 0, 300.0}, 3},
        {{"npt-aniso", GAS, 3, 0, 300.0}, 3},     {{"nve", GAS, 11, 0, 300.0}, 3},
        {{"nvt-langevin", GAS, 11, 0, 300.0}, 3}, {{"nvt-svr", GAS, 11, 0, 300.0}, 4},
        {{"nvt-nhc", GAS, 11, 0, 300.0}, 4},      {{"npt-iso", GAS, 11, 0, 300.0}, 4},
    };

    (void)unused;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; ++k) {
        rig r;

        open_plan(&r, &cases[k].plan, "cuda:0");
        rig_start(&r, cases[k].plan.protocol);
        rig_run(&r, 4, 0u);
        CHECK_OK(mds_device_sync(r.device));
        const int64_t before = mds_shim_kernel_count(NULL);
        rig_run(&r, 5, 0u);
        CHECK_OK(mds_device_sync(r.device));
        assert_int_equal(mds_shim_kernel_count(NULL) - before, 5 * cases[k].kernels);
        rig_close(&r);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_trajectories),
        cmocka_unit_test(test_plans_are_lively),
        cmocka_unit_test(test_replay),
        cmocka_unit_test(test_strain_is_a_fault),
        cmocka_unit_test(test_lost_atom_is_a_fault),
#ifdef MDS_CUDA_SHIM
        cmocka_unit_test(test_few_kernels),
#endif
    };
    mds_device *device;

    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    mds_device_close(device);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
