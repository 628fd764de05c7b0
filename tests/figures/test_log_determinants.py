"""Figures and tables of entropy against moments, and of kernels over length scales."""

from types import SimpleNamespace

import numpy as np
import pytest

from spectral_core import figures
from spectral_core.estimators.logdet import LogDeterminant, entropy_against_moments


@pytest.fixture(scope="module")
def curves():
    return entropy_against_moments(np.logspace(-3, 0, 100), range(2, 12), iterations=100)


def test_both_methods_over_the_number_of_moments(curves):
    for figure, columns in (
        (figures.entropy_figure(curves), curves.entropy),
        (figures.entropy_error_figure(curves), curves.error),
    ):
        assert len(figure.data) == 2
        for place, trace in enumerate(figure.data):
            np.testing.assert_allclose(trace.x, curves.degrees)
            np.testing.assert_allclose(trace.y, columns[:, place])
        looks = {(trace.line.dash, trace.marker.symbol) for trace in figure.data}
        assert len(looks) == 2  # told apart without colour
        assert figure.layout.xaxis.title.text
        assert figure.layout.yaxis.title.text
        assert "NaN" not in figure.to_json()


def test_a_rise_is_pointed_at(curves):
    said = [one.text for one in figures.entropy_figure(curves).layout.annotations]
    assert said == [f"BMxnt rises:<br>m = {curves.rises['bmxnt']}"]


def test_entropy_table(curves):
    table = figures.entropy_table(curves)
    assert list(table["moments"]) == list(range(2, 12))
    np.testing.assert_array_equal(table["MEMe entropy"], curves.entropy[:, 0])
    np.testing.assert_array_equal(table["BMxnt relative error"], curves.error[:, 1])


def test_floor_figure_while_it_is_computed():
    floors = np.array([1e-2, 1e-4, 1e-6])
    values = {"flat": np.array([-3.0, -3.5]), "logarithmic": np.array([-4.0, -6.0])}
    figure = figures.floor_figure(floors, values, truth=-3.6)
    assert [len(trace.x) for trace in figure.data] == [2, 2]
    assert len({(trace.line.dash, trace.marker.symbol) for trace in figure.data}) == 2
    assert figure.layout.shapes[0].y0 == -3.6
    assert "NaN" not in figure.to_json()


def answer(value):
    return LogDeterminant(value, 0.5, 100, method="slq", size=10, bracket=(value - 1.0, value))


def test_errors_over_length_scales():
    published = [SimpleNamespace(lengthscale=s, meme=0.01, chebyshev=0.1, lanczos=0.2) for s in (0.1, 0.2)]
    rows = [SimpleNamespace(lengthscale=0.1, condition=10.0, truth=-10.0, answers={"slq": answer(-9.0)})]
    figure = figures.length_scale_error_figure(rows, published)
    drawn = {trace.name: trace for trace in figure.data}
    assert len(drawn) == 4
    np.testing.assert_allclose(drawn["Lanczos quadrature"].y, [0.1])
    np.testing.assert_allclose(drawn["printed: Lanczos"].y, [0.2, 0.2])
    assert len({(trace.line.dash, trace.marker.symbol) for trace in figure.data}) == 4
    table = figures.length_scale_error_table(rows)
    assert table.loc[0, "relative error"] == pytest.approx(0.1)
    assert table.loc[0, "relative standard error"] == pytest.approx(0.05)
    rows[0].answers["meme"] = LogDeterminant(np.nan, np.inf, 10, method="meme", size=10)  # refused
    assert "NaN" not in figures.length_scale_error_figure(rows, published).to_json()
    assert (table.loc[0, "lower"], table.loc[0, "exact"]) == (rows[0].answers["slq"].lower, -10.0)


def test_every_method_of_the_table_looks_different():
    looks = {(style.colour, style.dash, style.symbol) for _, style in figures.TABLE_METHODS.values()}
    assert len(looks) == len(figures.TABLE_METHODS)
