"""Going on with a results file: exactly what is missing runs, and the end is that of an undisturbed run."""
import os
import signal

from harness import (Case, DONE, FAILED, PENDING, RUNNING, SKIPPED, column, h5py, main, mdsweep,
                     series)
from processes import Launch, wait_until

AXES = ('systems = ["silicon", "copper"]; sizes = [32, 64]; protocols = ["nve", "nvt"]; '
        'models = [{models}]; repeats = 1;')
RUN = "steps = {steps}; warmup = 2; component_steps = 4; equilibration = 20; timeout_s = 20.0;"
SLOW = 'models: {{ slow: {{ engine = "fault"; kind = "sleep"; at_step = 3; sleep_us = {us}; }}; }};'


def physics(path):
    """key -> (status, potential energies, pressures): what must not depend on how a file came to be."""
    with h5py.File(path, "r") as file:
        return {key: (int(file["cases/status"][i]),
                      series(file, i, "energy_potential_eV").tobytes(),
                      series(file, i, "pressure_GPa").tobytes())
                for i, key in enumerate(column(file, "key"))}


def edit(path, **columns):
    """Overwrites cells of /cases: name=(row, value)."""
    with h5py.File(path, "r+") as file:
        for name, (row, value) in columns.items():
            file["cases"][name][row] = value


class Resume(Case):
    def study(self, name="test.cfg", output="test.h5", models='"reference", "null", "slow"',
              steps=40, axes=AXES, us=8000, run=RUN, more=SLOW):
        return self.config(axes.format(models=models), run=run.format(steps=steps),
                           more=more.format(us=us), name=name, output=output)

    def interrupt(self, config, ranks, done, number):
        """Starts a run and ends it once at least `done` cases are done."""
        path = self.path("test.h5")

        def enough():
            if not os.path.exists(path):
                return False
            with h5py.File(path, "r") as file:
                return (file["cases/status"][:] == DONE).sum() >= done

        run = Launch(config, ranks=ranks)
        wait_until(enough, 60)
        if number == signal.SIGKILL:
            run.kill(run.everyone(), number)
        else:
            run.kill(run.ranks()[-1:], number)  # one tells the others
        run.wait(60)
        self.assertEqual(run.left_behind(), [])
        return run

    def test_interrupted_and_resumed_equals_undisturbed(self):
        self.run_ok(self.study("whole.cfg", "whole.h5"), np=2)
        want = physics(self.path("whole.h5"))
        config = self.study()
        for number, before, after in ((signal.SIGKILL, 2, 3), (signal.SIGTERM, 3, 1)):
            with self.subTest(signal=number, before=before, after=after):
                run = self.interrupt(config, before, 5, number)
                self.assertEqual(run.code, -9 if number == signal.SIGKILL else 75, run.err)
                with h5py.File(self.path("test.h5"), "r") as file:
                    done = [k for k, s in zip(column(file, "key"), column(file, "status")) if s == DONE]
                    started = {k: t for k, t in zip(column(file, "key"), column(file, "t_start"))}
                self.assertGreaterEqual(len(done), 5)
                self.assertLess(len(done), len(want))
                run = self.run_ok(config, "--resume", np=after)
                self.assertIn(f"{len(done)} done", run.err)
                self.assertEqual(physics(self.path("test.h5")), want)
                with h5py.File(self.path("test.h5"), "r") as file:
                    again = {k: t for k, t in zip(column(file, "key"), column(file, "t_start"))}
                    self.assertEqual(file["provenance/runs/valid"][:].sum(), 2)
                for key in done:  # what was done was not run again
                    self.assertEqual(again[key], started[key])
                os.remove(self.path("test.h5"))

    def test_a_finished_file_runs_nothing_and_stays_as_it_is(self):
        config = self.study(models='"null"')
        self.run_ok(config, np=2)
        with h5py.File(self.path("test.h5"), "r") as file:
            before = {name: file["cases"][name][:].tobytes() for name in file["cases"]}
        run = self.run_ok(config, "--resume", np=2)
        self.assertIn("8 done, 0 failed, 0 to run again, 0 new", run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual({name: file["cases"][name][:].tobytes() for name in file["cases"]}, before)

    def test_an_absent_file_is_a_first_run_and_an_unreadable_one_is_refused(self):
        config = self.study(models='"null"')
        self.run_ok(config, "--resume", np=2)
        for text in ("", "not a results file"):
            self.write("test.h5", text)
            run = mdsweep(config, "--resume")
            self.assertEqual(run.code, 74)
            self.assertEqual(len(run.errors()), 1, run.err)
            with open(self.path("test.h5")) as file:
                self.assertEqual(file.read(), text)

    def test_without_resume_a_file_is_never_touched(self):
        config = self.study(models='"null"')
        self.run_ok(config, np=1)
        with open(self.path("test.h5"), "rb") as file:
            before = file.read()
        run = mdsweep(config, np=2)
        self.assertEqual(run.code, 74)
        self.assertIn("--resume", run.err)
        with open(self.path("test.h5"), "rb") as file:
            self.assertEqual(file.read(), before)

    def test_grown_axes_run_and_removed_values_stay(self):
        first = self.study(models='"reference", "null"')
        self.run_ok(first, np=2)
        before = physics(self.path("test.h5"))
        other = ('systems = ["silicon", "aluminum"]; sizes = [64, 108]; protocols = ["nvt", "npt"]; '
                 'models = [{models}]; repeats = 2;')
        grown = self.study("grown.cfg", models='"null", "reference"', axes=other)
        run = self.run_ok(grown, "--resume", np=2)
        self.assertIn("are kept", run.err)
        self.run_ok(self.study("fresh.cfg", "fresh.h5", '"null", "reference"', axes=other), np=2)
        want = {**before, **physics(self.path("fresh.h5"))}
        self.assertEqual(physics(self.path("test.h5")), want)
        # Back again: everything is there, nothing runs.
        run = self.run_ok(first, "--resume", np=2)
        self.assertIn("16 done, 0 failed, 0 to run again, 0 new", run.err)
        self.assertEqual(physics(self.path("test.h5")), want)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(file["provenance/runs/valid"][:].sum(), 3)

    def test_a_filter_runs_a_part_and_the_rest_can_follow(self):
        config = self.study(models='"null"')
        self.run_ok(config, "--filter", "system == copper", np=2)
        self.run_ok(config, "--resume", "--filter", "system == silicon and size == 64", np=2)
        self.run_ok(config, "--resume", np=2)
        self.run_ok(self.study("whole.cfg", "whole.h5", '"null"'), np=2)
        self.assertEqual(physics(self.path("test.h5")), physics(self.path("whole.h5")))

    def test_changed_physics_is_refused_with_the_difference(self):
        config = self.study(models='"reference", "null"')
        self.run_ok(config, np=2)
        before = physics(self.path("test.h5"))
        for change, words in (("run.steps=41", "steps was 40, is 41"),
                              ("run.temperature_K=310", "temperature_K was 300, is 310"),
                              ("run.timestep_fs=0.5", "dt_fs was"),
                              ("run.seed=7", "seed was"),
                              ("run.equilibration=30", "options")):
            with self.subTest(change=change):
                run = mdsweep(config, "--resume", "--set", change)
                self.assertEqual(run.code, 78, run.err)
                self.assertEqual(len(run.errors()), 1, run.err)
                self.assertIn(words, run.err)
                self.assertIn("silicon/32/nve", run.err)
        self.assertEqual(physics(self.path("test.h5")), before)

    def test_retry_failed(self):
        config = self.study(models='"reference", "f"', more='models: {{ f: {{ engine = "fault"; '
                            'kind = "segv"; at_step = 20; }}; }};')
        self.assertEqual(mdsweep(config, np=2).code, 1)
        run = mdsweep(config, "--resume", np=2)
        self.assertIn("8 done, 8 failed, 0 to run again", run.err)
        self.assertEqual(run.code, 1)  # still not all well
        with h5py.File(self.path("test.h5"), "r") as file:
            first = column(file, "t_start")
        # All of them, also when asked more often than a killed run would be.
        for _ in range(2):
            run = mdsweep(config, "--resume", "--retry", "failed", np=2)
            self.assertEqual(run.code, 1)
            self.assertIn("8 done, 0 failed, 8 to run again", run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            models = column(file, "model")
            for i, t in enumerate(column(file, "t_start")):
                (self.assertEqual if models[i] == "reference" else self.assertGreater)(t, first[i])
            self.assertEqual(set(column(file, "reason")),
                             {"", "crashed: SIGSEGV in steady step 17"})

    def test_a_case_the_run_died_in_is_tried_three_times(self):
        config = self.study(models='"null"')
        self.run_ok(config, np=1)
        path = self.path("test.h5")
        for attempt in (1, 2):
            edit(path, status=(3, RUNNING), attempt=(3, attempt))
            run = self.run_ok(config, "--resume")
            self.assertIn("7 done, 0 failed, 1 to run again", run.err)
            with h5py.File(path, "r") as file:
                self.assertEqual(file["cases/attempt"][3], attempt + 1)
        edit(path, status=(3, RUNNING), attempt=(3, 3))
        run = mdsweep(config, "--resume", np=2)
        self.assertIn("7 done, 1 failed, 0 to run again", run.err)
        self.assertEqual(run.code, 1)
        with h5py.File(path, "r") as file:
            self.assertEqual(file["cases/status"][3], FAILED)
            self.assertEqual(column(file, "reason")[3], "crashed: the run died in it 3 times")
        self.run_ok(config, "--resume", "--retry", "failed", np=2)
        with h5py.File(path, "r") as file:
            self.assertEqual((file["cases/status"][3], file["cases/attempt"][3]), (DONE, 1))
            self.assertEqual(column(file, "reason")[3], "")

    def test_a_case_put_back_counts_no_attempt_and_its_old_rows_are_void(self):
        config = self.study(models='"slow"', steps=400, axes='systems = ["silicon"]; sizes = [32]; '
                            'protocols = ["nve"]; models = [{models}]; repeats = 1;', us=10000)
        for _ in range(2):
            run = mdsweep(config, "--resume", "--time-limit", "1s", np=1)
            self.assertEqual(run.code, 75, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(list(column(file, "status")), [PENDING])
            self.assertEqual(list(column(file, "attempt")), [0])

    def write_box(self, element):
        a = 5.431
        sites = [(x, y, z) for x, y, z in ((0, 0, 0), (0, 2, 2), (2, 0, 2), (2, 2, 0))]
        sites += [(x + 1, y + 1, z + 1) for x, y, z in sites]
        atoms = "".join(f"{element} {x * a / 4} {y * a / 4} {z * a / 4}\n" for x, y, z in sites)
        self.write("box.xyz", f'8\nLattice="{a} 0 0 0 {a} 0 0 0 {a}" pbc="T T T" '
                              f'Properties=species:S:1:pos:R:3\n{atoms}')

    def test_a_skipped_case_runs_when_what_it_lacked_is_there(self):
        config = self.study(
            axes='systems = ["box", "copper"]; sizes = [64]; protocols = ["nve"]; '
                 'models = ["reference"];',
            more=f'systems: {{{{ box: {{{{ file = "{self.path("box.xyz")}"; }}}}; }}}};')
        self.write_box("Xe")  # the reference model has no xenon
        self.run_ok(config)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(sorted(column(file, "status")), [DONE, SKIPPED])
        self.write_box("Si")
        run = self.run_ok(config, "--resume")
        self.assertIn("1 done, 0 failed, 0 to run again, 1 new", run.err)
        whole = physics(self.path("test.h5"))
        self.assertEqual([status for status, _, _ in whole.values()], [DONE, DONE])
        self.write_box("Xe")  # and gone again: what was measured stays
        run = self.run_ok(config, "--resume")
        self.assertIn("0 to run again, 0 new", run.err)
        self.assertEqual(physics(self.path("test.h5")), whole)

    def test_two_runs_on_one_file(self):
        config = self.study(models='"slow"', us=100000)  # longer than the two others take to start
        first = Launch(config, "-q", ranks=2)
        self.assertTrue(wait_until(lambda: os.path.exists(self.path("test.h5")), 30))
        for extra in ("--resume", "--force"):
            run = mdsweep(config, extra, np=2)
            self.assertEqual(run.code, 74)
            self.assertIn("another run is writing this file", run.err)
        self.assertEqual(mdsweep("status", self.path("test.h5")).code, 0)
        first.kill(first.ranks(), signal.SIGTERM)
        self.assertEqual(first.wait(90), 75, first.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertTrue(set(column(file, "status")) <= {DONE, PENDING})


if __name__ == "__main__":
    main()
