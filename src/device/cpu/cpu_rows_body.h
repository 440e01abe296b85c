/* The loops of cpu_rows.h in one precision for one instruction set; the including file defines
 * REAL, FLOAT32, NAME(x), LABEL and, in float32, VECTOR_BYTES. Activations are written in vectors;
 * the other loops so that the compiler makes vectors of them, sums in LANES parts. */

enum { NAME(LANES) = 16 };

#if FLOAT32
typedef float NAME(vec) __attribute__((vector_size(VECTOR_BYTES)));
typedef int NAME(ints) __attribute__((vector_size(VECTOR_BYTES)));
#define VEC  NAME(vec)
#define INTS NAME(ints)

/* Where the mask is set a, elsewhere b. */
static inline VEC NAME(choose)(INTS mask, VEC a, VEC b)
{
    return (VEC)((mask & (INTS)a) | (~mask & (INTS)b));
}

/* e^x: 2^n times a polynomial on |r| ≤ ln2/2. Arguments are held where the result is normal; NaN
 * stays, as both comparisons fail. */
static inline VEC NAME(exponential)(VEC x)
{
    const VEC low = x * 0 - 87.0f, high = x * 0 + 88.0f, magic = x * 0 + 12582912.0f;
    const VEC held = NAME(choose)(x < -87.0f, low, NAME(choose)(x > 88.0f, high, x));
    const VEC n = (held * 1.44269504088896341f + magic) - magic; /* rounds */
    const VEC r = (held - n * 0.693145751953125f) - n * 1.42860682030941723e-6f;
    const VEC power = (VEC)((__builtin_convertvector(n, INTS) + 127) << 23);
    VEC p = r * (1.0f / 5040.0f) + 1.0f / 720.0f;

    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * power;
}

/* ln(1 + u) for 0 ≤ u ≤ 1: 2 artanh(s), s = u/(2 + u) ≤ 1/3; the series ends below 2e-8. */
static inline VEC NAME(log_1p)(VEC u)
{
    const VEC s = u / (2.0f + u), q = s * s;
    VEC p = q * (1.0f / 13.0f) + 1.0f / 11.0f;

    p = p * q + 1.0f / 9.0f;
    p = p * q + 1.0f / 7.0f;
    p = p * q + 1.0f / 5.0f;
    p = p * q + 1.0f / 3.0f;
    p = p * q + 1.0f;
    return 2.0f * s * p;
}
#else
#define VEC  double
#define INTS int

static inline double NAME(choose)(int mask, double a, double b)
{
    return mask ? a : b;
}

static inline double NAME(exponential)(double x)
{
    return exp(x);
}

static inline double NAME(log_1p)(double u)
{
    return log1p(u);
}
#endif

enum { NAME(WIDTH) = (int)(sizeof(VEC) / sizeof(REAL)) };

static inline VEC NAME(silu)(VEC z)
{
    return z / (1 + NAME(exponential)(-z));
}

/* ln(1 + e^z) = max(z, 0) + ln(1 + e^{−|z|}), which cannot overflow. Above 20 it is z, as where the
 * published networks come from: in float64 that can be seen. */
static inline VEC NAME(ssp)(VEC z)
{
    const REAL ln2 = (REAL)0.69314718055994530942;
    const VEC zero = z - z; /* or NaN */
    const VEC part = NAME(log_1p)(NAME(exponential)(NAME(choose)(z < 0, z, -z)));

    return NAME(choose)(z < 0, zero, z) + (NAME(choose)(z > 20, zero, part) - ln2);
}

static inline VEC NAME(silu_slope)(VEC z)
{
    const VEC e = NAME(exponential)(-z), s = 1 / (1 + e);

    return s * (1 + z * (e * s)); /* e·s = 1 − s without cancellation */
}

static inline VEC NAME(ssp_slope)(VEC z)
{
    return 1 / (1 + NAME(exponential)(-z));
}

static inline VEC NAME(load)(const REAL *x, int count)
{
    VEC v = {0};

    memcpy(&v, x, (size_t)count * sizeof *x);
    return v;
}

static inline void NAME(store)(REAL *x, VEC v, int count)
{
    memcpy(x, &v, (size_t)count * sizeof *x);
}

/* y = f(z), vector by vector and then the rest; z may be y. */
#define ACTIVATE(f)                                                                                \
    do {                                                                                           \
        int j = 0;                                                                                 \
        for (; j + NAME(WIDTH) <= n; j += NAME(WIDTH))                                             \
            NAME(store)(y + j, f(NAME(load)(z + j, NAME(WIDTH))), NAME(WIDTH));                    \
        if (j < n)                                                                                 \
            NAME(store)(y + j, f(NAME(load)(z + j, n - j)), n - j);                                \
    } while (0)

static void NAME(activate)(mds_act_kind kind, int n, const REAL *z, REAL *y)
{
    if (kind == MDS_ACT_SILU)
        ACTIVATE(NAME(silu));
    else if (kind == MDS_ACT_SSP)
        ACTIVATE(NAME(ssp));
    else if (y != z)
        memcpy(y, z, (size_t)n * sizeof *y);
}

#define SLOPE(f)                                                                                   \
    do {                                                                                           \
        int j = 0;                                                                                 \
        for (; j + NAME(WIDTH) <= n; j += NAME(WIDTH))                                             \
            NAME(store)                                                                            \
        (g + j, NAME(load)(g + j, NAME(WIDTH)) * f(NAME(load)(z + j, NAME(WIDTH))), NAME(WIDTH));  \
        if (j < n)                                                                                 \
            NAME(store)(g + j, NAME(load)(g + j, n - j) * f(NAME(load)(z + j, n - j)), n - j);     \
    } while (0)

static void NAME(multiply_slope)(mds_act_kind kind, int n, const REAL *z, REAL *g)
{
    if (kind == MDS_ACT_SILU)
        SLOPE(NAME(silu_slope));
    else if (kind == MDS_ACT_SSP)
        SLOPE(NAME(ssp_slope));
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
        REAL *g = (REAL *)op->g + (int64_t)i * op->ldg;

        NAME(multiply_slope)(op->act.kind, op->cols, z, g);
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

#undef VEC
#undef INTS
#undef ACTIVATE
#undef SLOPE
