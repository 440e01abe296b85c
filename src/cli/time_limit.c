#include "cli/time_limit.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "a:b:c" into at most 3 non-negative whole numbers; the count, or -1. */
static int split(const char *text, double part[3])
{
    int count = 0;

    for (;;) {
        char *end;

        if (count == 3 || !isdigit((unsigned char)*text))
            return -1;
        part[count++] = strtod(text, &end);
        if (!*end)
            return count;
        if (*end != ':')
            return -1;
        text = end + 1;
    }
}

static double parse(const char *text)
{
    double part[3], days = 0.0;
    char *end;
    const char *dash = strchr(text, '-');
    const double number = strtod(text, &end);

    if (end != text && isdigit((unsigned char)*text) && strlen(end) == 1 && strchr("smh", *end))
        return number * (*end == 'h' ? 3600.0 : *end == 'm' ? 60.0 : 1.0);
    if (dash) {
        days = strtod(text, &end);
        if (end != dash || dash == text)
            return NAN;
        text = dash + 1;
    }
    const int count = split(text, part);
    if (count < 0)
        return NAN;
    if (dash) /* days-hours[:minutes[:seconds]] */
        return days * 86400.0 + part[0] * 3600.0 + (count > 1 ? part[1] * 60.0 : 0.0) +
               (count > 2 ? part[2] : 0.0);
    if (count == 3)
        return part[0] * 3600.0 + part[1] * 60.0 + part[2];
    return part[0] * 60.0 + (count == 2 ? part[1] : 0.0);
}

mds_status mds_time_limit_parse(const char *text, double *seconds)
{
    *seconds = parse(text);
    if (!(*seconds > 0.0) || !isfinite(*seconds))
        return mds_fail(MDS_ERR_USAGE,
                        "--time-limit %s: hours:minutes:seconds, minutes, days-hours, 90s, 30m or "
                        "2h is right",
                        text);
    return MDS_OK;
}

double mds_time_limit_slurm(void)
{
    const char *job = getenv("SLURM_JOB_ID");
    char command[128], line[64] = "";

    /* The number goes into a shell line: nothing but digits and '_' may. */
    if (!job || !*job || strspn(job, "0123456789_") != strlen(job))
        return INFINITY;
    snprintf(command, sizeof command, "timeout 20 squeue -h -j %s -o %%L 2>/dev/null", job);
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return INFINITY;
    if (!fgets(line, sizeof line, pipe))
        line[0] = '\0';
    pclose(pipe);
    line[strcspn(line, "\n")] = '\0';
    const double seconds = parse(line); /* "UNLIMITED", "INVALID", "": not a number */
    return isfinite(seconds) ? seconds : INFINITY;
}
