/* The pair loop: Coulomb and Lennard-Jones over the molecule-cluster list, one kernel for each
 * vector instruction set (spcfw_pair_kernel.h). */
#ifndef MDS_MODEL_SPCFW_PAIR_H
#define MDS_MODEL_SPCFW_PAIR_H

#include "model/spcfw/spcfw_fit.h"
#include "model/spcfw/spcfw_cluster.h"

struct spcfw_list;

/* Charges in the pair loop are in units of q_H: hydrogen 1, oxygen −2. Energies of pairs are in
 * units of k_e q_H², and force = SPCFW_UNIT · charge · field. */
#define SPCFW_OXYGEN (SPCFW_CHARGE_O / SPCFW_CHARGE_H)
#define SPCFW_UNIT   (SPCFW_COULOMB * SPCFW_CHARGE_H * SPCFW_CHARGE_H)

typedef struct spcfw_pair_constants {
    double cutoff2;
    double force_shift;
    spcfw_fit fit;
} spcfw_pair_constants;

/* One molecule in one image, looking for clusters. */
typedef struct spcfw_search {
    const spcfw_cluster *cluster;
    const double *bounds[2][3]; /* lowest and highest x, y, z of each cluster; padded to eights */
    int clusters;
    double reach2;
    double x[3][3]; /* the molecule's atoms, moved to the image; Å */
    int first;  /* its first slot when the image is the cell itself (only j > i count), else −1 */
    int *found; /* room for all clusters */
    int whole;  /* out: how many of the found ones come before the first whole one */
    int64_t pairs; /* out: pairs within reach */
} spcfw_search;

/* One per vector instruction set; the loops are in spcfw_pair_kernel.h. */
typedef struct spcfw_kernels {
    const char *name;
    /* Adds to cluster[].f and shift_field[]; returns the energy per SPCFW_UNIT. */
    void (*pairs)(struct spcfw_list *list, const spcfw_pair_constants *constants, double *energy);
    /* Writes the numbers of the clusters with a pair within reach to `found`, returns how many. */
    int (*search)(spcfw_search *search);
} spcfw_kernels;

extern const spcfw_kernels spcfw_kernels_portable;
#ifdef __x86_64__
extern const spcfw_kernels spcfw_kernels_avx2, spcfw_kernels_avx512;
#endif

/* "auto" takes the widest this processor has; also "avx512", "avx2", "portable". NULL when the
 * processor or the build lacks it. */
const spcfw_kernels *spcfw_kernels_find(const char *name);

/* The charges and Lennard-Jones constants of each slot. */
void spcfw_pair_set_constants(struct spcfw_list *list, double cutoff);

#endif
