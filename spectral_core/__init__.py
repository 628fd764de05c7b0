"""Spectra of matrices that nobody can write down: estimates with error bars from products ``A @ V`` alone."""

from spectral_core import (
    batch_scaling,
    curvature,
    graphs,
    kernels,
    landscapes,
    model_matrices,
    optimisers,
    random_matrices,
)
from spectral_core.densities import ChebyshevDensity, Density, SmoothedDensity
from spectral_core.estimators.chebyshev_nystrom import a_priori
from spectral_core.estimators.chebyshev_sketch import (
    ChebyshevSketch,
    chebyshev_sketch,
    chebyshev_sketch_steps,
    sketch_memory,
)
from spectral_core.estimators.effective_dimension import effective_dimension
from spectral_core.estimators.eigenpairs import Eigenpairs, eigenpair_steps, eigenpairs
from spectral_core.estimators.finite_maxent import FiniteMaxEnt, finite_maxent
from spectral_core.estimators.kernel_polynomial import chebyshev_moments, kernel_polynomial, moment_steps
from spectral_core.estimators.logdet import LogDeterminant, logdet, logdet_all, logdet_steps
from spectral_core.estimators.mass_bounds import Mass, mass_below, mass_between
from spectral_core.estimators.maxent import MaxEntDensity, maxent
from spectral_core.estimators.power_iteration import PowerIteration, power_iteration, power_iteration_steps
from spectral_core.estimators.quadrature import Quadrature, lanczos_quadrature, lanczos_quadrature_steps
from spectral_core.estimators.sketched_densities import SketchedDensity, SmoothedMoments
from spectral_core.estimators.smoothing_kernels import smoothed_spectrum
from spectral_core.estimators.solvers import Solution, solve, solve_steps
from spectral_core.estimators.spectrum import eigenvalue_count, spectrum, spectrum_steps
from spectral_core.estimators.spectrum_at_width import Spectrum
from spectral_core.estimators.streamed_sketch import StreamedSketch
from spectral_core.estimators.trace import diagonal, frobenius_norm, trace
from spectral_core.krylov.bounds import bounds
from spectral_core.krylov.chebyshev import chebyshev_moment_steps
from spectral_core.krylov.lanczos import lanczos, lanczos_steps
from spectral_core.layer_spectra import LayerSpectrum, WeightSpectra
from spectral_core.matrix_files import MatrixFile, read_matrix
from spectral_core.model_matrices import ModelMatrix, lattice_schroedinger, poisson, synthetic_network
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
    "ChebyshevSketch",
    "CountingOperator",
    "DeflatedOperator",
    "Density",
    "Eigenpairs",
    "Eigenspace",
    "Estimate",
    "FiniteMaxEnt",
    "LayerSpectrum",
    "LogDeterminant",
    "Mass",
    "MatrixFile",
    "MaxEntDensity",
    "ModelMatrix",
    "Moments",
    "NoiseBulk",
    "PowerIteration",
    "PowerLaw",
    "Quadrature",
    "SketchedDensity",
    "SmoothedDensity",
    "SmoothedMoments",
    "Solution",
    "SparseOperator",
    "SpectralInterval",
    "Spectrum",
    "StreamedSketch",
    "SumOperator",
    "WeightSpectra",
    "a_priori",
    "as_operator",
    "as_scipy",
    "batch_scaling",
    "bounds",
    "chebyshev_moment_steps",
    "chebyshev_moments",
    "chebyshev_sketch",
    "chebyshev_sketch_steps",
    "curvature",
    "diagonal",
    "draw_probes",
    "effective_dimension",
    "eigenpair_steps",
    "eigenpairs",
    "eigenvalue_count",
    "finite_maxent",
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
    "landscapes",
    "lattice_schroedinger",
    "logdet",
    "logdet_all",
    "logdet_steps",
    "mass_below",
    "mass_between",
    "materialise",
    "maxent",
    "model_matrices",
    "moment_steps",
    "optimisers",
    "poisson",
    "power_iteration",
    "power_iteration_steps",
    "random_matrices",
    "read_matrix",
    "sketch_memory",
    "smoothed_spectrum",
    "solve",
    "solve_steps",
    "spectrum",
    "spectrum_steps",
    "synthetic_network",
    "trace",
    "weight_spectra",
    "weight_spectrum_steps",
]
