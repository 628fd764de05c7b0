"""The curvature tabs of "Hessian spectra" without a browser: pictures, numbers, comparisons, epochs, notebooks, refusals."""

import io
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load

import sample_models
from pages.ui import uploads
from pages.ui.checkpoint_source import CheckpointChoice
from pages.ui.curvature_compared_job import COMPARISONS, ComparedSettings, compared_job
from pages.ui.curvature_job import CurvatureSettings, curvature_job
from pages.ui.curvature_notebook import compared_notebook, curvature_notebook, training_notebook
from pages.ui.curvature_problem import MATRICES, CurvatureProblem, operator
from pages.ui.curvature_training_job import TrainingSettings, epochs_of, series, training_job
from pages.ui.curvature_view import CurvatureView, _eigenvectors
from pages.ui.data_source import DataChoice
from pages.ui.hessian_examples import EXAMPLES
from spectral_core import curvature
from tests.double_backward import largest_eigenvalue
from tests.ui import driving
from tests.ui.driving import run_notebook, said

SMALL = {
    "checkpoint_run": "MLP (digits)",
    "curvature_examples": "80",
    "curvature_steps": "8",
    "curvature_probes": "2",
    "curvature_pairs": "2",
    "curvature_resamples": "2",
    "curvature_noise": "8",
    "compared_steps": "8",
    "training_steps": "8",
}
DIGITS = DataChoice("known", "digits", size=80, mean=(0.3056,), std=(0.3761,))


def open_page(tab="Curvature", **query):
    return driving.open_page("hessian", hessian_tab=tab, **(SMALL | query))


def problem(name="digits-mlp", **changes):
    return CurvatureProblem(CheckpointChoice("shipped", name), DIGITS, batch=50).of(**changes)


def final(job):
    *_, step = job
    assert step.fraction == 1.0
    return step.result


@pytest.fixture(scope="module")
def result():
    return final(curvature_job(CurvatureSettings(problem(), steps=30, pairs=3, resamples=2, variance=20)))


@pytest.mark.parametrize("part", ["training", "test"])
def test_the_sharpest_eigenvalue_is_that_of_an_independent_computation(part):
    settings = CurvatureSettings(problem(part=part), steps=10, pairs=1, resamples=0, variance=0)
    top = final(curvature_job(settings)).top
    data = sample_models.datasets.load("digits", size=80, test_size=80, generator=torch.Generator().manual_seed(0))
    data = data.normalised(0.3056, 0.3761)
    pair = (data.test_inputs, data.test_targets) if part == "test" else (data.inputs, data.targets)
    truth = largest_eigenvalue(sample_models.load_shipped("digits-mlp").model, *pair)
    assert abs(top.values[0] - truth) < 1e-3 * truth
    assert top.residuals[0] < 1e-4 * truth


def test_first_screen_is_a_finished_picture_with_its_numbers():
    app = open_page()
    assert not app.error
    assert not app.warning
    assert app.title[0].value == "Hessian spectra"
    assert "The sharpest direction has λ₁" in said(app)
    table = app.dataframe[0].value
    assert {"λ1", "λP", "trace", "Frobenius norm", "effective dimension"} <= set(table["quantity"])
    assert all(table["value"] != "nan")
    assert any("80 examples in 1 mini-batches" in one.label for one in app.expander)


def test_the_certificate_passes_and_every_number_has_its_error(result):
    assert result.certificate.passed
    assert [check.name for check in result.certificate.checks] == ["symmetry", "orthogonality", "copies", "precision"]
    assert len(result.resampled) == 2
    assert result.gradient.share <= 1
    assert result.variance.examples == 20


def test_the_trace_agrees_with_all_entries():
    """Deflated by three eigenpairs, over ten probes: within four standard errors of the sum over the diagonal."""
    settings = CurvatureSettings(problem(layer="3"), steps=25, probes=10, pairs=3, resamples=0, variance=0)
    result = final(curvature_job(settings))
    size = result.preflight.parameters
    assert size > 2000  # so that it was not formed
    H = operator(problem(layer="3"), dtype=torch.float64)
    truth = float(
        sum(
            (H @ torch.eye(size, dtype=torch.float64)[:, i : i + 260])[i : i + 260].trace() for i in range(0, size, 260)
        )
    )
    mean, error = result.quadrature.integrate(lambda x: x)
    assert abs(size * mean - truth) < 4 * size * error


def test_a_small_layer_is_held_against_all_its_eigenvalues():
    result = final(curvature_job(CurvatureSettings(problem(layer="5"), steps=20, pairs=3, resamples=0)))
    values = result.eigenvalues
    assert len(values) == result.preflight.parameters
    np.testing.assert_allclose(result.top.values, values[::-1][:3], rtol=1e-4)
    assert result.certificate.passed
    masses = curvature.spectral_masses(result.quadrature)
    truths = (values < -masses.reach).mean(), (abs(values) <= masses.reach).mean(), (values > masses.reach).mean()
    for mass, truth in zip((masses.negative, masses.near, masses.positive), truths, strict=True):
        assert mass.lower - 3 * mass.standard_error <= truth <= mass.upper + 3 * mass.standard_error
    mean, error = result.quadrature.integrate(lambda x: x)
    assert abs(len(values) * mean - values.sum()) < 4 * len(values) * error + 1e-4 * abs(values).sum()
    app = open_page(curvature_layer="5: Linear")
    assert "Exactly, by all" in " ".join(one.value for one in app.caption)


@pytest.mark.parametrize("matrix", MATRICES)
def test_every_matrix(matrix):
    app = open_page(curvature_matrix=MATRICES[matrix])
    assert not app.error
    assert app.dataframe


@pytest.mark.parametrize("aside", ["Stems", "Where the sharp directions live", "Resampled data", "Certificate"])
def test_what_stands_beside_it(aside):
    app = open_page(curvature_aside=aside)
    assert not app.error
    assert app.get("plotly_chart") or aside == "Certificate"
    if aside == "Certificate":
        assert set(app.dataframe[0].value["verdict"]) == {"passed"}


def test_batch_norm_by_the_statistics_of_mini_batches():
    app = open_page(checkpoint_run="MLP, batch norm (digits)", curvature_batch_norm="train")
    assert not app.error
    assert "noise scale" not in " ".join(app.dataframe[0].value["quantity"])  # single examples mean nothing here
    assert "statistics of each mini-batch" in said(app)


def test_finite_differences_lose_more_digits_in_float32():
    app = open_page(curvature_differences="true")
    assert not app.error
    assert len(app.get("plotly_chart")) == 1
    assert "In float32 the best central difference" in said(app)
    assert "In float64 the best central difference" in said(app)


def test_a_layer_of_few_parameters_passes_its_certificate():
    problem_ = problem("digits-lenet", layer="0")
    result = final(curvature_job(CurvatureSettings(problem_, steps=20, pairs=20, resamples=0, variance=0)))
    assert result.preflight.parameters == 60
    assert result.certificate.passed
    settings = CurvatureSettings(problem_, steps=20, pairs=20, resamples=0, variance=0)
    names = run_notebook(curvature_notebook(settings, CurvatureView(0.01, 10, 5.0, 0.1)))
    np.testing.assert_allclose(names["eigenvalues"], result.eigenvalues, atol=1e-4 * result.eigenvalues[-1])


def test_links_beyond_all_numbers_are_told():
    app = open_page(curvature_decay="1e400")
    assert "not possible here" in said(app)
    assert not app.exception


def test_batch_norm_modes_need_batch_norm():
    app = open_page("Side by side", compared_what=COMPARISONS["batch norm"])
    assert "has no batch norm" in said(app)


def test_eigenvectors_as_a_file(result):
    tensors = load(_eigenvectors(result))
    model = sample_models.load_shipped("digits-mlp").model
    shapes = {name: tensor.shape for name, tensor in model.named_parameters()}
    assert {name.split(".", 2)[2]: tensor.shape for name, tensor in tensors.items()} == shapes
    flat = torch.cat([tensors[f"top.1.{name}"].flatten() for name in shapes]).double()
    H = operator(problem(), dtype=torch.float64)
    residual = torch.linalg.vector_norm(H @ flat - result.top.values[0] * flat)
    assert float(residual) < 1e-3 * result.top.values[0]


@pytest.mark.parametrize("what", COMPARISONS)
def test_comparisons(what):
    run = "MLP, batch norm (digits)" if what == "batch norm" else "MLP (digits)"
    app = open_page("Side by side", compared_what=COMPARISONS[what], checkpoint_run=run)
    assert not app.error
    assert not app.warning
    assert app.get("plotly_chart")
    assert "Largest Ritz values" in said(app)


def test_blocks_have_smaller_extremes_than_the_whole():
    """Interlacing: a principal submatrix's eigenvalues lie between those of the matrix."""
    settings = ComparedSettings(problem(), "layers", ("1", "3"), steps=30)
    spectra = final(compared_job(settings)).spectra
    low, high = spectra["whole network"].ends
    for name in ("1", "3"):
        assert low - 1e-4 * high <= spectra[name].nodes.min() <= spectra[name].nodes.max() <= high * (1 + 1e-4)


def test_a_checkpoint_that_does_not_fit_the_data_leaves_the_others():
    others = (CheckpointChoice("shipped", "mnist-5k-mlp"), CheckpointChoice("shipped", "digits-mlp-bn"))
    result = final(compared_job(ComparedSettings(problem(), "checkpoints", others=others, steps=8)))
    assert list(result.spectra) == ["digits-mlp", "digits-mlp-bn"]
    assert "does not take the inputs" in result.refused["mnist-5k-mlp"]


def test_a_run_epoch_by_epoch():
    data = DataChoice("known", "mnist-5k", size=40, mean=(0.1307,), std=(0.3081,))
    epochs = tuple((e, CheckpointChoice("shipped", f"mnist-5k-lenet-watched-epoch-{e:02}")) for e in (0, 15))
    settings = TrainingSettings(CurvatureProblem(epochs[1][1], data), epochs, steps=8)
    first, last = final(training_job(settings))
    found = series((first, last), dtype=torch.float32)
    assert len(found) == 9
    assert first.loss > 1 > last.loss
    assert first.accuracy < 0.5 < last.accuracy
    s, f = (found[name][1] for name in ("trace of S = H − F", "trace of F (GGN)"))
    assert abs(s[0]) / f[0] > abs(s[1]) / f[1]  # the network's own curvature vanishes with the residuals
    names = run_notebook(training_notebook(settings))
    np.testing.assert_allclose(names["quadratures"][15].nodes, last.hessian.nodes, rtol=1e-4, atol=1e-5)


def test_the_run_of_a_file_with_several_weights():
    from pages.ui.checkpoint_source import opened

    state = sample_models.load_shipped("digits-mlp").model.state_dict()
    file = io.BytesIO()
    torch.save({"epoch_1": state, "epoch_2": {name: 2 * value for name, value in state.items()}}, file)
    digest = uploads.keep("run.pt", file.getvalue())
    found = opened(CheckpointChoice("upload", "run.pt", digest))
    assert [choice.choose for _, choice in epochs_of(found)] == list(found.checkpoint.choices)
    assert len(found.checkpoint.choices) == 2


def test_a_single_epoch_is_said_to_be_one():
    assert "Only one epoch" in said(open_page("Along a run"))


def test_notebooks_make_the_pages_numbers(result):
    settings = CurvatureSettings(problem(), steps=30, pairs=3, resamples=2, variance=20)
    names = run_notebook(curvature_notebook(settings, CurvatureView(0.01, 20, 5.0, 0.1)))
    np.testing.assert_allclose(names["q"].integrate(lambda x: x), result.quadrature.integrate(lambda x: x), rtol=1e-3)
    np.testing.assert_allclose(names["top"].values, result.top.values, rtol=1e-5)
    settings = ComparedSettings(problem(), "matrices", steps=8)
    names = run_notebook(compared_notebook(settings))
    spectra = final(compared_job(settings)).spectra
    for name, q in spectra.items():
        np.testing.assert_allclose(names["quadratures"][name].nodes, q.nodes, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("tab", ["Curvature", "Side by side", "Along a run"])
def test_examples_name_widgets_that_there_are(tab):
    """Each sets only keys of widgets that the page draws with it."""
    app = open_page(tab)
    keys = {
        element.key
        for kind in ("selectbox", "number_input", "slider", "select_slider", "button_group")
        for element in app.get(kind)
    }
    for values in EXAMPLES[tab].values():
        unknown = (
            {key for key in values if key.startswith("curvature_")}
            - keys
            - {"curvature_matrix", "curvature_layer", "curvature_aside"}
        )
        assert not unknown, unknown


def test_data_of_another_shape_get_a_sentence():
    rows = np.random.default_rng(0).random((20, 5))
    file = io.BytesIO()
    np.savez(file, x=rows.astype(np.float32), y=np.arange(20) % 10)
    digest = uploads.keep("other.npz", file.getvalue())
    app = open_page(hessian_data="Upload", examples=digest, examples_name="other.npz", normalisation="None")
    assert "does not take the inputs" in said(app)
    assert not app.exception


def test_labels_beyond_the_outputs_get_a_sentence():
    digits = sample_models.datasets.load("digits")
    file = io.BytesIO()
    np.savez(file, x=digits.inputs[:40].numpy(), y=np.arange(40) % 12)
    digest = uploads.keep("labels.npz", file.getvalue())
    app = open_page(hessian_data="Upload", examples=digest, examples_name="labels.npz", normalisation="None")
    assert "label" in said(app)
    assert app.error


def test_weights_that_are_not_finite_get_a_sentence():
    state = sample_models.load_shipped("digits-mlp").model.state_dict()
    state["1.weight"] = torch.full_like(state["1.weight"], float("inf"))
    file = io.BytesIO()
    torch.save(state, file)
    digest = uploads.keep("infinite.pt", file.getvalue())
    app = open_page(checkpoint_from="Upload", checkpoint=digest, checkpoint_name="infinite.pt", hessian_data="digits")
    assert "NaN or infinite" in said(app) or "finite" in said(app)
    assert not app.exception


def test_the_notebook_is_json():
    assert json.loads(compared_notebook(ComparedSettings(problem())))["nbformat"] == 4


def test_a_hessian_that_is_zero_gets_a_sentence():
    """Of the first layer, where all later weights are zero."""
    state = {name: 0 * value for name, value in sample_models.load_shipped("digits-mlp").model.state_dict().items()}
    file = io.BytesIO()
    torch.save(state, file)
    digest = uploads.keep("zero.pt", file.getvalue())
    app = open_page(
        checkpoint_from="Upload",
        checkpoint=digest,
        checkpoint_name="zero.pt",
        hessian_data="digits",
        curvature_layer="1: Linear",
    )
    assert "is zero: the loss is linear in these parameters" in said(app)
