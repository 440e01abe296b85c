#include "base/strbuf.h"
#include "base/text.h"
#include "model/weights_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED = 8 };

const char *mds_weights_path(const mds_weights *weights)
{
    return weights->path;
}

static mds_tensor *find(const mds_weights *w, const char *name)
{
    const mds_tensor key = {.name = (char *)(uintptr_t)name};

    return w->count
               ? bsearch(&key, w->tensors, (size_t)w->count, sizeof *w->tensors, mds_tensor_by_name)
               : NULL;
}

static mds_status missing(const mds_weights *w, const char *name)
{
    const char **names = calloc((size_t)w->count + 1, sizeof *names);
    const char *nearest = NULL;

    for (int i = 0; names && i < w->count; ++i)
        names[i] = w->tensors[i].name;
    if (names)
        nearest = mds_nearest_word(name, names, w->count);
    free(names);
    return mds_fail(MDS_ERR_CONFIG, "%s: no tensor '%s'%s%s%s", w->path, name,
                    nearest ? "; there is '" : "", nearest ? nearest : "", nearest ? "'" : "");
}

int mds_weights_count(const mds_weights *weights)
{
    return weights->count;
}

const char *mds_weights_name(const mds_weights *weights, int i)
{
    return weights->tensors[i].name;
}

bool mds_weights_has(const mds_weights *weights, const char *name)
{
    return find(weights, name) != NULL;
}

mds_status mds_weights_shape(const mds_weights *weights, const char *name,
                             mds_weights_shape_info *out)
{
    mds_tensor *t = find(weights, name);

    if (!t)
        return missing(weights, name);
    const mds_status status = mds_weights_describe(weights, t);
    *out = t->shape;
    return status;
}

static char *format_shape(int rank, const int64_t *dims, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "[");

    for (int i = 0; i < rank && used < size; ++i)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%lld", i ? "," : "", (long long)dims[i]);
    if (used < size)
        snprintf(out + used, size - used, "]");
    return out;
}

/* Equal but for dimensions of length 1. */
static bool same_shape(const mds_weights_shape_info *shape, int rank, const int64_t *dims)
{
    int i = 0, j = 0;

    for (;;) {
        while (i < shape->rank && shape->dim[i] == 1)
            ++i;
        while (j < rank && dims[j] == 1)
            ++j;
        if (i == shape->rank || j == rank)
            return i == shape->rank && j == rank;
        if (shape->dim[i++] != dims[j++])
            return false;
    }
}

mds_status mds_weights_read(mds_weights *weights, const char *name, mds_weights_real real, int rank,
                            const int64_t *dims, void *out)
{
    mds_tensor *t = find(weights, name);
    char is[128], want[128];

    if (!t)
        return missing(weights, name);
    mds_status status = mds_weights_describe(weights, t);
    if (status != MDS_OK)
        return status;
    if (!same_shape(&t->shape, rank, dims))
        return mds_fail(MDS_ERR_CONFIG, "%s: tensor '%s' has the shape %s; %s is right",
                        weights->path, name,
                        format_shape(t->shape.rank, t->shape.dim, is, sizeof is),
                        format_shape(rank, dims, want, sizeof want));
    const size_t count = (size_t)t->shape.count;
    /* Into the caller's array at once, unless the stored numbers are wider. */
    const bool direct = t->shape.stored <= real;
    void *work = direct ? out : malloc((count ? count : 1) * sizeof(double));
    if (!work)
        return mds_fail(MDS_ERR_NOMEM, "%s: no memory for tensor '%s'", weights->path, name);
    status = mds_weights_load(weights, t, real, work);
    if (status == MDS_OK && !direct)
        memcpy(out, work, count * (size_t)real);
    if (!direct)
        free(work);
    t->known = t->known || status == MDS_OK;
    return status;
}

void mds_weights_skip(mds_weights *weights, const char *name)
{
    mds_tensor *t = find(weights, name);

    if (t)
        t->known = true;
}

int mds_weights_unread(const mds_weights *weights)
{
    int unread = 0;

    for (int i = 0; i < weights->count; ++i)
        unread += !weights->tensors[i].known;
    return unread;
}

mds_status mds_weights_refuse_unread(const mds_weights *weights)
{
    const int unread = mds_weights_unread(weights);
    mds_strbuf names = {0};
    int listed = 0;

    if (unread == 0)
        return MDS_OK;
    for (int i = 0; i < weights->count && listed < LISTED; ++i)
        if (!weights->tensors[i].known)
            mds_strbuf_add(&names, "%s%s", listed++ ? ", " : "", weights->tensors[i].name);
    if (unread > listed)
        mds_strbuf_add(&names, " and %d more", unread - listed);
    const mds_status status =
        mds_fail(MDS_ERR_CONFIG, "%s: %d tensor%s that this model does not have: %s", weights->path,
                 unread, unread == 1 ? "" : "s", mds_strbuf_text(&names));
    mds_strbuf_fini(&names);
    return status;
}
