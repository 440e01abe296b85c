"""The job scripts of slurm/ under a real Slurm: both launchers, the warning before the limit, requeueing
to completion, an array with a task that fails, exit codes.

The Slurm is a private one on loopback, by $MDSWEEP_TEST_DATA/tools/slurm-single-node.sh. Where sbatch is
not installed, it is installed only in CI (CI=true) or when asked (MDSWEEP_TEST_SLURM=1), as root.
Otherwise the test is skipped (77). Every wait has a limit."""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import unittest

from harness import Case, DONE, FAILED, MDSWEEP, SOURCE, column, environment, h5py
from processes import wait_until

RIG = os.path.join(os.environ.get("MDSWEEP_TEST_DATA", ""), "tools", "slurm-single-node.sh")
FOLDER = f"/tmp/mdsweep-slurm-{os.getpid()}"
KNOBS = {"SLURM_SN_DIR": FOLDER, "SLURM_SN_CPUS": "12", "SLURM_SN_GPUS": "0", "SLURM_SN_TASK": "none"}
WAIT = 60


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def rig(*words, timeout=60):
    return subprocess.run(["bash", RIG, *words], env=environment(**KNOBS), timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def start_rig():
    """Returns how to call Slurm, or leaves with 77."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not os.path.exists(RIG):
        skip("no $MDSWEEP_TEST_DATA/tools/slurm-single-node.sh")
    if not shutil.which("sbatch"):
        wanted = os.environ.get("CI") == "true" or os.environ.get("MDSWEEP_TEST_SLURM") == "1"
        if not wanted or os.getuid() != 0:
            skip("Slurm is not installed (MDSWEEP_TEST_SLURM=1 as root installs it)")
        try:
            if rig("install", timeout=240).returncode != 0 or not shutil.which("sbatch"):
                skip("Slurm cannot be installed here")
        except subprocess.TimeoutExpired:
            skip("installing Slurm took too long")
    if not shutil.which("munged"):
        KNOBS["SLURM_SN_AUTH"] = "none"
    started = rig("start")
    if started.returncode != 0:
        rig("clean")
        skip("Slurm does not start here: " + started.stdout.strip().splitlines()[-1])


class Slurm(Case):
    def setUp(self):
        super().setUp()
        self.env = environment(SLURM_CONF=f"{FOLDER}/etc/slurm.conf", MDSWEEP=os.path.abspath(MDSWEEP))
        self.jobs = []
        self.addCleanup(lambda: [self.slurm("scancel", job) for job in self.jobs])

    def slurm(self, *command, **env):
        return subprocess.run(command, env={**self.env, **env}, cwd=SOURCE, timeout=30,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout

    def submit(self, script, *args, launcher="srun", options=(), **env):
        out = self.slurm("sbatch", "--parsable", "--ntasks-per-node=2", "--gpus-per-task=0",
                         "--cpus-per-task=1", "--time=10", "--output", self.path("%j.log"), *options,
                         f"slurm/{script}.sbatch", *args, LAUNCHER=launcher, **env)
        self.assertRegex(out, r"^\d+$")
        self.jobs.append(out.strip())
        return out.strip()

    def job(self, job):
        """JobState, ExitCode, ... of a job, also after its end."""
        return dict(re.findall(r"(\w+)=(\S*)", self.slurm("scontrol", "show", "job", job)))

    def state(self, job):
        return self.job(job).get("JobState")

    def log(self, job):
        try:
            with open(self.path(f"{job}.log")) as file:
                return file.read()
        except OSError:
            return "(no log)"

    def wait_for_end(self, job):
        over = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")
        wait_until(lambda: self.state(job) in over, WAIT, 0.2)
        facts = self.job(job)
        self.assertIn(facts.get("JobState"), over, self.log(job))
        return facts["JobState"], facts["ExitCode"]

    def study(self, models, name, more="", repeats=1):
        return self.config(f'systems = ["silicon", "copper", "iron"]; sizes = [32]; '
                           f'protocols = ["nve"]; models = [{models}]; repeats = {repeats}; {more}',
                           run="steps = 50; warmup = 2; component_steps = 4; equilibration = 0;",
                           more='models: { slow: { engine = "fault"; kind = "sleep"; at_step = 0; '
                                'sleep_us = 20000; }; bad: { engine = "fault"; kind = "segv"; '
                                'at_step = 5; }; };', name=name)

    def statuses(self, path):
        try:
            with h5py.File(path, "r") as file:
                return list(file["cases/status"][:])
        except OSError:
            return []

    def test_both_launchers_and_their_exit_codes(self):
        well = self.study('"reference", "null"', "well.cfg")
        some = self.study('"null", "bad"', "some.cfg")
        wrong = self.write("wrong.cfg", "sweep: { systems = 7; };")
        jobs = {}
        for launcher in ("srun", "mpirun"):
            for config, code in ((well, 0), (some, 1), (wrong, 78)):
                path = self.path(f"{launcher}-{os.path.basename(config)}.h5")
                jobs[launcher, code] = (self.submit("scaling", config, path, launcher=launcher), path)
        for (launcher, code), (job, path) in jobs.items():
            with self.subTest(launcher=launcher, code=code):
                state, result = self.wait_for_end(job)
                self.assertEqual((state, result), ("FAILED" if code else "COMPLETED", f"{code}:0"),
                                 self.log(job))
                if code == 78:
                    self.assertFalse(os.path.exists(path))
                    self.assertIn("wrong.cfg:1", self.log(job))
                    continue
                self.assertEqual(self.statuses(path).count(FAILED), 3 if code else 0)
                with h5py.File(path, "r") as file:
                    self.assertEqual(len(file["provenance/ranks/host"]), 2, self.log(job))
                    self.assertIn(f"SLURM_JOB_ID={job}".encode(), file["provenance/environment"][()])

    def test_warned_before_the_limit_requeued_and_completed(self):
        config = self.study('"slow"', "slow.cfg", repeats=2)
        jobs = {}
        for launcher in ("srun", "mpirun"):
            path = self.path(f"{launcher}.h5")
            jobs[launcher] = (self.submit("chain", config, path, launcher=launcher), path)
        for launcher, (job, path) in jobs.items():
            self.assertTrue(wait_until(lambda: DONE in self.statuses(path), WAIT), self.log(job))
            # What --signal=B:USR1@N does at its time: the batch shell alone gets it, and CONT.
            self.slurm("scancel", "--batch", "--signal=USR1", job)
        for launcher, (job, path) in jobs.items():
            with self.subTest(launcher=launcher):
                self.assertTrue(wait_until(lambda: self.job(job).get("Restarts") == "1"
                                           and self.state(job) == "PENDING", WAIT, 0.2), self.log(job))
                self.assertIn("stopped early", self.log(job))
                first = self.statuses(path)
                self.assertIn(0, first)
                self.assertNotIn(1, first)
                # Requeued jobs are held for two minutes, in which slurmd buries the old one; started
                # sooner they meet it.
                time.sleep(2)
                self.slurm("scontrol", "update", f"jobid={job}", "StartTime=now")
                self.assertEqual(self.wait_for_end(job), ("COMPLETED", "0:0"), self.log(job))
                self.assertEqual(set(self.statuses(path)), {DONE})
                with h5py.File(path, "r") as file:
                    self.assertEqual(file["provenance/runs/valid"][:].sum(), 2)

    def test_an_array_with_a_task_that_fails(self):
        config = self.study('"null", "bad"', "array.cfg",
                            more='exclude = ( { model = "bad"; system = ["silicon", "iron"]; } );')
        job = self.submit("array", config, self.path("part"), options=("--array=0-2",),
                          launcher="mpirun", SYSTEMS="silicon copper iron")
        for task, system in enumerate(("silicon", "copper", "iron")):
            with self.subTest(system=system):
                state, code = self.wait_for_end(f"{job}_{task}")
                failed = system == "copper"
                self.assertEqual((state, code), ("FAILED", "1:0") if failed else ("COMPLETED", "0:0"))
                with h5py.File(self.path(f"part-{job}/{system}.h5"), "r") as file:
                    self.assertEqual(set(column(file, "system")), {system})
                    self.assertEqual(sorted(column(file, "status")),
                                     [DONE, FAILED] if failed else [DONE])

    @unittest.skipUnless(os.environ.get("MDSWEEP_TEST_FULL"), "takes a minute: MDSWEEP_TEST_FULL=1")
    def test_a_true_time_limit(self):
        config = self.study('"slow"', "slow.cfg", repeats=30)
        path = self.path("limit.h5")
        job = self.submit("chain", config, path, options=("--time=1", "--signal=B:USR1@25"))
        begin = time.monotonic()
        self.assertTrue(wait_until(lambda: self.job(job).get("Restarts") == "1", 100, 0.5),
                        self.log(job))
        self.assertIn("stopped early", self.log(job))
        self.assertNotIn(1, self.statuses(path))
        print(f"requeued after {time.monotonic() - begin:.0f} s of a limit of 60 s")


def main():
    start_rig()
    # The rig's daemons are ours: they go whatever happens.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        return unittest.main(verbosity=2, exit=False).result.wasSuccessful()
    finally:
        rig("clean", timeout=120)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
