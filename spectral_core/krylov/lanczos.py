"""The Lanczos recurrence with full reorthogonalisation, on many probes at once, one block product a step."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.results import last

__all__ = ["Lanczos", "lanczos", "lanczos_memory", "lanczos_steps"]


@dataclass(frozen=True, eq=False)
class Lanczos:
    """``A Q = Q T + beta_k q_{k+1} e_k.T`` for each of `p` starting vectors.

    Attributes
    ----------
    alpha, beta : (k, p) float64 arrays
        Diagonal and off-diagonal of ``T``; ``beta[k - 1]`` is the norm of the residual of the last step.
    lengths : (p,) ints
        Steps until breakdown: rows of `alpha` and `beta` beyond it are 0 and mean nothing.
    norms : (p,) float64
        Norms of the starting vectors.
    basis : (p, k + 1, n) tensor, or None
        Rows are the orthonormal Lanczos vectors (zero beyond a breakdown). A view, valid until the next step.
        None where they were not kept (`three_term_lanczos`).
    products : int
    """

    alpha: np.ndarray
    beta: np.ndarray
    lengths: np.ndarray
    norms: np.ndarray
    basis: torch.Tensor | None
    products: int

    def tridiagonal(self, probe=0):
        """``T`` of one probe, ``(k, k)`` with ``k`` its length."""
        k = self.lengths[probe]
        off = self.beta[: k - 1, probe]
        return np.diag(self.alpha[:k, probe]) + np.diag(off, 1) + np.diag(off, -1)


def lanczos_memory(n, steps, probes, dtype=torch.float64):
    """Bytes that `lanczos_steps` holds: the basis, and six blocks of ``(n, probes)`` around it."""
    return n * probes * (steps + 7) * torch.finfo(dtype).bits // 8


def check_starts(norms):
    """Refuse starting vectors of which one has a norm of 0 or none."""
    if not (np.isfinite(norms) & (norms > 0)).all():
        raise ValueError("a starting vector is zero or not finite: draw it with spectral_core.probes.draw_probes.")


def check_products(alpha):
    """Refuse products whose ``q.A q`` is not finite."""
    if not np.isfinite(alpha).all():
        raise ValueError("a product with the matrix is NaN or infinite: look for such entries, or for an overflow.")


def lanczos_steps(A, V, *, steps, memory=None):
    """Yield a valid `Lanczos` after each of up to `steps` steps; ends early where every probe broke down.

    A step is one block product ``A @ q`` and two passes of classical Gram-Schmidt against the whole basis, so that
    ``max |Q.T Q - I|`` stays at rounding level. A probe breaks down, its Krylov space being invariant, where the residual
    falls to ``10 eps sqrt(n)`` of the norm of ``T`` seen so far; its quadrature is exact from there on.

    Parameters
    ----------
    A : operator (n, n)
    V : (n, p) tensor
        Starting vectors, not zero; they need not be normalised.
    steps : int
        At most `n` are taken.
    memory : int, optional
        Bytes that may be held; more raises. `lanczos_memory` says how many it takes.

    Raises
    ------
    ValueError
        Zero or non-finite starting vector, non-finite product, too little memory.

    Notes
    -----
    Cost: ``p`` products a step, ``O(n p k)`` for the orthogonalisation of step ``k``. Source: Golub and Meurant 2010,
    section 4.1; Parlett's "twice is enough".
    """
    n, p = V.shape
    steps = min(steps, n)
    if steps < 1:
        raise ValueError(f"Lanczos needs at least one step; got {steps}.")
    needed = lanczos_memory(n, steps, p, A.dtype)
    if memory is not None and needed > memory:
        raise ValueError(
            f"{steps} reorthogonalised steps on {p} probes of length {n} hold {needed / 2**20:.0f} MiB and "
            f"{memory / 2**20:.0f} are allowed: take fewer steps or probes, or raise memory=."
        )
    norms = torch.linalg.vector_norm(V, dim=0)
    check_starts(norms.double().cpu().numpy())
    basis = torch.zeros(p, steps + 1, n, dtype=A.dtype, device=A.device)
    basis[:, 0] = (V / norms).T
    alpha, beta = np.zeros((steps, p)), np.zeros((steps, p))
    lengths, alive, scale = np.zeros(p, dtype=int), np.ones(p, dtype=bool), np.zeros(p)
    small = 10.0 * torch.finfo(A.dtype).eps * n**0.5
    for k in range(steps):
        w = (A @ basis[:, k].T.contiguous()).T.contiguous()[:, :, None]
        alpha[k] = torch.linalg.vecdot(basis[:, k], w[:, :, 0]).double().cpu().numpy()
        check_products(alpha[k])
        span = basis[:, : k + 1]
        sizes = []
        for _ in range(2):
            w = w - span.mT @ (span @ w)
            sizes.append(torch.linalg.vector_norm(w[:, :, 0], dim=1).double().cpu().numpy())
        first, residual = sizes
        scale = np.maximum(scale, np.abs(alpha[k]) + residual + (beta[k - 1] if k else 0.0))
        lengths[alive] = k + 1
        # a second pass that removes most of what the first one left has only rounding to work on
        alive &= (residual > small * scale) & (residual > 0.1 * first) & (k + 1 < n)
        beta[k] = np.where(alive, residual, 0.0)
        factor = torch.as_tensor(np.where(alive, 1.0 / np.where(alive, residual, 1.0), 0.0), dtype=A.dtype)
        basis[:, k + 1] = w[:, :, 0] * factor.to(A.device)[:, None]
        yield Lanczos(
            alpha[: k + 1].copy(),
            beta[: k + 1].copy(),
            lengths.copy(),
            norms.double().cpu().numpy(),
            basis[:, : k + 2],
            p * (k + 1),
        )
        if not alive.any():
            return


def lanczos(A, V, steps, *, memory=None):
    """The last item of `lanczos_steps`.

    Examples
    --------
    >>> A = torch.diag(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    >>> lanczos(A, torch.ones(3, 1, dtype=torch.float64), 3).tridiagonal().trace().round(12)
    np.float64(6.0)
    """
    return last(lanczos_steps(A, V, steps=steps, memory=memory))
