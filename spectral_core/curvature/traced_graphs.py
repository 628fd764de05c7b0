"""Traced graphs of elementary operations made smaller: equal operations merged, idle ones dropped, additions fused."""

import torch
from torch import fx
from torch.utils._pytree import tree_flatten

__all__ = ["simplified", "submodule"]

aten = torch.ops.aten
RESHAPES = (aten.view.default, aten._unsafe_view.default)


def simplified(graph):
    """An equal graph with fewer operations; `graph` has no side effects.

    - an operation on the same arguments as one before is that one; what nobody uses is dropped;
    - a copy, an expansion or an alias that changes nothing, and ``0 + x``, are x;
    - ``a b + c`` is one operation, for products of entries and of matrices;
    - views become reshapes, since strides may be others than those that were traced.

    Raises
    ------
    ValueError
        Memory addressed by strides, which a trace does not know.
    """
    copies, seen, smaller = {}, {}, fx.Graph()
    for node in graph.nodes:
        if node.op == "output":
            smaller.output(fx.map_arg(node.args[0], copies.__getitem__))
            continue
        same = _same_as(node)
        if same is not None:
            copies[node] = copies[same]
            continue
        key = _key(node, copies)
        if key not in seen or key is None:
            copies[node] = smaller.node_copy(node, copies.__getitem__)
            if node.target in RESHAPES:
                copies[node].target = aten.reshape.default
            elif "as_strided" in str(node.target):
                _make_contiguous(node, copies[node], smaller)
            seen[key] = copies[node]
        copies[node] = seen[key]
    _drop_unused(smaller)
    for node in list(smaller.nodes):
        if node.target is aten.add.Tensor and not node.kwargs:
            _fuse(node)
    _drop_unused(smaller)
    return smaller


def submodule(root, arguments, nodes, output):
    """A module that evaluates `nodes`, in their order, from `arguments`."""
    graph, copies = fx.Graph(), {}
    for node in arguments:
        copies[node] = graph.placeholder(node.name)
    for node in nodes:
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(fx.map_arg(output, copies.__getitem__))
    _drop_unused(graph)
    return fx.GraphModule(root, graph)


def _key(node, copies):
    """Equal for operations of equal results; None for what must stay as it is."""
    if node.op != "call_function" or torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
        return None
    leaves, structure = tree_flatten((node.args, node.kwargs))
    return node.target, str(structure), tuple((type(a), copies[a] if isinstance(a, fx.Node) else a) for a in leaves)


def _same_as(node):
    """The argument that an operation returns unchanged, or None."""
    if node.op != "call_function" or not torch.is_tensor(node.meta.get("val")):
        return None
    if node.target in (aten.alias.default, aten.expand.default, aten._to_copy.default, aten.detach.default):
        candidates = node.args[:1]
    elif node.target is aten.copy.default:
        candidates = node.args[1:2]
    elif node.target is aten.add.Tensor and not node.kwargs:
        left, right = node.args
        candidates = [
            b for a, b in ((left, right), (right, left)) if getattr(a, "target", None) is aten.zeros_like.default
        ]
    else:
        return None
    kind = lambda value: (value.shape, value.dtype, value.device)  # noqa: E731
    for argument in candidates:
        if isinstance(argument, fx.Node) and kind(argument.meta["val"]) == kind(node.meta["val"]):
            return argument
    return None


def _fuse(node):
    """``c + a b`` in one operation, where nobody else needs the product."""
    for product, rest in (node.args, node.args[::-1]):
        if not (isinstance(product, fx.Node) and isinstance(rest, fx.Node)) or len(product.users) > 1:
            continue
        values = [getattr(a, "meta", {}).get("val") for a in (*product.args[:2], rest)]
        if len({value.dtype if torch.is_tensor(value) else None for value in values}) > 1 or values[0] is None:
            continue
        if product.target is aten.mul.Tensor or (product.target is aten.mm.default and values[2].dim() <= 2):
            node.target = aten.addcmul.default if product.target is aten.mul.Tensor else aten.addmm.default
            node.args = (rest, *product.args)
            return


def _make_contiguous(node, copy, graph):
    """Let an operation on strides find its tensor laid out as it was when it was traced."""
    value = node.args[0].meta["val"]
    size, stride = (argument for argument in node.args if isinstance(argument, list | tuple))
    offset = node.args[-1] if isinstance(node.args[-1], int) else node.kwargs.get("storage_offset") or 0
    reach = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if not value.is_contiguous() or reach >= value.numel():
        raise ValueError("the model addresses memory by strides, which a trace does not know.")
    with graph.inserting_before(copy):
        laid_out = graph.call_function(aten.clone.default, (copy.args[0],), {"memory_format": torch.contiguous_format})
    copy.args = (laid_out, *copy.args[1:])


def _drop_unused(graph):
    for node in reversed(list(graph.nodes)):
        if node.op == "call_function" and not node.users:
            graph.erase_node(node)
