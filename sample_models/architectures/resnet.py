"""Residual networks on small images (He et al. 2016, section 4.2), and with activations first (He et al. 2016b)."""

from collections import Counter
from dataclasses import dataclass

from torch import nn
from torch.nn import functional as F

from sample_models.architectures.activations import check_positive

__all__ = ["Config", "build", "candidates"]


@dataclass(frozen=True)
class Config:
    """A 3 x 3 convolution, `stages` of n blocks of two, a global average, an affine map; ReLU, batch norm.

    Stage s has ``width 2^s`` channels and halves the image (s > 0). With the three stages of the paper the depth is
    6n + 2; four stages and width 64 give the ResNet-18 that people train on CIFAR (depth 18).

    Attributes
    ----------
    depth : int
        ``2 stages n + 2``.
    shortcut : {"A", "B"}
        Where the shape changes: every second pixel and zeros for the new channels, halves on both sides (A), or a
        1 x 1 convolution (B; with batch norm after it, but not in a preactivation block).
    preactivation : bool
        PreResNet: batch norm and ReLU before each convolution, and once more at the end.
    width, stages, channels, classes : int
    """

    depth: int = 20
    shortcut: str = "A"
    preactivation: bool = False
    width: int = 16
    stages: int = 3
    channels: int = 3
    classes: int = 10

    def __post_init__(self):
        check_positive(width=self.width, stages=self.stages, channels=self.channels, classes=self.classes)
        check_positive(depth=self.depth)
        if self.depth < 2 * self.stages + 2 or (self.depth - 2) % (2 * self.stages):
            raise ValueError(
                f"the depth of a ResNet with {self.stages} stages is {2 * self.stages} n + 2; got {self.depth}."
            )
        if self.shortcut not in ("A", "B"):
            raise ValueError(f'shortcut is "A" (zeros) or "B" (1 x 1 convolution); got {self.shortcut!r}.')


class PaddedShortcut(nn.Module):
    """Option A: every second pixel, zeros for the channels that are new."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.stride, self.before = stride, (outputs - inputs) // 2
        self.after = outputs - inputs - self.before

    def forward(self, x):
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.after))


class Block(nn.Module):
    """``relu(shortcut(x) + bn2(conv2(relu(bn1(conv1(x))))))``."""

    def __init__(self, inputs, outputs, stride, option):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != outputs:
            projected = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            self.shortcut = projected if option == "B" else PaddedShortcut(inputs, outputs, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class PreactivationBlock(nn.Module):
    """``shortcut(x) + conv2(relu(bn2(conv1(y))))``, ``y = relu(bn1(x))``; a 1 x 1 shortcut starts from y."""

    def __init__(self, inputs, outputs, stride, option):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        changes = stride > 1 or inputs != outputs
        self.projects = changes and option == "B"
        self.shortcut = nn.Identity()
        if changes:
            projected = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = projected if self.projects else PaddedShortcut(inputs, outputs, stride)

    def forward(self, x):
        y = F.relu(self.bn1(x))
        shortcut = self.shortcut(y if self.projects else x)
        return shortcut + self.conv2(F.relu(self.bn2(self.conv1(y))))


class ResNet(nn.Module):
    """The network of a `Config`."""

    def __init__(self, config):
        super().__init__()
        block = PreactivationBlock if config.preactivation else Block
        blocks = (config.depth - 2) // (2 * config.stages)
        self.conv1 = nn.Conv2d(config.channels, config.width, 3, padding=1, bias=False)
        if not config.preactivation:
            self.bn1 = nn.BatchNorm2d(config.width)
        self.layers, inputs = [f"layer{stage + 1}" for stage in range(config.stages)], config.width
        for stage, name in enumerate(self.layers):
            outputs = config.width * 2**stage
            strides = (1 if stage == 0 else 2, *(1,) * (blocks - 1))
            layer = [block(inputs if i == 0 else outputs, outputs, s, config.shortcut) for i, s in enumerate(strides)]
            self.add_module(name, nn.Sequential(*layer))
            inputs = outputs
        if config.preactivation:
            self.bn = nn.BatchNorm2d(inputs)
        self.linear = nn.Linear(inputs, config.classes)
        self.preactivation = config.preactivation

    def forward(self, x):
        x = self.conv1(x)
        x = x if self.preactivation else F.relu(self.bn1(x))
        for name in self.layers:
            x = getattr(self, name)(x)
        x = F.relu(self.bn(x)) if self.preactivation else x
        return self.linear(x.mean((2, 3)))


def build(config):
    """The model of `config`: (batch, channels, height, width) -> (batch, classes).

    ResNet-20 has its 0.27 million parameters (He et al., table 6).

    >>> sum(p.numel() for p in build(Config(depth=20)).parameters())
    269722
    """
    return ResNet(config)


def candidates(shapes):
    """3 x 3 convolutions (the depth), 1 x 1 ones (shortcut B), and their widths (the stages).

    With shortcut A the tensors of a ResNet and of a PreResNet have the same shapes in the same order: both are given.

    >>> from sample_models.registry import state_shapes
    >>> [c.preactivation for c in candidates(state_shapes("resnet", Config(depth=8)))]
    [False, True]
    """
    kernels = [shape for shape in shapes if len(shape) == 4]
    if len(kernels) < 3 or len(shapes[-1]) != 1 or len(shapes[-2]) != 2 or kernels[0][2:] != (3, 3):
        return
    if any(shape[2:] not in ((1, 1), (3, 3)) for shape in kernels):
        return
    convolutions = [shape for shape in kernels if shape[2:] == (3, 3)]
    width, stages = kernels[0][0], len(Counter(shape[0] for shape in convolutions))
    depth = len(convolutions) + 1
    if depth < 2 * stages + 2 or (depth - 2) % (2 * stages):
        return
    shortcut = "A" if len(convolutions) == len(kernels) else "B"
    for preactivation in (False, True):
        yield Config(depth, shortcut, preactivation, width, stages, kernels[0][1], shapes[-1][0])
