"""Figures and tables of the models that were fitted to a graph."""

import numpy as np
import pytest
import torch

from spectral_core import figures, graphs


@pytest.fixture(scope="module")
def fits():
    graph = graphs.erdos_renyi(60, 0.5, generator=torch.Generator().manual_seed(0))
    return graphs.fit_models(graph, degree=10, repeats=2, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=["er", "ws", "ba"])
def fit(request, fits):
    return next(fit for fit in fits.fits if fit.model == request.param)


def test_the_curve_shows_every_point_its_band_and_the_minimum(fit):
    band, line, minimum = figures.model_curve_figure(fit).data
    np.testing.assert_array_equal(line.x, fit.parameters)
    np.testing.assert_array_equal(line.y, fit.divergence)
    assert len(band.x) == 2 * len(fit.parameters)
    assert min(band.y) > 0  # for the logarithmic axis
    assert minimum.x[0] == fit.value
    assert minimum.x[0] + minimum.error_x.array[0] == pytest.approx(max(fit.interval[1], fit.value))
    assert minimum.x[0] - minimum.error_x.arrayminus[0] == pytest.approx(min(fit.interval[0], fit.value))
    assert fit.label in minimum.hovertemplate


def test_axes_say_what_they_show_and_divergences_are_logarithmic(fit):
    layout = figures.model_curve_figure(fit, limits=(1e-3, 10.0), title="nearest").layout
    assert layout.title.text == "nearest"
    assert layout.yaxis.type == "log"
    assert layout.yaxis.range == (-3.0, 1.0)
    assert "nats" in layout.yaxis.title.text
    assert (
        layout.xaxis.title.text
        == {
            "er": "edge probability p",
            "ws": f"rewiring probability p (k = {fit.k})",
            "ba": "edges of a new node, r",
        }[fit.model]
    )


def test_models_differ_by_more_than_colour(fits):
    lines = [figures.model_curve_figure(fit).data[1] for fit in fits.fits]
    assert len({line.marker.symbol for line in lines}) == len({line.line.color for line in lines}) == 3
    curves = [t for t in figures.best_fits_figure(fits).data if t.mode == "lines" and t.showlegend is not False]
    assert len({curve.line.dash for curve in curves}) == len({curve.line.color for curve in curves}) == 4


def test_best_fits_over_the_graph_and_its_histogram(fits):
    values = np.linspace(0.1, 1.9, 60)
    figure = figures.best_fits_figure(fits, eigenvalues=values)
    assert figure.data[0].type == "bar"
    assert np.sum(figure.data[0].y * figure.data[0].width) == pytest.approx(1.0)
    named = figures.best_fits(fits)
    assert next(iter(named)) == "the graph"
    curves = {trace.name: trace for trace in figure.data[1:] if trace.showlegend is not False}
    assert list(curves) == list(named)
    for name, density in named.items():
        np.testing.assert_allclose(curves[name].y, density.pdf(curves[name].x))


def test_tables_hold_the_numbers(fits):
    table = figures.fits_table(fits)
    assert list(table["divergence (nats)"]) == [fit.least.value for fit in fits.fits]
    assert ((table["from"] <= table["value"]) & (table["value"] <= table["to"])).all()
    curves = figures.model_curves_table(fits)
    assert len(curves) == sum(len(fit.parameters) for fit in fits.fits)
    er = curves[curves.model == "er"]
    np.testing.assert_allclose(er.mean_degree, er.value * 59)
    assert curves[curves.model != "ws"].k.isna().all()


def test_nothing_fitted_yet_is_the_graph_alone(fits):
    early = graphs.ModelFits((), fits.target, fits.ridge, 0, 0.0)
    assert list(figures.best_fits(early)) == ["the graph"]
    assert len(figures.best_fits_figure(early).data) == 1
    assert figures.fits_table(early).empty
    assert figures.model_curves_table(early).empty
