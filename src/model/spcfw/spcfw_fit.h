/* Polynomials for the smooth parts P and Q of the Coulomb function (spcfw_math.h). */
#ifndef MDS_MODEL_SPCFW_FIT_H
#define MDS_MODEL_SPCFW_FIT_H

#include "base/status.h"
#include "model/spcfw/spcfw_math.h"

/* With these numbers of terms and the preset αrc = 1.8 the errors are 8e-13 /Å in P and 1e-12 /Å³
 * in Q: below 1e-11 eV and 1e-10 eV/Å for any pair. */
enum { SPCFW_P_TERMS = 12, SPCFW_Q_TERMS = 11 };

/* Power series in s, highest power first. */
typedef struct spcfw_fit {
    double p[SPCFW_P_TERMS]; /* P(s) + e_s */
    double q[SPCFW_Q_TERMS]; /* Q(s) */
    double p_error, q_error; /* largest difference found on a dense grid */
} spcfw_fit;

/* MDS_ERR_CONFIG when α·rc is so large that the terms do not suffice. */
mds_status spcfw_fit_make(const spcfw_dsf *dsf, spcfw_fit *out);

/* The fitted pair function; what the vector kernels evaluate, lane by lane. */
spcfw_pair spcfw_fit_coulomb(const spcfw_fit *fit, const spcfw_dsf *dsf, double s);

#endif
