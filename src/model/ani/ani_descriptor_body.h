/* Descriptors and their gradient, one centre at a time; formulas in ani_kernel.h.
 *
 * Radial terms: a vector holds the shifts, one neighbour after the other. Angular terms: a vector
 * holds pairs of neighbours ("triples" with the centre), first all that have one pair of elements,
 * then the next, each such section padded to whole vectors. What depends on a triple alone is
 * computed in turn: its cosine, mean distance and cutoffs; the 4 to 8 section and shift factors;
 * then either their products' sums, which are the descriptor, or the contraction with dE/dG, which
 * gives dE/d(distance) and dE/d(cosine). The backward pass computes the factors again: that is
 * cheaper than to store 12 numbers for each triple. */

/* Views into the scratch of one thread. Arrays of neighbours are (span), of triples (triples). */
typedef struct NAME(views) {
    REAL *cut_r, *slope_r, *cut_a, *slope_a, *inv_d, *gx, *gy, *gz; /* neighbours */
    REAL *u, *mean, *weight, *s0, *s1, *s2;                         /* triples */
    REAL *factor, *dfactor; /* (n_sections, triples): A_z, dA_z/d(r̂_j·r̂_k) */
    REAL *gauss, *dgauss;   /* (n_angular, triples): R_a, dR_a/d(d_j) */
    REAL *row;              /* (features): of one atom */
    REAL *shift;            /* (n_radial, padded) */
} NAME(views);

enum { NAME(NEIGHBOR_VIEWS) = 8, NAME(TRIPLE_VIEWS) = 6 };

/* Room for vectors that are written beyond the last element. */
static size_t NAME(room)(int count)
{
    return ((size_t)count + 2 * LANES + 15) / 16 * 16;
}

static size_t NAME(scratch_bytes)(const ani_atoms *atoms, const ani_extent *extent)
{
    const ani_descriptor *d = &atoms->d;
    const size_t triple_views = NAME(TRIPLE_VIEWS) + 2 * (size_t)(d->n_sections + d->n_angular);

    return sizeof(REAL) * (NAME(NEIGHBOR_VIEWS) * NAME(room)(extent->span) +
                           triple_views * NAME(room)(extent->triples) +
                           NAME(room)(atoms->features) + NAME(room)(d->n_radial));
}

static NAME(views) NAME(lay_out)(const ani_atoms *atoms, const ani_extent *extent, void *scratch)
{
    const ani_descriptor *d = &atoms->d;
    const size_t span = NAME(room)(extent->span), triples = NAME(room)(extent->triples);
    REAL *at = scratch;
    NAME(views) v;
    REAL **const neighbors[NAME(NEIGHBOR_VIEWS)] = {&v.cut_r, &v.slope_r, &v.cut_a, &v.slope_a,
                                                    &v.inv_d, &v.gx,      &v.gy,    &v.gz};
    REAL **const of_triples[NAME(TRIPLE_VIEWS)] = {&v.u, &v.mean, &v.weight, &v.s0, &v.s1, &v.s2};

    for (int k = 0; k < NAME(NEIGHBOR_VIEWS); ++k, at += span)
        *neighbors[k] = at;
    for (int k = 0; k < NAME(TRIPLE_VIEWS); ++k, at += triples)
        *of_triples[k] = at;
    v.factor = at;
    v.dfactor = v.factor + triples * (size_t)d->n_sections;
    v.gauss = v.dfactor + triples * (size_t)d->n_sections;
    v.dgauss = v.gauss + triples * (size_t)d->n_angular;
    v.row = v.dgauss + triples * (size_t)d->n_angular;
    v.shift = v.row + NAME(room)(atoms->features);
    for (int k = 0; k < d->n_radial + LANES; ++k)
        v.shift[k] = (REAL)d->shift_r[k < d->n_radial ? k : d->n_radial - 1];
    return v;
}

/* ---- one centre ---- */

/* Pointers to the neighbours of one centre with one element. */
typedef struct NAME(segment) {
    const REAL *ux, *uy, *uz, *dist;
    const int *row;
    int near, close, offset; /* offset: in the views */
} NAME(segment);

static inline NAME(segment) NAME(segment_of)(const ani_atoms *atoms, int i, int element)
{
    const int first = i * atoms->live, at = first + element;
    const size_t base = (size_t)atoms->pool_start[at];
    const NAME(segment) s = {
        .ux = (const REAL *)atoms->ux + base,
        .uy = (const REAL *)atoms->uy + base,
        .uz = (const REAL *)atoms->uz + base,
        .dist = (const REAL *)atoms->dist + base,
        .row = atoms->row + base,
        .near = atoms->near[at],
        .close = atoms->close[at],
        .offset = atoms->pool_start[at] - atoms->pool_start[first],
    };

    return s;
}

static void NAME(find_cutoffs)(const ani_atoms *atoms, int i, const NAME(views) * v)
{
    const REAL far = (REAL)atoms->d.radial_cutoff, near = (REAL)atoms->d.angular_cutoff;

    for (int e = 0; e < atoms->live; ++e) {
        const NAME(segment) s = NAME(segment_of)(atoms, i, e);

        for (int k = 0; k < s.near; k += LANES) {
            const vec d = NAME(load)(s.dist + k);
            const size_t at = (size_t)(s.offset + k);
            vec value, slope;

            NAME(vcutoff)(d, far, &value, &slope);
            NAME(store)(v->cut_r + at, value);
            NAME(store)(v->slope_r + at, slope);
            NAME(vcutoff)(d, near, &value, &slope);
            NAME(store)(v->cut_a + at, value);
            NAME(store)(v->slope_a + at, slope);
            NAME(store)(v->inv_d + at, V_RCP(d));
        }
    }
}

static void NAME(describe_radial)(const ani_atoms *atoms, int i, const NAME(views) * v)
{
    const int shifts = atoms->d.n_radial;
    const REAL rate = (REAL)(-LOG2_E * atoms->d.eta_r);

    for (int e = 0; e < atoms->live; ++e) {
        const NAME(segment) s = NAME(segment_of)(atoms, i, e);

        for (int k = 0; k < shifts; k += LANES) {
            const vec shift = NAME(load)(v->shift + k);
            vec sum = {0};
            REAL out[LANES];

            for (int j = 0; j < s.near; ++j) {
                const vec x = s.dist[j] - shift;

                sum += v->cut_r[s.offset + j] * NAME(vexp2)(rate * x * x);
            }
            NAME(store)(out, (REAL)0.25 * sum);
            for (int l = 0; l < LANES && k + l < shifts; ++l)
                v->row[e * shifts + k + l] = out[l];
        }
    }
}

/* Σ_k w_k d/dd (exp(−η (d − R_k)²) f(d)) of one neighbour, a part for each lane. */
static inline vec NAME(radial_parts)(const NAME(segment) * s, const NAME(views) * v, int j,
                                     vec shift, vec w, REAL eta, REAL rate)
{
    const REAL cut = v->cut_r[s->offset + j], slope = v->slope_r[s->offset + j];
    const vec x = s->dist[j] - shift;

    return w * NAME(vexp2)(rate * x * x) * (slope - (REAL)2 * eta * cut * x);
}

/* dE/dd of every neighbour, along its unit vector: begins gx, gy, gz. */
static void NAME(radial_gradient)(const ani_atoms *atoms, int i, const NAME(views) * v)
{
    const int shifts = atoms->d.n_radial;
    const REAL eta = (REAL)atoms->d.eta_r, rate = (REAL)(-LOG2_E * atoms->d.eta_r);

    for (int e = 0; e < atoms->live; ++e) {
        const NAME(segment) s = NAME(segment_of)(atoms, i, e);
        REAL *along = v->gz + s.offset;

        for (int k = 0; k < shifts; k += LANES) {
            const vec shift = NAME(load)(v->shift + k);
            const vec row = (REAL)0.25 * NAME(load)(v->row + e * shifts + k);
            const vec w = NAME(keep)(row, NAME(first)(shifts - k));

            /* In fours; the pool is padded, and what lies there is never used. */
            for (int j = 0; j < s.near; j += 4) {
                vec part[4];
                REAL sum[4];

                for (int l = 0; l < 4; ++l)
                    part[l] = NAME(radial_parts)(&s, v, j + l, shift, w, eta, rate);
                V_SUM4(part, sum);
                for (int l = 0; l < 4; ++l)
                    along[j + l] = k ? along[j + l] + sum[l] : sum[l];
            }
        }
        for (int j = 0; j < s.near; j += LANES) {
            const vec a = NAME(load)(along + j);

            NAME(store)(v->gx + s.offset + j, a * NAME(load)(s.ux + j));
            NAME(store)(v->gy + s.offset + j, a * NAME(load)(s.uy + j));
            NAME(store)(v->gz + s.offset + j, a * NAME(load)(s.uz + j));
        }
    }
}

/* Cosine, mean distance and weight (2 f f) of all pairs of two segments from triple `t` on; returns
 * the padded end. Runs are written in whole vectors: what is too much is overwritten by the next
 * run, and at the end made harmless. */
static int NAME(list_triples)(const NAME(segment) * a, const NAME(segment) * b, bool same,
                              const NAME(views) * v, int t)
{
    for (int j = 0; j < a->close; ++j) {
        const int from = same ? j + 1 : 0, run = b->close - from;
        const REAL ux = a->ux[j], uy = a->uy[j], uz = a->uz[j], d = (REAL)0.5 * a->dist[j];
        const REAL cut = (REAL)2 * v->cut_a[a->offset + j];

        for (int k = 0; k < run; k += LANES) {
            const int at = from + k;
            const vec cosine = ux * NAME(load)(b->ux + at) + uy * NAME(load)(b->uy + at) +
                               uz * NAME(load)(b->uz + at);

            NAME(store)(v->u + t + k, (REAL)0.95 * cosine);
            NAME(store)(v->mean + t + k, d + (REAL)0.5 * NAME(load)(b->dist + at));
            NAME(store)(v->weight + t + k, cut * NAME(load)(v->cut_a + b->offset + at));
        }
        t += run > 0 ? run : 0;
    }
    for (; t % LANES; ++t)
        v->u[t] = v->mean[t] = v->weight[t] = 0;
    return t;
}

/* All triples of centre i, section by section. */
static int NAME(list_all)(const ani_atoms *atoms, int i, const NAME(views) * v)
{
    int t = 0;

    for (int a = 0; a < atoms->live; ++a)
        for (int b = a; b < atoms->live; ++b) {
            const NAME(segment) sa = NAME(segment_of)(atoms, i, a);
            const NAME(segment) sb = NAME(segment_of)(atoms, i, b);

            t = NAME(list_triples)(&sa, &sb, a == b, v, t);
        }
    return t;
}

/* A_z = h^ζ and R_a for all triples, and their derivatives where wanted. */
static inline __attribute__((always_inline)) void NAME(find_factors)(const ani_atoms *atoms,
                                                                     const ani_extent *extent,
                                                                     const NAME(views) * v,
                                                                     int triples, bool slopes)
{
    const ani_descriptor *d = &atoms->d;
    const size_t stride = NAME(room)(extent->triples);
    const REAL zeta = (REAL)d->zeta, eta = (REAL)d->eta_a, rate = (REAL)(-LOG2_E * d->eta_a);

    for (int t = 0; t < triples; t += LANES) {
        const vec u = NAME(load)(v->u + t), mean = NAME(load)(v->mean + t);
        const vec sine2 = (REAL)1 - u * u, inv_sine = V_RSQRT(sine2);
        const vec sine = sine2 * inv_sine, cotangent = u * inv_sine;

        for (int z = 0; z < d->n_sections; ++z) {
            const REAL c = (REAL)atoms->cos_z[z], s = (REAL)atoms->sin_z[z];
            const vec h = (REAL)0.5 + (REAL)0.5 * (c * u + s * sine);
            const vec power = NAME(vexp2)(zeta * NAME(vlog2)(h));

            NAME(store)(v->factor + z * stride + t, power);
            if (slopes)
                NAME(store)
            (v->dfactor + z * stride + t,
             (REAL)(0.95 * 0.5) * zeta * (power * V_RCP(h)) * (c - cotangent * s));
        }
        for (int a = 0; a < d->n_angular; ++a) {
            const vec x = mean - (REAL)d->shift_a[a];
            const vec gauss = NAME(vexp2)(rate * x * x);

            NAME(store)(v->gauss + a * stride + t, gauss);
            if (slopes)
                NAME(store)(v->dgauss + a * stride + t, -eta * x * gauss);
        }
    }
}

/* Σ_t weight R_a A_z of one section into out (n_angular, n_sections), four sections at a time. */
static void NAME(sum_section)(const ani_atoms *atoms, size_t stride, const NAME(views) * v,
                              int first, int last, REAL *out)
{
    const int sections = atoms->d.n_sections;

    for (int a = 0; a < atoms->d.n_angular; ++a) {
        const REAL *gauss = v->gauss + (size_t)a * stride;
        int z = 0;

        for (; z + 4 <= sections; z += 4) {
            const REAL *factor = v->factor + (size_t)z * stride;
            vec sum[4] = {{0}};

            for (int t = first; t < last; t += LANES) {
                const vec w = NAME(load)(v->weight + t) * NAME(load)(gauss + t);

                for (int k = 0; k < 4; ++k)
                    sum[k] += w * NAME(load)(factor + k * stride + t);
            }
            V_SUM4(sum, out + a * sections + z);
        }
        for (; z < sections; ++z) {
            vec sum = {0};

            for (int t = first; t < last; t += LANES)
                sum += NAME(load)(v->weight + t) * NAME(load)(gauss + t) *
                       NAME(load)(v->factor + (size_t)z * stride + t);
            out[a * sections + z] = V_SUM(sum);
        }
    }
}

static void NAME(describe)(const ani_atoms *atoms, const ani_extent *extent, int first, int last,
                           void *scratch, void *g)
{
    const NAME(views) v = NAME(lay_out)(atoms, extent, scratch);
    const int tile = atoms->d.n_angular * atoms->d.n_sections;
    const size_t stride = NAME(room)(extent->triples);

    for (int i = first; i < last; ++i) {
        const size_t slot = (size_t)atoms->slot[i];
        REAL *to = (REAL *)g + slot / LANES * LANES * (size_t)atoms->features + slot % LANES;
        REAL *out = v.row + atoms->live * atoms->d.n_radial;
        int t = 0;

        NAME(find_cutoffs)(atoms, i, &v);
        NAME(describe_radial)(atoms, i, &v);
        NAME(find_factors)(atoms, extent, &v, NAME(list_all)(atoms, i, &v), false);
        for (int a = 0; a < atoms->live; ++a)
            for (int b = a; b < atoms->live; ++b, out += tile) {
                const int end = t +
                                NAME(whole)(NAME(pairs_of)(atoms->close + i * atoms->live, a, b));

                NAME(sum_section)(atoms, stride, &v, t, end, out);
                t = end;
            }
        for (int k = 0; k < (int)(out - v.row); ++k)
            to[(size_t)k * LANES] = v.row[k];
    }
}

/* ---- gradient ---- */

/* s0 = Σ w R A, s1 = Σ w R' A, s2 = Σ w R A' of each triple of one section, w = dE/dG of its part
 * (n_angular, n_sections). Inlined with constants for the usual shapes. */
static inline __attribute__((always_inline)) void NAME(contract)(int n_angular, int n_sections,
                                                                 size_t stride,
                                                                 const NAME(views) * v, int first,
                                                                 int last, const REAL *w)
{
    for (int t = first; t < last; t += LANES) {
        vec s0 = {0}, s1 = {0}, s2 = {0};

        for (int z = 0; z < n_sections; ++z) {
            vec y = {0}, dy = {0};

            for (int a = 0; a < n_angular; ++a) {
                y += w[a * n_sections + z] * NAME(load)(v->gauss + (size_t)a * stride + t);
                dy += w[a * n_sections + z] * NAME(load)(v->dgauss + (size_t)a * stride + t);
            }
            const vec factor = NAME(load)(v->factor + (size_t)z * stride + t);
            s0 += y * factor;
            s1 += dy * factor;
            s2 += y * NAME(load)(v->dfactor + (size_t)z * stride + t);
        }
        NAME(store)(v->s0 + t, s0);
        NAME(store)(v->s1 + t, s1);
        NAME(store)(v->s2 + t, s2);
    }
}

/* From s0, s1, s2 of the pairs of two segments to the gradients of their neighbours: with
 * c = û_j·û_k, dE/dr_j = (∂E/∂d_j) û_j + (∂E/∂c) (û_k − c û_j)/d_j. */
static int NAME(scatter_triples)(const NAME(segment) * a, const NAME(segment) * b, bool same,
                                 const NAME(views) * v, int t)
{
    for (int j = 0; j < a->close; ++j) {
        const int from = same ? j + 1 : 0, run = b->close - from, me = a->offset + j;
        const REAL ux = a->ux[j], uy = a->uy[j], uz = a->uz[j], inv = v->inv_d[me];
        const REAL cut = (REAL)2 * v->cut_a[me], slope = (REAL)2 * v->slope_a[me];
        vec sum[4] = {{0}}; /* along û_j; of turn û_k */
        REAL total[4];

        for (int k = 0; k < run; k += LANES) {
            const int at = b->offset + from + k;
            const ivec real = NAME(first)(run - k);
            const vec vx = NAME(load)(b->ux + from + k), vy = NAME(load)(b->uy + from + k);
            const vec vz = NAME(load)(b->uz + from + k);
            const vec s0 = NAME(load)(v->s0 + t + k), s1 = NAME(load)(v->s1 + t + k);
            const vec cut_k = NAME(load)(v->cut_a + at), slope_k = NAME(load)(v->slope_a + at);
            const vec cosine = ux * vx + uy * vy + uz * vz;
            const vec by_cosine = NAME(load)(v->s2 + t + k) * (cut * cut_k);
            const vec turn_j = NAME(keep)(by_cosine * inv, real);
            const vec turn_k = NAME(keep)(by_cosine * NAME(load)(v->inv_d + at), real);
            const vec by_j = NAME(keep)(cut_k * (s0 * slope + s1 * cut) - turn_j * cosine, real);
            const vec by_k = NAME(keep)(cut * (s0 * slope_k + s1 * cut_k) - turn_k * cosine, real);

            sum[0] += by_j;
            sum[1] += NAME(keep)(turn_j * vx, real);
            sum[2] += NAME(keep)(turn_j * vy, real);
            sum[3] += NAME(keep)(turn_j * vz, real);
            NAME(store)
            (v->gx + at, NAME(load)(v->gx + at) + NAME(keep)(by_k * vx + turn_k * ux, real));
            NAME(store)
            (v->gy + at, NAME(load)(v->gy + at) + NAME(keep)(by_k * vy + turn_k * uy, real));
            NAME(store)
            (v->gz + at, NAME(load)(v->gz + at) + NAME(keep)(by_k * vz + turn_k * uz, real));
        }
        V_SUM4(sum, total);
        v->gx[me] += total[0] * ux + total[1];
        v->gy[me] += total[0] * uy + total[2];
        v->gz[me] += total[0] * uz + total[3];
        t += run > 0 ? run : 0;
    }
    return NAME(whole)(t);
}

static void NAME(angular_gradient)(const ani_atoms *atoms, const ani_extent *extent, int i,
                                   const NAME(views) * v)
{
    const int n_angular = atoms->d.n_angular, n_sections = atoms->d.n_sections;
    const size_t stride = NAME(room)(extent->triples);
    const REAL *w = v->row + atoms->live * atoms->d.n_radial;
    int t = 0;

    NAME(find_factors)(atoms, extent, v, NAME(list_all)(atoms, i, v), true);
    for (int a = 0; a < atoms->live; ++a)
        for (int b = a; b < atoms->live; ++b, w += n_angular * n_sections) {
            const int end = t + NAME(whole)(NAME(pairs_of)(atoms->close + i * atoms->live, a, b));
            const NAME(segment) sa = NAME(segment_of)(atoms, i, a);
            const NAME(segment) sb = NAME(segment_of)(atoms, i, b);

            if (n_angular == 8 && n_sections == 4)
                NAME(contract)(8, 4, stride, v, t, end, w);
            else
                NAME(contract)(n_angular, n_sections, stride, v, t, end, w);
            NAME(scatter_triples)(&sa, &sb, a == b, v, t);
            t = end;
        }
}

/* Σ_j q_j and Σ_j r_j q_j of one segment, added to sum[0..2] and sum[3..11]. */
static void NAME(add_moments)(const NAME(segment) * s, const NAME(views) * v, vec sum[12])
{
    for (int j = 0; j < s->near; j += LANES) {
        const ivec real = NAME(first)(s->near - j);
        const vec d = NAME(load)(s->dist + j);
        const vec r[3] = {d * NAME(load)(s->ux + j), d * NAME(load)(s->uy + j),
                          d * NAME(load)(s->uz + j)};
        const vec q[3] = {NAME(keep)(NAME(load)(v->gx + s->offset + j), real),
                          NAME(keep)(NAME(load)(v->gy + s->offset + j), real),
                          NAME(keep)(NAME(load)(v->gz + s->offset + j), real)};

        for (int a = 0; a < 3; ++a) {
            sum[a] += q[a];
            for (int b = 0; b < 3; ++b)
                sum[3 + 3 * a + b] += r[a] * q[b];
        }
    }
}

/* The gradients of the neighbours of centre i: −q on them, +q on the centre. */
static void NAME(add_forces)(const ani_atoms *atoms, int i, const NAME(views) * v, const int *owner,
                             double *f, double strain[3][3])
{
    vec sum[12] = {{0}};
    REAL total[12];

    for (int e = 0; e < atoms->live; ++e) {
        const NAME(segment) s = NAME(segment_of)(atoms, i, e);

        NAME(add_moments)(&s, v, sum);
        for (int j = 0; j < s.near; ++j) {
            double *fj = f + 3 * (size_t)owner[s.row[j]];

            fj[0] -= (double)v->gx[s.offset + j];
            fj[1] -= (double)v->gy[s.offset + j];
            fj[2] -= (double)v->gz[s.offset + j];
        }
    }
    for (int k = 0; k < 12; k += 4)
        V_SUM4(sum + k, total + k);
    for (int a = 0; a < 3; ++a) {
        f[3 * (size_t)i + a] += (double)total[a];
        for (int b = 0; b < 3; ++b)
            strain[a][b] += (double)total[3 + 3 * a + b];
    }
}

static void NAME(forces)(const ani_atoms *atoms, const ani_extent *extent, int first, int last,
                         void *scratch, const void *grad, const int *owner, double *f,
                         double strain[3][3])
{
    const NAME(views) v = NAME(lay_out)(atoms, extent, scratch);

    for (int i = first; i < last; ++i) {
        const size_t slot = (size_t)atoms->slot[i];
        const REAL *from = (const REAL *)grad + slot / LANES * LANES * (size_t)atoms->features +
                           slot % LANES;

        for (int k = 0; k < atoms->features; ++k)
            v.row[k] = from[(size_t)k * LANES];
        NAME(find_cutoffs)(atoms, i, &v);
        NAME(radial_gradient)(atoms, i, &v);
        NAME(angular_gradient)(atoms, extent, i, &v);
        NAME(add_forces)(atoms, i, &v, owner, f, strain);
    }
}
