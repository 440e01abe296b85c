/* Writes weights files (docs/weights.md) for tests, apart from the code that reads them: the
 * checksum is computed bit by bit here. */
#ifndef MDS_TESTS_WEIGHTS_FIXTURE_H
#define MDS_TESTS_WEIGHTS_FIXTURE_H

#include "harness/test.h"

#include <hdf5.h>
#include <unistd.h>

static inline uint32_t weights_fixture_crc(uint32_t sum, const void *bytes, size_t count)
{
    sum = ~sum;
    for (size_t i = 0; i < count; ++i) {
        sum ^= ((const unsigned char *)bytes)[i];
        for (int bit = 0; bit < 8; ++bit)
            sum = sum >> 1 ^ (0xEDB88320u & (0u - (sum & 1)));
    }
    return ~sum;
}

static inline void weights_fixture_text(hid_t object, const char *name, const char *text)
{
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);

    H5Tset_size(type, strlen(text) ? strlen(text) : 1);
    const hid_t id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(id >= 0 && H5Awrite(id, type, text) >= 0);
    H5Aclose(id);
    H5Sclose(space);
    H5Tclose(type);
}

/* As h5py writes text: of variable length. */
static inline void weights_fixture_long_text(hid_t object, const char *name, const char *text)
{
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);

    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    const hid_t id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(id >= 0 && H5Awrite(id, type, &text) >= 0);
    H5Aclose(id);
    H5Sclose(space);
    H5Tclose(type);
}

static inline void weights_fixture_number(hid_t object, const char *name, double value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t id = H5Acreate2(object, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);

    assert_true(id >= 0 && H5Awrite(id, H5T_NATIVE_DOUBLE, &value) >= 0);
    H5Aclose(id);
    H5Sclose(space);
}

static inline hid_t weights_fixture_begin(const char *path, const char *format, const char *version)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);

    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V110);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    assert_true(file >= 0);
    weights_fixture_text(file, "format", format);
    weights_fixture_text(file, "format_version", version);
    return file;
}

/* A tensor of float (bytes 4) or double (8) numbers, with the right checksum. */
static inline void weights_fixture_add(hid_t file, const char *name, size_t bytes, int rank,
                                       const int64_t *dims, const void *numbers)
{
    const hid_t links = H5Pcreate(H5P_LINK_CREATE);
    const hid_t memory = bytes == 4 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
    uint32_t sum = weights_fixture_crc(0, name, strlen(name) + 1);
    hsize_t size[8];
    size_t count = 1;

    for (int i = 0; i < rank; ++i) {
        size[i] = (hsize_t)dims[i];
        count *= (size_t)dims[i];
        sum = weights_fixture_crc(sum, &dims[i], sizeof dims[i]);
    }
    sum = weights_fixture_crc(sum, numbers, count * bytes);
    H5Pset_create_intermediate_group(links, 1);
    const hid_t space = rank ? H5Screate_simple(rank, size, NULL) : H5Screate(H5S_SCALAR);
    const hid_t set = H5Dcreate2(file, name, bytes == 4 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE, space,
                                 links, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(set >= 0);
    assert_true(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0);
    weights_fixture_number(set, "crc32", (double)sum);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(links);
}

static inline void weights_fixture_end(hid_t file, int tensors)
{
    weights_fixture_number(file, "tensors", tensors);
    assert_true(H5Fclose(file) >= 0);
}

/* A path of its own for this process. */
static inline void weights_fixture_path(char *path, size_t size, const char *name)
{
    const char *base = getenv("TMPDIR");

    snprintf(path, size, "%s/mdsweep-%s-%ld.h5", base && *base ? base : "/tmp", name,
             (long)getpid());
}

#endif
