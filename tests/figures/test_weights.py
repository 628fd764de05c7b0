"""Figures and table of weight spectra."""

import math

import numpy as np
import pytest
import torch

import spectral_core as sc
from spectral_core import figures
from spectral_core.figures.theme import logarithmic


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
    assert [shape.x0 for shape in figure.layout.shapes] == [layer.bulk.threshold]
    assert drawn["noise: Marchenko–Pastur"].x[-1] == pytest.approx(layer.edge)
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
            assert figure.layout.annotations[0].text == layer.notes[0]
            assert figure.layout.xaxis.visible is False


def test_two_checkpoints_side_by_side(spectra):
    figure = figures.layers_figure(spectra)
    before, after = figure.data
    assert [before.customdata[0][0], after.customdata[0][0]] == ["&lt;b&gt;first&lt;/b&gt;"] * 2
    assert list(before.y) == [spectra["before"][name].alpha for name in ("<b>first</b>", "conv")]
    np.testing.assert_allclose(before.error_y.array[0], spectra["before"]["<b>first</b>"].alpha_error)
    assert all(b < a for b, a in zip(before.x, after.x, strict=True))
    assert before.marker.symbol[0] != after.marker.symbol[0]
    assert before.marker.color != after.marker.color
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
    assert figure.data[1].customdata[1][0] == "3.weight"


def test_exponents_not_to_be_relied_on_are_hollow_and_faint(spectra):
    one = {"after": spectra["<i>after</i>"]}
    first, conv, *rest = one["after"].layers
    assert (first.doubt, conv.doubt) == ("", "only 7 values in the tail")
    swapped = {"after": sc.WeightSpectra((conv, first, *rest), (), 1.0, "")}
    figure = figures.layers_figure(swapped)
    [trace] = figure.data
    assert dict(trace.customdata) == {"conv": conv.doubt, "&lt;b&gt;first&lt;/b&gt;": ""}
    assert list(trace.marker.symbol) == ["circle", "circle-open"]  # the reliable one first, for the legend
    assert list(trace.x) == [1, 0]
    assert list(trace.y) == [first.alpha, conv.alpha]
    assert list(trace.error_y.array) == [first.alpha_error, conv.alpha_error]
    assert "hollow" in figure.layout.title.subtitle.text
    norms = figures.layers_figure(one, quantity="spectral_norm")
    assert set(norms.data[0].marker.symbol) == {"circle"}
    assert not norms.layout.title.subtitle.text
    for layer in (first, conv):
        for draw in (figures.layer_figure, figures.tail_figure):
            line = draw(layer).data[-1]
            assert ("doubtful" in line.name, line.line.dash == "dot") == (bool(layer.doubt),) * 2
    assert list(figures.weights_table(one["after"])["alpha_doubt"]) == ["", conv.doubt, "", ""]
    nothing = figures.layers_figure({"x": sc.weight_spectra({"zeros": torch.zeros(9, 9)})})
    assert nothing.layout.annotations[0].text == "No layer has one."


@pytest.mark.parametrize("draw", [figures.layer_figure, figures.tail_figure])
def test_shared_axes_hold_what_each_figure_shows(spectra, draw):
    layers = [spectra[name]["<b>first</b>"] for name in spectra] + [spectra["before"]["zeros"]]
    alone, together = [draw(layer) for layer in layers], [draw(layer) for layer in layers]
    assert alone[0].layout.xaxis.range != alone[1].layout.xaxis.range
    figures.share_axes(*together)
    for axis in ("xaxis", "yaxis"):
        low, high = zip(*(figure.layout[axis].range for figure in alone[:2]), strict=True)
        for figure in together[:2]:
            assert figure.layout[axis].range == (min(low), max(high))
            assert figure.layout[axis].dtick == together[0].layout[axis].dtick
        assert together[2].layout[axis].range is None


@pytest.mark.parametrize("decades", [0.1, 0.5, 0.8, 1.5, 2.5, 5.0, 9.0])
def test_a_logarithmic_axis_has_2_to_10_ticks_in_full(decades):
    """Written out within (1e-4, 1e6); each kind of step counted by hand."""
    axis = logarithmic(-1.0, decades - 1.0)
    low, high = 10.0 ** np.array(axis["range"])
    if str(axis["dtick"]).startswith("L"):
        step = float(axis["dtick"][1:])
        ticks = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    else:
        steps = [1, 2, 5] if axis["dtick"] == "D2" else [1]
        powers = np.arange(-1, np.floor(decades), 1 if axis["dtick"] == "D2" else axis["dtick"])
        ticks = [m * 10.0**power for power in powers for m in steps if low * 0.999 <= m * 10.0**power <= high]
    assert 2 <= len(ticks) <= 10
    assert axis["tickformat"] == ("~g" if decades < 7 else None)
