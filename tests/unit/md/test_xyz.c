#include "md/structure.h"

#include "base/text.h"
#include "harness/test.h"

#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/mds_test_xyz_XXXXXX";
static char path[64];

static int make_folder(void **unused)
{
    (void)unused;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/frame.xyz", folder);
    return 0;
}

static int remove_folder(void **unused)
{
    (void)unused;
    unlink(path);
    return rmdir(folder);
}

static void put(const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

#define CUBE  "Lattice=\"4 0 0 0 5 0 0 0 6\" "
#define PLAIN "Properties=species:S:1:pos:R:3 "

static void reads_what_ase_writes(void **unused)
{
    mds_structure s;

    (void)unused;
    put("2\n"
        "Lattice=\"4.0 0.0 0.0 1.0 5.0 0.0 -0.5 0.25 6.0\" "
        "Properties=species:S:1:pos:R:3:initial_charges:R:1:momenta:R:3:masses:R:1:move_mask:L:1 "
        "energy=-3.5 stress=\"1 2 3 4 5 6 7 8 9\" config_type='a \"quoted\" name' free_word "
        "tags=[1, 2, 3] note=\"with \\\"escapes\\\" and Lattice=0\" pbc=\"T F True\"\n"
        "O   0.5 -1.25e1 3.0   -0.8   1.0 2.0 -3.0   16.0 T\n"
        "H   9 8 7   0.4   0 0 0   2.014 F\n");
    CHECK_OK(mds_xyz_read(path, 0, &s));
    assert_int_equal(s.n, 2);
    assert_true(s.box.periodic[0] && !s.box.periodic[1] && s.box.periodic[2]);
    CHECK_NEAR(s.box.h[1][0], 1.0, 0.0, 0.0);
    CHECK_NEAR(s.box.h[2][1], 0.25, 0.0, 0.0);
    assert_int_equal(s.species.count, 2);
    assert_int_equal(s.species.z[s.type[0]], 8);
    assert_int_equal(s.species.z[s.type[1]], 1);
    CHECK_NEAR(s.x[1], -12.5, 0.0, 0.0);
    CHECK_NEAR(s.x[3], 9.0, 0.0, 0.0);
    CHECK_NEAR(s.mass[0], 16.0, 0.0, 0.0);
    CHECK_NEAR(s.mass[1], 2.014, 0.0, 0.0);
    /* v = p / m in √(eV/u), and 1 √(eV/u) is 0.09822695 Å/fs (1 / ASE's units.fs is 10.180506). */
    assert_non_null(s.v);
    CHECK_NEAR(s.v[2], -3.0 / 16.0 / 10.180506, 1e-6, 0.0);
    mds_structure_fini(&s);
}

static void reads_other_spellings(void **unused)
{
    mds_structure s;

    (void)unused;
    /* CRLF, tabs, single quotes, no final newline, blank lines after, upper case, one pbc word. */
    put("  1  \r\nLattice='4 0 0 0 5 0 0 0 6' pbc=F Properties=species:S:1:pos:R:3:vel:R:3\r\n"
        "\tSI\t1 2 3\t0.1 0.2 0.3");
    CHECK_OK(mds_xyz_read(path, -1, &s));
    assert_int_equal(s.species.z[0], 14);
    assert_false(s.box.periodic[0] || s.box.periodic[1] || s.box.periodic[2]);
    CHECK_NEAR(s.v[1], 0.2, 0.0, 0.0);
    CHECK_NEAR(s.mass[0], mds_element_mass(14), 0.0, 0.0);
    mds_structure_fini(&s);
    put("1\n" CUBE "Properties=Z:I:1:pos:R:3\n26 1 2 3\n\n  \n");
    CHECK_OK(mds_xyz_read(path, 0, &s));
    assert_int_equal(s.species.z[0], 26);
    assert_true(s.box.periodic[0] && s.box.periodic[1] && s.box.periodic[2]);
    assert_null(s.v);
    mds_structure_fini(&s);
    put("1\nLattice={4 0 0 0 5 0 0 0 6} Properties=pos:R:3:species:S:1:velo:R:3\n1 2 3 Fe 7 8 9\n");
    CHECK_OK(mds_xyz_read(path, 0, &s));
    CHECK_NEAR(s.v[2], 9.0, 0.0, 0.0);
    mds_structure_fini(&s);
    put("1\npbc=\"F F F\"\nFe 1 2 3 some more columns\n");
    CHECK_OK(mds_xyz_read(path, 0, &s));
    assert_true(s.box.volume == 0.0);
    CHECK_OK(mds_xyz_write(path, false, &s, NULL, NULL, NULL)); /* and writes it as such */
    mds_structure_fini(&s);
    char *text;
    CHECK_OK(mds_read_file(path, &text, NULL));
    assert_string_equal(text, "1\nProperties=species:S:1:pos:R:3 pbc=\"F F F\"\nFe 1 2 3\n");
    free(text);
}

static void finds_frames(void **unused)
{
    const double marks[] = {1.0, 2.0, 3.0};
    int frames = 0;

    (void)unused;
    put("1\n" CUBE "\nSi 1 0 0\n"
        "2\n" CUBE "\nSi 2 0 0\nSi 0 0 0\n"
        "\n1\n" CUBE "\nSi 3 0 0\n\n");
    CHECK_OK(mds_xyz_count(path, &frames));
    assert_int_equal(frames, 3);
    for (int frame = -1; frame < 3; ++frame) {
        mds_structure s;

        CHECK_OK(mds_xyz_read(path, frame, &s));
        CHECK_NEAR(s.x[0], marks[frame < 0 ? 2 : frame], 0.0, 0.0);
        mds_structure_fini(&s);
    }
    mds_structure s;
    CHECK_FAILS(mds_xyz_read(path, 3, &s), MDS_ERR_CONFIG, "no frame 3; the file has 3");
    CHECK_FAILS(mds_xyz_read(path, -2, &s), MDS_ERR_CONFIG, "no frame -2");
}

typedef struct damage {
    const char *text, *words;
} damage;

static const damage damages[] = {
    {"", "the file is empty"},
    {"\n\n", "the file is empty"},
    {"two\n" CUBE "\n", ":1: 'two' where a number of atoms"},
    {"1.5\n" CUBE "\nSi 0 0 0\n", ":1: '1.5' where a number"},
    {"0\n" CUBE "\n", ":1: a frame of 0 atoms"},
    {"-4\n" CUBE "\n", ":1: a frame of -4 atoms"},
    {"99999999999999999999\n" CUBE "\n", ":1: a frame of"},
    {"1\n", ":1: the file ends before the comment line of frame 0"},
    {"3\n" CUBE "\nSi 0 0 0\nSi 1 1 1\n", ":4: frame 0 (line 1) ends after 2 of its 3 atoms"},
    {"2\n" CUBE "\nSi 0 0 0\n\nSi 1 1 1\n", ":4: frame 0 (line 1) ends after 1 of its 2 atoms"},
    {"1\n" CUBE "\nSi 0 0 0\nSi 1 1 1\n", ":4: 'Si 1 1 1' where a number of atoms"},
    {"1\n" PLAIN "\nSi 0 0 0\n", ":2: no Lattice="},
    {"1\nwater molecule\nO 0 0 0\n", ":2: no Lattice="},
    {"1\npbc=\"T T F\"\nO 0 0 0\n", ":2: no Lattice="},
    {"1\nLattice=\"1 0 0 0 1 0 0 0\"\nSi 0 0 0\n", ":2: Lattice has 8 numbers"},
    {"1\nLattice=\"1 0 0 0 1 0 0 0 1 0\"\nSi 0 0 0\n", ":2: Lattice has 10 numbers"},
    {"1\nLattice=\"1 0 0 0 x 0 0 0 1\"\nSi 0 0 0\n", ":2: Lattice: 'x' is not a finite number"},
    {"1\nLattice=\"1 0 0 0 nan 0 0 0 1\"\nSi 0 0 0\n", ":2: Lattice: 'nan' is not a finite"},
    {"1\nLattice=\"1 0 0 0 1 0 0 0 1\nSi 0 0 0\n", ":2: the value of 'Lattice' begins with \""},
    {"1\nLattice=\"1 0 0 2 0 0 0 0 1\"\nSi 0 0 0\n", ":2: the cell is singular"},
    {"1\nLattice=\"1 0 0 0 1 0 0 0 0\"\nSi 0 0 0\n", ":2: cell vector c is zero"},
    {"1\n" CUBE "pbc=\"T T\"\nSi 0 0 0\n", ":2: pbc has 2 values"},
    {"1\n" CUBE "pbc=\"T T yes\"\nSi 0 0 0\n", ":2: pbc: 'yes' is neither T nor F"},
    {"1\n" CUBE "Properties=species:S:1\nSi\n", ":2: Properties lacks pos:R:3"},
    {"1\n" CUBE "Properties=pos:R:3\n0 0 0\n", ":2: Properties lacks species:S:1"},
    {"1\n" CUBE "Properties=species:S:1:pos:R\nSi 0 0 0\n", ":2: Properties: 'pos' lacks"},
    {"1\n" CUBE "Properties=species:S:1:pos:R:2\nSi 0 0\n",
     ":2: Properties: field 'pos' is pos:R:2"},
    {"1\n" CUBE "Properties=species:S:1:pos:R:x\nSi 0 0\n", ":2: Properties: field 'pos' has 'x'"},
    {"1\n" CUBE "Properties=species:S:1:pos:Q:3\nSi 0 0\n", "types are S, R, I, L"},
    {"1\n" CUBE "Properties=species:S:1:pos:R:3:pos:R:3\nSi 0 0 0 0 0 0\n", "declared twice"},
    {"1\n" CUBE "Properties=species:S:1:pos:R:3:f:R:900\nSi 0 0 0\n",
     ":2: Properties declares 904"},
    {"1\n" CUBE PLAIN "\nSi 0 0\n", ":3: 3 columns, but Properties declares 4"},
    {"1\n" CUBE PLAIN "\nSi 0 0 0 0\n", ":3: 5 columns, but Properties declares 4"},
    {"1\n" CUBE "\nSi 0 0\n", ":3: 3 columns, but element and position need 4"},
    {"2\n" CUBE PLAIN "\nSi 0 0 0\nSi 0 1,5 0\n", ":4: column 3 (pos): '1,5' is not a finite"},
    {"1\n" CUBE PLAIN "\nSi 0 0 nan\n", ":3: column 4 (pos): 'nan' is not a finite"},
    {"1\n" CUBE PLAIN "\nSi inf 0 0\n", ":3: column 2 (pos): 'inf' is not a finite"},
    {"1\n" CUBE PLAIN "\nQq 0 0 0\n", ":3: unknown element 'Qq'"},
    {"1\n" CUBE "Properties=Z:I:1:pos:R:3\n119 0 0 0\n", ":3: unknown element '119'"},
    {"1\n" CUBE "Properties=species:S:1:pos:R:3:masses:R:1\nSi 0 0 0 x\n", ":3: column 5 (masses)"},
    {"1\n" CUBE "Properties=species:S:1:pos:R:3:masses:R:1\nSi 0 0 0 0\n",
     "(masses): '0' is not pos"},
    {"1\n" CUBE "Properties=species:S:1:pos:R:3:momenta:R:3\nSi 0 0 0 1 2 z\n",
     ":3: column 7 (momenta): 'z'"},
    {"1\n" CUBE "Properties=species:S:1:pos:R:3:vel:R:3\nSi 0 0 0 1 - 2\n",
     ":3: column 6 (velocity): '-'"},
};

static void names_every_damage(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; ++i) {
        mds_structure s;
        char place[96];

        put(damages[i].text);
        CHECK_FAILS(mds_xyz_read(path, 0, &s), MDS_ERR_CONFIG, damages[i].words);
        snprintf(place, sizeof place, "%s:", path);
        if (strncmp(mds_error(), place, strlen(place)) != 0)
            fail_msg("'%s' does not begin with the file", mds_error());
        assert_null(s.x); /* nothing is left allocated */
    }
}

static void names_too_many_elements(void **unused)
{
    char text[1024];
    size_t used = (size_t)snprintf(text, sizeof text, "17\n" CUBE "\n");
    mds_structure s;

    (void)unused;
    for (int z = 1; z <= 17; ++z)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "%s 0 0 0\n", mds_element_symbol(z));
    put(text);
    CHECK_FAILS(mds_xyz_read(path, 0, &s), MDS_ERR_CONFIG, ":19: more than 16 different elements");
}

static void names_unreadable_files(void **unused)
{
    mds_structure s;
    FILE *file = fopen(path, "wb");

    (void)unused;
    fwrite("1\n\0\n", 1, 4, file);
    fclose(file);
    CHECK_FAILS(mds_xyz_read(path, 0, &s), MDS_ERR_CONFIG, "not a text file");
    CHECK_FAILS(mds_xyz_read(folder, 0, &s), MDS_ERR_IO, "is a folder");
    unlink(path);
    CHECK_FAILS(mds_xyz_read(path, 0, &s), MDS_ERR_IO, "No such file");
}

static void survives_every_truncation_and_byte(void **unused)
{
    static const char text[] = "2\n" CUBE "Properties=species:S:1:pos:R:3:momenta:R:3:masses:R:1 "
                               "pbc=\"T T T\" a='b'\nSi 0 0 0 1 2 3 4\nO 1 2 3 4 5 6 7\n";
    static const char bytes[] = {'"', '\'', '=', ':', ' ', '\n', '{', '\\', '9', '\xff'};
    char damaged[sizeof text];

    (void)unused;
    /* Any answer is right but a crash; the sanitizer build watches this. */
    for (size_t cut = 0; cut < sizeof text; ++cut)
        for (size_t b = 0; b <= sizeof bytes; ++b) {
            mds_structure s;

            memcpy(damaged, text, sizeof text);
            damaged[cut] = b < sizeof bytes ? bytes[b] : '\0';
            damaged[sizeof text - 1] = '\0';
            put(damaged);
            if (mds_xyz_read(path, 0, &s) == MDS_OK)
                mds_structure_fini(&s);
        }
}

static void writes_what_it_reads(void **unused)
{
    const double h[3][3] = {{4.1, 0, 0}, {1.0 / 3.0, 5, 0}, {0.1, -0.2, 6}};
    const bool periodic[3] = {true, false, true};
    const double energy = -1.0 / 7.0, forces[6] = {1, 2, 3, 4, 5, -6}, stress[9] = {0.1};
    mds_structure s = {0}, back;
    int frames;

    (void)unused;
    CHECK_OK(mds_structure_init(&s, 2, true));
    CHECK_OK(mds_box_set(&s.box, h, periodic));
    for (int i = 0; i < 2; ++i) {
        s.type[i] = mds_species_add(&s.species, i ? 1 : 8);
        s.mass[i] = i ? 2.0141 : mds_element_mass(8);
        for (int k = 0; k < 3; ++k) {
            s.x[3 * i + k] = (i + 1) / 3.0 - 1e-7 * k;
            s.v[3 * i + k] = 0.01 / 3.0 * (k - i);
        }
    }
    CHECK_OK(mds_xyz_write(path, false, &s, &energy, forces, stress));
    CHECK_OK(mds_xyz_write(path, true, &s, NULL, NULL, NULL));
    CHECK_OK(mds_xyz_count(path, &frames));
    assert_int_equal(frames, 2);
    for (int frame = 0; frame < 2; ++frame) {
        CHECK_OK(mds_xyz_read(path, frame, &back));
        assert_memory_equal(back.box.h, s.box.h, sizeof s.box.h);
        assert_memory_equal(back.box.periodic, s.box.periodic, sizeof s.box.periodic);
        assert_memory_equal(back.x, s.x, 6 * sizeof(double));
        assert_memory_equal(back.mass, s.mass, 2 * sizeof(double));
        assert_memory_equal(back.type, s.type, 2 * sizeof(int));
        for (int k = 0; k < 6; ++k) /* to momenta and back: three roundings */
            CHECK_NEAR(back.v[k], s.v[k], 1e-15, 0.0);
        mds_structure_fini(&back);
    }
    CHECK_OK(mds_xyz_write(path, false, &s, NULL, NULL, NULL));
    CHECK_OK(mds_xyz_count(path, &frames));
    assert_int_equal(frames, 1);
    CHECK_FAILS(mds_xyz_write(folder, false, &s, NULL, NULL, NULL), MDS_ERR_IO,
                "cannot be written");
    if (access("/dev/full", W_OK) == 0)
        CHECK_FAILS(mds_xyz_write("/dev/full", false, &s, NULL, NULL, NULL), MDS_ERR_IO,
                    "No space left");
    mds_structure_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_ase_writes),
        cmocka_unit_test(reads_other_spellings),
        cmocka_unit_test(finds_frames),
        cmocka_unit_test(names_every_damage),
        cmocka_unit_test(names_too_many_elements),
        cmocka_unit_test(names_unreadable_files),
        cmocka_unit_test(survives_every_truncation_and_byte),
        cmocka_unit_test(writes_what_it_reads),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
