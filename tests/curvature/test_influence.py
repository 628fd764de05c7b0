"""Influence and saliency against refits without the example or the weight, and against dense inverses."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from spectral_core.curvature import GGNOperator, HessianOperator, influence, removal_saliency

DECAY = 0.1


def _ridge(n=30, d=6, seed=0):
    """Inputs, targets, the minimum of ``mean (x.w - y)^2 + DECAY |w|^2 / 2`` and its model."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * np.linspace(0.5, 2, d)
    y = X @ rng.standard_normal(d) + 0.5 * rng.standard_normal(n)
    w = np.linalg.solve(2 * X.T @ X / n + DECAY * np.eye(d), 2 * X.T @ y / n)
    return X, y, w, _linear(w)


def _linear(w):
    model = nn.Linear(len(w), 1, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.as_tensor(w)[None])
    return model


def _pair(X, y):
    return torch.as_tensor(X), torch.as_tensor(y)[:, None]


def test_leaving_one_out_of_ridge_regression():
    """The loss is quadratic, so that influence is exact up to the leverage and the test loss's own curvature."""
    X, y, w, model = _ridge()
    n, d = X.shape
    H = HessianOperator(model, nn.MSELoss(), [_pair(X, y)], weight_decay=DECAY)
    test_x, test_y = np.linspace(-1, 1, d), 0.3
    gradient = HessianOperator(model, nn.MSELoss(), [_pair(test_x[None], np.array([test_y]))]).gradient()
    columns = [HessianOperator(model, nn.MSELoss(), [_pair(X[i : i + 1], y[i : i + 1])]).gradient() for i in range(n)]
    found = influence(H, gradient, torch.stack(columns, 1), tolerance=1e-12)
    assert found.converged
    dense = 2 * X.T @ X / n + DECAY * np.eye(d)
    leverage = 2 * np.einsum("ij,jk,ik->i", X, np.linalg.inv(dense), X) / n
    exact, slope = np.zeros(n), np.zeros(n)
    for i in range(n):
        rest = np.arange(n) != i  # with weights 1/n still
        without = np.linalg.solve(2 * X[rest].T @ X[rest] / n + DECAY * np.eye(d), 2 * X[rest].T @ y[rest] / n)
        exact[i] = (test_x @ without - test_y) ** 2 - (test_x @ w - test_y) ** 2
        slope[i] = exact[i] - (test_x @ (without - w)) ** 2
    assert_allclose(found.removal(n), slope * (1 - leverage), rtol=1e-8)
    assert (np.sign(found.removal(n)) == np.sign(slope)).all()
    assert_allclose(found.upweighting, -n * found.removal(n))


def _logistic_minimum(X, y, weights):
    """Newton's method on ``sum_i weights_i log(1 + exp(-y_i x_i.w)) + DECAY |w|^2 / 2``, float64."""
    w = np.zeros(X.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-X @ w))
        slope = X.T @ (weights * (p - y)) + DECAY * w
        w = w - np.linalg.solve((X.T * (weights * p * (1 - p))) @ X + DECAY * np.eye(len(w)), slope)
    return w


def test_leaving_one_out_of_logistic_regression_is_first_order():
    """Data repeated four times leave one in four times as many out: the relative error falls like 1 / n."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((25, 4))
    y = (X @ np.array([1.0, -1.0, 0.5, 0.0]) + 0.5 * rng.standard_normal(25) > 0).astype(float)
    test_x, test_y = np.array([[0.3, 0.2, -0.5, 1.0]]), np.array([1.0])
    errors = []
    for copies in (1, 4):
        Xc, yc = np.tile(X, (copies, 1)), np.tile(y, copies)
        n = len(yc)
        w = _logistic_minimum(Xc, yc, np.full(n, 1 / n))
        model, loss = _linear(w), nn.BCEWithLogitsLoss()
        H = HessianOperator(model, loss, [_pair(Xc, yc)], weight_decay=DECAY)
        gradients = [HessianOperator(model, loss, [_pair(Xc[i : i + 1], yc[i : i + 1])]).gradient() for i in range(25)]
        test = HessianOperator(model, loss, [_pair(test_x, test_y)]).gradient()
        predicted = influence(H, test, torch.stack(gradients, 1), tolerance=1e-12).removal(n)
        exact = np.zeros(25)
        for i in range(25):
            without = _logistic_minimum(Xc, yc, np.where(np.arange(n) == i, 0.0, 1 / n))
            exact[i] = np.log1p(np.exp(-test_x @ without))[0] - np.log1p(np.exp(-test_x @ w))[0]
        assert np.corrcoef(predicted, exact)[0, 1] > 0.95
        errors.append(np.linalg.norm(predicted - exact) / np.linalg.norm(exact))
    assert errors[0] < 0.5
    assert errors[1] / errors[0] == pytest.approx(0.25, rel=0.3)


def test_influence_against_a_dense_inverse_with_a_shift():
    X, y, _, _ = _ridge()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 3), nn.Tanh(), nn.Linear(3, 1)).double()
    G = GGNOperator(model, nn.MSELoss(), [_pair(X, y)])
    dense = G @ torch.eye(G.shape[0], dtype=torch.float64)
    g, z = G.gradient(), torch.randn(G.shape[0], dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = influence(G, g, z, shift=0.01, tolerance=1e-10)
    solved = torch.linalg.solve(dense + 0.01 * torch.eye(G.shape[0], dtype=torch.float64), g)
    bound = found.residual * float(g.norm() * z.norm()) / 0.01
    assert found.upweighting.shape == (1,)
    assert abs(found.upweighting[0] + float(solved @ z)) <= bound + 1e-10
    with pytest.raises(ValueError, match="one column an example"):
        influence(G, g, z[:-1], shift=0.01)


def test_removing_a_weight_of_ridge_regression():
    """The loss is quadratic and at its minimum: both saliencies are exact, with and without refitting the rest."""
    X, y, w, model = _ridge()
    n, d = X.shape
    H = HessianOperator(model, nn.MSELoss(), [_pair(X, y)], weight_decay=DECAY)
    loss = lambda w: np.mean((X @ w - y) ** 2) + DECAY * w @ w / 2  # noqa: E731
    surgeon = removal_saliency(H, H.point(), tolerance=1e-12)
    damage = removal_saliency(H, H.point(), method="damage", generator=torch.Generator())
    for q in range(d):
        rest = np.arange(d) != q
        refitted, zeroed = np.zeros(d), np.where(rest, w, 0.0)
        refitted[rest] = np.linalg.solve(
            2 * X[:, rest].T @ X[:, rest] / n + DECAY * np.eye(d - 1), 2 * X[:, rest].T @ y / n
        )
        assert surgeon.value[q] == pytest.approx(loss(refitted) - loss(w), rel=1e-8)
        assert damage.value[q] == pytest.approx(loss(zeroed) - loss(w), rel=1e-8)
    assert (surgeon.value <= damage.value).all()
    assert surgeon.bar == "error scale"
    assert (surgeon.standard_error <= 1e-12 * surgeon.value).all()
    some = removal_saliency(H, H.point(), [4, 1], shift=0.5, tolerance=1e-12)
    inverse = np.linalg.inv(2 * X.T @ X / n + (DECAY + 0.5) * np.eye(d))
    assert_allclose(some.value, w[[4, 1]] ** 2 / (2 * inverse.diagonal()[[4, 1]]), rtol=1e-8)
    assert some.products < surgeon.products


def test_saliency_says_what_it_does_not_know():
    _, _, w, _ = _ridge()
    A = torch.diag(torch.logspace(0, 4, 6, dtype=torch.float64)) + 0.5
    e = removal_saliency(A, w, products=3)
    assert (e.standard_error == math.inf).all()
    assert "did not converge" in e.stopped
    for options, match in (({"method": "axe"}, "surgeon, damage"), ({"indices": [6]}, "from 0 to 5")):
        with pytest.raises(ValueError, match=match):
            removal_saliency(A, w, **options)
