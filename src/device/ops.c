/* The checked wrappers of ops.h. */
#include "device/ops.h"

const mds_ops *mds_device_ops(const mds_device *device)
{
    if (mds_device_get_kind(device) != MDS_DEVICE_CUDA)
        return &mds_ops_cpu;
#ifdef MDS_WITH_CUDA
    return &mds_ops_cuda;
#else
    return NULL;
#endif
}

static mds_status find(const mds_ops **ops, const mds_device *device)
{
    if (!*ops)
        *ops = mds_device_ops(device);
    return *ops ? MDS_OK
                : mds_fail(MDS_ERR_UNSUPPORTED, "device %s has no table of operations",
                           mds_device_get_info(device)->name);
}

static mds_status wrong(const char *op, const char *what)
{
    return mds_fail(MDS_ERR_INTERNAL, "operation %s: %s", op, what);
}

/* Shapes and a pointer for each matrix that has elements. */
static mds_status check(const char *name, int rows, int cols, const void *x, int ldx, const void *y,
                        int ldy)
{
    if (rows < 0 || cols < 0)
        return wrong(name, "a negative dimension");
    if (rows && cols && (!x || !y))
        return wrong(name, "a matrix is NULL");
    if (ldx < cols || ldy < cols)
        return wrong(name, "a leading dimension is less than the number of columns");
    return MDS_OK;
}

static mds_status check_act(const char *name, const mds_act *act)
{
    if (act->kind > MDS_ACT_SSP)
        return wrong(name, "no such activation");
    if (act->kind == MDS_ACT_CELU && !(act->a > 0.0))
        return wrong(name, "celu needs a > 0");
    return MDS_OK;
}

mds_status mds_op_gemm(const mds_ops *ops, mds_device *device, const mds_gemm *op)
{
    mds_gemm checked = *op;
    mds_status status;

    MDS_TRY(find(&ops, device));
    if (op->m < 0 || op->n < 0 || op->k < 0 || op->batch < 0)
        return wrong("gemm", "a negative dimension");
    if (op->m == 0 || op->n == 0)
        return MDS_OK;
    if (!op->c || (op->k && (!op->a || !op->b)))
        return wrong("gemm", "a matrix is NULL");
    if (op->lda < (op->trans_a ? op->m : op->k) || op->ldb < (op->trans_b ? op->k : op->n) ||
        op->ldc < op->n)
        return wrong("gemm", "a leading dimension is less than the number of columns");
    /* One behind the other, or side by side in the columns of one matrix. */
    if (op->batch > 1 && op->stride_c < (int64_t)(op->m - 1) * op->ldc + op->n &&
        (op->stride_c < op->n || (op->batch - 1) * op->stride_c + op->n > op->ldc))
        return wrong("gemm", "results of a batch overlap");
    checked.batch = op->batch ? op->batch : 1;
    status = ops->gemm(device, &checked);
out:
    return status;
}

mds_status mds_op_bias_act(const mds_ops *ops, mds_device *device, const mds_bias_act *op)
{
    mds_status status;

    MDS_TRY(find(&ops, device));
    MDS_TRY(check_act("bias_act", &op->act));
    MDS_TRY(check("bias_act", op->rows, op->cols, op->x, op->ldx, op->y, op->ldy));
    status = ops->bias_act(device, op);
out:
    return status;
}

mds_status mds_op_act_grad(const mds_ops *ops, mds_device *device, const mds_act_grad *op)
{
    mds_status status;
    const bool by_y = op->act.kind == MDS_ACT_CELU;
    const bool none = op->act.kind == MDS_ACT_NONE;

    MDS_TRY(find(&ops, device));
    MDS_TRY(check_act("act_grad", &op->act));
    MDS_TRY(check("act_grad", op->rows, op->cols,
                  none   ? op->g
                  : by_y ? op->y
                         : op->z,
                  none   ? op->ldg
                  : by_y ? op->ldy
                         : op->ldz,
                  op->g, op->ldg));
    status = none ? MDS_OK : ops->act_grad(device, op);
out:
    return status;
}

mds_status mds_op_gather_rows(const mds_ops *ops, mds_device *device, const mds_rows *op)
{
    mds_status status;

    MDS_TRY(find(&ops, device));
    MDS_TRY(check("gather_rows", op->rows, op->cols, op->x, op->ldx, op->y, op->ldy));
    if (op->rows && !op->index)
        return wrong("gather_rows", "no index");
    status = ops->gather_rows(device, op);
out:
    return status;
}

mds_status mds_op_segment_sum(const mds_ops *ops, mds_device *device, const mds_rows *op)
{
    mds_status status;

    MDS_TRY(find(&ops, device));
    MDS_TRY(check("segment_sum", op->rows, op->cols, op->x, op->ldx, op->y, op->ldy));
    if (op->rows && !op->start)
        return wrong("segment_sum", "no start");
    status = ops->segment_sum(device, op);
out:
    return status;
}

mds_status mds_op_norm(const mds_ops *ops, mds_device *device, const mds_norm *op)
{
    mds_status status;

    MDS_TRY(find(&ops, device));
    MDS_TRY(check("norm", op->rows, op->cols, op->x, op->ldx, op->y, op->ldy));
    status = ops->norm(device, op);
out:
    return status;
}

static mds_status lacks(const mds_ops *ops, const char *name)
{
    return mds_fail(MDS_ERR_UNSUPPORTED, "the table of operations '%s' has no %s", ops->name, name);
}

mds_status mds_op_gather_act(const mds_ops *ops, mds_device *device, const mds_gather_act *op)
{
    mds_status status;

    MDS_TRY(find(&ops, device));
    MDS_TRY(check_act("gather_act", &op->act));
    MDS_TRY(check("gather_act", op->rows, op->cols, op->x, op->ldx, op->y, op->ldy));
    if ((op->a && (!op->ia || op->lda < op->cols)) || (op->b && (!op->ib || op->ldb < op->cols)))
        return wrong("gather_act", "rows to be added without an index or a leading dimension");
    status = ops->gather_act ? ops->gather_act(device, op) : lacks(ops, "gather_act");
out:
    return status;
}

mds_status mds_op_norm_add(const mds_ops *ops, mds_device *device, const mds_norm_add *op)
{
    const mds_norm *norm = &op->norm;
    mds_status status;

    MDS_TRY(find(&ops, device));
    MDS_TRY(check("norm_add", norm->rows, norm->cols, norm->x, norm->ldx, norm->x, norm->ldx));
    if (norm->cols > MDS_NORM_COLS_MAX)
        return wrong("norm_add", "rows are too long");
    if ((norm->y && norm->ldy < norm->cols) || (op->z && op->ldz < norm->cols) ||
        (op->sum && op->ldsum < norm->cols))
        return wrong("norm_add", "a leading dimension is less than the number of columns");
    status = ops->norm_add ? ops->norm_add(device, op) : lacks(ops, "norm_add");
out:
    return status;
}

mds_status mds_op_norm_grad(const mds_ops *ops, mds_device *device, const mds_norm_grad *op)
{
    mds_status status;

    MDS_TRY(find(&ops, device));
    MDS_TRY(check("norm_grad", op->rows, op->cols, op->x, op->ldx, op->g, op->ldg));
    status = ops->norm_grad ? ops->norm_grad(device, op) : lacks(ops, "norm_grad");
out:
    return status;
}
