"""Kernel matrices that are never formed: covariance functions, the tiled operator, the log marginal likelihood."""

from spectral_core.kernels.covariances import (
    RBF,
    Covariance,
    Linear,
    Matern,
    Periodic,
    Product,
    RationalQuadratic,
    Sum,
)
from spectral_core.kernels.inputs import gaussian_inputs, standardised
from spectral_core.kernels.kernel_operator import KernelOperator
from spectral_core.kernels.length_scales import LengthScaleCurve, length_scale_curve, length_scale_curve_steps
from spectral_core.kernels.likelihood import (
    LogMarginalLikelihood,
    log_marginal_likelihood,
    log_marginal_likelihood_steps,
)
from spectral_core.kernels.packaged_tables import load_table, table_catalogue
from spectral_core.kernels.spatial_weights import grid_weights, nearest_weights, spatial_operator, symmetrised
from spectral_core.kernels.tables import Points, Table, choose_points, read_table

__all__ = [
    "RBF",
    "Covariance",
    "KernelOperator",
    "LengthScaleCurve",
    "Linear",
    "LogMarginalLikelihood",
    "Matern",
    "Periodic",
    "Points",
    "Product",
    "RationalQuadratic",
    "Sum",
    "Table",
    "choose_points",
    "gaussian_inputs",
    "grid_weights",
    "length_scale_curve",
    "length_scale_curve_steps",
    "load_table",
    "log_marginal_likelihood",
    "log_marginal_likelihood_steps",
    "nearest_weights",
    "read_table",
    "spatial_operator",
    "standardised",
    "symmetrised",
    "table_catalogue",
]
