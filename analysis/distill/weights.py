"""Writes a student as a weights file of engine ani (docs/weights.md)."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import weights_file  # noqa: E402


def write(path, m, nets, self_energies, source):
    """nets: for each element its layers (W, b); energies in eV."""
    tensors = {
        "descriptor/radial_cutoff_A": m.radial_cutoff,
        "descriptor/angular_cutoff_A": m.angular_cutoff,
        "descriptor/radial_eta": np.float32(m.eta_r),
        "descriptor/angular_eta": np.float32(m.eta_a),
        "descriptor/zeta": np.float32(m.zeta),
        "descriptor/radial_shift_A": np.float32(m.shift_r),
        "descriptor/angular_shift_A": np.float32(m.shift_a),
        "descriptor/section_rad": np.float32(m.shift_z),
        "self_energy": np.asarray(self_energies, float),
    }
    for symbol, layers in zip(m.elements, nets):
        for k, (w, b) in enumerate(layers):
            tensors[f"member/0/{symbol}/{k}/weight"] = np.float32(w)
            tensors[f"member/0/{symbol}/{k}/bias"] = np.float32(b)
    attributes = {
        "elements": " ".join(m.elements),
        "members": 1,
        "activation": "celu",
        "energy_unit": "eV",
        "source": source,
    }
    weights_file.write(path, "mdsweep-ani-weights", "1.0.0", attributes, tensors)
