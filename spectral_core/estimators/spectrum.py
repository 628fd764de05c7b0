"""The spectrum of any operator at a width `sigma`: the method chosen by the width and the budget, and the reason for it."""

from dataclasses import replace
from math import isqrt
from numbers import Integral

import numpy as np
import torch

from spectral_core.estimators.chebyshev_sketch import MEMORY, chebyshev_sketch_steps
from spectral_core.estimators.kernel_polynomial import moment_steps
from spectral_core.estimators.quadrature import lanczos_quadrature, lanczos_quadrature_steps
from spectral_core.estimators.smoothing_kernels import least_degree
from spectral_core.estimators.spectrum_at_width import RESOLVED, Spectrum, checked_ends
from spectral_core.krylov.bounds import bounds
from spectral_core.operators import accept, materialise
from spectral_core.polynomials import checked_interval
from spectral_core.results import frozen, last

__all__ = ["METHODS", "eigenvalue_count", "spectrum", "spectrum_steps"]

METHODS = ("lanczos", "kpm", "chebyshev-nystrom++", "exact")
PRODUCTS_PER_ROW = 16  # from here on a sketch beats single probes: it loses at 6, ties at 13, wins at 20 (measured)
COLUMNS = 20  # the least sketch that does
LARGEST = 160  # every point of a density costs columns^3: 10 ms at this size
STEPS = 60  # beyond, orthogonality and the Ritz values of every step cost more than the products do
EXACT = 4096  # rows of the largest matrix that is solved for


def _choose(n, sigma, budget):
    """``(method, reason)`` for a width in units of half the interval."""
    columns = budget // least_degree("gaussian", sigma)
    steps = int(np.ceil(RESOLVED / (2.0 * sigma)))
    if budget >= PRODUCTS_PER_ROW * n and COLUMNS <= columns <= LARGEST:
        return "chebyshev-nystrom++", (
            f"{budget} products are {budget / n:.0f} a row, and at this sigma pay for a sketch of {columns} columns: from "
            f"{PRODUCTS_PER_ROW} a row on its rank captures what single probes only sample."
        )
    if budget < PRODUCTS_PER_ROW * n:
        no_sketch = (
            f"{budget} products are {budget / n:.2g} a row, where a sketch's rank pays from {PRODUCTS_PER_ROW} on"
        )
    elif columns < COLUMNS:
        no_sketch = (
            f"{budget} products pay for a sketch of {columns} columns only, where one of {COLUMNS} begins to pay"
        )
    else:
        no_sketch = f"a kernel this wide holds more eigenvalues than a sketch of {LARGEST} columns can tell apart"
    if steps <= STEPS:
        return "lanczos", f"{steps} Lanczos steps resolve this sigma, and find gaps and outliers too; {no_sketch}."
    return "kpm", (
        f"this sigma needs {2 * steps} moments, and beyond {STEPS} steps Lanczos vectors and their Ritz values cost more than "
        f"the products; {no_sketch}."
    )


def spectrum_steps(A, *, sigma=None, tolerance=None, method="auto", products=400, generator, interval=None):
    """Yield a valid `Spectrum` after every block product; see `spectrum`. Before the end, no finer than was paid for."""
    A = accept(A)
    n = A.shape[0]
    if method not in ("auto", *METHODS):
        raise ValueError(f"method must be auto or one of {', '.join(METHODS)}; got {method!r}.")
    if not isinstance(products, Integral) or products < 8:
        raise ValueError(f"a spectrum needs a whole number of products, at least 8; got {products}.")
    if tolerance is not None and not (np.isfinite(tolerance) and tolerance > 0):
        raise ValueError(
            f"tolerance is a share of the mass, positive and finite; got {tolerance}: None for no tolerance."
        )
    products = int(products)
    if sigma is not None and not (np.isfinite(sigma) and sigma > 0):
        raise ValueError(f"sigma must be positive and finite; got {sigma}.")
    if method == "exact" or (method == "auto" and products >= n and n <= EXACT):
        yield _exact(A, sigma, method, products)
        return
    if interval is None:
        interval, spent = _interval(A, products, generator)
    else:
        interval, spent = checked_interval(interval), 0
    half = (interval[1] - interval[0]) / 2.0
    budget = max(products - spent, 8)
    if sigma is None:  # the finest that ten probes resolve
        sigma = _extent(interval, A.dtype) / 2.0 * min(RESOLVED / (2.0 * max(budget // 10, 2)), 0.5)
    unit = sigma / half
    if method == "auto":
        method, reason = _choose(n, unit, budget)
    else:
        reason = "asked for."
    rounding = float(torch.finfo(A.dtype).eps)
    common = dict(sigma=sigma, method=method, reason=reason, interval=interval, size=n, rounding=rounding)
    yield from _runs(A, unit, budget, spent, tolerance, generator, common)


def _extent(interval, dtype):
    """Length of the interval; where it is a point to rounding the size of the eigenvalue, and 1 for the zero matrix."""
    (a, b), eps = interval, torch.finfo(dtype).eps
    if a == b == 0.0 or -a == b == 16 * eps:  # the margin that `bounds` gives to zero
        return 1.0
    size = max(abs(a), abs(b))
    return b - a if b - a > 64 * eps * size else size


def _exact(A, sigma, method, products):
    n = A.shape[0]
    if n > EXACT:
        raise ValueError(
            f"all eigenvalues are solved for up to {EXACT} rows; this matrix has {n}: choose another method."
        )
    entries = hasattr(A, "matrix")
    values = np.linalg.eigvalsh(materialise(A))
    a, b = float(values[0]), float(values[-1])
    return Spectrum(
        sigma=float(sigma or max(_extent((a, b), A.dtype), abs(b)) / 50.0),
        method="exact",
        reason="asked for."
        if method == "exact"
        else f"{products} products are as many as rows, {n}: they give every eigenvalue.",
        interval=(a, b),
        size=n,
        products=0 if entries else n,
        stopped="every eigenvalue is known",
        source=frozen(values),
        rounding=float(torch.finfo(A.dtype).eps),
    )


def _interval(A, products, generator):
    """Known, or Gershgorin's for sparse entries, or from Lanczos on a tenth of the budget; and the products spent."""
    dense = torch.is_tensor(getattr(A, "matrix", None))
    found = bounds(A, generator=generator, steps=int(np.clip(products // 40, 4, 40)), discs=not dense)
    return tuple(found), found.products


def _runs(A, unit, budget, spent, tolerance, generator, common):
    """The method's own steps, in one round; with a tolerance a second one of as many probes as the first says are missing."""
    interval, method, n = common["interval"], common["method"], common["size"]
    if method == "chebyshev-nystrom++":
        degree = least_degree("gaussian", unit)
        columns = min(budget // degree, n, LARGEST, isqrt(MEMORY // (4 * (2 * degree + 1))) - 1)
        if columns < 2:
            raise ValueError(
                f"a sketch of two columns at this sigma takes {2 * degree} products; got {budget}: choose lanczos, a larger "
                "sigma or more products."
            )
        runs = chebyshev_sketch_steps(A, degree, columns=columns, generator=generator, interval=interval)
        for sketch in runs:
            here = {**common, "sigma": max(common["sigma"], sketch.smallest_sigma())}
            result = Spectrum(**here, products=spent + sketch.products, stopped=sketch.stopped, source=sketch)
            if sketch.degree < degree:
                yield result
        yield _ended(result, tolerance)
        return
    steps = int(min(max(np.ceil(RESOLVED / (2.0 * unit)), 2), max(budget // 2, 1), n))
    probes = max(budget // steps, 2)
    first = probes if tolerance is None else min(probes, 8)
    source, done = None, 0
    for count in (first, None):
        if count is None:
            ratio = 0.0 if tolerance is None else (result.error / tolerance) ** 2
            count = int(min(np.ceil(first * ratio), probes)) - first
            if count < 2:
                break
        for part in _round(A, method, steps, count, generator, interval):
            whole = part if source is None else _merged(source, part)
            result = Spectrum(**common, products=spent + done + part.products, stopped=part.stopped, source=whole)
            if method == "lanczos":
                ends = np.clip(whole.ends, *interval)
                result = replace(result, interval=(float(ends[0]), float(ends[1])))
            result = replace(result, sigma=max(result.sigma, result.smallest_sigma))
            yield result
        source, done = whole, done + part.products
    yield _ended(result, tolerance)


def _ended(result, tolerance):
    if tolerance is None:
        return result
    reached = result.error <= tolerance
    words = "reached the tolerance" if reached else f"spent the products: error {result.error:.2g}, above {tolerance:g}"
    return replace(result, stopped=words)


def _round(A, method, steps, probes, generator, interval):
    if method == "lanczos":
        return lanczos_quadrature_steps(A, steps=steps, probes=probes, generator=generator, every=max(steps // 8, 1))
    return moment_steps(A, 2 * steps, probes=probes, generator=generator, interval=interval)


def _merged(a, b):
    """The probes of two quadratures or of two sets of moments together."""
    if hasattr(a, "samples"):
        degree = min(a.degree, b.degree)
        samples = np.concatenate([a.samples[:, : degree + 1], b.samples[:, : degree + 1]])
        return replace(a, samples=samples, products=a.products + b.products)
    depth = max(a.nodes.shape[1], b.nodes.shape[1])

    def both(x, y, mode):
        parts = (np.pad(part, ((0, 0), (0, depth - part.shape[1])), mode=mode) for part in (x, y))
        return frozen(np.concatenate(list(parts)))

    return replace(
        a, nodes=both(a.nodes, b.nodes, "edge"), weights=both(a.weights, b.weights, "constant"),
        residuals=both(a.residuals, b.residuals, "constant"), steps=min(a.steps, b.steps),
        products=a.products + b.products, complete=a.complete and b.complete,
    )  # fmt: skip


def spectrum(A, *, sigma=None, tolerance=None, method="auto", products=400, generator, interval=None):
    """The spectral density smoothed by a Gaussian of width `sigma`, by the method that fits the width and the budget.

    Parameters
    ----------
    A : operator (n, n)
    sigma : float, optional
        In the units of the eigenvalues; default the finest that ten probes of the budget resolve.
    tolerance : float, optional
        Stop where the error, integrated, is expected to be below this share of the mass; never beyond `products`.
    method : {"auto", "lanczos", "kpm", "chebyshev-nystrom++", "exact"}
        Auto, by a rule measured in ``tests.benchmarks.chebyshev_nystrom choice``: every eigenvalue where `products` reach n and
        the matrix is small; leave-one-out Chebyshev-Nystrom from 16 products a row on, where they make 20 to 160 columns; else
        Lanczos quadrature up to 60 steps, and Chebyshev moments smoothed by the Gaussian beyond.
    products : int
        At most, with those for the interval.
    generator : torch.Generator
    interval : (float, float), optional
        Holds the spectrum; default `bounds`, from a tenth of the products where nothing is known.

    Returns
    -------
    Spectrum
        ``.pdf(x) .standard_error(x) .with_sigma(s) .count(lower, upper) .method .reason .products``

    Examples
    --------
    >>> A = torch.diag(torch.linspace(0, 1, 1000, dtype=torch.float64))
    >>> s = spectrum(A, sigma=0.1, products=200, generator=torch.Generator().manual_seed(0), interval=(0, 1))
    >>> s.method, s.pdf(0.5).round(1), s.with_sigma(0.2).sigma
    ('lanczos', np.float64(1.0), 0.2)
    """
    return last(
        spectrum_steps(
            A,
            sigma=sigma,
            tolerance=tolerance,
            method=method,
            products=products,
            generator=generator,
            interval=interval,
        )
    )


def eigenvalue_count(A, lower, upper, *, products=400, generator):
    """How many eigenvalues lie between `lower` and `upper`, which may be infinite: Lanczos bounds on the mass.

    Ten probes of at most 100 steps, more probes beyond; every eigenvalue where `products` reach n. `products` are at least 4.

    Returns
    -------
    Estimate
        ``value +- standard_error``, which is "bounds", no standard error: it holds the doubt at both ends besides the spread
        over probes, and is often several times the spread over runs (`Spectrum.count`).

    Examples
    --------
    >>> A = torch.diag(torch.arange(1000.0, dtype=torch.float64))
    >>> found = eigenvalue_count(A, 99.5, 399.5, products=500, generator=torch.Generator().manual_seed(0))
    >>> bool(abs(found.value - 300) < 3 * found.standard_error)
    True
    """
    A = accept(A)
    n = A.shape[0]
    if not isinstance(products, Integral) or products < 4:
        raise ValueError(f"a count needs a whole number of products, at least 4; got {products}.")
    products = int(products)
    lower, upper = checked_ends(lower, upper)
    exact = products >= n and n <= EXACT
    steps = int(np.clip(products // 10, 2, 100))
    result = None
    if exact:
        result = spectrum(A, method="exact", products=products, generator=generator)
    else:
        q = lanczos_quadrature(A, steps=steps, probes=max(products // steps, 2), generator=generator)
        result = Spectrum(
            sigma=1.0, method="lanczos", reason="counts have bounds.", interval=q.ends, size=n, products=q.products,
            stopped=q.stopped, source=q, rounding=float(torch.finfo(A.dtype).eps),
        )  # fmt: skip
    return result.count(lower, upper)
