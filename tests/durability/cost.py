#!/usr/bin/env python3
"""What durability costs: a sweep in pairs, with its file on a disk and synced, and without.

Blocks of runs, each in one order and then backwards, so that a drift of the machine meets all kinds alike;
per block the ratio of the kind "disk" to each; then medians with 90 % intervals (bootstrap). The kind "again"
is the same as "disk": its ratio is the noise. On a machine with other users a block is begun only when they take
less than --others of its processors, and is dropped when they took more meanwhile. A library in front of fsync() and fdatasync() counts and times
them, or leaves them out. Prints a Markdown table after every block; the last one counts."""
import argparse
import os
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARY = r"""
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static long calls, wall_ns, cpu_ns;
static long now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}
static int timed(long number, int fd)
{
    const long wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_THREAD_CPUTIME_ID);
    const int result = getenv("COST_NO_SYNC") ? 0 : (int)syscall(number, fd);
    __atomic_add_fetch(&wall_ns, now(CLOCK_MONOTONIC) - wall, __ATOMIC_RELAXED);
    __atomic_add_fetch(&cpu_ns, now(CLOCK_THREAD_CPUTIME_ID) - cpu, __ATOMIC_RELAXED);
    __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    return result;
}
int fsync(int fd) { return timed(SYS_fsync, fd); }
int fdatasync(int fd) { return timed(SYS_fdatasync, fd); }
__attribute__((destructor)) static void tell(void)
{
    if (calls)
        fprintf(stderr, "SYNCS %ld %ld %ld\n", calls, wall_ns, cpu_ns);
}
"""
# kind: (folder, whether it syncs)
KINDS = {"disk": ("disk", True), "again": ("disk", True), "no sync": ("disk", False),
         "tmpfs": ("tmpfs", True)}
MEASURES = ("run, s", "sweep, s", "CPU, s", "median step")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", default=os.path.join(ROOT, "configs/quick.cfg"))
    parser.add_argument("--mdsweep", default=os.environ.get("MDSWEEP", "build/mdsweep"))
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=1, help="of every case: longer sweeps")
    parser.add_argument("--disk", default=".", help="a folder on the disk that is meant")
    parser.add_argument("--tmpfs", default="/dev/shm")
    parser.add_argument("--others", type=float, default=2.0, help="as a fraction; 2: take any block")
    return parser.parse_args()


def build_library(folder):
    path = os.path.join(folder, "syncs.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-x", "c", "-", "-o", path], input=LIBRARY,
                   text=True, check=True)
    return path


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def machine():
    """(s that all processors together were busy, s that passed for all of them)"""
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    tick = os.sysconf("SC_CLK_TCK")
    return (sum(ticks) - ticks[3] - ticks[4]) / tick, sum(ticks) / tick


def taken_by_others(before, own):
    busy, all_time = (now - then for now, then in zip(machine(), before))
    return (busy - own) / all_time


def wait_for_quiet(limit):
    while True:
        before = machine()
        time.sleep(1.0)
        if taken_by_others(before, 0.0) < limit:
            return


def run_once(args, path, library, sync):
    """The measures of one run, the median step of every case, and (calls, wall s, CPU s) of its syncs."""
    env = dict(os.environ, LD_PRELOAD=library, OMPI_ALLOW_RUN_AS_ROOT="1",
               OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1")
    if not sync:
        env["COST_NO_SYNC"] = "1"
    command = ["mpirun", "--bind-to", "none", "-np", str(args.ranks), args.mdsweep, args.config,
               "-q", "--force", "--repeats", str(args.repeats), "-o", path]
    cpu, start = cpu_seconds(), time.monotonic()
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    wall = time.monotonic() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    syncs = np.sum([[float(word) for word in found] for found in
                    re.findall(r"SYNCS (\d+) (\d+) (\d+)", done.stderr)], axis=0) * [1, 1e-9, 1e-9]
    with h5py.File(path) as file:
        sweep = float(file["summary/t_end"][()] - file["summary/t_start"][()])
        steps = file["cases/latency_median_s"][:]
    os.remove(path)
    return (wall, sweep, cpu_seconds() - cpu), steps, syncs


def median_interval(values, rng):
    draws = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(2000))
    return statistics.median(values), draws[100], draws[1900]


def print_table(blocks):
    rng = random.Random(1)

    print("| kind | " + " | ".join(MEASURES) + " |\n|" + "---|" * (len(MEASURES) + 1))
    for kind in KINDS:
        cells = []
        for m in range(3):
            values = [statistics.mean(run[0][m] for run in seen[kind]) for seen in blocks]
            base = [statistics.mean(run[0][m] for run in seen["disk"]) for seen in blocks]
            ratio = median_interval([b / v for v, b in zip(values, base)], rng)
            cells.append(f"{statistics.median(values):.3f}" if kind == "disk" else
                         "disk / it %.4f (%.4f to %.4f)" % ratio)
        steps = [float(np.median(np.mean([run[1] for run in seen["disk"]], axis=0) /
                                 np.mean([run[1] for run in seen[kind]], axis=0)))
                 for seen in blocks]
        cells.append("" if kind == "disk" else
                     "disk / it %.4f (%.4f to %.4f)" % median_interval(steps, rng))
        print(f"| {kind} | " + " | ".join(cells) + " |")
    calls, wall, cpu = np.median([run[2] for seen in blocks for run in seen["disk"]], axis=0)
    print(f"\n{len(blocks)} blocks; disk: {calls:.0f} syncs in a run, {1e3 * wall:.1f} ms of waiting "
          f"and {1e3 * cpu:.1f} ms of CPU in them\n", flush=True)


def main():
    args = arguments()
    rng = random.Random(1)
    folders = {"disk": tempfile.mkdtemp(dir=args.disk), "tmpfs": tempfile.mkdtemp(dir=args.tmpfs)}
    blocks = []
    try:
        library = build_library(folders["tmpfs"])
        while len(blocks) < args.blocks:
            wait_for_quiet(args.others)
            before, own = machine(), cpu_seconds()
            order = rng.sample(list(KINDS), len(KINDS))
            seen = {kind: [] for kind in KINDS}
            for kind in order + order[::-1]:
                place, sync = KINDS[kind]
                seen[kind].append(run_once(args, os.path.join(folders[place], "q.h5"), library, sync))
            if taken_by_others(before, cpu_seconds() - own) > args.others:
                continue
            blocks.append(seen)
            print_table(blocks)
    finally:
        for folder in folders.values():
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
