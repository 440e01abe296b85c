#include "model/orb/orb_variant.h"

#include <stddef.h>
#include <string.h>

#define V2(id, depth)                                                                              \
    {                                                                                              \
        .name = id, .layers = depth, .hidden = 512, .features = 23, .neighbors = 20                \
    }
#define V3(id, is_conservative, count)                                                             \
    {                                                                                              \
        .name = id, .v3 = true, .conservative = is_conservative, .layers = 5, .hidden = 1024,      \
        .features = 128, .neighbors = count                                                        \
    }

const orb_variant orb_variants[ORB_VARIANTS] = {
    V2("orb-v2", 15),
    V2("orb-mptraj-only-v2", 15),
    V2("orb-d3-v2", 15),
    V2("orb-d3-sm-v2", 10),
    V2("orb-d3-xs-v2", 5),
    V3("orb-v3-direct-20-omat", false, 20),
    V3("orb-v3-direct-20-mpa", false, 20),
    V3("orb-v3-direct-inf-omat", false, 120),
    V3("orb-v3-direct-inf-mpa", false, 120),
    V3("orb-v3-conservative-20-omat", true, 20),
    V3("orb-v3-conservative-20-mpa", true, 20),
    V3("orb-v3-conservative-inf-omat", true, 120),
    V3("orb-v3-conservative-inf-mpa", true, 120),
};

const char *const orb_variant_names[ORB_VARIANTS + 1] = {
    "orb-v2",
    "orb-mptraj-only-v2",
    "orb-d3-v2",
    "orb-d3-sm-v2",
    "orb-d3-xs-v2",
    "orb-v3-direct-20-omat",
    "orb-v3-direct-20-mpa",
    "orb-v3-direct-inf-omat",
    "orb-v3-direct-inf-mpa",
    "orb-v3-conservative-20-omat",
    "orb-v3-conservative-20-mpa",
    "orb-v3-conservative-inf-omat",
    "orb-v3-conservative-inf-mpa",
    NULL,
};

const orb_variant *orb_variant_find(const char *name)
{
    for (int i = 0; i < ORB_VARIANTS; ++i)
        if (strcmp(orb_variants[i].name, name) == 0)
            return &orb_variants[i];
    return NULL;
}

/* Products only, two operations each; the first layer on edges is split into parts for edges and
 * for nodes (orb_forward.c). */
double orb_variant_flops_per_edge(const orb_variant *variant, int layers)
{
    const double h = variant->hidden, d = ORB_WIDTH;
    const double encoder = 2.0 * (variant->features * h + h * h + h * d);

    return (encoder + 2.0 * layers * (d * h + h * h + h * d)) * (variant->conservative ? 2.0 : 1.0);
}

double orb_variant_flops_per_node(const orb_variant *variant, int layers)
{
    const double h = variant->hidden, d = ORB_WIDTH;
    const double layer = 2.0 * (3.0 * d * h + h * h + h * d) + 4.0 * d * h;

    return layers * layer * (variant->conservative ? 2.0 : 1.0);
}
