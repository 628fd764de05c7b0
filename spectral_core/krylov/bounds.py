"""A spectral interval that holds every eigenvalue."""

import numpy as np
import torch
from scipy import sparse

from spectral_core.krylov.lanczos import lanczos
from spectral_core.probes import draw_probes
from spectral_core.results import SpectralInterval

__all__ = ["bounds", "gershgorin"]


def gershgorin(matrix):
    """``[min_i (a_ii - r_i), max_i (a_ii + r_i)]`` with ``r_i = sum_{j != i} |a_ij|``, from the entries; no product.

    Parameters
    ----------
    matrix : SciPy sparse or dense tensor, (n, n)

    Examples
    --------
    >>> tuple(gershgorin(torch.tensor([[2.0, 1.0], [1.0, 2.0]])))
    (1.0, 3.0)
    """
    if sparse.issparse(matrix):
        diagonal, rows = matrix.diagonal(), np.asarray(abs(matrix).sum(axis=1)).ravel()
    else:
        diagonal, rows = matrix.diagonal().double().cpu().numpy(), matrix.abs().double().sum(1).cpu().numpy()
    radius = rows - np.abs(diagonal)
    return SpectralInterval(float((diagonal - radius).min()), float((diagonal + radius).max()), "Gershgorin's discs")


def bounds(A, *, generator, steps=40, discs=True):
    """An interval that holds the spectrum of `A`.

    Known from theory where the operator carries one; Gershgorin's discs where the entries are known, unless `discs` is False
    (those of a dense random matrix are ``sqrt(n)`` times too wide); else the extreme Ritz values of a `steps`-step Lanczos run
    on four probes, each moved out by the norm of the last residual ``beta_k``.

    Returns
    -------
    SpectralInterval
        ``(lower, upper)`` with its `source` and the products it took: 0, 0 or ``4 steps``.

    Notes
    -----
    The last bound is safe in practice, not a theorem: a random probe misses an eigenvector with probability 0 but may
    hold too little of it. Source: Zhou and Li 2011, bound with ``||f_k||``. The ends are widened by rounding,
    ``16 eps max(|a|, |b|)``, so that a matrix with one eigenvalue gets an interval too.
    """
    known = getattr(A, "interval", None)
    matrix = getattr(A, "matrix", A if torch.is_tensor(A) else None)
    if known is not None:
        found = SpectralInterval(*known, "known from theory")
    elif discs and matrix is not None:
        found = gershgorin(matrix)
    else:
        V = draw_probes(A.shape[0], 4, generator=generator, dtype=A.dtype, device=A.device)
        run = lanczos(A, V, steps)
        ritz = [np.linalg.eigvalsh(run.tridiagonal(i)) for i in range(4)]
        residual = [run.beta[k - 1, i] for i, k in enumerate(run.lengths)]
        found = SpectralInterval(
            float(min(r[0] - b for r, b in zip(ritz, residual, strict=True))),
            float(max(r[-1] + b for r, b in zip(ritz, residual, strict=True))),
            f"Lanczos, {steps} steps, with its residual",
            run.products,
        )
    margin = 16 * torch.finfo(A.dtype).eps * (max(abs(found.lower), abs(found.upper)) or 1.0)
    return SpectralInterval(found.lower - margin, found.upper + margin, found.source, found.products)
