"""What each example adds to a mean loss, so that a loss has a standard error, and which examples are misclassified."""

import torch
from torch.nn import functional as F

from spectral_core.curvature.data import apply_model
from spectral_core.curvature.losses import BinaryCrossEntropy, CrossEntropy, SquaredError

__all__ = ["example_counts", "example_losses", "is_decomposed", "misclassified"]

AGREE = 1e-4  # relative, of a float32 mean


def example_losses(loss, outputs, targets):
    """``s_i``, (b,): the loss summed over the predictions of each example, so that the mean is ``sum_i s_i / sum_i c_i``.

    >>> from spectral_core.curvature import as_loss
    >>> example_losses(as_loss("squared error"), torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1))
    tensor([0.5000, 4.5000])
    """
    if isinstance(loss, CrossEntropy):
        each = F.cross_entropy(
            outputs,
            targets,
            weight=None if loss.weight is None else loss.weight.to(outputs),
            ignore_index=loss.ignore_index,
            label_smoothing=loss.label_smoothing,
            reduction="none",
        )
    elif isinstance(loss, SquaredError):
        each = (outputs - targets.reshape(outputs.shape)).square() * (0.5 if loss.halved else 1.0)
    elif isinstance(loss, BinaryCrossEntropy):
        each = F.binary_cross_entropy_with_logits(
            outputs, targets.to(outputs.dtype).reshape(outputs.shape), reduction="none"
        )
    else:
        return torch.func.vmap(lambda f, y: loss(f[None], y[None]))(outputs, targets)
    return each.reshape(len(outputs), -1).sum(1)


def example_counts(loss, batch):
    """``c_i``, (b,) float64: what each example weighs in the mean."""
    if isinstance(loss, CrossEntropy) and not batch.targets.is_floating_point():
        targets = batch.targets.reshape(batch.examples, -1)
        counted = targets != loss.ignore_index
        if loss.weight is None:
            return counted.sum(1).double()
        weight = loss.weight.to(targets.device).double()
        return (weight[targets.where(counted, 0)] * counted).sum(1)
    each = float(loss.count(batch.inputs, batch.targets)) / batch.examples
    return torch.full((batch.examples,), each, dtype=torch.float64, device=batch.tensors()[0].device)


def misclassified(loss, outputs, targets):
    """How many predictions differ from their label, a tensor without axes; zero where the loss is no cross-entropy."""
    if not isinstance(loss, CrossEntropy):
        return outputs.new_zeros(())
    labels = targets.argmax(1) if targets.is_floating_point() else targets
    return ((outputs.argmax(1) != labels) & (labels != loss.ignore_index)).sum()


def is_decomposed(model, loss, batch):
    """Whether `example_losses` adds up to the loss of the mini-batch: not so for one that compares examples."""
    with torch.no_grad():
        outputs = apply_model(model, batch.inputs)
        whole = float(loss(outputs, batch.targets))
        try:
            parts = example_losses(loss, outputs, batch.targets)
            if parts.shape != (batch.examples,):
                return False
        except torch.OutOfMemoryError:
            raise
        except Exception:  # whatever a user-given loss, or torch on its behalf, raises
            return False
        mean = float(parts.double().sum() / example_counts(loss, batch).sum())
    return abs(mean - whole) <= AGREE * abs(whole) + torch.finfo(parts.dtype).eps
