/* The body of the pair loop, compiled once per instruction set. The including file defines vectors
 * of LANES doubles (a divisor of SPCFW_CLUSTER) and these operations on them:
 *   vec, mask                      types
 *   v_load v_store v_set           memory, aligned; broadcast
 *   v_add v_sub v_mul v_fma        v_fma(a, b, c) = a b + c
 *   v_max                          NaN-free
 *   v_keep(m, a)                   a where m, else 0 (whatever a is there: also NaN)
 *   v_rsqrt                        1/√s to full double precision
 *   v_sum                          sum of the lanes, in a fixed order
 *   m_less(a, b) m_and m_count m_bits     number of lanes set; m_bits: as bits of an unsigned
 * and KERNELS, the name of the table, with its TITLE.
 *
 * Units of the sums: forces are kept as fields, force/(k_e q), so that a pair needs one product
 * with a charge for each side. */
#ifndef LANES
#error "include this from spcfw_pair_<set>.c"
#endif

#include "model/spcfw/spcfw_list.h"

#define INLINE static inline __attribute__((always_inline))

typedef struct site {
    vec x[3];
    vec f[3];
} site;

/* One slot of the molecule against LANES slots of a cluster. `oxygen`: the slot is one. */
INLINE void interact(const spcfw_pair_constants *k, site *i, const spcfw_cluster *c, int lane,
                     bool oxygen, bool partial, vec beyond, vec xj[3], vec fj[3], vec *energy,
                     vec *lj_energy)
{
    const vec dx = v_sub(i->x[0], xj[0]), dy = v_sub(i->x[1], xj[1]), dz = v_sub(i->x[2], xj[2]);
    const vec s = v_fma(dx, dx, v_fma(dy, dy, v_mul(dz, dz)));
    mask in = m_less(s, v_set(k->cutoff2));

    if (partial)
        in = m_and(in, m_less(v_set(0.0), beyond));
    const vec y = v_rsqrt(s), y2 = v_mul(y, y);
    vec p = v_set(k->fit.p[0]), q = v_set(k->fit.q[0]);

#pragma GCC unroll 16
    for (int n = 1; n < SPCFW_P_TERMS; ++n)
        p = v_fma(p, s, v_set(k->fit.p[n]));
#pragma GCC unroll 16
    for (int n = 1; n < SPCFW_Q_TERMS; ++n)
        q = v_fma(q, s, v_set(k->fit.q[n]));
    const vec fs = v_set(k->force_shift);
    const vec qj = v_load(&c->q[lane]);
    const vec e = v_keep(in, v_sub(v_mul(y, v_sub(v_set(1.0), v_mul(fs, s))), p));
    const vec f = v_keep(in, v_sub(v_mul(y, v_add(y2, fs)), q));
    vec on_i, on_j;

    *energy = v_fma(qj, e, *energy);
    if (oxygen) {
        const vec y6 = v_mul(v_mul(y2, y2), y2), c6 = v_load(&c->c6[lane]);
        const vec a = v_mul(v_load(&c->c12[lane]), y6), b = v_sub(a, c6);
        const vec lj = v_keep(in, v_mul(v_mul(y6, y2), v_add(a, b)));

        *lj_energy = v_add(*lj_energy, v_keep(in, v_sub(v_mul(y6, b), v_load(&c->lj_shift[lane]))));
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

/* The three atoms of a molecule, slots first … first+2, against cluster number `number`. */
INLINE void interact_cluster(const spcfw_pair_constants *k, site atom[3], int first,
                             spcfw_cluster *c, int number, bool partial, vec energy[3])
{
#pragma GCC unroll 8
    for (int lane = 0; lane < SPCFW_CLUSTER; lane += LANES) {
        vec xj[3], fj[3];

        for (int d = 0; d < 3; ++d) {
            xj[d] = v_load(&c->x[d][lane]);
            fj[d] = v_set(0.0);
        }
#pragma GCC unroll 3
        for (int a = 0; a < 3; ++a) {
            vec beyond = v_set(0.0);

            if (partial) /* j − i of the lanes */
                beyond =
                    v_add(v_load(lane_number + lane), v_set(number * SPCFW_CLUSTER - (first + a)));
            interact(k, &atom[a], c, lane, a == 0, partial, beyond, xj, fj, &energy[a ? 1 : 0],
                     &energy[2]);
        }
        for (int d = 0; d < 3; ++d)
            v_store(&c->f[d][lane], v_sub(v_load(&c->f[d][lane]), fj[d]));
    }
}

static void pairs(spcfw_list *list, const spcfw_pair_constants *constants, double *energy_out)
{
    const spcfw_pair_constants local = *constants, *k = &local; /* nothing stored can change it */
    vec energy[3] = {v_set(0.0), v_set(0.0), v_set(0.0)};

    for (int e = 0; e < list->entries; ++e) {
        const spcfw_entry *entry = &list->entry[e];
        const double *move = list->shift_move[entry->shift];
        const int first = 3 * entry->molecule;
        site atom[3];

        for (int a = 0; a < 3; ++a) {
            const spcfw_cluster *c = &list->cluster[(first + a) / SPCFW_CLUSTER];
            const int lane = (first + a) % SPCFW_CLUSTER;

            for (int d = 0; d < 3; ++d) {
                atom[a].x[d] = v_set(c->x[d][lane] + move[d]);
                atom[a].f[d] = v_set(0.0);
            }
        }
        int at = entry->begin;

        for (; at < entry->whole; ++at)
            interact_cluster(k, atom, first, &list->cluster[list->index[at]], list->index[at], true,
                             energy);
        for (; at < entry->end; ++at)
            interact_cluster(k, atom, first, &list->cluster[list->index[at]], 0, false, energy);
        for (int a = 0; a < 3; ++a) {
            spcfw_cluster *c = &list->cluster[(first + a) / SPCFW_CLUSTER];
            const int lane = (first + a) % SPCFW_CLUSTER;

            for (int d = 0; d < 3; ++d) {
                const double field = v_sum(atom[a].f[d]);

                c->f[d][lane] += field;
                list->shift_field[entry->shift][d] += c->q[lane] * field;
            }
        }
    }
    *energy_out = SPCFW_OXYGEN * v_sum(energy[0]) + v_sum(energy[1]) +
                  SPCFW_OXYGEN / 6.0 * v_sum(energy[2]);
}

/* How many pairs of the molecule with this cluster are within reach. */
INLINE int count_within(const spcfw_search *search, int number)
{
    const spcfw_cluster *c = &search->cluster[number];
    const vec reach2 = v_set(search->reach2);
    int count = 0;

    for (int lane = 0; lane < SPCFW_CLUSTER; lane += LANES) {
        for (int a = 0; a < 3; ++a) {
            const vec dx = v_sub(v_load(&c->x[0][lane]), v_set(search->x[a][0]));
            const vec dy = v_sub(v_load(&c->x[1][lane]), v_set(search->x[a][1]));
            const vec dz = v_sub(v_load(&c->x[2][lane]), v_set(search->x[a][2]));
            const vec s = v_fma(dx, dx, v_fma(dy, dy, v_mul(dz, dz)));
            const vec j = v_add(v_load(lane_number + lane), v_set(number * SPCFW_CLUSTER));
            const double i = search->first < 0 ? -1.0 : search->first + a;

            count += m_count(m_and(m_less(s, reach2), m_less(v_set(i), j)));
        }
    }
    return count;
}

static int search_clusters(spcfw_search *search)
{
    const int begin = search->first < 0 ? 0 : search->first / SPCFW_CLUSTER;
    vec lowest[3], highest[3];
    int found = 0;

    for (int d = 0; d < 3; ++d) {
        const double *x[3] = {search->x[0], search->x[1], search->x[2]};

        lowest[d] = v_set(fmin(x[0][d], fmin(x[1][d], x[2][d])));
        highest[d] = v_set(fmax(x[0][d], fmax(x[1][d], x[2][d])));
    }
    search->whole = 0;
    search->pairs = 0;
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
            const int pairs_here = number < begin ? 0 : count_within(search, number);

            if (!pairs_here)
                continue;
            search->found[found++] = number;
            search->pairs += pairs_here;
            if (number * SPCFW_CLUSTER <= search->first + 2 && search->first >= 0)
                search->whole = found;
        }
    }
    return found;
}

const spcfw_kernels KERNELS = {.name = TITLE, .pairs = pairs, .search = search_clusters};
