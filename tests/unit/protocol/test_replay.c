/* Replay: the frames as given, in a circle, and nothing else. */
#include "unit/protocol/rig.h"

enum { FRAMES = 3, ATOMS = 32 };

static void make_frames(const mds_state *state, double *x, mds_box *box)
{
    for (int k = 0; k < FRAMES; ++k) {
        const double scale = 1.0 + 0.01 * k, edge = scale * state->box.h[0][0];

        CHECK_OK(mds_box_set_orthogonal(&box[k], edge, edge, edge));
        for (int j = 0; j < 3 * ATOMS; ++j)
            x[3 * ATOMS * k + j] = scale * state->x[j] + 0.05 * mds_rng_normal(9, MDS_RNG_TEST,
                                                                               (uint64_t)k,
                                                                               (uint64_t)j, 0);
    }
}

static void test_shows_frames(void **unused)
{
    double x[FRAMES * 3 * ATOMS], energy[FRAMES];
    mds_box box[FRAMES];
    mds_structure s;
    rig r;

    (void)unused;
    rig_lattice(&s, 18, 2, 5.4, true);
    rig_open(&r, &s, "lj");
    make_frames(&r.state, x, box);
    for (int k = 0; k < FRAMES; ++k) {
        memcpy(r.state.x, x + 3 * ATOMS * k, 3 * ATOMS * sizeof *x);
        r.state.box = box[k];
        CHECK_OK(mds_model_compute(r.model, &r.state, 0u));
        energy[k] = r.state.s->potential_eV;
    }
    assert_true(energy[0] != energy[1] && energy[1] != energy[2]);
    r.config.frames = &(mds_frames){.count = FRAMES, .n = ATOMS, .x = x, .box = box};
    rig_start(&r, "replay");
    CHECK_NEAR(r.state.s->potential_eV, energy[0], 1e-13, 0.0);
    for (int k = 0; k < 2 * FRAMES; ++k) {
        rig_run(&r, 1, MDS_WANT_VIRIAL);
        assert_memory_equal(r.state.x, x + 3 * ATOMS * (k % FRAMES), 3 * ATOMS * sizeof *x);
        CHECK_NEAR(r.state.box.volume, box[k % FRAMES].volume, 1e-15, 0.0);
        /* The neighbour list may order the same sum otherwise. */
        CHECK_NEAR(r.state.s->potential_eV, energy[k % FRAMES], 1e-13, 0.0);
        assert_true(r.state.s->conserved_eV == r.state.s->potential_eV);
        assert_true(r.state.s->kinetic_eV == 0.0);
        assert_true(isfinite(mds_pressure_GPa(r.state.s, r.state.box.volume)));
        assert_int_equal((int)r.state.step, k + 1);
    }
    rig_close(&r);
}

static void test_refuses_other_atoms(void **unused)
{
    double x[3 * ATOMS] = {0};
    mds_protocol_spec spec;
    mds_protocol *protocol;
    mds_structure s;
    rig r;

    (void)unused;
    rig_lattice(&s, 18, 2, 5.4, true);
    rig_open(&r, &s, "lj");
    CHECK_OK(mds_protocol_resolve("replay", &spec));
    r.config.frames = &(mds_frames){.count = 1, .n = ATOMS - 1, .x = x, .box = &r.state.box};
    CHECK_FAILS(mds_protocol_create(&spec, &r.config, &r.state, r.model, &protocol), MDS_ERR_CONFIG,
                "31 atoms, the system 32");
    r.config.frames = &(mds_frames){.count = 0, .n = ATOMS, .x = x, .box = &r.state.box};
    CHECK_FAILS(mds_protocol_create(&spec, &r.config, &r.state, r.model, &protocol), MDS_ERR_CONFIG,
                "at least one frame");
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shows_frames),
        cmocka_unit_test(test_refuses_other_atoms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
