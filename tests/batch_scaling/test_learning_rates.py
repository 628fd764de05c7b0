"""Learning rates and damping in closed form; training that must diverge where a quadratic says so."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from spectral_core import batch_scaling
from spectral_core.batch_scaling.learning_rates import learning_rates, stable_rates
from spectral_core.results import last

pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")


@pytest.fixture(scope="module")
def known(hessian):
    generator = torch.Generator().manual_seed(0)
    return last(batch_scaling.full_batch_steps(hessian, outliers=2, directions=12, generator=generator))[2]


def line(slope=2.0, start=1e-3):
    """A quadratic of one parameter: curvature 4 at every example, started off its minimum."""
    model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.constant_(model.weight, start)
    return model, [(torch.full((32, 1), slope, dtype=torch.float64), torch.zeros(32, 1, dtype=torch.float64))]


def test_rates_grow_and_saturate(known):
    rates = learning_rates(known, [1, 2, 4, 8, 16, 32, 60], draws=100)
    assert (np.diff(rates.sgd) > 0).all()
    assert_allclose(rates.sgd[-1], rates.full, rtol=1e-3)
    assert_allclose(rates.sharpness[-1], rates.full, rtol=1e-3)
    assert_allclose(rates.momentum[-1], 1.9 * rates.full, rtol=1e-3)
    assert_allclose(rates.adam_damped, 1e-7 * rates.momentum, rtol=1e-12)
    near = learning_rates(known, range(29, 35))  # of the very curve that is drawn: by differences along it
    assert_allclose(near.exponent[1:-1], np.gradient(np.log(near.sgd), np.log(near.batch_sizes))[1:-1], rtol=0.05)
    assert rates.linear_until <= rates.saturated_from
    assert rates.regime(1) == "linear"
    assert rates.regime(60) == "saturated"
    assert batch_scaling.recommendation(known, 4, 0.01, 60).regime == "saturated"


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_the_rate_is_where_second_moments_stop_decaying(known, momentum):
    b = np.array([5.0])
    rate = stable_rates(known, b, momentum=momentum)[0]
    l, s2 = known.projections.eigenvalues, known.projections.noise[0] / b
    radii = []
    for lam, noise in zip(l[l > 0], s2[l > 0], strict=True):
        f, g = 1 + momentum - rate * lam, -momentum
        moments = [[f**2 + rate**2 * noise, 2 * f * g, g**2], [f, g, 0.0], [1.0, 0.0, 0.0]]  # w^2, w w_old, w_old^2
        radii.append(np.abs(np.linalg.eigvals(moments)).max())
    assert_allclose(max(radii), 1.0, atol=1e-6)


def test_recommendation(known):
    found = batch_scaling.recommendation(known, 4, 0.01, 32)
    assert found.lower < found.value < found.upper
    rates = learning_rates(known, [4, 32], draws=20)
    assert_allclose(found.value, 0.01 * rates.sgd[1] / rates.sgd[0], rtol=1e-9)
    assert f"at B = 32 use {found.value:.2g}" in found.sentence
    assert batch_scaling.recommendation(known, 8, 0.01, 8).value == pytest.approx(0.01)
    assert "is above" in batch_scaling.recommendation(known, 8, 1e3, 16).sentence
    with pytest.raises(ValueError, match="above 0"):
        batch_scaling.recommendation(known, 4, 0.0, 8)
    with pytest.raises(ValueError, match="too large to be scaled"):
        batch_scaling.recommendation(known, 1, 1e308, 60)
    with pytest.raises(ValueError, match="epsilon is finite"):
        learning_rates(known, [4], epsilon=np.inf)


def test_shapes():
    B = np.geomspace(4, 4096, 9)
    assert batch_scaling.rate_shape(B, 0.1 / (1 + 60 / B)).linear_then_flat
    assert not batch_scaling.rate_shape(B, 0.01 * B).linear_then_flat
    assert not batch_scaling.rate_shape(B, np.ones(9)).linear_then_flat
    assert batch_scaling.rate_shape(B, B).critical == np.inf
    assert batch_scaling.rate_shape(B, np.ones(9)).critical == 0
    for sizes, rates in (
        ([1, 2, np.inf], [1, 1, 1]),
        ([1, 2, 3], [1, 1]),
        ([3, 2, 1], [1, 1, 1]),
        ([1, 2, 3], [1, 0, 1]),
    ):
        with pytest.raises(ValueError, match="three ascending batch sizes"):
            batch_scaling.rate_shape(sizes, rates)


def test_a_rate_that_grows_to_the_end_is_not_saturated(known):
    rates = learning_rates(known, [60])
    assert batch_scaling.LearningRates(**(vars(rates) | {"saturated_from": 60.0})).regime(60) == "square root"


def test_what_is_known_of_all_data_may_come_with_its_measurement(known, hessian):
    result = last(
        batch_scaling.outlier_steps(hessian, [5], draws=1, known=known, resamples=20, generator=torch.Generator())
    )[2]
    assert_allclose(learning_rates(result, [5]).sgd, learning_rates(known, [5]).sgd)
    assert_allclose(
        batch_scaling.least_damping(result, [5], 1.0).local, batch_scaling.least_damping(known, [5], 1.0).local
    )


@pytest.mark.parametrize("numbers", [(np.nan, 1, 2), (0.1, 0, 2), (0.1, 1, -2)])
def test_scaling_by_what_is_no_batch_size(numbers):
    with pytest.raises(ValueError, match="finite number above 0"):
        batch_scaling.scaled_rate(*numbers, "linear")


def test_damping(known):
    b = batch_scaling.effective_batch_size(10, 60)
    found = batch_scaling.least_damping(known, [10, 60], 0.5)
    assert_allclose(found.isotropic[0], 0.5 * known.noise.value / (2 * b * known.eigenvalues[0]), rtol=1e-9)
    assert found.local[1] == 0
    assert np.isinf(found.ratio[1])
    l, delta = np.array([9.0, 0.2]), 0.7
    shrunk = batch_scaling.shrinkage(l, delta)
    assert_allclose(1 / (l + delta), shrunk.beta / shrunk.eigenvalues, rtol=1e-14)
    for delta in (0.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="above 0"):
            batch_scaling.shrinkage(l, delta)
        with pytest.raises(ValueError, match="positive and finite"):
            batch_scaling.least_damping(known, [10], delta)


@pytest.mark.parametrize(("optimiser", "limit"), [("sgd", 0.5), ("momentum", 0.95)])
def test_the_rate_found_on_a_quadratic(optimiser, limit):
    """``2/lambda`` and ``2 (1 + rho)/lambda`` with ``lambda = 4``: the search resolves a factor ``2^(1/4)``, 200 steps 5 %."""
    model, data = line()
    steps = batch_scaling.largest_stable_rate_steps(
        model, "squared error", data, [4, 32], start=0.2, optimiser=optimiser, generator=torch.Generator()
    )
    *_, (fraction, found) = steps
    assert fraction == 1.0
    assert [each.batch_size for each in found] == [4, 32]
    for each in found:
        assert each.bracketed
        assert each.stable < 1.06 * limit
        assert each.unstable > 0.99 * limit
        assert each.unstable / each.stable < 1.21


def test_adams_rates_are_a_shape_at_the_level_found(known):
    rates = learning_rates(known, [4, 8, 16])
    found = [
        batch_scaling.StableRate(B, value, value / 1.1, value * 1.1, (), True) for B, value in ((4, 0.1), (16, 0.4))
    ]
    lost = batch_scaling.StableRate(8, 9.0, 9.0, np.inf, (), False)
    level = rates.of("adam", [*found, lost])
    assert_allclose(level / level[0], rates.adam_scaling / rates.adam_scaling[0], rtol=1e-12)
    assert_allclose(np.log(level[[0, 2]]).sum(), np.log(0.1 * 0.4), rtol=1e-12)
    assert np.isnan(rates.of("adam")).all()
    assert rates.of("momentum") is rates.momentum


def test_training_runs_stop_where_they_diverge():
    model, data = line()
    *_, (_, runs) = batch_scaling.training_run_steps(
        model, "squared error", data, [4, 16], batch_size=4, learning_rate=0.3, epochs=20, generator=torch.Generator()
    )
    assert [(run.rule, run.batch_size) for run in runs] == [
        (rule, B) for rule in ("linear", "square-root", "constant") for B in (4, 16)
    ]
    for run in runs:
        assert_allclose(run.learning_rate, 0.3 * (run.batch_size / 4) ** batch_scaling.RULES[run.rule])
        assert (run.diverged_at is not None) == (run.learning_rate > 0.5)
        assert run.examples[-1] == run.steps * run.batch_size
        assert run.loss[0] == pytest.approx(0.5 * 4e-6) or run.loss[0] == pytest.approx(4e-6)
    weight = next(model.parameters())
    assert weight.item() == 1e-3  # the caller's model stays as it is


def test_bad_settings():
    model, data = line()
    options = {"batch_size": 4, "learning_rate": 0.1, "generator": torch.Generator()}
    with pytest.raises(ValueError, match="one of the rules"):
        list(batch_scaling.training_run_steps(model, "squared error", data, [4], rules=["cubic"], **options))
    with pytest.raises(ValueError, match="optimisers are"):
        list(batch_scaling.training_run_steps(model, "squared error", data, [4], optimiser="lion", **options))
    with pytest.raises(ValueError, match="got NaN"):
        list(batch_scaling.training_run_steps(model, "squared error", data, [4], divergence=np.nan, **options))
    with pytest.raises(ValueError, match="from 1 to the 32"):
        list(batch_scaling.training_run_steps(model, "squared error", data, [64], **options))


@pytest.mark.parametrize(
    "options", [{"start": 0.0}, {"start": np.nan}, {"steps": 0}, {"seeds": 0}, {"seeds": 1.5}, {"batch_sizes": [33]}]
)
def test_a_search_that_can_not_end_is_refused(options):
    options = {"batch_sizes": [4], "start": 0.1} | options
    sizes = options.pop("batch_sizes")
    model, data = line()
    steps = batch_scaling.largest_stable_rate_steps(
        model, "squared error", data, sizes, generator=torch.Generator(), **options
    )
    with pytest.raises(ValueError, match=r"above 0|are whole numbers"):
        next(steps)
