/* What the networks of a step compute and move, for tables: their products, the weights once, the
 * descriptors as they come in and their gradients as they go out. The descriptor is not counted: it
 * is exponentials and powers, of which nobody agrees how many operations they are. */
#include "model/ani/ani_cuda_model.h"
#include "model/ani/ani_model.h"

void ani_work(const mds_model *model, const mds_scalars *s, mds_work *out)
{
    const ani *self = (const ani *)model;
    const ani_cuda *cuda = self->cuda;
    const int live = cuda ? cuda->pack.live : self->pack.live;
    const int *element = cuda ? cuda->pack.element : self->pack.element;
    const int *count = cuda ? cuda->count : self->list.count;
    const double features = ani_descriptor_length(&self->weights->descriptor, live);
    const double real = model->spec.precision == MDS_PRECISION_FP64 ? 8.0 : 4.0;
    double flop = 0.0, bytes = 0.0;

    (void)s;
    for (int e = 0; e < live; ++e) {
        const double atoms = count[e];

        for (int m = 0; m < self->members; ++m) {
            const ani_net *net = &self->weights->net[self->first + m][element[e]];
            double products = features * net->layer[0].out;

            for (int l = 1; l < net->layers; ++l)
                products += (double)net->layer[l].in * net->layer[l].out;
            flop += 2.0 * atoms * products;
            bytes += real * products;
        }
        bytes += real * atoms * features;
    }
    out[MDS_REGION_NETWORK] = (mds_work){.flop = flop, .bytes = bytes};
    out[MDS_REGION_NETWORK_BACKWARD] = (mds_work){.flop = flop, .bytes = bytes};
}
