#include "model/force_sums.h"

/* The ticket has a line of its own before the sums. */
enum { TICKET_BYTES = 64 };

mds_status mds_force_sums_reserve(mds_force_sums *sums, mds_device *device, int blocks)
{
    const size_t bytes = TICKET_BYTES + (size_t)blocks * MDS_SUMS * sizeof(double);
    const mds_status status =
        mds_device_reserve(device, bytes, "sums of force kernels", &sums->memory, &sums->capacity);

    return status == MDS_OK ? mds_device_fill(device, sums->memory, 0, TICKET_BYTES) : status;
}

void mds_force_sums_fini(mds_force_sums *sums, mds_device *device)
{
    mds_device_free(device, sums->memory);
    sums->memory = NULL;
    sums->capacity = 0;
}

mds_force_out mds_force_sums_out(const mds_force_sums *sums, const mds_state *state, bool virial)
{
    const mds_force_out out = {
        .f = state->f,
        .s = state->s,
        .d = state->d,
        .n = state->n,
        .virial = virial,
        .partial = (double *)((char *)sums->memory + TICKET_BYTES),
        .ticket = (unsigned *)sums->memory,
    };

    return out;
}
