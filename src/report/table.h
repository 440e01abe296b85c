/* A table: what is printed, exported and kept in the results file. Those who fill one know nothing
 * of formats, and the formats nothing of what the numbers mean. */
#ifndef MDS_REPORT_TABLE_H
#define MDS_REPORT_TABLE_H

#include "base/strbuf.h"
#include "store/store.h"

typedef struct mds_table_column {
    const char *key;     /* name in JSON, CSV and HDF5, with its unit: "mean_ms" */
    const char *heading; /* in text and Markdown: "mean ms" */
    int width;           /* bytes kept of a text cell; 0: a number */
    const char *format;  /* printf format of a number, "%.3f"; NULL: "%.4g" */
    const char *unit;    /* "ms" */
    const char *long_name;
} mds_table_column;

typedef struct mds_table_cell {
    double number;
    char *text; /* heap; NULL for a number */
} mds_table_cell;

typedef struct mds_table {
    const char *name;                /* "scaling" */
    const char *title;               /* one line above the table */
    const mds_table_column *columns; /* static */
    int column_count;
    mds_table_cell *cells; /* row-major; a row is complete after column_count cells */
    int cell_count, cell_capacity;
    /* Columns of numbers that text and Markdown leave out when no row knows them; never the last.
     */
    int optional_first, optional_end;
    char *notes; /* heap, lines "word: what it means" under the table; NULL: none */
    bool failed; /* out of memory: cells were lost */
} mds_table;

void mds_table_init(mds_table *table, const char *name, const char *title,
                    const mds_table_column *columns, int column_count);
void mds_table_fini(mds_table *table); /* accepts a zeroed struct */
int mds_table_rows(const mds_table *table);
const mds_table_cell *mds_table_at(const mds_table *table, int row, int column);

/* The next cell of the present row, in column order. */
void mds_table_add_number(mds_table *table, double value);
void mds_table_add_text(mds_table *table, const char *text);

/* A line under the table. */
void mds_table_add_note(mds_table *table, const char *word, const char *text);

typedef enum mds_format {
    MDS_FORMAT_TEXT,
    MDS_FORMAT_JSON,
    MDS_FORMAT_CSV,
    MDS_FORMAT_MD,
    MDS_FORMAT_COUNT
} mds_format;

/* MDS_ERR_USAGE with the words that are right. */
mds_status mds_format_parse(const char *word, mds_format *out);

/* One table in `format`. CSV and JSON keep full precision; text and Markdown round. In JSON the
 * table is an object {"name", "columns", "rows": [{...}]}, with "notes" when there are some; CSV
 * has none. */
void mds_table_write(const mds_table *table, mds_format format, mds_strbuf *out);

#endif
