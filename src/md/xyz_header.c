#include "md/xyz_header.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { VALUE_SIZE = 4096, KEY_SIZE = 128, NUMBERS = 9 };

bool mds_xyz_parse_number(const char *word, double *out)
{
    char *end;

    *out = strtod(word, &end);
    return end != word && *end == '\0' && isfinite(*out);
}

static char closing(char open)
{
    return open == '{' ? '}' : open == '[' ? ']' : open == '"' || open == '\'' ? open : '\0';
}

/* Copies a value, in quotes or brackets or up to the next blank, and returns what follows it; NULL
 * with a message when it does not end. */
static const char *take_value(const char *p, const char *key, char *value)
{
    const char end = closing(*p);
    size_t length = 0;

    if (end)
        ++p;
    for (; *p && (end ? *p != end : !isspace((unsigned char)*p)); ++p) {
        if (end && *p == '\\' && p[1])
            ++p;
        if (length + 1 < VALUE_SIZE)
            value[length++] = *p;
        else if (strcmp(key, "Lattice") == 0 || strcmp(key, "Properties") == 0)
            return mds_fail(MDS_ERR_CONFIG, "%s is longer than %d bytes", key, VALUE_SIZE), NULL;
    }
    value[length] = '\0';
    if (!end)
        return p;
    if (*p != end)
        return mds_fail(MDS_ERR_CONFIG, "the value of '%s' begins with %c but has no closing %c",
                        key,
                        end == '}'   ? '{'
                        : end == ']' ? '['
                                     : end,
                        end),
               NULL;
    return p + 1;
}

/* The key at p, which may be quoted, without its '='; returns what follows. */
static const char *take_key(const char *p, char *key)
{
    const char quote = *p == '"' || *p == '\'' ? *p : '\0';
    size_t length = 0;

    p += quote != '\0';
    for (; *p && (quote ? *p != quote : *p != '=' && !isspace((unsigned char)*p)); ++p)
        if (length + 1 < KEY_SIZE)
            key[length++] = *p;
    key[length] = '\0';
    return *p && quote ? p + 1 : p;
}

static const char *skip_blanks(const char *p)
{
    while (isspace((unsigned char)*p))
        ++p;
    return p;
}

/* Next word of a list whose words are parted by blanks, commas or brackets (JSON-like arrays). */
static const char *next_word(const char *p, char word[64])
{
    static const char gaps[] = " \t\r\n,[]{}";
    size_t length = 0;

    p += strspn(p, gaps);
    for (; *p && !strchr(gaps, *p); ++p)
        if (length + 1 < 64)
            word[length++] = *p;
    word[length] = '\0';
    return length ? p : NULL;
}

static mds_status parse_lattice(const char *value, mds_xyz_header *out)
{
    char word[64];
    int count = 0;

    for (const char *p = value; (p = next_word(p, word)); ++count) {
        double number;

        if (!mds_xyz_parse_number(word, &number))
            return mds_fail(MDS_ERR_CONFIG, "Lattice: '%s' is not a finite number", word);
        if (count < NUMBERS)
            out->lattice[count / 3][count % 3] = number;
    }
    if (count != NUMBERS)
        return mds_fail(MDS_ERR_CONFIG,
                        "Lattice has %d numbers; it needs 9: ax ay az bx by bz cx cy cz", count);
    out->has_lattice = true;
    return MDS_OK;
}

static int parse_truth(const char *word)
{
    static const char *const yes[] = {"T", "true", "1"}, *const no[] = {"F", "false", "0"};

    for (int i = 0; i < 3; ++i) {
        if (strcasecmp(word, yes[i]) == 0)
            return 1;
        if (strcasecmp(word, no[i]) == 0)
            return 0;
    }
    return -1;
}

static mds_status parse_periodic(const char *value, mds_xyz_header *out)
{
    char word[64];
    int count = 0;

    for (const char *p = value; (p = next_word(p, word)); ++count) {
        const int truth = parse_truth(word);

        if (truth < 0)
            return mds_fail(MDS_ERR_CONFIG, "pbc: '%s' is neither T nor F", word);
        if (count < 3)
            out->periodic[count] = truth;
    }
    if (count == 1)
        out->periodic[1] = out->periodic[2] = out->periodic[0];
    else if (count != 3)
        return mds_fail(MDS_ERR_CONFIG, "pbc has %d values; it needs 3, as in pbc=\"T T F\"",
                        count);
    return MDS_OK;
}

typedef struct known_field {
    const char *name;
    char type;
    int width;
    size_t member;
} known_field;

/* `vel` and `velo` are in Å/fs, as GPUMD and QUIP write them. */
static const known_field known_fields[] = {
    {"species", 'S', 1, offsetof(mds_xyz_columns, species)},
    {"pos", 'R', 3, offsetof(mds_xyz_columns, position)},
    {"Z", 'I', 1, offsetof(mds_xyz_columns, z)},
    {"momenta", 'R', 3, offsetof(mds_xyz_columns, momenta)},
    {"vel", 'R', 3, offsetof(mds_xyz_columns, velocity)},
    {"velo", 'R', 3, offsetof(mds_xyz_columns, velocity)},
    {"masses", 'R', 1, offsetof(mds_xyz_columns, mass)},
    {"mass", 'R', 1, offsetof(mds_xyz_columns, mass)},
};

static mds_status declare_field(mds_xyz_columns *columns, const char *name, const char *type,
                                const char *width)
{
    char *end;
    const long count = strtol(width, &end, 10);

    if (*name == '\0' || strlen(type) != 1 || !strchr("SRIL", *type))
        return mds_fail(MDS_ERR_CONFIG,
                        "Properties: field '%s' has type '%s'; types are S, R, I, L", name, type);
    if (end == width || *end || count < 1 || count > 10000)
        return mds_fail(MDS_ERR_CONFIG,
                        "Properties: field '%s' has '%s' columns; a count of 1 or more is needed",
                        name, width);
    for (size_t i = 0; i < sizeof known_fields / sizeof known_fields[0]; ++i) {
        const known_field *f = &known_fields[i];
        int *member = (int *)((char *)columns + f->member);

        if (strcmp(f->name, name) != 0)
            continue;
        if (*type != f->type || count != f->width)
            return mds_fail(MDS_ERR_CONFIG,
                            "Properties: field '%s' is %s:%s:%s; it must be %s:%c:%d", name, name,
                            type, width, name, f->type, f->width);
        if (*member >= 0)
            return mds_fail(MDS_ERR_CONFIG, "Properties: field '%s' is declared twice", name);
        *member = columns->count;
    }
    columns->count += (int)count;
    return MDS_OK;
}

static mds_status parse_properties(const char *value, mds_xyz_columns *columns)
{
    char text[VALUE_SIZE], *rest = text, *name;

    *columns = (mds_xyz_columns){-1, -1, -1, -1, -1, -1, 0, true};
    snprintf(text, sizeof text, "%s", value);
    while ((name = strsep(&rest, ":"))) {
        const char *type = strsep(&rest, ":");
        const char *width = strsep(&rest, ":");

        if (!type || !width)
            return mds_fail(MDS_ERR_CONFIG,
                            "Properties: '%s' lacks its type or its count; the form is "
                            "name:type:count:name:type:count",
                            name);
        const mds_status status = declare_field(columns, name, type, width);
        if (status != MDS_OK)
            return status;
    }
    if (columns->position < 0)
        return mds_fail(MDS_ERR_CONFIG, "Properties lacks pos:R:3");
    if (columns->species < 0 && columns->z < 0)
        return mds_fail(MDS_ERR_CONFIG, "Properties lacks species:S:1 (or Z:I:1)");
    return MDS_OK;
}

static mds_status parse_pair(const char *key, const char *value, mds_xyz_header *out, bool *has_pbc)
{
    if (strcmp(key, "Lattice") == 0)
        return parse_lattice(value, out);
    if (strcmp(key, "Properties") == 0)
        return parse_properties(value, &out->columns);
    if (strcmp(key, "pbc") == 0) {
        *has_pbc = true;
        return parse_periodic(value, out);
    }
    return MDS_OK;
}

mds_status mds_xyz_parse_header(const char *line, mds_xyz_header *out)
{
    char key[KEY_SIZE], value[VALUE_SIZE];
    bool has_pbc = false;
    mds_status status = MDS_OK;

    memset(out, 0, sizeof *out);
    MDS_TRY(parse_properties("species:S:1:pos:R:3", &out->columns));
    out->columns.declared = false;
    for (const char *p = skip_blanks(line); *p; p = skip_blanks(p)) {
        p = skip_blanks(take_key(p, key));
        if (*p != '=')
            continue; /* a word alone */
        p = take_value(skip_blanks(p + 1), key, value);
        if (!p)
            return MDS_ERR_CONFIG;
        MDS_TRY(parse_pair(key, value, out, &has_pbc));
    }
    if (!out->has_lattice && (!has_pbc || out->periodic[0] || out->periodic[1] || out->periodic[2]))
        return mds_fail(MDS_ERR_CONFIG, "no Lattice=\"ax ay az bx by bz cx cy cz\"; a structure "
                                        "without a cell says pbc=\"F F F\"");
    if (!has_pbc)
        out->periodic[0] = out->periodic[1] = out->periodic[2] = true;
out:
    return status;
}
