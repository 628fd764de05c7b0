"""The page "Batch-size scaling" without a browser: laws and samples, measured mini-batches, rates, training, notebooks."""

import io
import json
import math

import numpy as np
import pytest
import torch

import sample_models
from pages.ui import uploads
from pages.ui.batch_examples import EXAMPLES
from pages.ui.batch_notebook import (
    rates_notebook,
    spectra_notebook,
    spike_notebook,
    stable_notebook,
    through_notebook,
    training_notebook,
)
from pages.ui.batch_problem import KNOWN
from pages.ui.batch_rates_job import Advice, RatesSettings, advice_job, rates_job
from pages.ui.batch_spectra_job import SpectraSettings, spectra_job
from pages.ui.batch_spectra_view import off, wigner_sentence
from pages.ui.batch_spike_job import SpikeSettings, spike_job
from pages.ui.batch_training_job import NoiseSettings, noise_job, noise_series
from pages.ui.batch_tryout_job import StableSettings, TrainingSettings, shapes, stable_job, training_job
from pages.ui.checkpoint_source import CheckpointChoice, opened
from pages.ui.curvature_problem import CurvatureProblem
from pages.ui.data_source import DataChoice
from spectral_core.batch_scaling import OPTIMISERS, SPIKE_MODELS, BulkAndSpike
from tests.double_backward import largest_eigenvalue
from tests.ui import driving
from tests.ui.driving import run_notebook, said

pytestmark = pytest.mark.usefixtures("one_thread_in_module")

DIGITS = DataChoice("known", "digits", size=64, mean=(0.3056,), std=(0.3761,))
SIZES = (4, 16, 64)
SMALL = {"batch_examples": "64", "batch_sizes": ["4", "16", "64"], "batch_draws": "3"}


def problem_of(model, examples=64):
    """A network so narrow that everything of it takes a second, as an uploaded file."""
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    choice = CheckpointChoice("upload", "narrow.pt", uploads.keep("narrow.pt", file.getvalue()))
    return CurvatureProblem(choice, DataChoice(**(vars(DIGITS) | {"size": examples})), batch=64, dtype="float64")


@pytest.fixture(scope="module")
def problem():
    torch.manual_seed(0)
    layers = torch.nn.Linear(64, 6), torch.nn.ReLU(), torch.nn.Linear(6, 10)
    return problem_of(torch.nn.Sequential(torch.nn.Flatten(), *layers))


@pytest.fixture
def here(problem, tmp_path, monkeypatch):
    """The folder that a notebook finds the file in."""
    (tmp_path / problem.checkpoint.name).write_bytes(uploads.fetch(problem.checkpoint.digest)[1])
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def spectra(problem):
    settings = SpectraSettings(problem, SIZES, draws=3)
    return settings, final(spectra_job(settings))


def final(job):
    *_, step = job
    assert step.fraction == 1.0
    return step.result


def open_page(**query):
    return driving.open_page("batch", **query)


@pytest.mark.parametrize("model", SPIKE_MODELS)
def test_samples_follow_the_laws_below_and_above_the_threshold(model):
    """Within some finite-size errors: P^(-2/3) at the edge, P^(-1/2) of the spike and of its overlap."""
    picture = BulkAndSpike(model, spike=1.0, noise=8.0, size=250)
    result = final(spike_job(SpikeSettings(picture, seed=1)))
    assert len(result.samples) == len(result.batch_sizes) > 10
    for B, sample in zip(result.batch_sizes, result.samples, strict=True):
        assert abs(sample.eigenvalues[0] / float(picture.outlier(B)) - 1) < 4 / 250**0.5
        place = B / picture.swallowed_below
        if place > 2:
            assert abs(sample.overlap - float(picture.overlap(B))) < 4 / 250**0.5
        elif place < 0.5:
            assert float(picture.overlap(B)) == 0.0
            assert sample.overlap < 0.2
    assert picture.outlier(result.batch_sizes[-1]) > picture.edge(result.batch_sizes[-1])


@pytest.mark.parametrize("model", SPIKE_MODELS)
def test_the_spike_meets_the_edge_where_it_is_swallowed(model):
    picture = BulkAndSpike(model, spike=2.0, noise=8.0, size=400)
    at = picture.swallowed_below
    assert math.isclose(float(picture.outlier(at * (1 + 1e-9))), float(picture.edge(at)), rel_tol=1e-6)
    assert float(picture.overlap(at * 0.99)) == 0.0 < float(picture.overlap(at * 1.01)) < 0.1


@pytest.mark.parametrize("model", SPIKE_MODELS)
def test_bulk_and_atom_hold_everything(model):
    picture = BulkAndSpike(model, size=100)
    for B in (40, 400):
        low, high = picture.support(B)
        theta = (np.arange(4000) + 0.5) * np.pi / 4000
        x = (low + high) / 2 + (high - low) / 2 * np.cos(theta)
        inside = (picture.pdf(x, B) * np.sin(theta)).mean() * np.pi * (high - low) / 2
        assert math.isclose(inside + picture.atom(B)[1], 1.0, rel_tol=1e-6)


def test_a_spike_below_the_population_is_never_seen():
    picture = BulkAndSpike("multiplicative", spike=0.2, noise=20.0, size=100)
    assert picture.swallowed_below == math.inf
    assert float(picture.outlier(800)) == float(picture.edge(800))
    assert float(picture.overlap(800)) == 0.0
    assert final(spike_job(SpikeSettings(picture))).samples


def test_the_first_screen_is_finished():
    app = open_page()
    assert not app.error
    assert "Below B ≈ 64" in said(app)
    assert "17 sampled 400 × 400 matrices" in said(app)
    assert len(app.get("plotly_chart")) == 2
    app.slider(key="spike_noise").set_value(4.0).run()
    driving.finish(app)
    assert "Below B ≈ 16" in said(app)
    json.loads(app.get("plotly_chart")[0].proto.spec)


def test_mini_batches_are_measured(spectra, problem):
    settings, result = spectra
    found = result.outliers
    assert list(found.draws) == [3, 3, 3]
    np.testing.assert_allclose(found.measured[-1], found.full, rtol=1e-3)  # a mini-batch of all data
    assert set(result.spectra) == set(SIZES)
    network = found.full_batch
    assert network.size == 64 * 6 + 6 + 60 + 10
    assert KNOWN.get(problem) is network


def test_all_data_have_the_eigenvalue_of_an_independent_computation(spectra, problem):
    data = sample_models.datasets.load("digits", size=64, test_size=64, generator=torch.Generator().manual_seed(0))
    data = data.normalised(0.3056, 0.3761)
    truth = largest_eigenvalue(opened(problem.checkpoint).recognised.model, data.inputs, data.targets)
    assert abs(spectra[1].outliers.full[0] - truth) < 1e-3 * truth


def test_the_sentence_says_where_wigner_fails(spectra):
    found = spectra[1].outliers
    sizes, ratio, apart, undecided = off(found, "wigner")
    sentence = wigner_sentence(found)
    assert ("The Wigner model fails" in sentence) == (len(sizes) > 0)
    for B in sizes:
        place = list(found.batch_sizes).index(B)
        gap = abs(found.wigner[place, 0] - found.measured[place, 0])
        assert gap > 4.3 * found.standard_error[place, 0]  # Student's 97.5 % of three mini-batches
        assert gap > 0.1 * found.measured[place, 0]
    assert (np.abs(ratio - 1) > 0.1).all()
    assert (apart > 4.3).all()


def test_rates_rise_to_that_of_all_data(problem):
    result = final(rates_job(RatesSettings(problem)))
    rates = result.rates
    assert rates.batch_sizes[-1] == 64
    assert (np.diff(rates.sgd) > 0).all()
    assert math.isclose(rates.sgd[-1], rates.full, rel_tol=1e-3)
    assert math.isclose(rates.full, 2 / result.known.eigenvalues[0])
    assert (np.diff(result.damping.local) < 0).all()
    advice = final(advice_job(Advice(problem, 4, 0.01, 16)))
    assert advice.lower <= advice.value <= advice.upper
    assert math.isclose(advice.value, 0.01 * rates.sgd[4] / rates.sgd[2], rel_tol=1e-6)


def test_a_batch_size_beyond_the_data(problem):
    assert "at B = 64 use" in final(advice_job(Advice(problem, 4, 0.01, 512))).sentence  # the page begins with 512
    with pytest.raises(ValueError, match="64 examples"):
        final(spectra_job(SpectraSettings(problem, (128, 256))))


def test_training_diverges_where_the_rate_is_far_too_large(problem):
    settings = TrainingSettings(problem, (8, 64), ("linear", "constant"), base=8, epochs=1)
    calm = final(training_job(settings))
    assert [(run.rule, run.batch_size) for run in calm.runs] == [
        ("linear", 8), ("linear", 64), ("constant", 8), ("constant", 64),
    ]  # fmt: skip
    assert math.isclose(calm.rate, 0.25 * calm.rates.sgd[0])
    assert math.isclose(calm.runs[1].learning_rate, 8 * calm.rate)
    wild = final(training_job(TrainingSettings(problem, (8,), ("constant",), base=8, rate=1e4, epochs=1)))
    assert wild.runs[0].diverged_at is not None


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_stable_rates_are_bracketed(problem, optimiser):
    result = final(stable_job(StableSettings(problem, (4, 16, 64), seeds=1, optimiser=optimiser)))
    for one in result.found:
        assert one.bracketed
        assert one.stable < one.value < one.unstable <= one.stable * 1.2
    assert len(shapes(result, optimiser)) == 2


def test_noise_through_training(problem, here):
    settings = NoiseSettings(problem, ((0, problem.checkpoint), (1, problem.checkpoint)), steps=8)
    series = noise_series(final(noise_job(settings)), dtype=torch.float64)
    assert len(series) == 10
    for epochs, values, _ in series.values():
        assert list(epochs) == [0, 1]
        assert values[0] == values[1]  # the same weights and seeds
    made = run_notebook(through_notebook(settings))["rows"]
    assert math.isclose(made[1][2], series["sharpest eigenvalue λ₁"][1][1], rel_tol=1e-9)
    assert math.isclose(made[1][4], series["noise at the sharpest, s²(u₁)"][1][1], rel_tol=1e-9)


def test_every_tab_of_a_small_network():
    app = open_page(batch_tab="Batch spectra", **SMALL)
    assert not app.error
    assert "Wigner model" in said(app)
    assert {metric.label for metric in app.metric} >= {"Critical batch size", "Gradient noise scale"}
    for aside in ("Spectra", "Numbers"):
        app.segmented_control(key="batch_aside").set_value(aside).run()
        driving.finish(app)
    assert len(app.dataframe[0].value) == 3
    app = open_page(batch_tab="Learning rates", rates_from="4", rates_to="16", **SMALL)
    assert not app.error
    assert "From B = 4, learning rate 0.1: at B = 16 use" in (app.success or app.warning)[0].value
    app.number_input(key="rates_to").set_value(4096).run()
    driving.finish(app)
    assert "at B = 64 use" in (app.success or app.warning)[0].value  # of the 64 examples there are
    app = open_page(batch_tab="Try it", tryout_sizes=["4", "16"], tryout_epochs="1", **SMALL)
    assert not app.error
    assert "scaling" in said(app)
    assert len(app.dataframe[0].value) == 6


def test_no_batch_size_and_no_run_are_told():
    app = open_page(batch_tab="Through training", batch_watched_run="MLP (digits)")
    assert "Only one epoch" in said(app)
    assert not app.error


def test_examples_set_widgets_that_are_there():
    app = open_page()
    assert {button.label for button in app.sidebar.button} >= set(EXAMPLES["Bulk and spike"])
    next(b for b in app.sidebar.button if b.label == "The same in a sum of squares").click().run()
    driving.finish(app)
    assert "Below B ≈ 298" in said(app)


def test_notebooks_make_the_pages_numbers(spectra, problem, here):
    settings, result = spectra
    found = run_notebook(spectra_notebook(settings))["found"]
    np.testing.assert_allclose(found.measured, result.outliers.measured, rtol=1e-9)
    names = run_notebook(rates_notebook(RatesSettings(problem), Advice(problem, 4, 0.01, 16)))
    np.testing.assert_allclose(names["rates"].sgd, final(rates_job(RatesSettings(problem))).rates.sgd, rtol=1e-9)
    assert names["advice"].value == final(advice_job(Advice(problem, 4, 0.01, 16))).value
    training = TrainingSettings(problem, (8,), ("linear",), base=8, rate=0.01, epochs=1)
    runs = run_notebook(training_notebook(training, 0.01))["runs"]
    np.testing.assert_allclose(runs[0].loss, final(training_job(training)).runs[0].loss, rtol=1e-9)
    stable = StableSettings(problem, (8, 64), seeds=1, optimiser="adam")
    made = run_notebook(stable_notebook(stable))["found"]
    assert [one.trials for one in made] == [one.trials for one in final(stable_job(stable)).found]
    spike = SpikeSettings(BulkAndSpike(size=60))
    table = run_notebook(spike_notebook(spike))["table"]
    assert table["sampled"].tolist() == [s.eigenvalues[0] for s in final(spike_job(spike)).samples]
