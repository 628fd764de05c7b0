"""Log-determinants of positive definite operators, exact and estimated."""

from spectral_core.estimators.logdet.entropy_curves import (
    EntropyCurves,
    entropy_against_moments,
    entropy_against_moments_steps,
    floor_sensitivity_steps,
)
from spectral_core.estimators.logdet.methods import (
    METHODS,
    PRODUCTS,
    logdet,
    logdet_all,
    logdet_all_steps,
    logdet_steps,
)
from spectral_core.estimators.logdet.result import LogDeterminant

__all__ = [
    "METHODS",
    "PRODUCTS",
    "EntropyCurves",
    "LogDeterminant",
    "entropy_against_moments",
    "entropy_against_moments_steps",
    "floor_sensitivity_steps",
    "logdet",
    "logdet_all",
    "logdet_all_steps",
    "logdet_steps",
]
