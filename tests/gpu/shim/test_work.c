/* The shim's streams, events, graphs and faults behave as a device's: work is late, captures forbid
 * what they forbid, an error sticks. */
#include "gpu/shim/bad_kernels.h"
#include "gpu/shim/child.h"

#include <cublas_v2.h>

#define OK(call) MUST((call) == cudaSuccess)

static int *ints(size_t n)
{
    void *p = NULL;

    OK(cudaMalloc(&p, n * sizeof(int)));
    return p;
}

static cudaStream_t new_stream(void)
{
    cudaStream_t stream;

    OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    return stream;
}

/* Streams and events */

static void late_copy(void)
{
    int *p = ints(1), *host;
    cudaStream_t stream = new_stream();
    void *pinned;

    OK(cudaHostAlloc(&pinned, sizeof(int), 0));
    host = pinned;
    *host = 5;
    OK(set_value(p, 7, stream));
    OK(cudaMemcpyAsync(host, p, sizeof(int), cudaMemcpyDeviceToHost, stream));
    MUST(*host == -1); /* not there yet, and what was there before is gone */
    MUST(cudaStreamQuery(stream) == cudaErrorNotReady);
    OK(cudaStreamQuery(stream));
    MUST(*host == 7);
    /* The source of a copy is read late as well. */
    *host = 8;
    OK(cudaMemcpyAsync(p, host, sizeof(int), cudaMemcpyHostToDevice, stream));
    *host = 9;
    OK(cudaStreamSynchronize(stream));
    OK(cudaMemcpy(host, p, sizeof(int), cudaMemcpyDeviceToHost));
    MUST(*host == 9);
}

static void plain_copy(void)
{
    int *p = ints(1), host = 3;
    cudaStream_t stream = new_stream();

    OK(cudaMemcpyAsync(p, &host, sizeof host, cudaMemcpyHostToDevice, stream));
    host = 4; /* plain memory is taken at once */
    OK(cudaMemcpyAsync(&host, p, sizeof host, cudaMemcpyDeviceToHost, stream));
    MUST(host == 3);
}

static void forgotten_sync(void)
{
    int *p = ints(1), host = 0;

    OK(cudaMemset(p, 0, sizeof host));
    OK(cudaDeviceSynchronize());
    OK(set_value(p, 7, new_stream()));
    OK(cudaMemcpy(&host, p, sizeof host, cudaMemcpyDeviceToHost)); /* of the legacy stream */
    MUST(host == 0);
}

static void events(void)
{
    int *p = ints(1), host = 0;
    cudaStream_t one = new_stream(), two = new_stream();
    cudaEvent_t a, b;
    float ms = -1.0f;

    OK(cudaEventCreate(&a));
    OK(cudaEventCreate(&b));
    MUST(cudaEventElapsedTime(&ms, a, b) == cudaErrorInvalidResourceHandle);
    OK(cudaEventRecord(a, one));
    OK(set_value(p, 7, one));
    OK(cudaEventRecord(b, one));
    MUST(cudaEventElapsedTime(&ms, a, b) == cudaErrorNotReady);
    OK(cudaStreamWaitEvent(two, b, 0));
    OK(cudaMemcpyAsync(&host, p, sizeof host, cudaMemcpyDeviceToHost, two));
    MUST(host == 7); /* the second stream waited for the first */
    OK(cudaEventSynchronize(b));
    OK(cudaEventElapsedTime(&ms, a, b));
    MUST(ms >= 0.0f && ms < 60e3f);
    OK(cudaEventDestroy(a));
    OK(cudaEventDestroy(b));
}

static void test_streams(void **unused)
{
    (void)unused;
    child_lives(late_copy);
    child_lives(plain_copy);
    child_lives(forgotten_sync);
    child_lives(events);
}

/* Graphs */

static void graph_runs(void)
{
    int *p = ints(2), host[2];
    cudaStream_t stream = new_stream();
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    cudaGraphNode_t nodes[8];
    enum cudaGraphNodeType type;
    size_t n = 0;

    OK(cudaMemset(p, 0, sizeof host));
    OK(cudaDeviceSynchronize());
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    OK(set_value(p, 7, stream));
    OK(cudaMemcpyAsync(p + 1, p, sizeof(int), cudaMemcpyDeviceToDevice, stream));
    OK(cudaStreamEndCapture(stream, &graph));
    OK(cudaGraphGetNodes(graph, NULL, &n));
    MUST(n == 2);
    OK(cudaGraphGetNodes(graph, nodes, &n));
    OK(cudaGraphNodeGetType(nodes[0], &type));
    MUST(type == cudaGraphNodeTypeKernel);
    OK(cudaGraphNodeGetType(nodes[1], &type));
    MUST(type == cudaGraphNodeTypeMemcpy);
    OK(cudaGraphInstantiate(&exec, graph, 0));
    OK(cudaGraphDestroy(graph));
    MUST(mds_shim_kernel_count("set_kernel") == 0);
    OK(cudaMemcpy(host, p, sizeof host, cudaMemcpyDeviceToHost));
    MUST(host[0] == 0);
    for (int i = 0; i < 3; ++i)
        OK(cudaGraphLaunch(exec, stream));
    OK(cudaGraphExecDestroy(exec)); /* launches under way go on */
    OK(cudaStreamSynchronize(stream));
    MUST(mds_shim_kernel_count("set_kernel") == 3);
    OK(cudaMemcpy(host, p, sizeof host, cudaMemcpyDeviceToHost));
    MUST(host[0] == 7 && host[1] == 7);
}

static void capture_forbids(void)
{
    cudaStream_t stream = new_stream();
    cudaGraph_t graph;
    void *p;
    int host = 0, *q = ints(1);

    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    MUST(cudaMalloc(&p, 4) == cudaErrorStreamCaptureUnsupported);
    MUST(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    MUST(cudaStreamSynchronize(stream) == cudaErrorStreamCaptureUnsupported);
    MUST(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    MUST(cudaMemcpyAsync(&host, q, 4, cudaMemcpyDeviceToHost, stream) ==
         cudaErrorStreamCaptureUnsupported);
    MUST(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
    OK(cudaDeviceSynchronize());
}

static void graph_outlives_memory(void)
{
    int *p = ints(1);
    cudaStream_t stream = new_stream();
    cudaGraph_t graph;
    cudaGraphExec_t exec;

    OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    OK(set_value(p, 7, stream));
    OK(cudaStreamEndCapture(stream, &graph));
    OK(cudaGraphInstantiate(&exec, graph, 0));
    OK(cudaFree(p));
    OK(cudaGraphLaunch(exec, stream));
    cudaStreamSynchronize(stream);
}

static void test_graphs(void **unused)
{
    (void)unused;
    child_lives(graph_runs);
    child_lives(capture_forbids);
    child_dies(graph_outlives_memory, "freed since the launch was recorded", NULL);
}

/* Faults */

static const char *fault_kind;
static cudaError_t fault_error;

/* The second launch fails, and everything after it. */
static void injected(void)
{
    char text[64];
    int *p, host;

    snprintf(text, sizeof text, "set_kernel:2:%s", fault_kind);
    setenv("MDS_SHIM_FAULT", text, 1);
    p = ints(1);
    OK(set_value(p, 1, NULL));
    OK(cudaDeviceSynchronize());
    OK(set_value(p, 2, NULL));
    MUST(cudaDeviceSynchronize() == fault_error);
    MUST(cudaMemcpy(&host, p, sizeof host, cudaMemcpyDeviceToHost) == fault_error);
    MUST(cudaGetLastError() == fault_error && cudaGetLastError() == fault_error);
    MUST(set_value(p, 3, NULL) == fault_error);
}

static void hangs(void)
{
    int *p;

    setenv("MDS_SHIM_FAULT", "set_kernel:1:hang", 1);
    p = ints(1);
    OK(set_value(p, 1, NULL));
    for (int i = 0; i < 3; ++i)
        MUST(cudaStreamQuery(NULL) == cudaErrorNotReady);
    fprintf(stderr, "so far\n");
    alarm(1);
    cudaDeviceSynchronize();
    _exit(0);
}

static void real_address(void)
{
    OK(bad_address(0x1000));
    MUST(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
    MUST(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
}

static void real_assert(void)
{
    OK(bad_assert());
    MUST(cudaDeviceSynchronize() == cudaErrorAssert);
}

static void real_trap(void)
{
    OK(bad_trap());
    MUST(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
}

static void forked(void)
{
    child_end *end = malloc(sizeof *end);

    ints(1);
    const pid_t child = fork();
    if (child == 0) {
        void *p;
        _exit(cudaMalloc(&p, 4) == cudaErrorInitializationError ? 0 : 1);
    }
    waitpid(child, &end->status, 0);
    MUST(end->status == 0);
    free(end);
}

static void test_faults(void **unused)
{
    static const struct {
        const char *kind;
        cudaError_t error;
    } kinds[] = {{"illegal", cudaErrorIllegalAddress},
                 {"assert", cudaErrorAssert},
                 {"launch", cudaErrorLaunchFailure},
                 {"lost", cudaErrorDevicesUnavailable}};

    (void)unused;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; ++i) {
        fault_kind = kinds[i].kind;
        fault_error = kinds[i].error;
        child_lives(injected);
    }
    child_dies(hangs, "so far", NULL);
    child_lives(real_address);
    child_lives(real_assert);
    child_lives(real_trap);
    child_lives(forked);
}

/* A lost device stays lost for the next process, another one is not touched; a fault that fires
 * once does so for all processes together. */
static char lost_file[] = "/tmp/mds_shim_lost_XXXXXX";

static void loses(void)
{
    int *p;

    setenv("MDS_SHIM_FAULT", "set_kernel:1:lost", 1);
    p = ints(1);
    OK(set_value(p, 1, NULL));
    MUST(cudaDeviceSynchronize() == cudaErrorDevicesUnavailable);
}

static void finds_lost(void)
{
    OK(cudaSetDevice(1));
    MUST(cudaSetDevice(0) == cudaErrorDevicesUnavailable);
}

static void test_lost(void **unused)
{
    const int file = mkstemp(lost_file);

    (void)unused;
    assert_true(file >= 0);
    setenv("MDS_SHIM_LOST", lost_file, 1);
    child_lives(loses);
    child_lives(finds_lost);
    unsetenv("MDS_SHIM_LOST");
    unlink(lost_file);
    close(file);
}

/* Which devices there are */

static void sees_one(void)
{
    int n;
    struct cudaDeviceProp p;

    setenv("MDS_SHIM_DEVICES", "4", 1);
    setenv("CUDA_VISIBLE_DEVICES", "3", 1);
    OK(cudaGetDeviceCount(&n));
    MUST(n == 1);
    OK(cudaGetDeviceProperties(&p, 0));
    MUST(p.uuid.bytes[7] == 3);
}

static void sees_none(void)
{
    int n = 5;

    setenv("CUDA_VISIBLE_DEVICES", "", 1);
    MUST(cudaGetDeviceCount(&n) == cudaErrorNoDevice && n == 0);
}

static void test_devices(void **unused)
{
    (void)unused;
    child_lives(sees_one);
    child_lives(sees_none);
}

/* cuBLAS: column-major, transposed or not, batched, in stream order. */
static void gemm(void)
{
    enum { M = 3, N = 2, K = 4, BATCH = 2 };
    double a[BATCH * M * K], b[BATCH * K * N], c[BATCH * M * N];
    const double alpha = 2.0, beta = 0.0;
    void *da, *db, *dc;
    cublasHandle_t handle;
    cudaStream_t stream = new_stream();

    for (int i = 0; i < BATCH * M * K; ++i)
        a[i] = i + 1;
    for (int i = 0; i < BATCH * K * N; ++i)
        b[i] = 2 * i - 5;
    OK(cudaMalloc(&da, sizeof a));
    OK(cudaMalloc(&db, sizeof b));
    OK(cudaMalloc(&dc, sizeof c));
    OK(cudaMemcpy(da, a, sizeof a, cudaMemcpyHostToDevice));
    OK(cudaMemcpy(db, b, sizeof b, cudaMemcpyHostToDevice));
    MUST(cublasCreate(&handle) == CUBLAS_STATUS_SUCCESS);
    MUST(cublasSetStream(handle, stream) == CUBLAS_STATUS_SUCCESS);
    /* a is (K,M) as stored, and transposed */
    MUST(cublasDgemmStridedBatched(handle, CUBLAS_OP_T, CUBLAS_OP_N, M, N, K, &alpha, da, K, M * K,
                                   db, K, K * N, &beta, dc, M, M * N,
                                   BATCH) == CUBLAS_STATUS_SUCCESS);
    OK(cudaMemcpyAsync(c, dc, sizeof c, cudaMemcpyDeviceToHost, stream));
    for (int q = 0; q < BATCH; ++q)
        for (int j = 0; j < N; ++j)
            for (int i = 0; i < M; ++i) {
                double sum = 0.0;
                for (int l = 0; l < K; ++l)
                    sum += a[q * M * K + i * K + l] * b[q * K * N + j * K + l];
                MUST(c[q * M * N + j * M + i] == alpha * sum); /* small whole numbers: exact */
            }
    MUST(cublasDestroy(handle) == CUBLAS_STATUS_SUCCESS);
}

static void test_gemm(void **unused)
{
    (void)unused;
    child_lives(gemm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams), cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_faults),  cmocka_unit_test(test_lost),
        cmocka_unit_test(test_devices), cmocka_unit_test(test_gemm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
