"""Spectra of matrices that nobody can write down: estimates with error bars from products ``A @ V`` alone."""

from spectral_core import curvature, graphs, kernels, random_matrices
from spectral_core.densities import ChebyshevDensity, Density, SmoothedDensity
from spectral_core.estimators.effective_dimension import effective_dimension
from spectral_core.estimators.eigenpairs import Eigenpairs, eigenpair_steps, eigenpairs
from spectral_core.estimators.kernel_polynomial import chebyshev_moments, kernel_polynomial, moment_steps
from spectral_core.estimators.logdet import LogDeterminant, logdet, logdet_all, logdet_steps
from spectral_core.estimators.mass_bounds import Mass, mass_below, mass_between
from spectral_core.estimators.maxent import MaxEntDensity, maxent
from spectral_core.estimators.quadrature import Quadrature, lanczos_quadrature, lanczos_quadrature_steps
from spectral_core.estimators.solvers import Solution, solve, solve_steps
from spectral_core.estimators.trace import diagonal, frobenius_norm, trace
from spectral_core.krylov.bounds import bounds
from spectral_core.krylov.chebyshev import chebyshev_moment_steps
from spectral_core.krylov.lanczos import lanczos, lanczos_steps
from spectral_core.layer_spectra import LayerSpectrum, WeightSpectra
from spectral_core.matrix_files import MatrixFile, read_matrix
from spectral_core.noise_bulks import NoiseBulk, fit_bulk
from spectral_core.operators import (
    AffineOperator,
    CountingOperator,
    DeflatedOperator,
    SparseOperator,
    SumOperator,
    as_operator,
    as_scipy,
    materialise,
)
from spectral_core.power_laws import PowerLaw, fit_power_law
from spectral_core.probes import draw_probes
from spectral_core.results import Eigenspace, Estimate, Moments, SpectralInterval
from spectral_core.weight_matrices import weight_spectra, weight_spectrum_steps

__all__ = [
    "AffineOperator",
    "ChebyshevDensity",
    "CountingOperator",
    "DeflatedOperator",
    "Density",
    "Eigenpairs",
    "Eigenspace",
    "Estimate",
    "LayerSpectrum",
    "LogDeterminant",
    "Mass",
    "MatrixFile",
    "MaxEntDensity",
    "Moments",
    "NoiseBulk",
    "PowerLaw",
    "Quadrature",
    "SmoothedDensity",
    "Solution",
    "SparseOperator",
    "SpectralInterval",
    "SumOperator",
    "WeightSpectra",
    "as_operator",
    "as_scipy",
    "bounds",
    "chebyshev_moment_steps",
    "chebyshev_moments",
    "curvature",
    "diagonal",
    "draw_probes",
    "effective_dimension",
    "eigenpair_steps",
    "eigenpairs",
    "fit_bulk",
    "fit_power_law",
    "frobenius_norm",
    "graphs",
    "kernel_polynomial",
    "kernels",
    "lanczos",
    "lanczos_quadrature",
    "lanczos_quadrature_steps",
    "lanczos_steps",
    "logdet",
    "logdet_all",
    "logdet_steps",
    "mass_below",
    "mass_between",
    "materialise",
    "maxent",
    "moment_steps",
    "random_matrices",
    "read_matrix",
    "solve",
    "solve_steps",
    "trace",
    "weight_spectra",
    "weight_spectrum_steps",
]
