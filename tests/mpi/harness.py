"""What the end-to-end tests share: running the program under mpirun in a folder of its own.

The program under test is $MDSWEEP, Python needs h5py and numpy; without them a test exits 77 (skipped).
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

MDSWEEP = os.environ.get("MDSWEEP", "build/mdsweep")
SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))

PENDING, RUNNING, DONE, FAILED, SKIPPED = range(5)


def environment(**extra):
    env = dict(os.environ)
    if os.getuid() == 0:
        env["OMPI_ALLOW_RUN_AS_ROOT"] = env["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    env["OMPI_MCA_rmaps_base_oversubscribe"] = "1"
    env.update(extra)
    return env


class Run:
    """The result of one call: code, out, err."""

    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def own_lines(self):
        """stderr lines that the program wrote, without the launcher's notices."""
        return [line for line in self.err.splitlines() if line.startswith("mdsweep: ")]

    def errors(self):
        prefix = "mdsweep: error: "
        return [line[len(prefix):] for line in self.own_lines() if line.startswith(prefix)]


def mdsweep(*args, np=None, timeout=120, cwd=None, env=None):
    command = [MDSWEEP, *map(str, args)]
    if np is not None:
        command = ["mpirun", "--bind-to", "none", "-np", str(np), *command]
    return Run(subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=cwd,
                              env=environment(**(env or {}))))


class Case(unittest.TestCase):
    """A test with a folder of its own, removed afterwards."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mdsweep-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        path = self.path(name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def config(self, sweep, run="steps = 40; warmup = 5; component_steps = 5;", more="",
               name="test.cfg", output="test.h5"):
        return self.write(name, f"""
sweep: {{ name = "test"; {sweep} }};
run: {{ {run} }};
output: {{ file = "{self.path(output)}"; }};
{more}
""")

    def run_ok(self, *args, **kwargs):
        result = mdsweep(*args, **kwargs)
        self.assertEqual(result.code, 0, f"{args}: exit {result.code}\n{result.out}\n{result.err}")
        return result


def column(file, name):
    """A column of /cases, texts as str."""
    values = file["cases"][name][:]
    return [v.decode() for v in values] if values.dtype.kind == "S" else values


def series(file, index, name, pool="steps"):
    """One case's rows of a series, as far as they were written."""
    start = {"steps": "step", "components": "component", "memory": "memory"}[pool]
    first = file["cases"][start + "_start"][index]
    done = file["cases"][pool + "_done"][index]
    return file[pool][name][first:first + done]


def steady(file, index, name):
    flags = series(file, index, "flags")
    return series(file, index, name)[(flags & 3) == 0]


def main():
    unittest.main(verbosity=2)
