"""The Hessian of a network's loss, and the part of it that the generalised Gauss-Newton matrix leaves out."""

import torch

from spectral_core.curvature.curvature_operator import CurvatureOperator, gradients
from spectral_core.curvature.data import apply_model

__all__ = ["HessianOperator", "ResidualOperator"]


class HessianOperator(CurvatureOperator):
    """``H = d2L/dw2 + weight_decay I``, ``L = (1/n) sum_i l(f(x_i, w), y_i)``, of shape (P, P).

    Products are exact, by differentiation (Pearlmutter 1994); one costs 1.3 (linearised) to 2.7 (recomputed) gradients, see
    `Plan`. Arguments, attributes and errors are those of `CurvatureOperator`. Source: thesis section 4.3.

    Examples
    --------
    >>> x = torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    >>> H = HessianOperator(torch.nn.Linear(2, 1, bias=False), "squared error", [(x, torch.zeros(2, 1))])
    >>> H @ torch.ones(2)  # X.T X / n
    tensor([0.5000, 4.5000])
    """

    def _scalar(self, outputs, batch):
        """What the second derivative is of."""
        return self.loss(outputs, batch.targets)

    def _graph(self, batch):
        with torch.enable_grad(), self._kernels:
            value = self._scalar(apply_model(self._model, batch.inputs), batch)
            slopes = gradients(value, self._weights, create_graph=True)
        moving = [index for index, slope in enumerate(slopes) if slope.requires_grad]
        slopes = [slopes[index] for index in moving]

        def apply(v, batched):
            if not slopes:  # linear in its parameters
                return [torch.zeros_like(part) for part in v]
            return gradients(slopes, self._weights, [v[index] for index in moving], batched=batched)

        return apply

    def _linear(self, run, weights, v, batch):
        def scalar(weights):
            outputs = run(weights)
            return self._scalar(outputs, batch), self.loss(outputs, batch.targets)

        slope_and_loss = torch.func.grad(scalar, has_aux=True)
        _, product, loss = torch.func.jvp(slope_and_loss, (weights,), (v,), has_aux=True)
        return loss, product


class ResidualOperator(HessianOperator):
    """``S = H - GGN = (1/n) sum_i u_i . d2f(x_i, w)/dw2``, ``u_i = dl_i/df``: the network's own curvature, (P, P).

    Computed as the Hessian of ``<u, f(w)>`` at fixed u, so that nothing cancels. It is indefinite. Weight decay is in H and in
    GGN alike, hence not in S. Arguments, attributes, errors and cost are those of `HessianOperator`.

    Examples
    --------
    >>> S = ResidualOperator(torch.nn.Linear(2, 1), "squared error", [(torch.eye(2), torch.zeros(2, 1))])
    >>> S @ torch.ones(3)  # a linear network has none
    tensor([0., 0., 0.])
    """

    def __init__(self, model, loss, data, *, weight_decay=0.0, **options):
        super().__init__(model, loss, data, **options)

    def _extra(self, outputs, batch):
        return (self.loss.gradient(outputs, batch.targets),)

    def _scalar(self, outputs, batch):
        return (outputs * batch.extra[0]).sum()
