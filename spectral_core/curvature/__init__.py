"""Curvature of a network's loss, seen through products: Hessian, Gauss-Newton, Fisher matrices, gradient covariance."""

from spectral_core.curvature.alignment import (
    CurvatureRatio,
    GradientOverlap,
    estimated_curvature_ratio,
    gradient_overlap,
)
from spectral_core.curvature.certificate import Certificate, Check, certificate, certificate_steps
from spectral_core.curvature.finite_differences import (
    FiniteDifferenceErrors,
    finite_difference_error_steps,
    finite_difference_errors,
    finite_difference_product,
)
from spectral_core.curvature.fisher import EmpiricalFisherOperator, FisherOperator
from spectral_core.curvature.ggn import GGNOperator
from spectral_core.curvature.gradient_covariance import GradientCovarianceOperator
from spectral_core.curvature.hessian import HessianOperator, ResidualOperator
from spectral_core.curvature.influence import Influence, influence, removal_saliency
from spectral_core.curvature.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError, as_loss
from spectral_core.curvature.parameters import Parameters, select_parameters
from spectral_core.curvature.preflight import Preflight
from spectral_core.curvature.product_ways import Plan
from spectral_core.curvature.rank_degeneracy import RankDegeneracy, neurons, rank_bound, rank_degeneracy, refuse_zero
from spectral_core.curvature.resampling import (
    density_band,
    resampled_batches,
    resampled_quadrature_steps,
    resampled_quadratures,
)
from spectral_core.curvature.statistics import SpectralMasses, Statistic, spectral_masses, statistics
from spectral_core.curvature.variance import (
    NoiseScale,
    gradient_variance,
    gradient_variance_steps,
    variance,
    variance_steps,
)

__all__ = [
    "BinaryCrossEntropy",
    "Certificate",
    "Check",
    "CrossEntropy",
    "CurvatureRatio",
    "EmpiricalFisherOperator",
    "FiniteDifferenceErrors",
    "FisherOperator",
    "GGNOperator",
    "GradientCovarianceOperator",
    "GradientOverlap",
    "HessianOperator",
    "Influence",
    "Loss",
    "NoiseScale",
    "Parameters",
    "Plan",
    "Preflight",
    "RankDegeneracy",
    "ResidualOperator",
    "SpectralMasses",
    "SquaredError",
    "Statistic",
    "as_loss",
    "certificate",
    "certificate_steps",
    "density_band",
    "estimated_curvature_ratio",
    "finite_difference_error_steps",
    "finite_difference_errors",
    "finite_difference_product",
    "gradient_overlap",
    "gradient_variance",
    "gradient_variance_steps",
    "influence",
    "neurons",
    "rank_bound",
    "rank_degeneracy",
    "refuse_zero",
    "removal_saliency",
    "resampled_batches",
    "resampled_quadrature_steps",
    "resampled_quadratures",
    "select_parameters",
    "spectral_masses",
    "statistics",
    "variance",
    "variance_steps",
]
