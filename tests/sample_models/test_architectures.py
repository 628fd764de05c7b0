"""Architectures: published sizes, derivatives in every mode, configurations read back from shapes."""

import pickle
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from sample_models.architectures import activations, vgg
from sample_models.registry import ARCHITECTURES, build, candidates, configure, state_shapes

# torch's own: its decompositions are scripted at the first forward derivative, `linearize` traces without registering
pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning"),
]

SMALL = {
    "logistic regression": ("logistic_regression", {"inputs": 64}),
    "logistic regression without bias": ("logistic_regression", {"inputs": 64, "bias": False}),
    "MLP": ("mlp", {"widths": (64, 12, 9, 10)}),
    "MLP, tanh, batch norm": ("mlp", {"widths": (64, 12, 9, 10), "activation": "tanh", "batch_norm": True}),
    "MLP without bias": ("mlp", {"widths": (64, 12, 10), "bias": False, "batch_norm": True}),
    "autoencoder": ("autoencoder", {"widths": (64, 16, 4), "output": "sigmoid"}),
    "LeNet": ("lenet", {"image": 8, "kernel": 3, "padding": 1, "pooling": "average"}),
    "LeNet, batch norm": ("lenet", {"image": 8, "kernel": 3, "padding": 1, "batch_norm": True, "hidden": ()}),
    "VGG": ("vgg", {"stages": ((4,), (6, 6)), "channels": 1, "hidden": (7,), "pooled": 2}),
    "VGG, batch norm": ("vgg", {"stages": ((4,), (6, 6)), "channels": 1, "batch_norm": True}),
    "ResNet, A": ("resnet", {"depth": 8, "width": 4, "channels": 1}),
    "ResNet, B": ("resnet", {"depth": 8, "width": 4, "channels": 1, "shortcut": "B"}),
    "ResNet, four stages": ("resnet", {"depth": 10, "width": 2, "stages": 4, "channels": 1, "shortcut": "B"}),
    "PreResNet, A": ("resnet", {"depth": 8, "width": 4, "channels": 1, "preactivation": True}),
    "PreResNet, B": ("resnet", {"depth": 8, "width": 4, "channels": 1, "preactivation": True, "shortcut": "B"}),
    "wide ResNet": ("wide_resnet", {"depth": 10, "width": 3, "widen": 2, "channels": 1}),
    "transformer": ("transformer", {"vocabulary": 11, "context": 8, "layers": 1, "width": 16, "heads": 2}),
    "transformer, untied": (
        "transformer",
        {"vocabulary": 11, "context": 8, "layers": 1, "width": 16, "heads": 2, "tied": False, "bias": False},
    ),
    "LSTM": ("lstm", {"vocabulary": 11, "embedding": 6, "width": 5, "layers": 2}),
    "LSTM, tied": ("lstm", {"vocabulary": 11, "embedding": 6, "width": 6, "tied": True}),
}
# what the shapes of tensors do not tell
UNSEEN = ("activation", "pooling", "output", "flatten")
LINEARISED = ("MLP, tanh, batch norm", "LeNet, batch norm", "PreResNet, A", "transformer", "LSTM")  # 2 s each to trace


def small(case):
    """The case's model in float64, inputs, and its loss as a function of a dictionary of parameters."""
    name, options = SMALL[case]
    g = torch.Generator().manual_seed(3)
    model = build(name, generator=g, **options).double().eval()
    if name in ("transformer", "lstm"):
        inputs, targets = (torch.randint(11, (3, 8), generator=g) for _ in range(2))
    else:
        inputs = torch.rand(5, 1, 8, 8, dtype=torch.float64, generator=g)
        targets = torch.randint(10, (5,), generator=g)

    def loss(parameters):
        outputs = torch.func.functional_call(model, parameters, (inputs,))
        if name == "autoencoder":
            return ((outputs - inputs.flatten(1)) ** 2).mean()
        return F.cross_entropy(outputs, targets)

    return model, inputs, loss


@pytest.mark.parametrize("case", SMALL)
def test_derivatives_agree_in_every_mode(case):
    model, _, loss = small(case)
    g = torch.Generator().manual_seed(1)
    point = {name: p.detach().requires_grad_() for name, p in model.named_parameters()}
    direction = {name: torch.randn(p.shape, dtype=p.dtype, generator=g) for name, p in point.items()}
    gradient = torch.autograd.grad(loss(point), list(point.values()), create_graph=True)
    double_backward = torch.autograd.grad(gradient, list(point.values()), list(direction.values()))

    fixed = {name: p.detach() for name, p in point.items()}

    def product(v):
        return torch.func.jvp(torch.func.grad(loss), (fixed,), (v,))[1]

    block = torch.func.vmap(product)({name: torch.stack([v, 2 * v]) for name, v in direction.items()})
    others = [{name: stacked[0] for name, stacked in block.items()}, product(direction)]
    if case in LINEARISED:
        others.append(torch.func.linearize(torch.func.grad(loss), fixed)[1](direction))
    slope = torch.func.jvp(loss, (fixed,), (direction,))[1]

    # rounding only: the same sums in another order
    scale = max(h.abs().max() for h in double_backward)
    assert scale > 1e-6
    for name, expected in zip(point, double_backward, strict=True):
        assert all((other[name] - expected).abs().max() < 1e-11 * scale for other in others)
    inner = sum((d * g).sum() for d, g in zip(direction.values(), gradient, strict=True))
    torch.testing.assert_close(slope, inner.detach(), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("case", SMALL)
def test_nothing_is_changed_in_place_or_kept(case):
    model, inputs, _ = small(case)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    before = inputs.clone()
    with torch.no_grad():
        outputs = model(inputs)
        torch.testing.assert_close(model(inputs), outputs, rtol=0, atol=0)
        torch.testing.assert_close(model(inputs[:2]), outputs[:2], rtol=1e-12, atol=1e-12)  # no batch in the result
    assert torch.equal(inputs, before)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    model.train()
    assert all(not getattr(module, "inplace", False) for module in model.modules())
    torch.testing.assert_close(pickle.loads(pickle.dumps(model)).state_dict(), model.state_dict())


@pytest.mark.parametrize("case", SMALL)
def test_configurations_are_read_back_from_shapes(case):
    name, options = SMALL[case]
    config = configure(name, **options)
    shapes = state_shapes(name, config)
    built = [t.shape for t in build(name, **options).state_dict().values() if t.dim()]
    assert built == [torch.Size(shape) for shape in shapes]
    found = candidates(shapes)
    unseen = {field: getattr(config, field) for field in UNSEEN if hasattr(config, field)}
    assert config in [replace(c, **unseen) for n, c in found if n == name]
    exact = [pair for pair in found if state_shapes(*pair) == shapes]
    assert found[: len(exact)] == exact
    assert any(n == name for n, _ in exact)


def test_architectures_with_the_same_tensors_are_all_given():
    found = candidates(state_shapes("resnet", configure("resnet", depth=20)))
    assert [(n, c.preactivation) for n, c in found[:2]] == [("resnet", False), ("resnet", True)]
    assert [n for n, _ in candidates(state_shapes("autoencoder", configure("autoencoder")))] == ["autoencoder", "mlp"]


def test_candidates_survive_any_shapes():
    for shapes in (
        [],
        [()],
        [(0, 4)],
        [(3,)],
        [(2, 3, 4)],
        [(5, 4), (7, 7)],
        [(1, 1, 3, 3)] * 5,
        [(4, 4)] * 9 + [(4,)],
    ):
        assert all(name in ARCHITECTURES for name, _ in candidates(shapes))
    shapes = state_shapes("resnet", configure("resnet", depth=8, shortcut="B"))
    for cut in range(len(shapes)):
        candidates(shapes[:cut])
        candidates(shapes[cut:])


@pytest.mark.parametrize(
    ("name", "options", "parameters", "source"),
    [
        ("lenet", {}, 61706, "LeNet-5 with every channel joined: 61 706"),
        ("resnet", {"depth": 20}, 269722, "He et al. 2016, table 6: 0.27 million"),
        ("resnet", {"depth": 56}, 853018, "0.85 million"),
        ("resnet", {"depth": 110}, 1727962, "1.7 million"),
        ("wide_resnet", {"depth": 28, "widen": 10}, 36479194, "Zagoruyko & Komodakis 2016, table 4: 36.5 million"),
        ("wide_resnet", {"depth": 40, "widen": 4}, 8949210, "8.9 million"),
        (
            "transformer",
            {"vocabulary": 50257, "context": 1024, "layers": 12, "heads": 12, "width": 768},
            124439808,
            "GPT-2 small, 124 million",
        ),
        (
            "vgg",
            {"stages": vgg.stages(16), "classes": 1000, "hidden": (4096, 4096), "pooled": 7},
            138357544,
            "Simonyan & Zisserman 2015, table 2: 138 million",
        ),
    ],
)
def test_published_numbers_of_parameters(name, options, parameters, source):
    with torch.device("meta"):
        model = build(name, **options)
    assert sum(p.numel() for p in model.parameters()) == parameters, source


def test_resnet_20_has_the_tensors_of_the_public_one_and_its_accuracy(data):
    import numpy as np

    file = torch.load(data / "checkpoints" / "akamaster_resnet20-12fca82f.th", weights_only=True, map_location="cpu")
    public = file["state_dict"]
    model = build("resnet", depth=20, shortcut="A")
    names = [name for name, tensor in model.state_dict().items() if tensor.dim()]
    assert [f"module.{name}" for name in names] == list(public)
    assert [tuple(t.shape) for t in public.values()] == state_shapes("resnet", configure("resnet"))
    model.load_state_dict({name.removeprefix("module."): t for name, t in public.items()}, strict=False)
    with np.load(data / "images" / "cifar10_subset.npz") as subset:
        images, labels = torch.tensor(subset["x_test"][:300]), torch.tensor(subset["y_test"][:300].reshape(-1))
    inputs = images.permute(0, 3, 1, 2) / 255
    mean, spread = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        right = (model.eval()((inputs - mean) / spread).argmax(1) == labels).double().mean()
    assert abs(float(right) - 0.915) < 4 * (0.915 * 0.085 / 300) ** 0.5  # four standard errors of 300 images


def test_recurrent_and_attention_layers_against_torch():
    g = torch.Generator().manual_seed(5)
    ours = build("lstm", vocabulary=7, embedding=4, width=6, layers=2, generator=g).rnn
    theirs = torch.nn.LSTM(4, 6, num_layers=2, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(3, 5, 4, generator=g)
    torch.testing.assert_close(ours(x), theirs(x)[0], rtol=1e-5, atol=1e-6)

    attention = build("transformer", width=8, heads=2, generator=g).h[0].attn
    x = torch.randn(3, 5, 8, generator=g)
    q, k, v = (t.view(3, 5, 2, 4).transpose(1, 2) for t in attention.c_attn(x).split(8, dim=-1))
    fused = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(3, 5, 8)
    torch.testing.assert_close(attention(x), attention.c_proj(fused), rtol=1e-5, atol=1e-6)


def test_language_models_see_no_future():
    g = torch.Generator().manual_seed(0)
    tokens = torch.randint(11, (2, 8), generator=g)
    changed = tokens.clone()
    changed[:, 5] = (changed[:, 5] + 1) % 11
    for name in ("transformer", "lstm"):
        model = build(name, vocabulary=11, generator=g).eval()
        before, after = model(tokens), model(changed)
        assert torch.equal(before[:, :, :5], after[:, :, :5])
        assert not torch.equal(before[:, :, 5], after[:, :, 5])


def test_the_generator_alone_decides_the_weights():
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(len(draws))
        state = torch.get_rng_state()
        draws.append(build("mlp", generator=torch.Generator().manual_seed(seed))[1].weight)
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("moon", {}, "no architecture 'moon': choose one of logistic_regression"),
        ("mlp", {"depth": 3}, "mlp has no option 'depth': it has widths"),
        ("mlp", {"widths": [10]}, "inputs and outputs at least"),
        ("mlp", {"widths": [10, 0]}, "whole numbers from 1 on"),
        ("mlp", {"activation": "swish"}, "no activation 'swish': choose one of relu"),
        ("lenet", {"image": 8}, "nothing is left of an image of 8 pixels"),
        ("lenet", {"pooling": "sum"}, "max"),
        ("resnet", {"depth": 21}, r"6 n \+ 2; got 21"),
        ("resnet", {"shortcut": "C"}, "zeros"),
        ("wide_resnet", {"depth": 12}, r"6 n \+ 4"),
        ("transformer", {"width": 10, "heads": 3}, "heads must divide"),
        ("lstm", {"embedding": 3, "tied": True}, "untie them"),
        ("vgg", {"stages": [[8], []]}, "a convolution in every stage"),
    ],
)
def test_refusals_are_one_sentence(name, options, said):
    with pytest.raises(ValueError, match=said) as caught:
        build(name, **options)
    assert "\n" not in str(caught.value)


def test_activations_have_modules():
    x = torch.linspace(-2, 2, 5)
    assert all(activations.activation(name)(x).shape == x.shape for name in activations.ACTIVATIONS)
    with pytest.raises(ValueError, match="11, 13, 16 or 19"):
        vgg.stages(12)
