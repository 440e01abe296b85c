#!/usr/bin/env python3
"""Makes a weights file for the engine `orb` of a published Orb checkpoint.

    convert_orb.py CHECKPOINT FILE --variant orb-v3-direct-20-mpa [--source TEXT]

CHECKPOINT is what orb-models downloads (a state dict saved by PyTorch, which this program needs and
nothing else here does). Every tensor keeps its name and its numbers. Tensors that are missing, that
nobody knows, or that have another shape are listed, and no file is written (exit code 1).
docs/models-orb.md says where checkpoints come from.
"""
import argparse
import hashlib
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import weights_file  # noqa: E402

FORMAT, VERSION = "mdsweep-orb-weights", "1.0.0"
WIDTH, ELEMENTS, BINS = 256, 119, 50
V2 = {"orb-v2": 15, "orb-mptraj-only-v2": 15, "orb-d3-v2": 15, "orb-d3-sm-v2": 10, "orb-d3-xs-v2": 5}
V3 = [f"orb-v3-{kind}-{count}-{data}" for kind in ("direct", "conservative")
      for count in ("20", "inf") for data in ("omat", "mpa")]
# Read by the reference implementation, not needed to compute energies and forces.
UNUSED = ("model._decoder.", "grad_forces_normalizer.", "grad_stress_normalizer.")
UNUSED_ENDS = ("num_batches_tracked", "bin_edges")


def mlp(prefix, inputs, hidden, outputs):
    """Weights and biases of an MLP with these hidden widths."""
    widths = [inputs, *hidden, outputs]
    shapes = {}
    for k, (n, m) in enumerate(zip(widths[:-1], widths[1:])):
        shapes[f"{prefix}.mlp.NN-{k}.weight"] = (m, n)
        shapes[f"{prefix}.mlp.NN-{k}.bias"] = (m,)
    return shapes


def normalizer(prefix):
    return {f"{prefix}.bn.running_mean": (1,), f"{prefix}.bn.running_var": (1,)}


def expected(variant):
    """Name -> shape of what the engine reads."""
    v3 = variant in V3
    layers, hidden, features = (5, 1024, 128) if v3 else (V2[variant], 512, 23)
    shapes = {"model.atom_emb.embeddings.weight": (ELEMENTS, WIDTH)}
    networks = [("model._encoder._node_fn", WIDTH), ("model._encoder._edge_fn", features)]
    for i in range(layers):
        stack = f"model.gnn_stacks.{i}"
        networks += [(f"{stack}._edge_mlp", 3 * WIDTH), (f"{stack}._node_mlp", 3 * WIDTH)]
        for gate in ("_receive_attn", "_send_attn"):
            shapes[f"{stack}.{gate}.weight"] = (1, WIDTH)
            shapes[f"{stack}.{gate}.bias"] = (1,)
    for prefix, inputs in networks:
        shapes.update(mlp(prefix, inputs, [hidden, hidden], WIDTH))
        shapes[f"{prefix}.layer_norm.weight"] = (WIDTH,)
        if not v3:
            shapes[f"{prefix}.layer_norm.bias"] = (WIDTH,)
    shapes.update(mlp("heads.energy", WIDTH, [WIDTH], 1))
    shapes.update(normalizer("heads.energy.normalizer"))
    shapes["heads.energy.reference.linear.weight"] = (ELEMENTS - 1,)
    if "conservative" not in variant:
        shapes.update(mlp("heads.forces", WIDTH, [WIDTH], 3))
        shapes.update(normalizer("heads.forces.normalizer"))
        shapes.update(mlp("heads.stress", WIDTH, [WIDTH], 6))
        for name in ("diag_normalizer", "offdiag_normalizer") if v3 else ("normalizer",):
            shapes.update(normalizer(f"heads.stress.{name}"))
    if v3:
        shapes.update(mlp("heads.confidence", WIDTH, [WIDTH], BINS))
        shapes.update({"model.rbf_transform.bessel_weights": (8,),
                       "model.rbf_transform.r_max": (), "model.rbf_transform.prefactor": ()})
    return shapes


def rename(state):
    """The present names of tensors that older checkpoints call otherwise."""
    if any(key.startswith("model.model.") for key in state):
        state = {key[len("model."):] if key.startswith("model.model.") else key: value
                 for key, value in state.items()
                 if key.startswith("model.model.") or not key.startswith("model.")}
    out = {}
    for key, value in state.items():
        for old, new in (("node_head.", "heads.forces."), ("graph_head.", "heads.energy."),
                         ("stress_head.", "heads.stress.")):
            if key.startswith(old):
                key = new + key[len(old):]
        for kind in ("diag", "offdiag"):
            old = f"heads.stress.{kind}_normaliser."
            if key.startswith(old):
                key = f"heads.stress.{kind}_normalizer." + key[len(old):]
        out[key] = value
    return out


def load_checkpoint(path):
    """Name -> array, from a file that PyTorch wrote."""
    try:
        import torch
    except ImportError:
        sys.exit("convert_orb.py needs PyTorch to read a checkpoint (pip install torch)")
    state = torch.load(path, map_location="cpu", weights_only=True)
    for wrapper in ("state_dict", "model_state_dict"):
        if isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    return {key: np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
            for key, value in state.items()}


def squeezed(shape):
    """Dimensions of length 1 do not count: [1] is [], [1, 118] is [118]."""
    return tuple(n for n in shape if n != 1)


def check(state, shapes):
    """Splits a state dict into what is read, and lines about what is wrong."""
    problems, tensors = [], {}
    for key, shape in shapes.items():
        if key not in state:
            problems.append(f"missing: {key} {list(shape)}")
        elif squeezed(state[key].shape) != squeezed(shape):
            problems.append(f"another shape: {key} {list(state[key].shape)}, not {list(shape)}")
        elif not np.isfinite(state[key]).all():
            problems.append(f"not finite: {key}")
        else:
            tensors[key] = np.asarray(state[key], dtype=np.float32).reshape(shape)
    for key in state:
        if key not in shapes and not key.startswith(UNUSED) and not key.endswith(UNUSED_ENDS):
            problems.append(f"unknown: {key} {list(state[key].shape)}")
    return tensors, problems


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint")
    parser.add_argument("file")
    parser.add_argument("--variant", required=True, choices=[*V2, *V3], metavar="NAME",
                        help="which network it is: " + ", ".join([*V2, *V3]))
    parser.add_argument("--source", help="where the checkpoint came from (default: its file name)")
    args = parser.parse_args()
    tensors, problems = check(rename(load_checkpoint(args.checkpoint)), expected(args.variant))
    for line in problems:
        print(line, file=sys.stderr)
    if problems:
        sys.exit(f"{args.checkpoint} is no {args.variant}: {len(problems)} tensors are not as they "
                 "should be; nothing was written")
    weights_file.write(args.file, FORMAT, VERSION,
                       {"variant": args.variant,
                        "source": args.source or os.path.basename(args.checkpoint),
                        "source_sha256": sha256(args.checkpoint), "license": "Apache-2.0"}, tensors)
    largest = max(float(np.abs(value).max()) for value in tensors.values())
    print(f"{args.file}: {len(tensors)} tensors, {sum(v.size for v in tensors.values())} numbers, "
          f"largest {largest:.4g}")


if __name__ == "__main__":
    main()
