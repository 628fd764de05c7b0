"""How far apart two spectra are: symmetric Kullback-Leibler divergence and Wasserstein distance, with error bars."""

from functools import lru_cache

import numpy as np
from scipy import linalg

from spectral_core.results import Estimate, mean_and_standard_error

__all__ = ["noise_floor", "symmetric_kl", "wasserstein"]

POINTS = 4096  # on which two distribution functions are compared


def symmetric_kl(p, q):
    """``D = (KL(p || q) + KL(q || p)) / 2 = (1/2) sum_j (a_j - b_j) (nu_j - m_j)`` in nats, with its standard error.

    ``a, m`` are the coefficients and *fitted* moments of `p`, ``b, nu`` those of `q`.

    Parameters
    ----------
    p, q : MaxEntDensity
        On one interval, basis, support and degree, fitted with the same ``standard_error=``, no atoms apart.

    Returns
    -------
    Estimate
        `standard_error` over the probes of both: the root of the summed squares of what is linear in the noise,
        ``dD = -(1/2) dmu . H^-1 [(nu - m) + C (a - b)]`` with ``C`` the covariance of the features and ``H = C + S``, and
        of the `noise_floor`, which is what is left where the linear part vanishes, at ``D = 0``. ``inf`` where one of
        them has a single probe. No product; O(m^2).

    Raises
    ------
    ValueError
        Other domain, basis, prior or degree; atoms apart.

    Notes
    -----
    Source: thesis Equation 3.12, whose moments must be the fitted ones (`MaxEntDensity.kl`). The bar is over the probes
    alone: it says nothing of another draw of a random graph. `D` is not below 0, so noise raises it: by the floor on average.

    Examples
    --------
    >>> from spectral_core import maxent
    >>> from spectral_core.random_matrices import Semicircle
    >>> fits = [maxent(Semicircle(r).moments(6, interval=(-2, 2))) for r in (1.0, 1.0, 1.5)]
    >>> [symmetric_kl(fits[0], q).value > 0.01 for q in fits[1:]]
    [False, True]
    """
    _check_pair(p, q)
    gap, apart = p.coefficients[1:] - q.coefficients[1:], q.fitted[1:] - p.fitted[1:]
    linear = _linear_error(p, apart, gap) ** 2 + _linear_error(q, -apart, -gap) ** 2
    error = float(np.sqrt(linear + (noise_floor(p) + noise_floor(q)) ** 2))
    return Estimate(p.symmetric_kl(q), error, p.products + q.products, stopped="no product: both are fitted")


def noise_floor(p):
    """``(1/2) tr(H^-1 C H^-1 Cov(mu))``: the mean divergence of `p` from its own noise-free fit, nats.

    Two fits to one spectrum are the sum of their floors apart on average. ``inf`` from a single probe.
    """
    given = p.moments_given
    if given.is_exact:
        return 0.0
    if given.probes < 2:
        return np.inf
    deviations = given.samples[:, 1:] - given.samples[:, 1:].mean(axis=0)
    change = linalg.cho_solve((p.covariance, True), deviations.T)
    spread = (change * (deviations.T - p.penalty[1:, None] * change)).sum()  # C H^-1 d = d - S H^-1 d
    return float(0.5 * spread / (given.probes * (given.probes - 1)))


def _linear_error(p, apart, gap):
    given = p.moments_given
    if given.is_exact:
        return 0.0
    if given.probes < 2:
        return np.inf
    factor = p.covariance
    towards = apart + factor @ (factor.T @ gap) - p.penalty[1:] * gap
    slope = -0.5 * linalg.cho_solve((factor, True), towards)
    return mean_and_standard_error(given.samples[:, 1:] @ slope)[1]


def wasserstein(p, q):
    """``W_1 = int |F_p(x) - F_q(x)| dx``, in units of the eigenvalues: a metric, unlike the divergence.

    How far, on average, eigenvalues must be moved to turn one spectrum into the other (for graphs of one size).

    Parameters
    ----------
    p, q : MaxEntDensity
        As for `symmetric_kl`.

    Returns
    -------
    Estimate
        `standard_error` is ``int sd(F_p - F_q) dx``, to first order in the noise; by Minkowski's inequality at least the
        standard deviation of ``W_1``, and at ``W_1 = 0`` above its mean. No product.

    Raises
    ------
    ValueError
        As `symmetric_kl`.

    >>> from spectral_core import maxent
    >>> from spectral_core.random_matrices import Semicircle
    >>> fits = [maxent(Semicircle(0.5, centre=c).moments(6, interval=(-2, 2))) for c in (0.0, 0.25)]
    >>> wasserstein(*fits).value.round(3)
    np.float64(0.25)
    """
    _check_pair(p, q)
    (x, F, error), (_, G, other) = _distribution(p), _distribution(q)
    value = np.trapezoid(np.abs(F - G), x)
    bar = float(np.trapezoid(np.hypot(error, other), x))
    return Estimate(value, bar, p.products + q.products, stopped="no product: both are fitted")


@lru_cache(maxsize=256)
def _distribution(p):
    """Points, distribution function and its standard error."""
    a, b = p.support
    theta = np.linspace(np.pi, 0.0, POINTS + 1)
    x = (a + b) / 2.0 + (b - a) / 2.0 * np.cos(theta)
    nodes, mass = p.rule()
    order = np.argsort(nodes)
    below = np.cumsum(mass[order]) - 0.5 * mass[order]
    F = np.interp(x, nodes[order], below, left=0.0, right=1.0)
    if p.moments_given.is_exact:
        return x, F, np.zeros_like(x)
    if p.moments_given.probes < 2:
        return x, F, np.full_like(x, np.inf)
    coarse = slice(None, None, 8)
    shifts = p.shifts(x[coarse])
    steps = 0.5 * (shifts[:, 1:] + shifts[:, :-1]) * np.diff(x[coarse])
    change = np.concatenate([np.zeros((len(shifts), 1)), np.cumsum(steps, axis=1)], axis=1)
    return x, F, np.interp(x, x[coarse], mean_and_standard_error(change)[1])


def _check_pair(p, q):
    p._checked_partner(q)
    if p.degree != q.degree:
        raise ValueError(
            f"a divergence needs equally many moments; got {p.degree} and {q.degree}: truncate the longer."
        )
    if len(p.atoms):
        raise ValueError(
            "densities are compared with their atoms inside, not apart: fit `moments.whole()` in place of the moments."
        )
