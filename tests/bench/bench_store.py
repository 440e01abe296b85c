#!/usr/bin/env python3
"""What the sweep costs around its cases: planning, creating the store, and keeping ranks busy.

    tests/bench/bench_store.py [--build build] [--rounds 5]

  plan   100,000 cases: `mdsweep plan` from start to exit, its table written to /dev/null
  store  creating the file of 5,000 cases: from its first byte under a temporary name to its own name
  busy   configs/scaling.cfg on 2 ranks: busy time over ranks x makespan
Medians of `rounds` calls.
"""
import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))


def environment():
    env = dict(os.environ, OMPI_MCA_rmaps_base_oversubscribe="1")
    if os.getuid() == 0:
        env.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return env


def seconds(command):
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          env=environment())
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.monotonic() - start


def config(folder, name, sizes, repeats, steps=1000):
    path = f"{folder}/{name}.cfg"
    with open(path, "w") as file:
        file.write(f"""sweep: {{ name = "{name}"; systems = ["silicon", "copper", "aluminum", "iron", "water"];
sizes = [{", ".join(map(str, sizes))}]; protocols = ["nve", "nvt", "npt", "replay"];
models = ["reference", "null"]; repeats = {repeats}; }};
run: {{ steps = {steps}; }};
output: {{ file = "{folder}/{name}.h5"; }};
""")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    program = os.path.abspath(os.path.join(args.build, "mdsweep"))

    with tempfile.TemporaryDirectory() as folder:
        # 5 systems x 25 sizes x 4 protocols x 2 models x 100 repeats
        plan = config(folder, "plan", range(32, 832, 32), 100)
        print(f"plan   100,000 cases: "
              f"{statistics.median(seconds([program, 'plan', plan]) for _ in range(args.rounds)):.2f} s")

        many = config(folder, "many", range(32, 832, 32), 5)
        sizes = []
        for _ in range(args.rounds):
            process = subprocess.Popen(["mpirun", "-np", "1", program, many, "--force", "--quiet"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       env=environment())
            path, temporary = f"{folder}/many.h5", f"{folder}/many.h5.tmp"
            if os.path.exists(path):
                os.unlink(path)
            while not os.path.exists(temporary) and not os.path.exists(path):
                time.sleep(0.0002)
            begin = time.monotonic()
            while not os.path.exists(path):
                time.sleep(0.0002)
            sizes.append(time.monotonic() - begin)
            process.kill()
            process.wait()
        print(f"store  5,000 cases, from the first byte to the final name: "
              f"{1e3 * statistics.median(sizes):.0f} ms ({os.path.getsize(path) / 2**20:.0f} MiB)")

        busy = []
        for _ in range(args.rounds):
            file = f"{folder}/busy.h5"
            seconds(["mpirun", "-np", "2", program, f"{SOURCE}/configs/scaling.cfg", "-o", file,
                     "--force", "--quiet"])
            report = json.loads(subprocess.run([program, "report", file, "--format", "json"],
                                               capture_output=True, text=True).stdout)
            busy.append((report["busy_fraction"], report["seconds"]))
        print(f"busy   scaling.cfg on 2 ranks: {100 * statistics.median(b for b, _ in busy):.1f} % "
              f"of {statistics.median(s for _, s in busy):.1f} s")


if __name__ == "__main__":
    main()
