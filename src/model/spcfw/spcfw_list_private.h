/* The parts of a list's making, between the files that share them. */
#ifndef MDS_MODEL_SPCFW_LIST_PRIVATE_H
#define MDS_MODEL_SPCFW_LIST_PRIVATE_H

#include "model/spcfw/spcfw_list.h"

/* Makes room for `need` elements of `size` bytes in *array, keeping the first `used`. `array` is
 * the address of the pointer. */
mds_status spcfw_list_grow(spcfw_list *list, void *array, size_t *room, size_t used, size_t need,
                           size_t size);

/* Clusters, rounded up to whole vectors of eight. */
size_t spcfw_list_padded(int clusters);

/* Orders the molecules in space and sets atom[], offset[] and hh[] (spcfw_molecules.c). */
mds_status spcfw_list_lay_out(spcfw_list *list, const mds_box *box, const double *x);

/* Sets shift[], the images within reach of the slots' positions (spcfw_search.c). */
mds_status spcfw_list_set_shifts(spcfw_list *list, const mds_box *box);

/* The outer list, and the inner one as it is now; both from the slots' positions and moves. */
mds_status spcfw_list_search(spcfw_list *list);
mds_status spcfw_list_prune(spcfw_list *list);

#endif
