/* Inside of the neighbour list: shared by neighbor.c (life, update), neighbor_bins.c (images sorted
 * into bins) and neighbor_search.c (entries). Not for users. */
#ifndef MDS_MD_NEIGHBOR_PRIVATE_H
#define MDS_MD_NEIGHBOR_PRIVATE_H

#include "md/neighbor.h"
#include "md/neighbor_collect.h"

/* A buffer on the device that only grows. */
typedef struct mds_neighbor_buffer {
    void *memory;
    size_t capacity; /* bytes */
} mds_neighbor_buffer;

/* A row of bins along a, seen from an atom's bin: bins (db, dc) away across, low … high along. */
typedef struct mds_neighbor_run {
    int db, dc, low, high;
} mds_neighbor_run;

/* The images of the wrapped atoms, sorted into bins that are parallel to the cell. Bin edges lie on
 * the cell's faces in periodic directions, so that an image's bin is its atom's bin plus whole
 * cells, in exact integers. Direction 0 runs fastest. */
typedef struct mds_neighbor_bins {
    double reach;           /* cutoff + skin, with a margin for rounding */
    int per_cell[3];        /* bins across the cell, or across the atoms if not periodic */
    int low[3], high[3];    /* bins that hold images, inclusive */
    double origin[3];       /* fractional; 0 in periodic directions */
    double extent[3];       /* fractional; 1 in periodic directions */
    int images;             /* sorted: */
    double *x, *y, *z;      /* (images) Å */
    int *image_owner;       /* (images) */
    int *image_shift;       /* (images,3) cells from the wrapped atom */
    int *bin_start;         /* (bins + 1) */
    int *home;              /* (n) place of the unshifted image */
    int *bin_of;            /* (n,3) */
    int *wrap;              /* (n,3) cells between an atom and its wrapped position */
    double *wrapped;        /* (n,3) */
    mds_neighbor_run *runs; /* (run_count) stencil */
    int run_count;
    mds_neighbor_buffer buffer[9];
} mds_neighbor_bins;

typedef struct mds_neighbor_private {
    mds_device *device;
    mds_neighbor_options options;
    mds_neighbor_collect *collect;
    bool valid;         /* a list exists and may be tested against */
    bool tested;        /* the list has passed at least one test since it was built */
    mds_box built;      /* cell at the last build */
    mds_box offset_box; /* cell that `offset` belongs to */
    double *xe, *x0;
    double *offset; /* (m,4) from an atom to its row, from an atom's row to its ghost; Å */
    int *owner, *shift, *start, *count, *index;
    int *row_of_image; /* (images) or -1 while no atom lists it */
    int *hits;         /* (images) images near the atom in hand */
    mds_neighbor_buffer xe_buffer, offset_buffer, x0_buffer, owner_buffer, shift_buffer,
        start_buffer, count_buffer, index_buffer, row_buffer, hits_buffer;
    mds_neighbor_bins bins;
} mds_neighbor_private;

/* At least `bytes`; the first `keep` bytes survive. Takes more than asked for, so that it is rare.
 */
mds_status mds_neighbor_grow(mds_device *device, mds_neighbor_buffer *buffer, size_t bytes,
                             size_t keep, const char *what);

/* Wraps the atoms and sorts all images that can be neighbours into bins. */
mds_status mds_neighbor_fill_bins(mds_device *device, mds_neighbor_bins *bins, const mds_box *box,
                                  int n, const double *x, double reach, bool half);
void mds_neighbor_free_bins(mds_device *device, mds_neighbor_bins *bins);

/* Entries and ghost rows from the bins: owner, shift, start, count, index, n, m, entries. */
mds_status mds_neighbor_search(mds_neighbor *list, int n);

#endif
