"""A product with a curvature matrix, traced once and split in two: what depends on the vector, and what does not."""

import traceback
import warnings

import torch
from torch import fx
from torch.fx.experimental.proxy_tensor import make_fx

from spectral_core.curvature.differentiable_kernels import DIFFERENTIATION
from spectral_core.curvature.examination import first_line
from spectral_core.curvature.traced_graphs import simplified, submodule

__all__ = ["Linearisation"]


class Linearisation:
    """``f(v, x) = c(x), B(x) v`` with B linear: c and all of B's constants once per x, then only what v touches.

    The function is traced to one graph of elementary operations without side effects; equal operations are merged; the part
    that v does not reach is evaluated by `constants`, once for each x, and the rest by `product`, at each v. So the same
    trace serves every mini-batch of one shape, and a product repeats nothing of the forward pass.

    Parameters
    ----------
    function : callable
        ``(v, x) -> [c, *product]``, c a number; v, x and the product are lists of tensors.
    v, x : lists of tensors
        Examples; the shapes of all later ones are theirs.

    Attributes
    ----------
    operations : int
        Of the product.
    held : int
        Bytes that `constants` returns beyond x.
    working : int
        Bytes that `constants` or `product` take at most while they work, beyond what is held.

    Notes
    -----
    Tracing runs no arithmetic. It fails on functions whose course depends on values (``if x.mean() > 0``) and on
    operations without derivative, by ValueError with torch's sentence.
    """

    def __init__(self, function, v, x):
        trace = _traced(function, v, x)
        graph = simplified(trace.graph)
        nodes = list(graph.nodes)
        places = [node for node in nodes if node.op == "placeholder"]
        results = nodes[-1].args[0]
        value, product = results[0], results[1:]
        moving = set(places[: len(v)])
        for node in nodes:
            if node.op == "call_function" and not moving.isdisjoint(node.all_input_nodes):
                moving.add(node)
        needed = {}  # an ordered set
        for node in nodes:
            if node in moving and node.op == "call_function":
                needed |= dict.fromkeys(other for other in node.all_input_nodes if other not in moving)
        needed |= dict.fromkeys(node for node in product if isinstance(node, fx.Node) and node not in moving)
        kept = list(needed)
        still = [node for node in nodes if node not in moving and node.op != "output"]
        self._constants = submodule(trace, [], still, (value, kept))
        moved = [node for node in nodes if node in moving and node.op == "call_function"]
        self._product = submodule(trace, [*kept, *places[: len(v)]], moved, list(product))
        self.operations = len(moved)
        given = {_storage(node) for node in places}
        fixed = {_storage(node) for node in kept}
        self.held = sum({_storage(node): _bytes(node) for node in kept if _storage(node) not in given}.values())
        self.working = max(_working(part, given | fixed) for part in (still, moved))

    def constants(self, x):
        """``c(x)`` and what `product` needs."""
        with torch.no_grad():
            value, kept = self._constants(*x)
        return value, kept

    def product(self, kept, v):
        """``B(x) v`` from `constants(x)`."""
        with torch.no_grad():
            return self._product(*kept, *v)

    def block_product(self, kept, v):
        """``B(x) v`` for tensors v with a first axis of several vectors."""
        with torch.no_grad():
            return torch.func.vmap(lambda *v: tuple(self._product(*kept, *v)))(*v)


def _traced(function, v, x):
    """The graph module of the function; ValueError with torch's sentence where there is none."""
    functional, failure = torch.func.functionalize(lambda v, x: function(list(v), list(x))), None
    # What fails leaves guards in its traceback, which switch autograd off for this thread when they are freed: gradients
    # would be zero from then on, and nothing would say so.
    keys = torch._C._dispatch_tls_local_include_set(), torch._C._dispatch_tls_local_exclude_set()
    with DIFFERENTIATION, torch._C._ForceDispatchKeyGuard(*keys), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own on its decompositions and on tracing
        try:
            return make_fx(functional, tracing_mode="fake", _allow_non_fake_inputs=True)(list(v), list(x))
        except Exception as error:  # of any type
            failure, each = first_line(error), error
            while each is not None:
                traceback.clear_frames(each.__traceback__)  # a log may hold the traceback beyond this
                each = each.__context__
    raise ValueError(failure)


def _working(nodes, fixed):
    """Most bytes alive at once while `nodes` are evaluated in order, beyond the storages `fixed`."""
    last, sizes = {}, {}
    for step, node in enumerate(nodes):
        for each in (node, *node.all_input_nodes):
            if _storage(each) not in fixed:
                last[_storage(each)], sizes[_storage(each)] = step, _bytes(each)
    alive, most, dying = 0, 0, {}
    for storage, step in last.items():
        dying.setdefault(step, []).append(sizes[storage])
    begun = set(fixed)
    for step, node in enumerate(nodes):
        if _storage(node) not in begun:
            begun.add(_storage(node))
            alive += _bytes(node)
        most = max(most, alive)
        alive -= sum(dying.get(step, ()))
    return most


def _storage(node):
    value = node.meta.get("val")
    return value.untyped_storage()._cdata if torch.is_tensor(value) else node


def _bytes(node):
    value = node.meta.get("val")
    return value.untyped_storage().nbytes() if torch.is_tensor(value) else 0
