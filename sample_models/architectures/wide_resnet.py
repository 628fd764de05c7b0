"""Wide residual networks (Zagoruyko & Komodakis 2016): few preactivation blocks, many channels."""

from dataclasses import dataclass

from torch import nn
from torch.nn import functional as F

from sample_models.architectures.activations import check_positive

__all__ = ["Config", "build", "candidates"]


@dataclass(frozen=True)
class Config:
    """WRN-depth-widen: a 3 x 3 convolution to `width`, three stages of n blocks with ``widen width 2^s`` channels.

    Attributes
    ----------
    depth : int
        ``6n + 4``.
    widen : int
        The factor k of the paper.
    width, channels, classes : int
        Width of the first convolution, 16 in the paper.
    """

    depth: int = 16
    widen: int = 4
    width: int = 16
    channels: int = 3
    classes: int = 10

    def __post_init__(self):
        check_positive(widen=self.widen, width=self.width, channels=self.channels, classes=self.classes)
        check_positive(depth=self.depth)
        if self.depth < 10 or (self.depth - 4) % 6:
            raise ValueError(f"the depth of a wide ResNet is 6 n + 4 with n from 1 on; got {self.depth}.")


class Block(nn.Module):
    """``shortcut + conv2(relu(bn2(conv1(y))))``, ``y = relu(bn1(x))``; the shortcut is x, or 1 x 1 of y."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        changes = stride > 1 or inputs != outputs
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if changes else None

    def forward(self, x):
        y = F.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(y)
        return shortcut + self.conv2(F.relu(self.bn2(self.conv1(y))))


class WideResNet(nn.Module):
    """The network of a `Config`."""

    def __init__(self, config):
        super().__init__()
        self.conv1 = nn.Conv2d(config.channels, config.width, 3, padding=1, bias=False)
        blocks, inputs = [], config.width
        for stage in range(3):
            for block in range((config.depth - 4) // 6):
                outputs = config.widen * config.width * 2**stage
                blocks.append(Block(inputs, outputs, 2 if stage and not block else 1))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.bn = nn.BatchNorm2d(inputs)
        self.linear = nn.Linear(inputs, config.classes)

    def forward(self, x):
        return self.linear(F.relu(self.bn(self.blocks(self.conv1(x)))).mean((2, 3)))


def build(config):
    """The model of `config`: (batch, channels, height, width) -> (batch, classes).

    WRN-16-8 has its 11.0 million parameters (Zagoruyko & Komodakis, table 4).

    >>> sum(p.numel() for p in build(Config(depth=16, widen=8)).parameters())
    10961370
    """
    return WideResNet(config)


def candidates(shapes):
    """3 x 3 convolutions (the depth) and the width of the second against the first (the factor).

    >>> from sample_models.registry import state_shapes
    >>> next(candidates(state_shapes("wide_resnet", Config(depth=10, widen=2))))
    Config(depth=10, widen=2, width=16, channels=3, classes=10)
    """
    convolutions = [shape for shape in shapes if len(shape) == 4 and shape[2:] == (3, 3)]
    if len(convolutions) < 7 or len(shapes[-1]) != 1 or len(shapes[-2]) != 2:
        return
    (width, channels, *_), (wide, *_) = convolutions[:2]
    depth = len(convolutions) + 3
    if (depth - 4) % 6 == 0 and wide % width == 0:
        yield Config(depth, wide // width, width, channels, classes=shapes[-1][0])
