#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 1024 };

static _Thread_local char message[MESSAGE_SIZE];

/* One line only: an embedded newline (a library's message, a file name) would break the log. */
static void flatten(char *text)
{
    for (; *text; ++text)
        if (*text == '\n' || *text == '\r')
            *text = ' ';
}

mds_status mds_fail(mds_status status, const char *format, ...)
{
    char text[MESSAGE_SIZE]; /* the arguments may point into `message` itself */
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    flatten(text);
    memcpy(message, text, sizeof text);
    return status;
}

void mds_error_prefix(const char *format, ...)
{
    char text[MESSAGE_SIZE];
    va_list args;

    va_start(args, format);
    const int used = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (used >= 0 && used < (int)sizeof text)
        snprintf(text + used, sizeof text - (size_t)used, "%s", message);
    flatten(text);
    memcpy(message, text, sizeof text);
}

const char *mds_error(void)
{
    return message;
}

void mds_error_clear(void)
{
    message[0] = '\0';
}

const char *mds_status_text(mds_status status)
{
    static const char *const text[] = {
#define MDS_STATUS_TEXT(name, words) words,
        MDS_STATUS_LIST(MDS_STATUS_TEXT)
#undef MDS_STATUS_TEXT
    };

    return (unsigned)status < MDS_STATUS_COUNT ? text[status] : "unknown status";
}

int mds_status_exit_code(mds_status status)
{
    switch (status) {
    case MDS_OK:
        return 0;
    case MDS_ERR_USAGE:
        return 2;
    case MDS_ERR_IO:
        return 74;
    case MDS_ERR_STOPPED:
        return 75;
    case MDS_ERR_CONFIG:
    case MDS_ERR_UNSUPPORTED: /* a combination that cannot be */
        return 78;
    default:
        return 1;
    }
}
