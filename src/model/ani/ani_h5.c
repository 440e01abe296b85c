#include "model/ani/ani_h5.h"

#include "md/species.h"
#include "model/weights.h"

#include <stdio.h>
#include <string.h>

static const char format[] = "mdsweep-ani-weights";
enum { MAJOR = 1, NODES_MAX = 4096 };

/* "H C N O". */
static mds_status read_elements(ani_weights *out)
{
    char text[8 * ANI_ELEMENTS_MAX];
    const mds_status status = mds_weights_attribute_text(out->file, "elements", text, sizeof text);
    const char *at = text;
    int used;

    if (status != MDS_OK)
        return status;
    for (at += strspn(at, " "); *at; at += used, at += strspn(at, " ")) {
        char *symbol = out->symbol[out->elements];

        if (out->elements == ANI_ELEMENTS_MAX)
            return mds_fail(MDS_ERR_UNSUPPORTED, "%s: more than %d elements", out->folder,
                            ANI_ELEMENTS_MAX);
        used = 0;
        if (sscanf(at, "%3[A-Za-z]%n", symbol, &used) != 1 || (at[used] && at[used] != ' ') ||
            !(out->z[out->elements] = mds_element_number(symbol)))
            return mds_fail(MDS_ERR_CONFIG, "%s: elements: '%.8s' is not an element", out->folder,
                            at);
        for (int i = 0; i < out->elements; ++i)
            if (out->z[i] == out->z[out->elements])
                return mds_fail(MDS_ERR_CONFIG, "%s: elements: %s twice", out->folder, symbol);
        ++out->elements;
    }
    return out->elements ? MDS_OK
                         : mds_fail(MDS_ERR_CONFIG, "%s: elements: there are none", out->folder);
}

static mds_status positive(const ani_weights *w, const char *name, double *out)
{
    const mds_status status = mds_weights_read(w->file, name, MDS_WEIGHTS_F64, 0, NULL, out);

    if (status != MDS_OK || *out > 0.0)
        return status;
    return mds_fail(MDS_ERR_CONFIG, "%s: tensor '%s' is %g; it must be positive", w->folder, name,
                    *out);
}

static mds_status shifts(const ani_weights *w, const char *name, double *out, int *count)
{
    mds_weights_shape_info shape;
    const mds_status status = mds_weights_shape(w->file, name, &shape);

    if (status != MDS_OK)
        return status;
    if (shape.rank != 1 || shape.count < 1 || shape.count > ANI_SHIFTS_MAX)
        return mds_fail(MDS_ERR_CONFIG, "%s: tensor '%s' must be a list of 1 to %d numbers",
                        w->folder, name, ANI_SHIFTS_MAX);
    *count = (int)shape.count;
    return mds_weights_read(w->file, name, MDS_WEIGHTS_F64, 1, shape.dim, out);
}

static mds_status read_descriptor(ani_weights *out)
{
    ani_descriptor *d = &out->descriptor;
    mds_status status;

    MDS_TRY(positive(out, "descriptor/radial_cutoff_A", &d->radial_cutoff));
    MDS_TRY(positive(out, "descriptor/angular_cutoff_A", &d->angular_cutoff));
    MDS_TRY(positive(out, "descriptor/radial_eta", &d->eta_r));
    MDS_TRY(positive(out, "descriptor/angular_eta", &d->eta_a));
    MDS_TRY(positive(out, "descriptor/zeta", &d->zeta));
    MDS_TRY(shifts(out, "descriptor/radial_shift_A", d->shift_r, &d->n_radial));
    MDS_TRY(shifts(out, "descriptor/angular_shift_A", d->shift_a, &d->n_angular));
    MDS_TRY(shifts(out, "descriptor/section_rad", d->shift_z, &d->n_sections));
    if (d->angular_cutoff > d->radial_cutoff || d->radial_cutoff > ANI_CUTOFF_MAX)
        status = mds_fail(MDS_ERR_CONFIG,
                          "%s: angular cutoff %g <= radial cutoff %g <= %d is right", out->folder,
                          d->angular_cutoff, d->radial_cutoff, ANI_CUTOFF_MAX);
out:
    return status;
}

/* Words that may be one of few. The unit of energy has a preset, since published files have none.
 */
static mds_status read_words(ani_weights *out)
{
    char text[64];
    mds_status status;

    MDS_TRY(mds_weights_attribute_text(out->file, "activation", text, sizeof text));
    if (strcmp(text, "celu") != 0)
        return mds_fail(MDS_ERR_UNSUPPORTED, "%s: activation '%s'; 'celu' is known", out->folder,
                        text);
    if (!mds_weights_has_attribute(out->file, "energy_unit"))
        return MDS_OK;
    MDS_TRY(mds_weights_attribute_text(out->file, "energy_unit", text, sizeof text));
    if (strcmp(text, "eV") == 0)
        out->energy_unit_eV = 1.0;
    else if (strcmp(text, "hartree") != 0)
        return mds_fail(MDS_ERR_CONFIG, "%s: energy_unit '%s'; 'hartree' and 'eV' are right",
                        out->folder, text);
out:
    return status;
}

mds_status ani_h5_open(const char *path, ani_weights *out)
{
    mds_status status;

    MDS_TRY(mds_weights_open(path, format, MAJOR, &out->file));
    MDS_TRY(read_words(out));
    MDS_TRY(read_elements(out));
    MDS_TRY(mds_weights_attribute_int(out->file, "members", 1, ANI_MEMBERS_MAX, &out->members));
    MDS_TRY(read_descriptor(out));
    MDS_TRY(mds_weights_read(out->file, "self_energy", MDS_WEIGHTS_F64, 1,
                             (int64_t[]){out->elements}, out->self_energy));
out:
    if (status != MDS_OK)
        ani_weights_close(out);
    return status;
}

static void name_tensor(const ani_weights *w, int member, int element, int layer, const char *which,
                        char name[64])
{
    snprintf(name, 64, "member/%d/%s/%d/%s", member, w->symbol[element], layer, which);
}

/* The shape of one network, which must lead from the descriptor to one number. */
static mds_status check_net(ani_weights *w, int member, int element)
{
    ani_net *net = &w->net[member][element];
    int in = ani_descriptor_length(&w->descriptor, w->elements);
    mds_weights_shape_info shape;
    char name[64];
    mds_status status;

    for (net->layers = 0; net->layers < ANI_LAYERS_MAX; ++net->layers) {
        ani_layer *layer = &net->layer[net->layers];

        name_tensor(w, member, element, net->layers, "weight", name);
        if (net->layers > 0 && !mds_weights_has(w->file, name))
            break;
        MDS_TRY(mds_weights_shape(w->file, name, &shape));
        if (shape.rank != 2 || shape.dim[1] != in || shape.dim[0] < 1 || shape.dim[0] > NODES_MAX)
            return mds_fail(MDS_ERR_CONFIG,
                            "%s: tensor '%s' must have the shape [outputs,%d] with 1 to %d outputs",
                            w->folder, name, in, NODES_MAX);
        *layer = (ani_layer){.in = in, .out = (int)shape.dim[0]};
        in = layer->out;
        mds_weights_skip(w->file, name);
        name_tensor(w, member, element, net->layers, "bias", name);
        MDS_TRY(mds_weights_shape(w->file, name, &shape));
        if (shape.count != in)
            return mds_fail(MDS_ERR_CONFIG, "%s: tensor '%s' has %lld numbers; %d is right",
                            w->folder, name, (long long)shape.count, in);
        mds_weights_skip(w->file, name);
    }
    if (net->layers < 2 || in != 1)
        return mds_fail(MDS_ERR_CONFIG,
                        "%s: member/%d/%s: %d layer%s with %d output%s at the end; 2 to %d layers "
                        "and one output are right",
                        w->folder, member, w->symbol[element], net->layers,
                        net->layers == 1 ? "" : "s", in, in == 1 ? "" : "s", ANI_LAYERS_MAX);
out:
    return status;
}

mds_status ani_h5_check(ani_weights *w)
{
    for (int m = 0; m < w->members; ++m)
        for (int e = 0; e < w->elements; ++e) {
            const mds_status status = check_net(w, m, e);

            if (status != MDS_OK)
                return status;
        }
    return mds_weights_refuse_unread(w->file);
}

mds_status ani_h5_read(const ani_weights *w, int member, int element, int layer, float *weight,
                       float *bias)
{
    const ani_layer *shape = &w->net[member][element].layer[layer];
    char name[64];

    name_tensor(w, member, element, layer, "weight", name);
    const mds_status status = mds_weights_read(w->file, name, MDS_WEIGHTS_F32, 2,
                                               (int64_t[]){shape->out, shape->in}, weight);
    if (status != MDS_OK)
        return status;
    name_tensor(w, member, element, layer, "bias", name);
    return mds_weights_read(w->file, name, MDS_WEIGHTS_F32, 1, (int64_t[]){shape->out}, bias);
}
