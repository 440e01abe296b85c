#include "model/spcfw/spcfw_bonded.h"

#include "model/spcfw/spcfw_math.h"

double spcfw_bonded(const spcfw_list *list, double *f, double virial[3][3])
{
    const double cutoff2 = list->cutoff * list->cutoff;
    double energy = 0.0;

    for (int m = 0; m < list->molecules; ++m) {
        double x[3][3], a[3], b[3], c[3], fa[3], fb[3], fc[3];
        double *fo = f + 3 * (size_t)list->atom[3 * m];

        for (int i = 0; i < 3; ++i)
            for (int k = 0; k < 3; ++k)
                x[i][k] =
                    list->cluster[(3 * m + i) / SPCFW_CLUSTER].x[k][(3 * m + i) % SPCFW_CLUSTER];
        for (int k = 0; k < 3; ++k) {
            a[k] = x[1][k] - x[0][k];
            b[k] = x[2][k] - x[0][k];
            c[k] = x[2][k] - x[1][k];
        }
        if (list->hh_any) {
            double move[3];

            spcfw_lattice_vector(&list->box, list->hh[m], move);
            for (int k = 0; k < 3; ++k)
                c[k] += move[k];
        }
        energy += spcfw_molecule(cutoff2, a, b, c, fa, fb, fc);
        for (int k = 0; k < 3; ++k) {
            fo[k] -= fa[k] + fb[k];
            fo[3 + k] += fa[k] - fc[k];
            fo[6 + k] += fb[k] + fc[k];
        }
        for (int k = 0; virial && k < 9; ++k)
            virial[k / 3][k % 3] += a[k / 3] * fa[k % 3] + b[k / 3] * fb[k % 3] +
                                    c[k / 3] * fc[k % 3];
    }
    return energy;
}
