#include "config/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Text of the user's may hold anything; a problem is one line. */
static void flatten(char *text)
{
    for (; *text; ++text)
        if ((unsigned char)*text < ' ')
            *text = ' ';
}

void mds_problems_add(mds_problems *problems, const char *file, int line, const char *format, ...)
{
    if (problems->count == problems->capacity) {
        const int capacity = problems->capacity ? 2 * problems->capacity : 16;
        mds_problem *list = realloc(problems->list, (size_t)capacity * sizeof *list);

        if (!list)
            return;
        problems->list = list;
        problems->capacity = capacity;
    }
    mds_problem *p = &problems->list[problems->count++];
    va_list args;

    snprintf(p->file, sizeof p->file, "%s", file ? file : "");
    p->line = line;
    va_start(args, format);
    vsnprintf(p->text, sizeof p->text, format, args);
    va_end(args);
    flatten(p->text);
}

void mds_problems_fini(mds_problems *problems)
{
    free(problems->list);
    memset(problems, 0, sizeof *problems);
}
