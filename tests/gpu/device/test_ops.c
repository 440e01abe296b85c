/* Products, activations and first layers of networks on CUDA devices against their definitions:
 * shapes that do not divide, gaps in rows, pointers that are not aligned, nothing at all. */
#include "gpu/device/ops_check.h"

typedef struct gemm_case {
    mds_gemm op;
    const block *a, *b, *c;
} gemm_case;

static mds_status run_gemm(int side, const void *context)
{
    const gemm_case *t = context;
    mds_gemm op = t->op;

    op.a = data(t->a, side, 1);
    op.b = data(t->b, side, 0);
    op.c = data(t->c, side, 1);
    return mds_op_gemm(table(side), of(side), &op);
}

static gemm_case gemm_of(mds_real real, int trans, int m, int n, int k, int batch, double beta)
{
    const bool ta = trans & 1, tb = trans & 2, shared = trans & 4;
    const int lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 1, ldc = n + 2;
    const int size_a = (ta ? k : m) * lda, size_b = (tb ? n : k) * ldb, size_c = m * ldc;
    gemm_case t = {.op = {.real = real,
                          .trans_a = ta,
                          .trans_b = tb,
                          .m = m,
                          .n = n,
                          .k = k,
                          .batch = batch,
                          .alpha = 0.7,
                          .beta = beta,
                          .lda = lda,
                          .ldb = ldb,
                          .ldc = ldc,
                          .stride_a = shared ? 0 : size_a,
                          .stride_b = size_b,
                          .stride_c = size_c}};

    t.a = make(real, size_a * batch + 1);
    t.b = make(real, size_b * batch + 1);
    t.c = make(real, size_c * batch + 1);
    return t;
}

static void test_gemm(void **state)
{
    static const int shapes[][4] = {{1, 1, 1, 1},   {5, 3, 7, 1}, {17, 1, 33, 3},
                                    {33, 65, 9, 2}, {1, 7, 5, 4}, {4, 3, 0, 2}};

    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s)
        for (int form = 0; form < 32; ++form) {
            const int *d = shapes[s];

            if ((form & 4) && d[3] == 1)
                continue; /* nothing to share */
            const double beta = form & 8 ? 0.3 : 0.0;
            gemm_case t = gemm_of(both[form >> 4], form & 7, d[0], d[1], d[2], d[3], beta);

            /* Up to 33 terms of order one, each rounded once, in any order. */
            check(run_gemm, &t, 200.0);
        }
}

/* How far a product is from the definition, relative to the largest element. */
static double error_of(mds_product product, int trans, int batch)
{
    gemm_case t = gemm_of(MDS_REAL_FP32, trans, 33, 17, 150, batch, 0.5);
    const size_t bytes = (size_t)t.c->count * sizeof(float);
    double worst = 0.0, largest = 0.0;

    t.op.product = product;
    CHECK_OK(run_gemm(0, &t));
    reset();
    CHECK_OK(run_gemm(1, &t));
    CHECK_OK(mds_device_copy(device, t.c->got, t.c->device, bytes, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(device));
    for (int i = 0; i < t.c->count; ++i) {
        worst = fmax(worst, fabs(at(MDS_REAL_FP32, t.c->got, i) - at(MDS_REAL_FP32, t.c->host, i)));
        largest = fmax(largest, fabs(at(MDS_REAL_FP32, t.c->host, i)));
    }
    drop();
    return worst / largest;
}

/* Sums of 150 terms of order one, the largest some 30. Numbers cut to 11 bits have errors of up to
 * 2⁻¹⁰ each; that their sum is less than 2e-5 of it is as unlikely as no cut at all. Exact products
 * and those in three parts have float32's 150·6e-8/30 and less. */
static void test_precision_of_products(void **state)
{
    (void)state;
    for (int trans = 0; trans < 8; ++trans)
        for (int batch = 1; batch <= 3; batch += 2) {
            const double cut = error_of(MDS_PRODUCT_TF32, trans, batch);

            assert_true(error_of(MDS_PRODUCT_EXACT, trans, batch) < 1e-6);
            assert_true(error_of(MDS_PRODUCT_TF32X3, trans, batch) < 1e-6);
            assert_true(cut > 2e-5 && cut < 2e-3);
        }
}

/* A larger product in three parts needs room, and says so where it cannot have it. */
static void test_first_product_is_not_recorded(void **state)
{
    mds_graph *graph = NULL;
    mds_device *fresh = NULL;
    void *x = NULL;

    (void)state;
    CHECK_OK(mds_device_open("cuda:0", &fresh));
    CHECK_OK(mds_device_alloc(fresh, 64, "test", &x));
    const mds_gemm op = {.m = 2,
                         .n = 2,
                         .k = 2,
                         .alpha = 1.0,
                         .a = x,
                         .b = x,
                         .c = (float *)x + 4,
                         .lda = 2,
                         .ldb = 2,
                         .ldc = 2,
                         .product = MDS_PRODUCT_TF32X3};
    CHECK_OK(mds_device_graph_begin(fresh));
    CHECK_FAILS(mds_op_gemm(NULL, fresh, &op), MDS_ERR_INTERNAL, "while a step is recorded");
    CHECK_OK(mds_device_graph_end(fresh, &graph));
    mds_device_graph_destroy(fresh, graph);
    CHECK_OK(mds_device_fill(fresh, x, 0, 64));
    CHECK_OK(mds_op_gemm(NULL, fresh, &op));
    CHECK_OK(mds_device_sync(fresh));
    mds_device_free(fresh, x);
    mds_device_close(fresh);
}

typedef struct act_case {
    mds_gather_act op; /* whose part bias_act is */
    const block *x, *y, *z, *bias, *a, *b;
    const int *ia[2], *ib[2]; /* by side */
    int skip;
} act_case;

static mds_status run_bias_act(int side, const void *context)
{
    const act_case *t = context;
    const mds_bias_act op = {.real = t->op.real,
                             .act = t->op.act,
                             .rows = t->op.rows,
                             .cols = t->op.cols,
                             .bias = data(t->bias, side, 0),
                             .x = data(t->x, side, t->skip),
                             .y = data(t->y, side, t->skip),
                             .ldx = t->op.ldx,
                             .ldy = t->op.ldy};

    return mds_op_bias_act(table(side), of(side), &op);
}

static mds_status run_act_grad(int side, const void *context)
{
    const act_case *t = context;
    const mds_act_grad op = {.real = t->op.real,
                             .act = t->op.act,
                             .rows = t->op.rows,
                             .cols = t->op.cols,
                             .z = t->op.act.kind == MDS_ACT_CELU ? NULL : data(t->z, side, 0),
                             .y = t->op.act.kind == MDS_ACT_CELU ? data(t->z, side, 0) : NULL,
                             .g = data(t->x, side, t->skip),
                             .ldz = t->op.ldy,
                             .ldy = t->op.ldy,
                             .ldg = t->op.ldx};

    return mds_op_act_grad(table(side), of(side), &op);
}

static mds_status run_gather_act(int side, const void *context)
{
    const act_case *t = context;
    mds_gather_act op = t->op;

    op.x = data(t->x, side, t->skip);
    op.y = data(t->y, side, t->skip);
    op.bias = data(t->bias, side, 0);
    op.a = data(t->a, side, 0);
    op.b = data(t->b, side, 0);
    op.ia = t->ia[side];
    op.ib = t->ib[side];
    return mds_op_gather_act(table(side), of(side), &op);
}

static const mds_act acts[] = {{MDS_ACT_NONE, 0.0},
                               {MDS_ACT_CELU, 0.1},
                               {MDS_ACT_SILU, 0.0},
                               {MDS_ACT_GELU, 0.0},
                               {MDS_ACT_SSP, 0.0}};

enum { ACTS = sizeof acts / sizeof *acts };

static act_case act_of(int form, int s)
{
    const int rows = row_shapes[s][0], cols = row_shapes[s][1];
    const int ld = cols + (form & 4 ? 3 : 4);
    act_case t = {.op = {.real = both[form & 1],
                         .act = acts[form / 8],
                         .rows = rows,
                         .cols = cols,
                         .ldx = ld,
                         .ldy = ld},
                  .skip = form & 2 ? 1 : 0};

    t.x = make(t.op.real, rows * ld + 1);
    return t;
}

/* All forms of some shapes, and some of the others. */
static int act_step(int s)
{
    return s >= 2 && s <= 4 ? 1 : 7;
}

/* Some functions of the library are good to 4 units in the last place, and what they are given is
 * rounded too: 10 and more for e^{z/a} with a = 0.1. */
static void test_activations(void **state)
{
    (void)state;
    for (int s = 0; s < ROW_SHAPES; ++s)
        for (int form = 0; form < 8 * ACTS; form += act_step(s)) {
            act_case t = act_of(form, s);

            t.y = form & 4 ? make(t.op.real, t.x->count) : t.x;
            t.bias = form & 2 ? make(t.op.real, t.op.cols) : NULL;
            check(run_bias_act, &t, 40.0);
            t = act_of(form, s);
            t.z = make(t.op.real, t.x->count);
            check(run_act_grad, &t, 40.0);
        }
}

static void test_gather_act(void **state)
{
    enum { NODES = 7, MOST = 257 };
    int ia[MOST], ib[MOST];

    (void)state;
    for (int i = 0; i < MOST; ++i) {
        ia[i] = i * 5 % NODES;
        ib[i] = (i * 3 + 1) % NODES;
    }
    int *const on_a = put(ia, sizeof ia), *const on_b = put(ib, sizeof ib);
    for (int s = 0; s < ROW_SHAPES; ++s)
        for (int form = 0; form < 8 * ACTS; form += act_step(s)) {
            act_case t = act_of(form, s);
            const int ld = t.op.cols + 4;

            t.ia[0] = ia;
            t.ib[0] = ib;
            t.ia[1] = on_a;
            t.ib[1] = on_b;
            t.op.lda = t.op.ldb = ld;
            t.y = form & 4 ? make(t.op.real, t.x->count) : t.x;
            t.bias = form % 3 ? make(t.op.real, t.op.cols) : NULL;
            t.a = form % 5 ? make(t.op.real, NODES * ld) : NULL;
            t.b = form % 2 ? make(t.op.real, NODES * ld) : NULL;
            check(run_gather_act, &t, 40.0);
        }
    mds_device_free(device, on_a);
    mds_device_free(device, on_b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_gather_act),
        cmocka_unit_test(test_gemm), /* late: the shim guards cuBLAS's workspace from then on */
        cmocka_unit_test(test_precision_of_products),
    };
    /* With the device closed: one at a time in a process. */
    const struct CMUnitTest alone[] = {cmocka_unit_test(test_first_product_is_not_recorded)};
    const int failed = cmocka_run_group_tests(tests, open_device, close_device);

    return failed + cmocka_run_group_tests(alone, NULL, NULL);
}
