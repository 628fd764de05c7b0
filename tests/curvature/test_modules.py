"""Modules as people write them: fused kernels, operations in place, shared, frozen and half-precision parameters."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

import spectral_core as sc
from spectral_core.curvature.product_ways import WAYS

HESSIAN, GGN = sc.curvature.HessianOperator, sc.curvature.GGNOperator


class Wrapped(nn.Module):
    """Modules of one layer, by a function of layer and inputs."""

    def __init__(self, layer, function, width, outputs=3):
        super().__init__()
        self.layer, self.function, self.last = layer, function, nn.Linear(width, outputs)

    def forward(self, x):
        return self.last(self.function(self.layer, x))


def attention(_, x):
    return F.scaled_dot_product_attention(x, x, x, is_causal=True)[:, -1]


class InPlace(nn.Sequential):
    def forward(self, x):
        x = self[0](x)
        x[:, 0] *= 2.0
        x.relu_()
        y = self[1](x)
        y += x
        return self[2](F.relu(y, inplace=True))


def mixed(seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(5, 4, 6, generator=g), torch.randint(3, (5,), generator=g)


MODULES = {
    "fused attention": lambda: nn.Sequential(nn.Linear(6, 6), Wrapped(nn.Identity(), attention, 6)),
    "multi-head attention": lambda: Wrapped(
        nn.MultiheadAttention(6, 2, batch_first=True), lambda m, x: m(x, x, x, need_weights=False)[0][:, 0], 6
    ),
    "transformer layer": lambda: Wrapped(
        nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, 0.3, batch_first=True), 1), lambda m, x: m(x)[:, 0], 6
    ),
    "LSTM": lambda: Wrapped(nn.LSTM(6, 3, 2, batch_first=True, dropout=0.2), lambda m, x: m(x[:, :3])[0][:, -1], 3),
    "GRU": lambda: Wrapped(nn.GRU(6, 4, batch_first=True, bidirectional=True), lambda m, x: m(x[:, :3])[0][:, -1], 8),
    "dropout": lambda: nn.Sequential(nn.Flatten(), nn.Linear(24, 5), nn.Tanh(), nn.Dropout(0.5), nn.Linear(5, 3)),
    "in place": lambda: nn.Sequential(nn.Flatten(), InPlace(nn.Linear(24, 5), nn.Linear(5, 5), nn.Linear(5, 3))),
}
NOTES = {
    "fused attention": "Fused attention",
    "multi-head attention": "Fused attention",
    "transformer layer": "Fused attention",
    "LSTM": "recurrent",
    "GRU": "recurrent",
    "dropout": "Dropout is off in 1 modules.",
    "in place": "",
}


def double_backward(model, loss, data, v):
    """``H v`` in float64, the mean by numbers of examples."""
    model = copy.deepcopy(model).double().eval()
    weights = [p for p in model.parameters() if p.requires_grad]
    total, examples = 0.0, sum(len(y) for _, y in data)
    mkldnn, torch.backends.mkldnn.enabled = torch.backends.mkldnn.enabled, False
    with sdpa_kernel(SDPBackend.MATH):
        for x, y in data:
            value = loss(model(x.double() if x.is_floating_point() else x), y) * len(y) / examples
            g = torch.autograd.grad(value, weights, create_graph=True)
            parts = v.split([w.numel() for w in weights])
            Hv = torch.autograd.grad(g, weights, [part.view_as(w) for part, w in zip(parts, weights, strict=True)])
            total = total + torch.cat([part.flatten() for part in Hv])
    torch.backends.mkldnn.enabled = mkldnn
    return total


def random(n, seed=2):
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", MODULES)
def test_kernels_without_second_derivatives(name):
    torch.manual_seed(0)
    model = MODULES[name]()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    x, y = mixed()
    data = [(x[:2], y[:2]), (x[2:4], y[2:4])]  # one shape: one trace
    switches = torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled
    H = HESSIAN(model, F.cross_entropy, data)
    v = random(H.shape[0])
    expected = double_backward(model, F.cross_entropy, data, v)
    for way in WAYS:
        assert H.prepare(way=way).way == way, H.notes
        assert float((H @ v.float() - expected).norm()) < 1e-5 * float(expected.norm())
    assert any(NOTES[name] in note for note in (*H.notes, ""))
    if name != "transformer layer" and name != "LSTM":  # slow to trace
        G = GGN(model, F.cross_entropy, data, dtype=torch.float64)
        products = [G @ v for way in WAYS if G.prepare(way=way).way == way]
        assert len(products) == 3
        for product in products:
            torch.testing.assert_close(product, products[0], rtol=1e-10, atol=1e-12)
    # nothing of the caller's changes
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert (torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled) == switches
