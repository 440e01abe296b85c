#!/usr/bin/env python3
"""Steps of constant-energy dynamics: this program's engines against LAMMPS, paired in one run.

    tests/bench/compare_lammps.py [--build build] [--rounds 5] [--only sw,eam,spcfw] [--quick]

Both start from the same positions and velocities (an equilibrated 300 K state), with the same time step,
skin, potential and number of steps, on the same core, in turn: L M L M ... LAMMPS is timed by its own
"Loop time" of the second of two runs, ours by the mean step of bench_models, which includes list builds.
Each ratio is that of one pair, against LAMMPS's fastest variant of that pair; the median pair is printed.
Needs lmp (Debian: lammps lammps-data) and NumPy.
"""
import argparse
import os
import platform
import re
import shutil
import statistics
import subprocess
import tempfile

import numpy as np

POTENTIALS = "/usr/share/lammps/potentials"
MASS = {"Si": 28.0855, "Cu": 63.546, "Al": 26.9815, "Fe": 55.845, "O": 15.9994, "H": 1.008}
ASE_VELOCITY_TO_A_PS = 98.22694788  # sqrt(eV/u) in Å/ps

# name, bench model and options, system, sizes, LAMMPS pair lines, variants
CASES = {
    "sw": ("sw", [], "silicon", (64, 216, 512, 1000),
           "pair_style sw{v}\npair_coeff * * {pot}/Si.sw Si", ("",)),
    "eam-mishin": ("eam", [f"file={POTENTIALS}/Cu_mishin1.eam.alloy"], "copper",
                   (108, 256, 500, 1372),
                   "pair_style eam/alloy{v}\npair_coeff * * {pot}/Cu_mishin1.eam.alloy Cu",
                   ("", "/opt")),
    "eam-sutton-chen": ("eam", [], "copper", (32, 108, 256, 500, 1372),
                        "pair_style eam/alloy{v}\npair_coeff * * {folder}/sc_cu.eam.alloy Cu",
                        ("", "/opt")),
    "eam-finnis-sinclair": ("eam", [], "iron", (54, 250, 1024),
                            "pair_style eam/alloy{v}\npair_coeff * * {folder}/fs_fe.eam.alloy Fe",
                            ("", "/opt")),
    "spcfw": ("spcfw", [], "water", (96, 384, 768),
              "pair_style lj/cut/coul/dsf 0.2 9.0 9.0\npair_modify shift yes\n"
              "pair_coeff * * 0.0 1.0\npair_coeff 1 1 0.0067398789 3.165492\n"
              "special_bonds lj/coul 0.0 0.0 0.0\nbond_style harmonic\n"
              "bond_coeff 1 22.96480569 1.012\nangle_style harmonic\n"
              "angle_coeff 1 1.645667755 113.24", ("",)),
}


def write_setfl(path, symbol, z, mass, rc, points, embed, density, pair):
    """A table of `points` knots from formulas: LAMMPS has no analytic form of these two."""
    r = np.arange(points) * rc / (points - 1)
    safe = np.maximum(r, 0.8)
    top = 2000.0
    rho = np.arange(points) * top / (points - 1)
    with open(path, "w") as file:
        file.write(f"table\nfrom\nformulas\n1 {symbol}\n{points} {top / (points - 1):.17g} {points} "
                   f"{rc / (points - 1):.17g} {rc:.17g}\n{z} {mass} 1.0 fcc\n")
        for values in (embed(rho), density(safe), r * pair(safe)):
            file.write("\n".join(f"{v:.17g}" for v in values) + "\n")


def write_tables(folder):
    def switch(r):
        x = np.clip((r - 6.0) / 1.5, 0.0, 1.0)
        return 1 - 10 * x**3 + 15 * x**4 - 6 * x**5

    eps, a, c = 1.2382e-2, 3.61, 39.432
    write_setfl(f"{folder}/sc_cu.eam.alloy", "Cu", 29, 63.546, 7.5, 40001,
                lambda rho: -eps * c * np.sqrt(rho), lambda r: (a / r)**6 * switch(r),
                lambda r: eps * (a / r)**9 * switch(r))
    d, A, beta, rc, c0, c1, c2 = 3.569745, 1.828905, 1.8, 3.40, 1.2371147, -0.3592185, -0.0385607
    write_setfl(f"{folder}/fs_fe.eam.alloy", "Fe", 26, 55.845, d, 40001,
                lambda rho: -A * np.sqrt(rho),
                lambda r: np.where(r < d, (r - d)**2 + beta * (r - d)**3 / d, 0.0),
                lambda r: np.where(r < rc, (r - rc)**2 * (c0 + c1 * r + c2 * r * r), 0.0))


def read_xyz(path):
    lines = open(path).read().splitlines()
    cell = [float(x) for x in re.search('Lattice="([^"]*)"', lines[1]).group(1).split()]
    rows = [line.split() for line in lines[2:2 + int(lines[0])]]
    symbols = [row[0] for row in rows]
    numbers = np.array([[float(x) for x in row[1:7]] for row in rows])
    mass = np.array([MASS[s] for s in symbols])
    return cell, symbols, numbers[:, :3], numbers[:, 3:] / mass[:, None] * ASE_VELOCITY_TO_A_PS


def write_data(path, cell, symbols, x, v, water):
    kinds = sorted(set(symbols), key=symbols.index)
    n = len(symbols)
    with open(path, "w") as file:
        file.write(f"start\n\n{n} atoms\n{len(kinds)} atom types\n")
        if water:
            file.write(f"{2 * n // 3} bonds\n1 bond types\n{n // 3} angles\n1 angle types\n")
        file.write(f"0 {cell[0]:.17g} xlo xhi\n0 {cell[4]:.17g} ylo yhi\n0 {cell[8]:.17g} zlo zhi\n")
        file.write("\nMasses\n\n" + "".join(f"{i + 1} {MASS[k]}\n" for i, k in enumerate(kinds)))
        file.write("\nAtoms\n\n")
        for i, (s, r) in enumerate(zip(symbols, x)):
            kind = kinds.index(s) + 1
            extra = f" {i // 3 + 1}" if water else ""
            charge = f" {-0.82 if s == 'O' else 0.41}" if water else ""
            file.write(f"{i + 1}{extra} {kind}{charge} " + " ".join(f"{c:.17g}" for c in r) + "\n")
        file.write("\nVelocities\n\n")
        for i, u in enumerate(v):
            file.write(f"{i + 1} " + " ".join(f"{c:.17g}" for c in u) + "\n")
        if water:
            file.write("\nBonds\n\n" + "".join(
                f"{2 * m + 1} 1 {3 * m + 1} {3 * m + 2}\n{2 * m + 2} 1 {3 * m + 1} {3 * m + 3}\n"
                for m in range(n // 3)))
            file.write("\nAngles\n\n" + "".join(
                f"{m + 1} 1 {3 * m + 2} {3 * m + 1} {3 * m + 3}\n" for m in range(n // 3)))


def pinned(command):
    """One core; ahead of other processes where the system lets us."""
    prefix = ["taskset", "-c", str(max(os.sched_getaffinity(0)))] if shutil.which("taskset") else []
    if shutil.which("chrt") and subprocess.run(["chrt", "-f", "10", "true"],
                                               capture_output=True).returncode == 0:
        prefix = ["chrt", "-f", "10", *prefix]
    return subprocess.run(prefix + command, capture_output=True, text=True,
                          env={**os.environ, "OMP_NUM_THREADS": "1"})


def lammps_ms(folder, pair, steps, dt_fs, water):
    script = f"""units metal
atom_style {"full" if water else "atomic"}
read_data {folder}/start.data
{pair}
neighbor 1.0 bin
neigh_modify delay 0 every 1 check yes
timestep {dt_fs / 1000}
fix 1 all nve
thermo 100
run 200
run {steps}
"""
    with open(f"{folder}/in.lmp", "w") as file:
        file.write(script)
    if water:  # bond and angle styles must be known when the data are read
        head, tail = script.split("read_data", 1)
        lines = tail.split("\n")
        styles = [line for line in lines if line.startswith(("bond_style", "angle_style"))]
        rest = [line for line in lines if line not in styles]
        with open(f"{folder}/in.lmp", "w") as file:
            file.write(head + "\n".join(styles) + "\nread_data" + "\n".join(rest))
    out = pinned(["lmp", "-in", f"{folder}/in.lmp", "-log", "none"]).stdout
    times = re.findall(r"Loop time of (\S+)", out)
    if len(times) < 2:
        raise SystemExit(out[-1500:])
    return 1e3 * float(times[1]) / steps


def ours_ms(bench, model, options, xyz, steps):
    done = pinned([bench, model, "0", str(steps), xyz, *options, "skin_A=1.0"])
    found = re.search(r"mean\s+(\S+) ms", done.stdout)
    if not found:
        raise SystemExit(done.stdout + done.stderr)
    return float(found.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true", help="a fifth of the steps")
    args = parser.parse_args()
    bench = os.path.join(args.build, "tests", "bench_models")
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                if line.startswith("model name")), platform.processor())
    print(f"{cpu}, {os.cpu_count()} cores, one used; {args.rounds} pairs a row; skin 1 A\n")
    print("| engine | atoms | LAMMPS ms/step | ours ms/step | us/atom | LAMMPS/ours |")
    print("|:--|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        write_tables(folder)
        for name, (model, options, system, sizes, pair, variants) in CASES.items():
            if args.only and not any(name.startswith(o) for o in args.only.split(",")):
                continue
            for size in sizes:
                water = system == "water"
                xyz = f"{folder}/start.xyz"
                start = subprocess.run([bench, model, str(size), "0", system], capture_output=True,
                                       text=True)
                with open(xyz, "w") as file:
                    file.write(start.stdout)
                cell, symbols, x, v = read_xyz(xyz)
                write_data(f"{folder}/start.data", cell, symbols, x, v, water)
                steps = int((60000 if water else 300000) / len(symbols) / (5 if args.quick else 1))
                theirs, mine, ratios = [], [], []
                for _ in range(args.rounds):
                    best = min(lammps_ms(folder, pair.format(v=v_, pot=POTENTIALS, folder=folder),
                                         steps, 0.5 if water else 1.0, water) for v_ in variants)
                    own = ours_ms(bench, model, options, xyz, steps)
                    theirs.append(best)
                    mine.append(own)
                    ratios.append(best / own)
                mid = statistics.median(mine)
                print(f"| {name} | {len(symbols)} | {statistics.median(theirs):.4f} | {mid:.4f} | "
                      f"{1e3 * mid / len(symbols):.3f} | {statistics.median(ratios):.1f} "
                      f"({min(ratios):.1f}-{max(ratios):.1f}) |", flush=True)


if __name__ == "__main__":
    main()
