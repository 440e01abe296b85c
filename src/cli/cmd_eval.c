/* `mdsweep eval STRUCTURE --model NAME`: energy, forces and stress of one structure. */
#include "cli/commands.h"
#include "cli/committee.h"

#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct evaluation {
    mds_structure structure;
    mds_model_spec spec;
    mds_device *device;
    mds_model *model;
    mds_state state;
    mds_regions regions;
    mds_scalars scalars;
    double *forces;
    bool stress_known;
    double stress[3][3];
    mds_committee committee; /* members 0: the model is none */
    double *expected_error;  /* (n) eV/Å, the model's own; NULL: it has none */
} evaluation;

/* "key=value" from --option: a number where the engine's table says so, else a text. */
static mds_status set_option(mds_options *options, const char *text)
{
    char key[64];
    const char *equal = strchr(text, '=');

    if (!equal || equal - text >= (int)sizeof key)
        return mds_fail(MDS_ERR_USAGE, "--option %s: key=value is right", text);
    snprintf(key, sizeof key, "%.*s", (int)(equal - text), text);
    const mds_option *option = mds_options_find(options, key);
    if (!option || option->type == MDS_OPTION_TEXT)
        return mds_options_set_text(options, key, equal + 1);
    if (option->type == MDS_OPTION_BOOL && strcmp(equal + 1, "true") == 0)
        return mds_options_set_number(options, key, 1.0);
    if (option->type == MDS_OPTION_BOOL && strcmp(equal + 1, "false") == 0)
        return mds_options_set_number(options, key, 0.0);
    char *end;
    const double number = strtod(equal + 1, &end);
    if (end == equal + 1 || *end)
        return mds_fail(MDS_ERR_USAGE, "--option %s: '%s' is not a number", text, equal + 1);
    return mds_options_set_number(options, key, number);
}

static mds_status make_spec(const mds_args *args, evaluation *e)
{
    const mds_structure *s = &e->structure;
    const char *name = mds_args_value(args, "model");
    const char *word = mds_args_value(args, "precision");
    mds_precision precision = MDS_PRECISION_AUTO;
    mds_status status = MDS_OK;
    mds_model_target target = {.species = s->species,
                               .n_atoms = s->n,
                               .periodic = s->box.periodic[0] && s->box.periodic[1] &&
                                           s->box.periodic[2]};
    int count;
    const char *const *options = mds_args_values(args, "option", &count);

    if (word)
        MDS_TRY(mds_precision_parse(word, &precision));
    MDS_TRY(mds_model_resolve(name ? name : "reference", &target, precision, &e->spec));
    for (int i = 0; i < count; ++i)
        MDS_TRY(set_option(&e->spec.options, options[i]));
    /* Created first: a damaged file is its own error, not just a reason for being unsupported. */
    MDS_TRY(mds_model_create(&e->spec, e->device, &e->model));
    MDS_TRY(mds_model_supports(&e->spec, &target, false, mds_device_get_kind(e->device)));
out:
    return status;
}

/* What the model thinks of its own forces, where it does. */
static mds_status ask_expected_error(evaluation *e)
{
    if (!e->spec.engine->expected_error)
        return MDS_OK;
    e->expected_error = malloc(((size_t)e->state.n + 1) * sizeof(double));
    if (!e->expected_error)
        return mds_fail(MDS_ERR_NOMEM, "no memory for the expected errors");
    const mds_status status = mds_model_expected_error(e->model, e->expected_error);
    if (status == MDS_OK)
        return MDS_OK;
    free(e->expected_error);
    e->expected_error = NULL;
    return status == MDS_ERR_UNSUPPORTED ? MDS_OK : status;
}

/* Computed twice: the first builds lists and touches memory, the second is what a step costs. */
static mds_status compute(evaluation *e)
{
    mds_status status = MDS_OK;
    const double volume = e->structure.box.volume;
    const bool want = (e->spec.engine->caps & MDS_CAP_STRESS) && volume > 0.0;

    MDS_TRY(mds_state_init(&e->state, e->device, &e->structure));
    MDS_TRY(mds_model_prepare(e->model, &e->state));
    MDS_TRY(mds_model_compute(e->model, &e->state, want ? MDS_WANT_VIRIAL : 0));
    e->regions = (mds_regions){.device = e->device, .on = true};
    mds_model_set_regions(e->model, &e->regions);
    mds_regions_reset(&e->regions);
    MDS_TRY(mds_model_compute(e->model, &e->state, want ? MDS_WANT_VIRIAL : 0));
    MDS_TRY(mds_device_sync(e->device));
    MDS_TRY(mds_state_fetch_scalars(&e->state, &e->scalars));
    e->forces = malloc(((size_t)e->state.n * 3 + 1) * sizeof(double));
    if (!e->forces) {
        status = mds_fail(MDS_ERR_NOMEM, "no memory for the forces");
        goto out;
    }
    MDS_TRY(mds_device_copy(e->device, e->forces, e->state.f,
                            (size_t)e->state.n * 3 * sizeof(double), MDS_COPY_TO_HOST));
    e->stress_known = want;
    for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b)
            e->stress[a][b] = want ? -e->scalars.virial_eV[a][b] / volume : NAN;
    if (!isfinite(e->scalars.potential_eV))
        status = mds_fail(MDS_ERR_NUMERIC, "the energy is not a number");
    if (status == MDS_OK)
        status = ask_expected_error(e);
    if (status == MDS_OK && mds_model_members(e->model) > 1)
        status =
            mds_committee_compute(&e->spec, mds_model_members(e->model), &e->state, &e->committee);
out:
    return status;
}

static void add_vector(mds_strbuf *out, const double *v)
{
    mds_strbuf_add(out, "[");
    for (int k = 0; k < 3; ++k) {
        mds_strbuf_add(out, "%s", k ? ", " : "");
        mds_strbuf_add_json_number(out, v[k]);
    }
    mds_strbuf_add(out, "]");
}

static void add_vectors(mds_strbuf *out, const double *v, int count)
{
    mds_strbuf_add(out, "[");
    for (int i = 0; i < count; ++i) {
        mds_strbuf_add(out, "%s", i ? ", " : "");
        add_vector(out, v + (size_t)i * 3);
    }
    mds_strbuf_add(out, "]");
}

static void add_committee_json(const evaluation *e, mds_strbuf *out)
{
    const mds_committee *c = &e->committee;

    mds_strbuf_add(out, ", \"committee\": {\"members\": %d, \"energy\": [", c->members);
    for (int m = 0; m < c->members; ++m) {
        mds_strbuf_add(out, "%s", m ? ", " : "");
        mds_strbuf_add_json_number(out, c->energy[m]);
    }
    mds_strbuf_add(out, "], \"energy_std\": ");
    mds_strbuf_add_json_number(out, c->energy_std);
    mds_strbuf_add(out, ", \"energy_std_per_atom\": ");
    mds_strbuf_add_json_number(out, c->energy_std / e->state.n);
    mds_strbuf_add(out, ", \"forces_std\": ");
    add_vectors(out, c->forces_std, e->state.n);
    mds_strbuf_add(out, "}");
}

static void add_json(const evaluation *e, mds_strbuf *out)
{
    mds_strbuf_add(out, "{\"model\": ");
    mds_strbuf_add_json(out, e->spec.name);
    mds_strbuf_add(out, ", \"engine\": ");
    mds_strbuf_add_json(out, e->spec.engine->name);
    mds_strbuf_add(out, ", \"device\": ");
    mds_strbuf_add_json(out, mds_device_get_info(e->device)->name);
    mds_strbuf_add(out, ", \"precision\": ");
    mds_strbuf_add_json(out, mds_precision_name(e->spec.precision));
    if (mds_model_is_synthetic(&e->spec))
        mds_strbuf_add(out, ", \"synthetic\": true");
    mds_strbuf_add(out, ", \"n_atoms\": %d, \"energy\": ", e->state.n);
    mds_strbuf_add_json_number(out, e->scalars.potential_eV);
    mds_strbuf_add(out, ", \"forces\": ");
    add_vectors(out, e->forces, e->state.n);
    mds_strbuf_add(out, ", \"stress\": ");
    if (e->stress_known)
        add_vectors(out, &e->stress[0][0], 3);
    else
        mds_strbuf_add(out, "null");
    if (e->committee.members)
        add_committee_json(e, out);
    if (e->expected_error) {
        mds_strbuf_add(out, ", \"expected_force_error\": [");
        for (int i = 0; i < e->state.n; ++i) {
            mds_strbuf_add(out, "%s", i ? ", " : "");
            mds_strbuf_add_json_number(out, e->expected_error[i]);
        }
        mds_strbuf_add(out, "]");
    }
    mds_strbuf_add(out, ", \"components_ms\": {");
    bool first = true;
    for (int r = 0; r < MDS_REGION_COUNT; ++r) {
        if (!e->regions.seen[r])
            continue;
        mds_strbuf_add(out, "%s\"%s\": ", first ? "" : ", ", mds_region_key((mds_region)r));
        mds_strbuf_add_json_number(out, 1e3 * e->regions.seconds[r]);
        first = false;
    }
    mds_strbuf_add(out, "}}\n");
}

/* Rounding noise is shown as a plain zero. */
static double shown(double x)
{
    return fabs(x) < 5e-13 ? 0.0 : x;
}

/* A screenful; the other formats have them all. */
static void add_forces(const evaluation *e, mds_strbuf *out)
{
    enum { SHOWN = 32 };

    mds_strbuf_add(out, "forces in eV/A\n");
    for (int i = 0; i < e->state.n && i < SHOWN; ++i) {
        const double *f = e->forces + (size_t)i * 3;
        const int z = e->structure.species.z[e->structure.type[i]];

        mds_strbuf_add(out, "%5d %-2s %16.10f %16.10f %16.10f\n", i, mds_element_symbol(z),
                       shown(f[0]), shown(f[1]), shown(f[2]));
    }
    if (e->state.n > SHOWN)
        mds_strbuf_add(out, "%d more atoms: --format json or xyz\n", e->state.n - SHOWN);
}

static double longest(const double *v, int count)
{
    double largest = 0.0;

    for (int i = 0; i < count; ++i, v += 3)
        largest = fmax(largest, sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]));
    return largest;
}

static void add_committee_text(const evaluation *e, mds_strbuf *out)
{
    const mds_committee *c = &e->committee;
    double sum = 0.0;

    for (int k = 0; k < 3 * e->state.n; ++k)
        sum += c->forces_std[k] * c->forces_std[k];
    mds_strbuf_add(out, "committee %d members, standard deviation of the energy %.10f eV",
                   c->members, c->energy_std);
    mds_strbuf_add(out, " (%.10f eV/atom)\n", c->energy_std / e->state.n);
    mds_strbuf_add(out, "          of the force of an atom %.10f rms, %.10f largest, eV/A\n",
                   sqrt(sum / e->state.n), longest(c->forces_std, e->state.n));
}

static void add_expected_error(const evaluation *e, mds_strbuf *out)
{
    double sum = 0.0;
    int worst = 0;

    for (int i = 0; i < e->state.n; ++i) {
        sum += e->expected_error[i];
        if (e->expected_error[i] > e->expected_error[worst])
            worst = i;
    }
    mds_strbuf_add(out, "confidence the model expects force errors of %.4f eV/A, %.4f at atom %d\n",
                   sum / e->state.n, e->expected_error[worst], worst);
}

static void add_text(const evaluation *e, mds_strbuf *out)
{
    mds_strbuf_add(out, "model     %s (%s, %s, %s)\n", e->spec.name, e->spec.engine->name,
                   mds_precision_name(e->spec.precision), mds_device_get_info(e->device)->name);
    mds_strbuf_add(out, "atoms     %d\nenergy    %.10f eV (%.10f eV/atom)\n", e->state.n,
                   e->scalars.potential_eV, e->scalars.potential_eV / e->state.n);
    mds_strbuf_add(out, "max force %.10f eV/A\n", longest(e->forces, e->state.n));
    if (mds_model_is_synthetic(&e->spec))
        mds_strbuf_add(out, "SYNTHETIC weights: only the times mean anything\n");
    if (e->committee.members)
        add_committee_text(e, out);
    if (e->expected_error)
        add_expected_error(e, out);
    for (int a = 0; e->stress_known && a < 3; ++a)
        mds_strbuf_add(out, "%s %16.12f %16.12f %16.12f%s\n", a ? "         " : "stress   ",
                       shown(e->stress[a][0]), shown(e->stress[a][1]), shown(e->stress[a][2]),
                       a ? "" : " eV/A^3");
    for (int r = 0; r < MDS_REGION_COUNT; ++r)
        if (e->regions.seen[r])
            mds_strbuf_add(out, "%-16s %.4f ms\n", mds_region_key((mds_region)r),
                           1e3 * e->regions.seconds[r]);
    add_forces(e, out);
}

static mds_status write_result(const mds_args *args, const evaluation *e, int *code)
{
    const char *format = mds_args_value(args, "format");
    const char *file = mds_args_value(args, "output");
    mds_strbuf text = {0};
    mds_status status = MDS_OK;

    if (!format || strcmp(format, "text") == 0) {
        add_text(e, &text);
        *code = mds_cli_print(&text);
    } else if (strcmp(format, "json") == 0) {
        add_json(e, &text);
        *code = mds_cli_print(&text);
    } else {
        const mds_committee *c = &e->committee;
        const mds_xyz_results results = {.energy = &e->scalars.potential_eV,
                                         .forces = e->forces,
                                         .stress = e->stress_known ? &e->stress[0][0] : NULL,
                                         .energy_std = c->members ? &c->energy_std : NULL,
                                         .forces_std = c->forces_std};
        status = mds_xyz_write_results(file ? file : "/dev/stdout", false, &e->structure, &results);
    }
    mds_strbuf_fini(&text);
    return status;
}

static mds_status evaluate(const mds_args *args, evaluation *e, int *code)
{
    const char *format = mds_args_value(args, "format");
    const char *device = mds_args_value(args, "device");
    mds_status status = MDS_OK;
    long frame;

    if (format && strcmp(format, "text") != 0 && strcmp(format, "json") != 0 &&
        strcmp(format, "xyz") != 0)
        return mds_fail(MDS_ERR_USAGE, "--format %s: text, json or xyz is right", format);
    MDS_TRY(mds_args_int(args, "frame", -1000000000, 1000000000, 0, &frame));
    MDS_TRY(mds_xyz_read(args->positional[0], (int)frame, &e->structure));
    if (!device || strcmp(device, "auto") == 0)
        device = "cpu";
    MDS_TRY(mds_device_open(device, &e->device));
    MDS_TRY(make_spec(args, e));
    MDS_TRY(compute(e));
    MDS_TRY(write_result(args, e, code));
out:
    return status;
}

static int eval_command(const mds_args *args)
{
    evaluation *e = calloc(1, sizeof *e);
    int code = 0;

    if (!e)
        return mds_cli_fail(mds_fail(MDS_ERR_NOMEM, "no memory for the evaluation"));
    const mds_status status = evaluate(args, e, &code);
    if (status != MDS_OK)
        code = mds_cli_fail(status);
    mds_model_destroy(e->model);
    mds_state_fini(&e->state);
    mds_device_close(e->device);
    mds_structure_fini(&e->structure);
    mds_committee_fini(&e->committee);
    free(e->expected_error);
    free(e->forces);
    free(e);
    return code;
}

static const mds_flag eval_flags[] = {
    {"model", 'm', "NAME", "built-in model (default reference); see 'mdsweep list models'"},
    {"option", 0, "KEY=VALUE", "option of the model's engine, e.g. file=Cu.eam.alloy; repeatable"},
    {"precision", 0, "WORD", "fp64 (default of the classical models), fp32, ..."},
    {"device", 0, "NAME", "cpu (default), sim or cuda"},
    {"frame", 0, "N", "frame of the file, from 0; -1 is the last (default 0)"},
    {"format", 0, "WORD", "text, json or xyz"},
    {"output", 'o', "FILE", "file for --format xyz (default: standard output)"},
    {0},
};

const mds_command mds_command_eval = {
    .name = "eval",
    .synopsis = "eval STRUCTURE --model NAME [options]",
    .summary = "energy, forces and stress of one extended-XYZ structure",
    .details =
        "Units: A, eV, eV/A, eV/A^3. Stress is (1/V) dE/dstrain, tension positive, as in ASE.\n"
        "A committee of networks (ani) also gives the standard deviation of its members, in the\n"
        "energy and in each component of the forces; --option member=K is one of them alone.",
    .flags = eval_flags,
    .positional_min = 1,
    .positional_max = 1,
    .run = eval_command,
};
