"""Traces, diagonals and Frobenius norms from products: Hutchinson, Hutch++ and XTrace."""

import numpy as np
import torch

from spectral_core.operators import accept, matrix_columns
from spectral_core.probes import draw_probes
from spectral_core.results import Estimate, frozen, mean_and_standard_error
from spectral_core.sparse_products import column_dots

__all__ = ["METHODS", "diagonal", "frobenius_norm", "trace"]


def trace(A, *, method="xtrace", products=100, generator, kind=None):
    """``tr A = sum_i A_ii`` from `products` products.

    Parameters
    ----------
    A : operator (n, n)
    method : {"hutchinson", "hutch++", "xtrace"}
    products : int
        With ``products >= n`` (or entries that are known) the trace is computed exactly.
    generator : torch.Generator
    kind : {"rademacher", "sphere", "gaussian"}, optional
        Default Rademacher; sphere for XTrace.

    Returns
    -------
    Estimate
        Hutchinson and Hutch++ report the standard error of an unbiased mean of independent samples. XTrace's published
        bar, the spread of its exchangeable but dependent estimates over the root of their number, is an *error scale*.

    Notes
    -----
    Hutchinson's variance is ``2 (||A||_F^2 - sum A_ii^2) / d`` with Rademacher probes. Sources: Hutchinson 1990; Meyer,
    Musco, Musco and Woodruff 2021 (Hutch++: a third each for sketch, projection and remainder); Epperly, Tropp and
    Webber 2024 (XTrace, with their normalisation of the sphere probes).

    Examples
    --------
    >>> A = torch.diag(torch.arange(1.0, 41.0, dtype=torch.float64))
    >>> trace(A, products=40, generator=torch.Generator()).value
    820.0
    """
    A = accept(A)
    n = A.shape[0]
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}; got {method!r}.")
    if hasattr(A, "diagonal"):
        return Estimate(float(A.diagonal().double().sum()), 0.0, 0, bar="exact", stopped="the diagonal is known")
    if products >= n:
        total = float(_exact_diagonal(A).sum())
        return Estimate(total, 0.0, n, bar="exact", stopped="as many products as rows: exact")
    return METHODS[method](A, products, generator, kind)


def _exact_diagonal(A, block=256):
    entries = []
    for start in range(0, A.shape[0], block):
        rows = torch.arange(start, min(start + block, A.shape[0]), device=A.device)
        entries.append(matrix_columns(A, rows)[rows, rows - start].double().cpu().numpy())
    return np.concatenate(entries)


def _probes(A, count, generator, kind):
    return draw_probes(A.shape[0], count, generator=generator, kind=kind, dtype=A.dtype, device=A.device)


def _estimate(samples, shift, products):
    mean, error = mean_and_standard_error(samples)
    return Estimate(float(mean) + shift, float(error), products, degrees_of_freedom=max(len(samples) - 1, 1))


def _hutchinson(A, products, generator, kind):
    if products < 2:
        raise ValueError(f"Hutchinson needs at least 2 products for an error bar; got {products}.")
    V = _probes(A, products, generator, kind or "rademacher")
    return _estimate(column_dots(V, A @ V), 0.0, products)


def _hutchpp(A, products, generator, kind):
    if products < 6:
        raise ValueError(
            f"Hutch++ needs at least 6 products: a third each for sketch, projection, rest; got {products}."
        )
    sketch = products // 3
    V = _probes(A, products - sketch, generator, kind or "rademacher")
    Q = torch.linalg.qr(A @ V[:, :sketch]).Q
    captured = float(column_dots(Q, A @ Q).sum())
    rest = V[:, sketch:]
    rest = rest - Q @ (Q.T @ rest)
    return _estimate(column_dots(rest, A @ rest), captured, sketch + Q.shape[1] + rest.shape[1])


def _xtrace(A, products, generator, kind):
    """Epperly, Tropp and Webber 2024, section 3.1: leave one column out of the sketch, in turn, without new products."""
    n, m = A.shape[0], products // 2
    if m < 2:
        raise ValueError(f"XTrace needs at least 4 products; got {products}.")
    kind = kind or "sphere"
    omega = _probes(A, m, generator, kind)
    Y = A @ omega
    Q, R = torch.linalg.qr(Y)
    AQ = A @ Q
    Q, R, AQ, omega = (block.double() for block in (Q, R, AQ, omega))
    # s_i spans what of range(Q) is lost without column i: the normalised columns of R^-T
    floor = 1e-14 * (float(R.diagonal().abs().max()) or 1.0)
    R = R + torch.diag((R.diagonal().abs() < floor) * floor)
    S = torch.linalg.solve_triangular(R.T, torch.eye(m, dtype=R.dtype, device=R.device), upper=False)
    S = S / torch.linalg.vector_norm(S, dim=0)
    H, W, T = Q.T @ AQ, Q.T @ omega, AQ.T @ omega
    X = W - S * (S * W).sum(0)  # (I - s s.T) Q.T omega
    captured = H.trace() - (S * (H @ S)).sum(0)
    # (I - P) omega with P = Q (I - s s.T) Q.T; A omega = Q R
    quadratic = (omega * (Q @ R)).sum(0) - 2.0 * (X * T).sum(0) + (X * (H @ X)).sum(0)
    if kind == "sphere":
        length = (omega * omega).sum(0) - (X * X).sum(0)
        quadratic = quadratic * (n - m + 1) / length
    samples = (captured + quadratic).cpu().numpy()
    mean, error = mean_and_standard_error(samples)
    return Estimate(float(mean), float(error), 2 * m, degrees_of_freedom=m - 1, bar="error scale")


METHODS = {"hutchinson": _hutchinson, "hutch++": _hutchpp, "xtrace": _xtrace}


def diagonal(A, *, products, generator):
    """``A_ii`` by Hutchinson's estimator ``(1/d) sum v * (A v)``, Rademacher probes: value and standard error per entry.

    Variance ``sum_{j != i} A_ij^2 / d``. Exact where the entries are known or ``products >= n``. Source: Bekas,
    Kokiopoulou and Saad 2007.

    Returns
    -------
    Estimate
        `value` and `standard_error` of shape (n,).
    """
    A = accept(A)
    n = A.shape[0]
    if hasattr(A, "diagonal"):
        return Estimate(
            frozen(A.diagonal().double().cpu().numpy()),
            frozen(np.zeros(n)),
            0,
            bar="exact",
            stopped="the diagonal is known",
        )
    if products >= n:
        return Estimate(
            frozen(_exact_diagonal(A)), frozen(np.zeros(n)), n, bar="exact", stopped="as many products as rows: exact"
        )
    if products < 2:
        raise ValueError(f"an error bar needs at least 2 products; got {products}.")
    V = _probes(A, products, generator, "rademacher")
    mean, error = mean_and_standard_error((V * (A @ V)).double().T.cpu().numpy())
    return Estimate(frozen(mean), frozen(error), products, degrees_of_freedom=products - 1)


def frobenius_norm(A, *, products, generator):
    """``||A||_F``, from ``||A||_F^2 = E ||A v||^2`` with Gaussian probes; the error by the delta method.

    Returns
    -------
    Estimate
        Bias ``-se^2 / (2 value)``, of second order.
    """
    A = accept(A)
    matrix = getattr(A, "matrix", A if torch.is_tensor(A) else None)
    if matrix is not None:
        entries = matrix.data if not torch.is_tensor(matrix) else matrix.double().cpu().numpy()
        return Estimate(float(np.linalg.norm(entries)), 0.0, 0, bar="exact", stopped="the entries are known")
    if products < 2:
        raise ValueError(f"an error bar needs at least 2 products; got {products}.")
    W = A @ _probes(A, products, generator, "gaussian")
    mean, error = mean_and_standard_error(column_dots(W, W))
    root = float(np.sqrt(mean))
    return Estimate(root, float(error) / (2.0 * root) if root else 0.0, products, degrees_of_freedom=products - 1)
