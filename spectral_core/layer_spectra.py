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
    participation : float
        ``(sum w^2)^2 / sum w^4``: how many weights the numbers tell of, a third of all for Gaussian weights, 1 for a single
        extreme one; NaN where there are no weights but 0.
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
    participation: float = math.nan
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
    def matrix_shape(self):
        """``(N, M)`` or ``(M, N)``: each matrix as the tensor has it, outputs first."""
        sides = self.shape[1:] if len(self.shape) == 3 and self.shape[0] == 1 else self.shape
        return (self.columns, self.rows) if sides[0] == self.columns else (self.rows, self.columns)

    @property
    def dominated(self):
        """Whether a few weights outweigh all others: `participation` below 8 and below a tenth of the weights."""
        return self.participation < min(8, math.prod(self.shape) / 10)

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
        """Exponent of the tail, reliable or not (see `PowerLaw.doubt`); NaN without one."""
        return self.power_law.alpha if self.power_law else math.nan

    @property
    def alpha_error(self):
        """Standard error of `alpha`; NaN without one."""
        return self.power_law.alpha_error if self.power_law else math.nan

    @property
    def doubt(self):
        """Why `alpha` is not to be relied on; "" where it is, or where there is none."""
        return self.power_law.doubt if self.power_law else ""

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
