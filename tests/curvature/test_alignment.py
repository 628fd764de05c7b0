"""Overlaps of the gradient with vectors, against arithmetic; the curvature ratio in its two forms."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from torch.nn import functional as F

import spectral_core as sc

curvature = sc.curvature


def hessian(**options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    x, y = torch.randn(12, 4, dtype=torch.float64), torch.arange(12) % 3
    return curvature.HessianOperator(model, F.cross_entropy, [(x[:7], y[:7]), (x[7:], y[7:])], **options)


def test_cosines_and_share():
    H = hessian(weight_decay=0.1)
    g = H.gradient().numpy()
    values, vectors = np.linalg.eigh(sc.materialise(H))
    found = curvature.gradient_overlap(H, vectors[:, ::-1][:, :4] * [1.0, -2.0, 3.0, 0.5])
    cosines = vectors[:, ::-1][:, :4].T @ g / np.linalg.norm(g)
    assert_allclose(found.cosines, cosines * [1, -1, 1, 1], rtol=1e-10)
    assert_allclose(found.share, (cosines**2).sum(), rtol=1e-10)
    assert_allclose(found.gradient_norm, np.linalg.norm(g), rtol=1e-12)
    assert curvature.gradient_overlap(H, torch.as_tensor(vectors)).share == pytest.approx(1.0, rel=1e-12)
    # what is not orthogonal: the span counts, not the sum of squares
    pair = np.stack([g, g + 0.1 * vectors[:, 0]], 1)
    assert curvature.gradient_overlap(H, pair).share == pytest.approx(1.0, rel=1e-12)


def test_a_random_direction_has_the_share_it_is_compared_with():
    H = hessian()
    P, k, draws = H.shape[0], 5, 400
    shares = []
    for seed in range(draws):
        Q = torch.linalg.qr(torch.randn(P, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).Q
        found = curvature.gradient_overlap(H, Q)
        shares.append(found.share)
    assert found.expected_share == k / P
    assert abs(np.mean(shares) - k / P) < 4 * found.expected_deviation / draws**0.5
    assert abs(np.std(shares) / found.expected_deviation - 1) < 0.2  # 400 draws: a relative error of about 1/sqrt(800)


def test_bad_vectors_and_no_gradient():
    H = hessian()
    P = H.shape[0]
    for vectors, words in (
        (np.ones((3, 1)), "columns of a"),
        (np.zeros((P, 1)), "zero or linearly dependent"),
        (np.ones((P, 2)), "zero or linearly dependent"),
        (np.ones((P, P + 1)), "columns of a"),
    ):
        with pytest.raises(ValueError, match=words):
            curvature.gradient_overlap(H, vectors)
    x = torch.rand(4, 2)
    model = nn.Linear(2, 1, bias=False)
    still = curvature.HessianOperator(model, "squared error", [(x, model(x).detach())])
    with pytest.raises(ValueError, match="stationary point"):
        curvature.gradient_overlap(still, torch.ones(2, 1))


def test_estimated_curvature_ratio():
    damping = np.array([0.01, 0.1, 1.0, 10.0])
    ratio = curvature.estimated_curvature_ratio(5.0, 0.2, damping)
    # learning rates alpha / (lambda + delta), one by the other
    assert_allclose(ratio.exact, (1 / (0.2 + damping)) / (1 / (5.0 + damping)), rtol=1e-14)
    assert_allclose((ratio.approximate - 1) / (ratio.exact - 1), 1 + 0.2 / damping, rtol=1e-12)
    flat = curvature.estimated_curvature_ratio(5.0, 0.0, damping)
    assert_allclose(flat.approximate, flat.exact, rtol=1e-14)
    assert curvature.estimated_curvature_ratio(3.0, 3.0, 0.5).exact == 1.0
    for arguments, words in (
        ((1.0, 2.0, 0.1), "comes first"),
        ((1.0, -0.2, 0.1), "outweigh"),
        ((1.0, 0.2, 0.0), "must be positive"),
    ):
        with pytest.raises(ValueError, match=words):
            curvature.estimated_curvature_ratio(*arguments)
