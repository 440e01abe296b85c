#include "store/match.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mds_row_by_key(const void *left, const void *right)
{
    return strcmp(((const mds_row_entry *)left)->row->key,
                  ((const mds_row_entry *)right)->row->key);
}

int mds_row_by_label(const void *left, const void *right)
{
    const mds_row *a = ((const mds_row_entry *)left)->row, *b = ((const mds_row_entry *)right)->row;
    int order = strcmp(a->system, b->system);

    if (order == 0)
        order = strcmp(a->protocol, b->protocol);
    if (order == 0)
        order = strcmp(a->model, b->model);
    if (order == 0)
        order = (a->n_atoms_asked > b->n_atoms_asked) - (a->n_atoms_asked < b->n_atoms_asked);
    return order ? order : (a->repeat > b->repeat) - (a->repeat < b->repeat);
}

mds_row_entry *mds_row_index(const mds_row *rows, int count,
                             int (*order)(const void *, const void *))
{
    mds_row_entry *entries = calloc((size_t)count + 1, sizeof *entries);

    for (int i = 0; entries && i < count; ++i)
        entries[i] = (mds_row_entry){&rows[i], i};
    if (entries)
        qsort(entries, (size_t)count, sizeof *entries, order);
    return entries;
}

/* What the columns can tell of a difference; the rest is in the options. */
void mds_row_difference(const mds_row *was, const mds_row *is, char *out, size_t size)
{
    static const struct {
        const char *name;
        size_t offset;
    } numbers[] =
        {
            {"dt_fs", offsetof(mds_row, dt_fs)},
            {"temperature_K", offsetof(mds_row, temperature_K)},
            {"pressure_GPa", offsetof(mds_row, pressure_GPa)},
        },
      counts[] = {
          {"n_atoms", offsetof(mds_row, n_atoms)},
          {"steps", offsetof(mds_row, steps)},
          {"warmup", offsetof(mds_row, warmup_asked)},
          {"seed", offsetof(mds_row, seed)},
      };
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && used < size; ++i) {
        double a, b;

        memcpy(&a, (const char *)was + numbers[i].offset, sizeof a);
        memcpy(&b, (const char *)is + numbers[i].offset, sizeof b);
        if (a != b && !(isnan(a) && isnan(b)))
            used += (size_t)snprintf(out + used, size - used, "%s%s was %g, is %g",
                                     used ? ", " : "", numbers[i].name, a, b);
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0] && used < size; ++i) {
        int64_t a, b;

        memcpy(&a, (const char *)was + counts[i].offset, sizeof a);
        memcpy(&b, (const char *)is + counts[i].offset, sizeof b);
        if (a != b)
            used += (size_t)snprintf(out + used, size - used, "%s%s was %lld, is %lld",
                                     used ? ", " : "", counts[i].name, (long long)a, (long long)b);
    }
    if (used < size && strcmp(was->engine, is->engine) != 0 && *was->engine && *is->engine)
        used += (size_t)snprintf(out + used, size - used, "%sengine was %s, is %s",
                                 used ? ", " : "", was->engine, is->engine);
    if (used < size && strcmp(was->precision, is->precision) != 0 && *was->precision &&
        *is->precision)
        used += (size_t)snprintf(out + used, size - used, "%sprecision was %s, is %s",
                                 used ? ", " : "", was->precision, is->precision);
    if (used == 0)
        snprintf(out, size, "options of its system, protocol, model or run differ");
}
