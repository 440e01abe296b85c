#include "base/strbuf.h"

#include "base/rng.h"
#include "harness/test.h"

static void grows(void **unused)
{
    mds_strbuf buf = {0};

    (void)unused;
    assert_string_equal(mds_strbuf_text(&buf), "");
    for (int i = 0; i < 1000; ++i)
        mds_strbuf_add(&buf, "%04d,", i);
    mds_strbuf_add_bytes(&buf, "end!", 3);
    assert_int_equal(buf.length, 5003);
    assert_false(buf.failed);
    assert_memory_equal(buf.text + 5 * 321, "0321,", 5);
    assert_string_equal(buf.text + 5000, "end");
    mds_strbuf_clear(&buf);
    assert_string_equal(mds_strbuf_text(&buf), "");
    assert_true(buf.capacity > 5000);
    mds_strbuf_fini(&buf);
    assert_null(buf.text);
}

static void quotes_json(void **unused)
{
    mds_strbuf buf = {0};

    (void)unused;
    mds_strbuf_add_json(&buf, "a\"b\\c\nd\te\x01"
                              "f Å/");
    assert_string_equal(buf.text, "\"a\\\"b\\\\c\\nd\\u0009e\\u0001f Å/\"");
    mds_strbuf_clear(&buf);
    mds_strbuf_add_json(&buf, NULL);
    assert_string_equal(buf.text, "null");
    mds_strbuf_fini(&buf);
}

static void numbers_read_back(void **unused)
{
    mds_strbuf buf = {0};

    (void)unused;
    mds_strbuf_add_json_number(&buf, 0.1);
    assert_string_equal(buf.text, "0.1");
    mds_strbuf_clear(&buf);
    mds_strbuf_add_json_number(&buf, NAN);
    mds_strbuf_add_json_number(&buf, -INFINITY);
    assert_string_equal(buf.text, "nullnull");
    for (uint64_t i = 0; i < 2000; ++i) {
        const mds_philox_block b = mds_rng_block(3, MDS_RNG_TEST, 0, i, 0);
        const double value = ldexp(mds_uniform(b.word[0], b.word[1]), (int)(b.word[2] % 600) - 300);

        mds_strbuf_clear(&buf);
        mds_strbuf_add_json_number(&buf, value);
        assert_true(strtod(buf.text, NULL) == value);
    }
    mds_strbuf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows),
        cmocka_unit_test(quotes_json),
        cmocka_unit_test(numbers_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
