#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* The program's verbosity: written once by main() before any thread or rank work begins. */
static mds_log_level threshold = MDS_LOG_INFO;

void mds_log_set_level(mds_log_level level)
{
    threshold = level;
}

void mds_log(mds_log_level level, const char *format, ...)
{
    static const char *const prefix[] = {
        "mdsweep: error: ", "mdsweep: warning: ", "mdsweep: ", "mdsweep: debug: "};
    char line[2048];
    va_list args;

    if (level > threshold)
        return;
    int used = snprintf(line, sizeof line - 1, "%s", prefix[level]);
    va_start(args, format);
    const int text = vsnprintf(line + used, sizeof line - 1 - (size_t)used, format, args);
    va_end(args);
    if (text > 0)
        used += text;
    if (used > (int)sizeof line - 2)
        used = (int)sizeof line - 2;
    line[used++] = '\n';
    (void)!write(STDERR_FILENO, line, (size_t)used);
}
