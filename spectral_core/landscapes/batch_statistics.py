"""Batch-norm statistics that belong to the weights of a point: those of its own mini-batches, averaged."""

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._pytree import tree_map

from spectral_core.curvature.data import apply_model
from spectral_core.interruption import stop_if_asked

__all__ = ["normalisers", "recompute"]


def normalisers(model):
    """The modules of a model that normalise by stored statistics."""
    return [m for m in model.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]


def recompute(model, modules, batches):
    """Set the statistics of `modules` to the means over mini-batches, by their examples, of each one's mean and variance.

    One forward pass, in which every layer normalises by its own mini-batch, as in training. The variance is that within
    mini-batches: nothing is added for means that differ between them. A mini-batch of one example has none, and is joined to the
    one before or after it. The model is left in evaluation mode.

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
        for inputs, examples in _several(batches):
            stop_if_asked()
            try:
                apply_model(model, inputs)
            except ValueError:
                if total > 1:
                    raise
                raise ValueError(
                    "batch-norm statistics are recomputed from two examples at least; the data hold one: take more, or "
                    'batch_norm="eval".'
                ) from None
            for module, (mean, variance) in zip(modules, sums, strict=True):
                mean.add_(module.running_mean, alpha=examples / total)
                variance.add_(module.running_var, alpha=examples / total)
    finally:
        for module, momentum in zip(modules, before, strict=True):
            module.eval()
            module.momentum = momentum
    for module, (mean, variance) in zip(modules, sums, strict=True):
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)


def _several(batches):
    """``(inputs, examples)``: mini-batches of two examples at least, where there are two."""
    found = []
    for batch in batches:
        alone = found and found[-1][1] == 1
        found.append(_joined(found.pop(), (batch.inputs, batch.examples)) if alone else (batch.inputs, batch.examples))
    if len(found) > 1 and found[-1][1] == 1:
        *found, before, last = found
        found.append(_joined(before, last))
    return found


def _joined(before, after):
    """The examples of both."""

    def join(a, b):
        along = torch.is_tensor(a) and a.dim() and len(a) == before[1] and len(b) == after[1]
        return torch.cat([a, b]) if along else a

    return tree_map(join, before[0], after[0]), before[1] + after[1]
