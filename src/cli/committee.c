#include "cli/committee.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Energy and forces (n,3) of one member. */
static mds_status compute_member(const mds_model_spec *spec, int member, mds_state *state,
                                 double *energy, double *forces)
{
    mds_model_spec alone = *spec;
    mds_model *model = NULL;
    mds_scalars scalars;
    mds_status status;

    MDS_TRY(mds_options_set_number(&alone.options, "member", member));
    MDS_TRY(mds_model_create(&alone, state->device, &model));
    MDS_TRY(mds_model_prepare(model, state));
    MDS_TRY(mds_model_compute(model, state, 0));
    MDS_TRY(mds_device_sync(state->device));
    MDS_TRY(mds_state_fetch_scalars(state, &scalars));
    MDS_TRY(mds_device_copy(state->device, forces, state->f, (size_t)state->n * 3 * sizeof(double),
                            MDS_COPY_TO_HOST));
    *energy = scalars.potential_eV;
out:
    mds_model_destroy(model);
    return status;
}

/* Running mean and sum of squares about it (Welford 1962): members agree to many digits. */
static void add_value(double value, int k, double *mean, double *squares)
{
    const double before = value - *mean;

    *mean += before / (k + 1);
    *squares += before * (value - *mean);
}

mds_status mds_committee_compute(const mds_model_spec *spec, int members, mds_state *state,
                                 mds_committee *out)
{
    const size_t count = (size_t)state->n * 3;
    double *forces = calloc(2 * count + 1, sizeof *forces), *mean = forces + count;
    double squares = 0.0;
    mds_status status = MDS_OK;

    memset(out, 0, sizeof *out);
    out->energy = calloc((size_t)members, sizeof *out->energy);
    out->forces_std = calloc(count + 1, sizeof *out->forces_std);
    if (!forces || !out->energy || !out->forces_std) {
        status = mds_fail(MDS_ERR_NOMEM, "no memory for %d members", members);
        goto out;
    }
    for (int m = 0; m < members; ++m) {
        MDS_TRY(compute_member(spec, m, state, &out->energy[m], forces));
        add_value(out->energy[m], m, &out->energy_mean, &squares);
        for (size_t i = 0; i < count; ++i)
            add_value(forces[i], m, &mean[i], &out->forces_std[i]);
    }
    out->members = members;
    out->energy_std = sqrt(squares / (members - 1));
    for (size_t i = 0; i < count; ++i)
        out->forces_std[i] = sqrt(out->forces_std[i] / (members - 1));
out:
    free(forces);
    if (status != MDS_OK)
        mds_committee_fini(out);
    return status;
}

void mds_committee_fini(mds_committee *committee)
{
    free(committee->energy);
    free(committee->forces_std);
    memset(committee, 0, sizeof *committee);
}
