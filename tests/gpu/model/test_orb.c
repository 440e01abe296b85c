/* Orb networks on CUDA against the CPU in float64, at reduced depth: the graph edge by edge, then
 * energy, forces and virial. On a GPU, or on the shim. */
#include "gpu_orb.h"

/* There after the next synchronisation. */
static int *fetch(const twins *t, const int *from, int count)
{
    int *to = malloc(((size_t)count + 1) * sizeof *to);

    CHECK_OK(mds_device_copy(t->device[1], to, from, (size_t)count * sizeof *to, MDS_COPY_TO_HOST));
    return to;
}

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* The same edges in the same places; each atom receives the same ones, in some order. */
static void check_graph(const twins *t)
{
    const orb_graph *want = &((orb *)t->model[0])->graph, *got = &((orb *)t->model[1])->graph;
    int *start = fetch(t, got->start, got->n + 1);
    int *arrive = fetch(t, got->receiver_start, got->n + 1);
    int *sender = fetch(t, got->sender, got->edges);
    int *receiver = fetch(t, got->receiver, got->edges);
    int *received = fetch(t, got->receiver_edges, want->edges);

    CHECK_OK(mds_device_sync(t->device[1]));
    assert_memory_equal(start, want->start, ((size_t)got->n + 1) * sizeof *start);
    assert_memory_equal(arrive, want->receiver_start, ((size_t)got->n + 1) * sizeof *start);
    assert_true(got->edges >= want->edges);
    assert_memory_equal(sender, want->sender, (size_t)want->edges * sizeof *sender);
    assert_memory_equal(receiver, want->receiver, (size_t)want->edges * sizeof *sender);
    for (int e = want->edges; e < got->edges; ++e)
        assert_true(sender[e] == 0 && receiver[e] == 0);
    for (int i = 0; i < got->n; ++i)
        qsort(received + arrive[i], (size_t)(arrive[i + 1] - arrive[i]), sizeof *received,
              ascending);
    assert_memory_equal(received, want->receiver_edges, (size_t)want->edges * sizeof *received);
    free(start);
    free(arrive);
    free(sender);
    free(receiver);
    free(received);
}

/* Two layers of sums of up to a thousand terms in another order: 1e-13 of the largest, and what the
 * network makes of it. */
static const double same = 1e-10;

/* The probabilities are read by the host. */
static void check_confidence(const twins *t)
{
    double want[8 * ORB_BINS], got[8 * ORB_BINS];

    CHECK_OK(orb_confidence(t->model[0], want));
    CHECK_OK(orb_confidence(t->model[1], got));
    for (int k = 0; k < 8 * ORB_BINS; ++k)
        CHECK_NEAR(got[k], want[k], 0.0, same);
}

/* At once, and after motion with the list of the first step. */
static void check_structure(twins *t, int which)
{
    mds_structure s;
    double worst = 0.0;

    orb_structure(&s, which);
    twins_prepare(t, &s);
    for (int step = 0; step < 2; ++step) {
        const outcome want = twins_compute(t, 0, step ? MDS_WANT_VIRIAL : 0);
        const outcome got = twins_compute(t, 1, step ? MDS_WANT_VIRIAL : 0);

        assert_int_equal(twins_fault(t), MDS_FAULT_NONE);
        check_graph(t);
        worst = fmax(worst, check_near(&got, &want, same));
        if (step == 0 && which == SMALL_CELL && ((orb *)t->model[0])->variant->v3)
            check_confidence(t);
        orb_shake(&s, 0.02, 1);
        twins_move(t, &s);
    }
    printf("  structure %d: forces differ by %.1e of the largest at most\n", which, worst);
    mds_structure_fini(&s);
}

static void check_variant(const char *variant, int layers, unsigned structures)
{
    twins t;

    printf("%s, %d layers\n", variant, layers);
    twins_open(&t, variant, layers, MDS_PRECISION_FP64, MDS_PRECISION_FP64);
    for (int which = 0; which < STRUCTURES; ++which)
        if (structures & 1u << which)
            check_structure(&t, which);
    twins_close(&t);
}

#define BIT(structure) (1u << (structure))

static void test_v2(void **state)
{
    (void)state;
    check_variant("orb-v2", 2, BIT(STRUCTURES) - 1);
}

static void test_v3_direct(void **state)
{
    (void)state;
    check_variant("orb-v3-direct-20-omat", 1, BIT(SMALL_CELL) | BIT(MOLECULE) | BIT(SCATTERED));
}

static void test_v3_direct_inf(void **state)
{
    (void)state;
    check_variant("orb-v3-direct-inf-mpa", 1, BIT(SMALL_CELL) | BIT(THIN));
}

static void test_v3_conservative(void **state)
{
    (void)state;
    check_variant("orb-v3-conservative-20-mpa", 2, BIT(SMALL_CELL) | BIT(PERFECT) | BIT(MOLECULE));
}

static void test_v3_conservative_inf(void **state)
{
    (void)state;
    check_variant("orb-v3-conservative-inf-omat", 1, BIT(SMALL_CELL) | BIT(ONE_ATOM) | BIT(THIN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v2),
        cmocka_unit_test(test_v3_direct),
        cmocka_unit_test(test_v3_direct_inf),
        cmocka_unit_test(test_v3_conservative),
        cmocka_unit_test(test_v3_conservative_inf),
    };
    mds_device *device;

    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    mds_device_close(device);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
