"""``y.A^-1 y`` by conjugate gradients, with bounds that hold whatever the rounding."""

from dataclasses import dataclass

import numpy as np

from spectral_core.krylov.conjugate_gradients import conjugate_gradient_steps, dot
from spectral_core.operators import accept

__all__ = ["QuadraticForm", "inverse_quadratic_steps"]


@dataclass(frozen=True, eq=False)
class QuadraticForm:
    """``value`` of ``y.A^-1 y`` and ``bracket``, bounds on it; `products` spent, `converged`, and why it stopped."""

    value: float
    bracket: tuple[float, float]
    products: int
    converged: bool
    stopped: str


def inverse_quadratic_steps(A, y, *, products=500, tolerance=1e-6, lower_bound=None, precondition=None):
    """Yield a `QuadraticForm` after every product; ``y.A^-1 y = x.(y + r) + r.A^-1 r`` with ``r = y - A x`` for any `x`.

    The last term lies between 0 and ``r.r / lower_bound``: a bound that needs no exact arithmetic, as the last residual
    is formed anew from its definition.

    Parameters
    ----------
    A : operator (n, n)
        Positive definite.
    y : (n,) tensor
        Of A's dtype and device.
    products : int
        At most so many, the one of the last residual among them.
    tolerance : float
        Stops where the width of the bracket is at most `tolerance` times the value.
    lower_bound : float, optional
        Positive and at most every eigenvalue; default ``A.interval[0]``. Without one the bracket is open above, and the
        iteration stops at ``|r| <= tolerance |y|``.
    precondition : callable, optional
        ``r -> M^-1 r`` for ``(n,)`` tensors, M positive definite and near A.

    Raises
    ------
    ValueError
        A direction of negative curvature, so A is not positive definite; a product that is not finite.

    Notes
    -----
    One product a step. Source: Hestenes and Stiefel 1952; Golub and Meurant 2010, section 8.1 (the identity is theirs for
    ``x = x_k``; it holds for every x).

    Examples
    --------
    >>> import torch
    >>> A, y = torch.diag(torch.tensor([1.0, 2.0], dtype=torch.float64)), torch.ones(2, dtype=torch.float64)
    >>> [*_, q] = inverse_quadratic_steps(A, y, lower_bound=1.0)
    >>> round(q.value, 9), q.products
    (1.5, 3)
    """
    A = accept(A)
    if lower_bound is None:
        lower_bound = (getattr(A, "interval", None) or (0.0,))[0]
    spent, size, value, converged = 0, dot(y, y), 0.0, False

    def form(residual, stopped):
        width = dot(residual, residual) / lower_bound if lower_bound > 0 else np.inf
        return QuadraticForm(value, (value, value + width), spent, converged, stopped)

    def enough(residual):
        square = dot(residual, residual)
        return square <= (tolerance * lower_bound * value if lower_bound > 0 else tolerance**2 * size)

    for step in conjugate_gradient_steps(A, y, precondition=precondition):
        spent = step.products
        if step.curvature <= 0:
            raise ValueError(
                f"the matrix is not positive definite: p.A p / p.p = {step.curvature:.3g} for a direction p of "
                f"conjugate gradients: add a jitter, {-2 * step.curvature:.0e} to try first, as noise."
            )
        if spent:
            value = dot(step.x, y + step.r)
            yield form(step.r, f"{spent} steps of conjugate gradients")
        if spent >= products - 1 or enough(step.r):
            break
    r = step.r
    if spent:
        r = y - A @ step.x
        spent += 1
    value = dot(step.x, y + r)
    converged = enough(r)
    if not converged and spent < products:
        reason = "rounding allows no smaller residual"
    else:
        reason = "the bracket is as narrow as asked for" if converged else "spent the products asked for"
    yield form(r, reason)
