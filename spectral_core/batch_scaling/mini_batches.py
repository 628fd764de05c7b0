"""The matrix of a random mini-batch, on the model and with the loss of a curvature operator of all the data."""

from dataclasses import replace

import numpy as np
import torch

from spectral_core.curvature.curvature_operator import PIECE
from spectral_core.curvature.examples import _chosen, _merged
from spectral_core.interruption import stop_if_asked
from spectral_core.operators import Operator

__all__ = ["MiniBatchOperator", "check_separable", "effective_batch_size", "mini_batch", "population"]


def population(H):
    """``N``: examples of a curvature operator's data."""
    return sum(batch.examples for batch in H.batches)


def effective_batch_size(batch_size, examples):
    """``b`` of ``1/b = (1/B - 1/N) N/(N - 1)``: noise of the mean over B of N examples, drawn without replacement, is
    ``1/b`` of one example's; ``inf`` at ``B = N``.

    The thesis's ``1/b = 1/B - 1/N`` lacks the last factor, which matters for small N only. ValueError for a B not above 0, or
    beyond N.

    >>> effective_batch_size([1, 50, 99], 99).round(3).tolist()
    [1.0, 100.0, inf]
    """
    B, N = np.asarray(batch_size, dtype=np.float64), float(examples)
    if not (1 <= N < np.inf and (B > 0).all() and (B <= N).all()):
        raise ValueError(f"batch sizes are above 0 and at most the number of examples; got {batch_size} of {examples}.")
    with np.errstate(divide="ignore"):
        return 1.0 / ((1.0 / B - 1.0 / N) * (N / (N - 1.0) if N > 1 else 0.0))


def check_separable(H):
    """ValueError where an example has no matrix of its own."""
    if not H.separable:
        raise ValueError(
            "an example has no loss of its own here (batch norm in train mode, or a loss that is no mean over examples), "
            "so there is no mini-batch noise to speak of: take batch norm in eval mode, or a mean loss."
        )


class MiniBatchOperator(Operator):
    """``H_B = (1/B) sum_(i in batch) H_i + weight_decay I`` for some of the examples of a curvature operator's data.

    Shares the operator's copy of the model: nothing is examined or traced anew, so that thousands of mini-batches are cheap.
    Where examples weigh differently in the loss, the mean is by weight.

    Parameters
    ----------
    H : HessianOperator, GGNOperator, ResidualOperator or Fisher operator
    indices : (B,) integers
        Of examples, in the order of the data.

    Raises
    ------
    ValueError
        No index, one out of range, or an example that has no loss of its own.
    """

    def __init__(self, H, indices):
        super().__init__(H.shape[0], H.dtype, H.device)
        check_separable(H)
        indices = np.sort(np.atleast_1d(np.asarray(indices)))
        ends = np.cumsum([batch.examples for batch in H.batches])
        if not len(indices) or indices.dtype.kind not in "iu" or indices[0] < 0 or indices[-1] >= ends[-1]:
            raise ValueError(f"a mini-batch holds at least one of the {ends[-1]} examples, by their places from 0.")
        self.indices, self._H = indices, H
        parts = list(_merged(_chosen(H.batches, ends, indices)))
        counts = [H.loss.count(part.inputs, part.targets) for part in parts]
        if not sum(counts) > 0:
            raise ValueError("no target of this mini-batch counts in the loss: draw another one, or a larger one.")
        bytes_each = max(size.bytes / batch.examples for size, batch in zip(H._sizes, H.batches, strict=True))
        at_once = max(int(min(PIECE if H.device.type == "cpu" else H.memory, H.memory / 6) / bytes_each), 1)
        self._parts = []
        for part, count in zip(parts, counts, strict=True):
            whole = replace(part, count=count, share=count / sum(counts))
            self._parts += whole.pieces(-(-whole.examples // at_once), H.loss)
        self._holds, self._graphs = bytes_each * len(indices) < H.memory / 2, {}

    def _product(self, V):
        H, rows = self._H, V.T
        total = rows * H.weight_decay
        with H._lock:
            for place, part in enumerate(self._parts):
                apply = self._graphs.get(place) or H._graph(part)
                if self._holds:
                    self._graphs[place] = apply
                for index, row in enumerate(rows):
                    stop_if_asked()
                    product = H.parameters.flatten(apply(H.parameters.split(row), False))
                    total[index].add_(product, alpha=part.share)
        return total.T


def mini_batch(H, batch_size, *, generator):
    """`MiniBatchOperator` of `batch_size` examples drawn without replacement from the data of H.

    Raises
    ------
    ValueError
        A batch size that is none of 1 to N.

    Examples
    --------
    >>> from spectral_core.curvature import HessianOperator
    >>> data = [(torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1))]
    >>> H = HessianOperator(torch.nn.Linear(1, 1, bias=False), "squared error", data)  # H_i = x_i^2
    >>> float(mini_batch(H, 1, generator=torch.Generator().manual_seed(0)) @ torch.ones(1)) in (1.0, 9.0)
    True
    """
    N = population(H)
    if not 1 <= batch_size <= N or int(batch_size) != batch_size:
        raise ValueError(f"a mini-batch has from 1 to the {N} examples there are; got {batch_size}.")
    return MiniBatchOperator(H, torch.randperm(N, generator=generator)[: int(batch_size)].numpy())
