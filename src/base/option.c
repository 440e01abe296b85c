#include "base/option.h"

#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void mds_options_init(mds_options *options, const mds_option *table)
{
    memset(options, 0, sizeof *options);
    options->table = table;
    for (int i = 0; table && table[i].key; ++i) {
        assert(i < MDS_OPTION_MAX);
        options->value[i].number = table[i].preset;
        if (table[i].preset_text)
            snprintf(options->value[i].text, MDS_OPTION_TEXT_SIZE, "%s", table[i].preset_text);
        options->count = i + 1;
    }
}

static int index_of(const mds_options *options, const char *key)
{
    for (int i = 0; i < options->count; ++i)
        if (strcmp(options->table[i].key, key) == 0)
            return i;
    return -1;
}

const mds_option *mds_options_find(const mds_options *options, const char *key)
{
    const int i = index_of(options, key);

    return i < 0 ? NULL : &options->table[i];
}

static mds_status unknown_key(const mds_options *options, const char *key)
{
    const char *words[MDS_OPTION_MAX];

    for (int i = 0; i < options->count; ++i)
        words[i] = options->table[i].key;
    const char *near = mds_nearest_word(key, words, options->count);
    if (near)
        return mds_fail(MDS_ERR_CONFIG, "unknown option '%s', did you mean '%s'?", key, near);
    return mds_fail(MDS_ERR_CONFIG, "unknown option '%s'%s", key,
                    options->count ? "" : " (none is taken here)");
}

mds_status mds_options_set_number(mds_options *options, const char *key, double value)
{
    const int i = index_of(options, key);

    if (i < 0)
        return unknown_key(options, key);
    const mds_option *o = &options->table[i];
    const char *unit = o->unit ? o->unit : "";
    if (o->type == MDS_OPTION_TEXT)
        return mds_fail(MDS_ERR_CONFIG, "option '%s' takes a text in quotes, not a number", key);
    if (!isfinite(value))
        return mds_fail(MDS_ERR_CONFIG, "option '%s' must be a finite number", key);
    if (o->type != MDS_OPTION_REAL && value != floor(value))
        return mds_fail(MDS_ERR_CONFIG, "option '%s' takes a whole number, not %g", key, value);
    if (o->type == MDS_OPTION_BOOL && value != 0.0 && value != 1.0)
        return mds_fail(MDS_ERR_CONFIG, "option '%s' takes true or false", key);
    if ((o->min != 0.0 || o->max != 0.0) && (value < o->min || value > o->max))
        return mds_fail(MDS_ERR_CONFIG, "option '%s' = %g is outside %g to %g %s", key, value,
                        o->min, o->max, unit);
    options->value[i].number = value;
    options->value[i].given = true;
    return MDS_OK;
}

static mds_status check_choice(const mds_option *o, const char *value)
{
    char all[256] = "";
    int count = 0;

    for (; o->choices[count]; ++count) {
        if (strcmp(o->choices[count], value) == 0)
            return MDS_OK;
        const size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%s%s", count ? ", " : "", o->choices[count]);
    }
    return mds_fail(MDS_ERR_CONFIG, "option '%s' = \"%s\" is not one of %s", o->key, value, all);
}

mds_status mds_options_set_text(mds_options *options, const char *key, const char *value)
{
    const int i = index_of(options, key);

    if (i < 0)
        return unknown_key(options, key);
    const mds_option *o = &options->table[i];
    if (o->type != MDS_OPTION_TEXT)
        return mds_fail(MDS_ERR_CONFIG, "option '%s' takes a %s, not the text \"%s\"", key,
                        o->type == MDS_OPTION_BOOL ? "true or false" : "number", value);
    if (strlen(value) >= MDS_OPTION_TEXT_SIZE)
        return mds_fail(MDS_ERR_CONFIG, "option '%s': text longer than %d bytes", key,
                        MDS_OPTION_TEXT_SIZE - 1);
    if (o->choices) {
        const mds_status status = check_choice(o, value);
        if (status != MDS_OK)
            return status;
    }
    snprintf(options->value[i].text, MDS_OPTION_TEXT_SIZE, "%s", value);
    options->value[i].given = true;
    return MDS_OK;
}

static const mds_option_value *value_of(const mds_options *options, const char *key)
{
    const int i = index_of(options, key);

    assert(i >= 0 && "option was not declared in the plug-in's table");
    return &options->value[i];
}

double mds_options_real(const mds_options *options, const char *key)
{
    return value_of(options, key)->number;
}

int mds_options_int(const mds_options *options, const char *key)
{
    return (int)value_of(options, key)->number;
}

bool mds_options_bool(const mds_options *options, const char *key)
{
    return value_of(options, key)->number != 0.0;
}

const char *mds_options_text(const mds_options *options, const char *key)
{
    return value_of(options, key)->text;
}

bool mds_options_given(const mds_options *options, const char *key)
{
    return value_of(options, key)->given;
}

char *mds_options_format(const mds_options *options, char *out, size_t size)
{
    size_t used = 0;

    if (size)
        out[0] = '\0';
    for (int i = 0; i < options->count && used < size; ++i) {
        const mds_option *o = &options->table[i];
        const mds_option_value *v = &options->value[i];

        if (!v->given)
            continue;
        const char *gap = used ? " " : "";
        const int count =
            o->type == MDS_OPTION_TEXT
                ? snprintf(out + used, size - used, "%s%s=%s", gap, o->key, v->text)
                : snprintf(out + used, size - used, "%s%s=%.17g", gap, o->key, v->number);
        used += count > 0 ? (size_t)count : 0;
    }
    return out;
}
