/* Chemical elements: symbol, number, standard mass, and the set of species in a structure. */
#ifndef MDS_MD_SPECIES_H
#define MDS_MD_SPECIES_H

#include "base/status.h"

enum { MDS_SPECIES_MAX = 16 };

/* Distinct elements of a structure, in order of first appearance; atoms refer to them by index. */
typedef struct mds_species {
    int count;
    int z[MDS_SPECIES_MAX];
    double mass[MDS_SPECIES_MAX]; /* u; default of the element, a model may know better */
} mds_species;

/* 1..118, or 0 for an unknown symbol. Case-sensitive: "Si". */
int mds_element_number(const char *symbol);
const char *mds_element_symbol(int z); /* "X" for an unknown number */
double mds_element_mass(int z);        /* u; IUPAC abridged standard weights, 0 when unknown */

/* Index of element z in the set, adding it; -1 when the set is full. */
int mds_species_add(mds_species *species, int z);
int mds_species_find(const mds_species *species, int z); /* -1 when absent */

#endif
