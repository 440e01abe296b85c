/* The table of operations of CUDA devices: products by cuBLAS, the rest by kernels of ours.
 *
 * cuBLAS is opened by the first product of a device, which must not be one that is recorded: the
 * classical models never pay for it. It works in a workspace of its own, without atomics, so that a
 * product repeats bit for bit and neither it nor its graph allocates. Neither workspace nor the
 * parts of TF32X3 products are counted as memory of a model. */
#include "device/ops.h"

#ifdef MDS_WITH_CUDA

#include "device/cuda/cuda_device.h"
#include "device/cuda/cuda_error.h"
#include "device/cuda/ops_cuda.h"

#include <cublas_v2.h>

#include <stdlib.h>
#include <string.h>

struct mds_cuda_blas {
    cublasHandle_t handle;
    void *workspace;
    void *parts; /* of the operands of TF32X3 products */
    size_t parts_bytes;
};

/* A CUDA error below it is nearer to the cause. */
static mds_status blas_status(cublasStatus_t code, const char *what)
{
    if (code == CUBLAS_STATUS_SUCCESS)
        return MDS_OK;
    const cudaError_t error = cudaGetLastError();

    if (error != cudaSuccess)
        return mds_cuda_status(error, what);
    return mds_fail(code == CUBLAS_STATUS_ALLOC_FAILED ? MDS_ERR_NOMEM : MDS_ERR_DEVICE,
                    "cuda: cuBLAS in %s (%s: %s)", what, cublasGetStatusName(code),
                    cublasGetStatusString(code));
}

void mds_cuda_blas_destroy(mds_cuda_device *cuda)
{
    if (!cuda->blas)
        return;
    if (cuda->blas->handle)
        (void)cublasDestroy(cuda->blas->handle);
    (void)cudaFree(cuda->blas->workspace);
    (void)cudaFree(cuda->blas->parts);
    free(cuda->blas);
    cuda->blas = NULL;
}

/* What NVIDIA recommends for cublasSetWorkspace(): 32 MiB for compute capability 9, 4 MiB before;
 * later ones are content with 12. */
static mds_status workspace_bytes(const mds_cuda_device *cuda, size_t *bytes)
{
    int major = 0;
    const mds_status status = mds_cuda_status(
        cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, cuda->ordinal),
        "cudaDeviceGetAttribute");

    *bytes = (size_t)(major < 9 ? 4 : major == 9 ? 32 : 12) << 20;
    return status;
}

static mds_status blas_open(mds_cuda_device *cuda)
{
    struct mds_cuda_blas *blas;
    size_t bytes = 0;
    mds_status status;

    if (cuda->blas)
        return MDS_OK;
    MDS_TRY(mds_cuda_check_not_recording(cuda, "the first product"));
    blas = cuda->blas = calloc(1, sizeof *blas);
    if (!blas)
        return mds_fail(MDS_ERR_INTERNAL, "no host memory for a handle of cuBLAS");
    MDS_TRY(workspace_bytes(cuda, &bytes));
    MDS_TRY(blas_status(cublasCreate(&blas->handle), "cublasCreate"));
    /* In this order: a stream brings cuBLAS's own workspace back. */
    MDS_TRY(blas_status(cublasSetStream(blas->handle, cuda->stream), "cublasSetStream"));
    MDS_TRY(mds_cuda_status(cudaMalloc(&blas->workspace, bytes), "the workspace of cuBLAS"));
    MDS_TRY(blas_status(cublasSetWorkspace(blas->handle, blas->workspace, bytes),
                        "cublasSetWorkspace"));
    MDS_TRY(blas_status(cublasSetAtomicsMode(blas->handle, CUBLAS_ATOMICS_NOT_ALLOWED),
                        "cublasSetAtomicsMode"));
    return MDS_OK;
out:
    mds_cuda_blas_destroy(cuda);
    (void)cudaGetLastError();
    return status;
}

/* cuBLAS is column-major: our row-major matrices are transposed ones to it, and the transposed
 * product has its factors exchanged. */
static mds_status multiply(mds_cuda_device *cuda, const mds_gemm *op, cublasComputeType_t compute)
{
    const cublasOperation_t ta = op->trans_a ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t tb = op->trans_b ? CUBLAS_OP_T : CUBLAS_OP_N;
    const bool fp32 = op->real == MDS_REAL_FP32;
    const cudaDataType type = fp32 ? CUDA_R_32F : CUDA_R_64F;
    const float alpha = (float)op->alpha, beta = (float)op->beta;
    const void *by_alpha = fp32 ? (const void *)&alpha : &op->alpha;
    const void *by_beta = fp32 ? (const void *)&beta : &op->beta;
    cublasHandle_t handle = cuda->blas->handle;

    if (op->batch == 1)
        return blas_status(cublasGemmEx(handle, tb, ta, op->n, op->m, op->k, by_alpha, op->b, type,
                                        op->ldb, op->a, type, op->lda, by_beta, op->c, type,
                                        op->ldc, compute, CUBLAS_GEMM_DEFAULT),
                           "a product");
    return blas_status(cublasGemmStridedBatchedEx(
                           handle, tb, ta, op->n, op->m, op->k, by_alpha, op->b, type, op->ldb,
                           op->stride_b, op->a, type, op->lda, op->stride_a, by_beta, op->c, type,
                           op->ldc, op->stride_c, op->batch, compute, CUBLAS_GEMM_DEFAULT),
                       "a product of batches");
}

/* Both operands in three parts along k, as many times as they differ over the batch. `side`: the
 * parts lie side by side, because rows run along k. */
static mds_cuda_split split_of(const void *from, int rows, int cols, int ld, int64_t stride,
                               int batch, bool side, bool second)
{
    const int64_t all = (int64_t)rows * cols;
    const mds_cuda_split split = {.from = from,
                                  .stride = stride,
                                  .stride_to = stride ? 3 * all : 0,
                                  .copy_stride = side ? cols : all,
                                  .rows = rows,
                                  .cols = cols,
                                  .batch = stride ? batch : 1,
                                  .ld = ld,
                                  .ldto = side ? 3 * cols : cols,
                                  .second = second};

    return split;
}

static mds_status reserve_parts(mds_cuda_device *cuda, size_t bytes)
{
    struct mds_cuda_blas *blas = cuda->blas;
    mds_status status;

    if (bytes <= blas->parts_bytes)
        return MDS_OK;
    MDS_TRY(mds_cuda_check_not_recording(cuda, "room for a larger product"));
    (void)cudaFree(blas->parts); /* waits for whoever uses it */
    blas->parts = NULL;
    blas->parts_bytes = 0;
    ++cuda->base.generation; /* recorded products had the old address */
    status = mds_cuda_status(cudaMalloc(&blas->parts, bytes), "cudaMalloc");
    if (status == MDS_OK) {
        blas->parts_bytes = bytes;
        return MDS_OK;
    }
    (void)cudaGetLastError();
    mds_error_prefix("%zu bytes for the parts of a TF32X3 product: ", bytes);
out:
    return status;
}

/* One product with three times the terms: a_low b_high + a_high b_low + a_high b_high, all
 * accumulated in float32. What is left out is a_low b_low, 2⁻²² of the whole. */
static mds_status multiply_tf32x3(mds_cuda_device *cuda, const mds_gemm *op)
{
    mds_gemm all = *op;
    mds_cuda_split a = split_of(op->a, op->trans_a ? op->k : op->m, op->trans_a ? op->m : op->k,
                                op->lda, op->stride_a, op->batch, !op->trans_a, false);
    mds_cuda_split b = split_of(op->b, op->trans_b ? op->n : op->k, op->trans_b ? op->k : op->n,
                                op->ldb, op->stride_b, op->batch, op->trans_b, true);
    const size_t count_a = 3 * (size_t)a.rows * (size_t)a.cols * (size_t)a.batch;
    const size_t count_b = 3 * (size_t)b.rows * (size_t)b.cols * (size_t)b.batch;
    const size_t begin_b = (count_a + 63) / 64 * 64;
    mds_status status;

    MDS_TRY(reserve_parts(cuda, (begin_b + count_b) * sizeof(float)));
    a.to = cuda->blas->parts;
    b.to = a.to + begin_b;
    MDS_TRY(mds_cuda_split_tf32(&cuda->base, &a));
    MDS_TRY(mds_cuda_split_tf32(&cuda->base, &b));
    all.k = 3 * op->k;
    all.a = a.to;
    all.b = b.to;
    all.lda = a.ldto;
    all.ldb = b.ldto;
    all.stride_a = a.stride_to;
    all.stride_b = b.stride_to;
    status = multiply(cuda, &all, CUBLAS_COMPUTE_32F_FAST_TF32);
out:
    return status;
}

static mds_status cuda_gemm(mds_device *device, const mds_gemm *op)
{
    mds_cuda_device *cuda = (mds_cuda_device *)device;
    const bool fp32 = op->real == MDS_REAL_FP32;
    mds_status status;

    if (op->batch > 65535)
        return mds_fail(MDS_ERR_UNSUPPORTED, "operation gemm: more than 65535 products at once");
    if (op->k == 0)
        return mds_cuda_scale(device, op);
    MDS_TRY(blas_open(cuda));
    if (fp32 && op->product == MDS_PRODUCT_TF32X3)
        return multiply_tf32x3(cuda, op);
    status = multiply(cuda, op,
                      !fp32                             ? CUBLAS_COMPUTE_64F
                      : op->product == MDS_PRODUCT_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                        : CUBLAS_COMPUTE_32F);
out:
    return status;
}

const mds_ops mds_ops_cuda = {
    .name = "cuda",
    .gemm = cuda_gemm,
    .bias_act = mds_cuda_bias_act,
    .act_grad = mds_cuda_act_grad,
    .gather_rows = mds_cuda_gather_rows,
    .segment_sum = mds_cuda_segment_sum,
    .norm = mds_cuda_norm,
    .gather_act = mds_cuda_gather_act,
    .norm_add = mds_cuda_norm_add,
    .norm_grad = mds_cuda_norm_grad,
};

#endif
