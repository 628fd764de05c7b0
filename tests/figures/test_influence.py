"""Figures and table of two clusters that are joined."""

import numpy as np
import pytest
import torch

from spectral_core import figures, graphs
from spectral_core.figures.influence import CURVES


@pytest.fixture(scope="module")
def linked():
    graph, links = graphs.two_clusters(20, p=0.4, edges=30, generator=torch.Generator().manual_seed(0))
    return graphs.linked_clusters(graph, links)


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_every_curve_is_drawn_from_the_first_edge_on(linked):
    figure = figures.influence_figure(linked, edges=7)
    drawn = traces(figure)
    assert len(drawn) == len(CURVES)
    for field, (name, _, _) in CURVES.items():
        np.testing.assert_allclose(drawn[name].x, np.arange(1, 31))
        np.testing.assert_allclose(drawn[name].y, getattr(linked, field)[1:])
    looks = {(trace.line.color, trace.line.dash) for trace in figure.data}
    assert len(looks) == len(CURVES)
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text
    assert [shape.x0 for shape in figure.layout.shapes if shape.x0 == shape.x1] == [7]
    assert "NaN" not in figure.to_json()


def test_zero_and_unknown_values_have_no_place_on_a_logarithmic_axis():
    """Two lone edges: the printed expression is 0. Above 2000 nodes the largest shift is unknown."""
    path = graphs.edge_influence(graphs.from_edges([0, 2], [1, 3]), 1, 2)
    assert CURVES["thesis"][0] not in traces(figures.influence_figure(path))
    low = graphs.LinkedClusters(
        *(np.array([0.0, 1.0]), np.array([[0.0, 0.0], [0.0, 0.1]])), *(np.array([0.0, 0.2]),) * 5, degree=5.0
    )
    figure = figures.influence_figure(low)
    assert CURVES["largest_shift"][0] not in traces(figure)
    assert "NaN" not in figure.to_json()


def test_stems_before_and_after(linked):
    before, after = figures.before_after_figure(linked, 5, count=8).data
    np.testing.assert_allclose(before.y, linked.eigenvalues[0, :8])
    np.testing.assert_allclose(after.y, linked.eigenvalues[5, :8])
    assert (np.array(before.x) < np.arange(1, 9)).all()
    assert (np.array(after.x) > np.arange(1, 9)).all()
    assert "5 edges" in after.name
    assert before.marker.symbol != after.marker.symbol


def test_the_table_holds_all_numbers(linked):
    table = figures.influence_table(linked)
    assert list(table["edges"]) == list(range(31))
    for field in CURVES:
        np.testing.assert_array_equal(table[field], getattr(linked, field))
    np.testing.assert_array_equal(table["lambda_2"], linked.shift)
