"""Sketched Chebyshev polynomials ``C_l = Z.T T_l(A) Z``: paid for once, then every kernel, width and grid is free."""

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
import torch

from spectral_core.estimators.chebyshev_nystrom import ESTIMATORS
from spectral_core.estimators.sketched_densities import SmoothedMoments
from spectral_core.estimators.smoothing_kernels import checked_kernel, expansion, least_degree, least_sigma, squared
from spectral_core.estimators.streamed_sketch import RunningSums, Sketch, StreamedSketch
from spectral_core.krylov.bounds import bounds
from spectral_core.operators import accept, recurrence_
from spectral_core.polynomials import checked_interval, to_unit
from spectral_core.probes import draw_probes
from spectral_core.results import Moments, last

__all__ = ["ChebyshevSketch", "chebyshev_sketch", "chebyshev_sketch_steps", "sketch_memory"]

MEMORY = 1 << 30


def sketch_memory(degree, columns, *, size=0):
    """Bytes of the store, ``8 (2 degree + 1) columns (columns + 1) / 2``, and of three blocks of vectors of length `size`.

    >>> sketch_memory(1000, 40) / 1e6
    13.12656
    """
    return 8 * (2 * degree + 1) * columns * (columns + 1) // 2 + 24 * size * columns


@dataclass(frozen=True, eq=False)
class ChebyshevSketch(Sketch):
    """``C_l = Z.T T_l(A) Z`` for ``l = 0..2 degree``, all columns of `Z` against all.

    Attributes
    ----------
    packed : (2 degree + 1, columns (columns + 1) / 2) array
        Rows of the lower triangles, so that the first columns of the sketch are a sketch (`restricted`).
    degree, columns, size, products : int
    interval : (float, float)
        Mapped to [-1, 1]; holds the spectrum.
    rounding : float
        Unit rounding of the products' precision.
    """

    packed: np.ndarray = None

    @property
    def memory(self):
        """Bytes of the store."""
        return self.packed.nbytes

    def gram(self):
        """``C_0 = Z.T Z``."""
        return self.packed[0][self._index()]

    def restricted(self, columns):
        """The sketch of the first `columns` columns alone, as if only they had been paid for; no product, no copy."""
        if not isinstance(columns, Integral) or not 2 <= columns <= self.columns:
            raise ValueError(f"columns must be a whole number from 2 to the {self.columns} there are; got {columns}.")
        columns = int(columns)
        start = self.products - self.degree * self.columns
        view = self.packed[:, : columns * (columns + 1) // 2]
        return replace(self, packed=view, columns=columns, products=start + self.degree * columns)

    def smallest_sigma(self, kernel="gaussian", *, estimator="xnystrom", non_negative=False):
        """The smallest sigma whose kernel the degree resolves, in the units of the eigenvalues.

        Girard-Hutchinson needs no square of the kernel and so can use all ``2 degree`` moments: half as wide.
        """
        degree = 2 * self.degree if estimator == "hutchinson" else self.degree
        return least_sigma(kernel, degree, non_negative=non_negative) * (self.interval[1] - self.interval[0]) / 2.0

    def products_for(self, sigma, kernel="gaussian", *, estimator="xnystrom", non_negative=False):
        """Products that a sketch of as many columns would need beyond this one's for `sigma`: 0 where this one will do."""
        half = (self.interval[1] - self.interval[0]) / 2.0
        degree = least_degree(kernel, sigma / half, non_negative=non_negative)
        if estimator == "hutchinson":
            degree = (degree + 1) // 2
        return max(degree - self.degree, 0) * self.columns

    def moments(self):
        """The `Moments` of the diagonals: one row a column of `Z`, up to ``2 degree``."""
        diagonal = np.arange(self.columns)
        samples = self.packed[:, diagonal * (diagonal + 1) // 2 + diagonal]
        samples = np.clip(samples / samples[0], -1.0, 1.0)
        return Moments(samples.T, self.interval, size=self.size, products=self.products, stopped=self.stopped)

    def small_matrices(self, x, sigma, *, kernel="gaussian", non_negative=False, squares_of=None):
        """``K1 = Z.T B(t) Z`` and ``K2 = Z.T B(t)^2 Z`` for all points `x`: one matrix product each.

        `squares_of` columns are enough for Nystrom++'s ``K2``. Units: of [-1, 1], where ``g`` integrates to 1.
        """
        half = (self.interval[1] - self.interval[0]) / 2.0
        t = to_unit(x, self.interval)
        mu = expansion(kernel, t, sigma / half, self.degree, non_negative=non_negative)
        k = squares_of or self.columns
        index = self._index()
        K1 = mu @ self.packed[: self.degree + 1]
        K2 = squared(mu) @ self.packed[:, : k * (k + 1) // 2]
        return K1[:, index], K2[:, index[:k, :k]]

    def density(self, sigma, *, estimator="xnystrom", kernel="gaussian", non_negative=False, strict=True):
        """The smoothed spectral density; no product.

        Parameters
        ----------
        sigma : float
            Width of the kernel, in the units of the eigenvalues.
        estimator : {"xnystrom", "nystrom++", "nystrom", "hutchinson"}
            Leave-one-out Nystrom and Nystrom with all columns in the sketch; Nystrom++ with half of them; Girard-Hutchinson.
        kernel : {"gaussian", "lorentzian", "jackson"}
            Standard deviation, half-width at half-maximum, or Jackson's kernel, `sigma` wide in the middle of the interval.
        non_negative : bool
            Expand ``sqrt(g)`` and square: ``B(t)`` is then positive semi-definite whatever the degree, but expanded less closely.
        strict : bool
            False also for a `sigma` below `smallest_sigma`, where the expansion rings.

        Returns
        -------
        SketchedDensity or SmoothedMoments
            ``.pdf(x) .standard_error(x) .bar .sigma .products .mass_between(lower, upper)``

        Raises
        ------
        ValueError
            A `sigma` below what the degree resolves, with the number of products that are missing.
        """
        if estimator not in ESTIMATORS:
            raise ValueError(f"estimator must be one of {', '.join(ESTIMATORS)}; got {estimator!r}.")
        checked_kernel(kernel, sigma)
        missing = self.products_for(sigma, kernel, estimator=estimator, non_negative=non_negative)
        if missing and (strict or kernel == "jackson"):
            least = self.smallest_sigma(kernel, estimator=estimator, non_negative=non_negative)
            raise ValueError(
                f"sigma = {sigma:.3g} is below {least:.3g}, the smallest that degree {self.degree} resolves: it needs "
                f"{missing} more products, degree {self.degree + missing // self.columns} at {self.columns} columns."
            )
        if estimator != "hutchinson":
            return self._density(sigma, estimator, kernel, non_negative)
        return SmoothedMoments(
            sigma=float(sigma), kernel=kernel, estimator=estimator, interval=self.interval, size=self.size,
            products=self.products, moments=self.moments(), non_negative=non_negative,
        )  # fmt: skip


def chebyshev_sketch_steps(
    A, degree, *, columns, generator, interval=None, streamed=None, kernel="gaussian", non_negative=False, memory=MEMORY
):
    """Yield valid sketches of rising degree, one after every block product.

    With ``V_l = T_l(A) Z`` and `A` mapped from `interval` to [-1, 1]: ``C_(2l) = 2 V_l.T V_l - C_0`` and
    ``C_(2l+1) = 2 V_(l+1).T V_l - C_1``, so that degree ``2 m``, which the squares need, takes `m` products a column.

    Parameters
    ----------
    A : operator (n, n)
    degree : int
        ``m``: the kernels' highest degree; `smoothing_kernels.least_degree` knows it for a sigma.
    columns : int
        All of the probes, at most n; they serve every estimator. Spheres of radius ``sqrt n``.
    generator : torch.Generator
    interval : (float, float), optional
        Holds the spectrum; default `krylov.bounds`.
    streamed : (sigmas, x), optional
        Add up ``K1(t)`` and ``K2(t)`` for these widths and ascending points instead of keeping the ``C_l``:
        ``8 len(sigmas) len(x) columns (columns + 1)`` bytes whatever the degree. One sketch, yielded at the end.
    kernel, non_negative
        Of the streamed sums.
    memory : int
        Bytes that the store may take.

    Yields
    ------
    ChebyshevSketch or StreamedSketch

    Raises
    ------
    ValueError
        More columns than rows, an eigenvalue outside the interval, or a store above `memory`.

    Notes
    -----
    The published algorithm spends ``2 m`` products a column. Inner products are in float64. Memory: `sketch_memory`.
    Source: poster, "Chebyshev-Nystrom++ algorithm"; Matti, Lam, He and Kressner 2025 (arXiv 2502.18626), algorithm 5.1.
    """
    A = accept(A)
    n, spent = A.shape[0], 0
    if not isinstance(degree, int) or degree < 2:
        raise ValueError(f"the degree must be a whole number, at least 2; got {degree}.")
    if not isinstance(columns, Integral) or not 2 <= columns <= n:
        raise ValueError(f"columns must be a whole number from 2 to the {n} rows of the matrix; got {columns}.")
    columns = int(columns)
    packed_size = columns * (columns + 1) // 2
    sums = None if streamed is None else RunningSums(*streamed, kernel, non_negative, degree, packed_size)
    wanted = 8 * (2 * degree + 1) * packed_size if sums is None else sums.memory
    if wanted > memory:
        raise ValueError(
            f"the store takes {wanted / 1e9:.2g} GB, above the {memory / 1e9:.2g} GB allowed: fewer columns, a smaller degree, "
            "or streamed=(sigmas, x) for widths and points named beforehand."
        )
    if interval is None:
        found = bounds(A, generator=generator)
        interval, spent = tuple(found), found.products
    interval = checked_interval(interval)
    rounding = float(torch.finfo(A.dtype).eps)
    Z = draw_probes(n, columns, generator=generator, kind="sphere", dtype=A.dtype, device=A.device)
    rows, places = np.tril_indices(columns)
    if sums is None:
        packed = np.empty((2 * degree + 1, packed_size))
    else:
        sums.start(interval)

    for l, blocks in _recurrence(A, Z, degree, interval, rows, places):
        done = l == degree
        common = dict(
            degree=l, columns=columns, interval=interval, size=n, products=spent + l * columns, rounding=rounding,
            stopped="reached the degree asked for" if done else f"degree {l} of {degree}",
        )  # fmt: skip
        if sums is None:
            for order, block in blocks:
                packed[order] = block
            if l >= 2 or done:
                view = packed[: 2 * l + 1]
                view.setflags(write=False)
                yield ChebyshevSketch(**common, packed=view)
        else:
            for order, block in blocks:
                sums.add(order, block)
            if done:
                yield StreamedSketch(**common, **sums.finish())


def _recurrence(A, Z, degree, interval, rows, places):
    """Yield ``(l, [(order, packed C_order), ...])`` after every block product."""
    lower, upper = interval
    scale, shift = 2.0 / (upper - lower), -(upper + lower) / (upper - lower)
    slack = 1.0 + 1e3 * float(torch.finfo(A.dtype).eps)

    flat = rows * Z.shape[1] + places

    def gram(U, V):  # symmetric up to rounding, V_(l+1).T V_l too: polynomials of one matrix commute
        return (U.double().T @ V.double()).cpu().numpy().ravel().take(flat)

    first = gram(Z, Z)
    largest = first[rows == places].max()
    previous, current = Z, recurrence_(A, Z, torch.zeros_like(Z), scale, shift)
    second = gram(current, previous)
    blocks = [(0, first), (1, second)]
    for l in range(1, degree + 1):
        if l > 1:
            target = previous if previous is not Z else Z.clone()
            previous, current = current, recurrence_(A, current, target, 2.0 * scale, 2.0 * shift)
            blocks = [(2 * l - 1, 2.0 * gram(current, previous) - second)]
        blocks.append((2 * l, 2.0 * gram(current, current) - first))
        worst = np.abs(blocks[-1][1]).max() / largest
        if not worst <= slack + 1e-9 * l:
            raise ValueError(
                f"an eigenvalue lies outside the interval ({lower:g}, {upper:g}) or a product is not finite (the sketch of "
                f"T_{2 * l} is {worst:.3g} times that of T_0): pass a wider interval, or none to have one found."
            )
        yield l, blocks


def chebyshev_sketch(
    A, degree, *, columns, generator, interval=None, streamed=None, kernel="gaussian", non_negative=False, memory=MEMORY
):
    """The last item of `chebyshev_sketch_steps`.

    Examples
    --------
    >>> A = torch.diag(torch.linspace(-1, 1, 50, dtype=torch.float64))
    >>> sketch = chebyshev_sketch(A, 100, columns=10, generator=torch.Generator().manual_seed(0), interval=(-1, 1))
    >>> sketch.products, sketch.density(0.1).pdf(0.0).round(2)
    (1000, np.float64(0.52))
    """
    return last(
        chebyshev_sketch_steps(
            A, degree, columns=columns, generator=generator, interval=interval, streamed=streamed, kernel=kernel,
            non_negative=non_negative, memory=memory,
        )
    )  # fmt: skip
