"""Bad input: one line that names file, line and what would be right; the right exit code on every rank;
no hang; nothing on disk lost."""
import os
import shutil
import subprocess

from harness import Case, DONE, column, h5py, main, mdsweep

SMALL = ('systems = ["silicon"]; sizes = [32]; protocols = ["nve"]; models = ["null"];')


class BadInput(Case):
    def refuse(self, *args, code, says, np=None, lines=1, **kwargs):
        """The call fails with `code` and `lines` error lines, the first with every text of `says`."""
        run = mdsweep(*args, np=np, timeout=60, **kwargs)
        self.assertEqual(run.code, code, (args, run.out, run.err))
        errors = run.errors()
        self.assertEqual(len(errors), lines, (args, run.err))
        for text in says:
            self.assertIn(text, errors[0])
        for noise in ("HDF5-DIAG", "MPI_ABORT", "Traceback", "MPI_ERR", "#000"):
            self.assertNotIn(noise, run.err)
        return run

    def test_configuration(self):
        cases = [
            ("sistems = [\"silicon\"];" + SMALL[SMALL.index("sizes"):], ["sistems", "systems"], 2),
            (SMALL.replace('["silicon"]', '["silikon"]'), ["silikon", "silicon"], 1),
            (SMALL.replace("[32]", "[]"), ["sizes"], 1),
            (SMALL.replace("[32]", "[-5]"), ["-5"], 1),
            (SMALL.replace("[32]", '["a"]'), ["size", "whole number"], 1),
            (SMALL.replace('["nve"]', '["nve", "nve"]'), ["nve"], 1),
            (SMALL.replace('["null"]', '["nul"]'), ["nul", "null"], 1),
        ]
        for sweep, says, lines in cases:
            with self.subTest(sweep=sweep):
                path = self.config(sweep)
                self.refuse("check", path, code=78, says=[path + ":", *says], lines=lines)
                self.refuse(path, np=2, code=78, says=[path + ":", *says], lines=lines)
                self.assertFalse(os.path.exists(self.path("test.h5")))

    def test_every_problem_in_one_pass(self):
        path = self.config(SMALL.replace("[32]", "[0]"), run="stepz = 5; warmup = -1;")
        run = mdsweep("check", path)
        self.assertEqual(run.code, 78)
        self.assertEqual(len(run.errors()), 3, run.err)

    def test_files_that_are_not_there(self):
        self.refuse("check", self.path("absent.cfg"), code=74, says=["absent.cfg", "No such file"])
        self.refuse("report", self.path("absent.h5"), code=74, says=["absent.h5", "No such file"])
        self.refuse("report", self.folder, code=74, says=["is a folder"])
        text = self.write("text.h5", "not HDF5 at all\n")
        self.refuse("report", text, code=74, says=[text, "not an HDF5 file"])
        self.refuse("status", text, code=74, says=[text, "not an HDF5 file"])
        empty = self.write("empty.h5", "")
        self.refuse("report", empty, code=74, says=[empty])
        other = self.path("other.h5")
        with h5py.File(other, "w") as file:
            file["x"] = [1]
        self.refuse("report", other, code=74, says=["not a results file of mdsweep"])

    def test_truncated_results(self):
        self.run_ok(self.config(SMALL))
        path = self.path("test.h5")
        os.truncate(path, os.path.getsize(path) // 2)
        self.refuse("report", path, code=74, says=[path, "truncated"])

    def test_command_line(self):
        path = self.config(SMALL)
        self.refuse("rapport", code=2, says=["report"])
        self.refuse("run", path, "--fliter", "x", code=2, says=["--fliter", "--filter"])
        self.refuse("run", path, "--filter", "size >", code=2, says=["column"])
        self.refuse("report", code=2, says=["usage"])
        self.refuse("report", path, "--table", "scalling", code=2, says=["scaling"])
        self.refuse("report", path, "--format", "xml", code=2, says=["json"])
        self.refuse("list", "model", code=2, says=["models"])
        self.refuse("run", path, "--set", "run.stepz=3", code=78, says=["stepz", "steps"])
        self.refuse("run", path, "--isolation", "maybe", code=2, says=["process"])
        if "CUDA:     none" in mdsweep("--version").out:
            self.refuse("run", path, "--nvtx", code=2, says=["NVTX", "-DMDSWEEP_CUDA=ON"])

    def test_an_existing_file_is_kept(self):
        path = self.config(SMALL)
        self.run_ok(path)
        with open(self.path("test.h5"), "rb") as file:
            before = file.read()
        self.refuse(path, np=2, code=74, says=["test.h5", "--force"])
        with open(self.path("test.h5"), "rb") as file:
            self.assertEqual(file.read(), before)
        self.run_ok(path, "--force", np=2)

    def test_output_that_cannot_be_written(self):
        path = self.config(SMALL)
        blocker = self.write("blocker", "a file, not a folder")
        self.refuse(path, "-o", blocker + "/x.h5", np=2, code=74, says=["blocker"])
        self.refuse(path, "-o", self.folder, np=2, code=74, says=["is a folder"])
        self.refuse(path, "-o", "/proc/nowhere/x.h5", np=2, code=74, says=["/proc/nowhere"])

    def test_a_full_disk(self):
        """On a file system of 1 MiB: refused with the numbers before the first case."""
        mount = self.path("small")
        os.mkdir(mount)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mount],
                              capture_output=True)
        if done.returncode != 0:
            self.skipTest("no right to mount a tmpfs")
        try:
            path = self.config(SMALL, run="steps = 20000; warmup = 5;")
            self.refuse(path, "-o", mount + "/x.h5", np=2, code=74,
                        says=["disk full", "needs", "free"])
            self.assertEqual([f for f in os.listdir(mount) if not f.endswith(".lock")], [])
        finally:
            subprocess.run(["umount", mount], check=True)

    def test_a_file_that_another_run_writes(self):
        path = self.config(SMALL)
        self.run_ok(path)
        import fcntl
        with open(self.path("test.h5.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refuse(path, "--force", np=2, code=74, says=["another run"])

    def test_structures(self):
        lattice = 'Lattice="5 0 0 0 5 0 0 0 5" Properties=species:S:1:pos:R:3 pbc="T T T"'
        good = f"2\n{lattice}\nAr 0 0 0\nAr 2.5 2.5 2.5\n"
        cases = {
            "count": (good.replace("2\n", "x\n", 1), ["1:"]),
            "short": (good.rsplit("Ar", 1)[0], ["2"]),
            "number": (good.replace("2.5 2.5 2.5", "2.5 q 2.5"), [":4:", "q"]),
            "element": (good.replace("Ar 0", "Xx 0"), [":3:", "Xx"]),
            "lattice": (good.replace("5 0 0 0 5", "5 0 0 0 a"), [":2:", "Lattice"]),
            "nan": (good.replace("Ar 0 0 0", "Ar 0 nan 0"), [":3:"]),
        }
        path = self.write("good.xyz", good)
        self.run_ok("eval", path, "--model", "lj")
        for name, (text, says) in cases.items():
            with self.subTest(name=name):
                bad = self.write(name + ".xyz", text)
                self.refuse("eval", bad, "--model", "lj", code=78, says=[bad, *says])
        self.refuse("eval", self.path("absent.xyz"), code=74, says=["absent.xyz"])
        self.refuse("eval", path, "--model", "lk", code=78, says=["lk", "lj"])
        self.refuse("eval", path, "--model", "lj", "--frame", "7", code=78, says=["frame"])

    def test_setfl(self):
        xyz = self.write("cu.xyz", '1\nLattice="2.5 0 0 0 2.5 0 0 0 2.5" '
                                   'Properties=species:S:1:pos:R:3 pbc="T T T"\nCu 0 0 0\n')
        self.refuse("eval", xyz, "--model", "eam", "--option", "file=" + self.path("absent.alloy"),
                    code=74, says=["absent.alloy"])
        bad = self.write("bad.alloy", "a\nb\nc\n1 Cu\n10 0.1 ten 0.1 3.0\n")
        run = mdsweep("eval", xyz, "--model", "eam", "--option", "file=" + bad)
        self.assertIn(run.code, (78, 1))
        self.assertEqual(len(run.errors()), 1, run.err)
        self.assertIn(bad + ":5", run.errors()[0])

    def test_a_reader_that_goes_away(self):
        self.run_ok(self.config(SMALL))
        done = subprocess.run(
            f"{os.environ.get('MDSWEEP', 'build/mdsweep')} report {self.path('test.h5')} | true",
            shell=True, capture_output=True, text=True)
        self.assertNotIn("Traceback", done.stderr)

    def test_a_size_no_lattice_can_give(self):
        xyz = self.write("big.xyz", "300\nLattice=\"60 0 0 0 60 0 0 0 60\" "
                                    "Properties=species:S:1:pos:R:3 pbc=\"T T T\"\n" +
                         "".join(f"Ar {3.7 * (i % 16)} {3.7 * (i // 16 % 16)} {3.7 * (i // 256)}\n"
                                 for i in range(300)))
        path = self.config(f'systems = ["{xyz}"]; sizes = [8, 300]; protocols = ["nve"]; '
                           'models = ["lj"];')
        run = self.run_ok(path)
        self.assertIn("SKIPPED", run.out)
        self.assertIn("300", run.out)


if __name__ == "__main__":
    main()
