"""A small causal transformer language model, with GPT-2's tensors in GPT-2's order (Radford et al. 2019)."""

import math
from dataclasses import dataclass

import torch
from torch import nn

from sample_models.architectures.activations import activation, check_positive

__all__ = ["Config", "build", "candidates"]

HEAD_WIDTHS = (64, 32, 128, 16, 8)  # that candidates try, GPT-2's first


@dataclass(frozen=True)
class Config:
    """Token and position embeddings, `layers` of attention and MLP on a residual stream, layer norm, logits.

    Attributes
    ----------
    vocabulary, context, layers, heads, width : int
        `heads` divides `width`; the MLP is four times as wide.
    bias : bool
        Biases in the affine maps and layer norms (the output map has none).
    tied : bool
        The output map is the token embedding.
    activation : str
    """

    vocabulary: int = 65
    context: int = 64
    layers: int = 2
    heads: int = 2
    width: int = 64
    bias: bool = True
    tied: bool = True
    activation: str = "gelu"

    def __post_init__(self):
        sizes = ("vocabulary", "context", "layers", "heads", "width")
        check_positive(**{size: getattr(self, size) for size in sizes})
        if self.width % self.heads:
            raise ValueError(f"heads must divide the width {self.width}; got {self.heads} heads.")


class Attention(nn.Module):
    """``softmax(Q K.T / sqrt(d) + mask) V``, written out: fused attention has no second derivative."""

    def __init__(self, config):
        super().__init__()
        self.heads = config.heads
        self.c_attn = nn.Linear(config.width, 3 * config.width, bias=config.bias)
        self.c_proj = nn.Linear(config.width, config.width, bias=config.bias)

    def forward(self, x):
        batch, time, width = x.shape
        q, k, v = self.c_attn(x).view(batch, time, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)
        future = torch.ones(time, time, dtype=torch.bool, device=x.device).triu(1)
        attended = scores.masked_fill(future, -math.inf).softmax(-1) @ v
        return self.c_proj(attended.transpose(1, 2).reshape(batch, time, width))


class Layer(nn.Module):
    """``x += attention(norm(x)); x += mlp(norm(x))``."""

    def __init__(self, config):
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.width, bias=config.bias)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(config.width, bias=config.bias)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(config.width, 4 * config.width, bias=config.bias))
        self.mlp.add_module("activation", activation(config.activation))
        self.mlp.add_module("c_proj", nn.Linear(4 * config.width, config.width, bias=config.bias))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    """The network of a `Config`."""

    def __init__(self, config):
        super().__init__()
        self.wte = nn.Embedding(config.vocabulary, config.width)
        self.wpe = nn.Embedding(config.context, config.width)
        self.h = nn.Sequential(*(Layer(config) for _ in range(config.layers)))
        self.ln_f = nn.LayerNorm(config.width, bias=config.bias)
        self.lm_head = nn.Linear(config.width, config.vocabulary, bias=False)
        for name, parameter in self.named_parameters():  # GPT-2's: 0.02, less where layers add up
            if parameter.dim() == 2:
                depth = 2 * config.layers if name.endswith("c_proj.weight") else 1
                nn.init.normal_(parameter, std=0.02 / math.sqrt(depth))
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        if config.tied:
            self.lm_head.weight = self.wte.weight

    def forward(self, tokens):
        x = self.wte(tokens) + self.wpe.weight[: tokens.shape[1]]
        return self.lm_head(self.ln_f(self.h(x))).transpose(1, 2)


def build(config):
    """The model of `config`: int64 tokens (batch, time) -> logits (batch, vocabulary, time), time <= context.

    Classes come second, where `torch.nn.functional.cross_entropy` expects them beside targets (batch, time).

    >>> build(Config(vocabulary=11))(torch.zeros(3, 7, dtype=torch.int64)).shape
    torch.Size([3, 11, 7])
    """
    return Transformer(config)


def candidates(shapes):
    """Two embeddings of one width, then fused projections to three times it.

    Heads and ties are no shapes: the likely number of heads comes first, tied before untied.

    >>> from sample_models.registry import state_shapes
    >>> [c.heads for c in candidates(state_shapes("transformer", Config(width=64, heads=2))) if c.tied]
    [1, 2, 4, 8]
    """
    if len(shapes) < 6 or any(len(shape) != 2 for shape in shapes[:2]) or shapes[0][1] != shapes[1][1]:
        return
    (vocabulary, width), (context, _) = shapes[:2]
    layers = sum(shape == (3 * width, width) for shape in shapes)
    if not layers:
        return
    bias = (3 * width,) in shapes
    likely = [width // head for head in HEAD_WIDTHS if width % head == 0] or [1]
    for tied in (True, False):
        for heads in likely:
            yield Config(vocabulary, context, layers, heads, width, bias, tied)
