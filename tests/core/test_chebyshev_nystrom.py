"""Sketched Chebyshev polynomials and the four estimators on them: identities, exact limits, bars, cost, the published error."""

import pickle

import numpy as np
import pytest
import torch
from numpy.polynomial import chebyshev
from numpy.testing import assert_allclose, assert_array_equal

import spectral_core as sc
from spectral_core.estimators import smoothing_kernels as kernels
from spectral_core.estimators.chebyshev_nystrom import ESTIMATORS
from tests.core import registry

X = np.linspace(-1.0, 1.0, 41)
pytestmark = pytest.mark.usefixtures("one_thread")


def _seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def _diagonal(values, device="cpu", dtype=torch.float64):
    return torch.diag(torch.as_tensor(np.asarray(values), dtype=dtype, device=device))


def _clusters(n=300):
    """Twelve eigenvalues apart from one another, each n / 12 times: gaps, where the density is zero."""
    return np.repeat(np.linspace(-0.95, 0.95, 12), n // 12)


def _few(n=300):
    """Twenty eigenvalues of their own on a wide gap-free rest, so that kernels away from 0 have low rank."""
    return np.r_[np.linspace(0.2, 1.0, 20), np.zeros(n - 20) - 1.0]


def test_square_of_an_expansion():
    mu = np.random.default_rng(0).standard_normal((3, 18))
    for row, found in zip(mu, kernels.squared(mu), strict=True):
        assert_allclose(found, chebyshev.chebmul(row, row), atol=1e-13)


@pytest.mark.parametrize("non_negative", [False, True])
@pytest.mark.parametrize("sigma", [0.3, 0.05])
@pytest.mark.parametrize("kernel", ["gaussian", "lorentzian"])
def test_expansion_is_as_close_as_stated(kernel, sigma, non_negative):
    degree = kernels.least_degree(kernel, sigma, non_negative=non_negative)
    s, t = np.linspace(-1, 1, 3001), np.array([-1.1, -1.0, -0.6, 0.0, 0.013, 0.8])
    for m in (degree, degree // 2):
        mu = kernels.expansion(kernel, t, sigma, m, non_negative=non_negative)
        error = np.abs(chebyshev.chebval(s, mu.T) - kernels.values(kernel, t[:, None] - s, sigma)).max()
        floor = kernels.expansion_floor(kernel, sigma, m, non_negative=non_negative)
        # of a square, the floor is e^2 where g is zero and at most 2 e + e^2 elsewhere
        bound = 2 * np.sqrt(floor) + floor if non_negative else floor
        assert error <= bound * kernels.peak(kernel, sigma) + 1e-12
    assert kernels.expansion_floor(kernel, sigma, degree, non_negative=non_negative) <= kernels.TOLERANCE
    least = kernels.least_sigma(kernel, degree, non_negative=non_negative)
    assert kernels.least_degree(kernel, least, non_negative=non_negative) == degree
    if non_negative:
        mu = kernels.expansion(kernel, t, sigma, 21, non_negative=True)
        assert chebyshev.chebval(s, mu.T).min() > -1e-12 / sigma


def test_jackson_is_the_kernel_polynomial_method():
    values, sigma = np.cos(np.linspace(0.1, 3.0, 60)), 0.1
    order = kernels.jackson_degree(sigma)
    theta = np.arccos(values)
    moments = sc.Moments.exact([np.cos(l * theta).mean() for l in range(order + 1)], interval=(-1, 1))
    inner = X[1:-1]
    expected = sc.kernel_polynomial(moments).pdf(inner)
    assert_allclose(sc.smoothed_spectrum(values, inner, sigma, kernel="jackson", interval=(-1, 1)), expected, rtol=1e-9)


def test_blocks_are_the_polynomials_of_the_matrix(device):
    A = registry.tensor("indefinite", device)
    n, m = A.shape[0], 9
    sketch = sc.chebyshev_sketch(A, m, columns=6, generator=_seeded(3), interval=(-2.5, 1.5))
    # the interval is given, so that the probes are the generator's first
    Z = sc.draw_probes(n, 6, generator=_seeded(3)).numpy()
    mapped = (registry.MATRICES["indefinite"] + 0.5 * np.eye(n)) / 2.0
    T = [np.eye(n), mapped]
    for _ in range(2 * m - 1):
        T.append(2 * mapped @ T[-1] - T[-2])
    index = sketch._index()
    for l in range(2 * m + 1):
        assert_allclose(sketch.packed[l][index], Z.T @ T[l] @ Z, atol=1e-10 * n)
    part = sketch.restricted(4)
    assert_array_equal(part.packed[5][part._index()], sketch.packed[5][index][:4, :4])
    assert part.products == 4 * m
    assert part.memory == sc.sketch_memory(m, 4)


def test_each_column_costs_the_degree_and_a_new_sigma_nothing():
    A = sc.CountingOperator(sc.SparseOperator(sc.poisson(12).operator.matrix, interval=(0, 8), symmetric=True))
    steps = list(sc.chebyshev_sketch_steps(A, 30, columns=8, generator=_seeded()))
    sketch = steps[-1]
    assert sketch.products == A.products == 30 * 8
    assert [s.degree for s in steps] == list(range(2, 31))
    least = sketch.smallest_sigma()
    x = np.linspace(0, 8, 9)
    for sigma in (least, 1.3 * least, 5 * least):
        for estimator in ESTIMATORS:
            assert np.isfinite(sketch.density(sigma, estimator=estimator).pdf(x)).all()
    for kernel in kernels.SMOOTHING_KERNELS:
        wide = 1.01 * sketch.smallest_sigma(kernel)
        assert np.isfinite(sketch.density(wide, kernel=kernel).standard_error(x)).all()
    assert A.products == 30 * 8
    missing = sketch.products_for(least / 2)
    assert missing == (kernels.least_degree("gaussian", least / 8) - 30) * 8 > 0  # the interval is 8 long
    with pytest.raises(ValueError, match=f"{missing} more products"):
        sketch.density(least / 2)
    finer = sc.chebyshev_sketch(A, 30 + missing // 8, columns=8, generator=_seeded())
    assert finer.products == sketch.products + missing
    assert finer.products_for(least / 2) == 0
    assert sketch.density(least / 2, strict=False).sigma == least / 2
    # without a square all 2 m moments serve
    assert sketch.products_for(0.6 * least, estimator="hutchinson") == 0


@pytest.mark.parametrize("kernel", kernels.SMOOTHING_KERNELS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_close_to_the_smoothed_spectrum(estimator, kernel):
    """Every estimator and kernel: within its own bars, on a spectrum where all of them can be."""
    values = np.sort(np.random.default_rng(1).uniform(-1, 1, 200))
    sigma, degree = 0.15, 120
    found = []
    for seed in range(8):
        sketch = sc.chebyshev_sketch(
            _diagonal(values), degree, columns=40, generator=_seeded(seed), interval=(-1.05, 1.05)
        )
        found.append(sketch.density(sigma, estimator=estimator, kernel=kernel).pdf(X))
    truth = sc.smoothed_spectrum(values, X, sigma, kernel=kernel, interval=(-1.05, 1.05))
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / 8**0.5
    if estimator == "nystrom":  # biased downwards
        assert (mean <= truth + 5 * error + 1e-3).all()
    else:
        # 8 runs, 41 points that depend on each other: t quantile of 7 degrees beyond 1e-4
        assert (np.abs(mean - truth) <= 8 * error + 1e-3).all()


def test_low_rank_is_exact_and_empty_is_zero():
    values = _few()
    A, sigma = _diagonal(values), 0.05
    sketch = sc.chebyshev_sketch(A, 120, columns=60, generator=_seeded(), interval=(-1.0, 1.0))
    x = np.linspace(0.2, 1.0, 17)
    truth = sc.smoothed_spectrum(values, x, sigma)
    for estimator in ("xnystrom", "nystrom++", "nystrom"):
        density = sketch.density(sigma, estimator=estimator)
        # rank 20 below 30 columns; what is left is the shift, a few 1e-6 of the peak, over n
        assert_allclose(density.pdf(x), truth, atol=1e-4)
        assert density.standard_error(x).max() < 1e-4
        assert_array_equal(density.pdf(np.array([-0.5, -0.4])), 0.0)
    assert np.abs(sketch.density(sigma, estimator="hutchinson").pdf(x) - truth).max() > 1e-3


def test_zero_check_is_essential():
    """In a gap a relative threshold inverts what rounding and truncation leave."""
    A = _diagonal(_clusters())
    sketch = sc.chebyshev_sketch(A, 250, columns=24, generator=_seeded(), interval=(-1.0, 1.0))
    gap = (np.linspace(-0.95, 0.95, 12)[:-1] + np.linspace(-0.95, 0.95, 12)[1:]) / 2
    sigma = 0.02
    truth = sc.smoothed_spectrum(_clusters(), gap, sigma)
    K1, K2 = sketch.small_matrices(gap, 0.01)
    naive = np.array([np.trace(np.linalg.lstsq(k1, k2, rcond=1e-5)[0]) / 300 for k1, k2 in zip(K1, K2, strict=True)])
    narrow = sketch.density(0.01, strict=False)
    assert np.abs(naive).max() > 1e3 * np.abs(narrow.pdf(gap)).max()
    assert_allclose(sketch.density(sigma).pdf(gap), truth, atol=0.05 * truth.max() + 1e-4)


def test_rank_and_product_identities():
    """With as many columns as rows the sketch is the matrix: Nystrom is exact at every point."""
    values = np.linspace(-1, 1, 30)
    sketch = sc.chebyshev_sketch(_diagonal(values), 60, columns=30, generator=_seeded(), interval=(-1, 1))
    truth = sc.smoothed_spectrum(values, X, 0.1)
    assert_allclose(sketch.density(0.1, estimator="nystrom").pdf(X), truth, atol=2e-4 * truth.max())
    assert_allclose(sketch.density(0.1).pdf(X), truth, atol=2e-4 * truth.max())
    tiny = sc.chebyshev_sketch(registry.tensor("two by two"), 20, columns=2, generator=_seeded(), interval=(-1.1, 1.1))
    truth = sc.smoothed_spectrum(registry.eigenvalues("two by two"), X, 0.4)
    assert_allclose(tiny.density(0.4, estimator="nystrom").pdf(X), truth, atol=2e-4 * truth.max())


def test_leave_one_out_is_its_definition():
    """The downdates against Nystrom with each column left out in turn and the column's own residual."""
    values = np.random.default_rng(4).uniform(-1, 1, 60)
    n, c, m, sigma = 60, 8, 80, 0.2
    sketch = sc.chebyshev_sketch(_diagonal(values), m, columns=c, generator=_seeded(2), interval=(-1, 1))
    Z = sc.draw_probes(n, c, generator=_seeded(2)).numpy()
    density = sketch.density(sigma)
    for t in (-0.3, 0.4):
        B = np.diag(kernels.values("gaussian", t - values, sigma))
        samples = []
        for i in range(c):
            W = np.delete(Z, i, axis=1)
            BW = B @ W
            approximation = BW @ np.linalg.solve(W.T @ BW, BW.T)
            samples.append(np.trace(approximation) + Z[:, i] @ (B - approximation) @ Z[:, i])
        # the shift of 1e-5 of the peak changes little where B is well conditioned in the sketch
        assert density.pdf(t) == pytest.approx(np.mean(samples) / n, rel=1e-3)
        assert density.standard_error(t) == pytest.approx(np.std(samples, ddof=1) / c**0.5 / n, rel=2e-2)


def test_bars_cover():
    """Nystrom++ has a standard error: its 95 % interval holds the truth about as often; others are of the error's order."""
    values = np.sort(np.random.default_rng(6).uniform(-1, 1, 150))
    x, sigma = np.array([-0.5, 0.0, 0.6]), 0.2
    truth = sc.smoothed_spectrum(values, x, sigma)
    covered, ratio = {"nystrom++": [], "hutchinson": []}, []
    for seed in range(60):
        sketch = sc.chebyshev_sketch(_diagonal(values), 30, columns=16, generator=_seeded(seed), interval=(-1, 1))
        for name, degrees in (("nystrom++", 7), ("hutchinson", 15)):
            density = sketch.density(sigma, estimator=name)
            assert density.bar == "standard error"
            half = sc.Estimate(0.0, 1.0, 0, degrees_of_freedom=degrees).interval()[1] * density.standard_error(x)
            covered[name] += list(np.abs(density.pdf(x) - truth) <= half)
        density = sketch.density(sigma)
        assert density.bar == "error scale"
        ratio.append((density.pdf(x) - truth) ** 2 / density.standard_error(x) ** 2)
    for name, held in covered.items():  # 180 trials, three to a run: three standard deviations and a little
        assert np.mean(held) > 0.87, name
    assert 0.3 < np.sqrt(np.mean(ratio)) < 4.0


def test_published_error_on_the_lattice():
    """sigma = .005, degree 1000, 40 columns, in all four estimators; the whole table is in tests.benchmarks."""
    lattice = sc.lattice_schroedinger().mapped()
    t = np.linspace(-1, 1, 100)
    truth = sc.smoothed_spectrum(lattice.eigenvalues, t, 0.005)
    published = {"hutchinson": 0.043, "nystrom": 0.12, "nystrom++": 0.016, "xnystrom": 0.0072}
    errors = {name: [] for name in published}
    for seed in range(3):
        sketch = sc.chebyshev_sketch(lattice.operator, 1000, columns=40, generator=_seeded(seed))
        for name in published:
            errors[name].append(2 * np.abs(sketch.density(0.005, estimator=name).pdf(t) - truth).mean())
    for name, bound in published.items():
        assert np.median(errors[name]) <= 1.3 * bound, name


def test_streamed_sums_are_the_stored_ones():
    A = sc.poisson(8).operator
    sigmas, x = (0.6, 1.0), np.linspace(0.0, 8.0, 11)
    kept = sc.chebyshev_sketch(A, 40, columns=6, generator=_seeded())
    sums = sc.chebyshev_sketch(A, 40, columns=6, generator=_seeded(), streamed=(sigmas, x))
    assert sums.memory == 16 * 2 * 11 * 21
    assert sums.products == kept.products
    for sigma in sigmas:
        for name in ("xnystrom", "nystrom++", "nystrom"):
            expected = kept.density(sigma, estimator=name).pdf(x)
            assert_allclose(sums.density(sigma, estimator=name).pdf(x[2:5]), expected[2:5], atol=1e-9)
    with pytest.raises(ValueError, match="run it again"):
        sums.density(0.7)
    with pytest.raises(ValueError, match="its own grid"):
        sums.density(1.0).pdf(0.123)
    with pytest.raises(ValueError, match="estimators"):
        sums.density(1.0, estimator="hutchinson")


def test_mass_moments_and_pickling():
    values = np.linspace(-0.9, 0.9, 100)
    sketch = sc.chebyshev_sketch(_diagonal(values), 60, columns=50, generator=_seeded(), interval=(-1, 1))
    density = pickle.loads(pickle.dumps(sketch.density(0.1)))
    mass, error = density.mass_between(-3, 3)
    assert mass == pytest.approx(1.0, abs=max(4 * error, 1e-3))
    assert density.bin_masses(np.array([-3.0, 0.0, 3.0])).sum() == pytest.approx(mass, rel=1e-9)
    # E[x^2] of the smoothed spectrum adds sigma^2
    assert density.moment(2) == pytest.approx((values**2).mean() + 0.01, rel=0.02)
    with pytest.raises(ValueError, match="lower end first"):
        density.mass_between(1.0, 0.0)


@pytest.mark.parametrize("name", ["spread", "clustered", "indefinite", "low rank", "repeated"])
def test_any_spectrum(name, device):
    A = registry.tensor(name, device)
    values = registry.eigenvalues(name)
    margin = 0.05 * registry.scale(name)
    interval = (values[0] - margin, values[-1] + margin)
    columns = min(20, A.shape[0])
    sketch = sc.chebyshev_sketch(A, 60, columns=columns, generator=_seeded(), interval=interval)
    sigma = sketch.smallest_sigma()
    x = np.linspace(*interval, 60)
    truth = sc.smoothed_spectrum(values, x, sigma)
    for estimator in ("xnystrom", "nystrom++", "hutchinson"):
        found = sketch.density(sigma, estimator=estimator).pdf(x)
        # twenty spheres in forty dimensions: the mean of the quadratic form of any share f errs by sqrt(2 f (1 - f) / 20) at most
        assert np.abs(found - truth).mean() <= 0.5 * truth.mean()


def test_single_precision(device):
    values = _few()
    A = _diagonal(values, device, torch.float32)
    sketch = sc.chebyshev_sketch(A, 60, columns=60, generator=_seeded(), interval=(-1.01, 1.01))
    x = np.linspace(0.2, 1.0, 9)
    density = sketch.density(0.1)
    # eigenvalues below 4 sqrt(eps) = 1.4e-3 of the peak can not be told from rounding
    assert_allclose(density.pdf(x), sc.smoothed_spectrum(values, x, 0.1), atol=0.01)


def test_a_priori_numbers():
    plan = sc.a_priori(0.05, sigma=0.01, interval=(-1, 1), delta=0.05)
    assert plan.degree == kernels.least_degree("gaussian", 0.01)
    finer = sc.a_priori(0.025, sigma=0.01, interval=(-1, 1), delta=0.05)
    # the theorems' rates: 1 / eps^2 (but for the linear term) and 1 / eps
    assert finer.hutchinson_probes / plan.hutchinson_probes == pytest.approx(4.0, rel=0.03)
    assert finer.nystrom_columns / plan.nystrom_columns == pytest.approx(2.0, rel=0.03)
    assert sc.a_priori(0.05, sigma=0.005, interval=(-1, 1)).degree == pytest.approx(2 * plan.degree, abs=1)
    with pytest.raises(ValueError, match="epsilon"):
        sc.a_priori(0.0, sigma=0.1, interval=(-1, 1))


def test_refusals():
    A = _diagonal(np.linspace(-1, 1, 20))
    for degree, columns, words in (
        (1, 4, "at least 2"),
        (5, 1, "columns"),
        (5, 21, "columns"),
        (5, 2.5, "columns must be a whole number"),
    ):
        with pytest.raises(ValueError, match=words):
            sc.chebyshev_sketch(A, degree, columns=columns, generator=_seeded(), interval=(-1, 1))
    with pytest.raises(ValueError, match="outside the interval"):
        sc.chebyshev_sketch(A, 60, columns=4, generator=_seeded(), interval=(-0.5, 0.5))
    with pytest.raises(ValueError, match="streamed"):
        sc.chebyshev_sketch(A, 60, columns=4, generator=_seeded(), interval=(-1, 1), memory=1000)
    sketch = sc.chebyshev_sketch(A, 60, columns=4, generator=_seeded(), interval=(-1, 1))
    for arguments, words in (
        (dict(estimator="guess"), "estimator"),
        (dict(kernel="box"), "kernel"),
    ):
        with pytest.raises(ValueError, match=words):
            sketch.density(0.5, **arguments)
    with pytest.raises(ValueError, match="positive"):
        sketch.density(0.0)
    with pytest.raises(ValueError, match="columns"):
        sketch.restricted(5)
    with pytest.raises(ValueError, match="whole number"):
        sketch.restricted(2.5)
    for estimator in ("xnystrom", "nystrom++", "nystrom", "hutchinson"):
        assert np.isnan(sketch.density(0.5, estimator=estimator).pdf(np.nan))
