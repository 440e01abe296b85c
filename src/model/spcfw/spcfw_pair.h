/* The pair loop: Coulomb and Lennard-Jones over the molecule-cluster list, one kernel for each
 * vector instruction set (spcfw_pair_kernel.h). */
#ifndef MDS_MODEL_SPCFW_PAIR_H
#define MDS_MODEL_SPCFW_PAIR_H

#include "model/spcfw/spcfw_cluster.h"
#include "model/spcfw/spcfw_fit.h"

#include <stddef.h>
#include <stdint.h>

/* The wider kernels need x86-64 and gcc's way to compile one file for another machine. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define SPCFW_X86
#endif

/* Charges in the pair loop are in units of q_H: hydrogen 1, oxygen −2. Energies of pairs are in
 * units of k_e q_H², and force = SPCFW_UNIT · charge · field. */
#define SPCFW_OXYGEN (SPCFW_CHARGE_O / SPCFW_CHARGE_H)
#define SPCFW_UNIT   (SPCFW_COULOMB * SPCFW_CHARGE_H * SPCFW_CHARGE_H)

typedef struct spcfw_pair_constants {
    double cutoff2;
    double force_shift;
    double c12, c6, lj_shift; /* Lennard-Jones, such that its force is charge · field too */
    spcfw_fit fit;
} spcfw_pair_constants;

mds_status spcfw_pair_constants_make(const spcfw_dsf *dsf, spcfw_pair_constants *out);

/* Molecule `molecule` moved by lattice translation `shift`, against index[begin .. end), an even
 * number of clusters. Those before `whole` also hold slots that must be left out (j ≤ i). */
typedef struct spcfw_entry {
    int molecule, shift, begin, whole, end;
} spcfw_entry;

typedef struct spcfw_pairs {
    spcfw_entry *entry;
    int entries;
    int *index; /* cluster numbers */
    int indices;
    size_t entry_room, index_room; /* elements there is memory for */
} spcfw_pairs;

/* One molecule in one image, looking for clusters. */
typedef struct spcfw_search {
    const spcfw_cluster *cluster;
    const double *bounds[2][3]; /* lowest and highest x, y, z of each cluster; padded to eights */
    int clusters;
    double reach2;
    double x[3][3];               /* the molecule's atoms, moved to the image; Å */
    double lowest[3], highest[3]; /* bounds of x; for search only */
    int first; /* its first slot when the image is the cell itself (only j > i count), else −1 */
} spcfw_search;

/* One per vector instruction set; the loops are in spcfw_pair_kernel.h. */
typedef struct spcfw_kernels {
    const char *name;
    double seconds_per_atom; /* of a step, about; orders a sweep */
    /* Adds to cluster[].f, and to field[shift] charge · field on the molecules moved by
     * move[shift]; returns the energy per SPCFW_UNIT. */
    void (*pairs)(spcfw_cluster *cluster, const spcfw_pairs *list, const double (*move)[3],
                  const spcfw_pair_constants *constants, double (*field)[3], double *energy);
    /* Clusters whose bounds are within reach of the molecule's, in ascending order; how many. */
    int (*search)(const spcfw_search *search, int *to);
    /* Copies those of from[count] (even) that have a pair within reach; `to` may be `from`. Returns
     * how many, and adds the number of pairs. */
    int (*prune)(const spcfw_search *search, const int *from, int count, int *to, int64_t *pairs);
} spcfw_kernels;

extern const spcfw_kernels spcfw_kernels_portable;
#ifdef SPCFW_X86
extern const spcfw_kernels spcfw_kernels_avx2, spcfw_kernels_avx512;
#endif

/* "auto" takes the widest this processor has; also "avx512", "avx2", "portable". NULL when the
 * processor or the build lacks it. */
const spcfw_kernels *spcfw_kernels_find(const char *name);

#endif
