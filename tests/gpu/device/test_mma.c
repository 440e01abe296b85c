/* Products of small matrices by a warp against sums in float64 of the operands as rounded, and the
 * roundings themselves. */
#include "base/rng.h"
#include "gpu/device/mma.h"
#include "harness/test.h"

enum { ROWS = 48, COLS = 64, TERMS = 96 };

static mds_device *device;

static int open_device(void **unused)
{
    (void)unused;
    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        exit(77);
    }
    return 0;
}

static int close_device(void **unused)
{
    (void)unused;
    mds_device_close(device);
    return 0;
}

static void *room(size_t bytes)
{
    void *memory = NULL;

    CHECK_OK(mds_device_alloc(device, bytes, "test", &memory));
    return memory;
}

static void *put(const void *from, size_t bytes)
{
    void *to = room(bytes);

    CHECK_OK(mds_device_copy(device, to, from, bytes, MDS_COPY_TO_DEVICE));
    return to;
}

static void get(void *to, const void *from, size_t bytes)
{
    CHECK_OK(mds_device_copy(device, to, from, bytes, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(device));
}

/* x to a multiple of 2^(exponent − digits); half away from zero, or to even. */
static double rounded(double x, int digits, int least, bool away)
{
    int exponent;
    double step;

    if (x == 0.0 || !isfinite(x))
        return x;
    frexp(x, &exponent);
    step = ldexp(1.0, exponent - digits < least ? least : exponent - digits);
    return away ? copysign(floor(fabs(x) / step + 0.5) * step, x) : nearbyint(x / step) * step;
}

static double as_half(double x)
{
    const double y = rounded(x, 11, -24, false);

    return fabs(y) > 65504.0 ? copysign(INFINITY, x) : y;
}

static double as_tf32(double x)
{
    return rounded(x, 11, -136, true);
}

static double operand(mma_kind kind, float x)
{
    return kind == MMA_HALF ? as_half(x) : kind <= MMA_TF32_ROWS ? as_tf32(x) : x;
}

static void draw(int n, float *x, uint32_t which)
{
    for (int i = 0; i < n; ++i)
        x[i] = (float)mds_rng_normal(11, MDS_RNG_TEST, 0, (uint64_t)i, which);
}

/* What a sum of `terms` may be off, relative to the sum of sizes: each addition cuts at 2⁻²³. Two
 * parts of 11 bits leave 2⁻²² of each operand, and their lower parts' product is left out. */
static double bound(mma_kind kind, int terms)
{
    return kind < MMA_TF32X3 ? terms * 0x1p-23 : 3.0 * terms * 0x1p-23 + 3.0 * 0x1p-22;
}

static void check_product(mma_kind kind, int rows, int cols, int terms)
{
    static float a[ROWS * TERMS], b[COLS * TERMS], got[ROWS * COLS], again[ROWS * COLS];
    const size_t bytes = (size_t)(rows * cols) * sizeof *got;
    double worst = 0.0;

    draw(rows * terms, a, 1);
    draw(cols * terms, b, 2);
    float *on_a = put(a, (size_t)(rows * terms) * sizeof *a);
    float *on_b = put(b, (size_t)(cols * terms) * sizeof *b), *on_c = room(bytes);
    CHECK_OK(mma_product(device, kind, rows, cols, terms, on_a, on_b, on_c));
    get(got, on_c, bytes);
    CHECK_OK(mma_product(device, kind, rows, cols, terms, on_a, on_b, on_c));
    get(again, on_c, bytes);
    assert_memory_equal(got, again, bytes);
    for (int i = 0; i < rows; ++i)
        for (int j = 0; j < cols; ++j) {
            double sum = 0.0, size = 0.0, exact = 0.0;

            for (int k = 0; k < terms; ++k) {
                const float x = a[i * terms + k], y = b[j * terms + k];
                const double term = operand(kind, x) * operand(kind, y);

                sum += term;
                size += fabs(term);
                exact += (double)x * y;
            }
            CHECK_NEAR(got[i * cols + j], sum, 0.0, bound(kind, terms) * size);
            worst = fmax(worst, fabs(got[i * cols + j] - exact) / size);
        }
    /* That operands of 11 bits show, and those in two parts do not. */
    if (kind < MMA_TF32X3)
        assert_true(worst > 1e-5);
    else
        assert_true(worst < 1e-5);
    mds_device_free(device, on_a);
    mds_device_free(device, on_b);
    mds_device_free(device, on_c);
}

static void test_products(void **unused)
{
    (void)unused;
    for (int kind = 0; kind < MMA_KINDS; ++kind) {
        check_product((mma_kind)kind, 16, 16, 16);
        check_product((mma_kind)kind, 48, 64, 32);
        check_product((mma_kind)kind, 32, 16, 96);
    }
}

static float float_of(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static double value_of_half(unsigned bits)
{
    const int exponent = (int)(bits >> 10 & 31), rest = (int)(bits & 1023);
    const double size = exponent == 31  ? (rest ? NAN : INFINITY)
                        : exponent == 0 ? ldexp(rest, -24)
                                        : ldexp(1024 + rest, exponent - 25);

    return bits & 0x8000 ? -size : size;
}

/* Ties, ends of ranges, numbers without a normal form, what is no number, and any numbers. */
static void test_conversions(void **unused)
{
    enum { ANY = 4000 };
    static const double places[] = {0.0,        -0.0,       1.0,         0x1.002p0, 0x1.006p0,
                                    0x1.0021p0, 65504.0,    65519.99,    65520.0,   -65536.0,
                                    1e30,       0x1p-14,    0x1.ffcp-15, 0x1p-24,   0x1p-25,
                                    0x1.8p-24,  0x1.01p-25, 0x1.4p-23,   3e-39,     INFINITY,
                                    -INFINITY,  NAN,        0x1.001p0,   0x1.003p0, 0x1.fffp127};
    enum { PLACES = sizeof places / sizeof *places, ALL = PLACES + ANY };
    static float x[ALL], back[ALL];
    static unsigned half[ALL], tf32[ALL];

    (void)unused;
    for (int i = 0; i < PLACES; ++i)
        x[i] = (float)places[i];
    for (int i = 0; i < ANY; ++i) {
        const double u = mds_rng_normal(3, MDS_RNG_TEST, 0, (uint64_t)i, 1);

        x[PLACES + i] = (float)ldexp(u, i % 46 - 27);
    }
    float *on_x = put(x, sizeof x), *on_back = room(sizeof back);
    unsigned *on_half = room(sizeof half), *on_tf32 = room(sizeof tf32);
    CHECK_OK(mma_convert(device, ALL, on_x, on_half, on_back, on_tf32));
    get(half, on_half, sizeof half);
    get(back, on_back, sizeof back);
    get(tf32, on_tf32, sizeof tf32);
    for (int i = 0; i < ALL; ++i) {
        const double want = as_half(x[i]), kept = as_tf32(x[i]);

        if (isnan(x[i])) {
            assert_true(isnan(value_of_half(half[i])) && isnan(back[i]) &&
                        isnan(float_of(tf32[i])));
            continue;
        }
        if (!(value_of_half(half[i]) == want) || !(back[i] == want))
            fail_msg("%a as half: %#x, %a; want %a", x[i], half[i], back[i], want);
        if (!(float_of(tf32[i]) == (float)kept))
            fail_msg("%a as TF32: %#x; want %a", x[i], tf32[i], kept);
    }
    mds_device_free(device, on_x);
    mds_device_free(device, on_back);
    mds_device_free(device, on_half);
    mds_device_free(device, on_tf32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_conversions),
    };

    return cmocka_run_group_tests(tests, open_device, close_device);
}
