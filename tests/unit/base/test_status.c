#include "base/status.h"

#include "harness/test.h"

#include <pthread.h>

static void keeps_the_message(void **unused)
{
    (void)unused;
    mds_error_clear();
    assert_string_equal(mds_error(), "");
    assert_int_equal(mds_fail(MDS_ERR_IO, "file %d\nof %s\r", 3, "four"), MDS_ERR_IO);
    assert_string_equal(mds_error(), "file 3 of four ");
    mds_error_prefix("case %d: ", 7);
    assert_string_equal(mds_error(), "case 7: file 3 of four ");
    /* The message may be an argument of the next one. */
    (void)mds_fail(MDS_ERR_CONFIG, "again: %s", mds_error());
    assert_string_equal(mds_error(), "again: case 7: file 3 of four ");
}

static void cuts_long_messages(void **unused)
{
    char words[3000];

    (void)unused;
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = '\0';
    (void)mds_fail(MDS_ERR_IO, "%s", words);
    assert_int_equal(strlen(mds_error()), 1023);
    mds_error_prefix("%s", words);
    assert_int_equal(strlen(mds_error()), 1023);
}

static void *fail_elsewhere(void *unused)
{
    (void)unused;
    (void)mds_fail(MDS_ERR_IO, "of the other thread");
    return NULL;
}

static void belongs_to_a_thread(void **unused)
{
    pthread_t thread;

    (void)unused;
    (void)mds_fail(MDS_ERR_IO, "mine");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(mds_error(), "mine");
}

static mds_status stops_at(int which, int *reached)
{
    mds_status status = MDS_OK;

    for (int i = 0; i < 3; ++i) {
        MDS_TRY(i == which ? mds_fail(MDS_ERR_NUMERIC, "at %d", i) : MDS_OK);
        ++*reached;
    }
out:
    return status;
}

static void tries(void **unused)
{
    int reached = 0;

    (void)unused;
    assert_int_equal(stops_at(-1, &reached), MDS_OK);
    assert_int_equal(reached, 3);
    reached = 0;
    CHECK_FAILS(stops_at(1, &reached), MDS_ERR_NUMERIC, "at 1");
    assert_int_equal(reached, 1);
}

static void has_words_and_exit_codes(void **unused)
{
    (void)unused;
    for (int s = 0; s < MDS_STATUS_COUNT; ++s)
        assert_true(strlen(mds_status_text((mds_status)s)) > 0);
    assert_string_equal(mds_status_text((mds_status)-1), "unknown status");
    assert_string_equal(mds_status_text((mds_status)MDS_STATUS_COUNT), "unknown status");
    assert_int_equal(mds_status_exit_code(MDS_OK), 0);
    assert_int_equal(mds_status_exit_code(MDS_ERR_USAGE), 2);
    assert_int_equal(mds_status_exit_code(MDS_ERR_IO), 74);
    assert_int_equal(mds_status_exit_code(MDS_ERR_STOPPED), 75);
    assert_int_equal(mds_status_exit_code(MDS_ERR_CONFIG), 78);
    assert_int_equal(mds_status_exit_code(MDS_ERR_NUMERIC), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_message),        cmocka_unit_test(cuts_long_messages),
        cmocka_unit_test(belongs_to_a_thread),      cmocka_unit_test(tries),
        cmocka_unit_test(has_words_and_exit_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
