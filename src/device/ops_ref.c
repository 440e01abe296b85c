/* Every operation as its definition, one element at a time, in float64 whatever the storage: slow,
 * and meant to be obviously right. */
#include "device/ops.h"

#include <math.h>

static double get(mds_real real, const void *x, int64_t i)
{
    return real == MDS_REAL_FP32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
}

static void set(mds_real real, void *x, int64_t i, double value)
{
    if (real == MDS_REAL_FP32)
        ((float *)x)[i] = (float)value;
    else
        ((double *)x)[i] = value;
}

static mds_status ref_gemm(mds_device *device, const mds_gemm *op)
{
    (void)device;
    for (int batch = 0; batch < op->batch; ++batch)
        for (int i = 0; i < op->m; ++i)
            for (int j = 0; j < op->n; ++j) {
                const int64_t at = batch * op->stride_c + (int64_t)i * op->ldc + j;
                double sum = 0.0;

                for (int k = 0; k < op->k; ++k) {
                    const int64_t ia = op->trans_a ? (int64_t)k * op->lda + i
                                                   : (int64_t)i * op->lda + k;
                    const int64_t ib = op->trans_b ? (int64_t)j * op->ldb + k
                                                   : (int64_t)k * op->ldb + j;

                    sum += get(op->real, op->a, batch * op->stride_a + ia) *
                           get(op->real, op->b, batch * op->stride_b + ib);
                }
                sum *= op->alpha;
                if (op->beta != 0.0)
                    sum += op->beta * get(op->real, op->c, at);
                set(op->real, op->c, at, sum);
            }
    return MDS_OK;
}

static double value_of(const mds_act *act, double z)
{
    switch (act->kind) {
    case MDS_ACT_CELU:
        return z > 0.0 ? z : act->a * expm1(z / act->a);
    case MDS_ACT_SILU:
        return z / (1.0 + exp(-z));
    case MDS_ACT_GELU:
        return 0.5 * z * erfc(-z * sqrt(0.5));
    case MDS_ACT_SSP:
        return (z > 20.0 ? z : log1p(exp(z))) - log(2.0);
    default:
        return z;
    }
}

static mds_status ref_bias_act(mds_device *device, const mds_bias_act *op)
{
    (void)device;
    for (int i = 0; i < op->rows; ++i)
        for (int j = 0; j < op->cols; ++j) {
            const int64_t at = (int64_t)i * op->ldx + j;
            const double bias = op->bias ? get(op->real, op->bias, j) : 0.0;
            const double z = get(op->real, op->x, at) + bias;

            set(op->real, op->x, at, z);
            set(op->real, op->y, (int64_t)i * op->ldy + j, value_of(&op->act, z));
        }
    return MDS_OK;
}

/* celu: e^{z/a} = 1 + y/a where y ≤ 0. */
static double slope_of(const mds_act_grad *op, int i, int j)
{
    if (op->act.kind == MDS_ACT_CELU) {
        const double y = get(op->real, op->y, (int64_t)i * op->ldy + j);

        return y > 0.0 ? 1.0 : 1.0 + y / op->act.a;
    }
    const double z = get(op->real, op->z, (int64_t)i * op->ldz + j);
    if (op->act.kind == MDS_ACT_SILU) {
        const double s = 1.0 / (1.0 + exp(-z));

        return s * (1.0 + z * (1.0 - s));
    }
    if (op->act.kind == MDS_ACT_SSP)
        return 1.0 / (1.0 + exp(-z));
    return 0.5 * erfc(-z * sqrt(0.5)) + z * exp(-0.5 * z * z) / sqrt(2.0 * 3.14159265358979323846);
}

static mds_status ref_act_grad(mds_device *device, const mds_act_grad *op)
{
    (void)device;
    for (int i = 0; i < op->rows; ++i)
        for (int j = 0; j < op->cols; ++j) {
            const int64_t at = (int64_t)i * op->ldg + j;

            set(op->real, op->g, at, get(op->real, op->g, at) * slope_of(op, i, j));
        }
    return MDS_OK;
}

static mds_status ref_gather_rows(mds_device *device, const mds_rows *op)
{
    (void)device;
    for (int i = 0; i < op->rows; ++i)
        for (int j = 0; j < op->cols; ++j) {
            const int from = op->index[i];

            set(op->real, op->y, (int64_t)i * op->ldy + j,
                from < 0 ? 0.0 : get(op->real, op->x, (int64_t)from * op->ldx + j));
        }
    return MDS_OK;
}

static mds_status ref_segment_sum(mds_device *device, const mds_rows *op)
{
    (void)device;
    for (int s = 0; s < op->rows; ++s)
        for (int j = 0; j < op->cols; ++j) {
            double sum = 0.0;

            for (int i = op->start[s]; i < op->start[s + 1]; ++i) {
                const int from = op->index ? op->index[i] : i;

                sum += get(op->real, op->x, (int64_t)from * op->ldx + j);
            }
            set(op->real, op->y, (int64_t)s * op->ldy + j, sum);
        }
    return MDS_OK;
}

static mds_status ref_norm(mds_device *device, const mds_norm *op)
{
    (void)device;
    for (int i = 0; i < op->rows; ++i) {
        const int64_t row = (int64_t)i * op->ldx;
        double mean = 0.0, square = 0.0;

        for (int j = 0; j < op->cols && !op->rms; ++j)
            mean += get(op->real, op->x, row + j) / op->cols;
        for (int j = 0; j < op->cols; ++j)
            square += pow(get(op->real, op->x, row + j) - mean, 2) / op->cols;
        for (int j = 0; j < op->cols; ++j) {
            const double weight = op->weight ? get(op->real, op->weight, j) : 1.0;
            const double bias = op->bias ? get(op->real, op->bias, j) : 0.0;
            const double x = get(op->real, op->x, row + j);

            set(op->real, op->y, (int64_t)i * op->ldy + j,
                (x - mean) / sqrt(square + op->eps) * weight + bias);
        }
    }
    return MDS_OK;
}

static mds_status ref_gather_act(mds_device *device, const mds_gather_act *op)
{
    (void)device;
    for (int i = 0; i < op->rows; ++i)
        for (int j = 0; j < op->cols; ++j) {
            const int64_t at = (int64_t)i * op->ldx + j;
            double z = get(op->real, op->x, at);

            z += op->bias ? get(op->real, op->bias, j) : 0.0;
            z += op->a ? get(op->real, op->a, (int64_t)op->ia[i] * op->lda + j) : 0.0;
            z += op->b ? get(op->real, op->b, (int64_t)op->ib[i] * op->ldb + j) : 0.0;
            set(op->real, op->x, at, z);
            set(op->real, op->y, (int64_t)i * op->ldy + j, value_of(&op->act, z));
        }
    return MDS_OK;
}

/* One row in float64, because every output may be the input. */
static void normalize(const mds_norm *norm, double *row)
{
    double mean = 0.0, square = 0.0;

    for (int j = 0; j < norm->cols && !norm->rms; ++j)
        mean += row[j] / norm->cols;
    for (int j = 0; j < norm->cols; ++j)
        square += pow(row[j] - mean, 2) / norm->cols;
    for (int j = 0; j < norm->cols; ++j) {
        const double weight = norm->weight ? get(norm->real, norm->weight, j) : 1.0;
        const double bias = norm->bias ? get(norm->real, norm->bias, j) : 0.0;

        row[j] = (row[j] - mean) / sqrt(square + norm->eps) * weight + bias;
    }
}

static mds_status ref_norm_add(mds_device *device, const mds_norm_add *op)
{
    const mds_norm *norm = &op->norm;
    double row[MDS_NORM_COLS_MAX];

    (void)device;
    for (int i = 0; i < norm->rows; ++i) {
        for (int j = 0; j < norm->cols; ++j) {
            const double pre = op->pre ? get(norm->real, op->pre, j) : 0.0;

            row[j] = get(norm->real, norm->x, (int64_t)i * norm->ldx + j) + pre;
            if (op->z)
                set(norm->real, op->z, (int64_t)i * op->ldz + j, row[j]);
        }
        normalize(norm, row);
        for (int j = 0; j < norm->cols; ++j) {
            const int64_t at = (int64_t)i * op->ldsum + j;

            if (norm->y)
                set(norm->real, norm->y, (int64_t)i * norm->ldy + j, row[j]);
            if (op->sum)
                set(norm->real, op->sum, at, get(norm->real, op->sum, at) + row[j]);
        }
    }
    return MDS_OK;
}

/* With u = (x − mean)·s and v = g·weight: dx = s (v − mean v − u mean(u v)); without the mean of v
 * when rms. */
static mds_status ref_norm_grad(mds_device *device, const mds_norm_grad *op)
{
    (void)device;
    for (int i = 0; i < op->rows; ++i) {
        const int64_t x0 = (int64_t)i * op->ldx, g0 = (int64_t)i * op->ldg;
        double mean = 0.0, square = 0.0, mean_v = 0.0, mean_uv = 0.0;

        for (int j = 0; j < op->cols && !op->rms; ++j)
            mean += get(op->real, op->x, x0 + j) / op->cols;
        for (int j = 0; j < op->cols; ++j)
            square += pow(get(op->real, op->x, x0 + j) - mean, 2) / op->cols;
        const double s = 1.0 / sqrt(square + op->eps);
        for (int pass = 0; pass < 2; ++pass)
            for (int j = 0; j < op->cols; ++j) {
                const double weight = op->weight ? get(op->real, op->weight, j) : 1.0;
                const double u = (get(op->real, op->x, x0 + j) - mean) * s;
                const double v = get(op->real, op->g, g0 + j) * weight;

                if (pass)
                    set(op->real, op->g, g0 + j, s * (v - mean_v - u * mean_uv));
                else
                    mean_uv += u * v / op->cols;
                mean_v += !pass && !op->rms ? v / op->cols : 0.0;
            }
    }
    return MDS_OK;
}

const mds_ops mds_ops_ref = {
    .name = "ref",
    .gemm = ref_gemm,
    .bias_act = ref_bias_act,
    .act_grad = ref_act_grad,
    .gather_rows = ref_gather_rows,
    .segment_sum = ref_segment_sum,
    .norm = ref_norm,
    .gather_act = ref_gather_act,
    .norm_add = ref_norm_add,
    .norm_grad = ref_norm_grad,
};
