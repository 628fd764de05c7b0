"""Newton's step on a slice of a few coordinates, damped, with the curvatures as they are or by magnitude."""

import numpy as np

__all__ = ["newton"]


def newton(gradient, hessian, x, *, learning_rate=1.0, damping=0.0, magnitude=True):
    """``x <- x - alpha Q (|L| + delta)^-1 Q.T g`` with ``H = Q L Q.T``; with `magnitude` false ``(L + delta)^-1``.

    By magnitude it leaves saddles along negative curvature (saddle-free Newton); without, it is attracted to them. A curvature
    of zero without damping has no step: the iterate becomes infinite.

    Parameters
    ----------
    gradient, hessian : callables
        ``x -> (d,)`` and ``x -> (d, d)`` arrays.
    x : (d,) array
    learning_rate, damping : float
        ``alpha``, ``delta >= 0``.

    Notes
    -----
    On a positive definite quadratic the first step with ``alpha = 1, delta = 0`` is the minimum. Source: Dauphin et al. 2014,
    section 5; the thesis's Equation 6.6 is the same with all but a few eigenvalues taken as 0.

    Examples
    --------
    >>> steps = newton(lambda x: 4.0 * x, lambda x: np.diag([4.0]), np.array([3.0]))
    >>> next(steps)[0].tolist()
    [0.0]
    """
    if damping < 0:
        raise ValueError(f"damping is 0 or more; got {damping}.")
    while True:
        g, H = gradient(x), hessian(x)
        if np.isfinite(H).all():
            values, Q = np.linalg.eigh(H)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                x = x - learning_rate * (Q @ ((Q.T @ g) / ((np.abs(values) if magnitude else values) + damping)))
        else:
            x = np.full_like(x, np.nan)
        yield x, x
