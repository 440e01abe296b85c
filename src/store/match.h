/* Private to store/: finding the same case in two files. */
#ifndef MDS_STORE_MATCH_H
#define MDS_STORE_MATCH_H

#include "store/row.h"

/* A row and its number in its file, sorted to be searched. */
typedef struct mds_row_entry {
    const mds_row *row;
    int number;
} mds_row_entry;

/* Orders for qsort() and bsearch() of entries: the key, and what a person would call the case. */
int mds_row_by_key(const void *left, const void *right);
int mds_row_by_label(const void *left, const void *right);
/* Heap, sorted; NULL without memory. */
mds_row_entry *mds_row_index(const mds_row *rows, int count,
                             int (*order)(const void *, const void *));
/* "steps was 40, is 41": in what two rows of one label differ. */
void mds_row_difference(const mds_row *was, const mds_row *is, char *out, size_t size);

#endif
