"""What figures and tables show of a result: grids, histograms without the known atoms, stems of all probes as one."""

from dataclasses import dataclass

import numpy as np

from spectral_core.estimators.maxent import MaxEntDensity
from spectral_core.polynomials import checked_interval
from spectral_core.results import checked_atoms, frozen, mean_and_standard_error

__all__ = ["Histogram", "Stems", "grid", "histogram", "known_atoms", "merged_stems"]


@dataclass(frozen=True, eq=False)
class Histogram:
    """Shares of all `size` eigenvalues per unit length: ``sum(density * diff(edges)) = 1 - atoms`` if all are inside.

    Attributes
    ----------
    edges : (bins + 1,) array
    density, counts : (bins,) arrays
        Without the eigenvalues that are known atoms.
    """

    edges: np.ndarray
    density: np.ndarray
    counts: np.ndarray
    size: int


@dataclass(frozen=True, eq=False)
class Stems:
    """Stems of all probes together: mean `weights` with `standard_error`, all (k,), at ascending `positions`."""

    positions: np.ndarray
    weights: np.ndarray
    standard_error: np.ndarray


def grid(interval, points=600, *, near=0.05, densities=()):
    """Points at which curves are drawn: evenly spaced, a sixth more in the first `near` of the interval, and the peaks.

    For each of `densities` that knows the grid which resolves it (maximum entropy), the 40 highest maxima are added with
    their neighbours, so that a peak narrower than the spacing is drawn.

    Examples
    --------
    >>> grid((0.0, 2.0), 4, near=0.0).tolist()
    [0.25, 0.75, 1.25, 1.75]
    """
    a, b = checked_interval(interval)
    x = a + (b - a) * (np.arange(points) + 0.5) / points
    extra = points // 6 if near > 0 else 0
    close = a + (b - a) * near * (np.arange(extra) + 0.5) / max(extra, 1)
    peaks = [_peaks(density, a, b) for density in densities if isinstance(density, MaxEntDensity)]
    return np.unique(np.r_[x, close, *peaks])


def _peaks(density, a, b, most=40, neighbours=6):
    low, high = density.support
    x = (low + high) / 2.0 + (high - low) / 2.0 * np.cos(
        np.pi * (np.arange(4 * density.points) + 0.5) / (4 * density.points)
    )
    y = np.r_[0.0, density.pdf(x), 0.0]
    tops = np.flatnonzero((y[1:-1] >= y[:-2]) & (y[1:-1] > y[2:]))
    tops = tops[np.argsort(y[1:-1][tops])[-most:]]
    around = np.unique(
        np.clip(tops[:, None] + np.arange(-neighbours, neighbours + 1) ** 3 // neighbours, 0, len(x) - 1)
    )
    found = x[around]
    return found[(found >= a) & (found <= b)]


def known_atoms(stems=None, densities=None):
    """``(k, 2)`` rows ``(position, mass)``: the atoms of the quadrature and of all densities, each place once."""
    rows = {}
    for source in (stems, *(densities or {}).values()):
        if source is not None:
            rows |= {float(position): float(mass) for position, mass in source.atoms}
    return checked_atoms(sorted(rows.items()))


def histogram(eigenvalues, *, interval, bins=100, atoms=None):
    """Histogram of exact eigenvalues over `interval`, known atoms taken out, as a share of all of them per unit length.

    Parameters
    ----------
    eigenvalues : (n,) array
    interval : (float, float)
        Eigenvalues outside count in `size` only.
    bins : int
    atoms : (k, 2) array, optional
        For an atom of mass ``m``, the ``round(n m)`` eigenvalues nearest to it are left out, if they are within 1e-6 of
        the spectrum's width.

    Returns
    -------
    Histogram

    Examples
    --------
    >>> histogram([0.0, 0.0, 1.0, 2.0], interval=(0, 2), bins=2, atoms=[(0.0, 0.5)]).density.tolist()
    [0.0, 0.5]
    """
    a, b = checked_interval(interval)
    values = np.sort(np.asarray(eigenvalues, dtype=np.float64).ravel())
    if not np.isfinite(values).all() or len(values) == 0:
        raise ValueError("a histogram needs at least one eigenvalue, and finite ones.")
    size = len(values)
    reach = 1e-6 * max(values[-1] - values[0], abs(values).max(), b - a)
    for position, mass in checked_atoms(atoms):
        distance = np.abs(values - position)
        nearest = np.argsort(distance, kind="stable")[: round(mass * size)]
        values = np.delete(values, nearest[distance[nearest] <= reach])
    rounding = 1e-12 * max(abs(a), abs(b))  # an eigenvalue at the end may be computed as a little beyond it
    values = np.where(np.abs(values - a) <= rounding, a, np.where(np.abs(values - b) <= rounding, b, values))
    counts, edges = np.histogram(values, bins=bins, range=(a, b))
    return Histogram(frozen(edges), frozen(counts / (size * np.diff(edges))), frozen(counts), size)


def merged_stems(quadrature, *, interval=None, bins=200):
    """The stems of all probes as one set: Ritz values within ``width / bins`` of each other become one stem.

    In each of `bins` equal bins the weights of a probe are added up; a stem is their mean over probes, at the mean
    position. Known atoms are left out. The weights sum to 1 less the mass of the atoms.

    Parameters
    ----------
    quadrature : Quadrature
    interval : (float, float), optional
        Whose width the bins divide; default the range of the Ritz values.
    bins : int

    Returns
    -------
    Stems
        Standard errors over probes, ``inf`` from one.
    """
    nodes, weights = quadrature.nodes, quadrature.weights
    low, high = float(nodes.min()), float(nodes.max())
    a, b = (low, high) if interval is None else checked_interval(interval)
    width = (b - a) / bins if b > a else 1.0
    place = np.floor((nodes - a) / width + 1e-9).astype(np.int64)
    place -= place.min()
    samples = np.zeros((len(nodes), int(place.max()) + 1))
    np.add.at(samples, (np.arange(len(nodes))[:, None], place), weights)
    mean, error = mean_and_standard_error(samples)
    moment = np.bincount(place.ravel(), weights=(weights * nodes).ravel(), minlength=len(mean)) / len(nodes)
    present = mean > 0
    return Stems(frozen(moment[present] / mean[present]), frozen(mean[present]), frozen(error[present]))
