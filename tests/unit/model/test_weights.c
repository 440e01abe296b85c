/* The reader of weights files: what it gives, and what it says about files that are not right. */
#include "harness/test.h"
#include "model/weights.h"
#include "model/weights_crc.h"
#include "weights_fixture.h"

#include <sys/wait.h>

static const char format[] = "mdsweep-test-weights";
static const float matrix[6] = {1.5f, -2.0f, 3.25f, 0.1f, 1e-30f, -7.0f};
static const double shifts[3] = {0.8, 1.0 / 3.0, -2e10};
static const float scalar = 42.0f;

static char path[256];

static void write_good(void)
{
    const hid_t file = weights_fixture_begin(path, format, "1.2.0");

    weights_fixture_add(file, "net.weight", 4, 2, (int64_t[]){2, 3}, matrix);
    weights_fixture_add(file, "member/0/shifts", 8, 1, (int64_t[]){3}, shifts);
    weights_fixture_add(file, "r_max", 4, 0, NULL, &scalar);
    weights_fixture_text(file, "elements", "H C O");
    weights_fixture_number(file, "layers", 3.0);
    weights_fixture_long_text(file, "long", "as h5py writes a Python str");
    weights_fixture_number(file, "half", 0.5);
    weights_fixture_end(file, 3);
}

static mds_weights *open_good(void)
{
    mds_weights *w = NULL;

    write_good();
    CHECK_OK(mds_weights_open(path, format, 1, &w));
    return w;
}

/* The value that zlib, PNG and Ethernet give for the customary nine digits. */
static void test_crc(void **state)
{
    unsigned char bytes[100];
    mds_crc crc;

    (void)state;
    mds_crc_init(&crc);
    assert_int_equal(mds_crc_add(&crc, 0, "123456789", 9), 0xCBF43926u);
    for (int i = 0; i < 100; ++i)
        bytes[i] = (unsigned char)(i * i + 3);
    for (size_t split = 0; split <= 100; ++split) {
        const uint32_t sum = mds_crc_add(&crc, 0, bytes, split);

        assert_int_equal(mds_crc_add(&crc, sum, bytes + split, 100 - split),
                         weights_fixture_crc(0, bytes, 100));
    }
}

static void test_attributes(void **state)
{
    mds_weights *w = open_good();
    char text[32];
    double number;
    int whole;

    (void)state;
    assert_string_equal(mds_weights_path(w), path);
    CHECK_OK(mds_weights_attribute_text(w, "elements", text, sizeof text));
    assert_string_equal(text, "H C O");
    CHECK_OK(mds_weights_attribute_text(w, "format_version", text, sizeof text));
    assert_string_equal(text, "1.2.0");
    CHECK_OK(mds_weights_attribute_number(w, "half", &number));
    assert_true(number == 0.5);
    CHECK_OK(mds_weights_attribute_int(w, "layers", 1, 8, &whole));
    assert_int_equal(whole, 3);
    assert_true(mds_weights_has_attribute(w, "half"));
    assert_false(mds_weights_has_attribute(w, "third"));
    CHECK_FAILS(mds_weights_attribute_text(w, "third", text, sizeof text), MDS_ERR_CONFIG,
                "no root attribute 'third'");
    CHECK_FAILS(mds_weights_attribute_number(w, "elements", &number), MDS_ERR_CONFIG,
                "bad root attribute 'elements', which must be a number");
    CHECK_FAILS(mds_weights_attribute_text(w, "half", text, sizeof text), MDS_ERR_CONFIG,
                "bad root attribute 'half', which must be text of fixed length");
    CHECK_FAILS(mds_weights_attribute_text(w, "long", text, sizeof text), MDS_ERR_CONFIG,
                "bad root attribute 'long', which must be text of fixed length");
    CHECK_FAILS(mds_weights_attribute_int(w, "half", 0, 9, &whole), MDS_ERR_CONFIG,
                "root attribute 'half' is 0.5; 0 to 9 is right");
    CHECK_FAILS(mds_weights_attribute_int(w, "layers", 4, 9, &whole), MDS_ERR_CONFIG,
                "root attribute 'layers' is 3; 4 to 9 is right");
    mds_weights_close(w);
}

static void test_tensors(void **state)
{
    mds_weights *w = open_good();
    mds_weights_shape_info shape;
    float f[6];
    double d[6];

    (void)state;
    assert_int_equal(mds_weights_count(w), 3);
    assert_string_equal(mds_weights_name(w, 0), "member/0/shifts");
    assert_string_equal(mds_weights_name(w, 1), "net.weight");
    assert_true(mds_weights_has(w, "r_max"));
    assert_false(mds_weights_has(w, "r_min"));
    CHECK_OK(mds_weights_shape(w, "net.weight", &shape));
    assert_int_equal(shape.rank, 2);
    assert_int_equal(shape.dim[0], 2);
    assert_int_equal(shape.dim[1], 3);
    assert_int_equal(shape.count, 6);
    assert_int_equal(shape.stored, MDS_WEIGHTS_F32);
    CHECK_OK(mds_weights_read(w, "net.weight", MDS_WEIGHTS_F32, 2, (int64_t[]){2, 3}, f));
    assert_memory_equal(f, matrix, sizeof matrix);
    CHECK_OK(mds_weights_read(w, "net.weight", MDS_WEIGHTS_F64, 2, (int64_t[]){2, 3}, d));
    for (int i = 0; i < 6; ++i)
        assert_true(d[i] == (double)matrix[i]);
    CHECK_OK(mds_weights_read(w, "member/0/shifts", MDS_WEIGHTS_F64, 1, (int64_t[]){3}, d));
    assert_memory_equal(d, shifts, sizeof shifts);
    CHECK_OK(mds_weights_read(w, "member/0/shifts", MDS_WEIGHTS_F32, 1, (int64_t[]){3}, f));
    for (int i = 0; i < 3; ++i)
        assert_true(f[i] == (float)shifts[i]);
    CHECK_OK(mds_weights_read(w, "r_max", MDS_WEIGHTS_F32, 0, NULL, f));
    assert_true(f[0] == scalar);
    mds_weights_close(w);
}

static void test_wrong_shapes(void **state)
{
    mds_weights *w = open_good();
    float f[6];

    (void)state;
    /* Dimensions of length 1 do not count. */
    CHECK_OK(mds_weights_read(w, "r_max", MDS_WEIGHTS_F32, 1, (int64_t[]){1}, f));
    CHECK_OK(mds_weights_read(w, "net.weight", MDS_WEIGHTS_F32, 3, (int64_t[]){1, 2, 3}, f));
    CHECK_FAILS(mds_weights_read(w, "net.weight", MDS_WEIGHTS_F32, 2, (int64_t[]){3, 2}, f),
                MDS_ERR_CONFIG, "tensor 'net.weight' has the shape [2,3]; [3,2] is right");
    CHECK_FAILS(mds_weights_read(w, "net.weight", MDS_WEIGHTS_F32, 1, (int64_t[]){6}, f),
                MDS_ERR_CONFIG, "[2,3]; [6] is right");
    CHECK_FAILS(mds_weights_read(w, "net.weight", MDS_WEIGHTS_F32, 0, NULL, f), MDS_ERR_CONFIG,
                "[2,3]; [] is right");
    CHECK_FAILS(mds_weights_read(w, "net.weights", MDS_WEIGHTS_F32, 2, (int64_t[]){2, 3}, f),
                MDS_ERR_CONFIG, "no tensor 'net.weights'; there is 'net.weight'");
    CHECK_FAILS(mds_weights_shape(w, "zzz", &(mds_weights_shape_info){0}), MDS_ERR_CONFIG,
                "no tensor 'zzz'");
    mds_weights_close(w);
}

static void test_surplus(void **state)
{
    mds_weights *w = open_good();
    float f[6];

    (void)state;
    assert_int_equal(mds_weights_unread(w), 3);
    CHECK_OK(mds_weights_read(w, "net.weight", MDS_WEIGHTS_F32, 2, (int64_t[]){2, 3}, f));
    CHECK_FAILS(mds_weights_refuse_unread(w), MDS_ERR_CONFIG,
                "2 tensors that this model does not have: member/0/shifts, r_max");
    mds_weights_skip(w, "r_max");
    mds_weights_skip(w, "not there");
    CHECK_FAILS(mds_weights_refuse_unread(w), MDS_ERR_CONFIG,
                "1 tensor that this model does not have: member/0/shifts");
    mds_weights_skip(w, "member/0/shifts");
    CHECK_OK(mds_weights_refuse_unread(w));
    mds_weights_close(w);
}

/* ---- files that are not right ---- */

static void check_refused(mds_status want, const char *words)
{
    mds_weights *w = (mds_weights *)&path;

    CHECK_FAILS(mds_weights_open(path, format, 1, &w), want, words);
    assert_null(w);
}

static void test_other_files(void **state)
{
    mds_weights *w;

    (void)state;
    CHECK_FAILS(mds_weights_open("/nowhere/w.h5", format, 1, &w), MDS_ERR_UNSUPPORTED,
                "no weights file '/nowhere/w.h5'");
    CHECK_FAILS(mds_weights_open("/tmp", format, 1, &w), MDS_ERR_CONFIG, "not a file");
    FILE *text = fopen(path, "w");
    assert_non_null(text);
    fputs("these are not weights\n", text);
    fclose(text);
    check_refused(MDS_ERR_CONFIG, "not an HDF5 file");
    weights_fixture_end(weights_fixture_begin(path, "something-else", "1.0.0"), 0);
    check_refused(MDS_ERR_CONFIG, "its format is 'something-else', not 'mdsweep-test-weights'");
    weights_fixture_end(weights_fixture_begin(path, format, "2.0.0"), 0);
    check_refused(MDS_ERR_CONFIG, "version 2.0.0 of mdsweep-test-weights");
    weights_fixture_end(weights_fixture_begin(path, format, "1.0 beta"), 0);
    check_refused(MDS_ERR_CONFIG, "'1.0 beta' is not of the form 1.0.0");
    const hid_t bare = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(bare);
    check_refused(MDS_ERR_CONFIG, "an HDF5 file of the old form");
}

static void test_count(void **state)
{
    (void)state;
    hid_t file = weights_fixture_begin(path, format, "1.0.0");
    weights_fixture_add(file, "a", 4, 0, NULL, &scalar);
    weights_fixture_end(file, 2);
    check_refused(MDS_ERR_CONFIG, "1 tensors, but its attribute 'tensors' says 2");
    file = weights_fixture_begin(path, format, "1.0.0");
    H5Fclose(file);
    check_refused(MDS_ERR_CONFIG, "no root attribute 'tensors'");
}

static void test_bad_tensors(void **state)
{
    const int number = 3;
    mds_weights_shape_info shape;
    mds_weights *w;
    float out;

    (void)state;
    hid_t file = weights_fixture_begin(path, format, "1.0.0");
    const hid_t space = H5Screate(H5S_SCALAR);
    hid_t set =
        H5Dcreate2(file, "whole", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(set, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, &number);
    H5Dclose(set);
    weights_fixture_end(file, 1);
    CHECK_OK(mds_weights_open(path, format, 1, &w));
    CHECK_FAILS(mds_weights_shape(w, "whole", &shape), MDS_ERR_CONFIG,
                "tensor 'whole' is not float32 or float64");
    mds_weights_close(w);
    file = weights_fixture_begin(path, format, "1.0.0");
    set = H5Dcreate2(file, "bare", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(set);
    weights_fixture_end(file, 1);
    CHECK_OK(mds_weights_open(path, format, 1, &w));
    CHECK_FAILS(mds_weights_read(w, "bare", MDS_WEIGHTS_F32, 0, NULL, &out), MDS_ERR_CONFIG,
                "tensor 'bare' has no good attribute 'crc32'");
    mds_weights_close(w);
    H5Sclose(space);
}

static void check_not_finite(size_t bytes, const void *numbers, mds_weights_real real)
{
    mds_weights *w = NULL;
    double out[3];

    const hid_t file = weights_fixture_begin(path, format, "1.0.0");
    weights_fixture_add(file, "x", bytes, 1, (int64_t[]){3}, numbers);
    weights_fixture_end(file, 1);
    CHECK_OK(mds_weights_open(path, format, 1, &w));
    CHECK_FAILS(mds_weights_read(w, "x", real, 1, (int64_t[]){3}, out), MDS_ERR_CONFIG,
                "tensor 'x': element 1 is not a finite number");
    assert_int_equal(mds_weights_unread(w), 1);
    mds_weights_close(w);
}

static void test_not_finite(void **state)
{
    (void)state;
    check_not_finite(4, (float[]){1.0f, NAN, 2.0f}, MDS_WEIGHTS_F32);
    check_not_finite(4, (float[]){1.0f, -INFINITY, 2.0f}, MDS_WEIGHTS_F64);
    check_not_finite(8, (double[]){1.0, NAN, 2.0}, MDS_WEIGHTS_F32);
    check_not_finite(8, (double[]){1.0, 1e300, 2.0}, MDS_WEIGHTS_F32); /* too large for it */
}

/* Reads everything; MDS_OK only when every tensor was good. */
static mds_status read_all(void)
{
    mds_weights *w = NULL;
    double out[6];
    mds_status status;

    MDS_TRY(mds_weights_open(path, format, 1, &w));
    MDS_TRY(mds_weights_read(w, "net.weight", MDS_WEIGHTS_F64, 2, (int64_t[]){2, 3}, out));
    MDS_TRY(mds_weights_read(w, "member/0/shifts", MDS_WEIGHTS_F64, 1, (int64_t[]){3}, out));
    MDS_TRY(mds_weights_read(w, "r_max", MDS_WEIGHTS_F64, 0, NULL, out));
    MDS_TRY(mds_weights_refuse_unread(w));
out:
    mds_weights_close(w);
    return status;
}

/* A changed byte among the numbers is found wherever it is, and the tensor is named. */
static void test_damaged(void **state)
{
    const struct {
        const char *name;
        const void *bytes;
        size_t count;
    } tensors[] = {{"net.weight", matrix, sizeof matrix},
                   {"member/0/shifts", shifts, sizeof shifts}};
    char content[65536], words[128];

    (void)state;
    for (int t = 0; t < 2; ++t)
        for (size_t byte = 0; byte < tensors[t].count; ++byte) {
            write_good();
            FILE *file = fopen(path, "r+b");
            assert_non_null(file);
            const size_t size = fread(content, 1, sizeof content, file);
            const char *at = memmem(content, size, tensors[t].bytes, tensors[t].count);
            assert_non_null(at);
            const long place = at - content + (long)byte;
            fseek(file, place, SEEK_SET);
            fputc(content[place] ^ 0x10, file);
            fclose(file);
            snprintf(words, sizeof words, "tensor '%s' is damaged", tensors[t].name);
            CHECK_FAILS(read_all(), MDS_ERR_CONFIG, words);
        }
}

/* In a process of its own, since the library may lose memory over a garbled file. False when the
 * file was refused, with a message that names it. */
static bool readable_in_child(void)
{
    int code;
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        _exit(read_all() == MDS_OK ? 0 : strstr(mds_error(), path) ? 1 : 2);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    if (!WIFEXITED(code) || WEXITSTATUS(code) > 1)
        fail_msg("the reader ended with %#x", (unsigned)code);
    return WEXITSTATUS(code) == 0;
}

/* Cut off anywhere, and after a change of one byte anywhere, the reader returns and says why. */
static void test_cut_and_garbled(void **state)
{
    static char content[65536];

    (void)state;
    write_good();
    CHECK_OK(read_all());
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(content, 1, sizeof content, file);
    fclose(file);
    assert_in_range(size, 1000, sizeof content - 1);
    for (size_t length = 0; length < size; length += 97) {
        assert_int_equal(truncate(path, (off_t)(size - 1 - length)), 0);
        assert_false(readable_in_child());
    }
    for (size_t at = 0; at < size; at += 11) {
        file = fopen(path, "wb");
        assert_non_null(file);
        content[at] ^= 0x41;
        assert_int_equal(fwrite(content, 1, size, file), size);
        content[at] ^= 0x41;
        fclose(file);
        (void)readable_in_child();
    }
}

/* Nothing reaches the terminal, and the caller's own way of printing is as before. */
static herr_t count_errors(hid_t stack, void *context)
{
    (void)stack;
    ++*(int *)context;
    return 0;
}

static void test_quiet(void **state)
{
    int printed = 0;
    void *context;
    H5E_auto2_t print;

    (void)state;
    H5Eset_auto2(H5E_DEFAULT, count_errors, &printed);
    write_good();
    assert_int_equal(truncate(path, 900), 0);
    assert_int_not_equal(read_all(), MDS_OK);
    assert_int_equal(printed, 0);
    H5Eget_auto2(H5E_DEFAULT, &print, &context);
    assert_true(print == count_errors && context == &printed);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_wrong_shapes),
        cmocka_unit_test(test_surplus),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_bad_tensors),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_cut_and_garbled),
        cmocka_unit_test(test_quiet),
    };

    weights_fixture_path(path, sizeof path, "weights");
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
