#include "model/sw/sw_cpu.h"

#include <string.h>

MDS_CLONES void sw_find_bonds(const sw_params *params, const mds_neighbor *list, sw_bonds *bonds)
{
    const double *xe = list->xe;
    const double cutoff2 = params->cutoff2;
    int *restrict first = bonds->first, *restrict second = bonds->second;
    int count = 0;

    for (int i = 0; i < list->n; ++i) {
        const double xi = xe[4 * i], yi = xe[4 * i + 1], zi = xe[4 * i + 2];
        const int end = list->start[i] + list->count[i];

        /* Written always, kept when near: a branch here would be mispredicted once per bond. */
        for (int e = list->start[i]; e < end; ++e) {
            const int j = list->index[e];
            const double *xj = xe + 4 * (size_t)j;
            const double dx = xj[0] - xi, dy = xj[1] - yi, dz = xj[2] - zi;

            first[count] = i;
            second[count] = j;
            count += dx * dx + dy * dy + dz * dz < cutoff2;
        }
    }
    bonds->count = count;
    for (int b = 0; b < count; ++b) {
        const double *xi = xe + 4 * (size_t)first[b], *xj = xe + 4 * (size_t)second[b];

        bonds->x[b] = xj[0] - xi[0];
        bonds->y[b] = xj[1] - xi[1];
        bonds->z[b] = xj[2] - xi[2];
        second[b] = list->owner[second[b]];
    }
}

MDS_CLONES void sw_bond_terms(const sw_params *params, sw_bonds *bonds)
{
    const sw_params p = *params;
    double *restrict x = bonds->x, *restrict y = bonds->y, *restrict z = bonds->z;
    double *restrict inv_r = bonds->inv_r, *restrict dphi = bonds->dphi;
    double *restrict w = bonds->w, *restrict dw = bonds->dw, *restrict energy = bonds->energy;
    const int count = bonds->count;

#pragma GCC ivdep /* the arrays of sw_bonds do not overlap */
    for (int b = 0; b < count; ++b) {
        const sw_bond t = sw_bond_at(&p, x[b] * x[b] + y[b] * y[b] + z[b] * z[b]);

        x[b] *= t.inv_r;
        y[b] *= t.inv_r;
        z[b] *= t.inv_r;
        inv_r[b] = t.inv_r;
        dphi[b] = t.dphi;
        w[b] = t.w;
        dw[b] = t.dw;
        energy[b] = t.phi - sw_self_energy(&p, t.w);
    }
}

/* Four doubles that move together; a row of moments is three of them: p, diagonal and rest of Q. */
typedef double quad __attribute__((vector_size(32)));

MDS_CLONES void sw_moments(const sw_bonds *bonds, int n, double *moments)
{
    quad *rows = (quad *)moments;

    memset(moments, 0, (size_t)n * SW_MOMENT_STRIDE * sizeof *moments);
    for (int b = 0; b < bonds->count; ++b) {
        quad *mi = rows + 3 * (size_t)bonds->first[b], *mj = rows + 3 * (size_t)bonds->second[b];
        const double w = bonds->w[b], x = bonds->x[b], y = bonds->y[b], z = bonds->z[b];
        const quad u = {x, y, z, 0.0}, u1 = {y, z, x, 0.0};
        const quad p = w * u;
        const quad diagonal = p * u, rest = p * u1;

        mi[0] += p;
        mi[1] += diagonal;
        mi[2] += rest;
        mj[0] -= p;
        mj[1] += diagonal;
        mj[2] += rest;
    }
}

/* Pass 4 goes by blocks of bonds. What a bond needs of its ends is first brought together, one
 * array for each number, so that the arithmetic runs over contiguous memory: hardware gathers are
 * slower. */
enum { BLOCK = 64 };

typedef struct bond_block {
    double m[SW_MOMENTS][BLOCK]; /* as sw_bond_gradient() takes them */
    double g[3][BLOCK];          /* dE/dr */
} bond_block;

static inline void bring_moments(const sw_bonds *bonds, int start, int size, const double *moments,
                                 bond_block *block)
{
    for (int b = 0; b < size; ++b) {
        const double *mi = moments + (size_t)bonds->first[start + b] * SW_MOMENT_STRIDE;
        const double *mj = moments + (size_t)bonds->second[start + b] * SW_MOMENT_STRIDE;

        for (int k = 0; k < 3; ++k) {
            block->m[SW_PX + k][b] = mi[k] - mj[k];
            block->m[SW_QXX + k][b] = mi[4 + k] + mj[4 + k];
            block->m[SW_QXY + k][b] = mi[8 + k] + mj[8 + k];
        }
    }
}

static inline void find_gradients(const sw_params *params, const sw_bonds *bonds, int start,
                                  int size, bond_block *block)
{
    const sw_params p = *params;
    const double *x = bonds->x + start, *y = bonds->y + start, *z = bonds->z + start;
    const double *inv_r = bonds->inv_r + start, *dphi = bonds->dphi + start;
    const double *w = bonds->w + start, *dw = bonds->dw + start;

#pragma GCC ivdep /* a block is nobody else's memory */
    for (int b = 0; b < size; ++b) {
        const double u[3] = {x[b], y[b], z[b]};
        const sw_bond t = {.inv_r = inv_r[b], .dphi = dphi[b], .w = w[b], .dw = dw[b]};
        double sum[SW_MOMENTS], g[3];

        for (int k = 0; k < SW_MOMENTS; ++k)
            sum[k] = block->m[k][b];
        sw_bond_gradient(&p, &t, u, sum, g);
        block->g[0][b] = g[0];
        block->g[1][b] = g[1];
        block->g[2][b] = g[2];
    }
}

static inline void add_forces(const sw_bonds *bonds, int start, int size, const bond_block *block,
                              double *f)
{
    for (int b = 0; b < size; ++b) {
        double *fi = f + 3 * (size_t)bonds->first[start + b];
        double *fj = f + 3 * (size_t)bonds->second[start + b];

        for (int k = 0; k < 3; ++k)
            fi[k] += block->g[k][b];
        for (int k = 0; k < 3; ++k)
            fj[k] -= block->g[k][b];
    }
}

/* The virial is symmetric because the energy of each centre does not change under rotation: six
 * elements of the sum over bonds, xx, yy, zz, xy, xz, yz, are enough. */
static inline void add_virial(const sw_bonds *bonds, int start, int size, const bond_block *block,
                              double w[6])
{
    for (int b = 0; b < size; ++b) {
        const double r = 1.0 / bonds->inv_r[start + b];
        const double x = r * bonds->x[start + b], y = r * bonds->y[start + b];
        const double z = r * bonds->z[start + b];

        w[0] -= x * block->g[0][b];
        w[1] -= y * block->g[1][b];
        w[2] -= z * block->g[2][b];
        w[3] -= x * block->g[1][b];
        w[4] -= x * block->g[2][b];
        w[5] -= y * block->g[2][b];
    }
}

MDS_CLONES void sw_forces(const sw_params *params, const sw_bonds *bonds, int n,
                          const double *moments, double *f, double (*virial)[3])
{
    double w[6] = {0.0};
    bond_block block;

    memset(f, 0, (size_t)n * 3 * sizeof *f);
    for (int start = 0; start < bonds->count; start += BLOCK) {
        const int size = bonds->count - start < BLOCK ? bonds->count - start : BLOCK;

        bring_moments(bonds, start, size, moments, &block);
        find_gradients(params, bonds, start, size, &block);
        add_forces(bonds, start, size, &block, f);
        if (virial)
            add_virial(bonds, start, size, &block, w);
    }
    for (int k = 0; virial && k < 3; ++k)
        virial[k][k] = w[k];
    if (virial) {
        virial[0][1] = virial[1][0] = w[3];
        virial[0][2] = virial[2][0] = w[4];
        virial[1][2] = virial[2][1] = w[5];
    }
}

/* Σ of a[0..n), in eight running sums so that additions need not wait for each other, always in the
 * same order. */
static double sum_of(const double *a, int n)
{
    double sum[8] = {0.0};
    int i = 0;

    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; ++k)
            sum[k] += a[i + k];
    for (; i < n; ++i)
        sum[0] += a[i];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

double sw_energy(const sw_params *params, const sw_bonds *bonds, int n, const double *moments)
{
    double centres = 0.0;

    for (int i = 0; i < n; ++i) {
        const double *row = moments + (size_t)i * SW_MOMENT_STRIDE;
        const double m[SW_MOMENTS] = {row[0], row[1], row[2], row[4], row[5],
                                      row[6], row[8], row[9], row[10]};

        centres += sw_centre_energy(params, m);
    }
    return centres + sum_of(bonds->energy, bonds->count);
}
