"""Calls that fail: a full disk, a device with errors, no memory, a place that cannot be written.

However a run ends, it ends by itself, with the exit code that says why and one line that names the file;
what is left is a readable file or none; and when the fault is gone it can be resumed to the end.
tests/durability/faultio.c, preloaded, makes the n-th call fail. MDSWEEP_TEST_FULL=1 tries every n."""
import errno
import os
import subprocess
import sys

from harness import (Case, DONE, FAILED, MDSWEEP, PENDING, RUNNING, column, h5py, main, mdsweep)
from processes import Launch, wait_until

FAULTIO = os.environ.get("MDSWEEP_FAULTIO")
FAULTMPI = os.environ.get("MDSWEEP_FAULTMPI")
FULL = os.environ.get("MDSWEEP_TEST_FULL")
WAIT = 60
CASES = 4

if not FAULTIO:
    print("skipped: MDSWEEP_FAULTIO names no library (a sanitizer build?)")
    sys.exit(77)


class Durability(Case):
    def study(self, folder=None, models='"reference", "null"', us=20000, repeats=1):
        output = os.path.join(folder or self.folder, "test.h5")
        return self.write("test.cfg", f"""
sweep: {{ name = "t"; systems = ["silicon"]; sizes = [32]; protocols = ["nve", "nvt"];
         models = [{models}]; repeats = {repeats}; }};
run: {{ steps = 40; warmup = 2; component_steps = 4; equilibration = 0; timeout_s = 20.0; }};
models: {{ slow: {{ engine = "fault"; kind = "sleep"; at_step = 0; sleep_us = {us}; }}; }};
output: {{ file = "{output}"; }};
""")

    def faulty(self, config, *args, n, count=1, number=errno.EIO, ranks=2, library=FAULTIO, **what):
        """A run in which calls fail; whether any did is in .hit."""
        log = self.path("fault.log")
        if os.path.exists(log):
            os.remove(log)
        env = {"LD_PRELOAD": library, "FAULT_N": str(n), "FAULT_COUNT": str(count),
               "FAULT_ERRNO": str(number), "FAULT_LOG": log,
               "MDSWEEP_IO_TIMEOUT_S": "3",
               **{f"FAULT_{key.upper()}": str(value) for key, value in what.items()}}
        run = Launch(config, "-q", *args, ranks=ranks, env=env)
        self.addCleanup(lambda: run.left_behind(0))
        run.wait(WAIT)
        self.assertIsNotNone(run.code, f"{what} n={n}: the run did not end")
        self.assertEqual(run.left_behind(), [], what)
        run.hit = os.path.exists(log) and os.path.getsize(log) > 0
        return run

    def statuses(self, path=None):
        path = path or self.path("test.h5")
        if not os.path.exists(path):
            return None
        with h5py.File(path, "r") as file:
            return list(file["cases/status"][:])

    def check_readable(self, path=None):
        if self.statuses(path) is not None:
            result = mdsweep("report", path or self.path("test.h5"))
            self.assertEqual(result.code, 0, result.err)

    def check_put_back(self):
        """What did not get to the disk can be run again and again: the case is not to blame."""
        if self.statuses() is None:
            return
        self.assertLessEqual(set(self.statuses()), {DONE, PENDING})
        with h5py.File(self.path("test.h5"), "r") as file:
            pending = file["cases/status"][:] == PENDING
            self.assertEqual(set(file["cases/attempt"][:][pending]) - {0}, set())

    def check_resumed(self, config, retry=False, path=None):
        self.run_ok(config, "-q", "--resume", *(["--retry", "failed"] if retry else []))
        self.assertEqual(set(self.statuses(path)), {DONE})
        os.remove(path or self.path("test.h5"))

    def each(self, numbers):
        """The numbers given, or all until the fault is not met any more."""
        return range(1, 100000) if FULL else numbers

    def test_input_and_output_errors(self):
        config = self.study()
        plans = [("pwrite", errno.ENOSPC, 0, (1, 2, 3, 20, 60, 200)),
                 ("pwrite", errno.EIO, 1, (1, 25)),
                 ("fsync", errno.EIO, 0, (1,)),
                 ("fdatasync", errno.EIO, 0, (1, 2)),
                 ("ftruncate", errno.EIO, 0, (1,)),
                 ("fallocate", errno.ENOSPC, 0, (1,)),
                 ("fallocate", errno.EDQUOT, 0, (1,)),
                 ("rename", errno.EIO, 0, (1,))]
        for call, number, rank, numbers in plans:
            for n in self.each(numbers):
                with self.subTest(call=call, error=errno.errorcode[number], rank=rank, n=n):
                    creation = n == 1 and rank == 0  # there rank 0 is alone
                    run = self.faulty(config, n=n, call=call, number=number, rank=rank,
                                      path="test.h5", ranks=None if creation else 2)
                    self.assertTrue(run.hit or n > numbers[0], "nothing was made to fail")
                    if not run.hit:
                        break
                    if call == "fsync" and n > 1:
                        break  # of MPI-IO at closing, after ours; its result is not told
                    self.assertEqual(run.code, 74, run.err)
                    self.assertEqual(len(run.errors()), 1, run.err)
                    self.assertIn(self.path("test.h5"), run.err)
                    self.assertIn("disk full" if call == "fallocate" and number == errno.ENOSPC
                                  else os.strerror(number), run.errors()[0])
                    self.assertFalse(os.path.exists(self.path("test.h5.tmp")))
                    self.check_put_back()
                    self.check_readable()
                    self.check_resumed(config)

    def test_a_file_system_that_cannot_allocate_is_no_error(self):
        config = self.study()
        for number in (errno.EOPNOTSUPP, errno.EINTR):
            run = self.faulty(config, "--force", n=1, call="fallocate", number=number,
                              path="test.h5")
            self.assertTrue(run.hit)
            self.assertEqual(run.code, 0, run.err)

    def test_rebuilding_a_file_that_fails_leaves_the_old_one(self):
        config = self.study()
        self.run_ok(config, "-q", "--filter", "model == null")
        with open(self.path("test.h5"), "rb") as file:
            before = file.read()
        for call, n in (("pwrite", 2), ("pwrite", 5), ("fsync", 1), ("rename", 1)):
            with self.subTest(call=call, n=n):
                run = self.faulty(config, "--resume", n=n, call=call, path="test.h5.tmp"
                                  if call != "rename" else "test.h5", ranks=None)
                self.assertTrue(run.hit)
                self.assertEqual(run.code, 74, run.err)
                with open(self.path("test.h5"), "rb") as file:
                    self.assertEqual(file.read(), before)
                self.assertFalse(os.path.exists(self.path("test.h5.tmp")))
        self.check_resumed(config)

    # n counts a rank's calls, those inside of HDF5 among them. Rank None: all ranks. Where a rank
    # fails alone inside of HDF5, the others wait there until MDSWEEP_IO_TIMEOUT_S is over.
    MPI_CALLS = [("MPI_Init", 0, (1,)), ("MPI_Init", 1, (1,)), ("MPI_Comm_split_type", 1, (1,)),
                 ("MPI_Allgather", 0, (1, 4)), ("MPI_Allgather", 1, (2, 3)),
                 ("MPI_Ibarrier", 0, (1, 2)), ("MPI_Test", 1, (1,)),
                 ("MPI_Send", 0, (1, 2)), ("MPI_Send", 1, (1, 3)),
                 ("MPI_Iprobe", 0, (5,)), ("MPI_Iprobe", 1, (1,)),
                 ("MPI_Recv", 0, (1, 2)), ("MPI_Recv", 1, (1, 2)),
                 ("MPI_Comm_dup", None, (1,)), ("MPI_Bcast", 1, (1,)), ("MPI_Barrier", 1, (1,)),
                 ("MPI_File_open", None, (1,)), ("MPI_File_open", 1, (1,)),
                 ("MPI_File_read_at", 1, (1,)), ("MPI_File_read_at", 0, (1,)),
                 ("MPI_File_write_at", 1, (1, 60)), ("MPI_File_write_at", 0, (1,)),
                 ("MPI_File_close", 1, (1,)), ("MPI_File_close", None, (1,))]

    def test_calls_of_mpi_that_fail(self):
        config = self.study()
        for call, rank, numbers in self.MPI_CALLS if FULL else self.MPI_CALLS[1::2]:
            for n in numbers if FULL else numbers[-1:]:
                with self.subTest(call=call, rank=rank, n=n):
                    run = self.faulty(config, n=n, call=call, library=FAULTMPI,
                                      **({} if rank is None else {"rank": rank}))
                    self.assertTrue(run.hit, "nothing was made to fail")
                    self.assertEqual(run.code, 74, run.err)
                    self.assertTrue(call in run.err or "no answer from MPI-IO" in run.err, run.err)
                    self.check_readable()
                    self.check_resumed(config)

    def test_no_memory_in_the_rank(self):
        config = self.study()
        for n in self.each((1, 3, 20, 41, 43, 46, 52, 60, 200, 400)):
            with self.subTest(n=n):
                run = self.faulty(config, n=n, call="malloc", number=errno.ENOMEM, rank=0,
                                  process="rank", caller="main",
                                  ranks=2 if 40 < n < 50 else None)  # there they must agree
                if not run.hit:
                    break
                self.assertIn(run.code, (0, 1, 74), run.err)
                if run.code == 0:  # something that could do without
                    self.assertEqual(set(self.statuses()), {DONE})
                elif FAILED not in (self.statuses() or []):
                    self.assertEqual(len(run.errors()), 1, run.err)
                    self.assertIn("memory", run.err)
                self.check_readable()
                self.check_resumed(config, retry=True)

    def test_no_memory_in_the_worker_costs_a_case_at_most(self):
        config = self.study()
        for n in self.each((1, 10, 60)):
            with self.subTest(n=n):
                run = self.faulty(config, n=n, call="malloc", number=errno.ENOMEM, rank=0,
                                  process="worker", caller="main")
                if not run.hit:
                    break
                statuses = self.statuses()
                self.assertEqual(statuses.count(FAILED) + statuses.count(DONE), CASES)
                self.assertEqual(run.code, 1 if FAILED in statuses else 0, run.err)
                self.check_resumed(config, retry=True)

    def test_no_memory_inside_hdf5_is_the_end_but_no_loss(self):
        # The library does not check all of its own; a crash is what it makes of some.
        config = self.study()
        self.run_ok(config, "-q", "--filter", "model == null")
        for n in self.each((2, 30, 300)):
            with self.subTest(n=n):
                run = self.faulty(config, "--resume", n=n, call="malloc", number=errno.ENOMEM,
                                  rank=0, process="rank", caller="hdf5", ranks=None)
                if not run.hit:
                    break
                self.assertIn(run.code, (74, -6, -11), run.err)
                self.check_readable()
        self.check_resumed(config)

    def mount(self, size):
        folder = self.path("mount")
        os.makedirs(folder, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
                              capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest("no file system can be mounted here: " + done.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "-l", folder], capture_output=True)
        return folder

    @staticmethod
    def fill(folder):
        try:
            with open(os.path.join(folder, "filler"), "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC

    def test_a_disk_too_small_is_met_before_the_first_case(self):
        folder = self.mount("96k")
        run = mdsweep(self.study(folder), np=2)
        self.assertEqual(run.code, 74, run.err)
        self.assertEqual(len(run.errors()), 1)
        self.assertIn("disk full: needs", run.err)
        self.assertEqual([name for name in os.listdir(folder) if name != "test.h5.lock"], [])

    def test_a_disk_that_fills_up_in_mid_run(self):
        folder = self.mount("4m")
        path = os.path.join(folder, "test.h5")
        config = self.study(folder, '"slow"', repeats=3)
        for promised in (True, False):
            with self.subTest(promised=promised):
                # Where blocks cannot be taken beforehand, the full disk is met in mid-run.
                env = {} if promised else {
                    "LD_PRELOAD": FAULTIO, "FAULT_CALL": "fallocate", "FAULT_N": "1",
                    "FAULT_ERRNO": str(errno.EOPNOTSUPP), "FAULT_PATH": "test.h5"}
                run = Launch(config, "-q", ranks=2, env=env)
                self.assertTrue(wait_until(lambda: RUNNING in (self.statuses(path) or []), WAIT))
                self.fill(folder)
                self.assertEqual(run.wait(WAIT), 0 if promised else 74, run.err)
                self.assertEqual(run.left_behind(), [])
                self.check_readable(path)
                if not promised:
                    self.assertEqual(len(run.errors()), 1, run.err)
                    self.assertIn("disk full", run.err)
                    self.assertTrue(set(self.statuses(path)) <= {DONE, PENDING, RUNNING})
                os.remove(os.path.join(folder, "filler"))
                self.check_resumed(config, path=path)

    def test_a_place_that_cannot_be_written(self):
        folder = self.mount("4m")
        path = os.path.join(folder, "test.h5")
        config = self.study(folder)
        self.run_ok(config, "-q", "--filter", "model == null")
        done = subprocess.run(["mount", "-o", "remount,ro", folder], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        for extra in ("--resume", "--force"):
            run = mdsweep(config, extra, np=2)
            self.assertEqual(run.code, 74)
            self.assertEqual(len(run.errors()), 1, run.err)
            self.assertIn("Read-only file system", run.err)
        run = mdsweep(config, "-o", os.path.join(folder, "new/other.h5"), np=2)
        self.assertEqual(run.code, 74)
        self.assertIn("Read-only file system", run.err)
        self.assertEqual(mdsweep("status", path).code, 0)
        self.check_readable(path)
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        self.check_resumed(config, path=path)

    def test_nothing_of_a_run_meets_another_of_the_same_name(self):
        # Open MPI's ompio would share a semaphore by the file's base name, and leave it locked.
        config = self.study()
        run = Launch(config, "-q", ranks=2)
        seen = []
        wait_until(lambda: seen.extend(n for n in os.listdir("/dev/shm") if "test.h5" in n)
                   or not run.running(), WAIT, 0.001)
        self.assertEqual(run.wait(WAIT), 0, run.err)
        self.assertEqual(seen, [])
        self.assertTrue(os.path.exists(MDSWEEP))
        with h5py.File(self.path("test.h5"), "r") as file:
            self.assertEqual(len(column(file, "key")), CASES)


if __name__ == "__main__":
    main()
