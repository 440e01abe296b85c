/* Time of one call of an Orb network (synthetic weights), against what the BLAS can do.
 *
 *     bench_orb VARIANT ATOMS [ROUNDS [THREADS [PRECISION]]]
 *
 * Each round times a large product (the peak), the products of one call by themselves, and one
 * call, one behind the other, so that ratios of medians do not depend on how busy the machine is.
 * Prints ms per call, GFLOP/s of all three, the products' share of the peak, and the components
 * with theirs. Atoms: silicon, 0.05 Å off its lattice. */
#include "base/clock.h"
#include "base/rng.h"
#include "device/ops.h"
#include "device/team.h"
#include "md/state.h"
#include "model/model.h"
#include "model/orb/orb_variant.h"
#include "system/builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 1000, PEAK = 1536, ROUNDS = 9 };

typedef struct bench {
    mds_device *device;
    mds_model *model;
    mds_state state;
    mds_team *team;
    const orb_variant *variant;
    mds_real real;
    int n, edges, threads;
    void *a, *b, *c[256]; /* c: of each thread */
    int m_all, n_all, k_all;
    bool by_columns;
} bench;

static int share(const bench *b, int count, int t)
{
    return (int)((int64_t)count * t / b->threads);
}

/* A thread's part of c = a·bᵀ, by rows or by columns, as orb_forward.c divides it. */
static void product_share(void *context, int t)
{
    const bench *b = context;
    const int first = share(b, b->by_columns ? b->n_all : b->m_all, t);
    const int count = share(b, b->by_columns ? b->n_all : b->m_all, t + 1) - first;
    const size_t size = mds_real_size(b->real), skip = size * (size_t)first * (size_t)b->k_all;
    const mds_gemm op = {.real = b->real,
                         .trans_b = true,
                         .m = b->by_columns ? b->m_all : count,
                         .n = b->by_columns ? count : b->n_all,
                         .k = b->k_all,
                         .alpha = 1.0,
                         .a = (const char *)b->a + (b->by_columns ? 0 : skip),
                         .b = (const char *)b->b + (b->by_columns ? skip : 0),
                         .c = b->c[t],
                         .lda = b->k_all,
                         .ldb = b->k_all,
                         .ldc = b->by_columns ? count : b->n_all};

    if (mds_op_gemm(NULL, b->device, &op) != MDS_OK)
        fprintf(stderr, "bench_orb: %s\n", mds_error());
}

/* Seconds of one product; *flops grows by its operations. */
static double product(bench *b, int m, int n, int k, bool by_columns, double *flops)
{
    const int64_t start = mds_clock_ns();

    b->m_all = m;
    b->n_all = n;
    b->k_all = k;
    b->by_columns = by_columns;
    mds_team_run(b->team, product_share, b);
    *flops += 2.0 * m * n * k;
    return 1e-9 * (double)(mds_clock_ns() - start);
}

/* All products of one forward call. */
static double products(bench *b, double *flops)
{
    const int h = b->variant->hidden, w = ORB_WIDTH;
    double s = 0.0;

    s += product(b, b->edges, h, b->variant->features, false, flops);
    s += product(b, b->edges, h, h, false, flops);
    s += product(b, b->edges, w, h, false, flops);
    for (int l = 0; l < b->variant->layers; ++l) {
        s += product(b, b->edges, h, w, false, flops);
        s += product(b, b->edges, h, h, false, flops);
        s += product(b, b->edges, w, h, false, flops);
        s += product(b, b->n, h, 3 * w, true, flops);
        s += product(b, b->n, h, h, true, flops);
        s += product(b, b->n, w, h, true, flops);
        if (l > 0)
            s += product(b, b->n, 2 * h, w, true, flops);
    }
    return s;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *x, int count)
{
    qsort(x, (size_t)count, sizeof *x, ascending);
    return count % 2 ? x[count / 2] : 0.5 * (x[count / 2 - 1] + x[count / 2]);
}

static mds_status set_up_atoms(bench *b, int atoms)
{
    mds_system_spec spec;
    mds_structure structure = {0};
    mds_status status;

    MDS_TRY(mds_system_resolve("silicon", &spec));
    MDS_TRY(mds_system_build(&spec, atoms, 1, &structure));
    for (int k = 0; k < 3 * structure.n; ++k)
        structure.x[k] += 0.05 * mds_rng_normal(1, MDS_RNG_TEST, 0, (uint64_t)k / 3, k % 3);
    MDS_TRY(mds_state_init(&b->state, b->device, &structure));
out:
    mds_structure_fini(&structure);
    return status;
}

static mds_status set_up_model(bench *b, const char *variant, mds_precision precision)
{
    mds_model_spec spec;
    mds_status status;

    MDS_TRY(mds_model_spec_init(&spec, variant, "orb", precision));
    MDS_TRY(mds_options_set_text(&spec.options, "variant", variant));
    MDS_TRY(mds_options_set_number(&spec.options, "synthetic", 1.0));
    MDS_TRY(mds_options_set_number(&spec.options, "threads", b->threads));
    b->variant = orb_variant_find(variant);
    b->real = precision == MDS_PRECISION_FP64 ? MDS_REAL_FP64 : MDS_REAL_FP32;
    MDS_TRY(mds_model_create(&spec, b->device, &b->model));
    MDS_TRY(mds_model_prepare(b->model, &b->state));
    MDS_TRY(mds_model_compute(b->model, &b->state, MDS_WANT_VIRIAL));
    b->n = b->state.n;
    b->edges = (int)b->state.s->n_edges;
out:
    return status;
}

/* Operands large enough for every product. */
static mds_status set_up_products(bench *b)
{
    const size_t rows = (size_t)(b->edges > PEAK ? b->edges : PEAK);
    const size_t reals = rows * (PEAK > 1024 ? PEAK : 1024);
    mds_status status;

    MDS_TRY(mds_device_alloc(b->device, reals * mds_real_size(b->real), "a", &b->a));
    MDS_TRY(mds_device_alloc(b->device, reals * mds_real_size(b->real), "b", &b->b));
    for (int t = 0; t < b->threads; ++t)
        MDS_TRY(mds_device_alloc(b->device, reals * mds_real_size(b->real), "c", &b->c[t]));
    for (size_t i = 0; i < reals; ++i)
        if (b->real == MDS_REAL_FP32)
            ((float *)b->a)[i] = ((float *)b->b)[i] = (float)(i % 17) - 8.0f;
        else
            ((double *)b->a)[i] = ((double *)b->b)[i] = (double)(i % 17) - 8.0;
    status = mds_team_create(b->threads, &b->team);
out:
    return status;
}

/* Operations of the products of a component, as the step makes them (layer 0 has its products of
 * atoms in a table); 0: it has none. */
static double flops_of(const bench *b, mds_region region)
{
    const double h = b->variant->hidden, w = ORB_WIDTH, layers = b->variant->layers;
    const double tail = h * h + h * w;
    const double encoder = 2.0 * b->edges * (b->variant->features * h + tail);
    const double edges = 2.0 * b->edges * layers * (w * h + tail);
    const double nodes = 2.0 * b->n * (layers * (3.0 * w * h + tail) + (layers - 1) * 2.0 * w * h);

    switch (region) {
    case MDS_REGION_ENCODER:
        return encoder;
    case MDS_REGION_EDGE_NETWORK:
        return edges;
    case MDS_REGION_NODE_NETWORK:
        return nodes;
    case MDS_REGION_NETWORK_BACKWARD:
        return encoder + edges + nodes;
    default:
        return 0.0;
    }
}

static void print_component(const bench *b, mds_region region, double seconds, double peak)
{
    const double rate = flops_of(b, region) / seconds;

    printf("  %-18s %8.3f ms", mds_region_key(region), 1e3 * seconds);
    if (rate > 0.0)
        printf("  %6.1f GFLOP/s, %3.0f %% of the peak", 1e-9 * rate, 100.0 * rate / peak);
    printf("\n");
}

static mds_status measure(bench *b, int rounds)
{
    static double peak[ROUNDS_MAX], gemm[ROUNDS_MAX], call[ROUNDS_MAX];
    static double part[MDS_REGION_COUNT][ROUNDS_MAX];
    mds_regions regions = {.device = b->device, .on = true};
    double peak_flops = 0.0, gemm_flops = 0.0;
    const double call_flops = b->edges *
                                  orb_variant_flops_per_edge(b->variant, b->variant->layers) +
                              b->n * orb_variant_flops_per_node(b->variant, b->variant->layers);
    mds_status status = MDS_OK;

    for (int r = 0; r < rounds && status == MDS_OK; ++r) {
        peak_flops = gemm_flops = 0.0;
        peak[r] = product(b, PEAK, PEAK, PEAK, false, &peak_flops);
        gemm[r] = products(b, &gemm_flops);
        mds_model_set_regions(b->model, NULL);
        const int64_t start = mds_clock_ns();
        status = mds_model_compute(b->model, &b->state, MDS_WANT_VIRIAL);
        call[r] = 1e-9 * (double)(mds_clock_ns() - start);
        if (status == MDS_OK) {
            mds_model_set_regions(b->model, &regions);
            mds_regions_reset(&regions);
            status = mds_model_compute(b->model, &b->state, MDS_WANT_VIRIAL);
        }
        for (int k = 0; k < MDS_REGION_COUNT; ++k)
            part[k][r] = regions.seconds[k];
    }
    if (status != MDS_OK)
        return status;
    const double p = peak_flops / median(peak, rounds), g = gemm_flops / median(gemm, rounds);
    const double c = median(call, rounds);
    printf("%s %s, %d atoms, %d edges, %d threads: %.2f ms per call, %.1f GFLOP\n",
           b->variant->name, b->real == MDS_REAL_FP32 ? "fp32" : "fp64", b->n, b->edges, b->threads,
           1e3 * c, 1e-9 * call_flops);
    printf("GFLOP/s: %.1f in a product of %d, %.1f in the forward products (%.0f %%), %.1f in a "
           "call (%.0f %%)\n",
           1e-9 * p, PEAK, 1e-9 * g, 100.0 * g / p, 1e-9 * call_flops / c,
           100.0 * call_flops / c / p);
    for (int k = 0; k < MDS_REGION_COUNT; ++k)
        if (regions.seen[k])
            print_component(b, (mds_region)k, median(part[k], rounds), p);
    return MDS_OK;
}

int main(int argc, char **argv)
{
    bench b = {.threads = argc > 4 ? atoi(argv[4]) : 1};
    const int rounds = argc > 3 ? atoi(argv[3]) : ROUNDS;
    mds_precision precision = MDS_PRECISION_FP32;
    mds_status status;

    if (argc < 3 || !orb_variant_find(argv[1]) || rounds < 1 || rounds > ROUNDS_MAX ||
        b.threads < 1 || b.threads > 256) {
        fprintf(stderr, "usage: bench_orb VARIANT ATOMS [ROUNDS [THREADS [PRECISION]]]\n");
        return 2;
    }
    if (argc > 5)
        MDS_TRY(mds_precision_parse(argv[5], &precision));
    MDS_TRY(mds_device_open("cpu", &b.device));
    MDS_TRY(set_up_atoms(&b, atoi(argv[2])));
    MDS_TRY(set_up_model(&b, argv[1], precision));
    MDS_TRY(set_up_products(&b));
    MDS_TRY(measure(&b, rounds));
out:
    if (status != MDS_OK)
        fprintf(stderr, "bench_orb: %s\n", mds_error());
    mds_team_destroy(b.team);
    for (int t = 0; t < 256; ++t)
        mds_device_free(b.device, b.c[t]);
    mds_device_free(b.device, b.a);
    mds_device_free(b.device, b.b);
    mds_model_destroy(b.model);
    mds_state_fini(&b.state);
    mds_device_close(b.device);
    return status == MDS_OK ? 0 : 1;
}
