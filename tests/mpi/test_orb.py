"""Orb networks with synthetic weights against float64 results of the reference implementation:
`mdsweep eval` on crystals, a triclinic left-handed cell, water, cells smaller than the cutoff (these
need MDSWEEP_TEST_DATA). Weights files made by analysis/convert_orb.py of a made-up checkpoint, read
through a stand-in for PyTorch. What a sweep says about synthetic weights.
"""
import glob
import json
import os
import pickle
import subprocess
import sys
import unittest

import numpy as np

import harness

DATA = os.environ.get("MDSWEEP_TEST_DATA", "")
RESULTS = sorted(glob.glob(os.path.join(DATA, "reference", "orb", "open", "*.json")))
SYMBOLS = {1: "H", 8: "O", 11: "Na", 13: "Al", 14: "Si", 17: "Cl", 26: "Fe", 29: "Cu"}
VARIANTS = {"orb-v2": "orb-v2", "orb-v3-direct-20": "orb-v3-direct-20-mpa",
            "orb-v3-direct-inf": "orb-v3-direct-inf-omat",
            "orb-v3-conservative-20": "orb-v3-conservative-20-omat",
            "orb-v3-conservative-inf": "orb-v3-conservative-inf-mpa"}
# All pairs take minutes; these are the small cells with every variant and water with the cheap ones.
# MDSWEEP_TEST_ALL=1 for all.
LARGE_EDGES = 100000 if os.environ.get("MDSWEEP_TEST_ALL") else 500

def write_xyz(path, reference):
    """Extended XYZ with all digits."""
    lattice = " ".join(f"{x:.17g}" for row in reference["cell"] for x in row)
    with open(path, "w") as file:
        file.write(f"{len(reference['numbers'])}\n"
                   f'Lattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"\n')
        for z, x in zip(reference["numbers"], reference["positions"]):
            file.write(SYMBOLS[z] + "".join(f" {v:.17g}" for v in x) + "\n")


def voigt(stress):
    s = np.array(stress)
    return np.array([s[0][0], s[1][1], s[2][2], s[1][2], s[0][2], s[0][1]])


class Orb(harness.Case):
    def evaluate(self, reference, variant, *options, precision="fp64"):
        path = self.path("structure.xyz")
        write_xyz(path, reference)
        words = ["eval", path, "--model", VARIANTS[variant], "--precision", precision, "--format",
                 "json", "--option", "synthetic=1"]
        for option in options:
            words += ["--option", option]
        return json.loads(self.run_ok(*words).out)

    def pairs(self):
        for name in RESULTS:
            with open(name) as file:
                reference = json.load(file)
            for variant, want in reference["models"].items():
                if want["edges"] <= LARGE_EDGES:
                    yield reference, variant, want

    @unittest.skipUnless(RESULTS, "MDSWEEP_TEST_DATA does not name a folder with Orb results")
    def test_float64(self):
        """Both sides round at 1e-16; the deviation measured is 1e-13 or less."""
        for reference, variant, want in self.pairs():
            with self.subTest(reference["name"], variant=variant):
                got = self.evaluate(reference, variant)
                n = len(reference["numbers"])
                deviation = [abs(got["energy"] - want["energy"]) / n,
                             np.abs(np.array(got["forces"]) - want["forces"]).max(),
                             np.abs(voigt(got["stress"]) - want["stress"]).max()]
                self.assertLess(max(deviation), 1e-11)

    @unittest.skipUnless(RESULTS, "MDSWEEP_TEST_DATA does not name a folder with Orb results")
    def test_float32(self):
        """Measured: a third of this or less."""
        for reference, variant, want in self.pairs():
            if want["edges"] > 160:
                continue
            with self.subTest(reference["name"], variant=variant):
                got = self.evaluate(reference, variant, precision="fp32")
                n = len(reference["numbers"])
                self.assertLess(abs(got["energy"] - want["energy"]) / n, 1e-5)
                self.assertLess(np.abs(np.array(got["forces"]) - want["forces"]).max(), 2e-5)
                self.assertLess(np.abs(voigt(got["stress"]) - want["stress"]).max(), 1e-5)

    def test_components(self):
        path = self.write("si.xyz", '2\nLattice="0 2.7 2.7 2.7 0 2.7 2.7 2.7 0" '
                          'Properties=species:S:1:pos:R:3 pbc="T T T"\nSi 0 0 0\nSi 1.3 1.4 1.4\n')
        common = {"neighbor", "descriptor", "encoder", "edge_network", "aggregate", "node_network",
                  "heads"}
        for variant, more in (("orb-v2", set()), ("orb-v3-direct-20-mpa", {"zbl"}),
                              ("orb-v3-conservative-20-mpa", {"zbl", "network_backward", "forces"})):
            parts = json.loads(self.run_ok("eval", path, "--model", variant, "--option",
                                           "synthetic=1", "--option", "layers=1", "--format",
                                           "json").out)["components_ms"]
            self.assertEqual(set(parts), common | more)


def synthetic(key, shape):
    """The made-up numbers of the engine (src/model/orb/orb_synthetic.c), which sees [1] as []."""
    x = 0xcbf29ce484222325
    for byte in key.encode():
        x = (x ^ byte) * 0x100000001b3 % 2**64
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(x) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    u = ((z ^ z >> np.uint64(31)) >> np.uint64(11)) * 2.0**-53
    w = 2 * u - 1
    if key.endswith("embeddings.weight"):
        w = np.sqrt(3) * w
    elif key.endswith("reference.linear.weight"):
        w = 5 * w
    elif key.endswith("layer_norm.weight"):
        w = 0.8 + 0.4 * u
    elif key.endswith("running_var"):
        w = 0.5 + u
    elif key.endswith(("running_mean", ".bias")):
        w = 0.1 * w
    else:
        w = np.sqrt(3 / (shape or (1,))[-1]) * w
    return w.astype(np.float32).reshape(shape)


class Converter(harness.Case):
    def setUp(self):
        super().setUp()
        # What the converter needs of PyTorch.
        self.write("torch.py", "import pickle\n"
                   "def load(path, map_location, weights_only):\n"
                   "    assert weights_only\n"
                   "    with open(path, 'rb') as file:\n"
                   "        return pickle.load(file)\n")
        self.structure = self.write(
            "oxide.xyz", '4\nLattice="4.1 0 0 .3 4.4 0 -.2 .5 3.9" Properties=species:S:1:pos:R:3 '
            'pbc="T T T"\nSi 0.1 0 0\nO 2.1 .2 .3\nFe .2 2.2 1.9\nO 2 2.1 2.3\n')

    def state(self, variant):
        sys.path.insert(0, os.path.join(harness.SOURCE, "analysis"))
        import convert_orb
        state = {key: synthetic(key, shape) for key, shape in convert_orb.expected(variant).items()}
        if variant in convert_orb.V3:
            state["model.rbf_transform.bessel_weights"] = np.float32(np.arange(1, 9) * np.pi / 6)
            state["model.rbf_transform.prefactor"] = np.float32(np.sqrt(1 / 3))
            state["model.rbf_transform.r_max"] = np.float32(6)
        # Present in checkpoints, and not needed.
        state["model._decoder.node_fn.mlp.NN-0.weight"] = np.zeros((512, 256), np.float32)
        state["heads.energy.normalizer.bn.num_batches_tracked"] = np.int64([3])
        return state

    def convert(self, state, variant, name="orb.h5"):
        checkpoint, out = self.path("orb.ckpt"), self.path(name)
        with open(checkpoint, "wb") as file:
            pickle.dump(state, file)
        done = subprocess.run(
            [sys.executable, os.path.join(harness.SOURCE, "analysis", "convert_orb.py"), checkpoint,
             out, "--variant", variant], capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": self.folder})
        return done, out

    def energy(self, variant, option):
        return json.loads(self.run_ok("eval", self.structure, "--model", variant, "--precision",
                                      "fp64", "--format", "json", "--option", option).out)

    def test_a_file_gives_what_its_numbers_give(self):
        for variant, tolerance in (("orb-d3-xs-v2", 0.0),
                                   # The checkpoint's Bessel frequencies are float32.
                                   ("orb-v3-conservative-20-mpa", 1e-5)):
            done, out = self.convert(self.state(variant), variant)
            self.assertEqual(done.returncode, 0, done.stderr)
            got = self.energy(variant, f"weights={out}")
            want = self.energy(variant, "synthetic=1")
            self.assertNotIn("synthetic", got)
            self.assertTrue(want["synthetic"])
            self.assertLessEqual(abs(got["energy"] - want["energy"]), tolerance)
            self.assertLessEqual(np.abs(np.subtract(got["forces"], want["forces"])).max(), tolerance)

    def test_old_names(self):
        variant = "orb-d3-xs-v2"
        state = {}
        for key, value in self.state(variant).items():
            for new, old in (("heads.forces.", "node_head."), ("heads.energy.", "graph_head."),
                             ("heads.stress.", "stress_head.")):
                key = key.replace(new, old)
            state[key.replace("model.", "model.model.", 1)] = value
        done, out = self.convert({"state_dict": state}, variant)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("tensors", done.stdout)

    def test_what_is_wrong_is_listed(self):
        state = self.state("orb-d3-xs-v2")
        del state["heads.stress.mlp.NN-1.bias"]
        state["heads.surplus.weight"] = np.zeros((3, 4), np.float32)
        state["model.gnn_stacks.3._send_attn.weight"] = np.zeros((2, 256), np.float32)
        state["heads.energy.mlp.NN-0.bias"][7] = np.nan
        done, out = self.convert(state, "orb-d3-xs-v2")
        self.assertEqual(done.returncode, 1)
        self.assertFalse(os.path.exists(out))
        for line in ("missing: heads.stress.mlp.NN-1.bias [6]",
                     "unknown: heads.surplus.weight [3, 4]",
                     "another shape: model.gnn_stacks.3._send_attn.weight [2, 256], not [1, 256]",
                     "not finite: heads.energy.mlp.NN-0.bias", "4 tensors are not as they should"):
            self.assertIn(line, done.stderr)

    def test_confidence_of_v3(self):
        more = ["--option", "synthetic=true", "--option", "layers=1"]
        for variant, known in (("orb-v3-direct-20-mpa", True), ("orb-v2", False)):
            with self.subTest(variant=variant):
                result = json.loads(self.run_ok("eval", self.structure, "--model", variant, *more,
                                                "--format", "json").out)
                text = self.run_ok("eval", self.structure, "--model", variant, *more).out
                self.assertEqual("expected_force_error" in result, known)
                self.assertEqual("the model expects force errors of" in text, known)
                if known:  # between the first bin's centre and the last one's
                    self.assertEqual(len(result["expected_force_error"]), 4)
                    for error in result["expected_force_error"]:
                        self.assertTrue(0.003 <= error <= 0.297, error)

    def test_direct_models_are_not_conservative(self):
        """NVE runs, and instead of a verdict on the drift there is that word."""
        done, weights = self.convert(self.state("orb-d3-xs-v2"), "orb-d3-xs-v2")
        self.assertEqual(done.returncode, 0, done.stderr)
        config = self.config(
            'systems = ["silicon"]; sizes = [8]; protocols = ["nve"]; models = ["orb-d3-xs-v2"];',
            run="steps = 3; warmup = 1; component_steps = 0;",
            more=f'models: {{ orb-d3-xs-v2: {{ engine = "orb"; variant = "orb-d3-xs-v2"; '
                 f'weights = "{weights}"; }}; }};')
        self.run_ok("run", config)
        with harness.h5py.File(self.path("test.h5")) as file:
            self.assertEqual(file["cases"]["status"][0], harness.DONE)
            self.assertEqual(file["cases"]["synthetic"][0], 0)
            self.assertEqual(file["cases"]["conservative"][0], 0)
        energy = self.run_ok("report", self.path("test.h5"), "--table", "energy").out
        self.assertIn("not conservative", energy)
        self.assertNotIn("SYNTHETIC", energy)

    def test_another_variant_is_refused(self):
        done, out = self.convert(self.state("orb-d3-xs-v2"), "orb-d3-xs-v2")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = harness.mdsweep("eval", self.structure, "--model", "orb-v2", "--option",
                                 f"weights={out}")
        self.assertNotEqual(result.code, 0)
        self.assertIn("these are weights of orb-d3-xs-v2, not of orb-v2", result.err)


class Sweep(harness.Case):
    def test_synthetic_weights_are_marked_and_replayed(self):
        config = self.config(
            'systems = ["silicon"]; sizes = [8]; protocols = ["nve", "replay"]; '
            'models = ["orb-tiny", "orb-free", "orb-v3-direct-20-mpa"];',
            run="steps = 4; warmup = 1; component_steps = 2;",
            more='models: { '
            'orb-tiny: { engine = "orb"; synthetic = true; layers = 1; }; '
            'orb-free: { engine = "orb"; synthetic = true; layers = 1; dynamics = true; }; };')
        plan = self.run_ok("plan", config).out
        self.assertIn("synthetic weights are timed on replayed frames", plan)
        self.assertIn("silicon/8/replay/orb-tiny/r0 (SYNTHETIC)", plan)
        self.assertIn("silicon/8/nve/orb-v3-direct-20-mpa/r0 ", plan)
        self.assertIn("no weights of orb-v3-direct-20-mpa (make the file with "
                      "analysis/convert_orb.py", plan)
        tables = self.run_ok("run", config).out
        self.assertIn("(SYNTHETIC)", tables)
        out = self.path("test.h5")
        with harness.h5py.File(out) as file:
            rows = file["cases"]
            model = [m.decode() for m in rows["model"][()]]
            done = rows["status"][()] == harness.DONE
            synthetic_rows = rows["synthetic"][()] == 1
            conservative = rows["conservative"][()]
        self.assertEqual(done.sum(), 3)
        self.assertTrue((synthetic_rows == done).all(), model)
        self.assertTrue((conservative[done] == 0).all())
        data = self.run_ok("report", out, "--format", "json").out
        self.assertIn("(SYNTHETIC)", data)
        energy = self.run_ok("report", out, "--table", "energy").out
        self.assertIn("synthetic: none", energy)
        hotspots = self.run_ok("report", out, "--table", "hotspots").out
        self.assertIn("edge_network", hotspots)
        self.assertIn("GFLOP/s", hotspots)
        self.check_work(out, done)

    def check_work(self, out, done):
        """Work by formula, and the peak measured beside it, reach the file and the table."""
        with harness.h5py.File(out) as file:
            rows = file["cases"]
            flop = rows["component_edge_network_flop"][()][done]
            edges = rows["n_edges_mean"][()][done]
            peak = rows["peak_flop_per_s"][()][done]
            copied = rows["peak_bytes_per_s"][()][done]
            self.assertTrue(harness.np.isnan(rows["component_network_flop"][()][done]).all())
        # The number of edges may differ from step to step; the formula takes the last one's.
        harness.np.testing.assert_allclose(flop, edges * 2 * (256 * 512 + 512 * 512 + 512 * 256),
                                           rtol=0.2)
        self.assertTrue((peak > 0).all() and (copied > 0).all())
        tables = json.loads(self.run_ok("report", out, "--table", "hotspots", "--format",
                                        "json").out)
        table = tables["tables"]["hotspots"] if "tables" in tables else tables
        found = [row for row in table["rows"] if row["component"] == "edge_network"]
        self.assertTrue(found)
        for row in found:
            self.assertGreater(row["gflop_s"], 0)
            self.assertGreater(row["flop_share"], 0)
            self.assertGreater(row["bytes_share"], 0)


if __name__ == "__main__":
    harness.main()
