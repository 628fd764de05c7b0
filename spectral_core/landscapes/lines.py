"""The loss along a line through the weights."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spectral_core.landscapes.evaluation import LossSurface, Values
from spectral_core.landscapes.scans import (
    Scan,
    begun,
    centre_of,
    checked_positions,
    checked_resume,
    filled,
    fingerprint,
    positions_of,
)
from spectral_core.results import last

__all__ = ["LossLine", "line", "line_steps"]


@dataclass(frozen=True, eq=False)
class LossLine(Scan):
    """``L(w + a d)`` at the `positions` a, NaN where not yet evaluated, and as it is where it diverges.

    Attributes
    ----------
    positions : (m,) array
        In units of the direction's norm.
    values : dict of str to Values
        By data set. `loss`, `loss_error` and `error` are those of the first.
    centre : dict of str to Values
        At position 0 exactly, numbers instead of arrays.
    done : (m,) bools
    name : str
        Of the direction.
    eigenvalue, norm : float
        Of the direction; NaN where it is no eigenvector.
    batch_norm, dtype : str
    notes : tuple of str
    passes : int
        Forward passes over a data set.
    stopped : str
    key : str
        What it is of: a partial result goes on only where that is the same.
    """

    positions: np.ndarray
    values: Mapping[str, Values]
    centre: Mapping[str, Values]
    done: np.ndarray
    name: str
    eigenvalue: float
    norm: float
    batch_norm: str
    dtype: str
    notes: tuple[str, ...]
    passes: int
    stopped: str
    key: str

    def _evaluated(self):
        return self.done


def line_steps(
    model, loss, data, direction, radius=1.0, points=41, *, positions=None, resume=None, surface=None, **options
):
    """Yield complete `LossLine` results, from the centre outwards; the first holds the centre alone.

    Arguments, errors and cost as in `line`. Yields after every block of points.
    """
    surface = surface or LossSurface(model, loss, data, [direction], **options)
    positions = positions_of(radius, points) if positions is None else checked_positions(positions)
    key = fingerprint(surface, positions)
    checked_resume(resume, key)
    before = surface.passes - (resume.passes if resume is not None else 0)
    values, done = begun(surface, positions.shape, positions.shape, resume)
    centre = resume.centre if resume is not None else centre_of(surface)
    d = surface.directions[0]

    def result(found, where, stopped):
        now = done.copy()
        now.setflags(write=False)
        return LossLine(
            positions,
            filled(surface, values, where, found),
            centre,
            now,
            d.name,
            d.eigenvalue,
            d.norm,
            surface.batch_norm,
            str(surface.dtype).removeprefix("torch."),
            tuple(surface.notes),
            surface.passes - before,
            stopped,
            key,
        )

    at_zero = np.flatnonzero(positions == 0.0)
    if len(at_zero):
        done[at_zero] = True
    order = np.argsort(np.abs(positions), kind="stable")
    waiting = order[~done[order]]
    yield result(centre if len(at_zero) else None, at_zero, "points are left" if len(waiting) else "all points")
    for start in range(0, len(waiting), surface.block):
        where = waiting[start : start + surface.block]
        found = surface.at(positions[where, None])
        done[where] = True
        yield result(found, where, "all points" if done.all() else "points are left")


def line(model, loss, data, direction, radius=1.0, points=41, *, positions=None, resume=None, **options):
    """``L(w + a d)`` and the share misclassified at `points` positions a from ``-radius`` to ``radius``.

    Parameters
    ----------
    model : nn.Module
        Is copied; ``w`` are its weights.
    loss : str, function or module
        A mean, as in `curvature.as_loss`.
    data : re-iterable of (inputs, targets), or dict of str to such
        Mini-batches in a fixed order; several data sets by name are evaluated at the same points.
    direction : Direction or (P,) tensor
    radius : float or (float, float)
        In units of the direction's own norm; a pair is from where to where.
    points : int
        An odd number meets the centre.
    positions : (m,) array, optional
        Instead of `radius` and `points`, ascending; those of `logarithmic_positions` resolve the neighbourhood of the centre.
    resume : LossLine, optional
        A partial result, to go on from.
    **options
        `parameters`, `batch_norm`, `dtype` and `device`, as in `LossSurface`.

    Returns
    -------
    LossLine

    Raises
    ------
    ValueError
        One sentence for everything in model, loss, data and direction that does not fit together.

    Notes
    -----
    Cost: a forward pass a point and data set, and two where batch norm is recomputed. The loss at 0 is that of the model as it
    is. NaN and infinite losses are kept. Source: Goodfellow, Vinyals and Saxe 2015; Li et al. 2018, section 3.

    Examples
    --------
    >>> import torch
    >>> model, x = torch.nn.Linear(1, 1, bias=False), torch.tensor([[1.0]])
    >>> curve = line(model, "squared error", [(x, model(x).detach())], torch.ones(1), radius=2.0, points=3)
    >>> [round(value, 4) for value in curve.loss.tolist()]
    [2.0, 0.0, 2.0]
    """
    return last(line_steps(model, loss, data, direction, radius, points, positions=positions, resume=resume, **options))
