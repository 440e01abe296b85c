/* Places for any number of molecules in a cubic box, as far apart as a lattice can put them. */
#ifndef MDS_SYSTEM_WATER_SITES_H
#define MDS_SYSTEM_WATER_SITES_H

/* A rank-1 lattice (Korobov 1959): point i of n is (i, i g0, i g1)/n modulo 1. It has exactly n
 * points for every n, where a cubic lattice would leave holes, and it is periodic with the box.
 * Chooses the generators with the largest distance between points. */
void water_choose_sites(int n, int generator[2]);

/* Fractional coordinates of point i. */
void water_site(int n, const int generator[2], int i, double site[3]);

#endif
