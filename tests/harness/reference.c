#include "harness/reference.h"

#include "harness/test.h"

#include <hdf5.h>

struct mds_reference {
    hid_t file;
};

mds_reference *mds_reference_open(const char *name)
{
    char path[1024];

    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    snprintf(path, sizeof path, "%s/%s", mds_test_data() ? mds_test_data() : ".", name);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) {
        printf("%s: cannot be opened as HDF5\n", path);
        return NULL;
    }
    mds_reference *reference = calloc(1, sizeof *reference);
    reference->file = file;
    return reference;
}

void mds_reference_close(mds_reference *reference)
{
    if (!reference)
        return;
    H5Fclose(reference->file);
    free(reference);
}

char **mds_reference_list(mds_reference *reference, const char *group, int *count)
{
    H5G_info_t info;
    const hid_t id = H5Gopen2(reference->file, group, H5P_DEFAULT);

    *count = 0;
    if (id < 0 || H5Gget_info(id, &info) < 0)
        return NULL;
    char **names = calloc(info.nlinks, sizeof *names);
    for (hsize_t i = 0; i < info.nlinks; ++i) {
        char name[128];

        H5Lget_name_by_idx(id, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
        names[i] = strdup(name);
    }
    *count = (int)info.nlinks;
    H5Gclose(id);
    return names;
}

void mds_reference_list_free(char **names, int count)
{
    for (int i = 0; i < count; ++i)
        free(names[i]);
    free(names);
}

double *mds_reference_array(mds_reference *reference, const char *path, int *count)
{
    const hid_t set = H5Dopen2(reference->file, path, H5P_DEFAULT);

    if (count)
        *count = 0;
    if (set < 0)
        return NULL;
    const hid_t space = H5Dget_space(set);
    const hssize_t points = H5Sget_simple_extent_npoints(space);
    double *values = calloc((size_t)points + 1, sizeof *values);
    const herr_t failed = H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Sclose(space);
    H5Dclose(set);
    if (failed < 0) {
        free(values);
        return NULL;
    }
    if (count)
        *count = (int)points;
    return values;
}

double mds_reference_scalar(mds_reference *reference, const char *group, const char *name)
{
    char path[512];
    double value = NAN;

    snprintf(path, sizeof path, "%s/%s", group, name);
    double *array = mds_reference_array(reference, path, NULL);
    if (array) {
        value = array[0];
        free(array);
        return value;
    }
    const hid_t attribute = H5Aopen_by_name(reference->file, group, name, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) {
        H5Aread(attribute, H5T_NATIVE_DOUBLE, &value);
        H5Aclose(attribute);
    }
    return value;
}

static double *member(mds_reference *reference, const char *group, const char *name, int *count)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", group, name);
    return mds_reference_array(reference, path, count);
}

bool mds_reference_structure(mds_reference *reference, const char *group, mds_structure *out)
{
    const bool periodic[3] = {true, true, true};
    int n = 0;
    double *numbers = member(reference, group, "numbers", &n);
    double *cell = member(reference, group, "cell", NULL);
    double *x = member(reference, group, "positions", NULL);
    double *mass = member(reference, group, "masses_amu", NULL);
    double h[3][3];
    bool good = false;

    if (!x)
        x = member(reference, group, "positions0", NULL);
    memset(out, 0, sizeof *out);
    if (numbers && cell && x && mds_structure_init(out, n, false) == MDS_OK) {
        memcpy(h, cell, sizeof h);
        good = mds_box_set(&out->box, (const double(*)[3])h, periodic) == MDS_OK;
        memcpy(out->x, x, (size_t)n * 3 * sizeof *x);
        for (int i = 0; i < n; ++i) {
            out->type[i] = mds_species_add(&out->species, (int)numbers[i]);
            out->mass[i] = mass ? mass[i] : out->species.mass[out->type[i]];
        }
    }
    free(numbers);
    free(cell);
    free(x);
    free(mass);
    return good;
}
