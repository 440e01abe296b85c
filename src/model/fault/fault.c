/* A model that misbehaves on purpose, for the tests of process isolation, of the watchdog and of
 * the leak verdict. No forces until step `at_step`, then what `kind` says. Hidden from every list.
 *
 * A step is a call of compute(): call 0 gives the first forces, call k those of step k, since every
 * protocol asks once per step. Some faults are a kernel's (fault_cuda.h): `address`, `assert` and
 * `spin` do nothing elsewhere, `nan` happens wherever forces are computed. */
#include "model/fault/fault_cuda.h"
#include "model/model.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* What was leaked is chained up, so that destroy() can free it and leak checkers stay quiet. */
typedef struct leaked {
    struct leaked *next;
    void *memory;
} leaked;

typedef struct fault {
    mds_model base;
    const char *kind; /* static */
    int64_t at_step, calls;
    size_t leak_bytes;
    int sleep_us;
    leaked *on_device, *on_host;
    int64_t *kernel_calls; /* on CUDA, in device memory: `calls` as kernels count them */
} fault;

static const char *const kinds[] = {"none",  "segv",   "abort",   "exit",   "hang",        "nan",
                                    "oom",   "device", "lost",    "leak",   "leak-malloc", "sleep",
                                    "error", "deaf",   "address", "assert", "spin",        NULL};

static void fault_destroy(mds_model *model)
{
    fault *self = (fault *)model;

    while (self->on_device) {
        leaked *next = self->on_device->next;

        mds_device_free(self->base.device, self->on_device->memory);
        free(self->on_device);
        self->on_device = next;
    }
    while (self->on_host) {
        leaked *next = self->on_host->next;

        free(self->on_host->memory);
        free(self->on_host);
        self->on_host = next;
    }
    mds_device_free(self->base.device, self->kernel_calls);
    free(self);
}

static mds_status fault_create(const mds_model_spec *spec, mds_device *device, mds_model **out)
{
    fault *self = calloc(1, sizeof *self);

    if (!self)
        return mds_fail(MDS_ERR_NOMEM, "fault: no memory for the model");
    self->base.device = device;
    for (int i = 0; kinds[i]; ++i)
        if (strcmp(kinds[i], mds_options_text(&spec->options, "kind")) == 0)
            self->kind = kinds[i];
    self->at_step = mds_options_int(&spec->options, "at_step");
    self->leak_bytes = (size_t)mds_options_int(&spec->options, "leak_bytes");
    self->sleep_us = mds_options_int(&spec->options, "sleep_us");
    *out = &self->base;
    return MDS_OK;
}

static mds_status fault_prepare(mds_model *model, const mds_state *state)
{
    fault *self = (fault *)model;
    mds_status status = MDS_OK;

    (void)state;
    self->calls = 0;
    if (mds_device_host_access(model->device))
        return MDS_OK;
    if (!self->kernel_calls)
        status = mds_device_alloc(model->device, sizeof *self->kernel_calls, "fault calls",
                                  (void **)&self->kernel_calls);
    return status == MDS_OK
               ? mds_device_fill(model->device, self->kernel_calls, 0, sizeof *self->kernel_calls)
               : status;
}

/* A store to a page without rights, so that neither the compiler nor UBSan sees it coming. */
static void touch_forbidden_page(void)
{
#ifdef __SANITIZE_ADDRESS__
    signal(SIGSEGV, SIG_DFL); /* ASan's handler would turn the signal into exit code 1. */
#endif
    volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[0] = 1;
}

static mds_status leak(fault *self, leaked **chain, bool on_device)
{
    leaked *link = calloc(1, sizeof *link);
    mds_status status = MDS_OK;

    if (!link)
        return mds_fail(MDS_ERR_NOMEM, "fault: no memory left to leak");
    if (on_device)
        status =
            mds_device_alloc(self->base.device, self->leak_bytes, "leak on purpose", &link->memory);
    else
        link->memory = malloc(self->leak_bytes);
    /* Touched, so that it is resident. */
    if (link->memory && on_device)
        status = mds_device_fill(self->base.device, link->memory, 1, self->leak_bytes);
    else if (link->memory)
        memset(link->memory, 1, self->leak_bytes);
    link->next = *chain;
    *chain = link;
    return status;
}

static void pause_us(int us)
{
    struct timespec left = {us / 1000000, us % 1000000 * 1000L};

    while (nanosleep(&left, &left) != 0)
        ;
}

static bool is(const fault *self, const char *kind)
{
    return strcmp(self->kind, kind) == 0;
}

/* The faults that happen once. Returns only for those that are a status. */
static mds_status strike(fault *self)
{
    if (is(self, "segv"))
        touch_forbidden_page();
    if (is(self, "abort"))
        abort();
    if (is(self, "exit"))
        exit(3);          /* what a library does that thinks it owns the process */
    if (is(self, "deaf")) /* a hang that only SIGKILL ends, as in a driver's cleanup */
        signal(SIGTERM, SIG_IGN);
    while (is(self, "hang") || is(self, "deaf"))
        pause();
    if (is(self, "oom")) {
        void *memory = NULL;

        return mds_device_alloc(self->base.device, (size_t)1 << 60, "fault on purpose", &memory);
    }
    if (is(self, "device"))
        return mds_fail(MDS_ERR_DEVICE, "fault on purpose: device error");
    if (is(self, "lost"))
        return mds_fail(MDS_ERR_DEVICE_LOST, "fault on purpose: illegal address");
    if (is(self, "error"))
        return mds_fail(MDS_ERR_INTERNAL, "fault on purpose: error");
    return MDS_OK;
}

/* Everything that happens on the host. */
static mds_status strike_host(fault *self)
{
    const bool due = self->calls++ >= self->at_step;

    if (self->sleep_us > 0 && (due || !is(self, "sleep")))
        pause_us(self->sleep_us);
    if (due && is(self, "leak"))
        return leak(self, &self->on_device, true);
    if (due && is(self, "leak-malloc"))
        return leak(self, &self->on_host, false);
    return due ? strike(self) : MDS_OK;
}

static mds_status fault_compute(mds_model *model, mds_state *state, unsigned want)
{
    fault *self = (fault *)model;
    const double value = self->calls >= self->at_step && is(self, "nan") ? NAN : 0.0;
    const mds_status status = strike_host(self);

    for (int k = 0; k < 3 * state->n; ++k)
        state->f[k] = value;
    state->s->potential_eV = value;
    state->s->n_edges = 0.0;
    state->s->rebuilt = 0.0;
    if (want & MDS_WANT_VIRIAL)
        memset(state->s->virial_eV, 0, sizeof state->s->virial_eV);
    return status;
}

#ifdef MDS_WITH_CUDA
/* What kernels do happens in recorded steps too. What the host does needs a call for every step:
 * an allocation in each keeps them from being recorded. */
static mds_status fault_compute_cuda(mds_model *model, mds_state *state, unsigned want)
{
    fault *self = (fault *)model;
    const fault_in_kernel kind = is(self, "nan")       ? FAULT_KERNEL_NAN
                                 : is(self, "address") ? FAULT_KERNEL_ADDRESS
                                 : is(self, "assert")  ? FAULT_KERNEL_ASSERT
                                 : is(self, "spin")    ? FAULT_KERNEL_HANG
                                                       : FAULT_KERNEL_NONE;
    mds_status status = MDS_OK;

    if (self->sleep_us > 0 || (kind == FAULT_KERNEL_NONE && !is(self, "none"))) {
        void *memory = NULL;

        MDS_TRY(mds_device_alloc(model->device, 1, "fault step", &memory));
        mds_device_free(model->device, memory);
        MDS_TRY(strike_host(self));
    }
    MDS_TRY(
        fault_cuda_forces(state, kind, self->at_step, self->kernel_calls, want & MDS_WANT_VIRIAL));
out:
    return status;
}
#endif

static double fault_cost_s(const mds_model_spec *spec, const mds_model_target *target,
                           mds_device_kind kind)
{
    (void)kind;
    return 1e-9 * target->n_atoms + 1e-6 * mds_options_int(&spec->options, "sleep_us");
}

static const mds_option fault_options[] = {
    {.key = "kind",
     .type = MDS_OPTION_TEXT,
     .preset_text = "none",
     .choices = kinds,
     .help = "what goes wrong"},
    {.key = "at_step",
     .type = MDS_OPTION_INT,
     .preset = 10,
     .min = 0,
     .max = 1e9,
     .help = "first step at which it does"},
    {.key = "leak_bytes",
     .type = MDS_OPTION_INT,
     .unit = "B",
     .preset = 1024,
     .min = 1,
     .max = 1e9,
     .help = "bytes kept per step by leak and leak-malloc"},
    {.key = "sleep_us",
     .type = MDS_OPTION_INT,
     .unit = "µs",
     .preset = 0,
     .min = 0,
     .max = 1e9,
     .help = "pause in every step (kind sleep: from at_step on)"},
    {0},
};

const mds_engine mds_engine_fault = {
    .name = "fault",
    .summary = "misbehaves on purpose, for tests",
    .options = fault_options,
    .caps = MDS_CAP_STRESS | MDS_CAP_CONSERVATIVE | MDS_CAP_NONPERIODIC,
    .precisions = 1u << MDS_PRECISION_FP64,
    .default_precision = MDS_PRECISION_FP64,
    .create = fault_create,
    .destroy = fault_destroy,
    .prepare = fault_prepare,
    .compute = fault_compute,
    .cost_s = fault_cost_s,
    .compute_cuda = MDS_CUDA_FN(fault_compute_cuda),
    .on_sim = true,
    .hidden = true,
};
