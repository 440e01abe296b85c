"""What a student is worth: errors on frames it has not seen and the drift of its dynamics, all by
mdsweep with the weights file as it is shipped."""

from pathlib import Path

import h5py
import numpy as np

import frames as fr

GPA = 160.2176634  # 1 eV/A^3


def errors(program, weights, test, work):
    """Of energies, forces and stresses on labelled frames."""
    options = ("--model", "ani", "--option", f"weights={weights}")
    f, e, s = [], [], []
    for frame in test:
        energy, forces, virial = fr.evaluate(program, frame, work, options)
        e.append((energy - frame.energy) / len(frame.x))
        s.append((virial - frame.virial) / abs(np.linalg.det(frame.cell)) * GPA)
        f.append(forces - frame.forces)
    f, reference = np.concatenate(f), np.concatenate([t.forces for t in test])
    error, size = np.sqrt(np.mean(f**2)), np.sqrt(np.mean(reference**2))
    return {
        "frames": len(test),
        "atoms": len(test[0].x),
        "force_rmse_meV_A": round(1e3 * float(error), 3),
        "force_rms_meV_A": round(1e3 * float(size), 1),
        "force_relative": round(float(error / size), 5),
        "force_max_error_meV_A": round(1e3 * float(np.abs(f).max()), 1),
        "energy_rmse_meV_atom": round(1e3 * float(np.sqrt(np.mean(np.square(e)))), 4),
        "stress_rmse_GPa": round(float(np.sqrt(np.mean(np.square(s)))), 4),
    }


def drift(program, name, m, weights, folder, seed, steps=100000, atoms=64):
    """Constant-energy dynamics from 300 K: slope of the total energy, and what fluctuates."""
    config, output = Path(folder) / "nve.cfg", Path(folder) / "nve.h5"
    config.write_text(
        f"""sweep: {{ systems = ["{name}"]; sizes = [{atoms}]; protocols = ["nve"];
         models = ["candidate"]; }};
models: {{ candidate: {{ engine = "ani"; weights = "{Path(weights).resolve()}";
          threads = 1; }}; }};
run: {{ steps = {steps}; seed = {seed}; timestep_fs = {m.timestep_fs}; device = "cpu";
       temperature_K = 300.0; component_steps = 0; energy_every = 10; memory_every = 1000;
       timeout_s = 3600; }};
output: {{ file = "{output}"; }};
"""
    )
    fr.run(program, ["run", config, "--force", "-q"])
    with h5py.File(output) as file:
        case = {key: file["cases"][key][0] for key in file["cases"]}
        start, count = int(case["step_start"]), int(case["steps_done"])
        warm = file["steps/temperature_K"][start : start + count]
    return {
        "atoms": int(case["n_atoms"]),
        "steps": steps,
        "timestep_fs": m.timestep_fs,
        "precision": "fp32",
        "slope_meV_atom_ps": float(f"{case['energy_slope_meV_atom_ps']:.3g}"),
        "drift_relative": float(f"{case['energy_drift_rel']:.3g}"),
        "temperature_K": round(float(np.nanmean(warm)), 1),
    }
