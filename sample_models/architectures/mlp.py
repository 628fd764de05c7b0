"""Multilayer perceptron: affine maps with an activation between."""

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from sample_models.architectures.activations import activation, check_positive

__all__ = ["Config", "build", "candidates"]


@dataclass(frozen=True)
class Config:
    """``x -> W_L s(... s(W_1 x + b_1) ...) + b_L`` with W_l of shape (widths[l], widths[l - 1]).

    Attributes
    ----------
    widths : tuple of int
        Inputs, hidden layers, outputs.
    activation : str
        s, one of `activations.ACTIVATIONS`.
    batch_norm : bool
        Batch norm between each hidden affine map and its activation.
    bias : bool
    flatten : bool
        Take inputs of any shape (batch, ...) as (batch, widths[0]).
    """

    widths: tuple[int, ...] = (784, 256, 256, 10)
    activation: str = "relu"
    batch_norm: bool = False
    bias: bool = True
    flatten: bool = True

    def __post_init__(self):
        check_positive(widths=self.widths)
        if len(self.widths) < 2:
            raise ValueError(f"an MLP needs the widths of its inputs and outputs at least; got {self.widths!r}.")


def build(config):
    """The model of `config`: (batch, ...) -> (batch, widths[-1]).

    >>> build(Config(widths=(4, 3, 2), activation="tanh", flatten=False))
    Sequential(
      (0): Linear(in_features=4, out_features=3, bias=True)
      (1): Tanh()
      (2): Linear(in_features=3, out_features=2, bias=True)
    )
    """
    *hidden, last = pairwise(config.widths)
    layers = [nn.Flatten()] if config.flatten else []
    for inputs, outputs in hidden:
        layers.append(nn.Linear(inputs, outputs, bias=config.bias))
        if config.batch_norm:
            layers.append(nn.BatchNorm1d(outputs))
        layers.append(activation(config.activation))
    return nn.Sequential(*layers, nn.Linear(*last, bias=config.bias))


def candidates(shapes):
    """Two or more matrices, each as wide as the one before is high.

    >>> next(candidates([(5, 4), (5,), (3, 5), (3,)])).widths
    (4, 5, 3)
    """
    matrices = [shape for shape in shapes if len(shape) == 2]
    vectors = sum(len(shape) == 1 for shape in shapes)
    chained = all(after[1] == before[0] for before, after in pairwise(matrices))
    if len(matrices) < 2 or len(matrices) + vectors < len(shapes) or not chained:
        return
    widths = (matrices[0][1], *(rows for rows, _ in matrices))
    bias = len(shapes[-1]) == 1
    yield Config(widths, batch_norm=vectors > bias * len(matrices), bias=bias)
