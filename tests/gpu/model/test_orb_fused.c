/* Networks and products of Orb's fp16 path against float64 with the same operands rounded to
 * halves. */
#include "gpu/model/orb_fused_check.h"

enum { NODES = 7, ROWS_MAX = 257 };

/* A network on rows with everything it can be asked for. */
typedef struct rows_job {
    net net;
    int rows, kept; /* kept: memories of the network, which stay */
    double *x, *p, *old, *envelope, *gate_w[2];
    int sender[ROWS_MAX], receiver[ROWS_MAX];
    orb_fused_rows on;
    uint16_t *on_x;
} rows_job;

/* room is more than there are rows, so that the count matters. */
static void make_rows(rows_job *j, int rows, bool atoms)
{
    const size_t room = (size_t)rows + 20, inputs = (size_t)j->net.inputs;
    const int ld = j->net.on.inputs;
    float *f;

    j->rows = rows;
    j->on = (orb_fused_rows){.mlp = j->net.on, .room = (int)room, .ldx = ld, .ldsum16 = WIDTH + 8};
    j->x = draw_floats((size_t)rows * inputs, 1.0, 0.0, &f);
    round_all((size_t)rows * inputs, j->x);
    j->on_x = room_for(room * (size_t)ld * 2);
    CHECK_OK(orb_fused_halve(device, rows, NULL, (int)inputs, f, (int)inputs, j->on_x, ld));
    j->on.x = j->on_x;
    j->p = atoms ? draw_floats((size_t)NODES * 2 * (size_t)j->net.on.hidden, 0.7, 0.0, &f) : NULL;
    j->on.p = atoms ? f : NULL;
    j->old = draw_floats(room * WIDTH, 1.0, 0.0, &f);
    j->on.old = f;
    j->envelope = draw_floats(room, 0.2, 0.5, &f);
    j->on.envelope = f;
    for (int k = 0; k < 2; ++k) {
        j->gate_w[k] = draw_floats(WIDTH, 0.1, 0.0, &f);
        j->on.gate_w[k] = f;
        j->on.gate_b[k] = 0.1f + (float)k;
    }
    for (int i = 0; i < rows; ++i) {
        j->sender[i] = i % NODES;
        j->receiver[i] = (i * 5 + 3) % NODES;
    }
    j->on.sender = put(j->sender, sizeof(int) * (size_t)rows);
    j->on.receiver = put(j->receiver, sizeof(int) * (size_t)rows);
    j->on.count = put(&rows, sizeof rows);
    j->on.y16 = room_for(room * WIDTH * 2);
    j->on.sum = room_for(room * WIDTH * 4);
    j->on.sum16 = room_for(room * (WIDTH + 8) * 2);
    j->on.gate = room_for(room * 2 * 4);
}

static void drop_rows(rows_job *j)
{
    free(j->x);
    free(j->p);
    free(j->old);
    free(j->envelope);
    free(j->gate_w[0]);
    free(j->gate_w[1]);
    drop(j->kept);
}

typedef struct results {
    float sum[(ROWS_MAX + 20) * WIDTH], gate[(ROWS_MAX + 20) * 2];
    uint16_t y16[(ROWS_MAX + 20) * WIDTH], sum16[(ROWS_MAX + 20) * (WIDTH + 8)];
} results;

static void run(const rows_job *j, int tile, results *out)
{
    orb_fused_rows on = j->on;
    const size_t room = (size_t)on.room;

    memset(out, 0, sizeof *out);
    CHECK_OK(mds_device_fill(device, on.sum, 0x55, room * WIDTH * 4));
    CHECK_OK(mds_device_fill(device, on.gate, 0x55, room * 2 * 4));
    CHECK_OK(mds_device_fill(device, on.y16, 0x55, room * WIDTH * 2));
    CHECK_OK(mds_device_fill(device, on.sum16, 0x55, room * (WIDTH + 8) * 2));
    on.tile = tile;
    CHECK_OK(orb_fused_network(device, &on));
    get(out->sum, on.sum, room * WIDTH * 4);
    get(out->gate, on.gate, room * 2 * 4);
    get(out->y16, on.y16, room * WIDTH * 2);
    get(out->sum16, on.sum16, room * (WIDTH + 8) * 2);
}

/* Products differ from float64 by some 1e-6 of their terms; now and then a hidden number then
 * rounds to the neighbouring half, 2⁻¹¹ of one of some hundred terms of a sum, which the norm makes
 * some times larger. On average that is 2e-5, of few rows up to 5e-5; without rounding the hidden
 * layers it is 2e-4. */
#define TIGHT 2e-3
#define MEAN  1e-4

static void check_rows(const rows_job *j, const results *got)
{
    const ends at = {j->sender, j->receiver, j->p};
    double *y = apply(&j->net, j->rows, j->x, j->p ? &at : NULL, true), off = 0.0;

    for (int i = 0; i < j->rows; ++i) {
        double dot[2] = {j->on.gate_b[0], j->on.gate_b[1]};

        for (int k = 0; k < WIDTH; ++k) {
            const double v = y[i * WIDTH + k], sum = j->old[i * WIDTH + k] + v;
            const float s = got->sum[i * WIDTH + k];

            CHECK_NEAR(half_value(got->y16[i * WIDTH + k]), v, 0x1p-11, TIGHT);
            CHECK_NEAR(s, sum, 0.0, TIGHT);
            CHECK_NEAR(half_value(got->sum16[i * (WIDTH + 8) + k]), as_half(s), 0.0, 0.0);
            off += fabs(s - sum) / (j->rows * WIDTH);
            dot[0] += sum * j->gate_w[0][k];
            dot[1] += sum * j->gate_w[1][k];
        }
        for (int k = 0; k < 2; ++k)
            CHECK_NEAR(got->gate[2 * i + k], j->envelope[i] / (1.0 + exp(-dot[k])), 0.0, TIGHT);
    }
    assert_true(off < MEAN);
    for (int i = j->rows * WIDTH; i < j->on.room * WIDTH; ++i)
        assert_int_equal(got->y16[i], 0x5555);
    for (int i = j->rows * 2; i < j->on.room * 2; ++i)
        assert_true(got->gate[i] > 1e13f); /* 0x55555555 */
    free(y);
}

/* All numbers of rows, twice and in tiles of other heights: the same bits. */
static void check_network(int inputs, int hidden, int kind, bool atoms, int shapes,
                          const int (*shape)[2])
{
    static results first, second;
    rows_job j = {.net = make_net(inputs, hidden, kind)};

    round_net(&j.net);
    j.kept = memory_count;
    for (int k = 0; k < shapes; ++k) {
        make_rows(&j, shape[k][0], atoms);
        run(&j, shape[k][1], &first);
        check_rows(&j, &first);
        if (shape[k][0] <= 31) {
            run(&j, shape[k][1] == 16 ? 32 : 16, &second);
            assert_memory_equal(&first, &second, sizeof first);
        }
        drop_rows(&j);
    }
    drop_net(&j.net);
    drop(0);
}

static void test_edges(void **unused)
{
    static const int shape[][2] = {{1, 64}, {31, 32}, {64, 64}, {65, 0}, {257, 64}};

    (void)unused;
    for (int kind = 0; kind < 4; ++kind)
        check_network(256, 512, kind, true, kind == 0 ? 5 : kind == 3 ? 4 : 2, shape);
}

static void test_wide(void **unused)
{
    static const int shape[][2] = {{33, 64}, {5, 32}};

    (void)unused;
    check_network(256, 1024, ORB_FUSED_SILU | ORB_FUSED_RMS, true, 2, shape);
}

/* Encoders, whose inputs are filled up, and networks of atoms. */
static void test_inputs(void **unused)
{
    static const int shape[][2] = {{31, 32}, {17, 16}}, few[][2] = {{3, 16}};

    (void)unused;
    check_network(23, 512, 0, false, 2, shape);
    check_network(128, 1024, ORB_FUSED_SILU | ORB_FUSED_RMS, false, 1, shape + 1);
    check_network(768, 512, 0, false, 1, shape + 1);
    check_network(768, 1024, ORB_FUSED_SILU | ORB_FUSED_RMS, false, 1, few);
}

/* No room for results that are not wanted; nothing is launched for no rows. */
static void test_parts(void **unused)
{
    static results all, some;
    rows_job j = {.net = make_net(256, 512, 0)};

    (void)unused;
    j.kept = memory_count;
    make_rows(&j, 19, false);
    run(&j, 16, &all);
    orb_fused_rows on = j.on;
    on.old = NULL;
    on.y16 = on.sum16 = NULL;
    on.gate = NULL;
    on.envelope = NULL;
    on.tile = 16;
    CHECK_OK(orb_fused_network(device, &on));
    get(some.sum, on.sum, 19 * WIDTH * 4);
    for (int i = 0; i < 19 * WIDTH; ++i) {
        CHECK_NEAR(some.sum[i], half_value(all.y16[i]), 0x1p-11, 0x1p-25);
        CHECK_NEAR(some.sum[i] + (float)j.old[i], all.sum[i], 0.0, 0.0);
    }
    on.room = 0;
    CHECK_OK(orb_fused_network(device, &on));
    on.room = 19;
    on.mlp.inputs = 100;
    CHECK_FAILS(orb_fused_network(device, &on), MDS_ERR_INTERNAL, "do not go into tiles");
    drop_rows(&j);
    drop_net(&j.net);
    drop(0);
}

/* What is too large for a half is said of weights and shows in results, in its own row alone. */
static void test_range(void **unused)
{
    static results got;
    rows_job j = {.net = make_net(256, 512, 0)};
    float *w = calloc(256 * 4, sizeof *w);
    const int zero = 0;
    int flag;

    (void)unused;
    j.kept = memory_count;
    w[700] = 65519.0f;
    int *on_flag = put(&zero, sizeof zero);
    uint16_t *packed = room_for(2 * orb_fused_packed(256, 4));
    CHECK_OK(orb_fused_pack(device, 256, 4, put(w, 4096), 4, packed, on_flag));
    get(&flag, on_flag, sizeof flag);
    assert_int_equal(flag, 0);
    w[700] = -65520.0f;
    CHECK_OK(orb_fused_pack(device, 256, 4, put(w, 4096), 4, packed, on_flag));
    get(&flag, on_flag, sizeof flag);
    assert_int_equal(flag, 1);
    free(w);

    make_rows(&j, 20, false);
    for (int k = 0; k < 256; ++k)
        j.x[3 * 256 + k] = 60000.0;
    j.on.x = put_halves(20 * 256, j.x);
    run(&j, 32, &got);
    for (int i = 0; i < 20; ++i)
        for (int k = 0; k < WIDTH; ++k)
            assert_true(isfinite(got.sum[i * WIDTH + k]) == (i != 3));
    drop_rows(&j);
    drop_net(&j.net);
    drop(0);
}

/* y = act(x wᵀ + b), b and act or not, as floats or halves; x with a part of rows that are longer.
 */
static void check_product(int rows, int outs, int inputs, int activate, bool half)
{
    const int ld = 3 * WIDTH > inputs ? 3 * WIDTH : inputs, zero = 0;
    const size_t count = (size_t)rows * (size_t)outs;
    float *on_w, *on_b, *got = malloc((count + 1) * sizeof *got);
    double *x = draw((size_t)(rows * ld), 1.0, 0.0), *y = calloc(count + 1, sizeof *y);
    double *w = draw_floats((size_t)outs * (size_t)inputs, 1.0 / sqrt(inputs), 0.0, &on_w);
    double *b = draw_floats((size_t)outs, 1.0, 0.0, &on_b);
    double *dense = malloc(((size_t)rows * (size_t)inputs + 1) * sizeof *dense);
    uint16_t *packed = room_for(2 * orb_fused_packed(outs, inputs)), *got16 = (uint16_t *)got;

    round_all((size_t)(rows * ld), x);
    CHECK_OK(orb_fused_pack(device, outs, inputs, on_w, inputs, packed, put(&zero, sizeof zero)));
    round_all((size_t)outs * (size_t)inputs, w);
    for (int i = 0; i < rows; ++i)
        memcpy(dense + (size_t)i * (size_t)inputs, x + i * ld, (size_t)inputs * sizeof *dense);
    multiply(rows, outs, inputs, dense, w, y);
    orb_fused_job job = {.rows = rows,
                         .outs = outs,
                         .inputs = inputs,
                         .ldx = ld,
                         .activate = activate,
                         .kind = outs == 1024 ? ORB_FUSED_SILU : 0,
                         .x = put_halves((size_t)(rows * ld), x),
                         .w = packed,
                         .bias = activate ? on_b : NULL};
    void *on_y = room_for(count * sizeof *got);
    job.y = half ? NULL : on_y;
    job.y16 = half ? on_y : NULL;
    CHECK_OK(orb_fused_product(device, &job));
    get(got, on_y, count * (half ? 2 : 4));
    /* Terms of a sum are some 1/√inputs each, and each addition is off by 2⁻²³ of what there is. */
    for (size_t i = 0; i < count; ++i) {
        const double sum = y[i] + (activate ? b[i % (size_t)outs] : 0.0);
        const double want = activate ? activation(job.kind, sum) : sum;

        CHECK_NEAR(half ? half_value(got16[i]) : (double)got[i], want, half ? 0x1p-11 : 0.0,
                   sqrt(inputs) * 8.0 * 0x1p-23);
    }
    free(got);
    free(x);
    free(y);
    free(w);
    free(b);
    free(dense);
    drop(0);
}

static void test_product(void **unused)
{
    (void)unused;
    check_product(1, 1024, 256, 0, false);
    check_product(33, 512, 768, 1, true);
    check_product(65, 256, 512, 0, false);
    check_product(5, 1024, 1024, 1, true);
    check_product(520, 256, 256, 1, false);
    check_product(0, 256, 256, 0, false);
}

/* Few rows are spread over the chip, many share what they read. */
static void test_tile(void **unused)
{
    const orb_fused_mlp small = {.inputs = 256, .hidden = 512};
    const int few = orb_fused_tile(device, &small, 1),
              many = orb_fused_tile(device, &small, 1 << 20);

    (void)unused;
    assert_int_equal(few, 16);
    assert_true(many >= few && many <= 64);
    assert_true(orb_fused_shared_bytes(&small, 16) == 16 * (2 * (264 + 520) + 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges), cmocka_unit_test(test_wide),  cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_parts), cmocka_unit_test(test_range), cmocka_unit_test(test_product),
        cmocka_unit_test(test_tile),
    };

    return cmocka_run_group_tests(tests, open_device, close_device);
}
