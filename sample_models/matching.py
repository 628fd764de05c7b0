"""One order of tensors laid over another: by names, by shapes in order, or by shapes and kinds."""

import re
from collections import defaultdict

__all__ = ["matched"]

_LEAVES = ("weight", "bias", "running_mean", "running_var")


def matched(expected, tensors, tied=(), loosely=False):
    """Tensor of the model -> tensor of the checkpoint, where each has its shape; None where there is no such order.

    Parameters
    ----------
    expected : dict of str to tuple
        Names and shapes of the model's tensors, in order.
    tensors : dict of str to torch.Tensor
    tied : pairs of names in `tensors` that are one tensor
        The second may be absent from the model.
    loosely : bool
        Match the k-th tensor of a shape and kind (weight, bias, statistic; in a normalisation or not) to the k-th in
        the model, not only by names or by the order as it stands.

    >>> import torch
    >>> matched({"0.weight": (2, 3), "0.bias": (2,)}, {"fc.weight": torch.ones(2, 3), "fc.bias": torch.ones(2)})
    {'0.weight': 'fc.weight', '0.bias': 'fc.bias'}
    """
    for left_out in dict.fromkeys(((), tuple(second for _, second in tied))):
        rest = [name for name in tensors if name not in left_out]
        if len(rest) != len(expected):
            continue
        names = set(rest)
        named = {key: name for key in expected for name in (key, f"transformer.{key}") if name in names}
        if len(named) == len(rest) and all(tuple(tensors[named[key]].shape) == expected[key] for key in expected):
            return {key: named[key] for key in expected}
        pairs = zip(expected.items(), rest, strict=True)
        if all(_agree(key, shape, name, tensors[name]) for (key, shape), name in pairs):
            return dict(zip(expected, rest, strict=True))
        for kind in (_finest_kind, _leaf, lambda name: "") if loosely else ():
            if order := _matched_by(kind, expected, {name: tensors[name] for name in rest}):
                return order
    return None


def _matched_by(kind, expected, tensors):
    """The k-th tensor of a shape and kind in the checkpoint for the k-th in the model; None where the counts differ."""
    if any(kind(name) is None for name in tensors):
        return None
    queues = defaultdict(list)
    for name, value in tensors.items():
        queues[tuple(value.shape), kind(name)].append(name)
    queues = {each: iter(names) for each, names in queues.items()}
    order = {key: next(queues.get((shape, kind(key)), iter(())), None) for key, shape in expected.items()}
    return None if None in order.values() else order


def _leaf(name):
    """Weight, bias or statistic; None where the name does not say."""
    leaf = name.rpartition(".")[2]
    return leaf if leaf in _LEAVES else None


def _finest_kind(name):
    """The leaf, and whether it belongs to a normalisation by its name."""
    return _leaf(name) and (_leaf(name), bool(re.search(r"(^|[._])(ln|bn|\w*norm)", name)))


def _agree(key, shape, name, tensor):
    """The same shape, and not a weight for a bias where both names say which."""
    kinds = {key.rpartition(".")[2], name.rpartition(".")[2]}
    return shape == tuple(tensor.shape) and (len(kinds) == 1 or not kinds <= set(_LEAVES))
