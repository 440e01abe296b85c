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

static size_t line_bytes(const eam_tables *tables)
{
    const size_t pairs = (size_t)tables->types * (size_t)tables->types;

    return pairs * (size_t)tables->nr * EAM_LINE * sizeof *tables->line;
}

static size_t embedding_bytes(const eam_tables *tables)
{
    return (size_t)tables->types * (size_t)tables->nrho * 4 * sizeof *tables->embedding;
}

static mds_status allocate(eam_tables *out, mds_device *device)
{
    mds_status status;

    MDS_TRY(mds_device_alloc(device, line_bytes(out), "eam pair tables", (void **)&out->line));
    MDS_TRY(mds_device_alloc(device, embedding_bytes(out), "eam embedding tables",
                             (void **)&out->embedding));
out:
    return status;
}

/* Where the tables are made: in place where the host can write there, else in memory of its own. */
static mds_status stage(const eam_tables *tables, mds_device *device, double **line,
                        double **embedding)
{
    if (mds_device_host_access(device)) {
        *line = tables->line;
        *embedding = tables->embedding;
        return MDS_OK;
    }
    *line = malloc(line_bytes(tables));
    *embedding = malloc(embedding_bytes(tables));
    return *line && *embedding
               ? MDS_OK
               : mds_fail(MDS_ERR_NOMEM, "no memory for the tables of a setfl file");
}

static mds_status unstage(const eam_tables *tables, mds_device *device, const double *line,
                          const double *embedding)
{
    mds_status status = MDS_OK;

    if (mds_device_host_access(device))
        return MDS_OK;
    MDS_TRY(mds_device_copy(device, tables->line, line, line_bytes(tables), MDS_COPY_TO_DEVICE));
    MDS_TRY(mds_device_copy(device, tables->embedding, embedding, embedding_bytes(tables),
                            MDS_COPY_TO_DEVICE));
    MDS_TRY(mds_device_sync(device)); /* what was staged is freed next */
out:
    return status;
}

mds_status eam_tables_build(eam_tables *out, mds_device *device, const setfl *file,
                            const mds_species *species)
{
    mds_status status = eam_check_elements(file, "", species);
    double *cubics = NULL, *line = NULL, *embedding = NULL;

    eam_tables_fini(out, device);
    if (status != MDS_OK)
        return status;
    out->types = species->count;
    out->nr = file->nr;
    out->nrho = file->nrho;
    out->inverse_dr = 1.0 / file->dr;
    out->inverse_drho = 1.0 / file->drho;
    MDS_TRY(allocate(out, device));
    MDS_TRY(stage(out, device, &line, &embedding));
    cubics = malloc(8 * (size_t)file->nr * sizeof *cubics);
    if (!cubics)
        MDS_TRY(mds_fail(MDS_ERR_NOMEM, "no memory for the tables of a setfl file"));
    double *const rho = cubics, *const z = cubics + 4 * (size_t)file->nr;
    for (int at = 0; at < out->types; ++at) {
        const int a = setfl_find(file, species->z[at]);

        eam_hermite(setfl_embedding(file, a), file->nrho,
                    embedding + 4 * (size_t)at * (size_t)file->nrho);
        for (int from = 0; from < out->types; ++from) {
            const int b = setfl_find(file, species->z[from]);
            const size_t pair = (size_t)(at * out->types + from);

            eam_hermite(setfl_density(file, b, a), file->nr, rho);
            eam_hermite(setfl_pair(file, a, b), file->nr, z);
            weave(rho, z, file->nr, line + pair * (size_t)file->nr * EAM_LINE);
        }
    }
    MDS_TRY(unstage(out, device, line, embedding));
out:
    free(cubics);
    if (!mds_device_host_access(device)) {
        free(line);
        free(embedding);
    }
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
    return eam_table_embedding(tables->embedding + 4 * (size_t)type * (size_t)tables->nrho,
                               tables->inverse_drho, tables->nrho, rho, dF);
}
