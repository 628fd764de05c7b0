"""Figures of cluster counts: areas end at the threshold, every axis has its title, nothing drawn is not a number."""

import json

import numpy as np
import pytest
import torch

import spectral_core as sc
from spectral_core import figures, graphs
from spectral_core.exact import exact_eigenvalues


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def measured():
    network = graphs.clustered(9, generator=seeded())
    count = graphs.cluster_count(network, generator=seeded(1), probes=8)
    L, known = graphs.normalised_laplacian(network), graphs.component_eigenspace(network)
    stems = sc.lanczos_quadrature(L, steps=40, probes=4, generator=seeded(1), known=known)
    return count, stems, exact_eigenvalues(L.matrix)


def axes(figure):
    layout = json.loads(figure.to_json())["layout"]
    return [layout[name] for name in layout if name.startswith(("xaxis", "yaxis"))]


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_the_counting_figure_shows_estimate_truth_gap_and_inset(measured):
    count, _, eigenvalues = measured
    figure = figures.counting_figure(count, eigenvalues=eigenvalues)
    assert "NaN" not in figure.to_json()
    [curve] = traces(figure, "N(λ), m = 100")
    at = np.searchsorted(curve.x, count.threshold)
    assert curve.y[at] == pytest.approx(count.value, rel=0.02)
    [staircase] = [trace for trace in traces(figure, "exact N(λ)") if trace.showlegend is not False]
    assert staircase.y[np.searchsorted(staircase.x, count.threshold) - 1] == 9
    [area] = [trace for trace in figure.data if trace.fill == "tozeroy"]
    assert max(area.x) <= count.threshold
    gap = figure.layout.shapes[-1]
    assert (gap.x0, gap.x1) == (count.plateau.start, count.plateau.end)
    assert sum("title" in axis and "text" in axis["title"] for axis in axes(figure)) >= 3  # both axes and the inset's
    assert any(trace.xaxis == "x9" for trace in figure.data)


def test_without_a_gap_there_is_none_in_the_picture():
    ring = graphs.from_edges(np.arange(100), (np.arange(100) + 1) % 100)
    count = graphs.cluster_count(ring, generator=seeded(), probes=4)
    figure = figures.counting_figure(count)
    assert not figure.layout.shapes
    assert not [trace for trace in figure.data if trace.fill == "tozeroy"]
    assert "NaN" not in figure.to_json()


def test_the_shaded_area_of_a_density_is_its_count(measured):
    """The area up to lambda*, by the trapezoid rule on the drawn points, times n."""
    count, stems, eigenvalues = measured
    n = len(eigenvalues)
    deepest = graphs.count_from_moments(count.moments, method="deepest minimum")
    smooth = graphs.count_from_quadrature(stems)
    densities = {"maximum entropy": deepest.density, "smoothed Lanczos": smooth.density}
    found = {"maximum entropy": deepest, "smoothed Lanczos": smooth}
    figure = figures.density_figure(densities, found, eigenvalues=eigenvalues, window=1.0)
    areas = [trace for trace in figure.data if trace.fill == "tozeroy"]
    for area, one in zip(areas, found.values(), strict=True):
        x, y = np.asarray(area.x), np.asarray(area.y)
        mass = ((y[1:] + y[:-1]) / 2 * np.diff(x)).sum() + x[0] * y[0]
        assert n * mass == pytest.approx(one.value, rel=0.05)
    assert all(axis["title"]["text"] for axis in axes(figure) if axis.get("title"))


def test_counts_and_errors_against_moments(measured):
    count, _, _ = measured
    methods = ("plateau", "deepest minimum")
    ladder = {
        method: [(m, graphs.count_from_moments(count.moments, method=method, degree=m)) for m in (10, 60, 100)]
        for method in methods
    }
    counts = figures.count_figure(ladder, truth=(9, "exact"))
    [curve] = traces(counts, "plateau")
    clear = [(m, one) for m, one in ladder["plateau"] if one.clear]
    assert list(curve.x) == [m for m, _ in clear]
    assert list(curve.error_y.array) == [2 * one.standard_error for _, one in clear]
    assert traces(counts, "exact: 9")
    errors = figures.error_figure(ladder, (9, "exact"), probes=8)
    [curve] = traces(errors, "plateau")
    assert list(curve.y) == pytest.approx([abs(one.value / 9 - 1) for _, one in clear])
    [floor] = traces(errors, "floor of 8 probes")
    assert floor.y[0] == pytest.approx(np.sqrt(2 / 72))
    assert counts.layout.yaxis.title.text
    assert errors.layout.yaxis.type == "log"
    shown = {(trace.line.color, trace.line.dash, trace.marker.symbol) for trace in counts.data[:2]}
    assert len(shown) == 2  # told apart without colour as well
    assert len({symbol for _, _, symbol in shown}) == 2


def test_the_table_is_the_curve(measured):
    count, _, _ = measured
    table = figures.counting_table(count)
    assert list(table.columns) == ["lambda", "count", "standard_error", "known_exactly"]
    assert table["count"].iloc[-1] == pytest.approx(270)
    assert table["known_exactly"].iloc[0] == count.components
