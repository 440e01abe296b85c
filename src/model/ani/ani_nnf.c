/* NeuroChem's description of a network (.nnf).
 *
 * Packed: ASCII decimal length, '=', newline, a bzip2 stream of so many bytes (the last one NUL).
 * Plain: the text itself. The text has `inputsize=N;`, then `layer [ key=value; ... ]` blocks. Only
 * the shapes, the activations and the names of the files are read; the rest is residue of training
 * and may be anything (one published file has l2valu=-nan). */
#include "model/ani/ani_weights.h"

#include <bzlib.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ACTIVATION_LINEAR = 6, ACTIVATION_CELU = 9, TEXT_MAX = 1 << 20 };

/* A heap string: the text, unpacked where it must be. */
static mds_status unpack(const char *path, const char *bytes, size_t length, char **out)
{
    char *digits_end;
    const long announced =
        length && isdigit((unsigned char)bytes[0]) ? strtol(bytes, &digits_end, 10) : 0;

    if (announced == 0) {
        *out = strndup(bytes, length);
        return *out ? MDS_OK : mds_fail(MDS_ERR_NOMEM, "%s: out of memory", path);
    }
    if (announced < 0 || announced > TEXT_MAX || digits_end[0] != '=' || digits_end[1] != '\n')
        return mds_fail(MDS_ERR_CONFIG,
                        "%s: begins with a digit but not with 'LENGTH=' and a bzip2 stream", path);
    const char *stream = digits_end + 2;
    unsigned size = (unsigned)announced;

    *out = calloc((size_t)size + 1, 1);
    if (!*out)
        return mds_fail(MDS_ERR_NOMEM, "%s: out of memory", path);
    /* The library takes a pointer to non-const, and does not write there. */
    const int code = BZ2_bzBuffToBuffDecompress(*out, &size, (char *)(uintptr_t)stream,
                                                (unsigned)(length - (size_t)(stream - bytes)), 0,
                                                0);
    if (code != BZ_OK || (long)size != announced) {
        free(*out);
        *out = NULL;
        return mds_fail(MDS_ERR_CONFIG, "%s: the bzip2 stream is damaged (%s)", path,
                        code == BZ_OK               ? "another length than announced"
                        : code == BZ_UNEXPECTED_EOF ? "it ends early"
                        : code == BZ_OUTBUFF_FULL   ? "longer than announced"
                                                    : "not bzip2 data");
    }
    return MDS_OK;
}

/* The text behind "key=" in [text, end) up to ';', or NULL. A key begins after a separator. */
static const char *find_value(const char *text, const char *end, const char *key)
{
    const size_t length = strlen(key);

    for (const char *at = text; (at = strstr(at, key)) && at < end; at += length)
        if (at[length] == '=' && (at == text || !isalnum((unsigned char)at[-1])))
            return at + length + 1;
    return NULL;
}

static bool find_int(const char *text, const char *end, const char *key, int *out)
{
    const char *value = find_value(text, end, key);
    char *after;

    if (!value)
        return false;
    const long number = strtol(value, &after, 10);
    if (after == value || *after != ';' || number < 0 || number > 1 << 20)
        return false;
    *out = (int)number;
    return true;
}

/* "FILE:name[count]". The name stays in its folder. */
static bool find_file(const char *text, const char *end, const char *key, char *name, long *count)
{
    const char *value = find_value(text, end, key);
    char tail;

    return value && sscanf(value, "FILE:%95[^][;/\n][%ld]%c", name, count, &tail) == 3 &&
           tail == ';';
}

static mds_status parse_layer(const char *path, int number, const char *text, const char *end,
                              ani_layer *layer, int *activation)
{
    long weights, biases;

    if (!find_int(text, end, "nodes", &layer->out) || layer->out == 0 ||
        !find_int(text, end, "blocksize", &layer->in) || layer->in == 0 ||
        !find_int(text, end, "activation", activation))
        return mds_fail(MDS_ERR_CONFIG,
                        "%s: layer %d lacks a good nodes=, blocksize= or activation=", path,
                        number);
    if (*activation != ACTIVATION_LINEAR && *activation != ACTIVATION_CELU)
        return mds_fail(MDS_ERR_UNSUPPORTED,
                        "%s: layer %d has activation %d; 9 (celu) and 6 (linear) are known", path,
                        number, *activation);
    if (!find_file(text, end, "weights", layer->weight_file, &weights) ||
        !find_file(text, end, "biases", layer->bias_file, &biases))
        return mds_fail(MDS_ERR_CONFIG,
                        "%s: layer %d lacks weights=FILE:name[count]; or biases=FILE:name[count];",
                        path, number);
    if (weights != (long)layer->in * layer->out || biases != layer->out)
        return mds_fail(MDS_ERR_CONFIG,
                        "%s: layer %d has %ld weights and %ld biases, but %d inputs and %d nodes",
                        path, number, weights, biases, layer->in, layer->out);
    return MDS_OK;
}

static mds_status parse_text(const char *path, const char *text, ani_net *net)
{
    const char *end = text + strlen(text);
    int input, activation = ACTIVATION_CELU;

    memset(net, 0, sizeof *net);
    if (!find_int(text, end, "inputsize", &input))
        return mds_fail(MDS_ERR_CONFIG, "%s: not the description of a network: no 'inputsize=N;'",
                        path);
    for (const char *at = text; (at = strstr(at, "layer"));) {
        const char *open = at + 5 + strspn(at + 5, " \t\r\n");

        at += 5;
        if (*open != '[')
            continue;
        const char *close = strstr(open, "\n]");
        if (!close)
            return mds_fail(MDS_ERR_CONFIG, "%s: layer %d does not end with ']'", path,
                            net->layers + 1);
        if (net->layers == ANI_LAYERS_MAX)
            return mds_fail(MDS_ERR_CONFIG, "%s: more than %d layers", path, ANI_LAYERS_MAX);
        if (activation != ACTIVATION_CELU)
            return mds_fail(MDS_ERR_UNSUPPORTED, "%s: layer %d is linear; only the last one may be",
                            path, net->layers);
        ani_layer *layer = &net->layer[net->layers++];
        const mds_status status = parse_layer(path, net->layers, open, close, layer, &activation);
        if (status != MDS_OK)
            return status;
        if (layer->in != input)
            return mds_fail(MDS_ERR_CONFIG, "%s: layer %d has %d inputs, but there are %d", path,
                            net->layers, layer->in, input);
        input = layer->out;
        at = close;
    }
    if (net->layers < 2 || input != 1 || activation != ACTIVATION_LINEAR)
        return mds_fail(MDS_ERR_CONFIG,
                        "%s: %d layers; two or more are right, the last one linear with one node",
                        path, net->layers);
    return MDS_OK;
}

mds_status ani_nnf_parse(const char *path, const char *bytes, size_t length, ani_net *out)
{
    char *text = NULL;
    mds_status status = unpack(path, bytes, length, &text);

    if (status == MDS_OK)
        status = parse_text(path, text, out);
    free(text);
    return status;
}
