"""Files as transport and accident leave them."""

import numpy as np

__all__ = ["cut", "overwritten"]


def cut(data, copies=25):
    """`data`, ended after ever more of its bytes."""
    return [data[:end] for end in np.linspace(0, len(data), copies).astype(int)]


def overwritten(data, rng, copies=40):
    """`data` with three bytes replaced, again and again."""
    damaged = []
    for _ in range(copies):
        copy = bytearray(data)
        for place in rng.integers(0, len(copy), size=3):
            copy[place] = rng.integers(0, 256)
        damaged.append(bytes(copy))
    return damaged
