"""Model matrices: the operators have the eigenvalues that they say they have."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import spectral_core as sc


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_poisson_has_its_closed_form(dimensions):
    model = sc.poisson(5, dimensions)
    dense = sc.materialise(model.operator)
    assert_allclose(np.linalg.eigvalsh(dense), model.eigenvalues, atol=1e-12)
    assert model.interval[0] < model.eigenvalues[0] < model.eigenvalues[-1] < model.interval[1]
    assert (np.diag(dense) == 2 * dimensions).all()


def test_lattice_is_the_field_s_model():
    model = sc.lattice_schroedinger()
    dense = sc.materialise(model.operator)
    assert dense.shape == (1000, 1000)
    assert_allclose(dense, dense.T)
    assert model.interval[0] <= model.eigenvalues[0] < model.eigenvalues[-1] <= model.interval[1]
    # the potential, independently: images of one well over the neighbouring cells, in the order (x, y, z)
    h, beta = 0.6, 2.0
    i = np.array([3, 0, 7])
    images = np.array(np.meshgrid(*[6.0 * np.arange(-8, 9)] * 3)).reshape(3, -1).T
    potential = -4.0 * np.exp(-(((h * i - 3.0 - images) ** 2).sum(axis=1)) / (2 * beta**2)).sum()
    index = i @ [100, 10, 1]
    assert dense[index, index] == pytest.approx(6 / h**2 + potential, rel=1e-12)
    # periodic second differences: each row sums to the potential, six neighbours
    assert dense[index].sum() == pytest.approx(potential, rel=1e-9)
    assert (dense[index] == -1 / h**2).sum() == 6
    # without a potential: sums of 4 sin^2(pi j / 10) / h^2
    free = sc.lattice_schroedinger(alpha=0.0, dimensions=2)
    side = 4 * np.sin(np.pi * np.arange(10) / 10) ** 2 / h**2
    assert_allclose(free.eigenvalues, np.sort(np.add.outer(side, side).ravel()), atol=1e-11)
    assert len(sc.lattice_schroedinger(dimensions=2, cells=2).eigenvalues) == 400


def test_synthetic_network_has_the_drawn_spectrum(generator):
    model = sc.synthetic_network(200, generator=generator)
    values = np.linalg.eigvalsh(sc.materialise(model.operator))
    assert_allclose(values, model.eigenvalues, atol=1e-11)
    assert (model.eigenvalues == 0.0).sum() == 100
    assert (model.eigenvalues < 0).sum() == 2
    large = sc.synthetic_network(1000, generator=generator).eigenvalues
    assert ((large > 0).sum(), (large < 0).sum()) == (490, 10)
    assert large.min() >= -10
    assert 15 < large.max() <= 60


def test_mapped_to_the_unit_interval(generator):
    for model in (sc.poisson(6), sc.synthetic_network(120, generator=generator)):
        mapped = model.mapped()
        assert mapped.operator.interval == (-1.0, 1.0)
        assert mapped.eigenvalues[[0, -1]] == pytest.approx([-1.0, 1.0], abs=1e-15)
        assert_allclose(np.linalg.eigvalsh(sc.materialise(mapped.operator)), mapped.eigenvalues, atol=1e-12)


def test_module_is_public():
    assert "model_matrices" in sc.__all__
    assert sc.model_matrices.poisson is sc.poisson


def test_on_a_device(device):
    model = sc.poisson(4)
    operator = model.operator.to(device=device)
    assert (operator @ torch.ones(16, dtype=torch.float64, device=device)).sum().item() == pytest.approx(16.0)


def test_refusals(generator):
    for call, words in (
        (lambda: sc.poisson(0), "at least one point"),
        (lambda: sc.poisson(3, 4), "dimensions"),
        (lambda: sc.lattice_schroedinger(h=0.1), "4096"),
        *(
            (lambda given=given: sc.lattice_schroedinger(**given), "positive lengths")
            for given in (dict(h=0.0), dict(h=np.nan), dict(beta=0.0), dict(L=-6.0), dict(alpha=np.inf))
        ),
        (lambda: sc.lattice_schroedinger(cells=1.5), "cells"),
        (lambda: sc.poisson(3, 2.0), "dimensions"),
        (lambda: sc.synthetic_network(10, generator=generator), "at least 100"),
        (lambda: sc.poisson(1).mapped(), "more than one point"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
