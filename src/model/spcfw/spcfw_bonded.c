#include "model/spcfw/spcfw_bonded.h"

#include "model/spcfw/spcfw_math.h"

static double square(const double a[3])
{
    return a[0] * a[0] + a[1] * a[1] + a[2] * a[2];
}

/* One pair: its force on the end of `d`. A pair beyond the cutoff was not in the pair sum. */
static double exclude(const spcfw_list *list, const double d[3], double qq, double f[3])
{
    const double s = square(d);

    if (s >= list->cutoff * list->cutoff)
        return 0.0;
    const spcfw_pair pair = spcfw_exclusion(qq, s);

    for (int k = 0; k < 3; ++k)
        f[k] += pair.force_over_r * d[k];
    return pair.energy;
}

/* a, b: O→H1, O→H2; c: H1→H2 with the force fc on H2. */
static double molecule(const spcfw_list *list, double a[3], double b[3], double c[3], double fa[3],
                       double fb[3], double fc[3])
{
    const double qoh = SPCFW_CHARGE_O * SPCFW_CHARGE_H, qhh = SPCFW_CHARGE_H * SPCFW_CHARGE_H;
    const spcfw_pair first = spcfw_bond(square(a)), second = spcfw_bond(square(b));
    double energy = spcfw_angle(a, b, fa, fb) + first.energy + second.energy;

    for (int k = 0; k < 3; ++k) {
        fa[k] += first.force_over_r * a[k];
        fb[k] += second.force_over_r * b[k];
        fc[k] = 0.0;
    }
    energy += exclude(list, a, qoh, fa);
    energy += exclude(list, b, qoh, fb);
    energy += exclude(list, c, qhh, fc);
    return energy;
}

double spcfw_bonded(const spcfw_list *list, double *f, double virial[3][3])
{
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
        energy += molecule(list, a, b, c, fa, fb, fc);
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
