"""Mini-batches in a fixed order, on the operator's device, checked to be the same on every pass."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_leaves, tree_map

__all__ = ["Batch", "apply_model", "model_arguments", "read_batches", "taken"]


@dataclass(frozen=True, eq=False)
class Batch:
    """One mini-batch and its share of the mean over the data.

    Attributes
    ----------
    inputs : tensor, tuple or dict of tensors
    targets : tensor, or whatever the loss takes
    count : float
        Predictions (weighted, where the loss weights them); shares are proportional to it.
    share : float
        ``count / sum of counts``: unequal mini-batches weigh by their size.
    where : str
        For error messages.
    extra : tuple of tensors
        What a matrix needs beside the data, examples first.
    """

    inputs: Any
    targets: Any
    count: float
    share: float
    where: str
    extra: tuple = ()

    @property
    def examples(self):
        """Length of the first axis."""
        return len(next(leaf for leaf in tree_leaves(self.inputs) if torch.is_tensor(leaf)))

    def tensors(self):
        """All tensors of inputs, targets and what is extra, in order."""
        return [leaf for leaf in tree_leaves((self.inputs, self.targets, self.extra)) if torch.is_tensor(leaf)]

    def part(self, start, stop):
        """Some of the examples; `count` and `share` stay those of all."""
        return self.taken(slice(start, stop))

    def taken(self, which):
        """The examples of a slice or of a tensor of indices; `count` and `share` stay those of all."""
        inputs, targets, extra = taken((self.inputs, self.targets, self.extra), self.examples, which)
        return replace(self, inputs=inputs, targets=targets, extra=extra)

    def pieces(self, number, loss):
        """About equal parts whose shares add up to this one's; parts of which nothing counts are left out."""
        if number == 1:
            return [self]
        ends = [self.examples * index // number for index in range(number + 1)]
        parts = [self.part(*ends[index : index + 2]) for index in range(number)]
        counts = [loss.count(part.inputs, part.targets) for part in parts]
        return [
            replace(part, count=count, share=self.share * count / sum(counts))
            for part, count in zip(parts, counts, strict=True)
            if count > 0
        ]


def taken(tree, examples, which):
    """``leaf[which]`` of every tensor whose first axis is that of the examples; the rest as it is."""
    return tree_map(
        lambda leaf: leaf[which] if torch.is_tensor(leaf) and leaf.dim() and len(leaf) == examples else leaf, tree
    )


def model_arguments(inputs):
    """Positional and named arguments of the model: a tensor is one, a tuple is several, a dict names them."""
    if isinstance(inputs, dict):
        return (), inputs
    return (tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)), {}


def apply_model(model, inputs):
    """``model(inputs)``, ``model(*inputs)`` for a tuple, ``model(**inputs)`` for a dict."""
    arguments, named = model_arguments(inputs)
    return model(*arguments, **named)


def read_batches(data, loss, *, dtype, device):
    """Read `data` twice and keep the mini-batches of the first pass.

    Parameters
    ----------
    data : re-iterable of (inputs, targets)
        Such as a list, or a DataLoader that does not shuffle. Floating-point tensors are converted to `dtype`.
    loss : Loss
        Says what each mini-batch weighs.

    Returns
    -------
    tuple of Batch

    Raises
    ------
    ValueError
        One-shot iterators, data that change from pass to pass (shuffling, random augmentation), no batch, an empty batch,
        something that is no pair, NaN among the numbers.

    Examples
    --------
    >>> from spectral_core.curvature.losses import as_loss
    >>> data = [(torch.zeros(n, 2), torch.zeros(n, dtype=torch.int64)) for n in (3, 1)]
    >>> loss = as_loss("cross-entropy")
    >>> [batch.share for batch in read_batches(data, loss, dtype=torch.float32, device="cpu")]
    [0.75, 0.25]
    """
    with torch.random.fork_rng(devices=[]):  # a DataLoader draws a seed for each pass
        pairs = _two_passes(data, dtype, device)
    for pair in pairs:
        if loss.needs_tensor and not torch.is_tensor(pair[1]):
            raise ValueError(f"{loss.name} needs a tensor of targets; got {type(pair[1]).__name__}.")
    counts = [loss.count(*pair) for pair in pairs]
    total = sum(counts)
    if not total > 0:
        raise ValueError(
            "no target of the data counts: every label is the one that the loss ignores, or the batches are empty."
        )
    return tuple(
        Batch(*pair, count, count / total, f"mini-batch {index + 1}")
        for index, (pair, count) in enumerate(zip(pairs, counts, strict=True))
        if count > 0
    )


def _two_passes(data, dtype, device):
    try:
        first = iter(data)
    except TypeError:
        raise ValueError(
            f"data must be a list of (inputs, targets) batches or the like; got {type(data).__name__}."
        ) from None
    if first is data:
        raise ValueError(
            "data can be read once only (an iterator or generator): every product reads it; pass a list of it."
        )
    pairs = [_checked_pair(pair, index, dtype, device) for index, pair in enumerate(first)]
    if not pairs:
        raise ValueError("data holds no mini-batch: pass one (inputs, targets) pair at least.")
    again = 0
    for index, pair in enumerate(data):
        same = index < len(pairs) and _equal(_checked_pair(pair, index, dtype, device), pairs[index])
        if not same:
            raise ValueError(
                f"data must be the same on every pass; mini-batch {index + 1} was another one the second time: switch off "
                "shuffling and random augmentation, or pass a list of the batches."
            )
        again += 1
    if again != len(pairs):
        raise ValueError(f"data must be the same on every pass; it had {len(pairs)} mini-batches, then {again}.")
    return pairs


def _checked_pair(pair, index, dtype, device):
    if torch.is_tensor(pair) or not isinstance(pair, tuple | list) or len(pair) != 2:
        came = f"a tensor of shape {tuple(pair.shape)}" if torch.is_tensor(pair) else type(pair).__name__
        raise ValueError(
            f"data must give (inputs, targets) pairs; batch {index + 1} is {came}: a single batch is [(inputs, targets)]."
        )
    leaves = [leaf for leaf in tree_leaves(pair[0]) if torch.is_tensor(leaf)]
    if not leaves:
        raise ValueError(f"the inputs of mini-batch {index + 1} hold no tensor: convert them with torch.as_tensor.")
    if not leaves[0].dim() or not len(leaves[0]):
        raise ValueError(f"mini-batch {index + 1} is empty: leave it out.")
    if torch.is_tensor(pair[1]) and pair[1].dim() and len(pair[1]) != len(leaves[0]):
        raise ValueError(
            f"mini-batch {index + 1} has {len(leaves[0])} inputs and {len(pair[1])} targets: one each is needed."
        )

    def moved(leaf):
        if not torch.is_tensor(leaf):
            return leaf
        leaf = leaf.detach()
        if leaf.is_floating_point() and not torch.isfinite(leaf).all():
            raise ValueError(
                f"mini-batch {index + 1} of the data holds NaN or infinite numbers: remove or replace them."
            )
        return leaf.to(device=device, dtype=dtype) if leaf.is_floating_point() else leaf.to(device=device)

    return tree_map(moved, tuple(pair))


def _equal(pair, other):
    (leaves, shape), (others, expected) = tree_flatten(pair), tree_flatten(other)
    return shape == expected and all(
        torch.equal(a, b) if torch.is_tensor(a) and torch.is_tensor(b) else a is b or a == b
        for a, b in zip(leaves, others, strict=True)
    )
