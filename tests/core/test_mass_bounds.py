"""Shares of a spectrum below and between points: bounds that hold for each probe, and cover the truth."""

import numpy as np
import pytest
import torch

import spectral_core as sc
from spectral_core.estimators.mass_bounds import _bounds
from tests.core import registry

POINTS = (-1.3e-3, 0.313, 0.977, 1.737)  # of the scale: at no eigenvalue


@pytest.mark.parametrize("name", registry.SPECTRA)
@pytest.mark.parametrize("steps", [1, 3, 8, 40])
def test_bounds_hold_for_each_probe(name, steps):
    """Against the measure of the probe itself: squared overlaps with the eigenvectors."""
    q = sc.lanczos_quadrature(registry.tensor(name), steps=steps, probes=3, generator=torch.Generator().manual_seed(0))
    V = sc.draw_probes(len(registry.eigenvalues(name)), 3, generator=torch.Generator().manual_seed(0)).numpy()
    values, basis = np.linalg.eigh(registry.MATRICES[name])
    overlaps = (basis.T @ (V / np.linalg.norm(V, axis=0))) ** 2
    for x in (share * registry.scale(name) for share in POINTS):
        truth = overlaps[values < x].sum(axis=0)
        lower, upper = _bounds(q, x)
        assert (lower <= truth + 1e-6).all()
        assert (truth <= upper + 1e-6).all()


def test_more_steps_narrow_the_bounds():
    A = torch.diag(torch.linspace(0.0, 1.0, 400, dtype=torch.float64))
    widths = []
    for steps in (5, 20, 80):
        q = sc.lanczos_quadrature(A, steps=steps, probes=4, generator=torch.Generator().manual_seed(0))
        mass = sc.mass_between(q, 0.25, 0.5)
        assert abs(mass.value - 0.25) <= mass.error + 3 * mass.standard_error
        widths.append(mass.upper - mass.lower)
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_shares_of_three_parts_hold_all():
    A = torch.diag(torch.linspace(-1.0, 1.0, 300, dtype=torch.float64))
    q = sc.lanczos_quadrature(A, steps=30, probes=5, generator=torch.Generator().manual_seed(0))
    masses = sc.curvature.spectral_masses(q, near=0.1)
    parts = (masses.negative, masses.near, masses.positive)
    assert sum(part.lower for part in parts) <= 1.0 <= sum(part.upper for part in parts)
    for part, truth in zip(parts, (0.45, 0.1, 0.45), strict=True):
        assert abs(part.value - truth) <= part.error + 2 * part.standard_error


def test_an_interval_needs_its_ends_in_order():
    q = sc.lanczos_quadrature(torch.eye(4), steps=2, probes=2, generator=torch.Generator())
    with pytest.raises(ValueError, match="lower end first"):
        sc.mass_between(q, 1.0, 0.0)
