/* The two texts that describe an ANI model apart from its networks. */
#ifndef MDS_MODEL_ANI_ANI_PARAMS_H
#define MDS_MODEL_ANI_ANI_PARAMS_H

#include "model/ani/ani_weights.h"

/* `.params`: descriptor and elements. `path` is for messages. */
mds_status ani_params_parse(const char *path, const char *text, ani_weights *out);
/* `sae_linfit.dat`: lines SYMBOL,index=hartree, for the elements of `out`. */
mds_status ani_self_energies_parse(const char *path, const char *text, ani_weights *out);

#endif
