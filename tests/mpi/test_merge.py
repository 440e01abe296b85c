"""`mdsweep merge`: one file of several, each case with its provenance; `mdsweep repack`: a compressed copy."""
import os

from harness import (Case, DONE, FAILED, PENDING, RUNNING, SKIPPED, column, h5py, main, mdsweep, np,
                     series)


class Merge(Case):
    def study(self, name, systems='"silicon", "copper"', models='"reference", "null"', steps=40,
              more=""):
        path = self.config(f'systems = [{systems}]; sizes = [32]; protocols = ["nve"]; '
                           f'models = [{models}];',
                           run=f"steps = {steps}; warmup = 2; component_steps = 4; equilibration = 0;",
                           more=more, name=name + ".cfg", output=name + ".h5")
        return path, self.path(name + ".h5")

    def made(self, *args, code=0, **kwargs):
        config, path = self.study(*args, **kwargs)
        run = mdsweep(config, "-q")
        self.assertEqual(run.code, code, run.err)
        return path

    def merge(self, *files, out="all.h5"):
        return self.run_ok("merge", "-o", self.path(out), *files)

    def cases(self, path):
        """label -> (status, energies, source)"""
        with h5py.File(path, "r") as file:
            return {(s, m): (int(file["cases/status"][i]),
                             series(file, i, "energy_potential_eV").tobytes(),
                             int(file["cases/source"][i]))
                    for i, (s, m) in enumerate(zip(column(file, "system"), column(file, "model")))}

    def test_all_cases_of_all_files_with_their_provenance(self):
        a, b = self.made("a"), self.made("b", systems='"iron"')
        self.merge(a, b)
        merged, of_a, of_b = self.cases(self.path("all.h5")), self.cases(a), self.cases(b)
        self.assertEqual(set(merged), set(of_a) | set(of_b))
        for label, (status, energies, source) in merged.items():
            self.assertEqual(status, DONE)
            self.assertEqual(energies, (of_a.get(label) or of_b.get(label))[1])
            self.assertEqual(source, 0 if label in of_a else 1)
        with h5py.File(self.path("all.h5"), "r") as file, h5py.File(b, "r") as other:
            self.assertEqual(len(file["provenance/sources"]), 2)
            one = file["provenance/sources/1"]
            self.assertEqual(one["file"][()].decode(), b)
            for name in ("command_line", "build_compiler", "environment", "ranks/host", "runs/t_start"):
                np.testing.assert_array_equal(one[name][()], other["provenance"][name][()])
            self.assertEqual(one["config/given"][()], other["config/given"][()])
            self.assertIn(b"merge", file["provenance/command_line"][()])
            self.assertEqual(file["provenance/runs/valid"][:].sum(), 2)
        for command in ("report", "status"):
            self.run_ok(command, self.path("all.h5"))

    def test_a_case_of_two_files_is_taken_once_the_finished_one_then_the_newest(self):
        a, b = self.made("a"), self.made("b")
        with h5py.File(b, "r+") as file:  # the newer of these is not finished
            i = column(file, "system").index("copper")
            file["cases/status"][i] = FAILED
            file["cases/reason"][i] = b"crashed"
            failed = (column(file, "system")[i], column(file, "model")[i])
        run = self.merge(b, a)
        self.assertIn("in 2 files", run.err)
        for label, (status, _, source) in self.cases(self.path("all.h5")).items():
            self.assertEqual((status, source), (DONE, 1 if label == failed else 0))

    def test_merging_what_was_merged_keeps_every_source(self):
        a, b, c = (self.made(n, systems=f'"{s}"') for n, s in
                   (("a", "silicon"), ("b", "copper"), ("c", "iron")))
        self.merge(a, b, out="ab.h5")
        self.merge(c, self.path("ab.h5"))
        with h5py.File(self.path("all.h5"), "r") as file:
            names = {n: os.path.basename(g["file"][()].decode())
                     for n, g in file["provenance/sources"].items()}
            self.assertEqual(names, {"0": "c.h5", "1": "a.h5", "2": "b.h5", "3": "ab.h5"})
            self.assertNotIn("sources", file["provenance/sources/3"])
            where = dict(zip(column(file, "system"), column(file, "source")))
            self.assertEqual(where, {"iron": 0, "silicon": 1, "copper": 2})

    def test_a_merged_file_can_be_resumed_and_keeps_its_sources(self):
        a, b = self.made("a", systems='"silicon"'), self.made("b", systems='"copper"')
        self.merge(a, b)
        config, _ = self.study("more", systems='"silicon", "copper", "iron"')
        self.run_ok(config, "-q", "-o", self.path("all.h5"), "--resume", np=2)
        with h5py.File(self.path("all.h5"), "r") as file:
            where = dict(zip(column(file, "system"), column(file, "source")))
            self.assertEqual(where, {"silicon": 0, "copper": 1, "iron": -1})
            self.assertEqual(len(file["provenance/sources"]), 2)
            self.assertEqual(set(column(file, "status")), {DONE})

    def test_what_was_in_flight_is_pending(self):
        a = self.made("a")
        with h5py.File(a, "r+") as file:
            file["cases/status"][0] = RUNNING
        self.merge(a)
        with h5py.File(self.path("all.h5"), "r") as file:
            self.assertEqual(sorted(column(file, "status")), [PENDING] + [DONE] * 3)

    def test_other_parameters_are_refused_with_the_difference(self):
        a, b = self.made("a"), self.made("b", steps=50)
        run = mdsweep("merge", "-o", self.path("all.h5"), a, b)
        self.assertEqual(run.code, 78)
        self.assertEqual(len(run.errors()), 1)
        for word in (a, b, "steps was 40, is 50", "copper/32/nve"):
            self.assertIn(word, run.err)
        self.assertFalse(os.path.exists(self.path("all.h5")))

    def test_files_that_are_none_of_ours(self):
        a = self.made("a")
        text = self.write("text.h5", "no")
        with h5py.File(self.path("other.h5"), "w") as file:
            file["x"] = 1
        with h5py.File(self.made("new"), "r+") as file:
            file.attrs["schema_version"] = np.bytes_("7.0.0")
        for path, says in ((text, "not an HDF5 file"), (self.path("other.h5"), "not a results file"),
                           (self.path("new.h5"), "schema version 7.0.0"),
                           (self.path("absent.h5"), "No such file")):
            run = mdsweep("merge", "-o", self.path("all.h5"), a, path)
            self.assertEqual((run.code, len(run.errors())), (74, 1), run.err)
            self.assertIn(says, run.err)
            self.assertIn(path, run.err)
        self.assertEqual(mdsweep("merge", a).code, 2)
        self.assertEqual(mdsweep("merge", "-o", a, a).code, 74)  # exists

    def test_a_file_of_the_first_schema_can_be_merged(self):
        a = self.made("a")
        with h5py.File(a, "r+") as file:
            file.attrs["schema_version"] = np.bytes_("1.0.0")
            for name in ("source", "frames_done", "frame_count", "frame_every", "latency_cv"):
                del file["cases"][name]
            del file["steps/pressure_GPa"]
        self.merge(a)
        with h5py.File(self.path("all.h5"), "r") as file:
            self.assertEqual(set(column(file, "status")), {DONE})
            self.assertTrue(np.isnan(file["cases/latency_cv"][:]).all())
            self.assertTrue(np.isnan(series(file, 0, "pressure_GPa")).all())
            self.assertTrue(np.isfinite(series(file, 0, "wall_s")).all())

    def check_same(self, path, packed):
        """Every object, attribute and value of one file in the other."""
        def look(name, item):
            twin = other[name]
            references = {"DIMENSION_LIST", "REFERENCE_LIST"}
            self.assertEqual(set(item.attrs) - references, set(twin.attrs) - references, name)
            self.assertEqual("DIMENSION_LIST" in item.attrs, "DIMENSION_LIST" in twin.attrs, name)
            for key in set(item.attrs) - references:
                np.testing.assert_array_equal(item.attrs[key], twin.attrs[key], err_msg=name)
            if isinstance(item, h5py.Dataset):
                self.assertEqual(item.dtype, twin.dtype)
                np.testing.assert_array_equal(item[()], twin[()], err_msg=name)

        with h5py.File(path, "r") as file, h5py.File(packed, "r") as other:
            file.visititems(look)
            self.assertEqual(len(set(other)), len(set(file)))
            self.assertEqual(dict(file.attrs.items()).keys(), dict(other.attrs.items()).keys())
            self.assertEqual(other["steps/wall_s"].dims[0].keys(), file["steps/wall_s"].dims[0].keys())
            self.assertEqual(other["steps/wall_s"].compression, "gzip")
            self.assertTrue(other["steps/wall_s"].shuffle)

    def test_repack_is_the_same_file_smaller(self):
        a = self.made("a", steps=2000)
        packed = self.path("packed.h5")
        self.run_ok("repack", a, "-o", packed)
        self.check_same(a, packed)
        self.assertLess(os.path.getsize(packed), os.path.getsize(a))
        for format in ("text", "json"):
            one = self.run_ok("report", a, "--format", format).out
            other = self.run_ok("report", packed, "--format", format).out
            self.assertEqual(one.replace(a, "FILE"), other.replace(packed, "FILE"))
        self.run_ok("status", packed)
        self.merge(packed)
        self.assertEqual({k: v[:2] for k, v in self.cases(self.path("all.h5")).items()},
                         {k: v[:2] for k, v in self.cases(a).items()})
        self.assertEqual(mdsweep("repack", a, "-o", packed).code, 74)  # exists
        self.assertEqual(mdsweep("repack", self.path("absent.h5"), "-o", packed, "--force").code, 74)

    def test_a_repacked_file_can_be_resumed(self):
        config, path = self.study("a")
        self.run_ok(config, "-q", "--filter", "model == null")
        packed = self.path("packed.h5")
        self.run_ok("repack", path, "-o", packed)
        self.run_ok(config, "-q", "-o", packed, "--resume", np=2)
        self.run_ok(config, "-q", "--resume", np=1)
        self.assertEqual(self.cases(packed), self.cases(path))

    def test_skipped_cases_give_way(self):
        a = self.made("a", systems='"silicon"')
        with h5py.File(a, "r") as file:
            label = (column(file, "system")[0], column(file, "model")[0])
        b = self.made("b", systems='"silicon"')
        with h5py.File(b, "r+") as file:
            file["cases/status"][0] = SKIPPED
            file["cases/key"][0] = b"0123456789abcdef"
        self.merge(b, a)
        cases = self.cases(self.path("all.h5"))
        self.assertEqual(cases[label][0::2], (DONE, 1))
        self.assertEqual(len(cases), 2)


if __name__ == "__main__":
    main()
