/* The body of the pair loop, compiled once per instruction set. The including file defines vectors
 * of LANES doubles (2, 4 or 8) and these operations on them:
 *   vec, mask                      types
 *   v_load v_store v_set           memory, aligned; broadcast
 *   v_load2 v_store2               LANES 8: the halves from and to two places; else as v_load,
 * v_store of the first v_add v_sub v_mul v_fma        v_fma(a, b, c) = a b + c v_max of numbers,
 * not NaN v_keep(m, a)                   a where m, else 0 (whatever a is there: also NaN) v_rsqrt
 * 1/√s to full double precision v_sum                          sum of the lanes, in a fixed order
 *   m_less(a, b) m_and m_or m_bits m_bits: lane k as bit k
 * and KERNELS, the name of the table, with its TITLE and the measured SECONDS_PER_ATOM.
 *
 * Units of the sums: charges are in units of the hydrogen's, −2 and 1; the sums of forces are
 * fields, force/(k_e q_H² charge), so that an oxygen costs one product with a charge for either
 * side, and a hydrogen one for both. */
#ifndef LANES
#error "include this from spcfw_pair_<set>.c"
#endif

#include "model/spcfw/spcfw_list.h"

#define INLINE static inline __attribute__((always_inline))

/* Clusters that share a vector, and lanes of a cluster that a vector covers. */
enum { TOGETHER = LANES > SPCFW_CLUSTER ? LANES / SPCFW_CLUSTER : 1 };

typedef struct site {
    vec x[3], f[3];
} site;

/* One slot of the molecule against LANES slots j. `oxygen`: it is one. `partial`: only where
 * `beyond` is positive. */
INLINE void interact(const spcfw_pair_constants *k, site *i, bool oxygen, bool partial, vec beyond,
                     const vec xj[3], vec qj, vec fj[3], vec energy[3])
{
    const vec dx = v_sub(i->x[0], xj[0]), dy = v_sub(i->x[1], xj[1]), dz = v_sub(i->x[2], xj[2]);
    const vec s = v_fma(dx, dx, v_fma(dy, dy, v_mul(dz, dz)));
    mask in = m_less(s, v_set(k->cutoff2));

    if (partial)
        in = m_and(in, m_less(v_set(0.0), beyond));
    const vec y = v_rsqrt(s), y2 = v_mul(y, y), fs = v_set(k->force_shift);
    vec p = v_set(k->fit.p[0]), q = v_set(k->fit.q[0]);

#pragma GCC unroll 16
    for (int n = 1; n < SPCFW_P_TERMS; ++n)
        p = v_fma(p, s, v_set(k->fit.p[n]));
#pragma GCC unroll 16
    for (int n = 1; n < SPCFW_Q_TERMS; ++n)
        q = v_fma(q, s, v_set(k->fit.q[n]));
    const vec e = v_keep(in, v_sub(v_mul(y, v_sub(v_set(1.0), v_mul(fs, s))), p));
    const vec f = v_keep(in, v_sub(v_mul(y, v_add(y2, fs)), q));
    vec on_i, on_j;

    energy[oxygen ? 0 : 1] = v_fma(qj, e, energy[oxygen ? 0 : 1]);
    if (oxygen) {
        const mask both = m_and(in, m_less(qj, v_set(0.0)));
        const vec y6 = v_mul(v_mul(y2, y2), y2);
        const vec b = v_sub(v_mul(v_set(k->c12), y6), v_set(k->c6));
        const vec a = v_sub(v_mul(v_set(k->c12 + k->c12), y6), v_set(k->c6));
        const vec lj = v_keep(both, v_mul(v_mul(y6, y2), a));

        energy[2] = v_add(energy[2], v_keep(both, v_sub(v_mul(y6, b), v_set(k->lj_shift))));
        on_i = v_fma(qj, f, lj);
        on_j = v_fma(v_set(SPCFW_OXYGEN), f, lj);
    } else {
        on_i = v_mul(qj, f);
        on_j = f;
    }
    i->f[0] = v_fma(on_i, dx, i->f[0]);
    i->f[1] = v_fma(on_i, dy, i->f[1]);
    i->f[2] = v_fma(on_i, dz, i->f[2]);
    fj[0] = v_fma(on_j, dx, fj[0]);
    fj[1] = v_fma(on_j, dy, fj[1]);
    fj[2] = v_fma(on_j, dz, fj[2]);
}

/* Slot numbers of LANES lanes. */
INLINE vec slots(const int *number, int lane)
{
    double slot[LANES] __attribute__((aligned(64)));

    for (int l = 0; l < LANES; ++l)
        slot[l] = number[l / SPCFW_CLUSTER] * SPCFW_CLUSTER + lane + l % SPCFW_CLUSTER;
    return v_load(slot);
}

/* The three atoms of a molecule, slots first … first+2, against the clusters number[TOGETHER]. */
INLINE void interact_clusters(const spcfw_pair_constants *k, site atom[3], int first,
                              spcfw_cluster *cluster, const int *number, bool partial,
                              vec energy[3])
{
    spcfw_cluster *c0 = &cluster[number[0]], *c1 = &cluster[number[TOGETHER - 1]];

    (void)c1;
#pragma GCC unroll 4
    for (int lane = 0; lane < SPCFW_CLUSTER; lane += LANES) {
        vec xj[3], fj[3] = {v_set(0.0), v_set(0.0), v_set(0.0)};
        const vec qj = v_load2(&c0->q[lane], &c1->q[lane]);
        const vec j = partial ? slots(number, lane) : v_set(0.0);

        for (int d = 0; d < 3; ++d)
            xj[d] = v_load2(&c0->x[d][lane], &c1->x[d][lane]);
#pragma GCC unroll 3
        for (int a = 0; a < 3; ++a)
            interact(k, &atom[a], a == 0, partial, v_sub(j, v_set(first + a)), xj, qj, fj, energy);
        for (int d = 0; d < 3; ++d)
            v_store2(&c0->f[d][lane], &c1->f[d][lane],
                     v_sub(v_load2(&c0->f[d][lane], &c1->f[d][lane]), fj[d]));
    }
}

/* All clusters of one entry. `total` is the field times charge on the molecule so far, over all its
 * entries; what this one adds is the part of its image. */
INLINE void interact_entry(const spcfw_pair_constants *k, spcfw_cluster *cluster,
                           const spcfw_pairs *list, const spcfw_entry *entry, const double move[3],
                           site atom[3], vec total[3], double field[3], vec energy[3])
{
    const int first = 3 * entry->molecule;
    int at = entry->begin;

    for (int a = 0; a < 3; ++a)
        for (int d = 0; d < 3; ++d) {
            const spcfw_cluster *c = &cluster[(first + a) / SPCFW_CLUSTER];

            atom[a].x[d] = v_set(c->x[d][(first + a) % SPCFW_CLUSTER] + move[d]);
        }
    for (; at < entry->whole; at += TOGETHER)
        interact_clusters(k, atom, first, cluster, &list->index[at], true, energy);
    for (; at < entry->end; at += TOGETHER)
        interact_clusters(k, atom, first, cluster, &list->index[at], false, energy);
    for (int d = 0; d < 3; ++d) {
        const vec now = v_fma(v_set(SPCFW_OXYGEN), atom[0].f[d], v_add(atom[1].f[d], atom[2].f[d]));

        field[d] += v_sum(v_sub(now, total[d]));
        total[d] = now;
    }
}

static void pairs(spcfw_cluster *cluster, const spcfw_pairs *list, const double (*move)[3],
                  const spcfw_pair_constants *constants, double (*field)[3], double *energy_out)
{
    const spcfw_pair_constants k = *constants; /* a copy: nothing stored can change it */
    vec energy[3] = {v_set(0.0), v_set(0.0), v_set(0.0)};

    for (int e = 0; e < list->entries;) {
        const int molecule = list->entry[e].molecule;
        vec total[3] = {v_set(0.0), v_set(0.0), v_set(0.0)};
        site atom[3];

        for (int a = 0; a < 3; ++a)
            for (int d = 0; d < 3; ++d)
                atom[a].f[d] = v_set(0.0);
        for (; e < list->entries && list->entry[e].molecule == molecule; ++e) {
            const spcfw_entry *entry = &list->entry[e];

            interact_entry(&k, cluster, list, entry, move[entry->shift], atom, total,
                           field[entry->shift], energy);
        }
        for (int a = 0; a < 3; ++a)
            for (int d = 0; d < 3; ++d)
                cluster[(3 * molecule + a) / SPCFW_CLUSTER]
                    .f[d][(3 * molecule + a) % SPCFW_CLUSTER] += v_sum(atom[a].f[d]);
    }
    *energy_out = SPCFW_OXYGEN * v_sum(energy[0]) + v_sum(energy[1]) +
                  SPCFW_OXYGEN / 6.0 * v_sum(energy[2]);
}

/* Which slots of the clusters number[TOGETHER] are within reach of the molecule, as bits of
 * SPCFW_CLUSTER each; adds the pairs to *count. */
INLINE unsigned near_slots(const spcfw_search *search, const int *number, bool partial,
                           int64_t *count)
{
    const spcfw_cluster *c0 = &search->cluster[number[0]];
    const spcfw_cluster *c1 = &search->cluster[number[TOGETHER - 1]];
    const vec reach2 = v_set(search->reach2);
    unsigned near = 0;

    (void)c1;
    for (int lane = 0; lane < SPCFW_CLUSTER; lane += LANES) {
        const vec j = partial ? slots(number, lane) : v_set(0.0);

#pragma GCC unroll 3
        for (int a = 0; a < 3; ++a) {
            const vec dx = v_sub(v_load2(&c0->x[0][lane], &c1->x[0][lane]), v_set(search->x[a][0]));
            const vec dy = v_sub(v_load2(&c0->x[1][lane], &c1->x[1][lane]), v_set(search->x[a][1]));
            const vec dz = v_sub(v_load2(&c0->x[2][lane], &c1->x[2][lane]), v_set(search->x[a][2]));
            const vec s = v_fma(dx, dx, v_fma(dy, dy, v_mul(dz, dz)));
            mask in = m_less(s, reach2);

            if (partial)
                in = m_and(in, m_less(v_set(search->first + a), j));
            near |= m_bits(in) << lane;
            *count += __builtin_popcount(m_bits(in));
        }
    }
    return near;
}

INLINE int prune_some(const spcfw_search *search, const int *from, int count, bool partial, int *to,
                      int64_t *pairs_out)
{
    int kept = 0;

    for (int at = 0; at < count; at += TOGETHER) {
        const unsigned near = near_slots(search, from + at, partial, pairs_out);
        int number[TOGETHER];

        for (int c = 0; c < TOGETHER; ++c)
            number[c] = from[at + c];
        for (int c = 0; c < TOGETHER; ++c) {
            to[kept] = number[c];
            kept += (near >> c * SPCFW_CLUSTER & 15u) != 0;
        }
    }
    return kept;
}

static int prune(const spcfw_search *search, const int *from, int count, int *to,
                 int64_t *pairs_out)
{
    int partial = 0;

    while (partial < count && from[partial] * SPCFW_CLUSTER <= search->first + 2 &&
           search->first >= 0)
        partial += 2;
    const int kept = prune_some(search, from, partial, true, to, pairs_out);
    return kept + prune_some(search, from + partial, count - partial, false, to + kept, pairs_out);
}

static int search_boxes(const spcfw_search *search, int *to)
{
    const int begin = search->first < 0 ? 0 : search->first / SPCFW_CLUSTER;
    vec lowest[3], highest[3];
    int found = 0;

    for (int d = 0; d < 3; ++d) {
        lowest[d] = v_set(search->lowest[d]);
        highest[d] = v_set(search->highest[d]);
    }
    for (int block = begin - begin % LANES; block < search->clusters; block += LANES) {
        vec gap2 = v_set(0.0);

        for (int d = 0; d < 3; ++d) {
            const vec above = v_sub(v_load(search->bounds[0][d] + block), highest[d]);
            const vec below = v_sub(lowest[d], v_load(search->bounds[1][d] + block));
            const vec gap = v_max(v_max(above, below), v_set(0.0));

            gap2 = v_fma(gap, gap, gap2);
        }
        for (unsigned near = m_bits(m_less(gap2, v_set(search->reach2))); near; near &= near - 1) {
            const int number = block + __builtin_ctz(near);

            to[found] = number;
            found += number >= begin;
        }
    }
    return found;
}

const spcfw_kernels KERNELS = {.name = TITLE,
                               .seconds_per_atom = SECONDS_PER_ATOM,
                               .pairs = pairs,
                               .search = search_boxes,
                               .prune = prune};
