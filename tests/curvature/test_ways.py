"""One result, three ways: recomputed, retained, linearised; and however the data are cut."""

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional as F

import spectral_core as sc
from spectral_core.curvature import curvature_operator, linearisation
from spectral_core.curvature.product_ways import WAYS
from tests.curvature.networks import NETWORKS, NORMALISED, SPLITS, network, split

HESSIAN, GGN = sc.curvature.HessianOperator, sc.curvature.GGNOperator


def by_every_way(A, V):
    """``{way: A @ V}``."""
    products = {}
    for way in WAYS:
        plan = A.prepare(way=way)
        assert A.products_way == plan.way == way, A.notes
        products[way] = A @ V
        assert torch.equal(A @ V, products[way])  # the same bits every time
    return products


def assert_agree(A, vectors=2):
    V = torch.randn(A.shape[0], vectors, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(A.dtype)
    products = by_every_way(A, V)
    scale = max(float(product.norm()) for product in products.values())
    tolerance = {torch.float64: 1e-12, torch.float32: 1e-5}[A.dtype] * scale
    for product in products.values():
        assert float((product - products["recomputed"]).norm()) < tolerance
    assert scale > 0
    # a block is its columns
    assert float((torch.stack([A @ v for v in V.T], 1) - products["retained"]).norm()) < tolerance


@pytest.mark.parametrize("name", NETWORKS)
def test_three_ways_agree(name):
    model, loss, pair = network(name)
    mode = "train" if name in NORMALISED else "eval"
    for operator in (HESSIAN, GGN):
        assert_agree(operator(model, loss, split(pair, SPLITS["unequal"]), batch_norm=mode))


def mlp(memory=None, **options):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 30), nn.Tanh(), nn.Linear(30, 5))
    g = torch.Generator().manual_seed(1)
    data = [(torch.rand(50, 20, generator=g), torch.randint(5, (50,), generator=g)) for _ in range(6)]
    return HESSIAN(model, F.cross_entropy, data, memory=memory, **options)


def test_what_does_not_fit_is_recomputed():
    whole = mlp()
    V = torch.randn(whole.shape[0], 1, generator=torch.Generator().manual_seed(1))
    expected = whole @ V
    largest = whole._sizes[0].bytes
    for way in ("retained", "linearised"):
        A = mlp(memory=int(5.5 * largest))
        plan = A.prepare(way=way)
        assert plan.way == way
        assert 0 < plan.kept < 6
        assert plan.memory <= A.memory
        for _ in range(2):
            torch.testing.assert_close(A @ V, expected, rtol=1e-5, atol=1e-6)
        assert len(A._kept) == plan.kept
        A.release()
        assert not A._kept
    tight = mlp(memory=int(2.6 * largest))
    assert tight.prepare(way="recomputed").memory <= tight.memory
    torch.testing.assert_close(tight @ V, expected, rtol=1e-5, atol=1e-6)


def test_more_products_are_worth_more_preparation():
    order = [mlp().prepare(products=products).way for products in (1, 10, 10**6)]
    assert order == ["recomputed", "retained", "linearised"]


@pytest.mark.parametrize(
    "operator", [HESSIAN, GGN, sc.curvature.GradientCovarianceOperator, sc.curvature.ResidualOperator]
)
def test_large_batches_in_pieces(operator, monkeypatch):
    model, loss, pair = network("MLP")
    whole = operator(model, loss, [pair])
    monkeypatch.setattr(curvature_operator, "PIECE", whole._sizes[0].bytes // 2)
    cut = operator(model, loss, [pair])
    assert len(cut.batches) > 1
    assert sum(batch.share for batch in cut.batches) == pytest.approx(1.0, rel=1e-15)
    torch.testing.assert_close(
        torch.as_tensor(sc.materialise(cut)), torch.as_tensor(sc.materialise(whole)), rtol=1e-11, atol=1e-13
    )
    model, loss, pair = network("MLP, batch norm")  # in train mode a mini-batch is one example
    assert len(operator(model, loss, [pair], batch_norm="train").batches) == 1
    assert len(operator(model, loss, [pair]).batches) > 1


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(20, 5)

    def forward(self, x):
        return self.layer(x if x.mean() > 0 else -x)


def test_a_course_that_depends_on_values_is_not_linearised():
    x, y = torch.rand(6, 20), torch.arange(6) % 5
    data = [(x, y), (-x, y)]
    model = Branching()
    A = HESSIAN(model, F.cross_entropy, data)
    assert A.prepare(way="linearised").way != "linearised"
    assert any("can not be linearised" in note for note in A.notes)
    v = torch.randn(A.shape[0], generator=torch.Generator().manual_seed(0))
    expected = HESSIAN(model, F.cross_entropy, [(x, y)])
    torch.testing.assert_close(A @ v, expected @ v, rtol=1e-5, atol=1e-6)


WEIGHT = torch.linspace(0.5, 2.0, 5)
TENSORS_OF_THEIR_OWN = {
    "class weights": nn.CrossEntropyLoss(weight=WEIGHT),
    "class weights and smoothing": nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.1),
    "a function": lambda f, y: F.cross_entropy(f, y, weight=WEIGHT),
}


@pytest.mark.parametrize("name", TENSORS_OF_THEIR_OWN)
def test_losses_with_tensors_of_their_own_are_linearised(name):
    x, y = torch.rand(6, 20), torch.arange(6) % 5
    for operator in (HESSIAN, GGN):
        assert_agree(operator(nn.Linear(20, 5), TENSORS_OF_THEIR_OWN[name], [(x, y)]))


def test_a_trace_that_fails_leaves_autograd_as_it_was(monkeypatch):
    # a tensor that no trace knows, met in forward mode, made torch leave this thread without autograd: gradients of zero
    monkeypatch.setattr(linearisation, "make_fx", lambda f, **options: make_fx(f, tracing_mode="fake"))
    x, y = torch.rand(6, 20), torch.arange(6) % 5
    A = HESSIAN(nn.Linear(20, 5), nn.CrossEntropyLoss(weight=WEIGHT), [(x, y)])
    v = torch.randn(A.shape[0], generator=torch.Generator().manual_seed(0))
    A.prepare(way="recomputed")
    expected = A @ v
    assert A.prepare(way="linearised").way != "linearised"
    assert nn.Linear(2, 2)(torch.ones(1, 2)).requires_grad
    assert float(expected.norm()) > 0
    torch.testing.assert_close(A @ v, expected)


class Cube(torch.autograd.Function):
    """Has derivatives of every order by backward mode, and none by forward mode."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, slope):
        (x,) = ctx.saved_tensors
        return 3.0 * x**2 * slope


class Cubed(nn.Linear):
    def forward(self, x):
        return Cube.apply(super().forward(x))


def test_a_product_without_forward_mode_goes_by_the_graph():
    x, y = torch.rand(6, 4), torch.rand(6, 2)
    torch.manual_seed(0)
    A = GGN(Cubed(4, 2), "squared error", [(x, y)])
    A.prepare(way="recomputed")
    v = torch.randn(A.shape[0])
    J = torch.autograd.functional.jacobian(lambda w: ((x @ w[:8].view(2, 4).T + w[8:]) ** 3).flatten(), A.point())
    torch.testing.assert_close(A @ v, J.T @ (J @ v) * 2.0 / len(J))
