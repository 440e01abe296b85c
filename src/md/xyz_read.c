#include "base/text.h"
#include "base/units.h"
#include "md/structure.h"
#include "md/xyz_header.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 512, SHOWN = 40 };

/* The file as lines; reading cuts them in place. */
typedef struct text_file {
    const char *path;
    char *text, *end;
    char *next; /* the line after the present one */
    int line;   /* number of the present line, 1 first; 0 before it */
} text_file;

static mds_status open_text(const char *path, text_file *file)
{
    size_t length;

    memset(file, 0, sizeof *file);
    file->path = path;
    const mds_status status = mds_read_file(path, &file->text, &length);
    if (status != MDS_OK)
        return status;
    file->next = file->text;
    file->end = file->text + length;
    if (memchr(file->text, '\0', length))
        return mds_fail(MDS_ERR_CONFIG, "%s: holds zero bytes: not a text file", path);
    return MDS_OK;
}

/* The next line, cut at its end without CR; NULL at the end of the file. */
static char *next_line(text_file *file)
{
    char *line = file->next;

    if (line >= file->end)
        return NULL;
    char *stop = memchr(line, '\n', (size_t)(file->end - line));
    file->next = stop ? stop + 1 : file->end;
    if (!stop)
        stop = file->end;
    while (stop > line && (stop[-1] == '\r' || stop[-1] == '\0'))
        --stop;
    *stop = '\0';
    ++file->line;
    return line;
}

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t\r\v\f")] == '\0';
}

/* Reads the count line of the next frame. *n = -1 at the end of the file (blank lines may follow
 * the last frame). */
static mds_status read_count(text_file *file, int *n)
{
    char *line, *end;

    *n = -1;
    while ((line = next_line(file)) && is_blank(line))
        continue;
    if (!line)
        return MDS_OK;
    const long count = strtol(line, &end, 10);
    if (end == line || !is_blank(end))
        return mds_fail(MDS_ERR_CONFIG,
                        "%s:%d: '%.*s' where a number of atoms alone is expected (is the count of "
                        "the frame before it right?)",
                        file->path, file->line, SHOWN, line);
    if (count < 1 || count > 100000000)
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: a frame of %ld atoms; 1 to 100000000 are possible",
                        file->path, file->line, count);
    *n = (int)count;
    return MDS_OK;
}

/* Passes over the comment and the atoms of a frame of n. */
static mds_status skip_frame(text_file *file, int frame, int n)
{
    const int first = file->line;

    for (int k = 0; k <= n; ++k) {
        const char *line = next_line(file);

        if (!line && k == 0)
            return mds_fail(MDS_ERR_CONFIG,
                            "%s:%d: the file ends before the comment line of frame %d", file->path,
                            file->line, frame);
        if (!line || (k > 0 && is_blank(line)))
            return mds_fail(MDS_ERR_CONFIG,
                            "%s:%d: frame %d (line %d) ends after %d of its %d atoms", file->path,
                            file->line, frame, first, k - 1, n);
    }
    return MDS_OK;
}

mds_status mds_xyz_count(const char *path, int *frames)
{
    text_file file;
    int n = 0;
    mds_status status = MDS_OK;

    *frames = 0;
    MDS_TRY(open_text(path, &file));
    for (;;) {
        MDS_TRY(read_count(&file, &n));
        if (n < 0)
            break;
        MDS_TRY(skip_frame(&file, *frames, n));
        ++*frames;
    }
    if (*frames == 0)
        status = mds_fail(MDS_ERR_CONFIG,
                          "%s: the file is empty; an extended-XYZ frame is expected", path);
out:
    free(file.text);
    return status;
}

/* One atom's line, cut into words. */
typedef struct atom_line {
    const char *path;
    int line;
    char *word[MOST_COLUMNS];
} atom_line;

static mds_status split(text_file *file, char *line, const mds_xyz_columns *columns, atom_line *out)
{
    int count = 0;
    char *rest = line, *word;

    out->path = file->path;
    out->line = file->line;
    while ((word = strsep(&rest, " \t\r\v\f"))) {
        if (*word == '\0')
            continue;
        if (count < MOST_COLUMNS)
            out->word[count] = word;
        ++count;
    }
    if (count < columns->count || (count > columns->count && columns->declared))
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: %d columns, but %s %d", file->path, file->line,
                        count,
                        columns->declared ? "Properties declares" : "element and position need",
                        columns->count);
    return MDS_OK;
}

static mds_status read_numbers(const atom_line *atom, int column, const char *what, int count,
                               double *out)
{
    for (int k = 0; k < count; ++k)
        if (!mds_xyz_parse_number(atom->word[column + k], &out[k]))
            return mds_fail(MDS_ERR_CONFIG, "%s:%d: column %d (%s): '%.*s' is not a finite number",
                            atom->path, atom->line, column + k + 1, what, SHOWN,
                            atom->word[column + k]);
    return MDS_OK;
}

static mds_status read_element(const atom_line *atom, const mds_xyz_columns *columns, int *z)
{
    char *word = atom->word[columns->species >= 0 ? columns->species : columns->z];

    if (columns->species < 0) {
        char *end;
        const long number = strtol(word, &end, 10);

        *z = end != word && *end == '\0' && number >= 1 && number <= 118 ? (int)number : 0;
    } else {
        *z = mds_element_number(word);
        if (*z == 0) { /* "SI" and "si" mean Si, as ASE reads them */
            word[0] = (char)toupper((unsigned char)word[0]);
            for (char *c = word + 1; *c; ++c)
                *c = (char)tolower((unsigned char)*c);
            *z = mds_element_number(word);
        }
    }
    if (*z == 0)
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: unknown element '%.*s'", atom->path, atom->line,
                        SHOWN, word);
    return MDS_OK;
}

static mds_status read_velocity(const atom_line *atom, const mds_xyz_columns *columns, double mass,
                                double *v)
{
    mds_status status = MDS_OK;

    if (columns->velocity >= 0) {
        status = read_numbers(atom, columns->velocity, "velocity", 3, v);
    } else if (columns->momenta >= 0) {
        status = read_numbers(atom, columns->momenta, "momenta", 3, v);
        /* ASE's momenta are in √(u eV): p²/2m is in eV. */
        for (int k = 0; k < 3 && status == MDS_OK; ++k)
            v[k] /= mass * sqrt(MDS_MVV_TO_EV);
    }
    return status;
}

static mds_status read_atom(const atom_line *atom, const mds_xyz_columns *columns, int i,
                            mds_structure *out)
{
    mds_status status = MDS_OK;
    int z = 0;

    MDS_TRY(read_element(atom, columns, &z));
    out->type[i] = mds_species_add(&out->species, z);
    if (out->type[i] < 0)
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: more than %d different elements", atom->path,
                        atom->line, MDS_SPECIES_MAX);
    MDS_TRY(read_numbers(atom, columns->position, "pos", 3, out->x + 3 * (size_t)i));
    out->mass[i] = mds_element_mass(z);
    if (columns->mass >= 0) {
        MDS_TRY(read_numbers(atom, columns->mass, "masses", 1, &out->mass[i]));
        if (!(out->mass[i] > 0.0))
            return mds_fail(MDS_ERR_CONFIG, "%s:%d: column %d (masses): '%s' is not positive",
                            atom->path, atom->line, columns->mass + 1, atom->word[columns->mass]);
    }
    if (out->v)
        MDS_TRY(read_velocity(atom, columns, out->mass[i], out->v + 3 * (size_t)i));
out:
    return status;
}

/* The frame of n atoms whose comment line is next. */
static mds_status read_frame(text_file *file, int n, mds_structure *out)
{
    mds_xyz_header header;
    atom_line atom;
    mds_status status = MDS_OK;

    status = mds_xyz_parse_header(next_line(file), &header);
    if (status == MDS_OK && header.columns.count > MOST_COLUMNS)
        status = mds_fail(MDS_ERR_CONFIG, "Properties declares %d columns; %d are possible",
                          header.columns.count, MOST_COLUMNS);
    if (status == MDS_OK)
        status =
            mds_structure_init(out, n, header.columns.momenta >= 0 || header.columns.velocity >= 0);
    if (status == MDS_OK)
        status = mds_box_set(&out->box, (const double(*)[3])header.lattice, header.periodic);
    if (status != MDS_OK) {
        mds_error_prefix("%s:%d: ", file->path, file->line);
        return status;
    }
    for (int i = 0; i < n && status == MDS_OK; ++i) {
        status = split(file, next_line(file), &header.columns, &atom);
        if (status == MDS_OK)
            status = read_atom(&atom, &header.columns, i, out);
    }
    return status;
}

mds_status mds_xyz_read(const char *path, int frame, mds_structure *out)
{
    text_file file = {0};
    int frames = 0, n = 0;
    mds_status status = MDS_OK;

    memset(out, 0, sizeof *out);
    MDS_TRY(mds_xyz_count(path, &frames));
    if (frame < -1 || frame >= frames)
        return mds_fail(MDS_ERR_CONFIG,
                        "%s: there is no frame %d; the file has %d (0 to %d, or -1)", path, frame,
                        frames, frames - 1);
    const int wanted = frame < 0 ? frames - 1 : frame;
    MDS_TRY(open_text(path, &file));
    for (int k = 0; k <= wanted; ++k) {
        MDS_TRY(read_count(&file, &n));
        if (n < 0)
            MDS_TRY(mds_fail(MDS_ERR_IO, "%s: changed while it was read", path));
        if (k < wanted)
            MDS_TRY(skip_frame(&file, k, n));
    }
    MDS_TRY(read_frame(&file, n, out));
out:
    free(file.text);
    if (status != MDS_OK)
        mds_structure_fini(out);
    return status;
}
