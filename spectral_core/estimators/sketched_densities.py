"""Smoothed densities as re-evaluations of what was paid for: of Chebyshev moments, or of a sketch of the polynomials."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from spectral_core.blas_threads import one_blas_thread
from spectral_core.densities import Density
from spectral_core.estimators.chebyshev_nystrom import TRACES
from spectral_core.estimators.smoothing_kernels import expansion, expansion_floor, peak
from spectral_core.polynomials import to_unit
from spectral_core.results import Moments, checked_atoms, mean_and_standard_error

__all__ = ["SampledDensity", "SketchedDensity", "SmoothedMoments"]

BLOCK = 1 << 22  # numbers in a batch of small matrices


@dataclass(frozen=True, eq=False)
class SampledDensity(Density):
    """``p(x)``: a deterministic part and samples, one a probe, whose mean is added and whose spread gives the bar.

    Attributes
    ----------
    sigma : float
        Width of the kernel, in the units of the eigenvalues.
    kernel : {"gaussian", "lorentzian", "jackson"}
    estimator : {"xnystrom", "nystrom++", "nystrom", "hutchinson"}
    interval : (float, float)
        Holds the spectrum.
    size, products : int
    """

    sigma: float
    kernel: str
    estimator: str
    interval: tuple[float, float]
    size: int
    products: int
    _last: dict = field(default_factory=dict, repr=False, init=False)

    atoms = checked_atoms(None)
    bar = "standard error"

    @property
    def support(self):
        """The interval and what the kernel adds to it; a Lorentzian's tails reach further."""
        reach = 0.0 if self.kernel == "jackson" else (8.0 if self.kernel == "gaussian" else 30.0) * self.sigma
        return self.interval[0] - reach, self.interval[1] + reach

    @property
    def points(self):
        """Of the Fejer rule: three to a sigma where they are widest apart."""
        a, b = self.support
        return int(np.ceil(1.5 * np.pi * (b - a) / self.sigma)) + 16

    def _parts(self, x):
        """The deterministic part ``(len(x),)`` and the samples ``(probes, len(x))``."""
        raise NotImplementedError

    def _at(self, x):
        x = np.asarray(x, dtype=np.float64)
        key = x.tobytes()
        entry = self._last.get("entry")  # one object, so that two threads never mix their points
        if entry is None or entry[0] != key:
            mean, error = self._summary(*self._parts(x.ravel()))
            unknown = np.isnan(x.ravel())
            entry = self._last["entry"] = (key, tuple(np.where(unknown, np.nan, part) for part in (mean, error)))
        return tuple(part.reshape(x.shape).copy() for part in entry[1])

    def _summary(self, captured, samples):
        mean, error = mean_and_standard_error(samples)
        return captured + mean, error

    def pdf(self, x):
        return self._at(x)[0]

    def standard_error(self, x):
        """What `bar` says: a standard error, or the order of magnitude of the error, which covers nothing for sure."""
        return self._at(x)[1]

    def __getstate__(self):
        return {**self.__dict__, "_last": {}}

    def _panels(self, edges):
        """Six-point Gauss nodes on panels of at most two sigma between successive edges: nodes, weights and bins."""
        z, w = np.polynomial.legendre.leggauss(6)
        nodes, weights, bins = [], [], []
        for index, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
            ends = np.linspace(low, high, max(1, int(np.ceil((high - low) / (2.0 * self.sigma)))) + 1)
            half = np.diff(ends)[:, None] / 2.0
            nodes.append(((ends[:-1] + ends[1:])[:, None] / 2.0 + half * z).ravel())
            weights.append((half * w).ravel())
            bins.append(np.full(nodes[-1].size, index))
        return np.concatenate(nodes), np.concatenate(weights), np.concatenate(bins)

    def bin_masses(self, edges):
        """Mass between successive edges, by Gauss quadrature."""
        edges = np.asarray(edges, dtype=np.float64)
        inside = np.clip(edges, *self.support)
        x, w, bins = self._panels(inside)
        return np.bincount(bins, weights=w * self.pdf(x), minlength=len(edges) - 1)

    def mass_between(self, lower, upper):
        """``int_lower^upper p``: the mass and its error, from the samples' own integrals; no product."""
        low, high = np.clip([lower, upper], *self.support)
        if not lower < upper:
            raise ValueError(f"an interval needs its lower end first; got {lower:g} and {upper:g}.")
        x, w, _ = self._panels([low, high])
        mass, error = self._summary(*(part @ w for part in self._parts(x)))
        return float(mass), float(error)


@dataclass(frozen=True, eq=False)
class SmoothedMoments(SampledDensity):
    """Girard-Hutchinson from Chebyshev moments alone: ``p(t) = sum_l mu_l(t) m_l``, no square, hence twice the degree.

    Source: Lin, Saad and Yang 2016, section 3.2 (the delta-Gauss-Chebyshev expansion); poster, section 1.
    """

    moments: Moments = None
    non_negative: bool = False

    def _parts(self, x):
        half = (self.interval[1] - self.interval[0]) / 2.0
        mu = expansion(
            self.kernel,
            to_unit(x, self.interval),
            self.sigma / half,
            self.moments.degree,
            non_negative=self.non_negative,
        )
        with one_blas_thread():
            samples = self.moments.samples @ (mu.T / half)
        return np.zeros(len(x)), samples


@dataclass(frozen=True, eq=False)
class SketchedDensity(SampledDensity):
    """Nystrom, Nystrom++ or leave-one-out Nystrom on a `ChebyshevSketch`: a re-evaluation of it, no product.

    `bar` says what `standard_error` is: Nystrom++ has a standard error over its probes; the leave-one-out samples depend on each
    other and Nystrom's error is a bias, so these two report an error scale.
    """

    sketch: object = field(default=None, repr=False)
    non_negative: bool = False

    @property
    def bar(self):
        """ "standard error" for Nystrom++, else "error scale"."""
        return "standard error" if self.estimator == "nystrom++" else "error scale"

    def _summary(self, captured, samples):
        if self.estimator == "nystrom":
            return captured, samples.mean(axis=0)
        return super()._summary(captured, samples)

    @cached_property
    def _half(self):
        return (self.interval[1] - self.interval[0]) / 2.0

    def _parts(self, x):
        sketch, sigma = self.sketch, self.sigma / self._half
        height = peak(self.kernel, sigma)
        floor = expansion_floor(self.kernel, sigma, sketch.degree, non_negative=self.non_negative)
        cut = height * max(4.0 * np.sqrt(sketch.rounding), 2.0 * floor)
        zero = height * max(10.0 * sketch.rounding, floor)
        k = sketch.columns // 2 if self.estimator == "nystrom++" else sketch.columns
        p = sketch.columns - k if self.estimator == "nystrom++" else k
        captured, samples = np.zeros(len(x)), np.zeros((p, len(x)))
        batch = max(1, BLOCK // max(sketch.columns**2, 2 * sketch.degree))
        with one_blas_thread():
            C0 = sketch.gram()
            for start in range(0, len(x), batch):
                part = slice(start, start + batch)
                K1, K2 = sketch.small_matrices(
                    x[part], self.sigma, kernel=self.kernel, non_negative=self.non_negative, squares_of=k
                )
                # where B(t) is numerically zero its pseudo-inverse is noise: the density is zero there
                means = (np.diagonal(K1, axis1=1, axis2=2) / np.diagonal(C0)).mean(axis=1)
                kept = np.flatnonzero(means > zero)
                if len(kept):
                    at = start + kept
                    captured[at], samples[:, at] = TRACES[self.estimator](
                        K1[kept], K2[kept], C0, size=self.size, cut=cut
                    )
        scale = 1.0 / (self.size * self._half)
        return captured * scale, samples * scale
