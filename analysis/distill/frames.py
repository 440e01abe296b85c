"""Frames and labels from the reference model, all by mdsweep itself.

`mdsweep run` makes trajectories of cells of every strain at every temperature; from their frames
come rattled, sheared and compressed ones; `mdsweep eval --model reference` labels each.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

SYMBOLS = {1: "H", 8: "O", 13: "Al", 14: "Si", 26: "Fe", 29: "Cu"}


@dataclass
class Frame:
    numbers: np.ndarray
    x: np.ndarray  # (n, 3) A
    cell: np.ndarray  # (3, 3) rows, A
    energy: float = 0.0  # eV
    forces: np.ndarray = None  # (n, 3) eV/A
    virial: np.ndarray = None  # (6) eV: dE/d(strain), xx yy zz yz xz xy
    kind: str = "md"

    def text(self):
        cell = " ".join(repr(float(v)) for v in self.cell.ravel())
        lines = [str(len(self.x)), f'Lattice="{cell}" Properties=species:S:1:pos:R:3 pbc="T T T"']
        for z, row in zip(self.numbers, self.x):
            lines.append(f"{SYMBOLS[int(z)]} " + " ".join(repr(float(v)) for v in row))
        return "\n".join(lines) + "\n"


def environment():
    """mdsweep under mpirun's library refuses root unless told; harmless elsewhere."""
    extra = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return {**os.environ, **extra}


def run(program, arguments):
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, env=environment()
    )
    if done.returncode != 0:
        raise SystemExit(f"{program} {' '.join(map(str, arguments))}\n{done.stderr}{done.stdout}")
    return done.stdout


def evaluate(program, frame, folder, options=("--model", "reference")):
    """Energy, forces and virial of a frame by mdsweep."""
    path = Path(folder) / "frame.xyz"
    path.write_text(frame.text())
    lines = run(program, ["eval", path, "--format", "xyz", *options]).splitlines()
    head = lines[1]
    energy = float(head.split("energy=")[1].split()[0])
    stress = np.array(head.split('stress="')[1].split('"')[0].split(), float).reshape(3, 3)
    forces = np.array([line.split()[4:7] for line in lines[2:]], float)
    strain = stress * abs(np.linalg.det(frame.cell))
    virial = np.array([strain[a, b] for a, b in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))])
    return energy, forces, virial


def label(program, frames, folder):
    for frame in frames:
        frame.energy, frame.forces, frame.virial = evaluate(program, frame, folder)
    return frames


def trajectories(program, name, m, cases, folder, seed, steps, every, atoms, protocol="nvt-svr"):
    """Frames of one run with a case for each (strain, temperature)."""
    key, value, power = m.lattice
    systems, overrides = [], []
    for k, (strain, temperature) in enumerate(cases):
        systems.append(f'c{k}: {{ type = "{name}"; {key} = {value * (1 + strain) ** power!r}; }};')
        overrides.append(f'{{ system = "c{k}"; temperature_K = {float(temperature)!r}; }}')
    names = ", ".join(f'"c{k}"' for k in range(len(cases)))
    config = Path(folder) / "frames.cfg"
    output = Path(folder) / "frames.h5"
    config.write_text(
        f"""sweep: {{ systems = [{names}]; sizes = [{atoms}]; protocols = ["{protocol}"];
         models = ["reference"]; }};
systems: {{ {" ".join(systems)} }};
overrides: ({", ".join(overrides)});
run: {{ steps = {steps}; seed = {seed}; timestep_fs = {m.timestep_fs}; device = "cpu";
       component_steps = 0; }};
output: {{ file = "{output}"; trajectory_every = {every}; }};
"""
    )
    run(program, ["run", config, "--force", "-q"])
    frames = []
    with h5py.File(output) as file:
        for group in file["trajectories"].values():
            part = group["particles/all"]
            numbers = part["species"][:]
            for x, cell in zip(part["position/value"][:], part["box/edges/value"][:]):
                frames.append(Frame(numbers, x, cell))
    return frames


def strained(frame, strain):
    by = np.eye(3) + strain
    return Frame(frame.numbers, frame.x @ by, frame.cell @ by)


def roughened(frame, m, rng):
    """A copy with displaced atoms in a cell of another shape, seldom much compressed. Molecules
    keep their shape when the cell is strained by much: only their centres follow it."""
    sigma = m.rattle * rng.random()
    strain = rng.uniform(-0.04, 0.04, (3, 3))
    strain = 0.5 * (strain + strain.T)
    kind = "rough"
    if rng.random() < 0.15:
        strain -= np.eye(3) * rng.uniform(0.0, 0.05)
        kind = "compressed"
    if m.elements == ("Si",) or len(m.elements) == 1:
        out = strained(frame, strain)
    else:
        out = strained_molecules(frame, strain)
    out.x = out.x + sigma * rng.normal(size=out.x.shape)
    out.kind = kind
    return out


def strained_molecules(frame, strain):
    """Water: atoms come as O, H, H."""
    inverse = np.linalg.inv(frame.cell)
    x = frame.x.reshape(-1, 3, 3)
    between = x - x[:, :1]
    between -= np.round(between @ inverse) @ frame.cell
    by = np.eye(3) + strain
    out = x[:, :1] @ by + between
    return Frame(frame.numbers, out.reshape(-1, 3), frame.cell @ by)


def training_set(program, name, m, folder, seed):
    rng = np.random.default_rng(seed)
    cases = [(s, t) for s in m.strains for t in m.temperatures]
    every = int(round(80 / m.timestep_fs))
    steps = every * m.frames_per_case
    frames = trajectories(program, name, m, cases, folder, seed, steps, every, m.atoms)
    label(program, frames, folder)
    rough = label(program, [roughened(frame, m, rng) for frame in frames], folder)
    # What no dynamics reaches would only cost accuracy elsewhere.
    usual = np.sqrt(np.mean([frame.forces**2 for frame in frames]))
    return frames + [frame for frame in rough if np.abs(frame.forces).max() < 12.0 * usual]


def test_set(program, name, m, folder, seed, temperature=300.0, count=20):
    """Frames at rest density that no training saw: another seed and number of atoms."""
    every = int(round(100 / m.timestep_fs))
    frames = trajectories(
        program, name, m, [(0.0, temperature)], folder, seed, every * count, every, m.test_atoms, "nve"
    )
    return label(program, frames, folder)
