/* The moving cell of the barostat without atoms: algebra of the move, balance of forward and
 * reverse move, and the distribution in a potential that knows the cell by its lengths and angles
 * only. */
#include "unit/protocol/rig.h"

#include "protocol/npt/cell.h"

static const double kT = 0.025, edge = 10.0, stiffness = 1e-4;

typedef double matrix[3][3];

static const double (*fixed(double (*m)[3]))[3]
{
    return (const double(*)[3])m;
}

static void multiply(const double a[3][3], const double b[3][3], double out[3][3])
{
    for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
            out[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
}

static void metric(const double h[3][3], double g[3][3])
{
    for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j)
            g[i][j] = h[i][0] * h[j][0] + h[i][1] * h[j][1] + h[i][2] * h[j][2];
}

/* U = ½κ Σ (g_ij − L²δ_ij)², g the lattice vectors' scalar products: it does not change when the
 * cell is turned or its vectors are exchanged. pv = −dU/dε = −2κ hᵀ(g − L²)h. */
static double potential(const double h[3][3], double pv[3][3])
{
    matrix g, gh;
    double u = 0.0;

    metric(h, g);
    for (int i = 0; i < 3; ++i)
        g[i][i] -= edge * edge;
    for (int k = 0; k < 9; ++k)
        u += 0.5 * stiffness * g[k / 3][k % 3] * g[k / 3][k % 3];
    multiply(fixed(g), h, gh);
    for (int a = 0; a < 3; ++a)
        for (int b = 0; b < 3; ++b) {
            pv[a][b] = 0.0;
            for (int i = 0; i < 3; ++i)
                pv[a][b] -= 2.0 * stiffness * h[i][a] * gh[i][b];
        }
    return u;
}

static double volume_of(const double h[3][3])
{
    return h[0][0] * h[1][1] * h[2][2];
}

/* One step; returns what the balance leaves of the change of U + P₀V − ½kT ln V. */
static double advance(const npt_cell *cell, double h[3][3], int64_t step, npt_move *move)
{
    matrix pv, next;
    const double v0 = volume_of(fixed(h)), u0 = potential(fixed(h), pv);

    npt_cell_draw(cell, v0, fixed(pv), 3, step, move);
    multiply(fixed(h), fixed(move->e), next);
    memcpy(h, next, sizeof next);
    const double v1 = volume_of(fixed(h)), u1 = potential(fixed(h), pv);
    return u1 - u0 + cell->pressure * (v1 - v0) - 0.5 * cell->kT * log(v1 / v0) +
           npt_cell_balance_eV(cell, move, v1, fixed(pv));
}

static npt_cell make_cell(bool anisotropic, double dt)
{
    return (npt_cell){
        .anisotropic = anisotropic, .kT = kT, .pressure = 1e-5, .mobility = 20.0, .dt_fs = dt};
}

static void start(double h[3][3])
{
    memset(h, 0, sizeof(matrix));
    for (int a = 0; a < 3; ++a)
        h[a][a] = edge;
}

static void test_move(void **unused)
{
    matrix h, one;
    npt_move move;

    (void)unused;
    for (int anisotropic = 0; anisotropic < 2; ++anisotropic) {
        const npt_cell cell = make_cell(anisotropic, 1.0);

        start(h);
        for (int k = 0; k < 50; ++k) {
            const double before = volume_of(fixed(h));

            advance(&cell, h, k, &move);
            multiply(fixed(move.e), fixed(move.inverse), one);
            for (int a = 0; a < 3; ++a)
                for (int b = 0; b < 3; ++b)
                    CHECK_NEAR(one[a][b], a == b ? 1.0 : 0.0, 0.0, 1e-15);
            assert_true(h[0][1] == 0.0 && h[0][2] == 0.0 && h[1][2] == 0.0);
            CHECK_NEAR(sqrt(volume_of(fixed(h))) - sqrt(before), move.root_step, 0.0, 1e-12);
            CHECK_NEAR(move.shape[0] + move.shape[1] + move.shape[2], 0.0, 0.0, 1e-15);
            assert_true(anisotropic == (move.shape[3] != 0.0));
        }
    }
}

/* Rms of what the balance leaves per step. */
static double residue(bool anisotropic, double dt)
{
    const int steps = (int)lround(30000.0 / dt);
    const npt_cell cell = make_cell(anisotropic, dt);
    double square = 0.0;
    npt_move move;
    matrix h;

    start(h);
    for (int k = 0; k < steps; ++k)
        square += pow(advance(&cell, h, k, &move), 2) / steps;
    return sqrt(square);
}

/* The strain of a step is of the order √Δt; a right balance cancels the orders Δt^½ and Δt and
 * leaves Δt^{3/2}: 8 for a quarter of the step. A wrong drift, or a wrong measure, leaves 2. */
static void test_balance_order(void **unused)
{
    (void)unused;
    for (int anisotropic = 0; anisotropic < 2; ++anisotropic) {
        const double coarse = residue(anisotropic, 0.2), fine = residue(anisotropic, 0.05);

        CHECK_NEAR(coarse / fine, 8.0, 0.15, 0.0);
    }
}

enum { SAMPLES = 60000, EVERY = 20, KINDS = 6 };

/* Nothing tells the three lattice vectors apart in the target density, but the restricted form does
 * (a along x, b in xy): they fluctuate alike only if the drift on the diagonal is right. The
 * lengths and scalar products are compared pairwise, by 4 checks of rate 6e-5. */
static void test_lattice_vectors_fluctuate_alike(void **unused)
{
    static const int row[KINDS] = {0, 1, 2, 0, 0, 1}, column[KINDS] = {0, 1, 2, 1, 2, 2};
    const npt_cell cell = make_cell(true, 1.0);
    double *x[KINDS], mean, error;
    npt_move move;
    matrix h, g;

    (void)unused;
    for (int c = 0; c < KINDS; ++c)
        x[c] = malloc(SAMPLES * sizeof(double));
    start(h);
    for (int k = 0; k < SAMPLES * EVERY; ++k) {
        advance(&cell, h, k, &move);
        if (k % EVERY)
            continue;
        metric(fixed(h), g);
        for (int c = 0; c < KINDS; ++c) {
            const double value = g[row[c]][column[c]] / (edge * edge);
            x[c][k / EVERY] = c < 3 ? value : value * value;
        }
    }
    for (int c = 0; c < KINDS; ++c) {
        const int with = c < 3 ? 2 : 5;

        for (int k = 0; k < SAMPLES && c != with; ++k)
            x[c][k] -= x[with][k];
        if (c == with)
            continue;
        const double t = rig_student(x[c], SAMPLES, 0.0, &mean, &error);
        /* Without the term (2, 0, −2) the lengths differ by 0.02 and more. */
        assert_true(error < 0.003);
        if (!(fabs(t) <= 4.5))
            fail_msg("kind %d differs by %.4f ± %.4f, t = %.1f", c, mean, error, t);
    }
    for (int c = 0; c < KINDS; ++c)
        free(x[c]);
}

/* What the measure says of the mean stress: ⟨pv_aa⟩ = P₀⟨V⟩ − kT (1 + c_a), c = (2, 0, −2), and
 * zero for the shears; isotropic, ⟨tr pv⟩/3 = P₀⟨V⟩ − kT. (Partial integration of the target
 * density.) */
static void test_mean_stress(void **unused)
{
    static const double excess[3] = {3.0, 1.0, -1.0};

    (void)unused;
    for (int anisotropic = 0; anisotropic < 2; ++anisotropic) {
        const npt_cell cell = make_cell(anisotropic, 1.0);
        double *x[3], mean, error;
        npt_move move;
        matrix h, pv;

        for (int a = 0; a < 3; ++a)
            x[a] = malloc(SAMPLES * sizeof(double));
        start(h);
        for (int k = 0; k < SAMPLES * EVERY; ++k) {
            advance(&cell, h, k, &move);
            potential(fixed(h), pv);
            for (int a = 0; a < 3 && k % EVERY == 0; ++a)
                x[a][k / EVERY] =
                    (anisotropic ? pv[a][a] : (pv[0][0] + pv[1][1] + pv[2][2]) / 3.0) -
                    cell.pressure * volume_of(fixed(h));
        }
        for (int a = 0; a < 3; ++a) {
            const double exact = anisotropic ? -kT * excess[a] : -kT;
            const double t = rig_student(x[a], SAMPLES, exact, &mean, &error);

            assert_true(error < 0.2 * kT);
            if (!(fabs(t) <= 4.5))
                fail_msg("pv_%d%d - P V: %.4f kT ± %.4f, exact %.0f", a, a, mean / kT, error / kT,
                         exact / kT);
            free(x[a]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_balance_order),
        cmocka_unit_test(test_lattice_vectors_fluctuate_alike),
        cmocka_unit_test(test_mean_stress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
