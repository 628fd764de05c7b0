"""A model from the shapes of its tensors alone: affine maps, convolutions and normalisations in a row."""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import product

from torch import nn

from sample_models.architectures.activations import activation as new_activation

__all__ = ["Config", "build", "candidates"]

POOLING = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


@dataclass(frozen=True)
class Config:
    """Layers in a row, an activation after each but the last, pooling of 2 after some convolutions.

    Attributes
    ----------
    layers : tuple
        ``("linear", outputs, inputs, bias)``, ``("convolution", outputs, inputs, groups, kernel, bias)`` with kernel
        ``(height, width)``, ``("batch norm", width, is_image, bias)`` and ``("layer norm", width, bias)``, in order.
    activation : str
    pooling : {"max", "average"}
    pooled_after : tuple of int
        Which convolutions, counted from 0, a pooling of 2 follows.
    padded : bool
        Convolutions keep the size of the image.
    side : int
        Side of the image that the first affine map sees flattened; 1 after a mean over the image.
    image : int
        Side of the images expected; 0 where there is no convolution.
    """

    layers: tuple
    activation: str = "relu"
    pooling: str = "max"
    pooled_after: tuple[int, ...] = ()
    padded: bool = True
    side: int = 1
    image: int = 0

    def __post_init__(self):
        if self.pooling not in POOLING:
            raise ValueError(f'pooling is "max" or "average"; got {self.pooling!r}.')


def build(config):
    """The model of `config`: (batch, ...) -> (batch, outputs of the last layer).

    >>> build(Config((("linear", 3, 4, True), ("linear", 2, 3, True)), activation="tanh"))
    Sequential(
      (flatten): Flatten(start_dim=1, end_dim=-1)
      (linear0): Linear(in_features=4, out_features=3, bias=True)
      (activation0): Tanh()
      (linear1): Linear(in_features=3, out_features=2, bias=True)
    )
    """
    modules, convolutions, kinds = OrderedDict(), 0, [layer[0] for layer in config.layers]
    last = max(i for i, kind in enumerate(kinds) if kind in ("linear", "convolution"))
    pooled, is_flat = False, False
    for i, (kind, *sizes) in enumerate(config.layers):
        if kind in ("linear", "layer norm") and not is_flat:
            if config.image and config.side == 1:
                modules["mean"] = nn.AdaptiveAvgPool2d(1)
            modules["flatten"], is_flat = nn.Flatten(), True
        if kind == "linear":
            outputs, inputs, bias = sizes
            modules[f"linear{i}"] = nn.Linear(inputs, outputs, bias=bias)
        elif kind == "convolution":
            outputs, inputs, groups, kernel, bias = sizes
            padding = tuple(side // 2 for side in kernel) if config.padded else 0
            convolution = nn.Conv2d(inputs * groups, outputs, kernel, padding=padding, groups=groups, bias=bias)
            modules[f"convolution{i}"] = convolution
            pooled = convolutions in config.pooled_after
            convolutions += 1
        elif kind == "batch norm":
            width, is_image, bias = sizes
            modules[f"norm{i}"] = (nn.BatchNorm2d if is_image else nn.BatchNorm1d)(width, affine=bias)
        else:
            width, bias = sizes
            modules[f"norm{i}"] = nn.LayerNorm(width, bias=bias)
        is_before_norm = i + 1 < len(kinds) and kinds[i + 1].endswith("norm")
        if i < last and not is_before_norm:
            modules[f"activation{i}"] = new_activation(config.activation)
            if pooled:
                modules[f"pooling{i}"], pooled = POOLING[config.pooling](2), False
    if not is_flat:
        modules.update(mean=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())
    return nn.Sequential(modules)


def candidates(tensors, *, image=None):
    """Configs whose tensors are `tensors` (name -> shape, in order), the likeliest first; none where they are no row.

    An affine map of ``C s^2`` inputs after a convolution of C channels sees an image of side s. Paddings and places of
    the poolings that lead there from `image` (28 for one channel, 32 for more) are tried: after each convolution, after
    every second, after the last ones.

    >>> shapes = {"a.weight": (32, 1, 3, 3), "b.weight": (64, 32, 3, 3), "c.weight": (10, 9216)}
    >>> [(c.padded, c.pooled_after, c.side) for c in candidates(shapes)]
    [(False, (1,), 12)]
    """
    layers, flattened = _layers(tensors)
    if not layers or not any(layer[0] in ("linear", "convolution") for layer in layers):
        return
    kernels = [layer[4] for layer in layers if layer[0] == "convolution"]
    if not kernels:
        yield Config(layers)
        return
    channels = next(layer[2] * layer[3] for layer in layers if layer[0] == "convolution")
    image = image or (28 if channels == 1 else 32)
    if flattened == 1:  # a mean over the image, whatever the size
        every = tuple(range(1, len(kernels), 2))
        yield Config(layers, pooled_after=every[:3], side=1, image=image)
    for padded, places in product((True, False), _places(len(kernels))):
        if _side_after(image, kernels, padded, places) == flattened and flattened > 1:
            yield Config(layers, pooled_after=places, padded=padded, side=flattened, image=image)


def _layers(tensors):
    """Layers of `Config`, and the side of the image that the first affine map sees; an empty tuple for no row."""
    groups = {}
    for name, shape in tensors.items():
        module, _, leaf = name.rpartition(".")
        groups.setdefault(module, {})[leaf] = tuple(shape)
    layers, width, is_image, flattened = [], None, False, 1
    for group in groups.values():
        weight, bias = group.get("weight"), "bias" in group
        statistics = group.get("running_mean")
        if set(group) - {"weight", "bias", "running_mean", "running_var"} or (weight is None and statistics is None):
            return (), 1
        if statistics is not None:
            if (weight is None) != ("bias" not in group) or width != statistics[0]:
                return (), 1
            layers.append(("batch norm", width, is_image, weight is not None))
        elif len(weight) == 1:
            if weight[0] != width or is_image:
                return (), 1
            layers.append(("layer norm", width, bias))
        elif len(weight) == 2:
            outputs, inputs = weight
            if is_image:
                flattened = round((inputs / width) ** 0.5)
                if flattened < 1 or width * flattened**2 != inputs:
                    return (), 1
            elif width not in (None, inputs):
                return (), 1
            layers.append(("linear", outputs, inputs, bias))
            width, is_image = outputs, False
        elif len(weight) == 4 and (is_image or width is None):
            outputs, inputs, *kernel = weight
            groups_of = 1 if width is None else width // inputs
            if width not in (None, inputs * groups_of) or groups_of < 1 or outputs % groups_of:
                return (), 1
            layers.append(("convolution", outputs, inputs, groups_of, tuple(kernel), bias))
            width, is_image = outputs, True
        else:
            return (), 1
    return tuple(layers), flattened


def _places(count):
    """After which of `count` convolutions poolings are: after each, every second, the last k, every third, the first k."""
    places = [tuple(range(count)), tuple(range(1, count, 2))]
    places += [tuple(range(count - k, count)) for k in range(count)]
    places += [tuple(range(2, count, 3)), *(tuple(range(k)) for k in range(count))]
    return dict.fromkeys(places)


def _side_after(image, kernels, padded, places):
    """Side of the image after all convolutions; 0 for kernels that are not square or an image that is used up."""
    for i, (height, width) in enumerate(kernels):
        if height != width or (padded and height % 2 == 0):
            return 0
        image = image if padded else image - height + 1
        image = image // 2 if i in places else image
    return max(image, 0)
