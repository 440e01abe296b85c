/* Kernels of Orb's fp16 path, each against float64 with the same operands rounded to halves, and
 * a layer against float64 without any rounding. */
#include "gpu/model/orb_fused_check.h"

enum { NODES = 7, ROWS_MAX = 257 };

/* A network on rows with everything it can be asked for. */
typedef struct job {
    net net;
    int rows, kept; /* kept: memories of the network, which stay */
    double *x, *p, *old, *envelope, *gate_w[2];
    int sender[ROWS_MAX], receiver[ROWS_MAX];
    orb_fused_rows on;
    uint16_t *on_x;
} job;

/* room is more than there are rows, so that the count matters. */
static void make_rows(job *j, int rows, bool atoms)
{
    const size_t room = (size_t)rows + 20, inputs = (size_t)j->net.inputs;
    const int ld = j->net.on.inputs;
    float *f;

    j->rows = rows;
    j->on = (orb_fused_rows){.mlp = j->net.on, .room = (int)room, .ldx = ld, .ldsum16 = WIDTH + 8};
    j->x = draw_floats((size_t)rows * inputs, 1.0, 0.0, &f);
    round_all((size_t)rows * inputs, j->x);
    j->on_x = room_for(room * (size_t)ld * 2);
    CHECK_OK(orb_fused_halve(device, rows, NULL, (int)inputs, f, (int)inputs, j->on_x, ld));
    j->on.x = j->on_x;
    j->p = atoms ? draw_floats((size_t)NODES * 2 * (size_t)j->net.on.hidden, 0.7, 0.0, &f) : NULL;
    j->on.p = atoms ? f : NULL;
    j->old = draw_floats(room * WIDTH, 1.0, 0.0, &f);
    j->on.old = f;
    j->envelope = draw_floats(room, 0.2, 0.5, &f);
    j->on.envelope = f;
    for (int k = 0; k < 2; ++k) {
        j->gate_w[k] = draw_floats(WIDTH, 0.1, 0.0, &f);
        j->on.gate_w[k] = f;
        j->on.gate_b[k] = 0.1f + (float)k;
    }
    for (int i = 0; i < rows; ++i) {
        j->sender[i] = i % NODES;
        j->receiver[i] = (i * 5 + 3) % NODES;
    }
    j->on.sender = put(j->sender, sizeof(int) * (size_t)rows);
    j->on.receiver = put(j->receiver, sizeof(int) * (size_t)rows);
    j->on.count = put(&rows, sizeof rows);
    j->on.y16 = room_for(room * WIDTH * 2);
    j->on.sum = room_for(room * WIDTH * 4);
    j->on.sum16 = room_for(room * (WIDTH + 8) * 2);
    j->on.gate = room_for(room * 2 * 4);
}

static void drop_rows(job *j)
{
    free(j->x);
    free(j->p);
    free(j->old);
    free(j->envelope);
    free(j->gate_w[0]);
    free(j->gate_w[1]);
    drop(j->kept);
}

typedef struct results {
    float sum[(ROWS_MAX + 20) * WIDTH], gate[(ROWS_MAX + 20) * 2];
    uint16_t y16[(ROWS_MAX + 20) * WIDTH], sum16[(ROWS_MAX + 20) * (WIDTH + 8)];
} results;

static void run(const job *j, int tile, results *out)
{
    orb_fused_rows on = j->on;
    const size_t room = (size_t)on.room;

    memset(out, 0, sizeof *out);
    CHECK_OK(mds_device_fill(device, on.sum, 0x55, room * WIDTH * 4));
    CHECK_OK(mds_device_fill(device, on.gate, 0x55, room * 2 * 4));
    CHECK_OK(mds_device_fill(device, on.y16, 0x55, room * WIDTH * 2));
    CHECK_OK(mds_device_fill(device, on.sum16, 0x55, room * (WIDTH + 8) * 2));
    on.tile = tile;
    CHECK_OK(orb_fused_network(device, &on));
    get(out->sum, on.sum, room * WIDTH * 4);
    get(out->gate, on.gate, room * 2 * 4);
    get(out->y16, on.y16, room * WIDTH * 2);
    get(out->sum16, on.sum16, room * (WIDTH + 8) * 2);
}

/* Products differ from float64 by some 1e-6 of their terms; now and then a hidden number then
 * rounds to the neighbouring half, 2⁻¹¹ of one of some hundred terms of a sum, which the norm makes
 * some times larger. On average that is 2e-5, of few rows up to 5e-5; without rounding the hidden
 * layers it is 2e-4. */
#define TIGHT 2e-3
#define MEAN  1e-4

static void check_rows(const job *j, const results *got)
{
    const ends at = {j->sender, j->receiver, j->p};
    double *y = apply(&j->net, j->rows, j->x, j->p ? &at : NULL, true), off = 0.0;

    for (int i = 0; i < j->rows; ++i) {
        double dot[2] = {j->on.gate_b[0], j->on.gate_b[1]};

        for (int k = 0; k < WIDTH; ++k) {
            const double v = y[i * WIDTH + k], sum = j->old[i * WIDTH + k] + v;
            const float s = got->sum[i * WIDTH + k];

            CHECK_NEAR(half_value(got->y16[i * WIDTH + k]), v, 0x1p-11, TIGHT);
            CHECK_NEAR(s, sum, 0.0, TIGHT);
            CHECK_NEAR(half_value(got->sum16[i * (WIDTH + 8) + k]), as_half(s), 0.0, 0.0);
            off += fabs(s - sum) / (j->rows * WIDTH);
            dot[0] += sum * j->gate_w[0][k];
            dot[1] += sum * j->gate_w[1][k];
        }
        for (int k = 0; k < 2; ++k)
            CHECK_NEAR(got->gate[2 * i + k], j->envelope[i] / (1.0 + exp(-dot[k])), 0.0, TIGHT);
    }
    assert_true(off < MEAN);
    for (int i = j->rows * WIDTH; i < j->on.room * WIDTH; ++i)
        assert_int_equal(got->y16[i], 0x5555);
    for (int i = j->rows * 2; i < j->on.room * 2; ++i)
        assert_true(got->gate[i] > 1e13f); /* 0x55555555 */
    free(y);
}

/* All numbers of rows, twice and in tiles of other heights: the same bits. */
static void check_network(int inputs, int hidden, int kind, bool atoms, int shapes,
                          const int (*shape)[2])
{
    static results first, second;
    job j = {.net = make_net(inputs, hidden, kind)};

    round_net(&j.net);
    j.kept = memory_count;
    for (int k = 0; k < shapes; ++k) {
        make_rows(&j, shape[k][0], atoms);
        run(&j, shape[k][1], &first);
        check_rows(&j, &first);
        if (shape[k][0] <= 65) {
            run(&j, shape[k][1] == 16 ? 32 : 16, &second);
            assert_memory_equal(&first, &second, sizeof first);
        }
        drop_rows(&j);
    }
    drop_net(&j.net);
    drop(0);
}

static void test_edges(void **unused)
{
    static const int shape[][2] = {{1, 64}, {31, 32}, {64, 64}, {65, 0}, {257, 64}};

    (void)unused;
    for (int kind = 0; kind < 4; ++kind)
        check_network(256, 512, kind, true, kind == 0 ? 5 : kind == 3 ? 4 : 2, shape);
}

static void test_wide(void **unused)
{
    static const int shape[][2] = {{33, 64}, {5, 32}};

    (void)unused;
    check_network(256, 1024, ORB_FUSED_SILU | ORB_FUSED_RMS, true, 2, shape);
}

/* Encoders, whose inputs are filled up, and networks of atoms. */
static void test_inputs(void **unused)
{
    static const int shape[][2] = {{31, 32}, {17, 16}}, few[][2] = {{3, 16}};

    (void)unused;
    check_network(23, 512, 0, false, 2, shape);
    check_network(128, 1024, ORB_FUSED_SILU | ORB_FUSED_RMS, false, 1, shape + 1);
    check_network(768, 512, 0, false, 1, shape + 1);
    check_network(768, 1024, ORB_FUSED_SILU | ORB_FUSED_RMS, false, 1, few);
}

/* No room for results that are not wanted; nothing is launched for no rows. */
static void test_parts(void **unused)
{
    static results all, some;
    job j = {.net = make_net(256, 512, 0)};

    (void)unused;
    j.kept = memory_count;
    make_rows(&j, 19, false);
    run(&j, 16, &all);
    orb_fused_rows on = j.on;
    on.old = NULL;
    on.y16 = on.sum16 = NULL;
    on.gate = NULL;
    on.envelope = NULL;
    on.tile = 16;
    CHECK_OK(orb_fused_network(device, &on));
    get(some.sum, on.sum, 19 * WIDTH * 4);
    for (int i = 0; i < 19 * WIDTH; ++i) {
        CHECK_NEAR(some.sum[i], half_value(all.y16[i]), 0x1p-11, 0x1p-25);
        CHECK_NEAR(some.sum[i] + (float)j.old[i], all.sum[i], 0.0, 0.0);
    }
    on.room = 0;
    CHECK_OK(orb_fused_network(device, &on));
    on.room = 19;
    on.mlp.inputs = 100;
    CHECK_FAILS(orb_fused_network(device, &on), MDS_ERR_INTERNAL, "do not go into tiles");
    drop_rows(&j);
    drop_net(&j.net);
    drop(0);
}

/* What is too large for a half is said of weights and shows in results, in its own row alone. */
static void test_range(void **unused)
{
    static results got;
    job j = {.net = make_net(256, 512, 0)};
    float *w = calloc(256 * 4, sizeof *w);
    const int zero = 0;
    int flag;

    (void)unused;
    j.kept = memory_count;
    w[700] = 65519.0f;
    int *on_flag = put(&zero, sizeof zero);
    uint16_t *packed = room_for(2 * orb_fused_packed(256, 4));
    CHECK_OK(orb_fused_pack(device, 256, 4, put(w, 4096), 4, packed, on_flag));
    get(&flag, on_flag, sizeof flag);
    assert_int_equal(flag, 0);
    w[700] = -65520.0f;
    CHECK_OK(orb_fused_pack(device, 256, 4, put(w, 4096), 4, packed, on_flag));
    get(&flag, on_flag, sizeof flag);
    assert_int_equal(flag, 1);
    free(w);

    make_rows(&j, 20, false);
    for (int k = 0; k < 256; ++k)
        j.x[3 * 256 + k] = 60000.0;
    j.on.x = put_halves(20 * 256, j.x);
    run(&j, 32, &got);
    for (int i = 0; i < 20; ++i)
        for (int k = 0; k < WIDTH; ++k)
            assert_true(isfinite(got.sum[i * WIDTH + k]) == (i != 3));
    drop_rows(&j);
    drop_net(&j.net);
    drop(0);
}

static void test_product(void **unused)
{
    static const int shape[][2] = {{1, 1024}, {33, 512}, {65, 2048}, {0, 256}};

    (void)unused;
    for (int s = 0; s < 4; ++s) {
        const int rows = shape[s][0], outs = shape[s][1], ld = 3 * WIDTH;
        const int zero = 0;
        float *on_w, *got = malloc((size_t)(rows * outs + 1) * sizeof *got);
        double *x = draw((size_t)(rows * ld), 1.0, 0.0), *y = calloc((size_t)(rows * outs) + 1, 8);
        double *w = draw_floats((size_t)outs * WIDTH, 1.0 / 16.0, 0.0, &on_w);
        double *dense = malloc((size_t)(rows * WIDTH + 1) * sizeof *dense);
        uint16_t *packed = room_for(2 * orb_fused_packed(outs, WIDTH));

        round_all((size_t)(rows * ld), x);
        CHECK_OK(orb_fused_pack(device, outs, WIDTH, on_w, WIDTH, packed, put(&zero, sizeof zero)));
        round_all((size_t)outs * WIDTH, w);
        for (int i = 0; i < rows; ++i)
            memcpy(dense + i * WIDTH, x + i * ld, WIDTH * sizeof *dense);
        multiply(rows, outs, WIDTH, dense, w, y);
        float *on_y = room_for((size_t)(rows * outs) * sizeof *on_y);
        CHECK_OK(orb_fused_product(device, rows, outs, WIDTH, put_halves((size_t)(rows * ld), x),
                                   ld, packed, on_y));
        get(got, on_y, (size_t)(rows * outs) * sizeof *got);
        /* 256 terms of some 0.06, each addition off by 2⁻²³ at most. */
        for (int i = 0; i < rows * outs; ++i)
            CHECK_NEAR(got[i], y[i], 0.0, 256 * 256 * 0.06 * 0x1p-23);
        free(got);
        free(x);
        free(y);
        free(w);
        free(dense);
        drop(0);
    }
}

/* A directed graph: edges by sender, and those of each receiver. */
typedef struct links {
    int n, edges, start[32], to_start[32], sender[ROWS_MAX], receiver[ROWS_MAX], to[ROWS_MAX];
} links;

/* Atoms with no, one and many edges at either end. */
static links make_links(int n, int most)
{
    links g = {.n = n};
    int at = 0;

    for (int i = 0; i < n; ++i) {
        const int degree = i == 1 ? 0 : i * 7 % (most + 1) + (i == 2);

        g.start[i] = g.edges;
        for (int k = 0; k < degree && g.edges < ROWS_MAX; ++k) {
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
    uint16_t *node_packed;
    float *next_p;
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
}

static void run_layer(const layer *l)
{
    CHECK_OK(orb_fused_network(device, &l->edges));
    CHECK_OK(orb_fused_collect(device, l->g.n, &l->sums));
    CHECK_OK(orb_fused_network(device, &l->nodes));
    CHECK_OK(orb_fused_product(device, l->g.n, 2 * l->edge.on.hidden, WIDTH, l->sums.in, 3 * WIDTH,
                               l->node_packed, l->next_p));
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

static void check_layer(int n, int most, int hidden, int kind)
{
    static float got[3][32 * 2048 + ROWS_MAX * WIDTH], again[32 * WIDTH];
    layer l;

    make_layer(&l, n, most, hidden, kind);
    const size_t edges = (size_t)l.g.edges * WIDTH, atoms = (size_t)n * WIDTH;
    const size_t products = (size_t)n * 2 * (size_t)hidden;
    mds_graph *graph = NULL;

    run_layer(&l);
    get(got[0], l.edges.sum, edges * 4);
    get(got[1], l.nodes.sum, atoms * 4);
    get(got[2], l.next_p, products * 4);
    const double *const want[3] = {l.e, l.h, l.p};
    const size_t count[3] = {edges, atoms, products};
    /* The start again, and the same from a graph. */
    float *start = malloc((edges + atoms) * 4);
    for (size_t i = 0; i < edges; ++i)
        start[i] = (float)l.e[i];
    for (size_t i = 0; i < atoms; ++i)
        start[edges + i] = (float)l.h[i];
    CHECK_OK(mds_device_copy(device, l.edges.sum, start, edges * 4, MDS_COPY_TO_DEVICE));
    CHECK_OK(mds_device_copy(device, l.nodes.sum, start + edges, atoms * 4, MDS_COPY_TO_DEVICE));
    uint16_t *e16 = l.edges.sum16;
    CHECK_OK(mds_device_graph_begin(device));
    CHECK_OK(orb_fused_halve(device, l.edges.room, l.edges.count, WIDTH, l.edges.sum, WIDTH, e16,
                             WIDTH));
    CHECK_OK(orb_fused_halve(device, n, NULL, WIDTH, l.nodes.sum, WIDTH, l.sums.in, 3 * WIDTH));
    run_layer(&l);
    CHECK_OK(mds_device_graph_end(device, &graph));
    CHECK_OK(mds_device_graph_launch(device, graph));
    get(again, l.nodes.sum, atoms * 4);
    assert_memory_equal(got[1], again, atoms * 4);
    mds_device_graph_destroy(device, graph);
    free(start);
    exact_layer(&l);
    /* The error of fp16 operands in spec/orb.md section 5 is 9.9e-4 for all layers of a network. */
    for (int k = 0; k < 3; ++k) {
        const double off = apart(count[k], got[k], want[k]);

        assert_true(off < 9.9e-4);
        assert_true(off > 1e-5); /* or these are no halves */
    }
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

/* Few rows are spread over the chip, many share what they read. */
static void test_tile(void **unused)
{
    const orb_fused_mlp small = {.inputs = 256, .hidden = 512};
    const int few = orb_fused_tile(device, &small, 1),
              many = orb_fused_tile(device, &small, 1 << 20);

    (void)unused;
    assert_int_equal(few, 16);
    assert_true(many >= few && many <= 64);
    assert_true(orb_fused_shared_bytes(&small, 16) == 16 * (2 * (264 + 520) + 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),   cmocka_unit_test(test_wide),
        cmocka_unit_test(test_inputs),  cmocka_unit_test(test_parts),
        cmocka_unit_test(test_range),   cmocka_unit_test(test_product),
        cmocka_unit_test(test_collect), cmocka_unit_test(test_layer),
        cmocka_unit_test(test_tile),
    };

    return cmocka_run_group_tests(tests, open_device, close_device);
}
