#include "case/study_keys.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBER(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)

/* Bounds are there to catch a slip of the unit or of a zero, not to forbid what is possible. */
static const char *const precision_words[] = {"auto",   "fp64", "fp32", "tf32",
                                              "tf32x3", "fp16", NULL};
static const char *const timing_words[] = {"event", "sync", "off", NULL};

#define WHOLE(name, kind_, preset_, lowest, highest, unit_, in_key_, help_)                        \
    {                                                                                              \
        .option = {.key = #name,                                                                   \
                   .type = MDS_OPTION_INT,                                                         \
                   .unit = unit_,                                                                  \
                   .preset = preset_,                                                              \
                   .min = lowest,                                                                  \
                   .max = highest,                                                                 \
                   .help = help_},                                                                 \
        .kind = kind_, .in_key = in_key_, MEMBER(mds_run, name)                                    \
    }
#define REAL(name, preset_, lowest, highest, unit_, in_key_, help_)                                \
    {                                                                                              \
        .option = {.key = #name,                                                                   \
                   .type = MDS_OPTION_REAL,                                                        \
                   .unit = unit_,                                                                  \
                   .preset = preset_,                                                              \
                   .min = lowest,                                                                  \
                   .max = highest,                                                                 \
                   .help = help_},                                                                 \
        .kind = MDS_FIELD_REAL, .in_key = in_key_, MEMBER(mds_run, name)                           \
    }

const mds_field mds_run_fields[] = {
    WHOLE(steps, MDS_FIELD_INT64, 1000, 1, 1e9, NULL, true, "steady steps that are timed"),
    WHOLE(warmup, MDS_FIELD_INT64, 20, 0, 1e9, NULL, true,
          "steps after the first that are timed but do not count"),
    WHOLE(component_steps, MDS_FIELD_INT64, 50, 0, 1e9, NULL, true,
          "steps of the pass that times the components; 0: no such pass"),
    WHOLE(equilibration, MDS_FIELD_INT64, -1, -1, 1e9, NULL, true,
          "steps of dynamics that make the start state; -1: what the system needs"),
    WHOLE(memory_every, MDS_FIELD_INT64, 10, 1, 1e9, NULL, true,
          "steps from one memory sample to the next"),
    WHOLE(energy_every, MDS_FIELD_INT64, 1, 1, 1e9, NULL, true,
          "steps from one energy sample to the next"),
    REAL(timestep_fs, NAN, 0.001, 20.0, "fs", true, "time step; not given: the system's own"),
    REAL(temperature_K, 300.0, 0.0, 20000.0, "K", true,
         "temperature of the start state and of thermostats"),
    REAL(pressure_GPa, 0.0, -100.0, 1000.0, "GPa", true, "pressure of barostats"),
    WHOLE(seed, MDS_FIELD_UINT64, 20251123, 0, 9.2e18, NULL, true,
          "of velocities, noise and molecule orientations"),
    {.option = {.key = "device",
                .type = MDS_OPTION_TEXT,
                .preset_text = "auto",
                .help = "auto, cpu, cuda, or sim (an imitated accelerator, for tests)"},
     .kind = MDS_FIELD_TEXT,
     MEMBER(mds_run, device)},
    {.option = {.key = "precision",
                .type = MDS_OPTION_TEXT,
                .preset_text = "auto",
                .choices = precision_words,
                .help = "arithmetic of the model; auto: fp64 for classical models, fp32-grade for "
                        "networks"},
     .kind = MDS_FIELD_ENUM,
     MEMBER(mds_run, precision)}, /* enters keys through the model, resolved */
    {.option = {.key = "timing",
                .type = MDS_OPTION_TEXT,
                .preset_text = "event",
                .choices = timing_words,
                .help = "event: device events, read late; sync: a synchronisation per step; off: "
                        "the loop as a whole"},
     .kind = MDS_FIELD_ENUM,
     .in_key = true,
     MEMBER(mds_run, timing)},
    REAL(timeout_s, 120.0, 0.1, 1e6, "s", false, "a case without a step for so long is ended"),
    REAL(memory_limit_MB, 0.0, 0.0, 1e9, "MB", false,
         "address space of the worker process; 0: no limit"),
    REAL(leak_tolerance_MB, 10.0, 0.0, 1e6, "MB", false,
         "memory growth over the steady part that counts as a leak"),
    WHOLE(threads, MDS_FIELD_INT, 0, 0, 4096, NULL, true,
          "threads of the worker; 0: the cores it may use"),
    REAL(telemetry_hz, 10.0, 0.0, 100.0, "Hz", false,
         "readings of clocks, power and temperature per second; 0: none"),
    {.option = {0}},
};

const mds_field mds_sweep_fields[] = {
    {.option = {.key = "name",
                .type = MDS_OPTION_TEXT,
                .help = "name of the sweep; not given: the configuration file's"},
     .kind = MDS_FIELD_TEXT,
     MEMBER(mds_study, name)},
    {.option = {.key = "repeats",
                .type = MDS_OPTION_INT,
                .preset = 1,
                .min = 1,
                .max = 10000,
                .help = "times every case is run"},
     .kind = MDS_FIELD_INT,
     MEMBER(mds_study, repeats)},
    {.option = {.key = "teacher",
                .type = MDS_OPTION_TEXT,
                .preset_text = "reference",
                .help = "model that the others are compared with, in their forces by replay; "
                        "none: nothing is compared"},
     .kind = MDS_FIELD_TEXT,
     MEMBER(mds_study, teacher)},
    {.option = {0}},
};

const mds_field mds_output_fields[] = {
    {.option = {.key = "file",
                .type = MDS_OPTION_TEXT,
                .help = "the HDF5 file; not given: results/NAME.h5"},
     .kind = MDS_FIELD_TEXT,
     MEMBER(mds_study, output)},
    {.option = {.key = "trajectory_every",
                .type = MDS_OPTION_INT,
                .max = 1e9,
                .help = "steps from one stored frame of the steady part to the next; 0: none"},
     .kind = MDS_FIELD_INT64,
     MEMBER(mds_study, trajectory_every)},
    {.option = {0}},
};

#define TARGET(name, preset_, unit_, help_)                                                        \
    {                                                                                              \
        .option = {.key = #name,                                                                   \
                   .type = MDS_OPTION_REAL,                                                        \
                   .unit = unit_,                                                                  \
                   .preset = preset_,                                                              \
                   .min = 1e-12,                                                                   \
                   .max = 1e6,                                                                     \
                   .help = help_},                                                                 \
        .kind = MDS_FIELD_REAL, MEMBER(mds_targets, name)                                          \
    }

const mds_field mds_targets_fields[] = {
    TARGET(mean_ms, 1.0, "ms", "mean time of a step, at most"),
    TARGET(p95_over_mean, 2.0, NULL, "95th percentile over the mean, at most"),
    TARGET(p99_over_mean, 3.0, NULL, "99th percentile over the mean, at most"),
    TARGET(memory_delta_MB, 10.0, "MB", "memory growth over the run, at most"),
    TARGET(us_per_atom, 10.0, "us", "mean time of a step per atom, at most"),
    TARGET(cv, 0.20, NULL, "coefficient of variation of the step time, at most"),
    TARGET(energy_drift, 1e-4, NULL, "relative energy drift in NVE, at most"),
    {.option = {0}},
};

static void *member(const mds_field *field, void *object)
{
    return (char *)object + field->offset;
}

static const void *const_member(const mds_field *field, const void *object)
{
    return (const char *)object + field->offset;
}

/* Writes without checking; `value` is in range. */
static void store_number(const mds_field *field, void *object, double real, int64_t integer)
{
    void *p = member(field, object);

    switch (field->kind) {
    case MDS_FIELD_INT:
        *(int *)p = (int)integer;
        break;
    case MDS_FIELD_INT64:
        *(int64_t *)p = integer;
        break;
    case MDS_FIELD_UINT64:
        *(uint64_t *)p = (uint64_t)integer;
        break;
    case MDS_FIELD_REAL:
        *(double *)p = real;
        break;
    default:
        break;
    }
}

void mds_fields_preset(const mds_field *table, void *object)
{
    for (const mds_field *f = table; f->option.key; ++f) {
        const char *text = f->option.preset_text ? f->option.preset_text : "";

        if (f->kind == MDS_FIELD_TEXT)
            snprintf(member(f, object), f->size, "%s", text);
        else if (f->kind == MDS_FIELD_ENUM)
            (void)mds_field_set_text(f, object, text);
        else
            store_number(f, object, f->option.preset,
                         f->kind == MDS_FIELD_REAL ? 0 : (int64_t)f->option.preset);
    }
}

const mds_field *mds_fields_find(const mds_field *table, const char *key)
{
    for (const mds_field *f = table; f->option.key; ++f)
        if (strcmp(f->option.key, key) == 0)
            return f;
    return NULL;
}

/* "takes a whole number", "takes one of fp64, fp32", ... */
static const char *wanted(const mds_field *field, char *out, size_t size)
{
    const mds_option *o = &field->option;

    if (o->choices) {
        int used = snprintf(out, size, "takes one of");
        for (int i = 0; o->choices[i] && used < (int)size; ++i)
            used +=
                snprintf(out + used, size - (size_t)used, "%s \"%s\"", i ? "," : "", o->choices[i]);
    } else if (o->type == MDS_OPTION_TEXT)
        snprintf(out, size, "takes a text in quotes");
    else
        snprintf(out, size, "takes a %snumber%s%s", o->type == MDS_OPTION_INT ? "whole " : "",
                 o->unit ? " in " : "", o->unit ? o->unit : "");
    return out;
}

static mds_status check_bounds(const mds_option *o, double value, const char *as_text)
{
    char low[40], high[40];

    if (value >= o->min && value <= o->max)
        return MDS_OK;
    return mds_fail(MDS_ERR_CONFIG, "%s = %s is outside %s to %s%s%s", o->key, as_text,
                    mds_format_real(o->min, low, sizeof low),
                    mds_format_real(o->max, high, sizeof high), o->unit ? " " : "",
                    o->unit ? o->unit : "");
}

mds_status mds_field_set_integer(const mds_field *field, void *object, int64_t value)
{
    char text[40], want[200];

    snprintf(text, sizeof text, "%lld", (long long)value);
    if (field->option.type == MDS_OPTION_TEXT)
        return mds_fail(MDS_ERR_CONFIG, "%s %s, not the number %s", field->option.key,
                        wanted(field, want, sizeof want), text);
    const mds_status status = check_bounds(&field->option, (double)value, text);
    if (status == MDS_OK)
        store_number(field, object, (double)value, value);
    return status;
}

mds_status mds_field_set_real(const mds_field *field, void *object, double value)
{
    char text[40], want[200];

    mds_format_real(value, text, sizeof text);
    if (field->option.type != MDS_OPTION_REAL)
        return mds_fail(MDS_ERR_CONFIG, "%s %s, not %s", field->option.key,
                        wanted(field, want, sizeof want), text);
    const mds_status status = check_bounds(&field->option, value, text);
    if (status == MDS_OK)
        store_number(field, object, value, 0);
    return status;
}

/* "auto", "cpu", "sim", "cuda", "sim:64" (MiB), "cuda:1", "cuda:GPU-8a5f" (beginning of a UUID). */
static bool is_device(const char *word)
{
    static const char *const kinds[] = {"auto", "cpu", "cuda", "sim"};

    for (int i = 0; i < 4; ++i) {
        const size_t length = strlen(kinds[i]);

        if (strncmp(word, kinds[i], length) != 0)
            continue;
        if (!word[length])
            return true;
        const char *digits = word + length + 1;
        const size_t count = strspn(digits, "0123456789");
        if (i >= 2 && word[length] == ':' && count > 0 && count < 9 && !digits[count])
            return true;
        const char *tail = word + length;
        if (i == 2 && (strncmp(tail, ":GPU-", 5) == 0 || strncmp(tail, ":MIG-", 5) == 0))
            return true;
    }
    return false;
}

mds_status mds_field_set_text(const mds_field *field, void *object, const char *value)
{
    const mds_option *o = &field->option;
    char want[200];

    if (field->kind == MDS_FIELD_ENUM) {
        for (int i = 0; o->choices[i]; ++i)
            if (strcmp(o->choices[i], value) == 0) {
                memcpy(member(field, object), &i, sizeof i);
                return MDS_OK;
            }
        return mds_fail(MDS_ERR_CONFIG, "%s %s, not \"%.100s\"", o->key,
                        wanted(field, want, sizeof want), value);
    }
    if (field->kind != MDS_FIELD_TEXT)
        return mds_fail(MDS_ERR_CONFIG, "%s %s, not the text \"%.100s\"", o->key,
                        wanted(field, want, sizeof want), value);
    if (!*value)
        return mds_fail(MDS_ERR_CONFIG, "%s is an empty text", o->key);
    if (strlen(value) >= field->size)
        return mds_fail(MDS_ERR_CONFIG, "%s: text longer than %d bytes", o->key,
                        (int)field->size - 1);
    if (strcmp(o->key, "device") == 0 && !is_device(value))
        return mds_fail(MDS_ERR_CONFIG,
                        "device takes one of \"auto\", \"cpu\", \"cuda\", \"sim\", not \"%.100s\"",
                        value);
    snprintf(member(field, object), field->size, "%s", value);
    return MDS_OK;
}

void mds_field_copy(const mds_field *field, void *to, const void *from)
{
    memcpy(member(field, to), const_member(field, from), field->size);
}

char *mds_format_real(double value, char *out, size_t size)
{
    snprintf(out, size, "%.15g", value);
    if (strtod(out, NULL) != value)
        snprintf(out, size, "%.17g", value);
    return out;
}

char *mds_field_format(const mds_field *field, const void *object, char *out, size_t size)
{
    const void *p = const_member(field, object);
    int choice;

    switch (field->kind) {
    case MDS_FIELD_INT:
        snprintf(out, size, "%d", *(const int *)p);
        break;
    case MDS_FIELD_INT64:
        snprintf(out, size, "%lld", (long long)*(const int64_t *)p);
        break;
    case MDS_FIELD_UINT64:
        snprintf(out, size, "%llu", (unsigned long long)*(const uint64_t *)p);
        break;
    case MDS_FIELD_REAL:
        mds_format_real(*(const double *)p, out, size);
        break;
    case MDS_FIELD_TEXT:
        snprintf(out, size, "%s", (const char *)p);
        break;
    case MDS_FIELD_ENUM:
        memcpy(&choice, p, sizeof choice);
        snprintf(out, size, "%s", field->option.choices[choice]);
        break;
    }
    return out;
}
