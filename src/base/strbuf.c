#include "base/strbuf.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(mds_strbuf *buf, size_t extra)
{
    const size_t need = buf->length + extra + 1;

    if (buf->failed)
        return false;
    if (need <= buf->capacity)
        return true;
    size_t capacity = buf->capacity ? buf->capacity : 256;
    while (capacity < need)
        capacity *= 2;
    char *text = realloc(buf->text, capacity);
    if (!text) {
        buf->failed = true;
        return false;
    }
    buf->text = text;
    buf->capacity = capacity;
    return true;
}

void mds_strbuf_add_bytes(mds_strbuf *buf, const char *bytes, size_t count)
{
    if (!reserve(buf, count))
        return;
    memcpy(buf->text + buf->length, bytes, count);
    buf->length += count;
    buf->text[buf->length] = '\0';
}

void mds_strbuf_add(mds_strbuf *buf, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    const int count = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (count >= 0 && reserve(buf, (size_t)count)) {
        vsnprintf(buf->text + buf->length, (size_t)count + 1, format, again);
        buf->length += (size_t)count;
    }
    va_end(again);
}

void mds_strbuf_clear(mds_strbuf *buf)
{
    buf->length = 0;
    if (buf->text)
        buf->text[0] = '\0';
}

void mds_strbuf_fini(mds_strbuf *buf)
{
    free(buf->text);
    *buf = (mds_strbuf){0};
}

const char *mds_strbuf_text(const mds_strbuf *buf)
{
    return buf->text ? buf->text : "";
}

void mds_strbuf_add_json(mds_strbuf *buf, const char *text)
{
    if (!text) {
        mds_strbuf_add(buf, "null");
        return;
    }
    mds_strbuf_add_bytes(buf, "\"", 1);
    for (; *text; ++text) {
        const unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            mds_strbuf_add(buf, "\\%c", c);
        else if (c == '\n')
            mds_strbuf_add_bytes(buf, "\\n", 2);
        else if (c < 0x20)
            mds_strbuf_add(buf, "\\u%04x", c);
        else
            mds_strbuf_add_bytes(buf, text, 1);
    }
    mds_strbuf_add_bytes(buf, "\"", 1);
}

void mds_strbuf_add_json_number(mds_strbuf *buf, double value)
{
    char text[40];

    if (!isfinite(value)) {
        mds_strbuf_add(buf, "null");
        return;
    }
    for (int digits = 15; digits <= 17; ++digits) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    mds_strbuf_add(buf, "%s", text);
}
