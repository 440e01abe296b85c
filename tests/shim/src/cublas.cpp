// cuBLAS on the host's BLAS. A product is work of its stream like any other: kept back, captured.
#include "shim.hpp"

#include <cblas.h>
#include <cublas_v2.h>

struct cublasContext {
    cudaStream_t stream;
    bool workspace; // its own, for this stream
};

using namespace shim;

namespace
{

template <typename T> struct Gemm {
    CBLAS_TRANSPOSE ta, tb;
    int m, n, k, lda, ldb, ldc, batch;
    T alpha, beta;
    const T *a, *b;
    T *c;
    long long stride_a, stride_b, stride_c;
    bool tf32; // operands are cut to 10 bits behind the point, as the units do
};

void multiply(const Gemm<float> &g, const float *a, const float *b, float *c)
{
    cblas_sgemm(CblasColMajor, g.ta, g.tb, g.m, g.n, g.k, g.alpha, a, g.lda, b, g.ldb, g.beta, c,
                g.ldc);
}

void multiply(const Gemm<double> &g, const double *a, const double *b, double *c)
{
    cblas_dgemm(CblasColMajor, g.ta, g.tb, g.m, g.n, g.k, g.alpha, a, g.lda, b, g.ldb, g.beta, c,
                g.ldc);
}

// Elements from the first to the last of a matrix of `cols` columns.
long long extent(int rows, int cols, int ld)
{
    return rows == 0 || cols == 0 ? 0 : static_cast<long long>(ld) * (cols - 1) + rows;
}

std::vector<float> cut(const float *x, long long count)
{
    std::vector<float> out(x, x + count);

    for (float &value : out) {
        uint32_t bits;

        memcpy(&bits, &value, sizeof bits);
        bits &= 0xffffe000u;
        memcpy(&value, &bits, sizeof bits);
    }
    return out;
}

void multiply_cut(const Gemm<float> &g, const float *a, const float *b, float *c)
{
    const bool at = g.ta != CblasNoTrans, bt = g.tb != CblasNoTrans;

    multiply(g, cut(a, extent(at ? g.k : g.m, at ? g.m : g.k, g.lda)).data(),
             cut(b, extent(bt ? g.n : g.k, bt ? g.k : g.n, g.ldb)).data(), c);
}

void multiply_cut(const Gemm<double> &, const double *, const double *, double *)
{
}

// The last matrix of a batch ends inside of the allocation in which the first begins.
template <typename T> bool fits(const T *p, int rows, int cols, int ld, long long stride, int batch)
{
    const long long elements = stride * (batch - 1) + extent(rows, cols, ld);

    return rows == 0 || cols == 0 || batch == 0 ||
           memory_covers(p, static_cast<size_t>(elements) * sizeof(T));
}

template <typename T> cublasStatus_t give(cublasHandle_t handle, const Gemm<T> &g)
{
    Lock lock(mutex());
    const bool at = g.ta != CblasNoTrans, bt = g.tb != CblasNoTrans;
    Op op = {};

    if (!handle)
        return CUBLAS_STATUS_NOT_INITIALIZED;
    if (init() != cudaSuccess)
        return CUBLAS_STATUS_EXECUTION_FAILED;
    if (g.m < 0 || g.n < 0 || g.k < 0 || g.batch < 0 || g.lda < std::max(1, at ? g.k : g.m) ||
        g.ldb < std::max(1, bt ? g.n : g.k) || g.ldc < std::max(1, g.m))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (g.m == 0 || g.n == 0 || g.batch == 0)
        return CUBLAS_STATUS_SUCCESS;
    if (!fits(g.a, at ? g.k : g.m, at ? g.m : g.k, g.lda, g.stride_a, g.batch) ||
        !fits(g.b, bt ? g.n : g.k, bt ? g.k : g.n, g.ldb, g.stride_b, g.batch) ||
        !fits(g.c, g.m, g.n, g.ldc, g.stride_c, g.batch))
        report(
            "cuBLAS: a matrix of a product (m %d, n %d, k %d, batch %d) is not in device memory or "
            "reaches beyond its allocation",
            g.m, g.n, g.k, g.batch);
    if (!handle->workspace && stream_is_capturing(handle->stream))
        report(
            "cuBLAS: a product is captured with a workspace of the library's, which it allocates");
    const int device = stream_device(handle->stream);
    op.type = cudaGraphNodeTypeKernel;
    op.name = "gemm";
    op.run = [g, device] {
        Access access(device);
        for (int i = 0; i < g.batch; ++i)
            if (g.tf32)
                multiply_cut(g, g.a + i * g.stride_a, g.b + i * g.stride_b, g.c + i * g.stride_c);
            else
                multiply(g, g.a + i * g.stride_a, g.b + i * g.stride_b, g.c + i * g.stride_c);
        return cudaSuccess;
    };
    return stream_give(handle->stream, op) == cudaSuccess ? CUBLAS_STATUS_SUCCESS
                                                          : CUBLAS_STATUS_EXECUTION_FAILED;
}

CBLAS_TRANSPOSE transposed(cublasOperation_t op)
{
    return op == CUBLAS_OP_N ? CblasNoTrans : CblasTrans;
}

} // namespace

extern "C" {

cublasStatus_t cublasCreate(cublasHandle_t *handle)
{
    Lock lock(mutex());

    if (init() != cudaSuccess)
        return CUBLAS_STATUS_NOT_INITIALIZED;
    *handle = new cublasContext{nullptr, false};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t handle)
{
    delete handle;
    return handle ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_INITIALIZED;
}

cublasStatus_t cublasGetVersion(cublasHandle_t, int *version)
{
    *version = 130000;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    handle->workspace = false;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetStream(cublasHandle_t handle, cudaStream_t *stream)
{
    *stream = handle->stream;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t handle, void *workspace, size_t bytes)
{
    if (!memory_covers(workspace, bytes))
        return CUBLAS_STATUS_INVALID_VALUE;
    handle->workspace = bytes > 0;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t)
{
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetAtomicsMode(cublasHandle_t, cublasAtomicsMode_t)
{
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetPointerMode(cublasHandle_t, cublasPointerMode_t mode)
{
    return mode == CUBLAS_POINTER_MODE_HOST ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

const char *cublasGetStatusName(cublasStatus_t status)
{
    switch (status) {
    case CUBLAS_STATUS_SUCCESS:
        return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED:
        return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED:
        return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE:
        return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED:
        return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR:
        return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED:
        return "CUBLAS_STATUS_NOT_SUPPORTED";
    }
    return "unknown";
}

const char *cublasGetStatusString(cublasStatus_t status)
{
    return cublasGetStatusName(status);
}

#define DEFINE(T, name)                                                                            \
    cublasStatus_t cublas##name##StridedBatched(                                                   \
        cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,    \
        const T *alpha, const T *a, int lda, long long stride_a, const T *b, int ldb,              \
        long long stride_b, const T *beta, T *c, int ldc, long long stride_c, int batch)           \
    {                                                                                              \
        return give(handle, Gemm<T>{transposed(ta), transposed(tb), m, n, k, lda, ldb, ldc, batch, \
                                    *alpha, *beta, a, b, c, stride_a, stride_b, stride_c, false}); \
    }                                                                                              \
    cublasStatus_t cublas##name(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb, \
                                int m, int n, int k, const T *alpha, const T *a, int lda,          \
                                const T *b, int ldb, const T *beta, T *c, int ldc)                 \
    {                                                                                              \
        return cublas##name##StridedBatched(handle, ta, tb, m, n, k, alpha, a, lda, 0, b, ldb, 0,  \
                                            beta, c, ldc, 0, 1);                                   \
    }
DEFINE(float, Sgemm)
DEFINE(double, Dgemm)

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t ta,
                                          cublasOperation_t tb, int m, int n, int k,
                                          const void *alpha, const void *a, cudaDataType a_type,
                                          int lda, long long stride_a, const void *b,
                                          cudaDataType b_type, int ldb, long long stride_b,
                                          const void *beta, void *c, cudaDataType c_type, int ldc,
                                          long long stride_c, int batch,
                                          cublasComputeType_t compute, cublasGemmAlgo_t)
{
    const bool fp32 = c_type == CUDA_R_32F;
    const bool for_fp64 = compute == CUBLAS_COMPUTE_64F || compute == CUBLAS_COMPUTE_64F_PEDANTIC;

    if (a_type != b_type || a_type != c_type || fp32 == for_fp64)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (!fp32)
        return cublasDgemmStridedBatched(
            handle, ta, tb, m, n, k, static_cast<const double *>(alpha),
            static_cast<const double *>(a), lda, stride_a, static_cast<const double *>(b), ldb,
            stride_b, static_cast<const double *>(beta), static_cast<double *>(c), ldc, stride_c,
            batch);
    return give(handle,
                Gemm<float>{transposed(ta), transposed(tb), m, n, k, lda, ldb, ldc, batch,
                            *static_cast<const float *>(alpha), *static_cast<const float *>(beta),
                            static_cast<const float *>(a), static_cast<const float *>(b),
                            static_cast<float *>(c), stride_a, stride_b, stride_c,
                            compute == CUBLAS_COMPUTE_32F_FAST_TF32});
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t ta, cublasOperation_t tb,
                            int m, int n, int k, const void *alpha, const void *a,
                            cudaDataType a_type, int lda, const void *b, cudaDataType b_type,
                            int ldb, const void *beta, void *c, cudaDataType c_type, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t algo)
{
    return cublasGemmStridedBatchedEx(handle, ta, tb, m, n, k, alpha, a, a_type, lda, 0, b, b_type,
                                      ldb, 0, beta, c, c_type, ldc, 0, 1, compute, algo);
}

} // extern "C"
