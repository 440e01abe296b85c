/* From the numbers of a setfl file to the cubics that the kernels read. */
#ifndef MDS_MODEL_EAM_EAM_TABLE_H
#define MDS_MODEL_EAM_EAM_TABLE_H

#include "device/device.h"
#include "md/species.h"
#include "model/eam/eam_kernel.h"
#include "model/eam/setfl.h"

/* Cubic Hermite segments through y[0 … n−1] (n ≥ 5) at unit spacing, as LAMMPS makes them: slopes
 * [(y₋₂ − y₊₂) + 8 (y₊₁ − y₋₁)]/12, central at the second knot from either end, one-sided at the
 * ends. c is (n,4), constant first; the last row is not a segment and stays constant. */
void eam_hermite(const double *y, int n, double *c);

/* Tables for the species, in their order, on the device. `out` zeroed or built before (it is freed
 * first). MDS_ERR_UNSUPPORTED when an element is not in the file. */
mds_status eam_tables_build(eam_tables *out, mds_device *device, const setfl *file,
                            const mds_species *species);
void eam_tables_fini(eam_tables *tables, mds_device *device); /* accepts a zeroed struct */

/* F(ρ) of a type, and F'(ρ) per unit of ρ. Behind the last knot F goes on along its last slope. */
double eam_tables_embed(const eam_tables *tables, int type, double rho, double *dF);

/* MDS_ERR_UNSUPPORTED, naming the elements, unless the file has all of them. */
mds_status eam_check_elements(const setfl *file, const char *path, const mds_species *species);

#endif
