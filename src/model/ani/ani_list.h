/* Atoms sorted by element, and their neighbour candidates sorted by element: what the kernels walk
 * over. Made when the atoms become known, and after each build of the neighbour list. */
#ifndef MDS_MODEL_ANI_ANI_LIST_H
#define MDS_MODEL_ANI_ANI_LIST_H

#include "md/neighbor.h"
#include "model/ani/ani_kernel.h"

typedef struct ani_list {
    ani_atoms atoms; /* points into the memory below */
    int lanes;
    size_t real_size;
    int blocks[ANI_ELEMENTS_MAX + 1]; /* first block of `lanes` slots of each element; the end */
    int count[ANI_ELEMENTS_MAX];      /* atoms of each element */
    int64_t builds;                   /* of the neighbour list when candidates were sorted */
    int *kind;                        /* (n) element of an atom among the present ones */
    void *per_atom, *candidates, *pool;
    size_t per_atom_bytes, candidates_bytes, pool_bytes;
} ani_list;

/* kind_of[type]: index among the `live` present elements. Needs list->atoms.d, lanes, real_size. */
mds_status ani_list_set_atoms(ani_list *list, mds_device *device, int n, const int *type,
                              const int *kind_of, int live, int features);
/* Sorts the candidates when `neighbors` was built since the last time. */
mds_status ani_list_refresh(ani_list *list, mds_device *device, const mds_neighbor *neighbors);
void ani_list_fini(ani_list *list, mds_device *device);

#endif
