"""The loss on a plane through the weights, row by row."""

from dataclasses import dataclass

import numpy as np

from spectral_core.landscapes.evaluation import LossSurface
from spectral_core.landscapes.scans import Progress, Scan, fingerprint, positions_of
from spectral_core.results import last

__all__ = ["LossPlane", "plane", "plane_steps"]


@dataclass(frozen=True, eq=False)
class LossPlane(Scan):
    """``L(w + x u + y v)`` at a grid; ``loss[j, i]`` belongs to ``x[i], y[j]`` and is NaN where not yet evaluated.

    Attributes
    ----------
    x, y : (mx,), (my,) arrays
        Positions, in units of each direction's norm.
    directions : (str, str)
        Their names.
    norms : (float, float)
    cosine : float
        Between the directions: 0 where the picture has right angles as weight space has.
    values, centre, done, batch_norm, dtype, notes, passes, stopped, key
        As in `Scan`; arrays (my, mx), and `done` (my,), of rows.
    """

    x: np.ndarray
    y: np.ndarray
    directions: tuple[str, str]
    norms: tuple[float, float]
    cosine: float

    @property
    def positions(self):
        """``(x, y)``."""
        return self.x, self.y

    def _evaluated(self):
        return np.broadcast_to(self.done[:, None], self.loss.shape)


def plane_steps(model, loss, data, directions, radius=1.0, points=41, *, resume=None, surface=None, **options):
    """Yield complete `LossPlane` results: none of the rows, then one more each time, the middle ones first.

    Arguments, errors and cost as in `plane`.
    """
    if surface is None:
        directions = tuple(directions)
        if len(directions) != 2:
            raise ValueError(f"a plane has two directions; got {len(directions)}.")
        surface = LossSurface(model, loss, data, directions, **options)
    u, v = surface.directions
    pair = radius if np.ndim(radius) == 2 else (radius, radius)
    if len(pair) != 2:
        raise ValueError(f"a plane has two radii, or two pairs of ends; got {len(pair)}.")
    numbers = points if np.ndim(points) else (points, points)
    x, y = (positions_of(r, number) for r, number in zip(pair, numbers, strict=True))
    progress = Progress(surface, (len(y), len(x)), len(y), fingerprint(surface, x, y), resume)
    norms, done = (u.norm, v.norm), progress.done
    cosine = float(u.vector @ v.vector / (norms[0] * norms[1])) if all(norms) else np.nan

    def result():
        stopped = "all rows" if done.all() else "rows are left"
        return LossPlane(x, y, (u.name, v.name), norms, cosine, **progress.fields(stopped))

    yield result()
    for row in np.argsort(np.abs(y), kind="stable"):
        if done[row]:
            continue
        progress.write(row, surface.at(np.column_stack([x, np.full(len(x), y[row])])))
        done[row] = True
        yield result()


def plane(model, loss, data, directions, radius=1.0, points=41, *, resume=None, **options):
    """``L(w + x u + y v)`` and the share misclassified on a grid of `points` by `points`.

    Parameters
    ----------
    model, loss, data
        As in `line`.
    directions : pair of Direction or (P,) tensors
        Need not be orthogonal; `LossPlane.cosine` says how far they are from it.
    radius : float, or ((float, float), (float, float))
        In units of each direction's norm; two pairs are from where to where along u and along v.
    points : int or (int, int)
        Along each; an odd number meets the centre.
    resume : LossPlane, optional
        A partial result, to go on from.
    **options
        `parameters`, `batch_norm`, `dtype` and `device`, as in `LossSurface`.

    Returns
    -------
    LossPlane

    Raises
    ------
    ValueError
        One sentence for everything in model, loss, data and directions that does not fit together.

    Notes
    -----
    Cost: a forward pass a point and data set, and two where batch norm is recomputed. Source: Li et al. 2018, section 3.

    Examples
    --------
    >>> import torch
    >>> model, x = torch.nn.Linear(2, 1, bias=False), torch.eye(2)
    >>> u, v = torch.eye(2)
    >>> plane(model, "squared error", [(x, model(x).detach())], (u, v), points=3).loss.round(6).tolist()
    [[0.5, 0.25, 0.5], [0.25, 0.0, 0.25], [0.5, 0.25, 0.5]]
    """
    return last(plane_steps(model, loss, data, directions, radius, points, resume=resume, **options))
