/* What profiling costs: one silicon case with every step sampled against the same case with only
 * its loop timed, in alternation, so that slow changes of the machine meet both alike.
 *
 *     bench_profiling [atoms = 64] [pairs = 61] [steps = 10000] [device = cpu]
 *
 * Prints the floor of the framework too: the null model, which computes nothing, under nve. */
#include "case/runner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench {
    mds_study study;
    mds_case point;
    mds_start_cache *cache;
    mds_samples samples;
    mds_system_spec system;
    mds_protocol_spec protocol;
    mds_study_model model;
    int size;
    const char *device;
} bench;

static mds_status prepare(bench *b, const char *model, int atoms, int64_t steps)
{
    int64_t capacity[MDS_POOL_COUNT];
    int repeat[3];
    mds_status status;

    memset(b, 0, sizeof *b);
    MDS_TRY(mds_system_resolve("silicon", &b->system));
    MDS_TRY(mds_protocol_resolve("nve", &b->protocol));
    snprintf(b->model.name, sizeof b->model.name, "%s", model);
    b->size = atoms;
    b->study = (mds_study){.systems = &b->system,
                           .sizes = &b->size,
                           .protocols = &b->protocol,
                           .models = &b->model,
                           .run = {.steps = steps,
                                   .warmup = 200,
                                   .memory_every = 10,
                                   .energy_every = 1,
                                   .timestep_fs = 1,
                                   .temperature_K = 300,
                                   .equilibration = -1,
                                   .seed = 1}};
    b->point = (mds_case){.n_asked = atoms, .run = b->study.run};
    MDS_TRY(mds_system_plan(&b->system, atoms, &b->point.n_atoms, repeat));
    MDS_TRY(mds_start_cache_create(2, &b->cache));
    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool)
        capacity[pool] = mds_case_rows(&b->point, (mds_pool)pool);
    MDS_TRY(mds_samples_create(capacity, &b->samples));
out:
    return status;
}

/* Nanoseconds of CPU time per step of the steady loop (wall time would count the machine's other
 * users), of wall time where it is not the CPU that computes; NaN on failure. */
static double loop_ns(bench *b, mds_timing timing)
{
    b->point.run.timing = timing;
    mds_samples_reset(&b->samples, 0, 1);
    if (mds_case_run(&b->study, &b->point, 0, 1, b->device, b->cache, &b->samples) != MDS_OK)
        return NAN;
    const mds_samples_header *header = b->samples.header;
    const double seconds = strcmp(b->device, "cpu") == 0 ? header->loop_cpu_s : header->loop_s;

    return 1e9 * seconds / (double)b->point.run.steps;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What `percent` of the values are not above. */
static double quantile(double *x, int n, int percent)
{
    qsort(x, (size_t)n, sizeof *x, ascending);
    return x[(n - 1) * percent / 100];
}

static mds_status compare(const char *device, const char *model, int atoms, int pairs,
                          int64_t steps)
{
    double *on = calloc(3 * (size_t)pairs, sizeof *on), *off = on + pairs, *extra = off + pairs;
    bench b;
    mds_status status = on ? prepare(&b, model, atoms, steps) : MDS_ERR_NOMEM;

    if (status != MDS_OK)
        goto out;
    b.device = device;
    for (int i = 0; i < pairs; ++i) {
        const bool on_first = i % 2;

        if (on_first)
            on[i] = loop_ns(&b, MDS_TIMING_EVENT);
        off[i] = loop_ns(&b, MDS_TIMING_OFF);
        if (!on_first)
            on[i] = loop_ns(&b, MDS_TIMING_EVENT);
        extra[i] = on[i] - off[i];
    }
    const double lo = quantile(extra, pairs, 25), middle = quantile(extra, pairs, 50);
    const double hi = quantile(extra, pairs, 75), off_10 = quantile(off, pairs, 10);
    const double on_10 = quantile(on, pairs, 10);

    /* The 10th percentiles are those of the quiet moments of a machine that others use too. */
    printf("%-10s %5d atoms: off %8.1f ns/step, on %8.1f, ratio %.4f (10th percentiles); "
           "paired difference %.0f [%.0f, %.0f] ns\n",
           model, b.point.n_atoms, off_10, on_10, on_10 / off_10, middle, lo, hi);
    mds_samples_destroy(&b.samples);
    mds_start_cache_destroy(b.cache);
out:
    free(on);
    return status;
}

int main(int argc, char **argv)
{
    const int atoms = argc > 1 ? atoi(argv[1]) : 64, pairs = argc > 2 ? atoi(argv[2]) : 61;
    const int64_t steps = argc > 3 ? atoll(argv[3]) : 10000;
    const char *device = argc > 4 ? argv[4] : "cpu";
    mds_status status = compare(device, "null", atoms, pairs, steps);

    if (status == MDS_OK)
        status = compare(device, "reference", atoms, pairs, steps);
    if (status != MDS_OK)
        fprintf(stderr, "bench_profiling: %s\n", mds_error());
    return status == MDS_OK ? 0 : 1;
}
