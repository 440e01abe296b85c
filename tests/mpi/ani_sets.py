"""Made-up ANI models in folders of NeuroChem files, with the shapes of the published ones."""
import bz2
import os

import numpy as np

# Elements, cutoffs, widths, shifts and hidden layers of each element.
ANI_2X = {
    "name": "rHCNOSFCl-5.1R_16-3.5A_a8-4", "elements": ["H", "C", "N", "O", "S", "F", "Cl"],
    "Rcr": 5.1, "Rca": 3.5, "EtaR": 19.7, "EtaA": 12.5, "Zeta": 14.1,
    "ShfR": 0.8 + 0.26875 * np.arange(16), "ShfA": 0.8 + 0.3375 * np.arange(8),
    "ShfZ": (2 * np.arange(4) + 1) * np.pi / 8,
    "hidden": [(256, 192, 160), (224, 192, 160), (192, 160, 128), (192, 160, 128),
               (160, 128, 96), (160, 128, 96), (160, 128, 96)],
}
# ANI-1x and ANI-1ccx share descriptor and shapes; the latter was trained on.
ANI_1X = {
    "name": "rHCNO-5.2R_16-3.5A_a4-8", "elements": ["H", "C", "N", "O"],
    "Rcr": 5.2, "Rca": 3.5, "EtaR": 16.0, "EtaA": 8.0, "Zeta": 32.0,
    "ShfR": 0.9 + 0.26875 * np.arange(16), "ShfA": 0.9 + 0.65 * np.arange(4),
    "ShfZ": (2 * np.arange(8) + 1) * np.pi / 16,
    "hidden": [(160, 128, 96), (144, 112, 96), (128, 112, 96), (128, 112, 96)],
}
# What a student may look like: one element, few shifts, two narrow layers.
STUDENT = {
    "name": "student", "elements": ["Si"],
    "Rcr": 5.0, "Rca": 4.0, "EtaR": 6.0, "EtaA": 2.0, "Zeta": 5.0,
    "ShfR": np.linspace(1.8, 4.6, 7), "ShfA": np.array([2.3]), "ShfZ": np.linspace(0.4, 2.8, 3),
    "hidden": [(20, 12)],
}


def inputs_of(shape):
    count = len(shape["elements"])
    return count * len(shape["ShfR"]) + \
        count * (count + 1) // 2 * len(shape["ShfA"]) * len(shape["ShfZ"])


def write_network(folder, symbol, widths, random, packed):
    text = f"!InputFile for Force Prediction\nsflparamfile=x.params;\ninputsize={widths[0]};\n" \
           f"atom_net {symbol} $\n"
    for k, (before, after) in enumerate(zip(widths, widths[1:]), 1):
        last = k == len(widths) - 1
        name = f"ANN-{symbol}.nnf-l{k}"
        text += f"layer [\nnodes={after};\nactivation={6 if last else 9};\ntype=0;\n" \
                f"blocksize={before};\nl2norm=1;\nweights=FILE:{name}.wparam[{before * after}];\n" \
                f"biases=FILE:{name}.bparam[{after}];\n]\n"
        weight = random.normal(0, 1.0 / np.sqrt(before if k > 1 else 20), (after, before))
        weight.astype("<f4").tofile(os.path.join(folder, name + ".wparam"))
        random.normal(0, 0.1, after).astype("<f4").tofile(os.path.join(folder, name + ".bparam"))
    data = (text + "$\n\0").encode()
    with open(os.path.join(folder, f"ANN-{symbol}.nnf"), "wb") as file:
        file.write(f"{len(data)}=\n".encode() + bz2.compress(data) if packed else data[:-1])


def write(folder, shape, members=2, seed=7):
    """A new folder; the same seed gives the same numbers."""
    random = np.random.default_rng(seed)
    os.makedirs(folder)
    with open(os.path.join(folder, shape["name"] + ".params"), "w") as file:
        for key in ("Rcr", "Rca"):
            file.write(f"{key} = {shape[key]:.4e}\n")
        for key in ("EtaR", "ShfR", "Zeta", "ShfZ", "EtaA", "ShfA"):
            file.write(f"{key} = [" + ",".join(f"{x:.7e}" for x in np.atleast_1d(shape[key])) +
                       "]\n")
        file.write("Atyp = [" + ",".join(shape["elements"]) + "]\n")
    with open(os.path.join(folder, "sae_linfit.dat"), "w") as file:
        for k, symbol in enumerate(shape["elements"]):
            file.write(f"{symbol},{k}={-0.6 - 12.5 * k}\n")
    for member in range(members):
        networks = os.path.join(folder, f"train{member}", "networks")
        os.makedirs(networks)
        for k, symbol in enumerate(shape["elements"]):
            write_network(networks, symbol, [inputs_of(shape), *shape["hidden"][k], 1], random,
                          packed=(member + k) % 2 == 0)
    return folder
