"""The loss along lines and planes of weight space, beside its quadratic model."""

from spectral_core.landscapes.directions import (
    Direction,
    between,
    eigenvectors,
    gradient_direction,
    random_direction,
)
from spectral_core.landscapes.evaluation import LossSurface, Values
from spectral_core.landscapes.lines import LossLine, line, line_steps
from spectral_core.landscapes.normalisation import normalised
from spectral_core.landscapes.parabolas import Fit, Parabola, parabola, parabola_steps
from spectral_core.landscapes.planes import LossPlane, plane, plane_steps
from spectral_core.landscapes.quadratic import (
    Barrier,
    QuadraticModel,
    TrustRadius,
    asymmetry,
    barrier,
    quadratic_model,
    trust_radius,
)
from spectral_core.landscapes.scans import logarithmic_positions
from spectral_core.landscapes.slices import Slice
from spectral_core.landscapes.trajectories import WeightPlane, pca_plane, plane_through

__all__ = [
    "Barrier",
    "Direction",
    "Fit",
    "LossLine",
    "LossPlane",
    "LossSurface",
    "Parabola",
    "QuadraticModel",
    "Slice",
    "TrustRadius",
    "Values",
    "WeightPlane",
    "asymmetry",
    "barrier",
    "between",
    "eigenvectors",
    "gradient_direction",
    "line",
    "line_steps",
    "logarithmic_positions",
    "normalised",
    "parabola",
    "parabola_steps",
    "pca_plane",
    "plane",
    "plane_steps",
    "plane_through",
    "quadratic_model",
    "random_direction",
    "trust_radius",
]
