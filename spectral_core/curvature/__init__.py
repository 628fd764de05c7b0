"""Curvature of a network's loss, seen through products: Hessian, Gauss-Newton, Fisher matrices, gradient covariance."""

from spectral_core.curvature.fisher import EmpiricalFisherOperator, FisherOperator
from spectral_core.curvature.ggn import GGNOperator
from spectral_core.curvature.gradient_covariance import GradientCovarianceOperator
from spectral_core.curvature.hessian import HessianOperator, ResidualOperator
from spectral_core.curvature.losses import BinaryCrossEntropy, CrossEntropy, Loss, SquaredError, as_loss
from spectral_core.curvature.parameters import Parameters, select_parameters
from spectral_core.curvature.product_ways import Plan

__all__ = [
    "BinaryCrossEntropy",
    "CrossEntropy",
    "EmpiricalFisherOperator",
    "FisherOperator",
    "GGNOperator",
    "GradientCovarianceOperator",
    "HessianOperator",
    "Loss",
    "Parameters",
    "Plan",
    "ResidualOperator",
    "SquaredError",
    "as_loss",
    "select_parameters",
]
