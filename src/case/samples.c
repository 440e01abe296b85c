#include "case/samples.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *mds_phase_name(mds_phase phase)
{
    static const char *const names[] = {"idle",   "setup",      "first step", "warm-up",
                                        "steady", "components", "finished"};

    return (unsigned)phase < MDS_PHASE_COUNT ? names[phase] : "unknown";
}

static size_t page_round(size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (bytes + page - 1) / page * page;
}

/* Shared with the workers to come; pages are only used once written. */
static void *map(size_t bytes)
{
    void *mapping = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return mapping == MAP_FAILED ? NULL : mapping;
}

mds_status mds_samples_create(const int64_t capacity[MDS_POOL_COUNT], mds_samples *out)
{
    size_t bytes = page_round(sizeof(mds_samples_header));
    size_t offset[MDS_POOL_COUNT];

    memset(out, 0, sizeof *out);
    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool) {
        const int columns = mds_pool_column_count((mds_pool)pool);

        if (capacity[pool] < 0 ||
            (columns &&
             (size_t)capacity[pool] > (SIZE_MAX >> 8) / sizeof(mds_cell) / (size_t)columns))
            return mds_fail(MDS_ERR_INTERNAL, "sample buffers: %lld rows of %s",
                            (long long)capacity[pool], mds_pool_name((mds_pool)pool));
        out->capacity[pool] = capacity[pool];
        out->columns[pool] = columns;
        offset[pool] = bytes;
        bytes += page_round((size_t)capacity[pool] * (size_t)columns * sizeof(mds_cell));
    }
    void *mapping = map(bytes);

    if (!mapping) {
        memset(out, 0, sizeof *out);
        return mds_fail(MDS_ERR_NOMEM, "sample buffers of %zu bytes: %s", bytes, strerror(errno));
    }
    out->mapping = mapping;
    out->mapping_bytes = bytes;
    out->header = mapping;
    for (int pool = 0; pool < MDS_POOL_COUNT; ++pool)
        out->cells[pool] = (mds_cell *)(void *)((char *)mapping + offset[pool]);
    mds_samples_reset(out, -1, 0);
    return MDS_OK;
}

mds_status mds_samples_add_frames(mds_samples *samples, size_t bytes)
{
    if (bytes == 0)
        return MDS_OK;
    bytes = page_round(bytes);
    samples->frame_area = map(bytes);
    if (!samples->frame_area)
        return mds_fail(MDS_ERR_NOMEM, "frame area of %zu bytes: %s", bytes, strerror(errno));
    samples->frame_bytes = bytes;
    return MDS_OK;
}

double mds_frame_bytes(int n, int64_t frames)
{
    const double atoms = n, per_atom = 2, per_frame = 1 + 9 + 3 * atoms;

    return frames > 0 ? sizeof(double) * (atoms * per_atom + (double)frames * per_frame) : 0.0;
}

mds_status mds_samples_frame_area(const mds_samples *samples, int n, int64_t frames,
                                  mds_frame_area *out)
{
    if (n < 1 || frames < 1 || mds_frame_bytes(n, frames) > (double)samples->frame_bytes)
        return mds_fail(MDS_ERR_INTERNAL, "frame area of %zu bytes: %lld frames of %d atoms",
                        samples->frame_bytes, (long long)frames, n);
    *out = (mds_frame_area){.n = n, .capacity = frames, .mass = samples->frame_area};
    out->z = out->mass + n;
    out->step = out->z + n;
    out->edges = out->step + frames;
    out->positions = out->edges + 9 * frames;
    return MDS_OK;
}

void mds_samples_destroy(mds_samples *samples)
{
    if (!samples)
        return;
    if (samples->mapping)
        munmap(samples->mapping, samples->mapping_bytes);
    if (samples->frame_area)
        munmap(samples->frame_area, samples->frame_bytes);
    memset(samples, 0, sizeof *samples);
}

void mds_samples_reset(mds_samples *samples, int case_index, int attempt)
{
    mds_samples_header *header = samples->header;

    memset(header, 0, sizeof *header); /* counts 0, MDS_PHASE_IDLE, message "" */
    header->case_index = case_index;
    header->attempt = attempt;
}

void mds_samples_touch(mds_samples *samples, mds_pool pool, int64_t rows)
{
    const int64_t stride = (int64_t)sysconf(_SC_PAGESIZE) / (int64_t)sizeof(mds_cell);

    if (rows > samples->capacity[pool])
        rows = samples->capacity[pool];
    for (int c = 0; c < samples->columns[pool] && rows > 0; ++c) {
        mds_cell *column = samples->cells[pool] + c * samples->capacity[pool];

        for (int64_t row = 0; row < rows; row += stride)
            column[row].i8 = 0;
        column[rows - 1].i8 = 0;
    }
}

int mds_samples_next(mds_samples *samples, mds_pool pool, int count, mds_cell **columns)
{
    const int64_t at = atomic_load_explicit(&samples->header->rows[pool], memory_order_relaxed);
    const int64_t capacity = samples->capacity[pool];

    for (int c = 0; c < samples->columns[pool]; ++c)
        columns[c] = samples->cells[pool] + c * capacity + at;
    return count < capacity - at ? count : (int)(capacity - at);
}

void mds_samples_publish(mds_samples *samples, mds_pool pool, int count)
{
    _Atomic int64_t *published = &samples->header->rows[pool];

    atomic_store_explicit(published, atomic_load_explicit(published, memory_order_relaxed) + count,
                          memory_order_release);
}

void mds_samples_append(mds_samples *samples, mds_pool pool, const mds_cell *row)
{
    const int64_t at = atomic_load_explicit(&samples->header->rows[pool], memory_order_relaxed);
    const int64_t capacity = samples->capacity[pool];

    if (at >= capacity)
        return;
    for (int c = 0; c < samples->columns[pool]; ++c)
        samples->cells[pool][c * capacity + at] = row[c];
    mds_samples_publish(samples, pool, 1);
}

void mds_samples_beat(mds_samples *samples, mds_phase phase)
{
    mds_samples_header *header = samples->header;

    atomic_store_explicit(&header->phase, (int)phase, memory_order_relaxed);
    atomic_store_explicit(&header->heartbeat,
                          atomic_load_explicit(&header->heartbeat, memory_order_relaxed) + 1,
                          memory_order_release);
}

int64_t mds_samples_rows(const mds_samples *samples, mds_pool pool)
{
    return atomic_load_explicit(&samples->header->rows[pool], memory_order_acquire);
}

const mds_cell *mds_samples_column(const mds_samples *samples, mds_pool pool, int column)
{
    return samples->cells[pool] + column * samples->capacity[pool];
}

int64_t mds_samples_frames(const mds_samples *samples)
{
    return atomic_load_explicit(&samples->header->frames, memory_order_acquire);
}
