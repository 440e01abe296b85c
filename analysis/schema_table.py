#!/usr/bin/env python3
"""Prints every group and dataset of a results file as Markdown tables: docs/file-schema.md is made so.

    analysis/schema_table.py results/quick.h5              print
    analysis/schema_table.py results/quick.h5 --into docs/file-schema.md
                             replace what is between the two marks of that file
"""
import argparse
import sys

import h5py

from load import Results, text

BEGIN, END = "<!-- schema: begin -->", "<!-- schema: end -->"

GROUPS = {
    "/": "attributes of the file",
    "/config": "the configuration and the targets it set",
    "/provenance": "facts about the run, as text",
    "/provenance/ranks": "one row per rank",
    "/provenance/runs": "one row per launch: the first, and every resumption; rows with valid = 1",
    "/cases": "one row per case, in matrix order",
    "/steps": "ragged; the rows of case i begin at step_start[i]",
    "/components": "ragged by component_start; a separate pass with instrumentation on",
    "/memory": "ragged by memory_start; every run.memory_every steps",
    "/telemetry": "ragged by telemetry_start; run.telemetry_hz times a second, fewer in long cases",
    "/summary": "what rank 0 printed at the end, as columns; rows with valid = 1",
}


def kind(dataset):
    if dataset.dtype.kind == "S":
        return "text"
    return {"i": "int", "u": "uint", "f": "float"}[dataset.dtype.kind] + \
        str(8 * dataset.dtype.itemsize)


def is_bare_dimension(dataset):
    """A netCDF dimension without values: there for xarray and ncdump, nothing to read."""
    return text(dataset.attrs.get("NAME", b"")).startswith("This is a netCDF dimension but not")


def tables(file):
    """{group: [(name, type, units, long_name)]} in a fixed order."""
    found = {"/": [(name, "text", "", "") for name in file.attrs if not name.startswith("_")]}

    def visit(name, item):
        if isinstance(item, h5py.Group):
            found.setdefault("/" + name, [])
        elif not is_bare_dimension(item):
            group, _, column = ("/" + name).rpartition("/")
            found.setdefault(group, []).append(
                (column, kind(item), text(item.attrs["units"]), text(item.attrs["long_name"])))

    file.visititems(visit)
    order = list(GROUPS)
    rank = {g: (order.index(g) if g in order else len(order), g) for g in found}
    return {group: found[group] for group in sorted(found, key=rank.get)}


def markdown(file):
    lines = []
    for group, rows in tables(file).items():
        note = GROUPS.get(group)
        if not rows and not note:
            continue
        lines += ["", f"### `{group}`", ""]
        if note:
            lines += [note[0].upper() + note[1:] + ".", ""]
        if group == "/":
            lines += ["| attribute |", "|---|"] + [f"| `{row[0]}` |" for row in rows]
        elif rows:
            lines += ["| dataset | type | unit | meaning |", "|---|---|---|---|"]
            for name, type_, unit, meaning in rows:
                meaning = meaning.replace("|", "\\|")
                lines.append(f"| `{name}` | {type_} | {unit} | {meaning} |")
    return "\n".join(lines[1:]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--into", metavar="MARKDOWN")
    args = parser.parse_args()
    with Results(args.file) as run:
        made = markdown(run.file)
    if not args.into:
        sys.stdout.write(made)
        return
    with open(args.into) as page:
        before, _, rest = page.read().partition(BEGIN)
    after = rest.partition(END)[2]
    with open(args.into, "w") as page:
        page.write(f"{before}{BEGIN}\n\n{made}\n{END}{after}")


if __name__ == "__main__":
    main()
