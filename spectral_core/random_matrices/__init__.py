"""Random matrices: laws of their spectra, spikes in noise, edge fluctuations, free convolution, and samples of them."""

from spectral_core.random_matrices.ensembles import orthonormal_directions, sample_covariance, spiked, wigner
from spectral_core.random_matrices.free_convolution import FreeConvolution, free_convolution
from spectral_core.random_matrices.laws import MarchenkoPastur, Semicircle
from spectral_core.random_matrices.spikes import AdditiveSpikedMarchenkoPastur, SpikedCovariance, SpikedWigner
from spectral_core.random_matrices.tracy_widom import TracyWidom

__all__ = [
    "AdditiveSpikedMarchenkoPastur",
    "FreeConvolution",
    "MarchenkoPastur",
    "Semicircle",
    "SpikedCovariance",
    "SpikedWigner",
    "TracyWidom",
    "free_convolution",
    "orthonormal_directions",
    "sample_covariance",
    "spiked",
    "wigner",
]
