"""analysis/ reads what the program writes, and docs/file-schema.md names every column of it."""
import importlib.util
import os
import re
import subprocess
import sys
import unittest

from harness import SOURCE, Case, h5py, main, np

sys.path.insert(0, os.path.join(SOURCE, "analysis"))
import load
import schema_table

SWEEP = ('systems = ["silicon", "water"]; sizes = [32, 64]; protocols = ["nve", "replay"]; '
         'models = ["reference", "null"];')


class Analysis(Case):
    def results(self):
        self.run_ok(self.config(SWEEP), "--quiet")
        return self.path("test.h5")

    def test_columns_series_and_tidy_table(self):
        with load.Results(self.results()) as run:
            self.assertEqual(len(run), 16)
            self.assertEqual(len(run.find()), 16)
            found = run.find(system="silicon", n_atoms=64, protocol="nve", model="reference")
            self.assertEqual([run.label(i) for i in found], ["silicon/64/nve/reference/r0"])
            i = found[0]
            wall = run.series(i, "wall_s")
            self.assertEqual(len(wall), 40)
            self.assertEqual(len(run.series(i, "wall_s", steady=False)), 46)  # and first, warm-up
            np.testing.assert_allclose(run.cases["latency_mean_s"][i], wall.mean(), rtol=1e-12)
            self.assertEqual(run.units("latency_mean_s"), "s")
            parts = run.components(i)
            self.assertIn("forces", parts)
            self.assertNotIn("network", parts)
            np.testing.assert_allclose(parts["forces"], run.cases["component_forces_s"][i],
                                       rtol=1e-12)
            tidy = run.tidy("wall_s", "temperature_K", cases=run.find(protocol="nve"))
            self.assertEqual(len(tidy["wall_s"]), 8 * 40)
            self.assertEqual(set(tidy["system"]), {"silicon", "water"})

    @unittest.skipUnless(importlib.util.find_spec("pandas"), "pandas is not installed")
    def test_data_frame(self):
        with load.Results(self.results()) as run:
            frame = run.table()
            self.assertEqual(len(frame), 16)
            self.assertEqual(set(frame["status"]), {"DONE"})

    def test_other_files_are_refused(self):
        path = self.path("other.h5")
        with h5py.File(path, "w") as file:
            file.attrs["schema_name"] = "something"
        with self.assertRaisesRegex(load.SchemaError, "something"):
            load.Results(path)
        with h5py.File(path, "w") as file:
            file.attrs["schema_name"], file.attrs["schema_version"] = "mdsweep-results", "2.0.0"
        with self.assertRaisesRegex(load.SchemaError, "2.0.0"):
            load.Results(path)

    def test_docs_name_every_column_and_no_other(self):
        with load.Results(self.results()) as run:
            want = schema_table.markdown(run.file)
        with open(os.path.join(SOURCE, "docs", "file-schema.md")) as page:
            text = page.read()
        have = text.partition(schema_table.BEGIN)[2].partition(schema_table.END)[0].strip()
        # What the surroundings decide (Slurm or not, ...) is text under /provenance.
        shared = [[line for line in part.strip().splitlines()] for part in (have, want)]
        self.assertEqual(shared[0], shared[1],
                         "analysis/schema_table.py FILE --into docs/file-schema.md")

    def test_docs_explain_every_metric(self):
        listed = self.run_ok("list", "metrics").out
        names = re.findall(r"^  (\w+)", listed, re.MULTILINE)
        self.assertGreater(len(names), 40)
        with open(os.path.join(SOURCE, "docs", "metrics.md")) as page:
            text = page.read()
        self.assertEqual([n for n in names if f"`{n}`" not in text], [])

    @unittest.skipUnless(importlib.util.find_spec("matplotlib"), "matplotlib is not installed")
    def test_figures_are_drawn(self):
        path = self.results()
        for script, args in (("fig_scaling.py", []), ("fig_latency.py", ["silicon/64/nve/reference/r0"])):
            image = self.path("figure.png")
            subprocess.run([sys.executable, os.path.join(SOURCE, "analysis", "figures", script),
                            path, *args, "-o", image], check=True, stdout=subprocess.DEVNULL)
            self.assertGreater(os.path.getsize(image), 10000)
            os.remove(image)


if __name__ == "__main__":
    main()
