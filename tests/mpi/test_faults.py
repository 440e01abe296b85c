"""A case that crashes, hangs or goes wrong becomes its own row with its class, and the sweep goes on."""
from harness import Case, DONE, FAILED, column, environment, h5py, main, mdsweep, np, series

# kind: (word before the colon of the reason, something the reason says, steps recorded at least)
KINDS = {
    "segv": ("crashed", "SIGSEGV", 20),
    "abort": ("crashed", "SIGABRT", 20),
    "exit": ("exited", "", 20),
    "hang": ("timeout", "no step", 20),
    "nan": ("nan", "", 20),
    "oom": ("oom", "", 20),
    "error": ("error", "", 20),
}


class Faults(Case):
    def fault_config(self, kinds, repeats=1, run="steps = 60; warmup = 2; component_steps = 4; "
                                                 "timeout_s = 2.0; equilibration = 0;"):
        models = " ".join(f'f-{k}: {{ engine = "fault"; kind = "{k}"; at_step = 25; }};'
                          for k in kinds)
        names = ", ".join(f'"f-{k}"' for k in kinds)
        return self.config(f'systems = ["silicon"]; sizes = [32]; protocols = ["nve"]; '
                           f'models = [{names}, "null", "reference"]; repeats = {repeats};',
                           run=run, more=f"models: {{ {models} }};")

    def test_every_kind_is_a_row_and_the_rest_is_done(self):
        config = self.fault_config(KINDS, repeats=2)
        for ranks in (1, 2, 4):
            with self.subTest(ranks=ranks):
                run = mdsweep(config, "--force", np=ranks)
                self.assertEqual(run.code, 1, run.err)
                with h5py.File(self.path("test.h5"), "r") as file:
                    models, status = column(file, "model"), column(file, "status")
                    reasons = column(file, "reason")
                    for i, model in enumerate(models):
                        if not model.startswith("f-"):
                            self.assertEqual(status[i], DONE, (model, reasons[i]))
                            continue
                        word, says, steps = KINDS[model[2:]]
                        self.assertEqual(status[i], FAILED, model)
                        self.assertEqual(reasons[i].split(":")[0], word, reasons[i])
                        self.assertIn(says, reasons[i])
                        # the samples up to the fault are there
                        wall = series(file, i, "wall_s")
                        self.assertGreaterEqual(len(wall), steps, model)
                        self.assertTrue((wall > 0).all(), model)
                for kind in KINDS:
                    self.assertIn(f"silicon/32/nve/f-{kind}/r0", run.out)

    def test_a_planted_leak_is_found_and_clean_cases_are_not_flagged(self):
        for kind in ("leak", "leak-malloc"):
            with self.subTest(kind=kind):
                config = self.config(
                    'systems = ["silicon"]; sizes = [64]; protocols = ["nve", "nvt"]; '
                    'models = ["leaky", "reference", "null"];',
                    run="steps = 1000; warmup = 10; component_steps = 4; equilibration = 0;",
                    more=f'models: {{ leaky: {{ engine = "fault"; kind = "{kind}"; '
                         'leak_bytes = 1024; }; };')
                self.run_ok(config, "--force", np=2)
                with h5py.File(self.path("test.h5"), "r") as file:
                    for i, model in enumerate(column(file, "model")):
                        leak = file["cases/leak"][i]
                        self.assertEqual(leak, 1.0 if model == "leaky" else 0.0,
                                         (kind, model, file["cases/leak_slope_bytes_per_step"][i]))

    def test_the_same_without_isolation_where_the_process_survives(self):
        config = self.fault_config(["nan", "oom", "error"])
        run = mdsweep(config, "--isolation", "none", np=2)
        self.assertEqual(run.code, 1, run.err)
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(sorted(column(file, "status")), [DONE, DONE, FAILED, FAILED, FAILED])

    def test_no_process_is_left_behind(self):
        import subprocess
        config = self.fault_config(["segv", "hang"])
        mdsweep(config, np=2)
        left = subprocess.run(["pgrep", "-f", config], capture_output=True, text=True).stdout
        self.assertEqual(left, "")


if __name__ == "__main__":
    main()
