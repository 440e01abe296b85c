/* `mdsweep list WHAT`: what can be named in a configuration, from the registries themselves. */
#include "cli/commands.h"

#include "base/text.h"
#include "case/record.h"
#include "cli/list_devices.h"
#include "probe/probe.h"

#include <stdio.h>
#include <string.h>

static void add_options(const mds_option *options, mds_strbuf *out)
{
    for (; options && options->key; ++options) {
        mds_strbuf_add(out, "      %-22s %s", options->key, options->help ? options->help : "");
        for (int i = 0; options->choices && options->choices[i]; ++i)
            mds_strbuf_add(out, "%s%s%s", i ? "|" : " [", options->choices[i],
                           options->choices[i + 1] ? "" : "]");
        if (options->type != MDS_OPTION_TEXT)
            mds_strbuf_add(out, " (default %g%s%s)", options->preset, options->unit ? " " : "",
                           options->unit ? options->unit : "");
        else if (options->preset_text && *options->preset_text)
            mds_strbuf_add(out, " (default %s)", options->preset_text);
        mds_strbuf_add(out, "\n");
    }
}

static void list_models(mds_strbuf *out)
{
    mds_strbuf_add(out, "models:\n");
    for (int i = 0; i < mds_model_name_count(); ++i)
        mds_strbuf_add(out, "  %-28s %s\n", mds_model_name(i), mds_model_summary(i));
    mds_strbuf_add(out, "engines and their options:\n");
    for (int i = 0; i < mds_engine_count(); ++i) {
        const mds_engine *engine = mds_engine_get(i);

        if (engine->hidden)
            continue;
        mds_strbuf_add(out, "  %-20s %s%s\n", engine->name, engine->summary,
                       engine->caps & MDS_CAP_STRESS ? "" : " (no stress)");
        add_options(engine->options, out);
    }
}

static void list_systems(mds_strbuf *out)
{
    mds_strbuf_add(out, "systems and their options:\n");
    for (int i = 0; i < mds_system_count(); ++i) {
        const mds_system_class *class = mds_system_get(i);

        mds_strbuf_add(out, "  %-20s %s (time step %g fs)\n", class->name, class->summary,
                       class->timestep_fs);
        add_options(class->options, out);
    }
}

static void list_protocols(mds_strbuf *out)
{
    mds_strbuf_add(out, "protocols:\n");
    for (int i = 0; i < mds_protocol_name_count(); ++i) {
        mds_protocol_spec spec;
        char given[256];

        if (mds_protocol_resolve(mds_protocol_name(i), &spec) != MDS_OK)
            continue;
        if (*mds_options_format(&spec.options, given, sizeof given))
            mds_strbuf_add(out, "  %-20s %s with %s\n", spec.name, spec.class->name, given);
        else
            mds_strbuf_add(out, "  %-20s %s\n", spec.name, spec.class->summary);
    }
    mds_strbuf_add(out, "types and their options:\n");
    for (int i = 0; i < mds_protocol_count(); ++i) {
        mds_strbuf_add(out, "  %-20s conserved: %s\n", mds_protocol_get(i)->name,
                       mds_protocol_get(i)->conserved ? mds_protocol_get(i)->conserved : "-");
        add_options(mds_protocol_get(i)->options, out);
    }
}

static void list_metrics(mds_strbuf *out)
{
    mds_strbuf_add(out, "statistics of a case (/cases):\n");
    for (int i = 0; i < MDS_METRIC_COUNT; ++i) {
        const mds_metric_info *metric = mds_metric_get((mds_metric)i);

        mds_strbuf_add(out, "  %-26s %-9s %s\n", metric->key, metric->unit, metric->long_name);
    }
    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool) {
        if (mds_pool_column_count((mds_pool)pool) == 0)
            continue;
        mds_strbuf_add(out, "series (/%s):\n", mds_pool_name((mds_pool)pool));
        for (int i = 0; i < mds_pool_column_count((mds_pool)pool); ++i) {
            const mds_series *series = mds_pool_column((mds_pool)pool, i);

            mds_strbuf_add(out, "  %-26s %-9s %s\n", series->key, series->unit, series->long_name);
        }
    }
}

static int list_command(const mds_args *args)
{
    static const struct {
        const char *word;
        void (*list)(mds_strbuf *out);
    } lists[] = {
        {"models", list_models},
        {"systems", list_systems},
        {"protocols", list_protocols},
        {"metrics", list_metrics},
    };
    enum { LISTS = sizeof lists / sizeof lists[0] };
    const char *words[LISTS + 1];
    mds_strbuf out = {0};

    if (strcmp(args->positional[0], "devices") == 0) {
        const mds_status status = mds_list_devices(&out);
        const int code = status == MDS_OK ? mds_cli_print(&out) : mds_cli_fail(status);

        mds_strbuf_fini(&out);
        return code;
    }
    words[LISTS] = "devices";
    for (int i = 0; i < LISTS; ++i) {
        words[i] = lists[i].word;
        if (strcmp(args->positional[0], lists[i].word) != 0)
            continue;
        lists[i].list(&out);
        const int code = mds_cli_print(&out);
        mds_strbuf_fini(&out);
        return code;
    }
    const char *near = mds_nearest_word(args->positional[0], words, LISTS + 1);
    if (near)
        return mds_cli_fail(mds_fail(MDS_ERR_USAGE,
                                     "nothing to list under '%s', did you mean '%s'?",
                                     args->positional[0], near));
    return mds_cli_fail(mds_fail(MDS_ERR_USAGE,
                                 "nothing to list under '%s'; models, systems, protocols, devices "
                                 "or metrics is right",
                                 args->positional[0]));
}

static const mds_flag list_flags[] = {{0}};

const mds_command mds_command_list = {
    .name = "list",
    .synopsis = "list WHAT",
    .summary = "models, systems, protocols, devices or metrics",
    .flags = list_flags,
    .positional_min = 1,
    .positional_max = 1,
    .run = list_command,
};
