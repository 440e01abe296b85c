/* The configuration keys that set plain members of a study, as tables: the parser, the messages,
 * the resolved text, the case keys and docs/configuration.md derive from them. */
#ifndef MDS_CASE_STUDY_KEYS_H
#define MDS_CASE_STUDY_KEYS_H

#include "case/study.h"

typedef enum mds_field_kind {
    MDS_FIELD_INT,    /* int */
    MDS_FIELD_INT64,  /* int64_t */
    MDS_FIELD_UINT64, /* uint64_t, at most INT64_MAX */
    MDS_FIELD_REAL,   /* double */
    MDS_FIELD_TEXT,   /* char[size] */
    MDS_FIELD_ENUM    /* an enum whose values are the indices of option.choices */
} mds_field_kind;

/* One key: its option row, and the member of the plain struct that it sets. */
typedef struct mds_field {
    mds_option option; /* a NULL key ends the table; a REAL preset may be NaN: "not given" */
    mds_field_kind kind;
    size_t offset, size;
    bool in_key; /* of mds_run: part of what a case measures, so of its key */
} mds_field;

extern const mds_field mds_run_fields[];     /* section run, struct mds_run; at most 32 */
extern const mds_field mds_sweep_fields[];   /* section sweep without the axes, struct mds_study */
extern const mds_field mds_output_fields[];  /* section output, struct mds_study */
extern const mds_field mds_targets_fields[]; /* section targets, struct mds_targets */

/* Every field of the table to its preset. */
void mds_fields_preset(const mds_field *table, void *object);
const mds_field *mds_fields_find(const mds_field *table, const char *key); /* NULL when absent */

/* MDS_ERR_CONFIG with the key, the value and what would be right; the object is then unchanged. */
mds_status mds_field_set_integer(const mds_field *field, void *object, int64_t value);
mds_status mds_field_set_real(const mds_field *field, void *object, double value);
mds_status mds_field_set_text(const mds_field *field, void *object, const char *value);

void mds_field_copy(const mds_field *field, void *to, const void *from);
/* The value as text that reads back exactly ("0.5", "fp64"; "nan" for a number not given). */
char *mds_field_format(const mds_field *field, const void *object, char *out, size_t size);
/* The shortest of %.15g and %.17g that reads back exactly. */
char *mds_format_real(double value, char *out, size_t size);

#endif
