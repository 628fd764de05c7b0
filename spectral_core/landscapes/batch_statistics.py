"""Batch-norm statistics that belong to the weights of a point: those of its own mini-batches, averaged."""

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from spectral_core.curvature.data import apply_model
from spectral_core.interruption import stop_if_asked

__all__ = ["normalisers", "recompute"]


def normalisers(model):
    """The modules of a model that normalise by stored statistics."""
    return [m for m in model.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]


def recompute(model, modules, batches):
    """Set the statistics of `modules` to the means over mini-batches, by their examples, of each one's mean and variance.

    One forward pass, in which every layer normalises by its own mini-batch, as in training. The variance is that within
    mini-batches: nothing is added for means that differ between them. The model is left in evaluation mode.

    Notes
    -----
    Source: Izmailov et al. 2018 (stochastic weight averaging), section 3.2, where every mini-batch weighs the same.
    """
    total = sum(batch.examples for batch in batches)
    sums = [(torch.zeros_like(m.running_mean), torch.zeros_like(m.running_var)) for m in modules]
    before = [m.momentum for m in modules]
    try:
        for module in modules:
            module.train()
            module.reset_running_stats()  # NaN of another point would stay
            module.momentum = 1.0  # keeps the latest mini-batch's alone
        for batch in batches:
            stop_if_asked()
            apply_model(model, batch.inputs)
            for module, (mean, variance) in zip(modules, sums, strict=True):
                mean.add_(module.running_mean, alpha=batch.examples / total)
                variance.add_(module.running_var, alpha=batch.examples / total)
    finally:
        for module, momentum in zip(modules, before, strict=True):
            module.eval()
            module.momentum = momentum
    for module, (mean, variance) in zip(modules, sums, strict=True):
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)
