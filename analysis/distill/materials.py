"""What is distilled for each material: the descriptor, the network and the frames it learns from.

Stillinger-Weber silicon needs angles out to 3.5 A (beyond, its three-body term is below 1 meV).
The embedded-atom metals have none: their energies are functions of the distances alone, so the
angular cutoff lies below any distance that occurs and the one angular column stays zero. Water has
one angle, of the molecule; its charges act over 9 A and are cut at the radial cutoff.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Material:
    elements: tuple  # symbols, in the order of the descriptor
    atoms: int  # of a training cell
    radial_cutoff: float  # A
    angular_cutoff: float
    eta_r: float
    shift_r: tuple
    eta_a: float
    shift_a: tuple
    zeta: float
    shift_z: tuple
    hidden: tuple  # widths of the two hidden layers
    temperatures: tuple  # K
    strains: tuple  # of the cells that are simulated, linear
    rattle: float  # A, the largest standard deviation of displacements
    epochs: int
    newton_steps: int = 40  # 0: no second part of training
    rounds: int = 0  # at most, of dynamics by the student, whose worst frames are learned too
    round_epochs: int = 0  # of training, after each round
    explore: tuple = ()  # (strain, K) of that dynamics
    explore_ps: float = 0.0  # how long each
    frames_per_case: int = 5
    rough_copies: int = 1  # of each frame: rattled, sheared
    disturbed: float = 0.0  # share of molecules that are not as they should be in those copies
    soft: float = 3.0  # of the usual force: from there on errors count relatively
    soft_energy: float = np.inf  # eV/atom above the usual: the same for energies and virials
    odd_weight: float = 1.0  # of all frames but the plain ones
    force_limit: float = 12.0  # of the usual force: frames with larger ones are left out
    lattice: tuple = ()  # option of the system that sets its density, value, power of the edge
    test_atoms: int = 128
    timestep_fs: float = 1.0

    @property
    def pairs(self):
        n = len(self.elements)
        return [(a, b) for a in range(n) for b in range(a, n)]

    @property
    def features(self):
        return len(self.elements) * len(self.shift_r) + len(self.pairs) * len(
            self.shift_a
        ) * len(self.shift_z)


def spread(first, last, count):
    return tuple(round(float(v), 6) for v in np.linspace(first, last, count))


def sections(count):
    return tuple(round(float((2 * z + 1) * np.pi / (2 * count)), 8) for z in range(count))


SOLID = {"temperatures": (100, 300, 600, 900, 1200), "strains": (-0.04, -0.02, 0.0, 0.02, 0.04)}

MATERIALS = {
    "silicon": Material(
        elements=("Si",),
        atoms=64,
        radial_cutoff=4.0,
        angular_cutoff=3.5,
        eta_r=25.0,
        shift_r=spread(1.5, 3.8, 16),
        eta_a=8.0,
        shift_a=spread(2.0, 3.2, 4),
        zeta=8.0,
        shift_z=sections(4),
        hidden=(24, 16),
        newton_steps=37,
        rattle=0.15,
        epochs=150,
        lattice=("lattice_A", 5.43095, 1),
        **SOLID,
    ),
    "copper": Material(
        elements=("Cu",),
        atoms=64,
        radial_cutoff=6.0,
        angular_cutoff=1.2,
        eta_r=8.0,
        shift_r=spread(1.6, 5.7, 16),
        eta_a=8.0,
        shift_a=(1.0,),
        zeta=8.0,
        shift_z=(0.78539816,),
        hidden=(16, 16),
        rattle=0.15,
        epochs=150,
        lattice=("lattice_A", 3.60762, 1),
        **SOLID,
    ),
    "aluminum": Material(
        elements=("Al",),
        atoms=64,
        radial_cutoff=6.5,
        angular_cutoff=1.2,
        eta_r=7.0,
        shift_r=spread(1.8, 6.2, 16),
        eta_a=8.0,
        shift_a=(1.0,),
        zeta=8.0,
        shift_z=(0.78539816,),
        hidden=(16, 16),
        rattle=0.15,
        epochs=150,
        lattice=("lattice_A", 4.04657, 1),
        temperatures=(100, 300, 500, 700, 900),
        strains=SOLID["strains"],
    ),
    "iron": Material(
        elements=("Fe",),
        atoms=64,
        radial_cutoff=3.8,
        angular_cutoff=1.2,
        eta_r=25.0,
        shift_r=spread(1.45, 3.6, 16),
        eta_a=8.0,
        shift_a=(1.0,),
        zeta=8.0,
        shift_z=(0.78539816,),
        hidden=(16, 16),
        rattle=0.15,
        epochs=150,
        lattice=("lattice_A", 2.8665, 1),
        **SOLID,
    ),
    "water": Material(
        elements=("H", "O"),
        atoms=48,
        radial_cutoff=6.0,
        angular_cutoff=2.0,
        eta_r=25.0,
        shift_r=spread(0.7, 5.7, 32),
        eta_a=8.0,
        shift_a=(1.0, 1.3),
        zeta=8.0,
        shift_z=sections(4),
        hidden=(24, 16),
        temperatures=(250, 300, 350, 450, 600),
        strains=(-0.04, -0.02, 0.0, 0.02, 0.04),
        rattle=0.07,
        epochs=500,
        newton_steps=0,
        rounds=6,
        round_epochs=60,
        explore=((0.0, 300), (-0.01, 300), (0.0, 400), (0.01, 450), (0.0, 600)),
        explore_ps=50.0,
        frames_per_case=5,
        rough_copies=3,
        disturbed=0.25,
        soft=1.5,
        soft_energy=0.1,
        odd_weight=0.2,
        force_limit=80.0,
        lattice=("density_g_cm3", 0.997, -3),
        test_atoms=96,
        timestep_fs=0.5,
    ),
}
