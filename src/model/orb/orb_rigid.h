/* How a molecule's forces lose their torque: the least change of the form ρ × μ, with ρ the place
 * relative to the mean place and M μ = −τ, M = Σ ρρᵀ − Σ ρ². C11 and CUDA C++. */
#ifndef MDS_MODEL_ORB_ORB_RIGID_H
#define MDS_MODEL_ORB_ORB_RIGID_H

#include "base/hd.h"

#include <math.h>

static inline MDS_HD void orb_cross(const double a[3], const double b[3], double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static inline MDS_HD double orb_determinant(const double h[3][3])
{
    double c[3];

    orb_cross(h[1], h[2], c);
    return h[0][0] * c[0] + h[0][1] * c[1] + h[0][2] * c[2];
}

/* Eigenvectors (columns of q) and values (diagonal) of a symmetric matrix by Jacobi's rotations. */
static inline MDS_HD void orb_diagonalize(double m[3][3], double q[3][3])
{
    for (int k = 0; k < 9; ++k)
        q[k / 3][k % 3] = k % 4 == 0 ? 1.0 : 0.0;
    for (int sweep = 0; sweep < 40; ++sweep)
        for (int pair = 0; pair < 3; ++pair) {
            const int a = pair == 2 ? 1 : 0, b = pair == 0 ? 1 : 2;

            if (m[a][b] == 0.0)
                continue;
            const double theta = 0.5 * atan2(2.0 * m[a][b], m[b][b] - m[a][a]);
            const double c = cos(theta), s = sin(theta);
            for (int k = 0; k < 3; ++k) {
                const double x = m[k][a], y = m[k][b], u = q[k][a], v = q[k][b];

                m[k][a] = c * x - s * y;
                m[k][b] = s * x + c * y;
                q[k][a] = c * u - s * v;
                q[k][b] = s * u + c * v;
            }
            for (int k = 0; k < 3; ++k) {
                const double x = m[a][k], y = m[b][k];

                m[a][k] = c * x - s * y;
                m[b][k] = s * x + c * y;
            }
        }
}

/* x = m⁺ y; directions in which m is nearly zero (a linear molecule's axis) are left out. m is
 * lost. */
static inline MDS_HD void orb_solve_symmetric(double m[3][3], const double y[3], double x[3])
{
    double q[3][3], largest = 0.0;

    orb_diagonalize(m, q);
    for (int k = 0; k < 3; ++k) {
        largest = fmax(largest, fabs(m[k][k]));
        x[k] = 0.0;
    }
    for (int k = 0; k < 3; ++k) {
        const double along = q[0][k] * y[0] + q[1][k] * y[1] + q[2][k] * y[2];

        for (int a = 0; fabs(m[k][k]) > 1e-12 * largest && a < 3; ++a)
            x[a] += q[a][k] * along / m[k][k];
    }
}

#endif
