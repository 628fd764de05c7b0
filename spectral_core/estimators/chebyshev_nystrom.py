"""Traces of ``B(t) = g_sigma(t I - A)`` from two small matrices of one block of probes, for every `t` at once.

From ``K1(t) = Z.T B(t) Z`` and ``K2(t) = Z.T B(t)^2 Z``: Nystrom, Nystrom++ and leave-one-out Nystrom; Girard-Hutchinson needs
the diagonal of `K1` alone. What the theorems ask for beforehand: `a_priori`.
"""

from dataclasses import dataclass

import numpy as np

from spectral_core.estimators.smoothing_kernels import least_degree

__all__ = ["ESTIMATORS", "TRACES", "APriori", "a_priori", "leave_one_out", "nystrom", "nystrom_plus_plus"]

ESTIMATORS = ("xnystrom", "nystrom++", "nystrom", "hutchinson")


def _eigenproblem(K1, K2, C0):
    """Generalised eigenvalues of ``K1 w = d C0 w`` and ``H = W.T K2 W``, by the Cholesky factor of ``C0 = Z.T Z``.

    `W` makes ``W.T C0 W = I``: the eigenvalues are those of `B` compressed to the span of `Z`, so that a threshold on them
    has the units of `B` and does not depend on how the probes are scaled or correlated.
    """
    inverse = np.linalg.inv(np.linalg.cholesky(C0))
    d, U = np.linalg.eigh(inverse @ K1 @ inverse.T)
    W = inverse.T @ U
    return d, W, W.transpose(0, 2, 1) @ K2 @ W


def _captured(d, H, cut):
    """``tr(K1^+ K2)``, eigenvalues up to `cut` counted as zero; and the reciprocals kept."""
    inverse = np.where(d > cut, 1.0 / np.maximum(d, cut), 0.0)
    return (np.diagonal(H, axis1=1, axis2=2) * inverse).sum(axis=1), inverse


def nystrom(K1, K2, C0, *, size, cut):
    """Nystrom's trace ``tr((Z.T B Z)^+ (Z.T B^2 Z))``, all columns in the sketch: never above ``tr B``, exact where rank B <= c.

    Parameters
    ----------
    K1, K2 : (t, c, c) arrays
    C0 : (c, c) array
        ``Z.T Z``.
    size : int
    cut : float
        Eigenvalues of `B` in the sketch up to this count as zero; above what the expansion leaves of a zero matrix.

    Returns
    -------
    captured : (t,) array
    samples : (c, t) array
        What each probe sees of ``B - B_hat``, `B_hat` the approximation without that probe (`leave_one_out`): an error scale.

    Notes
    -----
    Source: poster, section 2, whose ``Omega B^2 Omega.T`` should be ``Omega.T B^2 Omega``.
    """
    d, W, H = _eigenproblem(K1, K2, C0)
    captured, _ = _captured(d, H, cut)
    shifted = np.maximum(d, 0.0) + cut
    missed = 1.0 / np.einsum("tij,tj->ti", W * W, 1.0 / shifted) - cut * np.diagonal(C0)
    return captured, np.maximum(missed, 0.0).T


def nystrom_plus_plus(K1, K2, C0, *, size, cut):
    """Nystrom++: the first half of the columns is the sketch `Omega`, the rest probe what it missed with `Psi`.

    ``tr(K^+ K2) + mean_j psi_j.(B - B_hat) psi_j``, as in `nystrom`. Unbiased; the spread over `psi_j` is its standard error.

    Notes
    -----
    Source: poster, "Nystrom++ estimator". `K2` may hold the block of `Omega` alone.
    """
    c = len(C0)
    k = c // 2
    d, W, H = _eigenproblem(K1[:, :k, :k], K2[:, :k, :k], C0[:k, :k])
    captured, inverse = _captured(d, H, cut)
    seen = K1[:, k:, :k] @ W
    residual = np.diagonal(K1, axis1=1, axis2=2)[:, k:] - np.einsum("tpj,tj->tp", seen * seen, inverse)
    return captured, residual.T


def leave_one_out(K1, K2, C0, *, size, cut):
    """Leave-one-out Nystrom: each probe in turn is left out of the sketch and measures what the others missed.

    With ``M = K1 + s C0`` and ``N = K2 + 2 s K1 + s^2 C0``, the matrices of ``B + s I``:
    ``x_i = tr(M^-1 N) + [1 - (M^-1 N M^-1)_ii] / (M^-1)_ii - n s``. The shift ``s = cut`` keeps `M` definite and costs
    an error of order ``s sqrt(n)``. The mean of the ``x_i`` is unbiased; they depend on each other, so their spread over the
    root of their number is an error scale.

    Notes
    -----
    Source: Epperly, Tropp and Webber 2024, section 4 (XNysTrace), here for every `t` with one set of probes; the downdates
    are those of the inverse of a matrix without its row and column i.
    """
    d, W, H = _eigenproblem(K1, K2, C0)
    d = np.maximum(d, 0.0)
    diagonal = np.arange(d.shape[1])
    H[:, diagonal, diagonal] += 2.0 * cut * d + cut * cut
    scaled = W / (d + cut)[:, None, :]
    captured = (np.diagonal(H, axis1=1, axis2=2) / (d + cut)).sum(axis=1) - size * cut
    inverse = (W * scaled).sum(axis=2)
    loss = ((scaled @ H) * scaled).sum(axis=2)
    return captured, ((1.0 - loss) / inverse).T


TRACES = {"xnystrom": leave_one_out, "nystrom++": nystrom_plus_plus, "nystrom": nystrom}


@dataclass(frozen=True)
class APriori:
    """What the theorems ask for before anything is measured.

    Attributes
    ----------
    epsilon, delta : float
        Relative L1 error and probability of failure.
    degree : int
        Of the expansion.
    hutchinson_probes, nystrom_columns : int
        Probes of Girard-Hutchinson (error relative to ``int ||B||_F``); columns in all of Nystrom++ (relative to ``int tr B``).
    """

    epsilon: float
    delta: float
    degree: int
    hutchinson_probes: int
    nystrom_columns: int


def a_priori(epsilon, *, sigma, interval, delta=0.05, kernel="gaussian"):
    """Degree and probes that suffice for a relative L1 error `epsilon` with probability ``1 - delta``.

    Parameters
    ----------
    epsilon, delta : float
        In (0, 1).
    sigma : float
        In the units of `interval`.

    Notes
    -----
    Poster, both theorems: ``O(eps^-2 log(1/delta))`` probes, error relative to ``int ||B(t)||_F dt``, and
    ``O(eps^-1 log(1/delta))`` columns, relative to ``int tr B(t) dt``; they leave the constants open. Assumed here:
    ``4 (1 + eps) log(2/delta) / eps^2`` probes, which is the bound for a single `t` and Gaussian probes (Cortinovis and
    Kressner 2022, theorem 1, with ``||B||_2 <= ||B||_F``); and ``8 log(2/delta) / eps`` columns, half for the sketch and half
    for the residual, where the constant is a choice. The degree is `least_degree`: interpolation to `TOLERANCE` of the peak.

    Examples
    --------
    >>> a_priori(0.05, sigma=0.005, interval=(-1, 1)).degree
    990
    """
    for name, value in (("epsilon", epsilon), ("delta", delta)):
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name} must lie between 0 and 1; got {value}.")
    logarithm = np.log(2.0 / delta)
    return APriori(
        epsilon=float(epsilon),
        delta=float(delta),
        degree=least_degree(kernel, 2.0 * sigma / (interval[1] - interval[0])),
        hutchinson_probes=int(np.ceil(4.0 * (1.0 + epsilon) * logarithm / epsilon**2)),
        nystrom_columns=int(np.ceil(8.0 * logarithm / epsilon)),
    )
