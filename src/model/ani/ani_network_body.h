/* Networks over groups of atoms, forward and backward.
 *
 * A tile is ANI_PACK outputs for up to three blocks of atoms: 24 running sums in registers; each
 * step of its loop loads one vector of inputs for each block and broadcasts eight weights. The
 * weights of eight outputs lie together, in the order in which they are used, and the backward pass
 * takes eight inputs of the same memory, so that a second, transposed copy is not needed. A group
 * goes through all layers and back while its activations are in the nearest cache; networks stream
 * by once. h holds the outputs of the hidden layers, (layer, block, feature, lane), and then, in
 * the same place, dE/dz. */

#ifndef TILE_ROWS /* sums of one block that fit the registers */
#define TILE_ROWS 8
#endif

static size_t NAME(group_reals)(const ani_packed *net)
{
    size_t reals = 0;

    for (int l = 0; l < net->layers - 1; ++l)
        reals += (size_t)net->out[l] * ANI_GROUP_BLOCKS * LANES;
    return reals;
}

/* y = celu(W x + b) for TILE_ROWS outputs. */
static inline __attribute__((always_inline)) void
NAME(tile_forward)(int blocks, int in, const REAL *w, const REAL *bias, const REAL *x,
                   size_t x_stride, REAL *y, size_t y_stride)
{
    vec sum[TILE_ROWS][ANI_GROUP_BLOCKS];

    for (int r = 0; r < TILE_ROWS; ++r)
        for (int b = 0; b < blocks; ++b)
            sum[r][b] = NAME(set)(bias[r]);
    for (int k = 0; k < in; ++k) {
        vec value[ANI_GROUP_BLOCKS];

        /* The next outputs' weights (behind the last ones come the next layer's). */
        __builtin_prefetch(w + (size_t)(in + k) * ANI_PACK, 0, 2);
        for (int b = 0; b < blocks; ++b)
            value[b] = NAME(load)(x + (size_t)b * x_stride + (size_t)k * LANES);
        for (int r = 0; r < TILE_ROWS; ++r)
            for (int b = 0; b < blocks; ++b)
                sum[r][b] += w[k * ANI_PACK + r] * value[b];
    }
    for (int r = 0; r < TILE_ROWS; ++r)
        for (int b = 0; b < blocks; ++b) {
            const vec z = sum[r][b], low = V_MIN(z, (vec){0});

            NAME(store)
            (y + (size_t)b * y_stride + (size_t)r * LANES,
             (z - low) + (REAL)0.1 * (NAME(vexp2)((REAL)(10.0 * LOG2_E) * low) - (REAL)1));
        }
}

static inline __attribute__((always_inline)) void NAME(layer_forward)(int blocks, int in, int out,
                                                                      const REAL *w,
                                                                      const REAL *bias,
                                                                      const REAL *x, REAL *y)
{
    for (int o = 0; o < out; o += TILE_ROWS)
        NAME(tile_forward)
    (blocks, in, w + (size_t)(o / ANI_PACK) * ANI_PACK * (size_t)in + o % ANI_PACK, bias + o, x,
     (size_t)in * LANES, y + (size_t)o * LANES, (size_t)out * LANES);
}

/* The slope of celu from its value: e^{10 z} = 1 + 10 y below zero. */
static inline vec NAME(slope)(vec y)
{
    return (REAL)1 + (REAL)10 * V_MIN(y, (vec){0});
}

/* The last layer: energies of `atoms` lanes; h becomes dE/dz of the layer before. */
static double NAME(last_layer)(const ani_packed *net, int blocks, int atoms, REAL *h)
{
    const int l = net->layers - 1, in = net->in[l];
    const REAL *w = net->weight[l], bias = *(const REAL *)net->bias[l];
    double energy = 0.0;

    for (int b = 0; b < blocks; ++b) {
        vec sum = {0};
        REAL lanes[LANES];

        for (int k = 0; k < in; ++k) {
            REAL *at = h + ((size_t)b * (size_t)in + (size_t)k) * LANES;
            const vec y = NAME(load)(at);

            sum += w[k] * y;
            NAME(store)(at, w[k] * NAME(slope)(y));
        }
        NAME(store)(lanes, sum + bias);
        for (int a = 0; a < LANES && b * LANES + a < atoms; ++a)
            energy += (double)lanes[a];
    }
    return energy;
}

static double NAME(forward)(const ani_packed *net, int blocks, int atoms, const void *g, void *h)
{
    const REAL *x = g;
    REAL *y = h;

    for (int l = 0; l < net->layers - 1; ++l) {
        const int in = net->in[l], out = net->out[l];

        if (blocks == 3)
            NAME(layer_forward)(3, in, out, net->weight[l], net->bias[l], x, y);
        else if (blocks == 2)
            NAME(layer_forward)(2, in, out, net->weight[l], net->bias[l], x, y);
        else
            NAME(layer_forward)(1, in, out, net->weight[l], net->bias[l], x, y);
        x = y;
        y += (size_t)out * ANI_GROUP_BLOCKS * LANES;
    }
    y -= (size_t)net->out[net->layers - 2] * ANI_GROUP_BLOCKS * LANES;
    return NAME(last_layer)(net, blocks, atoms, y);
}

/* TILE_ROWS inputs of Wᵀ g, into `sum`. */
static inline __attribute__((always_inline)) void
NAME(tile_backward)(int blocks, int in, int out, const REAL *w, const REAL *g,
                    vec sum[TILE_ROWS][ANI_GROUP_BLOCKS])
{
    const size_t stride = (size_t)out * LANES;

    for (int r = 0; r < TILE_ROWS; ++r)
        for (int b = 0; b < blocks; ++b)
            sum[r][b] = (vec){0};
    for (int o = 0; o < out; o += ANI_PACK, w += (size_t)in * ANI_PACK)
        for (int k = 0; k < ANI_PACK; ++k) {
            vec value[ANI_GROUP_BLOCKS];

            for (int b = 0; b < blocks; ++b)
                value[b] = NAME(load)(g + (size_t)b * stride + (size_t)(o + k) * LANES);
            for (int r = 0; r < TILE_ROWS; ++r)
                for (int b = 0; b < blocks; ++b)
                    sum[r][b] += w[r * ANI_PACK + k] * value[b];
        }
}

/* mode 0: y ← sum · celu'(y); 1: y ← sum; 2: y ← y + sum. */
static inline __attribute__((always_inline)) void
NAME(layer_backward)(int blocks, int in, int out, const REAL *w, const REAL *g, REAL *y, int mode)
{
    for (int i = 0; i < in; i += TILE_ROWS) {
        vec sum[TILE_ROWS][ANI_GROUP_BLOCKS];

        NAME(tile_backward)(blocks, in, out, w + (size_t)i * ANI_PACK, g, sum);
        for (int r = 0; r < TILE_ROWS; ++r)
            for (int b = 0; b < blocks; ++b) {
                REAL *at = y + ((size_t)b * (size_t)in + (size_t)(i + r)) * LANES;

                if (mode == 0)
                    sum[r][b] *= NAME(slope)(NAME(load)(at));
                else if (mode == 2)
                    sum[r][b] += NAME(load)(at);
                NAME(store)(at, sum[r][b]);
            }
    }
}

static void NAME(backward)(const ani_packed *net, int blocks, void *h, bool add, void *grad)
{
    REAL *g = (REAL *)h + NAME(group_reals)(net);

    g -= (size_t)net->out[net->layers - 2] * ANI_GROUP_BLOCKS * LANES;
    for (int l = net->layers - 2; l >= 0; --l) {
        const int in = net->in[l], out = net->out[l];
        const int mode = l ? 0 : add ? 2 : 1;
        REAL *y = l ? g - (size_t)in * ANI_GROUP_BLOCKS * LANES : grad;

        if (blocks == 3)
            NAME(layer_backward)(3, in, out, net->weight[l], g, y, mode);
        else if (blocks == 2)
            NAME(layer_backward)(2, in, out, net->weight[l], g, y, mode);
        else
            NAME(layer_backward)(1, in, out, net->weight[l], g, y, mode);
        g = y;
    }
}

/* ---- the table ---- */

const ani_kernel NAME(ani_kernel) = {
    .name = KERNEL,
    .lanes = LANES,
    .real_size = sizeof(REAL),
    .filter = NAME(filter),
    .scratch_bytes = NAME(scratch_bytes),
    .describe = NAME(describe),
    .forces = NAME(forces),
    .group_reals = NAME(group_reals),
    .forward = NAME(forward),
    .backward = NAME(backward),
};
