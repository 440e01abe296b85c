#include "base/rng.h"

#include "harness/test.h"

/* Known answers of Philox4x32-10 that the authors publish with their library (Random123, file
 * kat_vectors): all bits zero, all bits one, and the digits of pi. */
static void gives_the_published_numbers(void **unused)
{
    static const struct {
        uint32_t counter[4], key[2], answer[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i) {
        const uint32_t *c = known[i].counter, *k = known[i].key;
        const mds_philox_block got = mds_philox(
            (uint64_t)k[1] << 32 | k[0], (uint64_t)c[1] << 32 | c[0], (uint64_t)c[3] << 32 | c[2]);

        for (int w = 0; w < 4; ++w)
            assert_int_equal(got.word[w], known[i].answer[w]);
    }
}

static void keeps_uniforms_inside(void **unused)
{
    (void)unused;
    assert_true(mds_uniform(0, 0) > 0.0);
    assert_true(mds_uniform(0xffffffff, 0xffffffff) < 1.0);
    CHECK_NEAR(mds_uniform(0x80000000, 0), 0.5, 1e-15, 0.0);
}

/* Moments of 2e5 normal numbers within 5 standard errors: with four of them a false alarm once in
 * 400 000 choices of the (fixed) seed. */
static void draws_normals(void **unused)
{
    enum { N = 200000 };
    double moment[5] = {0};

    (void)unused;
    for (int i = 0; i < N; ++i) {
        const double z = mds_rng_normal(5, MDS_RNG_TEST, 0, (uint64_t)i / 2, (uint32_t)i % 2);

        for (int p = 1; p <= 4; ++p)
            moment[p] += pow(z, p) / N;
    }
    CHECK_NEAR(moment[1], 0.0, 0.0, 5.0 * sqrt(1.0 / N));
    CHECK_NEAR(moment[2], 1.0, 0.0, 5.0 * sqrt(2.0 / N));
    CHECK_NEAR(moment[3], 0.0, 0.0, 5.0 * sqrt(15.0 / N));
    CHECK_NEAR(moment[4], 3.0, 0.0, 5.0 * sqrt(96.0 / N));
}

/* Every argument of a block changes it: streams, steps, atoms and draws do not share numbers. */
static void keeps_streams_apart(void **unused)
{
    const mds_philox_block blocks[] = {
        mds_rng_block(1, MDS_RNG_LANGEVIN, 2, 3, 4), mds_rng_block(2, MDS_RNG_LANGEVIN, 2, 3, 4),
        mds_rng_block(1, MDS_RNG_VELOCITY, 2, 3, 4), mds_rng_block(1, MDS_RNG_LANGEVIN, 3, 3, 4),
        mds_rng_block(1, MDS_RNG_LANGEVIN, 2, 4, 4), mds_rng_block(1, MDS_RNG_LANGEVIN, 2, 3, 5),
    };

    (void)unused;
    for (int a = 0; a < 6; ++a)
        for (int b = 0; b < a; ++b)
            assert_memory_not_equal(&blocks[a], &blocks[b], sizeof blocks[a]);
    assert_true(mds_rng_normal(1, MDS_RNG_TEST, 0, 0, 0) !=
                mds_rng_normal(1, MDS_RNG_TEST, 0, 0, 1));
    assert_true(mds_rng_normal(1, MDS_RNG_TEST, 0, 0, 1) !=
                mds_rng_normal(1, MDS_RNG_TEST, 0, 0, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_numbers),
        cmocka_unit_test(keeps_uniforms_inside),
        cmocka_unit_test(draws_normals),
        cmocka_unit_test(keeps_streams_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
