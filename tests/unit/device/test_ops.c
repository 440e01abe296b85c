/* The operations of the host against their definitions (ops_ref.c), and those against a few values
 * known in closed form. Shapes are odd on purpose: tails of vectors, single rows, gaps in rows. */
#include "base/rng.h"
#include "device/ops.h"
#include "harness/test.h"

/* Memory of one test, filled with numbers of order one; `fp32` decides how they are stored. */
typedef struct matrix {
    int count;
    void *data[2]; /* the same numbers twice: for the table under test and for the oracle */
} matrix;

static mds_device *device;

static matrix matrix_make(mds_real real, int count, uint32_t which)
{
    matrix m = {.count = count};

    for (int copy = 0; copy < 2; ++copy) {
        CHECK_OK(
            mds_device_alloc(device, (size_t)count * mds_real_size(real), "test", &m.data[copy]));
        for (int i = 0; i < count; ++i) {
            const double x = mds_rng_normal(7, MDS_RNG_TEST, 0, (uint64_t)i, which);

            if (real == MDS_REAL_FP32)
                ((float *)m.data[copy])[i] = (float)x;
            else
                ((double *)m.data[copy])[i] = x;
        }
    }
    return m;
}

static double at(mds_real real, const void *data, int i)
{
    return real == MDS_REAL_FP32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

/* Both copies agree everywhere, also where nothing should have been written. */
static void matrix_check(mds_real real, const matrix *m, double ulps)
{
    const double eps = ulps * (real == MDS_REAL_FP32 ? 6e-8 : 1.2e-16);

    for (int i = 0; i < m->count; ++i)
        CHECK_NEAR(at(real, m->data[0], i), at(real, m->data[1], i), eps, eps);
}

static void matrix_free(matrix *m)
{
    for (int copy = 0; copy < 2; ++copy)
        mds_device_free(device, m->data[copy]);
}

static const mds_ops *table_of(int copy)
{
    return copy == 0 ? NULL : &mds_ops_ref;
}

static const mds_real both[2] = {MDS_REAL_FP32, MDS_REAL_FP64};

static void check_gemm(mds_real real, bool ta, bool tb, int m, int n, int k, double beta, int batch)
{
    const int lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 2;
    const int size_a = (ta ? k : m) * lda, size_b = (tb ? n : k) * ldb, size_c = m * ldc;
    matrix a = matrix_make(real, size_a, 0), b = matrix_make(real, size_b * batch, 1);
    matrix c = matrix_make(real, size_c * batch, 2);

    for (int copy = 0; copy < 2; ++copy) {
        const mds_gemm op = {.real = real,
                             .trans_a = ta,
                             .trans_b = tb,
                             .m = m,
                             .n = n,
                             .k = k,
                             .batch = batch,
                             .alpha = 0.7,
                             .beta = beta,
                             .a = a.data[copy],
                             .b = b.data[copy],
                             .c = c.data[copy],
                             .lda = lda,
                             .ldb = ldb,
                             .ldc = ldc,
                             .stride_b = size_b,
                             .stride_c = size_c};

        CHECK_OK(mds_op_gemm(table_of(copy), device, &op));
    }
    /* k products of order one, each rounded once in another order. */
    matrix_check(real, &c, 8.0 * (k + 4));
    matrix_free(&a);
    matrix_free(&b);
    matrix_free(&c);
}

static void test_gemm(void **state)
{
    static const int shapes[][3] = {{1, 1, 1},  {7, 5, 3},   {1, 33, 17},
                                    {19, 1, 8}, {64, 65, 9}, {13, 130, 67}};

    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s)
        for (int form = 0; form < 16; ++form)
            check_gemm(both[form & 1], form & 2, form & 4, shapes[s][0], shapes[s][1], shapes[s][2],
                       form & 8 ? -0.5 : 0.0, 1 + form % 3);
}

static void test_gemm_without_terms_scales(void **state)
{
    double c[2] = {3.0, NAN};
    mds_gemm op = {
        .real = MDS_REAL_FP64, .m = 1, .n = 1, .lda = 1, .ldb = 1, .ldc = 1, .beta = 2.0, .c = c};

    (void)state;
    CHECK_OK(mds_op_gemm(NULL, device, &op));
    CHECK_NEAR(c[0], 6.0, 0.0, 0.0);
    op.beta = 0.0;
    op.c = c + 1;
    CHECK_OK(mds_op_gemm(NULL, device, &op));
    CHECK_NEAR(c[1], 0.0, 0.0, 0.0);
}

static void check_act(mds_real real, mds_act act, bool with_bias, bool in_place)
{
    const int rows = 9, cols = 21, ld = 23;
    matrix x = matrix_make(real, rows * ld, 0), y = matrix_make(real, rows * ld, 1);
    matrix bias = matrix_make(real, cols, 2), g = matrix_make(real, rows * ld, 3);

    for (int copy = 0; copy < 2; ++copy) {
        void *out = in_place ? x.data[copy] : y.data[copy];
        const mds_bias_act forward = {.real = real,
                                      .act = act,
                                      .rows = rows,
                                      .cols = cols,
                                      .bias = with_bias ? bias.data[copy] : NULL,
                                      .x = x.data[copy],
                                      .y = out,
                                      .ldx = ld,
                                      .ldy = ld};
        const mds_act_grad backward = {.real = real,
                                       .act = act,
                                       .rows = rows,
                                       .cols = cols,
                                       .z = x.data[copy],
                                       .y = out,
                                       .g = g.data[copy],
                                       .ldz = ld,
                                       .ldy = ld,
                                       .ldg = ld};

        CHECK_OK(mds_op_bias_act(table_of(copy), device, &forward));
        CHECK_OK(mds_op_act_grad(table_of(copy), device, &backward));
    }
    matrix_check(real, &x, 40.0);
    matrix_check(real, &y, 40.0);
    matrix_check(real, &g, 40.0);
    matrix_free(&x);
    matrix_free(&y);
    matrix_free(&bias);
    matrix_free(&g);
}

static void test_activations(void **state)
{
    static const mds_act acts[] = {{MDS_ACT_NONE, 0.0}, {MDS_ACT_CELU, 0.1}, {MDS_ACT_CELU, 1.0},
                                   {MDS_ACT_SILU, 0.0}, {MDS_ACT_GELU, 0.0}, {MDS_ACT_SSP, 0.0}};

    (void)state;
    for (size_t a = 0; a < sizeof acts / sizeof *acts; ++a)
        for (int form = 0; form < 4; ++form)
            check_act(both[form & 1], acts[a], form & 2,
                      (form & 2) && acts[a].kind <= MDS_ACT_CELU);
}

/* Values of the definitions: the oracle itself. */
static void test_activations_in_closed_form(void **state)
{
    double x[4] = {-0.1, 0.0, 2.0, -1e3}, y[4], g[4] = {1.0, 1.0, 1.0, 1.0};
    const mds_act celu = {MDS_ACT_CELU, 0.1}, gelu = {MDS_ACT_GELU, 0.0};
    const mds_act silu = {MDS_ACT_SILU, 0.0};
    mds_bias_act op = {.real = MDS_REAL_FP64,
                       .act = celu,
                       .rows = 1,
                       .cols = 4,
                       .x = x,
                       .y = y,
                       .ldx = 4,
                       .ldy = 4};
    const mds_act_grad grad = {.real = MDS_REAL_FP64,
                               .act = celu,
                               .rows = 1,
                               .cols = 4,
                               .y = y,
                               .g = g,
                               .ldy = 4,
                               .ldg = 4};

    (void)state;
    CHECK_OK(mds_op_bias_act(&mds_ops_ref, device, &op));
    CHECK_NEAR(y[0], -0.0632120558828557678, 1e-15, 0.0); /* 0.1 (1/e − 1) */
    CHECK_NEAR(y[2], 2.0, 0.0, 0.0);
    CHECK_NEAR(y[3], -0.1, 1e-15, 0.0);
    CHECK_OK(mds_op_act_grad(&mds_ops_ref, device, &grad));
    CHECK_NEAR(g[0], 0.36787944117144233, 1e-14, 0.0);
    CHECK_NEAR(g[2], 1.0, 0.0, 0.0);
    op.act = gelu;
    CHECK_OK(mds_op_bias_act(&mds_ops_ref, device, &op));
    CHECK_NEAR(y[2], 1.9544997361036416, 1e-15, 0.0); /* 2 Φ(2) */
    op.act = silu;
    CHECK_OK(mds_op_bias_act(&mds_ops_ref, device, &op));
    CHECK_NEAR(y[2], 1.7615941559557649, 1e-15, 0.0); /* 1 + tanh 1 */
    CHECK_NEAR(y[3], 0.0, 0.0, 1e-300);
}

/* Slopes are the derivatives of the values. */
static void test_slopes(void **state)
{
    static const mds_act acts[] = {{MDS_ACT_CELU, 0.1},
                                   {MDS_ACT_CELU, 1.3},
                                   {MDS_ACT_SILU, 0.0},
                                   {MDS_ACT_GELU, 0.0},
                                   {MDS_ACT_SSP, 0.0}};
    const double h = 1e-6;

    (void)state;
    for (size_t a = 0; a < sizeof acts / sizeof *acts; ++a)
        for (double at_x = -3.05; at_x < 3.0; at_x += 0.1) {
            double x[3] = {at_x - h, at_x, at_x + h}, y[3], g[3] = {1.0, 1.0, 1.0};
            const mds_bias_act op = {.real = MDS_REAL_FP64,
                                     .act = acts[a],
                                     .rows = 3,
                                     .cols = 1,
                                     .x = x,
                                     .y = y,
                                     .ldx = 1,
                                     .ldy = 1};
            const mds_act_grad grad = {.real = MDS_REAL_FP64,
                                       .act = acts[a],
                                       .rows = 3,
                                       .cols = 1,
                                       .z = x,
                                       .y = y,
                                       .g = g,
                                       .ldz = 1,
                                       .ldy = 1,
                                       .ldg = 1};

            CHECK_OK(mds_op_bias_act(&mds_ops_ref, device, &op));
            CHECK_OK(mds_op_act_grad(&mds_ops_ref, device, &grad));
            /* Truncation h² y''' and rounding 1e-16/h, both below 1e-9. */
            CHECK_NEAR(g[1], (y[2] - y[0]) / (2.0 * h), 1e-8, 1e-8);
        }
}

static void test_rows(void **state)
{
    static const int index[7] = {4, 0, -1, 4, 2, 1, 0}, start[5] = {0, 3, 3, 4, 7};
    static const int valid[7] = {4, 0, 3, 4, 2, 1, 0};

    (void)state;
    for (int form = 0; form < 8; ++form) {
        const mds_real real = both[form & 1];
        const bool sum = form & 2, by_index = form & 4;
        const int cols = 11, ld = 13, rows = sum ? 4 : 7;
        matrix x = matrix_make(real, 7 * ld, 0), y = matrix_make(real, rows * ld, 1);

        for (int copy = 0; copy < 2; ++copy) {
            const mds_rows op = {.real = real,
                                 .rows = rows,
                                 .cols = cols,
                                 .start = start,
                                 .index = !sum       ? index
                                          : by_index ? valid
                                                     : NULL,
                                 .x = x.data[copy],
                                 .y = y.data[copy],
                                 .ldx = ld,
                                 .ldy = ld};

            CHECK_OK(sum ? mds_op_segment_sum(table_of(copy), device, &op)
                         : mds_op_gather_rows(table_of(copy), device, &op));
        }
        matrix_check(real, &y, 8.0);
        if (sum) /* an empty segment */
            CHECK_NEAR(at(real, y.data[0], ld), 0.0, 0.0, 0.0);
        matrix_free(&x);
        matrix_free(&y);
    }
}

static void test_norms(void **state)
{
    (void)state;
    for (int form = 0; form < 8; ++form) {
        const mds_real real = both[form & 1];
        const int rows = 5, cols = 37, ld = 40;
        matrix x = matrix_make(real, rows * ld, 0), y = matrix_make(real, rows * ld, 1);
        matrix weight = matrix_make(real, cols, 2), bias = matrix_make(real, cols, 3);

        for (int copy = 0; copy < 2; ++copy) {
            const mds_norm op = {.real = real,
                                 .rms = form & 2,
                                 .rows = rows,
                                 .cols = cols,
                                 .eps = 1e-5,
                                 .x = x.data[copy],
                                 .ldx = ld,
                                 .ldy = ld,
                                 .weight = form & 4 ? weight.data[copy] : NULL,
                                 .bias = form & 4 ? bias.data[copy] : NULL,
                                 .y = form & 4 ? x.data[copy] : y.data[copy]};

            CHECK_OK(mds_op_norm(table_of(copy), device, &op));
        }
        matrix_check(real, &x, 20.0);
        matrix_check(real, &y, 20.0);
        matrix_free(&x);
        matrix_free(&y);
        matrix_free(&weight);
        matrix_free(&bias);
    }
}

static void test_norms_in_closed_form(void **state)
{
    double x[2] = {1.0, 3.0}, y[2];
    mds_norm op = {.real = MDS_REAL_FP64, .rows = 1, .cols = 2, .x = x, .y = y, .ldx = 2, .ldy = 2};

    (void)state;
    CHECK_OK(mds_op_norm(&mds_ops_ref, device, &op));
    CHECK_NEAR(y[0], -1.0, 1e-15, 0.0);
    op.rms = true;
    CHECK_OK(mds_op_norm(&mds_ops_ref, device, &op));
    CHECK_NEAR(y[1], 3.0 / sqrt(5.0), 1e-15, 0.0);
}

static void test_wrong_shapes_are_refused(void **state)
{
    double x[4] = {0.0};
    mds_gemm gemm = {.real = MDS_REAL_FP64,
                     .m = 2,
                     .n = 2,
                     .k = 1,
                     .a = x,
                     .b = x,
                     .c = x,
                     .lda = 1,
                     .ldb = 1,
                     .ldc = 2};
    mds_bias_act act = {.real = MDS_REAL_FP64,
                        .act = {MDS_ACT_CELU, 0.0},
                        .rows = 1,
                        .cols = 4,
                        .x = x,
                        .y = x,
                        .ldx = 4,
                        .ldy = 4};
    mds_rows rows = {
        .real = MDS_REAL_FP64, .rows = 1, .cols = 4, .x = x, .y = x, .ldx = 4, .ldy = 4};

    (void)state;
    CHECK_FAILS(mds_op_gemm(NULL, device, &gemm), MDS_ERR_INTERNAL, "leading dimension");
    gemm.ldb = 2;
    gemm.k = -1;
    CHECK_FAILS(mds_op_gemm(NULL, device, &gemm), MDS_ERR_INTERNAL, "negative");
    gemm.k = 1;
    gemm.batch = 2;
    CHECK_FAILS(mds_op_gemm(NULL, device, &gemm), MDS_ERR_INTERNAL, "overlap");
    gemm.batch = 1;
    gemm.a = NULL;
    CHECK_FAILS(mds_op_gemm(NULL, device, &gemm), MDS_ERR_INTERNAL, "NULL");
    CHECK_FAILS(mds_op_bias_act(NULL, device, &act), MDS_ERR_INTERNAL, "a > 0");
    CHECK_FAILS(mds_op_gather_rows(NULL, device, &rows), MDS_ERR_INTERNAL, "no index");
    CHECK_FAILS(mds_op_segment_sum(NULL, device, &rows), MDS_ERR_INTERNAL, "no start");
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
        cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_gemm_without_terms_scales),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_activations_in_closed_form),
        cmocka_unit_test(test_slopes),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_norms),
        cmocka_unit_test(test_norms_in_closed_form),
        cmocka_unit_test(test_wrong_shapes_are_refused),
    };

    return cmocka_run_group_tests(tests, open_device, close_device);
}
