/* Reading NeuroChem files: what is right is read, and whatever is missing or damaged is refused
 * with a message that names the file. */
#include "ani_fixture.h"

#include "model/model.h"

static char folder[FIXTURE_FOLDER];
static ani_weights weights;

static int make(void **state)
{
    (void)state;
    fixture_make(folder);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    fixture_remove(folder);
    return 0;
}

static void test_the_whole_is_read(void **state)
{
    const ani_descriptor *d = &weights.descriptor;
    float weight[FIXTURE_INPUTS * 16], bias[16];

    (void)state;
    CHECK_OK(ani_weights_open(folder, &weights));
    CHECK_OK(ani_weights_check(&weights));
    assert_int_equal(weights.members, FIXTURE_MEMBERS);
    assert_int_equal(weights.elements, FIXTURE_ELEMENTS);
    assert_int_equal(weights.z[2], 8);
    assert_int_equal(ani_weights_find(&weights, 6), 1);
    assert_int_equal(ani_weights_find(&weights, 7), -1);
    assert_int_equal(ani_descriptor_length(d, weights.elements), FIXTURE_INPUTS);
    CHECK_NEAR(weights.self_energy[1], -37.25, 0.0, 0.0);
    CHECK_NEAR(d->radial_cutoff, 4.3, 0.0, 0.0);
    /* Neighbouring numbers that must all be rounded to float32. */
    CHECK_NEAR(d->shift_r[0], 0.800000011920929, 0.0, 1e-16);
    CHECK_NEAR(d->shift_r[1], 1.399999976158142, 0.0, 1e-15);
    CHECK_NEAR(d->shift_z[1], 2.356194496154785, 0.0, 1e-15);
    for (int m = 0; m < FIXTURE_MEMBERS; ++m)
        for (int e = 0; e < FIXTURE_ELEMENTS; ++e)
            for (int l = 0; l < FIXTURE_LAYERS; ++l) {
                const ani_layer *layer = &weights.net[m][e].layer[l];

                assert_int_equal(layer->in, fixture_width[e][l]);
                assert_int_equal(layer->out, fixture_width[e][l + 1]);
                CHECK_OK(ani_weights_read(&weights, m, e, l, weight, bias));
                assert_true(weight[3] == fixture_number(m, e, l, 0, 3));
                assert_true(bias[0] == fixture_number(m, e, l, 1, 0));
            }
}

static void test_eta_is_rounded_as_it_was_trained(void **state)
{
    char text[sizeof fixture_params + 32];

    (void)state;
    snprintf(text, sizeof text, "%s", fixture_params);
    memcpy(strstr(text, "9.0000000e+00"), "1.9700000e+01", 13);
    fixture_write_text(folder, "small.params", text);
    CHECK_OK(ani_weights_open(folder, &weights));
    CHECK_NEAR(weights.descriptor.eta_r, 19.700000762939453, 0.0, 1e-14);
    CHECK_NEAR(weights.descriptor.eta_a, 6.0, 0.0, 0.0);
}

static void test_pairs_are_a_triangle(void **state)
{
    int next = 0;

    (void)state;
    for (int i = 0; i < 7; ++i)
        for (int j = i; j < 7; ++j, ++next) {
            assert_int_equal(ani_pair_index(7, i, j), next);
            assert_int_equal(ani_pair_index(7, j, i), next);
        }
}

static void test_info_file_names_the_parts(void **state)
{
    char from[512], to[512];

    (void)state;
    fixture_write_text(folder, "other.params", "nothing here");
    CHECK_FAILS(ani_weights_open(folder, &weights), MDS_ERR_CONFIG, "2 files *.params");
    fixture_write_text(folder, "x.info", "m/small.params\nm/energies.dat\nm/train\n1\n");
    CHECK_FAILS(ani_weights_open(folder, &weights), MDS_ERR_UNSUPPORTED, "no energies.dat");
    snprintf(from, sizeof from, "%s/sae_linfit.dat", folder);
    snprintf(to, sizeof to, "%s/energies.dat", folder);
    assert_int_equal(rename(from, to), 0);
    CHECK_OK(ani_weights_open(folder, &weights));
    CHECK_OK(ani_weights_check(&weights));
    assert_int_equal(weights.members, 1);
    fixture_write_text(folder, "x.info", "m/small.params\nm/energies.dat\nm/train\nmany\n");
    CHECK_FAILS(ani_weights_open(folder, &weights), MDS_ERR_CONFIG, "x.info: four lines");
    fixture_write_text(folder, "x.info", "m/small.params\nm/energies.dat\nm/train\n99\n");
    CHECK_FAILS(ani_weights_open(folder, &weights), MDS_ERR_CONFIG, "99 members");
    fixture_write_text(folder, "x.info", "m/small.params\nm/energies.dat\nm/train\n3\n");
    CHECK_OK(ani_weights_open(folder, &weights));
    CHECK_FAILS(ani_weights_check(&weights), MDS_ERR_IO, "train2/networks/ANN-H.nnf");
}

static void test_absent_weights_say_how_to_get_them(void **state)
{
    char path[512];

    (void)state;
    CHECK_FAILS(ani_weights_open("/nowhere/at/all", &weights), MDS_ERR_UNSUPPORTED,
                "no ANI weights in '/nowhere/at/all'");
    CHECK_FAILS(ani_weights_open("/nowhere/at/all", &weights), MDS_ERR_UNSUPPORTED,
                "ani-model-zoo");
    snprintf(path, sizeof path, "%s/sae_linfit.dat", folder);
    remove(path);
    CHECK_FAILS(ani_weights_open(folder, &weights), MDS_ERR_UNSUPPORTED, "no sae_linfit.dat");
    snprintf(path, sizeof path, "%s/small.params", folder);
    remove(path);
    CHECK_FAILS(ani_weights_open(folder, &weights), MDS_ERR_UNSUPPORTED, "no *.params");
}

/* One replacement in a text file, and the message that follows. */
static void spoil_text(const char *name, const char *original, const char *from, const char *to,
                       const char *words)
{
    char text[1024];
    const char *at = strstr(original, from);

    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - original), original, to, at + strlen(from));
    fixture_write_text(folder, name, text);
    mds_error_clear();
    if (ani_weights_open(folder, &weights) == MDS_OK)
        fail_msg("'%s' for '%s' was accepted", to, from);
    if (!strstr(mds_error(), words) || !strstr(mds_error(), name))
        fail_msg("'%s': the message '%s' lacks '%s' or the file", to, mds_error(), words);
    fixture_write_text(folder, name, original);
}

static void test_damaged_texts(void **state)
{
    static const char *const params[][3] = {
        {"Rcr = 4.3000e+00", "", "'Rcr = ...'"},
        {"4.3000e+00", "four", "not a number"},
        {"4.3000e+00", "-4.3", "must be positive"},
        {"4.3000e+00", "3.0", "Rca 3.1 <= Rcr 3"},
        {"[9.0000000e+00]", "[9.0,8.0]", "more than 1 value"},
        {"3.3e+00]", "3.3e+00\n", "does not end"},
        {"2.2e+00]", "]", "not a number"},
        {"[H,C,O]", "[H,Xx,O]", "not an element"},
        {"[H,C,O]", "[H,C", "does not end"},
        {"[H,C,O]", "H", "Atyp"},
    };
    static const char *const energies[][3] = {
        {"C,1=-37.25\n", "", "no energy of C"},  {"C,1", "C,2", "not an element"},
        {"C,1", "N,1", "not an element"},        {"-37.25", "much", "not a number"},
        {"C,1=", "C 1 ", "SYMBOL,index=ENERGY"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof params / sizeof *params; ++i)
        spoil_text("small.params", fixture_params, params[i][0], params[i][1], params[i][2]);
    for (size_t i = 0; i < sizeof energies / sizeof *energies; ++i)
        spoil_text("sae_linfit.dat", fixture_energies, energies[i][0], energies[i][1],
                   energies[i][2]);
}

static void test_damaged_networks(void **state)
{
    static const char *const cases[][3] = {
        {"inputsize=", "size=", "no 'inputsize=N;'"},
        {"activation=9", "activation=5", "activation 5"},
        {"activation=9", "activation=6", "only the last one may be"},
        {"activation=6", "activation=9", "the last one linear"},
        {"nodes=13", "nodes=0", "layer 1 lacks"},
        {"nodes=13", "nodes=many", "layer 1 lacks"},
        {"blocksize=13", "blocksize=12", "12 inputs"},
        {"weights=FILE:", "weights=", "layer 1 lacks weights"},
        {"FILE:ANN-H", "FILE:../ANN-H", "layer 1 lacks weights"},
        {"[13]", "[14]", "14 biases"},
    };
    char text[4096], spoilt[4096];
    ani_net net;

    (void)state;
    fixture_nnf(0, text, sizeof text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
        const char *at = strstr(text, cases[i][0]);

        assert_non_null(at);
        snprintf(spoilt, sizeof spoilt, "%.*s%s%s", (int)(at - text), text, cases[i][1],
                 at + strlen(cases[i][0]));
        mds_error_clear();
        if (ani_nnf_parse("some.nnf", spoilt, strlen(spoilt), &net) == MDS_OK)
            fail_msg("'%s' for '%s' was accepted", cases[i][1], cases[i][0]);
        if (!strstr(mds_error(), cases[i][2]) || !strstr(mds_error(), "some.nnf"))
            fail_msg("'%s': the message '%s' lacks '%s'", cases[i][1], mds_error(), cases[i][2]);
    }
    CHECK_FAILS(ani_nnf_parse("some.nnf", "", 0, &net), MDS_ERR_CONFIG, "inputsize");
}

static void test_damaged_streams(void **state)
{
    char text[4096], packed[4096];
    ani_net net;

    (void)state;
    fixture_nnf(1, text, sizeof text);
    const size_t size = fixture_pack(text, packed, sizeof packed);
    CHECK_OK(ani_nnf_parse("some.nnf", packed, size, &net));
    assert_int_equal(net.layers, FIXTURE_LAYERS);
    CHECK_FAILS(ani_nnf_parse("some.nnf", packed, size - 20, &net), MDS_ERR_CONFIG, "ends early");
    packed[size / 2] ^= 0x10;
    CHECK_FAILS(ani_nnf_parse("some.nnf", packed, size, &net), MDS_ERR_CONFIG, "bzip2");
    fixture_pack(text, packed, sizeof packed);
    ++packed[0];
    CHECK_FAILS(ani_nnf_parse("some.nnf", packed, size, &net), MDS_ERR_CONFIG, "another length");
    packed[0] -= 2;
    CHECK_FAILS(ani_nnf_parse("some.nnf", packed, size, &net), MDS_ERR_CONFIG, "bzip2");
    CHECK_FAILS(ani_nnf_parse("some.nnf", "12 bytes", 8, &net), MDS_ERR_CONFIG, "LENGTH=");
    /* Every truncation is refused or harmless, and none reads beyond the end (sanitizers look). */
    fixture_pack(text, packed, sizeof packed);
    for (size_t cut = 0; cut < size; ++cut) {
        char *exact = calloc(cut + 1, 1);

        memcpy(exact, packed, cut);
        assert_int_not_equal(ani_nnf_parse("some.nnf", exact, cut, &net), MDS_OK);
        free(exact);
    }
}

static void test_damaged_numbers(void **state)
{
    char path[512];
    float weight[FIXTURE_INPUTS * 16], bias[16];
    const float bad[9] = {1.0f, NAN};

    (void)state;
    CHECK_OK(ani_weights_open(folder, &weights));
    CHECK_OK(ani_weights_check(&weights));
    fixture_path(folder, 1, "ANN-C.nnf-l2.bparam", path);
    fixture_write(path, bad, 7 * sizeof *bad);
    CHECK_OK(ani_weights_check(&weights));
    CHECK_FAILS(ani_weights_read(&weights, 1, 1, 1, weight, bias), MDS_ERR_CONFIG,
                "ANN-C.nnf-l2.bparam: number 1 is not finite");
    fixture_write(path, bad, 6 * sizeof *bad);
    CHECK_FAILS(ani_weights_check(&weights), MDS_ERR_CONFIG,
                "train1/networks/ANN-C.nnf-l2.bparam: 24 bytes; 7 float32 numbers are 28");
    remove(path);
    CHECK_FAILS(ani_weights_check(&weights), MDS_ERR_IO, "ANN-C.nnf-l2.bparam: No such file");
    fixture_write_net(folder, 1, 1);
    CHECK_OK(ani_weights_check(&weights));
    fixture_path(folder, 0, "ANN-O.nnf", path);
    remove(path);
    CHECK_FAILS(ani_weights_check(&weights), MDS_ERR_IO, "train0/networks/ANN-O.nnf: there is no");
}

static void test_decoded_text_serves_too(void **state)
{
    char from[512], text[4096];

    (void)state;
    CHECK_OK(ani_weights_open(folder, &weights));
    fixture_path(folder, 0, "ANN-H.nnf", from);
    remove(from);
    strcat(from, ".txt");
    fixture_nnf(0, text, sizeof text);
    fixture_write(from, text, strlen(text));
    CHECK_OK(ani_weights_check(&weights));
}

static void test_descriptor_of_another_length(void **state)
{
    char text[sizeof fixture_params];

    (void)state;
    snprintf(text, sizeof text, "%s", fixture_params);
    memcpy(strstr(text, ",3.3e+00]"), "]        ", 9);
    fixture_write_text(folder, "small.params", text);
    CHECK_OK(ani_weights_open(folder, &weights));
    CHECK_FAILS(ani_weights_check(&weights), MDS_ERR_CONFIG, "but the descriptor has");
}

/* What the engine says at plan time and at creation. */
static void test_engine_refuses(void **state)
{
    mds_model_spec spec;
    mds_model_target target = {.n_atoms = 3, .periodic = true};
    mds_device *device;
    mds_model *model;
    char path[512];

    (void)state;
    mds_species_add(&target.species, 8);
    CHECK_OK(mds_device_open("cpu", &device));
    CHECK_OK(mds_model_spec_init(&spec, "ani", "ani", MDS_PRECISION_AUTO));
    assert_int_equal(spec.precision, MDS_PRECISION_FP32);
    CHECK_OK(mds_options_set_text(&spec.options, "weights", folder));
    CHECK_OK(mds_model_supports(&spec, &target, true, MDS_DEVICE_CPU));
    mds_species_add(&target.species, 7);
    CHECK_FAILS(mds_model_supports(&spec, &target, true, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED,
                "H C O only, not for N");
    CHECK_OK(mds_options_set_number(&spec.options, "member", 2));
    CHECK_FAILS(mds_model_create(&spec, device, &model), MDS_ERR_CONFIG, "members 0 to 1");
    CHECK_OK(mds_options_set_number(&spec.options, "member", 1));
    fixture_path(folder, 1, "ANN-H.nnf-l1.wparam", path);
    fixture_write(path, "1234", 4);
    CHECK_FAILS(mds_model_create(&spec, device, &model), MDS_ERR_CONFIG, "ANN-H.nnf-l1.wparam");
    assert_null(model);
    CHECK_OK(mds_options_set_text(&spec.options, "weights", "/nowhere"));
    CHECK_FAILS(mds_model_supports(&spec, &target, true, MDS_DEVICE_CPU), MDS_ERR_UNSUPPORTED,
                "option 'weights'");
    mds_device_close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_whole_is_read, make, drop),
        cmocka_unit_test_setup_teardown(test_eta_is_rounded_as_it_was_trained, make, drop),
        cmocka_unit_test(test_pairs_are_a_triangle),
        cmocka_unit_test_setup_teardown(test_info_file_names_the_parts, make, drop),
        cmocka_unit_test_setup_teardown(test_absent_weights_say_how_to_get_them, make, drop),
        cmocka_unit_test_setup_teardown(test_damaged_texts, make, drop),
        cmocka_unit_test_setup_teardown(test_damaged_networks, make, drop),
        cmocka_unit_test_setup_teardown(test_damaged_streams, make, drop),
        cmocka_unit_test_setup_teardown(test_damaged_numbers, make, drop),
        cmocka_unit_test_setup_teardown(test_decoded_text_serves_too, make, drop),
        cmocka_unit_test_setup_teardown(test_descriptor_of_another_length, make, drop),
        cmocka_unit_test_setup_teardown(test_engine_refuses, make, drop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
