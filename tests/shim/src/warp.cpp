// Warp primitives: a lane waits until every lane of its mask that still lives has come to the same
// call; whoever comes last works out everybody's result. And what to say when nobody can go on.
#include "block.hpp"

#include <cstdio>
#include <cstring>

namespace shim
{

static bool together(const Thread &a, const Thread &b)
{
    return b.state == State::Warp && a.kind == b.kind && a.mask == b.mask && a.line == b.line &&
           (a.file == b.file || strcmp(a.file, b.file) == 0);
}

// The value a lane gets of a shuffle; a lane that does not take part gives garbage.
static uint64_t shuffled(const Thread *warp, int lane, unsigned there)
{
    const Thread &t = warp[lane];
    const int start = lane & ~(t.width - 1), end = start + t.width - 1;
    int from = lane;

    switch (t.kind) {
    case MDS_SHIM_SHFL:
        from = start + (t.argument & (t.width - 1));
        break;
    case MDS_SHIM_SHFL_UP:
        from = lane - t.argument < start ? lane : lane - t.argument;
        break;
    case MDS_SHIM_SHFL_DOWN:
        from = lane + t.argument > end ? lane : lane + t.argument;
        break;
    default: /* MDS_SHIM_SHFL_XOR */
        from = (lane ^ t.argument) > end ? lane : lane ^ t.argument;
    }
    return there >> from & 1 ? warp[from].value : ~static_cast<uint64_t>(0);
}

static uint64_t reduced(const Thread *warp, mds_shim_wait kind, unsigned there, bool is_signed)
{
    uint32_t sum = 0;
    bool first = true;

    for (int lane = 0; lane < WARP; ++lane) {
        if (!(there >> lane & 1))
            continue;
        const uint32_t v = static_cast<uint32_t>(warp[lane].value);
        const bool less = is_signed ? static_cast<int32_t>(v) < static_cast<int32_t>(sum) : v < sum;

        if (first)
            sum = v;
        else if (kind == MDS_SHIM_REDUCE_ADD)
            sum += v;
        else if (kind == MDS_SHIM_REDUCE_AND)
            sum &= v;
        else if (kind == MDS_SHIM_REDUCE_OR)
            sum |= v;
        else if (v != sum && less == (kind == MDS_SHIM_REDUCE_MIN))
            sum = v;
        first = false;
    }
    return sum;
}

static void give_results(Thread *warp, unsigned there, mds_shim_wait kind)
{
    uint64_t ballot = 0;

    if (kind >= MDS_SHIM_MMA_HALF) {
        matrices_done(warp, kind);
        return;
    }
    for (int lane = 0; lane < WARP; ++lane)
        if (there >> lane & 1 && warp[lane].value)
            ballot |= static_cast<uint64_t>(1) << lane;
    for (int lane = 0; lane < WARP; ++lane) {
        if (!(there >> lane & 1))
            continue;
        if (kind == MDS_SHIM_BALLOT)
            warp[lane].result = ballot;
        else if (kind >= MDS_SHIM_REDUCE_ADD)
            warp[lane].result = reduced(warp, kind, there, warp[lane].argument != 0);
        else if (kind >= MDS_SHIM_SHFL)
            warp[lane].result = shuffled(warp, lane, there);
    }
}

bool warp_complete(int i)
{
    const int first = i / WARP * WARP;
    Thread *warp = &block.thread[first];
    const Thread &me = block.thread[i];
    const unsigned wanted = me.mask & block.alive[i / WARP];
    unsigned there = 0;

    if ((block.inside[i / WARP] & wanted) != wanted)
        return false;
    for (int lane = 0; lane < WARP && first + lane < block.count; ++lane) {
        if (!(me.mask >> lane & 1) || warp[lane].state == State::Done)
            continue;
        if (!together(me, warp[lane]))
            return false;
        there |= 1u << lane;
    }
    block.inside[i / WARP] &= ~there;
    give_results(warp, there, me.kind);
    for (int lane = 0; lane < WARP; ++lane) {
        if (!(there >> lane & 1))
            continue;
        warp[lane].warp_epoch += me.kind == MDS_SHIM_SYNCWARP;
        if (first + lane != block.current)
            ready_push(first + lane);
    }
    return true;
}

void warp_exited(int i)
{
    const int first = i / WARP * WARP;

    for (int t = first; block.inside[i / WARP] && t < first + WARP && t < block.count; ++t)
        if (block.thread[t].state == State::Warp)
            warp_complete(t);
}

const char *wait_name(mds_shim_wait kind)
{
    static const char *const names[] = {
        "__syncthreads",     "__syncthreads_or",  "__syncthreads_and", "__syncthreads_count",
        "__syncwarp",        "__ballot_sync",     "__shfl_sync",       "__shfl_up_sync",
        "__shfl_down_sync",  "__shfl_xor_sync",   "__reduce_add_sync", "__reduce_min_sync",
        "__reduce_max_sync", "__reduce_and_sync", "__reduce_or_sync",  "mma (half)",
        "mma (TF32)",        "ldmatrix"};

    return names[kind];
}

// One line for each place where threads wait, with the first of them.
void report_deadlock()
{
    std::map<std::string, std::pair<int, int>> places; // first thread, how many
    std::string all;
    char line[200];

    for (int i = 0; i < block.count; ++i) {
        const Thread &t = block.thread[i];

        if (t.state == State::Barrier)
            snprintf(line, sizeof line, "at %s, %s:%d", wait_name(t.kind), t.file, t.line);
        else if (t.state == State::Warp)
            snprintf(line, sizeof line, "at %s with mask %08x, %s:%d", wait_name(t.kind), t.mask,
                     t.file, t.line);
        else
            snprintf(line, sizeof line, "exited");
        ++places.emplace(line, std::make_pair(i, 0)).first->second.second;
    }
    for (const auto &place : places) {
        const uint3 &index = block.thread[place.second.first].index;

        snprintf(line, sizeof line, "\nshim:   %d thread(s) %s: thread (%u,%u,%u)%s",
                 place.second.second, place.first.c_str(), index.x, index.y, index.z,
                 place.second.second > 1 ? " and others" : "");
        all += line;
    }
    report("kernel %s, block (%u,%u,%u): its threads wait for each other%s",
           block.kernel->name.c_str(), blockIdx.x, blockIdx.y, blockIdx.z, all.c_str());
}

} // namespace shim

using namespace shim;

extern "C" uint64_t mds_shim_warp(mds_shim_wait kind, unsigned mask, uint64_t value, int argument,
                                  int width, const char *file, int line)
{
    if (block.current < 0)
        report("%s outside a kernel at %s:%d", wait_name(kind), file, line);
    const int i = block.current;
    Thread *t = &block.thread[i];

    if (!(mask >> i % WARP & 1))
        report("%s at %s:%d: the mask %08x lacks the calling lane %d", wait_name(kind), file, line,
               mask, i % WARP);
    if (kind >= MDS_SHIM_SHFL && kind <= MDS_SHIM_SHFL_XOR &&
        (width < 1 || width > WARP || (width & (width - 1))))
        report("%s at %s:%d: width %d", wait_name(kind), file, line, width);
    t->mask = mask;
    t->value = value;
    t->argument = argument;
    t->width = width;
    t->kind = kind;
    t->file = file;
    t->line = line;
    t->state = State::Warp;
    block.inside[i / WARP] |= 1u << i % WARP;
    if (warp_complete(i))
        t->state = State::Running;
    else
        thread_wait(State::Warp, kind, file, line);
    return t->result;
}
