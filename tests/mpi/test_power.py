"""Telemetry of a CPU from files of the kernel that the test itself writes: its way into /telemetry, into the
columns of the cases and into `report --table power`; throttled steps; what is said where nothing was read."""
import json
import os
import threading

from harness import Case, DONE, column, h5py, main, np

CPUS = 256  # whichever of them the run may use
COUNT = "sys/devices/system/cpu/cpu{}/thermal_throttle/package_throttle_count"
COLUMNS = {"power_W": "power_mean_W", "energy_per_step_J": "energy_per_step_J",
           "ns_per_day_per_W": "ns_per_day_per_W", "clock_min_MHz": "clock_min_MHz",
           "temperature_max_C": "device_temperature_max_C", "flagged": "steps_flagged"}


class Machine(threading.Thread):
    """A processor that uses energy, and throttles once in a while."""

    def __init__(self, root):
        super().__init__()
        self.root, self.over, self.energy_uj = root, threading.Event(), 0
        self.put("sys/class/powercap/intel-rapl:0/max_energy_range_uj", 262143328850)
        self.put("sys/class/hwmon/hwmon0/name", "coretemp")
        self.put("sys/class/hwmon/hwmon0/temp1_input", 55000)
        self.put("proc/loadavg", "0.20 0.18 0.12 5/80 11206")
        for cpu in range(CPUS):
            self.put(COUNT.format(cpu), 0)
            self.put(f"sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq", 2400000)
        self.go_on(0)

    def put(self, name, value):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(f"{value}\n".ljust(24))  # always as long, so that nobody reads it empty

    def go_on(self, tick):
        self.energy_uj += 200000
        path = os.path.join(self.root, "sys/class/powercap/intel-rapl:0/energy_uj")
        with open(path, "r+" if os.path.exists(path) else "w") as file:
            file.write(f"{self.energy_uj}\n".ljust(24))
        if tick % 30 == 29:
            for cpu in range(CPUS):
                with open(os.path.join(self.root, COUNT.format(cpu)), "r+") as file:
                    file.write(f"{tick}\n".ljust(24))

    def run(self):
        tick = 0
        while not self.over.wait(0.01):
            tick += 1
            self.go_on(tick)


class Power(Case):
    def sweep(self, hz):
        config = self.config(
            'systems = ["silicon"]; sizes = [8]; protocols = ["nve"]; models = ["slow", "null"];',
            run=f"steps = 150; warmup = 2; component_steps = 0; telemetry_hz = {hz};",
            more='models: { slow: { engine = "fault"; kind = "sleep"; at_step = 0; sleep_us = 8000; }; };')
        machine = Machine(self.path("root"))
        machine.start()
        try:
            self.run_ok(config, "--force", env={"MDSWEEP_SYSFS": self.path("root")})
        finally:
            machine.over.set()
            machine.join()
        out = self.run_ok("report", self.path("test.h5"), "--table", "power", "--format", "json").out
        data = json.loads(out)
        table = data["tables"][0] if "tables" in data else data
        return {row["case"].split("/")[3]: row for row in table["rows"]}

    def test_readings_reach_the_table(self):
        rows = self.sweep(50)
        self.assertEqual(set(rows), {"slow", "null"})
        slow = rows["slow"]
        self.assertEqual(slow["source"], "linux")
        self.assertEqual(slow["temperature_max_C"], 55)
        self.assertEqual(slow["clock_min_MHz"], 2400)
        for key in ("power_W", "energy_per_step_J", "ns_per_day_per_W"):
            self.assertGreater(slow[key], 0)
        # It took more than a second, and something throttled three times in each.
        self.assertGreater(slow["flagged"], 0)
        self.assertLess(slow["flagged"], 150)
        self.assertGreater(slow["clean_mean_ms"], 8)
        with h5py.File(self.path("test.h5"), "r") as file:
            i = column(file, "model").index("slow")
            self.assertEqual(file["cases/status"][i], DONE)
            for key, name in COLUMNS.items():
                np.testing.assert_allclose(slow[key], file["cases"][name][i], rtol=1e-5)
            self.assertEqual(column(file, "telemetry_source")[i], "linux")
        text = self.run_ok("report", self.path("test.h5"), "--table", "power").out
        self.assertIn("J/step", text)
        self.assertIn("linux", text)

    def test_nothing_was_asked_for(self):
        rows = self.sweep(0)
        for row in rows.values():
            self.assertIn("none", row["source"])
            self.assertIsNone(row["power_W"])
            self.assertIsNone(row["temperature_max_C"])


if __name__ == "__main__":
    main()
