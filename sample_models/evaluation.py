"""Mean loss and accuracy of a model on labelled examples."""

import copy
import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True)
class Evaluation:
    """Over `examples`: mean cross-entropy in nats, share of right answers, and that share's standard error."""

    loss: float
    accuracy: float
    examples: int

    @property
    def standard_error(self):
        """``sqrt(a (1 - a) / n)``: of the accuracy, as a sample of all such examples."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / self.examples)


def evaluate(model, data):
    """Mean cross-entropy and accuracy of `model` in evaluation mode over the batches of `data`.

    Every example weighs the same, whatever the batches' sizes. The model itself is left as it is.

    Parameters
    ----------
    model : nn.Module
        Logits (batch, classes), or (batch, classes, time) with a target at each time.
    data : iterable of (inputs, targets)

    Raises
    ------
    ValueError
        No example; fewer outputs than classes among the targets.

    >>> import torch
    >>> from torch import nn
    >>> evaluate(nn.Flatten(), [(torch.tensor([[9.0, 0.0], [0.0, 9.0]]), torch.tensor([0, 0]))]).accuracy
    0.5
    """
    model = copy.deepcopy(model).eval()
    loss, right, examples = 0.0, 0, 0
    with torch.no_grad():
        for inputs, targets in data:
            logits = model(inputs)
            if int(targets.max()) >= logits.shape[1]:
                raise ValueError(
                    f"the model tells {logits.shape[1]} classes apart, the data have a label {int(targets.max())}."
                )
            loss += float(F.cross_entropy(logits.double(), targets, reduction="sum"))
            right += int((logits.argmax(1) == targets).sum())
            examples += targets.numel()
    if not examples:
        raise ValueError("an accuracy needs one example at least; got none.")
    return Evaluation(loss / examples, right / examples, examples)
