"""The lab's seven estimators of a smoothed spectrum: what each is paid, and its curve at any sigma that was paid for."""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

import spectral_core as sc
from spectral_core.estimators.chebyshev_sketch import ChebyshevSketch
from spectral_core.estimators.smoothing_kernels import jackson_degree, least_degree, least_sigma, smoothed_spectrum
from spectral_core.interruption import stop_if_asked
from spectral_core.results import Moments, mean_and_standard_error

__all__ = [
    "ESTIMATORS",
    "SKETCHED",
    "Curve",
    "Measured",
    "Split",
    "curve",
    "keeps_vectors",
    "lanczos_runs",
    "points",
    "split_of",
    "truth",
]

ESTIMATORS = {
    "xnystrom": "Leave-one-out XNys",
    "nystrom++": "Nyström++",
    "nystrom": "Nyström",
    "hutchinson": "Girard–Hutchinson",
    "lanczos": "Lanczos quadrature",
    "kpm": "KPM–Jackson",
    "maxent": "Maximum entropy",
}
ROLES = {"lanczos": "smoothed", "kpm": "kernel polynomial"}  # the others' are their names
SKETCHED = ("xnystrom", "nystrom++", "nystrom", "hutchinson")
MOMENTS = 100  # that maximum entropy is given, at most
FINE = 3.0  # points to a sigma
BEYOND = 5.0  # sigmas past the ends of the interval, where less than 1e-6 of the smoothed mass is left
ORTHOGONAL, LARGEST_BASIS = 100, 100_000  # Lanczos steps and rows up to which the vectors are kept
MANY = 5000  # eigenvalues; more are gathered into bins of a twentieth of sigma
AT_ONCE = 128  # points between two looks at whether the run is to stop
BLOCK, REACH = 64, 8.0  # points at once, and sigmas beyond which a Gaussian is nothing
BASIS = 1 << 29  # bytes of Lanczos vectors that are kept at once


@dataclass(frozen=True)
class Split:
    """How `products` are spent for a `sigma` in units of half the interval: depth by width of each family.

    ``degree * columns``, ``steps * lanczos_probes`` and ``ceil(moments / 2) * probes`` are at most `products`.
    """

    degree: int
    columns: int
    steps: int
    lanczos_probes: int
    moments: int
    probes: int

    @property
    def unit_sigma(self) -> float:
        """The smallest sigma that the sketch resolves, in units of half the interval."""
        return least_sigma("gaussian", self.degree)

    def spent(self, name: str) -> int:
        """Products of an estimator."""
        if name in SKETCHED:
            return self.degree * self.columns
        return self.steps * self.lanczos_probes if name == "lanczos" else -(-self.moments // 2) * self.probes

    def words(self, name: str) -> str:
        """How an estimator spends them."""
        if name in SKETCHED:
            return f"{self.columns} columns × {self.degree}"
        if name == "lanczos":
            return f"{self.lanczos_probes} probes × {self.steps} steps"
        return f"{self.probes} probes × {-(-self.moments // 2)}"


def split_of(products: int, sigma: float, n: int) -> Split:
    """The split that resolves `sigma` (in units of half the interval) first, and spends the rest on probes.

    The sketch needs degree m = 5/sigma for kernel and square, m products a column. A Lanczos rule of k steps is exact to
    degree 2k - 1, so that half the steps do for the kernel alone; Jackson's kernel has degree pi/sigma, two moments a product.
    """
    degree = max(2, min(least_degree("gaussian", sigma), products // 2))
    steps = min(max(2, degree // 2 + 1), n)
    moments = max(2, min(jackson_degree(sigma), 2 * products))
    return Split(
        degree,
        min(max(2, products // degree), n),
        steps,
        min(max(1, products // steps), n),
        moments,
        min(max(1, products // -(-moments // 2)), n),
    )


@dataclass(frozen=True, eq=False)
class Measured:
    """What was paid for so far: the sketch, the Lanczos quadrature and the moments, each None until it is there; and the truth.

    `eigenvalues` are all of them, or None where they are not known.
    """

    interval: tuple[float, float]
    eigenvalues: np.ndarray | None = None
    sketch: ChebyshevSketch | None = None
    quadrature: sc.Quadrature | None = None
    moments: Moments | None = None

    @property
    def half(self) -> float:
        """Half the interval's width."""
        return (self.interval[1] - self.interval[0]) / 2.0

    def source(self, name: str):
        """What an estimator is evaluated from, or None."""
        return self.sketch if name in SKETCHED else self.quadrature if name == "lanczos" else self.moments

    def smallest_sigma(self, name: str) -> float:
        """The smallest sigma that was paid for, in the units of the eigenvalues."""
        if name in SKETCHED:
            return self.sketch.smallest_sigma(estimator=name)
        if name == "lanczos":
            return (
                0.0 if self.quadrature.complete else self.half * least_sigma("gaussian", 2 * self.quadrature.steps - 1)
            )
        return self.half * np.pi / self.moments.degree if name == "kpm" else 0.0

    def missed(self, found, sigma) -> float:
        """``int |p - p_exact|`` of a `Curve`; NaN where nothing is known."""
        if self.eigenvalues is None:
            return float("nan")
        return float(abs(found.y - truth(self.eigenvalues, sigma, found.x)).sum() * (found.x[1] - found.x[0]))

    def missing(self, name: str, sigma: float) -> int:
        """Products that a smaller `sigma` needs beyond these; 0 where these will do."""
        if self.smallest_sigma(name) <= sigma * (1 + 1e-9):
            return 0
        if name in SKETCHED:
            return self.sketch.products_for(sigma, estimator=name)
        if name == "lanczos":
            more = least_degree("gaussian", sigma / self.half) // 2 + 1 - self.quadrature.steps
            return more * self.quadrature.probes
        return -(-(jackson_degree(sigma / self.half) - self.moments.degree) // 2) * self.moments.probes

    def single(self, name: str, place: int):
        """The same from one probe alone, the `place`-th; Nystrom's need two columns, the first two."""
        if name == "lanczos":
            return replace(self, quadrature=self.quadrature.single_probes()[place])
        if name in SKETCHED:
            return replace(self, sketch=self.sketch.restricted(2))
        row = self.moments.samples[place : place + 1]
        return replace(self, moments=replace(self.moments, samples=row))

    def singles(self, name: str) -> int:
        """How many single probes there are to look at."""
        return 1 if name in SKETCHED else self.quadrature.probes if name == "lanczos" else self.moments.probes


@dataclass(frozen=True, eq=False)
class Curve:
    """A density at the points `x` with its error bar, which may be infinite or zero where there is none."""

    x: np.ndarray
    y: np.ndarray
    error: np.ndarray


def lanczos_runs(operator, steps, probes, seed):
    """Quadratures of a growing number of steps, sixteen at most: finding the nodes of each takes longer than a step."""
    yield from sc.lanczos_quadrature_steps(
        operator, steps=steps, probes=probes, generator=torch.Generator().manual_seed(seed), memory=BASIS,
        reorthogonalise=keeps_vectors(operator.shape[0], steps), every=-(-steps // 16),
    )  # fmt: skip


def keeps_vectors(n: int, steps: int) -> bool:
    """Whether keeping all Lanczos vectors orthogonal takes no longer than the products, about."""
    return steps <= ORTHOGONAL and n <= LARGEST_BASIS


def points(interval, sigma) -> np.ndarray:
    """Evenly spaced, three to a sigma, over the interval and a sixteenth or five sigma more on each side.

    The points hold all mass of the smoothed spectrum, so that an L1 error over them is a share of the mass 1.
    The ends of the interval, where KPM's density is divided by 0, lie midway between two points.
    """
    low, width = interval[0], interval[1] - interval[0]
    inside = int(np.clip(np.ceil(FINE * width / sigma), 64, 6000))
    outside = max(inside // 16, int(np.ceil(BEYOND * sigma * inside / width)))
    return low + width / inside * (np.arange(-outside, inside + outside) + 0.5)


def curve(measured: Measured, name: str, sigma: float, x=None) -> Curve:
    """The density of an estimator at `sigma`; ValueError with the sentence where that was not paid for.

    KPM with the kernel of this width is the estimate itself; quadrature and maximum entropy estimate the spectrum, and are
    smoothed by the Gaussian like the exact one.
    """
    x = points(measured.interval, sigma) if x is None else x
    if missing := measured.missing(name, sigma):
        raise ValueError(f"{ESTIMATORS[name]} needs {missing:,} more products for sigma = {sigma:.3g}.")
    if name in SKETCHED:
        density = measured.sketch.density(sigma, estimator=name)
    elif name == "lanczos":
        density = measured.quadrature.density(sigma)
    elif name == "kpm":
        density = sc.kernel_polynomial(measured.moments.truncated(jackson_degree(sigma / measured.half)))
    else:
        return _smoothed_fit(_fit(measured.moments), sigma, x)
    parts = []
    for start in range(0, len(x), AT_ONCE):
        stop_if_asked()
        part = x[start : start + AT_ONCE]
        parts.append((density.pdf(part), density.standard_error(part)))
    return Curve(x, *map(np.concatenate, zip(*parts, strict=True)))


def truth(eigenvalues, sigma, x) -> np.ndarray:
    """The exact smoothed density: of very many eigenvalues, by their means in bins of a twentieth of sigma."""
    if len(eigenvalues) <= MANY:
        return smoothed_spectrum(eigenvalues, x, sigma)
    place = np.unique(np.floor(eigenvalues * (20.0 / sigma)), return_inverse=True)[1]
    counts = np.bincount(place)
    return _mixture(np.bincount(place, weights=eigenvalues) / counts, counts / len(eigenvalues), sigma, x)


@lru_cache(maxsize=256)
def _fit(moments):
    return sc.maxent(moments, degree=min(MOMENTS, moments.degree))


def _smoothed_fit(fit, sigma, x):
    nodes, mass = fit.rule()
    y = _mixture(nodes, mass, sigma, x)
    if fit.moments_given.probes < 2:
        return Curve(x, y, np.full(len(x), np.inf))
    rule = np.divide(mass, fit.pdf(nodes), out=np.zeros_like(mass), where=mass > 0)
    error = mean_and_standard_error(_mixture(nodes, (fit.shifts(nodes) * rule).T, sigma, x).T)[1]
    return Curve(x, y, error)


def _mixture(nodes, weights, sigma, x):
    """``sum_i w_i g_sigma(x - theta_i)`` at ascending `x`, nodes within `REACH` sigma; `weights` (k,) or (k, samples)."""
    order = np.argsort(nodes)
    nodes, weights, parts = nodes[order], weights[order], []
    for start in range(0, len(x), BLOCK):
        block = x[start : start + BLOCK]
        near = slice(*np.searchsorted(nodes, (block[0] - REACH * sigma, block[-1] + REACH * sigma)))
        z = (block[:, None] - nodes[near]) / sigma
        parts.append(np.exp(-0.5 * z * z) @ weights[near])
    return np.concatenate(parts) / (sigma * np.sqrt(2.0 * np.pi))
