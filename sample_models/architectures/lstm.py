"""A recurrent language model: embedding, long short-term memory (Hochreiter & Schmidhuber 1997), affine map."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from sample_models.architectures.activations import check_positive

__all__ = ["Config", "build", "candidates"]


@dataclass(frozen=True)
class Config:
    """``tokens -> embedding -> LSTM layers -> logits``.

    Attributes
    ----------
    vocabulary, embedding, width, layers : int
        `width` is that of the hidden state.
    tied : bool
        The output map's matrix is the embedding; then `embedding` equals `width`.
    """

    vocabulary: int = 65
    embedding: int = 64
    width: int = 64
    layers: int = 1
    tied: bool = False

    def __post_init__(self):
        sizes = ("vocabulary", "embedding", "width", "layers")
        check_positive(**{size: getattr(self, size) for size in sizes})
        if self.tied and self.embedding != self.width:
            raise ValueError(
                f"tied weights need embedding and width equal; got {self.embedding} and {self.width}: untie them."
            )


class LongShortTermMemory(nn.Module):
    """`torch.nn.LSTM`'s tensors and equations, step by step: its fused kernels lack derivatives.

    ``i, f, g, o = W x + b + U h + c``; ``cell = s(f) cell + s(i) tanh(g)``; ``h = s(o) tanh(cell)``.
    """

    def __init__(self, inputs, width, layers):
        super().__init__()
        self.width, self.layers = width, layers
        for layer in range(layers):
            shapes = {
                "weight_ih": (4 * width, inputs if layer == 0 else width),
                "weight_hh": (4 * width, width),
                "bias_ih": (4 * width,),
                "bias_hh": (4 * width,),
            }
            for name, shape in shapes.items():
                tensor = torch.empty(shape).uniform_(-1 / math.sqrt(width), 1 / math.sqrt(width))
                self.register_parameter(f"{name}_l{layer}", nn.Parameter(tensor))

    def forward(self, x):
        """(batch, time, inputs) -> (batch, time, width) from a state of zeros."""
        for layer in range(self.layers):
            inputs = x @ getattr(self, f"weight_ih_l{layer}").T + getattr(self, f"bias_ih_l{layer}")
            recurrent, bias = getattr(self, f"weight_hh_l{layer}").T, getattr(self, f"bias_hh_l{layer}")
            hidden = cell = torch.zeros_like(inputs[:, 0, : self.width])
            outputs = []
            for now in inputs.unbind(1):
                i, f, g, o = (now + hidden @ recurrent + bias).chunk(4, dim=-1)
                cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
                hidden = o.sigmoid() * cell.tanh()
                outputs.append(hidden)
            x = torch.stack(outputs, dim=1)
        return x


class LanguageModel(nn.Module):
    """The network of a `Config`."""

    def __init__(self, config):
        super().__init__()
        self.encoder = nn.Embedding(config.vocabulary, config.embedding)
        self.rnn = LongShortTermMemory(config.embedding, config.width, config.layers)
        self.decoder = nn.Linear(config.width, config.vocabulary)
        if config.tied:
            self.decoder.weight = self.encoder.weight

    def forward(self, tokens):
        return self.decoder(self.rnn(self.encoder(tokens))).transpose(1, 2)


def build(config):
    """The model of `config`: int64 tokens (batch, time) -> logits (batch, vocabulary, time).

    Classes come second, where `torch.nn.functional.cross_entropy` expects them beside targets (batch, time).

    >>> build(Config(vocabulary=11))(torch.zeros(3, 7, dtype=torch.int64)).shape
    torch.Size([3, 11, 7])
    """
    return LanguageModel(config)


def candidates(shapes):
    """An embedding, then four tensors a layer, of four times the width. Tied or not is no shape: untied comes first.

    >>> from sample_models.registry import state_shapes
    >>> next(candidates(state_shapes("lstm", Config(layers=2)))).layers
    2
    """
    if len(shapes) < 7 or any(len(shape) != 2 for shape in shapes[:3]) or shapes[2][0] != 4 * shapes[2][1]:
        return
    (vocabulary, embedding), width = shapes[0], shapes[2][1]
    layers = sum(shape == (4 * width,) for shape in shapes) // 2
    for tied in (False, True) if embedding == width else (False,):
        yield Config(vocabulary, embedding, width, max(layers, 1), tied)
