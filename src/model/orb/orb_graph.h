/* The graph of a step: from each atom (the sender) to its nearest neighbours within 6 Å, at most k
 * of them, all periodic images counted, an atom's own images too. It is directed: that j is among
 * the nearest of i does not make i one of the nearest of j.
 *
 * Distances are ranked by d² of the components rounded to float32, then by receiver, then by
 * lattice translation, so that the degenerate shells of a perfect crystal are always cut alike, in
 * every precision and whatever the last bit of a position is. Edges come by sender, nearest first.
 */
#ifndef MDS_MODEL_ORB_ORB_GRAPH_H
#define MDS_MODEL_ORB_ORB_GRAPH_H

#include "device/team.h"
#include "md/neighbor.h"

typedef struct orb_graph {
    /* read-only for users */
    int n, k, edges;
    int *start;          /* (n+1) edges of each sender */
    int *sender;         /* (edges) */
    int *receiver;       /* (edges) */
    int *receiver_start; /* (n+1) into receiver_edges */
    int *receiver_edges; /* (edges) the edges of each receiver, ascending */
    double *vector;      /* (edges,3) Å, sender to receiver */
    double *distance;    /* (edges) Å */
    /* private */
    mds_device *device;
    void *memory, *work;
    size_t memory_bytes, work_bytes;
    int work_stride;
} orb_graph;

/* Zero-initialise, then: room for n atoms with at most k neighbours each. */
mds_status orb_graph_set_atoms(orb_graph *graph, mds_device *device, int n, int k);
void orb_graph_fini(orb_graph *graph);
/* From a full list of at least 6 Å that is up to date. */
mds_status orb_graph_build(orb_graph *graph, mds_team *team, const mds_neighbor *list);

#endif
