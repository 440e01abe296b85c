/* Gathers, sums of segments, norms and their gradients on CUDA devices against their definitions.
 */
#include "gpu/device/ops_check.h"

typedef struct rows_case {
    mds_rows op;
    const block *x, *y;
    const int *index[2], *start[2];
    int skip;
} rows_case;

static mds_status run_rows(int side, const void *context)
{
    const rows_case *t = context;
    mds_rows op = t->op;

    op.x = data(t->x, side, t->skip);
    op.y = data(t->y, side, 0);
    op.index = t->index[side];
    op.start = t->start[side];
    return op.start ? mds_op_segment_sum(table(side), of(side), &op)
                    : mds_op_gather_rows(table(side), of(side), &op);
}

static void test_gather_rows(void **state)
{
    enum { NODES = 9, MOST = 257 };
    int index[MOST];

    (void)state;
    for (int i = 0; i < MOST; ++i)
        index[i] = i * 5 % (NODES + 1) - 1;
    int *const on = put(index, sizeof index);
    for (int s = 0; s < ROW_SHAPES; ++s)
        for (int form = 0; form < 4; ++form) {
            const int rows = row_shapes[s][0], cols = row_shapes[s][1], ld = cols + 4;
            rows_case t = {
                .op = {.real = both[form & 1], .rows = rows, .cols = cols, .ldx = ld, .ldy = ld},
                .index = {index, on},
                .skip = form & 2 ? 1 : 0};

            t.x = make(t.op.real, NODES * ld + 1);
            t.y = make(t.op.real, rows * ld);
            check(run_rows, &t, 0.0);
        }
    mds_device_free(device, on);
}

/* Segments of none, one and many terms; few and many of them; narrow and wide rows. */
static void test_segment_sum(void **state)
{
    enum { TERMS = 700, MOST = 300 };
    static const int shapes[][2] = {{1, 1}, {4, 1}, {300, 3}, {3, 9}, {5, 33}, {300, 128}, {0, 3}};
    int index[TERMS], start[MOST + 1];
    const int zero = 0;

    (void)state;
    for (int i = 0; i < TERMS; ++i)
        index[i] = i * 37 % TERMS;
    int *const on = put(index, sizeof index);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s) {
        const int rows = shapes[s][0], cols = shapes[s][1], ld = cols + 1;

        for (int i = 1; i < rows; ++i)
            start[i] = i == 2 ? start[1] : TERMS * i / (rows + 1); /* segment 1 is empty */
        start[0] = 0;
        start[rows] = rows ? TERMS : 0;
        int *const on_start = put(rows ? start : &zero, ((size_t)rows + 1) * sizeof *start);
        for (int form = 0; form < 4; ++form) {
            const bool by_index = form & 2;
            rows_case t = {
                .op = {.real = both[form & 1], .rows = rows, .cols = cols, .ldx = ld, .ldy = ld},
                .index = {by_index ? index : NULL, by_index ? on : NULL},
                .start = {start, on_start}};

            t.x = make(t.op.real, TERMS * ld);
            t.y = make(t.op.real, rows * ld);
            /* Up to 700 terms of order one in float64, in any order. */
            check(run_rows, &t, t.op.real == MDS_REAL_FP32 ? 2.0 : 700.0);
        }
        mds_device_free(device, on_start);
    }
    mds_device_free(device, on);
}

typedef struct norm_case {
    mds_norm norm;
    const block *x, *y, *z, *sum, *pre, *weight, *bias, *g;
} norm_case;

static mds_status run_norm_add(int side, const void *context)
{
    const norm_case *t = context;
    mds_norm_add op = {.norm = t->norm,
                       .pre = data(t->pre, side, 0),
                       .z = data(t->z, side, 0),
                       .sum = data(t->sum, side, 0),
                       .ldz = t->norm.ldx,
                       .ldsum = t->norm.ldx};

    op.norm.weight = data(t->weight, side, 0);
    op.norm.bias = data(t->bias, side, 0);
    op.norm.x = data(t->x, side, 0);
    op.norm.y = data(t->y, side, 0);
    return mds_op_norm_add(table(side), of(side), &op);
}

static mds_status run_norm(int side, const void *context)
{
    const norm_case *t = context;
    mds_norm op = t->norm;

    op.weight = data(t->weight, side, 0);
    op.bias = data(t->bias, side, 0);
    op.x = data(t->x, side, 0);
    op.y = data(t->y, side, 0);
    return mds_op_norm(table(side), of(side), &op);
}

static mds_status run_norm_grad(int side, const void *context)
{
    const norm_case *t = context;
    const mds_norm_grad op = {.real = t->norm.real,
                              .rms = t->norm.rms,
                              .rows = t->norm.rows,
                              .cols = t->norm.cols,
                              .eps = t->norm.eps,
                              .weight = data(t->weight, side, 0),
                              .x = data(t->x, side, 0),
                              .g = data(t->g, side, 0),
                              .ldx = t->norm.ldx,
                              .ldg = t->norm.ldx};

    return mds_op_norm_grad(table(side), of(side), &op);
}

static norm_case norm_of(int form, int rows, int cols)
{
    norm_case t = {.norm = {.real = both[form & 1],
                            .rms = form & 2,
                            .rows = rows,
                            .cols = cols,
                            .eps = 1e-5,
                            .ldx = cols + 3,
                            .ldy = cols + 3}};

    t.x = make(t.norm.real, rows * t.norm.ldx);
    t.weight = form & 4 ? make(t.norm.real, cols) : NULL;
    return t;
}

/* Sums of up to 1500 numbers in float64; in float32 they are as good as exact. */
static double norm_ulps(const norm_case *t)
{
    return t->norm.real == MDS_REAL_FP32 ? 20.0 : 20.0 + t->norm.cols;
}

static void test_norms(void **state)
{
    static const int shapes[][2] = {{5, 37},   {9, 128}, {3, 129}, {2, 1024},
                                    {3, 1500}, {0, 5},   {2, 1}};

    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s)
        for (int form = 0; form < 16; ++form) {
            const int rows = shapes[s][0], cols = shapes[s][1];
            norm_case t = norm_of(form, rows, cols);

            t.bias = form & 4 ? make(t.norm.real, cols) : NULL;
            t.y = form & 8 ? t.x : make(t.norm.real, t.x->count);
            check(run_norm, &t, norm_ulps(&t));
            t = norm_of(form, rows, cols);
            t.g = make(t.norm.real, t.x->count);
            check(run_norm_grad, &t, norm_ulps(&t));
        }
}

static void test_norm_add(void **state)
{
    static const int shapes[][2] = {{5, 37}, {3, 256}, {1, 1}};

    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s)
        for (int form = 0; form < 64; form += s ? 5 : 1) {
            norm_case t = norm_of(form, shapes[s][0], shapes[s][1]);

            t.pre = form & 8 ? make(t.norm.real, t.norm.cols) : NULL;
            t.z = form & 16 ? t.x : NULL;
            t.sum = form & 32 ? make(t.norm.real, t.x->count) : NULL;
            t.y = form % 3 == 0 ? NULL : form % 3 == 1 ? t.x : make(t.norm.real, t.x->count);
            check(run_norm_add, &t, 20.0 + norm_ulps(&t));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gather_rows),
        cmocka_unit_test(test_segment_sum),
        cmocka_unit_test(test_norms),
        cmocka_unit_test(test_norm_add),
    };

    return cmocka_run_group_tests(tests, open_device, close_device);
}
