"""Figures and tables of log-determinants and likelihoods: what they show is what the results hold."""

import numpy as np
import pytest
import torch

import spectral_core as sc
from spectral_core import figures, kernels
from spectral_core.estimators.logdet import LogDeterminant
from spectral_core.figures.logdet import LOGDET_METHODS, LogScaleDensity
from spectral_core.figures.theme import BACKGROUNDS, contrast_ratio

HISTORY = np.array([(100, -95.0, 4.0), (200, -99.0, 1.0), (300, -101.0, 0.5)])
ANSWERS = {
    "exact": LogDeterminant(-100.0, 0.0, 50, bar="exact", method="exact", bracket=(-100.0, -100.0), size=50),
    "slq": LogDeterminant(
        -101.0, 0.5, 300, degrees_of_freedom=9, method="slq", bracket=(-101.5, -100.9), size=50, history=HISTORY
    ),
    "chebyshev": LogDeterminant(-40.0, 200.0, 300, degrees_of_freedom=9, method="chebyshev", size=50, history=HISTORY),
    "meme": LogDeterminant(np.nan, np.inf, 10, method="meme", size=50),
}


def test_a_row_a_method_with_its_interval_bracket_and_the_exact_line():
    figure = figures.logdet_figure(ANSWERS)
    points = {trace.name: trace for trace in figure.data if trace.mode == "markers"}
    assert set(points) == {"Lanczos quadrature", "Chebyshev"}
    low, high = ANSWERS["slq"].interval(0.95)
    assert points["Lanczos quadrature"].error_x.array[0] == pytest.approx(high + 101.0)
    assert points["Lanczos quadrature"].error_x.arrayminus[0] == pytest.approx(-101.0 - low)
    [band] = [trace for trace in figure.data if trace.mode == "lines"]
    assert tuple(band.x) == (-101.5, -100.9)
    assert figure.layout.shapes[0].x0 == -100.0
    left, right = figure.layout.xaxis.range
    assert -120 < left < -102
    assert -40 < right < 0  # a bar of 200 runs out of the picture


def test_errors_are_relative_to_the_exact_answer():
    figure = figures.logdet_error_figure(ANSWERS)
    [line] = [trace for trace in figure.data if trace.name == "Lanczos quadrature"]
    np.testing.assert_allclose(line.y, [0.05, 0.01, 0.01])
    np.testing.assert_array_equal(line.x, [100, 200, 300])
    [reported] = [trace for trace in figure.data if trace.name == "Lanczos quadrature, as reported"]
    np.testing.assert_allclose(reported.y, [0.04, 0.01, 0.005])
    without = figures.logdet_error_figure({"slq": ANSWERS["slq"]})
    [line] = without.data
    np.testing.assert_allclose(line.y, [4 / 95, 1 / 99, 0.5 / 101])
    assert "reported" in without.layout.yaxis.title.text


def test_tables():
    table = figures.logdet_table(ANSWERS, {"bmxnt": "it refused."})
    assert table["method"].tolist() == ["exact", "Lanczos quadrature", "Chebyshev", "MEMe", "BMxnt"]
    assert table["relative error"].tolist()[1] == pytest.approx(0.01)
    assert table["stopped"].tolist()[-1] == "it refused."
    history = figures.logdet_history_table(ANSWERS)
    assert len(history) == 6
    assert set(history["method"]) == {"Lanczos quadrature", "Chebyshev"}


def test_tables_have_no_infinite_cell():
    tables = (figures.logdet_table(ANSWERS), figures.logdet_history_table(ANSWERS))
    for table in tables:
        assert not np.isinf(table.select_dtypes("number").to_numpy(dtype=float)).any()
    assert tables[0]["lower"].isna().tolist() == [False, False, True, True]  # no bracket is known


def test_a_peak_does_not_hide_the_histogram():
    values = np.r_[np.linspace(1.0, 9.0, 400)]
    narrow = sc.maxent(sc.Moments.exact([1.0, 0.0, 1e-4 - 1.0], interval=(0.0, 10.0)))  # near 5, within a tenth
    settings = {"interval": (0.0, 10.0), "eigenvalues": values, "bins": 20}
    figure = figures.clip_peaks(figures.spectrum_figure(densities={"fit": narrow}, **settings))
    [bars] = [trace for trace in figure.data if trace.type == "bar"]
    assert figure.layout.yaxis.range[1] == pytest.approx(1.25 * bars.y.max())
    assert "cut off: a peak" in figure.layout.xaxis.title.text
    whole = figures.clip_peaks(figures.spectrum_figure(**settings))
    assert whole.layout.yaxis.range is None
    assert "cut off" not in whole.layout.xaxis.title.text


def test_methods_differ_by_more_than_colour_and_are_legible():
    styles = [style for _, style in LOGDET_METHODS.values()]
    assert len({style.symbol for style in styles[1:]}) == len(styles) - 1
    for style in styles:
        assert all(contrast_ratio(style.colour, background) >= 3 for background in BACKGROUNDS.values())


def test_the_logarithmic_spectrum_keeps_its_mass():
    values = np.geomspace(1e-3, 10.0, 200)
    A = torch.diag(torch.as_tensor(values))
    stems = sc.lanczos_quadrature(A, steps=20, probes=4, generator=torch.Generator().manual_seed(0))
    density = sc.maxent(stems.moments(10, interval=(5e-4, 11.0)))
    wrapped = LogScaleDensity(density, np.zeros((0, 2)))
    u = np.linspace(np.log10(5e-4), np.log10(11.0), 20_001)
    assert np.trapezoid(wrapped.pdf(u), u) == pytest.approx(1.0, abs=1e-3)
    figure = figures.log_spectrum_figure(
        interval=(5e-4, 11.0), stems=stems, densities={"fit": density}, eigenvalues=values, bins=40
    )
    [bars] = [trace for trace in figure.data if trace.type == "bar"]
    assert np.sum(bars.y * bars.width) == pytest.approx(1.0)
    np.testing.assert_allclose(bars.y[5:-5], bars.y[5], rtol=0.5)  # even on a logarithmic axis
    assert list(figure.layout.xaxis.tickvals) == [-3, -2, -1, 0, 1]
    assert all("per unit" not in (trace.hovertemplate or "") for trace in figure.data)
    [drawn] = [trace for trace in figure.data if trace.name.startswith("Lanczos stems")]
    assert np.sum(drawn.y) == pytest.approx(1.0)


@pytest.fixture(scope="module")
def curves():
    draw = torch.Generator().manual_seed(0)
    X = torch.randn(40, 2, generator=draw, dtype=torch.float64)
    y = X[:, 0].sin()
    problem = (X, y, kernels.RBF(), 0.1, [0.3, 1.0, 3.0])
    return (
        kernels.length_scale_curve(*problem, products=100, exact=False, generator=draw),
        kernels.length_scale_curve(*problem, exact=True),
    )


def test_the_terms_and_the_maximum_of_a_likelihood(curves):
    estimate, exact = curves
    figure = figures.likelihood_figure(estimate, exact, truth=1.0)
    drawn = {trace.name: trace for trace in figure.data if trace.name != "exact"}
    np.testing.assert_array_equal(drawn["log marginal likelihood"].y, estimate.value)
    np.testing.assert_array_equal(drawn["−½ log det K (complexity)"].y, -0.5 * estimate.logdet)
    assert drawn["maximum"].x[0] == estimate.best
    assert drawn["maximum, exact"].x[0] == exact.best
    low, high = figure.layout.yaxis.range
    assert low < exact.value.max() < high


def test_the_error_of_the_log_determinant(curves):
    estimate, exact = curves
    [points] = figures.likelihood_error_figure(estimate, exact).data
    np.testing.assert_allclose(points.y, estimate.logdet - exact.logdet)
    table = figures.likelihood_table(estimate, exact)
    np.testing.assert_array_equal(table["log det K, exact"], exact.logdet)
    assert "log det K, exact" not in figures.likelihood_table(estimate)


def test_curves_without_a_point_yet(curves):
    from dataclasses import replace

    none = {field: np.zeros(0) for field in ("lengthscale", "value", "standard_error", "lower", "upper")}
    none |= {field: np.zeros(0) for field in ("logdet", "logdet_standard_error", "quadratic")}
    empty = replace(curves[0], **none)
    assert figures.likelihood_figure(empty).layout.yaxis.range is None
    assert len(figures.likelihood_table(empty)) == 0
