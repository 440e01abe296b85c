/* The fused row operations against their definitions, each instruction set against the library's
 * functions, and the gradient of the norms against differences. */
#include "base/rng.h"
#include "device/cpu/cpu_rows.h"
#include "device/ops.h"
#include "harness/test.h"

enum { ROWS = 9, COLS = 37, LD = 41, NODES = 5, SIZE = ROWS * LD };

static mds_device *device;

static double number(int i, uint32_t which)
{
    return mds_rng_normal(9, MDS_RNG_TEST, 0, (uint64_t)i, which);
}

static void fill(mds_real real, void *x, int count, uint32_t which)
{
    for (int i = 0; i < count; ++i)
        if (real == MDS_REAL_FP32)
            ((float *)x)[i] = (float)number(i, which);
        else
            ((double *)x)[i] = number(i, which);
}

static double at(mds_real real, const void *x, int i)
{
    return real == MDS_REAL_FP32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

typedef union block {
    float f[SIZE];
    double d[SIZE];
} block;

/* 40 units in the last place: a few operations each rounded once, on numbers of order one. */
static void check_same(mds_real real, const void *a, const void *b)
{
    const double eps = 40.0 * (real == MDS_REAL_FP32 ? 6e-8 : 1.2e-16);

    for (int i = 0; i < SIZE; ++i)
        CHECK_NEAR(at(real, a, i), at(real, b, i), eps, eps);
}

static void test_gather_act(void **state)
{
    static const int ia[ROWS] = {0, 1, 4, 4, 2, 3, 0, 0, 1}, ib[ROWS] = {4, 3, 2, 1, 0, 0, 1, 2, 3};

    (void)state;
    for (int form = 0; form < 32; ++form) {
        const mds_real real = form & 1 ? MDS_REAL_FP64 : MDS_REAL_FP32;
        block x[2], y[2], a, b, bias;

        fill(real, &a, NODES * LD, 3);
        fill(real, &b, NODES * LD, 4);
        fill(real, &bias, COLS, 5);
        for (int copy = 0; copy < 2; ++copy) {
            const mds_gather_act op = {.real = real,
                                       .act = {form & 2 ? MDS_ACT_SSP : MDS_ACT_SILU, 0.0},
                                       .rows = ROWS,
                                       .cols = COLS,
                                       .bias = form & 4 ? &bias : NULL,
                                       .a = form & 8 ? &a : NULL,
                                       .b = form & 16 ? &b : NULL,
                                       .ia = ia,
                                       .ib = ib,
                                       .lda = LD,
                                       .ldb = LD,
                                       .x = &x[copy],
                                       .y = &y[copy],
                                       .ldx = LD,
                                       .ldy = LD};

            fill(real, &x[copy], SIZE, 1);
            fill(real, &y[copy], SIZE, 2);
            CHECK_OK(mds_op_gather_act(copy ? &mds_ops_ref : NULL, device, &op));
        }
        check_same(real, &x[0], &x[1]);
        check_same(real, &y[0], &y[1]);
    }
}

static mds_norm norm_of(mds_real real, int form, const void *weight, const void *bias)
{
    return (mds_norm){.real = real,
                      .rms = form & 2,
                      .rows = ROWS,
                      .cols = COLS,
                      .eps = 1e-5,
                      .weight = form & 4 ? weight : NULL,
                      .bias = form & 4 ? bias : NULL,
                      .ldx = LD,
                      .ldy = LD};
}

static void test_norm_add(void **state)
{
    (void)state;
    for (int form = 0; form < 64; ++form) {
        const mds_real real = form & 1 ? MDS_REAL_FP64 : MDS_REAL_FP32;
        block x[2], y[2], sum[2], pre, weight, bias;

        fill(real, &pre, COLS, 5);
        fill(real, &weight, COLS, 6);
        fill(real, &bias, COLS, 7);
        for (int copy = 0; copy < 2; ++copy) {
            mds_norm_add op = {.norm = norm_of(real, form, &weight, &bias),
                               .pre = form & 8 ? &pre : NULL,
                               .z = form & 16 ? &x[copy] : NULL,
                               .sum = form & 32 ? &sum[copy] : NULL,
                               .ldz = LD,
                               .ldsum = LD};

            fill(real, &x[copy], SIZE, 1);
            fill(real, &y[copy], SIZE, 2);
            fill(real, &sum[copy], SIZE, 3);
            op.norm.x = &x[copy];
            op.norm.y = form & 8 && !(form & 16) ? (void *)&x[copy] : (void *)&y[copy];
            CHECK_OK(mds_op_norm_add(copy ? &mds_ops_ref : NULL, device, &op));
        }
        check_same(real, &x[0], &x[1]);
        check_same(real, &y[0], &y[1]);
        check_same(real, &sum[0], &sum[1]);
    }
}

static void test_norm_grad(void **state)
{
    (void)state;
    for (int form = 0; form < 8; ++form) {
        const mds_real real = form & 1 ? MDS_REAL_FP64 : MDS_REAL_FP32;
        block x, g[2], weight;

        fill(real, &x, SIZE, 1);
        fill(real, &weight, COLS, 6);
        for (int copy = 0; copy < 2; ++copy) {
            const mds_norm_grad op = {.real = real,
                                      .rms = form & 2,
                                      .rows = ROWS,
                                      .cols = COLS,
                                      .eps = 1e-5,
                                      .weight = form & 4 ? &weight : NULL,
                                      .x = &x,
                                      .g = &g[copy],
                                      .ldx = LD,
                                      .ldg = LD};

            fill(real, &g[copy], SIZE, 2);
            CHECK_OK(mds_op_norm_grad(copy ? &mds_ops_ref : NULL, device, &op));
        }
        check_same(real, &g[0], &g[1]);
    }
}

/* Σ g·norm(x) differentiated by each x, with step h: truncation h² ≈ 1e-10, rounding 1e-16/h. */
static void test_norm_grad_is_the_derivative(void **state)
{
    const double h = 1e-5;

    (void)state;
    for (int form = 0; form < 8; form += 2) {
        double x[COLS], weight[COLS], bias[COLS], g[COLS], slope[COLS], y[COLS];
        mds_norm norm = norm_of(MDS_REAL_FP64, form, weight, bias);

        fill(MDS_REAL_FP64, x, COLS, 1);
        fill(MDS_REAL_FP64, weight, COLS, 6);
        fill(MDS_REAL_FP64, bias, COLS, 7);
        fill(MDS_REAL_FP64, g, COLS, 2);
        memcpy(slope, g, sizeof g);
        norm.rows = 1;
        norm.x = x;
        norm.y = y;
        const mds_norm_grad op = {.real = MDS_REAL_FP64,
                                  .rms = norm.rms,
                                  .rows = 1,
                                  .cols = COLS,
                                  .eps = norm.eps,
                                  .weight = norm.weight,
                                  .x = x,
                                  .g = slope,
                                  .ldx = LD,
                                  .ldg = LD};
        CHECK_OK(mds_op_norm_grad(&mds_ops_ref, device, &op));
        for (int k = 0; k < COLS; ++k) {
            const double x0 = x[k];
            double value[2] = {0.0, 0.0};

            for (int side = 0; side < 2; ++side) {
                x[k] = x0 + (side ? h : -h);
                CHECK_OK(mds_op_norm(&mds_ops_ref, device, &norm));
                for (int j = 0; j < COLS; ++j)
                    value[side] += g[j] * y[j];
            }
            x[k] = x0;
            CHECK_NEAR(slope[k], (value[1] - value[0]) / (2.0 * h), 1e-7, 1e-7);
        }
    }
}

/* Over the whole range, with the ends where the exponential leaves float32. */
static void check_activation(const mds_cpu_rows *rows, mds_act_kind kind, double z0)
{
    float z = (float)z0, y = NAN, g = 1.0f;
    const mds_bias_act value = {.real = MDS_REAL_FP32,
                                .act = {kind, 0.0},
                                .rows = 1,
                                .cols = 1,
                                .x = &z,
                                .y = &y,
                                .ldx = 1,
                                .ldy = 1};
    const mds_act_grad slope = {.real = MDS_REAL_FP32,
                                .act = {kind, 0.0},
                                .rows = 1,
                                .cols = 1,
                                .z = &z,
                                .g = &g,
                                .ldz = 1,
                                .ldg = 1};
    const double s = 1.0 / (1.0 + exp(-(double)z));
    const double want = kind == MDS_ACT_SILU ? z * s : (z > 20 ? z : log1p(exp(z))) - log(2.0);
    const double want_slope = kind == MDS_ACT_SILU ? s * (1.0 + z * (1.0 - s)) : s;

    rows->bias_act(&value);
    rows->act_grad(&slope);
    /* Four units of float32, relative to the value or, where two parts cancel, to those. */
    CHECK_NEAR(y, want, 2.4e-7, 2.4e-7);
    CHECK_NEAR(g, want_slope, 4.8e-7, 2.4e-7);
}

static void test_activations_of_each_instruction_set(void **state)
{
    static const char *const names[] = {"avx512", "avx2", "portable"};

    (void)state;
    for (int i = 0; i < 3; ++i) {
        const mds_cpu_rows *rows = mds_cpu_rows_named(names[i], MDS_REAL_FP32);

        if (!rows)
            continue;
        for (double z = -130.0; z < 130.0; z += 0.0173) {
            check_activation(rows, MDS_ACT_SILU, z);
            check_activation(rows, MDS_ACT_SSP, z);
            check_activation(rows, MDS_ACT_SSP, z * 1e-3);
        }
        check_activation(rows, MDS_ACT_SILU, -1e30);
        check_activation(rows, MDS_ACT_SSP, 1e30);
    }
    assert_null(mds_cpu_rows_named("none", MDS_REAL_FP32));
    assert_non_null(mds_cpu_rows_find(MDS_REAL_FP64));
}

static void test_wrong_shapes_are_refused(void **state)
{
    double x[4] = {0.0};
    const mds_act silu = {MDS_ACT_SILU, 0.0};
    mds_gather_act gather = {.real = MDS_REAL_FP64,
                             .act = silu,
                             .rows = 1,
                             .cols = 4,
                             .a = x,
                             .lda = 4,
                             .x = x,
                             .y = x,
                             .ldx = 4,
                             .ldy = 4};
    mds_norm_add add = {.norm = {.real = MDS_REAL_FP64, .rows = 1, .cols = 4, .x = x, .ldx = 4},
                        .sum = x,
                        .ldsum = 3};
    mds_norm_grad grad = {.real = MDS_REAL_FP64, .rows = 1, .cols = 4, .x = x, .ldx = 4, .ldg = 4};
    const mds_ops empty = {.name = "empty"};

    (void)state;
    CHECK_FAILS(mds_op_gather_act(NULL, device, &gather), MDS_ERR_INTERNAL, "without an index");
    gather.a = NULL;
    CHECK_FAILS(mds_op_gather_act(&empty, device, &gather), MDS_ERR_UNSUPPORTED, "no gather_act");
    CHECK_FAILS(mds_op_norm_add(NULL, device, &add), MDS_ERR_INTERNAL, "leading dimension");
    add.norm.cols = add.norm.ldx = 1025;
    CHECK_FAILS(mds_op_norm_add(NULL, device, &add), MDS_ERR_INTERNAL, "too long");
    CHECK_FAILS(mds_op_norm_grad(NULL, device, &grad), MDS_ERR_INTERNAL, "NULL");
    grad.g = x;
    CHECK_FAILS(mds_op_norm_grad(&empty, device, &grad), MDS_ERR_UNSUPPORTED, "no norm_grad");
}

static int open_device(void **state)
{
    (void)state;
    CHECK_OK(mds_device_open("cpu", &device));
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    mds_device_close(device);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gather_act),
        cmocka_unit_test(test_norm_add),
        cmocka_unit_test(test_norm_grad),
        cmocka_unit_test(test_norm_grad_is_the_derivative),
        cmocka_unit_test(test_activations_of_each_instruction_set),
        cmocka_unit_test(test_wrong_shapes_are_refused),
    };

    return cmocka_run_group_tests(tests, open_device, close_device);
}
