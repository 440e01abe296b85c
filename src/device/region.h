/* Components of a step: named regions, begun and ended in the same function.
 *
 *     mds_region_begin(regions, MDS_REGION_NEIGHBOR);
 *     ...
 *     mds_region_end(regions, MDS_REGION_NEIGHBOR);
 *
 * Regions are leaves: they do not nest, so their sum plus a residual is the step. With a NULL sink,
 * or one that is off (the timed pass), a region costs one predictable branch. */
#ifndef MDS_DEVICE_REGION_H
#define MDS_DEVICE_REGION_H

#include "device/marks.h"

#define MDS_REGION_LIST(X)                                                                         \
    X(NEIGHBOR, "neighbor", "neighbour list: displacement test, images, rebuild")                  \
    X(DESCRIPTOR, "descriptor", "descriptors or edge features of a network")                       \
    X(DENSITY, "density", "electron density of an embedded-atom model")                            \
    X(EMBEDDING, "embedding", "embedding energy and its derivative")                               \
    X(NETWORK, "network", "network, forward")                                                      \
    X(ENCODER, "encoder", "first features of a graph network's edges and atoms")                   \
    X(EDGE_NETWORK, "edge_network", "a graph network's messages, all layers")                      \
    X(AGGREGATE, "aggregate", "sums of messages at the atoms, all layers")                         \
    X(NODE_NETWORK, "node_network", "a graph network's update of the atoms, all layers")           \
    X(HEADS, "heads", "energy, forces and stress from a graph network's features")                 \
    X(ZBL, "zbl", "repulsion of near nuclei beside a network")                                     \
    X(NETWORK_BACKWARD, "network_backward", "network, backward")                                   \
    X(BONDED, "bonded", "bonds, angles and intramolecular corrections")                            \
    X(FORCES, "forces", "pair and many-body forces, with energy and virial")                       \
    X(STRESS, "stress", "stress, where it is a pass of its own")                                   \
    X(INTEGRATE, "integrate", "positions and velocities")                                          \
    X(THERMOSTAT, "thermostat", "thermostat")                                                      \
    X(BAROSTAT, "barostat", "barostat")                                                            \
    X(OBSERVE, "observe", "kinetic energy, temperature, pressure, conserved quantity")             \
    X(EXTERNAL, "external", "waiting for a program outside")

typedef enum mds_region {
#define MDS_REGION_ENUM(id, key, text) MDS_REGION_##id,
    MDS_REGION_LIST(MDS_REGION_ENUM)
#undef MDS_REGION_ENUM
        MDS_REGION_COUNT
} mds_region;

enum { MDS_REGION_VISITS = 64 }; /* regions of one step that are timed by events, at most */

typedef struct mds_regions {
    mds_device *device;
    mds_marks *marks; /* profilers' view of the same: a range per region; may be NULL */
    bool on;
    int mark; /* depth of the open one */
    int64_t started_ns;
    /* Without host access regions are timed by events, so that nothing waits within the step: slots
     * event_first to event_first + 2·event_room − 1 of the device's ring. With event_room 0, or
     * when a step has more visits, the device is waited for at both ends instead. */
    int event_first, event_room, visits;
    unsigned char visited[MDS_REGION_VISITS]; /* which region a visit was to */
    double seconds[MDS_REGION_COUNT];         /* of the present step */
    bool seen[MDS_REGION_COUNT];              /* was ever entered while on */
} mds_regions;

const char *mds_region_key(mds_region region);  /* "neighbor" */
const char *mds_region_text(mds_region region); /* one line */

/* Starts a step: seconds become zero. */
void mds_regions_reset(mds_regions *regions);
void mds_region_enter(mds_regions *regions, mds_region region);
void mds_region_leave(mds_regions *regions, mds_region region);
/* Ends a step that has been waited for: reads the events into `seconds`. */
void mds_regions_collect(mds_regions *regions);

static inline void mds_region_begin(mds_regions *regions, mds_region region)
{
    if (regions && regions->on)
        mds_region_enter(regions, region);
}

static inline void mds_region_end(mds_regions *regions, mds_region region)
{
    if (regions && regions->on)
        mds_region_leave(regions, region);
}

#endif
