"""ANI-2x with its published weights against float64 results of another implementation (TorchANI in
plain double, checked by an independent one): `mdsweep eval` on molecules, small and skewed cells with
self images, slabs, left-handed cells, all seven elements.

Needs MDSWEEP_TEST_DATA (weights in data/ani-2x_8x, results in reference/ani2x/open); skips without.
"""
import glob
import json
import os
import sys
import unittest

import numpy as np

import harness

DATA = os.environ.get("MDSWEEP_TEST_DATA", "")
WEIGHTS = os.path.join(DATA, "data", "ani-2x_8x")
RESULTS = sorted(glob.glob(os.path.join(DATA, "reference", "ani2x", "open", "*.json")))
RESULTS = [name for name in RESULTS if not os.path.basename(name).startswith("aev_")]

if not DATA or not os.path.isdir(WEIGHTS) or not RESULTS:
    print("skipped: MDSWEEP_TEST_DATA does not name a folder with ANI-2x weights and results")
    sys.exit(77)


def write_xyz(path, reference):
    """Extended XYZ with all digits."""
    head = ""
    if reference["cell"]:
        head = 'Lattice="' + " ".join(f"{x:.17g}" for row in reference["cell"] for x in row) + '" '
    pbc = " ".join("T" if p else "F" for p in reference["pbc"])
    with open(path, "w") as file:
        file.write(f"{reference['n_atoms']}\n{head}Properties=species:S:1:pos:R:3 pbc=\"{pbc}\"\n")
        for symbol, x in zip(reference["symbols"], reference["positions"]):
            file.write(symbol + "".join(f" {v:.17g}" for v in x) + "\n")


class Ani(harness.Case):
    def evaluate(self, reference, *options, precision="fp64"):
        path = self.path("structure.xyz")
        write_xyz(path, reference)
        words = ["eval", path, "--model", "ani", "--precision", precision, "--format", "json",
                 "--option", f"weights={WEIGHTS}"]
        for option in options:
            words += ["--option", option]
        return json.loads(self.run_ok(*words).out)

    def references(self):
        for name in RESULTS:
            with open(name) as file:
                yield json.load(file)

    def deviations(self, result, reference):
        want = reference["ensemble"]
        force = np.array(result["forces"]) - np.array(want["forces"])
        energy = (result["energy"] - want["energy_eV"]) / reference["n_atoms"]
        stress = 0.0
        if want.get("stress") is not None and result["stress"] is not None:
            stress = np.abs(np.array(result["stress"]) - np.array(want["stress"])).max()
        return abs(energy), force, stress

    def test_float64(self):
        """Both sides round at 1e-16 in sums of some 1e5 terms; float32 constants are the same."""
        for reference in self.references():
            result = self.evaluate(reference)
            energy, force, stress = self.deviations(result, reference)
            with self.subTest(reference["name"]):
                self.assertLess(energy, 1e-9)
                self.assertLess(np.abs(force).max(), 1e-8)
                self.assertLess(stress, 1e-10)
                self.assertLess(np.abs(np.sum(result["forces"], axis=0)).max(), 1e-11)

    def test_float32(self):
        """What float32 networks on float64 differences leave (measured: half of this)."""
        for reference in self.references():
            energy, force, stress = self.deviations(self.evaluate(reference, precision="fp32"),
                                                    reference)
            with self.subTest(reference["name"]):
                self.assertLess(energy, 5e-7)
                self.assertLess(np.sqrt(np.mean(force ** 2)), 5e-6)
                self.assertLess(np.abs(force).max(), 5e-5)
                self.assertLess(stress, 1e-6)

    def test_members_and_self_energies(self):
        """Every member by itself: a mix-up of files shows here and hides in the mean."""
        wanted = {"mol_C4H4S", "mol_CH3Cl", "mol_CF4", "mol_CH3CONH2", "mixed_periodic_7elements"}
        for reference in self.references():
            if reference["name"] not in wanted:
                continue
            for member, want in enumerate(reference["member_nn_energy_eV"]):
                result = self.evaluate(reference, f"member={member}", "self_energies=0")
                self.assertAlmostEqual(result["energy"], want, delta=1e-9 * reference["n_atoms"])
            result = self.evaluate(reference, "self_energies=0")
            self.assertAlmostEqual(result["energy"] + reference["sae_eV"],
                                   reference["ensemble"]["energy_eV"], delta=1e-8)

    def test_components(self):
        with open(os.path.join(DATA, "reference", "ani2x", "open", "water_96_rand.json")) as file:
            parts = self.evaluate(json.load(file))["components_ms"]
        self.assertEqual(set(parts), {"neighbor", "descriptor", "network", "network_backward",
                                      "forces"})
        self.assertTrue(all(value > 0.0 for value in parts.values()))

    def test_other_elements_and_no_weights(self):
        path = self.write("si.xyz", '1\nProperties=species:S:1:pos:R:3 pbc="F F F"\nSi 0 0 0\n')
        result = harness.mdsweep("eval", path, "--model", "ani", "--option", f"weights={WEIGHTS}")
        self.assertNotEqual(result.code, 0)
        self.assertIn("H C N O S F Cl only, not for Si", result.err)
        result = harness.mdsweep("eval", path, "--model", "ani", "--option", "weights=/nowhere")
        self.assertNotEqual(result.code, 0)
        self.assertIn("no ANI weights in '/nowhere'", result.err)
        self.assertIn("option 'weights'", result.err)


if __name__ == "__main__":
    harness.main()
