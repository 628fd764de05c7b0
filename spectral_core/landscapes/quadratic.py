"""The quadratic model of the loss, how far it can be trusted, asymmetry, and the barrier between two checkpoints."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.landscapes.directions import as_directions
from spectral_core.results import frozen

__all__ = ["Barrier", "QuadraticModel", "TrustRadius", "asymmetry", "barrier", "quadratic_model", "trust_radius"]

ROUNDING = 16  # units of rounding that a loss may be off by


@dataclass(frozen=True, eq=False)
class QuadraticModel:
    """``q(a) = L + s.a + a.C a / 2`` in the coordinates a along some directions.

    Attributes
    ----------
    loss : float
    slopes : (d,) array
        ``s_j = g.u_j``.
    curvatures : (d, d) array
        ``C_jk = u_j.H u_k``.
    products : int
        Spent, beside one gradient.
    """

    loss: float
    slopes: np.ndarray
    curvatures: np.ndarray
    products: int

    def __post_init__(self):
        object.__setattr__(self, "slopes", frozen(self.slopes))
        object.__setattr__(self, "curvatures", frozen(self.curvatures))

    def __call__(self, a):
        """``q`` at coordinates (..., d)."""
        a = np.asarray(a, dtype=np.float64)
        return self.loss + a @ self.slopes + 0.5 * np.einsum("...j,jk,...k->...", a, self.curvatures, a)

    def along(self, j=0):
        """The model on the line of direction j alone."""
        return QuadraticModel(self.loss, self.slopes[j : j + 1], self.curvatures[j : j + 1, j : j + 1], self.products)

    def on_line(self, positions):
        """``q`` at positions along its one direction, (m,)."""
        return self(np.asarray(positions, dtype=np.float64)[:, None])

    def on_grid(self, x, y):
        """``q[j, i]`` at ``x[i], y[j]``."""
        return self(np.stack(np.meshgrid(x, y), axis=-1))


def quadratic_model(H, directions):
    """`QuadraticModel` of the loss of a CurvatureOperator along directions: ``s = U.T g``, ``C = U.T H U``.

    A Gauss-Newton matrix gives its own model. The operator's weight decay is part of slopes and curvatures, and of the loss as
    ``(g/2) ||w||^2``. Batch-norm statistics that a direction moves are not part of it.

    Parameters
    ----------
    H : CurvatureOperator
    directions : sequence of Direction or (P,) tensors

    Notes
    -----
    Cost: one gradient and a product a direction.

    Examples
    --------
    >>> from spectral_core.curvature import HessianOperator
    >>> model = torch.nn.Linear(1, 1, bias=False)
    >>> _ = torch.nn.init.constant_(model.weight, 2.0)
    >>> H = HessianOperator(model, "squared error", [(torch.ones(1, 1), torch.zeros(1, 1))])
    >>> quadratic_model(H, [torch.ones(1)]).on_line([-2.0, 0.0, 1.0]).tolist()
    [0.0, 2.0, 4.5]
    """
    listed = as_directions(directions, H.parameters)
    if not listed:
        raise ValueError("a quadratic model needs one direction at least.")
    U = torch.from_numpy(np.column_stack([d.vector for d in listed])).to(device=H.device, dtype=H.dtype)
    g, HU = H.gradient(), H @ U
    U, HU, w = U.double(), HU.double(), H.point().double()
    C = U.T @ HU
    loss = H.loss_value + 0.5 * H.weight_decay * float(w @ w)
    return QuadraticModel(loss, (U.T @ g.double()).cpu().numpy(), (0.5 * (C + C.T)).cpu().numpy(), U.shape[1])


@dataclass(frozen=True)
class TrustRadius:
    """How far the quadratic model holds: `left` and `right` of the centre, `radius` the smaller of the two.

    ``inf`` where it holds as far as the line was evaluated, `reach_left` and `reach_right`; 0 where it is not resolved, because
    it fails at the innermost point evaluated already, `first_left` or `first_right`. `share` is the deviation allowed.
    """

    left: float
    right: float
    reach_left: float
    reach_right: float
    share: float
    first_left: float = 0.0
    first_right: float = 0.0

    @property
    def radius(self):
        """Positions up to it, on both sides, are within the share."""
        return min(self.left, self.right)

    @property
    def below(self):
        """What the radius is below where it is not resolved, else NaN."""
        sides = ((self.left, self.first_left), (self.right, self.first_right))
        return np.nan if self.radius > 0 else min(side or first for side, first in sides)


def trust_radius(line, model, *, share=0.1, name=None):
    """The largest r with ``|L(a) - q(a)| <= share (|s a| + |c| a^2 / 2)`` at every evaluated ``|a| <= r``.

    The deviation is measured against the terms of the model's change, by magnitude, so that the ratio is defined where slope
    and curvature cancel; with no slope it is the share of the change itself, ``|L - q| / |q - L(0)|``. Deviations within rounding
    of the loss do not count. Between two points the ratio is interpolated, towards the centre it is not: where the innermost
    point is beyond, the radius is 0 and `below` its bound. A loss that is NaN or infinite ends it. As the radius is often a
    thousandth of what a picture shows, take a line at `logarithmic_positions`, and line and model in float64.

    Parameters
    ----------
    line : LossLine
    model : QuadraticModel
        Along the same direction.
    share : float
    name : str, optional
        Of the data set, by default the first. The model is shifted to the line's own loss at the centre.

    Returns
    -------
    TrustRadius

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> a = np.linspace(-1, 1, 201)
    >>> cubic = SimpleNamespace(loss=1 + a**2 + a**3)
    >>> centre = SimpleNamespace(loss=1.0)
    >>> curve = SimpleNamespace(positions=a, values={"x": cubic}, centre={"x": centre}, dtype="float64")
    >>> round(trust_radius(curve, QuadraticModel(1.0, [0.0], [[2.0]], 0)).radius, 6)  # a^3 = a^2 / 10
    0.1
    """
    if not share > 0:
        raise ValueError(f"share is a number above 0; got {share}.")
    name = name or next(iter(line.values))
    centre = float(line.centre[name].loss)
    a, loss = np.asarray(line.positions), np.asarray(line.values[name].loss)
    slope, curvature = float(model.slopes[0]), float(model.curvatures[0, 0])
    rounding = ROUNDING * np.finfo(line.dtype).eps * max(abs(centre), np.finfo(line.dtype).tiny)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        deviation = np.abs(loss - centre - (slope * a + 0.5 * curvature * a * a))
        scale = np.abs(slope * a) + 0.5 * np.abs(curvature) * a * a
        ratio = np.where(deviation <= rounding, 0.0, deviation / scale)
    ratio[np.isnan(ratio)] = np.inf
    done = getattr(line, "done", np.ones(len(a), dtype=bool))
    sides = []
    for sign in (-1.0, 1.0):
        there = (sign * a > 0) & done
        order = np.argsort(sign * a[there])
        sides.append((_first_crossing(sign * a[there][order], ratio[there][order], share), sign * a[there][order]))
    (left, before), (right, after) = sides
    ends = [float(side[at]) if len(side) else 0.0 for at in (-1, 0) for side in (before, after)]
    return TrustRadius(left, right, *ends[:2], share, *ends[2:])


def _first_crossing(a, ratio, share):
    beyond = np.flatnonzero(~(ratio <= share))
    if not len(beyond):
        return np.inf
    at = beyond[0]
    if not at:
        return 0.0
    low, below = a[at - 1], ratio[at - 1]
    if not np.isfinite(ratio[at]):
        return float(low)
    return float(low + (a[at] - low) * (share - below) / (ratio[at] - below))


def asymmetry(line, *, name=None):
    """``A(a) = (L(a) - L(-a)) / (|L(a) - L(0)| + |L(-a) - L(0)|)`` for ``a > 0``: 0 for an even valley.

    1 where only the right side rises, -1 where only the left does. Positions without a mirror image among the line's are left
    out; NaN where the loss is flat on both sides, or not finite.

    Returns
    -------
    positions, values : (k,) arrays

    Notes
    -----
    No evaluation. Source: the idea is that of He, Huang and Yuan 2019, "Asymmetric valleys"; the ratio, in [-1, 1], is ours.
    """
    name = name or next(iter(line.values))
    a, loss = np.asarray(line.positions), np.asarray(line.values[name].loss)
    centre = float(line.centre[name].loss)
    right = np.flatnonzero(a > 0)
    mirror = np.abs(a[None, :] + a[right, None])
    left = mirror.argmin(axis=1)
    paired = mirror.min(axis=1) <= 1e-9 * np.abs(a).max()
    right, left = right[paired], left[paired]
    with np.errstate(invalid="ignore", divide="ignore"):
        up, down = loss[right] - centre, loss[left] - centre
        values = (up - down) / (np.abs(up) + np.abs(down))
    return frozen(a[right]), frozen(values)


@dataclass(frozen=True)
class Barrier:
    """`height`, its `standard_error`, the `position` where it is, and the losses `first` and `second` at the ends."""

    height: float
    standard_error: float
    position: float
    first: float
    second: float


def barrier(line, *, name=None):
    """``max_t [L(t) - (1 - t) L(0) - t L(1)]`` over the positions t of a line between two checkpoints, 0 and 1.

    0 where nothing lies above the straight line between the ends, ``inf`` where a loss on the way is NaN or infinite. The
    standard error takes the three losses as independent; as their examples are the same, it is rather too large.

    Parameters
    ----------
    line : LossLine
        Along `between`, with 0 and 1 among its positions.
    name : str, optional
        Of the data set, by default the first.

    Raises
    ------
    ValueError
        A line without 0 or 1, or not evaluated there.

    Notes
    -----
    No evaluation. Source: Frankle et al. 2020, "Linear mode connectivity", section 2, with Entezari et al. 2022, Equation 1, for
    ends of unequal loss.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> hill = SimpleNamespace(loss=np.array([1.0, 3.0, 2.0]), loss_error=np.zeros(3))
    >>> barrier(SimpleNamespace(positions=np.array([0.0, 0.5, 1.0]), values={"x": hill}, done=np.ones(3, bool))).height
    1.5
    """
    values = line.values[name or next(iter(line.values))]
    a = np.asarray(line.positions)
    ends = [int(np.abs(a - end).argmin()) for end in (0.0, 1.0)]
    if any(abs(a[at] - end) > 1e-9 or not line.done[at] for at, end in zip(ends, (0.0, 1.0), strict=True)):
        raise ValueError(
            "a barrier is that of a line between two checkpoints: evaluate it at 0 and at 1, as with radius=(0, 1)."
        )
    inside = np.flatnonzero((a >= 0) & (a <= 1) & line.done)
    (first, second), t = (float(values.loss[at]) for at in ends), a[inside]
    with np.errstate(invalid="ignore"):
        rise = values.loss[inside] - (1 - t) * first - t * second
    broken = ~np.isfinite(rise)
    if broken.any():
        return Barrier(np.inf, np.nan, float(t[broken][0]), first, second)
    top = int(rise.argmax())
    if not rise[top] > 0:
        return Barrier(0.0, 0.0, float(t[top]), first, second)
    if inside[top] in ends:  # rounding at an end
        return Barrier(0.0, 0.0, float(t[top]), first, second)
    weights = np.array([1.0, 1.0 - t[top], t[top]])
    errors = values.loss_error[[inside[top], *ends]]
    error = float(np.sqrt(np.sum((weights * errors) ** 2)))
    return Barrier(float(rise[top]), error, float(t[top]), first, second)
