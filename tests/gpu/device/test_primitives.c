/* What kernels are made of gives the same on a GPU and on the shim: barriers, shuffles, ballots,
 * atomics, static and dynamic shared memory, for sizes that do not divide. */
#include "gpu/device/primitives.h"
#include "harness/test.h"

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

static void *put(const void *from, size_t bytes)
{
    void *to = NULL;

    CHECK_OK(mds_device_alloc(device, bytes, "test", &to));
    CHECK_OK(mds_device_copy(device, to, from, bytes, MDS_COPY_TO_DEVICE));
    return to;
}

static void get(void *to, const void *from, size_t bytes)
{
    CHECK_OK(mds_device_copy(device, to, from, bytes, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(device));
}

static const int sizes[] = {1, 5, 31, 32, 33, 65, 127, 257, 1000};

/* Whole numbers, so that any order gives the same sum. */
static void test_sum(void **unused)
{
    double x[1000], want, total;
    const double zeros[8] = {0};
    const int zero = 0;

    (void)unused;
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; ++k) {
        const int n = sizes[k], blocks = 1 + n % 7;

        want = 0.0;
        for (int i = 0; i < n; ++i)
            want += x[i] = 3 * i - 100;
        double *in = put(x, (size_t)n * sizeof *x), *part = put(zeros, sizeof zeros);
        double *sum = put(zeros, sizeof *sum);
        int *ticket = put(&zero, sizeof zero);
        for (int again = 0; again < 2; ++again) {
            CHECK_OK(primitives_sum(device, blocks, n, in, part, ticket, sum));
            get(&total, sum, sizeof total);
            CHECK_NEAR(total, want, 0.0, 0.0);
        }
        mds_device_free(device, in);
        mds_device_free(device, part);
        mds_device_free(device, sum);
        mds_device_free(device, ticket);
    }
}

static void test_warp(void **unused)
{
    int got[1000 * 8];

    (void)unused;
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; ++k) {
        const int n = sizes[k];
        void *out = NULL;

        CHECK_OK(mds_device_alloc(device, (size_t)n * 8 * sizeof *got, "facts", &out));
        CHECK_OK(primitives_warp(device, n, out));
        get(got, out, (size_t)n * 8 * sizeof *got);
        for (int i = 0; i < n; ++i) {
            const int lane = i % 96 % 32, *g = got + 8 * i;

            assert_int_equal((unsigned)g[0], 0xaaaaaaaau);
            assert_int_equal(g[1], lane < 3 ? lane : lane - 3);
            assert_int_equal(g[2], lane ^ 5);
            assert_int_equal(g[3], 30);
            assert_int_equal(g[4], 1);
            assert_int_equal(g[5], 15);
            assert_int_equal(g[6], 1);
            assert_int_equal(g[7], 16 + 2 + 31);
        }
        mds_device_free(device, out);
    }
}

static void test_dynamic_shared(void **unused)
{
    double x[3 * 257], y[3 * 257];

    (void)unused;
    for (int i = 0; i < 3 * 257; ++i)
        x[i] = i;
    for (int threads = 1; threads <= 257; threads += 64) {
        double *in = put(x, sizeof x), *out = put(x, sizeof x);

        CHECK_OK(primitives_reverse(device, 3, threads, in, out));
        get(y, out, sizeof y);
        for (int i = 0; i < 3 * threads; ++i)
            CHECK_NEAR(y[i], i / threads * threads + threads - 1 - i % threads, 0.0, 0.0);
        mds_device_free(device, in);
        mds_device_free(device, out);
    }
}

/* A launch that no device can make says which one. */
static void test_impossible_launch(void **unused)
{
    double x[4] = {0};
    double *in = put(x, sizeof x);

    (void)unused;
    CHECK_FAILS(primitives_reverse(device, 1, 2000, in, in), MDS_ERR_DEVICE, "kernel reversed");
    CHECK_FAILS(primitives_reverse(device, 0, 32, in, in), MDS_ERR_DEVICE, "kernel reversed");
    CHECK_OK(mds_device_sync(device));
    mds_device_free(device, in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_warp),
        cmocka_unit_test(test_dynamic_shared),
        cmocka_unit_test(test_impossible_launch),
    };

    return cmocka_run_group_tests(tests, open_device, close_device);
}
