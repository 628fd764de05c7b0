"""Mass at zero of matrices of known rank, and the thesis's count of neurons."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

import spectral_core as sc
from spectral_core.results import Eigenspace

curvature = sc.curvature


def matrix(values, seed=0, dtype=torch.float64):
    Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))
    A = (Q * values) @ Q.T
    return torch.as_tensor((A + A.T) / 2, dtype=dtype), Q


def quadrature(A, steps, probes=8, seed=1, **options):
    return sc.lanczos_quadrature(
        A, steps=steps, probes=probes, generator=torch.Generator().manual_seed(seed), **options
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rank", [1, 7, 40])
def test_known_rank(rank, dtype):
    n, negative = 200, rank // 3
    values = np.r_[np.zeros(n - rank), -np.linspace(1, 2, negative), np.linspace(0.5, 3, rank - negative)]
    q = quadrature(matrix(values, dtype=dtype)[0], steps=rank + 5)
    found = curvature.rank_degeneracy(q, dtype=dtype)
    share = (n - rank) / n
    # the mass of a probe has the law Beta((n - r)/2, r/2)
    deviation = np.sqrt(2 * share * (1 - share) / (n + 2) / q.probes)
    assert abs(found.mass[0] - share) < 4 * deviation
    assert 0.3 * deviation < found.mass[1] < 3 * deviation
    assert found.nearest_mass[0] < found.mass[0] + 1e-12
    assert abs(found.rank[0] - rank) < 4 * found.rank[1]
    assert abs(found.negative_mass[0] - negative / n) <= 4 * np.sqrt(2 * negative / n / (n + 2) / q.probes)
    assert found.mass[0] + found.negative_mass[0] + found.positive_mass[0] == pytest.approx(1.0, rel=1e-12)
    assert found.doubtful_mass[0] == 0.0
    assert (
        abs(found.nearest_value[0])
        < found.threshold
        == pytest.approx(10 * torch.finfo(dtype).eps * n**0.5 * np.abs(q.nodes).max())
    )


def test_rounding_splits_the_nearest_ritz_value_and_not_the_mass_within_the_threshold():
    values = np.r_[np.zeros(160), np.linspace(0.5, 3, 40)]
    A, _ = matrix(values)
    exact, beyond = (curvature.rank_degeneracy(quadrature(A, steps=k), dtype=torch.float64) for k in (41, 60))
    assert_allclose([exact.nearest_mass, beyond.mass], [exact.mass, exact.mass], rtol=1e-6)
    assert beyond.nearest_mass[0] < 0.75 * beyond.mass[0]


def test_regular_matrices_have_none_though_a_nearest_ritz_value():
    q = quadrature(matrix(np.linspace(0.5, 1.5, 80))[0], steps=80)
    found = curvature.rank_degeneracy(q, dtype=torch.float64)
    assert (found.mass, found.positive_mass, found.rank) == (
        (0.0, 0.0),
        (pytest.approx(1.0), pytest.approx(0, abs=1e-12)),
        (80.0, 0.0),
    )
    assert found.nearest_mass[0] > 0
    assert found.nearest_value[0] == pytest.approx(0.5, rel=1e-9)


def test_too_few_steps_show_as_doubt():
    values = np.r_[np.zeros(100), np.linspace(-1, 1, 100)]
    few, many = (
        curvature.rank_degeneracy(quadrature(matrix(values)[0], steps=k), dtype=torch.float64) for k in (6, 120)
    )
    assert few.mass[0] + few.doubtful_mass[0] > 0.2 > few.mass[0]
    assert abs(many.mass[0] - 0.5) < 4 * many.mass[1]
    assert many.doubtful_mass[0] < 0.05


def test_a_peak_that_splits_in_two_is_combined():
    values = np.r_[np.full(60, -1e-3), np.full(60, 1e-3), np.repeat([1.0, 1.5, 2.0], 10)]
    found = curvature.rank_degeneracy(quadrature(matrix(values)[0], steps=5), dtype=torch.float64)
    assert abs(found.pair_mass[0] - 0.8) < 4 * found.pair_mass[1]
    assert found.nearest_mass[0] < 0.5
    assert abs(found.pair_value[0]) < 4 * found.pair_value[1] + 1e-9
    wide = curvature.rank_degeneracy(quadrature(matrix(values)[0], steps=5), threshold=2e-3)
    assert wide.mass[0] == pytest.approx(found.pair_mass[0], rel=1e-9)
    with pytest.raises(ValueError, match="a distance from zero"):
        curvature.rank_degeneracy(quadrature(matrix(values)[0], steps=3), threshold=-1.0)


def test_known_atoms_count():
    values = np.r_[np.zeros(30), np.linspace(1, 2, 70)]
    A, Q = matrix(values)
    q = quadrature(A, steps=70, known=Eigenspace(values[:30], Q[:, :30]))
    found = curvature.rank_degeneracy(q, dtype=torch.float64)
    assert_allclose((found.mass, found.nearest_mass), [(0.3, 0.0)] * 2, atol=1e-12)


def test_a_matrix_that_is_zero_is_refused_after_one_step():
    x = torch.rand(5, 3)
    model = nn.Linear(3, 1)
    flat = curvature.HessianOperator(model, lambda f, y: f.mean(), [(x, x[:, :1])])
    first = next(sc.lanczos_quadrature_steps(flat, steps=9, probes=2, generator=torch.Generator().manual_seed(0)))
    with pytest.raises(ValueError, match="the Hessian is zero: the loss is linear in these parameters"):
        curvature.refuse_zero(first)
    for H in (
        curvature.HessianOperator(model, "squared error", [(x, x[:, :1])]),
        curvature.HessianOperator(model, lambda f, y: f.mean(), [(x, x[:, :1])], weight_decay=1e-3),
    ):
        curvature.refuse_zero(quadrature(H, steps=1))


# -- neurons


def vgg16():
    """That of Simonyan and Zisserman for ImageNet, without memory."""
    layers, channels = [], 3
    for stage in ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3):
        for width in stage:
            layers += [nn.Conv2d(channels, width, 3, padding=1, device="meta"), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    layers.append(nn.Flatten())
    for inputs, outputs in ((512 * 49, 4096), (4096, 4096), (4096, 1000)):
        layers += [nn.Linear(inputs, outputs, device="meta"), nn.ReLU()]
    return nn.Sequential(*layers)


def test_the_thesis_counts_channels_and_the_head_for_imagenet():
    model, image = vgg16(), torch.empty(1, 3, 224, 224, device="meta")
    assert sum(curvature.neurons(model, image, positions=False).values()) == 13416
    positions = curvature.neurons(model, image)
    assert positions["0"] == 64 * 224 * 224
    assert curvature.rank_bound(10, 32 * 32, 13416) == 577600  # printed: one colour of three
    assert curvature.rank_bound(10, 3 * 32 * 32, 13416) == 659520
    assert curvature.rank_bound(2, 3, {"a": 4, "b": 2}) == 72


def test_neurons_leave_the_model_as_it_is():
    model = nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.Flatten(), nn.Linear(12, 4)).train()
    before = model[1].running_mean.clone()
    assert curvature.neurons(model, torch.rand(5, 2, 6)) == {"0": 12, "3": 4}
    assert curvature.neurons(model, torch.rand(5, 2, 6), positions=False) == {"0": 3, "3": 4}
    assert torch.equal(model[1].running_mean, before)
    assert model.training
    assert not model[0]._forward_hooks
    tokens = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3))  # over the last axis
    assert curvature.neurons(tokens, torch.rand(5, 4, 2)) == {"0": 12, "1": 12}
    assert curvature.neurons(tokens, torch.rand(5, 4, 2), positions=False) == {"0": 3, "1": 3}


def test_the_bound_holds_for_linear_networks_and_not_for_others():
    g = torch.Generator().manual_seed(0)
    x, y = (torch.randn(1000, k, generator=g, dtype=torch.float64) for k in (10, 1))
    torch.manual_seed(0)
    widths, ranks = (10, 10, 1), {}
    for name, middle in (("linear", nn.Identity()), ("tanh", nn.Tanh())):
        model = nn.Sequential(nn.Linear(*widths[:2]), middle, nn.Linear(*widths[1:])).double()
        bound = curvature.rank_bound(1, 10, curvature.neurons(model, x))
        G = curvature.GGNOperator(model, "squared error", [(x, y)])
        G.prepare(way="recomputed")
        ranks[name] = np.linalg.matrix_rank(sc.materialise(G), tol=1e-12, hermitian=True)
    assert bound == 84
    assert ranks["linear"] <= 84 < ranks["tanh"] == 121
