"""Kernels that smooth a spectrum, and their Chebyshev expansions: by discrete cosine transforms, squared by them too.

All of it on [-1, 1], where `sigma` is in units of half the spectral interval. At the point `t` a kernel is the function
``s -> g(t - s)``; its expansion is ``g(t - s) ~ sum_(l=0)^m mu_l(t) T_l(s)``.
"""

import numpy as np
from scipy import special
from scipy.fft import dct, idct

from spectral_core.estimators.kernel_polynomial import jackson_damping
from spectral_core.polynomials import to_unit

__all__ = [
    "SMOOTHING_KERNELS",
    "TOLERANCE",
    "checked_kernel",
    "expansion",
    "expansion_floor",
    "jackson_degree",
    "least_degree",
    "smoothed_spectrum",
    "squared",
]

SMOOTHING_KERNELS = ("gaussian", "lorentzian", "jackson")
TOLERANCE = 3e-6  # what an expansion may leave where the kernel is zero, as a share of its peak


def checked_kernel(kernel, sigma=1.0):
    """Return `kernel`, or raise a sentence that lists the ones there are or says what `sigma` must be."""
    if kernel not in SMOOTHING_KERNELS:
        raise ValueError(f"kernel must be one of {', '.join(SMOOTHING_KERNELS)}; got {kernel!r}.")
    if not (np.isfinite(sigma) and sigma > 0):
        raise ValueError(f"sigma must be positive and finite; got {sigma}.")
    return kernel


def jackson_degree(sigma):
    """``N = ceil(pi / sigma)``: the degree at which Jackson's kernel is `sigma` wide in the middle of [-1, 1]."""
    return int(np.ceil(np.pi / sigma - 1e-9))


def peak(kernel, sigma):
    """Height of the kernel: ``1/(sigma sqrt(2 pi))``, ``1/(pi sigma)``; Jackson's in the middle is close to the first."""
    return 1.0 / (np.pi * sigma) if kernel == "lorentzian" else 1.0 / (np.sqrt(2.0 * np.pi) * sigma)


def values(kernel, s, sigma):
    """``g(s)``: the Gaussian of standard deviation `sigma`, or the Lorentzian of half-width `sigma`."""
    if kernel == "gaussian":
        return np.exp(-0.5 * (s / sigma) ** 2) / (np.sqrt(2.0 * np.pi) * sigma)
    return sigma / np.pi / (s * s + sigma * sigma)


def expansion(kernel, t, sigma, degree, *, non_negative=False):
    """Coefficients ``mu_l(t)``, ``l = 0..degree``: array ``(len(t), degree + 1)``.

    The polynomial that interpolates ``g(t - s)`` at ``s_k = cos(pi k / degree)``, by a cosine transform of type I. With
    `non_negative`, the square of the polynomial of half the degree that interpolates ``sqrt(g)``. Jackson's kernel is a
    non-negative polynomial itself: ``[1 + 2 sum_l g_l T_l(t) T_l(s)] / (pi sqrt(1 - t^2))``.

    Notes
    -----
    Source: poster, "Chebyshev-Nystrom++ algorithm"; the transform of type I counts the first and the last coefficient
    twice, which the poster leaves unsaid.
    """
    t = np.atleast_1d(np.asarray(t, dtype=np.float64))
    if kernel == "jackson":
        return _jackson(t, sigma, degree)
    if non_negative:
        half = degree // 2
        root = np.sqrt(values(kernel, t[:, None] - lobatto(half), sigma))
        mu = squared(_coefficients(root))
        return np.pad(mu, ((0, 0), (0, degree - 2 * half)))
    return _coefficients(values(kernel, t[:, None] - lobatto(degree), sigma))


def _jackson(t, sigma, degree):
    order = jackson_degree(sigma)
    if order > degree:
        raise ValueError(f"Jackson's kernel of this width has degree {order}, above the {degree} there are.")
    theta = np.arccos(np.clip(t, -1.0, 1.0))
    weights = jackson_damping(order) * np.r_[1.0, np.full(order, 2.0)]
    inside = np.abs(t) < 1.0
    scale = np.where(inside, 1.0 / (np.pi * np.maximum(np.sin(theta), 1e-12)), 0.0)
    mu = np.zeros((len(t), degree + 1))
    mu[:, : order + 1] = np.cos(theta[:, None] * np.arange(order + 1)) * weights * scale[:, None]
    return mu


def lobatto(degree):
    """The ``degree + 1`` points ``cos(pi k / degree)``."""
    return np.cos(np.pi * np.arange(degree + 1) / degree)


def _coefficients(at_points):
    mu = idct(at_points, type=1, axis=-1)
    mu[..., 1:-1] *= 2.0
    return mu


def squared(mu):
    """Coefficients of ``(sum_l mu_l T_l)^2``: array ``(..., 2 m + 1)`` from ``(..., m + 1)``, in ``O(m log m)``.

    Evaluated at the ``2 m + 1`` points that a polynomial of degree ``2 m`` needs (the coefficients padded with `m`
    zeros), squared there and transformed back.

    Examples
    --------
    >>> squared(np.array([0.0, 1.0])).round(12)  # T_1^2 = (1 + T_2) / 2
    array([0.5, 0. , 0.5])
    """
    mu = np.asarray(mu, dtype=np.float64)
    m = mu.shape[-1] - 1
    padded = np.zeros((*mu.shape[:-1], 2 * m + 1))
    padded[..., : m + 1] = mu
    padded[..., 1:-1] /= 2.0
    return _coefficients(dct(padded, type=1, axis=-1) ** 2)


def expansion_floor(kernel, sigma, degree, *, non_negative=False):
    """What the expansion leaves where the kernel is zero, as a share of its peak.

    On the Bernstein ellipse of parameter ``exp(eta)`` the Gaussian is at most ``exp(sinh^2(eta) / (2 sigma^2))`` of its peak,
    so that its coefficients fall like ``exp(-E)``, ``E(m) = max_eta [m eta - sinh^2(eta) / (2 sigma^2)]``: ``(m sigma)^2 / 2``
    for a narrow kernel. Their tail, counted twice for aliasing, is ``4 erfc(sqrt E)``. The Lorentzian has poles at
    ``t +- i sigma``: ``4 exp(-m arcsinh sigma)``. The non-negative expansion squares the error of ``sqrt(g)``, which is wider by
    ``sqrt 2`` but has half the degree.
    """
    if kernel == "jackson":
        return 0.0 if jackson_degree(sigma) <= degree else 1.0
    m = degree // 2 if non_negative else degree
    if kernel == "gaussian":
        width = sigma * np.sqrt(2.0) if non_negative else sigma
        eta = np.arcsinh(2.0 * m * width * width) / 2.0
        error = 4.0 * special.erfc(np.sqrt(m * eta - (np.sinh(eta) / width) ** 2 / 2.0))
    else:
        error = 4.0 * np.exp(-m * np.arcsinh(sigma))
    return float(min(error, 1.0) ** (2 if non_negative else 1))


def least_degree(kernel, sigma, *, non_negative=False, tolerance=TOLERANCE):
    """Degree at which the expansion's floor is `tolerance`: about ``5 / sigma`` for the Gaussian.

    >>> least_degree("gaussian", 0.01), least_degree("lorentzian", 0.01), least_degree("jackson", 0.01)
    (495, 1411, 315)
    """
    checked_kernel(kernel, sigma)
    low, high = 1, 2
    while expansion_floor(kernel, sigma, high, non_negative=non_negative) > tolerance:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = expansion_floor(kernel, sigma, middle, non_negative=non_negative) <= tolerance
        low, high = (low, middle) if enough else (middle, high)
    return high


def least_sigma(kernel, degree, *, non_negative=False, tolerance=TOLERANCE):
    """The smallest `sigma` for which `degree` suffices: the inverse of `least_degree`."""
    checked_kernel(kernel)
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2.0
        enough = expansion_floor(kernel, middle, degree, non_negative=non_negative) <= tolerance
        low, high = (low, middle) if enough else (middle, high)
    return high


def smoothed_spectrum(eigenvalues, x, sigma, *, kernel="gaussian", interval=None):
    """``(1/n) sum_i g_sigma(x - lambda_i)`` from known eigenvalues: what the estimators estimate.

    Parameters
    ----------
    eigenvalues : (n,) array
    x : array
    sigma : float
        In the units of the eigenvalues. Jackson's kernel has this width in the middle of `interval`.
    interval : (float, float), optional
        For Jackson's kernel only; must hold the eigenvalues.

    Examples
    --------
    >>> smoothed_spectrum([0.0], [0.0], 0.5).round(4)
    array([0.7979])
    """
    checked_kernel(kernel, sigma)
    x, eigenvalues = np.asarray(x, dtype=np.float64), np.asarray(eigenvalues, dtype=np.float64)
    if kernel != "jackson":
        return np.array([values(kernel, point - eigenvalues, sigma).mean() for point in x.ravel()]).reshape(x.shape)
    if interval is None:
        raise ValueError("Jackson's kernel depends on the interval: pass interval=(lower, upper).")
    half = (interval[1] - interval[0]) / 2.0
    order = jackson_degree(sigma / half)
    theta = np.arccos(np.clip(to_unit(eigenvalues, interval), -1.0, 1.0))
    moments = np.array([np.cos(l * theta).mean() for l in range(order + 1)])
    return (_jackson(to_unit(x.ravel(), interval), sigma / half, order) @ moments).reshape(x.shape) / half
