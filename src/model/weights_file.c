/* The only file of this layer that knows HDF5: what is in the file, and its numbers. */
#include "model/built_in.h"
#include "model/weights_private.h"

#include <errno.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TENSORS_MAX = 100000 };

/* The library's messages on stderr are switched off around every use of it, and no longer. */
typedef struct quiet {
    H5E_auto2_t print;
    void *context;
} quiet;

static quiet begin_quiet(void)
{
    quiet q = {NULL, NULL};

    H5Eget_auto2(H5E_DEFAULT, &q.print, &q.context);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return q;
}

static void end_quiet(quiet q)
{
    H5Eclear2(H5E_DEFAULT);
    H5Eset_auto2(H5E_DEFAULT, q.print, q.context);
}

/* ---- attributes ---- */

/* The text of an open attribute; false when it is not text of fixed length. Text of variable length
 * lies in a heap without a checksum, and where that is damaged the library may never return. */
static bool read_text(hid_t id, char *out, size_t size)
{
    const hid_t type = H5Aget_type(id), space = H5Aget_space(id);
    const size_t length = H5Tget_size(type);
    bool good = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 &&
                H5Sget_simple_extent_npoints(space) == 1;
    char *text = good ? calloc(length + 1, 1) : NULL;

    good = text && H5Aread(id, type, text) >= 0;
    snprintf(out, size, "%s", good ? text : "");
    free(text);
    H5Sclose(space);
    H5Tclose(type);
    return good;
}

static bool read_number(hid_t id, double *out)
{
    const hid_t type = H5Aget_type(id), space = H5Aget_space(id);
    const H5T_class_t kind = H5Tget_class(type);
    const bool good = (kind == H5T_INTEGER || kind == H5T_FLOAT) &&
                      H5Sget_simple_extent_npoints(space) == 1 &&
                      H5Aread(id, H5T_NATIVE_DOUBLE, out) >= 0;

    H5Sclose(space);
    H5Tclose(type);
    return good;
}

bool mds_weights_has_attribute(const mds_weights *weights, const char *name)
{
    const quiet q = begin_quiet();
    const bool there = H5Aexists(weights->file, name) > 0;

    end_quiet(q);
    return there;
}

static hid_t open_attribute(const mds_weights *weights, const char *name)
{
    return H5Aexists(weights->file, name) > 0 ? H5Aopen(weights->file, name, H5P_DEFAULT) : -1;
}

/* What is wrong with an attribute that could not be used. */
static mds_status bad_attribute(const mds_weights *weights, const char *name, hid_t id,
                                const char *want)
{
    return mds_fail(MDS_ERR_CONFIG, "%s: %s root attribute '%s'%s%s", weights->path,
                    id < 0 ? "no" : "bad", name, id < 0 ? "" : ", which must be ",
                    id < 0 ? "" : want);
}

mds_status mds_weights_attribute_text(const mds_weights *weights, const char *name, char *out,
                                      size_t size)
{
    const quiet q = begin_quiet();
    const hid_t id = open_attribute(weights, name);
    mds_status status = MDS_OK;

    if (id < 0 || !read_text(id, out, size))
        status = bad_attribute(weights, name, id, "text of fixed length");
    if (id >= 0)
        H5Aclose(id);
    end_quiet(q);
    return status;
}

mds_status mds_weights_attribute_number(const mds_weights *weights, const char *name, double *out)
{
    const quiet q = begin_quiet();
    const hid_t id = open_attribute(weights, name);
    mds_status status = MDS_OK;

    if (id < 0 || !read_number(id, out) || !isfinite(*out))
        status = bad_attribute(weights, name, id, "a number");
    if (id >= 0)
        H5Aclose(id);
    end_quiet(q);
    return status;
}

mds_status mds_weights_attribute_int(const mds_weights *weights, const char *name, int min, int max,
                                     int *out)
{
    double number;
    const mds_status status = mds_weights_attribute_number(weights, name, &number);

    if (status != MDS_OK)
        return status;
    if (number != floor(number) || number < min || number > max)
        return mds_fail(MDS_ERR_CONFIG, "%s: root attribute '%s' is %g; %d to %d is right",
                        weights->path, name, number, min, max);
    *out = (int)number;
    return MDS_OK;
}

/* ---- the list of tensors ---- */

static mds_status describe_shape(const mds_weights *w, hid_t set, mds_tensor *t)
{
    const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    const size_t size = H5Tget_size(type);
    const bool real = H5Tget_class(type) == H5T_FLOAT && (size == 4 || size == 8);
    const int rank = H5Sget_simple_extent_ndims(space);
    hsize_t dims[H5S_MAX_RANK];
    mds_status status = MDS_OK;

    if (!real)
        status =
            mds_fail(MDS_ERR_CONFIG, "%s: tensor '%s' is not float32 or float64", w->path, t->name);
    else if (rank < 0 || rank > MDS_WEIGHTS_RANK_MAX ||
             H5Sget_simple_extent_type(space) == H5S_NULL)
        status = mds_fail(MDS_ERR_CONFIG, "%s: tensor '%s' has rank %d; 0 to %d is right", w->path,
                          t->name, rank, MDS_WEIGHTS_RANK_MAX);
    if (status == MDS_OK) {
        H5Sget_simple_extent_dims(space, dims, NULL);
        t->shape.rank = rank;
        t->shape.count = H5Sget_simple_extent_npoints(space);
        t->shape.stored = size == 4 ? MDS_WEIGHTS_F32 : MDS_WEIGHTS_F64;
        for (int i = 0; i < rank; ++i)
            t->shape.dim[i] = (int64_t)dims[i];
    }
    H5Sclose(space);
    H5Tclose(type);
    return status;
}

static mds_status describe(const mds_weights *w, mds_tensor *t)
{
    const hid_t set = H5Dopen2(w->file, t->name, H5P_DEFAULT);
    double sum = -1.0;

    if (set < 0)
        return mds_fail(MDS_ERR_CONFIG, "%s: tensor '%s' is damaged: it cannot be opened", w->path,
                        t->name);
    mds_status status = describe_shape(w, set, t);
    const hid_t id = H5Aexists(set, "crc32") > 0 ? H5Aopen(set, "crc32", H5P_DEFAULT) : -1;
    if (status == MDS_OK &&
        (id < 0 || !read_number(id, &sum) || sum != floor(sum) || sum < 0 || sum > UINT32_MAX))
        status = mds_fail(MDS_ERR_CONFIG, "%s: tensor '%s' has no good attribute 'crc32'", w->path,
                          t->name);
    t->sum = status == MDS_OK ? (uint32_t)sum : 0;
    t->described = status == MDS_OK;
    if (id >= 0)
        H5Aclose(id);
    H5Dclose(set);
    return status;
}

mds_status mds_weights_describe(const mds_weights *weights, mds_tensor *t)
{
    if (t->described)
        return MDS_OK;
    const quiet q = begin_quiet();
    const mds_status status = describe(weights, t);

    end_quiet(q);
    return status;
}

/* The kind of an object is enough; the other facts take longer than opening it. */
#if H5_VERSION_GE(1, 12, 0)
typedef H5O_info2_t object_info;
#define VISIT_OBJECTS H5Ovisit3
#else
typedef H5O_info_t object_info;
#define VISIT_OBJECTS H5Ovisit2
#endif

/* Called for every object; positive ends the walk. Links that lead elsewhere are not followed. */
static herr_t visit(hid_t object, const char *name, const object_info *info, void *context)
{
    mds_weights *w = context;

    (void)object;
    if (info->type != H5O_TYPE_DATASET)
        return 0;
    if (w->count == w->capacity) {
        const int capacity = w->capacity ? 2 * w->capacity : 64;
        mds_tensor *grown = realloc(w->tensors, (size_t)capacity * sizeof *grown);

        if (!grown || capacity > TENSORS_MAX)
            return 1;
        w->tensors = grown;
        w->capacity = capacity;
    }
    mds_tensor *t = &w->tensors[w->count];
    memset(t, 0, sizeof *t);
    t->name = strdup(name);
    if (!t->name)
        return 1;
    ++w->count;
    return 0;
}

int mds_tensor_by_name(const void *a, const void *b)
{
    return strcmp(((const mds_tensor *)a)->name, ((const mds_tensor *)b)->name);
}

static mds_status list_tensors(mds_weights *w)
{
    int announced = 0;
    const herr_t walked =
        VISIT_OBJECTS(w->file, H5_INDEX_NAME, H5_ITER_NATIVE, visit, w, H5O_INFO_BASIC);

    if (walked > 0)
        return mds_fail(MDS_ERR_NOMEM, "%s: no memory for the list of tensors", w->path);
    if (walked < 0)
        return mds_fail(MDS_ERR_CONFIG, "%s: damaged: the list of tensors cannot be read", w->path);
    mds_status status = mds_weights_attribute_int(w, "tensors", 0, TENSORS_MAX, &announced);
    if (status == MDS_OK && announced != w->count)
        status = mds_fail(MDS_ERR_CONFIG, "%s: %d tensors, but its attribute 'tensors' says %d",
                          w->path, w->count, announced);
    if (w->count)
        qsort(w->tensors, (size_t)w->count, sizeof *w->tensors, mds_tensor_by_name);
    return status;
}

/* ---- opening ---- */

static mds_status check_format(const mds_weights *w, const char *format, int major)
{
    char text[128], version[64];
    int first = -1, second, third, used = 0;
    mds_status status;

    MDS_TRY(mds_weights_attribute_text(w, "format", text, sizeof text));
    if (strcmp(text, format) != 0)
        return mds_fail(MDS_ERR_CONFIG, "%s: its format is '%s', not '%s'", w->path, text, format);
    MDS_TRY(mds_weights_attribute_text(w, "format_version", version, sizeof version));
    if (sscanf(version, "%d.%d.%d%n", &first, &second, &third, &used) != 3 || version[used])
        return mds_fail(MDS_ERR_CONFIG, "%s: format_version '%s' is not of the form 1.0.0", w->path,
                        version);
    if (first != major)
        return mds_fail(MDS_ERR_CONFIG, "%s: version %s of %s; this program reads version %d",
                        w->path, version, format, major);
out:
    return status;
}

/* The library's older form of a file has no checksums in its own structure, and where that is
 * damaged the library may crash. The byte behind the signature tells. */
static mds_status check_superblock(const char *path)
{
    static const unsigned char signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    unsigned char start[9] = {0};
    FILE *file = fopen(path, "rb");

    if (!file)
        return mds_fail(MDS_ERR_IO, "%s: %s", path, strerror(errno));
    const size_t count = fread(start, 1, sizeof start, file);
    fclose(file);
    if (count != sizeof start || memcmp(start, signature, sizeof signature) != 0)
        return mds_fail(MDS_ERR_CONFIG, "%s: not an HDF5 file", path);
    if (start[8] < 2)
        return mds_fail(MDS_ERR_CONFIG,
                        "%s: an HDF5 file of the old form, without checksums; write it with "
                        "h5py.File(..., libver='v110')",
                        path);
    return MDS_OK;
}

/* Shared readers need no lock, and some file systems have none. */
static hid_t open_file(const char *path)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);

#if H5_VERSION_GE(1, 10, 7)
    H5Pset_file_locking(access, false, true);
#endif
    H5Pset_fapl_sec2(access);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return file;
}

/* The bytes of a file that is part of this program; the library reads them like a file. */
static hid_t open_built_in(const char *path, const mds_built_in *image)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);

    H5Pset_fapl_core(access, image->size, false);
    /* The library takes a pointer to non-const, and copies what is there. */
    H5Pset_file_image(access, (void *)(uintptr_t)image->bytes, image->size);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return file;
}

static mds_status check_file(const char *path)
{
    struct stat info;

    if (mds_built_in_name(path))
        return mds_built_in_find(path)
                   ? MDS_OK
                   : mds_fail(MDS_ERR_UNSUPPORTED, "no weights '%s' in this program", path);
    if (stat(path, &info) != 0)
        return mds_fail(errno == ENOENT || errno == ENOTDIR ? MDS_ERR_UNSUPPORTED : MDS_ERR_IO,
                        "no weights file '%s': %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return mds_fail(MDS_ERR_CONFIG, "%s: not a file, so not a file of weights", path);
    return check_superblock(path);
}

static mds_status open_quietly(const char *path, const char *format, int major, mds_weights *w)
{
    const mds_built_in *image = mds_built_in_find(path);
    mds_status status;

    MDS_TRY(check_file(path));
    w->file = image ? open_built_in(path, image) : open_file(path);
    if (w->file < 0)
        return mds_fail(MDS_ERR_CONFIG, "%s: cut off, damaged, or newer than this HDF5 library",
                        path);
    MDS_TRY(check_format(w, format, major));
    MDS_TRY(list_tensors(w));
out:
    return status;
}

mds_status mds_weights_open(const char *path, const char *format, int major, mds_weights **out)
{
    mds_weights *w = calloc(1, sizeof *w);
    mds_status status = MDS_ERR_NOMEM;

    *out = NULL;
    if (w) {
        w->file = -1;
        w->path = strdup(path);
    }
    if (w && w->path) {
        const quiet q = begin_quiet();

        mds_crc_init(&w->crc);
        status = open_quietly(path, format, major, w);
        end_quiet(q);
    } else {
        status = mds_fail(MDS_ERR_NOMEM, "%s: no memory to open it", path);
    }
    if (status == MDS_OK)
        *out = w;
    else
        mds_weights_close(w);
    return status;
}

void mds_weights_close(mds_weights *weights)
{
    if (!weights)
        return;
    if (weights->file >= 0) {
        const quiet q = begin_quiet();

        H5Fclose(weights->file);
        end_quiet(q);
    }
    for (int i = 0; i < weights->count; ++i)
        free(weights->tensors[i].name);
    free(weights->tensors);
    free(weights->path);
    free(weights);
}

/* ---- numbers ---- */

/* Over the name, a zero byte, the shape as little-endian 64-bit integers, and the bytes. */
static uint32_t sum_of(const mds_weights *w, const mds_tensor *t, const void *bytes, size_t count)
{
    uint32_t sum = mds_crc_add(&w->crc, 0, t->name, strlen(t->name) + 1);

    for (int i = 0; i < t->shape.rank; ++i) {
        unsigned char dim[8];

        for (int k = 0; k < 8; ++k)
            dim[k] = (unsigned char)((uint64_t)t->shape.dim[i] >> 8 * k);
        sum = mds_crc_add(&w->crc, sum, dim, sizeof dim);
    }
    return mds_crc_add(&w->crc, sum, bytes, count);
}

/* Reads as little-endian, checks, and converts where it lies; `work` has room for the wider. */
static mds_status load(const mds_weights *w, const mds_tensor *t, mds_weights_real real, void *work)
{
    const size_t count = (size_t)t->shape.count;
    const bool wide = t->shape.stored == MDS_WEIGHTS_F64;
    const hid_t little = wide ? H5T_IEEE_F64LE : H5T_IEEE_F32LE;
    const hid_t native = real == MDS_WEIGHTS_F64 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
    const hid_t set = H5Dopen2(w->file, t->name, H5P_DEFAULT);
    const herr_t failed = set < 0 ? -1 : H5Dread(set, little, H5S_ALL, H5S_ALL, H5P_DEFAULT, work);

    if (set >= 0)
        H5Dclose(set);
    if (failed < 0)
        return mds_fail(MDS_ERR_CONFIG, "%s: tensor '%s' is damaged: it cannot be read", w->path,
                        t->name);
    if (sum_of(w, t, work, count * (size_t)t->shape.stored) != t->sum)
        return mds_fail(MDS_ERR_CONFIG, "%s: tensor '%s' is damaged: its checksum differs", w->path,
                        t->name);
    if (H5Tconvert(little, native, count, work, NULL, H5P_DEFAULT) < 0)
        return mds_fail(MDS_ERR_INTERNAL, "%s: tensor '%s' cannot be converted", w->path, t->name);
    for (size_t i = 0; i < count; ++i) {
        const double x = real == MDS_WEIGHTS_F64 ? ((double *)work)[i] : ((float *)work)[i];

        if (!isfinite(x))
            return mds_fail(MDS_ERR_CONFIG, "%s: tensor '%s': element %zu is not a finite number",
                            w->path, t->name, i);
    }
    return MDS_OK;
}

mds_status mds_weights_load(const mds_weights *weights, const mds_tensor *t, mds_weights_real real,
                            void *work)
{
    const quiet q = begin_quiet();
    const mds_status status = load(weights, t, real, work);

    end_quiet(q);
    return status;
}
