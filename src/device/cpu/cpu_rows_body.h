/* The loops of cpu_rows.h in one precision for one instruction set; the including file defines
 * REAL, FLOAT32, NAME(x) and LABEL. Written so that the compiler vectorises them: no branches, and
 * sums in LANES parts. */

enum { NAME(LANES) = 16 };

#if FLOAT32
/* e^x: 2^n times a polynomial on |r| ≤ ln2/2. Arguments are held where the result is normal. */
static inline float NAME(exponential)(float x)
{
    const float low = -87.0f, high = 88.0f;
    const float held = x < low ? low : x > high ? high : x;
    const float scaled = held * 1.44269504088896341f;
    const int n = (int)(scaled + (scaled < 0.0f ? -0.5f : 0.5f));
    const float r = (held - (float)n * 0.693145751953125f) - (float)n * 1.42860682030941723e-6f;
    const union {
        int bits;
        float value;
    } power = {(n + 127) * (1 << 23)};
    float p = 1.0f / 5040.0f;

    p = p * r + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * power.value;
}

/* ln(1 + u) for 0 ≤ u ≤ 1: 2 artanh(s), s = u/(2 + u) ≤ 1/3; the series ends below 2e-8. */
static inline float NAME(log_1p)(float u)
{
    const float s = u / (2.0f + u), q = s * s;
    float p = 1.0f / 13.0f;

    p = p * q + 1.0f / 11.0f;
    p = p * q + 1.0f / 9.0f;
    p = p * q + 1.0f / 7.0f;
    p = p * q + 1.0f / 5.0f;
    p = p * q + 1.0f / 3.0f;
    p = p * q + 1.0f;
    return 2.0f * s * p;
}
#else
static inline double NAME(exponential)(double x)
{
    return exp(x);
}

static inline double NAME(log_1p)(double u)
{
    return log1p(u);
}
#endif

static inline REAL NAME(silu)(REAL z)
{
    return z / (1 + NAME(exponential)(-z));
}

/* ln(1 + e^z) = max(z, 0) + ln(1 + e^{−|z|}), which cannot overflow. Above 20 it is z, as where the
 * published networks come from: in float64 that can be seen. */
static inline REAL NAME(ssp)(REAL z)
{
    const REAL ln2 = (REAL)0.69314718055994530942;
    const REAL part = NAME(log_1p)(NAME(exponential)(z < 0 ? z : -z));

    return (z > 0 ? z : 0) + ((z > 20 ? 0 : part) - ln2);
}

static void NAME(activate)(mds_act_kind kind, int n, const REAL *z, REAL *y)
{
    if (kind == MDS_ACT_SILU)
        for (int j = 0; j < n; ++j)
            y[j] = NAME(silu)(z[j]);
    else if (kind == MDS_ACT_SSP)
        for (int j = 0; j < n; ++j)
            y[j] = NAME(ssp)(z[j]);
    else if (y != z)
        memcpy(y, z, (size_t)n * sizeof *y);
}

static void NAME(bias_act)(const mds_bias_act *op)
{
    const REAL *bias = op->bias;

    for (int i = 0; i < op->rows; ++i) {
        REAL *x = (REAL *)op->x + (int64_t)i * op->ldx;

        for (int j = 0; bias && j < op->cols; ++j)
            x[j] += bias[j];
        NAME(activate)(op->act.kind, op->cols, x, (REAL *)op->y + (int64_t)i * op->ldy);
    }
}

static void NAME(act_grad)(const mds_act_grad *op)
{
    for (int i = 0; i < op->rows; ++i) {
        const REAL *z = (const REAL *)op->z + (int64_t)i * op->ldz;
        REAL *restrict g = (REAL *)op->g + (int64_t)i * op->ldg;

        for (int j = 0; op->act.kind == MDS_ACT_SILU && j < op->cols; ++j) {
            const REAL e = NAME(exponential)(-z[j]), s = 1 / (1 + e);

            g[j] *= s * (1 + z[j] * (e * s)); /* e·s = 1 − s without cancellation */
        }
        for (int j = 0; op->act.kind == MDS_ACT_SSP && j < op->cols; ++j)
            g[j] *= 1 / (1 + NAME(exponential)(-z[j]));
    }
}

/* x += bias + a + b; the usual case, with all three, in one pass. */
static void NAME(add_row)(const mds_gather_act *op, int i, REAL *restrict x)
{
    const REAL *restrict bias = op->bias;
    const REAL *restrict a = op->a ? (const REAL *)op->a + (int64_t)op->ia[i] * op->lda : NULL;
    const REAL *restrict b = op->b ? (const REAL *)op->b + (int64_t)op->ib[i] * op->ldb : NULL;

    if (bias && a && b) {
        for (int j = 0; j < op->cols; ++j)
            x[j] += bias[j] + a[j] + b[j];
        return;
    }
    for (int j = 0; bias && j < op->cols; ++j)
        x[j] += bias[j];
    for (int j = 0; a && j < op->cols; ++j)
        x[j] += a[j];
    for (int j = 0; b && j < op->cols; ++j)
        x[j] += b[j];
}

static void NAME(gather_act)(const mds_gather_act *op)
{
    for (int i = 0; i < op->rows; ++i) {
        REAL *x = (REAL *)op->x + (int64_t)i * op->ldx;

        NAME(add_row)(op, i, x);
        NAME(activate)(op->act.kind, op->cols, x, (REAL *)op->y + (int64_t)i * op->ldy);
    }
}

static inline double NAME(total)(const double *part)
{
    double sum = 0.0;

    for (int k = 0; k < NAME(LANES); ++k)
        sum += part[k];
    return sum;
}

static double NAME(sum)(int n, const REAL *x)
{
    double part[NAME(LANES)] = {0.0};
    int j = 0;

    for (; j + NAME(LANES) <= n; j += NAME(LANES))
        for (int k = 0; k < NAME(LANES); ++k)
            part[k] += (double)x[j + k];
    for (; j < n; ++j)
        part[0] += (double)x[j];
    return NAME(total)(part);
}

static double NAME(sum_of_squares)(int n, const REAL *x, double mean)
{
    double part[NAME(LANES)] = {0.0};
    int j = 0;

    for (; j + NAME(LANES) <= n; j += NAME(LANES))
        for (int k = 0; k < NAME(LANES); ++k) {
            const double d = (double)x[j + k] - mean;

            part[k] += d * d;
        }
    for (; j < n; ++j)
        part[0] += ((double)x[j] - mean) * ((double)x[j] - mean);
    return NAME(total)(part);
}

/* Scale s and mean of the norm of one row. */
static double NAME(scale)(bool rms, int n, double eps, const REAL *x, double *mean)
{
    *mean = rms ? 0.0 : NAME(sum)(n, x) / n;
    return 1.0 / sqrt(NAME(sum_of_squares)(n, x, *mean) / n + eps);
}

static void NAME(norm_row)(const mds_norm_add *op, int i, REAL *row)
{
    const mds_norm *norm = &op->norm;
    const REAL *x = (const REAL *)norm->x + (int64_t)i * norm->ldx;
    const REAL *pre = op->pre, *weight = norm->weight, *bias = norm->bias;
    const int n = norm->cols;
    double mean;

    for (int j = 0; j < n; ++j)
        row[j] = x[j] + (pre ? pre[j] : 0);
    if (op->z)
        memcpy((REAL *)op->z + (int64_t)i * op->ldz, row, (size_t)n * sizeof *row);
    const double s = NAME(scale)(norm->rms, n, norm->eps, row, &mean);
    const REAL shift = (REAL)mean, scale = (REAL)s;
    for (int j = 0; j < n; ++j)
        row[j] = (row[j] - shift) * scale;
    for (int j = 0; weight && j < n; ++j)
        row[j] *= weight[j];
    for (int j = 0; bias && j < n; ++j)
        row[j] += bias[j];
}

static void NAME(norm_add)(const mds_norm_add *op)
{
    REAL row[MDS_NORM_COLS_MAX];
    const mds_norm *norm = &op->norm;
    const int n = norm->cols;

    for (int i = 0; i < norm->rows; ++i) {
        NAME(norm_row)(op, i, row);
        if (norm->y)
            memcpy((REAL *)norm->y + (int64_t)i * norm->ldy, row, (size_t)n * sizeof *row);
        if (op->sum) {
            REAL *restrict sum = (REAL *)op->sum + (int64_t)i * op->ldsum;

            for (int j = 0; j < n; ++j)
                sum[j] += row[j];
        }
    }
}

/* See ops_ref.c for the formula. */
static void NAME(norm_grad)(const mds_norm_grad *op)
{
    const REAL *weight = op->weight;
    const int n = op->cols;

    for (int i = 0; i < op->rows; ++i) {
        const REAL *x = (const REAL *)op->x + (int64_t)i * op->ldx;
        REAL *restrict g = (REAL *)op->g + (int64_t)i * op->ldg;
        double part[NAME(LANES)] = {0.0}, mean;
        int j = 0;

        for (int k = 0; weight && k < n; ++k)
            g[k] *= weight[k];
        const double s = NAME(scale)(op->rms, n, op->eps, x, &mean);
        for (; j + NAME(LANES) <= n; j += NAME(LANES))
            for (int k = 0; k < NAME(LANES); ++k)
                part[k] += ((double)x[j + k] - mean) * (double)g[j + k];
        for (; j < n; ++j)
            part[0] += ((double)x[j] - mean) * (double)g[j];
        const double along = NAME(total)(part) * s * s / n;
        const double shift = op->rms ? 0.0 : NAME(sum)(n, g) / n;
        for (int k = 0; k < n; ++k)
            g[k] = (REAL)(s * ((double)g[k] - shift - ((double)x[k] - mean) * along));
    }
}

extern const mds_cpu_rows NAME(mds_cpu_rows);
const mds_cpu_rows NAME(mds_cpu_rows) = {
    .name = LABEL,
    .bias_act = NAME(bias_act),
    .act_grad = NAME(act_grad),
    .gather_act = NAME(gather_act),
    .norm_add = NAME(norm_add),
    .norm_grad = NAME(norm_grad),
};
