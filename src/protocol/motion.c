#include "protocol/motion.h"

#include "base/units.h"

#include <math.h>

mds_status mds_motion_init(mds_motion *motion, const mds_state *state, double dt_fs)
{
    motion->device = state->device;
    motion->n = state->n;
    motion->dt_fs = dt_fs;
    const mds_status status = mds_device_alloc(state->device,
                                               (size_t)state->n * 3 * sizeof *motion->kick,
                                               "integrator masses", (void **)&motion->kick);
    for (int k = 0; status == MDS_OK && k < 3 * state->n; ++k)
        motion->kick[k] = 0.5 * dt_fs / (MDS_MVV_TO_EV * state->mass[k / 3]);
    return status;
}

void mds_motion_fini(mds_motion *motion)
{
    if (motion->device)
        mds_device_free(motion->device, motion->kick);
    *motion = (mds_motion){0};
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
