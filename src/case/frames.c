#include "case/frames.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

/* A trajectory to replay: what it takes to walk along it. */
typedef struct walk {
    mds_device *device;
    mds_state state;
    mds_model *model;
    mds_protocol *protocol;
} walk;

void mds_frame_store_fini(mds_frame_store *store)
{
    free(store->x);
    free(store->box);
    memset(store, 0, sizeof *store);
}

static mds_status reserve(mds_frame_store *store, int count, int n)
{
    store->x = calloc((size_t)count * (size_t)n * 3, sizeof *store->x);
    store->box = calloc((size_t)count, sizeof *store->box);
    if (!store->x || !store->box)
        return mds_fail(MDS_ERR_NOMEM, "out of memory for %d frames of %d atoms", count, n);
    store->frames = (mds_frames){.count = count, .n = n, .x = store->x, .box = store->box};
    return MDS_OK;
}

static void put(mds_frame_store *store, int frame, const double *x, const mds_box *box)
{
    const size_t numbers = 3 * (size_t)store->frames.n;

    memcpy(store->x + (size_t)frame * numbers, x, numbers * sizeof *x);
    store->box[frame] = *box;
}

static mds_status same_atoms(const char *path, int frame, const mds_structure *got,
                             const mds_structure *start)
{
    if (got->n != start->n)
        return mds_fail(MDS_ERR_CONFIG, "%s: frame %d has %d atoms, the case has %d", path,
                        frame + 1, got->n, start->n);
    for (int i = 0; i < got->n; ++i)
        if (got->species.z[got->type[i]] != start->species.z[start->type[i]])
            return mds_fail(MDS_ERR_CONFIG, "%s: frame %d: atom %d is %s, in the case it is %s",
                            path, frame + 1, i + 1,
                            mds_element_symbol(got->species.z[got->type[i]]),
                            mds_element_symbol(start->species.z[start->type[i]]));
    return MDS_OK;
}

/* A file is replayed whole, unless a stride or a number of frames was asked for. */
static mds_status read_frames(const mds_options *options, const mds_structure *start,
                              mds_frame_store *out)
{
    const char *path = mds_options_text(options, "frames");
    const int every =
        mds_options_given(options, "frame_every") ? mds_options_int(options, "frame_every") : 1;
    mds_structure frame = {0};
    mds_status status;
    int count;

    MDS_TRY(mds_xyz_count(path, &count));
    if (count < 1)
        return mds_fail(MDS_ERR_CONFIG, "%s: no frame to replay", path);
    count = (count - 1) / every + 1;
    if (mds_options_given(options, "frame_count") &&
        count > mds_options_int(options, "frame_count"))
        count = mds_options_int(options, "frame_count");
    MDS_TRY(reserve(out, count, start->n));
    for (int i = 0; i < count; ++i) {
        MDS_TRY(mds_xyz_read(path, i * every, &frame));
        MDS_TRY(same_atoms(path, i * every, &frame, start));
        MDS_TRY(mds_structure_restrict(&frame, NULL));
        put(out, i, frame.x, &frame.box);
        mds_structure_fini(&frame);
        memset(&frame, 0, sizeof frame);
    }
out:
    mds_structure_fini(&frame);
    return status;
}

static void end_walk(walk *w)
{
    mds_protocol_destroy(w->protocol);
    mds_model_destroy(w->model);
    mds_state_fini(&w->state);
    mds_device_close(w->device);
}

/* Langevin dynamics by the reference model on the host, wherever the case itself runs. */
static mds_status begin_walk(walk *w, const mds_structure *start, double dt_fs,
                             double temperature_K, uint64_t seed)
{
    const mds_model_target target = {.species = start->species,
                                     .n_atoms = start->n,
                                     .periodic = start->box.periodic[0] && start->box.periodic[1] &&
                                                 start->box.periodic[2]};
    /* Its own noise: that of the case's start state has the same seed. */
    const mds_philox_block block = mds_philox(seed, 0, MDS_RNG_REPLAY);
    const mds_protocol_config config = {.dt_fs = dt_fs,
                                        .temperature_K = temperature_K,
                                        .seed = (uint64_t)block.word[0] << 32 | block.word[1]};
    mds_protocol_spec langevin;
    mds_model_spec spec;
    mds_status status;

    MDS_TRY(mds_model_resolve("reference", &target, MDS_PRECISION_AUTO, &spec));
    MDS_TRY(mds_protocol_resolve("nvt-langevin", &langevin));
    MDS_TRY(mds_device_open("cpu", &w->device));
    MDS_TRY(mds_state_init(&w->state, w->device, start));
    MDS_TRY(mds_model_create(&spec, w->device, &w->model));
    MDS_TRY(mds_model_prepare(w->model, &w->state));
    MDS_TRY(mds_protocol_create(&langevin, &config, &w->state, w->model, &w->protocol));
out:
    if (status != MDS_OK)
        mds_error_prefix("making frames to replay (give a file with `frames`): ");
    return status;
}

static mds_status make_frames(const mds_options *options, const mds_structure *start, double dt_fs,
                              double temperature_K, uint64_t seed, void (*beat)(void *context),
                              void *context, mds_frame_store *out)
{
    const int count = mds_options_int(options, "frame_count");
    const int every = mds_options_int(options, "frame_every");
    walk w = {0};
    mds_status status;

    MDS_TRY(reserve(out, count, start->n));
    MDS_TRY(begin_walk(&w, start, dt_fs, temperature_K, seed));
    put(out, 0, w.state.x, &w.state.box);
    for (int frame = 1; frame < count; ++frame) {
        if (beat)
            beat(context);
        for (int step = 0; step < every; ++step)
            MDS_TRY(mds_protocol_step(w.protocol, 0));
        put(out, frame, w.state.x, &w.state.box);
    }
out:
    end_walk(&w);
    return status;
}

mds_status mds_frame_store_make(const mds_protocol_spec *protocol, const mds_structure *start,
                                double dt_fs, double temperature_K, uint64_t seed,
                                void (*beat)(void *context), void *context, mds_frame_store *out)
{
    const mds_options *options = &protocol->options;
    const mds_status status =
        mds_options_text(options, "frames")[0]
            ? read_frames(options, start, out)
            : make_frames(options, start, dt_fs, temperature_K, seed, beat, context, out);

    if (status != MDS_OK)
        mds_frame_store_fini(out);
    return status;
}
