#include "store/sources.h"

#include <stdio.h>

static const char *const place = "/provenance/sources";

static int count_in(hid_t file)
{
    char name[64];
    int count = 0;

    if (H5Lexists(file, place, H5P_DEFAULT) <= 0)
        return 0;
    do
        snprintf(name, sizeof name, "%s/%d", place, count++);
    while (H5Lexists(file, name, H5P_DEFAULT) > 0);
    return count - 1;
}

int mds_sources_count(const char *path)
{
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const int count = file < 0 ? 0 : count_in(file);

    if (file >= 0)
        H5Fclose(file);
    return count;
}

static herr_t copy_object(hid_t from, const char *name, hid_t to, const char *as)
{
    return H5Ocopy(from, name, to, as, H5P_DEFAULT, H5P_DEFAULT);
}

/* The file's own provenance becomes the group `name`. */
static herr_t add_own(hid_t file, const char *path, hid_t group, const char *name, bool merged)
{
    herr_t failed = copy_object(file, "/provenance", group, name);
    const hid_t copy = failed < 0 ? -1 : H5Gopen2(group, name, H5P_DEFAULT);

    if (copy < 0)
        return -1;
    if (merged) /* these have numbers of their own */
        failed |= H5Ldelete(copy, "sources", H5P_DEFAULT);
    failed |= copy_object(file, "/config", copy, "config");
    failed |= mds_h5_text_dataset(copy, "file", path, "name of the file that was merged");
    H5Gclose(copy);
    return failed;
}

static mds_status add_source(hid_t group, const char *path, int *number)
{
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const int nested = file < 0 ? 0 : count_in(file);
    herr_t failed = file < 0 ? -1 : 0;
    char name[32], inner[64];
    mds_status status = MDS_OK;

    for (int i = 0; i < nested && failed >= 0; ++i) {
        snprintf(inner, sizeof inner, "%s/%d", place, i);
        snprintf(name, sizeof name, "%d", (*number)++);
        failed |= copy_object(file, inner, group, name);
    }
    snprintf(name, sizeof name, "%d", (*number)++);
    if (failed >= 0)
        failed |= add_own(file, path, group, name, nested > 0);
    if (failed < 0)
        status = mds_h5_fail(path, "its provenance cannot be copied");
    if (file >= 0)
        H5Fclose(file);
    return status;
}

static mds_status carry(hid_t file, const char *path)
{
    const hid_t old = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    mds_status status = MDS_OK;

    if (old < 0 || (count_in(old) > 0 && copy_object(old, place, file, place) < 0))
        status = mds_h5_fail(path, "its provenance cannot be copied");
    if (old >= 0)
        H5Fclose(old);
    return status;
}

mds_status mds_sources_write(hid_t file, const char *path, const mds_store_plan *plan)
{
    int number = 0;
    mds_status status = plan->carried ? carry(file, plan->carried) : MDS_OK;

    if (plan->source_count == 0 || status != MDS_OK)
        return status;
    const hid_t group = H5Gcreate2(file, place, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (group < 0)
        return mds_h5_fail(path, place);
    for (int i = 0; i < plan->source_count && status == MDS_OK; ++i)
        status = add_source(group, plan->sources[i], &number);
    H5Gclose(group);
    return status;
}
