/* Sums at atoms in Orb's fp16 path against float64, and a whole layer against float64 without any
 * rounding. */
#include "gpu/model/orb_fused_check.h"

enum { EDGES_MAX = 257 };

/* A directed graph: edges by sender, and those of each receiver. */
typedef struct links {
    int n, edges, start[32], to_start[32], sender[EDGES_MAX], receiver[EDGES_MAX], to[EDGES_MAX];
} links;

/* Atoms with no, one and many edges at either end. */
static links make_links(int n, int most)
{
    links g = {.n = n};
    int at = 0;

    for (int i = 0; i < n; ++i) {
        const int degree = i == 1 ? 0 : i * 7 % (most + 1) + (i == 2);

        g.start[i] = g.edges;
        for (int k = 0; k < degree && g.edges < EDGES_MAX; ++k) {
            g.sender[g.edges] = i;
            g.receiver[g.edges++] = (i * i + k * 3) % (n - n / 4);
        }
    }
    g.start[n] = g.edges;
    for (int i = 0; i < n; ++i) {
        g.to_start[i] = at;
        for (int e = 0; e < g.edges; ++e)
            if (g.receiver[e] == i)
                g.to[at++] = e;
    }
    g.to_start[n] = at;
    return g;
}

static orb_fused_sums put_links(const links *g)
{
    const size_t starts = ((size_t)g->n + 1) * sizeof(int);

    return (orb_fused_sums){.start = put(g->start, starts),
                            .receiver_start = put(g->to_start, starts),
                            .receiver_edges = put(g->to, sizeof g->to)};
}

/* R and S of all atoms into in (n,768). */
static void collect(const links *g, const double *m, const double *gate, double *in)
{
    for (int i = 0; i < g->n; ++i)
        for (int k = 0; k < 2 * WIDTH; ++k)
            in[i * 3 * WIDTH + WIDTH + k] = 0.0;
    for (int e = 0; e < g->edges; ++e)
        for (int k = 0; k < WIDTH; ++k) {
            in[g->receiver[e] * 3 * WIDTH + WIDTH + k] += gate[2 * e] * m[e * WIDTH + k];
            in[g->sender[e] * 3 * WIDTH + 2 * WIDTH + k] += gate[2 * e + 1] * m[e * WIDTH + k];
        }
}

static void test_collect(void **unused)
{
    (void)unused;
    for (int n = 1; n <= 31; n += 15) {
        const links g = make_links(n, 20);
        const size_t size = (size_t)n * 3 * WIDTH;
        orb_fused_sums on = put_links(&g);
        double *m = draw((size_t)g.edges * WIDTH, 1.0, 0.0), *in = calloc(size, sizeof *in);
        float *on_gate;
        double *gate = draw_floats((size_t)g.edges * 2, 0.3, 0.5, &on_gate);
        uint16_t *got = malloc(size * 2), *again = malloc(size * 2);

        round_all((size_t)g.edges * WIDTH, m);
        collect(&g, m, gate, in);
        on.m = put_halves((size_t)g.edges * WIDTH, m);
        on.gate = on_gate;
        on.in = room_for(size * 2);
        CHECK_OK(mds_device_fill(device, on.in, 0x55, size * 2));
        CHECK_OK(orb_fused_collect(device, n, &on));
        get(got, on.in, size * 2);
        CHECK_OK(orb_fused_collect(device, n, &on));
        get(again, on.in, size * 2);
        assert_memory_equal(got, again, size * 2);
        for (size_t i = 0; i < size; ++i)
            if (i % (3 * WIDTH) < WIDTH)
                assert_int_equal(got[i], 0x5555);
            else /* a half, of a sum of up to 60 terms */
                CHECK_NEAR(half_value(got[i]), in[i], 0x1p-11, 60 * 60 * 0x1p-24);
        free(m);
        free(in);
        free(gate);
        free(got);
        free(again);
        drop(0);
    }
}

/* ---- a layer ---- */

typedef struct layer {
    net edge, node;
    links g;
    double *e, *h, *p, *node_w, *gate;
    orb_fused_rows edges, nodes;
    orb_fused_sums sums;
    uint16_t *node_packed, *y1, *y2;
    float *next_p, *u, *next_h;
} layer;

static void make_layer(layer *l, int n, int most, int hidden, int kind)
{
    const int zero = 0;
    float *f;

    l->g = make_links(n, most);
    const size_t edges = (size_t)l->g.edges, atoms = (size_t)n;
    l->edge = make_net(WIDTH, hidden, kind);
    l->node = make_net(3 * WIDTH, hidden, kind);
    l->sums = put_links(&l->g);
    l->edges = (orb_fused_rows){.mlp = l->edge.on, .room = (int)edges + 9, .ldx = WIDTH};
    l->nodes = (orb_fused_rows){.mlp = l->node.on, .room = n, .ldx = 3 * WIDTH};
    l->edges.ldsum16 = WIDTH;
    l->nodes.ldsum16 = 3 * WIDTH;
    l->edges.count = l->sums.start + n;
    l->edges.sender = put(l->g.sender, sizeof l->g.sender);
    l->edges.receiver = put(l->g.receiver, sizeof l->g.receiver);
    l->p = draw_floats(atoms * 2 * (size_t)hidden, 0.7, 0.0, &f);
    l->edges.p = f;
    l->e = draw_floats(edges * WIDTH, 1.0, 0.0, &l->edges.sum);
    uint16_t *e16 = room_for((edges + 9) * WIDTH * 2);
    CHECK_OK(orb_fused_halve(device, (int)edges, l->edges.count, WIDTH, l->edges.sum, WIDTH, e16,
                             WIDTH));
    l->edges.old = l->edges.sum;
    l->edges.x = l->edges.sum16 = e16;
    l->edges.y16 = room_for(edges * WIDTH * 2);
    l->gate = draw_floats(edges * 2, 0.2, 0.5, &f);
    l->sums.gate = f;
    l->sums.m = l->edges.y16;
    l->h = draw_floats(atoms * WIDTH, 1.0, 0.0, &l->nodes.sum);
    l->sums.in = room_for(atoms * 3 * WIDTH * 2);
    CHECK_OK(orb_fused_halve(device, n, NULL, WIDTH, l->nodes.sum, WIDTH, l->sums.in, 3 * WIDTH));
    l->nodes.old = l->nodes.sum;
    l->nodes.x = l->nodes.sum16 = l->sums.in;
    l->node_w = draw_floats(2 * (size_t)hidden * WIDTH, 1.0 / 16.0, 0.0, &f);
    l->node_packed = room_for(2 * orb_fused_packed(2 * hidden, WIDTH));
    CHECK_OK(orb_fused_pack(device, 2 * hidden, WIDTH, f, WIDTH, l->node_packed,
                            put(&zero, sizeof zero)));
    l->next_p = room_for(atoms * 2 * (size_t)hidden * 4);
    l->y1 = room_for(atoms * (size_t)hidden * 2);
    l->y2 = room_for(atoms * (size_t)hidden * 2);
    l->u = room_for(atoms * WIDTH * 4);
    l->next_h = room_for(atoms * WIDTH * 4);
}

/* The network of atoms in one kernel, h in its place; or in products, h to next_h. */
static void run_nodes(const layer *l, bool products)
{
    const orb_fused_mlp *mlp = &l->node.on;
    orb_fused_job job = {.rows = l->g.n, .activate = 1, .kind = mlp->kind, .y16 = l->y1};

    if (!products) {
        CHECK_OK(orb_fused_network(device, &l->nodes));
    } else {
        const int outs[3] = {mlp->hidden, mlp->hidden, WIDTH};
        uint16_t *const y[4] = {l->sums.in, l->y1, l->y2, NULL};

        for (int k = 0; k < 3; ++k) {
            job.inputs = job.ldx = k ? mlp->hidden : mlp->inputs;
            job.outs = outs[k];
            job.x = y[k];
            job.y16 = y[k + 1];
            job.y = k == 2 ? l->u : NULL;
            job.activate = k < 2;
            job.w = mlp->w[k];
            job.bias = mlp->b[k];
            CHECK_OK(orb_fused_product(device, &job));
        }
        job = (orb_fused_job){.rows = l->g.n,
                              .kind = mlp->kind,
                              .u = l->u,
                              .gamma = mlp->gamma,
                              .beta = mlp->beta,
                              .old = l->nodes.sum,
                              .sum = l->next_h,
                              .sum16 = l->sums.in,
                              .ldsum16 = 3 * WIDTH,
                              .eps = mlp->eps};
    }
    job.activate = 0;
    job.inputs = WIDTH;
    job.ldx = 3 * WIDTH;
    job.outs = 2 * mlp->hidden;
    job.x = l->sums.in;
    job.w = l->node_packed;
    job.y = l->next_p;
    job.y16 = NULL;
    CHECK_OK(orb_fused_product(device, &job));
}

static void run_layer(const layer *l, bool products)
{
    CHECK_OK(orb_fused_network(device, &l->edges));
    CHECK_OK(orb_fused_collect(device, l->g.n, &l->sums));
    run_nodes(l, products);
}

/* |got − want| / |want| over all elements. */
static double apart(size_t n, const float *got, const double *want)
{
    double off = 0.0, size = 0.0;

    for (size_t i = 0; i < n; ++i) {
        off += (got[i] - want[i]) * (got[i] - want[i]);
        size += want[i] * want[i];
    }
    return sqrt(off / size);
}

/* e, h and the next p without any rounding, in place of those the layer began with. */
static void exact_layer(layer *l)
{
    const int n = l->g.n, edges = l->g.edges;
    const ends at = {l->g.sender, l->g.receiver, l->p};
    double *m = apply(&l->edge, edges, l->e, &at, false);
    double *in = malloc((size_t)n * 3 * WIDTH * sizeof *in), *y;

    for (int i = 0; i < edges * WIDTH; ++i)
        l->e[i] += m[i];
    for (int i = 0; i < n; ++i)
        memcpy(in + i * 3 * WIDTH, l->h + i * WIDTH, WIDTH * sizeof *in);
    collect(&l->g, m, l->gate, in);
    y = apply(&l->node, n, in, NULL, false);
    for (int i = 0; i < n * WIDTH; ++i)
        l->h[i] += y[i];
    multiply(n, 2 * l->edge.on.hidden, WIDTH, l->h, l->node_w, l->p);
    free(m);
    free(in);
    free(y);
}

static void start_layer(const layer *l, const float *e, const float *h)
{
    const size_t edges = (size_t)l->g.edges * WIDTH, atoms = (size_t)l->g.n * WIDTH;

    CHECK_OK(mds_device_copy(device, l->edges.sum, e, edges * 4, MDS_COPY_TO_DEVICE));
    CHECK_OK(mds_device_copy(device, l->nodes.sum, h, atoms * 4, MDS_COPY_TO_DEVICE));
    CHECK_OK(mds_device_sync(device));
}

static float *floats_of(size_t n, const double *x)
{
    float *f = malloc((n + 1) * sizeof *f);

    for (size_t i = 0; i < n; ++i)
        f[i] = (float)x[i];
    return f;
}

/* Operations of a layer, recorded. */
static mds_graph *record(const layer *l, bool products)
{
    mds_graph *graph = NULL;
    uint16_t *e16 = l->edges.sum16;

    CHECK_OK(mds_device_graph_begin(device));
    CHECK_OK(orb_fused_halve(device, l->edges.room, l->edges.count, WIDTH, l->edges.sum, WIDTH, e16,
                             WIDTH));
    CHECK_OK(
        orb_fused_halve(device, l->g.n, NULL, WIDTH, l->nodes.sum, WIDTH, l->sums.in, 3 * WIDTH));
    run_layer(l, products);
    CHECK_OK(mds_device_graph_end(device, &graph));
    return graph;
}

/* From the same start: in one kernel, from a graph with the same bits, in products. The error of
 * fp16 operands in spec/orb.md section 5 is 9.9e-4 for all layers of a network. */
static void check_layer(int n, int most, int hidden, int kind)
{
    static float got[3][32 * 2048 + EDGES_MAX * WIDTH], again[32 * WIDTH];
    layer l;

    make_layer(&l, n, most, hidden, kind);
    const size_t count[3] = {(size_t)l.g.edges * WIDTH, (size_t)n * WIDTH,
                             (size_t)n * 2 * (size_t)hidden};
    float *const e = floats_of(count[0], l.e), *const h = floats_of(count[1], l.h);

    run_layer(&l, false);
    get(got[1], l.nodes.sum, count[1] * 4);
    exact_layer(&l);
    const double *const want[3] = {l.e, l.h, l.p};
    for (int products = 0; products < 2; ++products) {
        mds_graph *graph = record(&l, products);

        start_layer(&l, e, h);
        CHECK_OK(mds_device_graph_launch(device, graph));
        get(again, products ? l.next_h : l.nodes.sum, count[1] * 4);
        if (!products)
            assert_memory_equal(got[1], again, count[1] * 4);
        memcpy(got[1], again, count[1] * 4);
        get(got[0], l.edges.sum, count[0] * 4);
        get(got[2], l.next_p, count[2] * 4);
        mds_device_graph_destroy(device, graph);
        for (int k = 0; k < 3; ++k) {
            const double off = apart(count[k], got[k], want[k]);

            assert_true(off < 9.9e-4);
            assert_true(off > 1e-5); /* or these are no halves */
        }
    }
    free(e);
    free(h);
    drop_net(&l.edge);
    drop_net(&l.node);
    free(l.e);
    free(l.h);
    free(l.p);
    free(l.node_w);
    free(l.gate);
    drop(0);
}

static void test_layer(void **unused)
{
    (void)unused;
    check_layer(24, 20, 512, 0);
    check_layer(5, 6, 1024, ORB_FUSED_SILU | ORB_FUSED_RMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collect),
        cmocka_unit_test(test_layer),
    };

    return cmocka_run_group_tests(tests, open_device, close_device);
}
