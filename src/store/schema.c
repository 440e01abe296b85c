#include "store/row.h"

#include <stdio.h>
#include <string.h>

#define MEMBER(member) offsetof(mds_row, member), sizeof(((mds_row *)0)->member)

static const mds_column fixed[] = {
    {"key", MDS_COLUMN_TEXT, MDS_COLUMN_PLAN, MEMBER(key), "1",
     "hash of the case's canonical text"},
    {"system", MDS_COLUMN_TEXT, MDS_COLUMN_PLAN, MEMBER(system), "1", "system"},
    {"protocol", MDS_COLUMN_TEXT, MDS_COLUMN_PLAN, MEMBER(protocol), "1", "protocol"},
    {"model", MDS_COLUMN_TEXT, MDS_COLUMN_PLAN, MEMBER(model), "1", "model"},
    {"engine", MDS_COLUMN_TEXT, MDS_COLUMN_PLAN, MEMBER(engine), "1", "engine"},
    {"precision", MDS_COLUMN_TEXT, MDS_COLUMN_PLAN, MEMBER(precision), "1", "precision"},
    {"teacher", MDS_COLUMN_TEXT, MDS_COLUMN_PLAN, MEMBER(teacher), "1",
     "model that the others are compared with; empty: none"},
    {"n_atoms_asked", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(n_atoms_asked), "1",
     "number of atoms asked for"},
    {"n_atoms", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(n_atoms), "1", "actual number of atoms"},
    {"repeat", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(repeat), "1", "repeat, from 0"},
    {"seed", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(seed), "1", "seed of the study"},
    {"steps", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(steps), "1", "steady steps asked for"},
    {"warmup_asked", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(warmup_asked), "1",
     "warm-up steps asked for"},
    {"dt_fs", MDS_COLUMN_F8, MDS_COLUMN_PLAN, MEMBER(dt_fs), "fs", "time step"},
    {"temperature_K", MDS_COLUMN_F8, MDS_COLUMN_PLAN, MEMBER(temperature_K), "K",
     "temperature asked for"},
    {"pressure_GPa", MDS_COLUMN_F8, MDS_COLUMN_PLAN, MEMBER(pressure_GPa), "GPa",
     "pressure asked for"},
    {"predicted_s", MDS_COLUMN_F8, MDS_COLUMN_PLAN, MEMBER(predicted_s), "s",
     "predicted time of the case"},
    {"integrates", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(integrates), "1",
     "1 when the protocol integrates equations of motion"},
    {"conservative", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(conservative), "1",
     "1 when the model's forces are the gradient of its energy"},
    {"step_start", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(start[MDS_POOL_STEPS]), "1",
     "first row of the case in /steps"},
    {"step_count", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(count[MDS_POOL_STEPS]), "1",
     "rows of the case in /steps"},
    {"component_start", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(start[MDS_POOL_COMPONENTS]), "1",
     "first row of the case in /components"},
    {"component_count", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(count[MDS_POOL_COMPONENTS]), "1",
     "rows of the case in /components"},
    {"memory_start", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(start[MDS_POOL_MEMORY]), "1",
     "first row of the case in /memory"},
    {"memory_count", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(count[MDS_POOL_MEMORY]), "1",
     "rows of the case in /memory"},
    {"telemetry_start", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(start[MDS_POOL_TELEMETRY]), "1",
     "first row of the case in /telemetry"},
    {"telemetry_count", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(count[MDS_POOL_TELEMETRY]), "1",
     "rows of the case in /telemetry"},
    {"frame_every", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(frame_every), "1",
     "steps from one frame of the trajectory to the next"},
    {"frame_count", MDS_COLUMN_I8, MDS_COLUMN_PLAN, MEMBER(frame_count), "1",
     "frames that /trajectories/<key> has room for"},
    {"status", MDS_COLUMN_U1, MDS_COLUMN_STATUS, MEMBER(status), "1", "status of the case"},
    {"reason", MDS_COLUMN_TEXT, MDS_COLUMN_RESULT, MEMBER(reason), "1",
     "why the case was skipped or failed"},
    {"attempt", MDS_COLUMN_I8, MDS_COLUMN_BEGIN, MEMBER(attempt), "1", "attempts begun"},
    {"rank", MDS_COLUMN_I8, MDS_COLUMN_BEGIN, MEMBER(rank), "1", "rank that ran the case"},
    {"source", MDS_COLUMN_I8, MDS_COLUMN_BEGIN, MEMBER(source), "1",
     "number in /provenance/sources of the file the case was merged from, -1: of this file"},
    {"host", MDS_COLUMN_TEXT, MDS_COLUMN_BEGIN, MEMBER(host), "1", "host of that rank"},
    {"device", MDS_COLUMN_TEXT, MDS_COLUMN_BEGIN, MEMBER(device), "1", "device of that rank"},
    {"device_sharing", MDS_COLUMN_TEXT, MDS_COLUMN_BEGIN, MEMBER(device_sharing), "1",
     "who else uses that device: mig, mps, oversubscribed; empty: nobody"},
    {"t_start", MDS_COLUMN_F8, MDS_COLUMN_BEGIN, MEMBER(t_start), "s",
     "start, seconds since 1970-01-01 00:00:00 UTC"},
    {"t_end", MDS_COLUMN_F8, MDS_COLUMN_RESULT, MEMBER(t_end), "s",
     "end, seconds since 1970-01-01 00:00:00 UTC"},
    {"steps_done", MDS_COLUMN_I8, MDS_COLUMN_FLUSH, MEMBER(done[MDS_POOL_STEPS]), "1",
     "rows of the case in /steps that were written"},
    {"components_done", MDS_COLUMN_I8, MDS_COLUMN_FLUSH, MEMBER(done[MDS_POOL_COMPONENTS]), "1",
     "rows of the case in /components that were written"},
    {"memory_done", MDS_COLUMN_I8, MDS_COLUMN_FLUSH, MEMBER(done[MDS_POOL_MEMORY]), "1",
     "rows of the case in /memory that were written"},
    {"telemetry_done", MDS_COLUMN_I8, MDS_COLUMN_FLUSH, MEMBER(done[MDS_POOL_TELEMETRY]), "1",
     "rows of the case in /telemetry that were written"},
    {"frames_done", MDS_COLUMN_I8, MDS_COLUMN_FLUSH, MEMBER(frames_done), "1",
     "frames of the trajectory that were written"},
    {"warmup", MDS_COLUMN_I8, MDS_COLUMN_RESULT, MEMBER(warmup), "1",
     "warm-up steps run, after the first step"},
    {"device_clock", MDS_COLUMN_I8, MDS_COLUMN_RESULT, MEMBER(device_clock), "1",
     "1 when latencies are of device_s (event clock, nothing waits), 0 of wall_s"},
    {"threads", MDS_COLUMN_I8, MDS_COLUMN_RESULT, MEMBER(threads), "1", "threads of the worker"},
    {"synthetic", MDS_COLUMN_I8, MDS_COLUMN_RESULT, MEMBER(synthetic), "1",
     "1 when the weights were synthetic: timings only"},
    {"telemetry_source", MDS_COLUMN_TEXT, MDS_COLUMN_RESULT, MEMBER(telemetry), "1",
     "where the rows of /telemetry came from, or why there are none"},
    {"compared_to", MDS_COLUMN_TEXT, MDS_COLUMN_RESULT, MEMBER(compared_to), "1",
     "teacher of the force error; empty: the forces were not compared"},
    {"compared_frames", MDS_COLUMN_I8, MDS_COLUMN_RESULT, MEMBER(compared_frames), "1",
     "frames on which they were compared"},
    {"degrees_of_freedom", MDS_COLUMN_I8, MDS_COLUMN_RESULT, MEMBER(degrees_of_freedom), "1",
     "kinetic degrees of freedom"},
    {"volume_A3", MDS_COLUMN_F8, MDS_COLUMN_RESULT, MEMBER(volume_A3), "angstrom3",
     "cell volume at the first steady step"},
};

enum { FIXED = sizeof fixed / sizeof fixed[0] };

/* The components whose work an engine counts (mds_engine.work): a column for each, no more, since
 * the end of a case writes to every column. */
static const mds_region worked[] = {MDS_REGION_NETWORK,      MDS_REGION_ENCODER,
                                    MDS_REGION_EDGE_NETWORK, MDS_REGION_AGGREGATE,
                                    MDS_REGION_NODE_NETWORK, MDS_REGION_NETWORK_BACKWARD};

enum { WORKED = sizeof worked / sizeof worked[0] };

static void region_column(mds_region region, const char *name, const char *long_name,
                          const char *unit, size_t offset, mds_column *out)
{
    const char *key = mds_region_key(region);

    snprintf(out->name, sizeof out->name, "component_%s_%s", key, name);
    snprintf(out->long_name, sizeof out->long_name, long_name, key);
    out->unit = unit;
    out->offset = offset + (size_t)region * sizeof(double);
}

int mds_column_count(void)
{
    return FIXED + MDS_METRIC_COUNT + MDS_REGION_COUNT + 2 * WORKED;
}

void mds_column_get(int i, mds_column *out)
{
    if (i < FIXED) {
        *out = fixed[i];
        return;
    }
    *out = (mds_column){.type = MDS_COLUMN_F8, .phase = MDS_COLUMN_RESULT, .size = sizeof(double)};
    i -= FIXED;
    if (i < MDS_METRIC_COUNT) {
        const mds_metric_info *metric = mds_metric_get((mds_metric)i);

        snprintf(out->name, sizeof out->name, "%s", metric->key);
        snprintf(out->long_name, sizeof out->long_name, "%s", metric->long_name);
        out->unit = metric->unit;
        out->offset = offsetof(mds_row, record.value) + (size_t)i * sizeof(double);
        return;
    }
    i -= MDS_METRIC_COUNT;
    if (i < MDS_REGION_COUNT)
        region_column((mds_region)i, "s", "mean time per step of component %s", "s",
                      offsetof(mds_row, record.component_s), out);
    else if (i < MDS_REGION_COUNT + WORKED)
        region_column(worked[i - MDS_REGION_COUNT], "flop",
                      "operations per step of component %s, by formula", "1",
                      offsetof(mds_row, record.component_flop), out);
    else
        region_column(worked[i - MDS_REGION_COUNT - WORKED], "bytes",
                      "bytes per step that component %s cannot do without, by formula", "B",
                      offsetof(mds_row, record.component_bytes), out);
}
