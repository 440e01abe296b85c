/* The operations on the host: products by BLAS, the rest by ops_cpu_body.h in both precisions. */
#include "device/cpu/cpu_rows.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

static mds_status cpu_gemm(mds_device *device, const mds_gemm *op)
{
    const CBLAS_TRANSPOSE ta = op->trans_a ? CblasTrans : CblasNoTrans;
    const CBLAS_TRANSPOSE tb = op->trans_b ? CblasTrans : CblasNoTrans;

    (void)device;
    for (int i = 0; i < op->batch; ++i) {
        if (op->real == MDS_REAL_FP32)
            cblas_sgemm(CblasRowMajor, ta, tb, op->m, op->n, op->k, (float)op->alpha,
                        (const float *)op->a + i * op->stride_a, op->lda,
                        (const float *)op->b + i * op->stride_b, op->ldb, (float)op->beta,
                        (float *)op->c + i * op->stride_c, op->ldc);
        else
            cblas_dgemm(CblasRowMajor, ta, tb, op->m, op->n, op->k, op->alpha,
                        (const double *)op->a + i * op->stride_a, op->lda,
                        (const double *)op->b + i * op->stride_b, op->ldb, op->beta,
                        (double *)op->c + i * op->stride_c, op->ldc);
    }
    return MDS_OK;
}

#define REAL     float
#define NAME(x)  x##_fp32
#define EXP(x)   expf(x)
#define EXPM1(x) expm1f(x)
#define ERFC(x)  erfcf(x)
#include "device/cpu/ops_cpu_body.h"
#undef REAL
#undef NAME
#undef EXP
#undef EXPM1
#undef ERFC
#define REAL     double
#define NAME(x)  x##_fp64
#define EXP(x)   exp(x)
#define EXPM1(x) expm1(x)
#define ERFC(x)  erfc(x)
#include "device/cpu/ops_cpu_body.h"

static mds_status cpu_bias_act(mds_device *device, const mds_bias_act *op)
{
    (void)device;
    if (mds_cpu_rows_knows(op->act.kind))
        mds_cpu_rows_find(op->real)->bias_act(op);
    else if (op->real == MDS_REAL_FP32)
        bias_act_fp32(op);
    else
        bias_act_fp64(op);
    return MDS_OK;
}

static mds_status cpu_act_grad(mds_device *device, const mds_act_grad *op)
{
    (void)device;
    if (mds_cpu_rows_knows(op->act.kind))
        mds_cpu_rows_find(op->real)->act_grad(op);
    else if (op->real == MDS_REAL_FP32)
        act_grad_fp32(op);
    else
        act_grad_fp64(op);
    return MDS_OK;
}

static mds_status cpu_gather_rows(mds_device *device, const mds_rows *op)
{
    const size_t size = mds_real_size(op->real), bytes = size * (size_t)op->cols;

    (void)device;
    for (int i = 0; i < op->rows; ++i) {
        char *to = (char *)op->y + size * (size_t)i * (size_t)op->ldy;

        if (op->index[i] < 0)
            memset(to, 0, bytes);
        else
            memcpy(to, (const char *)op->x + size * (size_t)op->index[i] * (size_t)op->ldx, bytes);
    }
    return MDS_OK;
}

static mds_status cpu_segment_sum(mds_device *device, const mds_rows *op)
{
    (void)device;
    if (op->real == MDS_REAL_FP32)
        segment_sum_fp32(op);
    else
        segment_sum_fp64(op);
    return MDS_OK;
}

static mds_status cpu_norm(mds_device *device, const mds_norm *op)
{
    (void)device;
    if (op->real == MDS_REAL_FP32)
        norm_fp32(op);
    else
        norm_fp64(op);
    return MDS_OK;
}

static mds_status cpu_gather_act(mds_device *device, const mds_gather_act *op)
{
    (void)device;
    if (!mds_cpu_rows_knows(op->act.kind))
        return mds_fail(MDS_ERR_UNSUPPORTED, "operation gather_act: only with silu and ssp");
    mds_cpu_rows_find(op->real)->gather_act(op);
    return MDS_OK;
}

static mds_status cpu_norm_add(mds_device *device, const mds_norm_add *op)
{
    (void)device;
    mds_cpu_rows_find(op->norm.real)->norm_add(op);
    return MDS_OK;
}

static mds_status cpu_norm_grad(mds_device *device, const mds_norm_grad *op)
{
    (void)device;
    mds_cpu_rows_find(op->real)->norm_grad(op);
    return MDS_OK;
}

const mds_ops mds_ops_cpu = {
    .name = "cpu",
    .gemm = cpu_gemm,
    .bias_act = cpu_bias_act,
    .act_grad = cpu_act_grad,
    .gather_rows = cpu_gather_rows,
    .segment_sum = cpu_segment_sum,
    .norm = cpu_norm,
    .gather_act = cpu_gather_act,
    .norm_add = cpu_norm_add,
    .norm_grad = cpu_norm_grad,
};
