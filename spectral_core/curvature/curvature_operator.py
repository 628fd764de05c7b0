"""What all curvature matrices of a network share: a copy of the module, the data, and the way that a product goes."""

import math
import threading
from dataclasses import replace

import torch
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._pytree import tree_flatten, tree_unflatten

from spectral_core.curvature.data import apply_model, model_arguments, read_batches
from spectral_core.curvature.differentiable_kernels import DifferentiableKernels
from spectral_core.curvature.examination import (
    FEW,
    check_repeatable,
    checked_loss,
    checked_outputs,
    first_line,
    graph_size,
    unused_parameters,
)
from spectral_core.curvature.linearisation import Linearisation
from spectral_core.curvature.losses import as_loss
from spectral_core.curvature.model_copies import prepared_copy
from spectral_core.curvature.preflight import preflight
from spectral_core.curvature.product_ways import GraphSize, choose
from spectral_core.interruption import stop_if_asked
from spectral_core.operators import Operator

__all__ = ["MEMORY", "CurvatureOperator", "gradients"]

MEMORY = 2 * 2**30  # bytes that products may take, unless told otherwise
PRODUCTS = 100  # that are expected, unless told otherwise
PIECE = 96 * 2**20  # bytes of a graph: on a CPU, larger mini-batches leave the caches
SMALL, BLOCK = 2**20, 32  # below so many bytes of a graph, calls cost more than numbers: so many vectors at once
SOON = 8  # columns of a first product at most, for which nothing is set up yet
COURSE = 1e-3  # relative: a traced loss this far off has taken another course through the model


class CurvatureOperator(Operator):
    """``sum_b share_b B_b + weight_decay I`` over mini-batches b, on a copy of the model; a subclass says what ``B_b`` is.

    Parameters
    ----------
    model : nn.Module
        Is copied: nothing of it changes, whatever other threads do with it.
    loss : str, function or module
        A mean over the mini-batch, as in `as_loss`.
    data : re-iterable of (inputs, targets)
        Mini-batches in a fixed order. The mean is over predictions, so that unequal mini-batches weigh by their size.
    parameters : str or iterable of str, optional
        Names of parameters, layers or blocks, as in `select_parameters`; by default all that require a gradient.
    weight_decay : float
        ``g`` of a penalty ``(g/2) ||w||^2`` on the chosen parameters, which adds ``g I``.
    batch_norm : {"eval", "train"}
        By stored statistics, or by those of each mini-batch: then an example is a mini-batch (thesis section 5.9.3).
    memory : int, optional
        Bytes that products may take for graphs.
    dtype : torch.float32 or torch.float64, optional
        To compute in; by default the parameters' own.
    device : optional
        To compute on; by default the parameters' own.

    Attributes
    ----------
    parameters : Parameters
        Names, shapes and places in the vector.
    batches : tuple of Batch
        Those of the data, large ones in pieces.
    loss_value : float
        Mean loss over the data, without weight decay.
    separable : bool
        Whether each example has a loss of its own, the mean of which is the loss.
    plan : Plan
        How products are computed; None before `prepare`, or a second product, has decided: the first is recomputed, so that
        it comes soon.

    Raises
    ------
    ValueError
        One sentence for everything in model, loss and data that does not fit together.
    """

    kind = "hessian"  # or "gauss-newton": which costs of products apply

    def __init__(
        self,
        model,
        loss,
        data,
        *,
        parameters=None,
        weight_decay=0.0,
        batch_norm="eval",
        memory=None,
        dtype=None,
        device=None,
    ):
        self._model, self.parameters, self._notes = prepared_copy(
            model, parameters, batch_norm=batch_norm, dtype=dtype, device=device
        )
        tensors = dict(self._model.named_parameters())
        self._weights = [tensors.pop(name) for name in self.parameters.names]
        self._fixed = {**tensors, **dict(self._model.named_buffers())}
        super().__init__(self.parameters.size, self._weights[0].dtype, self._weights[0].device)
        if not math.isfinite(weight_decay):
            raise ValueError(f"weight_decay must be a finite number; got {weight_decay}.")
        if memory is not None and not memory > 0:
            raise ValueError(f"memory is a number of bytes above 0; got {memory}.")
        self.loss, self.weight_decay, self.batch_norm = as_loss(loss), float(weight_decay), batch_norm
        self.memory = MEMORY if memory is None else int(memory)
        self.plan, self._kept, self._traces, self._begun = None, {}, {}, False
        self._kernels, self._lock = DifferentiableKernels(), threading.RLock()
        self.batches = read_batches(data, self.loss, dtype=self.dtype, device=self.device)
        self._examine()

    def _examine(self):
        first = self.batches[0]
        with self._kernels:
            with torch.no_grad():
                checked_loss(self.loss, checked_outputs(self._model, first.part(0, FEW)), first.part(0, FEW))
                is_mean = check_repeatable(self._model, self.loss, first)
            unused = unused_parameters(self._model, self.loss, first, self.parameters.names, self._weights)
            self._divide(is_mean)
            with torch.no_grad():
                surveyed = [self._survey(batch) for batch in self.batches]
        if not is_mean:
            self._notes += ("The loss is no mean over examples: how the data are cut into mini-batches matters.",)
        if unused:
            self._notes += (f"The loss does not depend on {', '.join(unused)}: their rows are zero.",)
        self.batches, self._losses = zip(*surveyed, strict=True)
        self.loss_value = sum(batch.share * loss for batch, loss in zip(self.batches, self._losses, strict=True))

    def _divide(self, is_mean):
        """Measure the mini-batches, and cut those into pieces that take more than is fast or allowed."""
        pieces, sizes, known = [], [], {}
        given = [*self._weights, *self._fixed.values()]
        normalises = self.batch_norm == "train" and any(isinstance(m, _BatchNorm) for m in self._model.modules())
        self.separable = is_mean and not normalises
        largest = min(PIECE if self.device.type == "cpu" else self.memory, self.memory / 6)
        for batch in self.batches:
            shapes = tuple((tuple(tensor.shape), tensor.dtype) for tensor in batch.tensors())
            if shapes not in known:
                known[shapes] = graph_size(self._model, self.loss, batch, self._weights, self.kind, given)
            size, examples = known[shapes], batch.examples
            number = 1
            if self.separable and size.bytes > 1.5 * largest:
                number = min(-int(-size.bytes // largest), examples)
                # equal pieces share one trace
                number = next((n for n in range(number, 2 * number) if examples % n == 0), number)
            cut = batch.pieces(number, self.loss)
            pieces += cut
            sizes += [GraphSize(size.bytes * part.examples // examples, size.nodes) for part in cut]
        if len(pieces) > len(self.batches):
            self._notes += (
                f"Mini-batches are computed in pieces, {len(pieces)} in all, which changes nothing but memory.",
            )
        self.batches, self._sizes = tuple(pieces), sizes

    def _survey(self, batch):
        stop_if_asked()
        outputs = checked_outputs(self._model, batch)
        loss = float(checked_loss(self.loss, outputs, batch))
        return replace(batch, extra=self._extra(outputs, batch)), loss

    # -- what a subclass writes

    def _graph(self, batch):
        """``apply(v, batched)``: products by an autograd graph that it holds; v tensors of the weights' shapes."""
        raise NotImplementedError

    def _once(self, batch, v):
        """A single product that keeps no graph, where that is cheaper than `_graph`; None where it is not."""
        return None

    def _linear(self, run, weights, v, batch):
        """``(loss, B_b v)`` by torch.func, to be traced; ``run(weights)`` are the outputs."""
        raise NotImplementedError

    def _extra(self, outputs, batch):
        """Tensors that the matrix needs beside the data, examples first."""
        return ()

    # -- products

    @property
    def notes(self):
        """What was switched, left out or replaced, one sentence each."""
        return (*self._notes, *self._kernels.replaced)

    @property
    def products_way(self):
        """``plan.way``, and None before `prepare` or a second product."""
        return self.plan and self.plan.way

    def prepare(self, products=PRODUCTS, *, way=None):
        """Choose the way of the products for an expected number of them, or take `way`, and return the `Plan`.

        It traces a product where that may pay (seconds), and builds nothing else: the first product does.
        """
        with self._lock:
            self.release()
            options = {"way": way}
            self.plan = choose(self._sizes, self.kind, products, self.memory, **options)
            if self.plan.traced:
                try:
                    traces = [self._trace(batch) for batch in self.batches]
                    options["traces"] = [(trace.held, trace.working) for trace in traces]
                except Exception as error:  # torch's own, of any type, for what can not be traced
                    note = f"Products can not be linearised: {first_line(error)}"
                    self._notes = tuple(dict.fromkeys((*self._notes, note)))
                    options["traces"] = []
                self.plan = choose(self._sizes, self.kind, products, self.memory, **options)
            return self.plan

    def preflight(self, products=PRODUCTS):
        """What so many products will take, as a `Preflight`, for the cost of one gradient."""
        return preflight(self, products)

    def release(self):
        """Give back the memory that products hold; the next one chooses anew."""
        with self._lock:
            self.plan = None
            self._kept.clear()

    def _product(self, V):
        with self._lock:
            if self.plan is None and (self._begun or V.shape[1] > SOON):
                self.prepare()
            plan = self.plan or choose(self._sizes, self.kind, 1, self.memory, way="recomputed", traces=[])
            self._begun = True
            rows = V.T.contiguous()
            total = rows * self.weight_decay
            for index, batch in enumerate(self.batches):
                apply = self._kept.get(index)
                if apply is None and not plan.traced and index >= plan.kept and len(rows) == 1:
                    stop_if_asked()
                    product = self._once(batch, self.parameters.split(rows[0]))
                    if product is not None:
                        total[0].add_(self.parameters.flatten(product), alpha=batch.share)
                        continue
                if apply is None:
                    apply = self._linearised(index, batch) if plan.traced else self._graph(batch)
                    if index < plan.kept:
                        self._kept[index] = apply
                block = BLOCK if self._sizes[index].bytes < SMALL else 1
                for start in range(0, len(rows), block):
                    stop_if_asked()
                    v = rows[start : start + block]
                    single = len(v) == 1
                    product = apply(self.parameters.split(v[0] if single else v), not single)
                    flat = self.parameters.flatten(product, leading=0 if single else 1)
                    total[start : start + block].add_(flat, alpha=batch.share)
                del apply
            return total.T

    def gradient(self, at=None):
        """``dL/dw + weight_decay w``, (P,), at the model's parameters or at others; the mean over the data, by one gradient."""
        with self._lock:
            total = (self.point() if at is None else at) * self.weight_decay
            weights = self._weights if at is None else [w.clone().requires_grad_() for w in self.parameters.split(at)]
            for batch in self.batches:
                stop_if_asked()
                with torch.enable_grad(), self._kernels:
                    outputs = (
                        apply_model(self._model, batch.inputs) if at is None else self._moved(weights, batch.inputs)
                    )
                    value = self.loss(outputs, batch.targets)
                    slopes = gradients(value, weights, retain_graph=False)
                total.add_(self.parameters.flatten(slopes), alpha=batch.share)
            return total

    def _moved(self, weights, inputs, fixed=None):
        """The model's outputs with other tensors for its chosen parameters, and for all that is fixed."""
        state = (self._fixed if fixed is None else fixed) | dict(zip(self.parameters.names, weights, strict=True))
        arguments, named = model_arguments(inputs)
        return functional_call(self._model, state, arguments, named)

    def point(self):
        """``w``: the chosen parameters as one vector, (P,)."""
        return self.parameters.flatten([weight.detach() for weight in self._weights])

    # -- linearised

    def _linearised(self, index, batch):
        trace = self._trace(batch)
        value, kept = trace.constants(self._arguments(batch))
        if abs(float(value) - self._losses[index]) > COURSE * max(abs(self._losses[index]), COURSE):
            raise ValueError(
                f"the model's course depends on its data: as traced, {batch.where} has the loss {float(value):.6g}, in truth "
                f"{self._losses[index]:.6g}: call prepare(products=1), which traces nothing."
            )
        return lambda v, batched: (trace.block_product if batched else trace.product)(kept, v)

    def _arguments(self, batch):
        """All tensors that a trace depends on, as a flat list."""
        return [*(weight.detach() for weight in self._weights), *self._fixed.values(), *batch.tensors()]

    def _trace(self, batch):
        """The linearisation for mini-batches of this shape."""
        leaves, structure = tree_flatten((batch.inputs, batch.targets, batch.extra))
        x = self._arguments(batch)
        signature = (str(structure), *((tuple(tensor.shape), tensor.dtype) for tensor in x))
        if signature in self._traces:
            return self._traces[signature]
        names, fixed = self.parameters.names, tuple(self._fixed)

        def function(v, x):
            weights, others, tensors = (
                x[: len(names)],
                x[len(names) :][: len(fixed)],
                iter(x[len(names) + len(fixed) :]),
            )
            others = dict(zip(fixed, others, strict=True))
            filled = [next(tensors) if torch.is_tensor(leaf) else leaf for leaf in leaves]
            inputs, targets, extra = tree_unflatten(filled, structure)

            def run(weights):
                return self._moved(weights, inputs, others)

            here = replace(batch, inputs=inputs, targets=targets, extra=extra)
            value, product = self._linear(run, tuple(weights), tuple(v), here)
            return [value, *product]

        with self._kernels:
            v = [torch.zeros_like(weight) for weight in x[: len(names)]]
            return self._traces.setdefault(signature, Linearisation(function, v, x))


def gradients(outputs, inputs, cotangents=None, *, create_graph=False, retain_graph=True, batched=False):
    """`torch.autograd.grad` with zeros for what `outputs` do not depend on, of `inputs` or at all."""
    listed = [outputs] if torch.is_tensor(outputs) else list(outputs)
    count = () if cotangents is None else ((cotangents,) if torch.is_tensor(cotangents) else cotangents)
    leading = (len(count[0]),) if batched and count else ()
    parts = [None] * len(inputs)
    if listed and any(output.requires_grad for output in listed):
        try:
            parts = torch.autograd.grad(
                outputs,
                inputs,
                cotangents,
                create_graph=create_graph,
                retain_graph=retain_graph,
                allow_unused=True,
                is_grads_batched=batched,
            )
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:  # an operation without a derivative of its derivative
            raise ValueError(f"the model can not be differentiated twice: {first_line(error)}") from error
    return [
        input.new_zeros((*leading, *input.shape)) if part is None else part
        for part, input in zip(parts, inputs, strict=True)
    ]
