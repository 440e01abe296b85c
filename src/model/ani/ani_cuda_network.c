/* The networks on a CUDA device through the table of operations, one element after the other.
 *
 * Members lie side by side in the columns: the first layer of all of them is one product, and so
 * is the last step of the way back, whose sum over the members is thereby part of a product. The
 * layers between are batches of one product for each member. */
#include "model/ani/ani_cuda_model.h"

#ifdef MDS_WITH_CUDA

#include "model/ani/ani_model.h"

#include <string.h>

/* The element at hand. */
typedef struct block {
    ani_cuda *cuda;
    mds_device *device;
    const ani_cuda_net *net;
    int rows, members;
    void *g, *grad; /* its first row */
    double *energy;
} block;

static mds_gemm product(const block *b, int m, int n, int k)
{
    const mds_gemm op = {.real = b->cuda->real,
                         .m = m,
                         .n = n,
                         .k = k,
                         .batch = 1,
                         .alpha = 1.0,
                         .product = b->cuda->product};

    return op;
}

static const mds_act celu = {.kind = MDS_ACT_CELU, .a = 0.1};

static mds_status layer_forward(const block *b, int l)
{
    const int in = b->net->in[l], out = b->net->out[l], all = b->members * out;
    void *h = b->cuda->h[l];
    mds_gemm op = product(b, b->rows, l ? out : all, in);
    const mds_bias_act act = {.real = b->cuda->real,
                              .act = celu,
                              .rows = b->rows,
                              .cols = all,
                              .bias = b->net->bias[l],
                              .x = h,
                              .y = h,
                              .ldx = all,
                              .ldy = all};

    op.trans_b = true;
    op.a = l ? b->cuda->h[l - 1] : b->g;
    op.b = b->net->weight[l];
    op.c = h;
    op.lda = l ? b->members * in : in;
    op.ldb = in;
    op.ldc = all;
    if (l) {
        op.batch = b->members;
        op.stride_a = in;
        op.stride_b = (int64_t)in * out;
        op.stride_c = out;
    }
    const mds_status status = mds_op_gemm(NULL, b->device, &op);
    return status == MDS_OK ? mds_op_bias_act(NULL, b->device, &act) : status;
}

/* From `g` (rows, members·out) to dE/d(input): `to`, and there through the activation before. */
static mds_status layer_backward(const block *b, int l, const void *g, void *to)
{
    const int in = b->net->in[l], out = b->net->out[l], all = b->members * out;
    mds_gemm op = product(b, b->rows, in, l ? out : all);
    const mds_act_grad act = {.real = b->cuda->real,
                              .act = celu,
                              .rows = b->rows,
                              .cols = b->members * in,
                              .y = l ? b->cuda->h[l - 1] : NULL,
                              .g = to,
                              .ldy = b->members * in,
                              .ldg = b->members * in};

    op.a = g;
    op.b = b->net->weight[l];
    op.c = to;
    op.lda = all;
    op.ldb = in;
    op.ldc = l ? b->members * in : in;
    if (l) {
        op.batch = b->members;
        op.stride_a = out;
        op.stride_b = (int64_t)in * out;
        op.stride_c = in;
    }
    const mds_status status = mds_op_gemm(NULL, b->device, &op);
    return status == MDS_OK && l ? mds_op_act_grad(NULL, b->device, &act) : status;
}

static mds_status forward(const block *b, const mds_step_block *d)
{
    const int last = b->net->layers - 1;
    mds_status status = MDS_OK;

    for (int l = 0; l < last; ++l)
        MDS_TRY(layer_forward(b, l));
    const ani_cuda_last job = {.real = b->cuda->real,
                               .rows = b->rows,
                               .members = b->members,
                               .width = b->net->in[last],
                               .stride = b->cuda->job.list.n,
                               .weight = b->net->weight[last],
                               .bias = b->net->bias[last],
                               .h = b->cuda->h[last - 1],
                               .energy = b->energy,
                               .d = d};
    status = ani_cuda_last_layer(b->device, &job);
out:
    return status;
}

static mds_status backward(const block *b)
{
    const int last = b->net->layers - 1;
    const void *g = b->cuda->h[last - 1];
    mds_status status = MDS_OK;

    for (int l = last - 1; l >= 0; --l) {
        void *to = l ? b->cuda->g[l % 2] : b->grad;

        MDS_TRY(layer_backward(b, l, g, to));
        g = to;
    }
out:
    return status;
}

mds_status ani_cuda_networks(ani *self, const mds_step_block *d)
{
    ani_cuda *cuda = self->cuda;
    mds_regions *regions = self->base.regions;
    mds_status status = MDS_OK;

    for (int e = 0; e < cuda->pack.live && status == MDS_OK; ++e) {
        const size_t at = (size_t)cuda->first[e] * (size_t)cuda->pack.features *
                          mds_real_size(cuda->real);
        const block b = {.cuda = cuda,
                         .device = self->base.device,
                         .net = &cuda->pack.net[e],
                         .rows = cuda->count[e],
                         .members = self->members,
                         .g = (char *)cuda->job.g + at,
                         .grad = (char *)cuda->grad + at,
                         .energy = (double *)cuda->energies.memory + cuda->first[e]};

        if (b.rows == 0)
            continue;
        mds_region_begin(regions, MDS_REGION_NETWORK);
        status = forward(&b, d);
        mds_region_end(regions, MDS_REGION_NETWORK);
        mds_region_begin(regions, MDS_REGION_NETWORK_BACKWARD);
        if (status == MDS_OK)
            status = backward(&b);
        mds_region_end(regions, MDS_REGION_NETWORK_BACKWARD);
    }
    return status;
}

#endif
