"""Count, norm, largest, mean and deviation of each layer's numbers."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

__all__ = ["HALF", "Numbers", "layer_steps"]

HALF = torch.finfo(torch.float16).max  # trained networks are kept in half precision
PIECE = 2**20  # numbers that are in float64 at a time


@dataclass(frozen=True)
class Numbers:
    """Of the tensors of a layer together; `deviation` has the divisor n.

    `beyond`: a weight is larger than half precision holds, or a running variance than the square of that.
    """

    layer: str
    tensors: str
    numbers: int
    norm: float
    largest: float
    mean: float
    deviation: float
    beyond: bool


def layer_steps(tensors: dict) -> Iterator[tuple[float, tuple[Numbers, ...]]]:
    """Yield ``(fraction, layers)``: tensors whose names agree but for the last part are a layer; often enough to stop."""
    groups, found = {}, []
    for name, value in tensors.items():
        groups.setdefault(name.rpartition(".")[0] or name, {})[name.rpartition(".")[2]] = value
    total, done = sum(value.numel() for value in tensors.values()) or 1, 0
    for layer, parts in groups.items():
        shapes = ", ".join(f"{name} {' × '.join(map(str, value.shape))}" for name, value in parts.items())
        count, mean, spread, largest, beyond = 0, 0.0, 0.0, 0.0, False  # spread: sum of squared deviations
        for name, value in parts.items():
            limit = HALF**2 if name == "running_var" else HALF
            for piece in value.flatten().split(PIECE) if value.numel() else ():
                piece = piece.double()
                size, its_mean, its_largest = len(piece), float(piece.mean()), float(piece.abs().max())
                change, share = its_mean - mean, size / (count + size)
                spread += float((piece - its_mean).square().sum()) + change * change * count * share
                mean += change * share
                count += size
                largest, beyond = max(largest, its_largest), beyond or its_largest > limit
                done += size
                yield done / total, tuple(found)
        norm = math.sqrt(spread + count * mean * mean)
        deviation = math.sqrt(spread / count) if count else 0.0
        found.append(Numbers(layer, shapes, count, norm, largest, mean, deviation, beyond))
    yield 1.0, tuple(found)
