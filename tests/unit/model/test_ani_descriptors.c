/* Descriptors of ANI-2x element by element against dumps of another implementation: an ethanol
 * molecule, water with many images, and a cell so small that atoms meet their own images. */
#include "harness/test.h"

#include "model/ani/ani.h"

#include <ctype.h>

/* The numbers of the first `count` of a (nested) JSON list behind "key":; returns how many. */
static int json_numbers(const char *text, const char *key, double *out, int count)
{
    char quoted[64];
    int found = 0;

    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    const char *at = strstr(text, quoted);
    if (!at)
        return 0;
    at += strlen(quoted);
    for (int depth = 0; found < count; ++at) {
        depth += (*at == '[') - (*at == ']');
        if (depth <= 0)
            break;
        if (isdigit((unsigned char)*at) || *at == '-') {
            char *after;

            out[found++] = strtod(at, &after);
            at = after - 1;
        }
    }
    return found;
}

static char *read_text(const char *format, const char *name)
{
    char path[512], part[256], *text;

    snprintf(part, sizeof part, format, name);
    snprintf(path, sizeof path, "%s/reference/ani2x/open/%s.json", mds_test_data(), part);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s cannot be opened", path);
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    text = calloc((size_t)size + 1, 1);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    return text;
}

static void read_structure(const char *text, mds_structure *out)
{
    double n, z[64], h[9] = {0.0};

    assert_int_equal(json_numbers(text, "atomic_numbers", z, 64) > 0, 1);
    n = 0;
    while (n < 64 && json_numbers(text, "atomic_numbers", z, (int)n + 1) == (int)n + 1)
        ++n;
    CHECK_OK(mds_structure_init(out, (int)n, false));
    assert_int_equal(json_numbers(text, "positions", out->x, 3 * out->n), 3 * out->n);
    const bool periodic = json_numbers(text, "cell", h, 9) == 9,
               p[3] = {periodic, periodic, periodic};
    const double cell[3][3] = {{h[0], h[1], h[2]}, {h[3], h[4], h[5]}, {h[6], h[7], h[8]}};
    CHECK_OK(mds_box_set(&out->box, cell, p));
    for (int i = 0; i < out->n; ++i) {
        out->type[i] = mds_species_add(&out->species, (int)z[i]);
        out->mass[i] = 1.0;
    }
}

static void check(const char *name, const char *kernel, mds_precision precision, double tolerance)
{
    char *dump = read_text("aev_%s", name), *text = read_text("%s", name), weights[512];
    mds_structure structure = {0};
    mds_device *device;
    mds_model_spec spec;
    mds_model *model;
    mds_state state = {0};

    read_structure(text, &structure);
    snprintf(weights, sizeof weights, "%s/data/ani-2x_8x", mds_test_data());
    CHECK_OK(mds_model_spec_init(&spec, "ani", "ani", precision));
    CHECK_OK(mds_options_set_text(&spec.options, "weights", weights));
    CHECK_OK(mds_options_set_text(&spec.options, "kernel", kernel));
    CHECK_OK(mds_options_set_number(&spec.options, "member", 0));
    CHECK_OK(mds_device_open("cpu", &device));
    CHECK_OK(mds_state_init(&state, device, &structure));
    const mds_status status = mds_model_create(&spec, device, &model);
    if (status == MDS_OK) {
        const int size = ani_descriptor_size(model);
        double *want = calloc((size_t)(structure.n * size), sizeof *want);
        double *got = calloc((size_t)size, sizeof *got);

        assert_int_equal(json_numbers(dump, "aev", want, structure.n * size), structure.n * size);
        CHECK_OK(mds_model_prepare(model, &state));
        CHECK_OK(mds_model_compute(model, &state, 0));
        for (int i = 0; i < structure.n; ++i) {
            ani_descriptor_of(model, i, got);
            for (int k = 0; k < size; ++k)
                if (!(fabs(got[k] - want[i * size + k]) <= tolerance * (1.0 + want[i * size + k])))
                    fail_msg("%s, %s: atom %d, number %d: %.17g, not %.17g", name, kernel, i, k,
                             got[k], want[i * size + k]);
        }
        free(want);
        free(got);
        mds_model_destroy(model);
    } else {
        printf("%s: %s\n", kernel, mds_error());
    }
    mds_state_fini(&state);
    mds_device_close(device);
    mds_structure_fini(&structure);
    free(dump);
    free(text);
}

static void test_descriptors(void **state)
{
    static const char *const names[] = {"mol_CH3CH2OH", "water_24_rand", "water_9_selfimage"};
    static const char *const kernels[] = {"portable", "avx2", "avx512"};

    (void)state;
    for (int n = 0; n < 3; ++n)
        for (int k = 0; k < 3; ++k) {
            /* Sums of up to 100 terms of order one; powers of 14 multiply relative errors. */
            check(names[n], kernels[k], MDS_PRECISION_FP64, 1e-13);
            check(names[n], kernels[k], MDS_PRECISION_FP32, 3e-6);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_descriptors)};

    SKIP_WITHOUT_DATA();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
