#include "base/option.h"

#include "harness/test.h"

static const char *const colours[] = {"red", "green", NULL};

static const mds_option table[] = {
    {.key = "depth", .type = MDS_OPTION_REAL, .unit = "eV", .preset = 0.5, .min = 0.1, .max = 9.0},
    {.key = "count", .type = MDS_OPTION_INT, .preset = 3, .min = 1, .max = 8},
    {.key = "smooth", .type = MDS_OPTION_BOOL, .preset = 1},
    {.key = "colour", .type = MDS_OPTION_TEXT, .preset_text = "red", .choices = colours},
    {.key = "file", .type = MDS_OPTION_TEXT},
    {.key = "offset", .type = MDS_OPTION_REAL},
    {0},
};

static void has_presets(void **unused)
{
    mds_options o;
    char text[64];

    (void)unused;
    mds_options_init(&o, table);
    assert_int_equal(o.count, 6);
    CHECK_NEAR(mds_options_real(&o, "depth"), 0.5, 0.0, 0.0);
    assert_int_equal(mds_options_int(&o, "count"), 3);
    assert_true(mds_options_bool(&o, "smooth"));
    assert_string_equal(mds_options_text(&o, "colour"), "red");
    assert_string_equal(mds_options_text(&o, "file"), "");
    assert_false(mds_options_given(&o, "depth"));
    assert_string_equal(mds_options_find(&o, "depth")->unit, "eV");
    assert_null(mds_options_find(&o, "width"));
    assert_string_equal(mds_options_format(&o, text, sizeof text), "");
    mds_options_init(&o, NULL);
    assert_int_equal(o.count, 0);
    CHECK_FAILS(mds_options_set_number(&o, "depth", 1), MDS_ERR_CONFIG, "none is taken");
}

static void takes_values(void **unused)
{
    mds_options o;
    char text[80], small[8];

    (void)unused;
    mds_options_init(&o, table);
    CHECK_OK(mds_options_set_text(&o, "file", "a b.xyz"));
    CHECK_OK(mds_options_set_number(&o, "depth", 9.0));
    CHECK_OK(mds_options_set_number(&o, "smooth", 0));
    CHECK_OK(mds_options_set_number(&o, "offset", -1e300)); /* no bounds */
    CHECK_OK(mds_options_set_text(&o, "colour", "green"));
    assert_false(mds_options_bool(&o, "smooth"));
    assert_true(mds_options_given(&o, "depth") && !mds_options_given(&o, "count"));
    CHECK_OK(mds_options_set_number(&o, "offset", 0.25));
    assert_string_equal(mds_options_format(&o, text, sizeof text),
                        "depth=9 smooth=0 colour=green file=a b.xyz offset=0.25");
    assert_int_equal(strlen(mds_options_format(&o, small, sizeof small)), 7);
}

static void refuses_values(void **unused)
{
    mds_options o;
    char long_text[400];

    (void)unused;
    mds_options_init(&o, table);
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    CHECK_FAILS(mds_options_set_number(&o, "dept", 1), MDS_ERR_CONFIG, "did you mean 'depth'");
    CHECK_FAILS(mds_options_set_number(&o, "zzzzzz", 1), MDS_ERR_CONFIG, "unknown option 'zzzzzz'");
    CHECK_FAILS(mds_options_set_number(&o, "depth", 9.1), MDS_ERR_CONFIG, "outside 0.1 to 9 eV");
    CHECK_FAILS(mds_options_set_number(&o, "depth", NAN), MDS_ERR_CONFIG, "finite");
    CHECK_FAILS(mds_options_set_number(&o, "count", 2.5), MDS_ERR_CONFIG, "whole number, not 2.5");
    CHECK_FAILS(mds_options_set_number(&o, "count", 0), MDS_ERR_CONFIG, "outside 1 to 8");
    CHECK_FAILS(mds_options_set_number(&o, "smooth", 2), MDS_ERR_CONFIG, "true or false");
    CHECK_FAILS(mds_options_set_number(&o, "file", 2), MDS_ERR_CONFIG, "text in quotes");
    CHECK_FAILS(mds_options_set_text(&o, "depth", "2"), MDS_ERR_CONFIG, "takes a number");
    CHECK_FAILS(mds_options_set_text(&o, "colour", "blue"), MDS_ERR_CONFIG, "one of red, green");
    CHECK_FAILS(mds_options_set_text(&o, "file", long_text), MDS_ERR_CONFIG, "longer than 255");
    CHECK_NEAR(mds_options_real(&o, "depth"), 0.5, 0.0, 0.0);
    assert_false(mds_options_given(&o, "depth"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_presets),
        cmocka_unit_test(takes_values),
        cmocka_unit_test(refuses_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
