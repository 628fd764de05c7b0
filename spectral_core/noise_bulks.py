"""The Marchenko-Pastur bulk that noise puts into the spectrum of a weight matrix, and what lies beyond it."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from spectral_core.random_matrices import MarchenkoPastur
from spectral_core.results import frozen

__all__ = ["NoiseBulk", "fit_bulk", "tracy_widom_quantile"]

NARROWEST = 5  # eigenvalues a matrix below which no bulk is fitted
TRACY_WIDOM_MEAN = -1.2065
LEVEL = 0.99  # chance that pure noise has no outlier
ROUNDS = 100
POINTS = 4096
COUNT_VARIANCE = 2.5  # pi^2 Var(#eigenvalues below the median) - log M, measured for M = 20 to 500


@dataclass(frozen=True, eq=False)
class NoiseBulk:
    """``lambda ~ Marchenko-Pastur(ratio M/N, variance N s^2)`` for the eigenvalues of ``W.T W``, entries of variance s^2.

    Attributes
    ----------
    rows, columns, matrices : int
        ``N >= M`` of each matrix, `columns` less the eigenvalues that are 0, and how many matrices are pooled.
    ratio : float
        ``M / N``.
    variance, variance_error : float
        ``s^2`` and its standard error if the bulk is noise.
    edge, threshold : float
        ``x_+ = s^2 (sqrt N + sqrt M)^2`` and the 99 % quantile of the largest eigenvalue of pure noise.
    outliers : array
        Eigenvalues above the threshold, ascending.
    size : int
        Eigenvalues that are neither 0 nor outliers: the bulk.
    distance : float
        Kolmogorov-Smirnov distance of the bulk to the law: 0.02 is noise, 0.3 is not.
    """

    rows: int
    columns: float
    matrices: int
    variance: float
    variance_error: float
    edge: float
    threshold: float
    outliers: np.ndarray
    size: int
    distance: float

    @property
    def ratio(self):
        """``q = M / N``."""
        return self.columns / self.rows

    @property
    def law(self):
        """The fitted `MarchenkoPastur`, in the units of the eigenvalues."""
        return MarchenkoPastur(self.ratio, self.rows * self.variance)

    def planted(self):
        """``l`` behind each outlier: ``lambda = l (1 + q v / (l - v))``, ``v = N s^2`` the variance of the law.

        What a direction has without the noise that inflates it. Source: Baik and Silverstein 2006, Theorem 1.1, solved
        for ``l``; true for few outliers on noise, and an outlier below ``x_+`` plus rounding has none.
        """
        v = self.rows * self.variance
        half = (self.outliers + v * (1.0 - self.ratio)) / 2.0
        return half + np.sqrt(np.maximum(half**2 - self.outliers * v, 0.0))


def fit_bulk(eigenvalues, *, rows, columns, matrices=1, share_error=0.0):
    """``N s^2 = median(bulk) / median(MP(q, 1))``, outliers taken out and the fit repeated until none is new.

    Parameters
    ----------
    eigenvalues : (matrices * columns,) array
        Of ``W.T W``, of all matrices together.
    rows, columns, matrices : int
        ``N >= M`` of each matrix, and how many there are.
    share_error : float
        Standard error of the share of eigenvalues below their median, where they are estimates.

    Returns
    -------
    NoiseBulk

    Raises
    ------
    ValueError
        Fewer than 5 columns once zeros are left out (``N eps`` of the largest), more than half of the eigenvalues beyond
        the bulk, or a shape that does not give their number.

    Notes
    -----
    The median follows the noise as long as less than half of the eigenvalues are something else (Gavish and Donoho 2014,
    section III.E; theirs keeps the outliers, here they go).

    The largest eigenvalue of noise is ``s^2 (mu + scale T)`` with ``mu = (sqrt(N - 1) + sqrt M)^2``, ``scale =
    (sqrt(N - 1) + sqrt M) (1/sqrt(N - 1) + 1/sqrt M)^(1/3)`` and ``T`` of the Tracy-Widom law of real matrices. Source:
    Johnstone 2001, Theorem 1.1. The threshold is its quantile ``0.99^(1/matrices)``; its distance from the mean and the
    99 % error of the fitted ``s^2`` add as squares. WeightWatcher adds ``(x_+^(2/3) M^(-2/3) / sqrt Q)^(1/2)`` to the
    edge instead, which does not scale with the weights.

    Standard error: the number of eigenvalues below the median varies by ``sqrt(log M + 2.5) / pi``.

    Examples
    --------
    >>> W = np.random.default_rng(0).normal(scale=0.1, size=(400, 200))
    >>> bulk = fit_bulk(np.linalg.svd(W, compute_uv=False) ** 2, rows=400, columns=200)
    >>> round(bulk.variance, 3), len(bulk.outliers)
    (0.01, 0)
    """
    values = np.sort(np.asarray(eigenvalues, dtype=np.float64).ravel())
    if rows < columns or len(values) != columns * matrices:
        raise ValueError(
            f"{matrices} x {columns} eigenvalues of matrices with no fewer rows than columns are needed; got "
            f"{len(values)} for {rows} rows: transpose the matrix."
        )
    values = values[values > rows * np.finfo(np.float64).eps * values.max(initial=0.0)]
    width = len(values) / matrices
    if width < NARROWEST:
        raise ValueError(f"a bulk needs at least {NARROWEST} eigenvalues a matrix that are not 0; got {width:.3g}.")
    x, cumulative = _distribution(width / rows)
    middle = float(np.interp(0.5, cumulative, x))
    inner, narrow = np.sqrt(rows - 1.0), np.sqrt(width)
    scale = (inner + narrow) * (1 / inner + 1 / narrow) ** (1 / 3)
    # F_mp' at the median, and the relative error of the variance that a count off by its standard deviation makes
    count = np.sqrt(matrices * (np.log(width) + COUNT_VARIANCE)) / np.pi
    error = np.hypot(count / len(values), share_error) / (MarchenkoPastur(width / rows).pdf(middle) * middle)
    centre = (inner + narrow) ** 2 + TRACY_WIDOM_MEAN * scale
    beyond = (tracy_widom_quantile(LEVEL ** (1 / matrices)) - TRACY_WIDOM_MEAN) * scale
    reach = centre + np.hypot(beyond, special.ndtri(LEVEL) * error * centre)
    bulk = values
    for _ in range(ROUNDS):
        variance = np.median(bulk) / middle / rows
        kept = values[: max(np.searchsorted(values, variance * reach, side="right"), 1)]
        if len(kept) == len(bulk):
            break
        bulk = kept
        if len(bulk) < len(values) / 2:
            raise ValueError("no bulk of noise: more than half of the eigenvalues lie beyond any that fits the median.")
    law = np.interp(bulk / (rows * variance), x, cumulative)
    steps = np.arange(len(bulk) + 1) / len(bulk)
    return NoiseBulk(
        rows=rows,
        columns=width,
        matrices=matrices,
        variance=float(variance),
        variance_error=float(variance * error),
        edge=float(variance * (np.sqrt(rows) + narrow) ** 2),
        threshold=float(variance * reach),
        outliers=frozen(values[len(bulk) :]),
        size=len(bulk),
        distance=float(max((law - steps[:-1]).max(), (steps[1:] - law).max())),
    )


def _distribution(ratio):
    """``(x, F(x))`` of the Marchenko-Pastur law of variance 1, by the midpoint rule in ``x = c - h cos theta``."""
    centre, half = 1.0 + ratio, 2.0 * np.sqrt(ratio)
    theta = np.pi * (np.arange(POINTS) + 0.5) / POINTS
    mass = (half * np.sin(theta)) ** 2 / (centre - half * np.cos(theta))
    edges = np.pi * np.arange(POINTS + 1) / POINTS
    return centre - half * np.cos(edges), np.r_[0.0, np.cumsum(mass)] / mass.sum()


def tracy_widom_quantile(level):
    """``F^-1(level)`` of the Tracy-Widom law of real symmetric matrices, by a shifted gamma law.

    ``0.186054 Gamma(46.446) - 9.84801``: within 0.01 of the tables from 5 to 99 %. Source: Chiani 2014, Table 1.

    >>> tracy_widom_quantile(0.95).round(2)
    np.float64(0.98)
    """
    return 0.186054 * special.gammaincinv(46.446, level) - 9.84801
