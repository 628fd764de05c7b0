"""VGG (Simonyan & Zisserman 2015): stages of 3 x 3 convolutions, each pooled, then affine maps."""

from dataclasses import dataclass
from itertools import groupby

from torch import nn

from sample_models.architectures.activations import activation, check_positive

__all__ = ["LAYOUTS", "Config", "build", "candidates", "stages"]

LAYOUTS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def stages(depth=11, width=64):
    """The channels of VGG-`depth`, stage by stage: width, 2, 4, 8 and 8 times the width.

    Raises ValueError for another depth than 11, 13, 16, 19.

    >>> stages(13, 16)
    ((16, 16), (32, 32), (64, 64), (128, 128), (128, 128))
    """
    if depth not in LAYOUTS:
        raise ValueError(f"VGG has 11, 13, 16 or 19 layers; got {depth!r}.")
    return tuple((width * min(2**i, 8),) * layers for i, layers in enumerate(LAYOUTS[depth]))


@dataclass(frozen=True)
class Config:
    """Stages of convolutions (padding 1), a max-pooling of 2 after each, then `hidden` affine layers.

    Attributes
    ----------
    stages : tuple of tuples of int
        Channels of every convolution; `stages(depth, width)` gives the published ones. Each stage halves the image.
    channels, classes : int
    hidden : tuple of int
        Widths between the convolutions and the `classes`; () on small images, (4096, 4096) in the paper.
    pooled : int
        Side to which the image is averaged before the affine maps; 1 on small images, 7 in the paper.
    batch_norm : bool
        After each convolution.
    activation : str
    """

    stages: tuple[tuple[int, ...], ...] = stages(11, 64)
    channels: int = 3
    classes: int = 10
    hidden: tuple[int, ...] = ()
    pooled: int = 1
    batch_norm: bool = False
    activation: str = "relu"

    def __post_init__(self):
        check_positive(channels=self.channels, classes=self.classes, hidden=self.hidden, pooled=self.pooled)
        for stage in self.stages:
            check_positive(stages=stage)
        if not self.stages or not all(self.stages):
            raise ValueError(f"VGG needs a convolution in every stage; got {self.stages!r}.")


def build(config):
    """The model of `config`: (batch, channels, height, width) -> (batch, classes); 2^stages pixels a side at least.

    Convolutions start with variance 2 / fan-in and no bias (He et al. 2015): with torch's own start, a sixth of that
    variance, signals fade layer by layer, and without batch norm training stays at the loss log(classes).

    >>> sum(p.numel() for p in build(Config()).parameters())
    9225610
    """
    layers, inputs = [], config.channels
    for stage in config.stages:
        for outputs in stage:
            layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
            nn.init.kaiming_normal_(layers[-1].weight)
            nn.init.zeros_(layers[-1].bias)
            if config.batch_norm:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(activation(config.activation))
            inputs = outputs
        layers.append(nn.MaxPool2d(2))
    layers += [nn.AdaptiveAvgPool2d(config.pooled), nn.Flatten()]
    inputs *= config.pooled**2
    for outputs in config.hidden:
        layers += [nn.Linear(inputs, outputs), activation(config.activation)]
        inputs = outputs
    return nn.Sequential(*layers, nn.Linear(inputs, config.classes))


def candidates(shapes):
    """3 x 3 convolutions, then matrices. Where the poolings are is no shape: the published layouts come first.

    >>> shapes = [(8, 1, 3, 3), (8,), (16, 8, 3, 3), (16,), (10, 16), (10,)]
    >>> [c.stages for c in candidates(shapes)]
    [((8,), (16,))]
    """
    kernels = [shape for shape in shapes if len(shape) == 4]
    matrices = [shape for shape in shapes if len(shape) == 2]
    if not kernels or not matrices or any(shape[2:] != (3, 3) for shape in kernels):
        return
    widths = tuple(shape[0] for shape in kernels)
    heads = [rows for rows, _ in matrices]
    pooled = max(round((matrices[0][1] / widths[-1]) ** 0.5), 1)
    vectors = sum(len(shape) == 1 for shape in shapes)
    published = [stages(depth, widths[0]) for depth in LAYOUTS]
    layouts = [layout for layout in published if sum(layout, ()) == widths]
    layouts.append(tuple(tuple(stage) for _, stage in groupby(widths)))
    for layout in dict.fromkeys(layouts):
        yield Config(
            layout,
            channels=kernels[0][1],
            classes=heads[-1],
            hidden=tuple(heads[:-1]),
            pooled=pooled,
            batch_norm=vectors > len(kernels) + len(matrices),
        )
