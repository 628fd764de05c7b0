"""Spikes in noise (Baik, Ben Arous, Peche): where the eigenvalue goes, its threshold, overlap and fluctuation."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from spectral_core.random_matrices.orders import whole
from spectral_core.results import frozen

__all__ = ["AdditiveSpikedMarchenkoPastur", "SpikedCovariance", "SpikedWigner"]


class _Spikes:
    """A map ``l -> rho(l)``, increasing beyond the threshold, ``rho' = 0`` on it; fields broadcast over each other."""

    def _check(self, **fields):
        try:
            arrays = np.broadcast_arrays(*fields.values())
        except ValueError:
            shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in fields.items())
            raise ValueError(
                f"spikes and the noise's parameters must broadcast over each other; got {shapes}."
            ) from None
        for name, array in zip(fields, arrays, strict=True):
            if not np.isfinite(array).all():
                raise ValueError(f"{name} must be finite; got {fields[name]}.")
            object.__setattr__(self, name, frozen(array))

    @cached_property
    def visible(self):
        """True where the spike lies beyond its threshold: an outlier of the spectrum belongs to it."""
        side = np.where(self._upper, 1.0, -1.0)
        return side * (self.spikes - self.threshold) > 0

    @cached_property
    def outlier(self):
        """``rho(l)`` beyond the threshold, else the edge."""
        return frozen(self._where_visible(self._outlier, self.edge))

    @cached_property
    def overlap(self):
        """``(u . u_hat)^2`` of the planted and the sampled unit eigenvector: 0 below the threshold."""
        return frozen(np.clip(self._where_visible(self._overlap, 0.0), 0.0, 1.0))

    def standard_deviation(self, n):
        """Of a visible outlier of an ``n x n`` matrix, ``nan`` of the others: Gaussian, of order ``n^(-1/2)``.

        Additive models: ``|l| sqrt(2 o (1 - o) / n)``, `o` the overlap; Wigner: ``s sqrt(2 (1 - s^2/l^2) / n)``.
        Spiked covariance: ``l sqrt(2 q rho'(l) / n)``. The spike's direction must be random, or the noise Gaussian.

        Source: Capitaine, Donati-Martin and Feral 2009, Theorem 2.2 (Wigner); Paul 2007, Theorem 3 (covariance). The
        additive formula is the variance ``(2 / n)(g_2 - g^2) / g_2^2`` of ``u.R(rho)u`` mapped to ``rho``, where
        ``g = 1/l`` and ``g_2 = int p(x) / (rho - x)^2 dx = 1 / (l^2 o)``.
        """
        (n,) = whole(n=n)
        return frozen(np.sqrt(np.maximum(self._where_visible(self._variance, np.nan), 0.0) / n))

    def _where_visible(self, formula, otherwise):
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(self.visible, formula(self.spikes), otherwise)

    def _variance(self, l):
        return 2.0 * l * l * self.overlap * (1.0 - self.overlap)


@dataclass(frozen=True, eq=False)
class SpikedWigner(_Spikes):
    """``rho = l + s^2 / l`` if ``|l| > s``, else the edge ``+-2 s``; overlap ``1 - s^2 / l^2``.

    A spike `l` added to symmetric noise of row variance ``s^2``; ``l < 0`` leaves at the lower end.

    Parameters
    ----------
    spikes : float or array
        ``l``.
    scale : float or array
        ``s >= 0``, in the units of ``l``; broadcasts against `spikes`.

    Raises
    ------
    ValueError
        Not finite, ``s < 0``, or shapes that do not broadcast.

    Notes
    -----
    Source: Benaych-Georges and Nadakuditi 2011, section 3.1; thesis, Equation 5.8 and Theorem 17. Its Lemma 15 has ``2
    s`` for the threshold, which is ``s``: at ``l = s`` the outlier meets the edge.

    Examples
    --------
    >>> law = SpikedWigner([3.0, 0.5], 1.0)
    >>> law.outlier.round(3), law.overlap.round(3), law.edge
    (array([3.333, 2.   ]), array([0.889, 0.   ]), array([2., 2.]))
    """

    spikes: np.ndarray
    scale: np.ndarray

    def __post_init__(self):
        self._check(spikes=self.spikes, scale=self.scale)
        if (self.scale < 0).any():
            raise ValueError(f"scale is the standard deviation s of the noise, at least 0; got {self.scale}.")

    @cached_property
    def _upper(self):
        return self.spikes >= 0

    @cached_property
    def threshold(self):
        """``s``, ``-s`` for a negative spike."""
        return frozen(np.where(self._upper, self.scale, -self.scale))

    @cached_property
    def edge(self):
        """``2 s``, ``-2 s`` for a negative spike."""
        return frozen(2.0 * self.threshold)

    def _outlier(self, l):
        return l + self.scale**2 / l

    def _overlap(self, l):
        return 1.0 - (self.scale / l) ** 2


class _MarchenkoPasturSpikes(_Spikes):
    def __post_init__(self):
        self._check(spikes=self.spikes, ratio=self.ratio, variance=self.variance)
        if not ((self.ratio > 0).all() and (self.variance >= 0).all()):
            raise ValueError(
                f"ratio q = n / N must be positive and variance at least 0; got {self.ratio}, {self.variance}."
            )


@dataclass(frozen=True, eq=False)
class AdditiveSpikedMarchenkoPastur(_MarchenkoPasturSpikes):
    """``rho = l + s2 l / (l - q s2)`` if ``l > s2 (q + sqrt q)``, else ``x_+``; overlap ``1 - q s2^2 / (l - q s2)^2``.

    A spike `l` added to a sample covariance of ratio ``q`` and variance ``s2``. A negative one leaves below ``x_-`` if
    ``l < s2 (q - sqrt q)``; for ``q >= 1`` every negative one leaves, below 0.

    Parameters
    ----------
    spikes, ratio, variance : float or array
        ``l``, ``q = n / N``, ``s2``; they broadcast over each other.

    Raises
    ------
    ValueError
        Not finite, ``q <= 0``, ``s2 < 0``, or shapes that do not broadcast.

    Notes
    -----
    From ``g(rho) = 1 / l`` and ``R(g) = s2 / (1 - q s2 g)``; the overlap is ``-g^2 / g' = rho'(l)``. Source:
    Benaych-Georges and Nadakuditi 2011, Theorems 2.1 and 2.2. The thesis names the model (section 5.6) and gives no formula.

    Examples
    --------
    >>> law = AdditiveSpikedMarchenkoPastur(2.0, 0.25, 1.0)
    >>> law.outlier.round(3), law.overlap.round(3), float(law.threshold)
    (np.float64(3.143), np.float64(0.918), 0.75)
    """

    spikes: np.ndarray
    ratio: np.ndarray
    variance: np.ndarray

    @cached_property
    def _upper(self):
        return self.spikes >= 0

    @cached_property
    def threshold(self):
        """``s2 (q + sqrt q)``; of a negative spike ``s2 min(q - sqrt q, 0)``."""
        q, root = self.ratio, np.sqrt(self.ratio)
        return frozen(self.variance * np.where(self._upper, q + root, np.minimum(q - root, 0.0)))

    @cached_property
    def edge(self):
        """``x_+ = s2 (1 + sqrt q)^2``; of a negative spike ``x_-``, or the atom at 0 for ``q > 1``."""
        root = np.sqrt(self.ratio)
        return frozen(self.variance * np.where(self._upper, 1.0 + root, np.maximum(1.0 - root, 0.0)) ** 2)

    def _outlier(self, l):
        return l + self.variance * l / (l - self.ratio * self.variance)

    def _overlap(self, l):
        return 1.0 - self.ratio * (self.variance / (l - self.ratio * self.variance)) ** 2


@dataclass(frozen=True, eq=False)
class SpikedCovariance(_MarchenkoPasturSpikes):
    """``rho = l (1 + q s2 / (l - s2))`` if ``l > s2 (1 + sqrt q)``, else ``x_+``; overlap ``l rho'(l) / rho``.

    A population eigenvalue `l` among ones of ``s2``, seen in a sample covariance of ratio ``q``. With ``rho' = 1 - q
    s2^2 / (l - s2)^2`` the overlap is ``rho' / (1 + q s2 / (l - s2))``. One below ``s2`` leaves below ``x_-`` if ``l < s2
    (1 - sqrt q)``, never for ``q >= 1``.

    Parameters
    ----------
    spikes, ratio, variance : float or array
        ``l >= 0``, ``q = n / N``, ``s2``; they broadcast over each other.

    Raises
    ------
    ValueError
        Not finite, ``l < 0``, ``q <= 0``, ``s2 < 0``, or shapes that do not broadcast.

    Notes
    -----
    Source: Baik and Silverstein 2006, Theorem 1.1; overlap: Paul 2007, Theorem 4. The thesis's Theorem 16 is this in
    units of ``s2`` with ``l - s2`` called ``lambda``; its prefactor ``P sigma^2 / b`` and its threshold do not fit it.

    Examples
    --------
    >>> law = SpikedCovariance([3.0, 1.2], 0.25, 1.0)
    >>> law.outlier.round(3), law.overlap.round(3)
    (array([3.375, 2.25 ]), array([0.833, 0.   ]))
    """

    spikes: np.ndarray
    ratio: np.ndarray
    variance: np.ndarray

    def __post_init__(self):
        super().__post_init__()
        if (self.spikes < 0).any():
            raise ValueError(f"a population eigenvalue of a covariance is at least 0; got {self.spikes}.")

    @cached_property
    def _upper(self):
        return self.spikes >= self.variance

    @cached_property
    def threshold(self):
        """``s2 (1 + sqrt q)``; of a spike below ``s2``: ``s2 (1 - sqrt q)``, at least 0."""
        root = np.sqrt(self.ratio)
        return frozen(self.variance * np.where(self._upper, 1.0 + root, np.maximum(1.0 - root, 0.0)))

    @cached_property
    def edge(self):
        """``x_+``; of a spike below ``s2``: ``x_-``."""
        root = np.sqrt(self.ratio)
        return frozen(self.variance * (1.0 + np.where(self._upper, root, -root)) ** 2)

    def _outlier(self, l):
        return l * (1.0 + self.ratio * self.variance / (l - self.variance))

    def _slope(self, l):
        return 1.0 - self.ratio * (self.variance / (l - self.variance)) ** 2

    def _overlap(self, l):
        return self._slope(l) / (1.0 + self.ratio * self.variance / (l - self.variance))

    def _variance(self, l):
        return 2.0 * self.ratio * l * l * self._slope(l)
