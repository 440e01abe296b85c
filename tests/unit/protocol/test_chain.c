/* The Nosé–Hoover chain alone, thermostatting a kinetic energy without forces: its flow against a
 * Runge–Kutta solution of the same equations of motion, order, reversibility, conserved energy. */
#include "unit/protocol/rig.h"

#include "base/units.h"
#include "protocol/nvt/chain.h"

enum { LINKS = 3, FREEDOM = 93 };

static const double time_fs = 400.0, tau_fs = 100.0;

/* K, then ξ_k, then dξ_k/dt. */
typedef struct flow {
    double kinetic, position[LINKS], velocity[LINKS];
} flow;

static flow start(void)
{
    flow f = {.velocity = {2e-3, -1e-3, 3e-3}};

    f.kinetic = 0.7 * FREEDOM * MDS_BOLTZMANN_EV * 300.0;
    return f;
}

static flow by_scheme(double dt, bool backwards, double *energy_error)
{
    flow f = start();
    nvt_chain chain;

    nvt_chain_init(&chain, LINKS, FREEDOM, 300.0, tau_fs);
    memcpy(chain.velocity, f.velocity, sizeof f.velocity);
    const double before = f.kinetic + nvt_chain_energy(&chain);
    /* Half a step of dt moves the chain by dt/2. */
    const int steps = (int)lround(2.0 * time_fs / dt);
    for (int turn = 0; turn < (backwards ? 2 : 1); ++turn) {
        for (int k = 0; k < steps; ++k) {
            const double factor = nvt_chain_half_step(&chain, f.kinetic, dt);
            f.kinetic *= factor * factor;
        }
        for (int k = 0; backwards && k < LINKS; ++k)
            chain.velocity[k] = -chain.velocity[k];
    }
    *energy_error = f.kinetic + nvt_chain_energy(&chain) - before;
    memcpy(f.position, chain.position, sizeof f.position);
    memcpy(f.velocity, chain.velocity, sizeof f.velocity);
    return f;
}

/* dK/dt = −2 K v₁, dξ_k/dt = v_k, dv_k/dt = G_k − v_k v_{k+1} (Martyna, Klein & Tuckerman 1992). */
static flow rate(const flow *f)
{
    const double kT = MDS_BOLTZMANN_EV * 300.0, link = kT * tau_fs * tau_fs;
    flow r = {.kinetic = -2.0 * f->kinetic * f->velocity[0]};

    for (int k = 0; k < LINKS; ++k) {
        const double mass_below = k == 1 ? FREEDOM * link : link;
        const double pull = k == 0 ? (2.0 * f->kinetic - FREEDOM * kT) / (FREEDOM * link)
                                   : (mass_below * f->velocity[k - 1] * f->velocity[k - 1] - kT) /
                                         link;

        r.position[k] = f->velocity[k];
        r.velocity[k] = pull - (k + 1 < LINKS ? f->velocity[k] * f->velocity[k + 1] : 0.0);
    }
    return r;
}

static flow moved(const flow *f, const flow *r, double by)
{
    flow out = {.kinetic = f->kinetic + by * r->kinetic};

    for (int k = 0; k < LINKS; ++k) {
        out.position[k] = f->position[k] + by * r->position[k];
        out.velocity[k] = f->velocity[k] + by * r->velocity[k];
    }
    return out;
}

static flow by_runge_kutta(double dt)
{
    flow f = start();

    for (int step = 0; step < (int)lround(time_fs / dt); ++step) {
        const flow a = rate(&f), fa = moved(&f, &a, 0.5 * dt);
        const flow b = rate(&fa), fb = moved(&f, &b, 0.5 * dt);
        const flow c = rate(&fb), fc = moved(&f, &c, dt);
        const flow d = rate(&fc);

        f = moved(&f, &a, dt / 6.0);
        f = moved(&f, &b, dt / 3.0);
        f = moved(&f, &c, dt / 3.0);
        f = moved(&f, &d, dt / 6.0);
    }
    return f;
}

static double distance(const flow *f, const flow *g)
{
    double most = fabs(f->kinetic / g->kinetic - 1.0);

    for (int k = 0; k < LINKS; ++k) {
        most = fmax(most, fabs(f->position[k] - g->position[k]));
        most = fmax(most, tau_fs * fabs(f->velocity[k] - g->velocity[k]));
    }
    return most;
}

/* Fourth order: sixteen for half the step; the next order is within 20 % here. The Runge–Kutta
 * solution, with a step of 0.05 fs, is exact to 1e-13. */
static void test_solution_and_order(void **unused)
{
    double coarse_energy, fine_energy;
    const flow exact = by_runge_kutta(0.05);
    const flow coarse = by_scheme(20.0, false, &coarse_energy);
    const flow fine = by_scheme(10.0, false, &fine_energy);
    const flow finest = by_scheme(0.5, false, &fine_energy);

    (void)unused;
    assert_true(distance(&coarse, &exact) > 1e-8);
    CHECK_NEAR(distance(&coarse, &exact) / distance(&fine, &exact), 16.0, 0.2, 0.0);
    CHECK_NEAR(distance(&finest, &exact), 0.0, 0.0, 1e-8);
    CHECK_NEAR(fine_energy, 0.0, 0.0, 1e-8);
    assert_true(fabs(coarse_energy) > 1e-9);
}

static void test_reversible(void **unused)
{
    const flow there = start();
    double energy;
    flow back = by_scheme(5.0, true, &energy);

    (void)unused;
    CHECK_NEAR(distance(&back, &there), 0.0, 0.0, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solution_and_order),
        cmocka_unit_test(test_reversible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
