#include "device/peak.h"

#include "base/clock.h"
#include "device/team.h"

#include <math.h>
#include <stdlib.h>

/* A copy of COPY_BYTES is larger than the caches of a processor, its two halves together than those
 * of a GPU. A bracket lasts at least BRACKET_S, so that launches and clocks do not count. */
enum { COPY_BYTES = 64 << 20, REPEATS = 3, LAUNCHES_MAX = 1 << 12 };
static const double bracket_s = 2e-3;

/* Products grow until one lasts as long as a bracket: small ones do not reach the peak, and the
 * largest would keep a slow device for seconds. */
static const int sizes[] = {256, 512, 768, 1024, 1536, 2048, 3072, 4096};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

typedef struct bench {
    mds_device *device;
    mds_team *team;
    mds_gemm gemm;
    void *c; /* (threads) products */
    char *from, *to;
    int launches;
    mds_status *status; /* (threads) */
} bench;

typedef void (*bench_work)(void *context, int t);

static void multiply(void *context, int t)
{
    bench *b = context;
    mds_gemm gemm = b->gemm;

    gemm.c = (char *)b->c + (size_t)t * (size_t)gemm.m * (size_t)gemm.n * mds_real_size(gemm.real);
    for (int i = 0; i < b->launches && b->status[t] == MDS_OK; ++i)
        b->status[t] = mds_op_gemm(NULL, b->device, &gemm);
}

static void copy(void *context, int t)
{
    bench *b = context;
    const size_t part = COPY_BYTES / (size_t)mds_team_size(b->team) / 64 * 64;

    for (int i = 0; i < b->launches && b->status[t] == MDS_OK; ++i)
        b->status[t] = mds_device_copy(b->device, b->to + (size_t)t * part,
                                       b->from + (size_t)t * part, part, MDS_COPY_ON_DEVICE);
}

/* Seconds of b->launches of the work in every thread. */
static mds_status run(bench *b, bench_work work, double *seconds)
{
    mds_status status;

    MDS_TRY(mds_device_sync(b->device));
    const int64_t begin = mds_clock_ns();
    mds_team_run(b->team, work, b);
    for (int t = 0; t < mds_team_size(b->team) && status == MDS_OK; ++t)
        status = b->status[t];
    if (status == MDS_OK)
        status = mds_device_sync(b->device);
    *seconds = 1e-9 * (double)(mds_clock_ns() - begin);
out:
    return status;
}

/* Seconds of one, the best of a few brackets. */
static mds_status time_one(bench *b, bench_work work, double *best)
{
    double seconds;
    mds_status status;

    b->launches = 1;
    MDS_TRY(run(b, work, &seconds)); /* what is done once: tables, pages, clocks */
    MDS_TRY(run(b, work, &seconds));
    while (seconds < bracket_s && b->launches < LAUNCHES_MAX) {
        b->launches *= 2;
        MDS_TRY(run(b, work, &seconds));
    }
    *best = seconds / b->launches;
    for (int i = 1; i < REPEATS; ++i) {
        MDS_TRY(run(b, work, &seconds));
        *best = fmin(*best, seconds / b->launches);
    }
out:
    return status;
}

/* One size after another, in the same memory. */
static mds_status time_products(bench *b, double *flop_s)
{
    mds_status status = MDS_OK;

    for (int i = 0; i < SIZES && status == MDS_OK; ++i) {
        mds_gemm *gemm = &b->gemm;
        const size_t matrix = (size_t)sizes[i] * (size_t)sizes[i] * mds_real_size(gemm->real);
        const size_t matrices = 2 + (size_t)mds_team_size(b->team);
        double seconds;
        void *memory;

        if (mds_device_alloc(b->device, matrices * matrix, "peak: matrices", &memory) != MDS_OK)
            return i > 0 ? MDS_OK : MDS_ERR_NOMEM; /* the size before will do */
        gemm->m = gemm->n = gemm->k = gemm->lda = gemm->ldb = gemm->ldc = sizes[i];
        gemm->a = memory;
        gemm->b = (char *)memory + matrix;
        b->c = (char *)memory + 2 * matrix;
        /* Numbers that are neither zero nor denormal, with four bytes and with eight. */
        status = mds_device_fill(b->device, memory, 0x3c, matrices * matrix);
        if (status == MDS_OK)
            status = time_one(b, multiply, &seconds);
        mds_device_free(b->device, memory);
        if (status != MDS_OK)
            break;
        const double rate = 2.0 * pow(sizes[i], 3.0) * mds_team_size(b->team) / seconds;

        *flop_s = fmax(*flop_s, rate);
        if (seconds >= bracket_s)
            break;
    }
    return status;
}

static mds_status time_copies(bench *b, double *bytes_s)
{
    const int threads = mds_team_size(b->team);
    double seconds;
    void *memory;
    mds_status status;

    MDS_TRY(mds_device_alloc(b->device, 2 * (size_t)COPY_BYTES, "peak: copies", &memory));
    b->from = memory;
    b->to = b->from + COPY_BYTES;
    status = mds_device_fill(b->device, memory, 0x3c, 2 * (size_t)COPY_BYTES);
    if (status == MDS_OK)
        status = time_one(b, copy, &seconds);
    mds_device_free(b->device, memory);
    if (status == MDS_OK)
        *bytes_s = 2.0 * (double)(COPY_BYTES / threads / 64 * 64) * threads / seconds;
out:
    return status;
}

mds_status mds_peak_measure(mds_device *device, mds_real real, mds_product product, int threads,
                            mds_peak *out)
{
    bench b = {.device = device, .gemm = {.real = real, .product = product, .alpha = 1.0}};
    mds_status status;

    *out = (mds_peak){0};
    if (!mds_device_host_access(device) || threads < 1)
        threads = 1;
    b.status = calloc((size_t)threads, sizeof *b.status);
    if (!b.status)
        return mds_fail(MDS_ERR_NOMEM, "peak: no memory");
    MDS_TRY(mds_team_create(threads, &b.team));
    MDS_TRY(time_products(&b, &out->flop_s));
    MDS_TRY(time_copies(&b, &out->bytes_s));
out:
    mds_team_destroy(b.team);
    free(b.status);
    return status;
}
