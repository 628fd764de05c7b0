"""One spike in the noise of mini-batches: its law at each batch size, and sampled matrices of it."""

from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.random_matrices import (
    AdditiveSpikedMarchenkoPastur,
    MarchenkoPastur,
    Semicircle,
    SpikedCovariance,
    SpikedWigner,
    orthonormal_directions,
    sample_covariance,
    spiked,
    wigner,
)
from spectral_core.results import frozen

__all__ = ["SPIKE_MODELS", "BulkAndSpike", "SampledSpike"]

SPIKE_MODELS = ("wigner", "additive", "multiplicative")


@dataclass(frozen=True, eq=False)
class SampledSpike:
    """Eigenvalues of one sampled matrix, descending, and the squared overlap of the first eigenvector with the spike's."""

    eigenvalues: np.ndarray
    overlap: float


@dataclass(frozen=True)
class BulkAndSpike:
    """A spike `l` in noise whose spectrum has the variance ``s^2/B``: bulk, outlier, overlap, and where it is swallowed.

    Wigner: ``l u u.T + W``, a semicircle of edge ``2 s/sqrt B``. Additive: ``l u u.T + X X.T - v I`` with ``X X.T`` a sample
    covariance of ratio ``q = P/B`` and variance ``v = s/sqrt P``. Multiplicative: the sample covariance of B examples whose
    population has the eigenvalue `l` among ones of ``v``.

    Parameters
    ----------
    model : {"wigner", "additive", "multiplicative"}
    spike : float
        ``l > 0``, the eigenvalue of all data.
    noise : float
        ``s > 0``, of one example, in the units of the spike.
    size : int
        ``P`` of the Marchenko-Pastur laws and of samples.

    Raises
    ------
    ValueError
        Another model, a spike or a noise that is not positive, a size that is no whole number from 2, or batch sizes not above 0.

    Notes
    -----
    Source: thesis sections 5.4 to 5.6, Figures 5.1 and 5.3; the laws as in `random_matrices`, where the corrections are.

    Examples
    --------
    >>> picture = BulkAndSpike("wigner", spike=1.0, noise=8.0)
    >>> picture.swallowed_below, float(picture.outlier(256)), float(picture.edge(256)), float(picture.overlap(256))
    (64.0, 1.25, 1.0, 0.75)
    """

    model: str = "wigner"
    spike: float = 1.0
    noise: float = 8.0
    size: int = 400

    def __post_init__(self):
        if self.model not in SPIKE_MODELS:
            raise ValueError(f"models are {', '.join(SPIKE_MODELS)}; got {self.model!r}.")
        if not (
            0 < self.spike < np.inf
            and 0 < self.noise < np.inf
            and 2 <= self.size < np.inf
            and self.size == int(self.size)
        ):
            raise ValueError(
                "spike and noise are positive and the size is a whole number from 2; got "
                f"{self.spike}, {self.noise} and {self.size}."
            )

    @property
    def variance(self):
        """``v = s/sqrt P``: then ``q v^2 = s^2/B``."""
        return self.noise / self.size**0.5

    @property
    def swallowed_below(self):
        """Batch size up to which the spike lies within the bulk, `inf` if always: where `l` is the threshold, as ``s^2/l^2``."""
        if self.model == "wigner":
            return (self.noise / self.spike) ** 2
        ratio = self.spike / self.variance
        if self.model == "additive":
            return self.size / ((1 + 4 * ratio) ** 0.5 / 2 - 0.5) ** 2
        return self.size / (ratio - 1) ** 2 if ratio > 1 else np.inf

    def bulk(self, batch_size):
        """The law of the noise alone, before the additive model's shift by `-shift`."""
        B = float(_checked(batch_size))
        if self.model == "wigner":
            return Semicircle(2.0 * self.noise / B**0.5)
        return MarchenkoPastur(self.size / B, self.variance)

    @property
    def shift(self):
        """What is taken off: the mean of the additive model's noise."""
        return self.variance if self.model == "additive" else 0.0

    def support(self, batch_size):
        """Lower and upper edge of the bulk."""
        low, high = self.bulk(batch_size).support
        return low - self.shift, high - self.shift

    def pdf(self, x, batch_size):
        """Density of the bulk."""
        return self.bulk(batch_size).pdf(np.asarray(x) + self.shift)

    def atom(self, batch_size):
        """``(position, mass)`` of the eigenvalues that fewer examples than rows leave in one place; mass 0 where none."""
        q = self.size / float(_checked(batch_size))
        return -self.shift, 0.0 if self.model == "wigner" or q <= 1 else 1.0 - 1.0 / q

    def _law(self, batch_size):
        B = _checked(batch_size)
        if self.model == "wigner":
            return SpikedWigner(self.spike, self.noise / np.sqrt(B))
        law = AdditiveSpikedMarchenkoPastur if self.model == "additive" else SpikedCovariance
        return law(self.spike, self.size / B, self.variance)

    def outlier(self, batch_size):
        """Largest eigenvalue: that of the spike, or the edge. Arrays of batch sizes go through."""
        return np.maximum(self._law(batch_size).outlier - self.shift, self.edge(batch_size))

    def edge(self, batch_size):
        """Upper edge of the bulk, also where a spike below the population's bulk would leave at its lower end."""
        if self.model == "wigner":
            return self._law(batch_size).edge
        return self.variance * (1 + np.sqrt(self.size / _checked(batch_size))) ** 2 - self.shift

    def overlap(self, batch_size):
        """Squared overlap of the largest eigenvector with the spike's: 0 once it is swallowed."""
        law = self._law(batch_size)
        return np.where(law.outlier - self.shift > self.edge(batch_size), law.overlap, 0.0)

    def sample(self, batch_size, *, generator):
        """`SampledSpike` of one ``size x size`` matrix with this noise: ``P^3`` operations, and ``P^2 B`` of a covariance."""
        P, B = int(self.size), int(batch_size) if np.isfinite(batch_size) else 0
        if not 1 <= B == batch_size:
            raise ValueError(f"a mini-batch to sample has one example or more, a whole number; got {batch_size}.")
        if self.model == "multiplicative":
            A = sample_covariance(P, B, variance=self.variance, spikes=[self.spike], generator=generator)
            u = torch.eye(P, 1, dtype=A.dtype)
        else:
            u = orthonormal_directions(P, 1, generator=generator)
            if self.model == "wigner":
                noise = wigner(P, variance=self.noise**2 / B, generator=generator)
            else:
                noise = sample_covariance(P, B, variance=self.variance, generator=generator)
                noise.diagonal().sub_(self.variance)
            A = spiked([self.spike], noise, directions=u)
        values, vectors = torch.linalg.eigh(A)
        return SampledSpike(frozen(values.flip(0).numpy()), float((vectors[:, -1] @ u[:, 0]) ** 2))


def _checked(batch_size):
    B = np.asarray(batch_size, dtype=float)
    if not ((B > 0) & np.isfinite(B)).all():
        raise ValueError(f"batch sizes are finite numbers above 0; got {batch_size}.")
    return B
