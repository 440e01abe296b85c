/* Deterministic weights that need no file: every number is a function of the tensor's name and its
 * place, so that the same network can be made elsewhere and the results compared. Their results
 * mean nothing; they are for the cost of a network, and for tests. */
#ifndef MDS_MODEL_ORB_ORB_SYNTHETIC_H
#define MDS_MODEL_ORB_ORB_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

uint64_t orb_synthetic_hash(const char *key);
/* Elements 1 … count of tensor `key`, row-major, whose last dimension is `inputs`. */
void orb_synthetic_fill(const char *key, int inputs, size_t count, float *out);

#endif
