#include "model/built_in.h"

#include <string.h>

static const char prefix[] = "built-in:";

const char *mds_built_in_name(const char *path)
{
    const size_t length = sizeof prefix - 1;

    return strncmp(path, prefix, length) == 0 ? path + length : NULL;
}

const mds_built_in *mds_built_in_find(const char *path)
{
    const char *name = mds_built_in_name(path);

    for (const mds_built_in *b = mds_built_ins; name && b->name; ++b)
        if (strcmp(b->name, name) == 0)
            return b;
    return NULL;
}
