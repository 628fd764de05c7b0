"""Bootstrap of the data: what is drawn, and the spread of the spectrum over it."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from torch.nn import functional as F

import spectral_core as sc

curvature = sc.curvature
g = torch.Generator().manual_seed(4)
X = torch.randn(60, 3, generator=g, dtype=torch.float64)
DATA = [(X[:40], torch.arange(40)), (X[40:], torch.arange(40, 60))]


def test_examples_are_drawn_with_replacement_and_keep_together():
    g = torch.Generator().manual_seed(0)
    counts = np.zeros(60)
    for _ in range(200):
        drawn = curvature.resampled_batches(DATA, generator=g)
        assert [len(inputs) for inputs, _ in drawn] == [40, 20]
        for inputs, which in drawn:
            assert torch.equal(inputs, X[which])
            counts += np.bincount(which, minlength=60)
    assert counts.sum() == 200 * 60
    # each count has mean 200 and variance 200 (1 - 1/60)
    assert abs(((counts - 200) ** 2).sum() / 200 - 60) < 4 * np.sqrt(2 * 60)


def test_structures_are_kept_and_shared_tensors_too():
    mask = torch.ones(2, 2)
    data = [({"x": X[:40], "mask": mask}, X[:40, 0]), ({"x": X[40:], "mask": mask}, X[40:, 0])]
    for inputs, targets in curvature.resampled_batches(data, generator=torch.Generator().manual_seed(0)):
        assert inputs["mask"] is mask
        assert torch.equal(inputs["x"][:, 0], targets)
    for data, words in (
        ([], "no mini-batch"),
        ([(X[:4], X[:4]), (X[:4, :2], X[:4])], "mini-batch 2 are shaped otherwise"),
    ):
        with pytest.raises(ValueError, match=words):
            curvature.resampled_batches(data, generator=torch.Generator())


def operator(data):
    torch.manual_seed(0)
    model = nn.Linear(3, 1, bias=False).double()
    return curvature.HessianOperator(model, "squared error", [(x, x[:, :1]) for x, _ in data])


def test_one_run_a_resample_from_the_same_vector():
    items = list(
        curvature.resampled_quadrature_steps(
            operator, DATA, resamples=4, steps=2, generator=torch.Generator().manual_seed(0)
        )
    )
    assert [(len(item), item[-1].steps) for item in items] == [(r, k) for r in (1, 2, 3, 4) for k in (1, 2)]
    assert all(q.products == 2 for q in items[-1])
    # all from one vector: on the same data, the same run
    same = curvature.resampled_quadratures(
        lambda data: operator(DATA), DATA, resamples=3, steps=2, generator=torch.Generator().manual_seed(0)
    )
    for q in same[1:]:
        assert np.array_equal(q.nodes, same[0].nodes)
    assert np.ptp([q.nodes[0, -1] for q in items[-1]]) > 0


def test_the_spread_is_that_over_data_sets():
    """The trace of ``X.T X / n`` for normal examples in d dimensions has the variance ``2 d / n``, a resample that of ours."""
    runs = curvature.resampled_quadratures(
        operator, DATA, resamples=150, steps=3, generator=torch.Generator().manual_seed(1)
    )
    norms = X.square().sum(1).numpy()
    largest = [q.nodes[0, -1] for q in runs]  # three steps: every eigenvalue
    traces = [q.nodes.sum() for q in runs]
    deviation = norms.std() / 60**0.5
    assert abs(np.std(traces) / deviation - 1) < 4 / np.sqrt(2 * 150)
    assert abs(np.mean(traces) - norms.mean()) < 4 * deviation / 150**0.5
    # the extreme eigenvalue lies farther out than that of the data
    assert np.mean(largest) > np.linalg.eigvalsh(X.T @ X / 60)[-1]
    lower, upper = curvature.density_band(runs, [0.5, 1.0], 0.2)
    rows = np.stack([q.smoothed([0.5, 1.0], 0.2) for q in runs])
    inside = (rows >= lower) & (rows <= upper)
    assert_allclose(inside.mean(0), 0.9, atol=0.02)


def test_refused():
    with pytest.raises(ValueError, match="at least one resample"):
        curvature.resampled_quadratures(operator, DATA, resamples=0, steps=2, generator=torch.Generator())
    with pytest.raises(ValueError, match="at least one resample"):
        curvature.density_band((), [0.0], 0.1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        curvature.density_band((1,), [0.0], 0.1, level=1.0)


def test_networks():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    data = [(X.float(), torch.arange(60) % 2)]
    make = lambda data: curvature.HessianOperator(model, F.cross_entropy, data)  # noqa: E731
    runs = curvature.resampled_quadratures(make, data, resamples=3, steps=5, generator=torch.Generator().manual_seed(0))
    assert all(np.isfinite(q.nodes).all() for q in runs)
    assert sc.lanczos_quadrature(make(data), steps=5, probes=1, generator=torch.Generator()).size == runs[0].size
