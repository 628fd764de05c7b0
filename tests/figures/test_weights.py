"""Figures and table of weight spectra."""

import math

import numpy as np
import pytest
import torch

import spectral_core as sc
from spectral_core import figures


def checkpoint(seed, strength):
    g = torch.Generator().manual_seed(seed)
    G = torch.randn(200, 120, generator=g, dtype=torch.float64) / 200**0.5
    u, v = torch.randn(200, 2, generator=g).double() / 200**0.5, torch.randn(2, 120, generator=g).double() / 120**0.5
    return {
        "<b>first</b>": G + strength * u @ v,
        "conv": torch.randn(16, 8, 3, 3, generator=g),
        "zeros": torch.zeros(9, 9),
        "row": torch.ones(1, 12),
    }


@pytest.fixture(scope="module")
def spectra():
    return {
        name: sc.weight_spectra(checkpoint(seed, 3.0 * seed)) for seed, name in enumerate(["before", "<i>after</i>"])
    }


def traces(figure):
    return {trace.name.split(" α")[0].split(" (")[0]: trace for trace in figure.data}


def area(trace):
    """Over a logarithmic axis, in decades."""
    return np.trapezoid(trace.y, np.log10(trace.x))


def test_the_layer_shows_eigenvalues_bulk_outliers_and_tail(spectra):
    layer = spectra["<i>after</i>"]["<b>first</b>"]
    figure = figures.layer_figure(layer)
    drawn = traces(figure)
    assert list(drawn) == ["eigenvalues", "noise: Marchenko–Pastur", "outliers", "power law"]
    assert area(drawn["eigenvalues"]) == pytest.approx(1.0)
    share = layer.bulk.size / len(layer.eigenvalues)
    assert area(drawn["noise: Marchenko–Pastur"]) == pytest.approx(share, abs=0.01)
    np.testing.assert_array_equal(drawn["outliers"].x, layer.outliers)
    assert len(layer.outliers) == 2
    tail = drawn["power law"]
    assert (tail.x[0], tail.x[-1]) == pytest.approx((layer.xmin, layer.eigenvalues[-1]))
    beyond = 1 - (tail.x[-1] / tail.x[0]) ** (1 - layer.alpha)
    assert area(tail) == pytest.approx(layer.tail / len(layer.eigenvalues) * beyond, rel=1e-3)
    assert [shape.x0 for shape in figure.layout.shapes] == [layer.edge]
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text
    assert "<b>" not in figure.layout.title.text
    looks = {(trace.line.color, trace.line.dash, trace.marker.symbol) for trace in figure.data}
    assert len(looks) == len(figure.data)


def test_the_tail_is_a_straight_line_through_the_counts(spectra):
    layer = spectra["before"]["conv"]
    counts, line = figures.tail_figure(layer).data
    assert (counts.y[0], counts.y[-1]) == (len(layer.eigenvalues), 1)
    slope = np.diff(np.log(line.y)) / np.diff(np.log(line.x))
    np.testing.assert_allclose(slope, 1.0 - layer.alpha)
    assert line.y[0] == layer.tail


@pytest.mark.parametrize("name", ["zeros", "row"])
def test_layers_without_a_spectrum_have_a_figure_too(spectra, name):
    layer = spectra["before"][name]
    for figure in (figures.layer_figure(layer), figures.tail_figure(layer)):
        assert "NaN" not in figure.to_json()
    if name == "zeros":
        assert figures.layer_figure(layer).layout.annotations[0].text == layer.notes[0]


def test_two_checkpoints_side_by_side(spectra):
    figure = figures.layers_figure(spectra)
    before, after = figure.data
    assert [before.customdata[0], after.customdata[0]] == ["&lt;b&gt;first&lt;/b&gt;"] * 2
    assert list(before.y) == [spectra["before"][name].alpha for name in ("<b>first</b>", "conv")]
    np.testing.assert_allclose(before.error_y.array[0], spectra["before"]["<b>first</b>"].alpha_error)
    assert all(b < a for b, a in zip(before.x, after.x, strict=True))
    assert (before.marker.symbol, before.marker.color) != (after.marker.symbol, after.marker.color)
    assert after.name == "&lt;i&gt;after&lt;/i&gt;"
    assert len(figure.layout.xaxis.ticktext) == 4
    found = figures.layers_figure(spectra, quantity="outliers").data[1]
    assert found.y[0] == 2
    for quantity in figures.LAYER_QUANTITIES:
        assert "NaN" not in figures.layers_figure(spectra, quantity=quantity).to_json()
    with pytest.raises(ValueError, match="quantity must be one of"):
        figures.layers_figure(spectra, quantity="beta")


def test_the_table_has_a_row_a_layer(spectra):
    table = figures.weights_table(spectra["before"])
    assert list(table["layer"]) == ["<b>first</b>", "conv", "zeros", "row"]
    layer = spectra["before"]["conv"]
    row = table.iloc[1]
    assert (row["shape"], row["matrices"]) == ("16 × 8 × 3 × 3", 9)
    for field in ("alpha", "alpha_error", "xmin", "tail", "stable_rank", "spectral_norm", "edge"):
        assert row[field] == getattr(layer, field)
    assert row["largest_eigenvalue"] == pytest.approx(layer.eigenvalues[-1])
    assert math.isnan(table.iloc[2]["alpha"])
    assert math.isnan(table.iloc[3]["outliers"])
    assert "All weights are 0." in table.iloc[2]["notes"]


def test_layers_of_other_architectures_are_put_in_order_and_not_joined_by_name(generator):
    def made(*shapes):
        return sc.weight_spectra({f"{i}.weight": torch.randn(*shape, generator=generator) for i, shape in shapes})

    figure = figures.layers_figure(
        {"one": made((0, (30, 20)), (5, (10, 30))), "other": made((0, (30, 20)), (3, (40, 30)))}
    )
    assert list(figure.layout.xaxis.ticktext) == ["1", "2"]
    assert [list(np.round(trace.x)) for trace in figure.data] == [[0, 1], [0, 1]]
    assert figure.data[1].customdata[1] == "3.weight"
