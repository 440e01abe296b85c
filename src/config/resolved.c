/* The study as libconfig text that depends on no default, no built-in alias and no working folder:
 * what the store keeps, and what loads to the same study again. */
#include "base/strbuf.h"
#include "config/reader.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void add_string(mds_strbuf *out, const char *text)
{
    mds_strbuf_add(out, "\"");
    for (; *text; ++text) {
        const unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            mds_strbuf_add(out, "\\%c", c);
        else if (c < ' ')
            mds_strbuf_add(out, "\\x%02x", c);
        else
            mds_strbuf_add_bytes(out, text, 1);
    }
    mds_strbuf_add(out, "\"");
}

/* Integers over 32 bits need libconfig's L. */
static void add_number(mds_strbuf *out, double value)
{
    char text[40];

    mds_format_real(value, text, sizeof text);
    if (value == floor(value) && fabs(value) < 9e18 && !strpbrk(text, ".e"))
        mds_strbuf_add(out, fabs(value) > INT32_MAX ? "%sL" : "%s", text);
    else
        mds_strbuf_add(out, "%s", text);
}

static void add_field(mds_strbuf *out, const char *indent, const mds_field *field,
                      const void *object)
{
    char text[MDS_PATH_SIZE];

    mds_field_format(field, object, text, sizeof text);
    if (strcmp(text, "nan") == 0)
        return;
    mds_strbuf_add(out, "%s%s = ", indent, field->option.key);
    if (field->option.type == MDS_OPTION_TEXT)
        add_string(out, text);
    else
        mds_strbuf_add(out, "%s%s", text,
                       field->option.type == MDS_OPTION_INT && strlen(text) > 9 ? "L" : "");
    mds_strbuf_add(out, ";");
    mds_strbuf_add(out, field->option.unit ? " // %s\n" : "%s\n",
                   field->option.unit ? field->option.unit : "");
}

static void add_section(mds_strbuf *out, const char *name, const mds_field *table,
                        const void *object)
{
    mds_strbuf_add(out, "%s: {\n", name);
    for (const mds_field *f = table; f->option.key; ++f)
        add_field(out, "    ", f, object);
    mds_strbuf_add(out, "};\n");
}

/* name = ["a", "b"]; of `count` names that lie `stride` bytes apart. */
static void add_names(mds_strbuf *out, const char *indent, const char *name, const char *first,
                      size_t stride, int count)
{
    if (count == 0)
        return;
    mds_strbuf_add(out, "%s%s = [", indent, name);
    for (int i = 0; i < count; ++i) {
        mds_strbuf_add(out, i ? ", " : "");
        add_string(out, first + (size_t)i * stride);
    }
    mds_strbuf_add(out, "];\n");
}

static void add_rule(mds_strbuf *out, const mds_rule *rule)
{
    const char *indent = "        ";

    add_names(out, indent, "system", rule->system[0], sizeof rule->system[0], rule->systems);
    if (rule->sizes) {
        mds_strbuf_add(out, "%ssize = [", indent);
        for (int i = 0; i < rule->sizes; ++i)
            mds_strbuf_add(out, "%s%lld", i ? ", " : "", (long long)rule->size[i]);
        mds_strbuf_add(out, "];\n");
    }
    add_names(out, indent, "protocol", rule->protocol[0], sizeof rule->protocol[0],
              rule->protocols);
    add_names(out, indent, "model", rule->model[0], sizeof rule->model[0], rule->models);
}

static void add_sweep(mds_strbuf *out, const mds_study *study)
{
    mds_strbuf_add(out, "sweep: {\n");
    for (const mds_field *f = mds_sweep_fields; f->option.key; ++f)
        add_field(out, "    ", f, study);
    add_names(out, "    ", "systems", study->systems[0].name, sizeof study->systems[0],
              study->system_count);
    mds_strbuf_add(out, "    sizes = [");
    for (int i = 0; i < study->size_count; ++i)
        mds_strbuf_add(out, "%s%d", i ? ", " : "", study->sizes[i]);
    mds_strbuf_add(out, "]; // atoms\n");
    add_names(out, "    ", "protocols", study->protocols[0].name, sizeof study->protocols[0],
              study->protocol_count);
    add_names(out, "    ", "models", study->models[0].name, sizeof study->models[0],
              study->model_count);
    if (study->exclude_count)
        mds_strbuf_add(out, "    exclude = (\n");
    for (int i = 0; i < study->exclude_count; ++i) {
        mds_strbuf_add(out, "      {\n");
        add_rule(out, &study->exclude[i]);
        mds_strbuf_add(out, "      }%s\n", i + 1 < study->exclude_count ? "," : "\n    );");
    }
    mds_strbuf_add(out, "};\n");
}

static void add_options(mds_strbuf *out, const mds_options *options)
{
    for (int i = 0; i < options->count; ++i) {
        const mds_option *o = &options->table[i];

        if (!options->value[i].given)
            continue;
        mds_strbuf_add(out, " %s = ", o->key);
        if (o->type == MDS_OPTION_TEXT)
            add_string(out, options->value[i].text);
        else
            add_number(out, options->value[i].number);
        mds_strbuf_add(out, ";");
    }
}

static void add_definitions(mds_strbuf *out, const mds_study *study)
{
    mds_strbuf_add(out, "systems: {\n");
    for (int i = 0; i < study->system_count; ++i) {
        const mds_system_spec *spec = &study->systems[i];
        mds_strbuf_add(out, "    %s: { type = \"%s\";", spec->name, spec->class->name);
        add_options(out, &spec->options);
        mds_strbuf_add(out, " };\n");
    }
    mds_strbuf_add(out, "};\nprotocols: {\n");
    for (int i = 0; i < study->protocol_count; ++i) {
        const mds_protocol_spec *spec = &study->protocols[i];
        mds_strbuf_add(out, "    %s: { type = \"%s\";", spec->name, spec->class->name);
        add_options(out, &spec->options);
        mds_strbuf_add(out, " };\n");
    }
    mds_strbuf_add(out, "};\nmodels: {\n");
    for (int i = 0; i < study->model_count; ++i) {
        const mds_study_model *model = &study->models[i];
        mds_strbuf_add(out, "    %s: { %s = \"%s\";", model->name,
                       model->engine[0] ? "engine" : "base",
                       model->engine[0] ? model->engine : model->base);
        for (int k = 0; k < model->set_count; ++k) {
            mds_strbuf_add(out, " %s = ", model->set[k].key);
            if (model->set[k].is_text)
                add_string(out, model->set[k].text);
            else
                add_number(out, model->set[k].number);
            mds_strbuf_add(out, ";");
        }
        mds_strbuf_add(out, " };\n");
    }
    mds_strbuf_add(out, "};\n");
}

static void add_overrides(mds_strbuf *out, const mds_study *study)
{
    if (study->override_count == 0)
        return;
    mds_strbuf_add(out, "overrides: (\n");
    for (int i = 0; i < study->override_count; ++i) {
        const mds_override *entry = &study->overrides[i];

        mds_strbuf_add(out, "    {\n");
        add_rule(out, &entry->when);
        for (const mds_field *f = mds_run_fields; f->option.key; ++f)
            if (entry->given & UINT32_C(1) << (f - mds_run_fields))
                add_field(out, "        ", f, &entry->run);
        mds_strbuf_add(out, "    }%s\n", i + 1 < study->override_count ? "," : "");
    }
    mds_strbuf_add(out, ");\n");
}

char *mds_config_resolved(const mds_study *study)
{
    mds_strbuf out = {0};

    add_sweep(&out, study);
    add_section(&out, "run", mds_run_fields, &study->run);
    add_definitions(&out, study);
    add_overrides(&out, study);
    add_section(&out, "output", mds_output_fields, study);
    add_section(&out, "targets", mds_targets_fields, &study->targets);
    char *text = out.failed ? NULL : strdup(mds_strbuf_text(&out));
    mds_strbuf_fini(&out);
    return text;
}
