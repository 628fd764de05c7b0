"""What is looked at before the first product: does the model take the data, does the loss take the outputs, and how large
is the graph of their derivatives."""

import torch
from torch.utils._pytree import tree_leaves, tree_map

from spectral_core.curvature.data import apply_model
from spectral_core.curvature.product_ways import GraphSize

__all__ = [
    "FEW",
    "check_repeatable",
    "checked_loss",
    "checked_outputs",
    "first_line",
    "graph_size",
    "unused_parameters",
]

FEW = 8  # examples for what needs no more
TOLERANCE = 1e-4  # relative, of a float32 loss


def checked_outputs(model, batch):
    """The model's outputs on a mini-batch; ValueError where it fails or they are not finite numbers."""
    try:
        outputs = apply_model(model, batch.inputs)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever the model raises
        shapes = ", ".join(str(tuple(leaf.shape)) for leaf in tree_leaves(batch.inputs) if torch.is_tensor(leaf))
        raise ValueError(
            f"the model does not take the inputs of {batch.where}, {shapes}: {first_line(error)}"
        ) from error
    if not torch.is_tensor(outputs) or not outputs.is_floating_point() or not outputs.dim():
        came = (
            f"{outputs.dtype} of shape {tuple(outputs.shape)}" if torch.is_tensor(outputs) else type(outputs).__name__
        )
        raise ValueError(
            f"the model must return one floating-point tensor, examples first; got {came}: wrap it in a module."
        )
    if not torch.isfinite(outputs).all():
        raise ValueError(
            f"the model's outputs on {batch.where} are NaN or infinite: look for such weights, or rescale the inputs."
        )
    return outputs


def checked_loss(loss, outputs, batch):
    """The loss of a mini-batch; ValueError where it does not fit the outputs or is no finite number."""
    loss.check(outputs, batch.targets, batch.where)
    try:
        value = loss(outputs, batch.targets)
    except Exception as error:  # whatever the loss raises
        raise ValueError(
            f"the loss does not match the model's outputs {tuple(outputs.shape)} on {batch.where}: {first_line(error)}"
        ) from error
    if not torch.is_tensor(value) or value.dim():
        came = f"a tensor of shape {tuple(value.shape)}" if torch.is_tensor(value) else type(value).__name__
        raise ValueError(f"the loss must be one number, the mean over the mini-batch; got {came}: take its mean.")
    if not torch.isfinite(value):
        raise ValueError(f"the loss on {batch.where} is NaN or infinite: look for labels of probability zero.")
    return value


def check_repeatable(model, loss, batch):
    """Raise where the outputs are random, or the loss is a sum; else whether it is a mean over examples."""
    few = batch.part(0, FEW)
    outputs = checked_outputs(model, few)
    if not torch.equal(outputs, checked_outputs(model, few)):
        raise ValueError("the model's outputs are random: switch its noise off, so that it is one function.")

    def twice(leaf):
        return torch.cat([leaf, leaf]) if torch.is_tensor(leaf) and leaf.dim() else leaf

    try:
        once, doubled = (
            float(loss(f, y)) for f, y in ((outputs, few.targets), (twice(outputs), tree_map(twice, few.targets)))
        )
    except Exception:  # a loss for mini-batches of one size only
        return False
    if once and abs(doubled / once - 2) < TOLERANCE:
        raise ValueError(
            "the loss must be a mean over the mini-batch; twice the examples give twice the loss: divide it."
        )
    return abs(doubled - once) <= TOLERANCE * abs(once)


def unused_parameters(model, loss, batch, names, weights):
    """Names of the parameters that the loss does not depend on."""
    few = batch.part(0, FEW)
    value = loss(apply_model(model, few.inputs), few.targets)
    if not value.requires_grad:
        return tuple(names)
    gradients = torch.autograd.grad(value, weights, allow_unused=True)
    return tuple(name for name, gradient in zip(names, gradients, strict=True) if gradient is None)


def graph_size(model, loss, batch, weights, kind, given):
    """What a mini-batch's graph takes, from graphs of a few of its examples: bytes are affine in their number.

    Parameters
    ----------
    kind : {"hessian", "gauss-newton"}
        The gradient's graph, or that of ``J.T u`` as a function of u.
    given : iterable of tensors
        Parameters and buffers, which the graph does not hold for itself.

    Returns
    -------
    GraphSize
    """
    examples = batch.examples
    few = sorted({min(examples, count) for count in (FEW // 2, FEW)})
    points = [_measured(model, loss, batch.part(0, count), weights, kind, given) for count in few]
    slope = (points[1][0] - points[0][0]) / (few[1] - few[0]) if len(few) > 1 else points[0][0] / few[0]
    return GraphSize(max(int(points[-1][0] + slope * (examples - few[-1])), 1), points[-1][1])


def _measured(model, loss, batch, weights, kind, given):
    """Bytes that the graph holds beyond what was given, and its number of nodes."""
    outputs = apply_model(model, batch.inputs)
    of, cotangent = outputs, None
    if kind == "hessian":
        of = loss(outputs, batch.targets)
    else:
        cotangent = torch.zeros_like(outputs).requires_grad_()
    roots = [outputs, of]
    if of.requires_grad:
        slopes = torch.autograd.grad(of, weights, cotangent, create_graph=True, allow_unused=True)
        roots += [slope for slope in slopes if slope is not None]
    given = {tensor.untyped_storage().data_ptr() for tensor in (*given, *batch.tensors())}
    storages, names = {}, {}  # names of the saved tensors, by type of node
    seen = {root.grad_fn for root in roots if root.grad_fn is not None}
    waiting = list(seen)
    while waiting:
        node = waiting.pop()
        if node.name().endswith("Error"):  # torch would leave out the term that runs through it, and say nothing
            raise ValueError(
                "the model can not be differentiated twice: an operation in it is marked once_differentiable."
            )
        saved = names.get(type(node))
        if saved is None:
            saved = names[type(node)] = [name for name in dir(node) if name.startswith("_saved_")]
        held = [getattr(node, name) for name in saved] + list(getattr(node, "saved_tensors", ()))
        for storage in (tensor.untyped_storage() for tensor in held if torch.is_tensor(tensor)):
            storages[storage.data_ptr()] = storage.nbytes()
        following = {following for following, _ in node.next_functions if following is not None} - seen
        seen |= following
        waiting.extend(following)
    return sum(size for place, size in storages.items() if place not in given), len(seen)


def first_line(error):
    """The first line of an error's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
