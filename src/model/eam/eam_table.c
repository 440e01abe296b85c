#include "model/eam/eam_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double slope(const double *y, int n, int k)
{
    if (k == 0)
        return y[1] - y[0];
    if (k == n - 1)
        return y[n - 1] - y[n - 2];
    if (k == 1 || k == n - 2)
        return 0.5 * (y[k + 1] - y[k - 1]);
    return ((y[k - 2] - y[k + 2]) + 8.0 * (y[k + 1] - y[k - 1])) / 12.0;
}

void eam_hermite(const double *y, int n, double *c)
{
    for (int k = 0; k < n - 1; ++k) {
        const double rise = y[k + 1] - y[k];
        const double m0 = slope(y, n, k), m1 = slope(y, n, k + 1);

        c[4 * k] = y[k];
        c[4 * k + 1] = m0;
        c[4 * k + 2] = 3.0 * rise - 2.0 * m0 - m1;
        c[4 * k + 3] = m0 + m1 - 2.0 * rise;
    }
    c[4 * n - 4] = y[n - 1];
    c[4 * n - 3] = c[4 * n - 2] = c[4 * n - 1] = 0.0;
}

/* Interleaves two functions into lines of eight, the third power first. */
static void weave(const double *rho, const double *z, int n, double *line)
{
    for (int k = 0; k < n; ++k) {
        for (int power = 0; power < 4; ++power) {
            line[EAM_LINE * k + 2 * (3 - power)] = rho[4 * k + power];
            line[EAM_LINE * k + 2 * (3 - power) + 1] = z[4 * k + power];
        }
    }
}

mds_status eam_check_elements(const setfl *file, const char *path, const mds_species *species)
{
    char known[SETFL_ELEMENTS_MAX * SETFL_SYMBOL_SIZE + 1] = "";

    for (int i = 0; i < file->elements; ++i) {
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? " " : "", file->symbol[i]);
    }
    for (int t = 0; t < species->count; ++t)
        if (setfl_find(file, species->z[t]) < 0)
            return mds_fail(MDS_ERR_UNSUPPORTED, "setfl file '%s' has no %s, it is for %s", path,
                            mds_element_symbol(species->z[t]), known);
    return MDS_OK;
}

static mds_status allocate(eam_tables *out, mds_device *device)
{
    const size_t pairs = (size_t)out->types * (size_t)out->types;
    mds_status status;

    MDS_TRY(mds_device_alloc(device, pairs * (size_t)out->nr * EAM_LINE * sizeof *out->line,
                             "eam pair tables", (void **)&out->line));
    MDS_TRY(mds_device_alloc(device,
                             (size_t)out->types * (size_t)out->nrho * 4 * sizeof *out->embedding,
                             "eam embedding tables", (void **)&out->embedding));
out:
    return status;
}

mds_status eam_tables_build(eam_tables *out, mds_device *device, const setfl *file,
                            const mds_species *species)
{
    mds_status status = eam_check_elements(file, "", species);
    double *cubics = NULL;

    eam_tables_fini(out, device);
    if (status != MDS_OK)
        return status;
    out->types = species->count;
    out->nr = file->nr;
    out->nrho = file->nrho;
    out->inverse_dr = 1.0 / file->dr;
    out->inverse_drho = 1.0 / file->drho;
    MDS_TRY(allocate(out, device));
    cubics = malloc(8 * (size_t)file->nr * sizeof *cubics);
    if (!cubics)
        MDS_TRY(mds_fail(MDS_ERR_NOMEM, "no memory for the tables of a setfl file"));
    double *const rho = cubics, *const z = cubics + 4 * (size_t)file->nr;
    for (int at = 0; at < out->types; ++at) {
        const int a = setfl_find(file, species->z[at]);

        eam_hermite(setfl_embedding(file, a), file->nrho,
                    out->embedding + 4 * (size_t)at * (size_t)file->nrho);
        for (int from = 0; from < out->types; ++from) {
            const int b = setfl_find(file, species->z[from]);
            const size_t pair = (size_t)(at * out->types + from);

            eam_hermite(setfl_density(file, b, a), file->nr, rho);
            eam_hermite(setfl_pair(file, a, b), file->nr, z);
            weave(rho, z, file->nr, out->line + pair * (size_t)file->nr * EAM_LINE);
        }
    }
out:
    free(cubics);
    if (status != MDS_OK)
        eam_tables_fini(out, device);
    return status;
}

void eam_tables_fini(eam_tables *tables, mds_device *device)
{
    mds_device_free(device, tables->line);
    mds_device_free(device, tables->embedding);
    memset(tables, 0, sizeof *tables);
}

double eam_tables_embed(const eam_tables *tables, int type, double rho, double *dF)
{
    const double last = (tables->nrho - 1) / tables->inverse_drho;
    double t;
    const int k = eam_segment(rho, tables->inverse_drho, tables->nrho, &t);
    double F =
        eam_cubic(tables->embedding + 4 * ((size_t)type * (size_t)tables->nrho + (size_t)k), t, dF);

    *dF *= tables->inverse_drho;
    if (rho > last)
        F += *dF * (rho - last);
    return F;
}
