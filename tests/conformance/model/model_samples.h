/* Small samples of matter for the tests of every engine, built by hand: cells below twice any
 * cutoff, slightly triclinic, with thermal disorder. A sample has a `base` (what the model is
 * prepared with) and a `hot` copy whose atoms have moved from there, so that a model with sites
 * (harmonic) has something to say. Each engine is tested with every sample that it supports. */
#ifndef MDS_TESTS_MODEL_SAMPLES_H
#define MDS_TESTS_MODEL_SAMPLES_H

#include "base/rng.h"
#include "harness/test.h"
#include "md/structure.h"

typedef struct model_sample {
    const char *name;
    int unit; /* atoms that must stay together: 3 for water */
    mds_structure base, hot;
} model_sample;

enum {
    SAMPLE_SILICON,
    SAMPLE_COPPER,
    SAMPLE_ALUMINUM,
    SAMPLE_IRON,
    SAMPLE_ARGON,
    SAMPLE_WATER,
    SAMPLES
};

static inline void sample_set_cell(mds_structure *s, double a, double b, double c)
{
    const bool periodic[3] = {true, true, true};
    /* No symmetry is left that could hide an exchanged index. */
    const double h[3][3] = {
        {a, 0.0, 0.0}, {0.07 * a, 1.02 * b, 0.0}, {-0.05 * a, 0.09 * b, 0.97 * c}};

    CHECK_OK(mds_box_set(&s->box, h, periodic));
}

/* `count` atoms at fractional positions in a cubic cell of edge a, repeated. */
static inline void sample_crystal(mds_structure *s, int z, double a, const double (*at)[3],
                                  int count, int nx, int ny)
{
    mds_structure cell = {0};

    CHECK_OK(mds_structure_init(&cell, count, false));
    sample_set_cell(&cell, a, a, a);
    mds_species_add(&cell.species, z);
    for (int i = 0; i < count; ++i) {
        mds_box_to_cartesian(&cell.box, at[i], cell.x + 3 * i);
        cell.mass[i] = cell.species.mass[0];
    }
    CHECK_OK(mds_structure_repeat(s, &cell, nx, ny, 1));
    mds_structure_fini(&cell);
}

/* Four molecules at 1 g/cm³, each turned another way. */
static inline void sample_water(mds_structure *s)
{
    static const double at[4][3] = {{0, 0, 0}, {0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};
    const double edge = 4.93, bond = 1.012, half_angle = 0.5 * 113.24 * MDS_PI / 180.0;

    CHECK_OK(mds_structure_init(s, 12, false));
    sample_set_cell(s, edge, edge, edge);
    mds_species_add(&s->species, 8);
    mds_species_add(&s->species, 1);
    for (int m = 0; m < 4; ++m) {
        const double turn = 0.4 + 1.3 * m;
        double *o = s->x + 9 * m;

        mds_box_to_cartesian(&s->box, at[m], o);
        for (int k = 1; k < 3; ++k) {
            const double angle = turn + (k == 1 ? half_angle : -half_angle);

            for (int a = 0; a < 3; ++a)
                o[3 * k + a] = o[a];
            o[3 * k + m % 3] += bond * cos(angle);
            o[3 * k + (m + 1) % 3] += bond * sin(angle);
        }
        for (int k = 0; k < 3; ++k) {
            s->type[3 * m + k] = k > 0;
            s->mass[3 * m + k] = s->species.mass[k > 0];
        }
    }
}

static inline void sample_rattle(mds_structure *s, double width, uint64_t seed)
{
    for (int i = 0; i < 3 * s->n; ++i)
        s->x[i] += width * mds_rng_normal(seed, MDS_RNG_TEST, 0, (uint64_t)i / 3, (uint32_t)i % 3);
}

static inline void sample_init(model_sample *sample, int which)
{
    static const double fcc[4][3] = {{0, 0, 0}, {0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};
    static const double bcc[2][3] = {{0, 0, 0}, {0.5, 0.5, 0.5}};
    static const double diamond[8][3] = {{0, 0, 0},          {0.5, 0.5, 0},      {0.5, 0, 0.5},
                                         {0, 0.5, 0.5},      {0.25, 0.25, 0.25}, {0.75, 0.75, 0.25},
                                         {0.75, 0.25, 0.75}, {0.25, 0.75, 0.75}};
    static const char *const names[SAMPLES] = {"silicon", "copper", "aluminum",
                                               "iron",    "argon",  "water"};

    memset(sample, 0, sizeof *sample);
    sample->name = names[which];
    sample->unit = which == SAMPLE_WATER ? 3 : 1;
    switch (which) {
    case SAMPLE_SILICON:
        sample_crystal(&sample->base, 14, 5.43, diamond, 8, 1, 1);
        break;
    case SAMPLE_COPPER:
        sample_crystal(&sample->base, 29, 3.61, fcc, 4, 2, 1);
        break;
    case SAMPLE_ALUMINUM:
        sample_crystal(&sample->base, 13, 4.05, fcc, 4, 2, 1);
        break;
    case SAMPLE_IRON:
        sample_crystal(&sample->base, 26, 2.87, bcc, 2, 2, 2);
        break;
    case SAMPLE_ARGON:
        sample_crystal(&sample->base, 18, 5.3, fcc, 4, 1, 1);
        break;
    default:
        sample_water(&sample->base);
        break;
    }
    sample_rattle(&sample->base, 0.03, 1);
    CHECK_OK(mds_structure_copy(&sample->hot, &sample->base));
    sample_rattle(&sample->hot, 0.05, 2);
}

static inline void sample_fini(model_sample *sample)
{
    mds_structure_fini(&sample->base);
    mds_structure_fini(&sample->hot);
}

static inline void sample_copy(model_sample *to, const model_sample *from)
{
    *to = *from;
    CHECK_OK(mds_structure_copy(&to->base, &from->base));
    CHECK_OK(mds_structure_copy(&to->hot, &from->hot));
}

#endif
