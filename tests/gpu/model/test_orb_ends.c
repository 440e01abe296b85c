/* Both ends of Orb's fp16 path: tables into the atoms' arrays, and the heads against float64. */
#include "gpu/model/orb_fused_check.h"

enum { ELEMENTS = 5 };

static void check_start(int n, int outs)
{
    const size_t atoms = (size_t)n * WIDTH, products = (size_t)n * (size_t)outs;
    float *on_encoded, *on_p, *h = malloc(atoms * 4), *p = malloc(products * 4);
    double *encoded = draw_floats((size_t)ELEMENTS * WIDTH, 1.0, 0.0, &on_encoded);
    double *first_p = draw_floats((size_t)ELEMENTS * (size_t)outs, 1.0, 0.0, &on_p);
    uint16_t *in = malloc(atoms * 3 * 2);
    int *number = malloc((size_t)n * sizeof *number);

    for (int i = 0; i < n; ++i)
        number[i] = (i * 7 + 3) % ELEMENTS;
    const orb_fused_begin job = {.number = put(number, (size_t)n * sizeof *number),
                                 .encoded = on_encoded,
                                 .first_p = on_p,
                                 .h = room_for(atoms * 4),
                                 .p = room_for(products * 4),
                                 .in = room_for(atoms * 3 * 2),
                                 .outs = outs};
    CHECK_OK(mds_device_fill(device, job.in, 0x55, atoms * 3 * 2));
    CHECK_OK(orb_fused_start(device, n, &job));
    get(h, job.h, atoms * 4);
    get(p, job.p, products * 4);
    get(in, job.in, atoms * 3 * 2);
    for (int i = 0; i < n; ++i) {
        for (int k = 0; k < WIDTH; ++k) {
            const double want = encoded[number[i] * WIDTH + k];

            CHECK_NEAR(h[i * WIDTH + k], want, 0.0, 0.0);
            CHECK_NEAR(half_value(in[i * 3 * WIDTH + k]), as_half(want), 0.0, 0.0);
            assert_int_equal(in[i * 3 * WIDTH + WIDTH + k], 0x5555);
        }
        for (int k = 0; k < outs; ++k)
            CHECK_NEAR(p[i * outs + k], first_p[number[i] * outs + k], 0.0, 0.0);
    }
    free(encoded);
    free(first_p);
    free(h);
    free(p);
    free(in);
    free(number);
    drop(0);
}

static void test_start(void **unused)
{
    (void)unused;
    check_start(1, 1024);
    check_start(33, 2048);
}

/* A head on both sides. */
typedef struct head {
    double *w[2], *b[2];
    orb_fused_head on;
} head;

static head make_head(int outs, int rows)
{
    head h = {.on = {.y = room_for((size_t)(rows * outs) * 4), .outs = outs}};
    const int sizes[2] = {WIDTH, outs};
    float *f;

    CHECK_OK(mds_device_fill(device, h.on.y, 0x55, (size_t)(rows * outs) * 4));
    for (int k = 0; k < 2; ++k) {
        h.w[k] = draw_floats((size_t)sizes[k] * WIDTH, 1.0 / 16.0, 0.0, &f);
        h.on.w[k] = f;
        h.b[k] = draw_floats((size_t)sizes[k], 0.3, 0.0, &f);
        h.on.b[k] = f;
    }
    return h;
}

/* Two products of 256 terms, each addition off by 2⁻²⁴ of a sum of order ten at most. */
static void check_head(head *h, int rows, int kind, const double *x)
{
    const int outs = (int)h->on.outs;
    double *y = malloc((size_t)(rows * WIDTH) * sizeof *y), want[33 * 6];
    float got[33 * 6];

    multiply(rows, WIDTH, WIDTH, x, h->w[0], y);
    for (int i = 0; i < rows * WIDTH; ++i)
        y[i] = activation(kind, y[i] + h->b[0][i % WIDTH]);
    multiply(rows, outs, WIDTH, y, h->w[1], want);
    get(got, h->on.y, (size_t)(rows * outs) * 4);
    for (int i = 0; i < rows * outs; ++i)
        CHECK_NEAR(got[i], want[i] + h->b[1][i % outs], 0.0, 2 * 256 * 10 * 0x1p-24);
    for (int k = 0; k < 2; ++k) {
        free(h->w[k]);
        free(h->b[k]);
    }
    free(y);
}

static void check_heads(int n, int kind, bool stress)
{
    float *on_h, *on_mean, untouched[6];
    double *h = draw_floats((size_t)n * WIDTH, 1.0, 0.0, &on_h);
    double *mean = draw_floats(WIDTH, 1.0, 0.0, &on_mean);
    head heads[3] = {make_head(3, n), make_head(1, 1), make_head(6, 1)};
    const orb_fused_heads job = {
        .head = {heads[0].on, heads[1].on, heads[2].on}, .h = on_h, .mean = on_mean, .kind = kind};

    CHECK_OK(orb_fused_heads_of(device, n, stress, &job));
    if (!stress) {
        get(untouched, heads[2].on.y, sizeof untouched);
        assert_true(untouched[0] > 1e13f && untouched[5] > 1e13f); /* 0x55555555 */
        CHECK_OK(orb_fused_heads_of(device, n, true, &job));
    }
    check_head(&heads[0], n, kind, h);
    check_head(&heads[1], 1, kind, mean);
    check_head(&heads[2], 1, kind, mean);
    free(h);
    free(mean);
    drop(0);
}

static void test_heads(void **unused)
{
    (void)unused;
    check_heads(1, 0, true);
    check_heads(4, ORB_FUSED_SILU, false);
    check_heads(33, 0, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_heads),
    };

    return cmocka_run_group_tests(tests, open_device, close_device);
}
