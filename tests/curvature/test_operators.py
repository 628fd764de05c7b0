"""Selection of parameters, losses, weighting of mini-batches, weight decay, Fisher matrices, threads."""

import threading
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import spectral_core as sc
from spectral_core.curvature.losses import BinaryCrossEntropy, CrossEntropy, SquaredError, as_loss

curvature = sc.curvature
g = torch.Generator().manual_seed(3)
X = torch.randn(10, 3, generator=g, dtype=torch.float64)
Y = torch.randint(4, (10,), generator=g)
WHOLE = [(X, Y)]


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4)).double()


def dense(A):
    return sc.materialise(A)


def close(a, b, scale=None):
    a, b = np.asarray(a), np.asarray(b)
    assert np.abs(a - b).max() <= 1e-12 * (scale or np.abs(b).max())


# -- losses


CLASS_WEIGHT = torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=torch.float64)
IGNORED = torch.where(torch.arange(10) % 3 == 0, -100, Y)
SHARES = torch.softmax(torch.randn(10, 4, generator=g, dtype=torch.float64), 1)
OUTPUTS = torch.randn(10, 4, generator=g, dtype=torch.float64)
LOSSES = {
    "cross-entropy": (CrossEntropy(), Y),
    "ignoring": (CrossEntropy(), IGNORED),
    "class weights": (CrossEntropy(weight=CLASS_WEIGHT), IGNORED),
    "label smoothing": (CrossEntropy(label_smoothing=0.2), IGNORED),
    "both": (CrossEntropy(weight=CLASS_WEIGHT, label_smoothing=0.2), IGNORED),
    "probabilities": (CrossEntropy(weight=CLASS_WEIGHT, label_smoothing=0.2), SHARES),
    "squared error": (SquaredError(), SHARES),
    "mean squared error": (SquaredError(halved=False), SHARES),
    "binary cross-entropy": (BinaryCrossEntropy(), SHARES),
}


@pytest.mark.parametrize("name", LOSSES)
def test_closed_forms_are_the_second_derivative(name):
    loss, targets = LOSSES[name]
    V = torch.randn(OUTPUTS.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    f = OUTPUTS.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(f, targets), f, create_graph=True)
    (expected,) = torch.autograd.grad(slope, f, V)
    close(loss.hessian(OUTPUTS, targets)(V), expected)
    close(loss.gradient(OUTPUTS, targets), slope.detach())
    # what it weighs: two halves average to the whole
    halves = [(OUTPUTS[:4], targets[:4]), (OUTPUTS[4:], targets[4:])]
    counts = [loss.count(None, y) for _, y in halves]
    mean = sum(n * loss(h, y) for n, (h, y) in zip(counts, halves, strict=True)) / sum(counts)
    close(mean, loss(OUTPUTS, targets))


def test_torch_losses_are_recognised_and_others_differentiated():
    recognised = {
        nn.CrossEntropyLoss(): CrossEntropy,
        F.mse_loss: SquaredError,
        nn.BCEWithLogitsLoss(): BinaryCrossEntropy,
    }
    assert all(type(as_loss(loss)) is kind for loss, kind in recognised.items())
    own = partial(F.cross_entropy, label_smoothing=0.1)
    known = nn.CrossEntropyLoss(label_smoothing=0.1)
    for operator in (curvature.HessianOperator, curvature.GGNOperator, curvature.ResidualOperator):
        A, B = operator(model(), own, WHOLE), operator(model(), known, WHOLE)
        close(dense(A), dense(B))
        A.prepare(way="linearised")
        assert A.products_way == "linearised"
        close(dense(A), dense(B))


# -- data


@pytest.mark.parametrize("sizes", [(10,), (7, 3), (1, 1, 8), (4, 4, 2)])
def test_unequal_batches_weigh_by_their_size(sizes):
    whole = curvature.HessianOperator(model(), F.cross_entropy, WHOLE)
    H = curvature.HessianOperator(model(), F.cross_entropy, list(zip(X.split(sizes), Y.split(sizes), strict=True)))
    close(dense(H), dense(whole))
    close(H.gradient(), whole.gradient())
    assert H.loss_value == pytest.approx(whole.loss_value, rel=1e-14)


def test_tuples_and_dicts_of_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = model()

        def forward(self, left, right):
            return self.net(left * right)

    expected = dense(curvature.HessianOperator(model(), F.cross_entropy, [(X * X, Y)]))
    for inputs in ((X, X), {"left": X, "right": X}):
        H = curvature.HessianOperator(Two(), F.cross_entropy, [(inputs, Y)])
        close(dense(H), expected)
        H.prepare(way="linearised")
        close(dense(H), expected)


# -- parameters


def test_a_layer_is_a_diagonal_block():
    whole = curvature.HessianOperator(model(), F.cross_entropy, WHOLE)
    places = whole.parameters.slices()
    assert list(places) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    for asked, names in (("0", ["0.weight", "0.bias"]), (["2.bias", "0.weight"], ["0.weight", "2.bias"])):
        rows = np.r_[tuple(places[name] for name in names)]
        for operator in (curvature.HessianOperator, curvature.GGNOperator, curvature.EmpiricalFisherOperator):
            block = operator(model(), F.cross_entropy, WHOLE, parameters=asked)
            assert block.parameters.names == tuple(names)
            expected = dense(operator(model(), F.cross_entropy, WHOLE))[np.ix_(rows, rows)]
            close(dense(block), expected, scale=np.abs(expected).max())
            block.prepare(way="linearised")
            close(dense(block), expected)
    vector = torch.arange(whole.shape[0])
    assert torch.equal(whole.parameters.flatten(whole.parameters.split(vector)), vector)


def test_frozen_unused_and_shared_parameters():
    net = model()
    net[0].weight.requires_grad_(False)
    H = curvature.HessianOperator(net, F.cross_entropy, WHOLE)
    assert "0.weight" not in H.parameters.names
    assert any("1 frozen" in note for note in H.notes)
    assert curvature.HessianOperator(net, F.cross_entropy, WHOLE, parameters="0").shape == (20, 20)

    net = model()
    net.register_module("idle", nn.Identity())
    net.idle.weight = nn.Parameter(torch.ones(2, dtype=torch.float64))
    H = curvature.HessianOperator(net, F.cross_entropy, WHOLE)
    assert any("does not depend on idle.weight" in note for note in H.notes)
    rows = dense(H)[H.parameters.slices()["idle.weight"]]
    assert np.abs(rows).max() == 0
    for way in ("retained", "linearised"):
        H.prepare(way=way)
        close(dense(H), dense(curvature.HessianOperator(net, F.cross_entropy, WHOLE)))

    torch.manual_seed(0)
    layer = nn.Linear(3, 3, bias=False).double()
    tied = nn.Sequential(layer, nn.Tanh(), layer)
    twice = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Tanh(), nn.Linear(3, 3, bias=False)).double()
    twice[0].weight.data = twice[2].weight.data = layer.weight.data.clone()
    apart = dense(curvature.HessianOperator(twice, F.cross_entropy, [(X, Y % 3)]))
    H = curvature.HessianOperator(tied, F.cross_entropy, [(X, Y % 3)], parameters="2.weight")  # its second name
    assert H.parameters.names == ("0.weight",)
    for way in ("retained", "linearised"):
        H.prepare(way=way)
        close(dense(H), apart[:9, :9] + apart[:9, 9:] + apart[9:, :9] + apart[9:, 9:])


def test_half_precision_is_computed_in_single():
    net = model().bfloat16()
    H = curvature.HessianOperator(net, F.cross_entropy, WHOLE)
    assert H.dtype == torch.float32
    assert any("bfloat16" in note for note in H.notes)
    expected = curvature.HessianOperator(net.double(), F.cross_entropy, WHOLE)
    v = torch.randn(H.shape[0], generator=torch.Generator().manual_seed(0))
    assert float((H @ v - (expected @ v.double())).norm() / (H @ v).norm()) < 1e-5


def test_a_linear_network_has_the_hessian_known_from_statistics():
    net = nn.Linear(3, 1, bias=False).double()
    for operator in (curvature.HessianOperator, curvature.GGNOperator, curvature.FisherOperator):
        close(dense(operator(net, "squared error", [(X, X[:, :1])])), (X.T @ X / 10).numpy())
        close(dense(operator(net, F.mse_loss, [(X, X[:, :1])])), (2 * X.T @ X / 10).numpy())
    zero = curvature.HessianOperator(net, lambda f, y: f.mean(), [(X, X[:, :1])])
    for way in ("recomputed", "retained", "linearised"):
        zero.prepare(way=way)
        assert np.abs(dense(zero)).max() == 0


# -- the matrices among each other


def test_weight_decay_and_the_split_into_two():
    plain = {
        kind: getattr(curvature, kind)(model(), F.cross_entropy, WHOLE) for kind in ("HessianOperator", "GGNOperator")
    }
    decayed = {kind: getattr(curvature, kind)(model(), F.cross_entropy, WHOLE, weight_decay=0.5) for kind in plain}
    identity = np.eye(plain["HessianOperator"].shape[0])
    for kind in plain:
        close(dense(decayed[kind]), dense(plain[kind]) + 0.5 * identity)
    S = curvature.ResidualOperator(model(), F.cross_entropy, WHOLE, weight_decay=0.5)
    close(dense(S), dense(decayed["HessianOperator"]) - dense(decayed["GGNOperator"]), scale=1.0)
    C = [curvature.GradientCovarianceOperator(model(), F.cross_entropy, WHOLE, weight_decay=d) for d in (0.0, 0.5)]
    close(dense(C[1]), dense(C[0]))
    H = decayed["HessianOperator"]
    close(H.gradient(), (plain["HessianOperator"].gradient() + 0.5 * H.point()))


def test_drawn_labels_estimate_the_fisher_matrix():
    exact = dense(curvature.FisherOperator(model(), F.cross_entropy, WHOLE))
    close(exact, dense(curvature.GGNOperator(model(), F.cross_entropy, WHOLE)))
    draws = [
        dense(
            curvature.FisherOperator(
                model(), F.cross_entropy, WHOLE, type=1, generator=torch.Generator().manual_seed(s)
            )
        )
        for s in range(60)
    ]
    traces = np.array([np.trace(draw) for draw in draws])
    assert abs(traces.mean() - np.trace(exact)) < 4 * traces.std(ddof=1) / np.sqrt(len(draws))
    assert traces.std() > 0
    assert all(np.linalg.matrix_rank(draw, tol=1e-9) <= 10 for draw in draws[:3])
    many = curvature.FisherOperator(
        model(), F.cross_entropy, WHOLE, type=1, samples=60, generator=torch.Generator().manual_seed(0)
    )
    # 600 outer products: relative error about 1 / sqrt(600) of a spread that is of the size of the matrix
    assert np.linalg.norm(dense(many) - exact) < 0.3 * np.linalg.norm(exact)
    assert np.array_equal(dense(many), dense(many))


def test_squared_errors_have_the_fisher_matrix_of_their_law():
    targets = OUTPUTS
    for loss in ("squared error", "mean squared error"):
        exact = dense(curvature.FisherOperator(model(), loss, [(X, targets)]))
        close(exact, dense(curvature.GGNOperator(model(), loss, [(X, targets)])))
        drawn = curvature.FisherOperator(
            model(), loss, [(X, targets)], type=1, samples=400, generator=torch.Generator().manual_seed(0)
        )
        assert np.linalg.norm(dense(drawn) - exact) < 0.15 * np.linalg.norm(exact)  # 4000 outer products


# -- threads


def test_threads_on_one_module_do_not_meet():
    net = model()
    v = torch.randn(44, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = {way: None for way in ("recomputed", "linearised")}
    for way in expected:
        H = curvature.HessianOperator(net, F.cross_entropy, WHOLE)
        H.prepare(way=way)
        expected[way] = H @ v
    wrong = []

    def work(way):
        for _ in range(3):
            H = curvature.HessianOperator(net, F.cross_entropy, WHOLE)
            H.prepare(way=way)
            wrong.extend(way for _ in range(20) if not torch.equal(H @ v, expected[way]))

    threads = [threading.Thread(target=work, args=(way,)) for way in (*expected, *expected)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
