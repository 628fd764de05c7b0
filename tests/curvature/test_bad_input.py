"""What can not be right is refused, in one sentence that says what to do."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

import spectral_core as sc

X = torch.linspace(-1, 1, 30).reshape(10, 3)
Y = torch.arange(10) % 2


def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


class Noisy(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return self.layer(x) + torch.rand(())


class Integers(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.arange(3), requires_grad=False)

    def forward(self, x):
        return x


class OnceOnly(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return 2 * g


class Once(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = model()

    def forward(self, x):
        return OnceOnly.apply(self.net(x))


def nan_model():
    broken = model()
    broken[0].weight.data[0, 0] = torch.nan
    return broken


def frozen():
    return model().requires_grad_(False)


WHOLE = [(X, Y)]
SET = TensorDataset(X, Y)
BAD = {
    "no module": (lambda: lambda x: x, F.cross_entropy, WHOLE, {}, "torch.nn.Module"),
    "no float parameters": (Integers, F.cross_entropy, WHOLE, {}, "no floating-point parameters"),
    "frozen": (frozen, F.cross_entropy, WHOLE, {}, "every parameter is frozen"),
    "no such layer": (model, F.cross_entropy, WHOLE, {"parameters": "layer9"}, "no floating-point parameter is called"),
    "no names": (model, F.cross_entropy, WHOLE, {"parameters": []}, "names none"),
    "mode of batch norm": (model, F.cross_entropy, WHOLE, {"batch_norm": "both"}, 'is "eval" or "train"'),
    "half precision asked for": (model, F.cross_entropy, WHOLE, {"dtype": torch.float16}, "float32 or float64"),
    "random outputs": (Noisy, F.cross_entropy, WHOLE, {}, "outputs are random"),
    "NaN in the forward pass": (nan_model, F.cross_entropy, WHOLE, {}, "outputs on mini-batch 1 are NaN"),
    "NaN in the data": (model, F.cross_entropy, [(X, Y), (X * torch.nan, Y)], {}, "mini-batch 2 of the data holds NaN"),
    "one-shot data": (model, F.cross_entropy, lambda: iter(WHOLE), {}, "can be read once only"),
    "shuffling": (model, F.cross_entropy, DataLoader(SET, 3, shuffle=True), {}, "the same on every pass"),
    "a bare pair": (model, F.cross_entropy, (X, Y), {}, r"\(inputs, targets\) pairs"),
    "no data": (model, F.cross_entropy, [], {}, "holds no mini-batch"),
    "no iterable": (model, F.cross_entropy, 3, {}, "must be a list"),
    "an empty batch": (model, F.cross_entropy, [(X[:0], Y[:0])], {}, "is empty"),
    "unequal lengths": (model, F.cross_entropy, [(X, Y[:4])], {}, "10 inputs and 4 targets"),
    "inputs of another shape": (
        model,
        F.cross_entropy,
        [(X[:, :2], Y)],
        {},
        "does not take the inputs of mini-batch 1",
    ),
    "labels too large": (model, F.cross_entropy, [(X, Y), (X, Y + 1)], {}, "from 0 to 1.*mini-batch 2 go from 1 to 2"),
    "negative labels": (model, F.cross_entropy, [(X, Y - 1)], {}, "labels must be from 0 to 1"),
    "labels of another type": (model, F.cross_entropy, [(X, Y.int())], {}, "must be int64"),
    "labels of another shape": (model, F.cross_entropy, [(X, Y[:, None])], {}, "need labels of shape"),
    "targets of another shape": (model, F.mse_loss, [(X, X)], {}, "needs a target for every output"),
    "whole-number targets": (model, F.mse_loss, [(X, torch.stack([Y, Y], 1))], {}, "floating-point targets"),
    "targets beyond [0, 1]": (
        model,
        "binary cross-entropy",
        [(X, 2.0 * torch.stack([Y, Y], 1))],
        {},
        r"lie in \[0, 1\]",
    ),
    "all ignored": (model, F.cross_entropy, [(X, torch.full_like(Y, -100))], {}, "no target of the data counts"),
    "a loss of that name": (model, "hinge", WHOLE, {}, "a loss is a function or one of"),
    "a sum by name": (model, nn.CrossEntropyLoss(reduction="sum"), WHOLE, {}, "must be a mean"),
    "a sum": (model, lambda f, y: F.cross_entropy(f, y, reduction="sum"), WHOLE, {}, "twice the loss"),
    "many numbers": (model, lambda f, y: F.cross_entropy(f, y, reduction="none"), WHOLE, {}, "must be one number"),
    "a loss that fails": (model, lambda f, y: f @ y, WHOLE, {}, "the loss does not match"),
    "an infinite loss": (model, lambda f, y: f.mean() / 0.0, WHOLE, {}, "NaN or infinite"),
    "no second derivative": (Once, F.cross_entropy, WHOLE, {}, "can not be differentiated twice"),
    "too little memory": (model, F.cross_entropy, WHOLE, {"memory": 100}, "pass smaller mini-batches"),
}


def product_of_ones(*arguments, **options):
    H = sc.curvature.HessianOperator(*arguments, **options)
    return H @ torch.ones(H.shape[0])


@pytest.mark.parametrize("case", BAD)
def test_refused_in_one_sentence(case):
    make, loss, data, options, words = BAD[case]
    with pytest.raises(ValueError, match=words) as refused:
        product_of_ones(make(), loss, data() if callable(data) else data, **options)
    text = str(refused.value)
    assert "\n" not in text
    assert text[0].islower()


def test_fisher_needs_a_law_and_a_generator():
    loss = lambda f, y: F.cross_entropy(f, y)  # noqa: E731
    for options, words in (
        ({"loss": loss}, "negative log-likelihood"),
        ({"loss": nn.CrossEntropyLoss(label_smoothing=0.1)}, "label smoothing"),
        ({"type": 1}, "needs generator="),
        ({"type": 3}, "type is 2"),
        ({"samples": 0}, "at least 1"),
    ):
        chosen = options.pop("loss", F.cross_entropy)
        with pytest.raises(ValueError, match=words):
            sc.curvature.FisherOperator(model(), chosen, WHOLE, **options)


def test_a_loss_that_is_no_mean_over_examples_is_said():
    H = sc.curvature.HessianOperator(model(), lambda f, y: f.std(), WHOLE)
    assert any("no mean over examples" in note for note in H.notes)


def test_loaders_that_keep_their_order_are_read_without_touching_the_random_state():
    net = model()
    state = torch.get_rng_state()
    H = sc.curvature.HessianOperator(net, F.cross_entropy, DataLoader(SET, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert [batch.examples for batch in H.batches] == [4, 4, 2]
    assert [batch.share for batch in H.batches] == [0.4, 0.4, 0.2]
