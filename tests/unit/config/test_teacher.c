/* sweep.teacher: which model the others are compared with. */
#include "config_fixture.h"

#define WITH(teacher)                                                                              \
    "sweep: { systems = [\"silicon\"]; sizes = [64]; protocols = [\"replay\"];\n"                  \
    "models = [\"sw\", \"mine\"];\n" teacher " };\n"                                               \
    "models: { mine: { engine = \"sw\"; a = 1.9; }; };\n"

static void check_teacher(const char *text, const char *want)
{
    loaded l = expect_good(text, NULL);

    assert_string_equal(l.study.teacher, want);
    unload(&l);
}

static void test_names_that_are_right(void **state)
{
    (void)state;
    check_teacher(WITH(""), "reference"); /* not of the sweep, but built in */
    check_teacher(WITH("teacher = \"mine\";"), "mine");
    check_teacher(WITH("teacher = \"sw\";"), "sw");
    check_teacher(WITH("teacher = \"lj\";"), "lj");
    check_teacher(WITH("teacher = \"none\";"), "none");
}

static void test_resolved_text_keeps_it(void **state)
{
    loaded l = expect_good(WITH("teacher = \"mine\";"), NULL);

    (void)state;
    assert_non_null(strstr(l.study.resolved, "teacher = \"mine\";"));
    unload(&l);
}

static void test_unknown_name(void **state)
{
    (void)state;
    expect_bad(WITH("teacher = \"mime\";"), NULL,
               "t.cfg:3: unknown teacher 'mime', did you mean 'mine'?\n");
    expect_bad(WITH("teacher = 3;"), NULL,
               "t.cfg:3: teacher takes a text in quotes, not the number 3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_that_are_right),
        cmocka_unit_test(test_resolved_text_keeps_it),
        cmocka_unit_test(test_unknown_name),
    };

    enter_folder();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
