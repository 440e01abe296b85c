#include "protocol/motion.h"

#include "base/units.h"

#include <math.h>
#include <stdlib.h>

/* Room for the sums of kernels: a ticket, then six numbers for each block that ends a step, then
 * one for each block that gives heat. */
enum { TICKET_BYTES = 128 };

static mds_status init_sums(mds_motion *motion)
{
    const size_t numbers = 6 * (size_t)mds_motion_end_blocks(motion->n) +
                           (size_t)mds_motion_heat_blocks(motion->n);
    const size_t bytes = TICKET_BYTES + numbers * sizeof(double);
    const mds_status status =
        mds_device_alloc(motion->device, bytes, "integrator sums", &motion->sums);

    return status == MDS_OK ? mds_device_fill(motion->device, motion->sums, 0, bytes) : status;
}

mds_status mds_motion_init(mds_motion *motion, const mds_state *state, double dt_fs)
{
    const size_t n = (size_t)state->n, bytes = 3 * n * sizeof *motion->kick;
    double *mass = NULL;
    mds_status status = MDS_OK;

    motion->device = state->device;
    motion->n = state->n;
    motion->dt_fs = dt_fs;
    mass = malloc(bytes + n * sizeof *mass);
    if (!mass)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the masses of %zu atoms", n);
    double *kick = mass + n;
    MDS_TRY(mds_device_alloc(state->device, bytes, "integrator masses", (void **)&motion->kick));
    MDS_TRY(mds_device_copy(state->device, mass, state->mass, n * sizeof *mass, MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_sync(state->device));
    for (size_t k = 0; k < 3 * n; ++k)
        kick[k] = 0.5 * dt_fs / (MDS_MVV_TO_EV * mass[k / 3]);
    MDS_TRY(mds_device_copy(state->device, motion->kick, kick, bytes, MDS_COPY_TO_DEVICE));
    if (state->d)
        MDS_TRY(init_sums(motion));
    MDS_TRY(mds_device_sync(state->device)); /* kick is freed below */
out:
    free(mass);
    return status;
}

void mds_motion_fini(mds_motion *motion)
{
    if (motion->device) {
        mds_device_free(motion->device, motion->kick);
        mds_device_free(motion->device, motion->sums);
    }
    *motion = (mds_motion){0};
}

mds_motion_view mds_motion_get_view(const mds_motion *motion, const mds_state *state)
{
    double *partial = (double *)((char *)motion->sums + TICKET_BYTES);

    return (mds_motion_view){
        .n = motion->n,
        .end_blocks = mds_motion_end_blocks(motion->n),
        .dt_fs = motion->dt_fs,
        .kick = motion->kick,
        .mass = state->mass,
        .x = state->x,
        .v = state->v,
        .f = state->f,
        .s = state->s,
        .d = state->d,
        .partial = partial,
        .heat = partial + 6 * (size_t)mds_motion_end_blocks(motion->n),
        .ticket = motion->sums,
    };
}

void mds_motion_kick(int n, const double *restrict kick, const double *restrict f,
                     double *restrict v)
{
    for (int k = 0; k < 3 * n; ++k)
        v[k] += kick[k] * f[k];
}

void mds_motion_kick_drift(int n, const double *restrict kick, double dt, const double *restrict f,
                           double *restrict v, double *restrict x)
{
    for (int k = 0; k < 3 * n; ++k) {
        const double moved = v[k] + kick[k] * f[k];

        v[k] = moved;
        x[k] += dt * moved;
    }
}

void mds_motion_drift(int n, double dt, const double *restrict v, double *restrict x)
{
    for (int k = 0; k < 3 * n; ++k)
        x[k] += dt * v[k];
}

void mds_motion_scale(int n, double factor, double *restrict v)
{
    for (int k = 0; k < 3 * n; ++k)
        v[k] *= factor;
}

double mds_motion_ou(int n, mds_noise_function *noise, double decay, double temperature_K,
                     uint64_t seed, int64_t step, const double *restrict mass, double *restrict v)
{
    const double kT = MDS_BOLTZMANN_EV * temperature_K;
    const double spread = sqrt((1.0 - decay * decay) * kT / MDS_MVV_TO_EV);
    double heat = 0.0;

    for (int first = 0; first < n; first += MDS_NOISE_BLOCK) {
        const int count = n - first < MDS_NOISE_BLOCK ? n - first : MDS_NOISE_BLOCK;
        double r[3][MDS_NOISE_BLOCK];

        noise(seed, MDS_RNG_LANGEVIN, step, first, r);
        for (int k = 0; k < count; ++k) {
            const int i = first + k;
            const double width = spread / sqrt(mass[i]);
            double change = 0.0;

            for (int a = 0; a < 3; ++a) {
                const double before = v[3 * i + a], after = decay * before + width * r[a][k];

                change += (after - before) * (after + before);
                v[3 * i + a] = after;
            }
            heat += mass[i] * change;
        }
    }
    return 0.5 * MDS_MVV_TO_EV * heat;
}

void mds_motion_drift_deform(int n, double dt, const double e[3][3], const double inverse[3][3],
                             double *restrict v, double *restrict x)
{
    const double half = 0.5 * dt;

    for (int i = 0; i < n; ++i) {
        double middle[3], turned[3];

        for (int a = 0; a < 3; ++a)
            middle[a] = x[3 * i + a] + half * v[3 * i + a];
        for (int a = 0; a < 3; ++a)
            turned[a] = v[3 * i] * inverse[a][0] + v[3 * i + 1] * inverse[a][1] +
                        v[3 * i + 2] * inverse[a][2];
        for (int a = 0; a < 3; ++a) {
            x[3 * i + a] = middle[0] * e[0][a] + middle[1] * e[1][a] + middle[2] * e[2][a] +
                           half * turned[a];
            v[3 * i + a] = turned[a];
        }
    }
}
