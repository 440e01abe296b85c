#include "config/config.h"

#include "base/text.h"
#include "config/reader.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const section_names[] = {"sweep",   "run",    "models",  "protocols",
                                            "systems", "output", "targets", "overrides"};

enum { SECTIONS = (int)(sizeof section_names / sizeof *section_names) };

static void check_sections(mds_config_reader *reader)
{
    const config_setting_t *root = config_root_setting(&reader->tree);

    for (int i = 0; i < config_setting_length(root); ++i) {
        const config_setting_t *section = config_setting_get_elem(root, (unsigned)i);
        bool known = false;

        for (int k = 0; k < SECTIONS && !known; ++k)
            known = strcmp(section_names[k], config_setting_name(section)) == 0;
        if (!known)
            mds_config_unknown_key(reader, section, "the configuration", section_names, SECTIONS);
    }
}

/* "scaling" of "configs/scaling.cfg": what the sweep is called when it does not say. */
static void name_from_path(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *stem = slash ? slash + 1 : path;
    const char *dot = strrchr(stem, '.');
    const size_t length = dot && dot > stem ? (size_t)(dot - stem) : strlen(stem);

    snprintf(out, size, "%.*s", (int)(length < size ? length : size - 1), stem);
}

/* The name becomes a file's name, so it may not lead elsewhere. */
static void check_name(mds_config_reader *reader, const config_setting_t *sweep)
{
    const config_setting_t *setting = config_setting_get_member(sweep, "name");

    for (const char *p = reader->study->name; setting && *p; ++p)
        if (!isalnum((unsigned char)*p) && !strchr("-_.+", *p)) {
            mds_config_problem(reader, setting,
                               "name \"%s\" has a '%c'; letters, digits and - _ . + are possible",
                               reader->study->name, *p);
            return;
        }
}

static void read_sweep(mds_config_reader *reader)
{
    static const char *const axes[] = {"systems", "sizes", "protocols", "models", "exclude", NULL};
    const config_setting_t *sweep = mds_config_section(reader, "sweep");

    mds_fields_preset(mds_sweep_fields, reader->study);
    if (!sweep) {
        if (!config_lookup(&reader->tree, "sweep"))
            mds_problems_add(reader->problems, reader->path, 1,
                             "there is no section sweep: { systems, sizes, protocols, models }");
        return;
    }
    mds_config_read_group(reader, sweep, mds_sweep_fields, axes, reader->study, NULL);
    check_name(reader, sweep);
    mds_config_read_axes(reader, sweep);
    mds_config_read_exclude(reader, sweep);
}

static void read_run(mds_config_reader *reader)
{
    const config_setting_t *run = mds_config_section(reader, "run");

    mds_fields_preset(mds_run_fields, &reader->study->run);
    if (!run)
        return;
    mds_config_read_group(reader, run, mds_run_fields, NULL, &reader->study->run, NULL);
    for (const mds_field *f = mds_run_fields; f->option.key; ++f) {
        const config_setting_t *setting = config_setting_get_member(run, f->option.key);

        if (setting && mds_config_origin(setting))
            reader->forced |= UINT32_C(1) << (f - mds_run_fields);
    }
}

static void read_output(mds_config_reader *reader)
{
    const config_setting_t *output = mds_config_section(reader, "output");
    const config_setting_t *targets = mds_config_section(reader, "targets");
    mds_study *study = reader->study;

    mds_fields_preset(mds_output_fields, study);
    mds_fields_preset(mds_targets_fields, &study->targets);
    if (output)
        mds_config_read_group(reader, output, mds_output_fields, NULL, study, NULL);
    if (targets)
        mds_config_read_group(reader, targets, mds_targets_fields, NULL, &study->targets, NULL);
    if (!study->name[0])
        name_from_path(reader->path, study->name, sizeof study->name);
    if (!study->output[0])
        snprintf(study->output, sizeof study->output, "results/%s.h5", study->name);
}

static void read_all(mds_config_reader *reader)
{
    check_sections(reader);
    mds_config_read_definitions(reader);
    if (reader->nomem)
        return;
    read_run(reader);
    read_sweep(reader);
    mds_config_read_overrides(reader);
    read_output(reader);
}

/* By file in order of appearance, then by line; the sort must keep the order of equals. */
static void sort_problems(mds_problems *problems)
{
    for (int i = 1; i < problems->count; ++i)
        for (int k = i; k > 0; --k) {
            mds_problem *a = &problems->list[k - 1], *b = &problems->list[k], swap;

            if (strcmp(a->file, b->file) != 0 || a->line <= b->line)
                break;
            swap = *a;
            *a = *b;
            *b = swap;
        }
}

/* The first problem as this thread's error message. */
static mds_status fail_with(const mds_problems *problems, mds_status status)
{
    char more[40] = "";

    if (problems->count == 0)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the configuration");
    const mds_problem *p = &problems->list[0];
    if (problems->count > 1)
        snprintf(more, sizeof more, " (and %d more)", problems->count - 1);
    if (p->line > 0)
        return mds_fail(status, "%s:%d: %s%s", p->file, p->line, p->text, more);
    return mds_fail(status, "%s%s%s%s", p->file, p->file[0] ? ": " : "", p->text, more);
}

static mds_status read_text(mds_config_reader *reader, const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    size_t length = 0;
    const char *nul;

    reader->path = path;
    if (strlen(path) >= MDS_PATH_SIZE) {
        mds_problems_add(reader->problems, path, 0, "the path is longer than %d bytes",
                         MDS_PATH_SIZE - 1);
        return MDS_ERR_IO;
    }
    snprintf(reader->folder, sizeof reader->folder, "%.*s", (int)folder, path);
    snprintf(reader->study->path, sizeof reader->study->path, "%s", path);
    if (mds_read_file(path, &reader->study->text, &length) != MDS_OK) {
        const char *why = strncmp(mds_error(), path, strlen(path)) == 0
                              ? mds_error() + strlen(path) +
                                    strspn(mds_error() + strlen(path), ": ")
                              : mds_error();
        mds_problems_add(reader->problems, path, 0, "%s", why);
        return MDS_ERR_IO;
    }
    nul = memchr(reader->study->text, '\0', length);
    if (nul) {
        int line = 1;
        for (const char *p = reader->study->text; p < nul; ++p)
            line += *p == '\n';
        mds_problems_add(reader->problems, path, line,
                         "there is a NUL byte: this is not a text file");
        return MDS_ERR_CONFIG;
    }
    return mds_config_parse(reader, reader->study->text);
}

static void free_reader(mds_config_reader *reader)
{
    mds_config_definitions *const lists[] = {&reader->systems, &reader->protocols, &reader->models};

    for (int i = 0; i < 3; ++i) {
        free(lists[i]->systems);
        free(lists[i]->protocols);
        free(lists[i]->models);
        free(lists[i]->bad);
    }
    for (int i = 0; i < reader->origin_count; ++i)
        free(reader->origins[i]);
    free(reader->origins);
    free(reader->written);
    config_destroy(&reader->tree);
}

mds_status mds_config_load(const char *path, const mds_config_overrides *overrides,
                           mds_study *study, mds_problems *problems)
{
    mds_config_reader reader = {.problems = problems, .study = study};

    memset(study, 0, sizeof *study);
    config_init(&reader.tree);
    mds_status status = read_text(&reader, path);
    if (status == MDS_OK) {
        mds_config_overlay(&reader, overrides);
        read_all(&reader);
        if (problems->count == 0 && !reader.nomem)
            study->resolved = mds_config_resolved(study);
        if (problems->count > 0)
            status = MDS_ERR_CONFIG;
        else if (!study->resolved)
            status = MDS_ERR_NOMEM;
    }
    free_reader(&reader);
    if (status == MDS_OK)
        return MDS_OK;
    mds_study_fini(study);
    sort_problems(problems);
    return fail_with(problems, status);
}
