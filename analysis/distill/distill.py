#!/usr/bin/env python3
"""Distils a student of the ANI kind from the reference model of one material.

    analysis/distill/distill.py silicon

makes the frames, trains, measures, and writes src/model/student/silicon.h5 and its card
silicon.json (docs/models-student.md). Needs a built mdsweep, and requirements.txt.
"""

import argparse
import datetime
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np

import frames as fr
import measure
import water
import weights as wt
from materials import MATERIALS

ROOT = Path(__file__).resolve().parents[2]


def log(text):
    print(text, file=sys.stderr, flush=True)


def prepare(m, frames, whitenings):
    """Arrays for training and each element's atoms; fills `whitenings`, or uses what is there."""
    import train as tr
    from descriptor import describe

    kind = np.array([m.elements.index(fr.SYMBOLS[int(z)]) for z in frames[0].numbers])
    rows = [np.nonzero(kind == e)[0] for e in range(len(m.elements))]
    parts = [describe(m, kind, f.x, f.cell) for f in frames]
    g, j, v = (np.stack([p[k] for p in parts]) for k in range(3))
    del parts
    for e, at in enumerate(rows):
        if len(whitenings) == e:
            whitenings.append(tr.Whitening(g[:, at].reshape(-1, m.features).astype(float)))
        w = whitenings[e]
        matrix = w.matrix.astype(np.float32)
        g[:, at] = ((g[:, at] - w.mean) @ w.matrix).astype(np.float32)
        for k in range(len(frames)):
            j[k][:, at] = j[k][:, at] @ matrix
            v[k][:, at] = v[k][:, at] @ matrix
    return g, j, v, rows


def usual_force(frames):
    return float(np.sqrt(np.mean([f.forces**2 for f in frames if f.kind == "md"])))


def labels(m, frames, free):
    """Energies less those of free atoms, forces, virials, and weights: large forces count by their
    relative error, and frames that should not be count less."""
    energy = np.array([f.energy - free * len(f.x) for f in frames])
    plain = np.array([f.kind == "md" for f in frames])
    forces = np.stack([f.forces.ravel() for f in frames])
    size = np.linalg.norm(forces.reshape(len(forces), -1, 3), axis=2)
    count = np.where(plain, 1.0, m.odd_weight)
    weight = count[:, None] / (1.0 + (size / (m.soft * usual_force(frames))) ** 2)
    weight = np.repeat(weight[:, :, None], 3, axis=2).reshape(forces.shape)
    excess = (energy - np.median(energy[plain])) / len(frames[0].x)
    share = count / (1.0 + (excess / m.soft_energy) ** 2)
    return energy, forces, np.stack([f.virial for f in frames]), weight, share


def learn(m, frames, seed, write, explore):
    """Hands networks for the engine, and the energy of a free atom (the mean of all), to `write`:
    at the end, and meanwhile, so that a run that is stopped leaves something. explore(round) gives
    frames that the student of that moment went to and should not have; none, when it did not."""
    import newton
    import train as tr

    free = float(np.mean([f.energy for f in frames]) / len(frames[0].x))
    usual, whitenings = usual_force(frames), []
    scale = (usual, 0.02 * usual, 0.1 * usual)
    rng = np.random.default_rng(seed + 1)
    nets = [tr.initial(rng, (m.features, *m.hidden, 1)) for _ in m.elements]
    new, known = frames, ()

    def keep(nets):
        write([tr.fold(net, w) for net, w in zip(nets, whitenings)], free)

    for k in range(1 + m.rounds):
        if k:
            new = explore(k)
            if not new:
                break
            frames = frames + new
        *described, rows = prepare(m, new, whitenings)
        known = [np.concatenate(p) for p in zip(known, described)] if known else described
        arrays = (*known, *labels(m, frames, free))
        log(f"round {k}: {len(frames)} frames of {m.features} numbers an atom")
        epochs, peak = (m.round_epochs, 1e-3) if k else (m.epochs, 4e-3)
        nets = tr.train(nets, rows, arrays, scale, epochs, seed + 2 + k, log, peak=peak)
        keep(nets)
        if m.newton_steps:
            nets = newton.refine(nets, rows, arrays, scale, m.newton_steps, log, keep)
            keep(nets)
    return frames


def train_student(name, program, work, seed, path):
    m = MATERIALS[name]
    start = time.monotonic()
    frames = fr.training_set(program, name, m, work, seed)
    log(f"{len(frames)} frames in {time.monotonic() - start:.0f} s")
    source = f"analysis/distill/distill.py {name} --seed {seed}; teacher: mdsweep's reference"

    def write(nets, free):
        wt.write(path, m, nets, [free] * len(m.elements), source)

    def explore(k):
        found, failed, runs = water.excursions(program, name, m, path, work, seed + 10 * k)
        log(f"{failed} of {runs} runs of the student failed; {len(found)} frames of them")
        return found if failed else []

    frames = learn(m, frames, seed, write, explore)
    forces = [f.forces for f in frames]
    facts = {
        "frames": len(frames),
        "of_them_rattled_and_strained": sum(f.kind in ("rough", "compressed") for f in frames),
        "of_them_of_the_student": sum(f.kind == "student" for f in frames),
        "atoms": len(frames[0].x),
        "force_rms_eV_A": round(float(np.sqrt(np.mean(np.square(forces)))), 3),
        "force_max_eV_A": round(float(np.abs(forces).max()), 2),
        "seconds": round(time.monotonic() - start),
    }
    (work / "training.json").write_text(json.dumps(facts))


def write_card(name, program, work, seed, path):
    m = MATERIALS[name]
    tests = {}
    for temperature in (300.0, float(m.temperatures[-1])):
        test = fr.test_set(program, name, m, work, seed + 1000, temperature)
        tests[f"{temperature:.0f}_K"] = measure.errors(program, path, test, work)
        log(f"{temperature:.0f} K: {tests[f'{temperature:.0f}_K']}")
    nve = measure.drift(program, name, m, path, work, seed + 2000)
    log(f"NVE: {nve}")
    card = {
        "student": name,
        "teacher": "mdsweep model 'reference' (docs/models-student.md)",
        "command": f"analysis/distill/distill.py {name} --seed {seed}",
        "date": datetime.date.today().isoformat(),
        "descriptor": {
            "elements": list(m.elements),
            "numbers": m.features,
            "radial": len(m.shift_r),
            "angular": len(m.shift_a) * len(m.shift_z),
            "radial_cutoff_A": m.radial_cutoff,
            "angular_cutoff_A": m.angular_cutoff,
        },
        "hidden": list(m.hidden),
        "file_bytes": path.stat().st_size,
        "training": {
            "temperatures_K": list(m.temperatures),
            "strains": list(m.strains),
            "rattle_A": m.rattle,
            **json.loads((work / "training.json").read_text()),
        },
        "test": tests,
        "nve": nve,
    }
    path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("material", choices=sorted(MATERIALS))
    parser.add_argument("--mdsweep", default=str(ROOT / "build" / "mdsweep"), help="the program")
    parser.add_argument("--output", default=str(ROOT / "src" / "model" / "student"), help="folder")
    parser.add_argument("--work", default=str(ROOT / "results" / "distill"), help="scratch folder")
    parser.add_argument("--seed", type=int, default=20251123)
    parser.add_argument("--card-only", action="store_true", help="measure what is there")
    a = parser.parse_args()
    work = Path(a.work) / a.material
    work.mkdir(parents=True, exist_ok=True)
    path = Path(a.output) / f"{a.material}.h5"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not a.card_only:
        train_student(a.material, a.mdsweep, work, a.seed, path)
    write_card(a.material, a.mdsweep, work, a.seed, path)


if __name__ == "__main__":
    main()
