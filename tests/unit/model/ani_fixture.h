/* A small ANI model written to a folder of its own, as NeuroChem writes them: two members, three
 * elements, a short descriptor. The weights are made from a counter, so that a test can compute
 * with them without reading the files. */
#ifndef MDS_TESTS_ANI_FIXTURE_H
#define MDS_TESTS_ANI_FIXTURE_H

#include "base/rng.h"
#include "harness/test.h"
#include "model/ani/ani_weights.h"

#include <bzlib.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIXTURE_ELEMENTS = 3, FIXTURE_MEMBERS = 2, FIXTURE_LAYERS = 3, FIXTURE_RADIAL = 5 };
enum { FIXTURE_ANGULAR = 3, FIXTURE_SECTIONS = 2, FIXTURE_FOLDER = 256 };
enum {
    FIXTURE_INPUTS = FIXTURE_ELEMENTS * FIXTURE_RADIAL + FIXTURE_ELEMENTS * (FIXTURE_ELEMENTS + 1) /
                                                             2 * FIXTURE_ANGULAR * FIXTURE_SECTIONS
};

static const char *const fixture_symbol[FIXTURE_ELEMENTS] = {"H", "C", "O"};
static const double fixture_self[FIXTURE_ELEMENTS] = {-0.5, -37.25, -75.125};
/* Widths differ by element, and are not multiples of any vector. */
static const int fixture_width[FIXTURE_ELEMENTS][FIXTURE_LAYERS + 1] = {
    {FIXTURE_INPUTS, 13, 9, 1}, {FIXTURE_INPUTS, 8, 7, 1}, {FIXTURE_INPUTS, 11, 16, 1}};

static const char fixture_params[] = "DESC = ANI_NORMAL\n"
                                     "Rcr = 4.3000e+00\n"
                                     "Rca = 3.1000e+00\n"
                                     "EtaR = [9.0000000e+00]\n"
                                     "ShfR = [8.0e-01,1.4e+00,2.0e+00,2.6e+00,3.3e+00]\n"
                                     "Zeta = [8.0000000e+00]\n"
                                     "ShfZ = [7.8539816e-01,2.3561945e+00]\n"
                                     "EtaA = [6.0000000e+00]\n"
                                     "ShfA = [8.0e-01,1.5e+00,2.2e+00]\n"
                                     "Atyp = [H,C,O]\n";
static const char fixture_energies[] = "H,0=-0.5\nC,1=-37.25\nO,2=-75.125\n";

static inline float fixture_number(int member, int element, int layer, int which, int i)
{
    const int id = ((member * FIXTURE_ELEMENTS + element) * FIXTURE_LAYERS + layer) * 2 + which;
    const double x = mds_rng_normal(11, MDS_RNG_TEST, (uint64_t)id, (uint64_t)i, 0);

    return (float)((which ? 0.1 : layer ? 0.4 : 0.6) * x);
}

static inline void fixture_path(const char *folder, int member, const char *name, char *path)
{
    snprintf(path, 512, "%s/train%d/networks/%s", folder, member, name);
}

static inline void fixture_write(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    fclose(file);
}

static inline void fixture_write_text(const char *folder, const char *name, const char *text)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    fixture_write(path, text, strlen(text));
}

/* The text of one network's description. */
static inline void fixture_nnf(int element, char *text, size_t size)
{
    const int *width = fixture_width[element];
    size_t used = (size_t)snprintf(text, size, "inputsize=%d;\natom_net %s $\n", width[0],
                                   fixture_symbol[element]);

    for (int l = 0; l < FIXTURE_LAYERS; ++l)
        used += (size_t)snprintf(
            text + used, size - used,
            "layer [\nnodes=%d;\nactivation=%d;\ntype=0;\nblocksize=%d;\nl2norm=1;\n"
            "l2valu=-nan;\nweights=FILE:ANN-%s.nnf-l%d.wparam[%d];\n"
            "biases=FILE:ANN-%s.nnf-l%d.bparam[%d];\n]\n",
            width[l + 1], l + 1 < FIXTURE_LAYERS ? 9 : 6, width[l], fixture_symbol[element], l + 1,
            width[l] * width[l + 1], fixture_symbol[element], l + 1, width[l + 1]);
    snprintf(text + used, size - used, "\n $\n");
}

/* "LENGTH=\n" and a bzip2 stream that ends in a NUL. Returns the bytes in all. */
static inline size_t fixture_pack(const char *text, char *out, unsigned size)
{
    const int head = sprintf(out, "%zu=\n", strlen(text) + 1);

    size -= (unsigned)head;
    assert_int_equal(BZ2_bzBuffToBuffCompress(out + head, &size, (char *)(uintptr_t)text,
                                              (unsigned)strlen(text) + 1, 9, 0, 0),
                     BZ_OK);
    return (size_t)head + size;
}

static inline void fixture_write_net(const char *folder, int member, int element)
{
    char text[4096], packed[4096], name[64], path[512];

    fixture_nnf(element, text, sizeof text);
    snprintf(name, sizeof name, "ANN-%s.nnf", fixture_symbol[element]);
    fixture_path(folder, member, name, path);
    /* Both forms are used. */
    if ((member + element) % 2)
        fixture_write(path, text, strlen(text));
    else
        fixture_write(path, packed, fixture_pack(text, packed, sizeof packed));
    for (int l = 0; l < FIXTURE_LAYERS; ++l)
        for (int which = 0; which < 2; ++which) {
            const int *width = fixture_width[element];
            const int count = which ? width[l + 1] : width[l] * width[l + 1];
            float *numbers = calloc((size_t)count, sizeof *numbers);

            for (int i = 0; i < count; ++i)
                numbers[i] = fixture_number(member, element, l, which, i);
            snprintf(name, sizeof name, "ANN-%s.nnf-l%d.%cparam", fixture_symbol[element], l + 1,
                     which ? 'b' : 'w');
            fixture_path(folder, member, name, path);
            fixture_write(path, numbers, (size_t)count * sizeof *numbers);
            free(numbers);
        }
}

/* A new folder with the whole model. */
static inline void fixture_make(char folder[FIXTURE_FOLDER])
{
    const char *base = getenv("TMPDIR");

    snprintf(folder, FIXTURE_FOLDER, "%.200s/mdsweep-ani-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(folder));
    fixture_write_text(folder, "small.params", fixture_params);
    fixture_write_text(folder, "sae_linfit.dat", fixture_energies);
    for (int m = 0; m < FIXTURE_MEMBERS; ++m) {
        char path[512];

        snprintf(path, sizeof path, "%s/train%d", folder, m);
        assert_int_equal(mkdir(path, 0755), 0);
        fixture_path(folder, m, "", path);
        assert_int_equal(mkdir(path, 0755), 0);
        for (int e = 0; e < FIXTURE_ELEMENTS; ++e)
            fixture_write_net(folder, m, e);
    }
}

static inline int fixture_remove_one(const char *path, const struct stat *info, int flag,
                                     struct FTW *place)
{
    (void)info;
    (void)flag;
    (void)place;
    return remove(path);
}

static inline void fixture_remove(const char *folder)
{
    nftw(folder, fixture_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
