#include "model/ani/ani_weights.h"

#include "base/units.h"
#include "md/species.h"
#include "model/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ani_weights_close(ani_weights *weights)
{
    if (!weights)
        return;
    mds_weights_close(weights->file);
    weights->file = NULL;
}

int ani_weights_find(const ani_weights *weights, int z)
{
    for (int i = 0; i < weights->elements; ++i)
        if (weights->z[i] == z)
            return i;
    return -1;
}

int ani_descriptor_radial(const ani_descriptor *d, int elements)
{
    return elements * d->n_radial;
}

int ani_descriptor_length(const ani_descriptor *d, int elements)
{
    return ani_descriptor_radial(d, elements) +
           elements * (elements + 1) / 2 * d->n_angular * d->n_sections;
}

int ani_pair_index(int elements, int i, int j)
{
    const int a = i < j ? i : j, b = i < j ? j : i;

    return a * (2 * elements - 1 - a) / 2 + b;
}

/* The constants of ANI-2x: C. Devereux et al., J. Chem. Theory Comput. 16, 4192 (2020),
 * doi:10.1021/acs.jctc.0c00121. */
static void describe_2x(ani_descriptor *d)
{
    *d = (ani_descriptor){.radial_cutoff = 5.1,
                          .angular_cutoff = 3.5,
                          .eta_r = (double)19.7f,
                          .eta_a = 12.5,
                          .zeta = (double)14.1f,
                          .n_radial = 16,
                          .n_angular = 8,
                          .n_sections = 4};
    for (int k = 0; k < d->n_radial; ++k)
        d->shift_r[k] = (double)(float)(0.8 + 0.26875 * k);
    for (int k = 0; k < d->n_angular; ++k)
        d->shift_a[k] = (double)(float)(0.8 + 0.3375 * k);
    for (int k = 0; k < d->n_sections; ++k)
        d->shift_z[k] = (double)(float)((2 * k + 1) * MDS_PI / 8.0);
}

mds_status ani_weights_buffers(const ani_weights *weights, float **weight, float **bias)
{
    size_t most = 1, outs = 1;

    for (int m = 0; m < weights->members; ++m)
        for (int e = 0; e < weights->elements; ++e)
            for (int l = 0; l < weights->net[m][e].layers; ++l) {
                const ani_layer *layer = &weights->net[m][e].layer[l];
                const size_t size = (size_t)layer->in * (size_t)layer->out;

                most = size > most ? size : most;
                outs = (size_t)layer->out > outs ? (size_t)layer->out : outs;
            }
    *weight = malloc(most * sizeof **weight);
    *bias = malloc(outs * sizeof **bias);
    return *weight && *bias ? MDS_OK : mds_fail(MDS_ERR_NOMEM, "ani: no memory for a layer");
}

void ani_weights_synthetic(uint64_t seed, ani_weights *out)
{
    static const char *const symbols[] = {"H", "C", "N", "O", "S", "F", "Cl"};
    static const int hidden[][3] = {{256, 192, 160}, {224, 192, 160}, {192, 160, 128},
                                    {192, 160, 128}, {160, 128, 96},  {160, 128, 96},
                                    {160, 128, 96}};

    memset(out, 0, sizeof *out);
    out->seed = seed;
    out->energy_unit_eV = ANI_HARTREE_EV;
    out->elements = 7;
    out->members = 8;
    describe_2x(&out->descriptor);
    for (int e = 0; e < out->elements; ++e) {
        snprintf(out->symbol[e], sizeof out->symbol[e], "%s", symbols[e]);
        out->z[e] = mds_element_number(symbols[e]);
        out->self_energy[e] = -0.5 * (e + 1);
        for (int m = 0; m < out->members; ++m) {
            ani_net *net = &out->net[m][e];

            net->layers = 4;
            for (int k = 0; k < 4; ++k) {
                net->layer[k].in = k ? hidden[e][k - 1]
                                     : ani_descriptor_length(&out->descriptor, out->elements);
                net->layer[k].out = k < 3 ? hidden[e][k] : 1;
            }
        }
    }
}
