/* Dense and graph operations on device memory: what networks are made of. One table of functions
 * for each kind of device; the wrappers below check their arguments and are what models call.
 *
 * Matrices are row-major with a leading dimension (elements from one row to the next, at least the
 * number of columns). All pointers are device pointers of the device; outputs must not overlap
 * inputs unless said. Work goes to the device's stream: results are there after mds_device_sync().
 * Errors: MDS_ERR_INTERNAL for shapes that cannot be (a programmer's mistake, named),
 * MDS_ERR_UNSUPPORTED where the device has no such table. A zero dimension is legal: nothing is
 * done (a product with k = 0 still scales c). */
#ifndef MDS_DEVICE_OPS_H
#define MDS_DEVICE_OPS_H

#include "device/device.h"

typedef enum mds_real { MDS_REAL_FP32, MDS_REAL_FP64 } mds_real;

static inline size_t mds_real_size(mds_real real)
{
    return real == MDS_REAL_FP32 ? sizeof(float) : sizeof(double);
}

/* celu: x > 0 ? x : a (e^{x/a} − 1), M. Barron, arXiv:1704.07483. silu: x / (1 + e^{−x}).
 * gelu: x Φ(x), exact (by the error function), D. Hendrycks & K. Gimpel, arXiv:1606.08415.
 * ssp: ln(1 + e^x) − ln 2, the shifted softplus of K. Schütt et al., arXiv:1706.08566; x − ln 2
 * above 20. */
typedef enum mds_act_kind {
    MDS_ACT_NONE,
    MDS_ACT_CELU,
    MDS_ACT_SILU,
    MDS_ACT_GELU,
    MDS_ACT_SSP
} mds_act_kind;

typedef struct mds_act {
    mds_act_kind kind;
    double a; /* of celu, > 0; otherwise unused */
} mds_act;

/* How float32 numbers are multiplied, on devices that have a choice; the others, and float64, do it
 * exactly. Sums are in float32 always. */
typedef enum mds_product {
    MDS_PRODUCT_EXACT, /* as float32 does: 24 bits */
    MDS_PRODUCT_TF32,  /* of numbers cut to 11 bits: relative error some 1e-3 of a term */
    MDS_PRODUCT_TF32X3 /* each number in two TF32 parts, three products: some 1e-6 of a term */
} mds_product;

/* c = alpha · op(a) op(b) + beta · c, for `batch` matrices that lie stride_* elements apart (0: the
 * same one each time; not for c, whose matrices may lie side by side in one with a larger ldc).
 * op(a) is (m,k), op(b) is (k,n), c is (m,n); a is (k,m) as stored when trans_a, b is (n,k) when
 * trans_b. beta = 0 does not read c. batch 0 means 1. */
typedef struct mds_gemm {
    mds_real real;
    bool trans_a, trans_b;
    int m, n, k, batch;
    double alpha, beta;
    const void *a, *b;
    void *c;
    int lda, ldb, ldc;
    int64_t stride_a, stride_b, stride_c;
    mds_product product;
} mds_gemm;

/* Row-wise: y = act(z), z = x + bias. x (rows,cols) is overwritten by z, which the backward pass of
 * silu, gelu and ssp needs; y may be x where that is not wanted (none and celu know their slope
 * from y). bias (cols) may be NULL. */
typedef struct mds_bias_act {
    mds_real real;
    mds_act act;
    int rows, cols;
    const void *bias;
    void *x, *y;
    int ldx, ldy;
} mds_bias_act;

/* g ← g · act'(z), from z (silu, gelu, ssp) or y (celu); the other may be NULL. g (rows,cols). */
typedef struct mds_act_grad {
    mds_real real;
    mds_act act;
    int rows, cols;
    const void *z, *y;
    void *g;
    int ldz, ldy, ldg;
} mds_act_grad;

/* gather: y[i] = x[index[i]], i < rows; a negative index gives a row of zeros.
 * segment sum: y[s] = Σ_{start[s] ≤ i < start[s+1]} x[index ? index[i] : i], s < rows: in an order
 * that depends on the shapes alone, so that results repeat bit for bit. x, y: rows of `cols`.
 * start: (rows+1), ascending. */
typedef struct mds_rows {
    mds_real real;
    int rows, cols;
    const int *index, *start;
    const void *x;
    void *y;
    int ldx, ldy;
} mds_rows;

/* y = (x − mean) / sqrt(var + eps) · weight + bias over each row (layer norm), or, with rms set,
 * y = x / sqrt(mean of squares + eps) · weight + bias. weight and bias (cols) may be NULL; y may be
 * x. Sums in float64. */
typedef struct mds_norm {
    mds_real real;
    bool rms;
    int rows, cols;
    double eps;
    const void *weight, *bias, *x;
    void *y;
    int ldx, ldy;
} mds_norm;

/* Row-wise: y = act(z), z = x + bias + a[ia] + b[ib], where row i takes rows ia[i] of a and ib[i]
 * of b. x (rows,cols) is overwritten by z; y may be x. bias (cols), a and b may be NULL. The first
 * layer of a network on edges, whose products with node features were made once per node. */
typedef struct mds_gather_act {
    mds_real real;
    mds_act act;
    int rows, cols;
    const void *bias, *a, *b;
    const int *ia, *ib;
    void *x, *y;
    int lda, ldb, ldx, ldy;
} mds_gather_act;

/* Row-wise: z = norm.x + pre, norm.y = norm(z), sum += norm.y. Here norm.y, z and sum may each be
 * NULL (not written), and norm.x, norm.y and z may be the same. pre (cols) may be NULL. At most
 * MDS_NORM_COLS_MAX columns. */
enum { MDS_NORM_COLS_MAX = 1024 };

typedef struct mds_norm_add {
    mds_norm norm;
    const void *pre;
    void *z, *sum;
    int ldz, ldsum;
} mds_norm_add;

/* g ← gradient with respect to the input of mds_norm, from g with respect to its output; x is that
 * input. bias does not matter. */
typedef struct mds_norm_grad {
    mds_real real;
    bool rms;
    int rows, cols;
    double eps;
    const void *weight, *x;
    void *g;
    int ldx, ldg;
} mds_norm_grad;

/* An operation a device has not got is NULL. */
typedef struct mds_ops {
    const char *name;
    mds_status (*gemm)(mds_device *device, const mds_gemm *op);
    mds_status (*bias_act)(mds_device *device, const mds_bias_act *op);
    mds_status (*act_grad)(mds_device *device, const mds_act_grad *op);
    mds_status (*gather_rows)(mds_device *device, const mds_rows *op);
    mds_status (*segment_sum)(mds_device *device, const mds_rows *op);
    mds_status (*norm)(mds_device *device, const mds_norm *op);
    mds_status (*gather_act)(mds_device *device, const mds_gather_act *op);
    mds_status (*norm_add)(mds_device *device, const mds_norm_add *op);
    mds_status (*norm_grad)(mds_device *device, const mds_norm_grad *op);
} mds_ops;

/* Plain loops, sums in float64: what the others are tested against. Devices on the host only. */
extern const mds_ops mds_ops_ref;
/* BLAS and loops the compiler vectorises. Devices on the host only. */
extern const mds_ops mds_ops_cpu;
#ifdef MDS_WITH_CUDA
/* cuBLAS and kernels. Sums in an order that depends on shapes alone. The first product of a device,
 * and the first one with TF32X3 that is larger than those before, must not be recorded: they
 * allocate. */
extern const mds_ops mds_ops_cuda;
#endif

/* The table of a device; NULL where there is none yet. */
const mds_ops *mds_device_ops(const mds_device *device);

/* The same, through the table of `device`, or through `ops` where that is not NULL. */
mds_status mds_op_gemm(const mds_ops *ops, mds_device *device, const mds_gemm *op);
mds_status mds_op_bias_act(const mds_ops *ops, mds_device *device, const mds_bias_act *op);
mds_status mds_op_act_grad(const mds_ops *ops, mds_device *device, const mds_act_grad *op);
mds_status mds_op_gather_rows(const mds_ops *ops, mds_device *device, const mds_rows *op);
mds_status mds_op_segment_sum(const mds_ops *ops, mds_device *device, const mds_rows *op);
mds_status mds_op_norm(const mds_ops *ops, mds_device *device, const mds_norm *op);
mds_status mds_op_gather_act(const mds_ops *ops, mds_device *device, const mds_gather_act *op);
mds_status mds_op_norm_add(const mds_ops *ops, mds_device *device, const mds_norm_add *op);
mds_status mds_op_norm_grad(const mds_ops *ops, mds_device *device, const mds_norm_grad *op);

#endif
