#!/usr/bin/env python3
"""One case's step latency: over the steps, and as a histogram, with mean, median, P95 and P99.

    analysis/figures/fig_latency.py results/quick.h5 silicon/64/nve/reference/r0 -o latency.png
"""
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from load import DONE, FIRST, PREEMPTED, REBUILT, STATUS, WARMUP, Results


def short(value):
    """Three digits without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def find(run, label):
    for i in range(len(run)):
        if run.label(i) == label:
            return i
    near = [run.label(i) for i in range(len(run)) if run.label(i).startswith(label.split("/")[0])]
    sys.exit(f"{run.path}: no case '{label}'" + (f"; e.g. {near[0]}" if near else ""))


def draw_steps(axes, wall_us, flags):
    step = np.arange(len(wall_us))
    early, rebuilt = (flags & (FIRST | WARMUP)) != 0, (flags & REBUILT) != 0
    preempted = (flags & PREEMPTED) != 0
    for keep, color, name in ((early, "0.6", "first step, warm-up"),
                              (~early & ~rebuilt & ~preempted, "C0", "steady"),
                              (~early & rebuilt & ~preempted, "C1", "steady, list rebuilt"),
                              (~early & preempted, "C3", "steady, core taken away")):
        if keep.any():
            axes.plot(step[keep], wall_us[keep], ".", color=color, markersize=3, label=name)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("step")
    axes.set_ylabel("step latency (µs)")
    axes.legend(fontsize=8, frameon=False, markerscale=2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("case")
    parser.add_argument("-o", "--output", default="latency.png")
    args = parser.parse_args()
    with Results(args.file) as run:
        i = find(run, args.case)
        if run.cases["steps_done"][i] == 0:
            sys.exit(f"{args.case}: no steps ({STATUS[run.cases['status'][i]]})")
        wall = 1e6 * run.series(i, "wall_s", steady=False)
        flags = run.series(i, "flags", steady=False)
        steady = wall[(flags & (FIRST | WARMUP)) == 0]
        figure, (left, right) = plt.subplots(1, 2, sharey=True, figsize=(8, 3.2),
                                             layout="constrained",
                                             gridspec_kw={"width_ratios": [2.2, 1]})
        draw_steps(left, wall, flags)
        if len(steady):
            bins = np.geomspace(0.98 * steady.min(), 1.02 * steady.max(), 60)
            right.hist(steady, bins, orientation="horizontal", color="C0", alpha=0.5)
        if run.cases["status"][i] == DONE:
            for k, name in enumerate(("mean", "median", "P95", "P99")):
                value = 1e6 * run.cases[f"latency_{name.lower()}_s"][i]
                right.axhline(value, color="0.2", linewidth=0.9, linestyle=("-", "--", ":", "-.")[k],
                              label=f"{name} {short(value)} µs")
            right.legend(fontsize=8, frameon=False)
        right.set_xscale("symlog", linthresh=1)
        right.xaxis.set_major_formatter("{x:g}")
        right.set_xlabel("steps")
        figure.suptitle(f"{args.case}, {run.cases['n_atoms'][i]} atoms", fontsize=11)
        figure.savefig(args.output, dpi=150)
    print(args.output)


if __name__ == "__main__":
    main()
