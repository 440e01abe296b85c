/* The heads: small networks on the features of atoms, or on their mean. */
#include "model/orb/orb.h"
#include "model/orb/orb_model.h"

#include <math.h>
#include <stdlib.h>

/* A product of a head: y (rows,outs) = x (rows,256) · wᵀ, or, `back`, y (1,256) = x (1,256) · w.
 * Exact whatever the layers are, for it costs nothing. */
static mds_status multiply(const orb *self, int rows, int outs, const void *x, const void *w,
                           bool back, void *y)
{
    const mds_gemm op = {.real = self->real,
                         .trans_b = !back,
                         .m = rows,
                         .n = outs,
                         .k = ORB_WIDTH,
                         .alpha = 1.0,
                         .a = x,
                         .lda = ORB_WIDTH,
                         .b = w,
                         .ldb = ORB_WIDTH,
                         .c = y,
                         .ldc = outs};

    return mds_op_gemm(NULL, self->base.device, &op);
}

/* The head on rows of x; y (rows, outputs) before the normaliser is undone. nodes.head keeps the
 * input of the activation when `keep`, for the gradient. */
static mds_status apply(const orb *self, const orb_head *head, int rows, const void *x, bool keep,
                        void *y)
{
    const mds_bias_act hidden = {.real = self->real,
                                 .act = orb_activation(self),
                                 .rows = rows,
                                 .cols = ORB_WIDTH,
                                 .bias = head->b[0],
                                 .x = self->nodes.head,
                                 .y = keep ? self->nodes.y1 : self->nodes.head,
                                 .ldx = ORB_WIDTH,
                                 .ldy = ORB_WIDTH};
    const mds_bias_act out = {.real = self->real,
                              .act = {MDS_ACT_NONE, 0.0},
                              .rows = rows,
                              .cols = head->outputs,
                              .bias = head->b[1],
                              .x = y,
                              .y = y,
                              .ldx = head->outputs,
                              .ldy = head->outputs};
    mds_status status;

    MDS_TRY(multiply(self, rows, ORB_WIDTH, x, head->w[0], false, hidden.x));
    MDS_TRY(mds_op_bias_act(NULL, self->base.device, &hidden));
    MDS_TRY(multiply(self, rows, head->outputs, hidden.y, head->w[1], false, y));
    status = mds_op_bias_act(NULL, self->base.device, &out);
out:
    return status;
}

mds_status orb_heads(orb *self, mds_state *state, unsigned want)
{
    const orb_weights *w = &self->weights;
    const orb_nodes *nodes = &self->nodes;
    mds_status status;

    MDS_TRY(self->target->average(self));
    MDS_TRY(apply(self, &w->energy, 1, nodes->mean, true, nodes->energy));
    if (!self->variant->conservative) {
        MDS_TRY(apply(self, &w->forces, self->graph.n, nodes->h, false, nodes->forces));
        if (want & MDS_WANT_VIRIAL)
            MDS_TRY(apply(self, &w->stress, 1, nodes->mean, false, nodes->stress));
    }
    status = self->target->finish(self, state, want);
out:
    return status;
}

/* dE/dh_i = (1/n)·n·σ·(w₁ ⊙ act′(z))·W₀, for every i; z still stands in nodes.head, as the energy
 * is the only head of a conservative model. */
mds_status orb_energy_grad(orb *self)
{
    const orb_head *head = &self->weights.energy;
    const mds_act_grad slope = {.real = self->real,
                                .act = orb_activation(self),
                                .rows = 1,
                                .cols = ORB_WIDTH,
                                .z = self->nodes.head,
                                .g = self->nodes.y1,
                                .ldz = ORB_WIDTH,
                                .ldg = ORB_WIDTH};
    mds_status status;

    MDS_TRY(mds_device_copy(self->base.device, self->nodes.y1, self->energy_w,
                            ORB_WIDTH * mds_real_size(self->real), MDS_COPY_ON_DEVICE));
    MDS_TRY(mds_op_act_grad(NULL, self->base.device, &slope));
    status = multiply(self, 1, ORB_WIDTH, self->nodes.y1, head->w[0], true, self->nodes.mean);
out:
    return status;
}

/* Logits to probabilities. */
static void soften(double row[ORB_BINS])
{
    double highest = -INFINITY, sum = 0.0;

    for (int k = 0; k < ORB_BINS; ++k)
        highest = fmax(highest, row[k]);
    for (int k = 0; k < ORB_BINS; ++k)
        sum += row[k] = exp(row[k] - highest);
    for (int k = 0; k < ORB_BINS; ++k)
        row[k] /= sum;
}

mds_status orb_confidence(mds_model *model, double *out)
{
    const orb *self = (const orb *)model;
    const orb_head *head = &self->weights.confidence;
    const size_t count = (size_t)self->graph.n * ORB_BINS;
    const size_t bytes = count * mds_real_size(self->real);
    void *logits = NULL, *copy = NULL;
    mds_status status;

    if (!head->outputs)
        return mds_fail(MDS_ERR_UNSUPPORTED, "%s has no confidence", self->variant->name);
    copy = malloc(bytes);
    if (!copy)
        return mds_fail(MDS_ERR_NOMEM, "orb: no memory for the confidence");
    MDS_TRY(mds_device_alloc(model->device, bytes, "orb confidence", &logits));
    MDS_TRY(apply(self, head, self->graph.n, self->nodes.h, false, logits));
    MDS_TRY(mds_device_copy(model->device, copy, logits, bytes, MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_sync(model->device));
    for (size_t k = 0; k < count; ++k)
        out[k] = self->real == MDS_REAL_FP32 ? (double)((const float *)copy)[k]
                                             : ((const double *)copy)[k];
    for (int i = 0; i < self->graph.n; ++i)
        soften(out + (size_t)i * ORB_BINS);
out:
    mds_device_free(model->device, logits);
    free(copy);
    return status;
}

mds_status orb_expected_error(mds_model *model, double *out)
{
    const int n = ((const orb *)model)->graph.n;
    const double bin_eV_A = 0.3 / ORB_BINS;
    double *probability = malloc(((size_t)n + 1) * ORB_BINS * sizeof *probability);

    if (!probability)
        return mds_fail(MDS_ERR_NOMEM, "orb: no memory for the confidence");
    const mds_status status = orb_confidence(model, probability);
    for (int i = 0; i < n && status == MDS_OK; ++i) {
        out[i] = 0.0;
        for (int k = 0; k < ORB_BINS; ++k)
            out[i] += probability[(size_t)i * ORB_BINS + (size_t)k] * (k + 0.5) * bin_eV_A;
    }
    free(probability);
    return status;
}
