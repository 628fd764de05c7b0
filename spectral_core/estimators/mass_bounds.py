"""How much of a spectrum lies below a point, or between two: bounds from Gauss quadrature, not a guess."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal

from spectral_core.results import mean_and_standard_error

__all__ = ["Mass", "mass_below", "mass_between", "three_masses"]

LEAST = 1e-13  # of the heaviest: lighter ones are rounding


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

    Of all measures with the moments of a probe's k Ritz values and weights, the one with a node at x, a Gauss-Radau rule of k
    nodes, has the least mass below x and, its node counted, the most (Chebyshev, Markov and Stieltjes). So the bounds hold for
    each probe, and no sharper ones follow from its products.

    Notes
    -----
    The standard error is over probes. Source: Szego 1939, section 3.41; Golub and Meurant 2010, section 6.2.

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
    return three_masses(q, low, high)[1]


def three_masses(q, low, high):
    """`mass_below` of low, `mass_between` low and high, and what lies above, from the bounds at both points once."""
    below, upto = _bounds(q, low), _bounds(q, high)
    least = np.clip(upto[0] - below[1], 0.0, 1.0)
    between = least, np.clip(upto[1] - below[0], least, 1.0)
    rest = _summary(*upto)
    return _summary(*below), _summary(*between), Mass(1.0 - rest.upper, 1.0 - rest.lower, rest.standard_error)


def _summary(lower, upper):
    (low, low_error), (high, high_error) = mean_and_standard_error(lower), mean_and_standard_error(upper)
    return Mass(float(low), float(high), float(max(low_error, high_error)))


def _bounds(q, x):
    """Lower and upper bounds of each probe's mass below x, which may be infinite."""
    if np.isinf(x):
        return np.full(q.probes, float(x > 0)), np.full(q.probes, float(x > 0))
    known = float(q.atoms[q.atoms[:, 0] < x, 1].sum())
    lower, upper = np.empty(q.probes), np.empty(q.probes)
    for probe, (nodes, weights, residuals) in enumerate(zip(q.nodes, q.weights, q.residuals, strict=True)):
        held = weights > 0
        if not residuals[held].any():  # the Krylov space was exhausted: this is the probe's measure
            lower[probe] = upper[probe] = known + weights[held & (nodes < x)].sum()
        else:
            below, at = _radau(nodes[held], weights[held], x)
            lower[probe], upper[probe] = known + below, known + below + at
    return lower, upper


def _radau(nodes, weights, x):
    """Mass below x and at x of the Gauss-Radau rule with a node at x that has the moments of these nodes and weights."""
    mass, largest = weights.sum(), weights > LEAST * weights.max()
    nodes, weights = nodes[largest], weights[largest] / weights[largest].sum()
    alpha, beta = _jacobi(nodes, weights)
    if not len(beta):
        return 0.0, mass
    theta, S = eigh_tridiagonal(alpha[:-1], beta[:-1])
    gap = theta - x
    gap = np.where(gap == 0.0, np.finfo(float).tiny ** 0.5, gap)
    last = x + ((beta[-1] * S[-1]) ** 2 / gap).sum()
    points, vectors = eigh_tridiagonal(np.r_[alpha[:-1], last], beta)
    shares = vectors[0] ** 2
    place = int(np.abs(points - x).argmin())
    return mass * shares[:place].sum(), mass * shares[place]


def _jacobi(nodes, weights):
    """The tridiagonal matrix whose eigenvalues are the nodes and whose eigenvectors' first components are ``sqrt w``."""
    k = len(nodes)
    Q, alpha, beta = np.zeros((k, k)), np.zeros(k), np.zeros(k - 1)
    q = np.sqrt(weights)
    for j in range(k):
        Q[j] = q
        r = nodes * q
        alpha[j] = q @ r
        for _ in range(2):
            r = r - Q[: j + 1].T @ (Q[: j + 1] @ r)
        if j < k - 1:
            beta[j] = np.linalg.norm(r)
            if beta[j] == 0.0:
                return alpha[: j + 1], beta[:j]
            q = r / beta[j]
    return alpha, beta
