/* A Nosé–Hoover chain: the thermostat variables of Martyna, Klein & Tuckerman, J. Chem. Phys. 97,
 * 2635 (1992), moved by the explicit reversible scheme of Martyna, Tuckerman, Tobias & Klein, Mol.
 * Phys. 87, 1117 (1996). Knows the atoms only by their kinetic energy. eV, fs. */
#ifndef MDS_PROTOCOL_NVT_CHAIN_H
#define MDS_PROTOCOL_NVT_CHAIN_H

#include "base/hd.h"
#include "base/units.h"

#include <math.h>
#include <string.h>

enum { NVT_CHAIN_MAX = 10 };

typedef struct nvt_chain {
    int length, freedom;
    double kT;                      /* eV */
    double mass[NVT_CHAIN_MAX];     /* Q, eV fs² */
    double position[NVT_CHAIN_MAX]; /* ξ */
    double velocity[NVT_CHAIN_MAX]; /* dξ/dt, 1/fs */
} nvt_chain;

/* At rest; Q₁ = freedom kT τ², the others kT τ². */
static inline void nvt_chain_init(nvt_chain *chain, int length, int freedom, double temperature_K,
                                  double tau_fs)
{
    memset(chain, 0, sizeof *chain);
    chain->length = length;
    chain->freedom = freedom;
    chain->kT = MDS_BOLTZMANN_EV * temperature_K;
    for (int k = 0; k < length; ++k)
        chain->mass[k] = (k == 0 ? freedom : 1) * chain->kT * tau_fs * tau_fs;
}

/* Acceleration of link k, driven by the kinetic energy of what it thermostats. */
static inline MDS_HD double nvt_chain_pull(const nvt_chain *c, int k, double kinetic)
{
    if (k == 0)
        return (2.0 * kinetic - c->freedom * c->kT) / c->mass[0];
    return (c->mass[k - 1] * c->velocity[k - 1] * c->velocity[k - 1] - c->kT) / c->mass[k];
}

/* Moves the velocity of link k over `time`, with the friction of link k + 1 split around the pull.
 */
static inline MDS_HD void nvt_chain_push(nvt_chain *c, int k, double kinetic, double time)
{
    const double friction = k + 1 < c->length ? exp(-0.5 * time * c->velocity[k + 1]) : 1.0;

    c->velocity[k] = (c->velocity[k] * friction + time * nvt_chain_pull(c, k, kinetic)) * friction;
}

/* Moves the chain over half a time step; returns the factor for the velocities of the atoms, whose
 * kinetic energy is `kinetic_eV` before. */
static inline MDS_HD double nvt_chain_half_step(nvt_chain *chain, double kinetic_eV, double dt_fs)
{
    /* Suzuki–Yoshida weights of fourth order: three steps, the middle one backwards. */
    const double outer = 1.0 / (2.0 - cbrt(2.0));
    const double weight[3] = {outer, 1.0 - 2.0 * outer, outer};
    double factor = 1.0;

    for (int w = 0; w < 3; ++w) {
        const double time = 0.5 * weight[w] * dt_fs;

        for (int k = chain->length - 1; k >= 0; --k)
            nvt_chain_push(chain, k, kinetic_eV, 0.5 * time);
        const double scale = exp(-time * chain->velocity[0]);
        factor *= scale;
        kinetic_eV *= scale * scale;
        for (int k = 0; k < chain->length; ++k)
            chain->position[k] += time * chain->velocity[k];
        for (int k = 0; k < chain->length; ++k)
            nvt_chain_push(chain, k, kinetic_eV, 0.5 * time);
    }
    return factor;
}

/* Σ ½Q(dξ/dt)² + freedom kT ξ₁ + kT Σ_{k>1} ξ_k: what the total energy lacks to be conserved. */
static inline MDS_HD double nvt_chain_energy(const nvt_chain *chain)
{
    double energy = chain->freedom * chain->kT * chain->position[0];

    for (int k = 0; k < chain->length; ++k) {
        energy += 0.5 * chain->mass[k] * chain->velocity[k] * chain->velocity[k];
        energy += k > 0 ? chain->kT * chain->position[k] : 0.0;
    }
    return energy;
}

#endif
