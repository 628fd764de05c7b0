"""Symmetric KL and Wasserstein distance between densities of maximum entropy, and their error bars."""

import numpy as np
import pytest
import torch
from scipy import stats

import spectral_core as sc
from spectral_core.estimators.divergences import noise_floor, symmetric_kl, wasserstein
from spectral_core.random_matrices import Semicircle
from spectral_core.results import Moments

WIDE = (-2.0, 2.0)


def fit(moments, ridge=2e-3):
    return sc.maxent(moments.whole(), standard_error=ridge)


def sampled(values, probes, seed, degree=12):
    """Moments of a diagonal matrix, and the fit to them."""
    A = torch.diag(torch.as_tensor(values, dtype=torch.float64))
    g = torch.Generator().manual_seed(seed)
    return fit(sc.chebyshev_moments(A, degree, probes=probes, interval=WIDE, generator=g))


@pytest.fixture(scope="module")
def pair():
    return tuple(fit(Semicircle(r, centre=c).moments(10, interval=WIDE)) for r, c in ((1.0, 0.0), (0.7, 0.3)))


def test_symmetric_and_zero_on_itself(pair):
    p, q = pair
    assert symmetric_kl(p, q).value == symmetric_kl(q, p).value
    assert abs(symmetric_kl(p, p).value) < 1e-12
    assert wasserstein(p, p).value == 0.0


def test_closed_form_is_the_integral(pair):
    p, q = pair
    for a, b in ((p, q), (q, p)):
        x, mass = a.rule()
        assert a.kl(b) == pytest.approx(mass @ (a.log_pdf(x) - b.log_pdf(x)), abs=1e-8)  # the fits' tolerance


def test_wasserstein_is_the_known_distance_of_two_distributions():
    p, q = (fit(Moments.exact([1.0, m, m * m / 2 - 0.5], interval=(0, 2)), 0.0) for m in (-0.3, 0.4))
    x = np.linspace(0, 2, 200_001)
    expected = stats.wasserstein_distance(x, x, p.pdf(x), q.pdf(x))
    assert wasserstein(p, q).value == pytest.approx(expected, rel=1e-4)


def test_triangle_inequality_of_wasserstein():
    fits = [fit(Semicircle(r).moments(8, interval=WIDE)) for r in (0.5, 1.0, 1.7)]
    d = [wasserstein(fits[i], fits[j]).value for i, j in ((0, 1), (1, 2), (0, 2))]
    assert d[2] <= d[0] + d[1] + 1e-9


@pytest.mark.parametrize("distance", [symmetric_kl, wasserstein])
def test_exact_moments_have_no_bar_and_one_probe_an_infinite_one(distance, pair):
    assert distance(*pair).standard_error == 0.0
    rng = np.random.default_rng(0)
    lonely = [sampled(rng.uniform(-1, 1, 50), 1, seed) for seed in (0, 1)]
    assert distance(*lonely).standard_error == np.inf


@pytest.mark.parametrize("distance", [symmetric_kl, wasserstein])
def test_bar_is_the_spread_over_seeds_where_spectra_differ(distance):
    rng = np.random.default_rng(0)
    first, second = rng.uniform(-1, 1, 400), rng.normal(0.3, 0.4, 400).clip(-1.9, 1.9)
    found = [distance(sampled(first, 20, 2 * s), sampled(second, 20, 2 * s + 1)) for s in range(60)]
    spread = np.std([one.value for one in found], ddof=1)
    bar = np.sqrt(np.mean([one.standard_error**2 for one in found]))
    # the spread of 60 values is known to 1 / sqrt(118) = 9 %; Minkowski's bar for Wasserstein is an upper bound
    assert bar > spread * (1 - 4 * 0.092)
    assert bar < spread * (1.6 if distance is symmetric_kl else 4.0)


def test_noise_floor_is_the_mean_divergence_of_two_measurements_of_one_matrix():
    values = np.random.default_rng(1).uniform(-1, 1, 400)
    found = [(sampled(values, 20, 2 * s), sampled(values, 20, 2 * s + 1)) for s in range(60)]
    divergences = np.array([symmetric_kl(*pair).value for pair in found])
    floors = np.array([noise_floor(p) + noise_floor(q) for p, q in found])
    error = np.std(divergences - floors, ddof=1) / np.sqrt(60)
    assert abs(divergences.mean() - floors.mean()) < 4 * error + 0.1 * floors.mean()  # a tenth for the second order


def test_pairs_that_can_not_be_compared_get_their_sentence(pair):
    law = Semicircle(1.0)
    with pytest.raises(ValueError, match="one domain, basis and prior"):
        symmetric_kl(pair[0], fit(law.moments(10)))
    with pytest.raises(ValueError, match="equally many moments; got 10 and 8"):
        wasserstein(pair[0], fit(law.moments(8, interval=WIDE)))
    apart = [sc.maxent(Moments([[1.0, 0.2, -0.5]], WIDE, atoms=[(0.0, 0.1)]), standard_error=0.1) for _ in range(2)]
    with pytest.raises(ValueError, match="atoms inside"):
        symmetric_kl(*apart)
