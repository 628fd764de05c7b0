"""The laws of random matrices without sampling error: densities, distributions, moments and Stieltjes transforms."""

from dataclasses import dataclass
from functools import wraps

import numpy as np

from spectral_core.polynomials import checked_interval, vandermonde
from spectral_core.random_matrices.orders import whole
from spectral_core.results import Moments, checked_atoms

__all__ = ["MarchenkoPastur", "Semicircle"]

POINTS = 4096
BISECTIONS = 100


def inverse_distribution(cdf, level, lower, upper):
    """The least ``x`` in ``[lower, upper]`` with ``cdf(x) >= level``, by bisection to rounding."""
    level = np.asarray(level, dtype=np.float64)
    if not ((level >= 0) & (level <= 1)).all():
        raise ValueError(f"a level is a probability between 0 and 1; got {level}.")
    low, high = np.full(level.shape, float(lower)), np.full(level.shape, float(upper))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        reached = cdf(middle) >= level
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.where(cdf(np.full(level.shape, float(lower))) >= level, lower, high)[()]


def vanishing_at_infinity(stieltjes):
    """The method, 0 where `z` is infinite and ``nan`` where it is ``nan``."""

    @wraps(stieltjes)
    def extended(self, z):
        z = np.asarray(z, dtype=np.complex128)
        finite = np.isfinite(z)
        m = stieltjes(self, np.where(finite, z, 1j))
        return np.where(finite, m, np.where(np.isinf(z), 0.0, np.nan))[()]

    return extended


class _Law:
    """A continuous law, with atoms perhaps, whose integrals go by the midpoint rule in ``theta``, ``x = c + h cos theta``.

    ``p(x) sin theta`` is smooth and periodic in ``theta``, so the rule is exact to rounding for polynomials.
    """

    @property
    def atoms(self):
        """``(k, 2)`` rows ``(position, mass)`` beside the density; most laws have none."""
        return checked_atoms(None)

    @property
    def interval(self):
        """The least interval that holds the support and the atoms."""
        points = [*self.support, *self.atoms[:, 0]]
        return min(points), max(points)

    def _rule(self):
        theta = np.pi * (np.arange(POINTS) + 0.5) / POINTS
        a, b = self.support
        half = (b - a) / 2.0
        x = (a + b) / 2.0 + half * np.cos(theta)
        return x, self.pdf(x) * np.sin(theta) * half * np.pi / POINTS

    def moments(self, degree, *, interval=None, basis="chebyshev"):
        """Exact `Moments` up to `degree`, atoms among them, on `interval` (default the least that holds the law)."""
        (degree,) = whole(degree=degree)
        x, mass = self._rule()
        x, mass = np.r_[x, self.atoms[:, 0]], np.r_[mass, self.atoms[:, 1]]
        interval = checked_interval(self.interval if interval is None else interval)
        values = mass @ vandermonde(basis, degree, x, interval)
        return Moments.exact(np.r_[1.0, values[1:]], interval=interval, basis=basis)

    def kl(self, density):
        """``KL(law || density)`` in nats, by the same rule; a law with an atom has none and raises ValueError."""
        if len(self.atoms):
            raise ValueError(
                "a law with an atom has no finite KL divergence to a density; compare their distributions."
            )
        x, mass = self._rule()
        return float(mass @ (np.log(self.pdf(x)) - np.log(density.pdf(x))))

    def quantile(self, level):
        """The least ``x`` with ``F(x) >= level``, by bisection of `cdf`."""
        return inverse_distribution(self.cdf, level, *self.interval)


def _cut_root(z, support):
    """``sqrt(z - a) sqrt(z - b)``: ``~ z`` at infinity, its cut on ``[a, b]``, where real `z` means ``z + i0``."""
    return np.sqrt(z - support[0]) * np.sqrt(z - support[1])


@dataclass(frozen=True)
class Semicircle(_Law):
    """``p(x) = 2 sqrt(R^2 - (x - c)^2) / (pi R^2)`` on ``[c - R, c + R]`` (Wigner), ``R = 2 s`` for row variance ``s^2``.

    >>> Semicircle(radius=2.0).pdf(0.0).round(6)
    np.float64(0.31831)
    """

    radius: float = 2.0
    centre: float = 0.0

    def __post_init__(self):
        if not (0 < self.radius < np.inf and np.isfinite(self.centre)):
            raise ValueError(f"the semicircle needs a finite radius > 0 and centre; got {self.radius}, {self.centre}.")

    @property
    def support(self):
        return self.centre - self.radius, self.centre + self.radius

    def pdf(self, x):
        """The density at `x`."""
        z = self.radius**2 - (np.asarray(x, dtype=np.float64) - self.centre) ** 2
        return 2.0 * np.sqrt(np.maximum(z, 0.0)) / (np.pi * self.radius**2)

    def cdf(self, x):
        """``F(x) = 1/2 + (t sqrt(1 - t^2) + arcsin t) / pi``, ``t = (x - c) / R``."""
        t = np.clip((np.asarray(x, dtype=np.float64) - self.centre) / self.radius, -1.0, 1.0)
        return 0.5 + (t * np.sqrt(1.0 - t * t) + np.arcsin(t)) / np.pi

    @vanishing_at_infinity
    def stieltjes(self, z):
        """``m(z) = int p(x) / (x - z) dx = -2 / (w + sqrt(w^2 - R^2))``, ``w = z - c``.

        ``Im m > 0`` above the real axis and ``p = Im m(x + i0) / pi``; a real `z` means ``z + i0``. The thesis's
        Equation 5.11 has the other sign, its Equation 5.25 this one; in 5.15 the sign of the root must be minus.

        >>> Semicircle().stieltjes(2.5).round(12)
        np.complex128(-0.5+0j)
        """
        return -2.0 / (z - self.centre + _cut_root(z, self.support))


@dataclass(frozen=True)
class MarchenkoPastur(_Law):
    """``p(x) = sqrt((x_+ - x)(x - x_-)) / (2 pi q s2 x)``, ``x_+- = s2 (1 +- sqrt q)^2``, ratio ``q > 0``.

    The eigenvalues of ``X X.T / N``, `X` ``n x N`` with entries of variance ``s2`` and ``q = n / N``. For ``q > 1`` the
    density has mass ``1 / q`` and the atom at 0 the rest. Source: Marchenko and Pastur 1967; the thesis's Equation 4.17
    has a stray factor, its 5.31 the wrong sign of ``1 - beta`` and no ``pi``.

    >>> MarchenkoPastur(ratio=0.25).support
    (0.25, 2.25)
    """

    ratio: float = 0.5
    variance: float = 1.0

    def __post_init__(self):
        if not (0 < self.ratio < np.inf and 0 < self.variance < np.inf):
            raise ValueError(
                f"Marchenko-Pastur needs a finite ratio q = n / N > 0 and variance > 0; got {self.ratio}, "
                f"{self.variance}."
            )

    @property
    def support(self):
        """``(x_-, x_+)`` of the density; an atom lies at 0."""
        root = self.ratio**0.5
        return self.variance * (1 - root) ** 2, self.variance * (1 + root) ** 2

    @property
    def atoms(self):
        """``(0, 1 - 1/q)`` for ``q > 1``, else none."""
        return checked_atoms([(0.0, 1.0 - 1.0 / self.ratio)] if self.ratio > 1 else None)

    def pdf(self, x):
        """The density at `x`, without the atom."""
        x = np.asarray(x, dtype=np.float64)
        a, b = self.support
        inside = ~((x <= a) | (x >= b))  # nan stays nan
        z = np.where(inside, (b - x) * (x - a), 0.0)
        return np.sqrt(z) / (2.0 * np.pi * self.ratio * self.variance * np.where(inside, x, 1.0))

    def cdf(self, x):
        """``F(x)``, the atom within.

        With ``x = s2 (1 + q + 2 sqrt q cos t)``: ``1 - F = [(1 + q) t / 2 - sqrt q sin t - |1 - q| arctan(r tan(t/2))] /
        (pi q)``, ``r = |1 - sqrt q| / (1 + sqrt q)``, the integral of ``2 sin^2 t / (pi (1 + q + 2 sqrt q cos t))``.
        """
        x = np.asarray(x, dtype=np.float64)
        q, root = self.ratio, self.ratio**0.5
        cosine = np.clip((x / self.variance - 1.0 - q) / (2.0 * root), -1.0, 1.0)
        t = np.arccos(cosine)
        angle = np.arctan2(abs(1.0 - root) * np.sin(t / 2), (1.0 + root) * np.cos(t / 2))
        above = ((1.0 + q) * t / 2 - root * np.sin(t) - abs(1.0 - q) * angle) / (np.pi * q)
        return np.where(x < self.interval[0], 0.0, np.clip(1.0 - above, 0.0, 1.0))[()]

    @vanishing_at_infinity
    def stieltjes(self, z):
        """``m(z) = int p(x) / (x - z) dx = -2 / (w + r)``, ``w = z - s2 (1 - q)``, ``r = sqrt(z - x_-) sqrt(z - x_+)``.

        Conventions as for `Semicircle.stieltjes`, the atom's ``-(1 - 1/q) / z`` within. Solves ``q s2 z m^2 + w m + 1
        = 0``. Source: thesis, Equation 5.30, where ``1 - beta`` has the wrong sign twice.

        >>> MarchenkoPastur(ratio=0.25).stieltjes(-1.0).real.round(6)
        np.float64(0.531129)
        """
        w, r = z - self.variance * (1.0 - self.ratio), _cut_root(z, self.support)
        cancels = (w * r.conj()).real < 0  # then w + r loses its digits and w - r does not
        with np.errstate(divide="ignore", invalid="ignore"):  # at a pole, such as 0 for q >= 1
            return np.where(cancels, (r - w) / (2.0 * self.ratio * self.variance * z), -2.0 / (w + r))
