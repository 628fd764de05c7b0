"""The page "Loss landscape" without a browser: what its jobs compute and keep, its pictures, notebooks, refusals."""

import io
import itertools
import re

import numpy as np
import pytest
import torch

import sample_models
from pages.ui.checkpoint_source import CheckpointChoice
from pages.ui.curvature_job import CurvatureSettings, curvature_job
from pages.ui.data_source import DataChoice
from pages.ui.landscape_between_job import BetweenSettings, Other, between_job, positions_between
from pages.ui.landscape_examples import EXAMPLES
from pages.ui.landscape_lines_job import LinesSettings, lines_job
from pages.ui.landscape_notebook import between_notebook, lines_notebook, path_notebook, surface_notebook
from pages.ui.landscape_problem import LandscapeProblem, Pace
from pages.ui.landscape_run_job import RunSettings, run_job
from pages.ui.landscape_surface_job import PlaneSettings, SurfaceSettings, Walks, surface_job
from pages.ui.landscape_view import line_arrays, plane_arrays
from spectral_core import landscapes
from tests.ui import driving
from tests.ui.driving import finish, run_notebook, said

pytestmark = pytest.mark.usefixtures("one_thread_in_module")

SMALL = {"landscape_examples": "60", "path_examples": "20", "surface_points": "7", "path_points": "5"}
SMALL |= {"lines_points": "7", "between_points": "7", "walk_steps": "5"}
DIGITS = DataChoice("known", "digits", size=60, mean=(0.3056,), std=(0.3761,))
MLP = CheckpointChoice("shipped", "digits-mlp")
PROBLEM = LandscapeProblem(MLP, DIGITS, dtype="float64")
TRAINED = Other(None, seed=1, epochs=1)


def open_page(tab="Along directions", **query):
    return driving.open_page("landscape", landscape_tab=tab, **(SMALL | query))


def final(job):
    *_, step = (step for step in job)
    assert step.fraction == 1.0
    return step.result


def last_result(job):
    return [step.result for step in job if step.result is not None][-1]


def plain_loss(part):
    data = sample_models.datasets.load("digits", size=60, test_size=60, generator=torch.Generator().manual_seed(0))
    data = data.normalised(0.3056, 0.3761)
    inputs, targets = (data.inputs, data.targets) if part == "training" else (data.test_inputs, data.test_targets)
    model = sample_models.load_shipped("digits-mlp").model.double()
    return torch.nn.functional.cross_entropy(model(inputs.double()), targets).item()


# lines


def test_two_losses_are_told_apart():
    query = {"landscape_run": "MLP, batch norm (digits)", "landscape_batch_norm": "recomputed"}
    app = finish(open_page(**query))
    captions = " ".join(one.value for one in app.caption)
    assert "the curves recompute batch norm" in captions
    assert "fitted ones too, go by the stored statistics" in captions


@pytest.fixture(scope="module")
def lines():
    settings = LinesSettings(PROBLEM, ("H1", "H2", "H-1", "G1", "gradient", "filter"), points=9)
    return settings, final(lines_job(settings))


def test_at_the_centre_the_loss_is_that_of_the_model(lines):
    for line in lines[1].lines.values():
        for part in ("training", "test"):
            assert abs(line.centre[part].loss - plain_loss(part)) < 1e-6


def test_the_trust_radius_is_the_same_however_the_line_is_drawn(lines):
    """It is of points of its own; within it the loss is within a tenth of what the model's terms change, beyond it is not."""
    result = lines[1]
    names = ("H1", "H2", "H-1", "G1", "gradient", "filter")
    again = final(lines_job(LinesSettings(PROBLEM.of(dtype="float32"), names, points=5)))
    assert all(0 < trust.radius < 1 for trust in result.radii.values())
    for name in ("Hessian λ1", "Hessian λ2"):  # eigenvectors of float32 differ by its rounding
        np.testing.assert_allclose(again.radii[name].radius, result.radii[name].radius, rtol=0.02)
    line, model, r = result.near["Hessian λ1"], result.models["Hessian λ1"], result.radii["Hessian λ1"].radius
    inside = np.abs(line.positions) <= r
    inside &= line.done & (line.positions != 0)
    a, slope, curvature = line.positions[inside], model.slopes[0], model.curvatures[0, 0]
    deviation = line.loss[inside] - line.centre["training"].loss - slope * a - curvature * a**2 / 2
    assert inside.sum() > 4
    assert (np.abs(deviation) <= 0.1 * (np.abs(slope * a) + curvature * a**2 / 2) + 1e-16).all()


def test_the_fitted_curvature_along_an_eigenvector_is_its_eigenvalue(lines):
    result = lines[1]
    for name in ("Hessian λ1", "Hessian λ2"):
        parabola = result.parabolas[name]
        assert abs(parabola.curvature - parabola.eigenvalue) < 0.01 * parabola.eigenvalue
        assert set(parabola.fits) == {"training", "test"}
    for name, parabola in result.parabolas.items():
        curvature = result.models[name].curvatures[0, 0]
        assert abs(parabola.curvature - curvature) < 0.01 * abs(curvature) + 2 * parabola.fits["training"].error
    assert result.parabolas["Hessian λP"].eigenvalue < result.parabolas["Hessian λ2"].eigenvalue


def test_a_stopped_run_of_lines_goes_on_where_it_stopped():
    settings = LinesSettings(PROBLEM, ("filter", "none"), points=5, seed=7)
    job, seen = lines_job(settings), None
    for step in job:
        seen = step.result
        if seen and len(seen.lines) == 2:
            break
    job.close()
    again = [step.result for step in lines_job(settings) if step.result is not None]
    assert len(again[0].lines) == 2
    first = next(iter(seen.lines))
    assert again[-1].lines[first] is seen.lines[first]
    assert all(line.done.all() for line in again[-1].lines.values())


def test_eigenvectors_of_a_finished_run_are_not_computed_again():
    problem = PROBLEM.of(data=DataChoice("known", "digits", size=40, mean=(0.3056,), std=(0.3761,)))
    curvature = problem.curvature().of(batch=20, seed=5)
    *_, step = curvature_job(CurvatureSettings(curvature, steps=5, probes=2, pairs=2, resamples=0, variance=0))
    settings = LinesSettings(problem, ("H2", "H1"), points=5)
    result = final(lines_job(settings))
    assert result.products == 2  # those of the quadratic models
    np.testing.assert_allclose(
        [line.eigenvalue for line in result.lines.values()], step.result.top.values[::-1], rtol=1e-9
    )
    assert any("finished run" in note for note in result.lines["Hessian λ1"].notes)


def test_the_notebook_and_the_npz_file_of_lines_hold_their_numbers(lines):
    settings, result = lines
    ran = run_notebook(lines_notebook(settings))
    made, arrays = ran["lines"], np.load(io.BytesIO(line_arrays(result.lines)))
    for name, trust in result.radii.items():
        np.testing.assert_allclose(ran["radii"][name].radius, trust.radius, rtol=1e-6)
    assert made.keys() == result.lines.keys()
    for name, line in result.lines.items():
        np.testing.assert_allclose(made[name].loss, line.loss, rtol=1e-9)
        np.testing.assert_array_equal(arrays[f"{name}/test/loss"], line.values["test"].loss)


# planes


def test_a_stopped_plane_goes_on_where_it_stopped_and_walks_do_not_compute_it_again():
    plane = PlaneSettings(PROBLEM, ("H1", "H-1"), 0.5, 7, seed=3)
    job = surface_job(SurfaceSettings(plane, Walks(())))
    seen = list(itertools.islice((step.result for step in job if step.result is not None), 4))
    job.close()
    assert seen[-1].plane.done.sum() == 3
    results = [step.result for step in surface_job(SurfaceSettings(plane, Walks(steps=3))) if step.result is not None]
    assert results[0].plane.done.sum() == 3
    assert results[-1].plane.done.all()
    passes = results[-1].plane.passes
    assert results[-1].walks.keys() == set(Walks().methods)
    assert last_result(surface_job(SurfaceSettings(plane, Walks(("Nesterov",), steps=2)))).plane.passes == passes
    whole = landscapes.plane(
        sample_models.load_shipped("digits-mlp").model, PROBLEM.loss(), PROBLEM.data_sets(),
        _directions(plane), 0.5, 7, dtype=torch.float64,
    )  # fmt: skip
    np.testing.assert_allclose(results[-1].plane.values["test"].loss, whole.values["test"].loss, rtol=1e-12)


def _directions(plane):
    from pages.ui.landscape_directions import direction_steps

    steps = direction_steps(plane.problem, plane.names, plane.seed)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value.directions


def test_the_notebook_and_the_npz_file_of_a_plane_hold_its_numbers():
    settings = SurfaceSettings(
        PlaneSettings(PROBLEM, points=5), Walks(("momentum", "Gadam"), steps=12, mini_batches=True)
    )
    result = last_result(surface_job(settings))
    names = run_notebook(surface_notebook(settings, result))
    np.testing.assert_allclose(names["plane"].loss, result.plane.loss, rtol=1e-9)
    for method, walk in result.walks.items():
        np.testing.assert_allclose(names["walks"][method].positions, walk.positions, rtol=1e-9)
        assert walk.losses[-1] < walk.losses[0]
    assert result.averages.keys() == {"Gadam"}
    average = names["f"].function(result.walks["Gadam"].averages[-1])
    assert result.answers() == pytest.approx({"momentum": result.walks["momentum"].losses[-1], "Gadam": average})
    arrays = np.load(io.BytesIO(plane_arrays({"plane": result.plane})))
    np.testing.assert_array_equal(arrays["plane/training/loss"], result.plane.loss)


# between


def test_between_two_trainings_there_is_a_barrier_and_its_ends_are_the_checkpoints():
    settings = BetweenSettings(PROBLEM, "line", (TRAINED,), points=6)
    line = final(between_job(settings)).line
    assert {0.0, 1.0} <= set(line.positions.tolist())
    found = landscapes.barrier(line)
    assert found.height > 3 * found.standard_error
    assert abs(found.first - plain_loss("training")) < 1e-6
    names = run_notebook(between_notebook(settings))
    np.testing.assert_allclose(names["line"].loss, line.loss, rtol=1e-9)


@pytest.mark.parametrize("mode", ["plane", "beside"])
def test_the_notebooks_of_planes_between_checkpoints(mode):
    others = (
        (TRAINED, Other(None, seed=2, epochs=1))
        if mode == "plane"
        else (Other(CheckpointChoice("shipped", "digits-mlp-bn")),)
    )
    settings = BetweenSettings(PROBLEM, mode, others, points=5)
    result, names = final(between_job(settings)), run_notebook(between_notebook(settings))
    made = names["planes"] if mode == "beside" else {"plane": names["plane"]}
    for ours, theirs in zip(result.planes.values(), made.values(), strict=True):
        np.testing.assert_allclose(ours.loss, theirs.loss, rtol=1e-9)
    assert len(result.planes) == (2 if mode == "beside" else 1)
    assert len(result.coordinates) == (3 if mode == "plane" else 0)


def test_checkpoints_of_one_title_keep_names_of_their_own():
    others = (Other(None, seed=1, epochs=2), Other(None, seed=1, epochs=4))
    settings = BetweenSettings(PROBLEM, "plane", others, points=5)
    assert settings.names() == ("digits-mlp", "trained again, seed 1, 2 epochs", "trained again, seed 1, 4 epochs")
    files = tuple(Other(CheckpointChoice("upload", "a.pt", digest)) for digest in ("1", "2"))
    assert BetweenSettings(PROBLEM, "plane", files).names() == ("digits-mlp", "a.pt (1)", "a.pt (2)")
    beside = BetweenSettings(PROBLEM, "beside", (Other(MLP),), points=5)
    result = final(between_job(beside))
    assert list(result.planes) == ["digits-mlp (1)", "digits-mlp (2)"]
    np.testing.assert_array_equal(*(plane.loss for plane in result.planes.values()))


@pytest.mark.parametrize(
    ("other", "sentence"),
    [("digits-lenet", "two checkpoints of one architecture"), ("digits-mlp", "the same weights")],
)
def test_a_line_needs_two_checkpoints_of_one_architecture(other, sentence):
    settings = BetweenSettings(PROBLEM, "line", (Other(CheckpointChoice("shipped", other)),))
    with pytest.raises(ValueError, match=sentence):
        final(between_job(settings))


@pytest.mark.parametrize("points", [5, 21, 80])
def test_both_checkpoints_are_among_the_positions(points):
    t = positions_between(points)
    assert {0.0, 1.0} <= set(t.tolist())
    assert t[0] < 0
    assert t[-1] > 1


# a run


def test_the_path_of_a_run_and_its_notebook():
    names = [f"mnist-5k-lenet-watched-epoch-{epoch:02}" for epoch in (0, 2, 15)]
    choices = tuple(CheckpointChoice("shipped", name) for name in names)
    data = DataChoice("known", "mnist-5k", size=20, mean=(0.1307,), std=(0.3081,))
    settings = RunSettings(LandscapeProblem(choices[0], data), tuple(zip((0, 2, 15), choices, strict=True)), points=5)
    result = final(run_job(settings))
    np.testing.assert_allclose(result.path.explained.sum(), 1.0, rtol=1e-6)  # three points are on one plane
    np.testing.assert_allclose(result.projected, result.own, rtol=1e-3, atol=1e-5)
    assert result.own[0] > result.own[-1]
    made = run_notebook(path_notebook(settings))["plane"]
    np.testing.assert_allclose(made.loss, result.plane.loss, rtol=1e-4)


# the page


def test_first_screen_is_a_finished_picture_with_its_numbers():
    app = open_page()
    assert not app.error
    assert not app.warning
    assert app.title[0].value == "Loss landscape"
    assert "Along Hessian λ1 the training loss curves by" in said(app)
    assert list(app.dataframe[0].value["direction"]) == ["Hessian λ1", "Hessian λ2", "Hessian λ3", "Hessian λP"]
    labels = {button.label for button in app.get("download_button")}
    assert {"Curves (CSV)", "Arrays (npz)", "Notebook"} <= labels


@pytest.mark.parametrize("tab", ["Surface", "Between checkpoints", "Along a run"])
def test_every_tab_begins_with_a_finished_picture(tab):
    app = open_page(tab, landscape_second_epochs="1")
    assert not app.error
    assert not app.warning
    assert app.get("plotly_chart")


@pytest.mark.parametrize("tab", ["Along directions", "Surface", "Between checkpoints"])
def test_examples_set_the_widgets(tab, monkeypatch):
    small = {key: 5 for key in ("surface_points", "lines_points", "between_points")} | {"landscape_examples": 60}
    smaller = {name: values | small for name, values in EXAMPLES[tab].items()}
    monkeypatch.setitem(EXAMPLES, tab, smaller)
    app = open_page(tab, landscape_second_epochs="1", landscape_third_epochs="1")
    for name in smaller:
        [button] = [one for one in app.button if one.label == name]
        finish(button.click().run())
        assert not app.error, name
        assert app.get("plotly_chart")


def test_far_out_the_loss_overflows_and_that_is_said():
    app = open_page(lines_top="1", lines_bottom="0", lines_radius="1e15")
    assert "the loss is NaN or infinite" in said(app)
    app = open_page("Surface", surface_radius="1e15")
    assert "the loss is NaN or infinite" in said(app)
    assert "No optimiser takes a step" in said(app)
    assert "Every walk diverged" not in said(app)
    assert not app.error


def test_what_goes_up_does_not_come_down():
    query = {"walk_x": "0", "walk_y": "0", "walk_methods": "Adam", "walk_adaptive_rate": "3"}
    app = open_page("Surface", **query)
    assert "no optimiser comes down" in said(app)
    assert "lower point" not in said(app)


def test_with_batch_norm_recomputed_the_walks_are_compared_with_their_own_loss():
    query = {"landscape_run": "MLP, batch norm (digits)", "landscape_batch_norm": "recomputed", "walk_methods": "SGD"}
    app = open_page("Surface", **query, walk_x="0", walk_y="0")
    assert not app.warning
    [text] = [one.value for one in app.markdown if "The checkpoint itself has" in one.value]
    assert "both with batch norm by the stored statistics" in text
    start, centre = (re.search(f"{words} ([0-9.e-]+[0-9])", text)[1] for words in ("loss of", "itself has"))
    assert start == centre


def test_large_planes_are_drawn_less_often_and_whole_at_the_end(monkeypatch):
    now = iter([0.0, 1.0, 4.5, 5.0])
    monkeypatch.setattr("pages.ui.landscape_problem.monotonic", lambda: next(now))
    pace = Pace(81)
    assert [pace.due(whole) for whole in (False, False, False, True)] == [True, False, True, True]
    monkeypatch.setattr("pages.ui.landscape_problem.monotonic", lambda: 0.0)
    small = Pace(41)
    assert small.due()
    assert small.due()


def test_the_link_of_an_example_opens_the_same_picture(monkeypatch):
    name = "VGG without and with batch norm"
    small = EXAMPLES["Between checkpoints"][name] | {"between_points": 5, "landscape_examples": 60}
    monkeypatch.setitem(EXAMPLES, "Between checkpoints", {name: small})
    app = open_page("Between checkpoints", landscape_second_source="Another")
    assert "Choose or upload the other checkpoint" in said(app)  # without a default, so that links hold what is chosen
    assert not app.error
    [button] = [one for one in app.button if one.label == name]
    app = finish(button.click().run())
    again = driving.open_page("landscape", **{key: app.query_params[key] for key in app.query_params})
    for one in (app, again):
        assert next(box for box in one.selectbox if box.key == "landscape_run").value == "digits-vgg"
        assert next(box for box in one.selectbox if box.key == "landscape_second_run").value == "digits-vgg-bn"
    assert not again.warning


@pytest.mark.parametrize(
    ("tab", "query", "sentence"),
    [
        ("Along directions", {"lines_top": "0", "lines_bottom": "0"}, "Choose a direction"),
        ("Along directions", {"lines_radius": "much"}, "which is not possible here"),
        ("Surface", {"surface_1": "gradient", "surface_2": "gradient"}, "makes a line, not a plane"),
        ("Along a run", {"landscape_watched_run": "MLP (digits)"}, "needs three checkpoints of one run"),
        (
            "Between checkpoints",
            {"landscape_second_source": "Another", "landscape_second_run": "LeNet (digits)"},
            "two checkpoints of one architecture are needed",
        ),
    ],
)
def test_what_can_not_be_drawn_is_said(tab, query, sentence):
    assert sentence in said(open_page(tab, **query))


@pytest.mark.parametrize(("state", "sentence"), [("noise", "A landscape needs a model"), ("broken", "holds NaN")])
def test_a_file_without_a_model_and_one_of_numbers_that_are_not_finite(state, sentence):
    tensors = {"w": torch.ones(3, 5, 2, 2, 2, 2)}
    if state == "broken":
        tensors = sample_models.load_shipped("digits-mlp").model.state_dict()
        tensors[next(iter(tensors))].fill_(float("nan"))
    file = io.BytesIO()
    torch.save(tensors, file)
    app = open_page(landscape_from="Upload")
    [uploader] = [one for one in app.file_uploader if one.key == "landscape_file"]
    uploader.set_value((f"{state}.pt", file.getvalue(), "application/octet-stream"))
    app.run()
    assert sentence in said(finish(app))
