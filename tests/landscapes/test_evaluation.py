"""Losses at points: exact at the centre, weighted by examples, the same in blocks, with their standard errors."""

import copy

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from torch.nn import functional as F

import spectral_core as sc
from sample_models import evaluate
from spectral_core.landscapes import LossSurface
from tests.curvature.networks import NETWORKS, network, split

landscapes = sc.landscapes


def direction(model, seed=0):
    size = sum(p.numel() for p in model.parameters())
    return 0.1 * torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_centre_is_the_models_loss_and_a_point_that_of_its_weights(name, dtype):
    model, loss, pair = network(name)
    model, before = model.to(dtype), copy.deepcopy(model.state_dict())
    if name == "autoencoder":
        pair = (pair[0], pair[0].flatten(1))
    pair = tuple(t.to(dtype) if t.is_floating_point() else t for t in pair)
    d = direction(model)
    line = landscapes.line(model, loss, split(pair, (4, 3)), d, radius=1.0, points=5)
    with torch.no_grad():
        assert_allclose(line.loss[2], float(loss(model(pair[0]), pair[1])), rtol=1e-6)
        assert line.loss[2] == line.centre["data"].loss
        moved = copy.deepcopy(model)
        nn.utils.vector_to_parameters(
            nn.utils.parameters_to_vector(moved.parameters()) + 0.5 * d.to(dtype), moved.parameters()
        )
        assert_allclose(
            line.loss[3], float(loss(moved(pair[0]), pair[1])), rtol=1e-5 if dtype == torch.float32 else 1e-9
        )
    assert line.dtype == str(dtype)[6:]
    assert all(torch.equal(tensor, before[name].to(tensor.dtype)) for name, tensor in model.state_dict().items())


def classifier(batch_norm=False):
    torch.manual_seed(1)
    norm = [nn.BatchNorm1d(6)] if batch_norm else []
    return nn.Sequential(nn.Linear(4, 6), *norm, nn.ReLU(), nn.Linear(6, 3))


def examples(n=50, seed=2):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, 4, generator=g), torch.randint(3, (n,), generator=g)


def test_error_and_standard_error_are_those_of_the_evaluation(device):
    model, (x, y) = classifier().to(device), examples()
    data = [(x[:33].to(device), y[:33].to(device)), (x[33:].to(device), y[33:].to(device))]
    line = landscapes.line(model, "cross-entropy", data, direction(model), points=3)
    expected = evaluate(model.cpu(), [(x, y)])
    assert_allclose(line.loss[1], expected.loss, rtol=1e-6)
    assert_allclose(line.loss_error[1], expected.loss_error, rtol=1e-4)
    assert_allclose(line.error[1], 1 - expected.accuracy, rtol=1e-12)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_blocks_of_points_are_the_points_one_by_one(batch_norm, dtype, device):
    model, data = classifier(batch_norm).eval(), {"train": [examples(30)], "test": [examples(20, 3)]}
    directions = [direction(model), direction(model, 1)]
    blocked, single = (
        LossSurface(model, "cross-entropy", data, directions, dtype=dtype, device=device) for _ in range(2)
    )
    assert blocked.block > 1
    single.block = 1
    points = np.random.default_rng(0).normal(size=(150, 2))
    together, alone = blocked.at(points), single.at(points)
    assert blocked.block > 1  # no fallback
    for name in data:
        for quantity in ("loss", "loss_error", "error"):
            a, b = (getattr(values[name], quantity) for values in (together, alone))
            assert_allclose(a, b, rtol=1e-9 if dtype == torch.float64 else 3e-4)
    assert blocked.passes >= single.passes == 300


def test_what_vmap_does_not_take_goes_one_by_one():
    class Branching(nn.Linear):
        def forward(self, x):
            return super().forward(x) if self.weight.sum() > -1e9 else x

    torch.manual_seed(0)
    model = Branching(4, 3)
    surface = LossSurface(model, "cross-entropy", [examples()], [direction(model)])
    assert surface.block > 1
    values = surface.at(np.linspace(-1, 1, 5)[:, None])["data"]
    assert surface.block == 1
    assert np.isfinite(values.loss).all()


def test_unequal_weights_and_ignored_labels():
    model, (x, y) = classifier(), examples()
    y[:7] = -100
    weight = torch.tensor([1.0, 2.0, 0.5])
    loss = nn.CrossEntropyLoss(weight=weight, label_smoothing=0.1)
    surface = LossSurface(model, loss, [(x[:20], y[:20]), (x[20:], y[20:])], [direction(model)])
    assert surface.separable
    values = surface.at([[0.0]])["data"]
    with torch.no_grad():
        outputs = model(x)
    assert_allclose(values.loss[0], float(loss(outputs, y)), rtol=1e-6)
    assert_allclose(values.error[0], float((outputs.argmax(1) != y)[7:].float().mean()), rtol=1e-6)
    # the error of a ratio of means, by the jackknife: equal to first order in 1/n
    each = F.cross_entropy(outputs, y, weight=weight, label_smoothing=0.1, reduction="none")[7:].double()
    counts = weight[y[7:]].double()
    left = (each.sum() - each) / (counts.sum() - counts)
    jackknife = float(((left - left.mean()).square().sum() * 42 / 43).sqrt())
    assert_allclose(values.loss_error[0], jackknife, rtol=3 / 43)


def test_losses_of_other_kinds():
    model, (x, y) = classifier(), examples()
    one = {"points": 3, "radius": 1.0}
    squares = landscapes.line(model, "mean squared error", [(x, model(x).detach() + x[:, :1])], direction(model), **one)
    spread = x[:, 0].double().square()
    assert_allclose(squares.loss_error[1], float(spread.std() / 50**0.5), rtol=1e-5)
    absolute = landscapes.line(
        model, lambda f, y: (f - y).abs().mean(), [(x, model(x).detach() + 1)], direction(model), **one
    )
    assert absolute.error is None
    assert_allclose(absolute.loss[1], 1.0, rtol=1e-6)
    assert_allclose(absolute.loss_error[1], 0.0, atol=1e-7)
    contrast = landscapes.line(
        model, lambda f, y: f.std(), [(x[:30], y[:30]), (x[30:], y[30:])], direction(model), **one
    )
    parts = [float(model(part).detach().std()) for part in (x[:30], x[30:])]
    assert_allclose(contrast.loss[1], 0.6 * parts[0] + 0.4 * parts[1], rtol=1e-6)
    assert np.isnan(contrast.loss_error).all()
    assert any("no losses of their own" in note for note in contrast.notes)


def test_recomputed_statistics_are_those_of_the_moved_weights():
    model, (x, y) = classifier(batch_norm=True), examples()
    model(3 * x + 1)  # statistics of other data
    model.eval()
    d = direction(model)
    data = {"train": [(x, y)], "test": [examples(20, 5)]}
    line = landscapes.line(model, "cross-entropy", data, d, points=3, batch_norm="recomputed")
    moved = copy.deepcopy(model).train()
    nn.utils.vector_to_parameters(nn.utils.parameters_to_vector(moved.parameters()) + d.float(), moved.parameters())
    moved[1].momentum = None
    moved[1].reset_running_stats()
    with torch.no_grad():
        moved(x)
        moved.eval()
        assert_allclose(line.loss[2], float(F.cross_entropy(moved(x), y)), rtol=1e-5)
        test = data["test"][0]
        assert_allclose(line.values["test"].loss[2], float(F.cross_entropy(moved(test[0]), test[1])), rtol=1e-5)
    fixed = landscapes.line(model, "cross-entropy", data, d, points=3)
    assert abs(fixed.loss[1] - line.loss[1]) > 1e-3
    assert any("recomputed at each point" in note for note in line.notes)
    assert not any("stored statistics" in note for note in line.notes)
    assert any("stored statistics" in note for note in fixed.notes)


@pytest.mark.parametrize("batch_norm", ["eval", "recomputed"])
def test_divergence_stays_where_it_is(batch_norm):
    """Far out numbers overflow; what is nearer in is as if nothing had happened, whatever came before it."""
    model, data = classifier(batch_norm=True).eval(), [examples()]
    d = direction(model)
    far = landscapes.line(model, "cross-entropy", data, d, points=3, radius=1e38, batch_norm=batch_norm)
    assert not np.isfinite(far.loss[[0, 2]]).any()
    assert np.isnan(far.error[[0, 2]]).all()
    assert far.diverged.tolist() == [True, False, True]
    surface = LossSurface(model, "cross-entropy", data, [d], batch_norm=batch_norm)
    surface.block = 1
    values = surface.at([[1e38], [0.0], [-1e38], [0.0]])["data"].loss
    assert_allclose(values[[1, 3]], far.loss[1], rtol=1e-6)


def test_one_sentence_for_what_does_not_fit():
    model, data = classifier(), [examples()]
    for call, words in (
        (lambda: landscapes.line(model, "cross-entropy", data, torch.ones(3)), "one entry for each of the 51"),
        (lambda: landscapes.line(model, "cross-entropy", data, torch.full((51,), torch.nan)), "finite numbers"),
        (lambda: landscapes.line(model, "cross-entropy", data, direction(model), radius=0), "above 0"),
        (lambda: landscapes.line(model, "cross-entropy", data, direction(model), points=1), "two at least"),
        (lambda: landscapes.line(model, "cross-entropy", {}, direction(model)), "no data set"),
        (lambda: landscapes.line(model, "cross-entropy", iter(data), direction(model)), "once only"),
        (lambda: landscapes.line(model, "cross-entropy", data, direction(model), batch_norm="train"), "recomputed"),
        (lambda: landscapes.plane(model, "cross-entropy", data, [direction(model)]), "two directions"),
        (
            lambda: landscapes.plane(model, "cross-entropy", data, [direction(model)] * 2, [(0, 1)] * 3),
            "two pairs of ends",
        ),
        (lambda: landscapes.line(model, "cross-entropy", data, direction(model), positions=[1.0, 0.0]), "ascending"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
