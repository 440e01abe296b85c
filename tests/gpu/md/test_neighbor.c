/* The list on a CUDA device against the host's: the same pairs, rebuilt in the same steps. */
#include "md/neighbor.h"

#include "base/rng.h"
#include "harness/test.h"

/* Atom i and the image of j by t cells. */
typedef struct pair {
    int i, j, t[3];
} pair;

/* The same structure on both devices. Index 0: cpu, 1: cuda. */
typedef struct world {
    mds_device *device[2];
    mds_structure structure;
    mds_state state[2];
    mds_neighbor *list[2];
} world;

static double uniform(uint64_t seed, uint64_t index)
{
    const mds_philox_block b = mds_rng_block(seed, MDS_RNG_TEST, 0, index, 0);

    return mds_uniform(b.word[0], b.word[1]);
}

static mds_device *open_cuda(void)
{
    mds_device *device;

    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        exit(77);
    }
    return device;
}

/* n random atoms in the cell h, spread over `spread` cells around the origin. */
static void open_world(world *w, const double h[3][3], const bool periodic[3], int n, double spread,
                       uint64_t seed)
{
    memset(w, 0, sizeof *w);
    CHECK_OK(mds_device_open("cpu", &w->device[0]));
    w->device[1] = open_cuda();
    CHECK_OK(mds_structure_init(&w->structure, n, false));
    CHECK_OK(mds_box_set(&w->structure.box, h, periodic));
    w->structure.species.count = 1;
    for (int i = 0; i < n; ++i) {
        double s[3];

        for (int k = 0; k < 3; ++k)
            s[k] = (uniform(seed, (uint64_t)(3 * i + k)) - 0.5) * spread;
        mds_box_to_cartesian(&w->structure.box, s, w->structure.x + 3 * i);
        w->structure.mass[i] = 1.0;
    }
    for (int d = 0; d < 2; ++d)
        CHECK_OK(mds_state_init(&w->state[d], w->device[d], &w->structure));
}

static void make_lists(world *w, double cutoff, double skin)
{
    const mds_neighbor_options options = {.cutoff = cutoff, .skin = skin};

    for (int d = 0; d < 2; ++d)
        CHECK_OK(mds_neighbor_create(w->device[d], &options, &w->list[d]));
}

static void close_world(world *w)
{
    for (int d = 0; d < 2; ++d) {
        mds_device_memory memory;

        mds_neighbor_destroy(w->list[d]);
        mds_state_fini(&w->state[d]);
        mds_device_get_memory(w->device[d], &memory);
        assert_int_equal(memory.used, 0);
        mds_device_close(w->device[d]);
    }
    mds_structure_fini(&w->structure);
}

/* Positions and box of the structure to both states, as a protocol would leave them. */
static void give_positions(world *w)
{
    const size_t bytes = 3 * (size_t)w->structure.n * sizeof(double);

    for (int d = 0; d < 2; ++d) {
        CHECK_OK(mds_device_copy(w->device[d], w->state[d].x, w->structure.x, bytes,
                                 MDS_COPY_TO_DEVICE));
        CHECK_OK(mds_device_sync(w->device[d]));
        w->state[d].box = w->structure.box;
        CHECK_OK(mds_state_push_block(&w->state[d]));
    }
}

static void fetch(world *w, void *to, const void *from, size_t bytes)
{
    CHECK_OK(mds_device_copy(w->device[1], to, from, bytes, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(w->device[1]));
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(pair));
}

/* Appends the pair if the vector r from i to the image of j is shorter than cutoff. The translation
 * is told from the true positions, so that it does not matter how a list has wrapped them. */
static void append(const world *w, pair *out, int *count, int i, int j, const double r[3],
                   double cutoff)
{
    const mds_box *box = &w->structure.box;
    double d[3], s[3];

    if (r[0] * r[0] + r[1] * r[1] + r[2] * r[2] >= cutoff * cutoff)
        return;
    for (int k = 0; k < 3; ++k)
        d[k] = r[k] - (w->structure.x[3 * j + k] - w->structure.x[3 * i + k]);
    mds_box_to_fractional(box, d, s);
    pair *p = &out[(*count)++];
    *p = (pair){.i = i, .j = j};
    for (int k = 0; k < 3; ++k) {
        CHECK_NEAR(s[k], rint(s[k]), 0.0, 1e-9); /* rounding of coordinates of some 100 Å */
        p->t[k] = (int)rint(s[k]);
    }
}

static pair *host_pairs(const world *w, double cutoff, int *count)
{
    const mds_neighbor *list = w->list[0];
    pair *out = malloc((size_t)(list->entries + 1) * sizeof *out);

    *count = 0;
    for (int i = 0; i < list->n; ++i)
        for (int k = 0; k < list->count[i]; ++k) {
            const int row = list->index[list->start[i] + k];
            double r[3];

            for (int c = 0; c < 3; ++c)
                r[c] = list->xe[4 * row + c] - list->xe[4 * i + c];
            append(w, out, count, i, list->owner[row], r, cutoff);
        }
    qsort(out, (size_t)*count, sizeof *out, compare);
    return out;
}

/* Also checks what neighbor_view.h promises about the order. */
static pair *device_pairs(world *w, double cutoff, int *count)
{
    const mds_neighbor_view view = w->list[1]->view;
    const size_t n = (size_t)view.n, entries = n * (size_t)view.stride;
    double *xw = malloc(n * 4 * sizeof *xw);
    int *length = malloc(n * sizeof *length);
    uint32_t *entry = malloc(entries * sizeof *entry);
    pair *out = malloc((entries + 1) * sizeof *out);
    mds_step_block d;

    fetch(w, xw, view.xw, n * 4 * sizeof *xw);
    fetch(w, length, view.count, n * sizeof *length);
    fetch(w, entry, view.entry, entries * sizeof *entry);
    fetch(w, &d, view.d, sizeof d);
    *count = 0;
    for (int i = 0; i < view.n; ++i)
        for (int k = 0; k < length[i]; ++k) {
            const uint32_t *e = &entry[(size_t)i * (size_t)view.stride + (size_t)k];
            const int j = mds_entry_atom(*e);
            double r[3];

            assert_true(k == 0 || e[-1] < e[0]);
            assert_in_range(j, 0, view.n - 1);
            mds_entry_translation(*e, (const double(*)[3])d.h, r);
            for (int c = 0; c < 3; ++c)
                r[c] += xw[4 * j + c] - xw[4 * i + c];
            append(w, out, count, i, j, r, cutoff);
        }
    qsort(out, (size_t)*count, sizeof *out, compare);
    free(xw);
    free(length);
    free(entry);
    return out;
}

/* Returns how many there are. */
static int check_pairs(world *w, double cutoff)
{
    int counts[2];
    pair *host = host_pairs(w, cutoff, &counts[0]), *device = device_pairs(w, cutoff, &counts[1]);

    assert_int_equal(counts[0], counts[1]);
    for (int k = 0; k < counts[0]; ++k)
        assert_memory_equal(&host[k], &device[k], sizeof *host);
    free(host);
    free(device);
    return counts[0];
}

/* Updates both lists and compares what they report. */
static void update(world *w)
{
    mds_scalars s[2];

    for (int d = 0; d < 2; ++d) {
        CHECK_OK(mds_neighbor_update(w->list[d], &w->state[d]));
        CHECK_OK(mds_state_fetch_scalars(&w->state[d], &s[d]));
    }
    assert_true(s[0].rebuilt == s[1].rebuilt);
    assert_true(s[0].dangerous == s[1].dangerous);
}

static const bool all[3] = {true, true, true}, slab[3] = {true, true, false},
                  none[3] = {false, false, false}, wire[3] = {false, false, true};

/* Full lists, to cutoff + skin: the positions are random, so that no pair lies on the edge. */
static void same_pairs_in_all_cells(void **unused)
{
    static const struct {
        double h[3][3];
        const bool *periodic;
        double cutoff;
        int least; /* pairs there must be in all, so that the test sees something */
    } cases[] = {
        {{{12, 0, 0}, {0, 12, 0}, {0, 0, 12}}, all, 3.5, 100},
        {{{2.1, 0, 0}, {0, 2.2, 0}, {0, 0, 2.3}}, all, 4.0, 500}, /* self images */
        {{{1, 0, 0}, {0, 9, 0}, {0, 0, 9}}, all, 5.2, 500},       /* nearly seven cells */
        {{{8, 0, 0}, {6, 5, 0}, {-5, 4, 7}}, all, 4.5, 500},      /* skewed */
        {{{0, 7, 0}, {7, 0, 1}, {0, 2, 8}}, all, 4.5, 500},       /* left-handed */
        {{{9, 0, 0}, {1, 8, 0}, {0, 0, 7}}, slab, 4.0, 500},
        {{{9, 0, 0}, {1, 8, 0}, {0, 0, 7}}, wire, 4.0, 500},
        {{{4, 0, 0}, {0, 4, 0}, {0, 0, 4}}, none, 4.0, 500},
    };
    static const int atoms[] = {1, 5, 31, 33, 65, 127};
    const double skin = 0.6;

    (void)unused;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c) {
        int pairs = 0;

        for (size_t k = 0; k < sizeof atoms / sizeof atoms[0]; ++k) {
            world w;

            open_world(&w, cases[c].h, cases[c].periodic, atoms[k], 5.0, 100 * c + k);
            make_lists(&w, cases[c].cutoff, skin);
            update(&w);
            pairs += check_pairs(&w, cases[c].cutoff + skin);
            close_world(&w);
        }
        assert_in_range(pairs, cases[c].least, 1 << 30);
    }
}

static void more_atoms_than_a_block(void **unused)
{
    static const double h[3][3] = {{18, 0, 0}, {3, 17, 0}, {0, 2, 16}};
    world w;

    (void)unused;
    open_world(&w, h, all, 521, 2.0, 7);
    make_lists(&w, 3.0, 0.5);
    update(&w);
    assert_in_range(check_pairs(&w, 3.5), 5000, 1 << 30);
    close_world(&w);
}

/* A random walk: the decisions, the pairs and the counts are the host's at every step. */
static void same_decisions_under_motion(void **unused)
{
    static const double h[3][3] = {{9, 0, 0}, {2, 8, 0}, {-1, 3, 9}};
    world w;

    (void)unused;
    open_world(&w, h, all, 70, 3.0, 11);
    make_lists(&w, 3.5, 0.8);
    for (int step = 0; step < 40; ++step) {
        /* Some steps are so long that the skin does not last for one. */
        const double length = step % 13 == 5 ? 2.0 : 0.15;

        for (int k = 0; k < 3 * w.structure.n; ++k)
            w.structure.x[k] += length * (uniform(12, (uint64_t)(1000 * step + k)) - 0.5);
        give_positions(&w);
        update(&w);
        check_pairs(&w, 3.5);
    }
    CHECK_OK(mds_neighbor_make_room(w.list[1], &w.state[1]));
    assert_int_equal(w.list[0]->builds, w.list[1]->builds);
    assert_int_equal(w.list[0]->dangerous, w.list[1]->dangerous);
    assert_in_range(w.list[1]->dangerous, 1, 20);
    assert_in_range(w.list[1]->builds, 5, 35);
    close_world(&w);
}

/* The cell breathes and shears, and takes the atoms along. */
static void same_decisions_in_a_moving_cell(void **unused)
{
    static const double h[3][3] = {{8, 0, 0}, {1, 8, 0}, {0, 2, 8}};
    world w;
    int rebuilt = 0;

    (void)unused;
    open_world(&w, h, all, 64, 3.0, 21);
    make_lists(&w, 3.5, 0.8);
    for (int step = 0; step < 30; ++step) {
        const double e = 0.04 * sin(0.7 * step), g = 0.03 * cos(0.4 * step);
        const double now[3][3] = {
            {8 * (1 + e), 0, 0}, {1 + 8 * g, 8 * (1 - e), 0}, {0, 2 - 8 * g, 8 * (1 + 0.5 * e)}};
        mds_scalars s;

        for (int i = 0; i < w.structure.n; ++i) {
            double *x = w.structure.x + 3 * i, f[3];

            mds_box_to_fractional(&w.structure.box, x, f);
            for (int k = 0; k < 3; ++k)
                x[k] = f[0] * now[0][k] + f[1] * now[1][k] + f[2] * now[2][k] +
                       0.2 * (uniform(22, (uint64_t)(1000 * step + 3 * i + k)) - 0.5);
        }
        CHECK_OK(mds_box_set(&w.structure.box, now, all));
        give_positions(&w);
        update(&w);
        check_pairs(&w, 3.5);
        CHECK_OK(mds_state_fetch_scalars(&w.state[1], &s));
        rebuilt += s.rebuilt != 0.0;
    }
    assert_in_range(rebuilt, 3, 20); /* both ways were taken */
    close_world(&w);
}

static void rebuilds_when_told(void **unused)
{
    static const double h[3][3] = {{7, 0, 0}, {0, 7, 0}, {0, 0, 7}};
    world w;

    (void)unused;
    for (int k = 0; k < 2; ++k) {
        mds_scalars s;

        open_world(&w, h, all, 20, 1.0, 31);
        make_lists(&w, 3.0, k == 0 ? 0.5 : 0.0); /* without a skin at every step */
        update(&w);
        update(&w);
        CHECK_OK(mds_state_fetch_scalars(&w.state[1], &s));
        assert_true(s.rebuilt == k);
        mds_neighbor_invalidate(w.list[0]);
        mds_neighbor_invalidate(w.list[1]);
        update(&w);
        CHECK_OK(mds_state_fetch_scalars(&w.state[1], &s));
        assert_true(s.rebuilt == 1.0 && s.dangerous == 0.0);
        check_pairs(&w, 3.0);
        close_world(&w);
    }
}

/* Rows that are nearly full get more room; rows that overflow are a fault. */
static void rows_grow_or_fault(void **unused)
{
    static const double h[3][3] = {{30, 0, 0}, {0, 30, 0}, {0, 0, 30}};
    world w;
    mds_scalars s;
    mds_step_block d;

    (void)unused;
    open_world(&w, h, all, 200, 1.0, 41);
    make_lists(&w, 3.0, 0.5);
    update(&w);
    const int stride = w.list[1]->view.stride;
    const int64_t generation = mds_device_generation(w.device[1]);
    CHECK_OK(mds_neighbor_make_room(w.list[1], &w.state[1]));
    assert_int_equal(w.list[1]->view.stride, stride); /* nothing to do, so nothing done */
    assert_true(mds_device_generation(w.device[1]) == generation);

    /* As many atoms on one heap as just fit: a row is full. */
    for (int i = 0; i <= stride; ++i)
        for (int k = 0; k < 3; ++k)
            w.structure.x[3 * i + k] = -14.0 + 0.5 * uniform(42, (uint64_t)(3 * i + k));
    for (int i = stride + 1; i < w.structure.n; ++i)
        for (int k = 0; k < 3; ++k)
            w.structure.x[3 * i + k] = 20.0 * uniform(43, (uint64_t)(3 * i + k)) - 8.0;
    give_positions(&w);
    update(&w);
    check_pairs(&w, 3.5);
    CHECK_OK(mds_state_fetch_scalars(&w.state[1], &s));
    CHECK_NEAR(s.fill, 1.0, 0.0, 0.0);
    CHECK_OK(mds_neighbor_make_room(w.list[1], &w.state[1]));
    assert_in_range(w.list[1]->view.stride, stride + 1, 1 << 20);
    mds_neighbor_invalidate(w.list[0]); /* the device's list has gone with its rows */
    update(&w);
    check_pairs(&w, 3.5);

    /* All on one heap. */
    for (int k = 0; k < 3 * w.structure.n; ++k)
        w.structure.x[k] = -14.0 + 0.5 * uniform(44, (uint64_t)k);
    give_positions(&w);
    CHECK_OK(mds_neighbor_update(w.list[1], &w.state[1]));
    fetch(&w, &d, w.state[1].d, sizeof d);
    assert_int_equal(d.fault, MDS_FAULT_CAPACITY);
    CHECK_NEAR(d.fault_value, 199.0, 0.0, 0.0);
    close_world(&w);
}

/* `count` atoms on a heap, the others far from each other: rows of count - 1. */
static void heap_up(world *w, int count)
{
    for (int k = 0; k < 3 * count; ++k)
        w->structure.x[k] = -14.0 + 0.5 * uniform(45, (uint64_t)k);
    for (int i = count; i < w->structure.n; ++i)
        for (int k = 0; k < 3; ++k)
            w->structure.x[3 * i + k] = 26.0 * uniform(46, (uint64_t)(3 * i + k)) - 11.0;
    give_positions(w);
    CHECK_OK(mds_neighbor_update(w->list[1], &w->state[1]));
}

/* Longer rows make recorded work void, whether their memory had to grow for them or not. */
static void longer_rows_make_recorded_work_void(void **unused)
{
    static const double h[3][3] = {{30, 0, 0}, {0, 30, 0}, {0, 0, 30}};
    static const int count[2] = {580, 695}; /* first more than the rows' memory, then within it */
    world w;

    (void)unused;
    open_world(&w, h, all, 700, 1.0, 47);
    make_lists(&w, 2.0, 0.0);
    heap_up(&w, 480);
    for (int k = 0; k < 2; ++k) {
        const int stride = w.list[1]->view.stride;
        const int64_t generation = mds_device_generation(w.device[1]);

        heap_up(&w, count[k]);
        CHECK_OK(mds_neighbor_make_room(w.list[1], &w.state[1]));
        assert_in_range(w.list[1]->view.stride, stride + 1, 1 << 20);
        assert_true(mds_device_generation(w.device[1]) != generation);
    }
    close_world(&w);
}

static void finds_what_is_wrong(void **unused)
{
    static const double h[3][3] = {{9, 0, 0}, {0, 9, 0}, {0, 0, 9}};
    const double thin[3][3] = {{9, 0, 0}, {0, 9, 0}, {0, 0, 0.4}};
    mds_step_block d;
    world w;

    (void)unused;
    open_world(&w, h, all, 40, 1.0, 51);
    make_lists(&w, 3.0, 0.5);
    w.structure.x[3 * 17 + 1] = NAN;
    give_positions(&w);
    CHECK_FAILS(mds_neighbor_update(w.list[1], &w.state[1]), MDS_ERR_NUMERIC, "atom 18");
    w.structure.x[3 * 17 + 1] = 1.0;
    give_positions(&w);
    update(&w);
    check_pairs(&w, 3.5);

    /* Now that the list is there, it is the step block that tells. */
    w.structure.x[3 * 33] = INFINITY;
    give_positions(&w);
    CHECK_OK(mds_neighbor_update(w.list[1], &w.state[1]));
    fetch(&w, &d, w.state[1].d, sizeof d);
    assert_int_equal(d.fault, MDS_FAULT_NOT_FINITE);
    CHECK_NEAR(d.fault_value, 33.0, 0.0, 0.0);
    w.structure.x[3 * 33] = 2.0;
    CHECK_OK(mds_box_set(&w.structure.box, thin, all));
    give_positions(&w);
    CHECK_OK(mds_neighbor_update(w.list[1], &w.state[1]));
    fetch(&w, &d, w.state[1].d, sizeof d);
    assert_int_equal(d.fault, MDS_FAULT_IMAGES);
    CHECK_NEAR(d.fault_value, 3.5 / 0.4, 1e-12, 0.0);
    close_world(&w);

    open_world(&w, thin, all, 3, 1.0, 52);
    make_lists(&w, 3.0, 0.5);
    CHECK_FAILS(mds_neighbor_update(w.list[1], &w.state[1]), MDS_ERR_CAPACITY, "cell is thick");
    close_world(&w);
}

/* Once the rows are sized, an update allocates nothing and can be recorded. */
static void update_can_be_recorded(void **unused)
{
    static const double h[3][3] = {{9, 0, 0}, {2, 8, 0}, {-1, 3, 9}};
    mds_graph *graph = NULL;
    world w;

    (void)unused;
    open_world(&w, h, all, 70, 3.0, 61);
    make_lists(&w, 3.5, 0.8);
    update(&w);
    const int64_t generation = mds_device_generation(w.device[1]);
    CHECK_OK(mds_device_graph_begin(w.device[1]));
    CHECK_OK(mds_neighbor_update(w.list[1], &w.state[1]));
    CHECK_OK(mds_device_graph_end(w.device[1], &graph));
    for (int step = 0; step < 12; ++step) {
        for (int k = 0; k < 3 * w.structure.n; ++k)
            w.structure.x[k] += 0.3 * (uniform(62, (uint64_t)(1000 * step + k)) - 0.5);
        give_positions(&w);
        CHECK_OK(mds_neighbor_update(w.list[0], &w.state[0]));
        CHECK_OK(mds_device_graph_launch(w.device[1], graph));
        check_pairs(&w, 3.5);
    }
    assert_true(mds_device_generation(w.device[1]) == generation);
    mds_device_graph_destroy(w.device[1], graph);
    CHECK_OK(mds_neighbor_make_room(w.list[1], &w.state[1]));
    assert_int_equal(w.list[0]->builds, w.list[1]->builds);
    assert_in_range(w.list[1]->builds, 3, 12);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_pairs_in_all_cells),
        cmocka_unit_test(more_atoms_than_a_block),
        cmocka_unit_test(same_decisions_under_motion),
        cmocka_unit_test(same_decisions_in_a_moving_cell),
        cmocka_unit_test(rebuilds_when_told),
        cmocka_unit_test(rows_grow_or_fault),
        cmocka_unit_test(longer_rows_make_recorded_work_void),
        cmocka_unit_test(finds_what_is_wrong),
        cmocka_unit_test(update_can_be_recorded),
    };

    mds_device_close(open_cuda()); /* skips here, once for all */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
