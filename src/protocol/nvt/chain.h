/* A Nosé–Hoover chain: the thermostat variables of Martyna, Klein & Tuckerman, J. Chem. Phys. 97,
 * 2635 (1992), moved by the explicit reversible scheme of Martyna, Tuckerman, Tobias & Klein, Mol.
 * Phys. 87, 1117 (1996). Knows the atoms only by their kinetic energy. eV, fs. */
#ifndef MDS_PROTOCOL_NVT_CHAIN_H
#define MDS_PROTOCOL_NVT_CHAIN_H

enum { NVT_CHAIN_MAX = 10 };

typedef struct nvt_chain {
    int length, freedom;
    double kT;                      /* eV */
    double mass[NVT_CHAIN_MAX];     /* Q, eV fs² */
    double position[NVT_CHAIN_MAX]; /* ξ */
    double velocity[NVT_CHAIN_MAX]; /* dξ/dt, 1/fs */
} nvt_chain;

/* At rest; Q₁ = freedom kT τ², the others kT τ². */
void nvt_chain_init(nvt_chain *chain, int length, int freedom, double temperature_K, double tau_fs);

/* Moves the chain over half a time step; returns the factor for the velocities of the atoms, whose
 * kinetic energy is `kinetic_eV` before. */
double nvt_chain_half_step(nvt_chain *chain, double kinetic_eV, double dt_fs);

/* Σ ½Q(dξ/dt)² + freedom kT ξ₁ + kT Σ_{k>1} ξ_k: what the total energy lacks to be conserved. */
double nvt_chain_energy(const nvt_chain *chain);

#endif
