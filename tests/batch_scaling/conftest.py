"""A small network of the kind that the room is about: its noise is far from isotropic. One thread."""

import pytest
import torch
from torch import nn

from spectral_core import curvature


@pytest.fixture(autouse=True)
def small_networks(one_thread):
    """Every test here runs on one thread."""


def trained(seed=0, examples=60, dtype=torch.float64):
    """A perceptron of 59 parameters after some full-batch steps, and its data in unequal mini-batches."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(examples, 4, generator=generator, dtype=dtype) * torch.tensor([3.0, 1.0, 1.0, 0.3], dtype=dtype)
    y = (x[:, 0] + x[:, 1] ** 2 > 1).long() + (x[:, 2] > 1).long()
    model = nn.Sequential(nn.Linear(4, 7), nn.Tanh(), nn.Linear(7, 3)).to(dtype)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.5 * torch.randn(weight.shape, generator=generator, dtype=dtype))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.3)
    for _ in range(150):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()
    cut = examples // 3
    return model, [(x[:cut], y[:cut]), (x[cut:], y[cut:])]


@pytest.fixture(scope="session")
def network():
    return trained()


@pytest.fixture(scope="session")
def hessian(network):
    model, data = network
    return curvature.HessianOperator(model, "cross-entropy", data)


@pytest.fixture(scope="session")
def examples(network):
    """Every example's Hessian, (N, P, P), by torch's own second derivatives."""
    model, data = network
    names = [name for name, _ in model.named_parameters()]
    shapes = [p.shape for p in model.parameters()]
    point = torch.cat([p.detach().flatten() for p in model.parameters()])

    def loss(w, x, y):
        parts = [part.reshape(shape) for part, shape in zip(w.split([s.numel() for s in shapes]), shapes, strict=True)]
        outputs = torch.func.functional_call(model, dict(zip(names, parts, strict=True)), (x[None],))
        return nn.functional.cross_entropy(outputs, y[None])

    each = [torch.func.hessian(loss)(point, x, y) for X, Y in data for x, y in zip(X, Y, strict=True)]
    return torch.stack(each).numpy()
