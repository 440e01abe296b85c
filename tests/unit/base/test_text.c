#include "base/text.h"

#include "harness/test.h"

#include <unistd.h>

/* Values of the reference implementation of FNV-1a (draft-eastlake-fnv, test vectors). */
static void hashes(void **unused)
{
    (void)unused;
    assert_true(mds_hash_text(MDS_HASH_START, "") == UINT64_C(0xcbf29ce484222325));
    assert_true(mds_hash_text(MDS_HASH_START, "a") == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(mds_hash_text(MDS_HASH_START, "foobar") == UINT64_C(0x85944171f73967e8));
    assert_true(mds_hash(mds_hash_text(MDS_HASH_START, "foo"), "barbar", 3) ==
                UINT64_C(0x85944171f73967e8));
}

static void finds_the_nearest_word(void **unused)
{
    static const char *const words[] = {"silicon", "copper", "aluminum", "iron", "water"};

    (void)unused;
    assert_string_equal(mds_nearest_word("silicn", words, 5), "silicon");
    assert_string_equal(mds_nearest_word("aluminium", words, 5), "aluminum");
    assert_string_equal(mds_nearest_word("irno", words, 5), "iron");
    assert_null(mds_nearest_word("krypton", words, 5));
    assert_null(mds_nearest_word("", words, 5));
    assert_null(mds_nearest_word("x", words, 0));
}

static void formats_durations(void **unused)
{
    static const struct {
        double seconds;
        const char *text;
    } some[] = {
        {2.5e-6, "2.5 us"},  {0.0125, "12.5 ms"},   {1.234, "1.2 s"},
        {59.94, "59.9 s"},   {59.96, "1 min 0 s"},  {200, "3 min 20 s"},
        {7500, "2 h 5 min"}, {3599.6, "1 h 0 min"}, {NAN, "?"},
    };
    char text[32];

    (void)unused;
    for (size_t i = 0; i < sizeof some / sizeof some[0]; ++i)
        assert_string_equal(mds_format_duration(some[i].seconds, text, sizeof text), some[i].text);
}

static void formats_bytes(void **unused)
{
    char text[32];

    (void)unused;
    assert_string_equal(mds_format_bytes(0, text, sizeof text), "0 B");
    assert_string_equal(mds_format_bytes(1023, text, sizeof text), "1023 B");
    assert_string_equal(mds_format_bytes(1536, text, sizeof text), "1.5 KiB");
    assert_string_equal(mds_format_bytes(-3.0 * (1 << 30), text, sizeof text), "-3.0 GiB");
    assert_string_equal(mds_format_bytes(5e15, text, sizeof text), "4547.5 TiB");
}

static void reads_files(void **unused)
{
    char path[] = "/tmp/mds_test_text_XXXXXX", *text;
    const int id = mkstemp(path);
    size_t length;

    (void)unused;
    assert_true(id >= 0);
    CHECK_OK(mds_read_file(path, &text, &length));
    assert_int_equal(length, 0);
    assert_string_equal(text, "");
    free(text);
    FILE *file = fdopen(id, "wb");
    for (int i = 0; i < 100000; ++i) /* more than one buffer */
        fputs("0123456789", file);
    fclose(file);
    CHECK_OK(mds_read_file(path, &text, NULL));
    assert_int_equal(strlen(text), 1000000);
    free(text);
    unlink(path);
    CHECK_FAILS(mds_read_file(path, &text, &length), MDS_ERR_IO, "No such file");
    assert_null(text);
    CHECK_FAILS(mds_read_file("/tmp", &text, &length), MDS_ERR_IO, "is a folder");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),
        cmocka_unit_test(finds_the_nearest_word),
        cmocka_unit_test(formats_durations),
        cmocka_unit_test(formats_bytes),
        cmocka_unit_test(reads_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
