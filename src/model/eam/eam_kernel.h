/* The two passes over pairs of the embedded-atom models on a CPU, compiled once per instruction set
 * from one text (eam_kernel_body.h) and chosen at run time.
 *
 * Pass 1 (density) walks the half list, keeps the pairs inside the cutoff with everything the
 * second pass needs, and sums ρ and the pair energy; distances, roots and tables are evaluated once
 * per pair and step. Pass 2 (forces) reads the kept pairs in order. Both add to the owner of a
 * neighbour directly, so that periodic images cost nothing beyond their coordinates.
 *
 * Letters: n atoms, p kept pairs, b pairs of one block of rows. Units: Å, eV. All pointers are host
 * memory, 64-byte aligned, and not NULL unless said. Sums run in a fixed order: a result is
 * repeatable bit for bit with one instruction set; between two of them it differs by rounding. */
#ifndef MDS_MODEL_EAM_EAM_KERNEL_H
#define MDS_MODEL_EAM_EAM_KERNEL_H

#include "md/neighbor.h"
#include "model/eam/eam_math.h"

enum { EAM_BLOCK_ROWS = 8, EAM_LINE = 8, EAM_SLACK = 16 };

typedef enum eam_form { EAM_FORM_SC, EAM_FORM_FS, EAM_FORM_TABLE } eam_form;

/* Interpolation tables of `types` species. A line of a pair table is one 64-byte cache line: the
 * cubics of ρ(r) and r φ(r) on one segment, interleaved from the third power down:
 * [ρ₃ z₃ ρ₂ z₂ ρ₁ z₁ ρ₀ z₀]. ρ is what a neighbour of type `from` makes at an atom of type `at`. */
typedef struct eam_tables {
    int types;
    int nr, nrho; /* knots */
    int unused;   /* zero, see eam_sc */
    double inverse_dr, inverse_drho;
    double *line;      /* (types at, types from, nr, 8) */
    double *embedding; /* (types, nrho, 4): cubics of F, constant first */
} eam_tables;

/* Kept pairs. EAM_SLACK entries beyond the last are written and mean nothing. */
typedef struct eam_pairs {
    int *first;  /* (n+1) pairs of atom i: first[i] … first[i+1] − 1 */
    int *row;    /* (p) row of xe */
    int *j;      /* (p) the atom that it is an image of, < n */
    double *w;   /* (p) ρ'/r of the density that j makes at i */
    double *w_j; /* (p) of the density that i makes at j; equals w when there is one type */
    double *u;   /* (p) φ'/r */
    /* scratch of one block of rows */
    double *r, *inverse_r;     /* (b) the squares of r at first */
    double *rho, *rho_j, *phi; /* (b) rho_j as w_j */
    double *value, *slope;     /* (b,2) */
    int *knot;                 /* (b) */
} eam_pairs;

enum { EAM_SCRATCH = 9 }; /* arrays of b doubles among them */

typedef struct eam_job {
    eam_form form;
    const mds_neighbor *list; /* half */
    double cutoff;
    eam_sc sc;
    eam_fs fs;
    eam_tables tables;
    const int *type; /* (n) */
    eam_pairs pairs;
    double *rho;        /* (n) out of pass 1 */
    double *dF;         /* (n) in for pass 2: F'(ρ) */
    double *fe;         /* (n,4) out of pass 2: forces, the fourth column is scratch */
    double pair_energy; /* out of pass 1 */
    double virial[6];   /* out of pass 2 when wanted: xx yy zz xy xz yz of Σ r_a f_b */
} eam_job;

typedef struct eam_kernel {
    const char *name; /* "base", "avx2", "avx512" */
    void (*density)(eam_job *job);
    void (*forces)(eam_job *job, bool want_virial);
} eam_kernel;

/* Kernel by name, or the best that this processor runs for "auto"; MDS_ERR_UNSUPPORTED when it does
 * not run `name`. */
mds_status eam_kernel_find(const char *name, const eam_kernel **out);

/* The compiled variants, for eam_kernel_find() only. */
void eam_density_base(eam_job *job);
void eam_forces_base(eam_job *job, bool want_virial);
void eam_density_avx2(eam_job *job);
void eam_forces_avx2(eam_job *job, bool want_virial);
void eam_density_avx512(eam_job *job);
void eam_forces_avx512(eam_job *job, bool want_virial);

#endif
