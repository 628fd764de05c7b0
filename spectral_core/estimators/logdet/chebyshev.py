"""The log-determinant by Chebyshev interpolation of the logarithm."""

import numpy as np
import torch

from spectral_core.estimators.logdet.quadrature import (
    default_steps,
    known_lower_bound,
    refuse_singular,
    sums_rounding,
    with_bracket,
)
from spectral_core.estimators.logdet.result import LogDeterminant
from spectral_core.krylov.bounds import gershgorin
from spectral_core.krylov.chebyshev import chebyshev_moment_steps
from spectral_core.operators import accept
from spectral_core.probes import draw_probes
from spectral_core.results import frozen, mean_and_standard_error

__all__ = ["chebyshev_steps"]


def log_coefficients(lower, upper, degree):
    """Coefficients of ``log`` on ``[lower, upper]`` in ``T_0..T_degree``, and the largest error of the sum.

    With ``q = (sqrt b - sqrt a) / (sqrt b + sqrt a)``:
    ``log x = log((sqrt a + sqrt b)^2 / 4) + 2 sum_j (-1)^(j+1) q^j / j T_j(t)``, so that no error exceeds
    ``2 sum_(j > m) q^j / j = -2 log(1 - q) - 2 sum_(j <= m) q^j / j``, which it is at ``x = a``.
    """
    a, b = np.sqrt(lower), np.sqrt(upper)
    q, j = (b - a) / (b + a), np.arange(1, degree + 1)
    terms = 2.0 * q**j / j
    tail = -2.0 * np.log(2.0 * a / (b + a)) - terms.sum()
    rounding = 4.0 * np.finfo(np.float64).eps * (1.0 + abs(np.log(a)) + abs(np.log(b)))
    return np.r_[2.0 * np.log((a + b) / 2.0), np.where(j % 2, terms, -terms)], max(tail, 0.0) + rounding


def chebyshev_steps(A, *, products=1500, steps=None, probes=None, lower_bound=None, generator):
    """Yield ``log det A ~ sum_j c_j tr T_j(A)`` after every product, as a `LogDeterminant`.

    ``c_j`` are the Chebyshev coefficients of the logarithm on ``[lower_bound, upper]``, with the upper end from
    Gershgorin's discs, or the largest Ritz value and its residual where the entries are not known, and the traces are
    means over random probes, two degrees a product. The bracket is the value plus and minus ``n`` times the truncation
    error of the series, a theorem where the interval is.

    Parameters
    ----------
    A : operator (n, n)
        Positive definite.
    products : int
        At most so many are spent, with those of a Lanczos run where the interval is not known.
    steps, probes : int, optional
        Products a probe, half the degree, as `default_steps` says, and as many probes as `products` pays for: 30 and 50
        for 1500.
    lower_bound : float, optional
        Positive and at most every eigenvalue; default ``A.interval[0]``. Without one the lower end is half the smallest
        Ritz value of that run, a guess: the bracket is open then.
    generator : torch.Generator

    Raises
    ------
    ValueError
        A is not positive definite, or has an eigenvalue outside the interval.

    Notes
    -----
    `standard_error` is ``sqrt(s^2 / p + b^2 / 12)`` with ``b`` the width of the bracket. Source: Han, Malioutov and Shin
    2015. They interpolate and bound the error by ``20 log(2 / d) / ((K - 1) K^m)``; the coefficients of the series are
    known, and so is its tail, which is smaller.

    Examples
    --------
    >>> import torch
    >>> A = torch.diag(torch.arange(1.0, 9.0, dtype=torch.float64))
    >>> [*_, y] = chebyshev_steps(A, products=100, lower_bound=1.0, generator=torch.Generator().manual_seed(0))
    >>> bool(y.lower < 10.6046 < y.upper)
    True
    """
    A = accept(A)
    n = A.shape[0]
    lower_bound = known_lower_bound(A, lower_bound)
    a, upper, spent = _interval(A, lower_bound, products, generator)
    known = lower_bound is not None
    note = f"on [{a:.3g}, {upper:.3g}]"
    if not known:
        note += (
            ", whose lower end is a guess, as no lower bound on the eigenvalues is known: the truncation has no bound"
        )
    steps = steps or default_steps(products - spent)
    probes = probes or (products - spent) // steps
    if probes < 2:
        raise ValueError(f"an error bar needs 2 probes, {2 * steps + spent} products; got {products}.")
    V = draw_probes(n, probes, generator=generator, dtype=A.dtype, device=A.device)
    history = []
    try:
        for moments, cost in chebyshev_moment_steps(A, V, degree=2 * steps, interval=(a, upper)):
            degree = moments.shape[1] - 1
            coefficients, truncation = log_coefficients(a, upper, degree)
            value, spread = (float(x) for x in mean_and_standard_error(n * (moments @ coefficients)))
            amplified = 2.0 * (np.abs(coefficients) @ np.arange(degree + 1)) * upper / (upper - a)
            rounding = sums_rounding(n, A.dtype) * max(n, abs(value))
            rounding += torch.finfo(A.dtype).eps * n**0.5 * float(amplified)
            bound = n * truncation + rounding if known else np.inf
            error = with_bracket(float(np.hypot(spread, rounding)), 2.0 * bound, midpoint=True)
            history.append((spent + cost, value, error))
            outweighs = ", which outweighs the probes' error: take more steps" if known and bound > spread else ""
            yield LogDeterminant(
                value=value,
                standard_error=error,
                products=spent + cost,
                degrees_of_freedom=probes - 1,
                stopped=f"degree {degree} of {2 * steps} {note}"
                + (f"; the truncation is at most {bound:.3g}{outweighs}" if known else ""),
                method="chebyshev",
                size=n,
                bracket=(value - bound, value + bound),
                monte_carlo_error=spread,
                history=frozen(history),
            )
    except ValueError:
        refuse_singular(A, steps=50, generator=generator)  # where that is why a moment exceeded 1
        raise


def _interval(A, lower_bound, products, generator):
    """``(lower, upper, products)``: from theory and Gershgorin's discs as far as they go, else from a Lanczos run."""
    matrix = getattr(A, "matrix", A if torch.is_tensor(A) else None)
    lower, spent = lower_bound, 0
    upper = gershgorin(matrix).upper if matrix is not None else (getattr(A, "interval", None) or (0.0, np.inf))[1]
    if lower is None or matrix is None:
        run = refuse_singular(A, steps=max(1, min(30, products // 10)), generator=generator)
        ritz, spent = np.linalg.eigvalsh(run.tridiagonal()), run.products
        upper = min(upper, float(ritz[-1] + run.beta[-1, 0]))
        lower = lower or float(ritz[0]) / 2.0
    eps = torch.finfo(A.dtype).eps
    if lower > upper * (1.0 + 10.0 * eps * A.shape[0] ** 0.5):
        raise ValueError(
            f"lower_bound = {lower:g} is not a lower bound: no eigenvalue is above {upper:g}. Pass a smaller one, or none."
        )
    # products are rounded by about eps times their size, which the polynomials see as a share of the interval's width
    pad = max(0.0, max(1e-6, 1e4 * eps) * upper - (upper - lower)) / 2.0
    return lower - pad, upper * (1.0 + 16.0 * eps) + pad, spent
