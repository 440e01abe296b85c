#include "cli/args.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find_flag(const mds_command *command, const char *name)
{
    for (int i = 0; command->flags && command->flags[i].name; ++i)
        if (strcmp(command->flags[i].name, name) == 0)
            return i;
    return -1;
}

static mds_status unknown_flag(const mds_command *command, const char *word)
{
    const char *names[MDS_ARGS_FLAGS_MAX];
    int count = 0;

    for (; command->flags && command->flags[count].name; ++count)
        names[count] = command->flags[count].name;
    const char *near = mds_nearest_word(word, names, count);
    if (near)
        return mds_fail(MDS_ERR_USAGE, "unknown option '--%s', did you mean '--%s'?", word, near);
    return mds_fail(MDS_ERR_USAGE, "unknown option '--%s'; see 'mdsweep %s --help'", word,
                    command->name);
}

static mds_status take(mds_args *args, int flag, const char *value)
{
    if (args->given[flag] == MDS_ARGS_REPEAT_MAX)
        return mds_fail(MDS_ERR_USAGE, "--%s given more than %d times",
                        args->command->flags[flag].name, MDS_ARGS_REPEAT_MAX);
    args->value[flag][args->given[flag]++] = value;
    return MDS_OK;
}

/* One option; *i is left at its last word. */
static mds_status parse_flag(mds_args *args, int *i)
{
    const char *word = args->argv[*i];
    const bool is_long = word[1] == '-';
    char name[64];
    const char *attached = NULL;
    int flag = -1;

    if (is_long) {
        const char *equal = strchr(word, '=');

        snprintf(name, sizeof name, "%.*s", equal ? (int)(equal - word - 2) : 63, word + 2);
        attached = equal ? equal + 1 : NULL;
        flag = find_flag(args->command, name);
    } else {
        snprintf(name, sizeof name, "%s", word + 1);
        for (int k = 0; args->command->flags && args->command->flags[k].name; ++k)
            if (args->command->flags[k].letter == word[1])
                flag = k;
        attached = word[2] ? word + 2 : NULL;
    }
    if (flag < 0)
        return unknown_flag(args->command, name);
    const mds_flag *f = &args->command->flags[flag];
    if (!f->argument) {
        if (attached)
            return mds_fail(MDS_ERR_USAGE, "--%s takes no value", f->name);
        return take(args, flag, "");
    }
    if (attached)
        return take(args, flag, attached);
    if (*i + 1 >= args->argc)
        return mds_fail(MDS_ERR_USAGE, "--%s needs a value: --%s %s", f->name, f->name,
                        f->argument);
    return take(args, flag, args->argv[++*i]);
}

mds_status mds_args_parse(const mds_command *command, int argc, char **argv, mds_args *out)
{
    mds_status status = MDS_OK;
    bool words_only = false;

    memset(out, 0, sizeof *out);
    out->command = command;
    out->argc = argc;
    out->argv = argv;
    for (int i = 1; i < argc && status == MDS_OK; ++i) {
        if (!words_only && strcmp(argv[i], "--") == 0)
            words_only = true;
        else if (!words_only && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0))
            out->help = true;
        else if (!words_only && argv[i][0] == '-' && argv[i][1])
            status = parse_flag(out, &i);
        else if (out->positional_count == command->positional_max)
            status = mds_fail(MDS_ERR_USAGE, "unexpected '%s'; usage: mdsweep %s", argv[i],
                              command->synopsis);
        else
            out->positional[out->positional_count++] = argv[i];
    }
    if (status == MDS_OK && !out->help && out->positional_count < command->positional_min)
        status = mds_fail(MDS_ERR_USAGE, "%s: something is missing; usage: mdsweep %s",
                          command->name, command->synopsis);
    return status;
}

int mds_args_given(const mds_args *args, const char *flag)
{
    const int i = find_flag(args->command, flag);

    return i < 0 ? 0 : args->given[i];
}

const char *mds_args_value(const mds_args *args, const char *flag)
{
    const int i = find_flag(args->command, flag);

    return i < 0 || args->given[i] == 0 ? NULL : args->value[i][args->given[i] - 1];
}

const char *const *mds_args_values(const mds_args *args, const char *flag, int *count)
{
    const int i = find_flag(args->command, flag);

    *count = i < 0 ? 0 : args->given[i];
    return i < 0 ? NULL : args->value[i];
}

mds_status mds_args_int(const mds_args *args, const char *flag, long lo, long hi, long preset,
                        long *out)
{
    const char *text = mds_args_value(args, flag);
    char *end = NULL;

    *out = preset;
    if (!text)
        return MDS_OK;
    errno = 0;
    *out = strtol(text, &end, 10);
    if (errno || end == text || *end || *out < lo || *out > hi)
        return mds_fail(MDS_ERR_USAGE, "--%s %s: a whole number from %ld to %ld is right", flag,
                        text, lo, hi);
    return MDS_OK;
}

void mds_args_help(const mds_command *command, mds_strbuf *out)
{
    mds_strbuf_add(out, "usage: mdsweep %s\n\n%s\n", command->synopsis, command->summary);
    if (command->details)
        mds_strbuf_add(out, "\n%s\n", command->details);
    mds_strbuf_add(out, "\noptions:\n");
    for (int i = 0; command->flags && command->flags[i].name; ++i) {
        const mds_flag *f = &command->flags[i];
        char left[64];

        char letter[8] = "    ";

        if (f->letter)
            snprintf(letter, sizeof letter, "-%c, ", f->letter);
        snprintf(left, sizeof left, "%s--%s%s%s", letter, f->name, f->argument ? " " : "",
                 f->argument ? f->argument : "");
        mds_strbuf_add(out, "  %-28s %s\n", left, f->help);
    }
    mds_strbuf_add(out, "  %-28s %s\n", "-h, --help", "this text");
}
