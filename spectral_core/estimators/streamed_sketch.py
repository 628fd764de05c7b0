"""A sketch that keeps only the sums for widths and points named beforehand: its memory does not grow with the degree."""

from dataclasses import dataclass

import numpy as np

from spectral_core.blas_threads import one_blas_thread
from spectral_core.estimators.chebyshev_nystrom import TRACES
from spectral_core.estimators.sketched_densities import SketchedDensity
from spectral_core.estimators.smoothing_kernels import checked_kernel, expansion, squared
from spectral_core.polynomials import to_unit
from spectral_core.results import frozen

__all__ = ["RunningSums", "Sketch", "StreamedSketch"]

CHUNK = 64  # degrees added to the sums in one matrix product


@dataclass(frozen=True, eq=False)
class Sketch:
    """What a sketch is, however it is kept: `degree` products a column, all in `products`, with those for the interval."""

    degree: int
    columns: int
    interval: tuple[float, float]
    size: int
    products: int
    rounding: float
    stopped: str

    def _density(self, sigma, estimator, kernel, non_negative):
        return SketchedDensity(
            sigma=float(sigma), kernel=kernel, estimator=estimator, interval=self.interval, size=self.size,
            products=self.products, sketch=self, non_negative=non_negative,
        )  # fmt: skip

    def _index(self):
        i, j = np.meshgrid(np.arange(self.columns), np.arange(self.columns), indexing="ij")
        high, low = np.maximum(i, j), np.minimum(i, j)
        return high * (high + 1) // 2 + low


@dataclass(frozen=True, eq=False)
class StreamedSketch(Sketch):
    """``K1(t)`` and ``K2(t)`` for the widths and points named beforehand: no other sigma or point can be asked afterwards.

    Attributes
    ----------
    sigmas, x : arrays
    sums1, sums2 : (sigmas, points, columns (columns + 1) / 2) arrays
    """

    sigmas: np.ndarray = None
    x: np.ndarray = None
    kernel: str = "gaussian"
    non_negative: bool = False
    sums1: np.ndarray = None
    sums2: np.ndarray = None
    start: np.ndarray = None

    @property
    def memory(self):
        """Bytes of the sums."""
        return self.sums1.nbytes + self.sums2.nbytes

    def gram(self):
        """``C_0 = Z.T Z``."""
        return self.start[self._index()]

    def small_matrices(self, x, sigma, *, kernel="gaussian", non_negative=False, squares_of=None):
        """As `ChebyshevSketch.small_matrices`, at points and widths that were accumulated."""
        places = np.searchsorted(self.x, x)
        places = np.minimum(places, len(self.x) - 1)
        if not np.array_equal(self.x[places], x):
            raise ValueError("a streamed sketch knows its own grid alone: ask at the points x that it was given.")
        which, index, k = int(np.flatnonzero(self.sigmas == sigma)[0]), self._index(), squares_of or self.columns
        return self.sums1[which, places][:, index], self.sums2[which, places][:, index[:k, :k]]

    def density(self, sigma, *, estimator="xnystrom"):
        """The smoothed density at one of the `sigmas`, to be asked at the points `x` only; no product."""
        if estimator not in TRACES:
            raise ValueError(f"a streamed sketch has the estimators {', '.join(TRACES)}; got {estimator!r}.")
        if sigma not in self.sigmas:
            raise ValueError(
                f"a streamed sketch keeps sums for sigma = {', '.join(f'{s:g}' for s in self.sigmas)} alone; got {sigma:g}: "
                "run it again with this one, or keep the whole store."
            )
        return self._density(sigma, estimator, self.kernel, self.non_negative)


class RunningSums:
    """The running sums ``sum_l mu_l(t) C_l`` and ``sum_l nu_l(t) C_l`` of a streamed sketch."""

    def __init__(self, sigmas, x, kernel, non_negative, degree, size):
        self.sigmas, self.x = frozen(np.atleast_1d(sigmas)), frozen(np.atleast_1d(x))
        if (np.diff(self.x) <= 0).any():
            raise ValueError("the points of a streamed sketch must ascend.")
        for sigma in self.sigmas:
            checked_kernel(kernel, sigma)
        self.kernel, self.non_negative, self.degree, self.size = kernel, non_negative, degree, size
        self.memory = 16 * len(self.sigmas) * len(self.x) * size

    def start(self, interval):
        half, t = (interval[1] - interval[0]) / 2.0, to_unit(self.x, interval)
        mu = [expansion(self.kernel, t, s / half, self.degree, non_negative=self.non_negative) for s in self.sigmas]
        self.mu = np.concatenate(mu)
        self.nu = squared(self.mu)
        self.sums1 = np.zeros((len(self.mu), self.size))
        self.sums2 = np.zeros((len(self.mu), self.size))
        self.orders, self.blocks, self.first = [], [], None

    def add(self, order, block):
        self.first = block if order == 0 else self.first
        self.orders.append(order)
        self.blocks.append(block)
        if len(self.orders) == CHUNK:
            self._flush()

    def _flush(self):
        orders, blocks = np.array(self.orders), np.array(self.blocks)
        low = orders <= self.degree
        with one_blas_thread():
            if low.any():
                self.sums1 += self.mu[:, orders[low]] @ blocks[low]
            self.sums2 += self.nu[:, orders] @ blocks
        self.orders, self.blocks = [], []

    def finish(self):
        if self.orders:
            self._flush()
        shape = (len(self.sigmas), len(self.x), self.size)
        return dict(
            sigmas=self.sigmas, x=self.x, kernel=self.kernel, non_negative=self.non_negative,
            sums1=frozen(self.sums1.reshape(shape)), sums2=frozen(self.sums2.reshape(shape)), start=frozen(self.first),
        )  # fmt: skip
