"""Polynomial bases on an interval: Chebyshev ``T_j``, Legendre ``P_j`` and powers ``t^j`` of the mapped variable.

The map is ``t = (x - c) / h`` with centre ``c = (a + b) / 2`` and half-width ``h = (b - a) / 2``, so ``t`` is in [-1, 1].
"""

from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev, legendre, polynomial
from scipy.fft import dct

__all__ = ["BASES", "fejer_rule", "from_chebyshev", "to_unit", "vandermonde"]

BASES = {"chebyshev": chebyshev.chebvander, "legendre": legendre.legvander, "power": polynomial.polyvander}


def checked_basis(basis):
    """Return `basis` or raise a sentence that lists the ones there are."""
    if basis not in BASES:
        raise ValueError(f"basis must be one of {', '.join(BASES)}; got {basis!r}.")
    return basis


def checked_interval(interval):
    """``(a, b)`` as floats; both finite and ``a < b``, or a sentence."""
    a, b = (float(end) for end in interval)
    if not (np.isfinite(a) and np.isfinite(b) and a < b):
        raise ValueError(f"an interval needs finite ends with lower < upper; got ({a:g}, {b:g}).")
    return a, b


def to_unit(x, interval):
    """``t = (2 x - a - b) / (b - a)``: the interval ``(a, b)`` to [-1, 1]."""
    a, b = interval
    return (2.0 * np.asarray(x, dtype=np.float64) - (a + b)) / (b - a)


def vandermonde(basis, degree, x, interval):
    """``phi_j(t(x))`` for ``j = 0..degree``: array of shape ``x.shape + (degree + 1,)``.

    >>> vandermonde("chebyshev", 2, 2.0, (0.0, 2.0))
    array([1., 1., 1.])
    """
    return BASES[checked_basis(basis)](to_unit(x, interval), degree).reshape((*np.shape(x), degree + 1))


@lru_cache(maxsize=32)
def from_chebyshev(basis, degree):
    """Matrix ``C`` with ``phi_k = sum_j C[k, j] T_j``, shape ``(degree + 1, degree + 1)``.

    Rows have non-negative entries of sum 1, so moments go from Chebyshev to the other bases without loss; the way back
    amplifies errors by up to ``(1 + sqrt 2)^degree`` and is not offered.
    """
    nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
    values = BASES[checked_basis(basis)](nodes, degree)
    matrix = 2.0 / (degree + 1) * values.T @ chebyshev.chebvander(nodes, degree)
    matrix[:, 0] /= 2.0
    matrix[np.abs(matrix) < 1e-15] = 0.0
    matrix.setflags(write=False)
    return matrix


@lru_cache(maxsize=32)
def fejer_rule(points):
    """Fejer's first rule on [-1, 1]: nodes ``cos((i + 1/2) pi / N)`` and positive weights, exact to degree ``N - 1``."""
    theta = np.pi * (np.arange(points) + 0.5) / points
    k = np.arange(1, points // 2 + 1)
    # w_i = (2/N) (1 - 2 sum_k cos(2 k theta_i) / (4 k^2 - 1)); the sum by a DCT of type III
    series = np.zeros(points)
    series[0] = 1.0
    even = 2 * k[2 * k < points]
    series[even] = -1.0 / (even**2 - 1.0)
    weights = 2.0 / points * dct(series, type=3)
    nodes = np.cos(theta)
    nodes.setflags(write=False)
    weights.setflags(write=False)
    return nodes, weights
