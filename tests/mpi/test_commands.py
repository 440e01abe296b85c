"""plan, check, report, eval, status and list, as their users call them."""
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import time

from harness import (Case, DONE, MDSWEEP, PENDING, SOURCE, column, environment, h5py, main, mdsweep, np)

SMALL = ('systems = ["silicon", "copper"]; sizes = [32, 64]; protocols = ["nve", "nvt"]; '
         'models = ["reference"];')

SYMBOLS = {1: "H", 8: "O", 13: "Al", 14: "Si", 18: "Ar", 26: "Fe", 29: "Cu"}


def write_xyz(path, frames):
    with open(path, "w") as file:
        for cell, numbers, positions in frames:
            lattice = " ".join(f"{x:.17g}" for x in np.asarray(cell).ravel())
            file.write(f'{len(numbers)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3 '
                       'pbc="T T T"\n')
            for z, r in zip(numbers, positions):
                file.write(f"{SYMBOLS[int(z)]} {r[0]:.17g} {r[1]:.17g} {r[2]:.17g}\n")


class Eval(Case):
    def test_against_the_references(self):
        """Energy, forces and stress of other programs, through the command line."""
        data = os.environ.get("MDSWEEP_TEST_DATA")
        if not data:
            self.skipTest("MDSWEEP_TEST_DATA does not name the folder of reference data")
        for name, config in (("sw_si", "tri_general_128"), ("sc_cu", "thin_32"),
                             ("fs_fe", "skewed_128"), ("water_spcfw", "wrapped_192")):
            with h5py.File(f"{data}/reference/classical/open/{name}.h5", "r") as file:
                group = file["configs"]
                group = group[config if config in group else sorted(group)[0]]
                suffix = "exact_erfc" if "energy_exact_erfc" in group else "indep"
                want = {k: group[f"{k}_{suffix}"][()] for k in ("energy", "forces", "stress")}
                path = self.path(name + ".xyz")
                write_xyz(path, [(group["cell"][:], group["numbers"][:], group["positions"][:])])
            with self.subTest(name=name):
                got = json.loads(self.run_ok("eval", path, "--model", "reference", "--format",
                                             "json").out)
                self.assertEqual(got["precision"], "fp64")
                self.assertEqual(got["device"], "cpu")
                self.assertEqual(got["n_atoms"], len(want["forces"]))
                self.assertLess(abs(got["energy"] - want["energy"]) / got["n_atoms"], 1e-9)
                np.testing.assert_allclose(got["forces"], want["forces"], rtol=0, atol=1e-8)
                np.testing.assert_allclose(got["stress"], want["stress"], rtol=0, atol=1e-10)
                self.assertTrue(got["components_ms"])

    def test_frames_and_formats(self):
        path = self.path("ar.xyz")
        cell = np.eye(3) * 12.0
        write_xyz(path, [(cell, [18, 18], [[0, 0, 0], [d, 0, 0]]) for d in (3.6, 3.8, 4.0)])
        energies = [json.loads(self.run_ok("eval", path, "--model", "lj", "--frame", f, "--format",
                                           "json").out)["energy"] for f in (0, 1, 2, -1)]
        self.assertEqual(len(set(energies)), 3)
        self.assertEqual(energies[2], energies[3])
        text = self.run_ok("eval", path, "--model", "lj").out
        self.assertIn("energy", text)
        xyz = self.run_ok("eval", path, "--model", "lj", "--format", "xyz").out
        self.assertIn("forces:R:3", xyz)
        self.assertIn("energy=", xyz)
        self.run_ok("eval", path, "--model", "lj", "--format", "xyz", "-o", self.path("out.xyz"))
        again = json.loads(self.run_ok("eval", self.path("out.xyz"), "--model", "lj", "--format",
                                       "json").out)
        self.assertEqual(again["energy"], energies[0])

    def test_a_molecule_without_a_cell_has_no_stress(self):
        path = self.write("pair.xyz", "2\nProperties=species:S:1:pos:R:3 pbc=\"F F F\"\n"
                                      "Ar 0 0 0\nAr 3.8 0 0\n")
        got = json.loads(self.run_ok("eval", path, "--model", "lj", "--format", "json").out)
        self.assertIsNone(got["stress"])
        self.assertLess(got["energy"], 0)


class Commands(Case):
    def test_report_formats(self):
        self.run_ok(self.config(SMALL), np=2)
        path = self.path("test.h5")
        for table in ("scaling", "hotspots", "latency", "memory", "energy", "targets", "failures",
                      "fits", "recommendations"):
            with self.subTest(table=table):
                text = self.run_ok("report", path, "--table", table).out
                self.assertTrue(text.strip())
                rows = json.loads(self.run_ok("report", path, "--table", table, "--format",
                                              "json").out)["rows"]
                table_csv = self.run_ok("report", path, "--table", table, "--format", "csv").out
                parsed = list(csv.DictReader(io.StringIO(table_csv)))
                self.assertEqual(len(rows), len(parsed))
                for a, b in zip(rows, parsed):
                    self.assertEqual(list(a), list(b))
                md = self.run_ok("report", path, "--table", table, "--format", "md").out
                self.assertEqual(md.count("\n"), len(rows) + 4)

    def test_plan_and_check(self):
        config = self.config(SMALL)
        self.assertIn("8 cases, 8 to run", self.run_ok("check", config).out)
        plan = json.loads(self.run_ok("plan", config, "--ranks", "2", "--format", "json").out)
        self.assertEqual(len(plan["rows"]), 8)
        self.assertEqual({r["rank"] for r in plan["rows"]}, {0, 1})
        self.assertEqual(len({r["key"] for r in plan["rows"]}), 8)
        self.assertTrue(all(r["predicted_s"] > 0 for r in plan["rows"]))

    def test_shipped_configurations(self):
        folder = os.path.join(SOURCE, "configs")
        names = sorted(n for n in os.listdir(folder) if n.endswith(".cfg"))
        self.assertTrue({"quick.cfg", "baseline.cfg", "comprehensive.cfg", "scaling.cfg"} <=
                        set(names))
        for name in names:
            with self.subTest(name=name):
                run = self.run_ok("check", os.path.join(folder, name))
                self.assertIn("ok", run.out)

    def test_gate(self):
        config = self.config(SMALL, more="targets: { mean_ms = 1e-9; };")
        self.run_ok(config)
        self.assertEqual(mdsweep(config, "--force", "--gate", np=2).code, 3)
        self.assertEqual(mdsweep("report", self.path("test.h5"), "--gate").code, 3)

    def test_compare(self):
        """A run against itself is the same; against one made slower on paper, a regression."""
        self.run_ok(self.config(SMALL, run="steps = 400; warmup = 20;"), np=2)
        base, slow = self.path("test.h5"), self.path("slow.h5")
        shutil.copy(base, slow)
        run = self.run_ok("compare", base, base, "--margin", "1.0")
        self.assertIn("8 cases compared: 0 slower", run.out)
        with h5py.File(slow, "r+") as file:
            for name in ("median", "median_lo", "median_hi"):
                file[f"cases/latency_{name}_s"][0] *= 100.0
        run = mdsweep("compare", base, slow)
        self.assertEqual(run.code, 3, run.err)
        self.assertIn("REGRESSION", run.out)
        rows = json.loads(mdsweep("compare", base, slow, "--format", "json").out)["rows"]
        self.assertEqual(rows[0]["verdict"], "REGRESSION")
        self.assertAlmostEqual(rows[0]["ratio"], 100.0, places=6)
        self.assertEqual(mdsweep("compare", slow, base).out.count("FASTER"), 1)
        self.run_ok(self.config(SMALL, run="steps = 7;", output="other.h5", name="other.cfg"))
        run = mdsweep("compare", base, self.path("other.h5"))
        self.assertEqual((run.code, len(run.errors())), (2, 1), run.err)
        self.assertEqual(mdsweep("compare", base, slow, "--threshold", "x").code, 2)

    def test_list(self):
        for what in ("models", "systems", "protocols", "devices", "metrics"):
            self.assertTrue(self.run_ok("list", what).out.strip())
        self.assertNotRegex(self.run_ok("list", "models").out, r"(?m)^ *fault ")

    def test_skipped_cases_have_reasons(self):
        config = self.config('systems = ["silicon"]; sizes = [32]; protocols = ["nve", "npt"]; '
                             'models = ["sw", "lj"];')
        run = mdsweep(config)
        with h5py.File(self.path("test.h5"), "r") as file:
            for status, reason in zip(column(file, "status"), column(file, "reason")):
                self.assertEqual(status == 4, bool(reason), reason)
        self.assertIn(run.code, (0, 1))

    def test_status_while_it_runs_and_a_signal(self):
        """Another process looks at the growing file; SIGTERM then ends the run with 75."""
        config = self.config('systems = ["silicon"]; sizes = [512]; protocols = ["nve"]; '
                             'models = ["reference", "null"]; repeats = 2;',
                             run="steps = 2000000; warmup = 5; equilibration = 0;")
        process = subprocess.Popen([MDSWEEP, config], env=environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        try:
            deadline = time.time() + 60
            text = ""
            while "running:" not in text and time.time() < deadline:
                time.sleep(0.3)
                text = mdsweep("status", self.path("test.h5")).out
            self.assertIn("running: silicon/512/nve/", text)
            with h5py.File(self.path("test.h5"), "r") as file:
                self.assertIn(1, column(file, "status"))
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
            self.assertEqual(process.returncode, 75, err)
            self.assertIn("stopped early", err)
            with h5py.File(self.path("test.h5"), "r") as file:
                self.assertTrue(set(column(file, "status")) <= {PENDING, DONE})
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
