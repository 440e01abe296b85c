/* Environment and command line, put over the file's tree before it is read, so that every value
 * goes through the same checks. A setting that comes from there carries its text as libconfig's
 * hook, for the messages. */
#include "base/strbuf.h"
#include "base/text.h"
#include "config/reader.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern char **environ;

/* A copy of the text that lives as long as the reader; NULL without memory. */
static char *keep_origin(mds_config_reader *reader, const char *before, const char *words)
{
    char **list =
        realloc(reader->origins, (size_t)(reader->origin_count + 1) * sizeof *reader->origins);
    char text[400];

    if (list)
        reader->origins = list;
    snprintf(text, sizeof text, "%s%.150s", before, words);
    char *copy = list ? strdup(text) : NULL;
    if (copy)
        list[reader->origin_count++] = copy;
    else
        reader->nomem = true;
    return copy;
}

/* Copies a value below `parent` under `name` (NULL in lists). */
static void copy_setting(mds_config_reader *reader, config_setting_t *parent, const char *name,
                         const config_setting_t *from, char *origin)
{
    config_setting_t *to = config_setting_add(parent, name, config_setting_type(from));

    if (!to) {
        reader->nomem = true;
        return;
    }
    config_setting_set_hook(to, origin);
    switch (config_setting_type(from)) {
    case CONFIG_TYPE_INT:
        config_setting_set_int(to, config_setting_get_int(from));
        break;
    case CONFIG_TYPE_INT64:
        config_setting_set_int64(to, config_setting_get_int64(from));
        break;
    case CONFIG_TYPE_FLOAT:
        config_setting_set_float(to, config_setting_get_float(from));
        break;
    case CONFIG_TYPE_BOOL:
        config_setting_set_bool(to, config_setting_get_bool(from));
        break;
    case CONFIG_TYPE_STRING:
        config_setting_set_string(to, config_setting_get_string(from));
        break;
    default:
        for (int i = 0; i < config_setting_length(from); ++i) {
            const config_setting_t *element = config_setting_get_elem(from, (unsigned)i);

            copy_setting(reader, to, config_setting_name(element), element, origin);
        }
    }
}

/* A name as libconfig takes it. */
static bool is_name(const char *word, size_t length)
{
    if (length == 0 || !(isalpha((unsigned char)word[0]) || word[0] == '*'))
        return false;
    for (size_t i = 0; i < length; ++i)
        if (!isalnum((unsigned char)word[i]) && !strchr("-_*", word[i]))
            return false;
    return true;
}

/* The group that holds the last word of `path`, made where it is missing; `*last` gets that word.
 * NULL after reporting. */
static config_setting_t *parent_of(mds_config_reader *reader, const char *path, char *origin,
                                   const char **last)
{
    config_setting_t *at = config_root_setting(&reader->tree);

    for (;;) {
        const size_t length = strcspn(path, ".");
        char word[128];

        if (!is_name(path, length) || length >= sizeof word) {
            mds_problems_add(reader->problems, "", 0,
                             "%s: the path is words joined by dots, such as run.steps", origin);
            return NULL;
        }
        *last = path;
        if (!path[length])
            return at;
        memcpy(word, path, length);
        word[length] = '\0';
        config_setting_t *next = config_setting_get_member(at, word);
        if (!next && (next = config_setting_add(at, word, CONFIG_TYPE_GROUP)))
            config_setting_set_hook(next, origin);
        if (!next || !config_setting_is_group(next)) {
            mds_problems_add(reader->problems, "", 0, "%s: '%s' is not a group", origin, word);
            return NULL;
        }
        at = next;
        path += length + 1;
    }
}

static void put(mds_config_reader *reader, const char *path, const config_setting_t *value,
                char *origin)
{
    const char *last;
    config_setting_t *parent = parent_of(reader, path, origin, &last);

    if (!parent)
        return;
    config_setting_remove(parent, last);
    copy_setting(reader, parent, last, value, origin);
}

static void put_text(mds_config_reader *reader, const char *path, const char *text, char *origin)
{
    config_t scratch;

    config_init(&scratch);
    config_setting_t *value =
        config_setting_add(config_root_setting(&scratch), "v", CONFIG_TYPE_STRING);
    if (value && config_setting_set_string(value, text))
        put(reader, path, value, origin);
    config_destroy(&scratch);
}

/* True for what libconfig takes without quotes: numbers, true, false, and names before a '='. */
static bool is_plain(const char *word, char next)
{
    char *end;

    if (next == '=' || strcasecmp(word, "true") == 0 || strcasecmp(word, "false") == 0)
        return true;
    (void)strtod(word, &end);
    return !isalpha((unsigned char)*word) && end > word && (!*end || strcmp(end, "L") == 0);
}

/* Puts quotes around bare words, because shells eat the quotes of sweep.systems=["iron"]. */
static void quote_words(const char *text, mds_strbuf *out)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.*-+/:";

    for (const char *p = text; *p;) {
        size_t length = strspn(p, letters);
        char word[512];

        if (*p == '"') {
            const char *close = strchr(p + 1, '"');
            length = close ? (size_t)(close - p) + 1 : strlen(p);
            mds_strbuf_add_bytes(out, p, length);
        } else if (length == 0 || length >= sizeof word) {
            length = length ? length : 1;
            mds_strbuf_add_bytes(out, p, length);
        } else {
            memcpy(word, p, length);
            word[length] = '\0';
            const char next = p[length + strspn(p + length, " ")];
            mds_strbuf_add(out, is_plain(word, next) ? "%s" : "\"%s\"", word);
        }
        p += length;
    }
}

/* The one setting "v" of `body`, which must not smuggle in others. */
static const config_setting_t *parse_as(config_t *scratch, const char *before, const char *value,
                                        const char *after)
{
    mds_strbuf text = {0};
    const config_setting_t *found = NULL;

    mds_strbuf_add(&text, "v = %s%s%s;", before, value, after);
    if (!text.failed && !mds_config_open_quote(mds_strbuf_text(&text)) &&
        config_read_string(scratch, mds_strbuf_text(&text)) &&
        config_setting_length(config_root_setting(scratch)) == 1)
        found = config_lookup(scratch, "v");
    mds_strbuf_fini(&text);
    return found;
}

/* `value` as libconfig text; else with bare words quoted; else as a list of those. */
static void put_value(mds_config_reader *reader, const char *path, const char *value, char *origin)
{
    const config_setting_t *setting;
    mds_strbuf quoted = {0};
    config_t scratch;

    config_init(&scratch);
    quote_words(value, &quoted);
    const char *words = mds_strbuf_text(&quoted);
    setting = parse_as(&scratch, "", value, "");
    if (!setting)
        setting = parse_as(&scratch, "", words, "");
    if (!setting && strchr(words, ','))
        setting = parse_as(&scratch, "[", words, "]");
    if (!setting)
        mds_problems_add(reader->problems, "", 0,
                         "%s: the value is neither a number, a text, nor a list [a, b]", origin);
    else if (!mds_config_check_integers(reader->problems, value, NULL, origin))
        put(reader, path, setting, origin);
    config_destroy(&scratch);
    mds_strbuf_fini(&quoted);
}

/* The keys that MDSWEEP_<SECTION>_<KEY> may name. */
static const struct {
    const char *name;
    const mds_field *fields;
    const char *others[6];
} sections[] = {
    {"sweep", mds_sweep_fields, {"systems", "sizes", "protocols", "models"}},
    {"run", mds_run_fields, {NULL}},
    {"output", mds_output_fields, {NULL}},
    {"targets", mds_targets_fields, {NULL}},
};

enum { SECTIONS = (int)(sizeof sections / sizeof *sections) };

static void put_variable(mds_config_reader *reader, int section, const char *variable,
                         const char *key, const char *value)
{
    char names[64][64], path[160];
    const char *words[64], *near;
    int count = 0;

    for (const mds_field *f = sections[section].fields; f->option.key; ++f)
        words[count++] = f->option.key;
    for (int i = 0; sections[section].others[i]; ++i)
        words[count++] = sections[section].others[i];
    snprintf(path, sizeof path, "%s=", variable);
    char *origin = keep_origin(reader, path, value);
    for (int i = 0; i < count && origin; ++i)
        if (strcasecmp(words[i], key) == 0) {
            snprintf(path, sizeof path, "%s.%s", sections[section].name, words[i]);
            put_value(reader, path, value, origin);
            return;
        }
    for (int i = 0; i < count; ++i) {
        snprintf(names[i], sizeof names[i], "MDSWEEP_%s_%s", sections[section].name, words[i]);
        for (char *p = names[i]; *p; ++p)
            *p = (char)toupper((unsigned char)*p);
        words[i] = names[i];
    }
    near = mds_nearest_word(variable, words, count);
    mds_problems_add(reader->problems, "", 0, "%s: unknown environment variable%s%s%s", variable,
                     near ? ", did you mean " : "", near ? near : "", near ? "?" : "");
}

static void put_environment(mds_config_reader *reader)
{
    static const char prefix[] = "MDSWEEP_";

    for (char **entry = environ; entry && *entry; ++entry) {
        const char *equals = strchr(*entry, '=');
        char variable[128];

        if (strncmp(*entry, prefix, sizeof prefix - 1) != 0 || !equals || !equals[1] ||
            (size_t)(equals - *entry) >= sizeof variable)
            continue;
        snprintf(variable, sizeof variable, "%.*s", (int)(equals - *entry), *entry);
        const char *rest = variable + sizeof prefix - 1;
        for (int s = 0; s < SECTIONS; ++s) {
            const size_t length = strlen(sections[s].name);

            if (strncasecmp(rest, sections[s].name, length) == 0 && rest[length] == '_')
                put_variable(reader, s, variable, rest + length + 1, equals + 1);
        }
    }
}

static void put_assignment(mds_config_reader *reader, const char *text)
{
    const char *equals = strchr(text, '=');
    char path[256];
    char *origin = keep_origin(reader, "--set ", text);

    if (!origin)
        return;
    if (!equals || (size_t)(equals - text) >= sizeof path || !equals[1]) {
        mds_problems_add(reader->problems, "", 0, "%s: path=value is expected, as run.steps=100",
                         origin);
        return;
    }
    snprintf(path, sizeof path, "%.*s", (int)(equals - text), text);
    for (size_t n = strlen(path); n > 0 && path[n - 1] == ' '; --n)
        path[n - 1] = '\0';
    put_value(reader, path, equals + 1, origin);
}

void mds_config_overlay(mds_config_reader *reader, const mds_config_overrides *overrides)
{
    char number[24], *origin;

    put_environment(reader);
    if (!overrides)
        return;
    for (int i = 0; i < overrides->set_count; ++i)
        put_assignment(reader, overrides->set[i]);
    if (overrides->output && (origin = keep_origin(reader, "-o ", overrides->output)))
        put_text(reader, "output.file", overrides->output, origin);
    if (overrides->device && (origin = keep_origin(reader, "--device ", overrides->device)))
        put_text(reader, "run.device", overrides->device, origin);
    if (overrides->repeats) {
        snprintf(number, sizeof number, "%d", overrides->repeats);
        if ((origin = keep_origin(reader, "--repeats ", number)))
            put_value(reader, "sweep.repeats", number, origin);
    }
}
