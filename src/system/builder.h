/* A system builder makes the atoms of a case: an element or compound at a size near the one asked.
 * One folder under system/, one line in systems.def. No dynamics here: the thermal start state is
 * made by case/start_state from what this returns. */
#ifndef MDS_SYSTEM_BUILDER_H
#define MDS_SYSTEM_BUILDER_H

#include "base/option.h"
#include "md/structure.h"

#include <stdint.h>

typedef struct mds_system_class mds_system_class;

enum { MDS_SYSTEM_NAME_SIZE = 48 };

/* What the user asked for; plain data. */
typedef struct mds_system_spec {
    char name[MDS_SYSTEM_NAME_SIZE];
    const mds_system_class *class;
    mds_options options;
} mds_system_spec;

struct mds_system_class {
    const char *name;    /* "silicon" */
    const char *summary; /* one line */
    const mds_option *options;
    double timestep_fs; /* what the system allows; the preset of run.timestep_fs for it */

    /* The supercell nearest to n_asked atoms, the most nearly cubic of those; `repeat` gets the
     * cell counts. Cheap and deterministic. MDS_ERR_UNSUPPORTED with the nearest possible numbers
     * when the nearest is less than half or more than twice what was asked. */
    mds_status (*plan)(const mds_system_spec *spec, int n_asked, int *n_atoms, int repeat[3]);
    /* The elements, without building (a file's are read once and cached by the caller). */
    mds_status (*species)(const mds_system_spec *spec, mds_species *out);
    /* Builds it: `out` uninitialised. `seed` orients molecules; crystals ignore it. */
    mds_status (*build)(const mds_system_spec *spec, int n_asked, uint64_t seed,
                        mds_structure *out);
    bool disordered; /* molecules placed at random: needs minimisation before dynamics */
};

int mds_system_count(void);
const mds_system_class *mds_system_get(int i);
const mds_system_class *mds_system_find(const char *name);

/* A built-in system name, or the path of an extended-XYZ file (ends in .xyz or .extxyz, or has a
 * '/'). MDS_ERR_CONFIG with the nearest name; MDS_ERR_IO when the file is not there. */
mds_status mds_system_resolve(const char *name, mds_system_spec *out);

mds_status mds_system_plan(const mds_system_spec *spec, int n_asked, int *n_atoms, int repeat[3]);
mds_status mds_system_species(const mds_system_spec *spec, mds_species *out);
mds_status mds_system_build(const mds_system_spec *spec, int n_asked, uint64_t seed,
                            mds_structure *out);

#endif
