"""Small networks of every architecture with data, and their curvature matrices entry by entry, in float64.

The references share no code with the operators: forward derivatives, one for each parameter, of the gradient and of the
outputs. (`torch.func.hessian` will not do: its inner `jacrev` is wrong for the weights of layer norm in torch 2.13.)
"""

import copy

import torch
from torch import nn
from torch.func import functional_call, grad, jacfwd
from torch.nn import functional as F

from sample_models.registry import build

SPLITS = {"whole": (7,), "unequal": (4, 3), "many": (2, 3, 2)}
NETWORKS = {
    "logistic regression": ("logistic_regression", {"inputs": 16, "classes": 4}),
    "MLP": ("mlp", {"widths": (16, 5, 4), "activation": "tanh"}),
    "MLP, batch norm": ("mlp", {"widths": (16, 5, 4), "batch_norm": True}),
    "autoencoder": ("autoencoder", {"widths": (16, 5, 2), "activation": "tanh", "output": "sigmoid"}),
    "LeNet": ("lenet", {"image": 8, "kernel": 3, "padding": 1, "convolutions": (2, 3), "hidden": (4,), "classes": 4}),
    "VGG, batch norm": (
        "vgg",
        {"stages": ((2,), (3,)), "channels": 1, "batch_norm": True, "hidden": (), "pooled": 1, "classes": 4},
    ),
    "ResNet": ("resnet", {"depth": 6, "stages": 2, "width": 2, "channels": 1, "shortcut": "B", "classes": 4}),
    "wide ResNet": ("wide_resnet", {"depth": 10, "width": 1, "widen": 1, "channels": 1, "classes": 4}),
    "transformer": ("transformer", {"vocabulary": 5, "context": 4, "layers": 1, "width": 4, "heads": 2}),
    "LSTM": ("lstm", {"vocabulary": 5, "embedding": 3, "width": 3, "layers": 1}),
}
NORMALISED = ("MLP, batch norm", "VGG, batch norm", "ResNet", "wide ResNet")


def network(name):
    """Model, loss and the whole data as one pair, float64; buffers and weights moved off their special values."""
    g = torch.Generator().manual_seed(5)
    kind, options = NETWORKS[name]
    model = build(kind, generator=g, **options).double().eval()
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.add_(0.1 * torch.rand(tensor.shape, generator=g, dtype=tensor.dtype))
    if kind in ("transformer", "lstm"):
        return model, F.cross_entropy, (torch.randint(5, (7, 4), generator=g), torch.randint(5, (7, 4), generator=g))
    side = 8 if kind == "lenet" else 4
    inputs = torch.rand(7, 1, side, side, dtype=torch.float64, generator=g)
    if kind == "autoencoder":
        return model, nn.MSELoss(), (inputs, inputs)
    return model, F.cross_entropy, (inputs, torch.randint(4, (7,), generator=g))


def split(pair, sizes):
    """The pair as mini-batches of these sizes."""
    return list(zip(*(part.split(sizes) for part in pair), strict=True))


class ByFormula(nn.Module):
    """``weight (x - mean) / sqrt(variance + eps) + bias`` with the mini-batch's own mean and variance."""

    def __init__(self, module):
        super().__init__()
        self.weight, self.bias, self.eps = module.weight, module.bias, module.eps

    def forward(self, x):
        axes = [axis for axis in range(x.dim()) if axis != 1]
        centred = x - x.mean(axes, keepdim=True)
        shape = (-1, *(1,) * (x.dim() - 2))
        scaled = centred / ((centred * centred).mean(axes, keepdim=True) + self.eps).sqrt()
        return scaled * self.weight.view(shape) + self.bias.view(shape)


class Dense:
    """The matrices of a model on mini-batches, as (P, P) float64 arrays."""

    def __init__(self, model, loss, data, *, batch_norm="eval"):
        self.model = copy.deepcopy(model).eval()
        for name, module in list(self.model.named_modules()):
            if batch_norm == "train" and isinstance(module, nn.modules.batchnorm._BatchNorm):
                # torch's own in train mode has wrong second derivatives under vmap, when it also writes its statistics
                self.model.set_submodule(name, ByFormula(module))
        self.loss, self.data = loss, data
        self.names = [name for name, _ in model.named_parameters()]
        self.shapes = [p.shape for p in model.parameters()]
        self.point = torch.cat([p.detach().flatten() for p in model.parameters()])
        self.total = sum(len(inputs) for inputs, _ in data)

    def outputs(self, point, inputs):
        parts = point.split([shape.numel() for shape in self.shapes])
        state = {n: part.reshape(shape) for n, part, shape in zip(self.names, parts, self.shapes, strict=True)}
        return functional_call(self.model, state, (inputs,))

    def mean(self, matrix):
        """``sum_b (n_b / n) matrix(b)``."""
        return sum(len(pair[0]) / self.total * matrix(*pair) for pair in self.data)

    def hessian(self):
        return self.mean(lambda x, y: jacfwd(grad(lambda w: self.mean_loss(self.outputs(w, x), y)))(self.point))

    def mean_loss(self, outputs, targets):
        if targets.is_floating_point():
            return ((outputs - targets.reshape(outputs.shape)) ** 2).mean()
        return self.loss(outputs, targets)

    def gauss_newton(self):
        def one(x, y):
            outputs = self.outputs(self.point, x)
            jacobian = jacfwd(lambda w: self.outputs(w, x))(self.point).reshape(outputs.numel(), -1)
            inner = jacfwd(grad(lambda f: self.mean_loss(f, y)))(outputs).reshape(outputs.numel(), -1)
            return jacobian.T @ inner @ jacobian

        return self.mean(one)

    def gradients(self, inputs, targets, *, tokens=True):
        """(n, P) gradients of single predictions (or of single examples), whose mean is the mini-batch's gradient."""

        def single(w):
            outputs = self.outputs(w, inputs)
            if targets.is_floating_point():
                return ((outputs - targets.reshape(outputs.shape)) ** 2).flatten(1).mean(1)
            losses = F.cross_entropy(outputs, targets, reduction="none")
            return losses.flatten() if tokens else losses.reshape(len(losses), -1).mean(1)

        return jacfwd(single)(self.point)

    def empirical_fisher(self):
        return self.mean(lambda x, y: (g := self.gradients(x, y)).T @ g / len(g))

    def fisher(self):
        """Expectation over labels, one class after the other, of outer products (cross-entropy)."""

        def one(x, y):
            p = self.outputs(self.point, x).softmax(1)
            terms = [self.gradients(x, torch.full_like(y, c)) for c in range(p.shape[1])]
            weights = [p[:, c].flatten() for c in range(p.shape[1])]
            return sum(g.T @ (w[:, None] * g) for g, w in zip(terms, weights, strict=True)) / len(weights[0])

        return self.mean(one)

    def covariance(self):
        g = [self.gradients(x, y, tokens=False) for x, y in self.data]
        return torch.cov(torch.cat(g).T, correction=0)
