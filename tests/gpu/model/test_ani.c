/* ANI networks on CUDA against the CPU: descriptors number by number, energies, forces, virials, in
 * every precision, for one member and the mean of all, by both ways of networks. The model is the
 * small one of the CPU's tests, the shape of ANI-2x with made-up weights, and the published weights
 * where they are. On a GPU, or on the shim. */
#include "ani_sides.h"

static void compare(const mds_structure *s, const choice *c)
{
    const double tolerance = tolerance_of(c);
    mds_structure hot;
    side a, b;

    CHECK_OK(mds_structure_copy(&hot, s));
    open_side(&a, cpu, c, s);
    open_side(&b, cuda, c, s);
    for (int step = 0; step < 2; ++step) { /* the second time with the list of the first */
        side_move(&a, &hot);
        side_move(&b, &hot);
        const outcome want = side_compute(&a, MDS_WANT_VIRIAL);
        const outcome got = side_compute(&b, MDS_WANT_VIRIAL);
        const outcome again = side_compute(&b, 0);

        check_descriptors(&b, &a, s->n, c->precision == MDS_PRECISION_FP64 ? 1e-12 : 5e-6);
        check_close(&got, &want, tolerance, true);
        check_close(&again, &want, tolerance, false);
        check_bits(&again, &got);
        free(want.f);
        free(got.f);
        free(again.f);
        shake(&hot, 0.02, 100);
    }
    side_close(&a);
    side_close(&b);
    mds_structure_fini(&hot);
}

/* The two ways of networks in turn; each meets one member and several. */
static void compare_all(mds_structure s)
{
    const choice choices[] = {
        {folder, MDS_PRECISION_FP64, -1, "auto", 0.0},
        {folder, MDS_PRECISION_FP64, 1, "auto", 0.0},
        {folder, MDS_PRECISION_FP32, -1, "fused", 0.0},
        {folder, MDS_PRECISION_FP32, 1, "products", 0.0},
        {folder, MDS_PRECISION_TF32X3, 1, "fused", 0.0},
        {folder, MDS_PRECISION_TF32X3, -1, "products", 0.0},
    };

    for (size_t k = 0; k < sizeof choices / sizeof *choices; ++k)
        compare(&s, &choices[k]);
    mds_structure_fini(&s);
}

static void many_elements(void **state)
{
    static const int counts[] = {5, 65};

    (void)state;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; ++k)
        compare_all(scatter(2.7 * cbrt(counts[k]), mixture, 11, counts[k], true));
}

/* Hundreds of neighbours, most of them images: in float64 more than fit shared memory. */
static void among_own_images(void **state)
{
    (void)state;
    compare_all(scatter(2.6, mixture, 11, 2, true));
    compare_all(scatter(2.0, mixture, 11, 4, true));
}

static void molecules(void **state)
{
    (void)state;
    compare_all(scatter(4.5, mixture, 11, 11, false));
}

/* One element out of three; a lone atom, which has no neighbours at all. */
static void one_element(void **state)
{
    (void)state;
    compare_all(scatter(8.5, carbon, 1, 40, true));
    compare_all(scatter(4.0, carbon, 1, 1, false));
}

/* 128 columns, eight members; and all elements, whose 1008 columns need more shared memory than a
 * kernel has unless it asks. */
static void shape_of_ani_2x(void **state)
{
    static const int elements[] = {1, 6, 7, 8, 9, 16, 17};
    static const matter water = {"water", "ani", {8, 1}, 3.1, NULL};
    static const choice choices[] = {{NULL, MDS_PRECISION_FP64, -1, NULL, 0.0},
                                     {NULL, MDS_PRECISION_FP32, -1, "fused", 0.0},
                                     {NULL, MDS_PRECISION_FP32, -1, "products", 0.0},
                                     {NULL, MDS_PRECISION_TF32X3, -1, "fused", 0.0},
                                     {NULL, MDS_PRECISION_TF32X3, -1, "products", 0.0},
                                     {NULL, MDS_PRECISION_FP32, 3, NULL, 0.0}};
    mds_structure s, all = scatter(2.8 * cbrt(14), elements, 7, 14, true);

    (void)state;
    make_matter(&s, &water, 27); /* of hydrogen 18: tiles of 16 and 2 */
    for (size_t k = 0; k < sizeof choices / sizeof *choices; ++k)
        compare(&s, &choices[k]);
    compare(&all, &choices[0]);
    compare(&all, &(choice){NULL, MDS_PRECISION_FP32, 2, NULL, 0.0});
    mds_structure_fini(&s);
    mds_structure_fini(&all);
}

/* Figures of the published weights: float32 as good as its own rounding allows, in eV per atom and
 * eV/Å (docs/models-ani.md), with room for a sum in another order. */
static void published_weights(void **state)
{
    static const matter water = {"water", "ani", {8, 1}, 3.1, NULL};
    char weights[512];
    mds_structure s;

    (void)state;
    if (!mds_test_data())
        skip();
    snprintf(weights, sizeof weights, "%s/data/ani-2x_8x", mds_test_data());
    make_matter(&s, &water, 24);
    for (int form = 0; form < 3; ++form) {
        const choice c = {weights,
                          form == 0   ? MDS_PRECISION_FP64
                          : form == 1 ? MDS_PRECISION_FP32
                                      : MDS_PRECISION_TF32X3,
                          -1, NULL, 0.0};
        double square = 0.0, worst = 0.0;
        side a, b;

        open_side(&a, cpu, &c, &s);
        open_side(&b, cuda, &c, &s);
        const outcome want = side_compute(&a, MDS_WANT_VIRIAL);
        const outcome got = side_compute(&b, MDS_WANT_VIRIAL);
        const double per_atom = fabs(got.s.potential_eV - want.s.potential_eV) / s.n;

        for (int k = 0; k < 3 * s.n; ++k) {
            const double d = fabs(got.f[k] - want.f[k]);

            worst = fmax(worst, d);
            square += d * d;
        }
        const double rms = sqrt(square / (3 * s.n));
        printf("%s: energy %.1e eV/atom, force %.1e, rms %.1e eV/Å\n",
               mds_precision_name(c.precision), per_atom, worst, rms);
        assert_true(per_atom <= (form ? 5e-7 : 1e-11));
        assert_true(worst <= (form ? 5e-5 : 1e-10));
        assert_true(rms <= (form ? 5e-6 : 1e-10));
        free(want.f);
        free(got.f);
        side_close(&a);
        side_close(&b);
    }
    mds_structure_fini(&s);
}

/* One pass in TF32 is not enough for dynamics (spec: 4e-3 eV/Å), so there is no such choice; three
 * are a way of CUDA devices alone. */
static void precisions_are_refused(void **state)
{
    const choice c = {folder, MDS_PRECISION_FP32, -1, NULL, 0.0};
    mds_model_spec spec = spec_of(&c, MDS_PRECISION_TF32);
    mds_model *model;

    (void)state;
    CHECK_FAILS(mds_model_create(&spec, cuda, &model), MDS_ERR_UNSUPPORTED, "no precision tf32");
    spec.precision = MDS_PRECISION_TF32X3;
    CHECK_FAILS(mds_model_create(&spec, cpu, &model), MDS_ERR_UNSUPPORTED, "tf32x3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_CUDA(many_elements),
        ON_CUDA(among_own_images),
        ON_CUDA(molecules),
        ON_CUDA(one_element),
        ON_CUDA(shape_of_ani_2x),
        ON_CUDA(published_weights),
        ON_CUDA(precisions_are_refused),
    };

    return run_on_cuda(tests, sizeof tests / sizeof *tests);
}
