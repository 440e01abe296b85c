"""ANI models in folders of NeuroChem files and in weights files made of them: equal results; the
layouts of ANI-2x, ANI-1x, ANI-1ccx and of a student; files found beside the configuration.

The models are made up, so this runs everywhere; with MDSWEEP_TEST_DATA the published one is
compared too.
"""
import json
import os
import sys

import ani_sets
import harness
import numpy as np

sys.path.insert(0, os.path.join(harness.SOURCE, "analysis"))
import convert_ani  # noqa: E402
import weights_file  # noqa: E402

MOLECULE = """9
Lattice="7.5 0 0 0.4 7.1 0 -0.3 0.5 8.2" Properties=species:S:1:pos:R:3 pbc="T T T"
O 1.20 1.10 1.30
H 2.15 1.20 1.15
H 0.85 1.95 1.05
C 4.10 4.20 4.00
H 4.75 4.90 4.45
N 5.00 3.10 3.60
C 3.30 3.80 5.10
O 2.60 4.60 5.70
H 3.60 4.70 3.15
"""
SILICON = """3
Lattice="6.0 0 0 0 6.0 0 0 0 6.0" Properties=species:S:1:pos:R:3 pbc="T T T"
Si 0.1 0.2 0.3
Si 2.4 0.3 0.5
Si 1.1 2.2 1.9
"""


class AniFiles(harness.Case):
    def evaluate(self, structure, weights, *options, precision="fp64"):
        words = ["eval", structure, "--model", "ani", "--precision", precision, "--format", "json",
                 "--option", f"weights={weights}"]
        for option in options:
            words += ["--option", option]
        result = json.loads(self.run_ok(*words).out)
        del result["components_ms"]
        return result

    def check_equal(self, structure, folder, file, members):
        for precision in ("fp64", "fp32"):
            self.assertEqual(self.evaluate(structure, folder, precision=precision),
                             self.evaluate(structure, file, precision=precision))
        last = f"member={members - 1}"
        one = self.evaluate(structure, file, last)
        self.assertEqual(self.evaluate(structure, folder, last), one)
        return one

    def test_layouts(self):
        molecule, silicon = self.write("m.xyz", MOLECULE), self.write("si.xyz", SILICON)
        for shape, members, structure in ((ani_sets.ANI_2X, 2, molecule),
                                          (ani_sets.ANI_1X, 2, molecule),
                                          (ani_sets.STUDENT, 1, silicon)):
            with self.subTest(shape["name"]):
                folder = ani_sets.write(self.path(shape["name"]), shape, members)
                convert_ani.convert(folder, folder + ".h5")
                result = self.check_equal(structure, folder, folder + ".h5", members)
                self.assertGreater(np.abs(result["forces"]).max(), 1e-3)
                # No force on the whole.
                self.assertLess(np.abs(np.sum(result["forces"], axis=0)).max(), 1e-10)

    def test_committee(self):
        """Mean and standard deviation (members - 1) of three members, against each alone."""
        folder = ani_sets.write(self.path("set"), ani_sets.ANI_1X, 3)
        molecule = self.write("m.xyz", MOLECULE)
        mean = self.evaluate(molecule, folder)
        each = [self.evaluate(molecule, folder, f"member={m}") for m in range(3)]
        self.assertNotIn("committee", each[0])
        committee = mean["committee"]
        energies = [r["energy"] for r in each]
        forces = np.array([r["forces"] for r in each])
        self.assertEqual(committee["members"], 3)
        self.assertEqual(committee["energy"], energies)
        self.assertAlmostEqual(mean["energy"], np.mean(energies), places=9)
        self.assertLess(np.abs(np.array(mean["forces"]) - forces.mean(axis=0)).max(), 1e-11)
        self.assertAlmostEqual(committee["energy_std"], np.std(energies, ddof=1), places=10)
        self.assertAlmostEqual(committee["energy_std_per_atom"], np.std(energies, ddof=1) / 9,
                               places=10)
        std = forces.std(axis=0, ddof=1)
        self.assertLess(np.abs(np.array(committee["forces_std"]) - std).max(), 1e-11)
        self.assertGreater(std.max(), 1e-3)
        self.check_committee_formats(molecule, folder, committee, std)

    def check_committee_formats(self, molecule, folder, committee, std):
        words = ["eval", molecule, "--model", "ani", "--precision", "fp64", "--option",
                 f"weights={folder}", "--format"]
        text = self.run_ok(*words, "text").out
        self.assertIn("committee 3 members, standard deviation of the energy "
                      f"{committee['energy_std']:.10f} eV", text)
        rows = self.run_ok(*words, "xyz").out.splitlines()
        self.assertIn("Properties=species:S:1:pos:R:3:forces:R:3:forces_std:R:3", rows[1])
        self.assertIn("energy_std=", rows[1])
        shown = np.array([[float(x) for x in row.split()[7:10]] for row in rows[2:]])
        self.assertLess(np.abs(shown - std).max(), 1e-11)

    def test_damage_is_named(self):
        folder = ani_sets.write(self.path("set"), ani_sets.STUDENT, 1)
        file, structure = self.path("s.h5"), self.write("si.xyz", SILICON)
        convert_ani.convert(folder, file)
        attributes, tensors = weights_file.read(file)
        weight = tensors["member/0/Si/1/weight"].tobytes()
        data = bytearray(convert_ani.content(file))
        at = data.find(weight)
        self.assertGreater(at, 0)
        data[at + 100] ^= 1
        with open(file, "wb") as damaged:
            damaged.write(data)
        bad = harness.mdsweep("eval", structure, "--model", "ani", "--option", f"weights={file}")
        self.assertNotEqual(bad.code, 0)
        self.assertIn(f"{file}: tensor 'member/0/Si/1/weight' is damaged: its checksum differs",
                      bad.err)
        with self.assertRaisesRegex(ValueError, "member/0/Si/1/weight"):
            weights_file.read(file)

    def test_beside_the_configuration(self):
        """A relative path is looked for beside the configuration, then in the working folder."""
        folder = ani_sets.write(self.path("set"), ani_sets.STUDENT, 1)
        os.mkdir(self.path("configs"))
        os.mkdir(self.path("elsewhere"))
        convert_ani.convert(folder, self.path("configs/small.h5"))
        config = self.config('systems = ["silicon"]; sizes = [8]; protocols = ["nve"]; '
                             'models = ["small"];',
                             more='models: { small: { engine = "ani"; weights = "small.h5"; }; };',
                             name="configs/test.cfg")
        plan = self.run_ok("plan", config, cwd=self.path("elsewhere"))
        self.assertIn("1 case", plan.out)
        self.assertNotIn("no ANI weights", plan.out)
        os.rename(self.path("configs/small.h5"), self.path("elsewhere/small.h5"))
        plan = self.run_ok("plan", config, cwd=self.path("elsewhere"))
        self.assertNotIn("no ANI weights", plan.out)
        os.unlink(self.path("elsewhere/small.h5"))
        plan = harness.mdsweep("plan", config, cwd=self.path("elsewhere"))
        self.assertIn("no ANI weights in 'small.h5'", plan.out)

    def test_comparison_with_the_teacher(self):
        """The force error of a replay, against both models' forces on its frames by eval."""
        folder = ani_sets.write(self.path("set"), ani_sets.STUDENT, 1)
        convert_ani.convert(folder, self.path("small.h5"))
        random = np.random.default_rng(5)
        lattice = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0],
                            [1, 1, 1], [1, 3, 3], [3, 1, 3], [3, 3, 1]]) * 5.43 / 4
        frames = [lattice + random.normal(0, 0.08, lattice.shape) for _ in range(3)]
        head = '8\nLattice="5.43 0 0 0 5.43 0 0 0 5.43" Properties=species:S:1:pos:R:3\n'
        text = [head + "".join("Si {:.12f} {:.12f} {:.12f}\n".format(*x) for x in frame)
                for frame in frames]
        self.write("frames.xyz", "".join(text))
        config = self.config('systems = ["silicon"]; sizes = [8]; protocols = ["shown", "nve"]; '
                             'models = ["reference", "small"];',
                             run="steps = 12; warmup = 0; component_steps = 2; equilibration = 0;",
                             more='models: { small: { engine = "ani"; weights = "small.h5"; }; };\n'
                                  'protocols: { shown: { type = "replay"; '
                                  'frames = "frames.xyz"; }; };')
        self.run_ok(config, "--quiet")
        error, teacher = 0.0, 0.0
        for frame in text:
            structure = self.write("one.xyz", frame)
            small = self.evaluate(structure, self.path("small.h5"), precision="fp32")["forces"]
            taught = json.loads(self.run_ok("eval", structure, "--format", "json").out)["forces"]
            error += np.sum((np.array(small) - np.array(taught)) ** 2)
            teacher += np.sum(np.array(taught) ** 2)
        table = json.loads(self.run_ok("report", self.path("test.h5"), "--table", "comparison",
                                       "--format", "json").out)
        rows = {(row["protocol"], row["model"]): row for row in table["rows"]}
        self.assertEqual(len(rows), 4)
        for protocol in ("shown", "nve"):
            row = rows[protocol, "small"]
            # float32 forces, whose neighbours come in another order.
            self.assertAlmostEqual(row["force_rmse_meV_A"], 1e3 * np.sqrt(error / 72), places=2)
            self.assertAlmostEqual(row["force_error_rel"], np.sqrt(error / teacher), places=5)
            self.assertAlmostEqual(row["speedup"],
                                   rows[protocol, "reference"]["us_per_atom"] / row["us_per_atom"])
            self.assertIsNotNone(row["energy_slope_meV_atom_ps"])
            self.assertEqual(row["notes"], "")
            self.assertEqual(rows[protocol, "reference"]["notes"], "teacher")

    def test_published(self):
        data = os.environ.get("MDSWEEP_TEST_DATA", "")
        folder = os.path.join(data, "data", "ani-2x_8x")
        if not data or not os.path.isdir(folder):
            self.skipTest("MDSWEEP_TEST_DATA does not name a folder with ANI-2x weights")
        convert_ani.convert(folder, self.path("ani-2x.h5"))
        self.check_equal(self.write("m.xyz", MOLECULE), folder, self.path("ani-2x.h5"), 8)


if __name__ == "__main__":
    harness.main()
