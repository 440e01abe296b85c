#include "model/model.h"

#include <string.h>

#define MDS_ENGINE(name) extern const mds_engine mds_engine_##name;
#include "model/engines.def"
#undef MDS_ENGINE

/* Ends with NULL, so that the table is legal C even while no engine is listed. */
static const mds_engine *const engines[] = {
#define MDS_ENGINE(name) &mds_engine_##name,
#include "model/engines.def"
#undef MDS_ENGINE
    NULL,
};

int mds_engine_count(void)
{
    return (int)(sizeof engines / sizeof *engines) - 1;
}

const mds_engine *mds_engine_get(int i)
{
    return i < 0 || i >= mds_engine_count() ? NULL : engines[i];
}

const mds_engine *mds_engine_find(const char *name)
{
    for (int i = 0; engines[i]; ++i)
        if (strcmp(engines[i]->name, name) == 0)
            return engines[i];
    return NULL;
}
