"""What mini-batches do to the leading eigenvalues, by each model of the noise; none of them needs a product."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.interruption import stop_if_asked
from spectral_core.random_matrices import AdditiveSpikedMarchenkoPastur, SpikedCovariance, SpikedWigner
from spectral_core.results import frozen

__all__ = ["Sampled", "additive", "local", "multiplicative", "refined", "second_order", "wigner"]

HEAVY = 16  # examples of a mini-batch whose own direction is kept apart; the others act to second order
NEWTON_STEPS = 5


@dataclass(frozen=True, eq=False)
class Sampled:
    """Means over drawn mini-batches, (batch size, outlier): eigenvalues, their standard errors and standard deviations, and
    squared overlaps of the mini-batch's eigenvectors with those of all data (None where the model has none)."""

    value: np.ndarray
    standard_error: np.ndarray
    deviation: np.ndarray
    overlap: np.ndarray | None = None


def wigner(eigenvalues, noise, b):
    """`SpikedWigner` of ``s^2/b``, (batch size, outlier): ``l + s^2/(b l)``, edge ``2 s/sqrt b``, overlap ``1 - s^2/(b l^2)``.

    `noise` is ``s^2`` of random directions. Source: thesis Theorems 14 and 17.
    """
    return SpikedWigner(np.asarray(eigenvalues)[None, :], np.sqrt(noise / np.asarray(b))[:, None])


def additive(eigenvalues, noise, size, b):
    """Outliers ``l + (s^2/b)/(l - q v)``, (batch size, outlier), of noise that is a centred sample covariance.

    Its ratio is ``q = P/b`` and its variance ``v = s/sqrt P`` gives the noise scale: ``q v^2 = s^2/b``. The mean ``v`` that
    uncentred noise adds is taken off. Source: thesis section 5.6.
    """
    v, q = np.sqrt(noise / size), np.where(np.isfinite(b), size / np.asarray(b), 1e-12)[:, None]
    law = AdditiveSpikedMarchenkoPastur(np.asarray(eigenvalues)[None, :], q, v)
    return frozen(law.outlier - v), frozen(law.edge - v)


def multiplicative(eigenvalues, bulk, size, b):
    """Outliers ``l (1 + q v/(l - v))``, (batch size, outlier), of a sample covariance of ``b`` Gaussian examples, ``q = P/b``.

    `bulk` is ``v``, the mean of the eigenvalues that are no outliers, at least 0: here the noise follows from the spectrum
    alone and is not measured. Eigenvalues below 0, which no covariance has, stay. Source: thesis Theorem 16, corrected.
    """
    q = np.where(np.isfinite(b), size / np.asarray(b), 1e-12)[:, None]
    l = np.asarray(eigenvalues)[None, :]
    law = SpikedCovariance(np.maximum(l, 0.0), q, max(bulk, 0.0))
    return frozen(np.where(l > 0, law.outlier, l)), frozen(law.edge)


def second_order(projections, b, outliers):
    """``max_(j >= i) l_j + s^2(u_j)/(b l_j)`` for positive ``l_j``, (batch size, outlier), and its standard error.

    Twice its reciprocal is also where gradient descent along ``u`` is stable in mean square: ``E||(I - a H_B) u||^2 < 1``
    holds for ``a < 2/(l + s^2(u)/(b l))``. The error is that of ``s^2`` as a mean over examples.
    """
    noise, error = projections.noise
    l, b = projections.eigenvalues, np.asarray(b)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(l > 0, l + noise / (b * l), l)
        error = np.where(l > 0, error / (b * l), 0.0)
    best = np.array([[i + int(np.argmax(row[i:])) for i in range(outliers)] for row in value])
    decay = projections.weight_decay
    return frozen(np.take_along_axis(value, best, 1) + decay), frozen(np.take_along_axis(error, best, 1))


def local(projections, batch_sizes, outliers, *, draws, generator):
    """Mean over mini-batches of the largest ``lambda`` of ``lambda = m_B + sum_(i in B) (c_i/B^2)/(lambda - rho_i/B)``.

    At an eigenvector u: ``m_B = u.H_B u``, ``c_i = ||H_i u||^2 - (u.H_i u)^2``, ``rho_i = c_i/(u.H_i u)``: exact where each
    ``H_i`` is of rank one and their parts outside u are orthogonal; ``rho_i`` is kept within the largest eigenvalue of ``H_i``.
    To second order, and in the mean, it is ``l + s^2(u)/(b l)``; but that formula sums ``c_i`` of examples that most mini-batches
    do not hold, and grows without bound where an example's ``rho_i/B`` passes lambda, an outlier of its own. The roots at all
    eigenvectors are sorted. Each takes all of an example's noise for its own: one that makes the noise of several directions
    counts in each, and the later outliers come out too high; `refined` counts it once.
    """
    m = np.diagonal(projections.inside, axis1=1, axis2=2)
    c = np.square(projections.inside).sum(2) + np.diagonal(projections.outside, axis1=1, axis2=2) - m**2
    c = np.maximum(c, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = np.where(m > 0, c / m, 0.0)
    rho = np.nan_to_num(np.clip(rho, 0.0, np.maximum(projections.largest[:, None] - m, 0.0)))
    rows, N = [], projections.examples
    for B in batch_sizes:
        roots = []
        for _ in range(_enough(draws, B)):
            stop_if_asked()
            drawn = _drawn(N, B, generator)
            roots.append(_largest_roots(m[drawn].mean(0), c[drawn] * (1 - B / N) / B**2, rho[drawn] / B))
        rows.append(np.sort(roots, axis=1)[:, ::-1][:, :outliers] + projections.weight_decay)
    return _sampled(rows)


def refined(projections, batch_sizes, outliers, *, draws=100, generator=None, given=None):
    """Mean over mini-batches of the top eigenvalues of H_B on the leading eigenvectors U, and beyond them.

    The sampled ``M_B = U.T H_B U`` is exact inside the span. Outside, example i acts along one direction ``q_i`` of its own,
    with ``z_i/B`` to U and ``rho_i/B`` along it, and with the rest of ``C_i/B^2`` to second order; directions of different
    examples count as orthogonal. The strongest examples stay as rows of an arrow matrix
    ``[[M_B + S(lambda), Z.T], [Z, diag(rho/B)]]``, all others are summed in
    ``S(lambda) = sum_i z_i z_i.T/(B^2 (lambda - rho_i/B)) + (C_i - z_i z_i.T)/(B^2 lambda)`` up to second order in ``rho_i/B``.
    Overlaps ``(u_i . v)^2`` are those of its eigenvectors, normalised with the part in S. `given` are lists of the mini-batches
    to take at each batch size, arrays of indices, instead of random ones.
    """
    M, C, z, rho = projections.inside, projections.outside, projections.strength, projections.along
    weights, rows, overlaps, N = np.square(z).sum(1), [], [], projections.examples
    for place, B in enumerate(batch_sizes):
        parts, keep = [], 1.0 - B / N
        for drawn in (_drawn(N, B, generator) for _ in range(_enough(draws, B))) if given is None else given[place]:
            stop_if_asked()
            near, far = _apart(drawn, weights)
            first = keep * C[drawn].sum(0) / B**2 - keep * (z[near].T @ z[near]) / B**2
            second = keep * (z[far].T * (rho[far] / B)) @ z[far] / B**2
            parts.append((M[drawn].mean(0), first, second, np.sqrt(keep) * z[near] / B, rho[near] / B))
        values, cosines = _arrows(*map(np.array, zip(*parts, strict=True)), outliers)
        rows.append(values + projections.weight_decay)
        overlaps.append(cosines.mean(axis=0))
    return _sampled(rows, frozen(overlaps))


def _arrows(inside, first, second, arms, tips, outliers):
    """Top eigenvalues of arrow matrices, (draws, outliers), each with its own S, and squared entries of their vectors at u_i."""
    draws, k = inside.shape[:2]
    inside, first, second = map(torch.from_numpy, (inside, first, second))
    arrows = torch.zeros(draws, k + tips.shape[1], k + tips.shape[1], dtype=torch.float64)
    arrows[:, :k, :k], arrows[:, k:, :k] = inside, torch.from_numpy(arms)
    arrows[:, k:, k:] = torch.diag_embed(torch.from_numpy(tips))
    start = torch.linalg.eigvalsh(arrows)  # torch's, as the threads of NumPy's wait for one another
    floor = 0.1 * start[:, -1:].abs().clamp(min=np.finfo(float).tiny)
    values, cosines = np.empty((draws, outliers)), np.empty((draws, outliers))
    for place in range(outliers):
        stop_if_asked()
        value = start[:, -1 - place : start.shape[1] - place]
        for _ in range(NEWTON_STEPS):
            at = torch.maximum(value, floor)[:, :, None]
            arrows[:, :k, :k] = inside + first / at + second / at**2
            every, vectors = torch.linalg.eigh(arrows)
            x = vectors[:, :k, -1 - place, None]
            bend = (x.mT @ (first / at**2 + 2 * second / at**3) @ x)[:, 0].clamp(min=0.0)
            value = value + (every[:, -1 - place, None] - value) / (1.0 + bend)
        values[:, place] = value[:, 0]
        cosines[:, place] = x[:, place, 0] ** 2 / (1.0 + bend[:, 0])
    return values, cosines


def _largest_roots(m, c, rho):
    """Largest roots of ``lambda = m + sum_i c_i/(lambda - rho_i)``, one a column, by bisection."""
    low = np.maximum(m, rho.max(axis=0))
    high = np.maximum(m, rho.max(axis=0)) + np.sqrt(c.sum(axis=0))  # there each term is below c_i/sqrt(sum c)
    for _ in range(40):
        middle = (low + high) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            above = m + np.nansum(c / (middle - rho), axis=0) > middle
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return high


def _apart(drawn, weights):
    order = drawn[np.argsort(-weights[drawn])]
    return order[:HEAVY], order[HEAVY:]


def _drawn(N, B, generator):
    return generator.choice(N, size=int(B), replace=False)


def _enough(draws, B):
    """Fewer draws of large mini-batches, which differ less and take longer."""
    return max(int(min(draws, 40_000 // B)), 20)


def _sampled(rows, overlap=None):
    value = [row.mean(0) for row in rows]
    deviation = [row.std(0, ddof=1) if len(row) > 1 else np.full(row.shape[1], np.inf) for row in rows]
    error = [spread / np.sqrt(len(row)) for row, spread in zip(rows, deviation, strict=True)]
    return Sampled(frozen(value), frozen(error), frozen(deviation), overlap)
