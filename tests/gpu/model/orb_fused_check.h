/* Networks of rows in float64, with operands rounded to halves where the kernels round them or not
 * at all, and what the tests of the fp16 path share. */
#ifndef MDS_TESTS_GPU_MODEL_ORB_FUSED_CHECK_H
#define MDS_TESTS_GPU_MODEL_ORB_FUSED_CHECK_H

#include "base/rng.h"
#include "device/ops.h"
#include "harness/test.h"
#include "model/orb/orb_fused.h"

enum { WIDTH = ORB_FUSED_WIDTH, MEMORIES = 64 };

static mds_device *device, *cpu;
static void *memories[MEMORIES];
static int memory_count;

static inline void *room_for(size_t bytes)
{
    void *memory = NULL;

    assert_true(memory_count < MEMORIES);
    CHECK_OK(mds_device_alloc(device, bytes, "test", &memory));
    return memories[memory_count++] = memory;
}

static inline void *put(const void *from, size_t bytes)
{
    void *to = room_for(bytes);

    CHECK_OK(mds_device_copy(device, to, from, bytes, MDS_COPY_TO_DEVICE));
    return to;
}

static inline void get(void *to, const void *from, size_t bytes)
{
    CHECK_OK(mds_device_copy(device, to, from, bytes, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(device));
}

/* Frees all but the first `kept` of what the device holds. */
static inline void drop(int kept)
{
    while (memory_count > kept)
        mds_device_free(device, memories[--memory_count]);
}

static inline int open_device(void **unused)
{
    (void)unused;
    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        exit(77);
    }
    CHECK_OK(mds_device_open("cpu", &cpu));
    return 0;
}

static inline int close_device(void **unused)
{
    (void)unused;
    mds_device_close(device);
    mds_device_close(cpu);
    return 0;
}

/* The nearest half; what is drawn here is far from their largest. */
static inline double as_half(double x)
{
    int exponent;

    frexp(x, &exponent);
    const double step = ldexp(1.0, exponent < -13 ? -24 : exponent - 11);
    return nearbyint(x / step) * step;
}

static inline double half_value(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, rest = bits & 1023;
    const double size = exponent == 31  ? (rest ? NAN : INFINITY)
                        : exponent == 0 ? ldexp(rest, -24)
                                        : ldexp(1024 + rest, exponent - 25);

    return bits & 0x8000 ? -size : size;
}

/* Of numbers that are halves. */
static inline uint16_t half_bits(double x)
{
    int exponent;
    const double size = fabs(x);
    const unsigned sign = x < 0.0 ? 0x8000u : 0u;

    if (size < 0x1p-14)
        return (uint16_t)(sign | (unsigned)(size * 0x1p24));
    const double part = frexp(size, &exponent);
    return (uint16_t)(sign | ((unsigned)(exponent + 14) << 10) |
                      ((unsigned)(part * 2048.0) - 1024u));
}

static inline double *draw(size_t n, double scale, double shift)
{
    static uint32_t calls;
    double *x = malloc((n + 1) * sizeof *x);

    ++calls;
    for (size_t i = 0; i < n; ++i)
        x[i] = shift + scale * mds_rng_normal(5, MDS_RNG_TEST, calls, i, 0);
    return x;
}

/* Numbers that are floats, on the device too. */
static inline double *draw_floats(size_t n, double scale, double shift, float **on)
{
    double *x = draw(n, scale, shift);
    float *f = malloc((n + 1) * sizeof *f);

    for (size_t i = 0; i < n; ++i)
        x[i] = f[i] = (float)x[i];
    *on = put(f, n * sizeof *f);
    free(f);
    return x;
}

static inline uint16_t *put_halves(size_t n, const double *x)
{
    uint16_t *h = malloc((n + 1) * sizeof *h);

    for (size_t i = 0; i < n; ++i)
        h[i] = half_bits(x[i]);
    uint16_t *on = put(h, n * sizeof *h);
    free(h);
    return on;
}

static inline void round_all(size_t n, double *x)
{
    for (size_t i = 0; i < n; ++i)
        x[i] = as_half(x[i]);
}

/* A network on both sides. */
typedef struct net {
    int inputs;
    double *w[3], *b[3], *gamma, *beta;
    orb_fused_mlp on;
} net;

static inline net make_net(int inputs, int hidden, int kind)
{
    const int outs[3] = {hidden, hidden, WIDTH}, ins[3] = {inputs, hidden, hidden};
    net n = {.inputs = inputs};
    const int zero = 0;
    int overflow = -1, *flag = put(&zero, sizeof zero);
    float *f;

    n.on.inputs = orb_fused_inputs(inputs);
    n.on.hidden = hidden;
    n.on.kind = kind;
    n.on.eps = kind & ORB_FUSED_RMS ? 1.1920929e-7f : 1e-5f;
    for (int k = 0; k < 3; ++k) {
        uint16_t *packed = room_for(2 * orb_fused_packed(outs[k], ins[k]));

        n.w[k] = draw_floats((size_t)outs[k] * (size_t)ins[k], 1.0 / sqrt(ins[k]), 0.0, &f);
        CHECK_OK(orb_fused_pack(device, outs[k], ins[k], f, ins[k], packed, flag));
        n.on.w[k] = packed;
        n.b[k] = draw_floats((size_t)outs[k], 0.1, 0.0, &f);
        n.on.b[k] = f;
    }
    n.gamma = draw_floats(WIDTH, 0.1, 1.0, &f);
    n.on.gamma = f;
    if (!(kind & ORB_FUSED_RMS)) {
        n.beta = draw_floats(WIDTH, 0.1, 0.0, &f);
        n.on.beta = f;
    }
    get(&overflow, flag, sizeof overflow);
    assert_int_equal(overflow, 0);
    return n;
}

static inline void drop_net(net *n)
{
    for (int k = 0; k < 3; ++k) {
        free(n->w[k]);
        free(n->b[k]);
    }
    free(n->gamma);
    free(n->beta);
}

/* y (rows, outs) = x (rows, ins) wᵀ */
static inline void multiply(int rows, int outs, int ins, const double *x, const double *w,
                            double *y)
{
    const mds_gemm op = {.real = MDS_REAL_FP64,
                         .trans_b = true,
                         .m = rows,
                         .n = outs,
                         .k = ins,
                         .alpha = 1.0,
                         .a = x,
                         .b = w,
                         .c = y,
                         .lda = ins,
                         .ldb = ins,
                         .ldc = outs};

    CHECK_OK(mds_op_gemm(NULL, cpu, &op));
}

static inline double activation(int kind, double x)
{
    return kind & ORB_FUSED_SILU ? x / (1.0 + exp(-x)) : (x > 20.0 ? x : log1p(exp(x))) - log(2.0);
}

static inline void norm_row(const net *n, double *y)
{
    double mean = 0.0, square = 0.0;

    for (int j = 0; j < WIDTH && !(n->on.kind & ORB_FUSED_RMS); ++j)
        mean += y[j] / WIDTH;
    for (int j = 0; j < WIDTH; ++j)
        square += (y[j] - mean) * (y[j] - mean) / WIDTH;
    for (int j = 0; j < WIDTH; ++j)
        y[j] = (y[j] - mean) / sqrt(square + (double)n->on.eps) * n->gamma[j] +
               (n->beta ? n->beta[j] : 0.0);
}

/* What atoms add to the first layer. */
typedef struct ends {
    const int *sender, *receiver;
    const double *p; /* (n,2H) */
} ends;

/* y (rows,256), which the caller frees. halves: operands are rounded where the kernels do it (the
 * weights are by the caller, see below). */
static inline double *apply(const net *n, int rows, const double *x, const ends *at, bool halves)
{
    const int hidden = n->on.hidden;
    const size_t wide = (size_t)rows * (size_t)hidden;
    double *h1 = malloc((wide + 1) * sizeof *h1), *h2 = malloc((wide + 1) * sizeof *h2);
    double *y = malloc(((size_t)rows * WIDTH + 1) * sizeof *y);

    multiply(rows, hidden, n->inputs, x, n->w[0], h1);
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < hidden; ++j) {
            double *v = h1 + (size_t)i * (size_t)hidden + j;

            *v += n->b[0][j];
            if (at)
                *v += at->p[(size_t)at->sender[i] * 2 * (size_t)hidden + (size_t)j] +
                      at->p[((size_t)at->receiver[i] * 2 + 1) * (size_t)hidden + (size_t)j];
            *v = activation(n->on.kind, *v);
        }
    if (halves)
        round_all(wide, h1);
    multiply(rows, hidden, hidden, h1, n->w[1], h2);
    for (size_t i = 0; i < wide; ++i)
        h2[i] = activation(n->on.kind, h2[i] + n->b[1][i % (size_t)hidden]);
    if (halves)
        round_all(wide, h2);
    multiply(rows, WIDTH, hidden, h2, n->w[2], y);
    for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < WIDTH; ++j)
            y[i * WIDTH + j] += n->b[2][j];
        norm_row(n, y + i * WIDTH);
    }
    free(h1);
    free(h2);
    return y;
}

static inline void round_net(net *n)
{
    round_all((size_t)(n->on.hidden * n->inputs), n->w[0]);
    round_all((size_t)(n->on.hidden * n->on.hidden), n->w[1]);
    round_all((size_t)(n->on.hidden * WIDTH), n->w[2]);
}

#endif
