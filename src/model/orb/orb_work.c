/* What the components of a step compute and move, for tables. Products, and of the sums at the
 * atoms the multiplications by gates; activations and norms are less than 1 % of that. Bytes: the
 * weights once, features of edges and atoms as they come in and go out; what lies between two
 * products of one component may stay on the chip. */
#include "model/orb/orb.h"
#include "model/orb/orb_model.h"

void orb_work(const mds_model *model, const mds_scalars *s, mds_work *out)
{
    const orb *self = (const orb *)model;
    const orb_variant *variant = self->variant;
    const double h = variant->hidden, w = ORB_WIDTH, layers = self->weights.layers;
    const double n = model->n_prepared, edges = s->n_edges;
    const double real = (double)mds_real_size(self->real);
    const double tail = h * h + h * w, node = 3.0 * w * h + tail;
    const double later = layers > 0 ? layers - 1 : 0; /* the first layer's are in a table */
    mds_work *encoder = &out[MDS_REGION_ENCODER], *edge = &out[MDS_REGION_EDGE_NETWORK];
    mds_work *sums = &out[MDS_REGION_AGGREGATE], *nodes = &out[MDS_REGION_NODE_NETWORK];

    encoder->flop = 2.0 * edges * (variant->features * h + tail);
    encoder->bytes = real * (variant->features * h + tail + edges * (variant->features + w));
    edge->flop = 2.0 * edges * layers * (w * h + tail);
    edge->bytes = real * layers * (w * h + tail + edges * 2.0 * w + n * 2.0 * h);
    sums->flop = 4.0 * edges * layers * w; /* for receivers and for senders */
    sums->bytes = real * layers * (edges * (w + 2.0) + n * 2.0 * w);
    nodes->flop = 2.0 * n * (layers * node + later * 2.0 * w * h);
    nodes->bytes = real * (layers * (node + n * 4.0 * w) + later * (2.0 * w * h + n * 2.0 * h));
    if (!variant->conservative)
        return;
    /* The gradient with respect to inputs takes the same products once more, and reads two hidden
     * activations of every edge and layer. */
    out[MDS_REGION_NETWORK_BACKWARD].flop = encoder->flop + edge->flop + sums->flop + nodes->flop;
    out[MDS_REGION_NETWORK_BACKWARD].bytes = encoder->bytes + edge->bytes + sums->bytes +
                                             nodes->bytes + real * (layers + 1.0) * edges * 2.0 * h;
}
