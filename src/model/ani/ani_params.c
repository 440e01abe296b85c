#include "model/ani/ani_params.h"

#include "md/species.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text behind "NAME =" at the beginning of a line, or NULL. */
static const char *find(const char *text, const char *name)
{
    const size_t length = strlen(name);

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *at = line + strspn(line, " \t");
        if (strncmp(at, name, length) != 0)
            continue;
        at += length;
        at += strspn(at, " \t");
        if (*at == '=')
            return at + 1 + strspn(at + 1, " \t");
    }
    return NULL;
}

/* "[1.0,2.0]" or "1.0"; at most `max` numbers, at least one. */
static mds_status numbers(const char *path, const char *text, const char *name, int max,
                          double *out, int *count)
{
    const char *at = find(text, name);

    if (!at)
        return mds_fail(MDS_ERR_CONFIG, "%s: no line '%s = ...'", path, name);
    const bool list = *at == '[';

    *count = 0;
    at += list;
    for (;;) {
        char *after;
        const double value = strtod(at, &after);

        if (after == at || !isfinite(value))
            return mds_fail(MDS_ERR_CONFIG, "%s: %s: '%.12s' is not a number", path, name, at);
        if (*count == max)
            return mds_fail(MDS_ERR_UNSUPPORTED, "%s: %s has more than %d value%s", path, name, max,
                            max == 1 ? "" : "s");
        out[(*count)++] = value;
        after += strspn(after, " \t");
        if (!list || *after == ']')
            return MDS_OK;
        if (*after != ',')
            return mds_fail(MDS_ERR_CONFIG, "%s: %s: the list does not end with ']'", path, name);
        at = after + 1;
    }
}

/* Trained as float32 and promoted: the difference shows in the seventh digit of a force. volatile,
 * because gcc 12 at -O3 drops the rounding of two neighbouring numbers that it packs in a vector.
 */
static double trained(double value)
{
    const volatile float rounded = (float)value;

    return (double)rounded;
}

static mds_status one(const char *path, const char *text, const char *name, double *out)
{
    int count;
    const mds_status status = numbers(path, text, name, 1, out, &count);

    if (status != MDS_OK)
        return status;
    return *out > 0.0
               ? MDS_OK
               : mds_fail(MDS_ERR_CONFIG, "%s: %s = %g; it must be positive", path, name, *out);
}

static mds_status shifts(const char *path, const char *text, const char *name, double *out,
                         int *count)
{
    const mds_status status = numbers(path, text, name, ANI_SHIFTS_MAX, out, count);

    for (int i = 0; status == MDS_OK && i < *count; ++i)
        out[i] = trained(out[i]);
    return status;
}

/* "[H,C,N,O]". */
static mds_status elements(const char *path, const char *text, ani_weights *out)
{
    const char *at = find(text, "Atyp");

    if (!at || *at != '[')
        return mds_fail(MDS_ERR_CONFIG, "%s: no line 'Atyp = [H,C,...]'", path);
    for (out->elements = 0; *at == '[' || *at == ',';) {
        char *symbol = out->symbol[out->elements];
        int used = 0;

        if (out->elements == ANI_ELEMENTS_MAX)
            return mds_fail(MDS_ERR_UNSUPPORTED, "%s: more than %d elements", path,
                            ANI_ELEMENTS_MAX);
        if (sscanf(at + 1, " %3[A-Za-z] %n", symbol, &used) != 1 || used == 0 ||
            !(out->z[out->elements] = mds_element_number(symbol)))
            return mds_fail(MDS_ERR_CONFIG, "%s: Atyp: '%.4s' is not an element", path, at + 1);
        ++out->elements;
        at += 1 + used;
    }
    return *at == ']' ? MDS_OK
                      : mds_fail(MDS_ERR_CONFIG, "%s: Atyp: the list does not end with ']'", path);
}

mds_status ani_params_parse(const char *path, const char *text, ani_weights *out)
{
    ani_descriptor *d = &out->descriptor;
    mds_status status;

    MDS_TRY(one(path, text, "Rcr", &d->radial_cutoff));
    MDS_TRY(one(path, text, "Rca", &d->angular_cutoff));
    MDS_TRY(one(path, text, "EtaR", &d->eta_r));
    MDS_TRY(one(path, text, "EtaA", &d->eta_a));
    MDS_TRY(one(path, text, "Zeta", &d->zeta));
    MDS_TRY(shifts(path, text, "ShfR", d->shift_r, &d->n_radial));
    MDS_TRY(shifts(path, text, "ShfA", d->shift_a, &d->n_angular));
    MDS_TRY(shifts(path, text, "ShfZ", d->shift_z, &d->n_sections));
    MDS_TRY(elements(path, text, out));
    d->eta_r = trained(d->eta_r);
    d->eta_a = trained(d->eta_a);
    d->zeta = trained(d->zeta);
    if (d->angular_cutoff > d->radial_cutoff || d->radial_cutoff > ANI_CUTOFF_MAX)
        status = mds_fail(MDS_ERR_CONFIG, "%s: Rca %g <= Rcr %g <= %d is right", path,
                          d->angular_cutoff, d->radial_cutoff, ANI_CUTOFF_MAX);
out:
    return status;
}

mds_status ani_self_energies_parse(const char *path, const char *text, ani_weights *out)
{
    bool seen[ANI_ELEMENTS_MAX] = {false};

    for (const char *line = text; line && *line; line = strchr(line, '\n')) {
        char symbol[4];
        int index, used = 0;

        line += strspn(line, " \t\r\n");
        if (!*line)
            break;
        char *after = NULL;
        if (sscanf(line, "%3[A-Za-z],%d=%n", symbol, &index, &used) != 2 || used == 0)
            return mds_fail(MDS_ERR_CONFIG, "%s: '%.20s': SYMBOL,index=ENERGY is right", path,
                            line);
        const double energy = strtod(line + used, &after);
        if (after == line + used || !isfinite(energy))
            return mds_fail(MDS_ERR_CONFIG, "%s: '%.20s': the energy is not a number", path, line);
        if (index < 0 || index >= out->elements || strcmp(symbol, out->symbol[index]) != 0)
            return mds_fail(MDS_ERR_CONFIG, "%s: %s,%d is not an element of the .params file", path,
                            symbol, index);
        out->self_energy[index] = energy;
        seen[index] = true;
    }
    for (int i = 0; i < out->elements; ++i)
        if (!seen[i])
            return mds_fail(MDS_ERR_CONFIG, "%s: no energy of %s", path, out->symbol[i]);
    return MDS_OK;
}
