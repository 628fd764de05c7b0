"""How much of a spectrum lies below a point, or between two: bounds from Gauss quadrature, not a guess."""

from dataclasses import dataclass

import numpy as np

from spectral_core.results import mean_and_standard_error

__all__ = ["Mass", "mass_below", "mass_between"]


@dataclass(frozen=True)
class Mass:
    """A share of the spectrum between `lower` and `upper`, each a mean over probes with a standard error.

    `value` is the middle, and `error` reaches from it to the ends and one standard error beyond.
    """

    lower: float
    upper: float
    standard_error: float

    @property
    def value(self):
        """The middle of the bounds."""
        return (self.lower + self.upper) / 2.0

    @property
    def error(self):
        """Half the distance of the bounds, and the standard error."""
        return (self.upper - self.lower) / 2.0 + self.standard_error


def mass_below(q, x):
    """Bounds on the share of eigenvalues below `x`, from a `Quadrature`: a `Mass`; no product.

    ``sum_(theta_i < x) w_i`` is right up to the two Ritz values next to x: of each probe's measure F,
    ``sum_(i < L) w_i <= F(x) <= sum_(i <= R) w_i`` with L the last below x and R the first above (Chebyshev, Markov and
    Stieltjes). A Ritz value of small residual r is an eigenvalue, and its weight the mass there: at a distance d from x only a
    share ``2 r / d`` of it is left open (ours: of the Ritz vector at most ``(r/d)^2`` lies beyond x).

    Notes
    -----
    The standard error is over probes. Source: Szego 1939, section 3.41.

    Examples
    --------
    >>> import torch
    >>> from spectral_core.estimators.quadrature import lanczos_quadrature
    >>> A = torch.diag(torch.arange(100.0, dtype=torch.float64))
    >>> share = mass_below(lanczos_quadrature(A, steps=20, probes=5, generator=torch.Generator().manual_seed(0)), 49.5)
    >>> bool(share.lower < 0.5 < share.upper), round(share.value, 1)
    (True, 0.5)
    """
    return _summary(*_bounds(q, x))


def mass_between(q, low, high):
    """Bounds on the share of eigenvalues from `low` to `high`: a `Mass`, as in `mass_below`.

    Examples
    --------
    >>> import torch
    >>> from spectral_core.estimators.quadrature import lanczos_quadrature
    >>> A = torch.diag((torch.arange(100) % 2).double())
    >>> q = lanczos_quadrature(A, steps=2, probes=5, generator=torch.Generator().manual_seed(0))
    >>> share = mass_between(q, 0.5, 1.5)
    >>> bool(abs(share.value - 0.5) < 4 * share.error), share.upper == share.lower
    (True, True)
    """
    if not low < high:
        raise ValueError(f"an interval needs its lower end first; got {low} and {high}.")
    (below_low, below_high), (above_low, above_high) = _bounds(q, low), _bounds(q, high)
    return _summary(np.maximum(above_low - below_high, 0.0), np.minimum(above_high - below_low, 1.0))


def _summary(lower, upper):
    (low, low_error), (high, high_error) = mean_and_standard_error(lower), mean_and_standard_error(upper)
    return Mass(float(low), float(high), float(max(low_error, high_error)))


def _bounds(q, x):
    """Lower and upper bounds of each probe's mass below x."""
    known = float(q.atoms[q.atoms[:, 0] < x, 1].sum())
    lower, upper = np.empty(q.probes), np.empty(q.probes)
    for probe, (nodes, weights, residuals) in enumerate(zip(q.nodes, q.weights, q.residuals, strict=True)):
        held = weights > 0
        nodes, weights, residuals = nodes[held], weights[held], residuals[held]
        order = np.argsort(nodes, kind="stable")
        nodes, weights, residuals = nodes[order], weights[order], residuals[order]
        count = int(np.searchsorted(nodes, x))
        lower[probe] = upper[probe] = known + weights[:count].sum()
        if count:
            lower[probe] -= weights[count - 1] * _open(residuals[count - 1], x - nodes[count - 1])
        if count < len(nodes):
            upper[probe] += weights[count] * _open(residuals[count], nodes[count] - x)
    return lower, upper


def _open(residual, distance):
    return 1.0 if 2.0 * residual >= distance else 2.0 * residual / distance
