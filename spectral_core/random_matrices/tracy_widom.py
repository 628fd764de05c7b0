"""The law of Tracy and Widom for real symmetric matrices: how the largest eigenvalue of noise scatters about the edge."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import special

from spectral_core.random_matrices.laws import inverse_distribution
from spectral_core.random_matrices.orders import whole

__all__ = ["TracyWidom"]

LOWER, UPPER = -9.0, 10.0  # F_1 is below 1e-16 at the one, 1 - F_1 below 2e-11 at the other
NODES = 64
DEGREE = 110


@cache
def _distribution():
    """``F_1`` on [LOWER, UPPER] as a Chebyshev polynomial, interpolated from determinants to 1e-13."""
    x, w = np.polynomial.legendre.leggauss(NODES)

    def determinant(s):
        half = (20.0 - s) / 4.0  # of [0, (20 - s) / 2], beyond which Ai(x + y + s) < Ai(10 + s / 2) is negligible
        nodes, root = half * (x + 1.0), np.sqrt(half * w)
        kernel = root[:, None] * special.airy(nodes[:, None] + nodes + s)[0] * root
        return np.linalg.det(np.eye(NODES) - kernel)

    return np.polynomial.Chebyshev.interpolate(np.vectorize(determinant), DEGREE, domain=(LOWER, UPPER))


@cache
def _standard_moments():
    """Mean and standard deviation: ``E T = b - int F`` and ``E (T - b)^2 = 2 int (b - s) F(s) ds`` up to ``b`` = UPPER."""
    x, w = np.polynomial.legendre.leggauss(2 * DEGREE)
    s, mass = (LOWER + UPPER + (UPPER - LOWER) * x) / 2.0, (UPPER - LOWER) / 2.0 * w
    F = _distribution()(s)
    first, second = mass @ F, 2.0 * mass @ ((UPPER - s) * F)
    return UPPER - first, np.sqrt(second - first**2)


def _check_variance(variance):
    if not 0 < variance < np.inf:
        raise ValueError(f"variance must be positive and finite; got {variance}.")


@dataclass(frozen=True)
class TracyWidom:
    """``P(x_max <= c + h t) = F_1(t) = det(I - B_t)``, ``B_t(x, y) = Ai(x + y + t)`` on ``L^2(0, inf)``.

    The largest eigenvalue of noise without a spike, `c` the `centre` and `h` the `scale`, from `wigner` or
    `sample_covariance`. The smallest one of Wigner noise is its mirror image.

    Raises
    ------
    ValueError
        ``scale <= 0``, no whole order from 1, ``variance <= 0``, or a level that is no probability.

    Notes
    -----
    Tracy and Widom 1996 give ``F_1`` by the Painleve II function; the determinant is of Ferrari and Spohn 2005,
    by the Gauss-Legendre rule of Bornemann 2010 (Mathematics of Computation 79), here with 64 points: `cdf` is right to
    1e-12, `pdf` to 1e-10. One table of 111 determinants, computed at first use (0.1 s). No product.

    Examples
    --------
    >>> law = TracyWidom()
    >>> law.mean.round(6), law.standard_deviation.round(6), law.quantile(0.95).round(4)
    (np.float64(-1.206534), np.float64(1.267983), np.float64(0.9793))
    """

    centre: float = 0.0
    scale: float = 1.0

    def __post_init__(self):
        if not (np.isfinite(self.centre) and 0 < self.scale < np.inf):
            raise ValueError(f"Tracy-Widom needs a finite centre and scale > 0; got {self.centre}, {self.scale}.")

    @classmethod
    def wigner(cls, n, *, variance=1.0):
        """Of `random_matrices.wigner`: ``c = s (2 - 1 / 2n)``, ``h = s n^(-2/3)``, ``s^2`` = `variance`.

        The ``1 / 2n`` takes the error of the mean from order ``n^(-1/3)`` of ``h`` to ``n^(-2/3)``. Source: Johnstone and
        Ma 2012 (centring ``sqrt(2n - 1)`` in their units); measured at n = 20 to 1600.

        >>> TracyWidom.wigner(1000).mean.round(4)
        np.float64(1.9874)
        """
        (n,) = whole(n=n)
        _check_variance(variance)
        s = variance**0.5
        return cls(s * (2.0 - 0.5 / n), s * n ** (-2.0 / 3.0))

    @classmethod
    def sample_covariance(cls, n, samples, *, variance=1.0):
        """``c = s2 (a + b)^2 / N``, ``h = s2 (a + b) (1/a + 1/b)^(1/3) / N``, ``a^2 = N - 1/2``, ``b^2 = n - 1/2``.

        Of `random_matrices.sample_covariance` with ``N`` = `samples` and no spikes, either of `n` and `samples` the
        larger. Source: Johnstone 2001, Theorem 1.1, with the halves of Ma 2012 in place of ``N - 1`` and
        ``n``, which take the error from order ``n^(-1/3)`` to ``n^(-2/3)``.
        """
        n, samples = whole(n=n, samples=samples)
        _check_variance(variance)
        a, b = (samples - 0.5) ** 0.5, (n - 0.5) ** 0.5
        scale = variance / samples
        return cls(scale * (a + b) ** 2, scale * (a + b) * (1.0 / a + 1.0 / b) ** (1.0 / 3.0))

    @property
    def mean(self):
        """``c - 1.206534 h``."""
        return self.centre + self.scale * _standard_moments()[0]

    @property
    def standard_deviation(self):
        """``1.267983 h``."""
        return self.scale * _standard_moments()[1]

    def cdf(self, x):
        """``F_1((x - c) / h)``."""
        t = (np.asarray(x, dtype=np.float64) - self.centre) / self.scale
        inside = np.clip(_distribution()(np.clip(t, LOWER, UPPER)), 0.0, 1.0)
        return np.where(t < LOWER, 0.0, np.where(t > UPPER, 1.0, inside))[()]

    def pdf(self, x):
        """``F_1'((x - c) / h) / h``."""
        t = (np.asarray(x, dtype=np.float64) - self.centre) / self.scale
        inside = np.maximum(_distribution().deriv()(np.clip(t, LOWER, UPPER)), 0.0)
        return (np.where((t < LOWER) | (t > UPPER), 0.0, inside) / self.scale)[()]

    def quantile(self, level):
        """``x`` with ``cdf(x) = level``, by bisection; levels within 1e-10 of 0 or 1 end at the table's ends."""
        t = inverse_distribution(TracyWidom().cdf, level, LOWER, UPPER)
        return self.centre + self.scale * t
