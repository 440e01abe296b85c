"""The main job: every case once, on any number of ranks, into one file that others can read."""
import json
import shutil
import subprocess
import unittest

from harness import (Case, DONE, column, h5py, main, mdsweep, np, series, steady)

SWEEP = ('systems = ["silicon", "copper", "water"]; sizes = [32, 64]; '
         'protocols = ["nve", "nvt", "npt", "replay"]; models = ["reference", "null"]; repeats = 1;')


class Sweep(Case):
    def sweep(self, ranks, output="test.h5", extra=()):
        config = self.config(SWEEP, output=output)
        self.run_ok(config, "-o", self.path(output), *extra, np=ranks)
        return h5py.File(self.path(output), "r")

    def test_every_case_on_1_2_4_8_ranks_and_the_same_physics(self):
        reference = None
        for ranks in (1, 2, 4, 8):
            with self.subTest(ranks=ranks), self.sweep(ranks, f"np{ranks}.h5") as file:
                count = 3 * 2 * 4 * 2
                self.assertEqual(list(column(file, "status")), [DONE] * count)
                self.assertTrue(set(column(file, "rank")) <= set(range(ranks)))
                physics = [series(file, i, name) for i in range(count)
                           for name in ("energy_potential_eV", "energy_kinetic_eV", "pressure_GPa")]
                if reference is None:
                    reference = physics
                # Bit for bit: the seed belongs to the case, not to the rank.
                for got, want in zip(physics, reference):
                    np.testing.assert_array_equal(got, want)

    def test_statistics_are_numpys(self):
        with self.sweep(2) as file:
            for i in range(len(file["cases/case"])):
                wall = steady(file, i, "wall_s")
                self.assertEqual(len(wall), 40)
                for name, want in (("mean", wall.mean()), ("median", np.median(wall)),
                                   ("std", wall.std(ddof=1)), ("min", wall.min()),
                                   ("max", wall.max()), ("p95", np.percentile(wall, 95)),
                                   ("p99", np.percentile(wall, 99))):
                    got = file["cases"][f"latency_{name}_s"][i]
                    np.testing.assert_allclose(got, want, rtol=1e-12, err_msg=name)
                np.testing.assert_allclose(file["cases/latency_cv"][i],
                                           wall.std(ddof=1) / wall.mean(), rtol=1e-12)

    def test_file_describes_itself(self):
        with self.sweep(2) as file:
            self.assertEqual(file.attrs["schema_name"], b"mdsweep-results")
            self.assertEqual(file.attrs["Conventions"], b"CF-1.10")
            lacking = []

            def look(name, item):
                if isinstance(item, h5py.Dataset):
                    if "units" not in item.attrs or "long_name" not in item.attrs:
                        lacking.append(name)

            file.visititems(look)
            self.assertEqual(lacking, [])
            self.assertEqual(file["cases/status"].attrs["flag_meanings"],
                             b"PENDING RUNNING DONE FAILED SKIPPED")
            self.assertIn(b"systems", file["config/given"][()])
            self.assertEqual(len(file["provenance/ranks/host"]), 2)
            for table in ("scaling", "hotspots", "targets"):
                self.assertGreater(file[f"summary/{table}/valid"][:].sum(), 0, table)

    @unittest.skipUnless(shutil.which("h5dump"), "h5dump is not installed")
    def test_opens_in_h5dump(self):
        self.sweep(1).close()
        done = subprocess.run(["h5dump", self.path("test.h5")], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_components_add_up_to_the_step(self):
        with self.sweep(1) as file:
            names = [n for n in file["components"] if n.endswith("_s") and n != "step_s"]
            for i in range(len(file["cases/case"])):
                step = series(file, i, "step_s", "components")
                parts = [series(file, i, n, "components") for n in names]
                total = np.nansum(parts, axis=0)
                self.assertTrue((total <= step * (1 + 1e-9)).all(), "components exceed the step")
                residual = file["cases/component_residual_s"][i]
                np.testing.assert_allclose(residual, (step - total).mean(), rtol=1e-6, atol=1e-12)

    def test_report_repeats_what_the_run_printed(self):
        config = self.config(SWEEP)
        run = self.run_ok(config, np=2)
        report = self.run_ok("report", self.path("test.h5"))
        self.assertEqual(run.out, report.out)
        tables = json.loads(self.run_ok("report", self.path("test.h5"), "--format", "json").out)
        names = {t["name"] for t in tables["tables"]}
        self.assertTrue({"scaling", "hotspots", "targets"} <= names)
        self.assertEqual(tables["done"], 48)

    def test_repeats_are_run_and_grouped(self):
        config = self.config('systems = ["silicon"]; sizes = [64]; protocols = ["nve"]; '
                             'models = ["reference"]; repeats = 3;')
        self.run_ok(config, np=2)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(list(column(file, "repeat")), [0, 1, 2])
            energy = [series(file, i, "energy_potential_eV") for i in range(3)]
            np.testing.assert_array_equal(energy[0], energy[1])  # same seed, same trajectory
        rows = json.loads(self.run_ok("report", self.path("test.h5"), "--format", "json",
                                      "--table", "scaling").out)["rows"]
        self.assertEqual([r["repeats"] for r in rows], [3])

    def test_filter_set_and_dry_run(self):
        config = self.config(SWEEP)
        plan = self.run_ok(config, "--dry-run", "--filter", "system == silicon and size >= 64")
        self.assertIn("8 cases, 8 to run", plan.out)
        self.run_ok(config, "--filter", "system == silicon and model == null", "--set",
                    "run.steps=7", np=1)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(set(column(file, "system")), {"silicon"})
            self.assertEqual(set(column(file, "steps")), {7})

    def test_without_isolation(self):
        config = self.config('systems = ["silicon"]; sizes = [64]; protocols = ["nve"]; '
                             'models = ["reference"];')
        self.run_ok(config, "--isolation", "none", np=2)

    def test_without_a_launcher(self):
        config = self.config('systems = ["copper"]; sizes = [32]; protocols = ["nve"]; '
                             'models = ["reference"];')
        self.run_ok(config)


if __name__ == "__main__":
    main()
