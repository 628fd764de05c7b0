"""Figures of landscapes: what is measured is drawn, what is not finite is marked, what is not there is a gap."""

import numpy as np
import pytest
import torch
from plotly.graph_objects import Figure

from spectral_core import figures, landscapes, optimisers
from spectral_core.landscapes import Barrier, LossLine, LossPlane, QuadraticModel, TrustRadius, Values

A = np.linspace(-1, 1, 5)
BOWL = QuadraticModel(1.0, [0.0, 0.0], [[2.0, 0.0], [0.0, 4.0]], 2)


def scan(values, centre, done, stopped):
    names = {"batch_norm": "eval", "dtype": "float32", "notes": (), "passes": 5, "stopped": stopped, "key": "k"}
    return {"values": values, "centre": centre, "done": done} | names


def line(eigenvalue=2.0, broken=(), name="d", error=True):
    values = {}
    for place, key in enumerate(("train", "<b>test</b>")):
        loss = 1 + place + np.nan_to_num(eigenvalue) * A**2 / 2
        loss[list(broken)] = np.nan if place else np.inf
        values[key] = Values(loss, np.full(5, 0.1), loss / 9 if error else None)
    centre = {key: Values(1.0 + place, 0.1, None) for place, key in enumerate(values)}
    return LossLine(A, name, eigenvalue, 1.0, **scan(values, centre, np.ones(5, bool), "all points"))


def plane(rows=5, broken=(), scale=1.0):
    x, y = np.meshgrid(A, A)
    loss = scale * (1 + x**2 + 2 * y**2)
    for place in broken:
        loss[place] = np.nan
    done = np.arange(5) < rows
    loss[~done] = np.nan
    values = {"train": Values(loss, loss / 10, loss / 9)}
    centre = {"train": Values(1.0, 0.1, 0.1)}
    return LossPlane(A, A, ("u<b>", "v"), (1.0, 3.0), 0.0, **scan(values, centre, done, "all rows"))


def names(figure):
    return [trace.name for trace in figure.data if trace.name and trace.showlegend is not False]


def test_panels_go_down_by_eigenvalue():
    given = {"small": line(0.1), "random": line(np.nan), "large": line(3.0, broken=[0]), "negative": line(-1.0)}
    models = {"large": BOWL.along(0), "small": {"train": BOWL.along(0), "<b>test</b>": BOWL.along(1)}}
    figure = figures.line_panels_figure(given, models=models, radii={"large": TrustRadius(0.3, np.inf, 1.0, 1.0, 0.1)})
    assert [note.text for note in figure.layout.annotations[:4]] == ["large", "small", "negative", "random"]
    assert len(set(names(figure))) == len(names(figure)) == 5  # two sets, two models, what is not finite
    (marks,) = (trace for trace in figure.data if trace.name == "NaN or infinite")
    assert list(marks.x) == [-1.0]
    (band,) = figure.layout.shapes
    assert (band.x0, band.x1) == (-0.3, 1.0)
    curve = next(trace for trace in figure.data if trace.name == "train" and trace.fill is None)
    assert np.isnan(curve.y[0])
    assert list(curve.y[1:]) == list(given["large"].loss[1:])
    assert "<b>test</b>" not in figure.to_json()
    logarithmic = figures.line_panels_figure(given, log=True)
    assert all(axis.type == "log" for axis in logarithmic.select_yaxes())
    assert figures.line_panels_figure(given, quantity="error").layout.yaxis.title.text == "share misclassified"
    with pytest.raises(ValueError, match="no share misclassified"):
        figures.line_panels_figure({"a": line(error=False)}, quantity="error")


def test_a_line_of_nothing_finite_is_drawn():
    figure = figures.line_panels_figure({"far": line(broken=range(5))}, log=True)
    assert figure.to_plotly_json()
    assert list(figure.data[-1].x) == list(A)


def test_the_barrier_stands_on_the_straight_line():
    figure = figures.barrier_figure(line(), {"train": Barrier(0.5, 0.1, 0.25, 1.0, 2.0)})
    (height,) = (trace for trace in figure.data if trace.name and "barrier" in trace.name)
    assert list(height.y) == [1.25, 1.75]
    assert figures.barrier_figure(line(), {"train": Barrier(np.inf, np.nan, 0.25, 1.0, 2.0)}).data


@pytest.mark.parametrize("log", [False, True])
def test_contours_and_surfaces_show_the_same_heights(log):
    flat, tall = (draw(plane(), log=log) for draw in (figures.plane_figure, figures.surface_figure))
    expected = np.log10(plane().loss) if log else plane().loss
    assert np.allclose(flat.data[0].z, expected)
    assert np.allclose(tall.data[0].z, expected)
    assert np.allclose(flat.data[0].customdata, plane().loss)
    assert "u&lt;b&gt;" in flat.layout.xaxis.title.text
    assert "1 and 3 in weight space" in flat.layout.title.subtitle.text
    assert tall.layout.scene.camera.to_plotly_json() == figures.CAMERA
    if log:
        ticks = tall.layout.scene.zaxis
        assert [float(f"{10**value:.3g}") for value in ticks.tickvals] == [float(text) for text in ticks.ticktext]


@pytest.mark.parametrize("draw", [figures.plane_figure, figures.surface_figure])
def test_what_diverged_is_marked_and_what_is_not_done_is_a_gap(draw):
    partial = plane(rows=3, broken=[(0, 1), (2, 4)])
    figure = draw(partial)
    (marks,) = (trace for trace in figure.data if trace.name == "NaN or infinite")
    assert sorted(zip(marks.x, marks.y, strict=True)) == [(-0.5, -1.0), (1.0, 0.0)]
    assert np.isnan(figure.data[0].z).sum() == 12
    assert "60% of the rows" in figure.layout.title.subtitle.text
    assert "NaN" not in names(draw(plane()))
    for empty in (plane(rows=0), plane(broken=[(i, j) for i in range(5) for j in range(5)])):
        assert isinstance(draw(empty), Figure)
    zero = plane(scale=0.0)
    assert draw(zero).to_plotly_json()


def test_walks_and_checkpoints_lie_on_the_plane():
    class Bowl:
        def function(self, x):
            return float(BOWL(x))

        def gradient(self, x):
            return BOWL.slopes + BOWL.curvatures @ x

    walks = {
        "Gadam": optimisers.walk(Bowl(), "Gadam", [1.0, 1.0], steps=12, average_from=3),
        "away": optimisers.walk(Bowl(), "SGD", [0.1, 1e150], steps=400, learning_rate=9.0),
    }
    assert walks["away"].diverged
    trajectory = np.array([[0.5, 0.5], [0.2, 0.1], [0.0, 0.0]])
    given = {"points": {"other <i>": (0.5, -0.5)}, "trajectory": trajectory, "walks": walks}
    flat, tall = figures.plane_figure(plane(), model=BOWL, **given), figures.surface_figure(plane(), log=False, **given)
    assert any(name.startswith("away: diverged") for name in names(flat))
    (run,) = (trace for trace in flat.data if trace.name == "training run")
    assert np.array_equal(np.column_stack([run.x, run.y]), trajectory)
    (mean,) = (trace for trace in flat.data if trace.name == "Gadam: average")
    assert np.allclose(mean.x, walks["Gadam"].averages[:, 0])
    (there,) = (trace for trace in tall.data if trace.name == "checkpoint")
    assert np.allclose(there.z, [1.0, 1.75], atol=0.05)  # on the surface, a little lifted
    assert "<i>" not in flat.to_json() + tall.to_json()


def test_views_of_compared_models_are_linked():
    given = {"first": plane(), "second <b>": plane(scale=10.0)}
    flat = figures.compared_planes_figure(given)
    assert {axis.matches for axis in flat.select_xaxes()} == {"x"}
    assert {axis.matches for axis in flat.select_yaxes()} == {"y"}
    ends = {(trace.zmin, trace.zmax) for trace in flat.data}
    assert ends == {(0.0, np.log10(40.0))}
    tall = figures.compared_planes_figure(given, surface=True)
    assert tall.layout.meta["linked"] == ["scene", "scene2"]
    assert tall.layout.scene.camera == tall.layout.scene2.camera
    assert tall.layout.scene.zaxis.range == tall.layout.scene2.zaxis.range is not None
    assert "<b>" not in flat.to_json()


def test_tables_hold_every_number():
    table = figures.plane_table(plane(rows=3))
    assert len(table) == 25
    assert table.evaluated.sum() == 15
    row = table[(table.x == 0.5) & (table.y == -1.0)].iloc[0]
    assert (row.loss, row.loss_standard_error) == (3.25, 0.325)
    table = figures.line_table({"a": line(), "b": line(1.0)}, {"a": BOWL.along(0)})
    assert len(table) == 20
    own = table[(table.direction == "a") & (table.data == "train")]
    assert np.allclose(own.quadratic_model, 1 + A**2)
    assert table[table.direction == "b"].quadratic_model.isna().all()


def test_real_results_are_drawn():
    model = torch.nn.Linear(3, 2)
    data = [(torch.eye(3), torch.tensor([0, 1, 0]))]
    d = [landscapes.random_direction(model, generator=torch.Generator().manual_seed(s)) for s in (0, 1)]
    curve = landscapes.line(model, "cross-entropy", data, d[0], points=5)
    surface = landscapes.plane(model, "cross-entropy", data, d, points=5)
    assert figures.line_panels_figure({"one": curve}).data
    assert figures.plane_figure(surface).data
    assert figures.surface_figure(surface).data
