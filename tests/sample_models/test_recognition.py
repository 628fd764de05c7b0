"""Models found by the shapes of their tensors: the public files and their accuracies, other names, other orders, misses."""

import gzip
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from sample_models import from_shapes, registry
from sample_models.checkpoint_files import load_checkpoint
from sample_models.recognition import NotRecognised, recognise


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


def idx(path, offset):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def accuracy(model, images, labels):
    with torch.no_grad():
        predicted = torch.cat([model(batch).argmax(1) for batch in images.split(250)])
    return 100 * (predicted == torch.as_tensor(labels.astype(np.int64))).double().mean().item()


def scaled(images, mean, deviation):
    mean, deviation = (torch.tensor(value).reshape(-1, 1, 1) for value in (mean, deviation))
    return (torch.as_tensor(images.copy()).float() / 255 - mean) / deviation


def test_mnist_perceptron(data):
    """98.2 % on the 10 000 test images; it expects pixels in [0, 1]."""
    found = recognise(load_checkpoint(data / "checkpoints" / "udacity_mnist_mlp.pt"))
    assert found.architecture == "mlp"
    assert found.config.widths == (784, 512, 512, 10)
    images = idx(data / "images" / "t10k-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)
    labels = idx(data / "images" / "t10k-labels-idx1-ubyte.gz", 8)
    assert abs(accuracy(found.model, scaled(images, [0.0], [1.0]), labels) - 98.2) < 0.5


@pytest.mark.parametrize(("optimiser", "published"), [("SGD", 96.3), ("Adam", 94.6)])
def test_fashion_perceptrons(data, optimiser, published):
    """They expect the mean and standard deviation of Fashion-MNIST, 0.2861 and 0.3530."""
    found = recognise(load_checkpoint(data / "checkpoints" / f"phlippe_FashionMNIST_{optimiser}.tar"))
    assert found.architecture == "mlp"
    assert found.config.widths == (784, 512, 256, 256, 128, 10)
    sprite = np.load(data / "images" / "fashion_mnist_sprite_900.npz")
    images = scaled(sprite["images"][:, None], [0.2861], [0.3530])
    assert abs(accuracy(found.model, images, sprite["labels"]) - published) < 0.5
    wrong = recognise(
        load_checkpoint(data / "checkpoints" / f"phlippe_FashionMNIST_{optimiser}.tar"), activation="tanh"
    )
    assert accuracy(wrong.model, images, sprite["labels"]) < published - 20  # a wrong guess is seen


def test_cifar_resnet(data):
    """91.5 % on the 1000 test images; it expects ImageNet's mean and standard deviation."""
    found = recognise(load_checkpoint(data / "checkpoints" / "akamaster_resnet20-12fca82f.th"))
    assert (found.architecture, found.config.depth, found.config.shortcut) == ("resnet", 20, "A")
    assert not found.config.preactivation
    subset = np.load(data / "images" / "cifar10_subset.npz")
    images = scaled(subset["x_test"].transpose(0, 3, 1, 2), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert abs(accuracy(found.model, images, subset["y_test"].ravel()) - 91.5) < 0.5


SAMPLES = {
    "logistic_regression": {},
    "autoencoder": {},
    "mlp": {"widths": (12, 9, 9, 4), "batch_norm": True},
    "lenet": {},
    "vgg": {"stages": ((8, 8), (16,))},
    "resnet": {"depth": 14, "shortcut": "B"},
    "wide_resnet": {"depth": 10, "widen": 2},
    "transformer": {"vocabulary": 11, "context": 9, "width": 64},
    "lstm": {"vocabulary": 11, "embedding": 6, "width": 8, "layers": 2},
}


def input_of(name):
    if name in ("transformer", "lstm"):
        return torch.arange(10).reshape(2, 5) % 7
    shape = {"mlp": (3, 12), "lenet": (3, 1, 28, 28)}.get(name, (3, 3, 32, 32))
    shape = {"logistic_regression": (3, 784), "autoencoder": (3, 784)}.get(name, shape)
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


def with_statistics(model):
    """Weights in which no two tensors are equal, so that a wrong order is seen."""
    state = model.state_dict()
    draw = torch.Generator().manual_seed(2)
    for value in state.values():
        if value.is_floating_point():
            value.add_(torch.rand(value.shape, generator=draw) / 5)
    return state


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("form", ["as saved", "other names", "sorted names"])
def test_every_architecture_is_found_again(name, form, generator):
    """The function is the same, whatever the names and where order is lost."""
    original = registry.build(name, generator=generator, **SAMPLES[name]).eval()
    state = with_statistics(original)
    hints = {}
    if name == "transformer":
        hints["heads"] = original.h[0].attn.heads
    if form == "other names":
        modules = list(dict.fromkeys(key.rpartition(".")[0] for key in state))
        state = {f"part{modules.index(key.rpartition('.')[0])}.{key.rpartition('.')[2]}": v for key, v in state.items()}
    elif form == "sorted names":
        state = {key: state[key] for key in sorted(state)}
    found = recognise(state, **hints)
    assert found.architecture == name
    x = input_of(name)
    assert torch.equal(found.model(x), original(x))
    assert not found.model.training
    assert all(note.endswith(".") for note in found.notes)


def test_tied_weights_saved_once(generator):
    model = registry.build("transformer", generator=generator, vocabulary=11, context=9, width=64).eval()
    state = model.state_dict()
    del state["lm_head.weight"]
    x = input_of("transformer")
    assert torch.equal(recognise(state, heads=2).model(x), model(x))


def test_a_number_of_heads_beside_the_weights_is_used(generator, tmp_path):
    model = registry.build("transformer", generator=generator, vocabulary=11, context=9, width=64, heads=4).eval()
    mask = torch.ones(9, 9).tril()[None, None]
    state = {**model.state_dict(), "transformer.h.0.attn.bias": mask}
    torch.save({"model": state, "model_args": {"n_head": 4}}, tmp_path / "ckpt.pt")
    found = recognise(load_checkpoint(tmp_path / "ckpt.pt"))
    assert found.config.heads == 4
    assert torch.equal(found.model(input_of("transformer")), model(input_of("transformer")))
    assert "causal mask" in found.notes[0]


STACKS = {
    "perceptron with layer norm": (
        nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3, bias=False)),
        (4, 12),
        {},
    ),
    "some biases": (
        nn.Sequential(nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 6, bias=False), nn.Tanh(), nn.Linear(6, 3)),
        (4, 12),
        {"activation": "tanh"},
    ),
    "torch's MNIST example": (
        nn.Sequential(
            *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            *(nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10)),
        ),
        (2, 1, 28, 28),
        {},
    ),
    "three convolutions, pooled after each": (
        nn.Sequential(
            *(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 16, 5, padding=2), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(256, 10)),
        ),
        (2, 3, 32, 32),
        {},
    ),
    "average pooling on larger images": (
        nn.Sequential(
            *(nn.Conv2d(3, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2)),
            *(nn.Conv2d(6, 8, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2)),
            *(nn.Conv2d(8, 8, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(512, 10)),
        ),
        (2, 3, 64, 64),
        {"image": 64, "activation": "tanh", "pooling": "average"},
    ),
    "separable": (
        nn.Sequential(
            *(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.ReLU()),
            *(nn.Conv2d(8, 16, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)),
        ),
        (2, 3, 32, 32),
        {"pooled_after": ()},
    ),
}


@pytest.mark.parametrize("kind", STACKS)
def test_a_row_of_layers_is_built_from_shapes(kind):
    original, shape, hints = STACKS[kind]
    state = with_statistics(original.eval())
    found = recognise(state, **hints)
    assert found.architecture == "from shapes"
    assert "shapes alone" in found.notes[0]
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(found.model(x), original(x), rtol=1e-5, atol=1e-5)


def test_from_shapes_refuses_what_is_no_row():
    assert not list(from_shapes.candidates({"a.weight": (3, 4), "b.weight": (3, 5)}))
    assert not list(from_shapes.candidates({"a.weight": (3, 4), "a.extra": (3,)}))
    assert not list(from_shapes.candidates({"a.bias": (3,)}))
    assert not list(from_shapes.candidates({"a.weight": (8, 3, 3, 3), "b.weight": (10, 77)}))


def test_nearest_miss_says_what_differs(generator):
    state = registry.build("resnet", generator=generator, depth=20).state_dict()
    state["layer2.0.conv1.weight"] = torch.zeros(32, 16, 5, 5)
    with pytest.raises(NotRecognised, match=r"nearest is resnet, but layer2\.0\.conv1\.weight has shape") as refusal:
        recognise(state, architecture="resnet")
    miss = refusal.value.misses[0]
    assert (miss.architecture, miss.wrong, len(miss.differences)) == ("resnet", 1, 1)
    assert "(32, 16, 5, 5)" in miss.differences[0]
    assert "(32, 16, 3, 3)" in miss.differences[0]
    state = registry.build("lenet", generator=generator).state_dict()
    del state["0.bias"]
    with pytest.raises(NotRecognised, match=r"0\.bias of shape \(6,\) is missing"):
        recognise(state, architecture="lenet")


def test_what_fits_nothing():
    for state in ({"w": torch.ones(3, 4, 5)}, {"a.weight": torch.ones(3, 4), "b.weight": torch.ones(9, 9)}):
        with pytest.raises(NotRecognised, match=r"of no architecture known here"):
            recognise(state)
    with pytest.raises(NotRecognised, match="nothing to recognise"):
        recognise({"scale": torch.tensor(1.0)})
    with pytest.raises(ValueError, match="no architecture 'nonsense'"):
        recognise({"w": torch.ones(3, 4)}, architecture="nonsense")
    with pytest.raises(ValueError, match="has an option 'pooling'"):
        recognise({"a.weight": torch.ones(3, 4), "b.weight": torch.ones(2, 3)}, pooling="max", architecture="mlp")


def test_hints_are_checked():
    state = {"a.weight": torch.ones(3, 4), "b.weight": torch.ones(2, 3)}
    with pytest.raises(ValueError, match="no activation 'wavy'"):
        recognise(state, activation="wavy")
    stack = {"a.weight": torch.ones(4, 3, 7, 7), "b.weight": torch.ones(2, 4)}
    with pytest.raises(ValueError, match='pooling is "max" or "average"'):
        recognise(stack, architecture="from shapes", pooling="min")


def test_ambiguity_is_said(generator):
    """With shortcut A a ResNet and a PreResNet have the same shapes in the same order: names decide."""
    for preactivation in (False, True):
        model = registry.build("resnet", generator=generator, depth=8, preactivation=preactivation).eval()
        found = recognise(with_statistics(model))
        assert found.config.preactivation is preactivation
        assert [config for _, config in found.alternatives] == [replace(found.config, preactivation=not preactivation)]
        assert any("as well" in note for note in found.notes)


def test_each_reading_is_what_its_arguments_give(generator):
    state = registry.build("resnet", generator=generator, depth=8, preactivation=True).state_dict()
    state = {f"part{place}": value for place, value in enumerate(state.values()) if value.ndim}
    found = recognise(state)
    assert list(found.readings) == ["resnet", "resnet with preactivation"]
    for words, hints in found.readings.items():
        chosen = recognise(state, **hints)
        assert chosen.config.preactivation is words.endswith("preactivation")
        assert not chosen.alternatives
    with pytest.raises(ValueError, match=r"fit resnet, but not with preactivation = False, width = 3\."):
        recognise(state, preactivation=False, width=3)


@pytest.mark.parametrize("name", SAMPLES)
def test_building_undrawn_draws_nothing_and_leaves_what_no_file_holds(name, generator):
    """The state of torch's generator stays, and masks and counters are there."""
    options = {"widths": (12, 4)} if name == "mlp" else SAMPLES[name]
    drawn = registry.build(name, generator=generator, **options)
    before = torch.get_rng_state()
    with registry.Undrawn():
        model = registry.ARCHITECTURES[name].build(registry.configure(name, **options))
    assert torch.equal(torch.get_rng_state(), before)
    model.load_state_dict(drawn.state_dict())
    assert torch.equal(model.eval()(input_of(name)), drawn.eval()(input_of(name)))


def test_recognising_does_not_import_the_compiler():
    """It takes longer than all the rest, and comes in by drawing normal numbers on the meta device."""
    code = (
        "import sys, sample_models as s; s.recognise(s.build('vgg').state_dict()); "
        "assert 'torch._dynamo' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""


def test_the_checkpoint_is_copied_and_precision_kept():
    state = {"a.weight": torch.ones(3, 4, dtype=torch.float64), "b.weight": torch.ones(2, 3, dtype=torch.float64)}
    before = torch.get_rng_state()
    model = recognise(state).model
    assert torch.equal(torch.get_rng_state(), before)
    assert all(p.dtype == torch.float64 for p in model.parameters())
    next(model.parameters()).data.zero_()
    assert state["a.weight"].min() == 1
