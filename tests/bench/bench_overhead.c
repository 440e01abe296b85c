/* What the framework itself costs, paired in one process:
 *   - the floor: a step of the `null` model (no force), NVE;
 *   - profiling on (clocks, probes, every step recorded) against off (only the loop is timed), on
 *     silicon with the reference model.
 *
 *     bench_overhead [ATOMS [STEPS [PAIRS]]]      default 64 20000 15
 *
 * On and off take turns, each pair's order alternating, so that a drift of the machine's speed
 * falls on both. */
#include "case/runner.h"
#include "stats/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench {
    mds_study study;
    mds_system_spec system;
    mds_protocol_spec protocol;
    mds_study_model model;
    mds_case point;
    mds_samples samples;
    mds_start_cache *cache;
} bench;

static mds_status set_up(bench *b, const char *model, int atoms, int64_t steps)
{
    int64_t capacity[MDS_POOL_COUNT] = {0};
    int repeat[3];
    mds_status status = MDS_OK;

    memset(b, 0, sizeof *b);
    MDS_TRY(mds_system_resolve("silicon", &b->system));
    MDS_TRY(mds_protocol_resolve("nve", &b->protocol));
    snprintf(b->model.name, sizeof b->model.name, "%s", model);
    snprintf(b->model.base, sizeof b->model.base, "%s", model);
    b->study = (mds_study){.systems = &b->system,
                           .sizes = &b->point.n_asked,
                           .protocols = &b->protocol,
                           .models = &b->model,
                           .system_count = 1,
                           .size_count = 1,
                           .protocol_count = 1,
                           .model_count = 1,
                           .repeats = 1};
    b->point.n_asked = atoms;
    MDS_TRY(mds_system_plan(&b->system, atoms, &b->point.n_atoms, repeat));
    b->point.run = (mds_run){.steps = steps,
                             .warmup = 200,
                             .component_steps = 1,
                             .equilibration = -1,
                             .memory_every = 10,
                             .energy_every = 1,
                             .timestep_fs = 1.0,
                             .temperature_K = 300.0,
                             .seed = 20251123,
                             .timeout_s = 600.0,
                             .leak_tolerance_MB = 10.0};
    b->study.run = b->point.run;
    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool)
        capacity[pool] = mds_case_rows(&b->point, (mds_pool)pool) + 1;
    MDS_TRY(mds_samples_create(capacity, &b->samples));
    MDS_TRY(mds_start_cache_create(2, &b->cache));
out:
    return status;
}

static void tear_down(bench *b)
{
    mds_start_cache_destroy(b->cache);
    mds_samples_destroy(&b->samples);
}

/* Seconds per step of the steady loop. */
static double run(bench *b, mds_timing timing)
{
    b->point.run.timing = timing;
    mds_samples_reset(&b->samples, 0, 1);
    if (mds_case_run(&b->study, &b->point, 0, 1, "cpu", b->cache, &b->samples) != MDS_OK) {
        fprintf(stderr, "bench_overhead: %s\n", b->samples.header->message);
        exit(1);
    }
    return b->samples.header->loop_s / (double)b->point.run.steps;
}

static double median(double *x, int n)
{
    const double half = 50.0;
    double out = NAN;

    (void)mds_stats_percentiles(x, (size_t)n, &half, 1, &out);
    return out;
}

static int measure(const char *model, int atoms, int64_t steps, int pairs)
{
    bench b;
    double *on = calloc((size_t)pairs, sizeof *on), *off = calloc((size_t)pairs, sizeof *off),
           *ratio = calloc((size_t)pairs, sizeof *ratio);

    if (!on || !off || !ratio || set_up(&b, model, atoms, steps) != MDS_OK) {
        fprintf(stderr, "bench_overhead: %s\n", mds_error());
        return 1;
    }
    (void)run(&b, MDS_TIMING_EVENT); /* the start state, page faults */
    for (int i = 0; i < pairs; ++i) {
        const mds_timing first = i % 2 ? MDS_TIMING_OFF : MDS_TIMING_EVENT;

        for (int k = 0; k < 2; ++k) {
            const mds_timing timing = k == 0                    ? first
                                      : first == MDS_TIMING_OFF ? MDS_TIMING_EVENT
                                                                : MDS_TIMING_OFF;
            *(timing == MDS_TIMING_OFF ? &off[i] : &on[i]) = run(&b, timing);
        }
        ratio[i] = on[i] / off[i];
    }
    printf("%-10s %5d atoms  profiling on %9.4f us/step  off %9.4f us/step  on - off %6.1f ns  "
           "on/off %.4f (median of %d pairs)\n",
           model, b.point.n_atoms, 1e6 * median(on, pairs), 1e6 * median(off, pairs),
           1e9 * (median(on, pairs) - median(off, pairs)), median(ratio, pairs), pairs);
    tear_down(&b);
    free(on);
    free(off);
    free(ratio);
    return 0;
}

int main(int argc, char **argv)
{
    const int atoms = argc > 1 ? atoi(argv[1]) : 64;
    const int64_t steps = argc > 2 ? atoll(argv[2]) : 20000;
    const int pairs = argc > 3 ? atoi(argv[3]) : 15;

    if (atoms < 1 || steps < 1 || pairs < 1) {
        fprintf(stderr, "usage: bench_overhead [ATOMS [STEPS [PAIRS]]]\n");
        return 2;
    }
    return measure("null", atoms, steps, pairs) || measure("reference", atoms, steps, pairs);
}
