"""What the weights of a checkpoint look like, layer by layer."""

import math
from dataclasses import dataclass

import numpy as np

from spectral_core.estimators.quadrature import Quadrature
from spectral_core.noise_bulks import NoiseBulk
from spectral_core.power_laws import PowerLaw
from spectral_core.results import frozen

__all__ = ["LayerSpectrum", "WeightSpectra"]


@dataclass(frozen=True, eq=False)
class LayerSpectrum:
    """Eigenvalues of ``W.T W``, the squared singular values, and what is read off them.

    Attributes
    ----------
    name, shape : str, tuple of int
        Of the tensor.
    rows, columns, matrices : int
        ``N >= M`` of each of the matrices whose eigenvalues are pooled.
    eigenvalues : (matrices * columns,) array
        Ascending, in squared units of the weights; empty where there are none. Where `quadrature` is not None, all but
        the largest are quantiles of the estimated distribution.
    spectral_norm, frobenius_norm : float
        Largest singular value of any of the matrices; ``(sum w^2)^(1/2)``.
    bulk : NoiseBulk or None
    power_law : PowerLaw or None
    quadrature : Quadrature or None
        Of a layer that was seen through products only.
    products : int
        With ``W.T W``, each one product with `W` and one with ``W.T``; 0 where all eigenvalues were solved for.
    notes : tuple of str
        A sentence for everything that the layer does not have.
    """

    name: str
    shape: tuple[int, ...]
    rows: int
    columns: int
    matrices: int
    eigenvalues: np.ndarray
    spectral_norm: float
    frobenius_norm: float
    bulk: NoiseBulk | None = None
    power_law: PowerLaw | None = None
    quadrature: Quadrature | None = None
    products: int = 0
    notes: tuple[str, ...] = ()

    @property
    def ratio(self):
        """``q = M / N``."""
        return self.columns / self.rows

    @property
    def stable_rank(self):
        """``||W||_F^2 / ||W||_2^2``, over all pooled matrices together; NaN for a matrix of zeros."""
        return self.frobenius_norm**2 / self.spectral_norm**2 if self.spectral_norm > 0 else math.nan

    @property
    def outliers(self):
        """Eigenvalues beyond the bulk; empty without one."""
        return self.bulk.outliers if self.bulk else frozen([])

    @property
    def edge(self):
        """Right end of the Marchenko-Pastur bulk; NaN without one."""
        return self.bulk.edge if self.bulk else math.nan

    @property
    def alpha(self):
        """Exponent of the tail; NaN without one."""
        return self.power_law.alpha if self.power_law else math.nan

    @property
    def alpha_error(self):
        """Standard error of `alpha`; NaN without one."""
        return self.power_law.alpha_error if self.power_law else math.nan

    @property
    def xmin(self):
        """Where the tail begins; NaN without one."""
        return self.power_law.xmin if self.power_law else math.nan

    @property
    def tail(self):
        """Eigenvalues in the tail."""
        return self.power_law.tail if self.power_law else 0


@dataclass(frozen=True, eq=False)
class WeightSpectra:
    """The layers of a checkpoint in its order.

    Attributes
    ----------
    layers : tuple of LayerSpectrum
    left_out : tuple of (str, str)
        Name and reason of each tensor that is no weight matrix.
    progress : float
        Share of the work that is done.
    stopped : str
    """

    layers: tuple[LayerSpectrum, ...]
    left_out: tuple[tuple[str, str], ...]
    progress: float
    stopped: str

    def __getitem__(self, name):
        """The layer of that name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    @property
    def products(self):
        """Products with ``W.T W``, all layers together."""
        return sum(layer.products for layer in self.layers)
