/* The pair loop in the compiler's own vectors of two doubles (SSE2, NEON, VSX). */
#include "model/spcfw/spcfw_list.h"

typedef double vec __attribute__((vector_size(16)));
typedef int64_t mask __attribute__((vector_size(16)));
#define LANES            2
#define KERNELS          spcfw_kernels_portable
#define TITLE            "portable"
#define SECONDS_PER_ATOM 2.2e-6

static inline vec v_set(double a)
{
    return (vec){a, a};
}

static inline vec v_max(vec a, vec b)
{
    return (vec){a[0] > b[0] ? a[0] : b[0], a[1] > b[1] ? a[1] : b[1]};
}

static inline vec v_rsqrt(vec s)
{
    return (vec){1.0 / sqrt(s[0]), 1.0 / sqrt(s[1])};
}

#define v_load(p)         (*(const vec *)(p))
#define v_store(p, a)     ((void)(*(vec *)(p) = (a)))
#define v_load2(p, q)     v_load(p)
#define v_store2(p, q, a) v_store(p, a)
#define v_add(a, b)       ((a) + (b))
#define v_sub(a, b)       ((a) - (b))
#define v_mul(a, b)       ((a) * (b))
#define v_fma(a, b, c)    ((a) * (b) + (c))
#define v_keep(m, a)      ((vec)((m) & (mask)(a)))
#define v_sum(a)          ((a)[0] + (a)[1])
#define m_less(a, b)      ((a) < (b))
#define m_bits(m)         ((unsigned)(((m)[0] & 1) | ((m)[1] & 2)))
#define m_and(a, b)       ((a) & (b))

#include "model/spcfw/spcfw_pair_kernel.h"
