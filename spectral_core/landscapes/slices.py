"""The loss as a function of two coordinates, with its exact gradient and Hessian: what an optimiser on a plane sees."""

import numpy as np
import torch
from torch.func import functional_call

from spectral_core.curvature.data import model_arguments
from spectral_core.curvature.differentiable_kernels import DifferentiableKernels
from spectral_core.interruption import stop_if_asked
from spectral_core.landscapes.evaluation import LossSurface

__all__ = ["Slice"]


class Slice(LossSurface):
    """``f(x) = L(w + x_1 u + x_2 v)``, its gradient and its 2 x 2 Hessian by differentiation through the coordinates.

    Of the first data set, with batch norm by the stored statistics. Arguments as in `LossSurface`, with two directions, or any
    other number of them.

    Examples
    --------
    >>> model, inputs = torch.nn.Linear(2, 1, bias=False), torch.eye(2)
    >>> bowl = Slice(model, "squared error", [(inputs, model(inputs).detach())], torch.eye(2))
    >>> bowl.gradient([2.0, 0.0]).round(6).tolist(), bowl.hessian([0.0, 0.0]).round(6).tolist()
    ([1.0, 0.0], [[0.5, 0.0], [0.0, 0.5]])
    """

    def __init__(self, model, loss, data, directions, **options):
        if options.get("batch_norm", "eval") != "eval":
            raise ValueError('a slice is differentiated with the stored batch-norm statistics: take batch_norm="eval".')
        super().__init__(model, loss, data, directions, **options)
        self._kernels = DifferentiableKernels()

    def function(self, x):
        """``f(x)``, by a forward pass."""
        return float(next(iter(self.at(np.asarray(x, dtype=np.float64)[None]).values())).loss[0])

    def gradient(self, x, *, batch=None):
        """``df/dx``, (2,); with `batch` of that mini-batch alone. Cost: one gradient."""
        return self._differentiate(x, 1, batch)[1]

    def hessian(self, x, *, batch=None):
        """``d2f/dx2``, (2, 2). Cost: about two gradients a coordinate."""
        return self._differentiate(x, 2, batch)[2]

    @property
    def mini_batches(self):
        """How many there are, for `batch`."""
        return len(self._sets[0])

    def _differentiate(self, x, order, batch):
        point = torch.as_tensor(np.array(x, dtype=np.float64)).to(self.point)
        if point.shape != (len(self._D),):
            raise ValueError(f"a point has {len(self._D)} coordinates; got an array of shape {tuple(point.shape)}.")
        d, everything = len(point), self._sets[0]
        value, slope, curvature = np.zeros(()), np.zeros(d), np.zeros((d, d))
        with self._lock:
            if self._moved_buffers:
                raise ValueError(
                    "a slice does not move batch-norm statistics: take directions of the parameters alone."
                )
            for part in everything if batch is None else [everything[batch]]:
                stop_if_asked()
                share = part.share if batch is None else 1.0
                parts = self._of_batch(point.clone().requires_grad_(), order, part)
                value = value + share * parts[0]
                slope, curvature = slope + share * parts[1], curvature + share * parts[2]
        return value, slope, curvature

    def _of_batch(self, x, order, batch):
        with torch.enable_grad(), self._kernels:
            weights = self.parameters.split(self.point + x @ self._D)
            arguments, named = model_arguments(batch.inputs)
            state = dict(zip(self.parameters.names, weights, strict=True))
            value = self.loss(functional_call(self._model, state, arguments, named), batch.targets)
            (slope,) = torch.autograd.grad(value, x, create_graph=order > 1)
            rows = torch.zeros(len(x), len(x))
            if order > 1 and slope.requires_grad:
                rows = torch.stack([torch.autograd.grad(s, x, retain_graph=True)[0] for s in slope])
                rows = 0.5 * (rows + rows.T)
        parts = (value.detach(), slope.detach(), rows.detach())
        return [part.double().cpu().numpy() for part in parts]
