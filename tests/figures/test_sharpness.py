"""Figures of several minima: one axis, one sigma, and what distinguishes many curves."""

import numpy as np
import pytest
import torch

import spectral_core as sc
from spectral_core import figures


@pytest.fixture(scope="module")
def spectra():
    """Diagonal matrices with an outlier each, at 10, 20, ..., the outlier known."""
    found = {}
    for place in range(7):
        values = torch.cat([torch.linspace(-1.0, 1.0, 99, dtype=torch.float64), torch.tensor([10.0 * (place + 1)])])
        unit = np.zeros((100, 1))
        unit[-1] = 1.0
        known = sc.Eigenspace(values[-1:].numpy(), unit)
        generator = torch.Generator().manual_seed(place)
        found[f"run <{place}>"] = sc.lanczos_quadrature(
            torch.diag(values.double()), steps=12, probes=3, generator=generator, known=known
        )
    return found


def curves(figure):
    return [trace for trace in figure.data if trace.showlegend is not False]


def test_each_outlier_is_a_bell_of_one_eigenvalue(spectra):
    sigma = 0.5
    drawn = curves(figures.minima_figure(spectra, sigma=sigma))
    assert [trace.name for trace in drawn] == [f"run &lt;{place}&gt;" for place in range(7)]
    assert all(np.array_equal(trace.x, drawn[0].x) for trace in drawn)
    step = drawn[0].x[1] - drawn[0].x[0]
    for place, trace in enumerate(drawn):
        assert abs(trace.y.sum() * step - 1.0) < 1e-3  # a density
        at = np.abs(trace.x - 10.0 * (place + 1)).argmin()
        peak = np.exp(-0.5 * ((trace.x[at] - 10.0 * (place + 1)) / sigma) ** 2) / (100 * sigma * np.sqrt(2 * np.pi))
        assert abs(trace.y[at] - peak) < 1e-9


def test_no_two_curves_look_alike_and_the_edge_is_drawn(spectra):
    figure = figures.minima_figure(spectra, sigma=0.5, edge=3.0)
    assert len({(trace.line.color, trace.line.dash) for trace in curves(figure)}) == 7
    assert [shape.x0 for shape in figure.layout.shapes] == [3.0]
    assert "edge 3" in figure.layout.annotations[0].text
    assert "σ = 0.5" in figure.layout.title.text
    assert "NaN" not in figure.to_json()


def test_either_density_axis_holds_every_curve(spectra):
    top = max(trace.y.max() for trace in curves(figures.minima_figure(spectra, sigma=0.5)))
    log, linear = (figures.minima_figure(spectra, sigma=0.5, log=log).layout.yaxis for log in (True, False))
    assert (log.type, linear.type) == ("log", "linear")
    assert 10 ** log.range[1] >= top
    assert 10 ** log.range[0] < 1 / (100 * 0.5 * np.sqrt(2 * np.pi))  # one eigenvalue
    assert linear.range[0] == 0.0
    assert linear.range[1] >= top


def test_a_marker_a_checkpoint_with_its_bars():
    points = {"a": (0.4, 1e-6, 0.976, 0.005), "b": (39.0, 1e-5, 0.84, 0.01), "no place": (-1.0, 0.0, 0.5, 0.1)}
    figure = figures.generalisation_figure(points)
    a, b = figure.data
    assert (a.name, b.name) == ("a", "b")
    np.testing.assert_allclose([a.x[0], a.y[0], a.error_x.array[0], a.error_y.array[0]], [0.4, 0.024, 1e-6, 0.01])
    assert a.marker.symbol != b.marker.symbol
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert figure.layout.xaxis.ticktext[figure.layout.xaxis.tickvals.index(20.0)] == "20"
    assert figure.layout.yaxis.ticktext[figure.layout.yaxis.tickvals.index(0.05)] == "5 %"


def test_an_error_of_zero_has_its_place_on_a_linear_axis():
    figure = figures.generalisation_figure({"a": (0.4, 0.0, 1.0, 0.0), "b": (4.0, 0.0, 0.9, 0.01)})
    assert figure.layout.yaxis.type != "log"
    assert figure.data[0].y[0] == 0.0
