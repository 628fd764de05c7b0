"""Which architecture the tensors of a checkpoint nearly fit, and where they part."""

from dataclasses import dataclass
from difflib import SequenceMatcher

import torch

from sample_models import registry

__all__ = ["Miss", "nearest_misses"]

_DEPTHS = (8, 14, 20, 32, 44, 56)


@dataclass(frozen=True)
class Miss:
    """An architecture that tensors nearly fit.

    Attributes
    ----------
    architecture : str
    config : Config of the architecture
    differences : tuple of str
        A clause on each of the first ten tensors that differ, with the shape expected.
    wrong : int
        How many tensors differ, are missing or too many.
    """

    architecture: str
    config: object
    differences: tuple
    wrong: int


def nearest_misses(tensors, architecture=None, *, most=3):
    """The `most` architectures whose sequence of shapes is nearest to that of `tensors`, the nearest first.

    Compared are those that the shapes suggest and usual ones of the same width, channels and classes.

    >>> import torch
    >>> shapes = {"a.weight": (3, 4), "a.bias": (3,), "b.weight": (2, 5), "b.bias": (2,)}
    >>> nearest_misses({name: torch.ones(shape) for name, shape in shapes.items()})[0].differences[0]
    'b.weight has shape (2, 5) where 3.weight of shape (2, 3) is expected'
    """
    shapes = [tuple(value.shape) for value in tensors.values()]
    misses = []
    for name, config in dict.fromkeys([*registry.candidates(shapes), *_usual(shapes)]):
        if architecture in (None, name):
            misses.append(_miss(name, config, tensors))
    misses = [miss for miss in misses if miss is not None]
    return tuple(sorted(misses, key=lambda miss: miss.wrong)[:most])


def _usual(shapes):
    """Usual configurations with the channels, first width and classes of these shapes."""
    kernels = [shape for shape in shapes if len(shape) == 4]
    matrices = [shape for shape in shapes if len(shape) == 2]
    classes = shapes[-1][0] if shapes and len(shapes[-1]) <= 2 else 10
    if not kernels:
        if matrices:
            yield (
                "logistic_regression",
                registry.configure("logistic_regression", inputs=matrices[-1][1], classes=classes),
            )
            widths = (matrices[0][1], *(rows for rows, _ in matrices))
            for batch_norm in (False, True):
                yield "mlp", registry.configure("mlp", widths=widths, batch_norm=batch_norm)
        return
    width, channels = kernels[0][0], kernels[0][1]
    if len(kernels) == 2 and matrices:
        hidden = tuple(rows for rows, _ in matrices[:-1])
        options = {"convolutions": (width, kernels[1][0]), "hidden": hidden, "channels": channels, "classes": classes}
        yield "lenet", registry.configure("lenet", image=28 if channels == 1 else 32, **options)
    options = {"channels": channels, "classes": classes}
    for depth in _DEPTHS:
        for shortcut in "AB":
            for preactivation in (False, True):
                kind = {"depth": depth, "shortcut": shortcut, "preactivation": preactivation, "width": width}
                yield "resnet", registry.configure("resnet", **kind, **options)
    yield "resnet", registry.configure("resnet", depth=18, stages=4, width=width, shortcut="B", **options)
    for batch_norm in (False, True):
        stages = registry.ARCHITECTURES["vgg"].stages
        for depth in (11, 13, 16, 19):
            yield "vgg", registry.configure("vgg", stages=stages(depth, width), batch_norm=batch_norm, **options)


def _miss(name, config, tensors):
    """Where the model's sequence of shapes and that of the checkpoint part; None where they share none."""
    with registry.Undrawn(), torch.device("meta"):
        state = registry.ARCHITECTURES[name].build(config).state_dict()
    ours = [(key, tuple(value.shape)) for key, value in state.items() if value.ndim]
    theirs = [(other, tuple(value.shape)) for other, value in tensors.items()]
    matcher = SequenceMatcher(None, [shape for _, shape in ours], [shape for _, shape in theirs], autojunk=False)
    differences, wrong = [], 0
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        wrong += max(b - a, d - c)
        for (key, shape), (other, found) in zip(ours[a:b], theirs[c:d], strict=False):
            differences.append(f"{other} has shape {found} where {key} of shape {shape} is expected")
        differences += [f"{key} of shape {shape} is missing" for key, shape in ours[a + (d - c) : b]]
        differences += [f"{other} of shape {found} is one too many" for other, found in theirs[c + (b - a) : d]]
    if wrong == max(len(ours), len(theirs)):
        return None
    if not differences:
        differences.append("the shapes agree but weights stand where biases are expected")
    return Miss(name, config, tuple(differences[:10]), max(wrong, 1))
