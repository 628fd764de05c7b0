"""The laws of random matrices: densities and moments without sampling error."""

from dataclasses import dataclass

import numpy as np

from spectral_core.polynomials import vandermonde
from spectral_core.results import Moments

__all__ = ["MarchenkoPastur", "Semicircle"]

POINTS = 4096


class _Law:
    """A continuous law whose integrals go by the midpoint rule in ``theta``, ``x = c + h cos theta``.

    ``p(x) sin theta`` is smooth and periodic in ``theta``, so the rule is exact to rounding for polynomials.
    """

    def _rule(self):
        theta = np.pi * (np.arange(POINTS) + 0.5) / POINTS
        a, b = self.support
        half = (b - a) / 2.0
        x = (a + b) / 2.0 + half * np.cos(theta)
        return x, self.pdf(x) * np.sin(theta) * half * np.pi / POINTS

    def moments(self, degree, *, interval=None, basis="chebyshev"):
        """Exact `Moments` up to `degree` on `interval` (default the support)."""
        x, mass = self._rule()
        interval = self.support if interval is None else interval
        values = mass @ vandermonde(basis, degree, x, interval)
        return Moments.exact(np.r_[1.0, values[1:]], interval=interval, basis=basis)

    def kl(self, density):
        """``KL(law || density)`` in nats, by the same rule."""
        x, mass = self._rule()
        return float(mass @ (np.log(self.pdf(x)) - np.log(density.pdf(x))))


@dataclass(frozen=True)
class Semicircle(_Law):
    """``p(x) = 2 sqrt(R^2 - (x - c)^2) / (pi R^2)`` on ``[c - R, c + R]`` (Wigner), ``R = 2 s`` for row variance ``s^2``.

    >>> Semicircle(radius=2.0).pdf(0.0).round(6)
    np.float64(0.31831)
    """

    radius: float = 2.0
    centre: float = 0.0

    @property
    def support(self):
        return self.centre - self.radius, self.centre + self.radius

    def pdf(self, x):
        """The density at `x`."""
        z = self.radius**2 - (np.asarray(x, dtype=np.float64) - self.centre) ** 2
        return 2.0 * np.sqrt(np.maximum(z, 0.0)) / (np.pi * self.radius**2)


@dataclass(frozen=True)
class MarchenkoPastur(_Law):
    """``p(x) = sqrt((x_+ - x)(x - x_-)) / (2 pi q s2 x)``, ``x_+- = s2 (1 +- sqrt q)^2``, ratio ``0 < q <= 1``.

    The thesis's Equation 4.17 has a stray factor.

    >>> MarchenkoPastur(ratio=0.25).support
    (0.25, 2.25)
    """

    ratio: float = 0.5
    variance: float = 1.0

    def __post_init__(self):
        if not (0 < self.ratio <= 1 and self.variance > 0):
            raise ValueError(
                f"Marchenko-Pastur needs 0 < ratio <= 1 and variance > 0; got {self.ratio}, {self.variance}."
            )

    @property
    def support(self):
        root = self.ratio**0.5
        return self.variance * (1 - root) ** 2, self.variance * (1 + root) ** 2

    def pdf(self, x):
        """The density at `x`."""
        x = np.asarray(x, dtype=np.float64)
        a, b = self.support
        inside = (x > a) & (x < b)
        z = np.where(inside, (b - x) * (x - a), 0.0)
        return np.sqrt(z) / (2.0 * np.pi * self.ratio * self.variance * np.where(inside, x, 1.0))
