/* One trajectory for the tests of the protocols, unit and physics: device, state, model, protocol
 * and what belongs to them, and the comparison of a correlated series with an exact mean. */
#ifndef MDS_TESTS_UNIT_PROTOCOL_RIG_H
#define MDS_TESTS_UNIT_PROTOCOL_RIG_H

#include "harness/test.h"

#include "base/rng.h"
#include "protocol/protocol.h"

typedef struct rig {
    mds_device *device;
    mds_state state;
    mds_model *model;
    mds_protocol *protocol;
    mds_protocol_config config;
} rig;

/* Device, state and prepared model. `structure` is taken over. */
static inline void rig_open_on(rig *r, const char *device, mds_structure *structure,
                               const char *model)
{
    const mds_model_target target = {structure->species, structure->n, true};
    mds_model_spec spec;

    memset(r, 0, sizeof *r);
    CHECK_OK(mds_device_open(device, &r->device));
    CHECK_OK(mds_state_init(&r->state, r->device, structure));
    CHECK_OK(mds_model_resolve(model, &target, MDS_PRECISION_AUTO, &spec));
    CHECK_OK(mds_model_create(&spec, r->device, &r->model));
    CHECK_OK(mds_model_prepare(r->model, &r->state));
    mds_structure_fini(structure);
    r->config = (mds_protocol_config){.dt_fs = 1.0, .temperature_K = 300.0, .seed = 20251123};
}

static inline void rig_open(rig *r, mds_structure *structure, const char *model)
{
    rig_open_on(r, "cpu", structure, model);
}

/* Starts `protocol` with r->config and one or two numeric options (key NULL: none). */
static inline void rig_start2(rig *r, const char *protocol, const char *key, double value,
                              const char *key2, double value2)
{
    mds_protocol_spec spec;

    CHECK_OK(mds_protocol_resolve(protocol, &spec));
    if (key)
        CHECK_OK(mds_options_set_number(&spec.options, key, value));
    if (key2)
        CHECK_OK(mds_options_set_number(&spec.options, key2, value2));
    mds_protocol_destroy(r->protocol);
    CHECK_OK(mds_protocol_create(&spec, &r->config, &r->state, r->model, &r->protocol));
}

static inline void rig_start(rig *r, const char *protocol)
{
    rig_start2(r, protocol, NULL, 0.0, NULL, 0.0);
}

static inline void rig_run(rig *r, int steps, unsigned want)
{
    for (int k = 0; k < steps; ++k)
        CHECK_OK(mds_protocol_step(r->protocol, want));
}

static inline void rig_close(rig *r)
{
    mds_protocol_destroy(r->protocol);
    mds_model_destroy(r->model);
    mds_state_fini(&r->state);
    mds_device_close(r->device);
}

/* n atoms of element z in a cube of `edge` Å, on a lattice of points with cells of `cell`: fcc (4
 * atoms to a cell), or one atom to a cell. */
static inline void rig_lattice(mds_structure *s, int z, int count, double a, bool fcc)
{
    static const double base[4][3] = {{0, 0, 0}, {0, 0.5, 0.5}, {0.5, 0, 0.5}, {0.5, 0.5, 0}};
    const int each = fcc ? 4 : 1, n = count * count * count * each;
    const double mass = mds_element_mass(z);

    memset(s, 0, sizeof *s);
    CHECK_OK(mds_structure_init(s, n, false));
    CHECK_OK(mds_box_set_orthogonal(&s->box, count * a, count * a, count * a));
    mds_species_add(&s->species, z);
    for (int i = 0; i < n; ++i) {
        const int cell = i / each;
        const int at[3] = {cell / count / count, cell / count % count, cell % count};

        for (int k = 0; k < 3; ++k)
            s->x[3 * i + k] = a * (at[k] + base[i % each][k]);
        s->mass[i] = mass;
    }
}

static inline void rig_momentum(const mds_state *s, double p[3])
{
    p[0] = p[1] = p[2] = 0.0;
    for (int i = 0; i < s->n; ++i)
        for (int k = 0; k < 3; ++k)
            p[k] += s->mass[i] * s->v[3 * i + k];
}

/* Student's t of the mean of a correlated series against `exact`, from 40 blocks: the blocks must
 * be long against the correlation time. For a right mean |t| > 4.5 has the probability 6e-5
 * (Student, 39 degrees of freedom): that is the false-alarm rate of each rig_check_mean(). */
enum { RIG_BLOCKS = 40 };

static inline double rig_student(const double *x, int n, double exact, double *mean, double *error)
{
    const int length = n / RIG_BLOCKS;
    double block[RIG_BLOCKS], sum = 0.0, square = 0.0;

    for (int b = 0; b < RIG_BLOCKS; ++b) {
        block[b] = 0.0;
        for (int k = 0; k < length; ++k)
            block[b] += x[b * length + k] / length;
        sum += block[b] / RIG_BLOCKS;
    }
    for (int b = 0; b < RIG_BLOCKS; ++b)
        square += (block[b] - sum) * (block[b] - sum);
    *mean = sum;
    *error = sqrt(square / (RIG_BLOCKS - 1.0) / RIG_BLOCKS);
    return (sum - exact) / *error;
}

/* The mean is right, and known to better than `resolution` (relative), so that a wrong one would
 * have been seen. */
static inline void rig_check_mean(const char *what, const double *x, int n, double exact,
                                  double resolution)
{
    double mean, error;
    const double t = rig_student(x, n, exact, &mean, &error);

    if (!(fabs(t) <= 4.5))
        fail_msg("%s: mean %.6g ± %.2g, exact %.6g, t = %.2f", what, mean, error, exact, t);
    if (!(error <= resolution * fabs(exact)))
        fail_msg("%s: error %.3g is too large to tell, %.3g wanted", what, error,
                 resolution * fabs(exact));
}

/* Mean of (x − center)² in place of the series itself. */
static inline void rig_to_squares(double *x, int n, double center)
{
    for (int k = 0; k < n; ++k)
        x[k] = (x[k] - center) * (x[k] - center);
}

#endif
