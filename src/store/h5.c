#include "store/h5.h"

#include "store/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mds_h5_quiet(void)
{
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

typedef struct walk {
    char function[64];
    char words[256];
} walk;

/* The outermost function names the call, the innermost description says what happened. */
static herr_t visit(unsigned n, const H5E_error2_t *error, void *context)
{
    walk *w = context;

    if (n == 0)
        snprintf(w->function, sizeof w->function, "%s", error->func_name);
    snprintf(w->words, sizeof w->words, "%s", error->desc ? error->desc : "");
    return 0;
}

mds_status mds_h5_fail(const char *path, const char *what)
{
    walk w = {"", ""};

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, visit, &w);
    H5Eclear2(H5E_DEFAULT);
    return mds_fail(MDS_ERR_IO, "%s: %s: %s%s%s", path, what, w.function, *w.function ? ": " : "",
                    w.words);
}

hid_t mds_h5_column_type(mds_column_type type, size_t size)
{
    switch (type) {
    case MDS_COLUMN_I8:
        return H5Tcopy(H5T_STD_I64LE);
    case MDS_COLUMN_U1:
        return H5Tcopy(H5T_STD_U8LE);
    case MDS_COLUMN_F8:
        return H5Tcopy(H5T_IEEE_F64LE);
    case MDS_COLUMN_TEXT:
        break;
    }
    const hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, size);
    H5Tset_strpad(text, H5T_STR_NULLPAD);
    H5Tset_cset(text, H5T_CSET_UTF8);
    return text;
}

hid_t mds_h5_cell_type(mds_cell_type type)
{
    return type == MDS_CELL_F8 ? H5T_IEEE_F64LE : H5T_STD_I64LE;
}

herr_t mds_h5_text_attribute(hid_t object, const char *name, const char *text)
{
    const hid_t type = mds_h5_column_type(MDS_COLUMN_TEXT, strlen(text) ? strlen(text) : 1);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const herr_t failed = id < 0 ? -1 : H5Awrite(id, type, text);

    if (id >= 0)
        H5Aclose(id);
    H5Sclose(space);
    H5Tclose(type);
    return failed;
}

herr_t mds_h5_number_attribute(hid_t object, const char *name, double value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t id = H5Acreate2(object, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    const herr_t failed = id < 0 ? -1 : H5Awrite(id, H5T_NATIVE_DOUBLE, &value);

    if (id >= 0)
        H5Aclose(id);
    H5Sclose(space);
    return failed;
}

herr_t mds_h5_text_dataset(hid_t parent, const char *name, const char *text, const char *long_name)
{
    const hid_t type = mds_h5_column_type(MDS_COLUMN_TEXT, strlen(text) ? strlen(text) : 1);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t id = H5Dcreate2(parent, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    herr_t failed = id < 0 ? -1 : H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text);

    if (id >= 0) {
        failed |= mds_h5_text_attribute(id, "units", "1");
        failed |= mds_h5_text_attribute(id, "long_name", long_name);
        failed |= H5Dclose(id);
    }
    H5Sclose(space);
    H5Tclose(type);
    return failed;
}

int64_t mds_h5_offset(hid_t set)
{
    const haddr_t offset = H5Dget_offset(set);

    return offset == HADDR_UNDEF ? -1 : (int64_t)offset;
}

mds_status mds_h5_copy_rows(hid_t source, int64_t from, int64_t rows, hid_t type, int to,
                            int64_t offset, const char *path)
{
    enum { PIECE = 1 << 20 };
    mds_cell *cells = malloc((size_t)(rows < PIECE ? rows : PIECE) * sizeof *cells);
    const hid_t space = H5Dget_space(source);
    mds_status status = MDS_OK;

    if (!cells)
        status = mds_fail(MDS_ERR_NOMEM, "no memory to copy rows to %s", path);
    for (int64_t done = 0; done < rows && status == MDS_OK; done += PIECE) {
        const hsize_t count = (hsize_t)(rows - done < PIECE ? rows - done : PIECE);
        const hsize_t first = (hsize_t)(from + done);
        const hid_t memory = H5Screate_simple(1, &count, NULL);

        if (H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, NULL, &count, NULL) < 0 ||
            H5Dread(source, type, memory, space, H5P_DEFAULT, cells) < 0)
            status = mds_h5_fail(path, "rows of the older file cannot be read");
        else
            status = mds_image_put(to, cells, count * sizeof *cells,
                                   offset + done * (int64_t)sizeof *cells, path);
        H5Sclose(memory);
    }
    H5Sclose(space);
    free(cells);
    return status;
}
