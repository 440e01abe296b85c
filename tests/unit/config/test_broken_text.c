/* Text that was cut or damaged is refused with a message or accepted, but never crashes (run under
 * the sanitizers in CI), and whatever is refused leaves an empty study. */
#include "config_fixture.h"

#include "base/rng.h"
#include "base/text.h"

static char *read_shipped(const char *name)
{
    char path[512];
    char *text;

    snprintf(path, sizeof path, MDS_SOURCE_DIR "/configs/%s", name);
    CHECK_OK(mds_read_file(path, &text, NULL));
    return text;
}

static void try_text(const char *text)
{
    loaded l = load_with(text, NULL);

    if (l.status == MDS_OK)
        assert_int_equal(l.problems.count, 0);
    else {
        assert_true(l.problems.count > 0);
        assert_null(l.study.systems);
        assert_true(mds_error()[0] != '\0');
    }
    unload(&l);
}

/* Every prefix: a file that was only half written. */
static void prefixes(void **unused)
{
    char *text = read_shipped("comprehensive.cfg");

    (void)unused;
    for (size_t length = strlen(text); length-- > 0;) {
        text[length] = '\0';
        try_text(text);
    }
    free(text);
}

/* One to four bytes replaced or a stretch removed, at places drawn from a fixed seed. */
static void damages(void **unused)
{
    static const char bytes[] = "(){}[]=:;,\"\\@#/*-+.0e9LxnA \n\t\x01\x80\xff";
    char *text = read_shipped("comprehensive.cfg");
    const size_t length = strlen(text);
    char *copy = malloc(length + 1);

    (void)unused;
    assert_non_null(copy);
    for (uint64_t trial = 0; trial < 1500; ++trial) {
        mds_philox_block draw = mds_rng_block(7, MDS_RNG_TEST, trial, 0, 0);

        memcpy(copy, text, length + 1);
        for (uint64_t k = 0; k <= draw.word[0] % 4; ++k) {
            const mds_philox_block d = mds_rng_block(7, MDS_RNG_TEST, trial, 1 + k, 0);
            copy[d.word[0] % length] = bytes[d.word[1] % (sizeof bytes - 1)];
        }
        if (draw.word[1] % 3 == 0) {
            const size_t from = draw.word[2] % length, count = draw.word[3] % (length - from);
            memmove(copy + from, copy + from + count, length + 1 - from - count);
        }
        try_text(copy);
    }
    free(copy);
    free(text);
}

static void monsters(void **unused)
{
    enum { LONG = 200000 };
    char *text = malloc(LONG + 64);

    (void)unused;
    assert_non_null(text);
    memset(text, '(', LONG);
    memcpy(text, "a = ", 4);
    text[LONG] = '\0';
    try_text(text); /* nested too deep */
    memset(text, 'x', LONG);
    try_text(text); /* one long word */
    memcpy(text, "sweep: { systems = [\"", 21);
    strcpy(text + LONG, "\"]; };\n");
    try_text(text); /* a long name */
    memcpy(text, "models: { ", 10);
    strcpy(text + LONG, " : { engine = \"lj\"; }; };\n");
    try_text(text); /* a long definition */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prefixes),
        cmocka_unit_test(damages),
        cmocka_unit_test(monsters),
    };

    enter_folder();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
