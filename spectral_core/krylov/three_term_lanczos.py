"""The Lanczos recurrence without reorthogonalisation: three blocks of vectors, whatever the number of steps."""

import numpy as np
import torch
from scipy import sparse

from spectral_core.krylov.lanczos import Lanczos, check_products, check_starts, lanczos_memory, lanczos_steps
from spectral_core.operators import lanczos_product_
from spectral_core.results import last
from spectral_core.sparse_products import column_dots, orthogonalise_

__all__ = ["choose_lanczos", "three_term_lanczos", "three_term_lanczos_memory", "three_term_lanczos_steps"]

WIDTH = 16  # columns a block at which a fused step costs least a column, in and out of the cache; no more are faster


def three_term_lanczos_memory(n, probes, dtype=torch.float64):
    """Bytes that `three_term_lanczos_steps` holds beside the starting vectors: three blocks of ``(n, probes)``."""
    return 3 * n * probes * torch.finfo(dtype).bits // 8


def choose_lanczos(A, *, steps, probes, memory, reorthogonalise=None):
    """``(recurrence, batch)``: `lanczos_steps` or `three_term_lanczos_steps`, and how many probes at once.

    By default the basis is kept unless that costs more than the products: ``2 n k^2`` multiply-adds a probe, in passes
    over a basis that does not fit a cache, against ``k`` times the non-zeros of a sparse matrix of 5000 rows or more.
    Small and dense matrices lose nothing by an orthogonal basis.
    """
    n, matrix = A.shape[0], getattr(A, "matrix", None)
    if reorthogonalise is None:
        reorthogonalise = not (n >= 5000 and sparse.issparse(matrix) and matrix.nnz < 2 * n * steps)
    if reorthogonalise:
        return lanczos_steps, max(1, min(probes, memory // lanczos_memory(n, min(steps, n), 1, A.dtype)))
    return three_term_lanczos_steps, max(1, min(probes, WIDTH, memory // three_term_lanczos_memory(n, 1, A.dtype)))


def three_term_lanczos_steps(A, V, *, steps, memory=None):
    """Yield a `Lanczos` without a basis after each of up to `steps` steps; ends early where every probe broke down.

    ``u_k = A q_k - beta_(k-1) q_(k-1)``, ``alpha_k = q_k.u_k``, ``w_k = u_k - alpha_k q_k``, ``beta_k = ||w_k||``,
    ``q_(k+1) = w_k / beta_k``. Two blocks are kept, not normalised: ``w_k`` takes the place of ``q_(k-1)``, and
    ``1 / beta_k`` is a factor of the next product, so that a step passes over the block twice where the operator fuses
    product and inner products (`SparseOperator` on the CPU).

    Rounding costs the vectors their orthogonality as soon as a Ritz value converges, and T then finds copies of it. For
    quadrature of a smooth function that is harmless: the T of finite precision is the exact T of a larger matrix whose
    eigenvalues lie in tiny intervals about those of A (Greenbaum 1989), the weights of a cluster of copies add up to
    that of the one eigenvalue, and ``e_1.f(T_k) e_1`` still converges, at worst some steps later (Knizhnerman 1996 bounds
    the error of the quadrature; Ubaru, Chen and Saad 2017, section 3, run it so). Do not read single Ritz values as
    eigenvalues counted once, and do not expect ``k = n`` steps to be exact.

    Parameters
    ----------
    A : operator (n, n)
    V : (n, p) tensor
        Starting vectors, not zero; they need not be normalised. Left as it is.
    steps : int
        At most `n` are taken.
    memory : int, optional
        Bytes that may be held; more raises. `three_term_lanczos_memory` says how many it takes.

    Raises
    ------
    ValueError
        Zero or non-finite starting vector, non-finite product, too little memory.

    Notes
    -----
    Cost: ``p`` products a step and ``O(n p)`` beside them. A probe breaks down where its residual falls to
    ``10 eps sqrt(n)`` of the norm of ``T`` seen so far. Order of operations: Paige 1972, algorithm (2, 7); Golub and Van
    Loan 2013, section 10.3.
    """
    n, p = V.shape
    steps = min(steps, n)
    if steps < 1:
        raise ValueError(f"Lanczos needs at least one step; got {steps}.")
    needed = three_term_lanczos_memory(n, p, A.dtype)
    if memory is not None and needed > memory:
        raise ValueError(
            f"three-term Lanczos on {p} probes of length {n} holds {needed / 2**20:.0f} MiB and "
            f"{memory / 2**20:.0f} are allowed: take fewer probes at once, or raise memory=."
        )
    current, previous = _blocks(V)
    norms = np.sqrt(column_dots(current, current))
    check_starts(norms)
    alpha, beta = np.zeros((steps, p)), np.zeros((steps, p))
    lengths, alive, size = np.zeros(p, dtype=int), np.ones(p, dtype=bool), np.zeros(p)
    small = 10.0 * torch.finfo(A.dtype).eps * n**0.5
    scale, back = 1.0 / norms, np.zeros(p)  # q_k = scale * current; beta_(k-1) q_(k-1) = back * previous
    for k in range(steps):
        alpha[k] = scale * lanczos_product_(A, current, previous, scale, back)
        check_products(alpha[k])
        residual = np.sqrt(orthogonalise_(previous, current, alpha[k] * scale))
        size = np.maximum(size, np.abs(alpha[k]) + residual + (beta[k - 1] if k else 0.0))
        lengths[alive] = k + 1
        alive &= residual > small * size
        beta[k] = np.where(alive, residual, 0.0)
        back, scale = beta[k] * scale, np.where(alive, 1.0 / np.where(alive, residual, 1.0), 0.0)
        current, previous = previous, current
        yield Lanczos(alpha[: k + 1].copy(), beta[: k + 1].copy(), lengths.copy(), norms, None, p * (k + 1))
        if not alive.any():
            return


def _blocks(V):
    """A copy of V and zeros. On the CPU from NumPy, which asks for huge pages: the first touch takes a fifth of the time."""
    if V.device.type != "cpu":
        return V.clone(memory_format=torch.contiguous_format), torch.zeros_like(
            V, memory_format=torch.contiguous_format
        )
    block = V.detach().numpy()
    return torch.from_numpy(block.copy(order="C")), torch.from_numpy(np.zeros(block.shape, dtype=block.dtype))


def three_term_lanczos(A, V, steps, *, memory=None):
    """The last item of `three_term_lanczos_steps`.

    Examples
    --------
    >>> A = torch.diag(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))
    >>> three_term_lanczos(A, torch.ones(3, 1, dtype=torch.float64), 3).tridiagonal().trace().round(12)
    np.float64(6.0)
    """
    return last(three_term_lanczos_steps(A, V, steps=steps, memory=memory))
