#include "md/neighbor.h"

#include "base/rng.h"
#include "harness/test.h"
#include "md/neighbor_collect.h"

/* A directed or undirected pair: atom i and the image of j by t. */
typedef struct pair {
    int i, j, t[3];
} pair;

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(pair));
}

typedef struct world {
    mds_device *device;
    mds_structure structure;
    mds_state state;
} world;

static double uniform(uint64_t seed, uint64_t index)
{
    const mds_philox_block b = mds_rng_block(seed, MDS_RNG_TEST, 0, index, 0);

    return mds_uniform(b.word[0], b.word[1]);
}

/* n random atoms in the cell h, `spread` cells wide. */
static void open_world(world *w, const double h[3][3], const bool periodic[3], int n, double spread,
                       uint64_t seed)
{
    memset(w, 0, sizeof *w);
    CHECK_OK(mds_device_open("cpu", &w->device));
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

static void close_world(world *w)
{
    mds_state_fini(&w->state);
    mds_structure_fini(&w->structure);
    mds_device_close(w->device);
}

/* All pairs (i, image of j) closer than `cutoff`, by looking at every translation that can matter.
 */
static pair *brute_force(const mds_state *state, double cutoff, int *count)
{
    const mds_box *box = &state->box;
    int capacity = 1024;
    pair *list = malloc((size_t)capacity * sizeof *list);

    *count = 0;
    for (int i = 0; i < state->n; ++i)
        for (int j = 0; j < state->n; ++j) {
            int low[3], high[3];
            double d[3], s[3];

            for (int k = 0; k < 3; ++k)
                d[k] = state->x[3 * j + k] - state->x[3 * i + k];
            mds_box_to_fractional(box, d, s);
            for (int k = 0; k < 3; ++k) {
                const double reach = cutoff / box->height[k] + 1e-6;

                low[k] = box->periodic[k] ? (int)floor(-reach - s[k]) : 0;
                high[k] = box->periodic[k] ? (int)ceil(reach - s[k]) : 0;
            }
            for (int a = low[0]; a <= high[0]; ++a)
                for (int b = low[1]; b <= high[1]; ++b)
                    for (int c = low[2]; c <= high[2]; ++c) {
                        double r = 0.0;

                        if (i == j && a == 0 && b == 0 && c == 0)
                            continue;
                        for (int k = 0; k < 3; ++k) {
                            const double t = d[k] + a * box->h[0][k] + b * box->h[1][k] +
                                             c * box->h[2][k];

                            r += t * t;
                        }
                        if (r >= cutoff * cutoff)
                            continue;
                        if (*count == capacity)
                            list = realloc(list, (size_t)(capacity *= 2) * sizeof *list);
                        list[(*count)++] = (pair){i, j, {a, b, c}};
                    }
        }
    return list;
}

/* The invariants that the header promises, apart from which pairs there are. */
static void check_shape(const mds_neighbor *list, const mds_state *state,
                        const mds_neighbor_options *options)
{
    const int pad = options->row_pad > 1 ? options->row_pad : 1;
    int64_t entries = 0;
    int *seen = calloc((size_t)list->m + 1, sizeof *seen);

    assert_int_equal(list->n, state->n);
    assert_int_equal((uintptr_t)list->xe % 64, 0);
    assert_int_equal(list->start[0], 0);
    for (int row = 0; row < list->m; ++row) {
        const double *x = state->x + 3 * list->owner[row];
        const int *t = list->shift + 3 * row;

        for (int k = 0; k < 3; ++k) {
            const double *a = &state->box.h[0][k];
            const double want = x[k] + t[0] * a[0] + t[1] * a[3] + t[2] * a[6];

            if (row < list->n)
                assert_int_equal(list->owner[row], row);
            /* Rounding of coordinates below 1000 Å. */
            CHECK_NEAR(list->xe[4 * row + k], want, 0.0, 1e-12 * 1000);
        }
        assert_true(list->xe[4 * row + 3] == 0.0);
    }
    assert_true(fabs(list->xe[4 * list->m]) > 1e8);
    for (int i = 0; i < list->n && state->s->rebuilt == 1.0; ++i) {
        double s[3];

        mds_box_to_fractional(&state->box, list->xe + 4 * i, s);
        for (int k = 0; k < 3; ++k)
            assert_true(!state->box.periodic[k] || (s[k] > -1e-9 && s[k] < 1.0 + 1e-9));
    }
    for (int i = 0; i < list->n; ++i) {
        const int used = list->start[i + 1] - list->start[i];

        assert_int_equal(list->start[i] % pad, 0);
        assert_int_equal(used, (list->count[i] + pad - 1) / pad * pad);
        entries += list->count[i];
        for (int k = 0; k < used; ++k) {
            const int row = list->index[list->start[i] + k];

            if (k >= list->count[i]) {
                assert_int_equal(row, list->m);
                continue;
            }
            assert_true(row >= 0 && row < list->m && row != i);
            assert_int_not_equal(seen[row], i + 1);
            seen[row] = i + 1;
        }
    }
    assert_true(entries == list->entries);
    /* Every image is there once. */
    pair *ghosts = calloc((size_t)list->m + 1, sizeof *ghosts);
    for (int row = 0; row < list->m; ++row)
        ghosts[row] =
            (pair){0,
                   list->owner[row],
                   {list->shift[3 * row], list->shift[3 * row + 1], list->shift[3 * row + 2]}};
    qsort(ghosts, (size_t)list->m, sizeof *ghosts, compare);
    for (int g = 1; g < list->m; ++g)
        assert_int_not_equal(compare(&ghosts[g - 1], &ghosts[g]), 0);
    free(ghosts);
    free(seen);
}

/* Pairs within `cutoff` among the entries, a half list's in both directions; sorted. */
static pair *listed(const mds_neighbor *list, bool half, double cutoff, int *count)
{
    pair *out = malloc(((size_t)list->entries * 2 + 1) * sizeof *out);

    *count = 0;
    for (int i = 0; i < list->n; ++i)
        for (int k = 0; k < list->count[i]; ++k) {
            const int row = list->index[list->start[i] + k];
            const double *a = list->xe + 4 * i, *b = list->xe + 4 * row;
            const int *u = list->shift + 3 * i, *v = list->shift + 3 * row;
            const int t[3] = {v[0] - u[0], v[1] - u[1], v[2] - u[2]};
            const double r2 = (b[0] - a[0]) * (b[0] - a[0]) + (b[1] - a[1]) * (b[1] - a[1]) +
                              (b[2] - a[2]) * (b[2] - a[2]);

            if (r2 >= cutoff * cutoff)
                continue;
            out[(*count)++] = (pair){i, list->owner[row], {t[0], t[1], t[2]}};
            if (half)
                out[(*count)++] = (pair){list->owner[row], i, {-t[0], -t[1], -t[2]}};
        }
    qsort(out, (size_t)*count, sizeof *out, compare);
    return out;
}

/* The list holds exactly the pairs of the brute-force search within `cutoff` (its own is larger).
 */
static void check_pairs(const mds_neighbor *list, const mds_state *state,
                        const mds_neighbor_options *options, double cutoff, const char *name)
{
    int want_count, got_count;
    pair *want = brute_force(state, cutoff, &want_count);
    pair *got = listed(list, options->kind == MDS_NEIGHBOR_HALF, cutoff, &got_count);

    qsort(want, (size_t)want_count, sizeof *want, compare);
    if (want_count != got_count)
        fail_msg("%s: %d pairs listed, %d exist (%d atoms, cutoff %g)", name, got_count, want_count,
                 state->n, cutoff);
    for (int k = 0; k < want_count; ++k)
        if (compare(&want[k], &got[k]) != 0)
            fail_msg("pair %d: listed %d-%d (%d %d %d), exists %d-%d (%d %d %d)", k, got[k].i,
                     got[k].j, got[k].t[0], got[k].t[1], got[k].t[2], want[k].i, want[k].j,
                     want[k].t[0], want[k].t[1], want[k].t[2]);
    free(want);
    free(got);
}

typedef struct cell_case {
    const char *name; /* for messages */
    double h[3][3];
    bool periodic[3];
    int n;
    double spread, cutoff;
} cell_case;

static const cell_case cells[] = {
    {"cube", {{12, 0, 0}, {0, 12, 0}, {0, 0, 12}}, {1, 1, 1}, 90, 1.0, 3.5},
    {"one bin", {{6, 0, 0}, {0, 6, 0}, {0, 0, 6}}, {1, 1, 1}, 20, 1.0, 5.0},
    {"long box", {{40, 0, 0}, {0, 7, 0}, {0, 0, 5}}, {1, 1, 1}, 60, 1.0, 4.0},
    {"restricted triclinic", {{9, 0, 0}, {3, 8, 0}, {-2, 4, 10}}, {1, 1, 1}, 50, 1.0, 4.2},
    {"rotated triclinic", {{7, 2, 1}, {-3, 8, 2}, {1, -4, 9}}, {1, 1, 1}, 40, 1.0, 4.0},
    {"strongly skewed", {{8, 0, 0}, {30, 8, 0}, {-25, 40, 8}}, {1, 1, 1}, 30, 1.0, 4.0},
    {"left-handed", {{7, 2, 1}, {1, -4, 9}, {-3, 8, 2}}, {1, 1, 1}, 40, 1.0, 4.0},
    {"tiny", {{2.1, 0, 0}, {0.3, 2.3, 0}, {0.2, -0.4, 1.9}}, {1, 1, 1}, 2, 1.0, 7.0},
    {"primitive fcc", {{0, 1.8, 1.8}, {1.8, 0, 1.8}, {1.8, 1.8, 0}}, {1, 1, 1}, 1, 1.0, 7.5},
    {"flat", {{20, 0, 0}, {0, 20, 0}, {0, 0, 0.9}}, {1, 1, 1}, 10, 1.0, 3.0},
    {"slab", {{8, 0, 0}, {1, 9, 0}, {0, 0, 12}}, {1, 1, 0}, 40, 1.0, 4.0},
    {"slab across a", {{12, 0, 0}, {1, 9, 0}, {0, 2, 8}}, {0, 1, 1}, 40, 1.6, 4.0},
    {"wire", {{0, 0, 0}, {0, 0, 0}, {1, 2, 7}}, {0, 0, 1}, 20, 6.0, 4.0},
    {"cluster", {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}, {0, 0, 0}, 60, 9.0, 3.0},
    {"flat cluster", {{5, 0, 0}, {0, 5, 0}, {0, 0, 1e-3}}, {0, 0, 0}, 60, 2.0, 3.0},
    {"far outside", {{9, 0, 0}, {3, 8, 0}, {-2, 4, 10}}, {1, 1, 1}, 40, 7.0, 4.0},
    {"very far outside", {{5, 0, 0}, {1, 6, 0}, {0, 0, 5}}, {1, 1, 1}, 12, 60.0, 4.0},
    {"lone atom", {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}, {0, 0, 0}, 1, 1.0, 3.0},
    {"lone atom in a large cell", {{50, 0, 0}, {0, 50, 0}, {0, 0, 50}}, {1, 1, 1}, 1, 1.0, 3.0},
    {"many", {{24, 0, 0}, {4, 22, 0}, {3, 1, 20}}, {1, 1, 1}, 700, 1.5, 3.0},
};

enum { CELLS = sizeof cells / sizeof cells[0] };

static void finds_all_images(void **unused)
{
    (void)unused;
    for (int c = 0; c < CELLS; ++c)
        for (int variant = 0; variant < 4; ++variant) {
            const mds_neighbor_options options = {
                .cutoff = cells[c].cutoff - 0.5,
                .skin = 0.5,
                .kind = variant % 2 ? MDS_NEIGHBOR_HALF : MDS_NEIGHBOR_FULL,
                .row_pad = variant / 2 ? 4 : 0,
            };
            mds_neighbor *list;
            world w;

            open_world(&w, cells[c].h, cells[c].periodic, cells[c].n, cells[c].spread,
                       17 + (uint64_t)c);
            CHECK_OK(mds_neighbor_create(w.device, &options, &list));
            CHECK_OK(mds_neighbor_update(list, &w.state));
            assert_true(list->builds == 1 && list->dangerous == 0);
            assert_true(w.state.s->rebuilt == 1.0);
            check_shape(list, &w.state, &options);
            /* A hair inside the list's own reach: no pair is so near that rounding decides. */
            check_pairs(list, &w.state, &options, cells[c].cutoff - 1e-9, cells[c].name);
            mds_neighbor_destroy(list);
            close_world(&w);
        }
}

/* x ← x A + noise, h ← h A: what a barostat and a step do. */
static void deform(mds_state *state, const double a[3][3], double noise, uint64_t seed)
{
    const mds_box old = state->box;
    double h[3][3] = {{0}};

    for (int i = 0; i < 3; ++i)
        for (int k = 0; k < 3; ++k)
            for (int c = 0; c < 3; ++c)
                h[i][k] += old.h[i][c] * a[c][k];
    CHECK_OK(mds_box_set(&state->box, (const double(*)[3])h, old.periodic));
    for (int i = 0; i < state->n; ++i) {
        double *x = state->x + 3 * i;
        const double before[3] = {x[0], x[1], x[2]};

        for (int k = 0; k < 3; ++k)
            x[k] = before[0] * a[0][k] + before[1] * a[1][k] + before[2] * a[2][k] +
                   noise * (uniform(seed, (uint64_t)(3 * i + k)) - 0.5);
    }
}

/* A walk of small steps, with or without a changing cell: after every update the list holds every
 * pair within the cutoff, and some updates are cheap ones. */
static void stays_complete_while_atoms_move(void **unused)
{
    const double none[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    const double squeeze[3][3] = {{0.997, 0, 0}, {0.001, 1.001, 0}, {0, -0.001, 0.998}};
    const double stretch[3][3] = {{1.002, 0, 0}, {0, 1.002, 0}, {0, 0, 1.002}};
    const double(*const maps[3])[3] = {none, squeeze, stretch};

    (void)unused;
    for (int c = 0; c < CELLS; ++c)
        for (int variant = 0; variant < 6; ++variant) {
            const mds_neighbor_options options = {
                .cutoff = cells[c].cutoff - 0.8,
                .skin = 0.8,
                .kind = variant % 2 ? MDS_NEIGHBOR_HALF : MDS_NEIGHBOR_FULL,
                .row_pad = 4,
            };
            const double(*map)[3] = maps[variant / 2];
            int cheap = 0, rebuilt = 0;
            mds_neighbor *list;
            world w;

            if (cells[c].n > 100 && variant % 2)
                continue; /* the brute force is slow */
            open_world(&w, cells[c].h, cells[c].periodic, cells[c].n, cells[c].spread,
                       91 + (uint64_t)c);
            CHECK_OK(mds_neighbor_create(w.device, &options, &list));
            for (int step = 0; step < 12; ++step) {
                deform(&w.state, map, 0.15, (uint64_t)(100 * c + step));
                CHECK_OK(mds_neighbor_update(list, &w.state));
                check_shape(list, &w.state, &options);
                check_pairs(list, &w.state, &options, options.cutoff, cells[c].name);
                cheap += w.state.s->rebuilt == 0.0;
                rebuilt += w.state.s->rebuilt == 1.0;
            }
            assert_int_equal(list->builds, rebuilt);
            assert_true(cheap >= 3);
            mds_neighbor_destroy(list);
            close_world(&w);
        }
}

/* The cell is compressed as far as the rule allows without any other movement: pairs that were just
 * outside the list's reach come in, and must be noticed. */
static void notices_compression(void **unused)
{
    const double h[3][3] = {{9, 0, 0}, {3, 8, 0}, {-2, 4, 10}};
    const bool periodic[3] = {true, true, true};
    const mds_neighbor_options options = {.cutoff = 4.0, .skin = 0.4};
    const double map[3][3] = {{0.999, 0, 0}, {0, 0.999, 0}, {0, 0, 0.999}};
    int64_t builds = 0;
    mds_neighbor *list;
    world w;

    (void)unused;
    open_world(&w, h, periodic, 120, 1.0, 5);
    CHECK_OK(mds_neighbor_create(w.device, &options, &list));
    for (int step = 0; step < 400; ++step) {
        deform(&w.state, map, 0.0, 0);
        CHECK_OK(mds_neighbor_update(list, &w.state));
        if (step % 7 == 0 || w.state.s->rebuilt == 1.0)
            check_pairs(list, &w.state, &options, 4.0, "compression");
    }
    builds = list->builds;
    /* 1 − |A − 1| reaches cutoff / (cutoff + skin) = 0.909 after some 53 steps of 0.1 % (√3 of it
     * in the Frobenius norm): between 7 and 9 builds, never one per step. */
    assert_in_range(builds, 7, 10);
    assert_int_equal(list->dangerous, 0);
    mds_neighbor_destroy(list);
    close_world(&w);
}

static void rebuilds_when_and_only_when_it_must(void **unused)
{
    const double h[3][3] = {{9, 0, 0}, {0, 9, 0}, {0, 0, 9}};
    const bool periodic[3] = {true, true, true};
    mds_neighbor_options options = {.cutoff = 3.0, .skin = 1.0};
    mds_neighbor *list;
    world w;

    (void)unused;
    open_world(&w, h, periodic, 40, 1.0, 3);
    CHECK_OK(mds_neighbor_create(w.device, &options, &list));
    CHECK_OK(mds_neighbor_update(list, &w.state));
    CHECK_OK(mds_neighbor_update(list, &w.state));
    assert_int_equal(list->builds, 1);
    w.state.x[30] += 0.499; /* just less than skin/2 */
    CHECK_OK(mds_neighbor_update(list, &w.state));
    assert_int_equal(list->builds, 1);
    assert_true(w.state.s->rebuilt == 0.0 && list->xe[40] == w.state.x[30] + 9.0 * list->shift[30]);
    w.state.x[31] += 0.1; /* together 0.509 */
    CHECK_OK(mds_neighbor_update(list, &w.state));
    assert_int_equal(list->builds, 2);
    assert_true(w.state.s->rebuilt == 1.0 && list->dangerous == 0);
    w.state.x[0] += 0.6; /* at the first test after a build */
    CHECK_OK(mds_neighbor_update(list, &w.state));
    assert_true(list->builds == 3 && list->dangerous == 1);
    CHECK_OK(mds_neighbor_update(list, &w.state));
    w.state.x[0] += 1.01; /* more than the skin at once */
    CHECK_OK(mds_neighbor_update(list, &w.state));
    assert_true(list->builds == 4 && list->dangerous == 2 && w.state.s->dangerous == 2.0);
    w.state.x[0] += 9.0; /* replaced positions are not dangerous when they are announced */
    mds_neighbor_invalidate(list);
    CHECK_OK(mds_neighbor_update(list, &w.state));
    assert_true(list->builds == 5 && list->dangerous == 2);
    mds_neighbor_destroy(list);
    options.skin = 0.0;
    CHECK_OK(mds_neighbor_create(w.device, &options, &list));
    for (int k = 1; k <= 3; ++k) {
        CHECK_OK(mds_neighbor_update(list, &w.state));
        assert_true(list->builds == k && list->dangerous == 0);
    }
    mds_neighbor_destroy(list);
    close_world(&w);
}

static void is_the_same_every_time(void **unused)
{
    mds_neighbor *list[2];
    world w;
    const cell_case *c = &cells[CELLS - 1];
    const mds_neighbor_options options = {.cutoff = 3.0, .skin = 0.5, .row_pad = 8};

    (void)unused;
    open_world(&w, c->h, c->periodic, c->n, c->spread, 1);
    for (int k = 0; k < 2; ++k)
        CHECK_OK(mds_neighbor_create(w.device, &options, &list[k]));
    CHECK_OK(mds_neighbor_update(list[0], &w.state));
    CHECK_OK(mds_neighbor_update(list[1], &w.state));
    mds_neighbor_invalidate(list[1]); /* nor does it depend on what was there before */
    CHECK_OK(mds_neighbor_update(list[1], &w.state));
    assert_int_equal(list[0]->m, list[1]->m);
    assert_memory_equal(list[0]->start, list[1]->start, sizeof(int) * (size_t)(w.state.n + 1));
    assert_memory_equal(list[0]->index, list[1]->index,
                        sizeof(int) * (size_t)list[0]->start[w.state.n]);
    assert_memory_equal(list[0]->shift, list[1]->shift, 3 * sizeof(int) * (size_t)list[0]->m);
    for (int k = 0; k < 2; ++k)
        mds_neighbor_destroy(list[k]);
    close_world(&w);
}

static void folds_forces(void **unused)
{
    mds_neighbor *list;
    world w;
    const cell_case *c = &cells[3];
    const mds_neighbor_options options = {.cutoff = 3.0, .skin = 0.5, .kind = MDS_NEIGHBOR_HALF};

    (void)unused;
    open_world(&w, c->h, c->periodic, c->n, c->spread, 1);
    CHECK_OK(mds_neighbor_create(w.device, &options, &list));
    CHECK_OK(mds_neighbor_update(list, &w.state));
    double *fe = calloc(4 * (size_t)list->m, sizeof *fe), *want = calloc(3 * 50, sizeof *want);
    for (int row = 0; row < list->m; ++row)
        for (int k = 0; k < 4; ++k) {
            fe[4 * row + k] = row * 8 + k; /* whole numbers: sums are exact */
            if (k < 3)
                want[3 * list->owner[row] + k] += fe[4 * row + k];
        }
    mds_neighbor_fold_forces(list, fe, w.state.f);
    assert_memory_equal(w.state.f, want, 3 * sizeof(double) * (size_t)w.state.n);
    free(fe);
    free(want);
    mds_neighbor_destroy(list);
    close_world(&w);
}

static void refuses_what_it_cannot_do(void **unused)
{
    const double thin[3][3] = {{9, 0, 0}, {0, 9, 0}, {0, 0, 1e-5}};
    const double h[3][3] = {{9, 0, 0}, {0, 9, 0}, {0, 0, 9}};
    const bool periodic[3] = {true, true, true};
    mds_neighbor_options options = {.cutoff = 60.0, .skin = 1.0};
    mds_neighbor *list;
    world w;

    (void)unused;
    open_world(&w, h, periodic, 4, 1.0, 3);
    CHECK_OK(mds_neighbor_create(w.device, &options, &list));
    CHECK_OK(mds_box_set(&w.state.box, thin, periodic));
    CHECK_FAILS(mds_neighbor_update(list, &w.state), MDS_ERR_CAPACITY, "2^30 images");
    mds_neighbor_destroy(list);
    options.cutoff = 3.0;
    CHECK_OK(mds_box_set(&w.state.box, h, periodic));
    CHECK_OK(mds_neighbor_create(w.device, &options, &list));
    CHECK_OK(mds_neighbor_update(list, &w.state));
    const double bad[3] = {NAN, INFINITY, 1e30};
    for (int k = 0; k < 3; ++k) {
        const double good = w.state.x[7];

        w.state.x[7] = bad[k];
        CHECK_FAILS(mds_neighbor_update(list, &w.state), MDS_ERR_NUMERIC, "atom 3 is at");
        /* The list recovers when the positions do. */
        w.state.x[7] = good;
        CHECK_OK(mds_neighbor_update(list, &w.state));
        check_pairs(list, &w.state, &options, 3.0, "recovered");
    }
    mds_neighbor_destroy(list);
    const mds_neighbor_options wrong[] = {
        {.cutoff = 0.0, .skin = 1.0},
        {.cutoff = NAN, .skin = 1.0},
        {.cutoff = 3.0, .skin = -1.0},
        {.cutoff = 3.0, .skin = 1.0, .row_pad = -1},
        {.cutoff = 3.0, .skin = 1.0, .row_pad = 1000},
    };
    for (int k = 0; k < 5; ++k) {
        CHECK_FAILS(mds_neighbor_create(w.device, &wrong[k], &list), MDS_ERR_CONFIG, "neighbour");
        assert_null(list);
    }
    mds_neighbor_destroy(NULL);
    close_world(&w);
}

/* On a device whose fresh memory is poisoned and guarded, and which has little of it. */
static void lives_within_the_device(void **unused)
{
    const cell_case *c = &cells[CELLS - 1];
    mds_neighbor_options options = {.cutoff = 3.0, .skin = 0.5, .row_pad = 4};
    mds_device_memory memory;
    mds_neighbor *list;
    world w;

    (void)unused;
    open_world(&w, c->h, c->periodic, c->n, c->spread, 1);
    mds_state_fini(&w.state);
    mds_device_close(w.device);
    CHECK_OK(mds_device_open("sim:1", &w.device));
    CHECK_OK(mds_state_init(&w.state, w.device, &w.structure));
    CHECK_OK(mds_neighbor_create(w.device, &options, &list));
    CHECK_OK(mds_neighbor_update(list, &w.state));
    check_shape(list, &w.state, &options);
    check_pairs(list, &w.state, &options, 3.0, "sim");
    mds_neighbor_destroy(list);
    CHECK_OK(mds_device_sync(w.device)); /* no guard zone was damaged */
    options.cutoff = 12.0;
    CHECK_OK(mds_neighbor_create(w.device, &options, &list));
    CHECK_FAILS(mds_neighbor_update(list, &w.state), MDS_ERR_NOMEM, "out of memory");
    mds_neighbor_destroy(list);
    mds_state_fini(&w.state);
    mds_device_get_memory(w.device, &memory);
    assert_int_equal(memory.used, 0);
    close_world(&w);
}

/* Every version of the innermost loop that this processor can run finds what the plain one does, at
 * every length and alignment, and stays within its overrun. */
static void collects_alike_in_all_versions(void **unused)
{
    enum { N = 70 };
    mds_neighbor_collect *versions[8];
    const double centre[3] = {0.5, 0.4, 0.6};
    double x[3][N];
    int plain = 0;

    (void)unused;
    mds_neighbor_collect_versions(versions, 8);
    while (versions[plain + 1])
        ++plain;
    for (int k = 0; k < N; ++k)
        for (int c = 0; c < 3; ++c)
            x[c][k] = uniform(77, (uint64_t)(3 * k + c));
    x[0][40] = NAN; /* never near */
    for (int v = 0; v < plain; ++v)
        for (int first = 0; first < 10; ++first)
            for (int last = first; last <= N; ++last) {
                int want[N + 16], got[N + 16];

                memset(got, -1, sizeof got);
                const int wanted =
                    versions[plain](x[0], x[1], x[2], first, last, centre, 0.16, want, 3);
                const int found = versions[v](x[0], x[1], x[2], first, last, centre, 0.16, got, 3);
                assert_int_equal(found, wanted);
                assert_memory_equal(got + 3, want + 3, sizeof(int) * (size_t)(wanted - 3));
                assert_true(got[0] == -1 && got[found + MDS_NEIGHBOR_OVERRUN] == -1);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_all_images),
        cmocka_unit_test(stays_complete_while_atoms_move),
        cmocka_unit_test(notices_compression),
        cmocka_unit_test(rebuilds_when_and_only_when_it_must),
        cmocka_unit_test(is_the_same_every_time),
        cmocka_unit_test(folds_forces),
        cmocka_unit_test(refuses_what_it_cannot_do),
        cmocka_unit_test(collects_alike_in_all_versions),
        cmocka_unit_test(lives_within_the_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
