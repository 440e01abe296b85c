#!/usr/bin/env python3
"""Step latency against the number of atoms, log-log, one panel per system and protocol: medians, the
band from the median to P95, and the fit t0 + a N^b that `mdsweep report --table fits` prints.

    analysis/figures/fig_scaling.py results/scaling.h5 -o scaling.png --protocol nve --system water
"""
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from load import Results, text


def fits(run):
    """{(system, protocol, model): (t0, a, b)} in seconds, as rank 0 wrote them at the end."""
    table = run.file.get("summary/fits")
    if table is None:
        return {}
    rows = np.flatnonzero(table["valid"][:])
    name = {c: [text(v) for v in table[c][:]] for c in ("system", "protocol", "model")}
    return {(name["system"][r], name["protocol"][r], name["model"][r]):
            (1e-6 * table["t0_us"][r], 1e-6 * table["a_us"][r], table["b"][r]) for r in rows}


def unique(values):
    return list(dict.fromkeys(values))


def points(run, cases):
    """Sizes, and over the repeats of each the medians of latency_median_s and latency_p95_s."""
    size = run.cases["n_atoms"][cases]
    sizes = np.unique(size)
    over = [[np.median(run.cases[c][cases[size == n]]) for n in sizes]
            for c in ("latency_median_s", "latency_p95_s")]
    return sizes, *map(np.asarray, over)


def draw(axes, run, system, protocol, fitted):
    for k, model in enumerate(unique(run.cases["model"])):
        cases = run.find(system=system, protocol=protocol, model=model)
        if len(cases) == 0:
            continue
        color = f"C{k}"
        sizes, median, p95 = points(run, cases)
        synthetic = " (SYNTHETIC)" if (run.cases["synthetic"][cases] == 1).any() else ""
        fit = fitted.get((system, protocol, model + synthetic))
        label = model + synthetic
        axes.fill_between(sizes, 1e6 * median, 1e6 * p95, color=color, alpha=0.15, linewidth=0)
        if fit is not None:
            n = np.geomspace(sizes[0], sizes[-1], 60)
            axes.plot(n, 1e6 * (fit[0] + fit[1] * n ** fit[2]), color=color, linewidth=1)
            label += f"  b = {fit[2]:.2f}"
        axes.plot(sizes, 1e6 * median, "o", color=color, markersize=4, label=label)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    ticks = np.unique(run.cases["n_atoms"][run.find(system=system, protocol=protocol)])
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.minorticks_off()
    axes.set_title(f"{system}, {protocol}", fontsize=10)
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(fontsize=8, frameon=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("-o", "--output", default="scaling.png")
    parser.add_argument("--system", nargs="*")
    parser.add_argument("--protocol", nargs="*")
    args = parser.parse_args()
    with Results(args.file) as run:
        done = run.find()
        if len(done) == 0:
            sys.exit(f"{args.file}: no case is done")
        systems = args.system or unique(run.cases["system"][done])
        protocols = args.protocol or unique(run.cases["protocol"][done])
        figure, panels = plt.subplots(len(protocols), len(systems), squeeze=False, sharey=True,
                                      figsize=(3.2 * len(systems), 2.8 * len(protocols)),
                                      layout="constrained")
        fitted = fits(run)
        for row, protocol in enumerate(protocols):
            for col, system in enumerate(systems):
                draw(panels[row][col], run, system, protocol, fitted)
            panels[row][0].set_ylabel("step latency (µs)")
        for axes in panels[-1]:
            axes.set_xlabel("atoms")
        figure.suptitle(f"{text(run.file['config/name'][()])}: median step latency, band to P95",
                        fontsize=11)
        figure.savefig(args.output, dpi=150)
    print(args.output)


if __name__ == "__main__":
    main()
