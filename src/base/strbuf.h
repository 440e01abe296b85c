/* A growing string. Zero-initialise; fini frees. On lack of memory the text is cut and `failed` is
 * set, so that callers test once at the end. */
#ifndef MDS_BASE_STRBUF_H
#define MDS_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mds_strbuf {
    char *text; /* NUL-terminated, or NULL while empty */
    size_t length;
    size_t capacity;
    bool failed;
} mds_strbuf;

void mds_strbuf_add(mds_strbuf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mds_strbuf_add_bytes(mds_strbuf *buf, const char *bytes, size_t count);
/* Removes everything but keeps the memory. */
void mds_strbuf_clear(mds_strbuf *buf);
void mds_strbuf_fini(mds_strbuf *buf);
/* The text, "" when empty; borrowed. */
const char *mds_strbuf_text(const mds_strbuf *buf);
/* Adds `text` as a quoted JSON string (RFC 8259), or null for a NULL pointer. */
void mds_strbuf_add_json(mds_strbuf *buf, const char *text);
/* Adds a number as JSON, shortest form that reads back exactly; null for NaN and infinities. */
void mds_strbuf_add_json_number(mds_strbuf *buf, double value);

#endif
