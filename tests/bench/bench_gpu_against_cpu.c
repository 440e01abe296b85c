/* The results of a CUDA device against the CPU's, from the same start, for the models of the table:
 *
 *     bench_gpu_against_cpu [DEVICE [STEPS]]               cuda:0, 100
 *
 * Forces: the largest difference over the largest force of an atom. Positions: the largest
 * difference of a coordinate after STEPS of constant-energy dynamics, Å. Marked where it is more
 * than what is asked of float64 (1e-10, and 1e-8 Å over 100 steps); exit 1 then. */
#include "gpu_rig.h"

#include <math.h>

static const bench_row table[] = {
    {"lj", "silicon", 64, MDS_PRECISION_AUTO},      {"sw", "silicon", 64, MDS_PRECISION_AUTO},
    {"sw", "silicon", 512, MDS_PRECISION_AUTO},     {"eam", "copper", 32, MDS_PRECISION_AUTO},
    {"eam", "copper", 500, MDS_PRECISION_AUTO},     {"eam", "iron", 128, MDS_PRECISION_AUTO},
    {"spcfw", "water", 96, MDS_PRECISION_AUTO},     {"spcfw", "water", 768, MDS_PRECISION_AUTO},
    {"student", "silicon", 64, MDS_PRECISION_FP64}, {"student", "silicon", 64, MDS_PRECISION_FP32},
    {"ani-2x", "water", 96, MDS_PRECISION_FP64},    {"ani-2x", "water", 96, MDS_PRECISION_FP32},
    {"orb-v2", "silicon", 64, MDS_PRECISION_FP64},  {"orb-v2", "silicon", 64, MDS_PRECISION_FP32},
    {"orb-v2", "silicon", 64, MDS_PRECISION_FP16},
};

static const double force_aim = 1e-10, position_aim_A = 1e-8;

/* The reference where the CPU has no such precision. */
static mds_status open_cpu(rig *r, const bench_row *row, double dt_fs, const mds_structure *start)
{
    bench_row same = *row;

    if (row->precision == MDS_PRECISION_FP16)
        same.precision = MDS_PRECISION_FP32;
    return rig_open(r, "cpu", &same, dt_fs, start);
}

static double largest_difference(const double *a, const double *b, int count)
{
    double largest = 0.0;

    for (int k = 0; k < count; ++k)
        largest = fabs(a[k] - b[k]) <= largest ? largest : fabs(a[k] - b[k]);
    return largest;
}

/* Forces or positions of both to the host, (n,3) each. */
static mds_status fetch(rig *r, const double *from, double *to)
{
    mds_status status;

    MDS_TRY(mds_device_copy(r->device, to, from, 3 * (size_t)r->state.n * sizeof *to,
                            MDS_COPY_TO_HOST));
    MDS_TRY(mds_device_sync(r->device));
out:
    return status;
}

static mds_status compare(const char *device, int steps, const bench_row *row, bool *good)
{
    mds_structure start = {0};
    rig r[2] = {0};
    double *x[2] = {NULL, NULL}, dt_fs = 0.0, force = 0.0;
    mds_status status;

    MDS_TRY(rig_equilibrate(row, &start, &dt_fs));
    const size_t count = 3 * (size_t)start.n;
    for (int d = 0; d < 2; ++d) {
        x[d] = calloc(count, sizeof *x[d]);
        if (!x[d]) {
            status = mds_fail(MDS_ERR_NOMEM, "no memory for %d atoms", start.n);
            goto out;
        }
        MDS_TRY(d == 0 ? open_cpu(&r[d], row, dt_fs, &start)
                       : rig_open(&r[d], device, row, dt_fs, &start));
        MDS_TRY(rig_start(&r[d], "nve"));
        MDS_TRY(fetch(&r[d], r[d].state.f, x[d]));
    }
    const double forces = largest_difference(x[0], x[1], (int)count);
    for (size_t k = 0; k < count; ++k)
        force = fmax(force, fabs(x[0][k]));
    for (int d = 0; d < 2; ++d) {
        MDS_TRY(rig_steps(&r[d], steps));
        MDS_TRY(rig_check(&r[d]));
        MDS_TRY(fetch(&r[d], r[d].state.x, x[d]));
    }
    const double positions = largest_difference(x[0], x[1], (int)count);
    const bool exact = r[1].spec.precision == MDS_PRECISION_FP64;
    const bool near = forces <= force_aim * force && (steps > 100 || positions <= position_aim_A);

    printf("%-8s %-8s %-5s %5d  forces %9.2e of %9.2e eV/A  positions %9.2e A%s\n", row->model,
           row->system, mds_precision_name(r[1].spec.precision), start.n, forces / force, force,
           positions, !exact || near ? "" : "  MISSED");
    *good = *good && (!exact || near);
out:
    for (int d = 0; d < 2; ++d) {
        rig_close(&r[d]);
        free(x[d]);
    }
    mds_structure_fini(&start);
    return status;
}

int main(int argc, char **argv)
{
    const char *device = argc > 1 ? argv[1] : "cuda:0";
    const int steps = argc > 2 ? atoi(argv[2]) : 100;
    bool good = true;

    for (size_t k = 0; k < sizeof table / sizeof *table; ++k) {
        const bench_row *row = &table[k];
        const mds_status status = compare(device, steps, row, &good);

        if (status != MDS_OK)
            printf("%-8s %-8s %-5s %5d  %s: %s\n", row->model, row->system,
                   mds_precision_name(row->precision), row->atoms,
                   rig_is_absent(status) ? "not here" : "FAILED", mds_error());
        good = good && (status == MDS_OK || rig_is_absent(status));
        fflush(stdout);
    }
    return good ? 0 : 1;
}
