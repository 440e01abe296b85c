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

import water

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


def run(program, arguments, good=(0,)):
    done = subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, env=environment()
    )
    if done.returncode not in good:
        words = " ".join(map(str, arguments))
        raise RuntimeError(f"{program} {words}\n{done.stderr}{done.stdout}")
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


def trajectories(
    program, name, m, cases, folder, seed, steps, every, atoms, protocol="nvt-svr", weights=None
):
    """Frames of each of the cases (strain, temperature), by the reference or by a student. The
    latter may fly apart: then there are the frames up to there."""
    key, value, power = m.lattice
    systems, overrides = [], []
    for k, (strain, temperature) in enumerate(cases):
        systems.append(f'c{k}: {{ type = "{name}"; {key} = {value * (1 + strain) ** power!r}; }};')
        overrides.append(f'{{ system = "c{k}"; temperature_K = {float(temperature)!r}; }}')
    names = ", ".join(f'"c{k}"' for k in range(len(cases)))
    models = ""
    if weights:
        engine = f'engine = "ani"; weights = "{Path(weights).resolve()}"; threads = 1;'
        models = f"candidate: {{ {engine} }};"
    config = Path(folder) / "frames.cfg"
    output = Path(folder) / "frames.h5"
    config.write_text(
        f"""sweep: {{ systems = [{names}]; sizes = [{atoms}]; protocols = ["{protocol}"];
         models = ["{"candidate" if weights else "reference"}"]; }};
models: {{ {models} }};
systems: {{ {" ".join(systems)} }};
overrides: ({", ".join(overrides)});
run: {{ steps = {steps}; seed = {seed}; timestep_fs = {m.timestep_fs}; device = "cpu";
       component_steps = 0; }};
output: {{ file = "{output}"; trajectory_every = {every}; }};
"""
    )
    run(program, ["run", config, "--force", "-q"], (0, 1) if weights else (0,))
    runs = []
    with h5py.File(output) as file:
        for group in file["trajectories"].values():
            part, frames = group["particles/all"], []
            runs.append(frames)
            numbers = part["species"][:]
            for x, cell in zip(part["position/value"][:], part["box/edges/value"][:]):
                if np.isfinite(x).all() and np.linalg.det(cell) > 0.0:
                    frames.append(Frame(numbers, x, cell))
    return runs


def strained(frame, strain):
    by = np.eye(3) + strain
    return Frame(frame.numbers, frame.x @ by, frame.cell @ by)


def roughened(frame, m, rng):
    """A copy with displaced atoms in a cell of another shape, seldom much compressed; of water,
    with some molecules as they never are (water.py)."""
    sigma = m.rattle * rng.random()
    strain = rng.uniform(-0.04, 0.04, (3, 3))
    strain = 0.5 * (strain + strain.T)
    kind = "rough"
    if rng.random() < 0.15:
        strain -= np.eye(3) * rng.uniform(0.0, 0.05)
        kind = "compressed"
    if len(m.elements) == 1:
        out = strained(frame, strain)
    else:
        out = water.strained(frame, strain)
        out.x = water.disturb(out.x.reshape(-1, 3, 3), out.cell, m.disturbed, rng).reshape(-1, 3)
    out.x = out.x + sigma * rng.normal(size=out.x.shape)
    out.kind = kind
    return out


def training_set(program, name, m, folder, seed):
    rng = np.random.default_rng(seed)
    cases = [(s, t) for s in m.strains for t in m.temperatures]
    every = int(round(80 / m.timestep_fs))
    steps = every * m.frames_per_case
    runs = trajectories(program, name, m, cases, folder, seed, steps, every, m.atoms)
    frames = label(program, [frame for run in runs for frame in run], folder)
    rough = [roughened(frame, m, rng) for frame in frames for _ in range(m.rough_copies)]
    label(program, rough, folder)
    # What no dynamics reaches would only cost accuracy elsewhere.
    usual = np.sqrt(np.mean([frame.forces**2 for frame in frames]))
    return frames + [frame for frame in rough if np.abs(frame.forces).max() < m.force_limit * usual]


def test_set(program, name, m, folder, seed, temperature=300.0, count=20):
    """Frames at rest density that no training saw: another seed and number of atoms."""
    every = int(round(100 / m.timestep_fs))
    steps, case = every * count, [(0.0, temperature)]
    runs = trajectories(program, name, m, case, folder, seed, steps, every, m.test_atoms, "nve")
    return label(program, runs[0], folder)
