#include "model/eam/setfl.h"

#include "base/text.h"
#include "md/species.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 8192, WORD_SIZE = 48 };

/* A place in the text. Words are separated by white space; the line is that of the last word. */
typedef struct scanner {
    const char *path;
    const char *at, *end;
    int line;
    char word[WORD_SIZE]; /* the last word, for messages cut to this size */
    size_t length;        /* of the whole word */
} scanner;

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* The next word before `stop`; false when there is none. Bytes that are not printable are shown as
 * '?' in messages. */
static bool next_word(scanner *s, const char *stop)
{
    while (s->at < stop && is_space(*s->at)) {
        s->line += *s->at == '\n';
        ++s->at;
    }
    const char *begin = s->at;
    while (s->at < stop && !is_space(*s->at))
        ++s->at;
    s->length = (size_t)(s->at - begin);
    const size_t kept = s->length < WORD_SIZE - 1 ? s->length : WORD_SIZE - 1;
    for (size_t i = 0; i < kept; ++i)
        s->word[i] = begin[i] > ' ' && begin[i] < 127 ? begin[i] : '?';
    s->word[kept] = '\0';
    return s->length > 0;
}

static const char *end_of_line(const scanner *s)
{
    const char *newline = memchr(s->at, '\n', (size_t)(s->end - s->at));

    return newline ? newline : s->end;
}

/* The last word as a finite decimal number. Hexadecimal, "nan" and "inf", which strtod() would
 * take, are damage here. */
static mds_status parse_number(const scanner *s, const char *field, double *out)
{
    char *end;

    *out = 0.0;
    if (s->length >= WORD_SIZE || strspn(s->word, "0123456789+-.eE") != s->length)
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: %s: '%s' is not a number", s->path, s->line, field,
                        s->word);
    *out = strtod(s->word, &end);
    if (*end || end == s->word)
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: %s: '%s' is not a number", s->path, s->line, field,
                        s->word);
    if (!isfinite(*out))
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: %s: '%s' is too large for a number", s->path,
                        s->line, field, s->word);
    return MDS_OK;
}

/* The next number on the present line, within bounds. */
static mds_status line_number(scanner *s, const char *field, double min, double max, double *out)
{
    const int line = s->line;

    if (!next_word(s, end_of_line(s)))
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: %s is missing", s->path, line, field);
    const mds_status status = parse_number(s, field, out);
    if (status == MDS_OK && !(*out >= min && *out <= max))
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: %s: %s is not between %g and %g", s->path, line,
                        field, s->word, min, max);
    return status;
}

static mds_status line_integer(scanner *s, const char *field, int min, int max, int *out)
{
    double value;
    const mds_status status = line_number(s, field, min, max, &value);

    if (status != MDS_OK)
        return status;
    *out = (int)value;
    if (*out != value)
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: %s: '%s' is not a whole number", s->path, s->line,
                        field, s->word);
    return MDS_OK;
}

static mds_status expect_end_of_line(scanner *s, const char *fields)
{
    if (next_word(s, end_of_line(s)))
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: '%s' is one field too many, the line is '%s'",
                        s->path, s->line, s->word, fields);
    return MDS_OK;
}

/* Steps behind the end of the present line. */
static mds_status next_line(scanner *s, const char *missing)
{
    s->at = end_of_line(s);
    if (s->at == s->end)
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: the file ends where %s should follow", s->path,
                        s->line, missing);
    ++s->at;
    ++s->line;
    return MDS_OK;
}

static mds_status parse_elements(scanner *s, setfl *out)
{
    mds_status status = line_integer(s, "count of elements", 1, SETFL_ELEMENTS_MAX, &out->elements);

    for (int i = 0; status == MDS_OK && i < out->elements; ++i) {
        if (!next_word(s, end_of_line(s)))
            return mds_fail(MDS_ERR_CONFIG, "%s:%d: %d elements are announced and %d named",
                            s->path, s->line, out->elements, i);
        if (s->length >= SETFL_SYMBOL_SIZE)
            return mds_fail(MDS_ERR_CONFIG, "%s:%d: '%s' is not the symbol of an element", s->path,
                            s->line, s->word);
        memcpy(out->symbol[i], s->word, s->length + 1);
        out->z[i] = mds_element_number(s->word);
        for (int k = 0; k < i; ++k)
            if (strcmp(out->symbol[k], s->word) == 0)
                return mds_fail(MDS_ERR_CONFIG, "%s:%d: element %s is named twice", s->path,
                                s->line, s->word);
    }
    return status == MDS_OK ? expect_end_of_line(s, "Nel El1 El2 ...") : status;
}

static mds_status parse_grid(scanner *s, setfl *out)
{
    static const char fields[] = "Nrho drho Nr dr cutoff";
    mds_status status;

    MDS_TRY(line_integer(s, "Nrho", 5, SETFL_KNOTS_MAX, &out->nrho));
    MDS_TRY(line_number(s, "drho", 1e-12, 1e6, &out->drho));
    MDS_TRY(line_integer(s, "Nr", 5, SETFL_KNOTS_MAX, &out->nr));
    MDS_TRY(line_number(s, "dr", 1e-9, 10.0, &out->dr));
    MDS_TRY(line_number(s, "cutoff", 1e-3, 1000.0, &out->cutoff));
    /* Many files put the cutoff at Nr dr, one knot behind the last: that is allowed. */
    if (out->cutoff > (out->nr + 1) * out->dr)
        return mds_fail(MDS_ERR_CONFIG,
                        "%s:%d: the cutoff, %g, lies beyond the table, which ends at Nr dr = %g",
                        s->path, s->line, out->cutoff, out->nr * out->dr);
    MDS_TRY(expect_end_of_line(s, fields));
out:
    return status;
}

static mds_status parse_header(scanner *s, setfl *out)
{
    mds_status status;

    for (int i = 0; i < 3; ++i)
        MDS_TRY(next_line(s, i < 2 ? "a comment line (there are three)" : "'Nel El1 El2 ...'"));
    MDS_TRY(parse_elements(s, out));
    MDS_TRY(next_line(s, "'Nrho drho Nr dr cutoff'"));
    MDS_TRY(parse_grid(s, out));
out:
    return status;
}

mds_status setfl_read_header(const char *path, setfl *out)
{
    char text[HEADER_BYTES];
    FILE *stream = fopen(path, "rb");

    memset(out, 0, sizeof *out);
    if (!stream)
        return mds_fail(MDS_ERR_IO, "cannot open '%s': %s", path, strerror(errno));
    errno = 0;
    const size_t length = fread(text, 1, sizeof text, stream);
    const int failed = ferror(stream) ? errno : 0;
    fclose(stream);
    if (failed)
        return mds_fail(MDS_ERR_IO, "cannot read '%s': %s", path, strerror(failed));
    scanner s = {.path = path, .at = text, .end = text + length, .line = 1};
    return parse_header(&s, out);
}

static int64_t count_values(const setfl *file, setfl_flavour flavour)
{
    const int64_t n = file->elements;
    const int64_t density = flavour == SETFL_FS ? n * n : n;

    return n * file->nrho + (density + n * (n + 1) / 2) * file->nr;
}

/* The flavour whose count of words fits what is left of the text; each element's header has four.
 * SETFL_AUTO when neither does. One element is the same in both. */
static setfl_flavour fitting_flavour(scanner s, const setfl *file)
{
    const int64_t headers = 4 * (int64_t)file->elements;
    int64_t words = 0;

    while (next_word(&s, s.end))
        ++words;
    if (words == headers + count_values(file, SETFL_ALLOY))
        return SETFL_ALLOY;
    return words == headers + count_values(file, SETFL_FS) ? SETFL_FS : SETFL_AUTO;
}

static mds_status choose_flavour(const scanner *s, setfl_flavour asked, setfl *file)
{
    const setfl_flavour fitting = fitting_flavour(*s, file);
    const size_t length = strlen(s->path);
    const bool named_fs = length > 3 && strcmp(s->path + length - 3, ".fs") == 0;

    if (asked != SETFL_AUTO && fitting != SETFL_AUTO && asked != fitting && file->elements > 1)
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: the count of numbers fits flavour %s, not %s",
                        s->path, s->line, fitting == SETFL_FS ? "fs" : "alloy",
                        asked == SETFL_FS ? "fs" : "alloy");
    file->flavour = asked != SETFL_AUTO     ? asked
                    : fitting != SETFL_AUTO ? fitting
                    : named_fs              ? SETFL_FS
                                            : SETFL_ALLOY;
    return MDS_OK;
}

/* "Z mass a lattice" on a line of its own. The lattice constant and name serve no purpose here, but
 * a number that is none shows a table of the wrong length. */
static mds_status parse_element_header(scanner *s, setfl *file, int i)
{
    mds_status status;
    const char *symbol = file->symbol[i];
    const int before = s->line;
    char field[64];
    double unused;
    int z;

    scanner peek = *s;
    if (!next_word(&peek, peek.end))
        return mds_fail(MDS_ERR_CONFIG,
                        "%s:%d: the file ends where 'Z mass a lattice' of %s "
                        "should follow",
                        s->path, s->line, symbol);
    if (peek.line == before)
        return mds_fail(MDS_ERR_CONFIG,
                        "%s:%d: '%s' is one number too many, 'Z mass a lattice' of %s should "
                        "follow on a line of its own",
                        s->path, peek.line, peek.word, symbol);
    s->at = peek.at - peek.length;
    s->line = peek.line;
    snprintf(field, sizeof field, "atomic number of %s", symbol);
    MDS_TRY(line_integer(s, field, 0, 999, &z));
    snprintf(field, sizeof field, "mass of %s", symbol);
    MDS_TRY(line_number(s, field, 1e-6, 1e6, &file->mass[i]));
    snprintf(field, sizeof field, "lattice constant of %s", symbol);
    MDS_TRY(line_number(s, field, 0.0, 1e6, &unused));
    if (!next_word(s, end_of_line(s)))
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: the lattice of %s is missing", s->path, s->line,
                        symbol);
    MDS_TRY(expect_end_of_line(s, "Z mass a lattice"));
out:
    return status;
}

static mds_status parse_table(scanner *s, const char *what, double *out, int count)
{
    const int first = s->line;

    for (int k = 0; k < count; ++k) {
        if (!next_word(s, s->end))
            return mds_fail(MDS_ERR_CONFIG,
                            "%s:%d: %s: %d numbers of %d (from line %d on), then the file ends",
                            s->path, s->line, what, k, count, first);
        const mds_status status = parse_number(s, what, &out[k]);
        if (status != MDS_OK)
            return status;
    }
    return MDS_OK;
}

/* Where the tables lie in `values`: embeddings, densities, pairs. */
static double *embedding_at(const setfl *file, int i)
{
    return file->values + (size_t)i * (size_t)file->nrho;
}

static double *density_at(const setfl *file, int from, int at)
{
    const int block = file->flavour == SETFL_FS ? from * file->elements + at : from;

    return embedding_at(file, file->elements) + (size_t)block * (size_t)file->nr;
}

static double *pair_at(const setfl *file, int i, int j)
{
    const int blocks = file->flavour == SETFL_FS ? file->elements : 1;
    const int high = i > j ? i : j, low = i > j ? j : i;
    double *const densities = embedding_at(file, file->elements);

    return densities +
           (size_t)(file->elements * blocks + high * (high + 1) / 2 + low) * (size_t)file->nr;
}

static mds_status parse_tables(scanner *s, setfl *file)
{
    mds_status status;
    char what[64];

    for (int i = 0; i < file->elements; ++i) {
        MDS_TRY(parse_element_header(s, file, i));
        snprintf(what, sizeof what, "F(rho) of %s", file->symbol[i]);
        MDS_TRY(parse_table(s, what, embedding_at(file, i), file->nrho));
        for (int k = 0; k < (file->flavour == SETFL_FS ? file->elements : 1); ++k) {
            snprintf(what, sizeof what, "rho(r) of %s", file->symbol[i]);
            if (file->flavour == SETFL_FS)
                snprintf(what, sizeof what, "rho(r) of %s at %s", file->symbol[i], file->symbol[k]);
            MDS_TRY(parse_table(s, what, density_at(file, i, k), file->nr));
        }
    }
    for (int i = 0; i < file->elements; ++i) {
        for (int j = 0; j <= i; ++j) {
            snprintf(what, sizeof what, "r phi(r) of %s-%s", file->symbol[i], file->symbol[j]);
            MDS_TRY(parse_table(s, what, pair_at(file, i, j), file->nr));
        }
    }
    if (next_word(s, s->end))
        return mds_fail(MDS_ERR_CONFIG, "%s:%d: '%s' follows the last table; is the flavour %s?",
                        s->path, s->line, s->word, file->flavour == SETFL_FS ? "alloy" : "fs");
out:
    return status;
}

static mds_status allocate(const scanner *s, setfl *file)
{
    const int64_t count = count_values(file, file->flavour);

    /* A number and the space before it take two bytes at least: a header with absurd sizes is
     * refused before memory is asked for. */
    if (count > (s->end - s->at) / 2)
        return mds_fail(MDS_ERR_CONFIG,
                        "%s:%d: Nrho and Nr announce %lld numbers, %lld bytes of text follow",
                        s->path, s->line, (long long)count, (long long)(s->end - s->at));
    file->values = malloc((size_t)count * sizeof *file->values);
    if (!file->values)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the %lld numbers of '%s'", (long long)count,
                        s->path);
    return MDS_OK;
}

mds_status setfl_read(const char *path, setfl_flavour flavour, setfl *out)
{
    mds_status status;
    char *text = NULL;
    size_t length = 0;

    memset(out, 0, sizeof *out);
    MDS_TRY(mds_read_file(path, &text, &length));
    scanner s = {.path = path, .at = text, .end = text + length, .line = 1};
    MDS_TRY(parse_header(&s, out));
    MDS_TRY(choose_flavour(&s, flavour, out));
    MDS_TRY(allocate(&s, out));
    MDS_TRY(parse_tables(&s, out));
out:
    free(text);
    if (status != MDS_OK)
        setfl_fini(out);
    return status;
}

void setfl_fini(setfl *file)
{
    free(file->values);
    file->values = NULL;
}

const double *setfl_embedding(const setfl *file, int i)
{
    return embedding_at(file, i);
}

const double *setfl_density(const setfl *file, int from, int at)
{
    return density_at(file, from, at);
}

const double *setfl_pair(const setfl *file, int i, int j)
{
    return pair_at(file, i, j);
}

int setfl_find(const setfl *file, int z)
{
    for (int i = 0; i < file->elements; ++i)
        if (file->z[i] == z)
            return i;
    return -1;
}
