/* Filter expressions: what they match, how tightly words bind, and messages with their column. */
#include "sweep_fixture.h"

#include "sweep/filter.h"

static mds_study study;

/* Which of six cases match: bit 0 silicon/64/nve/reference/r0, then as in `points`. */
static const mds_case points[] = {
    {.system = 0, .protocol = 0, .model = 0, .repeat = 0, .n_asked = 64, .n_atoms = 64},
    {.system = 0, .protocol = 1, .model = 0, .repeat = 1, .n_asked = 128, .n_atoms = 128},
    {.system = 1, .protocol = 0, .model = 1, .repeat = 0, .n_asked = 64, .n_atoms = 63},
    {.system = 1, .protocol = 1, .model = 1, .repeat = 0, .n_asked = 128, .n_atoms = 129},
    {.system = 1, .protocol = 2, .model = 2, .repeat = 2, .n_asked = 256, .n_atoms = 255},
    {.system = 0, .protocol = 2, .model = 2, .n_asked = 512, .n_atoms = 512, .key = 0xabcdef},
};

enum { POINTS = (int)(sizeof points / sizeof *points) };

static unsigned matches(const char *text)
{
    mds_filter *filter;
    unsigned bits = 0;

    CHECK_OK(mds_filter_parse(text, &filter));
    for (int i = 0; i < POINTS; ++i)
        bits |= (unsigned)mds_filter_match(filter, &study, &points[i]) << i;
    mds_filter_destroy(filter);
    return bits;
}

static void comparisons(void **unused)
{
    static const struct {
        const char *text;
        unsigned want;
    } table[] = {
        {"system == silicon", 0x23},
        {"system = silicon", 0x23},
        {"system != silicon", 0x1c},
        {"system == silicon,water", 0x3f},
        {"system != silicon , water", 0x00},
        {"system == \"silicon\"", 0x23},
        {"system=='water'", 0x1c},
        {"protocol =~ n*t", 0x3a},
        {"protocol =~ n?e", 0x05},
        {"protocol =~ *", 0x3f},
        {"protocol =~ *v*e*", 0x05},
        {"model =~ ref*,nu??", 0x3f & ~0x30u},
        {"size == 64", 0x05},
        {"size == 64,256", 0x15},
        {"size != 64,256", 0x2a},
        {"size < 128", 0x05},
        {"size <= 128", 0x0f},
        {"size>128", 0x30},
        {"size >= 128", 0x3a},
        {"size >= 1.28e2", 0x3a},
        {"n_atoms == 63", 0x04},
        {"n_atoms < 64", 0x04},
        {"repeat == 0", 0x2d},
        {"key == 0000000000abcdef", 0x20},
        {"key =~ *abcdef", 0x20},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
        if (matches(table[i].text) != table[i].want)
            fail_msg("'%s' matches %x, not %x", table[i].text, matches(table[i].text),
                     table[i].want);
}

/* not before and before or; parentheses before all; left to right. */
static void precedence(void **unused)
{
    const unsigned si = 0x23, small = 0x05, nve = 0x05, first = 0x2d;

    (void)unused;
    assert_int_equal(matches("system == silicon or size < 128 and repeat == 0"),
                     si | (small & first));
    assert_int_equal(matches("(system == silicon or size < 128) and repeat == 0"),
                     (si | small) & first);
    assert_int_equal(matches("not system == silicon and size < 128"), ~si & small & 0x3f);
    assert_int_equal(matches("not (system == silicon and size < 128)"), ~(si & small) & 0x3f);
    assert_int_equal(matches("not not system == silicon"), si);
    assert_int_equal(matches("!(system==silicon&&protocol==nve)||size<128"),
                     (~(si & nve) | small) & 0x3f);
    assert_int_equal(matches("system == silicon and size >= 128 and not "
                             "(protocol == npt or model =~ orb*)"),
                     0x02);
    /* A quoted word is a value, whatever it spells. */
    assert_int_equal(matches("system == \"and\" or size == 64"), 0x05);
}

static void mistakes_name_the_column(void **unused)
{
    static const struct {
        const char *text, *want;
    } table[] = {
        {"", "filter, column 1: found the end; one of system, protocol, model, size, n_atoms, "
             "repeat, key would be right"},
        {"sytem == x", "filter, column 1: found 'sytem'; did you mean 'system'?"},
        {"system silicon", "filter, column 8: found 'silicon'; a text is compared by == != or =~"},
        {"system < silicon", "filter, column 8: found '<'; a text is compared by == != or =~"},
        {"size =~ 6*", "filter, column 6: found '=~'; a number is compared by == != < <= > or >="},
        {"size == many", "filter, column 9: found 'many'; a number would be right"},
        {"size ==", "filter, column 8: found the end; a value would be right"},
        {"size == )", "filter, column 9: found ')'; a value would be right"},
        {"size < 3,4", "filter, column 9: found ','; a list of values goes with == != and =~ only"},
        {"(size == 3", "filter, column 11: found the end; and, or, or ')' would be right"},
        {"size == 3)", "filter, column 10: found ')'; and, or, or the end would be right"},
        {"size == 3 an size == 4", "filter, column 11: found 'an'; and, or, or the end would"},
        {"size == 3 and", "filter, column 14: found the end; one of system,"},
        {"size == 3 $ 4", "filter, column 11: found '$ 4'; a name, a comparison or a parenthesis"},
        {"system == \"x", "filter, column 11: found '\"x'; a quoted text that ends"},
    };
    mds_filter *filter;

    (void)unused;
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i) {
        CHECK_FAILS(mds_filter_parse(table[i].text, &filter), MDS_ERR_USAGE, table[i].want);
        assert_null(filter);
    }
}

static void limits(void **unused)
{
    char text[8192] = "";
    mds_filter *filter;

    (void)unused;
    for (int i = 0; i < 100; ++i)
        strcat(text, "(");
    CHECK_FAILS(mds_filter_parse(text, &filter), MDS_ERR_USAGE, "nested too deep");
    text[0] = '\0';
    for (int i = 0; i < 300; ++i)
        strcat(text, i ? " or size == 1" : "size == 1");
    CHECK_FAILS(mds_filter_parse(text, &filter), MDS_ERR_USAGE, "too many");
    memset(text, 'a', 100);
    text[100] = '\0';
    CHECK_FAILS(mds_filter_parse(text, &filter), MDS_ERR_USAGE, "column 1");
    mds_filter_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons),
        cmocka_unit_test(precedence),
        cmocka_unit_test(mistakes_name_the_column),
        cmocka_unit_test(limits),
    };

    study = make_study(WORDS("silicon", "water"), SIZES(64), WORDS("nve", "nvt", "npt"),
                       WORDS("reference", "null", "harmonic"));
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    mds_study_fini(&study);
    return failed;
}
