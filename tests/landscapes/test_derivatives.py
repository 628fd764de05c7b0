"""Curvature read off the true curve, and the slice that optimisers walk on, against exact derivatives."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import spectral_core as sc
from sample_models import load_shipped
from sample_models.datasets import batches, load
from tests.curvature.networks import NETWORKS, network, split
from tests.landscapes.test_evaluation import direction

landscapes = sc.landscapes


@pytest.fixture(scope="module")
def digits():
    """A trained network, its data, and the extreme eigenvectors of its Hessian."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    shipped, data = load_shipped("digits-mlp"), load("digits")
    scaled = lambda x: (x - shipped.entry.mean) / shipped.entry.std  # noqa: E731
    sets = {
        "train": list(batches(scaled(data.inputs), data.targets, 500)),
        "test": list(batches(scaled(data.test_inputs), data.test_targets)),
    }
    H = sc.curvature.HessianOperator(shipped.model, "cross-entropy", sets["train"], dtype=torch.float64)
    g = torch.Generator().manual_seed(0)
    top = landscapes.eigenvectors(H, k=3, generator=g, tolerance=1e-6)
    bottom = landscapes.eigenvectors(H, k=1, which="bottom", generator=g, tolerance=1e-6)
    torch.set_num_threads(threads)
    return shipped.model, sets, top + bottom


def test_the_fitted_parabola_has_the_eigenvalue(digits):
    model, sets, found = digits
    test = sc.curvature.HessianOperator(model, "cross-entropy", sets["test"], dtype=torch.float64)
    for d in found:
        fitted = landscapes.parabola(model, "cross-entropy", sets, d)
        train, there = fitted.fits["train"], fitted.fits["test"]
        assert_allclose(fitted.curvature, d.eigenvalue, rtol=0.01)
        assert abs(train.curvature - d.eigenvalue) <= 10 * train.error + 1e-9
        exact = landscapes.quadratic_model(test, [d])
        assert_allclose(there.curvature, exact.curvatures[0, 0], rtol=0.01)
        assert_allclose(there.slope, exact.slopes[0], rtol=1e-4)


def test_the_error_of_a_curvature_is_its_spread_over_examples(digits):
    """By the exact curvature of each of 40 examples."""
    model, sets, (d, *_) = digits
    x, y = (part[:40] for part in sets["test"][0])
    each = [
        landscapes.quadratic_model(
            sc.curvature.HessianOperator(model, "cross-entropy", [(x[i : i + 1], y[i : i + 1])], dtype=torch.float64),
            [d],
        ).curvatures[0, 0]
        for i in range(40)
    ]
    fitted = landscapes.parabola(model, "cross-entropy", [(x, y)], d)
    assert_allclose(fitted.curvature, np.mean(each), rtol=0.01)
    assert_allclose(fitted.fits["data"].standard_error, np.std(each, ddof=1) / np.sqrt(40), rtol=0.01)


@pytest.mark.parametrize("name", [name for name in NETWORKS if "norm" not in name])
def test_the_slice_has_the_derivatives_of_the_hessian_operator(name):
    model, loss, pair = network(name)
    if name == "autoencoder":
        pair = (pair[0], pair[0].flatten(1))
    data, directions = split(pair, (4, 3)), [direction(model), direction(model, 1)]
    H = sc.curvature.HessianOperator(model, loss, data)
    exact, plane = landscapes.quadratic_model(H, directions), landscapes.Slice(model, loss, data, directions)
    assert_allclose(plane.function([0.0, 0.0]), exact.loss, rtol=1e-10)
    assert_allclose(plane.gradient([0.0, 0.0]), exact.slopes, rtol=1e-7, atol=1e-12)
    assert_allclose(plane.hessian([0.0, 0.0]), exact.curvatures, rtol=1e-6, atol=1e-10)
    x = np.array([0.3, -0.2])
    h = 1e-6
    for j in range(2):
        e = h * np.eye(2)[j]
        difference = (plane.function(x + e) - plane.function(x - e)) / (2 * h)
        assert_allclose(plane.gradient(x)[j], difference, rtol=1e-4, atol=1e-8)  # kinks within h
    parts = [plane.gradient(x, batch=b) for b in range(plane.mini_batches)]
    assert_allclose((4 * parts[0] + 3 * parts[1]) / 7, plane.gradient(x), rtol=1e-7, atol=1e-12)


def test_a_slice_takes_what_it_can_differentiate():
    model, loss, pair = network("MLP, batch norm")
    with pytest.raises(ValueError, match="stored batch-norm statistics"):
        landscapes.Slice(model, loss, [pair], [direction(model)], batch_norm="recomputed")
    with pytest.raises(ValueError, match="2 coordinates"):
        landscapes.Slice(model, loss, [pair], [direction(model), direction(model, 1)]).gradient([0.0])
