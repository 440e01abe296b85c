/* Molecules made whole and sorted into slots. */
#include "model/spcfw/spcfw_list_private.h"

#include <math.h>
#include <string.h>

/* The translation that takes d to its shortest image. A vector shorter than half the smallest
 * height of the cell is the shortest already: any lattice vector is at least one height long. */
static void nearest_image(const mds_box *box, const double d[3], int k[3])
{
    const double height = fmin(box->height[0], fmin(box->height[1], box->height[2]));
    double image[3] = {d[0], d[1], d[2]}, s[3];

    k[0] = k[1] = k[2] = 0;
    if (4.0 * (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]) < height * height)
        return;
    mds_box_minimum_image(box, image);
    for (int i = 0; i < 3; ++i)
        image[i] -= d[i];
    mds_box_to_fractional(box, image, s);
    for (int i = 0; i < 3; ++i)
        k[i] = (int)lrint(s[i]);
}

/* Puts the oxygen into the cell and its hydrogens beside it; `s` gets the oxygen's fractions. */
static mds_status make_whole(const mds_box *box, const double *x, int molecule, int place[3][3],
                             double s[3])
{
    const double *o = x + 9 * (size_t)molecule;

    for (int k = 0; k < 9; ++k)
        if (!isfinite(o[k]) || fabs(o[k]) > 1e9)
            return mds_fail(MDS_ERR_NUMERIC, "the position of atom %d is %g Å",
                            3 * molecule + k / 3, o[k]);
    mds_box_to_fractional(box, o, s);
    for (int d = 0; d < 3; ++d) {
        place[0][d] = -(int)floor(s[d]);
        s[d] += place[0][d];
    }
    for (int a = 1; a < 3; ++a) {
        const double bond[3] = {o[3 * a] - o[0], o[3 * a + 1] - o[1], o[3 * a + 2] - o[2]};

        nearest_image(box, bond, place[a]);
        for (int d = 0; d < 3; ++d)
            place[a][d] += place[0][d];
    }
    return MDS_OK;
}

/* Sorts the molecules into columns along c about one cluster wide, up one column and down the next,
 * so that eight consecutive atoms are a compact cluster. */
static mds_status sort_molecules(spcfw_list *list, const mds_box *box, const double *x)
{
    enum { COLUMNS = 4096 };
    const double edge = cbrt(box->volume * SPCFW_CLUSTER / list->n);
    int across[2], begin[COLUMNS + 1] = {0}, filled[COLUMNS] = {0};

    for (int d = 0; d < 2; ++d)
        across[d] = (int)fmin(64.0, fmax(1.0, rint(box->height[d] / edge)));
    for (int i = 0; i < list->molecules; ++i) {
        double s[3];
        int cell[2];
        mds_status status = make_whole(box, x, i, list->place[i], s);

        if (status != MDS_OK)
            return status;
        for (int d = 0; d < 2; ++d) {
            const int at = (int)(s[d] * across[d]);

            cell[d] = at < across[d] ? at : across[d] - 1;
        }
        const int column = cell[1] * across[0] + (cell[1] % 2 ? across[0] - 1 - cell[0] : cell[0]);

        list->column[i] = column;
        list->height[i] = column % 2 ? -s[2] : s[2];
        ++begin[column + 1];
    }
    for (int c = 0; c < across[0] * across[1]; ++c)
        begin[c + 1] += begin[c];
    /* Counting by column, insertion by height. */
    for (int i = 0; i < list->molecules; ++i) {
        const int column = list->column[i];
        int at = begin[column] + filled[column]++;

        while (at > begin[column] && list->height[list->order[at - 1]] > list->height[i]) {
            list->order[at] = list->order[at - 1];
            --at;
        }
        list->order[at] = i;
    }
    return MDS_OK;
}

static void fill_slots(spcfw_list *list, const mds_box *box, const double *x)
{
    list->hh_any = false;
    for (int m = 0; m < list->molecules; ++m) {
        const int i = list->order[m];
        double move[2][3], d[3];

        for (int a = 0; a < 3; ++a) {
            list->atom[3 * m + a] = 3 * i + a;
            memcpy(list->offset[3 * m + a], list->place[i][a], sizeof *list->offset);
        }
        for (int a = 0; a < 2; ++a)
            spcfw_lattice_vector(box, list->place[i][a + 1], move[a]);
        for (int k = 0; k < 3; ++k)
            d[k] = x[9 * i + 6 + k] + move[1][k] - x[9 * i + 3 + k] - move[0][k];
        nearest_image(box, d, list->hh[m]);
        list->hh_any |= list->hh[m][0] || list->hh[m][1] || list->hh[m][2];
    }
}

mds_status spcfw_list_lay_out(spcfw_list *list, const mds_box *box, const double *x)
{
    const mds_status status = sort_molecules(list, box, x);

    if (status == MDS_OK)
        fill_slots(list, box, x);
    return status;
}
