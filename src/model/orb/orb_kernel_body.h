/* The loops of orb_kernel.h in one precision for one instruction set; the including file defines
 * REAL, NAME(x) and LABEL. Sums over a row are kept in LANES parts, which the compiler makes a
 * vector. */

enum { NAME(LANES) = 16 };

static mds_status NAME(features)(const orb_range *range, const orb_weights *w,
                                 const orb_graph *graph, void *f, void *envelope)
{
    const int width = w->variant->features;

    for (int e = range->first; e < range->last; ++e) {
        const double d = graph->distance[e], *v = graph->vector + 3 * (size_t)e;
        const double inverse = 1.0 / (d > 1e-12 ? d : 1e-12);
        const double n[3] = {v[0] * inverse, v[1] * inverse, v[2] * inverse};
        REAL *row = (REAL *)f + (size_t)e * (size_t)width;
        double slope, y[ORB_HARMONICS];
        const double c = orb_envelope(d, &slope);

        ((REAL *)envelope)[e] = (REAL)c;
        if (!w->variant->v3) {
            for (int k = 0; k < ORB_GAUSSIANS; ++k)
                row[k] = (REAL)orb_gaussian(d, k);
            for (int a = 0; a < 3; ++a)
                row[ORB_GAUSSIANS + a] = (REAL)n[a];
            continue;
        }
        orb_harmonics(n, y, NULL);
        for (int k = 0; k < ORB_BESSEL; ++k) {
            const double b = c * orb_bessel(d, w->bessel_prefactor, w->bessel[k], &slope);

            for (int m = 0; m < ORB_HARMONICS; ++m)
                row[ORB_HARMONICS * k + m] = (REAL)(b * y[m]);
        }
    }
    return MDS_OK;
}

static inline REAL NAME(total)(const REAL *part)
{
    REAL sum = 0;

    for (int k = 0; k < NAME(LANES); ++k)
        sum += part[k];
    return sum;
}

static inline REAL NAME(dot)(const REAL *x, const REAL *y)
{
    REAL part[NAME(LANES)] = {0};

    for (int j = 0; j < ORB_WIDTH; j += NAME(LANES))
        for (int k = 0; k < NAME(LANES); ++k)
            part[k] += x[j + k] * y[j + k];
    return NAME(total)(part);
}

static mds_status NAME(gate)(const orb_range *range, const orb_gates *gates, const void *e,
                             const void *envelope, void *gate, void *sigma)
{
    for (int i = range->first; i < range->last; ++i) {
        const REAL *row = (const REAL *)e + (size_t)i * ORB_WIDTH;

        for (int k = 0; k < 2; ++k) {
            const double x = (double)NAME(dot)(row, gates->w[k]) + gates->b[k];
            const double s = 1.0 / (1.0 + exp(-x));
            const size_t at = 2 * (size_t)i + (size_t)k;

            ((REAL *)gate)[at] = (REAL)s * ((const REAL *)envelope)[i];
            if (sigma)
                ((REAL *)sigma)[at] = (REAL)s;
        }
    }
    return MDS_OK;
}

static inline void NAME(add_scaled)(REAL *restrict to, const REAL *restrict from, REAL by)
{
    for (int j = 0; j < ORB_WIDTH; ++j)
        to[j] += by * from[j];
}

static mds_status NAME(aggregate)(const orb_range *range, const orb_graph *graph, const void *h,
                                  const void *m, const void *gate, void *out)
{
    const REAL *messages = m, *gates = gate;

    for (int i = range->first; i < range->last; ++i) {
        REAL *row = (REAL *)out + (size_t)i * 3 * ORB_WIDTH;

        memcpy(row, (const REAL *)h + (size_t)i * ORB_WIDTH, ORB_WIDTH * sizeof *row);
        memset(row + ORB_WIDTH, 0, 2 * ORB_WIDTH * sizeof *row);
        for (int k = graph->receiver_start[i]; k < graph->receiver_start[i + 1]; ++k) {
            const size_t e = (size_t)graph->receiver_edges[k];

            NAME(add_scaled)(row + ORB_WIDTH, messages + e * ORB_WIDTH, gates[2 * e]);
        }
        for (int k = graph->start[i]; k < graph->start[i + 1]; ++k) {
            const size_t e = (size_t)k;

            NAME(add_scaled)(row + 2 * ORB_WIDTH, messages + e * ORB_WIDTH, gates[2 * e + 1]);
        }
    }
    return MDS_OK;
}

static mds_status NAME(message_grad)(const orb_range *range, const orb_message_grad *grad)
{
    const REAL *envelope = grad->envelope, *sigma = grad->sigma;

    for (int e = range->first; e < range->last; ++e) {
        const size_t at = (size_t)e, row = (size_t)(e - range->first) * ORB_WIDTH;
        const REAL *m = (const REAL *)grad->message + row;
        REAL *restrict out = (REAL *)grad->grad + row;
        REAL *restrict edge = (REAL *)grad->edge + at * ORB_WIDTH;
        const int atom[2] = {grad->graph->receiver[e], grad->graph->sender[e]};
        const REAL *node[2];
        REAL slope[2];

        for (int k = 0; k < 2; ++k) {
            node[k] = (const REAL *)grad->node + ((size_t)atom[k] * 3 + 1 + (size_t)k) * ORB_WIDTH;
            const REAL t = NAME(dot)(node[k], m), s = sigma[2 * at + (size_t)k];

            grad->envelope_grad[e] += (double)t * (double)s;
            slope[k] = t * envelope[e] * s * (1 - s);
        }
        memcpy(out, edge, ORB_WIDTH * sizeof *out);
        NAME(add_scaled)(out, node[0], sigma[2 * at] * envelope[e]);
        NAME(add_scaled)(out, node[1], sigma[2 * at + 1] * envelope[e]);
        NAME(add_scaled)(edge, grad->gates->w[0], slope[0]);
        NAME(add_scaled)(edge, grad->gates->w[1], slope[1]);
    }
    return MDS_OK;
}

static mds_status NAME(add_rows)(const orb_range *range, int cols, const void *from, int ldfrom,
                                 void *to, int ldto)
{
    for (int i = range->first; i < range->last; ++i) {
        const REAL *restrict x = (const REAL *)from + (size_t)i * (size_t)ldfrom;
        REAL *restrict y = (REAL *)to + (size_t)i * (size_t)ldto;

        for (int j = 0; j < cols; ++j)
            y[j] += x[j];
    }
    return MDS_OK;
}

/* f = c·b_k·Y_m, so that dE/dc, dE/db and dE/dY are sums over the other two; the direction changes
 * with v as (I − nnᵀ)/d. */
static mds_status NAME(vector_grad)(const orb_range *range, const orb_weights *w,
                                    const orb_graph *graph, const void *f_grad,
                                    const double *envelope_grad, double *out)
{
    for (int e = range->first; e < range->last; ++e) {
        const double d = graph->distance[e], *v = graph->vector + 3 * (size_t)e;
        const double n[3] = {v[0] / d, v[1] / d, v[2] / d};
        const REAL *g = (const REAL *)f_grad + (size_t)e * ORB_FEATURES_MAX;
        double y[ORB_HARMONICS], jacobian[ORB_HARMONICS][3], gy[ORB_HARMONICS] = {0.0};
        double c_slope, along = 0.0, by_c = envelope_grad[e], turn[3] = {0.0};
        const double c = orb_envelope(d, &c_slope);

        orb_harmonics(n, y, jacobian);
        for (int k = 0; k < ORB_BESSEL; ++k) {
            double slope, sum = 0.0;
            const double b = orb_bessel(d, w->bessel_prefactor, w->bessel[k], &slope);

            for (int m = 0; m < ORB_HARMONICS; ++m) {
                const double x = (double)g[ORB_HARMONICS * k + m];

                sum += x * y[m];
                gy[m] += c * b * x;
            }
            by_c += b * sum;
            along += c * slope * sum;
        }
        along += by_c * c_slope;
        for (int m = 0; m < ORB_HARMONICS; ++m)
            for (int a = 0; a < 3; ++a)
                turn[a] += jacobian[m][a] * gy[m];
        const double radial = turn[0] * n[0] + turn[1] * n[1] + turn[2] * n[2];
        for (int a = 0; a < 3; ++a)
            out[3 * (size_t)e + (size_t)a] = along * n[a] + (turn[a] - radial * n[a]) / d;
    }
    return MDS_OK;
}

extern const orb_kernel NAME(orb_kernel);
const orb_kernel NAME(orb_kernel) = {
    .name = LABEL,
    .features = NAME(features),
    .gate = NAME(gate),
    .aggregate = NAME(aggregate),
    .message_grad = NAME(message_grad),
    .add_rows = NAME(add_rows),
    .vector_grad = NAME(vector_grad),
};
