/* The row-wise operations in one precision; included by ops_cpu.c with REAL, NAME(x) and the
 * functions of that precision defined. */

static void NAME(activate)(const mds_act *act, int n, const REAL *z, REAL *y)
{
    const REAL a = (REAL)act->a, inv_a = act->a > 0.0 ? (REAL)(1.0 / act->a) : 0;
    const REAL half = (REAL)0.5, root_half = (REAL)0.70710678118654752440;

    switch (act->kind) {
    case MDS_ACT_CELU:
        for (int j = 0; j < n; ++j)
            y[j] = z[j] > 0 ? z[j] : a * EXPM1(z[j] * inv_a);
        break;
    case MDS_ACT_SILU:
        for (int j = 0; j < n; ++j)
            y[j] = z[j] / (1 + EXP(-z[j]));
        break;
    case MDS_ACT_GELU:
        for (int j = 0; j < n; ++j)
            y[j] = half * z[j] * ERFC(-z[j] * root_half);
        break;
    default:
        if (y != z)
            memcpy(y, z, (size_t)n * sizeof *y);
        break;
    }
}

static void NAME(bias_act)(const mds_bias_act *op)
{
    const REAL *bias = op->bias;

    for (int i = 0; i < op->rows; ++i) {
        REAL *x = (REAL *)op->x + (int64_t)i * op->ldx;

        for (int j = 0; bias && j < op->cols; ++j)
            x[j] += bias[j];
        NAME(activate)(&op->act, op->cols, x, (REAL *)op->y + (int64_t)i * op->ldy);
    }
}

static void NAME(act_grad)(const mds_act_grad *op)
{
    const REAL inv_a = op->act.a > 0.0 ? (REAL)(1.0 / op->act.a) : 0;
    const REAL half = (REAL)0.5, root_half = (REAL)0.70710678118654752440;
    const REAL inv_root_2pi = (REAL)0.39894228040143267794;

    for (int i = 0; i < op->rows; ++i) {
        const REAL *y = op->y ? (const REAL *)op->y + (int64_t)i * op->ldy : NULL;
        const REAL *z = op->z ? (const REAL *)op->z + (int64_t)i * op->ldz : NULL;
        REAL *g = (REAL *)op->g + (int64_t)i * op->ldg;

        for (int j = 0; op->act.kind == MDS_ACT_CELU && j < op->cols; ++j)
            g[j] *= y[j] > 0 ? 1 : 1 + y[j] * inv_a;
        for (int j = 0; op->act.kind == MDS_ACT_SILU && j < op->cols; ++j) {
            const REAL s = 1 / (1 + EXP(-z[j]));

            g[j] *= s * (1 + z[j] * (1 - s));
        }
        for (int j = 0; op->act.kind == MDS_ACT_GELU && j < op->cols; ++j)
            g[j] *= half * ERFC(-z[j] * root_half) + z[j] * inv_root_2pi * EXP(-half * z[j] * z[j]);
    }
}

static void NAME(segment_sum)(const mds_rows *op)
{
    for (int s = 0; s < op->rows; ++s) {
        REAL *restrict y = (REAL *)op->y + (int64_t)s * op->ldy;

        memset(y, 0, (size_t)op->cols * sizeof *y);
        for (int i = op->start[s]; i < op->start[s + 1]; ++i) {
            const int from = op->index ? op->index[i] : i;
            const REAL *restrict x = (const REAL *)op->x + (int64_t)from * op->ldx;

            for (int j = 0; j < op->cols; ++j)
                y[j] += x[j];
        }
    }
}

static void NAME(norm)(const mds_norm *op)
{
    const REAL *weight = op->weight, *bias = op->bias;

    for (int i = 0; i < op->rows; ++i) {
        const REAL *x = (const REAL *)op->x + (int64_t)i * op->ldx;
        REAL *y = (REAL *)op->y + (int64_t)i * op->ldy;
        double mean = 0.0, square = 0.0;

        for (int j = 0; j < op->cols && !op->rms; ++j)
            mean += (double)x[j];
        mean /= op->cols;
        for (int j = 0; j < op->cols; ++j)
            square += ((double)x[j] - mean) * ((double)x[j] - mean);
        const double scale = 1.0 / sqrt(square / op->cols + op->eps);

        for (int j = 0; j < op->cols; ++j)
            y[j] = (REAL)(((double)x[j] - mean) * scale) * (weight ? weight[j] : 1) +
                   (bias ? bias[j] : 0);
    }
}
