#include "md/state.h"

#include "base/rng.h"
#include "base/units.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Total momentum (u Å/fs) and the sum of its magnitudes, to judge whether it vanishes. */
static void total_momentum(const double *v, const double *mass, int n, double p[3], double *scale)
{
    p[0] = p[1] = p[2] = *scale = 0.0;
    for (int i = 0; i < n; ++i)
        for (int k = 0; k < 3; ++k) {
            p[k] += mass[i] * v[3 * (size_t)i + k];
            *scale += fabs(mass[i] * v[3 * (size_t)i + k]);
        }
}

static int count_degrees(const mds_structure *structure)
{
    double p[3], scale;

    if (!structure->v)
        return 3 * structure->n - 3;
    total_momentum(structure->v, structure->mass, structure->n, p, &scale);
    /* Files hold about eight digits. */
    const double left = fabs(p[0]) + fabs(p[1]) + fabs(p[2]);
    return left <= 1e-6 * scale ? 3 * structure->n - 3 : 3 * structure->n;
}

mds_status mds_state_init(mds_state *state, mds_device *device, const mds_structure *structure)
{
    const size_t n = (size_t)structure->n, rows = 3 * n * sizeof(double);
    mds_status status = MDS_OK;

    memset(state, 0, sizeof *state);
    if (structure->n < 1)
        return mds_fail(MDS_ERR_CONFIG, "a structure without atoms cannot be simulated");
    for (size_t i = 0; i < n; ++i)
        if (!(structure->mass[i] > 0.0) || !isfinite(structure->mass[i]))
            return mds_fail(MDS_ERR_CONFIG, "atom %zu has mass %g u; a positive mass is needed",
                            i + 1, structure->mass[i]);
    state->device = device;
    state->n = structure->n;
    state->box = structure->box;
    state->species = structure->species;
    state->degrees_of_freedom = count_degrees(structure);
    MDS_TRY(mds_device_alloc(device, rows, "positions", (void **)&state->x));
    MDS_TRY(mds_device_alloc(device, rows, "velocities", (void **)&state->v));
    MDS_TRY(mds_device_alloc(device, rows, "forces", (void **)&state->f));
    MDS_TRY(mds_device_alloc(device, n * sizeof(double), "masses", (void **)&state->mass));
    MDS_TRY(mds_device_alloc(device, n * sizeof(int), "types", (void **)&state->type));
    MDS_TRY(mds_device_alloc(device, sizeof *state->s, "scalars", (void **)&state->s));
    MDS_TRY(mds_device_copy(device, state->x, structure->x, rows, MDS_COPY_TO_DEVICE));
    if (structure->v)
        MDS_TRY(mds_device_copy(device, state->v, structure->v, rows, MDS_COPY_TO_DEVICE));
    else
        MDS_TRY(mds_device_fill(device, state->v, 0, rows));
    MDS_TRY(mds_device_fill(device, state->f, 0, rows));
    MDS_TRY(mds_device_fill(device, state->s, 0, sizeof *state->s));
    MDS_TRY(mds_device_copy(device, state->mass, structure->mass, n * sizeof(double),
                            MDS_COPY_TO_DEVICE));
    MDS_TRY(
        mds_device_copy(device, state->type, structure->type, n * sizeof(int), MDS_COPY_TO_DEVICE));
    if (!mds_device_host_access(device)) {
        MDS_TRY(mds_device_alloc(device, sizeof *state->d, "step block", (void **)&state->d));
        MDS_TRY(mds_device_fill(device, state->d, 0, sizeof *state->d));
        MDS_TRY(mds_state_push_block(state));
    }
out:
    if (status != MDS_OK)
        mds_state_fini(state);
    return status;
}

void mds_state_fini(mds_state *state)
{
    if (state->device) {
        mds_device_free(state->device, state->x);
        mds_device_free(state->device, state->v);
        mds_device_free(state->device, state->f);
        mds_device_free(state->device, state->mass);
        mds_device_free(state->device, state->type);
        mds_device_free(state->device, state->s);
        mds_device_free(state->device, state->d);
    }
    memset(state, 0, sizeof *state);
}

mds_status mds_state_push_block(mds_state *state)
{
    const mds_box *box = &state->box;
    mds_step_block block = {.step = state->step, .volume = box->volume};

    if (!state->d)
        return MDS_OK;
    memcpy(block.h, box->h, sizeof block.h);
    memcpy(block.inverse, box->inverse, sizeof block.inverse);
    for (int k = 0; k < 3; ++k)
        block.periodic[k] = box->periodic[k];
    const mds_status status =
        mds_device_copy(state->device, state->d, &block, sizeof block, MDS_COPY_TO_DEVICE);
    return status == MDS_OK ? mds_device_sync(state->device) : status; /* block is on the stack */
}

mds_status mds_state_pull_block(mds_state *state)
{
    mds_step_block block;
    mds_status status = MDS_OK;

    if (!state->d)
        return MDS_OK;
    status = mds_device_copy(state->device, &block, state->d, sizeof block, MDS_COPY_TO_HOST);
    if (status == MDS_OK)
        status = mds_device_sync(state->device);
    if (status != MDS_OK)
        return status;
    state->step = block.step;
    const bool periodic[3] = {block.periodic[0] != 0, block.periodic[1] != 0,
                              block.periodic[2] != 0};
    return mds_box_set(&state->box, (const double(*)[3])block.h, periodic);
}

mds_status mds_state_fetch(const mds_state *state, mds_structure *out)
{
    const size_t n = (size_t)state->n, rows = 3 * n * sizeof(double);
    mds_device *device = state->device;
    mds_status status = MDS_OK;

    mds_state now = *state; /* the cell may have moved on the device */

    MDS_TRY(mds_structure_init(out, state->n, true));
    MDS_TRY(mds_state_pull_block(&now));
    out->box = now.box;
    out->species = state->species;
    MDS_TRY(mds_device_copy(device, out->x, state->x, rows, MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_copy(device, out->v, state->v, rows, MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_copy(device, out->mass, state->mass, n * sizeof(double), MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_copy(device, out->type, state->type, n * sizeof(int), MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_sync(device));
out:
    if (status != MDS_OK)
        mds_structure_fini(out);
    return status;
}

mds_status mds_state_fetch_scalars(const mds_state *state, mds_scalars *out)
{
    const mds_status status =
        mds_device_copy(state->device, out, state->s, sizeof *out, MDS_COPY_TO_HOST);

    return status == MDS_OK ? mds_device_sync(state->device) : status;
}

mds_status mds_scalars_check_fault(const mds_scalars *s)
{
    switch ((mds_step_fault)s->fault) {
    case MDS_FAULT_NONE:
        return MDS_OK;
    case MDS_FAULT_CAPACITY:
        return mds_fail(MDS_ERR_CAPACITY,
                        "an atom has %.0f neighbours within cutoff and skin, more than the list "
                        "has room for: the density grew faster than the list was given room",
                        s->fault_value);
    case MDS_FAULT_NOT_FINITE:
        return mds_fail(MDS_ERR_NUMERIC,
                        "the position of atom %.0f is not a number or out of "
                        "all bounds",
                        s->fault_value + 1.0);
    case MDS_FAULT_IMAGES:
        return mds_fail(MDS_ERR_CAPACITY,
                        "cutoff and skin are %.3g times as long as the cell is thick; at most 7 "
                        "cells are possible on this device",
                        s->fault_value);
    case MDS_FAULT_STRAIN:
        return mds_fail(MDS_ERR_NUMERIC,
                        "the barostat strained the cell by %.2g in one step: raise tau_p_fs, lower "
                        "compressibility_1_GPa or start nearer to the pressure",
                        s->fault_value);
    case MDS_FAULT_ENERGY:
        return mds_fail(MDS_ERR_NUMERIC, "the energy is not finite (%g)", s->fault_value);
    case MDS_FAULT_DENSITY:
        return mds_fail(MDS_ERR_NUMERIC,
                        "the electron density at atom %.0f is not a positive number: its root "
                        "needs one",
                        s->fault_value + 1.0);
    case MDS_FAULT_EDGES:
        return mds_fail(MDS_ERR_CAPACITY,
                        "the network's graph has %.0f edges, more than it has room for: the "
                        "density grew faster than the graph was given room",
                        s->fault_value);
    }
    return mds_fail(MDS_ERR_INTERNAL, "a kernel left fault %g, which nothing explains", s->fault);
}

/* Normal velocities of variance k_B T / m; the momentum of the whole is then taken out. */
static void draw(double *v, const double *mass, int n, double temperature_K, uint64_t seed)
{
    double p[3], scale, total = 0.0;

    for (int i = 0; i < n; ++i) {
        const double width = sqrt(MDS_BOLTZMANN_EV * temperature_K / (mass[i] * MDS_MVV_TO_EV));

        total += mass[i];
        for (int k = 0; k < 3; ++k)
            v[3 * (size_t)i + k] =
                width * mds_rng_normal(seed, MDS_RNG_VELOCITY, 0, (uint64_t)i, (uint32_t)k);
    }
    total_momentum(v, mass, n, p, &scale);
    for (int i = 0; i < n; ++i)
        for (int k = 0; k < 3; ++k)
            v[3 * (size_t)i + k] -= p[k] / total;
}

static double kinetic_energy(const double *v, const double *mass, int n)
{
    double sum = 0.0;

    for (int i = 0; i < n; ++i)
        for (int k = 0; k < 3; ++k)
            sum += mass[i] * v[3 * (size_t)i + k] * v[3 * (size_t)i + k];
    return 0.5 * MDS_MVV_TO_EV * sum;
}

mds_status mds_state_draw_velocities(mds_state *state, double temperature_K, uint64_t seed)
{
    const size_t n = (size_t)state->n, rows = 3 * n * sizeof(double);
    double *v = NULL, *mass = NULL;
    mds_status status = MDS_OK;

    if (!(temperature_K >= 0.0) || !isfinite(temperature_K))
        return mds_fail(MDS_ERR_CONFIG, "a temperature of %g K; it must be finite and not negative",
                        temperature_K);
    state->degrees_of_freedom = 3 * state->n - 3;
    if (state->n == 1 || temperature_K == 0.0)
        return mds_device_fill(state->device, state->v, 0, rows);
    v = malloc(rows);
    mass = malloc(n * sizeof *mass);
    if (!v || !mass) {
        status = mds_fail(MDS_ERR_NOMEM, "no memory for the velocities of %d atoms", state->n);
        goto out;
    }
    MDS_TRY(mds_device_copy(state->device, mass, state->mass, n * sizeof *mass, MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_sync(state->device));
    draw(v, mass, state->n, temperature_K, seed);
    const double now = mds_state_temperature(state, kinetic_energy(v, mass, state->n));
    const double factor = sqrt(temperature_K / now);
    for (size_t i = 0; i < 3 * n; ++i)
        v[i] *= factor;
    MDS_TRY(mds_device_copy(state->device, state->v, v, rows, MDS_COPY_TO_DEVICE));
    MDS_TRY(mds_device_sync(state->device)); /* v is freed below */
out:
    free(v);
    free(mass);
    return status;
}

double mds_state_temperature(const mds_state *state, double kinetic_eV)
{
    if (state->degrees_of_freedom < 1)
        return 0.0;
    return 2.0 * kinetic_eV / (MDS_BOLTZMANN_EV * state->degrees_of_freedom);
}

void mds_state_kinetic_cpu(mds_state *state)
{
    const double *v = state->v, *mass = state->mass;
    double xx = 0.0, yy = 0.0, zz = 0.0, xy = 0.0, xz = 0.0, yz = 0.0;

    assert(mds_device_host_access(state->device));
    for (int i = 0; i < state->n; ++i, v += 3) {
        const double px = mass[i] * v[0], py = mass[i] * v[1], pz = mass[i] * v[2];

        xx += px * v[0];
        yy += py * v[1];
        zz += pz * v[2];
        xy += px * v[1];
        xz += px * v[2];
        yz += py * v[2];
    }
    const double tensor[3][3] = {{xx, xy, xz}, {xy, yy, yz}, {xz, yz, zz}};
    for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b)
            state->s->kinetic_tensor_eV[a][b] = MDS_MVV_TO_EV * tensor[a][b];
    state->s->kinetic_eV = 0.5 * MDS_MVV_TO_EV * (xx + yy + zz);
}
