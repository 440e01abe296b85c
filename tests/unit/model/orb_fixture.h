/* The system of the golden vectors (eight atoms of eight elements in a triclinic cell smaller than
 * the cutoff), and a model on it. */
#ifndef MDS_TESTS_ORB_FIXTURE_H
#define MDS_TESTS_ORB_FIXTURE_H

#include "base/rng.h"
#include "harness/test.h"
#include "model/orb/orb.h"

typedef struct orb_fixture {
    mds_device *device;
    mds_model *model;
    mds_state state;
} orb_fixture;

static inline void fixture_golden(mds_structure *out)
{
    static const int z[8] = {11, 17, 14, 8, 12, 1, 26, 29};
    static const double x[8][3] = {{.11, .05, -.07},  {2.61, .12, .21},   {.23, 2.73, .04},
                                   {.02, .31, 2.55},  {2.85, 2.67, -.12}, {2.44, .33, 2.61},
                                   {.17, 2.91, 2.38}, {2.79, 3.07, 2.52}};
    const double h[3][3] = {{5.1, 0, 0}, {.4, 5.3, 0}, {-.3, .5, 4.9}};
    const bool periodic[3] = {true, true, true};

    CHECK_OK(mds_structure_init(out, 8, false));
    CHECK_OK(mds_box_set(&out->box, h, periodic));
    memcpy(out->x, x, sizeof x);
    for (int i = 0; i < 8; ++i) {
        out->type[i] = mds_species_add(&out->species, z[i]);
        out->mass[i] = mds_element_mass(z[i]);
    }
}

/* Synthetic weights; layers 0: all of them. */
static inline void fixture_spec(mds_model_spec *spec, const char *variant, int layers,
                                mds_precision precision)
{
    CHECK_OK(mds_model_spec_init(spec, variant, "orb", precision));
    CHECK_OK(mds_options_set_text(&spec->options, "variant", variant));
    CHECK_OK(mds_options_set_number(&spec->options, "synthetic", 1));
    CHECK_OK(mds_options_set_number(&spec->options, "layers", layers));
}

static inline void fixture_open_on(orb_fixture *f, const char *device, const mds_model_spec *spec,
                                   const mds_structure *structure)
{
    memset(f, 0, sizeof *f);
    CHECK_OK(mds_device_open(device, &f->device));
    CHECK_OK(mds_model_create(spec, f->device, &f->model));
    CHECK_OK(mds_state_init(&f->state, f->device, structure));
    CHECK_OK(mds_model_prepare(f->model, &f->state));
    CHECK_OK(mds_model_compute(f->model, &f->state, MDS_WANT_VIRIAL));
}

static inline void fixture_open(orb_fixture *f, const mds_model_spec *spec,
                                const mds_structure *structure)
{
    fixture_open_on(f, "cpu", spec, structure);
}

static inline void fixture_close(orb_fixture *f)
{
    mds_state_fini(&f->state);
    mds_model_destroy(f->model);
    mds_device_close(f->device);
}

#endif
