"""A smoothed spectrum that knows how it was found: other widths and counts of eigenvalues, without a product."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from spectral_core.densities import Density, SmoothedDensity
from spectral_core.estimators.mass_bounds import mass_between
from spectral_core.estimators.sketched_densities import SmoothedMoments
from spectral_core.results import Estimate, frozen

__all__ = ["RESOLVED", "Spectrum", "checked_ends"]

RESOLVED = 3.0  # moments times sigma: the smoothed series is then within 1 % of a kernel's peak


def checked_ends(lower, upper):
    """The ends of an interval, which may be infinite; ``lower < upper``, or a sentence."""
    if not lower < upper:
        raise ValueError(f"an interval needs its lower end first; got {lower:g} and {upper:g}.")
    return float(lower), float(upper)


@dataclass(frozen=True, eq=False)
class _Exact(SmoothedDensity):
    def standard_error(self, x):
        return np.zeros(np.shape(x))


@dataclass(frozen=True, eq=False)
class Spectrum:
    """A smoothed spectral density that knows how it was found, and can be asked at other widths and for counts.

    Attributes
    ----------
    sigma : float
        Standard deviation of the Gaussian, in the units of the eigenvalues.
    method : {"lanczos", "kpm", "chebyshev-nystrom++", "exact"}
    reason : str
        Why this method, in a sentence.
    interval : (float, float)
        Holds the spectrum.
    size, products : int
    stopped : str
    rounding : float
        Unit rounding of the products' precision.
    """

    sigma: float
    method: str
    reason: str
    interval: tuple[float, float]
    size: int
    products: int
    stopped: str
    source: object = field(repr=False)
    rounding: float = float(np.finfo(np.float64).eps)

    @cached_property
    def density(self) -> Density:
        """The density object behind `pdf`: what `figures` and the other estimators take."""
        return self._density(self.sigma)

    def _density(self, sigma):
        if self.method == "exact":
            weights = np.full((1, self.size), 1.0 / self.size)
            return _Exact(self.source[None], frozen(weights), float(sigma), "gaussian", self.products)
        if self.method == "lanczos":
            return self.source.density(sigma)
        if self.method == "kpm":
            return SmoothedMoments(
                sigma=float(sigma), kernel="gaussian", estimator="hutchinson", interval=self.interval, size=self.size,
                products=self.products, moments=self.source,
            )  # fmt: skip
        return self.source.density(sigma, strict=False)

    @property
    def smallest_sigma(self):
        """The least width that what was paid for resolves; 0 where every eigenvalue is known."""
        half = (self.interval[1] - self.interval[0]) / 2.0
        if self.method == "chebyshev-nystrom++":
            return self.source.smallest_sigma()
        if self.method == "exact" or (self.method == "lanczos" and self.source.complete):
            return 0.0
        return RESOLVED * half / (2 * self.source.steps if self.method == "lanczos" else self.source.degree)

    @property
    def bar(self):
        """What `standard_error` is: "standard error", "error scale" or "exact"."""
        return "exact" if self.method == "exact" else getattr(self.density, "bar", "standard error")

    def pdf(self, x):
        """Density at `x`: eigenvalues per unit of `x`, as a share of all."""
        return self.density.pdf(x)

    def standard_error(self, x):
        """The error of `pdf` in the sense of `bar`; 0 where every eigenvalue is known."""
        return self.density.standard_error(x)

    @cached_property
    def error(self):
        """``int standard_error``: what the L1 error of the density is expected to be at most, as a share of its mass 1."""
        a, b = self.interval
        reach = 4.0 * self.sigma
        x = np.linspace(a - reach, b + reach, int(np.clip((b - a + 2 * reach) / self.sigma, 50, 1000)))
        return float(self.standard_error(x).mean() * (x[-1] - x[0]))

    def with_sigma(self, sigma):
        """The same spectrum at another width: no product.

        Raises
        ------
        ValueError
            Below `smallest_sigma`, with the products that it would take.
        """
        if not (np.isfinite(sigma) and sigma > 0):
            raise ValueError(f"sigma must be positive and finite; got {sigma}.")
        least = self.smallest_sigma
        if sigma < least * (1.0 - 1e-9) and sigma < self.sigma:
            needed = int(np.ceil(self.products * least / sigma))
            raise ValueError(
                f"sigma = {sigma:.3g} is below {least:.3g}, the smallest that {self.products} products resolve: about {needed} "
                "products with as many probes would do; run again with products=..., sigma=..."
            )
        return replace(self, sigma=float(sigma))

    def count(self, lower, upper):
        """How many eigenvalues lie between `lower` and `upper`, which may be infinite; no product.

        Eigenvalues within rounding of an end, ``max(16, sqrt n) eps max|lambda|``, belong inside.

        Returns
        -------
        Estimate
            Its `standard_error` is no standard error but "bounds": it holds the doubt at both ends besides the sampling error,
            and is often several times the spread over runs. Lanczos: half the distance of
            the Gauss-Radau bounds (`mass_between`). Chebyshev, at the smallest sigma there is:
            ``|N - N_sigma| <= n sigma sqrt(pi/2) [p(lower) + p(upper)]``, from ``Phi(-d/sigma) <= exp(-d^2/(2 sigma^2))/2``.
        """
        lower, upper = checked_ends(lower, upper)
        rounding = max(16.0, np.sqrt(self.size)) * self.rounding * max(abs(end) for end in self.interval)
        lower, upper = lower - rounding, upper + rounding
        if self.method == "exact":
            found = int(((self.source >= lower) & (self.source <= upper)).sum())
            return Estimate(float(found), 0.0, self.products, bar="exact", stopped=self.stopped)
        if self.method == "lanczos":
            share = mass_between(self.source, lower, upper)
            mass, error, probes = share.value, share.error, self.source.probes
        else:
            sigma = min(self.smallest_sigma, self.sigma)
            density = self._density(sigma)
            mass, sampling = density.mass_between(lower, upper)
            ends = np.array([lower, upper])
            doubt = np.maximum(density.pdf(ends), 0.0) + density.standard_error(ends)
            error = sampling + sigma * np.sqrt(np.pi / 2.0) * float(doubt.sum())
            probes = self.source.columns if self.method == "chebyshev-nystrom++" else self.source.probes
        value = self.size * float(np.clip(mass, 0.0, 1.0))
        return Estimate(
            value,
            self.size * error,
            self.products,
            degrees_of_freedom=max(probes - 1, 1),
            bar="bounds",
            stopped=self.stopped,
        )
