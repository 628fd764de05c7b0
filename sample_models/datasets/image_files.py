"""The file formats of MNIST (IDX) and CIFAR (binary version), which need no pickle."""

import gzip
import struct
import tarfile

import numpy as np

__all__ = ["read_cifar", "read_idx"]

PIXELS = 3 * 32 * 32


def read_idx(path):
    """A gzipped IDX file of bytes: magic 0 0 8 d, d sizes as big-endian int32, the values; an array of uint8.

    Raises ValueError where the file is something else.
    """
    with gzip.open(path) as file:
        content = file.read()
    magic, dimensions = content[:3], content[3] if len(content) > 3 else 0
    start = 4 + 4 * dimensions
    if magic != b"\0\0\x08" or len(content) < start:
        raise ValueError(f"{path.name} is no IDX file of bytes: remove it from {path.parent} and fetch it again.")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != np.prod(shape, dtype=object):
        raise ValueError(f"{path.name} is cut off: remove it from {path.parent} and fetch it again.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_cifar(path):
    """((images, labels), (test images, test labels)) from CIFAR-10's or CIFAR-100's binary archive.

    A record is the label (CIFAR-100: the coarse one, then the fine one, which is taken) and 3 x 32 x 32 bytes.
    Members are read in the order of their names; nothing is unpacked to disk.
    """
    train, test = [], []
    with tarfile.open(path, "r:gz") as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            if member.isfile() and member.name.endswith(".bin"):
                part = test if "test" in member.name.rpartition("/")[2] else train
                labels = 2 if "cifar-100" in member.name else 1
                records = np.frombuffer(archive.extractfile(member).read(), np.uint8).reshape(-1, labels + PIXELS)
                part.append((records[:, labels:], records[:, labels - 1]))
    if not train or not test:
        raise ValueError(f"{path.name} holds no CIFAR in its binary version: remove it and fetch it again.")
    return tuple(tuple(map(np.concatenate, zip(*part, strict=True))) for part in (train, test))
