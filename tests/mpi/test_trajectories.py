"""output.trajectory_every: frames in H5MD groups that are the steps whose energies the file holds."""
import json
import os
import shutil
import signal
import subprocess
import sys
import unittest

from harness import SOURCE, Case, DONE, FAILED, column, h5py, main, mdsweep, np, series
from processes import Launch, wait_until

sys.path.insert(0, os.path.join(SOURCE, "analysis"))

import load

AXES = ('systems = ["silicon", "water"]; sizes = [48]; protocols = ["nve", "npt", "replay"]; '
        'models = ["reference", "null"]; repeats = 1;')
RUN = "steps = {steps}; warmup = 5; component_steps = 3; equilibration = 20; timeout_s = 20.0;"
EVERY = 8
STEPS = 41
FIRST = 1 + 5  # the row of the first steady step
SLOW = 'models: { slow: { engine = "fault"; kind = "sleep"; at_step = 3; sleep_us = 8000; }; };'


def particles(file, index):
    key = column(file, "key")[index]
    return file[f"trajectories/{key}/particles/all"]


def frames(path):
    """key -> (status, steps, cells, positions), as far as they were written."""
    with h5py.File(path, "r") as file:
        found = {}
        for i, key in enumerate(column(file, "key")):
            done = file["cases/frames_done"][i]
            group = particles(file, i)
            found[key] = (int(file["cases/status"][i]),) + tuple(
                group[name][:done].tobytes()
                for name in ("position/step", "position/time", "box/edges/value", "position/value"))
        return found


def text(value):
    return value.decode() if isinstance(value, bytes) else value


class Trajectories(Case):
    def study(self, every=EVERY, steps=STEPS, axes=AXES, more="", name="test.cfg",
              output="test.h5"):
        return self.write(name, f"""
sweep: {{ name = "test"; {axes} }};
run: {{ {RUN.format(steps=steps)} }};
output: {{ file = "{self.path(output)}"; trajectory_every = {every}; }};
{more}
""")

    def test_the_same_frames_on_one_and_two_ranks(self):
        self.run_ok(self.study("8", name="one.cfg", output="one.h5"))
        self.run_ok(self.study("8", name="two.cfg", output="two.h5"), np=2)
        one = frames(self.path("one.h5"))
        self.assertEqual(len(one), 12)
        self.assertEqual(one, frames(self.path("two.h5")))
        self.assertTrue(all(positions for *_, positions in one.values()))

    def test_count_steps_and_times(self):
        for every in (1, 8, 40, 41, 1000):
            with self.subTest(every=every):
                config = self.study(every, axes=AXES.replace('"nve", "npt", "replay"', '"nve"'))
                self.run_ok(config, "--force")
                with h5py.File(self.path("test.h5"), "r") as file:
                    for i in range(4):
                        want = np.arange(FIRST, FIRST + STEPS, every)
                        group = particles(file, i)
                        self.assertEqual(file["cases/frame_every"][i], every)
                        self.assertEqual(file["cases/frame_count"][i], len(want))
                        self.assertEqual(file["cases/frames_done"][i], len(want))
                        np.testing.assert_array_equal(group["position/step"][:], want)
                        np.testing.assert_array_equal(group["position/time"][:],
                                                      want * file["cases/dt_fs"][i])

    def test_nothing_is_there_unless_asked_for(self):
        self.run_ok(self.study(0))
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertNotIn("trajectories", file)
            self.assertFalse(file["cases/frame_count"][:].any() or file["cases/frames_done"][:].any())

    def test_it_is_h5md(self):
        self.run_ok(self.study())
        with h5py.File(self.path("test.h5"), "r") as file:
            for key in column(file, "key"):
                group = file["trajectories"][key]
                np.testing.assert_array_equal(group["h5md"].attrs["version"], [1, 1])
                self.assertEqual(group["h5md"].attrs["version"].dtype.kind, "i")
                self.assertEqual(text(group["h5md/creator"].attrs["name"]), "mdsweep")
                for where, name in (("author", "name"), ("creator", "name"), ("creator", "version")):
                    attribute = group["h5md"][where].attrs.get_id(name)
                    self.assertFalse(attribute.get_type().is_variable_str())
                particle = group["particles/all"]
                box = particle["box"]
                self.assertEqual(box.attrs["dimension"], 3)
                self.assertEqual([text(b) for b in box.attrs["boundary"]], ["periodic"] * 3)
                for name in ("step", "time"):  # hard links, which H5MD asks for
                    self.assertEqual(box["edges"][name], particle["position"][name])
                for name, unit in (("position/value", "Angstrom"), ("box/edges/value", "Angstrom"),
                                   ("position/time", "fs"), ("mass", "u")):
                    self.assertEqual(text(particle[name].attrs["unit"]), unit)
                n, count = len(particle["species"]), len(particle["position/step"])
                self.assertEqual(particle["position/value"].shape, (count, n, 3))
                self.assertEqual(particle["box/edges/value"].shape, (count, 3, 3))
                masses = {14: 28.085, 8: 15.999, 1: 1.008}
                np.testing.assert_allclose(particle["mass"][:],
                                           [masses[z] for z in particle["species"][:]], atol=1e-3)

    def evaluate(self, group, frame):
        """The energy of a stored frame, computed anew from its text."""
        symbols = {14: "Si", 8: "O", 1: "H"}
        cell = " ".join(repr(float(v)) for v in group["box/edges/value"][frame].ravel())
        lines = [f"{len(group['species'])}",
                 f'Lattice="{cell}" Properties=species:S:1:pos:R:3 pbc="T T T"']
        for z, x in zip(group["species"][:], group["position/value"][frame]):
            lines.append(symbols[int(z)] + " " + " ".join(repr(float(v)) for v in x))
        path = self.write("frame.xyz", "\n".join(lines) + "\n")
        return json.loads(self.run_ok("eval", path, "--format", "json").out)["energy"]

    def test_a_frame_has_the_energy_of_its_step(self):
        self.run_ok(self.study())
        with h5py.File(self.path("test.h5"), "r") as file:
            compared = 0
            for i, model in enumerate(column(file, "model")):
                if model != "reference":
                    continue
                group, energies = particles(file, i), series(file, i, "energy_potential_eV")
                for frame in (0, 2, -1):
                    want = energies[group["position/step"][frame]]
                    # Other lists, another order of the same sums: rounding, nothing else.
                    self.assertAlmostEqual(self.evaluate(group, frame) / want, 1.0, delta=1e-9)
                    compared += 1
                neighbours = energies[group["position/step"][2] + 1]
                if column(file, "protocol")[i] != "replay":  # the comparison can tell steps apart
                    self.assertNotAlmostEqual(energies[group["position/step"][2]] / neighbours, 1.0,
                                              delta=1e-7)
            self.assertEqual(compared, 18)

    def test_the_cell_of_a_frame_is_that_of_its_step(self):
        self.run_ok(self.study())
        with h5py.File(self.path("test.h5"), "r") as file:
            moved = []
            for i, protocol in enumerate(column(file, "protocol")):
                group = particles(file, i)
                volume = np.abs(np.linalg.det(group["box/edges/value"][:]))
                want = series(file, i, "volume_A3")[group["position/step"][:]]
                np.testing.assert_allclose(volume, want, rtol=1e-12)
                if np.ptp(volume) > 1e-6:
                    moved.append(protocol)
            self.assertEqual(set(moved), {"npt"})

    def test_on_an_accelerator_and_without_profiling(self):
        want = None
        for extra in ((), ("--set", "run.device=sim"), ("--set", "run.timing=off"),
                      ("--set", "run.timing=sync"), ("--isolation", "none")):
            with self.subTest(extra=extra):
                self.run_ok(self.study(), "--force", *extra)
                with h5py.File(self.path("test.h5"), "r") as file:
                    got = {i: particles(file, i)["position/value"][:] for i in range(12)
                           if file["cases/status"][i] == DONE}
                want = want or got
                self.assertTrue(got)  # the imitated device cannot do all of them
                for i in got:
                    np.testing.assert_array_equal(got[i], want[i])

    def test_frames_are_no_leak(self):
        """Six megabytes of them; the loop must find their pages in place."""
        self.run_ok(self.study(1, steps=4000, axes='systems = ["silicon"]; sizes = [64]; '
                               'protocols = ["nve"]; models = ["null"]; repeats = 1;'))
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(file["cases/frames_done"][0], 4000)
            self.assertEqual(file["cases/leak"][0], 0)
            self.assertLess(file["cases/memory_delta_bytes"][0], 3e6)

    def test_a_case_that_fails_keeps_its_frames(self):
        more = 'models: { bad: { engine = "fault"; kind = "segv"; at_step = 30; }; };'
        config = self.study(axes='systems = ["silicon"]; sizes = [32]; protocols = ["nve"]; '
                            'models = ["bad"]; repeats = 1;', more=more)
        self.assertEqual(mdsweep(config).code, 1)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(file["cases/status"][0], FAILED)
            done = file["cases/frames_done"][0]
            self.assertTrue(1 <= done < file["cases/frame_count"][0], done)
            steps = particles(file, 0)["position/step"][:done]
            np.testing.assert_array_equal(steps, FIRST + EVERY * np.arange(done))

    def test_interrupted_and_resumed_equals_undisturbed(self):
        axes = AXES.replace('"null"', '"null", "slow"')
        self.run_ok(self.study(axes=axes, more=SLOW, name="whole.cfg", output="whole.h5"), np=2)
        config = self.study(axes=axes, more=SLOW)

        def enough():
            if not os.path.exists(self.path("test.h5")):
                return False
            with h5py.File(self.path("test.h5"), "r") as file:
                return (file["cases/status"][:] == DONE).sum() >= 3

        run = Launch(config, ranks=2)
        wait_until(enough, 60)
        run.kill(run.everyone(), signal.SIGKILL)
        run.wait(60)
        self.run_ok(config, "--resume", np=2)
        self.assertEqual(frames(self.path("test.h5")), frames(self.path("whole.h5")))

    def test_a_new_file_takes_the_frames_along(self):
        self.run_ok(self.study(), np=2)
        before = frames(self.path("test.h5"))
        # Other cases, some that stay in the file alone, and another stride for those to come.
        grown = self.study(10, axes=AXES.replace("[48]", "[48, 64]").replace('"npt", ', ""),
                           name="grown.cfg")
        self.run_ok(grown, "--resume", np=2)
        after = frames(self.path("test.h5"))
        self.assertEqual({key: after[key] for key in before}, before)
        with h5py.File(self.path("test.h5"), "r") as file:
            every = dict(zip(column(file, "key"), file["cases/frame_every"][:]))
            for i, key in enumerate(column(file, "key")):
                self.assertEqual(every[key], EVERY if key in before else 10)
                self.assertEqual(len(particles(file, i)["position/step"]), 6 if key in before else 5)
                self.assertGreater(particles(file, i)["mass"][:].min(), 1.0)

    def test_a_file_without_frames_can_be_resumed_with_them(self):
        axes = AXES.replace('"null"', '"null", "slow"')
        self.run_ok(self.study(0, axes=axes, more=SLOW), "--filter", "model != slow")
        # As version 1.0 of the schema was.
        with h5py.File(self.path("test.h5"), "r+") as file:
            for name in ("frame_every", "frame_count", "frames_done"):
                del file["cases"][name]
            file.attrs["schema_version"] = np.bytes_("1.0.0")
        self.assertEqual(mdsweep("report", self.path("test.h5")).code, 0)
        self.run_ok(self.study(axes=axes, more=SLOW), "--resume", np=2)
        with h5py.File(self.path("test.h5"), "r") as file:
            for done, model, frame_count in zip(file["cases/frames_done"][:], column(file, "model"),
                                                file["cases/frame_count"][:]):
                self.assertEqual(done, frame_count)
                self.assertEqual(done, 6 if model == "slow" else 0)

    def test_the_loader_gives_what_was_written(self):
        self.run_ok(self.study())
        with h5py.File(self.path("test.h5"), "r+") as file:
            file["cases/frames_done"][0] = 2
            file["cases/frames_done"][1] = 0
            want = particles(file, 0)["position/value"][:2]
        with load.Results(self.path("test.h5")) as run:
            frames = run.trajectory(0)
            np.testing.assert_array_equal(frames["positions"], want)
            np.testing.assert_array_equal(frames["step"], [FIRST, FIRST + EVERY])
            self.assertEqual(frames["cells"].shape, (2, 3, 3))
            self.assertEqual(set(frames["species"]), {14})
            self.assertIsNone(run.trajectory(1))

    def test_what_cannot_fit_is_refused(self):
        run = mdsweep("plan", self.study(1, steps=10_000_000))
        self.assertEqual(run.code, 78)
        self.assertEqual(len(run.errors()), 1)
        for words in ("silicon/48/nve/reference/r0", "10000000 frames of", "GiB of shared memory",
                      "at most 2 GiB", "output.trajectory_every"):
            self.assertIn(words, run.errors()[0])

    def test_the_plan_knows_the_size(self):
        config = self.study(1, steps=2000)
        said = mdsweep("plan", config).out.split("file ")[1].split(" ->")[0]
        self.run_ok(config)
        want = float(said.split()[0]) * 1024 ** ["B", "KiB", "MiB", "GiB"].index(said.split()[1])
        # Metadata and tables are rough guesses; the frames, nine tenths of the file, are exact.
        self.assertAlmostEqual(os.path.getsize(self.path("test.h5")) / want, 1.0, delta=0.05)

    @unittest.skipUnless(shutil.which("h5dump"), "h5dump is not installed")
    def test_h5dump_opens_it(self):
        self.run_ok(self.study())
        dump = subprocess.run(["h5dump", "-g", "/trajectories", self.path("test.h5")],
                              capture_output=True, text=True)
        self.assertEqual(dump.returncode, 0, dump.stderr)
        self.assertEqual(dump.stdout.count('DATASET "value"'), 2 * 12)


if __name__ == "__main__":
    main()
