"""Losses: means over predictions, with the second derivative in the network's outputs that each curvature matrix needs."""

import torch
from torch import nn
from torch.nn import functional as F

__all__ = ["BinaryCrossEntropy", "CrossEntropy", "Loss", "SquaredError", "as_loss"]


class Loss:
    """``L = (1/n) sum_i l(f_i, y_i)`` over the n predictions of a mini-batch: any function of outputs and targets.

    A subclass overrides what is known in closed form. ``u_i = dl_i/df_i`` is read off the mean's own gradient.

    Attributes
    ----------
    has_law : bool
        Whether ``exp(-l)`` is, up to a factor, a law of labels, so that there is a Fisher matrix.
    needs_tensor : bool
        Whether targets must be a tensor.
    """

    name = "user-given loss"
    has_law = False
    needs_tensor = False

    def __init__(self, function=None):
        self.function = function

    def __call__(self, outputs, targets):
        return self.function(outputs, targets)

    def count(self, inputs, targets):
        """``n``: what a mini-batch weighs in the mean over the data. Here its number of examples."""
        return _length(targets if targets is not None else inputs)

    def check(self, outputs, targets, where):
        """Raise a sentence where `outputs` and `targets` do not belong together."""

    def hessian(self, outputs, targets):
        """The map ``V -> (d2L/df2) V`` on tensors of the outputs' shape."""
        outputs = outputs.detach()
        pull = torch.func.vjp(torch.func.grad(lambda f: self(f, targets)), outputs)[1]
        return lambda V: pull(V)[0]

    def gradient(self, outputs, targets):
        """``dL/df``, of the outputs' shape."""
        return torch.func.grad(lambda f: self(f, targets))(outputs.detach())

    def sample(self, outputs, targets, *, generator):
        """Targets drawn from the model's own law; drawn on the CPU."""
        raise ValueError(
            f"a Fisher matrix needs a loss that is a negative log-likelihood of labels; a {self.name} is not known to be "
            "one: take cross-entropy or a squared error, or the empirical Fisher matrix."
        )

    def predictions(self, outputs, targets):
        """How many l_i the mean is over, for the matrices made of their gradients."""
        return outputs.shape[0]

    def inner_axes(self, outputs):
        """Axes of the outputs within one prediction."""
        return tuple(range(1, outputs.dim()))


class CrossEntropy(Loss):
    """``l = -log softmax(f)_y`` in nats; outputs ``(b, classes, ...)``, targets ``(b, ...)`` or probabilities.

    ``d2l/df2 = c (diag p - p p.T)`` with ``c = 1``; class weights and label smoothing as in torch only change c. Targets equal
    to `ignore_index` do not count.
    """

    name = "cross-entropy"
    needs_tensor = True

    def __init__(self, *, weight=None, label_smoothing=0.0, ignore_index=-100):
        self.weight, self.label_smoothing, self.ignore_index = weight, float(label_smoothing), int(ignore_index)
        self.has_law = weight is None and not self.label_smoothing

    def _class_weight(self, outputs):
        return None if self.weight is None else self.weight.to(outputs)

    def __call__(self, outputs, targets):
        return F.cross_entropy(
            outputs,
            targets,
            weight=self._class_weight(outputs),
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
        )

    def count(self, inputs, targets):
        if targets.is_floating_point():
            return targets.numel() // targets.shape[1]
        counted = targets[targets != self.ignore_index]
        return len(counted) if self.weight is None else float(self.weight.double().cpu()[counted.cpu()].sum())

    def check(self, outputs, targets, where):
        if outputs.dim() < 2:
            raise ValueError(f"cross-entropy needs outputs (batch, classes, ...); {where} has {tuple(outputs.shape)}.")
        classes = outputs.shape[1]
        if targets.is_floating_point():
            if targets.shape != outputs.shape:
                raise ValueError(
                    f"cross-entropy needs whole-number labels, or probabilities of the outputs' shape "
                    f"{tuple(outputs.shape)}; the targets of {where} are {targets.dtype} of shape {tuple(targets.shape)}."
                )
            return
        expected = (outputs.shape[0], *outputs.shape[2:])
        if tuple(targets.shape) != expected:
            raise ValueError(
                f"outputs of shape {tuple(outputs.shape)} need labels of shape {expected}; those of {where} have "
                f"{tuple(targets.shape)}."
            )
        if targets.dtype == torch.bool or targets.dtype != torch.int64:
            raise ValueError(f"labels must be int64; those of {where} are {targets.dtype}: convert them with .long().")
        counted = targets[targets != self.ignore_index]
        if len(counted) and not 0 <= int(counted.min()) <= int(counted.max()) < classes:
            raise ValueError(
                f"labels must be from 0 to {classes - 1}, one of the model's {classes} outputs; those of {where} go from "
                f"{int(counted.min())} to {int(counted.max())}."
            )

    def _coefficient(self, outputs, targets):
        """``c / n`` of each prediction, with an axis for the classes."""
        classes, smooth = outputs.shape[1], self.label_smoothing
        weight = self._class_weight(outputs)
        if targets.is_floating_point():
            shares = targets * (1 - smooth) + smooth / classes
            if weight is not None:
                shares = shares * weight.view(-1, *(1,) * (outputs.dim() - 2))
            return shares.sum(1, keepdim=True) / (targets.numel() // classes)
        counted = (targets != self.ignore_index).to(outputs.dtype)
        if weight is None:
            return (counted / counted.sum()).unsqueeze(1)
        own = weight[targets.clamp(min=0)] * counted
        return ((own * (1 - smooth) + counted * weight.sum() * (smooth / classes)) / own.sum()).unsqueeze(1)

    def hessian(self, outputs, targets):
        p = outputs.detach().softmax(1)
        scaled = p * self._coefficient(outputs, targets)
        return lambda V: scaled * (V - (p * V).sum(1, keepdim=True))

    def sample(self, outputs, targets, *, generator):
        if not self.has_law:
            raise ValueError(
                "cross-entropy with class weights or label smoothing is no negative log-likelihood of labels: leave them "
                "out for a Fisher matrix."
            )
        probabilities = outputs.detach().softmax(1).movedim(1, -1)
        flat = probabilities.reshape(-1, probabilities.shape[-1]).double().cpu()
        labels = torch.multinomial(flat, 1, generator=generator).reshape(probabilities.shape[:-1]).to(outputs.device)
        return labels if targets.is_floating_point() else torch.where(targets == self.ignore_index, targets, labels)

    def predictions(self, outputs, targets):
        if targets.is_floating_point():
            return outputs.numel() // outputs.shape[1]
        return (targets != self.ignore_index).sum()

    def inner_axes(self, outputs):
        return (1,)


class SquaredError(Loss):
    """``l = ||f - y||^2 / 2``, mean over examples; with ``halved=False`` torch's: the mean over all entries of ``(f - y)^2``.

    The law is normal about f, of variance 1 (of K/2 for torch's, K outputs to an example). Targets may be the outputs flattened
    otherwise, as an image is for an autoencoder.
    """

    name = "squared error"
    needs_tensor = True
    has_law = True

    def __init__(self, *, halved=True):
        self.halved = halved

    def _scale(self, outputs):
        """``d2L/df2`` is this multiple of the identity."""
        return 1.0 / outputs.shape[0] if self.halved else 2.0 / outputs.numel()

    def __call__(self, outputs, targets):
        error = outputs - targets.reshape(outputs.shape)
        return 0.5 * self._scale(outputs) * (error * error).sum()

    def count(self, inputs, targets):
        return len(targets) if self.halved else targets.numel()

    def check(self, outputs, targets, where):
        if len(outputs) != len(targets) or outputs.numel() != targets.numel():
            raise ValueError(
                f"a squared error needs a target for every output; in {where} the outputs are {tuple(outputs.shape)}, the "
                f"targets {tuple(targets.shape)}."
            )
        if not targets.is_floating_point():
            raise ValueError(f"a squared error needs floating-point targets; those of {where} are {targets.dtype}.")

    def hessian(self, outputs, targets):
        scale = self._scale(outputs)
        return lambda V: V * scale

    def sample(self, outputs, targets, *, generator):
        variance = 1.0 / (self._scale(outputs) * outputs.shape[0])
        noise = torch.randn(outputs.shape, generator=generator, dtype=torch.float64).to(outputs)
        return outputs.detach() + noise * variance**0.5


class BinaryCrossEntropy(Loss):
    """``l = log(1 + exp(f)) - y f`` in nats, mean over all outputs, each a prediction of its own; y in [0, 1]."""

    name = "binary cross-entropy"
    needs_tensor = True
    has_law = True

    def __call__(self, outputs, targets):
        return F.binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype).reshape(outputs.shape))

    def count(self, inputs, targets):
        return targets.numel()

    def check(self, outputs, targets, where):
        if len(outputs) != len(targets) or outputs.numel() != targets.numel():
            raise ValueError(
                f"binary cross-entropy needs a target for every output; in {where} the outputs are {tuple(outputs.shape)}, "
                f"the targets {tuple(targets.shape)}."
            )
        if float(targets.min()) < 0 or float(targets.max()) > 1:
            raise ValueError(
                f"targets of binary cross-entropy lie in [0, 1]; those of {where} go from {float(targets.min()):g} to "
                f"{float(targets.max()):g}."
            )

    def hessian(self, outputs, targets):
        p = outputs.detach().sigmoid()
        scaled = p * (1 - p) / outputs.numel()
        return lambda V: scaled * V

    def sample(self, outputs, targets, *, generator):
        uniform = torch.rand(outputs.shape, generator=generator, dtype=torch.float64)
        return (uniform < outputs.detach().sigmoid().double().cpu()).to(outputs)

    def predictions(self, outputs, targets):
        return outputs.numel()

    def inner_axes(self, outputs):
        return ()


NAMES = {
    "cross-entropy": CrossEntropy,
    "squared error": SquaredError,
    "mean squared error": lambda: SquaredError(halved=False),
    "binary cross-entropy": BinaryCrossEntropy,
}
FUNCTIONS = {
    F.cross_entropy: "cross-entropy",
    F.mse_loss: "mean squared error",
    F.binary_cross_entropy_with_logits: "binary cross-entropy",
}


def as_loss(loss):
    """A `Loss` from a name, a function or module of torch, or any function ``(outputs, targets) -> mean over the batch``.

    Known, with closed forms: ``F.cross_entropy``, ``F.mse_loss``, ``F.binary_cross_entropy_with_logits`` and their modules, and
    by name "cross-entropy", "squared error" (``||f - y||^2 / 2``), "mean squared error", "binary cross-entropy".

    Raises
    ------
    ValueError
        Another name, not callable, or a reduction that is not the mean.

    Examples
    --------
    >>> as_loss(F.cross_entropy).name, as_loss(lambda f, y: (f - y).abs().mean()).name
    ('cross-entropy', 'user-given loss')
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        if loss not in NAMES:
            raise ValueError(f"a loss is a function or one of {', '.join(NAMES)}; got {loss!r}.")
        return NAMES[loss]()
    if not callable(loss):
        raise ValueError(f"the loss must be a function of outputs and targets; got {type(loss).__name__}.")
    if getattr(loss, "reduction", "mean") != "mean":
        raise ValueError(f'the loss must be a mean over the batch; its reduction is {loss.reduction!r}: take "mean".')
    if type(loss) is nn.CrossEntropyLoss:
        return CrossEntropy(weight=loss.weight, label_smoothing=loss.label_smoothing, ignore_index=loss.ignore_index)
    if type(loss) is nn.MSELoss:
        return SquaredError(halved=False)
    if type(loss) is nn.BCEWithLogitsLoss and loss.weight is None and loss.pos_weight is None:
        return BinaryCrossEntropy()
    name = FUNCTIONS.get(loss) if loss.__hash__ else None
    return NAMES[name]() if name else Loss(loss)


def _length(tree):
    leaves = torch.utils._pytree.tree_leaves(tree)
    sizes = [len(leaf) for leaf in leaves if torch.is_tensor(leaf) and leaf.dim()]
    return sizes[0] if sizes else 1
