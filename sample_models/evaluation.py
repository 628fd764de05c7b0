"""Mean loss and accuracy of a model on labelled examples."""

import copy
import math
from dataclasses import dataclass

import torch
from torch.nn import functional as F

__all__ = ["Evaluation", "evaluate", "evaluation_steps", "output_shape"]


@dataclass(frozen=True)
class Evaluation:
    """Over `examples`: mean cross-entropy in nats, share of right answers, and the standard errors of both."""

    loss: float
    accuracy: float
    examples: int
    loss_error: float = math.nan

    @property
    def standard_error(self):
        """``sqrt(a (1 - a) / n)``: of the accuracy, as a sample of all such examples."""
        return math.sqrt(self.accuracy * (1 - self.accuracy) / self.examples)


def output_shape(model, shape):
    """Shape of what a model in evaluation mode makes of one example of `shape`; None where it takes none.

    >>> from torch import nn
    >>> output_shape(nn.Linear(3, 2), (3,)), output_shape(nn.Linear(3, 2), (4,))
    ((2,), None)
    """
    example = torch.zeros(1, *shape, dtype=next(model.parameters()).dtype)
    try:
        with torch.no_grad():
            return tuple(model(example).shape[1:])
    except (RuntimeError, ValueError, IndexError, TypeError):
        return None


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
    evaluation = None
    for evaluation in evaluation_steps(model, data):
        pass
    if evaluation is None:
        raise ValueError("an accuracy needs one example at least; got none.")
    return evaluation


def evaluation_steps(model, data):
    """Yield the `Evaluation` of all examples so far, after every batch of `data`; arguments as in `evaluate`.

    The loss is ``sum_i l_i / n`` and its standard error ``sqrt(sum_i (l_i - loss)^2 / (n (n - 1)))``.
    """
    model = copy.deepcopy(model).eval()
    loss, spread, right, examples = 0.0, 0.0, 0, 0  # spread: sum of squared deviations, merged batch by batch
    for inputs, targets in data:
        with torch.no_grad():
            logits = model(inputs)
        if int(targets.max()) >= logits.shape[1]:
            raise ValueError(
                f"the model tells {logits.shape[1]} classes apart, the data have a label {int(targets.max())}."
            )
        losses = F.cross_entropy(logits.double(), targets, reduction="none")
        size, mean = losses.numel(), float(losses.mean())
        spread += float((losses - mean).square().sum()) + (mean - loss) ** 2 * examples * size / (examples + size)
        loss += (mean - loss) * size / (examples + size)
        right += int((logits.argmax(1) == targets).sum())
        examples += size
        error = math.sqrt(spread / examples / (examples - 1)) if examples > 1 else math.nan
        yield Evaluation(loss, right / examples, examples, error)
