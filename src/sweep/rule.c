#include "sweep/rule.h"

#include "case/study_keys.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t flags_per_rule(const mds_study *study)
{
    return (size_t)study->system_count + (size_t)study->size_count + (size_t)study->protocol_count +
           (size_t)study->model_count;
}

static bool has_name(const char *names, size_t stride, int count, const char *name)
{
    for (int i = 0; i < count; ++i)
        if (strcmp(names + (size_t)i * stride, name) == 0)
            return true;
    return false;
}

static bool has_size(const mds_rule *rule, int size)
{
    for (int i = 0; i < rule->sizes; ++i)
        if (rule->size[i] == size)
            return true;
    return false;
}

/* Takes its flags from `*memory`. */
static void compile(const mds_study *study, const mds_rule *rule, bool **memory,
                    mds_rule_flags *out)
{
    bool *flags = *memory;

    memset(out, 0, sizeof *out);
    out->system = rule->systems ? flags : NULL;
    for (int i = 0; i < study->system_count; ++i)
        *flags++ = has_name(rule->system[0], sizeof rule->system[0], rule->systems,
                            study->systems[i].name);
    out->size = rule->sizes ? flags : NULL;
    for (int i = 0; i < study->size_count; ++i)
        *flags++ = has_size(rule, study->sizes[i]);
    out->protocol = rule->protocols ? flags : NULL;
    for (int i = 0; i < study->protocol_count; ++i)
        *flags++ = has_name(rule->protocol[0], sizeof rule->protocol[0], rule->protocols,
                            study->protocols[i].name);
    out->model = rule->models ? flags : NULL;
    for (int i = 0; i < study->model_count; ++i)
        *flags++ =
            has_name(rule->model[0], sizeof rule->model[0], rule->models, study->models[i].name);
    *memory = flags;
}

mds_status mds_rules_init(mds_rules *rules, const mds_study *study)
{
    const size_t count = (size_t)study->exclude_count + (size_t)study->override_count;

    memset(rules, 0, sizeof *rules);
    rules->flags = calloc(count * flags_per_rule(study) + 1, sizeof *rules->flags);
    rules->exclude = calloc(count + 1, sizeof *rules->exclude);
    if (!rules->flags || !rules->exclude) {
        mds_rules_fini(rules);
        return mds_fail(MDS_ERR_NOMEM, "no memory for %d rules", (int)count);
    }
    rules->overrides = rules->exclude + study->exclude_count;
    rules->exclude_count = study->exclude_count;
    rules->override_count = study->override_count;
    bool *memory = rules->flags;
    for (int i = 0; i < study->exclude_count; ++i)
        compile(study, &study->exclude[i], &memory, &rules->exclude[i]);
    for (int i = 0; i < study->override_count; ++i)
        compile(study, &study->overrides[i].when, &memory, &rules->overrides[i]);
    return MDS_OK;
}

void mds_rules_fini(mds_rules *rules)
{
    free(rules->flags);
    free(rules->exclude);
    memset(rules, 0, sizeof *rules);
}

static bool matches(const mds_rule_flags *rule, const mds_case *point)
{
    return (!rule->system || rule->system[point->system]) &&
           (!rule->size || rule->size[point->size]) &&
           (!rule->protocol || rule->protocol[point->protocol]) &&
           (!rule->model || rule->model[point->model]);
}

bool mds_rules_exclude(const mds_rules *rules, const mds_case *point)
{
    for (int i = 0; i < rules->exclude_count; ++i)
        if (matches(&rules->exclude[i], point))
            return true;
    return false;
}

void mds_rules_run(const mds_rules *rules, const mds_study *study, const mds_case *point,
                   mds_run *out)
{
    *out = study->run;
    for (int i = 0; i < rules->override_count; ++i) {
        const mds_override *entry = &study->overrides[i];

        if (!matches(&rules->overrides[i], point))
            continue;
        for (const mds_field *f = mds_run_fields; f->option.key; ++f)
            if (entry->given & UINT32_C(1) << (f - mds_run_fields))
                mds_field_copy(f, out, &entry->run);
    }
    if (isnan(out->timestep_fs))
        out->timestep_fs = study->systems[point->system].class->timestep_fs;
}
