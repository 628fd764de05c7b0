"""Power iteration with and without momentum, and every estimate on its way: what Lanczos is measured against."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.operators import accept
from spectral_core.results import frozen, last

__all__ = ["PowerIteration", "lanczos_bound", "power_bound", "power_iteration", "power_iteration_steps"]


@dataclass(frozen=True, eq=False)
class PowerIteration:
    """The Rayleigh quotient after each product.

    Attributes
    ----------
    values : (k,) array
        ``x.A x`` of the normalised iterate: a lower bound of the largest eigenvalue, in its units.
    residuals : (k,) array
        ``||A x - value x||``: an eigenvalue lies within this distance of the value.
    vector : (n,) array
        The iterate that the last value is of.
    momentum : float
    products : int
    stopped : str
    """

    values: np.ndarray
    residuals: np.ndarray
    vector: np.ndarray
    momentum: float
    products: int
    stopped: str

    @property
    def value(self):
        """The last estimate."""
        return float(self.values[-1])


def power_iteration_steps(A, start, *, products, momentum=0.0):
    """``x_(k+1) = A x_k - b x_(k-1)``, rescaled: yield a valid `PowerIteration` after each product.

    Parameters
    ----------
    A : operator (n, n)
        Its eigenvalue of largest modulus is found; with momentum the largest one of a positive semi-definite matrix.
    start : (n,) tensor
        Not zero, nor orthogonal to the eigenvector sought.
    products : int
        One a value.
    momentum : float
        ``b >= 0``, in squared units of the eigenvalues. Best is ``lambda_2^2 / 4``, which nobody knows beforehand; beyond
        ``lambda_1^2 / 4`` nothing converges.

    Raises
    ------
    ValueError
        No product, a negative momentum, a start that is zero or not finite, or a product that is not finite.

    Notes
    -----
    With ``b = 0`` the iterate is ``A^k x`` and the error falls by ``(lambda_2 / lambda_1)^2`` a product; with the best
    momentum it is a Chebyshev polynomial of `A` on ``[-lambda_2, lambda_2]``. The value is always ``x.A x``: reading it
    off the update, ``x_k . (A x_k - b x_(k-1))``, as some codes do, is off by `b` once the iterate stands still.
    Sources: Golub and Van Loan 2013, section 8.2.1; Xu, He, De Sa, Mitliagkas and Re 2018, Algorithm 1.
    """
    A = accept(A)
    if products < 1 or momentum < 0.0:
        raise ValueError(f"power iteration needs a product and a momentum of at least 0; got {products}, {momentum:g}.")
    x = torch.as_tensor(start, dtype=A.dtype, device=A.device)
    length = float(torch.linalg.vector_norm(x))
    if not (0.0 < length < np.inf):
        raise ValueError("the starting vector is zero or not finite: draw it with spectral_core.probes.draw_probes.")
    x = x / length
    before = torch.zeros_like(x)
    values, residuals = [], []
    for count in range(1, products + 1):
        y = A @ x
        value = float(x @ y)
        if not np.isfinite(value):
            raise ValueError("a product with the matrix is NaN or infinite: look for such entries, or for an overflow.")
        values.append(value)
        residuals.append(float(torch.linalg.vector_norm(y - value * x)))
        following = y - momentum * before
        length = float(torch.linalg.vector_norm(following))
        ended = length == 0.0  # the whole iterate lies in the null space
        stopped = "the iterate vanished" if ended else f"product {count} of {products}"
        yield PowerIteration(
            frozen(values), frozen(residuals), frozen(x.cpu().numpy()), float(momentum), count, stopped
        )
        if ended:
            return
        x, before = following / length, x / length


def power_iteration(A, start, *, products, momentum=0.0):
    """The last item of `power_iteration_steps`.

    Examples
    --------
    >>> A = torch.diag(torch.tensor([3.0, 1.0, 0.5], dtype=torch.float64))
    >>> power_iteration(A, torch.ones(3), products=20).value
    3.0
    """
    return last(power_iteration_steps(A, start, products=products, momentum=momentum))


def power_bound(ratio, products):
    """``(lambda_2 / lambda_1)^(2 (m - 1))``: the share of ``(lambda_1 - lambda_n) tan^2 phi`` left after `m` products.

    `ratio` is ``lambda_1 / lambda_2``; arrays broadcast. Holds where no eigenvalue is negative. Source: thesis Theorem 5
    and ``R_(k-1)`` of its Table 4.5; the theorem's exponent ``2 m - 1`` is not the table's.

    >>> float(round(power_bound(1.5, 5), 3))
    0.039
    """
    return np.asarray(ratio, dtype=np.float64) ** (-2.0 * (np.asarray(products) - 1))


def lanczos_bound(gap, products):
    """``1 / T_(m-1)(1 + 2 gap)^2``: the same share after `m` products of Lanczos.

    Parameters
    ----------
    gap : float or array
        ``(lambda_1 - lambda_2) / (lambda_2 - lambda_n)``; Table 4.5 of the thesis has ``lambda_n = 0``, so ``ratio - 1``.
    products : int or array

    Notes
    -----
    ``phi`` is the angle between the starting vector and the eigenvector (the thesis writes ``theta_1``, its name of the
    Ritz value, for it). Source: thesis Theorem 4 and ``L_(k-1)`` of its Table 4.5; Kaniel 1966, Paige 1971.

    >>> float(round(lanczos_bound(0.5, 5), 5))
    0.00011
    """
    angle = np.arccosh(1.0 + 2.0 * np.asarray(gap, dtype=np.float64))
    return np.cosh((np.asarray(products) - 1) * angle) ** -2.0
