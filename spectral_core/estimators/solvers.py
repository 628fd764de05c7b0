"""``(A + shift I) x = b`` from products: conjugate gradients, and the Neumann series."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.krylov.bounds import bounds
from spectral_core.krylov.conjugate_gradients import conjugate_gradient_steps, dot
from spectral_core.operators import AffineOperator, accept
from spectral_core.results import frozen, last

__all__ = ["METHODS", "Solution", "solve", "solve_steps"]

STEPS = 10  # of Lanczos on four probes, for the interval that the Neumann series needs


@dataclass(frozen=True, eq=False)
class Solution:
    """``x`` of ``(A + shift I) x = b``.

    Attributes
    ----------
    x : (n,) float64
    residual : float
        ``||b - (A + shift I) x|| / ||b||``: of the last item formed anew from this definition, of those before by recurrence.
    products : int
    converged : bool
        ``residual <= tolerance``.
    stopped : str
    """

    x: np.ndarray
    residual: float
    products: int
    converged: bool
    stopped: str


def solve_steps(A, b, *, shift=0.0, method="cg", tolerance=1e-6, products=None, interval=None, generator=None):
    """Yield a `Solution` after every product; the last one with its true residual.

    ``cg``: conjugate gradients; ``||x_j - x||_A <= 2 ((sqrt K - 1)/(sqrt K + 1))^j ||x||_A`` with the condition number K.

    ``neumann``: ``x_j = a sum_(i<j) (I - a B)^i b`` with ``B = A + shift I`` and ``a = 1 / lambda_max``. It converges where
    ``0 < a B < 2 I``, so that B is positive definite, and ``||x_j - x|| <= (1 - lambda_min / lambda_max)^j ||x||``: K steps
    where conjugate gradients take sqrt K.

    Parameters
    ----------
    A : operator (n, n)
    b : (n,) array or tensor
    shift : float
        Above ``-lambda_min(A)``, so that the matrix is positive definite.
    method : {"cg", "neumann"}
    tolerance : float
        On the residual, relative to b.
    products : int, optional
        At most so many, at least 2, those of the last residual and of the interval among them; by default
        ``max(1000, 10 n)``.
    interval : (float, float), optional
        Holds the spectrum of A, for the Neumann series; by default that of `bounds`, which may take 40 products.
    generator : torch.Generator, optional
        For `bounds`; a Neumann series without `interval` needs it where the operator knows none of its own.

    Raises
    ------
    ValueError
        A direction of negative curvature or a diverging series, so that the matrix is not positive definite: it says how
        small an eigenvalue was seen, and the shift to take. A product that is not finite; b of another shape.

    Notes
    -----
    One product a step, and one for the last residual. Sources: Hestenes and Stiefel 1952; Saad 2003, equation 6.128 and
    section 4.2.1 (Richardson's iteration, whose iterates are the partial sums of the series).
    """
    A, n = accept(A), A.shape[0]
    if torch.is_complex(b) if torch.is_tensor(b) else np.iscomplexobj(b):
        raise ValueError("the right-hand side must be real; got complex numbers: solve for both parts.")
    b = b.detach() if torch.is_tensor(b) else torch.as_tensor(np.array(b, dtype=np.float64))
    b = b.to(dtype=A.dtype, device=A.device)
    limit = max(1000, 10 * n) if products is None else products
    if b.shape != (n,) or not torch.isfinite(b).all():
        raise ValueError(f"the right-hand side must be {n} finite numbers; got shape {tuple(b.shape)}.")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}.")
    if not (np.isfinite(tolerance) and tolerance > 0 and np.isfinite(shift)):
        raise ValueError(f"a positive tolerance and a finite shift are needed; got {tolerance} and {shift}.")
    if limit < 2:
        raise ValueError(f"a step and its residual take 2 products; got {limit}.")
    B, size, spent, x, r = AffineOperator(A, shift=shift), dot(b, b) ** 0.5, 0, torch.zeros_like(b), b
    options = {"interval": interval, "generator": generator, "shift": shift, "limit": limit}
    steps = METHODS[method](A, B, b, **options) if size > 0 else ()
    for x, r, spent, note in steps:
        residual = dot(r, r) ** 0.5 / size
        yield Solution(frozen(x.double().cpu().numpy()), residual, spent, residual <= tolerance, note)
        if residual <= tolerance or spent >= limit - 1:
            break
    if spent:
        r, spent = b - B @ x, spent + 1
    residual = dot(r, r) ** 0.5 / (size or 1.0)
    converged = residual <= tolerance
    reason = "the residual is as small as asked for" if converged else "spent the products asked for"
    if not converged and spent < limit:
        reason = "rounding allows no smaller residual: use float64, or a larger tolerance or shift"
    yield Solution(frozen(x.double().cpu().numpy()), residual, spent, converged, reason)


def solve(A, b, *, shift=0.0, method="cg", tolerance=1e-6, products=None, interval=None, generator=None):
    """The last item of `solve_steps`.

    Examples
    --------
    >>> A = torch.diag(torch.tensor([1.0, 3.0], dtype=torch.float64))
    >>> solve(A, [2.0, 2.0], shift=1.0).x.round(9)
    array([1. , 0.5])
    """
    options = {"products": products, "interval": interval, "generator": generator}
    return last(solve_steps(A, b, shift=shift, method=method, tolerance=tolerance, **options))


def _conjugate_gradients(A, B, b, *, shift, **unused):
    for step in conjugate_gradient_steps(B, b):
        if step.curvature <= 0:
            raise ValueError(_not_positive(step.curvature, shift, f"p.(A + shift I) p / p.p = {step.curvature:.3g}"))
        if step.products:
            yield step.x, step.r, step.products, f"{step.products} steps of conjugate gradients"


def _neumann(A, B, b, *, shift, interval, generator, limit):
    lower, upper, spent = _interval(A, interval, generator)
    if spent + 2 > limit:
        raise ValueError(
            f"the interval took {spent} products and {limit} are allowed: pass interval=, or more products."
        )
    lower, upper = lower + shift, upper + shift
    if upper <= 0:
        raise ValueError(_not_positive(upper, shift, f"every eigenvalue of A + shift I is at most {upper:.3g}"))
    rate = f"; an error at most {1 - lower / upper:.6g} times the last" if lower > 0 else ""
    slack = 1.0 + 100 * torch.finfo(A.dtype).eps
    x, r, before = torch.zeros_like(b), b.clone(), dot(b, b)
    while before > 0:
        Br, spent = B @ r, spent + 1
        quotient = dot(r, Br) / before
        x.add_(r, alpha=1.0 / upper)
        r.sub_(Br, alpha=1.0 / upper)
        after = dot(r, r)
        if not np.isfinite(after):
            raise ValueError("a product with the matrix is NaN or infinite: look for such entries, or for an overflow.")
        if after > slack * before and quotient > 0:
            raise ValueError(
                f"the Neumann series diverges: the residual grows, so an eigenvalue lies beyond {upper:.3g} or below 0: pass "
                "a wider interval=, or a larger shift."
            )
        if quotient <= 0:
            raise ValueError(
                _not_positive(quotient, shift, f"r.(A + shift I) r / r.r = {quotient:.3g}, the series diverges")
            )
        before = after
        yield x, r, spent, f"{spent} products of the Neumann series{rate}"


def _interval(A, interval, generator):
    """Ends of the spectrum of A, and the products that they took."""
    if interval is not None:
        return (*interval, 0)
    known = any(getattr(A, name, None) is not None for name in ("interval", "matrix")) or torch.is_tensor(A)
    if not known and generator is None:
        raise ValueError("the Neumann series needs interval=, or generator= to find one by products.")
    found = bounds(A, generator=generator, steps=STEPS)
    return found.lower, found.upper, found.products


def _not_positive(smallest, shift, seen):
    least = shift - smallest
    trial = f", such as {least - smallest:.2g}" if smallest < 0 else ""
    return (
        f"A + shift I is not positive definite: {seen}, so A has an eigenvalue of {0.0 - least:.4g} or less: take a shift above "
        f"{least:.4g}{trial}; sc.eigenpairs(A, 1, 'bottom') finds the least that will do."
    )


METHODS = {"cg": _conjugate_gradients, "neumann": _neumann}
