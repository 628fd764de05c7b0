"""Multinomial logistic regression: one affine map of the flattened input."""

from dataclasses import dataclass

from torch import nn

from sample_models.architectures.activations import check_positive

__all__ = ["Config", "build", "candidates"]


@dataclass(frozen=True)
class Config:
    """``logits = W x + b``, W of shape (classes, inputs); convex in its parameters.

    >>> Config(inputs=64).classes
    10
    """

    inputs: int = 784
    classes: int = 10
    bias: bool = True

    def __post_init__(self):
        check_positive(inputs=self.inputs, classes=self.classes)


def build(config):
    """The model of `config`: (batch, ...) -> (batch, classes).

    >>> sum(p.numel() for p in build(Config(inputs=64)).parameters())
    650
    """
    return nn.Sequential(nn.Flatten(), nn.Linear(config.inputs, config.classes, bias=config.bias))


def candidates(shapes):
    """The Config whose only tensors are one matrix and perhaps one vector.

    >>> list(candidates([(10, 64), (10,)]))
    [Config(inputs=64, classes=10, bias=True)]
    """
    if 1 <= len(shapes) <= 2 and len(shapes[0]) == 2:
        classes, inputs = shapes[0]
        yield Config(inputs, classes, bias=len(shapes) == 2)
