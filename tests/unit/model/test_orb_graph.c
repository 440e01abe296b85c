/* The graph against a plain search over all images, and the rule for ties in perfect crystals. */
#include "harness/test.h"

#include "base/rng.h"
#include "model/orb/orb_graph.h"
#include "model/orb/orb_variant.h"

typedef struct rig {
    mds_device *device;
    mds_team *team;
    mds_neighbor *list;
    mds_state state;
    orb_graph graph;
} rig;

static void rig_open(rig *r, const mds_structure *structure, int k, int threads)
{
    const mds_neighbor_options options = {
        .cutoff = ORB_CUTOFF, .skin = 0.4, .kind = MDS_NEIGHBOR_FULL};

    memset(r, 0, sizeof *r);
    CHECK_OK(mds_device_open("cpu", &r->device));
    CHECK_OK(mds_team_create(threads, &r->team));
    CHECK_OK(mds_neighbor_create(r->device, &options, &r->list));
    CHECK_OK(mds_state_init(&r->state, r->device, structure));
    CHECK_OK(orb_graph_set_atoms(&r->graph, r->device, structure->n, k));
    CHECK_OK(mds_neighbor_update(r->list, &r->state));
    CHECK_OK(orb_graph_build(&r->graph, r->team, r->list));
}

static void rig_close(rig *r)
{
    orb_graph_fini(&r->graph);
    mds_state_fini(&r->state);
    mds_neighbor_destroy(r->list);
    mds_team_destroy(r->team);
    mds_device_close(r->device);
}

/* `count` atoms at fractional positions in the cell h. */
static void make(mds_structure *s, const double h[3][3], int count, const double (*at)[3])
{
    const bool periodic[3] = {true, true, true};

    memset(s, 0, sizeof *s);
    CHECK_OK(mds_structure_init(s, count, false));
    CHECK_OK(mds_box_set(&s->box, h, periodic));
    mds_species_add(&s->species, 29);
    for (int i = 0; i < count; ++i) {
        mds_box_to_cartesian(&s->box, at[i], s->x + 3 * (size_t)i);
        s->mass[i] = 63.5;
    }
}

typedef struct found {
    double d2;
    int receiver, t[3];
} found;

static int compare(const void *left, const void *right)
{
    const found *a = left, *b = right;

    if (a->d2 != b->d2)
        return a->d2 < b->d2 ? -1 : 1;
    if (a->receiver != b->receiver)
        return a->receiver < b->receiver ? -1 : 1;
    for (int k = 0; k < 3; ++k)
        if (a->t[k] != b->t[k])
            return a->t[k] < b->t[k] ? -1 : 1;
    return 0;
}

enum { IMAGES = 4, MOST = 4096 };

/* Everything within 6 Å of atom i, by the rule. */
static int search(const mds_structure *s, int i, found *out)
{
    int count = 0;

    for (int j = 0; j < s->n; ++j)
        for (int t = 0; t < (2 * IMAGES + 1) * (2 * IMAGES + 1) * (2 * IMAGES + 1); ++t) {
            found f = {.receiver = j, .t = {t / 81 - IMAGES, t / 9 % 9 - IMAGES, t % 9 - IMAGES}};

            for (int a = 0; a < 3; ++a) {
                double v = s->x[3 * j + a] - s->x[3 * i + a];

                for (int k = 0; k < 3; ++k)
                    v += f.t[k] * s->box.h[k][a];
                f.d2 += (double)(float)v * (double)(float)v;
            }
            if (f.d2 < 36.0 && (i != j || f.t[0] || f.t[1] || f.t[2])) {
                assert_true(count < MOST);
                out[count++] = f;
            }
        }
    qsort(out, (size_t)count, sizeof *out, compare);
    return count;
}

static void check_receivers(const orb_graph *g)
{
    int at = 0;

    for (int i = 0; i < g->n; ++i) {
        assert_int_equal(g->receiver_start[i], at);
        for (int e = 0; e < g->edges; ++e)
            if (g->receiver[e] == i)
                assert_int_equal(g->receiver_edges[at++], e);
    }
    assert_int_equal(at, g->edges);
    assert_int_equal(g->receiver_start[g->n], at);
}

static void check_graph(const mds_structure *s, int k, int threads)
{
    static found all[MOST];
    rig r;

    rig_open(&r, s, k, threads);
    for (int i = 0; i < s->n; ++i) {
        const int count = search(s, i, all), kept = count < k ? count : k;

        assert_int_equal(r.graph.start[i + 1] - r.graph.start[i], kept);
        for (int c = 0; c < kept; ++c) {
            const int e = r.graph.start[i] + c;
            const double *v = r.graph.vector + 3 * (size_t)e;

            assert_int_equal(r.graph.sender[e], i);
            assert_int_equal(r.graph.receiver[e], all[c].receiver);
            for (int a = 0; a < 3; ++a) {
                double want = s->x[3 * all[c].receiver + a] - s->x[3 * i + a];

                for (int q = 0; q < 3; ++q)
                    want += all[c].t[q] * s->box.h[q][a];
                CHECK_NEAR(v[a], want, 0.0, 1e-13);
            }
            CHECK_NEAR(r.graph.distance[e], sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), 1e-15,
                       0.0);
        }
    }
    check_receivers(&r.graph);
    rig_close(&r);
}

static const double fcc[4][3] = {{0, 0, 0}, {0.5, 0.5, 0}, {0.5, 0, 0.5}, {0, 0.5, 0.5}};

/* Crystals with degenerate shells at the cut, a cell with one atom, a thin triclinic one; few and
 * many neighbours; one thread and two. */
static void test_all_images_and_ties(void **state)
{
    static const double copper[3][3] = {{3.58, 0, 0}, {0, 3.58, 0}, {0, 0, 3.58}};
    static const double primitive[3][3] = {{0, 1.8, 1.8}, {1.8, 0, 1.8}, {1.8, 1.8, 0}};
    static const double thin[3][3] = {{2.4, 0, 0}, {1.1, 3.3, 0}, {-0.9, 1.4, 9.1}};
    static const double random[3][3] = {{0.11, 0.92, 0.4}, {0.7, 0.3, 0.13}, {0.45, 0.61, 0.77}};
    mds_structure s;

    (void)state;
    for (int k = 1; k <= 120; k += 17) {
        make(&s, copper, 4, fcc);
        check_graph(&s, k, 1 + k % 2);
        mds_structure_fini(&s);
        make(&s, primitive, 1, fcc);
        check_graph(&s, k, 1 + k % 3);
        mds_structure_fini(&s);
        make(&s, thin, 3, random);
        check_graph(&s, k, 2);
        mds_structure_fini(&s);
    }
}

/* The same edges wherever the crystal lies: positions differ in their last bits, ties do not. */
static void test_ties_do_not_depend_on_the_origin(void **state)
{
    static const double h[3][3] = {{3.58, 0, 0}, {0, 3.58, 0}, {0, 0, 3.58}};
    mds_structure s;
    rig first, moved;

    (void)state;
    make(&s, h, 4, fcc);
    rig_open(&first, &s, 20, 1);
    for (int k = 0; k < 12; ++k)
        s.x[k] += 0.1234567 + 3.58 * (k / 3 % 2);
    rig_open(&moved, &s, 20, 1);
    assert_int_equal(first.graph.edges, 80);
    assert_memory_equal(first.graph.receiver, moved.graph.receiver, 80 * sizeof(int));
    for (int k = 0; k < 240; ++k)
        CHECK_NEAR(first.graph.vector[k], moved.graph.vector[k], 0.0, 1e-13);
    rig_close(&first);
    rig_close(&moved);
    mds_structure_fini(&s);
}

/* Far apart: no edges at all; and a pair beyond and within the cutoff. */
static void test_molecules(void **state)
{
    const bool open[3] = {false, false, false};
    const double none[3][3] = {{0}};
    mds_structure s = {0};
    rig r;

    (void)state;
    CHECK_OK(mds_structure_init(&s, 3, false));
    CHECK_OK(mds_box_set(&s.box, none, open));
    mds_species_add(&s.species, 8);
    for (int i = 0; i < 3; ++i)
        s.mass[i] = 16.0;
    s.x[3] = 5.999;
    s.x[6] = 12.1;
    rig_open(&r, &s, 20, 1);
    assert_int_equal(r.graph.edges, 2);
    assert_int_equal(r.graph.receiver[0], 1);
    assert_int_equal(r.graph.receiver[1], 0);
    rig_close(&r);
    s.x[3] = 6.0001;
    rig_open(&r, &s, 20, 3);
    assert_int_equal(r.graph.edges, 0);
    rig_close(&r);
    mds_structure_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_images_and_ties),
        cmocka_unit_test(test_ties_do_not_depend_on_the_origin),
        cmocka_unit_test(test_molecules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
