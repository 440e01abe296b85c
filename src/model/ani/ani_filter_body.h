/* From candidates to neighbours: unit vectors and distances, those within Rca first. */

/* The candidates of one segment and where the kept ones go. */
typedef struct NAME(sieve) {
    const int *candidate;
    int candidates;
    double near2, far2; /* Å² */
    int *row;
    REAL *ux, *uy, *uz, *dist; /* first differences and squared distance */
} NAME(sieve);

/* Written always, kept when near: two passes without a branch to mispredict. */
static void NAME(sift)(const NAME(sieve) * s, const double *xe, const double *xi, int count[2])
{
    count[0] = count[1] = 0;
    for (int pass = 0; pass < 2; ++pass) {
        const double from = pass ? s->near2 : -1.0, to = pass ? s->far2 : s->near2;
        int k = count[0];

        for (int c = 0; c < s->candidates; ++c) {
            const double *xj = xe + 4 * (size_t)s->candidate[c];
            const double dx = xj[0] - xi[0], dy = xj[1] - xi[1], dz = xj[2] - xi[2];
            const double r2 = dx * dx + dy * dy + dz * dz;

            s->row[k] = s->candidate[c];
            s->ux[k] = (REAL)dx;
            s->uy[k] = (REAL)dy;
            s->uz[k] = (REAL)dz;
            s->dist[k] = (REAL)r2;
            k += r2 >= from && r2 < to;
        }
        count[pass] = k;
    }
}

#ifdef V_COMPRESS
enum { NAME(SIEVE_MAX) = 256 };

/* The same where the processor packs the kept lanes of a vector. */
static void NAME(sift_vectors)(const NAME(sieve) * s, const double *xe, const double *xi,
                               int count[2])
{
    REAL x[NAME(SIEVE_MAX) + LANES], y[NAME(SIEVE_MAX) + LANES], z[NAME(SIEVE_MAX) + LANES];
    REAL r2[NAME(SIEVE_MAX) + LANES];

    for (int c = 0; c < s->candidates; ++c) {
        const double *xj = xe + 4 * (size_t)s->candidate[c];
        const double dx = xj[0] - xi[0], dy = xj[1] - xi[1], dz = xj[2] - xi[2];

        x[c] = (REAL)dx;
        y[c] = (REAL)dy;
        z[c] = (REAL)dz;
        r2[c] = (REAL)(dx * dx + dy * dy + dz * dz);
    }
    for (int c = s->candidates; c % LANES; ++c)
        r2[c] = (REAL)s->far2;
    for (int pass = 0; pass < 2; ++pass) {
        const vec from = NAME(set)(pass ? (REAL)s->near2 : (REAL)-1);
        const vec to = NAME(set)((REAL)(pass ? s->far2 : s->near2));
        int k = pass ? count[0] : 0;

        for (int c = 0; c < s->candidates; c += LANES) {
            const vec d = NAME(load)(r2 + c);
            const V_MASK kept = V_BETWEEN(d, from, to);

            V_COMPRESS_INT(s->row + k, kept, s->candidate + c);
            V_COMPRESS(s->ux + k, kept, NAME(load)(x + c));
            V_COMPRESS(s->uy + k, kept, NAME(load)(y + c));
            V_COMPRESS(s->uz + k, kept, NAME(load)(z + c));
            V_COMPRESS(s->dist + k, kept, d);
            k += __builtin_popcount(kept);
        }
        count[pass] = k;
    }
}
#endif

/* One candidate list: those within Rca to the front of the pool, the others behind them. */
static void NAME(filter_segment)(const ani_atoms *atoms, const double *xe, int i, int segment)
{
    const size_t base = (size_t)atoms->pool_start[segment];
    const NAME(sieve) s = {
        .candidate = atoms->candidate + atoms->start[segment],
        .candidates = atoms->start[segment + 1] - atoms->start[segment],
        .near2 = atoms->d.angular_cutoff * atoms->d.angular_cutoff,
        .far2 = atoms->d.radial_cutoff * atoms->d.radial_cutoff,
        .row = atoms->row + base,
        .ux = (REAL *)atoms->ux + base,
        .uy = (REAL *)atoms->uy + base,
        .uz = (REAL *)atoms->uz + base,
        .dist = (REAL *)atoms->dist + base,
    };
    int count[2];

#ifdef V_COMPRESS
    if (s.candidates <= NAME(SIEVE_MAX))
        NAME(sift_vectors)(&s, xe, xe + 4 * (size_t)i, count);
    else
#endif
        NAME(sift)(&s, xe, xe + 4 * (size_t)i, count);
    atoms->close[segment] = count[0];
    atoms->near[segment] = count[1];
    for (int k = count[1]; k % LANES; ++k) {
        s.ux[k] = s.uy[k] = s.uz[k] = 0;
        s.dist[k] = (REAL)s.far2;
    }
    for (int k = 0; k < count[1]; k += LANES) {
        const vec r2 = NAME(load)(s.dist + k), inv = V_RSQRT(r2);

        NAME(store)(s.dist + k, r2 * inv);
        NAME(store)(s.ux + k, NAME(load)(s.ux + k) * inv);
        NAME(store)(s.uy + k, NAME(load)(s.uy + k) * inv);
        NAME(store)(s.uz + k, NAME(load)(s.uz + k) * inv);
    }
}

static int NAME(whole)(int count)
{
    return (count + LANES - 1) / LANES * LANES;
}

static int NAME(pairs_of)(const int *close, int a, int b)
{
    return a == b ? close[a] * (close[a] - 1) / 2 : close[a] * close[b];
}

static void NAME(filter)(const ani_atoms *atoms, const double *xe, int first_atom, int last_atom,
                         ani_extent *extent)
{
    *extent = (ani_extent){0};
    for (int i = first_atom; i < last_atom; ++i) {
        const int first = i * atoms->live;
        const int span = atoms->pool_start[first + atoms->live] - atoms->pool_start[first];
        int triples = 0;

        for (int e = 0; e < atoms->live; ++e) {
            NAME(filter_segment)(atoms, xe, i, first + e);
            extent->edges += atoms->near[first + e];
        }
        for (int a = 0; a < atoms->live; ++a)
            for (int b = a; b < atoms->live; ++b)
                triples += NAME(whole)(NAME(pairs_of)(atoms->close + first, a, b));
        extent->span = span > extent->span ? span : extent->span;
        extent->triples = triples > extent->triples ? triples : extent->triples;
    }
}
