"""Filter and layer normalisation against their definition, filter by filter, on every type of layer."""

import pytest
import torch
from torch import nn

from spectral_core.curvature import select_parameters
from spectral_core.landscapes import normalised, random_direction


class Named(nn.Module):
    """Layers under one roof, with tensors of its own."""

    def __init__(self, **layers):
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)


def moved(model, normalisation):
    """{name: (direction, weights)} of a drawn direction, norm layers and biases moved off their special values."""
    torch.manual_seed(0)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.rand_like(p))
    chosen = select_parameters(model)
    drawn = torch.randn(chosen.size, dtype=torch.float64)
    d = normalised(drawn, model, chosen, normalisation)
    tensors = dict(model.named_parameters())
    parts = zip(chosen.names, chosen.split(d), chosen.split(drawn), strict=True)
    return {name: (part, tensors[name].detach().double(), raw) for name, part, raw in parts}


def first_axis(tensor):
    return list(tensor)


def transposed(groups):
    def filters(tensor):
        inputs, outputs = tensor.shape[:2]
        size = inputs // groups
        return [tensor[g * size : (g + 1) * size, o] for g in range(groups) for o in range(outputs)]

    return filters


LAYERS = {
    "linear": (nn.Linear(5, 3), {"weight": first_axis}),
    "bilinear": (nn.Bilinear(3, 4, 2), {"weight": first_axis}),
    "convolution 1-D": (nn.Conv1d(2, 3, 3), {"weight": first_axis}),
    "convolution 2-D": (nn.Conv2d(2, 3, 3), {"weight": first_axis}),
    "convolution 3-D": (nn.Conv3d(2, 3, 2), {"weight": first_axis}),
    "grouped": (nn.Conv2d(4, 6, 3, groups=2), {"weight": first_axis}),
    "transposed": (nn.ConvTranspose2d(4, 3, 2), {"weight": transposed(1)}),
    "transposed, grouped": (nn.ConvTranspose2d(4, 6, 3, groups=2), {"weight": transposed(2)}),
    "transposed 1-D": (nn.ConvTranspose1d(2, 3, 2), {"weight": transposed(1)}),
    "embedding": (nn.Embedding(5, 3), {"weight": first_axis}),
    "LSTM": (nn.LSTM(3, 2, proj_size=1), dict.fromkeys(("weight_ih_l0", "weight_hh_l0", "weight_hr_l0"), first_axis)),
    "GRU": (nn.GRU(3, 2), dict.fromkeys(("weight_ih_l0", "weight_hh_l0"), first_axis)),
    "attention": (nn.MultiheadAttention(4, 2), dict.fromkeys(("in_proj_weight", "out_proj.weight"), first_axis)),
    "attention, other keys": (
        nn.MultiheadAttention(4, 2, kdim=3, vdim=5, add_bias_kv=True),
        dict.fromkeys(
            ("q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight", "bias_k", "bias_v"), first_axis
        ),
    ),
    "batch norm": (nn.BatchNorm2d(3), {}),
    "instance norm": (nn.InstanceNorm2d(3, affine=True), {}),
    "group norm": (nn.GroupNorm(2, 4), {}),
    "layer norm of two axes": (nn.LayerNorm((2, 3)), {}),
    "PReLU": (nn.PReLU(4), {}),
}


@pytest.mark.parametrize("name", LAYERS)
def test_each_filter_has_the_norm_of_the_weights_own(name):
    layer, filters = LAYERS[name]
    found = moved(Named(layer=layer, last=nn.Linear(2, 1)), "filter")
    for parameter, (d, w, raw) in found.items():
        if parameter.startswith("last"):
            continue
        split = filters.get(parameter.removeprefix("layer."))
        if split is None:  # a bias, or of a norm layer
            assert not d.any()
            continue
        assert d.shape == w.shape
        for one, own, drawn in zip(split(d), split(w), split(raw), strict=True):
            assert torch.isclose(one.norm(), own.norm(), rtol=1e-12)
            assert torch.allclose(one * drawn.norm(), drawn * own.norm(), rtol=1e-12)  # only scaled


@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_has_the_norm_of_the_weights_own(name):
    layer, filters = LAYERS[name]
    for parameter, (d, w, raw) in moved(Named(layer=layer, last=nn.Linear(2, 1)), "layer").items():
        if parameter.removeprefix("layer.") in filters:
            assert torch.isclose(d.norm(), w.norm(), rtol=1e-12)
            assert torch.allclose(d * raw.norm(), raw * w.norm(), rtol=1e-12)
        elif parameter.startswith("layer"):
            assert not d.any()


def test_a_transposed_convolution_is_not_split_along_its_first_axis():
    d, w, _ = moved(Named(layer=nn.ConvTranspose2d(4, 3, 2)), "filter")["layer.weight"]
    assert not torch.allclose(d.flatten(1).norm(dim=1), w.flatten(1).norm(dim=1), rtol=1e-3)


def test_the_direction_does_not_depend_on_the_scale_of_a_filter():
    """A ReLU network is the same function with a filter scaled up and the next layer down; so must be its picture."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False)).double()
    chosen, x = select_parameters(model), torch.randn(6, 4, dtype=torch.float64)
    raw = torch.randn(chosen.size, dtype=torch.float64)

    def output():
        d = chosen.split(normalised(raw, model, chosen, "filter"))
        state = {n: p + 0.3 * part for (n, p), part in zip(model.named_parameters(), d, strict=True)}
        return torch.func.functional_call(model, state, (x,))

    before = output()
    with torch.no_grad():
        model[0].weight.mul_(7.0)
        model[2].weight.div_(7.0)
    assert torch.allclose(output(), before, rtol=1e-10)


def test_zeros_frozen_and_tied_tensors(generator):
    model = Named(a=nn.Embedding(4, 3, padding_idx=0), b=nn.Linear(3, 4))
    model.b.weight = model.a.weight
    d, w, _ = {k: v for k, v in moved(Named(a=nn.Embedding(4, 3)), "filter").items()}["a.weight"]
    assert torch.isclose(d[0].norm(), w[0].norm())
    chosen = select_parameters(model)
    assert chosen.names == ("a.weight", "b.bias")
    with torch.no_grad():
        model.a.weight[0] = 0.0
    part = chosen.split(normalised(torch.randn(chosen.size), model, chosen))[0]
    assert not part[0].any()
    assert part[1].any()
    assert torch.isfinite(part).all()
    plain = random_direction(model, normalisation="none", generator=generator)
    assert abs(plain.norm - 1) < 1e-12
    with pytest.raises(ValueError, match="biases or norm layers"):
        random_direction(model, parameters="b.bias", generator=generator)
    with pytest.raises(ValueError, match="normalised by none, layer, filter"):
        random_direction(model, normalisation="weight", generator=generator)
