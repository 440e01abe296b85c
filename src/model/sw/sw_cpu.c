#include "model/sw/sw_cpu.h"

#include <string.h>

void sw_find_bonds(const sw_params *params, const mds_neighbor *list, sw_bonds *bonds)
{
    const double *xe = list->xe;
    const double cutoff2 = params->cutoff2;
    double *restrict bx = bonds->x, *restrict by = bonds->y, *restrict bz = bonds->z;
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

            bx[count] = dx;
            by[count] = dy;
            bz[count] = dz;
            first[count] = i;
            second[count] = j;
            count += dx * dx + dy * dy + dz * dz < cutoff2;
        }
    }
    for (int b = 0; b < count; ++b)
        second[b] = list->owner[second[b]];
    bonds->count = count;
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

void sw_moments(const sw_bonds *bonds, int n, double *moments)
{
    memset(moments, 0, (size_t)n * SW_MOMENT_STRIDE * sizeof *moments);
    for (int b = 0; b < bonds->count; ++b) {
        double *mi = moments + (size_t)bonds->first[b] * SW_MOMENT_STRIDE;
        double *mj = moments + (size_t)bonds->second[b] * SW_MOMENT_STRIDE;
        const double w = bonds->w[b], x = bonds->x[b], y = bonds->y[b], z = bonds->z[b];
        const double wx = w * x, wy = w * y, wz = w * z;
        const double even[SW_MOMENTS] = {w,      0.0,    0.0,    0.0,    wx * x,
                                         wy * y, wz * z, wx * y, wx * z, wy * z};
        const double odd[4] = {0.0, wx, wy, wz};

        for (int k = 0; k < 4; ++k)
            mi[k] += even[k] + odd[k];
        for (int k = 4; k < SW_MOMENTS; ++k)
            mi[k] += even[k];
        for (int k = 0; k < 4; ++k)
            mj[k] += even[k] - odd[k];
        for (int k = 4; k < SW_MOMENTS; ++k)
            mj[k] += even[k];
    }
}

MDS_CLONES void sw_gradients(const sw_params *params, sw_bonds *bonds, const double *moments)
{
    const sw_params p = *params;
    const double *restrict x = bonds->x, *restrict y = bonds->y, *restrict z = bonds->z;
    const double *restrict inv_r = bonds->inv_r, *restrict dphi = bonds->dphi;
    const double *restrict w = bonds->w, *restrict dw = bonds->dw, *restrict m = moments;
    const int *restrict first = bonds->first, *restrict second = bonds->second;
    double *restrict gx = bonds->gx, *restrict gy = bonds->gy, *restrict gz = bonds->gz;
    const int count = bonds->count;

#pragma GCC ivdep /* the arrays of sw_bonds do not overlap */
    for (int b = 0; b < count; ++b) {
        const int i = first[b] * SW_MOMENT_STRIDE, j = second[b] * SW_MOMENT_STRIDE;
        const double u[3] = {x[b], y[b], z[b]};
        const sw_bond t = {.inv_r = inv_r[b], .dphi = dphi[b], .w = w[b], .dw = dw[b]};
        const double sum[SW_MOMENTS] = {
            m[i] + m[j],         m[i + 1] - m[j + 1], m[i + 2] - m[j + 2], m[i + 3] - m[j + 3],
            m[i + 4] + m[j + 4], m[i + 5] + m[j + 5], m[i + 6] + m[j + 6], m[i + 7] + m[j + 7],
            m[i + 8] + m[j + 8], m[i + 9] + m[j + 9]};
        double g[3];

        sw_bond_gradient(&p, &t, u, sum, g);
        gx[b] = g[0];
        gy[b] = g[1];
        gz[b] = g[2];
    }
}

void sw_forces(const sw_bonds *bonds, int n, double *f)
{
    memset(f, 0, (size_t)n * 3 * sizeof *f);
    for (int b = 0; b < bonds->count; ++b) {
        double *fi = f + 3 * (size_t)bonds->first[b], *fj = f + 3 * (size_t)bonds->second[b];

        fi[0] += bonds->gx[b];
        fi[1] += bonds->gy[b];
        fi[2] += bonds->gz[b];
        fj[0] -= bonds->gx[b];
        fj[1] -= bonds->gy[b];
        fj[2] -= bonds->gz[b];
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

    for (int i = 0; i < n; ++i)
        centres += sw_centre_energy(params, moments + (size_t)i * SW_MOMENT_STRIDE);
    return centres + sum_of(bonds->energy, bonds->count);
}

void sw_virial(const sw_bonds *bonds, double virial[3][3])
{
    double xx = 0.0, yy = 0.0, zz = 0.0, xy = 0.0, xz = 0.0, yz = 0.0;

    for (int b = 0; b < bonds->count; ++b) {
        const double r = 1.0 / bonds->inv_r[b];
        const double x = r * bonds->x[b], y = r * bonds->y[b], z = r * bonds->z[b];

        xx += x * bonds->gx[b];
        yy += y * bonds->gy[b];
        zz += z * bonds->gz[b];
        xy += x * bonds->gy[b];
        xz += x * bonds->gz[b];
        yz += y * bonds->gz[b];
    }
    /* Each centre's part is symmetric because the energy does not change under rotation; of the
     * sum, six elements are therefore enough. */
    virial[0][0] = -xx;
    virial[1][1] = -yy;
    virial[2][2] = -zz;
    virial[0][1] = virial[1][0] = -xy;
    virial[0][2] = virial[2][0] = -xz;
    virial[1][2] = virial[2][1] = -yz;
}
