#include "model/orb/orb_synthetic.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

uint64_t orb_synthetic_hash(const char *key)
{
    return mds_hash(MDS_HASH_START, key, strlen(key));
}

/* The finaliser of splitmix64 (G. Steele, D. Lea & C. Flood, OOPSLA'14). In [0, 1). */
static double uniform(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    x ^= x >> 31;
    return (double)(x >> 11) * (1.0 / 9007199254740992.0);
}

static int ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), k = strlen(end);

    return n >= k && strcmp(text + n - k, end) == 0;
}

void orb_synthetic_fill(const char *key, int inputs, size_t count, float *out)
{
    const uint64_t start = orb_synthetic_hash(key);
    double factor_w = 0.0, factor_u = 0.0, offset = 0.0; /* offset + factor_u·u + factor_w·w */

    if (ends_with(key, "embeddings.weight"))
        factor_w = sqrt(3.0);
    else if (ends_with(key, "reference.linear.weight"))
        factor_w = 5.0;
    else if (ends_with(key, "layer_norm.weight"))
        factor_u = 0.4, offset = 0.8;
    else if (ends_with(key, "running_var"))
        factor_u = 1.0, offset = 0.5;
    else if (ends_with(key, "running_mean") || ends_with(key, ".bias"))
        factor_w = 0.1;
    else
        factor_w = sqrt(3.0 / inputs);
    for (size_t i = 0; i < count; ++i) {
        const double u = uniform(start + (uint64_t)(i + 1) * UINT64_C(0x9E3779B97F4A7C15));

        out[i] = (float)(offset + factor_u * u + factor_w * (2.0 * u - 1.0));
    }
}
