#include "report/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mds_table_init(mds_table *table, const char *name, const char *title,
                    const mds_table_column *columns, int column_count)
{
    *table =
        (mds_table){.name = name, .title = title, .columns = columns, .column_count = column_count};
}

void mds_table_fini(mds_table *table)
{
    for (int i = 0; i < table->cell_count; ++i)
        free(table->cells[i].text);
    free(table->cells);
    free(table->notes);
    *table = (mds_table){0};
}

int mds_table_rows(const mds_table *table)
{
    return table->column_count ? table->cell_count / table->column_count : 0;
}

const mds_table_cell *mds_table_at(const mds_table *table, int row, int column)
{
    return &table->cells[row * table->column_count + column];
}

static mds_table_cell *next_cell(mds_table *table)
{
    if (table->cell_count == table->cell_capacity) {
        const int capacity = table->cell_capacity ? 2 * table->cell_capacity : 256;
        mds_table_cell *cells = realloc(table->cells, (size_t)capacity * sizeof *cells);

        if (!cells) {
            table->failed = true;
            return NULL;
        }
        table->cells = cells;
        table->cell_capacity = capacity;
    }
    table->cells[table->cell_count] = (mds_table_cell){.number = NAN};
    return &table->cells[table->cell_count++];
}

void mds_table_add_number(mds_table *table, double value)
{
    mds_table_cell *cell = next_cell(table);

    if (cell)
        cell->number = value;
}

void mds_table_add_text(mds_table *table, const char *text)
{
    mds_table_cell *cell = next_cell(table);

    if (cell && !(cell->text = strdup(text)))
        table->failed = true;
}

void mds_table_add_note(mds_table *table, const char *word, const char *text)
{
    mds_strbuf notes = {0};

    mds_strbuf_add(&notes, "%s%s: %s\n", table->notes ? table->notes : "", word, text);
    free(table->notes);
    table->notes = notes.failed ? NULL : strdup(mds_strbuf_text(&notes));
    table->failed = table->failed || !table->notes;
    mds_strbuf_fini(&notes);
}

mds_status mds_format_parse(const char *word, mds_format *out)
{
    static const char *const words[MDS_FORMAT_COUNT] = {"text", "json", "csv", "md"};

    for (int i = 0; i < MDS_FORMAT_COUNT; ++i)
        if (strcmp(words[i], word) == 0) {
            *out = (mds_format)i;
            return MDS_OK;
        }
    return mds_fail(MDS_ERR_USAGE, "--format %s: text, json, csv or md is right", word);
}

/* What a person reads: rounded; a number that is not known is a dash. */
static const char *display(const mds_table *table, int row, int column, char *buffer, size_t size)
{
    const mds_table_cell *cell = mds_table_at(table, row, column);
    const char *format = table->columns[column].format;

    if (cell->text)
        return cell->text;
    if (isnan(cell->number))
        return "-";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(buffer, size, format ? format : "%.4g", cell->number);
#pragma GCC diagnostic pop
    return buffer;
}

/* Columns of a terminal, not bytes: "µ" and "³" are one. */
static int width_of(const char *text)
{
    int width = 0;

    for (; *text; ++text)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static void pad(mds_strbuf *out, int count)
{
    for (int i = 0; i < count; ++i)
        mds_strbuf_add_bytes(out, " ", 1);
}

/* Two spaces between columns, none at the end of a line. */
static void add_padded(mds_strbuf *out, const char *text, int width, bool left, bool first,
                       bool last)
{
    const int space = width - width_of(text);

    if (!first && !(last && left && !*text))
        pad(out, 2);
    if (!left)
        pad(out, space);
    mds_strbuf_add(out, "%s", text);
    if (last)
        mds_strbuf_add(out, "\n");
    else if (left)
        pad(out, space);
}

static bool is_shown(const mds_table *table, int column)
{
    bool known = column < table->optional_first || column >= table->optional_end;

    for (int r = 0; r < mds_table_rows(table) && !known; ++r)
        known = !isnan(mds_table_at(table, r, column)->number);
    return known;
}

static void write_row(const mds_table *table, int row, const int *width, mds_strbuf *out)
{
    char buffer[64];

    for (int c = 0; c < table->column_count; ++c)
        if (width[c] > 0)
            add_padded(out,
                       row < 0 ? table->columns[c].heading
                               : display(table, row, c, buffer, sizeof buffer),
                       width[c], table->columns[c].width > 0, c == 0, c == table->column_count - 1);
}

static void write_text(const mds_table *table, mds_strbuf *out)
{
    const int rows = mds_table_rows(table);
    char buffer[64];
    int *width = calloc((size_t)table->column_count, sizeof *width);

    if (!width) {
        out->failed = true;
        return;
    }
    mds_strbuf_add(out, "%s\n", table->title);
    for (int c = 0; c < table->column_count; ++c) {
        if (!is_shown(table, c))
            continue;
        width[c] = width_of(table->columns[c].heading);
        for (int r = 0; r < rows; ++r) {
            const int w = width_of(display(table, r, c, buffer, sizeof buffer));
            if (w > width[c])
                width[c] = w;
        }
    }
    for (int r = -1; r < rows; ++r)
        write_row(table, r, width, out);
    if (table->notes)
        mds_strbuf_add(out, "%s", table->notes);
    free(width);
}

static void add_markdown_text(mds_strbuf *out, const char *text)
{
    for (; *text; ++text)
        mds_strbuf_add(out, *text == '|' ? "\\|" : "%c", *text);
}

static void write_markdown(const mds_table *table, mds_strbuf *out)
{
    char buffer[64];

    mds_strbuf_add(out, "**%s**\n\n|", table->title);
    for (int c = 0; c < table->column_count; ++c)
        if (is_shown(table, c))
            mds_strbuf_add(out, " %s |", table->columns[c].heading);
    mds_strbuf_add(out, "\n|");
    for (int c = 0; c < table->column_count; ++c)
        if (is_shown(table, c))
            mds_strbuf_add(out, table->columns[c].width ? ":--|" : "--:|");
    mds_strbuf_add(out, "\n");
    for (int r = 0; r < mds_table_rows(table); ++r) {
        mds_strbuf_add(out, "|");
        for (int c = 0; c < table->column_count; ++c) {
            if (!is_shown(table, c))
                continue;
            mds_strbuf_add(out, " ");
            add_markdown_text(out, display(table, r, c, buffer, sizeof buffer));
            mds_strbuf_add(out, " |");
        }
        mds_strbuf_add(out, "\n");
    }
    if (table->notes)
        mds_strbuf_add(out, "\n");
    for (const char *line = table->notes; line && *line; line = strchr(line, '\n') + 1)
        mds_strbuf_add(out, "* %.*s\n", (int)strcspn(line, "\n"), line);
}

static void add_csv_text(mds_strbuf *out, const char *text)
{
    if (!strpbrk(text, ",\"\n")) {
        mds_strbuf_add(out, "%s", text);
        return;
    }
    mds_strbuf_add(out, "\"");
    for (; *text; ++text)
        mds_strbuf_add(out, *text == '"' ? "\"\"" : "%c", *text);
    mds_strbuf_add(out, "\"");
}

static void write_csv(const mds_table *table, mds_strbuf *out)
{
    for (int c = 0; c < table->column_count; ++c)
        mds_strbuf_add(out, "%s%s", c ? "," : "", table->columns[c].key);
    mds_strbuf_add(out, "\n");
    for (int r = 0; r < mds_table_rows(table); ++r) {
        for (int c = 0; c < table->column_count; ++c) {
            const mds_table_cell *cell = mds_table_at(table, r, c);

            mds_strbuf_add(out, "%s", c ? "," : "");
            if (cell->text)
                add_csv_text(out, cell->text);
            else if (isfinite(cell->number))
                mds_strbuf_add_json_number(out, cell->number);
        }
        mds_strbuf_add(out, "\n");
    }
}

static void write_json(const mds_table *table, mds_strbuf *out)
{
    mds_strbuf_add(out, "{\"name\": ");
    mds_strbuf_add_json(out, table->name);
    mds_strbuf_add(out, ", \"columns\": [");
    for (int c = 0; c < table->column_count; ++c) {
        mds_strbuf_add(out, "%s{\"key\": ", c ? ", " : "");
        mds_strbuf_add_json(out, table->columns[c].key);
        mds_strbuf_add(out, ", \"unit\": ");
        mds_strbuf_add_json(out, table->columns[c].unit);
        mds_strbuf_add(out, ", \"long_name\": ");
        mds_strbuf_add_json(out, table->columns[c].long_name);
        mds_strbuf_add(out, "}");
    }
    mds_strbuf_add(out, "], \"rows\": [");
    for (int r = 0; r < mds_table_rows(table); ++r) {
        mds_strbuf_add(out, "%s\n  {", r ? "," : "");
        for (int c = 0; c < table->column_count; ++c) {
            const mds_table_cell *cell = mds_table_at(table, r, c);

            mds_strbuf_add(out, "%s", c ? ", " : "");
            mds_strbuf_add_json(out, table->columns[c].key);
            mds_strbuf_add(out, ": ");
            if (cell->text)
                mds_strbuf_add_json(out, cell->text);
            else
                mds_strbuf_add_json_number(out, cell->number);
        }
        mds_strbuf_add(out, "}");
    }
    mds_strbuf_add(out, "]");
    if (table->notes) {
        mds_strbuf_add(out, ", \"notes\": ");
        mds_strbuf_add_json(out, table->notes);
    }
    mds_strbuf_add(out, "}");
}

void mds_table_write(const mds_table *table, mds_format format, mds_strbuf *out)
{
    switch (format) {
    case MDS_FORMAT_JSON:
        write_json(table, out);
        break;
    case MDS_FORMAT_CSV:
        write_csv(table, out);
        break;
    case MDS_FORMAT_MD:
        write_markdown(table, out);
        break;
    default:
        write_text(table, out);
    }
}
