"""The thesis's way to count clusters: the mass of a smooth density below a minimum near 0 (Algorithm 5)."""

from dataclasses import replace

import numpy as np
from scipy import linalg, special

from spectral_core.estimators.maxent import maxent
from spectral_core.polynomials import vandermonde
from spectral_core.results import frozen, mean_and_standard_error

__all__ = ["density_minimum", "lanczos_minimum"]

WHICH = ("first", "deepest")
POINTS = 4096


def density_minimum(moments, which="first"):
    """``N = n int_0^lambda* q``, `q` of maximum entropy, lambda* its first minimum right of 0 or its deepest one.

    Parameters
    ----------
    moments : Moments
        Of a normalised Laplacian, on (0, 2).
    which : {"first", "deepest"}
        The first local minimum, or of those below the median of `q` the one where `q` is smallest.

    Returns
    -------
    count, standard_error, threshold : float
        The error is that of the moments to first order in their spread over probes, at the threshold found; all NaN
        where `q` has no such minimum.
    density : MaxEntDensity
        Of the whole spectrum, atoms inside. No product.

    Notes
    -----
    Source: thesis Algorithm 5. As printed it takes the first point where the slope is small and the curvature positive:
    with 80 moments that is as a rule a ripple of `q` beside 0 and not the gap. The deepest minimum is ours.
    """
    _checked(which)
    whole = moments.whole()
    density = maxent(whole)
    x, mass = density.rule()
    x, mass = x[::-1], mass[::-1]
    threshold = _minimum(x, density.pdf(x), np.cumsum(mass), which)
    if threshold is None:
        return np.nan, np.nan, np.nan, density
    below = mass * (x <= threshold)
    count = moments.size * float(below.sum())
    features = vandermonde(whole.basis, density.degree, x, whole.interval)[:, 1:]
    slope = below @ (features - density.fitted[1:])  # d count / d log q, feature by feature
    samples = whole.samples[:, 1:]
    if whole.is_exact or whole.probes < 2:
        error = 0.0 if whole.is_exact else np.inf
    else:
        change = linalg.cho_solve((density.covariance, True), (samples - samples.mean(axis=0)).T)
        error = moments.size * float(mean_and_standard_error(slope @ change)[1])
    return count, error, threshold, density


def lanczos_minimum(quadrature, sigma, which="first", *, reflected=True):
    """``N = n int_0^lambda* p``, `p` the Lanczos stems smoothed by a Gaussian of width `sigma`.

    Parameters
    ----------
    quadrature : Quadrature
        Of a normalised Laplacian.
    sigma : float
    which : {"first", "deepest"}
        As in `density_minimum`.
    reflected : bool
        ``p(x) + p(-x)``: what the kernel puts below 0, where no eigenvalue is, counts. Without it half of the
        eigenvalues at 0 are lost.

    Returns
    -------
    count, standard_error, threshold : float
        The error is the spread over probes at the threshold found; all NaN where `p` has no such minimum.
    density : SmoothedDensity
        What was searched; where it is reflected, its mass on ``[0, inf)`` is 1. No product.

    Notes
    -----
    Source: thesis section 3.7.1 (Ubaru, Chen and Saad 2017; Lin, Saad and Yang 2016), which names no sigma.
    """
    _checked(which)
    density = quadrature.density(sigma)
    if reflected:
        both = {"nodes": np.hstack([density.nodes, -density.nodes]), "weights": np.hstack([density.weights] * 2)}
        density = replace(density, **{name: frozen(value) for name, value in both.items()})
    x = 1.0 - np.cos(np.linspace(0.0, np.pi, POINTS // 2))
    p = np.concatenate([density.pdf(part) for part in np.array_split(x, 64)])  # points, stems and probes are many
    cumulative = np.r_[0.0, np.cumsum(np.diff(x) * (p[1:] + p[:-1]) / 2.0)]
    threshold = _minimum(x, p, cumulative, which)
    if threshold is None:
        return np.nan, np.nan, np.nan, density
    z = [(end - density.nodes) / sigma for end in (0.0, threshold)]
    samples = quadrature.size * (density.weights * (special.ndtr(z[1]) - special.ndtr(z[0]))).sum(axis=1)
    count, error = mean_and_standard_error(samples)
    return float(count), float(error), threshold, density


def _minimum(x, y, cumulative, which):
    """Where the first, or the smallest, interior local minimum of `y` is: below the median for the smallest."""
    inner = np.flatnonzero((y[1:-1] < y[:-2]) & (y[1:-1] <= y[2:])) + 1
    if which == "deepest":
        inner = inner[cumulative[inner] < 0.5 * cumulative[-1]]
    if not len(inner):
        return None
    return float(x[inner[0] if which == "first" else inner[np.argmin(y[inner])]])


def _checked(which):
    if which not in WHICH:
        raise ValueError(f"the minimum is one of {', '.join(WHICH)}; got {which!r}.")
