"""A parabola fitted to the true curve near the centre: its curvature is the eigenvalue, on each data set with an error bar."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from spectral_core.landscapes.evaluation import LossSurface
from spectral_core.results import last

__all__ = ["Fit", "Parabola", "parabola", "parabola_steps"]

LARGEST = 1e-2  # of the norm of the weights: the first step
SHRINK = 4.0
STEPS = 14
ROUNDING = 4


@dataclass(frozen=True)
class Fit:
    """``L(a) ~ loss + slope a + curvature a^2 / 2`` on one data set.

    `standard_error` is over examples: how the curvature would vary with others. `error` is that of the difference itself:
    truncation, as the change from the step before, and rounding.
    """

    loss: float
    slope: float
    curvature: float
    standard_error: float
    error: float


@dataclass(frozen=True, eq=False)
class Parabola:
    """Of one direction: `fits` by data set, the `step` h they were taken with, and the forward passes spent."""

    name: str
    eigenvalue: float
    fits: Mapping[str, Fit]
    step: float
    passes: int
    stopped: str

    @property
    def curvature(self):
        """On the first data set."""
        return next(iter(self.fits.values())).curvature


def parabola_steps(model, loss, data, direction, *, surface=None, **options):
    """Yield the `Parabola` of the best step so far, for steps that shrink by four; arguments as in `parabola`."""
    if surface is None:
        surface = LossSurface(model, loss, data, [direction], **{"dtype": torch.float64, **options})
    before = surface.passes
    d = surface.directions[0]
    if not d.norm > 0:
        raise ValueError("a direction of zeros has no curvature: pass another.")
    counts = list(surface.counts.values())
    base = [sums for sums, _, _ in next(surface.example_losses([[0.0]]))]
    eps = torch.finfo(surface.dtype).eps
    h = LARGEST * max(float(surface.point.double().norm()), 1e-3) / d.norm
    best, previous = None, None
    for _ in range(STEPS):
        up, down = ([sums for sums, _, _ in point] for point in surface.example_losses([[h], [-h]]))
        fits = [_fit(*parts, h, eps, surface.separable) for parts in zip(base, up, down, counts, strict=True)]
        grown = False
        if previous is not None:
            moved = [abs(fit.curvature - last.curvature) for fit, last in zip(fits, previous, strict=True)]
            grown = best is not None and fits[0].error > best[0][0].error
            with_truncation = [replace(fit, error=fit.error + m) for fit, m in zip(fits, moved, strict=True)]
            if best is None or not with_truncation[0].error >= best[0][0].error:
                best = (with_truncation, h)
            why = "rounding outweighs what a smaller step gains" if grown else "steps are left"
            named = dict(zip(surface.names, best[0], strict=True))
            yield Parabola(d.name, d.eigenvalue, named, best[1], surface.passes - before, why)
        if grown:
            return
        previous = fits
        h /= SHRINK


def parabola(model, loss, data, direction, **options):
    """Central differences of the true loss: ``c = (L(h) - 2 L(0) + L(-h)) / h^2``, slope ``(L(h) - L(-h)) / (2 h)``.

    The parabola through three points. The step goes down from 1 % of the weights' norm by factors of four, and that with the
    least error is kept: the truncation ``h^2 L'''' / 12`` (of a piecewise linear network: kinks within h), seen as the change
    from the step before, plus rounding ``4 eps |L| / h^2``. Computed in float64 unless told otherwise.

    Parameters
    ----------
    model, loss, data
        As in `line`; several data sets by name share the step, chosen for the first.
    direction : Direction or (P,) tensor
        Along a unit eigenvector of the Hessian the curvature is its eigenvalue.
    **options
        `parameters`, `batch_norm`, `dtype` and `device`, as in `LossSurface`.

    Returns
    -------
    Parabola

    Notes
    -----
    Cost: two forward passes a step and data set, some 10 steps. The differences are formed example by example, which gives
    the standard error, and loses fewer digits than the difference of two means.

    Examples
    --------
    >>> model, x = torch.nn.Linear(1, 1, bias=False), torch.tensor([[3.0]])
    >>> round(parabola(model, "squared error", [(x, x)], torch.ones(1)).curvature, 4)
    9.0
    """
    return last(parabola_steps(model, loss, data, direction, **options))


def _fit(centre, up, down, counts, h, eps, separable):
    total, n = counts.sum(), int((counts > 0).sum())
    curvatures = (up - 2.0 * centre + down) / h**2
    slope, mean = float((up - down).sum() / total / (2.0 * h)), float(curvatures.sum() / total)
    spread = (curvatures - mean * counts)[counts > 0].square().sum()
    error = float((spread * n / (n - 1)).sqrt() / total) if separable and n > 1 else np.nan
    loss = float(centre.sum() / total)
    return Fit(loss, slope, mean, error, ROUNDING * eps * abs(loss) / h**2)
