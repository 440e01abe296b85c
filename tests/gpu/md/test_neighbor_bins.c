/* The list by bins on a CUDA device is the list by a walk over all atoms, entry by entry, in the
 * same order: for cells of all kinds, under motion, and when bins are of no use. */
#include "md/neighbor_device.h"

#include "base/rng.h"
#include "harness/test.h"

#include <stdlib.h>

/* Index 0: all atoms; 1: bins. */
typedef struct world {
    mds_device *device;
    mds_structure structure;
    mds_state state;
    mds_neighbor *list[2];
} world;

static double uniform(uint64_t seed, uint64_t index)
{
    const mds_philox_block b = mds_rng_block(seed, MDS_RNG_TEST, 0, index, 0);

    return mds_uniform(b.word[0], b.word[1]);
}

/* n random atoms, spread over `spread` cells around the origin. */
static void open_world(world *w, const double h[3][3], const bool periodic[3], int n, double spread,
                       uint64_t seed)
{
    memset(w, 0, sizeof *w);
    CHECK_OK(mds_device_open("cuda:0", &w->device));
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
    CHECK_OK(mds_state_init(&w->state, w->device, &w->structure));
}

/* Bins wherever the cell has `gain` times as many as an atom looks at; 0: always. */
static void make_lists(world *w, double cutoff, double skin, double gain)
{
    const mds_neighbor_options options = {.cutoff = cutoff, .skin = skin};

    for (int k = 0; k < 2; ++k) {
        CHECK_OK(mds_neighbor_create(w->device, &options, &w->list[k]));
        mds_neighbor_device_set_bins(w->list[k], k == 0 ? 1 << 30 : 1, gain);
    }
}

static void close_world(world *w)
{
    for (int k = 0; k < 2; ++k)
        mds_neighbor_destroy(w->list[k]);
    mds_state_fini(&w->state);
    mds_device_close(w->device);
    mds_structure_fini(&w->structure);
}

static void give_positions(world *w)
{
    CHECK_OK(mds_device_copy(w->device, w->state.x, w->structure.x,
                             3 * (size_t)w->structure.n * sizeof(double), MDS_COPY_TO_DEVICE));
    CHECK_OK(mds_device_sync(w->device));
    w->state.box = w->structure.box;
    CHECK_OK(mds_state_push_block(&w->state));
}

static void *fetch(world *w, const void *from, size_t bytes)
{
    void *to = malloc(bytes);

    assert_non_null(to);
    CHECK_OK(mds_device_copy(w->device, to, from, bytes, MDS_COPY_TO_HOST));
    CHECK_OK(mds_device_sync(w->device));
    return to;
}

/* Positions, counts and entries of both lists; returns the number of entries. */
static int64_t check_same(world *w)
{
    const mds_neighbor_view a = w->list[0]->view, b = w->list[1]->view;
    const size_t n = (size_t)w->structure.n, row = (size_t)a.stride;
    int64_t entries = 0;

    assert_int_equal(a.n, b.n);
    assert_int_equal(a.stride, b.stride);
    double *xa = fetch(w, a.xw, n * 4 * sizeof *xa), *xb = fetch(w, b.xw, n * 4 * sizeof *xb);
    int *ca = fetch(w, a.count, n * sizeof *ca), *cb = fetch(w, b.count, n * sizeof *cb);
    uint32_t *ea = fetch(w, a.entry, n * row * sizeof *ea);
    uint32_t *eb = fetch(w, b.entry, n * row * sizeof *eb);

    assert_memory_equal(xa, xb, n * 4 * sizeof *xa);
    assert_memory_equal(ca, cb, n * sizeof *ca);
    for (size_t i = 0; i < n; ++i) {
        for (int k = 0; k < ca[i]; ++k)
            if (ea[i * row + (size_t)k] != eb[i * row + (size_t)k])
                fail_msg("atom %zu, entry %d of %d", i, k, ca[i]);
        entries += ca[i];
    }
    free(xa);
    free(xb);
    free(ca);
    free(cb);
    free(ea);
    free(eb);
    return entries;
}

static bool update(world *w)
{
    bool binned;

    for (int k = 0; k < 2; ++k)
        CHECK_OK(mds_neighbor_update(w->list[k], &w->state));
    CHECK_OK(mds_neighbor_device_binned(w->list[0], &binned));
    assert_false(binned);
    CHECK_OK(mds_neighbor_device_binned(w->list[1], &binned));
    return binned;
}

static const bool all[3] = {true, true, true}, slab[3] = {true, true, false},
                  none[3] = {false, false, false}, wire[3] = {false, false, true};

/* least: entries there must be in all, so that the test sees something; most: atoms. */
static const struct {
    double h[3][3];
    const bool *periodic;
    double cutoff;
    int least, most;
} cells[] = {
    {{{12, 0, 0}, {0, 12, 0}, {0, 0, 12}}, all, 2.5, 1000, 257},
    {{{21, 0, 0}, {0, 14, 0}, {0, 0, 9}}, all, 2.2, 1000, 257},    /* 7, 4 and 3 bins */
    {{{2.1, 0, 0}, {0, 2.2, 0}, {0, 0, 2.3}}, all, 3.0, 500, 33},  /* self images */
    {{{1, 0, 0}, {0, 9, 0}, {0, 0, 9}}, all, 3.2, 500, 65},        /* nearly four cells */
    {{{0.52, 0, 0}, {0, 21, 0}, {0, 0, 21}}, all, 3.0, 500, 127},  /* nearly seven */
    {{{16, 0, 0}, {12, 10, 0}, {-10, 8, 14}}, all, 2.5, 500, 257}, /* skewed */
    {{{0, 14, 0}, {14, 0, 2}, {0, 4, 16}}, all, 2.5, 500, 257},    /* left-handed */
    {{{18, 0, 0}, {2, 16, 0}, {0, 0, 14}}, slab, 2.5, 500, 257},   /* outside of its cell, too */
    {{{18, 0, 0}, {2, 16, 0}, {0, 0, 14}}, wire, 2.5, 200, 257},
    {{{14, 0, 0}, {0, 14, 0}, {0, 0, 14}}, none, 2.5, 100, 257},
    {{{14, 0, 0}, {0, 14, 0}, {0, 0, 0}}, slab, 2.5, 500, 257},
};

static void the_same_list_in_all_cells(void **unused)
{
    static const int atoms[] = {1, 5, 31, 33, 65, 127, 257};

    (void)unused;
    for (size_t c = 0; c < sizeof cells / sizeof cells[0]; ++c) {
        int64_t entries = 0;
        int binned = 0;

        for (size_t k = 0; k < sizeof atoms / sizeof atoms[0] && atoms[k] <= cells[c].most; ++k) {
            world w;

            open_world(&w, cells[c].h, cells[c].periodic, atoms[k], 3.0, 100 * c + k);
            make_lists(&w, cells[c].cutoff, 0.4, 0.0);
            binned += update(&w);
            entries += check_same(&w);
            close_world(&w);
        }
        assert_in_range(entries, cells[c].least, 1 << 30);
        assert_in_range(binned, 3, 7); /* with few atoms a bin overflows now and then */
    }
}

/* As it is used: bins where they gain something. */
static void where_bins_gain_something(void **unused)
{
    static const double h[3][3] = {{42, 0, 0}, {5, 40, 0}, {-7, 3, 38}};
    static const struct {
        int n;
        double cutoff;
        bool binned;
    } cases[] = {{1023, 3.1, true}, {401, 11.0, false}};

    (void)unused;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; ++k) {
        world w;

        open_world(&w, h, all, cases[k].n, 2.0, 7 + k);
        make_lists(&w, cases[k].cutoff, 0.5, 2.0);
        assert_int_equal(update(&w), cases[k].binned);
        assert_in_range(check_same(&w), 1000, 1 << 30);
        close_world(&w);
    }
}

/* Row i as the definition has it, from the wrapped positions. */
static int expected_row(const world *w, const double *xw, int i, double reach, uint32_t *out)
{
    const mds_box *box = &w->structure.box;
    int count = 0;

    for (int j = 0; j < w->structure.n; ++j)
        for (int s = 0; s < 27; ++s) {
            const int a = s / 9 - 1, b = s / 3 % 3 - 1, c = s % 3 - 1;
            double square = 0.0;

            for (int k = 0; k < 3; ++k) {
                const double d = xw[4 * j + k] - xw[4 * i + k] + a * box->h[0][k] +
                                 b * box->h[1][k] + c * box->h[2][k];
                square += d * d;
            }
            if (square < reach * reach && (j != i || s != 13))
                out[count++] = mds_entry_pack(j, a, b, c);
        }
    return count;
}

/* More atoms than the walk over all of them has patience for on the shim, as the list does it of
 * itself. */
static void thousands_of_atoms(void **unused)
{
    static const double h[3][3] = {{42, 0, 0}, {5, 40, 0}, {-7, 3, 38}};
    const mds_neighbor_options options = {.cutoff = 3.5, .skin = 0.5};
    enum { N = 5000, EVERY = 71 };
    uint32_t *want = malloc(27 * N * sizeof *want);
    int64_t entries = 0;
    bool binned;
    world w;

    (void)unused;
    assert_non_null(want);
    open_world(&w, h, all, N, 2.0, 9);
    CHECK_OK(mds_neighbor_create(w.device, &options, &w.list[1]));
    CHECK_OK(mds_neighbor_update(w.list[1], &w.state));
    CHECK_OK(mds_neighbor_device_binned(w.list[1], &binned));
    assert_true(binned);
    const mds_neighbor_view view = w.list[1]->view;
    const size_t row = (size_t)view.stride;
    double *xw = fetch(&w, view.xw, 4 * N * sizeof *xw);
    int *count = fetch(&w, view.count, N * sizeof *count);
    uint32_t *entry = fetch(&w, view.entry, N * row * sizeof *entry);

    for (int i = 0; i < N; i += EVERY) {
        assert_int_equal(count[i], expected_row(&w, xw, i, 4.0, want));
        assert_memory_equal(entry + (size_t)i * row, want, (size_t)count[i] * sizeof *want);
        entries += count[i];
    }
    assert_in_range(entries, 1000, 1 << 30);
    free(want);
    free(xw);
    free(count);
    free(entry);
    close_world(&w);
}

/* Two heaps in one bin, which cannot hold them: the build goes without. */
static void a_full_bin_is_no_harm(void **unused)
{
    static const double h[3][3] = {{30, 0, 0}, {0, 30, 0}, {0, 0, 30}};
    world w;

    (void)unused;
    open_world(&w, h, all, 600, 1.0, 41);
    make_lists(&w, 2.0, 0.5, 2.0);
    assert_true(update(&w));
    check_same(&w);
    for (int i = 0; i < 50; ++i)
        for (int k = 0; k < 3; ++k)
            w.structure.x[3 * i + k] = (i % 2 ? 0.6 : 4.4) +
                                       0.4 * uniform(42, (uint64_t)(3 * i + k));
    give_positions(&w);
    assert_false(update(&w));
    assert_in_range(check_same(&w), 50 * 24, 1 << 30);
    for (int k = 0; k < 3 * 50; ++k)
        w.structure.x[k] = 30.0 * uniform(43, (uint64_t)k);
    give_positions(&w);
    assert_true(update(&w));
    check_same(&w);
    close_world(&w);
}

/* The cell breathes so far that the number of bins changes; a recorded update follows it. */
static void from_a_graph_in_a_moving_cell(void **unused)
{
    static const double h[3][3] = {{20, 0, 0}, {2, 19, 0}, {0, 4, 21}};
    mds_graph *graph = NULL;
    world w;

    (void)unused;
    open_world(&w, h, all, 400, 2.0, 21);
    make_lists(&w, 2.6, 0.6, 0.0);
    assert_true(update(&w));
    const int64_t generation = mds_device_generation(w.device);

    CHECK_OK(mds_device_graph_begin(w.device));
    CHECK_OK(mds_neighbor_update(w.list[0], &w.state));
    CHECK_OK(mds_neighbor_update(w.list[1], &w.state));
    CHECK_OK(mds_device_graph_end(w.device, &graph));
    for (int step = 0; step < 24; ++step) {
        const double e = 0.12 * sin(0.6 * step), g = 0.05 * cos(0.4 * step);
        const double now[3][3] = {
            {20 * (1 + e), 0, 0}, {2 + 20 * g, 19 * (1 - e), 0}, {0, 4 - 20 * g, 21 + 10 * e}};

        for (int i = 0; i < w.structure.n; ++i) {
            double *x = w.structure.x + 3 * i, f[3];

            mds_box_to_fractional(&w.structure.box, x, f);
            for (int k = 0; k < 3; ++k)
                x[k] = f[0] * now[0][k] + f[1] * now[1][k] + f[2] * now[2][k] +
                       0.1 * (uniform(22, (uint64_t)(3000 * step + 3 * i + k)) - 0.5);
        }
        CHECK_OK(mds_box_set(&w.structure.box, now, all));
        give_positions(&w);
        CHECK_OK(mds_device_graph_launch(w.device, graph));
        check_same(&w);
    }
    assert_true(mds_device_generation(w.device) == generation);
    mds_device_graph_destroy(w.device, graph);
    for (int k = 0; k < 2; ++k)
        CHECK_OK(mds_neighbor_make_room(w.list[k], &w.state));
    assert_int_equal(w.list[0]->builds, w.list[1]->builds);
    assert_in_range(w.list[1]->builds, 6, 25);
    close_world(&w);
}

static void finds_what_is_wrong(void **unused)
{
    static const double h[3][3] = {{9, 0, 0}, {0, 9, 0}, {0, 0, 9}};
    const double thin[3][3] = {{9, 0, 0}, {0, 9, 0}, {0, 0, 0.3}};
    world w;

    (void)unused;
    for (int wrong = 0; wrong < 2; ++wrong) {
        open_world(&w, h, all, 300, 1.0, 51);
        make_lists(&w, 2.0, 0.5, 0.0);
        update(&w);
        if (wrong == 0)
            w.structure.x[3 * 133] = w.structure.x[3 * 270 + 1] = NAN;
        else
            CHECK_OK(mds_box_set(&w.structure.box, thin, all));
        give_positions(&w);
        CHECK_OK(mds_neighbor_update(w.list[1], &w.state));
        mds_step_block *d = fetch(&w, w.state.d, sizeof *d);
        assert_int_equal(d->fault, wrong == 0 ? MDS_FAULT_NOT_FINITE : MDS_FAULT_IMAGES);
        CHECK_NEAR(d->fault_value, wrong == 0 ? 133.0 : 2.5 / 0.3, 1e-12, 0.0);
        free(d);
        close_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_list_in_all_cells),
        cmocka_unit_test(where_bins_gain_something),
        cmocka_unit_test(thousands_of_atoms),
        cmocka_unit_test(a_full_bin_is_no_harm),
        cmocka_unit_test(finds_what_is_wrong),
        cmocka_unit_test(from_a_graph_in_a_moving_cell),
    };
    mds_device *device;

    /* On the shim: the order of the atoms within a bin is nobody's concern, as rows are sorted. */
    setenv("MDS_SHIM_ORDER_ALLOW", "file_atoms", 0);
    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    mds_device_close(device);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
