"""Log-determinants by maximum entropy: exact where a density of the family is the truth, monotone entropy, error bars."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate

from spectral_core.estimators.logdet import (
    METHODS,
    entropy_against_moments,
    entropy_against_moments_steps,
    floor_sensitivity_steps,
    logdet,
)
from spectral_core.estimators.logdet.entropy import MEASURES, LogGrid, meme_steps
from spectral_core.estimators.logdet.iterative_scaling import bmxnt_steps, scaled_masses
from spectral_core.estimators.logdet.lanczos_measures import moment_plan
from spectral_core.kernels import RBF, KernelOperator, gaussian_inputs
from spectral_core.polynomials import vandermonde
from spectral_core.results import Moments
from tests.core import registry

pytestmark = pytest.mark.usefixtures("one_thread")


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def kernel_eigenvalues(lengthscale, n=200):
    K = KernelOperator(gaussian_inputs(n, generator=seeded()), RBF(lengthscale), noise=1e-8)
    return np.linalg.eigvalsh((K @ torch.eye(n, dtype=torch.float64)).numpy())


SPECTRA = {
    "uniform": np.linspace(0.01, 1.0, 300),
    "logarithmic": np.logspace(-4, 0, 300),
    "two groups": np.r_[np.linspace(0.1, 0.2, 50), np.linspace(0.8, 1.0, 80)],
    "Poisson": np.add.outer(*[4 * np.sin(np.pi * np.arange(1, 31) / 62) ** 2] * 2).ravel(),
    "Marchenko-Pastur": np.linalg.svd(np.random.default_rng(0).standard_normal((200, 400)), compute_uv=False) ** 2,
    "kernel, 1e3": kernel_eigenvalues(0.741),
    "kernel, 1e8": kernel_eigenvalues(1.711),
}


def drained(steps):
    *_, last = steps
    return last


@pytest.mark.parametrize(("measure", "power"), [("flat", 0.0), ("logarithmic", -1.0)])
def test_exact_on_a_density_of_the_family(measure, power):
    """q(x) = x^power exp(-3 x + x^2) on (0.01, 1) is its own density of maximum entropy given two moments."""
    lower, upper, interval = 0.01, 1.0, (0.0, 1.0)

    def expect(f):
        def weight(x):
            return x**power * np.exp(-3.0 * x + x * x)

        options = {"epsabs": 1e-13, "epsrel": 1e-13}
        return (
            integrate.quad(lambda x: f(x) * weight(x), lower, upper, **options)[0]
            / integrate.quad(weight, lower, upper, **options)[0]
        )

    mu = [expect(lambda x, j=j: vandermonde("chebyshev", 2, x, interval)[j]) for j in (1, 2)]
    grid = LogGrid(2, interval, lower, upper, measure)
    a, _, mass, trouble = grid.fit(np.array(mu), np.zeros(2))
    assert not trouble
    assert mass @ grid.log_x == pytest.approx(expect(np.log), abs=1e-8)
    # x = (1 + t) / 2: -3 x + x^2 = const - t + t^2 / 4 = const - T_1 + T_2 / 8
    assert_allclose(a, [1.0, -0.125], atol=1e-5)


def test_the_thesis_grid_puts_a_node_on_the_floor():
    grid = LogGrid(2, (0.0, 2.0), 2e-5, 2.0, "grid")
    assert (grid.x[0], grid.x[-1], len(grid.x)) == (2e-5, 2.0, 10_000)
    assert np.exp(grid.log_weights).sum() == pytest.approx(2.0 - 2e-5)


def test_sensitivity_is_the_derivative():
    target, penalty = np.array([-0.4, 0.1, -0.2]), np.full(3, 1e-4)
    grid = LogGrid(3, (0.0, 1.0), 1e-3, 1.0)

    def value(mu):
        _, _, mass, trouble = grid.fit(mu, penalty)
        assert not trouble
        return mass @ grid.log_x

    _, _, mass, _ = grid.fit(target, penalty)
    found = grid.sensitivity(mass, penalty)
    h = 1e-5
    differences = [(value(target + h * e) - value(target - h * e)) / (2 * h) for e in np.eye(3)]
    assert_allclose(found, differences, rtol=1e-4)


@pytest.mark.parametrize("name", SPECTRA)
def test_entropy_of_exact_moments_never_rises_for_meme_and_does_for_bmxnt(name):
    curves = entropy_against_moments(SPECTRA[name], iterations=300)
    meme, bmxnt = curves.entropy.T
    assert (np.diff(meme) <= 1e-12).all()
    assert np.diff(bmxnt).max() > 1e-5
    assert curves.rises["meme"] == 0
    assert 3 <= curves.rises["bmxnt"] <= 30
    assert curves.gap[-1, 0] < 1e-4 < curves.gap[-1, 1]  # one meets the moments, the other does not
    assert curves.error[-1, 0] < curves.error[-1, 1]
    assert curves.error[-1, 0] < curves.error[0, 0]


def test_scaling_arrives_where_newton_does_if_it_may_take_long_enough():
    """Two moments, 20 000 rounds: the same density; and every round on the way lowers the dual."""
    values = SPECTRA["uniform"]
    mu = np.array([1.0, values.mean(), (values**2).mean()])
    grid = LogGrid(2, (0.0, 1.0), 1e-10, 1.0)
    mass, _ = scaled_masses(mu, grid.x, grid.log_weights, 20_000)
    exact = vandermonde("chebyshev", 2, values, (0.0, 1.0)).mean(axis=0)[1:]
    _, objective, expected, _ = grid.fit(exact, np.zeros(2))
    assert_allclose(mass, expected, atol=1e-7)

    def dual(rounds):
        _, a = scaled_masses(mu, grid.x, grid.log_weights, rounds)
        return np.exp(grid.log_weights - np.vander(grid.x, 3, increasing=True) @ a).sum() - 1.0 + a @ mu

    duals = [dual(rounds) for rounds in (1, 2, 5, 20, 100, 1000)]
    assert (np.diff(duals) < 0).all()
    assert duals[-1] >= objective - 1e-12


def test_side_by_side_is_one_by_one():
    grid = LogGrid(2, (0.0, 1.0), 1e-10, 1.0)
    sets = np.array([[1.0, 1.0], [0.5, 0.3], [0.3, 0.2]])
    together, _ = scaled_masses(sets, grid.x, grid.log_weights, 50)
    for i in range(2):
        assert_allclose(together[:, i], scaled_masses(sets[:, i], grid.x, grid.log_weights, 50)[0], rtol=1e-10)


def test_curves_of_sampled_moments_agree_with_those_of_eigenvalues():
    values = SPECTRA["Poisson"]
    interval = (0.0, values.max() * (1 + 1e-6))
    exact = vandermonde("chebyshev", 8, values, interval).mean(axis=0)
    noise = 1e-3 * np.random.default_rng(0).standard_normal((40, 8))
    noise -= noise.mean(axis=0)  # so that the mean is exact and only the allowance differs
    samples = np.column_stack([np.ones(40), exact[1:] + noise])
    sampled = entropy_against_moments(
        Moments(samples, interval, size=len(values)), (4, 8), truth=np.log(values).sum(), iterations=100
    )
    known = entropy_against_moments(values, (4, 8), iterations=100)
    assert_allclose(sampled.value[:, 1], known.value[:, 1], rtol=1e-10)
    assert_allclose(sampled.value[:, 0], known.value[:, 0], rtol=1e-3)
    assert_allclose(sampled.error, np.abs(sampled.value / known.truth - 1))


def test_curves_grow_by_one_number_of_moments():
    parts = list(entropy_against_moments_steps(SPECTRA["uniform"], (2, 5, 9), iterations=10))
    assert [list(part.degrees) for part in parts] == [[2], [2, 5], [2, 5, 9]]
    assert_allclose(parts[-1].entropy[:2], parts[1].entropy)
    assert pickle.loads(pickle.dumps(parts[-1])).truth == parts[-1].truth == np.log(SPECTRA["uniform"]).sum()


@pytest.mark.parametrize("steps", [meme_steps, bmxnt_steps])
def test_every_item_is_complete_and_the_budget_is_kept(steps, device):
    A = registry.tensor("spread", device)
    truth = np.log(registry.eigenvalues("spread")).sum()
    items = list(steps(A, products=300, lower_bound=1.0, generator=seeded()))
    assert len(items) >= 2
    for item in items:
        assert np.isfinite([item.value, item.standard_error]).all()
        assert item.products <= 300
        assert item.lower <= truth <= item.upper
        assert_allclose(item.history[-1], [item.products, item.value, item.standard_error])
    assert pickle.loads(pickle.dumps(item)).value == item.value
    assert not item.exact
    assert (np.diff(item.history[:, 0]) > 0).all()


def test_error_bar_covers_and_is_the_spread_over_seeds():
    A = torch.diag(torch.linspace(0.5, 4.0, 100, dtype=torch.float64))
    truth = float(A.diagonal().log().sum())
    results = [drained(meme_steps(A, products=240, lower_bound=0.5, generator=seeded(s))) for s in range(40)]
    values = np.array([y.value for y in results])
    z = (values - truth) / [y.standard_error for y in results]
    assert np.mean(np.abs(z) < 3) >= 0.95
    # nominal 95 %, less three binomial standard errors
    assert np.mean([y.lower <= truth <= y.upper for y in results]) >= 0.95 - 3 * (0.95 * 0.05 / 40) ** 0.5
    # chi-square with 39 degrees of freedom: 4 sigma is 45 % of the spread
    assert np.mean([y.monte_carlo_error for y in results]) == pytest.approx(values.std(ddof=1), rel=0.45)


def test_where_moments_do_not_decide_the_measure_does_and_the_bracket_says_so():
    """Condition number 5e7: values by two measures differ by far more than the probes' noise."""
    K = KernelOperator(gaussian_inputs(200, generator=seeded()), RBF(1.711), noise=1e-8)
    truth = float(np.log(SPECTRA["kernel, 1e8"]).sum())
    by_measure = {
        measure: drained(meme_steps(K, products=600, degree=30, measure=measure, generator=seeded()))
        for measure in MEASURES
    }
    flat, logarithmic = by_measure["flat"], by_measure["logarithmic"]
    assert abs(flat.value - logarithmic.value) > 10 * (flat.monte_carlo_error + logarithmic.monte_carlo_error)
    for y in by_measure.values():
        assert y.lower < truth < y.upper
        assert abs(y.value - truth) < 3 * y.standard_error
        assert "there the measure decides" in y.stopped
    floors = [
        drained(meme_steps(K, products=600, degree=30, measure="grid", floor=floor, generator=seeded())).value
        for floor in (1e-5, 1e-10)
    ]
    assert abs(floors[0] - floors[1]) > 0.1 * abs(truth)


def test_without_a_lower_bound_the_bracket_is_open_and_it_is_said():
    y = drained(meme_steps(registry.tensor("spread"), products=200, generator=seeded()))
    assert y.bracket[0] == -np.inf
    assert y.standard_error >= np.hypot(y.monte_carlo_error, (y.bracket[1] - y.value) / 3**0.5) * (1 - 1e-12)
    assert "no lower bound" in y.stopped
    assert "guess" in y.stopped


@pytest.mark.parametrize("steps", [meme_steps, bmxnt_steps])
@pytest.mark.parametrize("name", ["uniform", "logarithmic", "two groups", "Marchenko-Pastur", "kernel, 1e3"])
def test_the_bar_holds_without_a_lower_bound(steps, name):
    """Gauss rules bound from above alone; the guess at their limit makes the bar reach the truth all the same."""
    A = torch.diag(torch.as_tensor(SPECTRA[name].copy()))
    truth = np.log(SPECTRA[name]).sum()
    for seed in range(3):
        y = drained(steps(A, products=400, generator=seeded(seed)))
        assert abs(y.value - truth) <= 3 * y.standard_error < 4 * abs(truth)
        assert "no lower bound" in y.stopped


def test_iterative_scaling_refuses_singular_matrices():
    values = torch.cat([torch.zeros(60, dtype=torch.float64), torch.linspace(0.5, 1.0, 60, dtype=torch.float64)])
    with pytest.raises(ValueError, match=r"singular.*jitter"):
        drained(bmxnt_steps(torch.diag(values), products=300, generator=seeded()))


@pytest.mark.parametrize("steps", [meme_steps, bmxnt_steps])
def test_no_density_is_fitted_to_eigenvalues_that_are_all_but_equal(steps):
    A = torch.diag(torch.linspace(1.0, 1.0 + 1e-5, 100, dtype=torch.float64))
    truth = float(A.diagonal().log().sum())
    y = drained(steps(A, products=300, lower_bound=1.0, generator=seeded()))
    assert "no density is fitted" in y.stopped
    assert abs(y.value - truth) <= 4 * y.standard_error < 0.1 * truth


def test_batches_change_nothing_but_the_memory():
    A = registry.tensor("spread")
    at_once, in_parts = (
        drained(meme_steps(A, products=100, generator=seeded(), memory=memory)) for memory in (1 << 30, 20_000)
    )
    assert in_parts.value == pytest.approx(at_once.value, rel=1e-9)
    assert in_parts.products == at_once.products


def test_the_front_knows_both():
    A = torch.diag(torch.linspace(1.0, 3.0, 100, dtype=torch.float64))
    for method in ("meme", "bmxnt"):
        assert method in METHODS
        assert logdet(A, method=method, products=200, lower_bound=1.0, generator=seeded()).method == method


def test_plan():
    assert moment_plan(1500) == (50, 30)
    for products in range(4, 400, 7):
        steps, probes = moment_plan(products)
        assert probes >= 2
        assert steps * probes <= products


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"products": 3}, "spend more"),
        ({"degree": 1}, "at least 2 moments"),
        ({"measure": "round"}, "measure must be one of"),
        ({"floor": 2.0}, "share of the upper end"),
        ({"lower_bound": 2.5}, "not a lower bound"),
        ({"lower_bound": -1.0}, "must be positive"),
    ],
)
def test_wrong_options_get_their_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        drained(meme_steps(registry.tensor("spread"), generator=seeded(), **({"products": 100} | options)))


def test_indefinite_matrices_are_refused():
    for steps in (meme_steps, bmxnt_steps):
        with pytest.raises(ValueError, match=r"not positive definite.*jitter"):
            drained(steps(registry.tensor("indefinite"), products=200, generator=seeded()))


@pytest.mark.parametrize(
    ("spectrum", "options", "words"),
    [
        ([1.0, -1.0], {}, "positive"),
        ([1.0, 2.0], {"degrees": (1, 2)}, "ascend"),
        ([1.0, 2.0], {"degrees": (5, 3)}, "ascend"),
        (Moments.exact([1.0, 0.0, 0.0], interval=(-1, 1)), {"degrees": (2,)}, "from 0 on"),
    ],
)
def test_spectra_that_have_no_curves(spectrum, options, words):
    with pytest.raises(ValueError, match=words):
        entropy_against_moments(spectrum, **options)


def test_a_floor_matters_where_moments_do_not_reach():
    floors = (1e-2, 1e-6, 1e-10)
    *_, found = floor_sensitivity_steps(SPECTRA["kernel, 1e8"], floors)
    *_, harmless = floor_sensitivity_steps(np.linspace(0.5, 1.0, 100), floors)
    truth, sure = np.log(SPECTRA["kernel, 1e8"]).sum(), np.log(np.linspace(0.5, 1.0, 100)).sum()
    for measure in MEASURES:
        assert_allclose(harmless[measure], sure, rtol=0.01)
    assert np.ptp(found["logarithmic"]) > 0.5 * abs(truth)
    assert (np.diff(found["logarithmic"]) < 0).all()  # the lower the floor, the lower the logarithms
