"""The tab "Which minimum?" without a browser: the table, the verdict, files, other networks, the notebook."""

import io
import math

import numpy as np
import pytest
import torch

import sample_models
from pages.ui import uploads
from pages.ui.checkpoint_source import CheckpointChoice
from pages.ui.curvature_problem import CurvatureProblem
from pages.ui.data_source import DataChoice
from pages.ui.sharpness_job import SharpnessSettings, beyond, leaders, sharpness_job
from pages.ui.sharpness_notebook import sharpness_notebook
from pages.ui.sharpness_tab import MARK
from pages.ui.sharpness_view import _shown, _table
from tests.double_backward import largest_eigenvalue
from tests.ui import driving
from tests.ui.driving import run_notebook, said

pytestmark = pytest.mark.usefixtures("one_thread_in_module")

SMALL = {
    "checkpoint_run": "MLP (digits)",
    "curvature_examples": "60",
    "sharpness_steps": "5",
    "sharpness_pairs": "2",
    "sharpness_evaluated": "100",
}
DIGITS = DataChoice("known", "digits", size=60, mean=(0.3056,), std=(0.3761,))
MLP = CheckpointChoice("shipped", "digits-mlp")


def open_page(**query):
    return driving.open_page("hessian", hessian_tab="Which minimum?", **(SMALL | query))


def kept(name, *states):
    """An uploaded file of one state, or of several."""
    file = io.BytesIO()
    torch.save(states[0] if len(states) == 1 else {f"epoch_{i}": state for i, state in enumerate(states, 1)}, file)
    return CheckpointChoice("upload", name, uploads.keep(name, file.getvalue()))


def rescaled(alpha):
    """The same function: one layer's weights and bias times alpha, the next one's weights by it (Dinh et al. 2017)."""
    state = {name: value.clone() for name, value in sample_models.load_shipped("digits-mlp").model.state_dict().items()}
    first, second = [name for name in state if name.endswith("weight")][:2]
    state[first] *= alpha
    state[first.replace("weight", "bias")] *= alpha
    state[second] /= alpha
    return state


def settings(*checkpoints, **changes):
    problem = CurvatureProblem(MLP, DIGITS, batch=60, dtype="float64")
    return SharpnessSettings(problem, checkpoints, **({"steps": 12, "pairs": 3, "evaluated": 200} | changes))


def final(job):
    *_, step = job
    assert step.fraction == 1.0
    return step.result


@pytest.fixture(scope="module")
def compared():
    """The shipped MLP, and a file with two rescaled ones."""
    return settings(MLP, kept("rescaled.pt", rescaled(2.0), rescaled(4.0)))


@pytest.fixture(scope="module")
def result(compared):
    return final(sharpness_job(compared))


def test_rescaled_weights_are_the_same_network_and_another_sharpness(result):
    """Nothing of the function changes, all of its curvature does."""
    one, two, four = result.minima
    assert [m.name for m in result.minima] == ["digits-mlp", "rescaled.pt (epoch_1)", "rescaled.pt (epoch_2)"]
    for other in (two, four):
        assert math.isclose(one.test.loss, other.test.loss, rel_tol=1e-4)
        assert one.test.accuracy == other.test.accuracy
        assert one.training.accuracy == other.training.accuracy
    assert one.sharpest < two.sharpest < four.sharpest
    assert not result.refused
    assert not result.strangers


def test_the_sharpest_eigenvalue_is_that_of_an_independent_computation(result):
    data = sample_models.datasets.load("digits", size=60, test_size=60, generator=torch.Generator().manual_seed(0))
    data = data.normalised(0.3056, 0.3761)
    truth = largest_eigenvalue(sample_models.load_shipped("digits-mlp").model, data.inputs, data.targets)
    one = result.minima[0]
    assert abs(one.sharpest - truth) < 1e-3 * truth
    assert one.residual < 1e-4 * truth


def test_loss_and_accuracy_are_over_the_examples_asked_for(result):
    data = sample_models.datasets.load("digits", size=200, test_size=200, generator=torch.Generator().manual_seed(0))
    data = data.normalised(0.3056, 0.3761)
    model = sample_models.load_shipped("digits-mlp").model
    truth = sample_models.evaluate(model, [(data.test_inputs, data.test_targets)])
    found = result.minima[0].test
    assert found.examples == 200
    assert math.isclose(found.loss, truth.loss, rel_tol=1e-5)
    assert found.accuracy == truth.accuracy
    assert found.standard_error == truth.standard_error


def test_two_estimates_of_the_trace_agree_and_the_edge_counts_exactly_among_the_pairs(result):
    for one in result.minima:
        mean, error = one.quadrature.integrate(lambda x: x)
        spread = np.hypot(one.parameters * error, one.trace.standard_error)
        assert abs(one.parameters * mean - one.trace.value) < 8 * spread  # of two probes, and of ten
        values = np.sort(one.quadrature.atoms[:, 0])[::-1]
        assert len(values) == 3
        count, error = beyond(one, (values[0] + values[1]) / 2)
        assert abs(count - 1.0) < 1e-6 + error
        assert beyond(one, 2 * values[0]) == (0.0, 0.0)
        everything, error = beyond(one, -10 * values[0])
        assert math.isclose(everything, one.parameters)


def test_every_product_is_counted(compared, result):
    for one in result.minima:
        assert one.products > one.quadrature.products + one.trace.products
        assert one.quadrature.products == compared.steps * compared.probes


def test_ties_are_those_within_two_standard_errors():
    assert leaders([3.0, 1.0, 1.2], [0.0, 0.1, 0.1]) == (1, [2])
    assert leaders([3.0, 1.0, 1.3], [0.0, 0.1, 0.1]) == (1, [])
    assert leaders([0.97, 0.98, 0.5], [0.005, 0.005, 0.0], largest=True) == (1, [0])


def test_a_cell_holds_value_and_error_and_sorts_by_the_value(result):
    table = _table({one.name: one for one in result.minima}, 1.0)
    shown = _shown(table)
    assert [name for name in shown.data if not name.startswith("± ")] == list(shown.data)
    for name in ("training loss", "test accuracy", "λ₁", "trace", "eigenvalues above 1"):
        assert shown.data[name].dtype == np.float64
        np.testing.assert_array_equal(shown.data[name], table[name])
    page = shown.to_html()
    assert page.count(" ± ") == 3 * 7
    assert page.count(" %</td>") == 6


def test_another_network_is_left_out_in_one_sentence():
    lenet = kept("lenet.pt", sample_models.load_shipped("digits-lenet").model.state_dict())
    broken = CheckpointChoice("upload", "broken.pt", uploads.keep("broken.pt", b"nothing of the kind"))
    result = final(sharpness_job(settings(MLP, lenet, broken, steps=5, pairs=1)))
    assert [one.name for one in result.minima] == ["digits-mlp"]
    assert result.strangers == {"lenet.pt": "lenet"}
    assert list(result.refused) == ["broken.pt"]


def test_a_network_of_other_inputs_is_refused_and_the_files_after_it_are_read():
    larger = torch.nn.Sequential(*[torch.nn.Linear(*sizes) for sizes in ((784, 20), (20, 10))])
    broken = CheckpointChoice("upload", "broken.pt", uploads.keep("broken.pt", b"nothing of the kind"))
    result = final(sharpness_job(settings(MLP, kept("larger.pt", larger.state_dict()), broken, steps=5, pairs=1)))
    assert [one.name for one in result.minima] == ["digits-mlp"]
    assert "does not take the inputs" in result.refused["larger.pt"]
    assert "broken.pt" in result.refused


def test_weights_that_learnt_nothing_are_no_minimum():
    zero = {name: torch.zeros_like(value) for name, value in rescaled(1.0).items()}
    result = final(sharpness_job(settings(MLP, kept("zero.pt", zero), steps=5, pairs=1)))
    assert [one.learnt_nothing for one in result.minima] == [False, True]
    assert result.minima[1].training.loss == pytest.approx(math.log(10))
    file = kept("zero.pt", zero)
    app = open_page(sharpness_checkpoints=["digits-mlp", f"{file.name}{MARK}{file.digest}"])
    assert "**No minimum**, however flat: `zero.pt` (2.303)" in said(app)


def test_two_files_of_one_name_are_two_minima():
    files = kept("run.pt", rescaled(2.0)), kept("run.pt", rescaled(3.0))
    result = final(sharpness_job(settings(*files, steps=5, pairs=1)))
    assert [one.name for one in result.minima] == ["run.pt", "run.pt (2)"]


def test_the_page_with_two_files():
    files = [
        kept("a.pt", rescaled(2.0)),
        kept("lenet.pt", sample_models.load_shipped("digits-lenet").model.state_dict()),
    ]
    app = open_page(sharpness_checkpoints=["digits-mlp", *(f"{file.name}{MARK}{file.digest}" for file in files)])
    assert not app.error
    assert "Flattest by λ₁: `digits-mlp`" in said(app)
    assert "a tie, within two standard errors: `a.pt`" in said(app)  # of the test accuracy, which is the same
    assert "Sharper minima can generalise better" in said(app)
    (warning,) = app.warning
    assert "minima of one network, here mlp, so these are left out: `lenet.pt` (lenet)" in warning.value
    assert list(app.dataframe[0].value["checkpoint"]) == ["digits-mlp", "a.pt"]
    assert len(app.get("plotly_chart")) == 2
    before = app.dataframe[0].value["products"].tolist()
    app.number_input(key="sharpness_edge").set_value(0.01).run()
    app.slider(key="sharpness_sigma").set_value(20).run()
    driving.finish(app)
    table = app.dataframe[0].value
    assert table["products"].tolist() == before  # no product
    assert "eigenvalues above 0.01" in table


def test_a_link_to_nothing_of_the_kind_is_told():
    app = open_page(sharpness_checkpoints="mnist-5k-vgg")
    assert "not possible here" in said(app)
    assert not app.exception


def test_one_network_with_and_without_batch_norm_is_noted():
    app = open_page(checkpoint_run="LeNet (digits)", sharpness_matrix="GGN")
    assert list(app.dataframe[0].value["checkpoint"]) == ["lenet", "lenet-bn"]
    assert "not minima of one loss" in said(app)
    assert not app.error


def test_the_notebook_makes_the_pages_numbers(compared, result):
    one = result.minima[0]
    names = run_notebook(sharpness_notebook(compared, (one,), 1.0, 0.1))
    (row,) = names["rows"]
    assert math.isclose(row["lambda_1"], one.sharpest, rel_tol=1e-6)
    assert math.isclose(row["trace"], one.trace.value, rel_tol=1e-6)
    assert math.isclose(row["test accuracy"], one.test.accuracy)
    assert math.isclose(row["above the edge"], beyond(one, 1.0)[0], rel_tol=1e-6, abs_tol=1e-6)
