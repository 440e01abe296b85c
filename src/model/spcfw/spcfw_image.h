/* The shortest image of a vector, for kernels: as mds_box_minimum_image() for a cell that is
 * periodic in all directions. */
#ifndef MDS_MODEL_SPCFW_IMAGE_H
#define MDS_MODEL_SPCFW_IMAGE_H

#include "base/hd.h"

#include <math.h>
#include <stdbool.h>

static inline MDS_HD double spcfw_square(const double d[3])
{
    return d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
}

/* Whether no image can be shorter: lattice vectors are at least the smallest height of the cell
 * long, and 1/height² is the square of a column of the inverse. */
static inline MDS_HD bool spcfw_surely_shortest(const double inverse[3][3], double square)
{
    bool sure = true;

    for (int k = 0; k < 3; ++k) {
        const double column[3] = {inverse[0][k], inverse[1][k], inverse[2][k]};

        sure = sure && 4.0 * square * spcfw_square(column) < 1.0;
    }
    return sure;
}

/* All images that are no longer than d: those have |s_k| height_k ≤ |d| for each k. */
static inline MDS_HD void spcfw_search_images(const double h[3][3], const double inverse[3][3],
                                              double d[3])
{
    double best[3] = {d[0], d[1], d[2]};
    int low[3], high[3];

    for (int k = 0; k < 3; ++k) {
        const double column[3] = {inverse[0][k], inverse[1][k], inverse[2][k]};
        const double reach = sqrt(spcfw_square(d) * spcfw_square(column));
        const double s = d[0] * column[0] + d[1] * column[1] + d[2] * column[2];

        low[k] = (int)ceil(-reach - s);
        high[k] = (int)floor(reach - s);
    }
    for (int i = low[0]; i <= high[0]; ++i)
        for (int j = low[1]; j <= high[1]; ++j)
            for (int k = low[2]; k <= high[2]; ++k) {
                double image[3];

                for (int c = 0; c < 3; ++c)
                    image[c] = d[c] + i * h[0][c] + j * h[1][c] + k * h[2][c];
                if (spcfw_square(image) < spcfw_square(best))
                    for (int c = 0; c < 3; ++c)
                        best[c] = image[c];
            }
    for (int c = 0; c < 3; ++c)
        d[c] = best[c];
}

static inline MDS_HD void spcfw_shortest_image(const double h[3][3], const double inverse[3][3],
                                               double d[3])
{
    if (spcfw_surely_shortest(inverse, spcfw_square(d)))
        return;
    const double s[3] = {rint(d[0] * inverse[0][0] + d[1] * inverse[1][0] + d[2] * inverse[2][0]),
                         rint(d[0] * inverse[0][1] + d[1] * inverse[1][1] + d[2] * inverse[2][1]),
                         rint(d[0] * inverse[0][2] + d[1] * inverse[1][2] + d[2] * inverse[2][2])};

    for (int c = 0; c < 3; ++c)
        d[c] -= s[0] * h[0][c] + s[1] * h[1][c] + s[2] * h[2][c];
    if (!spcfw_surely_shortest(inverse, spcfw_square(d)))
        spcfw_search_images(h, inverse, d);
}

#endif
