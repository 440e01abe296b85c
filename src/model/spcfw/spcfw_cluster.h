/* Four atoms as the pair loop reads and writes them. */
#ifndef MDS_MODEL_SPCFW_CLUSTER_H
#define MDS_MODEL_SPCFW_CLUSTER_H

enum { SPCFW_CLUSTER = 4 };

/* Four slots. Empty slots lie far away and have no charge. */
typedef struct spcfw_cluster {
    double x[3][SPCFW_CLUSTER];   /* Å, whole molecules, oxygens inside the cell at the build */
    double q[SPCFW_CLUSTER];      /* charge / q_H: −2 is an oxygen, 1 a hydrogen */
    double f[3][SPCFW_CLUSTER];   /* field: force / (SPCFW_UNIT q) */
    double unused[SPCFW_CLUSTER]; /* to whole cache lines */
} spcfw_cluster;

#endif
