"""Fully connected autoencoder (Hinton & Salakhutdinov 2006): a narrowing encoder and its mirror image."""

from dataclasses import dataclass

from torch import nn

from sample_models.architectures import mlp
from sample_models.architectures.activations import activation, check_positive

__all__ = ["Config", "build", "candidates"]


@dataclass(frozen=True)
class Config:
    """Encoder of `widths`, inputs to code; the decoder runs them backwards; the code itself has no activation.

    Attributes
    ----------
    widths : tuple of int
        Inputs, hidden layers, code.
    activation : str
        Of the hidden layers, one of `activations.ACTIVATIONS`.
    output : str
        Of the reconstruction: "identity", or "sigmoid" for pixels in [0, 1].
    """

    widths: tuple[int, ...] = (784, 256, 64, 16)
    activation: str = "relu"
    output: str = "identity"

    def __post_init__(self):
        check_positive(widths=self.widths)
        if len(self.widths) < 2:
            raise ValueError(f"an autoencoder needs the widths of its inputs and its code; got {self.widths!r}.")


def build(config):
    """The model of `config`: (batch, ...) -> (batch, widths[0]), a reconstruction of the flattened input.

    >>> import torch
    >>> build(Config(widths=(16, 8, 2)))(torch.zeros(5, 4, 4)).shape
    torch.Size([5, 16])
    """
    halves = {
        "encoder": mlp.build(mlp.Config(config.widths, config.activation)),
        "decoder": mlp.build(mlp.Config(config.widths[::-1], config.activation)),
    }
    model = nn.Sequential()
    for name, half in halves.items():
        model.add_module(name, half)
    model.add_module("output", activation(config.output))
    return model


def candidates(shapes):
    """An MLP whose widths read the same backwards, narrowest in the middle.

    >>> [c.widths for c in candidates([(2, 9), (2,), (9, 2), (9,)])]
    [(9, 2)]
    """
    for plain in mlp.candidates(shapes):
        half = len(plain.widths) // 2 + 1
        palindrome = len(plain.widths) % 2 and plain.widths == plain.widths[::-1]
        if palindrome and plain.bias and not plain.batch_norm and min(plain.widths) == plain.widths[half - 1]:
            yield Config(plain.widths[:half])
