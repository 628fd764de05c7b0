"""What a line and a plane of losses have in common: values at points, some of which are not yet there."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

import numpy as np
import torch

from spectral_core.interruption import stop_if_asked
from spectral_core.landscapes.evaluation import Values
from spectral_core.results import frozen

__all__ = [
    "Progress",
    "Scan",
    "checked_positions",
    "fingerprint",
    "logarithmic_positions",
    "positions_of",
]


@dataclass(frozen=True, eq=False, kw_only=True)
class Scan:
    """What a `LossLine` and a `LossPlane` share: ``values[name]`` of each data set, the first of which has short names.

    Attributes
    ----------
    values : dict of str to Values
        By data set, arrays at the points. `loss`, `loss_error` and `error` are those of the first.
    centre : dict of str to Values
        At the weights themselves exactly, numbers instead of arrays.
    done : array of bools
        Points of a line, rows of a plane that are evaluated.
    batch_norm, dtype : str
    notes : tuple of str
    passes : int
        Forward passes over a data set.
    stopped : str
    key : str
        What it is of: a partial result goes on only where that is the same.
    """

    values: Mapping[str, Values]
    centre: Mapping[str, Values]
    done: np.ndarray
    batch_norm: str
    dtype: str
    notes: tuple[str, ...]
    passes: int
    stopped: str
    key: str

    @property
    def loss(self):
        """Mean loss on the first data set."""
        return self.first.loss

    @property
    def loss_error(self):
        """Its standard error over examples."""
        return self.first.loss_error

    @property
    def error(self):
        """Share of the first data set that is misclassified; None where the loss is no cross-entropy."""
        return self.first.error

    @property
    def first(self):
        """`Values` on the first data set."""
        return next(iter(self.values.values()))

    @property
    def names(self):
        """Of the data sets."""
        return tuple(self.values)

    @property
    def share_done(self):
        """Of the points, 0 to 1."""
        return float(np.mean(self.done))

    @property
    def diverged(self):
        """Where a point was evaluated and its loss on the first data set is NaN or infinite."""
        return self._evaluated() & ~np.isfinite(self.loss)


def positions_of(radius, points):
    """`points` positions from ``-radius`` to ``radius``, or from one end of a pair to the other; 0 is met exactly.

    >>> positions_of(1.0, 5).tolist(), positions_of((-0.5, 1.5), 3).tolist()
    ([-1.0, -0.5, 0.0, 0.5, 1.0], [-0.5, 0.5, 1.5])
    """
    ends = _ends(radius)
    if ends is None:
        raise ValueError(
            f"radius is a number above 0, or a pair (from, to) of which the first is smaller; got {radius!r}."
        )
    if isinstance(points, bool) or not isinstance(points, Real) or points % 1 or points < 2:
        raise ValueError(f"points is a whole number, two at least; got {points!r}.")
    low, high = ends
    steps = np.arange(int(points))
    positions = low + (high - low) * steps / (points - 1)
    positions[-1] = high
    nearest = np.abs(positions).argmin()
    if abs(positions[nearest]) < 1e-9 * (high - low):
        positions[nearest] = 0.0
    return frozen(positions)


def _ends(radius):
    """``(low, high)`` of a radius or a pair; None where it is neither."""
    try:
        given = np.asarray(radius, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if given.shape not in ((), (2,)):
        return None
    low, high = given.tolist() if given.ndim else (-float(given), float(given))
    return (low, high) if np.isfinite([low, high]).all() and low < high else None


def checked_positions(positions):
    """Positions as they are given: finite, ascending, two at least."""
    positions = frozen(positions)
    if (
        positions.ndim != 1
        or len(positions) < 2
        or not np.isfinite(positions).all()
        or not (np.diff(positions) > 0).all()
    ):
        raise ValueError("positions are two finite numbers or more in ascending order, each once.")
    return positions


def logarithmic_positions(radius, points=41, *, decades=3.0):
    """The centre, and `points` less one positions on both sides of it at equal ratios, down to ``radius / 10^decades``.

    >>> logarithmic_positions(1.0, 5, decades=1).round(3).tolist()
    [-1.0, -0.1, 0.0, 0.1, 1.0]
    """
    if not radius > 0 or points < 3 or not decades > 0:
        raise ValueError(f"radius and decades are above 0, points three at least; got {radius}, {decades}, {points}.")
    right = radius * np.logspace(-decades, 0.0, (int(points) - 1) // 2)
    return frozen(np.r_[-right[::-1], 0.0, right])


def fingerprint(surface, *arrays):
    """A string that two scans share if they are of the same network, directions, positions, data, loss and settings."""
    digest = hashlib.blake2b(digest_size=16)
    for array in (surface.point.double().cpu().numpy(), *(d.vector for d in surface.directions), *arrays):
        digest.update(np.ascontiguousarray(array).tobytes())
    for said, tensor in surface.problem():
        stop_if_asked()
        digest.update(re.sub(r" at 0x[0-9a-f]+", "", said).encode())  # an address is another in each process
        if tensor is not None:
            tensor = tensor.detach().to_dense().cpu().contiguous()
            digest.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


class Progress:
    """A scan under way: what is evaluated so far, from nothing or from a partial result of the same `key`.

    Parameters
    ----------
    surface : LossSurface
    shape, done_shape : tuples of int
        Of the values, and of what is marked as done.
    key : str
    resume : Scan or None
    """

    def __init__(self, surface, shape, done_shape, key, resume):
        if resume is not None and resume.key != key:
            raise ValueError(
                "the partial result is of other weights, directions, positions, data or settings: start anew, without "
                "resume=."
            )
        self.surface, self.key = surface, key
        self.arrays = {name: [np.full(shape, np.nan) for _ in range(3)] for name in surface.names}
        if resume is None:
            self.before, self.done = surface.passes, np.zeros(done_shape, dtype=bool)
            found = surface.at(np.zeros((1, len(surface.directions))))
            self.centre = {
                name: Values(*(None if part is None else part[0] for part in _parts(v))) for name, v in found.items()
            }
        else:
            self.before, self.done, self.centre = surface.passes - resume.passes, resume.done.copy(), resume.centre
            self.write(Ellipsis, resume.values)

    def write(self, where, found):
        """Put `Values` by data set at `where`."""
        for name, arrays in self.arrays.items():
            for array, part in zip(arrays, _parts(found[name]), strict=True):
                array[where] = np.nan if part is None else part

    def fields(self, stopped):
        """What every `Scan` holds, of the state now."""
        surface, done = self.surface, self.done.copy()
        done.setflags(write=False)
        return {
            "values": {
                name: Values(loss, loss_error, error if surface.classifies else None)
                for name, (loss, loss_error, error) in self.arrays.items()
            },
            "centre": self.centre,
            "done": done,
            "batch_norm": surface.batch_norm,
            "dtype": str(surface.dtype).removeprefix("torch."),
            "notes": tuple(surface.notes),
            "passes": surface.passes - self.before,
            "stopped": stopped,
            "key": self.key,
        }


def _parts(values):
    return values.loss, values.loss_error, values.error
