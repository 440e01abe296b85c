"""Writes and reads the weights files of the network engines (docs/weights.md): named float tensors
and a few attributes in one HDF5 file, with a checksum for every tensor.

    import weights_file
    weights_file.write("model.h5", "mdsweep-ani-weights", "1.0.0",
                       {"elements": "H O", "source": "where the numbers are from"},
                       {"descriptor/radial_cutoff_A": 5.1, "member/0/H/1/weight": array, ...})
    attributes, tensors = weights_file.read("model.h5")
"""
import zlib

import h5py
import numpy as np


def checksum(name, array):
    """CRC-32 over the name, a zero byte, the shape as int64 and the numbers, all little-endian."""
    shape = np.array(array.shape, "<i8").tobytes()
    return zlib.crc32(np.ascontiguousarray(array).tobytes(),
                      zlib.crc32(shape, zlib.crc32(name.encode() + b"\0")))


def _tensor(name, value):
    """float32 stays; everything else that is a number becomes float64."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"tensor '{name}' is not made of numbers")
    array = array.astype("<f4" if array.dtype.itemsize <= 4 and array.dtype.kind == "f" else "<f8")
    if not np.isfinite(array).all():
        raise ValueError(f"tensor '{name}' holds a number that is not finite")
    return array


def write(path, file_format, version, attributes, tensors):
    # The form v110 has checksums in its own structure; text of fixed length needs no heap, which
    # has none. The reader insists on both.
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        file.attrs["format"] = np.bytes_(file_format)
        file.attrs["format_version"] = np.bytes_(version)
        file.attrs["tensors"] = np.int64(len(tensors))
        for key, value in attributes.items():
            file.attrs[key] = np.bytes_(value.encode()) if isinstance(value, str) else value
        for name, value in tensors.items():
            array = _tensor(name, value)
            dataset = file.create_dataset(name, data=array)
            dataset.attrs["crc32"] = np.uint32(checksum(name, array))


def read(path):
    """(attributes, tensors); ValueError when a tensor is damaged."""
    attributes, tensors = {}, {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            array = item[()]
            if checksum(name, np.asarray(array)) != item.attrs["crc32"]:
                raise ValueError(f"{path}: tensor '{name}' is damaged: its checksum differs")
            tensors[name] = np.asarray(array)

    with h5py.File(path, "r") as file:
        for key, value in file.attrs.items():
            attributes[key] = value.decode() if isinstance(value, bytes) else value
        file.visititems(visit)
    if len(tensors) != attributes["tensors"]:
        raise ValueError(f"{path}: {len(tensors)} tensors, but its attribute says "
                         f"{attributes['tensors']}")
    return attributes, tensors
