/* Eight atoms as the pair loop reads and writes them. */
#ifndef MDS_MODEL_SPCFW_CLUSTER_H
#define MDS_MODEL_SPCFW_CLUSTER_H

#include <stdint.h>

enum { SPCFW_CLUSTER = 8 };

/* Eight slots. Empty slots of the last cluster lie far away and have no charge. */
typedef struct spcfw_cluster {
    double x[3][SPCFW_CLUSTER]; /* Å, whole molecules, oxygens inside the cell at the build */
    double q[SPCFW_CLUSTER];    /* charge / q_H */
    double c12[SPCFW_CLUSTER];  /* Lennard-Jones with an oxygen (spcfw_pair_set_constants) */
    double c6[SPCFW_CLUSTER];
    double lj_shift[SPCFW_CLUSTER];
    double f[3][SPCFW_CLUSTER]; /* field: force / (SPCFW_UNIT q) */
} spcfw_cluster;

#endif
