"""Optimisers as small pure functions: generators of iterates from a gradient, and walks on a slice of a loss."""

from spectral_core.optimisers.first_order import adam, gadam, gradient_descent
from spectral_core.optimisers.newton import newton
from spectral_core.optimisers.walks import METHODS, Walk, settings_of, walk, walk_steps

__all__ = ["METHODS", "Walk", "adam", "gadam", "gradient_descent", "newton", "settings_of", "walk", "walk_steps"]
