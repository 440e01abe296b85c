"""Signals and time limits: nothing new is started, the store is closed, exit 75 and how to go on.

No test waits for a time to be short; each has a limit, and a run that passes it is killed and named."""
import os
import signal

from harness import Case, DONE, FAILED, PENDING, RUNNING, column, h5py, main, mdsweep
from processes import Launch, wait_until

WAIT = 60


class Signals(Case):
    def study(self, models, repeats=1, steps=50, timeout=30.0):
        """models: name -> options of the fault engine."""
        more = " ".join(f'{n}: {{ engine = "fault"; {o} }};' for n, o in models.items())
        names = ", ".join(f'"{n}"' for n in models)
        return self.config(f'systems = ["silicon"]; sizes = [32]; protocols = ["nve"]; '
                           f'models = [{names}]; repeats = {repeats};',
                           run=f"steps = {steps}; warmup = 2; component_steps = 4; "
                               f"equilibration = 0; timeout_s = {timeout};",
                           more=f"models: {{ {more} }};")

    def slow(self, repeats=6, ms=10):
        return self.study({"slow": f'kind = "sleep"; at_step = 0; sleep_us = {1000 * ms};'}, repeats)

    def file(self):
        return h5py.File(self.path("test.h5"), "r")

    def statuses(self):
        if not os.path.exists(self.path("test.h5")):
            return []
        with self.file() as file:
            return list(file["cases/status"][:])

    def start(self, config, *args, ranks=2, running=None, **kwargs):
        """Returns once `running` cases run."""
        run = Launch(config, *args, ranks=ranks, **kwargs)
        self.addCleanup(lambda: run.left_behind(0))
        want = running or ranks or 1
        self.assertTrue(wait_until(lambda: self.statuses().count(RUNNING) >= want, WAIT), run.err)
        return run

    def check_stopped(self, run, code=75):
        self.assertEqual(run.wait(WAIT), code, run.err)
        self.assertEqual(run.left_behind(), [])
        statuses = self.statuses()
        self.assertNotIn(RUNNING, statuses)
        self.assertNotIn(FAILED, statuses)
        if code == 75:
            lines = [line for line in run.own_lines() if "stopped early" in line]
            self.assertEqual(len(lines), 1, run.err)
            self.assertIn("--resume", lines[0])
            self.assertIn(f"{statuses.count(DONE)} of {len(statuses)} cases done, "
                          f"{statuses.count(PENDING)} left", lines[0])
        return statuses

    def check_resumed(self, config):
        self.run_ok(config, "--resume", np=2)
        self.assertEqual(set(self.statuses()), {DONE})

    def test_a_warning_lets_the_running_cases_finish(self):
        config = self.slow()
        for whom in ("one rank", "mpirun twice", "everyone"):
            with self.subTest(whom=whom):
                run = self.start(config, "--force")
                ranks = run.ranks()
                to = {"one rank": ranks[1:], "everyone": run.everyone()}.get(whom, [run.process.pid])
                run.kill(to, signal.SIGUSR1)
                if whom == "mpirun twice":  # Slurm and the launcher may both deliver it: an echo
                    run.kill(to, signal.SIGUSR1)
                statuses = self.check_stopped(run)
                # Those that ran are done, no other was begun.
                self.assertGreaterEqual(statuses.count(DONE), 2)
                self.assertGreaterEqual(statuses.count(PENDING), 2)
        self.check_resumed(config)

    def test_an_order_puts_the_running_cases_back(self):
        config = self.slow(ms=100)
        for number, whom in ((signal.SIGTERM, "one rank"), (signal.SIGINT, "all ranks")):
            with self.subTest(signal=number, whom=whom):
                run = self.start(config, "--force")
                run.kill(run.ranks()[1:] if whom == "one rank" else run.ranks(), number)
                statuses = self.check_stopped(run)
                self.assertEqual(statuses, [PENDING] * 6)
                with self.file() as file:  # the samples up to there, but not an attempt
                    self.assertEqual(list(column(file, "attempt")), [0] * 6)

    def test_without_a_launcher(self):
        config = self.slow(ms=100)
        for number in (signal.SIGTERM, signal.SIGINT):
            run = self.start(config, "--force", ranks=None)
            run.kill([run.process.pid], number)
            self.assertEqual(self.check_stopped(run), [PENDING] * 6)

    def test_term_to_mpirun_leaves_a_readable_file(self):
        # mpirun gives its ranks about a second, and its own exit code.
        config = self.slow(repeats=6, ms=40)
        run = self.start(config)
        run.kill([run.process.pid], signal.SIGTERM)
        self.assertIn(run.wait(WAIT), (1, 75, 128 + signal.SIGTERM))
        self.assertEqual(run.left_behind(), [])
        self.assertNotIn(FAILED, self.statuses())
        self.assertEqual(mdsweep("report", self.path("test.h5")).code, 0)
        self.check_resumed(config)

    def test_an_idle_rank_hears_a_signal_too(self):
        config = self.slow(repeats=1, ms=200)
        run = self.start(config, ranks=3, running=1)
        with self.file() as file:
            busy = list(column(file, "rank")).pop()
        idle = next(r for r in (1, 2) if r != busy)
        run.kill([run.ranks()[idle]], signal.SIGTERM)
        self.assertEqual(self.check_stopped(run), [PENDING])

    def test_warning_then_order(self):
        config = self.slow(ms=200)
        run = self.start(config)
        run.kill(run.ranks(), signal.SIGUSR1)
        run.kill(run.ranks(), signal.SIGTERM)
        self.assertEqual(self.check_stopped(run), [PENDING] * 6)

    def test_a_worker_that_ignores_sigterm(self):
        config = self.study({"deaf": 'kind = "deaf"; at_step = 5;', "null": 'kind = "none";'})
        run = self.start(config, ranks=2, running=1)
        run.kill(run.ranks()[:1], signal.SIGTERM)
        statuses = self.check_stopped(run)
        self.assertIn(PENDING, statuses)
        # A hang without a signal ends by the watchdog all the same.
        config = self.study({"deaf": 'kind = "deaf"; at_step = 5;', "null": 'kind = "none";'},
                            timeout=1.0)
        run = Launch(config, "--force", ranks=2)
        self.assertEqual(run.wait(WAIT), 1, run.err)
        with self.file() as file:
            self.assertEqual(sorted(self.statuses()), [DONE, FAILED])
            self.assertIn("timeout", "".join(column(file, "reason")))
        self.assertEqual(run.left_behind(), [])

    def test_a_worker_told_to_end_alone_costs_only_its_case_another_go(self):
        config = self.slow(repeats=2, ms=20)
        run = self.start(config)
        run.kill(run.workers()[:1], signal.SIGTERM)
        self.assertEqual(run.wait(WAIT), 0, run.err)
        self.assertEqual(self.statuses(), [DONE] * 2)

    def test_the_second_order_ends_at_once(self):
        # The worker ignores SIGTERM, so the first order is still being carried out.
        config = self.study({"deaf": 'kind = "deaf"; at_step = 5;'}, repeats=2)
        run = self.start(config, ranks=2)
        run.kill(run.ranks()[:1], signal.SIGTERM)
        run.kill(run.ranks()[:1], signal.SIGINT)
        # Whichever of the two the kernel delivered last.
        self.assertIn(run.wait(WAIT), (128 + signal.SIGINT, 128 + signal.SIGTERM), run.err)
        self.assertEqual(run.left_behind(), [])
        self.assertEqual(mdsweep("report", self.path("test.h5")).code, 0)
        self.assertEqual(mdsweep("status", self.path("test.h5")).code, 0)

    def test_time_limit_starts_only_what_fits(self):
        # 57 steps of 10 ms are predicted, and take, about 0.6 s.
        config = self.slow(repeats=16)
        run = Launch(config, "--time-limit", "7s", ranks=1)  # starting takes seconds on a busy machine
        statuses = self.check_stopped(run)
        self.assertGreaterEqual(statuses.count(DONE), 1)
        self.assertGreaterEqual(statuses.count(PENDING), 4)
        with self.file() as file:  # nothing was begun that had to be cut off
            self.assertEqual([a for a, s in zip(column(file, "attempt"), statuses) if s == PENDING],
                             [0] * statuses.count(PENDING))
        run = Launch(config, "--resume", "--time-limit", "0.5s", ranks=2)
        self.assertEqual(self.check_stopped(run).count(DONE), statuses.count(DONE))
        self.check_resumed(config)

    def test_the_rest_of_a_slurm_job_is_a_limit(self):
        # squeue as the program calls it; 20 s of the rest are kept for closing.
        os.mkdir(self.path("bin"))
        tool = self.write("bin/squeue", '#!/bin/sh\n[ "$*" = "-h -j 4711 -o %L" ] && echo "$LEFT"\n')
        os.chmod(tool, 0o755)
        config = self.slow(repeats=4)
        env = {"PATH": f"{self.path('bin')}:{os.environ['PATH']}", "SLURM_JOB_ID": "4711"}
        # Open MPI would take SLURM_JOB_ID for an allocation: without a launcher here.
        run = Launch(config, env=dict(env, LEFT="0:22"))
        statuses = self.check_stopped(run)
        self.assertGreaterEqual(statuses.count(PENDING), 1)
        for left in ("UNLIMITED", "INVALID", "", "1-00:00:00"):
            if self.statuses().count(PENDING) == 0:
                break
            run = Launch(config, "--resume", env=dict(env, LEFT=left))
            self.assertEqual(run.wait(WAIT), 0, run.err)

    def test_a_rank_without_its_fork_server_gives_its_case_back(self):
        config = self.slow(repeats=4)
        run = self.start(config)
        run.kill(run.servers()[:1])
        # The case in flight is lost with its worker; the rank's next one goes to the other rank.
        self.assertEqual(run.wait(WAIT), 1, run.err)
        self.assertEqual(run.left_behind(), [])
        self.assertEqual(sorted(self.statuses()), [DONE] * 3 + [FAILED])
        self.run_ok(config, "--resume", "--retry", "failed", np=2)
        self.assertEqual(set(self.statuses()), {DONE})

        run = self.start(config, "--force")
        run.kill(run.servers())
        self.assertEqual(run.wait(WAIT), 75, run.err)  # nobody is left to run the rest
        self.assertEqual(sorted(self.statuses()), [PENDING] * 2 + [FAILED] * 2)
        self.run_ok(config, "--resume", "--retry", "failed", np=1)
        self.assertEqual(set(self.statuses()), {DONE})

    def test_status_of_a_running_sweep(self):
        run = self.start(self.slow(repeats=8, ms=50))
        self.assertTrue(wait_until(lambda: DONE in self.statuses(), WAIT))
        status = self.run_ok("status", self.path("test.h5"))
        self.assertIn("8 cases:", status.out)
        self.assertIn("running: silicon/32/nve/slow", status.out)
        self.assertIn("ETA", status.out)
        self.assertNotIn("interrupted", status.out)
        run.kill(run.ranks(), signal.SIGTERM)
        self.check_stopped(run)
        status = self.run_ok("status", self.path("test.h5"))
        self.assertIn("no run is writing it; --resume goes on", status.out)
        self.assertNotIn("running", status.out)
        self.assertNotIn("ETA", status.out)

    def test_status_of_a_sweep_that_was_killed(self):
        run = self.start(self.slow(repeats=8, ms=50))
        self.assertTrue(wait_until(lambda: RUNNING in self.statuses(), WAIT))
        run.kill(run.ranks(), signal.SIGKILL)
        run.wait(WAIT)
        status = self.run_ok("status", self.path("test.h5"))
        self.assertIn("interrupted: silicon/32/nve/slow", status.out)
        self.assertIn("no run is writing it; --resume goes on", status.out)
        self.assertNotIn("running", status.out)


if __name__ == "__main__":
    main()
