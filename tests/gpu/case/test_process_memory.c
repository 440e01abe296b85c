/* What the driver says of a process's memory, in the case's own series and verdict. The driver's
 * library is a made-up one, so that this is the same with and without a GPU. */
#include "unit/case/study_fixture.h"

#include "case/record.h"

#include <stdlib.h>

/* A case with telemetry, of which the driver was asked at least `readings` times in the steady
 * part: how long that takes depends on the device. */
static void run_until_heard(fixture *f, int readings)
{
    int heard = 0;

    for (f->point.run.steps = 100; heard < readings; f->point.run.steps *= 2) {
        heard = 0;
        assert_true(f->point.run.steps < 1000000);
        CHECK_OK(fixture_run(f, "cuda:0"));
        const mds_cell *phase = fixture_column(f, MDS_POOL_TELEMETRY, "phase");

        for (int64_t row = 0; row < mds_samples_rows(&f->samples, MDS_POOL_TELEMETRY); ++row)
            heard += phase[row].i8 == MDS_PHASE_STEADY;
    }
}

static void the_driver_is_asked_and_its_answer_judged(void **state)
{
    (void)state;
    setenv("MDSWEEP_NVML", MDS_FAKE_NVML, 1);
    for (int leaking = 0; leaking < 2; ++leaking) {
        fixture f;
        mds_record record;
        int64_t known = -1;

        setenv("FAKE_NVML_GROWTH", leaking ? "20" : "0", 1);
        fixture_init(&f, "silicon", 8, "nve", "lj");
        f.point.run.telemetry_hz = 2000;
        run_until_heard(&f, 5);
        CHECK_OK(mds_record_summarize(&f.study, &f.point, &f.samples, &record));
        const mds_cell *bytes = fixture_column(&f, MDS_POOL_MEMORY, "device_process_bytes");

        for (int64_t row = 0; row < mds_samples_rows(&f.samples, MDS_POOL_MEMORY); ++row) {
            assert_true(bytes[row].i8 >= known); /* -1 before the first answer */
            known = bytes[row].i8;
            assert_true(known == -1 || (leaking ? known >= 512 << 20 : known == 512 << 20));
        }
        assert_true(known > 0);
        CHECK_NEAR(record.value[MDS_METRIC_PROCESS_PEAK], (double)known, 0, 0);
        if (leaking) /* 21 MB with each answer */
            assert_true(record.value[MDS_METRIC_LEAK] == 1.0);
        fixture_fini(&f);
    }
}

static void without_telemetry_it_is_not_known(void **state)
{
    fixture f;
    mds_record record;

    (void)state;
    fixture_init(&f, "silicon", 8, "nve", "lj");
    CHECK_OK(fixture_run(&f, "cuda:0"));
    CHECK_OK(mds_record_summarize(&f.study, &f.point, &f.samples, &record));
    assert_true(fixture_column(&f, MDS_POOL_MEMORY, "device_process_bytes")[3].i8 == -1);
    assert_true(isnan(record.value[MDS_METRIC_PROCESS_PEAK]));
    fixture_fini(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_driver_is_asked_and_its_answer_judged),
        cmocka_unit_test(without_telemetry_it_is_not_known),
    };
    mds_device *device;

    if (mds_device_open("cuda:0", &device) != MDS_OK) {
        printf("skipped: %s\n", mds_error());
        return 77;
    }
    mds_device_close(device);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
