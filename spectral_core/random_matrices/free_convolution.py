"""Free convolution of a measured spectrum with a semicircle: what symmetric noise makes of it, without sampling."""

from dataclasses import dataclass

import numpy as np

from spectral_core.random_matrices.laws import vanishing_at_infinity
from spectral_core.random_matrices.subordination import inverse, on_axis, preimages, upper_solution
from spectral_core.results import frozen

__all__ = ["FreeConvolution", "free_convolution"]

DUST = 256.0  # a part narrower than so many roundings of the nodes has no inside


def free_convolution(nodes, weights, s, *, outlier_mass=0.01):
    """Law of ``A + W``: spectrum ``sum_i w_i delta(l_i)`` plus free noise of row variance ``s^2``.

    Its Stieltjes transform solves ``m(z) = sum_i w_i / (l_i - z - s^2 m(z))``.

    Parameters
    ----------
    nodes, weights : arrays of one shape
        ``l_i`` and ``w_i >= 0`` of sum 1, such as `Quadrature.stems`. ``nodes`` may be all eigenvalues, weights ``1/n``.
    s : float
        Of the noise, ``s > 0``, in the units of the nodes: alone it would have the edge ``2 s``.
    outlier_mass : float
        Parts of the spectrum beyond the outermost part of more than this mass count as outliers.

    Returns
    -------
    FreeConvolution

    Raises
    ------
    ValueError
        Other shapes, numbers that are not finite, weights that are negative or do not sum to 1, ``s <= 0``, or an
        `outlier_mass` outside [0, 1].

    Notes
    -----
    With ``w = z + s^2 m`` the equation is ``z = w + s^2 sum_i w_i / (w - l_i)``. On the real axis ``w = u + i v`` where
    ``sum_i w_i / ((l_i - u)^2 + v^2) = 1 / s^2``, or ``v = 0`` where the sum is less, and the density is ``v / (pi s^2)``:
    no small imaginary part is needed, and the edges are the real roots of that equation in `u`. ``k`` nodes cost ``k^2``
    at most, `pdf` about ``100 k`` a point, and no product. Source: Biane 1997, Corollary 3; the plain
    iteration of the equation converges too, but the slower the closer to the edge.

    Examples
    --------
    >>> law = free_convolution([0.0, 3.0], [0.999, 0.001], 1.0)
    >>> law.bulk.round(2), law.outliers.round(3), law.converged
    (array([-2.,  2.]), array([3.333]), True)
    """
    l, w = np.asarray(nodes, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if l.shape != w.shape or not l.size or not (np.isfinite(l).all() and np.isfinite(w).all()):
        raise ValueError(f"nodes and weights are finite and of one shape; got shapes {l.shape} and {w.shape}.")
    if (w < 0).any() or abs(w.sum() - 1.0) > 1e-6:
        raise ValueError(f"weights are at least 0 and sum to 1; they sum to {w.sum():g}: take `stems()`.")
    if not 0 < s < np.inf:
        raise ValueError(f"s must be positive and finite; got {s}: without noise the spectrum is the nodes themselves.")
    if not 0 <= outlier_mass <= 1:
        raise ValueError(f"outlier_mass must be a mass from 0 to 1; got {outlier_mass}.")
    merged, index = np.unique(l[w > 0], return_inverse=True)
    mass = np.bincount(index.ravel(), weights=w[w > 0])
    dust = s * np.sqrt(mass) < DUST * np.spacing(np.abs(merged).max() + s)
    if mass[dust].sum() > 1e-6:
        raise ValueError(f"s = {s} is within the rounding of the nodes; the spectrum is the nodes themselves.")
    nodes, weights = merged[~dust], mass[~dust] / mass[~dust].sum()
    u = preimages(nodes, weights, s)
    masses = np.bincount(np.searchsorted(u[:, 0], nodes, side="right") - 1, weights=weights, minlength=len(u))
    heavy = np.flatnonzero(masses > outlier_mass) if (masses > outlier_mass).any() else np.array([masses.argmax()])
    lower, upper = u[heavy[0], 0], u[heavy[-1], 1]
    beyond, within = (merged < lower) | (merged > upper), (nodes >= lower) & (nodes <= upper)
    spikes, bulk = merged[beyond], (nodes[within], weights[within])
    x, wrong, slope = on_axis(u.ravel(), nodes, weights, s)
    rounding = 8.0 * np.abs(slope) * np.spacing(np.abs(u.ravel()))
    images, excess, _ = on_axis(spikes, *bulk, s)
    return FreeConvolution(
        nodes=frozen(nodes),
        weights=frozen(weights),
        s=float(s),
        edges=frozen(x.reshape(-1, 2)),
        masses=frozen(masses),
        bulk=frozen([x[2 * heavy[0]], x[2 * heavy[-1] + 1]]),
        spikes=frozen(spikes),
        outliers=frozen(images),
        overlaps=frozen(-excess),
        preimages=frozen(u),
        converged=bool((np.abs(wrong) <= 1e-9 + rounding).all()),
    )


@dataclass(frozen=True, eq=False)
class FreeConvolution:
    """The law of `free_convolution`.

    Attributes
    ----------
    nodes, weights : (k,) arrays
        Distinct nodes, ascending, and their weights.
    s : float
    edges : (parts, 2) array
        Lower and upper edge of each part of the spectrum, ascending.
    masses : (parts,) array
        Of each part: exactly that of the nodes it comes from.
    bulk : (2,) array
        Outermost edges of the spectrum without the light parts at its ends.
    spikes : (c,) array
        The nodes beyond the bulk, ascending.
    outliers : (c,) array
        ``l + s^2 sum_j w_j / (l - l_j)``, `j` over the bulk's nodes: the eigenvalue of ``A + W`` that each spike becomes.
    overlaps : (c,) array
        ``(u . u_hat)^2 = 1 - s^2 sum_j w_j / (l - l_j)^2`` of its eigenvector with the spike's.
    preimages : (parts, 2) array
        ``u`` at the edges, ``x = u + s^2 sum_i w_i / (u - l_i)``.
    converged : bool
        Whether every edge solves its equation to rounding; they bracket each point of `pdf`.
    """

    nodes: np.ndarray
    weights: np.ndarray
    s: float
    edges: np.ndarray
    masses: np.ndarray
    bulk: np.ndarray
    spikes: np.ndarray
    outliers: np.ndarray
    overlaps: np.ndarray
    preimages: np.ndarray
    converged: bool

    @property
    def support(self):
        """Lowest and highest edge."""
        return float(self.edges[0, 0]), float(self.edges[-1, 1])

    def pdf(self, x):
        """The density at `x`: 0 outside the `edges`."""
        x = np.asarray(x, dtype=np.float64)
        low, high = self.support
        t = self._real(np.clip(np.nan_to_num(x), low - self.s, high + self.s).ravel())[1]
        return np.where(np.isnan(x), x, (np.sqrt(t) / (np.pi * self.s**2)).reshape(x.shape))[()]

    @vanishing_at_infinity
    def stieltjes(self, z):
        """``m(z) = int p(x) / (x - z) dx``; a real `z` means ``z + i0``, where ``p = Im m / pi``.

        ``nan`` where the iteration off the real axis does not converge, which has not been seen.
        """
        upper = np.where(z.imag < 0, z.conj(), z).ravel()
        u, t = self._real(upper.real)
        off = upper.imag > 0
        w = u + 1j * np.sqrt(t)
        w[off] = upper_solution(upper[off], self.nodes, self.weights, self.s)
        m = (w - upper) / self.s**2
        for j in np.flatnonzero(np.abs(w - upper) < 1e-4 * np.abs(upper)):  # far out, where the difference cancels
            m[j] = (self.weights / (self.nodes - w[j])).sum()
        m = m.reshape(z.shape)
        return np.where(z.imag < 0, m.conj(), m)

    def _real(self, x):
        """``u, v^2`` on the boundary for each `x`, between the preimages of the edges about it."""
        edges, u = np.r_[-np.inf, self.edges.ravel(), np.inf], np.r_[-np.inf, self.preimages.ravel(), np.inf]
        place = np.searchsorted(edges, x, side="right")
        low, high = np.maximum(u[place - 1], x - 1.001 * self.s), np.minimum(u[place], x + 1.001 * self.s)
        real, t = inverse(x, low, high, self.nodes, self.weights, self.s)
        return real, np.where(place % 2 == 0, t, 0.0)  # odd places lie between parts
