/* `mdsweep [run] CONFIG`: the sweep, from the configuration to the tables. */
#include "cli/commands.h"

#include "base/clock.h"
#include "base/log.h"
#include "case/runner.h"
#include "case/worker.h"
#include "cli/binding.h"
#include "cli/plan_text.h"
#include "cli/provenance.h"
#include "cli/rank_loop.h"
#include "cli/time_limit.h"
#include "report/report.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A handler can reach nothing else. */
static volatile sig_atomic_t stop_level; /* mds_stop */
static volatile sig_atomic_t last_signal;
static volatile int64_t last_signal_ns; /* of the handler alone, which does not interrupt itself */

/* A warning, then an order, then the end of patience: what is written stays readable. The same
 * signal within a second is an echo: Slurm and the launcher may both deliver it. */
static void on_signal(int number)
{
    const int64_t now = mds_clock_ns(), echo_ns = 1000000000;

    if (number == last_signal && now - last_signal_ns < echo_ns)
        return;
    last_signal = number;
    last_signal_ns = now;
    if (stop_level == MDS_STOP_NOW)
        _exit(128 + number);
    stop_level = number == SIGUSR1 && stop_level == MDS_STOP_NONE ? MDS_STOP_DRAIN : MDS_STOP_NOW;
}

static void install_handlers(void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGUSR1};
    struct sigaction action = {.sa_handler = on_signal};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i)
        sigaddset(&action.sa_mask, numbers[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i)
        sigaction(numbers[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

enum { DEVICE_SIZE = 64 };

/* What the worker process inherits through the fork. */
typedef struct job {
    const mds_study *study;
    const mds_matrix *matrix;
    char *device;           /* shared with the worker: known only once the ranks know each other */
    mds_start_cache *cache; /* of the worker process, made when first needed */
} job;

/* Start states a worker keeps. Cases go out longest first and not system by system, so that fewer
 * than all would be made again and again; 256 MiB is the most they may take. */
static int start_states(const mds_study *study)
{
    const double atom_bytes = 64.0, budget = 256.0 * 1024.0 * 1024.0;
    int all = study->system_count * study->size_count, largest = 1;

    for (int i = 0; i < study->size_count; ++i)
        largest = study->sizes[i] > largest ? study->sizes[i] : largest;
    if (all > budget / (atom_bytes * largest))
        all = (int)(budget / (atom_bytes * largest));
    return all > 4 ? all : 4;
}

static mds_status run_one(void *context, int index, int attempt, mds_samples *samples)
{
    job *j = context;
    mds_status status = MDS_OK;

    if (!j->cache)
        status = mds_start_cache_create(start_states(j->study), &j->cache);
    if (status != MDS_OK) {
        samples->header->status = status;
        snprintf(samples->header->message, sizeof samples->header->message, "%s", mds_error());
        return status;
    }
    status = mds_case_run(j->study, &j->matrix->cases[index], index, attempt, j->device, j->cache,
                          samples);
    /* The rank saw the GPU when it was bound to it: if it cannot be opened now, it has gone. */
    if (status == MDS_ERR_DEVICE && !samples->header->device[0] &&
        strncmp(j->device, "cuda", 4) == 0)
        samples->header->status = status = MDS_ERR_DEVICE_LOST;
    return status;
}

static void size_buffers(const mds_matrix *matrix, int64_t capacity[MDS_POOL_COUNT])
{
    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool) {
        capacity[pool] = 1;
        for (int i = 0; i < matrix->runnable; ++i) {
            const mds_case *point = &matrix->cases[matrix->order[i]];
            const int64_t rows = mds_case_rows(point, (mds_pool)pool);

            if (rows > capacity[pool])
                capacity[pool] = rows;
        }
    }
}

static size_t largest_trajectory(const mds_study *study, const mds_matrix *matrix)
{
    double most = 0.0;

    for (int i = 0; i < matrix->runnable; ++i) {
        const mds_case *point = &matrix->cases[matrix->order[i]];

        most = fmax(most, mds_frame_bytes(point->n_atoms, mds_case_frames(study, point)));
    }
    return (size_t)most;
}

/* Every rank must have read the same text, or row numbers would mean different cases. */
static uint64_t matrix_hash(const mds_matrix *matrix)
{
    uint64_t hash = (uint64_t)matrix->count;

    for (int i = 0; i < matrix->count; ++i)
        hash = (hash ^ matrix->cases[i].key) * UINT64_C(0x100000001b3);
    return hash;
}

typedef struct run {
    const mds_args *args;
    mds_study study;
    mds_matrix matrix;
    job job;
    mds_binding binding;
    mds_worker *worker;
    mds_comm *comm;
    mds_store *store;
    mds_rank_info self;
    mds_rank_info *ranks;
    int lock;
    double t_start;
    int64_t deadline_ns;
    int failed;                /* cases, over all ranks */
    mds_resumption resumption; /* rank 0 */
    bool resumed;              /* rank 0: there was a file to go on with */
} run;

/* Rank 0 alone; the others wait in the following agreement. */
static mds_status create_store(run *r)
{
    mds_store_plan plan = {
        .study = &r->study,
        .matrix = &r->matrix,
        .provenance = {.ranks = r->ranks, .rank_count = mds_comm_size(r->comm)},
    };
    mds_fact *facts = NULL;
    mds_summary_layout *layouts = NULL;
    int fact_count = 0, layout_count = 0;
    const bool force = mds_args_given(r->args, "force") > 0;
    const bool retry = mds_args_given(r->args, "retry") > 0;
    mds_status status = MDS_OK;

    /* Resuming what is not there is a first run: a job script can always say --resume. */
    r->resumed = mds_args_given(r->args, "resume") && access(r->study.output, F_OK) == 0;
    if (!r->resumed)
        MDS_TRY(mds_store_check_path(r->study.output, force));
    MDS_TRY(mds_store_make_parent(r->study.output));
    MDS_TRY(mds_store_lock(r->study.output, &r->lock));
    MDS_TRY(mds_provenance_facts(r->comm, r->args->argc, r->args->argv, &facts, &fact_count));
    MDS_TRY(mds_report_layouts(&r->matrix, &layouts, &layout_count));
    plan.provenance.facts = facts;
    plan.provenance.fact_count = fact_count;
    plan.tables = layouts;
    plan.table_count = layout_count;
    if (r->resumed)
        MDS_TRY(mds_store_resume(r->study.output, retry, &plan, &r->resumption));
    else
        MDS_TRY(mds_store_create(r->study.output, force, &plan));
out:
    mds_report_layouts_free(layouts, layout_count);
    mds_provenance_free(facts, fact_count);
    return status;
}

static mds_status prepare(run *r)
{
    mds_status status = MDS_OK;

    if (!mds_comm_all_equal(r->comm, matrix_hash(&r->matrix)))
        return mds_fail(MDS_ERR_CONFIG,
                        "%s: the ranks read different configurations; it must be the same file on "
                        "every node",
                        r->study.path);
    MDS_TRY(mds_binding_gather(r->comm, &r->binding, &r->ranks));
    MDS_TRY(mds_binding_check(r->ranks, mds_comm_size(r->comm),
                              mds_args_given(r->args, "oversubscribe") > 0));
    r->self = r->ranks[mds_comm_rank(r->comm)];
    snprintf(r->job.device, DEVICE_SIZE, "%s", r->self.device);
    status = mds_comm_rank(r->comm) == 0 ? create_store(r) : MDS_OK;
    MDS_TRY(mds_comm_agree(r->comm, status));
    MDS_TRY(mds_store_open(r->study.output, r->comm, &r->store));
out:
    return status;
}

/* One core per rank is what some launchers give; the rank sleeps, so its worker has the core. */
static void note_binding(const run *r)
{
    int single = 0;

    mds_binding_warn_far(r->ranks, mds_comm_size(r->comm));
    for (int i = 0; i < mds_comm_size(r->comm); ++i)
        single += *r->ranks[i].cpus && !strpbrk(r->ranks[i].cpus, ",-");
    if (single == mds_comm_size(r->comm) && sysconf(_SC_NPROCESSORS_ONLN) > mds_comm_size(r->comm))
        mds_log(MDS_LOG_INFO, "the launcher bound every rank to one core (mpirun: --bind-to none "
                              "gives the workers more threads)");
}

static void add_command(const mds_args *args, mds_strbuf *out)
{
    for (int i = 0; i < args->argc; ++i)
        mds_strbuf_add(out, "%s%s", i ? " " : "", args->argv[i]);
}

/* Rank 0: what this launch is, and what an earlier one left half-done. */
static mds_status note_launch(run *r)
{
    mds_strbuf command = {0};
    mds_status status = MDS_OK;

    add_command(r->args, &command);
    MDS_TRY(mds_store_write_launch(r->store, r->t_start, mds_comm_size(r->comm),
                                   mds_strbuf_text(&command)));
    if (r->resumed) {
        const mds_resumption *found = &r->resumption;

        MDS_TRY(mds_store_requeue(r->store, found->finished, r->matrix.count));
        mds_log(MDS_LOG_INFO, "resuming %s: %d done, %d failed, %d to run again, %d new%s",
                r->study.output, found->done, found->failed, found->requeued, found->added,
                found->foreign ? "; cases no longer in the configuration are kept" : "");
    }
out:
    mds_strbuf_fini(&command);
    return status;
}

static mds_status sweep(run *r)
{
    const bool first = mds_comm_rank(r->comm) == 0;
    mds_progress progress;
    mds_queue queue = {0};
    mds_rank_loop loop = {.comm = r->comm,
                          .worker = r->worker,
                          .store = r->store,
                          .study = &r->study,
                          .matrix = &r->matrix,
                          .self = &r->self,
                          .stop = &stop_level,
                          .deadline_ns = r->deadline_ns};
    mds_status status = MDS_OK;

    if (first) {
        status = mds_queue_init(&queue, &r->matrix, r->resumption.finished);
        note_binding(r);
        mds_progress_init(&progress, &r->study, &r->matrix, queue.left, mds_comm_size(r->comm),
                          mds_args_given(r->args, "quiet") > 0);
        loop.queue = &queue;
        loop.progress = &progress;
    }
    status = mds_comm_agree(r->comm, status);
    if (status != MDS_OK)
        return status;
    r->t_start = mds_clock_epoch_s();
    if (first)
        status = note_launch(r);
    status = mds_comm_agree(r->comm, status);
    if (status != MDS_OK)
        return status;
    status = mds_rank_loop_run(&loop);
    if (first) {
        mds_progress_end(&progress);
        mds_queue_fini(&queue);
        loop.failed += r->resumption.failed; /* of earlier launches, not run again */
    }
    r->failed = (int)mds_comm_sum(r->comm, loop.failed);
    return mds_comm_agree(r->comm, status);
}

/* The tables come from the file, as `report` would make them. */
static mds_status conclude(run *r, bool stopped, int *code)
{
    mds_results results = {0};
    mds_strbuf text = {0};
    mds_verdict verdict;
    mds_status status = MDS_OK;

    MDS_TRY(mds_store_write_times(r->store, r->t_start, mds_clock_epoch_s()));
    MDS_TRY(mds_results_read(r->study.output, &results));
    MDS_TRY(mds_report_store(&results, r->store));
    MDS_TRY(mds_report_write(&results, MDS_FORMAT_TEXT, &text));
    *code = mds_cli_print(&text);
    mds_report_verdict(&results, &verdict);
    if (stopped) {
        mds_strbuf command = {0};

        add_command(r->args, &command);
        mds_log(MDS_LOG_WARN, "stopped early: %d of %d cases done, %d left; go on with: %s%s",
                verdict.done, results.count, verdict.pending, mds_strbuf_text(&command),
                mds_args_given(r->args, "resume") ? "" : " --resume");
        mds_strbuf_fini(&command);
    }
    if (*code == 0 && mds_args_given(r->args, "gate"))
        *code = verdict.physics_missed ? 5 : verdict.missed ? 3 : 0;
out:
    mds_strbuf_fini(&text);
    mds_results_fini(&results);
    return status;
}

static int finish(run *r, mds_status swept)
{
    const bool stopped = swept == MDS_ERR_STOPPED;
    mds_status status = MDS_OK;
    int code = 0;

    if (swept != MDS_OK && !stopped) {
        if (mds_comm_rank(r->comm) == 0)
            mds_log(MDS_LOG_ERROR, "%s", mds_error());
        mds_store_close(r->store, false);
        return mds_status_exit_code(swept);
    }
    if (mds_comm_rank(r->comm) == 0)
        status = conclude(r, stopped, &code);
    /* Before the agreement, which sleeps: closing spins until the last rank is there. */
    if (status == MDS_OK)
        status = mds_store_sync(r->store);
    status = mds_comm_agree(r->comm, status);
    const mds_status closed = mds_comm_settle(r->comm, mds_store_close(r->store, true));
    if ((status != MDS_OK || closed != MDS_OK) && mds_comm_rank(r->comm) == 0)
        mds_log(MDS_LOG_ERROR, "%s", mds_error());
    /* HDF5 would try to close what is open within MPI_Finalize(), and die or wait there. */
    if (closed != MDS_OK)
        mds_comm_abort(r->comm, mds_status_exit_code(closed));
    code = (int)mds_comm_max(r->comm, code);
    if (status != MDS_OK)
        return mds_status_exit_code(status);
    if (stopped)
        return 75;
    return r->failed > 0 ? 1 : code;
}

static int dry_run(const mds_args *args, const mds_study *study, const mds_matrix *matrix)
{
    mds_strbuf text = {0};
    const mds_status status =
        mds_store_check_path(study->output, mds_args_given(args, "force") > 0);

    if (mds_cli_launcher_rank() != 0)
        return mds_status_exit_code(status);
    mds_plan_text(study, matrix, 1, MDS_FORMAT_TEXT, &text);
    int code = mds_cli_print(&text);
    mds_strbuf_fini(&text);
    if (status != MDS_OK)
        code = mds_cli_fail(status);
    return code;
}

static mds_status start_worker(run *r)
{
    const char *isolation = mds_args_value(r->args, "isolation");
    mds_worker_config config = {.body = run_one, .context = &r->job, .isolated = true};

    if (isolation && strcmp(isolation, "none") == 0)
        config.isolated = false;
    else if (isolation && strcmp(isolation, "process") != 0)
        return mds_fail(MDS_ERR_USAGE, "--isolation %s: process or none is right", isolation);
    r->study.nvtx = mds_args_given(r->args, "nvtx") > 0;
    if (r->study.nvtx && mds_marks_lacking())
        return mds_fail(MDS_ERR_USAGE, "--nvtx: %s", mds_marks_lacking());
    r->job.study = &r->study;
    r->job.matrix = &r->matrix;
    r->job.device =
        mmap(NULL, DEVICE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r->job.device == MAP_FAILED) {
        r->job.device = NULL;
        return mds_fail(MDS_ERR_NOMEM, "no memory to share with the worker");
    }
    size_buffers(&r->matrix, config.capacity);
    config.frame_bytes = largest_trajectory(&r->study, &r->matrix);
    return mds_worker_create(&config, &r->worker);
}

/* Slurm sends SIGKILL some time after its limit; the store wants to be closed before. */
static mds_status set_deadline(run *r)
{
    enum { SLURM_MARGIN_S = 20 };
    const char *text = mds_args_value(r->args, "time-limit");
    double seconds = INFINITY, slurm = INFINITY;
    mds_status status = MDS_OK;

    if (text)
        MDS_TRY(mds_time_limit_parse(text, &seconds));
    /* Only rank 0 hands out cases; one squeue per job is enough. */
    if (mds_cli_launcher_rank() == 0)
        slurm = mds_time_limit_slurm() - SLURM_MARGIN_S;
    seconds = fmin(seconds, slurm);
    r->deadline_ns = isfinite(seconds) ? mds_clock_ns() + (int64_t)(1e9 * seconds) : INT64_MAX;
out:
    return status;
}

static int run_command(const mds_args *args)
{
    run *r = calloc(1, sizeof *r);
    int code;

    if (!r)
        return mds_cli_fail(mds_fail(MDS_ERR_NOMEM, "no memory for the run"));
    r->args = args;
    r->lock = -1;
    code = mds_cli_load(args, &r->study, &r->matrix, &r->binding);
    if (code != 0) {
        free(r);
        return code;
    }
    if (mds_args_given(args, "dry-run")) {
        code = dry_run(args, &r->study, &r->matrix);
        goto out;
    }
    install_handlers();
    /* Before MPI_Init: a fork after it would share the network's state with the worker. */
    mds_status status = set_deadline(r);
    if (status == MDS_OK)
        status = start_worker(r);
    if (status != MDS_OK) {
        code = mds_cli_launcher_rank() == 0 ? mds_cli_fail(status) : mds_status_exit_code(status);
        goto out;
    }
    status = mds_comm_create_mpi(&r->comm);
    if (status == MDS_OK)
        status = prepare(r);
    if (status == MDS_OK)
        code = finish(r, sweep(r));
    else if (!r->comm || mds_comm_rank(r->comm) == 0)
        code = mds_cli_fail(status);
    else
        code = mds_status_exit_code(status);
out:
    mds_worker_destroy(r->worker);
    if (r->job.device)
        munmap(r->job.device, DEVICE_SIZE);
    mds_store_unlock(r->lock);
    mds_comm_destroy(r->comm);
    free(r->ranks);
    mds_resumption_fini(&r->resumption);
    mds_matrix_fini(&r->matrix);
    mds_study_fini(&r->study);
    free(r);
    return code;
}

static const mds_flag run_flags[] = {
    MDS_CLI_CONFIG_FLAGS,
    {"force", 0, NULL, "replace an existing results file"},
    {"resume", 0, NULL, "go on with an existing results file: run what is not done"},
    {"retry", 0, "failed", "with --resume: run failed cases again too"},
    {"dry-run", 'n', NULL, "print the plan and stop"},
    {"isolation", 0, "process|none", "run cases in a worker process (default) or in the rank"},
    {"oversubscribe", 0, NULL, "let several ranks share a GPU; the file says so"},
    {"nvtx", 0, NULL, "ranges for profilers (case, step, component); needs a build with CUDA"},
    {"time-limit", 0, "TIME", "stop in time: 00:30:00, 30m, 1-12 (Slurm's forms); exit 75"},
    {"gate", 0, NULL, "exit 3 when a target is missed, 5 when energy drift is"},
    {"quiet", 'q', NULL, "no progress on stderr"},
    {0},
};

const mds_command mds_command_run = {
    .name = "run",
    .synopsis = "[run] CONFIG [options]",
    .summary = "run the sweep: every case once, all series into one HDF5 file",
    .details = "Under mpirun or srun every rank drives one worker on one device; rank 0 hands the\n"
               "cases out, longest first, and prints the tables at the end.",
    .flags = run_flags,
    .positional_min = 1,
    .positional_max = 1,
    .run = run_command,
};
