/* The innermost loop of a build: which of a run of positions lie within a distance of a point. One
 * portable version, and vector versions for the x86 processors that have them, chosen at run time
 * because the program is built for any processor. Inside of the neighbour list; not for users. */
#ifndef MDS_MD_NEIGHBOR_COLLECT_H
#define MDS_MD_NEIGHBOR_COLLECT_H

/* Room that `hits` must have beyond the last hit: vectors are stored whole. */
enum { MDS_NEIGHBOR_OVERRUN = 8 };

/* Appends to hits[count …] every k in [first, last) with |(x,y,z)[k] − centre|² ≤ limit, in order;
 * returns the new count. */
typedef int mds_neighbor_collect(const double *x, const double *y, const double *z, int first,
                                 int last, const double centre[3], double limit, int *hits,
                                 int count);

/* The versions that this processor can run, best first, ending with NULL; at most `most` of them
 * with the NULL. */
void mds_neighbor_collect_versions(mds_neighbor_collect **out, int most);

#endif
