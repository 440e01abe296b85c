#!/usr/bin/env python3
"""Turns a folder of NeuroChem files (ANI-2x, 1x, 1ccx, ...) into one weights file of the engine ani.

    analysis/convert_ani.py weights/ani-2x_8x weights/ani-2x.h5
    mdsweep eval water.xyz --model ani-2x --option weights=weights/ani-2x.h5

Energies and forces are the same to the last bit. docs/weights.md describes the file,
docs/models-ani.md the folder. Needs numpy and h5py.
"""
import argparse
import bz2
import glob
import os
import re
import sys

import numpy as np

import weights_file

FORMAT, VERSION = "mdsweep-ani-weights", "1.0.0"
CELU, LINEAR = 9, 6


class Damaged(Exception):
    pass


def content(path):
    with open(path, "rb") as file:
        return file.read()


def the_only(folder, pattern):
    names = glob.glob(os.path.join(folder, pattern))
    if len(names) != 1:
        raise Damaged(f"{folder}: {len(names)} files {pattern}; one is right")
    return names[0]


def parts_of(folder):
    """Parameters, self energies, members' prefix and number: from *.info, or as they are named."""
    infos = glob.glob(os.path.join(folder, "*.info"))
    if len(infos) == 1:
        rows = [line.split() for line in content(infos[0]).decode().splitlines()]
        lines = [row[0] for row in rows if row]
        if len(lines) < 4 or not lines[3].isdigit() or int(lines[3]) < 1:
            raise Damaged(f"{infos[0]}: four lines are right: parameters, self energies, prefix of "
                          "the members, their number")
        names = [os.path.basename(line) for line in lines[:3]]
        return (os.path.join(folder, names[0]), os.path.join(folder, names[1]), names[2],
                int(lines[3]))
    members = 0
    while os.path.isdir(os.path.join(folder, f"train{members}")):
        members += 1
    if members == 0:
        raise Damaged(f"{folder}: there is no train0")
    return the_only(folder, "*.params"), os.path.join(folder, "sae_linfit.dat"), "train", members


def read_params(path):
    values = dict(re.findall(r"^\s*(\w+)\s*=\s*(.*?)\s*$", content(path).decode(), re.M))

    def numbers(key):
        if key not in values:
            raise Damaged(f"{path}: no line '{key} = ...'")
        return np.array([float(x) for x in values[key].strip("[]").split(",")])

    # Trained as float32; the cutoffs are the decimals of the file.
    tensors = {f"descriptor/{name}": numbers(key)[0] for name, key in
               (("radial_cutoff_A", "Rcr"), ("angular_cutoff_A", "Rca"))}
    for name, key in (("radial_eta", "EtaR"), ("angular_eta", "EtaA"), ("zeta", "Zeta")):
        tensors[f"descriptor/{name}"] = np.float32(numbers(key)[0])
    for name, key in (("radial_shift_A", "ShfR"), ("angular_shift_A", "ShfA"),
                      ("section_rad", "ShfZ")):
        tensors[f"descriptor/{name}"] = numbers(key).astype("f4")
    if "Atyp" not in values:
        raise Damaged(f"{path}: no line 'Atyp = [H,C,...]'")
    return tensors, [symbol.strip() for symbol in values["Atyp"].strip("[]").split(",")]


def read_self_energies(path, elements):
    found = dict(re.findall(r"^\s*(\w+)\s*,\s*\d+\s*=\s*(\S+)", content(path).decode(), re.M))
    missing = [symbol for symbol in elements if symbol not in found]
    if missing:
        raise Damaged(f"{path}: no energy of {' '.join(missing)}")
    return np.array([float(found[symbol]) for symbol in elements])


def network_text(folder, symbol):
    """An .nnf file: text, plain or behind 'LENGTH=' as a bzip2 stream."""
    path = os.path.join(folder, f"ANN-{symbol}.nnf")
    if not os.path.exists(path):
        path += ".txt"
    data = content(path)
    head = re.match(rb"(\d+)=\n", data)
    if head:
        try:
            data = bz2.decompress(data[head.end():])
        except (OSError, EOFError, ValueError) as error:
            raise Damaged(f"{path}: the bzip2 stream is damaged: {error}") from error
        if len(data) != int(head[1]):
            raise Damaged(f"{path}: {len(data)} bytes unpacked, {head[1].decode()} announced")
    return path, data.rstrip(b"\0").decode("ascii", "replace")


def read_numbers(folder, name, count):
    path = os.path.join(folder, os.path.basename(name))
    numbers = np.fromfile(path, "<f4")
    if numbers.size != count:
        raise Damaged(f"{path}: {numbers.size} numbers; {count} are right")
    return numbers


def read_network(folder, symbol, inputs):
    """[(weight, bias), ...]"""
    path, text = network_text(folder, symbol)
    blocks = re.findall(r"layer\s*\[(.*?)\n\]", text, re.S)
    layers = []
    for number, block in enumerate(blocks, 1):
        def value(pattern):
            found = re.search(pattern, block)
            if not found:
                raise Damaged(f"{path}: layer {number} lacks {pattern}")
            return found[1]
        nodes, size = int(value(r"\bnodes=(\d+);")), int(value(r"\bblocksize=(\d+);"))
        activation = int(value(r"\bactivation=(\d+);"))
        right = LINEAR if number == len(blocks) else CELU
        if activation != right:
            raise Damaged(f"{path}: layer {number} has activation {activation}; {right} is right")
        if size != inputs:
            raise Damaged(f"{path}: layer {number} has {size} inputs, but there are {inputs}")
        weight = read_numbers(folder, value(r"\bweights=FILE:([^\[]+)\["), nodes * size)
        bias = read_numbers(folder, value(r"\bbiases=FILE:([^\[]+)\["), nodes)
        layers.append((weight.reshape(nodes, size), bias))
        inputs = nodes
    if len(layers) < 2 or inputs != 1:
        raise Damaged(f"{path}: {len(layers)} layers that end in {inputs} numbers")
    return layers


def convert(folder, out, attributes=None):
    params, energies, prefix, members = parts_of(folder)
    tensors, elements = read_params(params)
    count = len(elements)
    inputs = count * tensors["descriptor/radial_shift_A"].size + count * (count + 1) // 2 * \
        tensors["descriptor/angular_shift_A"].size * tensors["descriptor/section_rad"].size
    tensors["self_energy"] = read_self_energies(energies, elements)
    for member in range(members):
        networks = os.path.join(folder, f"{prefix}{member}", "networks")
        for symbol in elements:
            for layer, (weight, bias) in enumerate(read_network(networks, symbol, inputs)):
                tensors[f"member/{member}/{symbol}/{layer}/weight"] = weight
                tensors[f"member/{member}/{symbol}/{layer}/bias"] = bias
    weights_file.write(out, FORMAT, VERSION,
                       {"elements": " ".join(elements), "members": members, "activation": "celu",
                        "energy_unit": "hartree",
                        "source": os.path.basename(os.path.normpath(folder)), **(attributes or {})},
                       tensors)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="*.params, sae_linfit.dat, train0/networks, ...")
    parser.add_argument("out", help="the file to write, such as weights/ani-2x.h5")
    arguments = parser.parse_args()
    try:
        convert(arguments.folder, arguments.out)
    except (Damaged, OSError, ValueError) as error:
        sys.exit(f"convert_ani: {error}")
    print(f"{arguments.out}: {os.path.getsize(arguments.out) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
