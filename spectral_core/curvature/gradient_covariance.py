"""The covariance of the gradients of single examples: the noise of stochastic gradient descent at batch size one."""

import torch

from spectral_core.curvature.fisher import OuterProducts

__all__ = ["GradientCovarianceOperator"]


class GradientCovarianceOperator(OuterProducts):
    """``C = (1/n) sum_i (g_i - g)(g_i - g).T``, ``g_i = dl_i/dw`` of example i, ``g`` their mean, of shape (P, P).

    i runs over examples, the first axis of a mini-batch: what a mini-batch is drawn from. So ``C / B`` is the covariance of the
    gradient of B examples drawn with replacement. Weight decay moves all ``g_i`` alike and changes nothing. Positive
    semi-definite, of rank at most n - 1.

    One product costs as much as one with the GGN, and the first a gradient more. Arguments, attributes and errors are those of
    `CurvatureOperator`. Source: thesis section 4.3.

    Examples
    --------
    >>> x, y = torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.zeros(2, 1)
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> _ = torch.nn.init.ones_(model.weight)
    >>> GradientCovarianceOperator(model, "squared error", [(x, y)]) @ torch.ones(2)  # g_i = (1, 0), (0, 9)
    tensor([-2., 18.])
    """

    def __init__(self, model, loss, data, *, weight_decay=0.0, **options):
        super().__init__(model, loss, data, **options)
        self._mean = None

    def _labels(self, batch):
        return (batch.targets,)

    def _one(self, outputs, targets):
        return tuple(range(1, outputs.dim())), outputs.shape[0]

    def _product(self, V):
        with self._lock:
            if self._mean is None:
                self._mean = self.gradient()
        return super()._product(V).sub_(torch.outer(self._mean, self._mean @ V))
