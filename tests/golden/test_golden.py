"""What the program prints, word for word, against tests/golden/*.txt.

MDSWEEP_GOLDEN_UPDATE=1 writes the files anew; read their difference as a user would.

A page is a list of commands with their exit codes, stdout and stderr. What depends on the machine is
masked: predicted times and bytes as #, the test's folder as TMP. The report is printed from a file whose
measured columns have been replaced by made-up numbers, so that its figures and layout are exact.
"""
import difflib
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "mpi"))

from harness import DONE, FAILED, MDSWEEP, SKIPPED, SOURCE, Case, h5py, main, mdsweep, np

UPDATE = os.environ.get("MDSWEEP_GOLDEN_UPDATE")

SILICON = """8
Lattice="5.43 0 0 0 5.43 0 0 0 5.43" Properties=species:S:1:pos:R:3 pbc="T T T"
Si 0.00 0.00 0.00
Si 0.10 2.715 2.715
Si 2.715 0.00 2.715
Si 2.715 2.715 0.00
Si 1.3575 1.3575 1.3575
Si 1.3575 4.0725 4.0725
Si 4.0725 1.3575 4.0725
Si 4.0725 4.0725 1.3575
"""

BAD = """sweep: {
  systems   = ["silicon", "silicium"];
  sizes     = [32, 64, 64];
  protocols = ["nve", "nvr"];
  models    = ["reference"];
};
run: { stepz = 100; steps = "many"; timestep_fs = -1.0; };
targets: { cv = 0.1; };
"""


def predictions(text):
    """Numbers with a point or a unit of time or size, and what their width does to the layout."""
    text = re.sub(r"\d+\.\d+(e[-+]\d+)?", "#", text)
    text = re.sub(r"(#|\d+)( )(ns|us|ms|s|min|h|d|B|KiB|MiB|GiB|TiB)\b", "#", text)
    return re.sub(r" {2,}", "  ", text)


def six_decimals(text):
    """Physics is the same everywhere but for the last digits, which vector widths decide; times are
    not."""
    text = re.sub(r"[\d.e-]+( ms$)", r"#\1", text, flags=re.MULTILINE)
    text = re.sub(r'("components_ms": {).*(}})', r"\1#\2", text)
    text = re.sub(r"-?\d+\.\d{6,}(e[-+]\d+)?|-?\d+(\.\d+)?e[-+]\d+|(?<=[\[ ])0(?=[,\] \n])",
                  lambda m: f"{float(m.group()):.6f}".replace("-0.000000", "0.000000"), text)
    return re.sub(r" {2,}", "  ", text)


def six_digits(text):
    """Fits end where rounding errors of the mathematics library decide."""
    return re.sub(r"-?\d+\.\d{6,}(e[-+]\d+)?", lambda m: f"{float(m.group()):.6g}", text)


class Golden(Case):
    maxDiff = None

    def setUp(self):
        super().setUp()
        # A developer's settings are not the program's.
        for name in [n for n in os.environ if n.startswith("MDSWEEP_") and n != "MDSWEEP"]:
            value = os.environ.pop(name)
            self.addCleanup(os.environ.__setitem__, name, value)

    def page(self, name, *commands, mask=lambda text: text):
        parts = []
        for command in commands:
            result = mdsweep(*command, cwd=SOURCE)
            shown = " ".join(f"'{word}'" if re.search(r"[ ;()]", word) else word
                             for word in map(str, command))
            text = mask(result.out)
            if text and not text.endswith("\n"):
                text += "(no newline)\n"
            parts.append(f"$ mdsweep {shown}\n{text}")
            # A build with CUDA also says what it made of `auto`.
            err = [line for line in result.err.splitlines()
                   if not line.startswith("mdsweep: device auto: ")]
            if err:
                parts.append("".join(f"stderr: {line}\n" for line in err))
            if result.code:
                parts.append(f"exit code {result.code}\n")
            parts.append("\n")
        self.compare(name, "".join(parts).replace(self.folder, "TMP"))

    def compare(self, name, got):
        path = os.path.join(HERE, name + ".txt")
        if UPDATE:
            with open(path, "w") as file:
                file.write(got)
            return
        with open(path) as file:
            want = file.read()
        if got != want:
            self.fail("\n" + "".join(difflib.unified_diff(
                want.splitlines(True), got.splitlines(True), f"tests/golden/{name}.txt", "now")))

    def test_help(self):
        words = ("run", "plan", "check", "report", "compare", "eval", "status", "list")
        known = [w for w in words if mdsweep(w, "--help").code == 0]
        self.page("help", ["--help"], *([word, "--help"] for word in known))

    def test_lists(self):
        # Devices belong to the machine.
        self.page("list", *(["list", what] for what in ("models", "systems", "protocols", "metrics")))

    def test_shipped_configurations(self):
        names = sorted(n for n in os.listdir(os.path.join(SOURCE, "configs")) if n.endswith(".cfg"))
        self.page("configs", *(["check", f"configs/{name}"] for name in names))

    def test_plan(self):
        self.page("plan", ["plan", "configs/quick.cfg", "-o", self.path("none.h5")],
                  ["plan", "configs/quick.cfg", "--filter", "system == water and size >= 64",
                   "--format", "csv"],
                  ["plan", "configs/quick.cfg", "--set", "sweep.models=sutton-chen,finnis-sinclair",
                   "--filter", "size == 32 and protocol == nve", "--format", "md"], mask=predictions)

    def results(self):
        """A finished file whose measured columns are made up: the same on every machine."""
        config = self.config('systems = ["silicon", "water"]; sizes = [32, 64, 128, 256]; '
                             'protocols = ["nve", "npt"]; models = ["reference", "sw"]; repeats = 2;',
                             run="steps = 6; warmup = 1; component_steps = 2; equilibration = 0;")
        self.run_ok(config, "--quiet")
        path = self.path("test.h5")
        with h5py.File(path, "r+") as file:
            cases = file["cases"]
            rows = len(cases["status"])
            n = cases["n_atoms"][:].astype(float)
            npt = cases["protocol"][:] == b"npt"
            own = cases["model"][:] == b"sw"
            noise = 1 + 0.01 * np.cos(np.arange(rows))  # stands for repeats that differ
            ms = 1e-3 * (0.004 + 0.00031 * n ** 1.05) * noise * np.where(own, 1.5, 1.0)
            made_up = {
                "latency_mean_s": 1.02 * ms, "latency_median_s": ms, "latency_std_s": 0.1 * ms,
                "latency_min_s": 0.9 * ms, "latency_max_s": 9 * ms, "latency_p95_s": 1.3 * ms,
                "latency_p99_s": np.where(npt, 2.5, 1.6) * ms,
                "latency_cv": np.where(own, 0.25, 0.1), "latency_n_eff": 3.0,
                "latency_median_lo_s": 0.99 * ms, "latency_median_hi_s": 1.01 * ms,
                "latency_first_s": 2 * ms, "latency_warmup_mean_s": 1.1 * ms,
                "device_mean_s": ms, "device_median_s": ms,
                "steps_per_s": 1 / ms, "ns_per_day": 0.0864 / ms * cases["dt_fs"][:] * 1e-3,
                "us_per_atom": 1e6 * ms / n, "setup_s": 0.25, "total_s": 6 * ms,
                "neighbor_dangerous": 0.0, "engine_peak_bytes": 4096.0 * n,
                "device_peak_bytes": 4096.0 * n, "device_process_peak_bytes": 5e8, "host_rss_initial_bytes": 8e6,
                "host_rss_final_bytes": np.where(own, 23e6, 8e6),
                "host_rss_peak_bytes": np.where(own, 23e6, 8e6),
                "memory_delta_bytes": np.where(own, 15e6, 0.0),
                "leak_slope_bytes_per_step": np.where(own, 1024.0, 0.0),
                "leak": own.astype(float),
                "energy_initial_eV": -4.25 * n, "energy_final_eV": -4.25 * n + 1e-6 * n * npt,
                "energy_drift_rel": np.where(n > 100, 2e-4, 3e-6),
                "energy_slope_meV_atom_ps": 0.0123, "energy_rms_meV_atom": 0.00456,
                "temperature_mean_K": 301.5, "temperature_std_K": 12.5, "pressure_mean_GPa": 0.123,
                "component_step_s": ms, "component_residual_s": 0.02 * ms,
                "component_neighbor_s": 0.2 * ms, "component_forces_s": 0.65 * ms,
                "component_integrate_s": 0.08 * ms, "component_observe_s": 0.05 * ms,
            }
            done = cases["status"][:] == DONE
            for name in cases:
                if name.startswith("component_") and name.endswith("_s"):
                    made_up.setdefault(name, np.nan)
            for name, value in made_up.items():
                # Rounded, because the last bit of a power depends on the processor.
                value = [float(f"{v:.6g}") for v in np.broadcast_to(value, rows)]
                cases[name][...] = np.where(done, value, np.nan)
            cases["t_start"][...] = np.where(done, 1000.0, np.nan)
            cases["t_end"][...] = np.where(done, 1001.0, np.nan)
            file["summary/t_start"][...] = 1000.0
            file["summary/t_end"][...] = 1000.0 + done.sum() * 1.25
            failed = np.flatnonzero(done)[1]
            cases["status"][failed] = FAILED
            cases["reason"][failed] = b"crashed: SIGSEGV in steady step 5"
            self.assertIn(SKIPPED, cases["status"][:])
        return path

    def test_report(self):
        path = self.results()
        every = [["report", path, "--table", name] for name in
                 ("latency", "memory", "energy", "recommendations")]
        self.page("report-text", ["report", path], ["status", path], ["report", path, "--gate",
                                                                      "--table", "failures"], *every)
        for form in ("csv", "md", "json"):
            self.page(f"report-{form}", ["report", path, "--format", form], mask=six_digits)
        self.page("report-comparison", *(["report", path, "--table", "comparison", "--format", form]
                                         for form in ("text", "md", "csv", "json")), mask=six_digits)

    def test_eval(self):
        path = self.write("si.xyz", SILICON)
        self.page("eval", *(["eval", path, "--model", "reference", "--format", form]
                            for form in ("text", "json", "xyz")), mask=six_decimals)

    def test_mistakes(self):
        bad = self.write("bad.cfg", BAD)
        syntax = self.write("syntax.cfg", "sweep: { systems = [\"silicon\" \n sizes = 3; };\n")
        xyz = self.write("short.xyz", SILICON.rsplit("\n", 3)[0] + "\n")
        text = self.write("text.h5", "not HDF5\n")
        self.page(
            "mistakes", [], ["chekc", "configs/quick.cfg"], ["check", bad], ["check", syntax],
            ["check", self.path("absent.cfg")], ["check"], ["check", "a.cfg", "b.cfg"],
            ["run", "configs/quick.cfg", "--stepz", "5"], ["check", "configs/quick.cfg", "--set"],
            ["check", "configs/quick.cfg", "--set", "run.stepz=5"],
            ["check", "configs/quick.cfg", "--set", "run.steps=many"],
            ["check", "configs/quick.cfg", "--filter", "size > many"],
            ["check", "configs/quick.cfg", "--filter", "colour == red"],
            ["run", "configs/quick.cfg", "-o", text, "--dry-run", "--filter", "size == 1"],
            ["run", "configs/quick.cfg", "-o", text], ["report", text],
            ["report", self.path("absent.h5")], ["status", text], ["list", "modles"],
            ["report", text, "--format", "yaml"],
            ["eval", xyz, "--model", "reference"], ["eval", self.path("absent.xyz")],
            ["eval", self.write("si.xyz", SILICON), "--model", "stillinger"],
            ["eval", self.path("si.xyz"), "--model", "spcfw"],
            ["eval", self.path("si.xyz"), "--model", "sw", "--option", "sigma=2"],
            ["eval", self.path("si.xyz"), "--frame", "3"], mask=predictions)


if __name__ == "__main__":
    main()
