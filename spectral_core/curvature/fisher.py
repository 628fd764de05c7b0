"""Fisher matrices: second moments of the gradients of single predictions, over the model's labels or the data's."""

import torch

from spectral_core.curvature.ggn import JacobianProduct

__all__ = ["EmpiricalFisherOperator", "FisherOperator", "OuterProducts"]


class OuterProducts(JacobianProduct):
    """``(1/n) sum_i g_i g_i.T`` with ``g_i = J_i.T u_i``: one Gauss-Newton-like product, no gradient of a single example."""

    def _labels(self, batch):
        """Targets whose outer products are averaged."""
        raise NotImplementedError

    def _one(self, outputs, targets):
        """Axes of the outputs that belong to one i, and n."""
        return self.loss.inner_axes(outputs), self.loss.predictions(outputs, targets)

    def _output_matrix(self, outputs, batch):
        labels, slopes = self._labels(batch), []
        for targets in labels:
            axes, count = self._one(outputs, targets)
            slopes.append((self.loss.gradient(outputs, targets), axes, count / len(labels)))

        def product(V):  # n (u_i / n) ((u_i / n) . V_i), summed over draws of labels
            total = torch.zeros_like(V)
            for slope, axes, count in slopes:
                inner = slope * V
                total = total + count * slope * (inner.sum(axes, keepdim=True) if axes else inner)
            return total

        return product


class EmpiricalFisherOperator(OuterProducts):
    """``(1/n) sum_i g_i g_i.T + weight_decay I``, ``g_i = dl(f(x_i, w), y_i)/dw`` at the data's labels, (P, P).

    i runs over predictions: over the tokens of a sequence, the outputs of binary cross-entropy, else over examples. With batch
    norm in train mode ``g_i`` is the gradient of one l_i through the whole mini-batch. Where a loss weights its terms, ``l_i``
    holds the weight, so that the mean of ``l_i`` is the loss.

    Computed as ``J.T u u.T J``, at the cost of a product with the GGN. Arguments, attributes and errors are those of
    `CurvatureOperator`. Source: Kunstner et al. 2019, on how it differs from the Fisher matrix.

    Examples
    --------
    >>> x, y = torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.zeros(2, 1)
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> _ = torch.nn.init.ones_(model.weight)
    >>> EmpiricalFisherOperator(model, "squared error", [(x, y)]) @ torch.ones(2)
    tensor([ 0.5000, 40.5000])
    """

    def _labels(self, batch):
        return (batch.targets,)


class FisherOperator(OuterProducts):
    """``F = (1/n) sum_i E_y[g_i(y) g_i(y).T] + weight_decay I`` over labels y of the model's own law, (P, P).

    Type II takes the expectation in closed form. It is ``J.T (d2l/df2) J``, the GGN, for every loss here that has a law:
    cross-entropy, binary cross-entropy, and squared errors (normal about f, of variance 1; torch's mean over K outputs is the
    negative log-likelihood of variance K/2). Type I draws `samples` labels for each prediction, once, so that products repeat:
    an unbiased estimate of type II, of rank at most ``n samples``.

    Costs, arguments, attributes and errors are those of `GGNOperator`, and:

    Parameters
    ----------
    type : {2, 1}
    samples : int
        Labels drawn for each prediction, for type I.
    generator : torch.Generator
        Draws them, on the CPU; needed for type I.

    Raises
    ------
    ValueError
        A loss that is no negative log-likelihood of labels; type I without a generator.

    Source: Martens 2020, sections 5 and 9.

    Examples
    --------
    >>> x, y = torch.tensor([[1.0, 0.0], [0.0, 3.0]]), torch.zeros(2, 1)
    >>> FisherOperator(torch.nn.Linear(2, 1, bias=False), "squared error", [(x, y)]) @ torch.ones(2)
    tensor([0.5000, 4.5000])
    """

    def __init__(self, model, loss, data, *, type=2, samples=1, generator=None, **options):
        if type not in (1, 2):
            raise ValueError(f"type is 2 (expectation over labels) or 1 (drawn labels); got {type!r}.")
        if type == 1 and not isinstance(generator, torch.Generator):
            raise ValueError(f"type 1 draws labels and needs generator=, a torch.Generator; got {generator!r}.")
        if not isinstance(samples, int) or samples < 1:
            raise ValueError(f"samples must be a whole number, at least 1; got {samples!r}.")
        self.type, self.samples, self._generator = type, samples, generator
        super().__init__(model, loss, data, **options)

    def _extra(self, outputs, batch):
        draws = self.samples if self.type == 1 else 1
        labels = tuple(self.loss.sample(outputs, batch.targets, generator=self._generator) for _ in range(draws))
        return labels if self.type == 1 else ()

    def _labels(self, batch):
        return batch.extra

    def _output_matrix(self, outputs, batch):
        if self.type == 2:
            return self.loss.hessian(outputs, batch.targets)
        return super()._output_matrix(outputs, batch)
