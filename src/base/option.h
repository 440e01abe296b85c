/* Options that a plug-in (engine, protocol, system) declares once, as a table; the configuration
 * parser, `mdsweep list`, the docs and the plug-in itself all read that table.
 *
 *     static const mds_option lj_options[] = {
 *         {.key = "epsilon_eV", .type = MDS_OPTION_REAL, .unit = "eV", .preset = 0.0103235,
 *          .min = 1e-9, .max = 1e3, .help = "well depth"},
 *         {0},
 *     };
 */
#ifndef MDS_BASE_OPTION_H
#define MDS_BASE_OPTION_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum mds_option_type {
    MDS_OPTION_REAL,
    MDS_OPTION_INT,
    MDS_OPTION_BOOL, /* number 0 or 1 */
    MDS_OPTION_TEXT
} mds_option_type;

typedef struct mds_option {
    const char *key; /* NULL ends the table */
    mds_option_type type;
    const char *unit;           /* "eV", "fs", ...; NULL for none */
    double preset;              /* value when not given (REAL, INT, BOOL) */
    const char *preset_text;    /* value when not given (TEXT); NULL means "" */
    double min, max;            /* inclusive bounds of REAL and INT; min == max == 0: unbounded */
    const char *const *choices; /* NULL-terminated words a TEXT may take; NULL: any */
    const char *help;           /* one line */
} mds_option;

enum { MDS_OPTION_MAX = 24, MDS_OPTION_TEXT_SIZE = 256 };

typedef struct mds_option_value {
    double number;
    char text[MDS_OPTION_TEXT_SIZE];
    bool given; /* set by the user, not the preset */
} mds_option_value;

/* The values for one table. Plain data: copy freely. */
typedef struct mds_options {
    const mds_option *table; /* static, never freed; NULL means no options at all */
    int count;
    mds_option_value value[MDS_OPTION_MAX];
} mds_options;

/* Presets of `table` (NULL allowed). */
void mds_options_init(mds_options *options, const mds_option *table);

/* MDS_ERR_CONFIG with the key, the bad value, and what would be right (bounds, choices, nearest
 * key). Messages carry no file and line: the parser puts those before. */
mds_status mds_options_set_number(mds_options *options, const char *key, double value);
mds_status mds_options_set_text(mds_options *options, const char *key, const char *value);

/* The declared option, or NULL. */
const mds_option *mds_options_find(const mds_options *options, const char *key);

/* The value of a declared key; asking for an undeclared key is a programmer's mistake (asserted).
 */
double mds_options_real(const mds_options *options, const char *key);
int mds_options_int(const mds_options *options, const char *key);
bool mds_options_bool(const mds_options *options, const char *key);
const char *mds_options_text(const mds_options *options, const char *key);
bool mds_options_given(const mds_options *options, const char *key);

/* "key=value key=value" of the given (non-preset) options in table order, into `out`: the canonical
 * text that enters case keys. Returns `out`. */
char *mds_options_format(const mds_options *options, char *out, size_t size);

#endif
