"""The loss along a line through the weights."""

from dataclasses import dataclass

import numpy as np

from spectral_core.landscapes.evaluation import LossSurface
from spectral_core.landscapes.scans import Progress, Scan, checked_positions, fingerprint, positions_of
from spectral_core.results import last

__all__ = ["LossLine", "line", "line_steps"]


@dataclass(frozen=True, eq=False)
class LossLine(Scan):
    """``L(w + a d)`` at the `positions` a, NaN where not yet evaluated, and as it is where it diverges.

    Attributes
    ----------
    positions : (m,) array
        In units of the direction's norm.
    name : str
        Of the direction.
    eigenvalue, norm : float
        Of the direction; NaN where it is no eigenvector.
    values, centre, done, batch_norm, dtype, notes, passes, stopped, key
        As in `Scan`; arrays (m,).
    """

    positions: np.ndarray
    name: str
    eigenvalue: float
    norm: float

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
    progress = Progress(surface, positions.shape, positions.shape, fingerprint(surface, positions), resume)
    d, done = surface.directions[0], progress.done

    def result():
        stopped = "all points" if done.all() else "points are left"
        return LossLine(positions, d.name, d.eigenvalue, d.norm, **progress.fields(stopped))

    at_zero = np.flatnonzero(positions == 0.0)
    if len(at_zero):
        progress.write(at_zero, progress.centre)
        done[at_zero] = True
    order = np.argsort(np.abs(positions), kind="stable")
    waiting = order[~done[order]]
    yield result()
    for start in range(0, len(waiting), surface.block):
        where = waiting[start : start + surface.block]
        progress.write(where, surface.at(positions[where, None]))
        done[where] = True
        yield result()


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
