/* What engines say a step computes, against counts made elsewhere: those of published networks. */
#include "orb_fixture.h"

/* Half of the last digit given. */
#define CHECK_MEGA(flop, mega) CHECK_NEAR(1e-6 * (flop), mega, 6e-4, 0.0)

static double ask(orb_fixture *f, mds_work *work)
{
    assert_true(mds_model_work(f->model, f->state.s, work));
    return f->state.s->n_edges;
}

/* Per edge and per atom, in millions: the encoder takes 0.810, a layer 1.050 and, of the atoms,
 * 2.097 with the products for the next layer, which are 0.524 of them. */
static void test_orb(void **state)
{
    enum { LAYERS = 3 };
    mds_model_spec spec;
    mds_structure atoms = {0};
    mds_work work[MDS_REGION_COUNT];
    orb_fixture f;

    (void)state;
    fixture_golden(&atoms);
    fixture_spec(&spec, "orb-v2", LAYERS, MDS_PRECISION_FP32);
    fixture_open(&f, &spec, &atoms);
    const double edges = ask(&f, work);

    assert_true(edges > 0.0);
    CHECK_MEGA(work[MDS_REGION_ENCODER].flop / edges, 0.8095);
    CHECK_MEGA(work[MDS_REGION_EDGE_NETWORK].flop / edges, LAYERS * 1.0486);
    CHECK_MEGA(work[MDS_REGION_NODE_NETWORK].flop / 8, LAYERS * 2.0972 - 0.5243);
    assert_true(work[MDS_REGION_NETWORK_BACKWARD].flop == 0.0);
    /* The weights of a layer on edges, and their features in and out. */
    CHECK_NEAR(work[MDS_REGION_EDGE_NETWORK].bytes,
               4.0 * LAYERS * (256 * 512 + 512 * 512 + 512 * 256 + 2 * 256 * edges + 2 * 512 * 8),
               0.0, 1.0);
    fixture_close(&f);
    fixture_spec(&spec, "orb-v3-conservative-20-omat", 1, MDS_PRECISION_FP32);
    fixture_open(&f, &spec, &atoms);
    const double forward = (2.884 + 3.1457) * ask(&f, work); /* no products for a next layer */

    CHECK_MEGA(work[MDS_REGION_ENCODER].flop + work[MDS_REGION_EDGE_NETWORK].flop, forward);
    assert_true(work[MDS_REGION_NETWORK_BACKWARD].flop > 1e6 * forward);
    fixture_close(&f);
    mds_structure_fini(&atoms);
}

/* 112,800 products for a hydrogen and 75,904 for an oxygen where no other element is, of each of
 * eight members, once forward and once back. */
static void test_ani(void **state)
{
    const double products = 8.0 * (2.0 * 112800.0 + 75904.0);
    const double x[3][3] = {{0, 0, 0}, {0.97, 0, 0}, {-0.24, 0.94, 0}};
    const double cell[3][3] = {{9, 0, 0}, {0, 9, 0}, {0, 0, 9}};
    const bool free[3] = {false, false, false};
    mds_model_spec spec;
    mds_structure atoms = {0};
    mds_work work[MDS_REGION_COUNT];
    mds_device *device;
    mds_state s;
    mds_model *model;

    (void)state;
    CHECK_OK(mds_structure_init(&atoms, 3, false));
    CHECK_OK(mds_box_set(&atoms.box, cell, free));
    memcpy(atoms.x, x, sizeof x);
    for (int i = 0; i < 3; ++i) {
        atoms.type[i] = mds_species_add(&atoms.species, i == 0 ? 8 : 1);
        atoms.mass[i] = mds_element_mass(i == 0 ? 8 : 1);
    }
    CHECK_OK(mds_device_open("cpu", &device));
    CHECK_OK(mds_model_spec_init(&spec, "ani", "ani", MDS_PRECISION_FP32));
    spec.seed = 5;
    CHECK_OK(mds_model_create(&spec, device, &model));
    CHECK_OK(mds_state_init(&s, device, &atoms));
    CHECK_OK(mds_model_prepare(model, &s));
    CHECK_OK(mds_model_compute(model, &s, 0));
    assert_true(mds_model_work(model, s.s, work));
    CHECK_NEAR(work[MDS_REGION_NETWORK].flop, 2.0 * products, 0.0, 1.0);
    CHECK_NEAR(work[MDS_REGION_NETWORK_BACKWARD].flop, 2.0 * products, 0.0, 1.0);
    CHECK_NEAR(work[MDS_REGION_NETWORK].bytes, 4.0 * (8.0 * (112800.0 + 75904.0) + 3.0 * 128.0),
               0.0, 1.0);
    mds_state_fini(&s);
    mds_model_destroy(model);
    mds_device_close(device);
    mds_structure_fini(&atoms);
}

/* An engine without formulas says so. */
static void test_none(void **state)
{
    mds_work work[MDS_REGION_COUNT];
    mds_scalars scalars = {0};
    mds_model model = {.engine = mds_engine_find("lj")};

    (void)state;
    assert_false(mds_model_work(&model, &scalars, work));
    for (int i = 0; i < MDS_REGION_COUNT; ++i)
        assert_true(work[i].flop == 0.0 && work[i].bytes == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orb),
        cmocka_unit_test(test_ani),
        cmocka_unit_test(test_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
