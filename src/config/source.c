/* The file's text into libconfig's tree. libconfig stops at the first syntax error and says only
 * the line; what stands there is added, so that the message helps. */
#include "base/text.h"
#include "config/reader.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
/* libconfig 1.5 loses the text that precedes a syntax error; this process ends soon after one. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:strbuf_append\n";
}
#endif

/* The text of line `line` (1-based) without its blanks at the ends. */
static const char *line_text(const char *text, int line, char *out, size_t size)
{
    for (int i = 1; i < line && text; ++i) {
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    out[0] = '\0';
    if (!text)
        return out;
    text += strspn(text, " \t\r");
    size_t length = strcspn(text, "\r\n");
    if (length >= size)
        length = size - 1;
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        --length;
    memcpy(out, text, length);
    out[length] = '\0';
    return out;
}

static void report_syntax(mds_config_reader *reader, const char *text)
{
    const char *included = config_error_file(&reader->tree);
    const char *why = config_error_text(&reader->tree);
    const int line = config_error_line(&reader->tree);
    char file[2 * MDS_PATH_SIZE], quoted[80];
    char *other = NULL;

    mds_config_file(reader, included, file, sizeof file);
    if (included)
        text = mds_read_file(file, &other, NULL) == MDS_OK ? other : "";
    line_text(text, line, quoted, sizeof quoted);
    mds_problems_add(reader->problems, file, line, "%s at %s%s%s", why ? why : "syntax error",
                     *quoted ? "'" : "the end of the text", quoted, *quoted ? "'" : "");
    free(other);
}

/* Past a string or comment that begins at p, else p; counts the lines passed. */
static const char *skip_quiet(const char *p, int *line)
{
    const char *end = p;

    if (*p == '"') {
        for (end = p + 1; *end && *end != '"'; ++end)
            if (*end == '\\' && end[1])
                ++end;
        end += *end == '"';
    } else if (*p == '#' || (*p == '/' && p[1] == '/'))
        end = p + strcspn(p, "\n");
    else if (*p == '/' && p[1] == '*') {
        end = strstr(p + 2, "*/");
        end = end ? end + 2 : p + strlen(p);
    }
    for (const char *q = p; q < end; ++q)
        *line += *q == '\n';
    return end;
}

/* True when the quote at `quote` of the string that begins at `start` is the second half of \". */
static bool is_escaped(const char *start, const char *quote)
{
    const char *p = start + 1;

    while (p < quote)
        p += *p == '\\' ? 2 : 1;
    return p > quote;
}

/* libconfig would report the end of the file, and loses the memory of the text it was reading. */
int mds_config_open_quote(const char *text)
{
    int line = 1;

    for (const char *p = text; *p;) {
        const int start = line;
        const char *end = skip_quiet(p, &line);

        if (*p == '"' && (end - p < 2 || end[-1] != '"' || is_escaped(p, end - 1)))
            return start;
        line += end == p && *p == '\n';
        p = end > p ? end : p + 1;
    }
    return 0;
}

/* libconfig 1.5 keeps the low 32 bits of a larger integer that has no suffix L, without a word. */
bool mds_config_check_integers(mds_problems *problems, const char *text, const char *file,
                               const char *origin)
{
    bool found = false;
    int line = 1;

    for (const char *p = text; *p;) {
        const char *end = skip_quiet(p, &line);

        if (end > p) {
            p = end;
            continue;
        }
        if (!isalnum((unsigned char)*p) && *p != '.') {
            line += *p == '\n';
            ++p;
            continue;
        }
        const size_t length = strspn(p, "0123456789abcdefghijklmnopqrstuvwxyz"
                                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.*-+");
        const size_t digits = strspn(p, "0123456789");
        const bool wide = digits + 1 == length && p[digits] == 'L';
        if (digits > 0 && (digits == length || wide)) {
            errno = 0;
            const long long value = strtoll(p, NULL, 10);
            const char *advice = errno == ERANGE              ? "is larger than any integer here"
                                 : value > INT32_MAX && !wide ? "has more than 32 bits: write it "
                                                                "with an L behind it"
                                                              : NULL;
            if (advice) {
                mds_problems_add(problems, origin ? "" : file, origin ? 0 : line, "%s%s%.*s %s",
                                 origin ? origin : "", origin ? ": " : "",
                                 length < 40 ? (int)length : 40, p, advice);
                found = true;
            }
        }
        p += length;
    }
    return found;
}

static void check_included(mds_config_reader *reader)
{
    for (unsigned i = 0; i < reader->tree.num_filenames; ++i) {
        const char *name = reader->tree.filenames[i];
        char file[2 * MDS_PATH_SIZE];
        char *text = NULL;

        if (!name)
            continue;
        mds_config_file(reader, name, file, sizeof file);
        if (mds_read_file(file, &text, NULL) == MDS_OK)
            mds_config_check_integers(reader->problems, text, file, NULL);
        free(text);
    }
}

mds_status mds_config_parse(mds_config_reader *reader, const char *text)
{
    char folder[MDS_PATH_SIZE];

    snprintf(folder, sizeof folder, "%s", *reader->folder ? reader->folder : "./");
    if (strlen(folder) > 1)
        folder[strlen(folder) - 1] = '\0'; /* libconfig adds the '/' itself */
    const int open = mds_config_open_quote(text);
    if (open) {
        mds_problems_add(reader->problems, reader->path, open,
                         "a text begins here that has no closing quote");
        return MDS_ERR_CONFIG;
    }
    config_set_include_dir(&reader->tree, folder);
    if (!config_read_string(&reader->tree, text)) {
        report_syntax(reader, text);
        return MDS_ERR_CONFIG;
    }
    mds_config_check_integers(reader->problems, text, reader->path, NULL);
    check_included(reader);
    reader->large_count = reader->problems->count;
    return MDS_OK;
}
