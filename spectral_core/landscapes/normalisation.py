"""Random directions on the scale of the weights: each filter, or each layer, of the norm of the network's own."""

import math

import torch
from torch import nn

__all__ = ["NORMALISATIONS", "normalised"]

NORMALISATIONS = ("none", "layer", "filter")
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
NORMS = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    *([nn.RMSNorm] if hasattr(nn, "RMSNorm") else []),
)


def normalised(direction, model, parameters, normalisation="filter"):
    """``d_(i,j) <- d_(i,j) ||w_(i,j)|| / ||d_(i,j)||``, j the filters of the layer i; biases and norm layers do not move.

    A filter is what computes one output unit. By layer:

    - convolution, also grouped: the kernel of one output channel, all its input channels (first axis);
    - transposed convolution ``(in, out / groups, ...)``: the same, of one output channel, which is the second axis;
    - linear, bilinear, attention's projections, stacked ones too, recurrent gates: the row of one unit;
    - embedding: the row of one token;
    - any other tensor of two axes or more: along its first axis.

    With "layer" the whole tensor is one filter. Tensors of one axis or none (biases, scales), and all parameters of batch, layer
    and group norm, are zero in both. A filter of zeros stays where it is.

    Parameters
    ----------
    direction : (P,) tensor
    model : nn.Module
        Its weights are ``w``.
    parameters : Parameters
    normalisation : {"none", "layer", "filter"}
        "none" leaves everything as drawn, biases too.

    Returns
    -------
    (P,) tensor

    Raises
    ------
    ValueError
        Another normalisation.

    Notes
    -----
    Source: Li et al. 2018, "Visualizing the loss landscape of neural nets", section 4; zero biases and norm layers are what its
    code's `--xignore biasbn` does, which the paper does not say. Its code takes the first axis for transposed convolutions too,
    against the paper's definition.

    Examples
    --------
    >>> from spectral_core.curvature import select_parameters
    >>> layer = nn.Linear(2, 1)
    >>> d = normalised(torch.tensor([3.0, 4.0, 1.0]), layer, select_parameters(layer))
    >>> bool(torch.isclose(d[:2].norm(), layer.weight.norm())), float(d[2])
    (True, 0.0)
    """
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"a direction is normalised by {', '.join(NORMALISATIONS)}; got {normalisation!r}.")
    if normalisation == "none":
        return direction
    tensors, owners, parts = dict(model.named_parameters()), _owners(model), []
    for name, d in zip(parameters.names, parameters.split(direction), strict=True):
        w, owner = tensors[name].detach().to(d), owners[name]
        if d.dim() < 2 or isinstance(owner, NORMS):
            parts.append(torch.zeros_like(d))
            continue
        shape, axes = _layout(d, owner) if normalisation == "filter" else (d.shape, tuple(range(d.dim())))
        d, w = d.reshape(shape), w.reshape(shape)
        own, wanted = (torch.linalg.vector_norm(t, dim=axes, keepdim=True) for t in (d, w))
        parts.append(torch.where(own > 0, d * (wanted / own.where(own > 0, 1.0)), 0.0))
    return parameters.flatten(parts)


def _layout(tensor, owner):
    """A shape for the tensor, and those of its axes that lie within one filter."""
    if isinstance(owner, TRANSPOSED):  # (in, out / groups, ...) is (groups, in / groups, out / groups, kernel)
        inputs, outputs = tensor.shape[:2]
        kernel = math.prod(tensor.shape[2:])
        return (owner.groups, inputs // owner.groups, outputs, kernel), (1, 3)
    return (tensor.shape[0], -1), (1,)


def _owners(model):
    """The module of every parameter, by the parameter's first name."""
    return {
        f"{prefix}.{name}" if prefix else name: module
        for prefix, module in model.named_modules()
        for name, _ in module.named_parameters(recurse=False)
    }
