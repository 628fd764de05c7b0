"""Lanczos that restarts from its best Ritz vectors, so that a bounded basis finds eigenpairs."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.krylov.lanczos import check_products

__all__ = ["RitzPairs", "orthogonalised", "thick_restart_lanczos_steps"]

CHUNK = 1 << 16  # columns of the basis that a restart rotates at once


@dataclass(frozen=True, eq=False)
class RitzPairs:
    """``A V = V T + beta v_(j+1) e_j.T`` with ``T = S diag(values) S.T``.

    Attributes
    ----------
    values, residuals : (j,) float64 arrays
        Ritz values, ascending, and ``||A u - theta u|| = beta |S[j - 1]|`` of the Ritz vectors ``u = V S``.
    coefficients : (j, j) float64 array
        ``S``: one column a Ritz vector.
    basis : (j, n) tensor
        Rows of V, orthonormal. A view, valid until the next step.
    products : int
    exhausted : bool
        The space is invariant: every pair is an eigenpair up to rounding.
    """

    values: np.ndarray
    residuals: np.ndarray
    coefficients: np.ndarray
    basis: torch.Tensor
    products: int
    exhausted: bool

    def vectors(self, chosen):
        """``(len(chosen), n)`` tensor, the Ritz vectors as rows."""
        S = torch.as_tensor(self.coefficients[:, chosen].T.copy(), dtype=self.basis.dtype, device=self.basis.device)
        return S @ self.basis


def orthogonalised(w, *spans):
    """``(w, first, second)``: w less its part in the spans, twice, and its norm after each pass; spans of rows."""
    sizes = []
    for _ in range(2):
        for span in spans:
            w = w - span.mT @ (span @ w)
        sizes.append(float(torch.linalg.vector_norm(w)))
    return w, *sizes


def thick_restart_lanczos_steps(A, v, *, order, basis, keep, locked=None, scale=0.0):
    """Yield `RitzPairs` after every product, on the complement of the locked vectors.

    Where the basis is full, its `keep` best Ritz vectors ``u_i`` and the residual's direction ``v`` start the next one:
    ``A u_i = theta_i u_i + beta s_i v``, so that T is an arrow, then tridiagonal. It runs until the space is invariant, or
    without end: stop iterating.

    Parameters
    ----------
    A : operator (n, n)
    v : (n,) tensor
        Starting vector, of norm 1 and orthogonal to the locked ones (`orthogonalised`).
    order : callable
        Ritz values, ascending, to their indices, the best first.
    basis, keep : int
        Vectors held, and those of them that a restart keeps, ``keep < basis``.
    locked : (c, n) tensor, optional
        Orthonormal rows, kept out of the space: known eigenvectors.
    scale : float
        Norm of A as far as it is known, for the test of invariance.

    Raises
    ------
    ValueError
        A product that is not finite.

    Notes
    -----
    One product a step and two passes of classical Gram-Schmidt against everything held. The space counts as invariant as
    in `lanczos_steps`. Memory: ``basis + 1`` vectors and those locked. Source: Wu and Simon 2000.
    """
    n = len(v)
    locked = torch.zeros(0, n, dtype=A.dtype, device=A.device) if locked is None else locked
    held, T = torch.zeros(basis + 1, n, dtype=A.dtype, device=A.device), np.zeros((basis + 1, basis + 1))
    held[0], j, spent = v, 0, 0
    small = 10.0 * torch.finfo(A.dtype).eps * n**0.5
    while True:
        w = A @ held[j]
        spent += 1
        T[j, j] = float(torch.dot(held[j].double(), w.double()))
        check_products(T[j, j])
        w, first, residual = orthogonalised(w, locked, held[: j + 1])
        scale = max(scale, np.abs(T[j, : j + 1]).sum() + residual)
        # a second pass that removes most of what the first one left has only rounding to work on
        exhausted = not (residual > small * scale and residual > 0.1 * first) or len(locked) + j + 1 >= n
        beta = 0.0 if exhausted else residual
        j += 1
        # torch's, as the threads of NumPy's wait for one another
        theta, S = (part.numpy() for part in torch.linalg.eigh(torch.from_numpy(T[:j, :j].copy())))
        pairs = RitzPairs(theta, beta * np.abs(S[-1]), S, held[:j], spent, exhausted)
        yield pairs
        if exhausted:
            return
        held[j] = w / residual
        if j == basis:
            chosen = np.sort(order(theta)[:keep])
            rows = torch.as_tensor(S[:, chosen].T.copy(), dtype=A.dtype, device=A.device)
            for start in range(0, n, CHUNK):
                part = slice(start, start + CHUNK)
                held[:keep, part] = rows @ held[:j, part]
            held[keep] = held[j]
            T[:] = 0.0
            T[range(keep), range(keep)] = theta[chosen]
            T[keep, :keep] = T[:keep, keep] = beta * S[-1, chosen]
            j = keep
        else:
            T[j, j - 1] = T[j - 1, j] = beta
