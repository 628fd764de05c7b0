"""Figures and table of a comparison."""

import numpy as np
import pytest

from spectral_core import figures, maxent
from spectral_core.graphs import similarity_of_moments
from spectral_core.random_matrices import Semicircle

NAMES = ("first", "<b>second</b>", "third")


@pytest.fixture(scope="module")
def similarity():
    moments = [Semicircle(r, centre=1.0).moments(6, interval=(0, 2)) for r in (0.3, 0.8, 0.4)]
    return similarity_of_moments(moments, NAMES)


def test_heatmap_writes_each_value_in_its_cell_in_the_order_given(similarity):
    order = similarity.order()
    figure = figures.heatmap_figure(NAMES, similarity.divergence, errors=similarity.standard_error, order=order)
    [heat] = figure.data
    for row in range(3):
        for column in range(3):
            value = similarity.divergence[order[row], order[column]]
            assert heat.text[row][column] == ("" if row == column else f"{value:.2g}")
    assert "<b>" not in "".join(heat.x)
    assert figure.layout.yaxis.autorange == "reversed"


def test_heatmap_of_one_distance_only_and_of_unknown_errors(similarity):
    matrix = np.array([[0.0, 0.5], [0.5, 0.0]])
    figure = figures.heatmap_figure(NAMES[:2], matrix, errors=np.full((2, 2), np.inf))
    assert "error unknown" in figure.data[0].customdata[0][1]


def test_overlay_gives_every_density_a_line_of_its_own(similarity):
    densities = {f"{place}": similarity.densities[place % 3] for place in range(10)}
    lines = [trace for trace in figures.overlay_figure(densities).data if trace.mode == "lines"]
    assert len({(line.line.color, line.line.dash) for line in lines}) == 10
    assert [line.visible for line in lines] == [True] * 8 + ["legendonly"] * 2
    x, y = np.asarray(lines[0].x), np.asarray(lines[0].y)
    assert np.trapezoid(y, x) == pytest.approx(1.0, abs=0.01)  # of some 700 points


def test_table_has_a_row_a_pair_nearest_first(similarity):
    table = figures.pairs_table(similarity)
    assert len(table) == 3
    assert table["symmetric KL (nats)"].is_monotonic_increasing
    fits = dict(zip(NAMES, similarity.densities, strict=True))
    row = table.iloc[0]
    p, q = fits[row["graph"]], fits[row["other graph"]]
    assert row["symmetric KL (nats)"] == pytest.approx(p.symmetric_kl(q))


def test_fits_are_those_of_maxent(similarity):
    again = maxent(Semicircle(0.3, centre=1.0).moments(6, interval=(0, 2)), standard_error=2e-3)
    np.testing.assert_allclose(similarity.densities[0].coefficients, again.coefficients, atol=1e-9)
