#include "model/orb/orb_graph.h"

#include "model/orb/orb_variant.h"

#include <math.h>
#include <string.h>

/* A neighbour that may become an edge. */
typedef struct candidate {
    double d2; /* of the rounded vector */
    int receiver, row;
} candidate;

typedef struct build {
    orb_graph *graph;
    const mds_neighbor *list;
    int size;         /* threads */
    candidate *found; /* (size, work_stride) */
} build;

static size_t up(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Lays the arrays out one behind the other. Edges first stand at i·k, with gaps, and are then moved
 * together, so there is room for n·k of them. */
static size_t lay_out(orb_graph *graph, char *base)
{
    const size_t n = (size_t)graph->n, room = n * (size_t)graph->k;
    int **const ints[5] = {&graph->start, &graph->receiver_start, &graph->sender, &graph->receiver,
                           &graph->receiver_edges};
    double **const reals[2] = {&graph->vector, &graph->distance};
    size_t used = 0;

    for (int i = 0; i < 5; ++i) {
        if (base)
            *ints[i] = (int *)(void *)(base + used);
        used += up((i < 2 ? n + 1 : room) * sizeof(int));
    }
    for (int i = 0; i < 2; ++i) {
        if (base)
            *reals[i] = (double *)(void *)(base + used);
        used += up((i == 0 ? 3 : 1) * room * sizeof(double));
    }
    return used;
}

mds_status orb_graph_set_atoms(orb_graph *graph, mds_device *device, int n, int k)
{
    graph->device = device;
    graph->n = n;
    graph->k = k;
    graph->edges = 0;
    const mds_status status = mds_device_reserve(device, lay_out(graph, NULL), "orb graph",
                                                 &graph->memory, &graph->memory_bytes);
    if (status == MDS_OK)
        lay_out(graph, graph->memory);
    return status;
}

void orb_graph_fini(orb_graph *graph)
{
    mds_device_free(graph->device, graph->memory);
    mds_device_free(graph->device, graph->work);
    memset(graph, 0, sizeof *graph);
}

/* Whether a is nearer than b by the rule of orb_graph.h. The rows' translations differ from those
 * between the atoms themselves by the same amount for all images of one receiver. */
static bool nearer(const mds_neighbor *list, const candidate *a, const candidate *b)
{
    if (a->d2 != b->d2)
        return a->d2 < b->d2;
    if (a->receiver != b->receiver)
        return a->receiver < b->receiver;
    for (int k = 0; k < 3; ++k) {
        const int ta = list->shift[3 * (size_t)a->row + (size_t)k];
        const int tb = list->shift[3 * (size_t)b->row + (size_t)k];

        if (ta != tb)
            return ta < tb;
    }
    return false;
}

static void sift_down(const mds_neighbor *list, candidate *heap, int count, int at)
{
    const candidate moved = heap[at];

    for (int child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && nearer(list, &heap[child], &heap[child + 1]))
            ++child;
        if (!nearer(list, &moved, &heap[child]))
            break;
        heap[at] = heap[child];
    }
    heap[at] = moved;
}

/* Leaves the k nearest of `count` at the front, sorted: a heap with the farthest on top. Returns
 * how many there are. */
static int select_nearest(const mds_neighbor *list, candidate *heap, int count, int k)
{
    const int kept = count < k ? count : k;

    for (int i = kept / 2 - 1; i >= 0; --i)
        sift_down(list, heap, kept, i);
    for (int i = kept; i < count; ++i)
        if (kept && nearer(list, &heap[i], &heap[0])) {
            heap[0] = heap[i];
            sift_down(list, heap, kept, 0);
        }
    for (int last = kept - 1; last > 0; --last) {
        const candidate farthest = heap[0];

        heap[0] = heap[last];
        heap[last] = farthest;
        sift_down(list, heap, last, 0);
    }
    return kept;
}

static void vector_between(const mds_neighbor *list, int i, int row, double v[3])
{
    for (int a = 0; a < 3; ++a)
        v[a] = list->xe[4 * (size_t)row + (size_t)a] - list->xe[4 * (size_t)i + (size_t)a];
}

static void find_edges_of(build *b, int i, candidate *found)
{
    const mds_neighbor *list = b->list;
    const int *index = list->index + list->start[i];
    const size_t first = (size_t)i * (size_t)b->graph->k;
    int count = 0;

    for (int c = 0; c < list->count[i]; ++c) {
        double v[3];

        vector_between(list, i, index[c], v);
        const double x = (float)v[0], y = (float)v[1], z = (float)v[2];
        const double d2 = x * x + y * y + z * z;
        if (d2 < ORB_CUTOFF * ORB_CUTOFF)
            found[count++] = (candidate){d2, list->owner[index[c]], index[c]};
    }
    count = select_nearest(list, found, count, b->graph->k);
    b->graph->start[i + 1] = count;
    for (int c = 0; c < count; ++c) {
        double *v = b->graph->vector + 3 * (first + (size_t)c);

        vector_between(list, i, found[c].row, v);
        b->graph->receiver[first + (size_t)c] = found[c].receiver;
        b->graph->distance[first + (size_t)c] = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    }
}

static void find_share(void *context, int t)
{
    build *b = context;
    const int64_t n = b->graph->n;

    for (int i = (int)(n * t / b->size); i < (int)(n * (t + 1) / b->size); ++i)
        find_edges_of(b, i, b->found + (size_t)t * (size_t)b->graph->work_stride);
}

/* Moves the edges together, and names their sender. */
static void close_gaps(orb_graph *graph)
{
    int edges = 0;

    graph->start[0] = 0;
    for (int i = 0; i < graph->n; ++i) {
        const size_t from = (size_t)i * (size_t)graph->k, to = (size_t)edges;
        const int count = graph->start[i + 1];

        if (from != to) {
            memmove(graph->receiver + to, graph->receiver + from, (size_t)count * sizeof(int));
            memmove(graph->distance + to, graph->distance + from, (size_t)count * sizeof(double));
            memmove(graph->vector + 3 * to, graph->vector + 3 * from,
                    (size_t)count * 3 * sizeof(double));
        }
        for (int c = 0; c < count; ++c)
            graph->sender[edges++] = i;
        graph->start[i + 1] = edges;
    }
    graph->edges = edges;
}

/* A counting sort by receiver. */
static void list_receivers(orb_graph *graph)
{
    int *start = graph->receiver_start, *edges = graph->receiver_edges;

    memset(start, 0, ((size_t)graph->n + 1) * sizeof *start);
    for (int e = 0; e < graph->edges; ++e)
        ++start[graph->receiver[e] + 1];
    for (int i = 0; i < graph->n; ++i)
        start[i + 1] += start[i];
    for (int e = 0; e < graph->edges; ++e)
        edges[start[graph->receiver[e]]++] = e;
    for (int i = graph->n; i > 0; --i)
        start[i] = start[i - 1];
    start[0] = 0;
}

mds_status orb_graph_build(orb_graph *graph, mds_team *team, const mds_neighbor *list)
{
    const int size = mds_team_size(team);
    int longest = 0;

    for (int i = 0; i < list->n; ++i)
        longest = list->count[i] > longest ? list->count[i] : longest;
    graph->work_stride = longest > graph->work_stride ? longest + longest / 4 : graph->work_stride;
    const mds_status status = mds_device_reserve(
        graph->device, (size_t)size * (size_t)graph->work_stride * sizeof(candidate),
        "orb neighbours", &graph->work, &graph->work_bytes);
    if (status != MDS_OK)
        return status;
    build b = {.graph = graph, .list = list, .size = size, .found = graph->work};

    mds_team_run(team, find_share, &b);
    close_gaps(graph);
    list_receivers(graph);
    return MDS_OK;
}
