"""How the gradient lies among eigenvectors, and how an optimiser weighs flat against sharp ones."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.results import frozen

__all__ = ["CurvatureRatio", "GradientOverlap", "estimated_curvature_ratio", "gradient_overlap"]


@dataclass(frozen=True, eq=False)
class GradientOverlap:
    """Where the gradient points.

    Attributes
    ----------
    cosines : (k,) array
        ``phi_i . g / ||g||``, in the order of the vectors; the sign is that of the vector.
    share : float
        Of ``||g||^2`` in the span of the vectors.
    expected_share, expected_deviation : float
        Mean ``k/P`` and standard deviation of that share for a vector of random direction.
    gradient_norm : float
        ``||g||``.
    """

    cosines: np.ndarray
    share: float
    expected_share: float
    expected_deviation: float
    gradient_norm: float


def gradient_overlap(H, vectors):
    """Cosines ``phi_i . g / ||g||`` between eigenvectors and the full gradient ``g``, and the share of ``||g||^2`` they hold.

    The share is that of the projection on the span of the vectors, ``||Q.T g||^2 / ||g||^2`` with an orthonormal basis Q of it,
    so that it stays at most 1 where the vectors are not quite orthogonal. A random direction has a share of law
    Beta(k/2, (P - k)/2): mean ``k/P``, variance ``2 k (P - k) / (P^2 (P + 2))``.

    Parameters
    ----------
    H : CurvatureOperator
        Gives the gradient, with its weight decay.
    vectors : (P, k) tensor or array
        Columns, such as ``eigenpairs(H).vectors``; normalised here.

    Returns
    -------
    GradientOverlap

    Raises
    ------
    ValueError
        Vectors of another length, dependent ones, or a gradient that is zero.

    Notes
    -----
    Cost: one gradient, no product. Source: thesis section 5.7.

    Examples
    --------
    >>> from spectral_core.curvature import HessianOperator
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> _ = torch.nn.init.ones_(model.weight)
    >>> H = HessianOperator(model, "squared error", [(x, torch.zeros(2, 1))])  # g = (1, 4) / 2
    >>> round(gradient_overlap(H, [[0.0], [1.0]]).share, 6)
    0.941176
    """
    U = (vectors if torch.is_tensor(vectors) else torch.tensor(np.asarray(vectors))).double().cpu()
    U = U[:, None] if U.ndim == 1 else U
    size = H.shape[0]
    if U.ndim != 2 or U.shape[0] != size or not 0 < U.shape[1] <= size:
        raise ValueError(f"eigenvectors are the columns of a ({size}, k) tensor; got {tuple(U.shape)}.")
    g = H.gradient().double().cpu()
    norm = float(g.norm())
    if not norm > 0:
        raise ValueError("the gradient is zero, so it has no direction: the parameters are a stationary point.")
    Q, R = torch.linalg.qr(U / torch.linalg.vector_norm(U, dim=0))
    if not float(R.diagonal().abs().min()) > size * torch.finfo(U.dtype).eps:  # NaN for a zero vector
        raise ValueError("the eigenvectors are zero or linearly dependent: pass each once.")
    k, direction = U.shape[1], g / norm
    return GradientOverlap(
        cosines=frozen(((U.T @ direction) / torch.linalg.vector_norm(U, dim=0)).numpy()),
        share=float((Q.T @ direction).square().sum()),
        expected_share=k / size,
        expected_deviation=float(np.sqrt(2.0 * k * (size - k) / (size**2 * (size + 2.0)))),
        gradient_norm=norm,
    )


@dataclass(frozen=True, eq=False)
class CurvatureRatio:
    """``alpha_flat / alpha_sharp``: `approximate` as the thesis has it, for small ``lambda_P``, and `exact`."""

    approximate: float
    exact: float


def estimated_curvature_ratio(largest, smallest, damping):
    """Learning rate in the flattest direction by that in the sharpest, of a step ``alpha (H + delta I)^-1 g``.

    ``R = (lambda_1 + delta) / (lambda_P + delta) = 1 + (lambda_1 - lambda_P) / (lambda_P + delta)``. The thesis writes ``delta``
    for the last denominator, for ``lambda_P << delta``: its excess over 1 is too large by the factor ``1 + lambda_P/delta``.
    Gradient descent has ``R = 1``.

    Parameters
    ----------
    largest, smallest : float
        ``lambda_1 >= lambda_P``. The smallest may be negative, as long as the damping outweighs it.
    damping : float or array
        ``delta > 0``.

    Returns
    -------
    CurvatureRatio
        Arrays where the damping is one.

    Raises
    ------
    ValueError
        ``lambda_1 < lambda_P``; a damping that is not positive, or leaves the flattest direction a negative curvature.

    Notes
    -----
    Source: thesis section 6.3.1, Equations 6.1 and 6.4.

    Examples
    --------
    >>> estimated_curvature_ratio(9.0, 1.0, 1.0)
    CurvatureRatio(approximate=np.float64(9.0), exact=np.float64(5.0))
    """
    damping = np.asarray(damping, dtype=np.float64)
    if not largest >= smallest:
        raise ValueError(f"the largest eigenvalue comes first; got {largest} and {smallest}.")
    if not (damping > 0).all() or not (damping + smallest > 0).all():
        raise ValueError(
            f"the damping must be positive and outweigh the smallest eigenvalue {smallest:g}; got {damping.min():g}."
        )
    approximate, exact = 1.0 + (largest - smallest) / damping, (largest + damping) / (smallest + damping)
    return CurvatureRatio(approximate[()], exact[()])
