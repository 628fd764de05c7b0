"""Differences of gradients: what the step leaves of a product, in both precisions."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from torch.nn import functional as F

import spectral_core as sc
from tests.curvature.networks import NETWORKS, network, split

curvature = sc.curvature


def hessian(dtype, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    x, y = torch.randn(12, 4, dtype=torch.float64), torch.arange(12) % 3
    return curvature.HessianOperator(model, F.cross_entropy, [(x[:7], y[:7]), (x[7:], y[7:])], dtype=dtype, **options)


@pytest.mark.parametrize("name", NETWORKS)
def test_products_with_every_architecture(name):
    model, loss, pair = network(name)
    H = curvature.HessianOperator(model, loss, split(pair, (4, 3)), weight_decay=0.2)
    H.prepare(way="retained")
    v = torch.randn(H.shape[0], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = H @ v
    # third derivatives are of order one here, the parameters' norm is: h^2 (1 + ||w||)^2 ~ eps^(2/3)
    step = 1e-5 / float(v.norm())
    found = curvature.finite_difference_product(H, v, step=step)
    assert float((found - exact).norm() / exact.norm()) < 1e-6
    assert torch.equal(H @ v, exact)  # gradients elsewhere leave what is retained as it was


def test_gradients_elsewhere_are_those_of_a_model_there():
    H = hessian(torch.float64, weight_decay=0.3)
    w = H.point()
    assert_allclose(H.gradient(w), H.gradient(), rtol=1e-14)
    there = 0.5 * w + 0.1
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
    torch.nn.utils.vector_to_parameters(there, model.parameters())
    data = [(batch.inputs, batch.targets) for batch in H.batches]
    moved = curvature.HessianOperator(model, F.cross_entropy, data, weight_decay=0.3)
    assert_allclose(H.gradient(there), moved.gradient(), rtol=1e-13)
    assert torch.equal(H.point(), w)


def test_quadratic_losses_are_exact_for_any_step():
    x = torch.randn(20, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    H = curvature.HessianOperator(nn.Linear(5, 1).double(), "squared error", [(x, x[:, :1])])
    v = torch.randn(6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    for step in (1e-2, 1.0, 1e3):
        for central in (True, False):
            found = curvature.finite_difference_product(H, v, step=step, central=central)
            assert float((found - H @ v).norm() / (H @ v).norm()) < 1e-13 / min(step, 1.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_errors_over_the_step_form_a_v(dtype):
    H, eps = hessian(dtype), torch.finfo(dtype).eps
    v = torch.randn(H.shape[0], generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = hessian(torch.float64) @ v
    found = curvature.finite_difference_errors(H, v.to(dtype), exact=exact)
    assert found.eps == eps
    steps = found.steps / found.steps[-1]  # relative to (1 + ||w||) / ||v||
    # rounding falls as eps/h, then h^2 (central) or h (one-sided) rises: between two decades off the valley on either side
    for errors, order in ((found.central, 2), (found.one_sided, 1)):
        valley = eps ** (1 / (order + 1))
        best = int(np.argmin(errors))
        assert valley / 30 < steps[best] < 30 * valley
        assert errors[best] < 30 * eps ** (order / (order + 1))
        left, right = steps < valley / 10, (steps > 10 * valley) & (steps < 0.03)
        slope = np.polyfit(np.log(steps[left]), np.log(errors[left]), 1)[0]
        assert abs(slope + 1) < 0.25
        if right.sum() > 2:
            assert abs(np.polyfit(np.log(steps[right]), np.log(errors[right]), 1)[0] - order) < 0.25
    assert found.best == (found.steps[np.argmin(found.central)], found.central.min())
    # the step that is too short for float32
    assert found.products == 0
    assert found.gradients == 4 * len(steps)
    at_default = curvature.finite_difference_product(H, v.to(dtype)).double()
    assert float((at_default - exact).norm() / exact.norm()) < 100 * eps**0.5
    if dtype == torch.float32:
        fixed = curvature.finite_difference_errors(H, v.float(), [1e-8 / float(v.norm())], exact=exact)
        assert fixed.central[0] > 0.5


def test_steps_are_complete():
    items = list(curvature.finite_difference_error_steps(hessian(torch.float32), generator=torch.Generator()))
    assert [len(item.steps) for item in items] == list(range(1, len(items) + 1))
    assert len(items[-1].central) == len(items[-1].one_sided) == len(items)
    assert items[-1].products == 1
    assert np.all(np.diff(items[-1].steps) > 0)


def test_refused():
    H = hessian(torch.float64)
    v = torch.ones(H.shape[0], dtype=torch.float64)
    data = [(batch.inputs, batch.targets) for batch in H.batches]
    G = curvature.GGNOperator(H._model, F.cross_entropy, data)
    S = curvature.ResidualOperator(H._model, F.cross_entropy, data)
    for call, words in (
        (lambda: curvature.finite_difference_product(G, v), "got GGNOperator"),
        (lambda: curvature.finite_difference_product(S, v), "got ResidualOperator"),
        (lambda: curvature.finite_difference_product(H, 0 * v), "zero or not finite"),
        (lambda: curvature.finite_difference_product(H, v, step=0.0), "step must be positive"),
        (lambda: curvature.finite_difference_errors(H, v, []), "at least one step"),
        (lambda: curvature.finite_difference_errors(H), "generator must be"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
