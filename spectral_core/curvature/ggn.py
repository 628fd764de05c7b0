"""The generalised Gauss-Newton matrix, and what every matrix between two Jacobians of the outputs shares."""

import warnings

import torch
from torch.autograd import forward_ad

from spectral_core.curvature.curvature_operator import CurvatureOperator, gradients
from spectral_core.curvature.data import apply_model
from spectral_core.curvature.differentiable_kernels import DIFFERENTIATION

__all__ = ["GGNOperator", "JacobianProduct"]


class JacobianProduct(CurvatureOperator):
    """``J.T M J``, J the Jacobian ``df/dw`` of a mini-batch's outputs, M given by its products on them."""

    kind = "gauss-newton"
    _has_forward_mode = True  # as far as is known

    def _output_matrix(self, outputs, batch):
        """``V -> M V`` on tensors of the outputs' shape, `outputs` without a graph."""
        raise NotImplementedError

    def _graph(self, batch):
        with torch.enable_grad(), self._kernels:
            outputs = apply_model(self._model, batch.inputs)
            u = torch.zeros_like(outputs).requires_grad_()
            pulled = gradients(
                outputs, self._weights, u, create_graph=True
            )  # J.T u: linear in u, so its transpose is J
            matrix = self._output_matrix(outputs.detach(), batch)
        moving = [index for index, part in enumerate(pulled) if part.requires_grad]
        pulled = [pulled[index] for index in moving]

        def apply(v, batched):
            if not pulled:  # the outputs do not depend on any of them
                return [torch.zeros_like(part) for part in v]
            (Jv,) = gradients(pulled, [u], [v[index] for index in moving], batched=batched)
            return gradients(
                outputs, self._weights, torch.func.vmap(matrix)(Jv) if batched else matrix(Jv), batched=batched
            )

        return apply

    def _once(self, batch, v):
        if not self._has_forward_mode:
            return None
        try:
            with DIFFERENTIATION, torch.no_grad(), self._kernels, warnings.catch_warnings(), forward_ad.dual_level():
                warnings.simplefilter("ignore")  # torch's own on its decompositions
                pairs = zip(self._weights, v, strict=True)
                moved = self._moved([forward_ad.make_dual(w.detach(), part) for w, part in pairs], batch.inputs)
                Jv = forward_ad.unpack_dual(moved).tangent
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, NotImplementedError):  # an operation without forward mode
            self._has_forward_mode = False
            return None
        if Jv is None:  # the outputs do not depend on any of them
            return [torch.zeros_like(part) for part in v]
        with torch.enable_grad(), self._kernels:
            outputs = apply_model(self._model, batch.inputs)
        pulled = self._output_matrix(outputs.detach(), batch)(Jv)
        return gradients(outputs, self._weights, pulled, retain_graph=False)

    def _linear(self, run, weights, v, batch):
        outputs, pull = torch.func.vjp(run, weights)
        _, Jv = torch.func.jvp(run, (weights,), (v,))
        (product,) = pull(self._output_matrix(outputs, batch)(Jv))
        return self.loss(outputs, batch.targets), product


class GGNOperator(JacobianProduct):
    """``GGN = (1/n) sum_i J_i.T (d2l/df2) J_i + weight_decay I``, ``J_i = df(x_i, w)/dw``, of shape (P, P).

    The loss's own Hessian in closed form for cross-entropy and squared errors, else by differentiation; positive
    semi-definite where the loss is convex in the outputs. One product costs 0.9 (linearised) to 2.1 (recomputed) gradients,
    see `Plan`. Arguments, attributes and errors are those of `CurvatureOperator`. Source: Schraudolph 2002.

    Examples
    --------
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    >>> G = GGNOperator(torch.nn.Linear(2, 1, bias=False), "squared error", [(x, torch.zeros(2, 1))])
    >>> G @ torch.ones(2)  # a linear network: the Hessian
    tensor([0.5000, 4.5000])
    """

    def _output_matrix(self, outputs, batch):
        return self.loss.hessian(outputs, batch.targets)
