#include "base/strbuf.h"
#include "base/units.h"
#include "md/structure.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_numbers(mds_strbuf *out, const double *values, int count, double factor)
{
    for (int k = 0; k < count; ++k) {
        if (k)
            mds_strbuf_add_bytes(out, " ", 1);
        /* JSON has no word for NaN, XYZ readers do. */
        if (isfinite(values[k]))
            mds_strbuf_add_json_number(out, values[k] * factor);
        else
            mds_strbuf_add(out, "%g", values[k]);
    }
}

static bool has_own_masses(const mds_structure *structure)
{
    for (int i = 0; i < structure->n; ++i)
        if (structure->mass[i] != mds_element_mass(structure->species.z[structure->type[i]]))
            return true;
    return false;
}

/* A structure without any cell, which mds_box_set() completed by unit vectors. */
static bool has_no_cell(const mds_box *box)
{
    for (int k = 0; k < 9; ++k)
        if (box->periodic[k / 3] || box->h[k / 3][k % 3] != (k / 3 == k % 3))
            return false;
    return true;
}

static void add_header(mds_strbuf *out, const mds_structure *structure, bool masses,
                       const mds_xyz_results *r)
{
    const bool *periodic = structure->box.periodic;

    mds_strbuf_add(out, "%d\n", structure->n);
    if (!has_no_cell(&structure->box)) {
        mds_strbuf_add(out, "Lattice=\"");
        for (int k = 0; k < 3; ++k) {
            mds_strbuf_add(out, k ? " " : "");
            add_numbers(out, structure->box.h[k], 3, 1.0);
        }
        mds_strbuf_add(out, "\" ");
    }
    mds_strbuf_add(out, "Properties=species:S:1:pos:R:3%s%s%s%s", masses ? ":masses:R:1" : "",
                   structure->v ? ":momenta:R:3" : "", r->forces ? ":forces:R:3" : "",
                   r->forces_std ? ":forces_std:R:3" : "");
    if (r->energy) {
        mds_strbuf_add(out, " energy=");
        add_numbers(out, r->energy, 1, 1.0);
    }
    if (r->energy_std) {
        mds_strbuf_add(out, " energy_std=");
        add_numbers(out, r->energy_std, 1, 1.0);
    }
    if (r->stress) {
        mds_strbuf_add(out, " stress=\"");
        add_numbers(out, r->stress, 9, 1.0);
        mds_strbuf_add(out, "\"");
    }
    mds_strbuf_add(out, " pbc=\"%c %c %c\"\n", periodic[0] ? 'T' : 'F', periodic[1] ? 'T' : 'F',
                   periodic[2] ? 'T' : 'F');
}

static void add_atom(mds_strbuf *out, const mds_structure *structure, int i, bool masses,
                     const mds_xyz_results *r)
{
    const size_t row = 3 * (size_t)i;

    mds_strbuf_add(out, "%-2s ", mds_element_symbol(structure->species.z[structure->type[i]]));
    add_numbers(out, structure->x + row, 3, 1.0);
    if (masses) {
        mds_strbuf_add_bytes(out, " ", 1);
        add_numbers(out, &structure->mass[i], 1, 1.0);
    }
    if (structure->v) {
        /* ASE's momenta, √(u eV). */
        mds_strbuf_add_bytes(out, " ", 1);
        add_numbers(out, structure->v + row, 3, structure->mass[i] * sqrt(MDS_MVV_TO_EV));
    }
    if (r->forces) {
        mds_strbuf_add_bytes(out, " ", 1);
        add_numbers(out, r->forces + row, 3, 1.0);
    }
    if (r->forces_std) {
        mds_strbuf_add_bytes(out, " ", 1);
        add_numbers(out, r->forces_std + row, 3, 1.0);
    }
    mds_strbuf_add_bytes(out, "\n", 1);
}

mds_status mds_xyz_write(const char *path, bool append, const mds_structure *structure,
                         const double *energy, const double *forces, const double *stress)
{
    const mds_xyz_results results = {.energy = energy, .forces = forces, .stress = stress};

    return mds_xyz_write_results(path, append, structure, &results);
}

mds_status mds_xyz_write_results(const char *path, bool append, const mds_structure *structure,
                                 const mds_xyz_results *results)
{
    const bool masses = has_own_masses(structure);
    mds_strbuf out = {0};

    add_header(&out, structure, masses, results);
    for (int i = 0; i < structure->n; ++i)
        add_atom(&out, structure, i, masses, results);
    if (out.failed) {
        mds_strbuf_fini(&out);
        return mds_fail(MDS_ERR_NOMEM, "%s: no memory for a frame of %d atoms", path, structure->n);
    }
    FILE *file = fopen(path, append ? "ab" : "wb");
    bool good = file && fwrite(out.text, 1, out.length, file) == out.length;
    int reason = errno;
    /* A full disk may show only when the buffer is flushed. */
    if (file && fclose(file) != 0 && good) {
        good = false;
        reason = errno;
    }
    mds_strbuf_fini(&out);
    return good ? MDS_OK
                : mds_fail(MDS_ERR_IO, "%s: cannot be written: %s", path, strerror(reason));
}
