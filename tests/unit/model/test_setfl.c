/* The setfl reader: where every number goes, both flavours, and one line for each damaged field. */
#include "base/strbuf.h"
#include "harness/test.h"
#include "model/eam/setfl.h"

#include <unistd.h>

/* A file whose numbers are all different: table t, knot k holds t + k/1000. */
typedef struct recipe {
    int elements, nrho, nr;
    bool fs;
    int per_line;
} recipe;

static const char *const symbols[] = {"Ni", "Al", "H"};

static void add_table(mds_strbuf *text, const recipe *r, int *table, int count)
{
    for (int k = 0; k < count; ++k)
        mds_strbuf_add(text, "%.17g%s", *table + k / 1000.0,
                       k == count - 1 || (k + 1) % r->per_line == 0 ? "\n" : " ");
    ++*table;
}

static void write_text(mds_strbuf *text, const recipe *r)
{
    int table = 0;

    mds_strbuf_add(text, "one\ntwo, with words 1 2 3\n\n%d", r->elements);
    for (int i = 0; i < r->elements; ++i)
        mds_strbuf_add(text, " %s", symbols[i]);
    mds_strbuf_add(text, "\n%d 0.25 %d 5E-1 3.0\n", r->nrho, r->nr);
    for (int i = 0; i < r->elements; ++i) {
        mds_strbuf_add(text, "%d %d.5 3.52 fcc\n", 20 + i, 50 + i);
        add_table(text, r, &table, r->nrho);
        for (int k = 0; k < (r->fs ? r->elements : 1); ++k)
            add_table(text, r, &table, r->nr);
    }
    for (int i = 0; i < r->elements; ++i)
        for (int j = 0; j <= i; ++j)
            add_table(text, r, &table, r->nr);
}

static void save(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
}

static void make(const char *path, const recipe *r)
{
    mds_strbuf text = {0};

    write_text(&text, r);
    save(path, mds_strbuf_text(&text), text.length);
    mds_strbuf_fini(&text);
}

static char *scratch(char path[64], const char *suffix)
{
    snprintf(path, 64, "test_setfl.%ld%s", (long)getpid(), suffix);
    return path;
}

static void test_alloy(void **state)
{
    (void)state;
    const recipe r = {.elements = 3, .nrho = 6, .nr = 7, .per_line = 5};
    char path[64];
    setfl file;

    make(scratch(path, ".eam.alloy"), &r);
    CHECK_OK(setfl_read(path, SETFL_AUTO, &file));
    assert_int_equal(file.flavour, SETFL_ALLOY);
    assert_int_equal(file.elements, 3);
    assert_string_equal(file.symbol[2], "H");
    assert_int_equal(file.z[1], 13);
    assert_int_equal(setfl_find(&file, 1), 2);
    assert_int_equal(setfl_find(&file, 26), -1);
    assert_int_equal(file.nrho, 6);
    assert_int_equal(file.nr, 7);
    CHECK_NEAR(file.drho, 0.25, 0, 0);
    CHECK_NEAR(file.dr, 0.5, 0, 0);
    CHECK_NEAR(file.cutoff, 3.0, 0, 0);
    CHECK_NEAR(file.mass[2], 52.5, 0, 0);
    /* Tables in file order: F0 ρ0 F1 ρ1 F2 ρ2, then 00 10 11 20 21 22. */
    for (int i = 0; i < 3; ++i) {
        CHECK_NEAR(setfl_embedding(&file, i)[5], 2 * i + 0.005, 0, 1e-15);
        CHECK_NEAR(setfl_density(&file, i, 0)[6], 2 * i + 1 + 0.006, 0, 1e-15);
        assert_ptr_equal(setfl_density(&file, i, 0), setfl_density(&file, i, 2));
    }
    CHECK_NEAR(setfl_pair(&file, 0, 0)[0], 6, 0, 0);
    CHECK_NEAR(setfl_pair(&file, 1, 0)[0], 7, 0, 0);
    CHECK_NEAR(setfl_pair(&file, 0, 1)[0], 7, 0, 0);
    CHECK_NEAR(setfl_pair(&file, 1, 2)[3], 10.003, 0, 1e-15);
    CHECK_NEAR(setfl_pair(&file, 2, 2)[6], 11.006, 0, 1e-15);
    setfl_fini(&file);
    unlink(path);
}

static void test_fs(void **state)
{
    (void)state;
    const recipe r = {.elements = 2, .nrho = 5, .nr = 6, .fs = true, .per_line = 1};
    char path[64];
    setfl file;

    /* The count of numbers decides, also where the name says the other flavour. */
    make(scratch(path, ".alloy"), &r);
    CHECK_OK(setfl_read(path, SETFL_AUTO, &file));
    assert_int_equal(file.flavour, SETFL_FS);
    /* F0 ρ00 ρ01 F1 ρ10 ρ11 φ00 φ10 φ11; block (I, k) is what an atom of I makes at one of k. */
    CHECK_NEAR(setfl_density(&file, 0, 1)[0], 2, 0, 0);
    CHECK_NEAR(setfl_density(&file, 1, 0)[0], 4, 0, 0);
    CHECK_NEAR(setfl_embedding(&file, 1)[0], 3, 0, 0);
    CHECK_NEAR(setfl_pair(&file, 0, 1)[0], 7, 0, 0);
    setfl_fini(&file);
    CHECK_FAILS(setfl_read(path, SETFL_ALLOY, &file), MDS_ERR_CONFIG, "flavour fs");
    unlink(path);
}

static void test_header_only(void **state)
{
    (void)state;
    const recipe r = {.elements = 2, .nrho = 5, .nr = 6, .per_line = 1};
    char path[64];
    setfl file;

    make(scratch(path, ".alloy"), &r);
    CHECK_OK(setfl_read_header(path, &file));
    assert_int_equal(file.elements, 2);
    assert_null(file.values);
    setfl_fini(&file);
    unlink(path);
    CHECK_FAILS(setfl_read_header(path, &file), MDS_ERR_IO, path);
    CHECK_FAILS(setfl_read(path, SETFL_AUTO, &file), MDS_ERR_IO, path);
    CHECK_FAILS(setfl_read("/", SETFL_AUTO, &file), MDS_ERR_IO, "/");
}

/* Line `line` of the good file is replaced (NULL: the file ends before it), and the reader says
 * `place`, which is line and field. One element, 5 + 6 + 6 numbers, one per line: the header of the
 * element is line 6, F 7 … 11, ρ 12 … 17, r φ 18 … 23. */
typedef struct damage {
    int line;
    const char *text;
    const char *place;
} damage;

static const damage damages[] = {
    {2, NULL, ":2: the file ends where a comment"},
    {4, NULL, ":4: count of elements is missing"},
    {4, "x Ni", ":4: count of elements: 'x' is not a number"},
    {4, "1.5 Ni", ":4: count of elements: '1.5' is not a whole number"},
    {4, "0", ":4: count of elements: 0 is not between 1 and 16"},
    {4, "-1 Ni", ":4: count of elements: -1"},
    {4, "99 Ni", ":4: count of elements: 99"},
    {4, "2 Ni", ":4: 2 elements are announced and 1 named"},
    {4, "2 Ni Ni", ":4: element Ni is named twice"},
    {4, "1 Ni Al", ":4: 'Al' is one field too many"},
    {4, "1 Unobtainium", ":4: 'Unobtainium' is not the symbol"},
    {5, NULL, ":5: Nrho is missing"},
    {5, "5 0.25 6", ":5: dr is missing"},
    {5, "5 0.25 6 0.5", ":5: cutoff is missing"},
    {5, "5 0.25 6 0.5 3.0 7", ":5: '7' is one field too many"},
    {5, "4 0.25 6 0.5 3.0", ":5: Nrho: 4 is not between 5"},
    {5, "5 0.25 4 0.5 1.0", ":5: Nr: 4 is not between 5"},
    {5, "5 -0.25 6 0.5 3.0", ":5: drho: -0.25"},
    {5, "5 0.25 6 -0.5 3.0", ":5: dr: -0.5"},
    {5, "5 0.25 6 0 3.0", ":5: dr: 0 is not between"},
    {5, "5 0.25 6 0.5 -3.0", ":5: cutoff: -3.0"},
    {5, "5 0.25 6 0.5 nan", ":5: cutoff: 'nan' is not a number"},
    {5, "5 0.25 6 0.5 9.0", ":5: the cutoff, 9, lies beyond the table"},
    {5, "5 0.25 2e9 0.5 3.0", ":5: Nr: 2e9"},
    {5, "5 0.25 1000000 0.5 3.0", ":5: Nrho and Nr announce 2000005 numbers"},
    {5, "5 1e999 6 0.5 3.0", ":5: drho: '1e999' is too large"},
    {6, "Ni 58.7 3.52 fcc", ":6: atomic number of Ni: 'Ni' is not a number"},
    {6, "28", ":6: mass of Ni is missing"},
    {6, "28 0 3.52 fcc", ":6: mass of Ni: 0 is not between"},
    {6, "28 58.7", ":6: lattice constant of Ni is missing"},
    {6, "28 58.7 fcc", ":6: lattice constant of Ni: 'fcc' is not a number"},
    {6, "28 58.7 3.52", ":6: the lattice of Ni is missing"},
    {6, "28 58.7 3.52 fcc 0.1", ":6: '0.1' is one field too many"},
    {6, NULL, ":5: Nrho and Nr announce 17 numbers"},
    {9, "nan", ":9: F(rho) of Ni: 'nan' is not a number"},
    {9, "-inf", ":9: F(rho) of Ni: '-inf' is not a number"},
    {9, "0x1p3", ":9: F(rho) of Ni: '0x1p3' is not a number"},
    {9, "1.0.0", ":9: F(rho) of Ni: '1.0.0' is not a number"},
    {9, "1e999", ":9: F(rho) of Ni: '1e999' is too large"},
    {14, "1,0", ":14: rho(r) of Ni: '1,0' is not a number"},
    {15, "\x01", ":15: rho(r) of Ni: '?' is not a number"},
    {20, "fcc", ":20: r phi(r) of Ni-Ni: 'fcc' is not a number"},
    {20, "", ":24: r phi(r) of Ni-Ni: 5 numbers of 6"},
    {21, NULL, ": r phi(r) of Ni-Ni: 3 numbers of 6 (from line"},
    {8, NULL, ":5: Nrho and Nr announce 17 numbers"},
    {23, "1 2", ":23: '2' follows the last table"},
    {23, "1\n\nend", ":25: 'end' follows the last table"},
};

/* `text` with one line replaced. */
static void replace_line(mds_strbuf *out, const char *text, const damage *d)
{
    int line = 1;

    for (const char *at = text; *at; ++line) {
        const size_t length = strcspn(at, "\n");

        if (line == d->line && !d->text)
            return;
        if (line == d->line)
            mds_strbuf_add(out, "%s\n", d->text);
        else
            mds_strbuf_add_bytes(out, at, length + 1);
        at += length + 1;
    }
}

static void test_damage(void **state)
{
    (void)state;
    const recipe r = {.elements = 1, .nrho = 5, .nr = 6, .per_line = 1};
    mds_strbuf text = {0};
    char path[64];
    setfl file;

    write_text(&text, &r);
    scratch(path, ".damaged");
    for (size_t i = 0; i < sizeof damages / sizeof *damages; ++i) {
        mds_strbuf bad = {0};
        char place[160];

        replace_line(&bad, mds_strbuf_text(&text), &damages[i]);
        save(path, mds_strbuf_text(&bad), bad.length);
        mds_strbuf_fini(&bad);
        snprintf(place, sizeof place, "%s%s", damages[i].place[1] == ' ' ? "" : path,
                 damages[i].place);
        CHECK_FAILS(setfl_read(path, SETFL_AUTO, &file), MDS_ERR_CONFIG, place);
        assert_null(file.values);
        if (damages[i].line == 5 && damages[i].text && strlen(damages[i].text) < 20)
            CHECK_FAILS(setfl_read_header(path, &file), MDS_ERR_CONFIG, place);
    }
    mds_strbuf_fini(&text);
    unlink(path);
}

/* Every truncation of a good file is refused, whatever byte it ends at (the last newline and a part
 * of the last number aside, which nobody can see). */
static void test_truncation(void **state)
{
    (void)state;
    const recipe r = {.elements = 2, .nrho = 5, .nr = 6, .per_line = 3};
    mds_strbuf text = {0};
    char path[64];
    setfl file;

    write_text(&text, &r);
    scratch(path, ".cut");
    for (size_t length = 0; length + 24 < text.length; ++length) {
        save(path, mds_strbuf_text(&text), length);
        mds_error_clear();
        assert_int_equal(setfl_read(path, SETFL_AUTO, &file), MDS_ERR_CONFIG);
        assert_non_null(strstr(mds_error(), path));
        assert_null(strchr(mds_error(), '\n'));
    }
    mds_strbuf_fini(&text);
    unlink(path);
}

/* The files that LAMMPS ships, where they are installed. */
static void test_shipped(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        setfl_flavour flavour;
        int elements, nr;
    } shipped[] = {
        {"AlCu.eam.alloy", SETFL_ALLOY, 2, 3000},
        {"AlFe_mm.eam.fs", SETFL_FS, 2, 10000},
        {"AlO.eam.alloy", SETFL_ALLOY, 2, 1000},
        {"CoAl.eam.alloy", SETFL_ALLOY, 2, 3000},
        {"CuNi.eam.alloy", SETFL_ALLOY, 2, 500},
        {"CuTa.eam.alloy", SETFL_ALLOY, 2, 2000},
        {"CuZr_mm.eam.fs", SETFL_FS, 2, 10000},
        {"Cu_mishin1.eam.alloy", SETFL_ALLOY, 1, 10001},
        {"NiAlH_jea.eam.fs", SETFL_FS, 3, 1000},
        {"NiAlH_jea.eam.alloy", SETFL_ALLOY, 3, 1000},
        {"W_zhou.eam.alloy", SETFL_ALLOY, 1, 10001},
        {"VFe_mm.eam.fs", SETFL_FS, 2, 10000},
    };

    if (access("/usr/share/lammps/potentials/CuNi.eam.alloy", R_OK) != 0)
        skip();
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; ++i) {
        char path[128];
        setfl file;

        snprintf(path, sizeof path, "/usr/share/lammps/potentials/%s", shipped[i].name);
        CHECK_OK(setfl_read(path, SETFL_AUTO, &file));
        assert_int_equal(file.flavour, shipped[i].flavour);
        assert_int_equal(file.elements, shipped[i].elements);
        assert_int_equal(file.nr, shipped[i].nr);
        setfl_fini(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloy),       cmocka_unit_test(test_fs),
        cmocka_unit_test(test_header_only), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_truncation),  cmocka_unit_test(test_shipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
