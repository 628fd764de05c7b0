"""How many eigenvalues of the normalised Laplacian lie below a threshold, as a function of it, and its plateaus."""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from spectral_core.estimators.kernel_polynomial import jackson_damping
from spectral_core.results import frozen, mean_and_standard_error

__all__ = ["CountingFunction", "Plateau", "counting_function", "widest_plateau"]

FINENESS = 16  # grid points a resolution cell pi / m
ADDED = (0.5, 0.02)  # a plateau may add half an eigenvalue, or 2 % of the weak ones counted
EXPANDER = 0.2
APART = 3.0
BULK = (16.0, 0.1)


@dataclass(frozen=True, eq=False)
class CountingFunction:
    """``N(lambda) = #{i: lambda_i <= lambda}``, seen through Jackson's kernel of width ``pi / m`` in the angle.

    Attributes
    ----------
    angles, eigenvalues : (k,) arrays
        ``theta`` from 0 to pi, evenly spaced, and ``lambda = 1 - cos(theta)``.
    counts, standard_error : (k,) arrays
        Number of eigenvalues, known atoms included, and its standard error over probes (``inf`` from one).
    known : (k,) array
        The part of the counts that is known exactly.
    degree, size, probes : int
    """

    angles: np.ndarray
    eigenvalues: np.ndarray
    counts: np.ndarray
    standard_error: np.ndarray
    known: np.ndarray
    degree: int
    size: int
    probes: int

    @property
    def cell(self):
        """The resolution ``pi / m`` of the angle."""
        return np.pi / self.degree

    def at(self, eigenvalue):
        """``(N(lambda), standard error)`` at one eigenvalue of [0, 2]."""
        theta = np.arccos(np.clip(1.0 - eigenvalue, -1.0, 1.0))
        known = self.known[np.searchsorted(self.eigenvalues, eigenvalue + 1e-12, side="right") - 1]
        rest = np.interp(theta, self.angles, self.counts - self.known)
        return float(known + rest), float(np.interp(theta, self.angles, self.standard_error))


@dataclass(frozen=True, eq=False)
class Plateau:
    """Where ``N`` stands still: from `start` to `end`, `flattest` in its middle half; all eigenvalues.

    Attributes
    ----------
    count, standard_error : float
        At the flattest point; the error holds the change of ``N`` along the middle half of the plateau too.
    width : float
        In resolution cells ``pi / m`` of the angle; below 2 a plateau means nothing.
    clear : bool
        Whether it is a gap; see `widest_plateau`.
    """

    start: float
    end: float
    flattest: float
    count: float
    standard_error: float
    width: float
    clear: bool


def counting_function(moments, degree=None):
    """``N(theta) = n sum_(atoms below) m + (n / pi) [c_0 theta + 2 sum_j (-1)^j c_j sin(j theta) / j]``, c damped.

    Parameters
    ----------
    moments : Moments
        Chebyshev moments of a normalised Laplacian on (0, 2), known atoms out of the samples, `size` given.
    degree : int, optional
        Use only so many of them.

    Returns
    -------
    CountingFunction
        Non-decreasing: Jackson's kernel and each probe's measure are positive. No product.

    Notes
    -----
    Source: Di Napoli, Polizzi and Saad 2016, section 3 (a damped step function of the matrix); in the angle ``theta =
    arccos(1 - lambda)`` the kernel is equally wide everywhere, and 0.5 (pi / m)^2 in lambda at 0.
    """
    if moments.basis != "chebyshev" or moments.interval != (0.0, 2.0) or not moments.size:
        raise ValueError(
            "counting takes Chebyshev moments of a normalised Laplacian on (0, 2), its size given; got "
            f"{moments.basis} moments on {moments.interval}, size {moments.size}."
        )
    if degree is not None:
        moments = moments.truncated(degree)
    m, n = moments.degree, moments.size
    theta = np.linspace(0.0, np.pi, FINENESS * m + 1)
    eigenvalues = 1.0 - np.cos(theta)
    j = np.arange(1, m + 1)
    damped = n * moments.rest_share * moments.samples * jackson_damping(m)
    sines = np.zeros((len(damped), len(theta)))
    sines[:, 1 : m + 1] = damped[:, 1:] * (-1.0) ** j / j
    sines[:, 1:-1] = fft.dst(sines[:, 1:-1], type=1)  # 2 sum_j x_j sin(j theta), which is 0 at both ends
    samples = damped[:, :1] * theta + sines
    mean, error = mean_and_standard_error(samples / np.pi)
    positions, masses = moments.atoms.T
    known = (positions <= eigenvalues[:, None] + 1e-12) @ masses * n
    return CountingFunction(
        angles=frozen(theta),
        eigenvalues=frozen(eigenvalues),
        counts=frozen(known + mean),
        standard_error=frozen(np.zeros_like(error) if moments.is_exact else error),
        known=frozen(known),
        degree=m,
        size=n,
        probes=moments.probes,
    )


def widest_plateau(counting):
    """The widest plateau of ``N`` that is a gap, or the one at 0, not `clear`, where none is.

    A plateau ``[a, b]`` (angles) adds at most 1/2, or 2 % of the eigenvalues below ``a`` that are not known components.
    Every spectrum has some: in a lattice single eigenvalues stand apart at the low end. A plateau is a gap if it is at
    least two cells ``pi / m`` wide and

    - with weak eigenvalues below it (``N(a)`` at least 1/2 above the components): ``b >= 3 a``, `a` less one cell of
      smear, so that the next eigenvalues are nine times larger. On a path, a ring or a lattice neighbouring levels are
      within ``b = 2 a``, and on a tree whose nodes have r children within about ``b = sqrt(r) a``.
    - with components only below it (``a = 0``, where every graph has a plateau): ``lambda_b >= 0.2``, when by Cheeger's
      inequality no component can be cut in two at less than a tenth of the smaller part's degrees; or a bulk follows at
      once, ``N(2 b) >= max(16 N(b), n / 10)``. In d dimensions ``N`` grows like ``theta^d``: at the first level
      ``N(2 b) / N(b)`` is up to 13 on a torus of two dimensions, and 33 on one of three, a vanishing share of its n.

    Parameters
    ----------
    counting : CountingFunction

    Returns
    -------
    Plateau

    Notes
    -----
    The error is the larger of the spread over probes and ``sqrt(2 k / d)``, which is the deviation of ``v.P v`` for a
    projector of rank k (k weak eigenvalues, d probes), together with half the change along the middle half of the plateau.
    """
    theta, N, cell = counting.angles, counting.counts, counting.cell
    weak = np.maximum(N - counting.known, 0.0)
    # a known atom inside ends a plateau: it is an eigenvalue like any other
    end = np.searchsorted(N, N + np.maximum(ADDED[0], ADDED[1] * weak), side="right") - 1
    width = (theta[end] - theta) / cell
    possible = (counting.size / 2.0 >= N) & (theta < np.pi / 2.0)
    twice = np.interp(np.minimum(2.0 * theta[end], np.pi), theta, N)
    above = (counting.eigenvalues[end] >= EXPANDER) | (twice >= np.maximum(BULK[0] * N[end], BULK[1] * counting.size))
    # the kernel ends the last step about a cell too late
    gap = np.where(weak >= ADDED[0], theta[end] >= APART * np.maximum(theta - cell, cell), above)
    clear = possible & (width >= 2.0) & gap
    i = int(np.argmax(np.where(clear, width, -1.0))) if clear.any() else 0
    stop = int(end[i])
    quarter = (stop - i) // 4
    low, high = i + quarter, stop - quarter
    best = low + int(np.argmin(np.gradient(N[low : high + 1]))) if high > low else i
    drift = (N[high] - N[low]) / 2.0
    noise = counting.standard_error[best]
    if weak[best] >= ADDED[0] and noise > 0:
        noise = max(noise, np.sqrt(2.0 * max(weak[best], 1.0) / counting.probes))
    return Plateau(
        start=float(counting.eigenvalues[i]),
        end=float(counting.eigenvalues[stop]),
        flattest=float(counting.eigenvalues[best]),
        count=float(N[best]),
        standard_error=float(np.hypot(noise, drift)),
        width=float(width[i]),
        clear=bool(clear.any()),
    )
