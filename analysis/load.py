"""Reads an mdsweep results file with h5py and numpy; pandas is used only by table().

    from load import Results
    with Results("results/quick.h5") as run:
        run.cases["latency_median_s"]            # a column of /cases, one value per case
        run.table()                              # the same as a pandas DataFrame
        i = run.find(system="silicon", model="reference")[0]
        run.series(i, "wall_s")                  # the steady steps of case i
        run.trajectory(i)["positions"]           # frames of case i, when it stored any
        run.tidy("wall_s", "temperature_K")      # long form: one row per step of every case
"""
import h5py
import numpy as np

SCHEMA = "mdsweep-results"
MAJOR = 1  # a file of a higher major version means something else by the same names

STATUS = ("PENDING", "RUNNING", "DONE", "FAILED", "SKIPPED")
PENDING, RUNNING, DONE, FAILED, SKIPPED = range(len(STATUS))
FIRST, WARMUP, REBUILT, THROTTLED, PREEMPTED = 1, 2, 4, 8, 16  # of /steps/flags

# Pools are ragged: case i owns rows <start>[i] ... + <done>[i]. Columns of /cases say where.
POOLS = {
    "steps": ("step_start", "steps_done"),
    "components": ("component_start", "components_done"),
    "memory": ("memory_start", "memory_done"),
    "telemetry": ("telemetry_start", "telemetry_done"),
}


class SchemaError(ValueError):
    pass


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def _plain(values):
    """Fixed-length bytes become str; numbers stay as they are."""
    return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values


class Results:
    """An open results file, finished or still growing."""

    def __init__(self, path):
        self.path = str(path)
        self.file = h5py.File(self.path, "r")
        try:
            self._check()
        except Exception:
            self.file.close()
            raise
        cases = self.file["cases"]
        rows = len(cases["status"])
        self.cases = {name: _plain(item[:]) for name, item in cases.items()
                      if item.shape == (rows,) and name != "case"}

    def _check(self):
        name = text(self.file.attrs.get("schema_name", b""))
        if name != SCHEMA:
            raise SchemaError(f"{self.path}: schema_name is '{name}', not '{SCHEMA}'")
        self.version = text(self.file.attrs.get("schema_version", b"?"))
        major = self.version.split(".")[0]
        if not major.isdigit() or int(major) != MAJOR:
            raise SchemaError(f"{self.path}: schema_version {self.version}; this reads {MAJOR}.x")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __len__(self):
        return len(self.cases["status"])

    def close(self):
        self.file.close()

    def units(self, name, pool="cases"):
        return text(self.file[pool][name].attrs["units"])

    def label(self, i):
        c = self.cases
        return f"{c['system'][i]}/{c['n_atoms_asked'][i]}/{c['protocol'][i]}/{c['model'][i]}" \
               f"/r{c['repeat'][i]}"

    def find(self, status=DONE, **where):
        """Indices of the cases whose columns have these values; status=None: in any state."""
        keep = np.ones(len(self), bool)
        if status is not None:
            keep &= self.cases["status"] == status
        for column, value in where.items():
            keep &= np.isin(self.cases[column], value)
        return np.flatnonzero(keep)

    def series(self, i, name, pool="steps", steady=True):
        """Case i's rows of a series, as far as they were written. `steady` leaves out the first step
        and the warm-up (/steps only)."""
        start, done = (self.cases[column][i] for column in POOLS[pool])
        rows = slice(start, start + done)
        values = self.file[pool][name][rows]
        if steady and pool == "steps":
            values = values[(self.file["steps/flags"][rows] & (FIRST | WARMUP)) == 0]
        return values

    def components(self, i):
        """{component: mean seconds per step} of case i, without those its step does not have."""
        means = {}
        for name in self.file["components"]:
            if name.endswith("_s") and name != "step_s":
                values = self.series(i, name, "components")
                if len(values) and np.isfinite(values).any():
                    means[name[:-2]] = np.nansum(values) / len(values)
        return means

    def trajectory(self, i):
        """Case i's frames, as far as they were written: step (its row in the case's /steps), time_fs,
        positions (frames, n, 3) and cells (frames, 3, 3) in angstrom, species (n). None without any."""
        done = self.cases.get("frames_done", np.zeros(len(self), int))[i]
        if done == 0:
            return None
        group = self.file[f"trajectories/{self.cases['key'][i]}/particles/all"]
        frames = {name: group[path][:done] for name, path in (
            ("step", "position/step"), ("time_fs", "position/time"),
            ("positions", "position/value"), ("cells", "box/edges/value"))}
        return {**frames, "species": group["species"][:]}

    def table(self):
        """/cases as a pandas DataFrame; status as its word."""
        import pandas

        frame = pandas.DataFrame(self.cases)
        frame["status"] = [STATUS[s] for s in frame["status"]]
        return frame

    def tidy(self, *names, cases=None):
        """Long form as a dict of columns: one row per steady step of the given cases (default: all that
        are done), with the case's index, names and size beside the series. pandas.DataFrame(it)
        works."""
        cases = self.find() if cases is None else cases
        keys = ("system", "protocol", "model", "n_atoms", "repeat")
        parts = {name: [] for name in ("case", *keys, "step", *names)}
        for i in cases:
            values = [self.series(i, name) for name in names]
            count = len(values[0])
            parts["case"].append(np.full(count, i))
            for key in keys:
                parts[key].append(np.full(count, self.cases[key][i]))
            parts["step"].append(np.arange(count))
            for name, value in zip(names, values):
                parts[name].append(value)
        return {name: np.concatenate(part) if part else np.array([])
                for name, part in parts.items()}
