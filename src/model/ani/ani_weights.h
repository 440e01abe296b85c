/* The parameters of an ANI model on the host: descriptor constants, self energies and networks, as
 * they lie in a folder of NeuroChem files (docs/models-ani.md) or in one weights file
 * (docs/weights.md), or made up from a seed. Units: Å, and for energies energy_unit_eV. */
#ifndef MDS_MODEL_ANI_ANI_WEIGHTS_H
#define MDS_MODEL_ANI_ANI_WEIGHTS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ANI_ELEMENTS_MAX = 10,
    ANI_MEMBERS_MAX = 32,
    ANI_LAYERS_MAX = 8,
    ANI_SHIFTS_MAX = 64,
    ANI_CUTOFF_MAX = 20, /* Å */
    ANI_PATH_SIZE = 512,
    ANI_NAME_SIZE = 96
};

/* CODATA 2014, the value the published energies were converted with. */
#define ANI_HARTREE_EV 27.211386024367243

/* Constants of the descriptor (ani_kernel.h has the formula). Widths, exponent and shifts are kept
 * as the float32 they were trained with, promoted; the cutoffs are the decimals of the file. */
typedef struct ani_descriptor {
    double radial_cutoff, angular_cutoff; /* Å */
    double eta_r, eta_a, zeta;
    int n_radial, n_angular, n_sections;                     /* shifts: ShfR, ShfA, ShfZ */
    double shift_r[ANI_SHIFTS_MAX], shift_a[ANI_SHIFTS_MAX]; /* Å */
    double shift_z[ANI_SHIFTS_MAX];                          /* radian */
} ani_descriptor;

typedef struct ani_layer {
    int in, out;
    char weight_file[ANI_NAME_SIZE], bias_file[ANI_NAME_SIZE]; /* of a folder, else "" */
} ani_layer;

typedef struct ani_net {
    int layers;
    ani_layer layer[ANI_LAYERS_MAX];
} ani_net;

typedef struct ani_weights {
    char folder[ANI_PATH_SIZE]; /* or file; "" when synthetic */
    struct mds_weights *file;   /* open; NULL: a folder, or synthetic */
    char prefix[ANI_NAME_SIZE]; /* of the members' folders: "train" */
    uint64_t seed;              /* of synthetic weights; 0: from files */
    int elements;               /* in the order of the descriptor's slots */
    char symbol[ANI_ELEMENTS_MAX][4];
    int z[ANI_ELEMENTS_MAX];
    double energy_unit_eV; /* of self energies and of what networks give */
    double self_energy[ANI_ELEMENTS_MAX];
    ani_descriptor descriptor;
    int members;
    ani_net net[ANI_MEMBERS_MAX][ANI_ELEMENTS_MAX];
} ani_weights;

/* Reads what describes the model: parameters, self energies, number of members; `path` is a folder
 * of NeuroChem files or a weights file. Cheap. To be closed when it succeeded.
 * MDS_ERR_UNSUPPORTED when there is no such model (the message says which file is expected and how
 * to get it), MDS_ERR_CONFIG for a damaged file. */
mds_status ani_weights_open(const char *path, ani_weights *out);
/* Closes the file, if one is open. Accepts NULL. */
void ani_weights_close(ani_weights *weights);
/* Reads the description of every network and checks the size of every file of weights, but does
 * not read those. MDS_ERR_CONFIG or MDS_ERR_IO naming the file (and the tensor). */
mds_status ani_weights_check(ani_weights *weights);
/* The shape of ANI-2x with numbers that depend on `seed` (not 0) alone. */
void ani_weights_synthetic(uint64_t seed, ani_weights *out);

/* The weights (out,in) and biases (out) of a layer into arrays of the caller. MDS_ERR_CONFIG naming
 * the file when one has changed size or holds a number that is not finite. */
mds_status ani_weights_read(const ani_weights *weights, int member, int element, int layer,
                            float *weight, float *bias);

/* Arrays for that with room for the largest layer. Heap; to be freed also on failure. */
mds_status ani_weights_buffers(const ani_weights *weights, float **weight, float **bias);

/* Index of element z, or -1. */
int ani_weights_find(const ani_weights *weights, int z);
/* Length of the descriptor of `elements` elements: radial and angular part. */
int ani_descriptor_radial(const ani_descriptor *d, int elements);
int ani_descriptor_length(const ani_descriptor *d, int elements);
/* Number of the unordered pair of elements i, j among `elements`: row-major upper triangle. */
int ani_pair_index(int elements, int i, int j);

/* The description of one network from the text of an .nnf file, bzip2-packed or plain, with a NUL
 * behind it (as mds_read_file() leaves one); `path` is for messages. */
mds_status ani_nnf_parse(const char *path, const char *bytes, size_t length, ani_net *out);

#endif
