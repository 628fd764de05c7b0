"""Noise scales against every example's matrix, entry by entry; closed forms; what sub-sampling reports of itself."""

from itertools import combinations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from torch.nn import functional as F

import spectral_core as sc
from spectral_core.curvature.examples import Distances
from tests.curvature.networks import NETWORKS, SPLITS, Dense, network, split

# torch's own, of the forward mode that the reference takes
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")

curvature = sc.curvature
MATRICES = {
    curvature.HessianOperator: Dense.hessian,
    curvature.GGNOperator: Dense.gauss_newton,
    curvature.EmpiricalFisherOperator: Dense.empirical_fisher,
}


def of_each(matrix, model, loss, data):
    """The matrix of every mini-batch of the data, (m, P, P)."""
    return np.stack([matrix(Dense(model, loss, [pair])).numpy() for pair in data])


def materialised(model, loss, pair):
    H = curvature.HessianOperator(model, loss, [pair])
    H.prepare(way="recomputed")
    return sc.materialise(H)


def noise(each, weights, U):
    """``sum_i w_i ||H_i u||^2 - ||H u||^2`` for the columns u."""
    mean = np.tensordot(weights, each, 1)
    return weights @ (np.einsum("ipq,qk->ipk", each, U) ** 2).sum(1) - ((mean @ U) ** 2).sum(0)


def directions(size, count=3):
    U = np.random.default_rng(0).standard_normal((size, count))
    return U / np.linalg.norm(U, axis=0)


@pytest.mark.parametrize("name", ["MLP", "transformer"])
@pytest.mark.parametrize("operator", MATRICES)
def test_noise_scale_at_given_directions(name, operator):
    model, loss, pair = network(name)
    each = of_each(MATRICES[operator], model, loss, split(pair, [1] * 7))
    U = directions(each.shape[1])
    A = operator(model, loss, split(pair, SPLITS["unequal"]), weight_decay=0.3)
    found = curvature.variance(A, directions=U)
    expected = noise(each, np.full(7, 1 / 7), U)
    assert expected.min() > 0
    assert_allclose(found.value, expected, rtol=1e-9)
    assert not found.standard_error.any()
    assert (found.bar, found.examples, found.population, found.products) == ("exact", 7, 7, 6)
    if name == "MLP":
        single = operator(model, loss, [pair], dtype=torch.float32)
        assert_allclose(curvature.variance(single, directions=3.0 * U).value, expected, rtol=1e-3)


@pytest.mark.parametrize("name", ["autoencoder", "LeNet", "LSTM", "VGG, batch norm"])
def test_over_all_directions_it_is_the_spread_of_all_entries(name):
    model, loss, pair = network(name)
    A = curvature.HessianOperator(model, loss, [pair])
    each = np.stack([materialised(model, loss, one) for one in split(pair, [1] * 7)])
    spread = (each**2).sum((1, 2)).mean() - (each.mean(0) ** 2).sum()
    found = curvature.variance(A, directions=torch.eye(A.shape[0], dtype=A.dtype))
    assert_allclose(found.value.sum(), spread, rtol=1e-9)
    random = curvature.variance(A, probes=40, generator=torch.Generator().manual_seed(1))
    assert abs(random.value - spread / A.shape[0]) < 4 * random.standard_error
    assert random.per_element == random.value / A.shape[0]


@pytest.mark.parametrize("sizes", [(4, 3), (2, 3, 2)])
def test_over_mini_batches(sizes, monkeypatch):
    model, loss, pair = network("MLP")
    data = split(pair, sizes)
    each, U = of_each(Dense.hessian, model, loss, data), directions(109)
    expected = noise(each, np.array(sizes) / 7, U)
    A = curvature.HessianOperator(model, loss, data)
    assert_allclose(curvature.variance(A, directions=U, over="mini-batches").value, expected, rtol=1e-10)
    monkeypatch.setattr(sc.curvature.curvature_operator, "PIECE", A._sizes[0].bytes // 2)
    cut = curvature.HessianOperator(model, loss, data)
    assert len(cut.batches) > len(data)  # in pieces, which are no mini-batches
    assert_allclose(curvature.variance(cut, directions=U, over="mini-batches").value, expected, rtol=1e-10)


def test_mini_batches_drawn_without_replacement_inherit_it_exactly():
    model, loss, pair = network("MLP")
    each, U = of_each(Dense.hessian, model, loss, split(pair, [1] * 7)), directions(109, 1)
    scale = curvature.variance(curvature.HessianOperator(model, loss, [pair]), directions=U)
    for size in (1, 2, 3, 6):
        means = np.stack([each[list(chosen)].mean(0) for chosen in combinations(range(7), size)])
        assert_allclose(scale.of_mini_batch(size), noise(means, np.full(len(means), 1 / len(means)), U), rtol=1e-9)
    assert scale.of_mini_batch(7) == 0
    with pytest.raises(ValueError, match="from 1 to the 7 examples"):
        scale.of_mini_batch(8)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients(name):
    model, loss, pair = network(name)
    data = split(pair, SPLITS["unequal"])
    expected = np.trace(Dense(model, loss, data).covariance().numpy())
    H = curvature.HessianOperator(model, loss, data, weight_decay=0.5)
    found = curvature.gradient_variance(H)
    assert_allclose(found.value, expected, rtol=1e-9)
    assert (found.standard_error, found.products) == (0.0, 0)
    C = curvature.GradientCovarianceOperator(model, loss, data)
    assert_allclose(curvature.gradient_variance(C).value, np.trace(sc.materialise(C)), rtol=1e-9)


def linear(x, **options):
    """``H_i = x_i x_i.T`` whatever the targets."""
    model = nn.Linear(x.shape[1], 1, bias=False).double()
    return curvature.HessianOperator(model, "squared error", list(zip(x.split(30), x[:, :1].split(30), strict=True)))


def test_linear_model_in_closed_form():
    x = torch.randn(90, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    u = torch.ones(5, dtype=torch.float64) / 5**0.5
    found = curvature.variance(linear(x), directions=u)
    expected = (x.square().sum(1) * (x @ u) ** 2).mean() - (x.T @ (x @ u) / 90).square().sum()
    assert_allclose(found.value, [float(expected)], rtol=1e-12)


@pytest.mark.parametrize("probes", [None, 6])
def test_error_bars_of_samples_cover(probes):
    g = torch.Generator().manual_seed(3)
    x = torch.randn(300, 12, generator=g, dtype=torch.float64) * torch.linspace(0.3, 2, 12, dtype=torch.float64)
    H, each = linear(x), torch.einsum("ip,iq->ipq", x, x)
    U = directions(12, 1) if probes is None else np.eye(12)
    exact = noise(each.numpy(), np.full(300, 1 / 300), U).mean()
    scores, covered, runs = [], 0, 150
    for _ in range(runs):
        options = {"directions": U} if probes is None else {"probes": probes}
        found = curvature.variance(H, examples=60, generator=g, **options)
        lower, upper = found.interval(0.95)
        covered += int(np.all(lower <= exact) and np.all(exact <= upper))
        scores.append(float(np.squeeze(found.value) - exact) / float(np.squeeze(found.standard_error)))
        assert found.examples == 60
    # a ratio of mean and spread of a skew law: the bias is of order 1 / sqrt(m) of a bar
    assert abs(np.mean(scores)) < 4 / runs**0.5 + 1 / 6**0.5
    assert covered / runs > 0.95 - 4 * (0.05 * 0.95 / runs) ** 0.5
    assert np.std(scores) > 0.5  # nor are the bars far too wide


def test_steps_are_complete_and_end_in_the_result():
    x = torch.randn(90, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    H = linear(x)
    H._sizes = tuple(type(s)(2**26, s.nodes) for s in H._sizes)  # as if large: small chunks
    seeds = lambda: torch.Generator().manual_seed(5)  # noqa: E731
    items = list(curvature.variance_steps(H, probes=3, generator=seeds()))
    assert len(items) > 3
    assert [item.examples for item in items] == sorted({item.examples for item in items})
    whole = curvature.variance(linear(x), probes=3, generator=seeds())
    assert_allclose(items[-1].value, whole.value, rtol=1e-12)
    assert abs(items[0].value - whole.value) < 4 * items[0].standard_error
    assert items[0].products < whole.products == 6


def test_labels_that_do_not_count():
    torch.manual_seed(0)
    model = nn.Linear(3, 4).double()
    x, y = torch.randn(6, 3, dtype=torch.float64), torch.tensor([0, -100, 3, 1, -100, 2])
    kept, U = y >= 0, directions(16)
    found = curvature.variance(curvature.HessianOperator(model, F.cross_entropy, [(x, y)]), directions=U)
    expected = curvature.variance(curvature.HessianOperator(model, F.cross_entropy, [(x[kept], y[kept])]), directions=U)
    assert_allclose(found.value, expected.value, rtol=1e-12)
    # class weights: i is drawn by weight
    weight = torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=torch.float64)
    H = curvature.HessianOperator(model, nn.CrossEntropyLoss(weight=weight), [(x[kept], y[kept])])
    plain = [
        curvature.HessianOperator(model, F.cross_entropy, [(x[i : i + 1], y[i : i + 1])]) for i in np.flatnonzero(kept)
    ]
    shares = (weight[y[kept]] / weight[y[kept]].sum()).numpy()
    expected = noise(np.stack([sc.materialise(A) for A in plain]), shares, U)
    assert_allclose(curvature.variance(H, directions=U).value, expected, rtol=1e-10)


def test_one_by_one_where_examples_can_not_go_side_by_side(monkeypatch):
    model, loss, pair = network("MLP")
    H = curvature.HessianOperator(model, loss, [pair])
    side_by_side = [curvature.variance(H, directions=directions(109)).value, curvature.gradient_variance(H).value]

    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = model

        def forward(self, x):
            return self.net(x) if x.sum() > 0 else self.net(x) + 0 * x.sum()

    H = curvature.HessianOperator(Branching(), loss, [pair])
    branching = [curvature.variance(H, directions=directions(109)).value, curvature.gradient_variance(H).value]
    for a, b in zip(side_by_side, branching, strict=True):
        assert_allclose(a, b, rtol=1e-12)

    # what does not agree with one example alone is not believed
    for kind in Distances.__subclasses__():
        monkeypatch.setattr(kind, "_side_by_side", lambda self, part, tensors: torch.ones(part.examples, self.columns))
    H = curvature.HessianOperator(model, loss, [pair])
    wary = [curvature.variance(H, directions=directions(109)).value, curvature.gradient_variance(H).value]
    for a, b in zip(side_by_side, wary, strict=True):
        assert_allclose(a, b, rtol=1e-12)


def test_sequences_of_different_lengths():
    model, loss, (x, y) = network("LSTM")
    data = [(x[:4], y[:4]), (x[4:, :2], y[4:, :2])]
    singles = [one for pair in data for one in split(pair, [1] * len(pair[0]))]
    each = np.stack([materialised(model, loss, one) for one in singles])
    U = directions(each.shape[1])
    expected = noise(each, np.array([4.0] * 4 + [2.0] * 3) / 22, U)  # the mean is over tokens
    found = curvature.variance(curvature.HessianOperator(model, loss, data), directions=U)
    assert_allclose(found.value, expected, rtol=1e-9)


def test_refused_in_one_sentence():
    model, loss, pair = network("MLP, batch norm")
    normalised = curvature.HessianOperator(model, loss, split(pair, (4, 3)), batch_norm="train")
    with pytest.raises(ValueError, match='take over="mini-batches"'):
        curvature.variance(normalised, directions=np.ones(normalised.shape[0]))
    assert curvature.gradient_variance(normalised, over="mini-batches").value > 0
    H = curvature.HessianOperator(model, loss, [pair])
    for options, words in (
        ({}, "generator must be"),
        ({"probes": 0}, "at least one probe"),
        ({"directions": np.ones(3)}, "columns of a"),
        ({"directions": np.zeros(H.shape[0])}, "zero or not finite"),
        ({"directions": np.ones(H.shape[0]), "examples": 3}, "drawn at random"),
        ({"directions": np.ones(H.shape[0]), "examples": 0}, "at least one of the examples"),
        ({"directions": np.ones(H.shape[0]), "over": "tokens"}, "over examples or mini-batches"),
    ):
        with pytest.raises(ValueError, match=words):
            curvature.variance(H, **options)
    C = curvature.GradientCovarianceOperator(model, loss, [pair])
    with pytest.raises(ValueError, match="no mean over examples"):
        curvature.variance(C, directions=np.ones(C.shape[0]))
