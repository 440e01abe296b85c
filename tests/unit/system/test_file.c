/* Systems from extended-XYZ files that the test writes. */
#include "harness/test.h"

#include <unistd.h>

#include "system/builder.h"

typedef struct folder {
    char path[64], file[128];
} folder;

static int make_folder(void **state)
{
    folder *f = calloc(1, sizeof *f);

    assert_non_null(f);
    snprintf(f->path, sizeof f->path, "/tmp/mds-test-file-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->file, sizeof f->file, "%s/cell.xyz", f->path);
    *state = f;
    return 0;
}

static int remove_folder(void **state)
{
    folder *f = *state;

    unlink(f->file);
    rmdir(f->path);
    free(f);
    return 0;
}

static void write_file(const folder *f, const char *text)
{
    FILE *file = fopen(f->file, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Rock salt, primitive cell with general orientation (a along y): 2 atoms, a0 = 5.64 Å. */
static const char rock_salt[] =
    "2\n"
    "Lattice=\"0.0 2.82 2.82 2.82 0.0 2.82 2.82 2.82 0.0\" Properties=species:S:1:pos:R:3 "
    "pbc=\"T T T\"\n"
    "Na 0.0 0.0 0.0\n"
    "Cl 2.82 2.82 2.82\n";

static double distance(const mds_structure *s, int i, int j)
{
    double d[3];

    for (int k = 0; k < 3; ++k)
        d[k] = s->x[3 * j + k] - s->x[3 * i + k];
    mds_box_minimum_image(&s->box, d);
    return sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
}

static void repeated_to_size_in_restricted_form(void **state)
{
    const folder *f = *state;
    mds_system_spec spec;
    mds_species species;
    mds_structure s;
    int n, repeat[3];

    write_file(f, rock_salt);
    CHECK_OK(mds_system_resolve(f->file, &spec));
    assert_string_equal(spec.name, f->file);
    assert_string_equal(mds_options_text(&spec.options, "path"), f->file);
    CHECK_OK(mds_system_species(&spec, &species));
    assert_int_equal(species.count, 2);
    assert_int_equal(species.z[0], 11);
    assert_int_equal(species.z[1], 17);
    CHECK_OK(mds_system_plan(&spec, 50, &n, repeat));
    assert_int_equal(n, 50);
    CHECK_OK(mds_system_plan(&spec, 54, &n, repeat));
    assert_int_equal(n, 54);
    assert_true(repeat[0] == 3 && repeat[1] == 3 && repeat[2] == 3);

    CHECK_OK(mds_system_build(&spec, 54, 1, &s));
    assert_int_equal(s.n, 54);
    /* Restricted: a along x, b in the xy plane. */
    CHECK_NEAR(s.box.h[0][1], 0.0, 0.0, 1e-12);
    CHECK_NEAR(s.box.h[0][2], 0.0, 0.0, 1e-12);
    CHECK_NEAR(s.box.h[1][2], 0.0, 0.0, 1e-12);
    CHECK_NEAR(s.box.volume, 27 * 5.64 * 5.64 * 5.64 / 4, 1e-12, 0.0);
    for (int i = 0; i < s.n; ++i) {
        int near = 0;

        for (int j = 0; j < s.n; ++j)
            if (j != i && distance(&s, i, j) < 2.82 * (1.0 + 1e-9)) {
                ++near;
                assert_true(s.type[i] != s.type[j]);
                CHECK_NEAR(distance(&s, i, j), 2.82, 1e-12, 0.0);
            }
        assert_int_equal(near, 6);
    }
    mds_structure_fini(&s);
}

static void frames_can_be_chosen(void **state)
{
    const folder *f = *state;
    mds_system_spec spec;
    mds_species species;

    write_file(f, "1\nLattice=\"4 0 0 0 4 0 0 0 4\" Properties=species:S:1:pos:R:3\nHe 0 0 0\n"
                  "1\nLattice=\"4 0 0 0 4 0 0 0 4\" Properties=species:S:1:pos:R:3\nNe 0 0 0\n");
    CHECK_OK(mds_system_resolve(f->file, &spec));
    CHECK_OK(mds_system_species(&spec, &species));
    assert_int_equal(species.z[0], 2);
    CHECK_OK(mds_options_set_number(&spec.options, "frame", -1));
    CHECK_OK(mds_system_species(&spec, &species));
    assert_int_equal(species.z[0], 10);
}

static void a_molecule_is_not_repeated(void **state)
{
    const folder *f = *state;
    mds_system_spec spec;
    int n, repeat[3];

    write_file(f, "2\nProperties=species:S:1:pos:R:3 pbc=\"F F F\"\nO 0 0 0\nH 0 0 1\n");
    CHECK_OK(mds_system_resolve(f->file, &spec));
    CHECK_OK(mds_system_plan(&spec, 3, &n, repeat));
    assert_int_equal(n, 2);
    CHECK_FAILS(mds_system_plan(&spec, 64, &n, repeat), MDS_ERR_UNSUPPORTED,
                "the nearest possible is 2");
}

static void bad_files(void **state)
{
    const folder *f = *state;
    mds_system_spec spec;
    mds_species species;
    char path[300];
    int n, repeat[3];

    CHECK_FAILS(mds_system_resolve("/nowhere/at/all.xyz", &spec), MDS_ERR_IO,
                "/nowhere/at/all.xyz");
    CHECK_FAILS(mds_system_resolve("missing.extxyz", &spec), MDS_ERR_IO, "missing.extxyz");
    CHECK_FAILS(mds_system_resolve(f->path, &spec), MDS_ERR_IO, "folder");
    memset(path, 'x', sizeof path);
    memcpy(path + sizeof path - 5, ".xyz", 5);
    CHECK_FAILS(mds_system_resolve(path, &spec), MDS_ERR_CONFIG, "longer than");
    CHECK_OK(mds_system_resolve("file", &spec));
    CHECK_FAILS(mds_system_plan(&spec, 64, &n, repeat), MDS_ERR_CONFIG, "'path'");

    write_file(f, rock_salt);
    CHECK_OK(mds_system_resolve(f->file, &spec));
    write_file(f, "2\nLattice=\"4 0 0 0 4 0 0 0 4\" Properties=species:S:1:pos:R:3\nHe 0 0 0\n");
    CHECK_FAILS(mds_system_plan(&spec, 64, &n, repeat), MDS_ERR_CONFIG, f->file);
    unlink(f->file);
    CHECK_FAILS(mds_system_species(&spec, &species), MDS_ERR_IO, f->file);
}

/* The name keeps the end of a path that is too long; the option keeps all of it. */
static void long_paths(void **state)
{
    folder *f = *state;
    mds_system_spec spec;

    snprintf(f->file, sizeof f->file, "%s/a-rather-long-name-of-a-structure.xyz", f->path);
    write_file(f, rock_salt);
    assert_true(strlen(f->file) >= MDS_SYSTEM_NAME_SIZE);
    CHECK_OK(mds_system_resolve(f->file, &spec));
    assert_string_equal(mds_options_text(&spec.options, "path"), f->file);
    assert_int_equal(strlen(spec.name), MDS_SYSTEM_NAME_SIZE - 1);
    assert_memory_equal(spec.name, "...", 3);
    assert_string_equal(spec.name + 3, f->file + strlen(f->file) - (MDS_SYSTEM_NAME_SIZE - 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(repeated_to_size_in_restricted_form, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(frames_can_be_chosen, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_molecule_is_not_repeated, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(bad_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(long_paths, make_folder, remove_folder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
