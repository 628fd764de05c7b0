"""Covariance functions against their formulas, the tiled operator against its dense twin, the likelihood against SciPy."""

import gzip
import math
import pickle

import numpy as np
import pytest
import torch
from scipy import special, stats
from sklearn.datasets import load_diabetes

import spectral_core as sc
from spectral_core import kernels
from spectral_core.kernels import (
    RBF,
    KernelOperator,
    Linear,
    Matern,
    Periodic,
    RationalQuadratic,
    covariances,
    log_marginal_likelihood,
)
from spectral_core.kernels.cholesky import BLOCK, cholesky_steps
from spectral_core.kernels.conjugate_gradients import inverse_quadratic_steps

N = 90
ARD = (0.5, 1.0, 2.0)


def _points(seed=0, n=N, d=3):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _squared(X, scales):
    gaps = (X[:, None] - X[None]) / np.asarray(scales)
    return (gaps**2).sum(axis=2)


def _matern(X, smoothness, scale):
    """Rasmussen and Williams's equation 4.14, by the Bessel function, with its limit 1 at distance 0."""
    a = np.sqrt(2 * smoothness * _squared(X, scale))
    np.fill_diagonal(a, 1.0)
    values = 2 ** (1 - smoothness) / special.gamma(smoothness) * a**smoothness * special.kv(smoothness, a)
    np.fill_diagonal(values, 1.0)
    return values


def _periodic(X, scale, period):
    sines = np.sin(np.pi * (X[:, None] - X[None]) / period) / np.asarray(scale)
    return np.exp(-2 * (sines**2).sum(axis=2))


CASES = {
    "rbf": (RBF(0.7, 2.5), lambda X: 2.5 * np.exp(-0.5 * _squared(X, 0.7))),
    "rbf ard": (RBF(ARD), lambda X: np.exp(-0.5 * _squared(X, ARD))),
    "rbf short": (RBF(0.05), lambda X: np.exp(-0.5 * _squared(X, 0.05))),
    "matern 1/2": (Matern(0.5, 0.8), lambda X: np.exp(-np.sqrt(_squared(X, 0.8)))),
    "matern 3/2": (Matern(1.5, 0.8), lambda X: _matern(X, 1.5, 0.8)),
    "matern 5/2 ard": (Matern(2.5, ARD, 0.5), lambda X: 0.5 * _matern(X, 2.5, ARD)),
    "rational quadratic": (
        RationalQuadratic(0.9, alpha=0.7),
        lambda X: (1 + _squared(X, 0.9) / (2 * 0.7)) ** -0.7,
    ),
    "periodic": (Periodic(0.8, period=1.7), lambda X: _periodic(X, 0.8, 1.7)),
    "periodic ard": (Periodic(ARD, period=3.0), lambda X: _periodic(X, ARD, 3.0)),
    "linear": (Linear(outputscale=2.0, offset=0.5), lambda X: 2.0 * X @ X.T + 0.5),
    "linear ard": (Linear(ARD), lambda X: (X / np.array(ARD) ** 2) @ X.T),
    "sum": (RBF() + Linear(), lambda X: np.exp(-0.5 * _squared(X, 1.0)) + X @ X.T),
    "sum of products": (
        RBF(2.0) * Periodic(period=2.0) + Linear() * Matern(0.5),
        lambda X: (
            np.exp(-0.5 * _squared(X, 2.0)) * _periodic(X, 1.0, 2.0) + (X @ X.T) * np.exp(-np.sqrt(_squared(X, 1.0)))
        ),
    ),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def _rounding(dense, dtype, X=None):
    """Rounding of one entry: scaled points of size 100 at most (3 sigma over 0.05), whose difference is exact to eps."""
    return 200 * torch.finfo(dtype).eps * np.abs(dense).max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_operator_is_its_formula(case, dtype, device, generator):
    """The dense twin, in tiles that do not divide n, of blocks and single vectors alike."""
    covariance, formula = case
    X, noise = _points(), 0.25
    dense = formula(X.numpy()) + noise * np.eye(N)
    memory = 2 * (covariance.buffers + 1) * 40**2 * torch.finfo(dtype).bits // 8
    K = KernelOperator(X, covariance, noise=noise, dtype=dtype, device=device, memory=memory)
    assert K.side == 40  # three tiles a side, the last one smaller
    entry = _rounding(dense, dtype)
    whole = K.columns(range(N)).cpu()
    np.testing.assert_allclose(whole, dense, atol=entry, rtol=0)
    np.testing.assert_allclose(whole, whole.T, atol=entry, rtol=0)
    np.testing.assert_allclose(K.diagonal().cpu(), np.diag(dense), atol=entry, rtol=0)
    np.testing.assert_allclose(K.columns([5, 80, 5]).cpu(), dense[:, [5, 80, 5]], atol=entry, rtol=0)
    V = torch.randn(N, 7, generator=generator, dtype=torch.float64)
    given, sums = V.to(dtype).to(device), np.abs(V.numpy()).sum(axis=0).max()
    product = (K @ given).cpu()
    np.testing.assert_allclose(product, dense @ V.numpy(), atol=2 * entry * sums, rtol=0)
    np.testing.assert_allclose((K @ given[:, 2]).cpu(), product[:, 2], atol=entry * sums, rtol=0)
    assert product.is_contiguous()
    assert abs(K.squared_frobenius_norm() / (dense**2).sum() - 1) < 400 * torch.finfo(dtype).eps


def test_positive_semi_definite_and_within_the_interval(case):
    X = _points()
    K = KernelOperator(X, case[0], noise=1e-2)
    values = np.linalg.eigvalsh(K.columns(range(N)).numpy())
    rounding = N * np.finfo(float).eps * values[-1]
    assert K.interval[0] == 1e-2
    assert K.interval[0] - rounding <= values[0]
    assert values[-1] <= K.interval[1] + rounding
    assert K.interval[1] == pytest.approx(values.sum(), rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tile_is_a_block_of_the_matrix(case, dtype):
    covariance, formula = case
    X = _points()
    dense = formula(X.numpy())
    tile = covariance.tile(X[:20].to(dtype), X[50:].to(dtype))
    assert tile.dtype == dtype
    # the points themselves are rounded here, far from their mean by a size of at most 100 after scaling
    np.testing.assert_allclose(tile, dense[:20, 50:], atol=2 * _rounding(dense, dtype), rtol=0)
    np.testing.assert_allclose(covariance.diagonal(X), np.diag(dense), rtol=1e-13)
    assert pickle.loads(pickle.dumps(covariance)) == covariance


def test_limits():
    X = _points()
    rbf = RBF(0.8).tile(X, X)
    wide = RationalQuadratic(0.8, alpha=1e9).tile(X, X)
    np.testing.assert_allclose(wide, rbf, atol=1e-8)  # (1 + s / alpha)^-alpha = exp(-s) (1 + s^2 / (2 alpha) + ...)
    np.testing.assert_allclose(RBF((0.8, 0.8, 0.8)).tile(X, X), rbf, atol=1e-14)
    np.testing.assert_allclose((RBF(1.1) * RBF(1.1)).tile(X, X), RBF(1.1 / math.sqrt(2)).tile(X, X), atol=1e-14)
    np.testing.assert_allclose((RBF() + RBF()).tile(X, X), RBF(outputscale=2.0).tile(X, X), atol=1e-14)
    far = RBF((0.8, 0.8, 1e12)).tile(X, X)  # a column of endless length scale does not matter
    np.testing.assert_allclose(far, RBF(0.8).tile(X[:, :2], X[:, :2]), atol=1e-12)
    again = Periodic(0.9, period=1.7).tile(X, X + 5 * 1.7)
    np.testing.assert_allclose(again, Periodic(0.9, period=1.7).tile(X, X), atol=1e-13)


def test_length_scale_is_replaced_where_there_is_one():
    mixed = RBF(ARD) * Periodic(2.0, period=3.0) + Linear(4.0) + Matern(0.5)
    moved = RBF(0.3) * Periodic(0.3, period=3.0) + Linear(4.0) + Matern(0.5, 0.3)
    assert mixed.with_lengthscale(0.3) == moved


def test_near_duplicates_in_float32_far_from_the_origin():
    """Pairs a hundredth of a length scale apart among points 60 length scales wide, about 1000 of their units from 0.

    Rounding a scaled coordinate z costs eps |z|, so that r errs by 4 eps max|z|; |x|^2 + |y|^2 - 2 x.y would cost
    eps |z|^2 of r^2, 60 times the bound here.
    """
    X = 1000 + _points(d=6)
    X[1::2] = X[::2] + 5e-4 * _points(1, d=6)[::2]
    exact = KernelOperator(X, Matern(0.5, 0.05), noise=1e-3).columns(range(N))
    rounded = KernelOperator(X, Matern(0.5, 0.05), noise=1e-3, dtype=torch.float32).columns(range(N))
    size = float(((X - X.mean(0)) / 0.05).norm(dim=1).max())
    error = float((exact - rounded).abs().max())
    assert error < 4 * torch.finfo(torch.float32).eps * size
    assert 4 * size < 0.1 / torch.finfo(torch.float32).eps


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_decay_is_the_exponential(dtype):
    """To 2 ulp from 0 to the end of its range, and constant beyond; r = x - n log 2 is exact and the series' rest below
    an ulp, so what is left is the rounding of the polynomial and of one product."""
    end = 80.0 if dtype == np.float32 else 700.0
    values = np.concatenate([np.linspace(0, end, 9999), np.geomspace(1e-12, end, 9999), [0.0, end, 2 * end, 1e30]])
    values = values.astype(dtype)
    found = covariances.decay_(torch.tensor(values)[None])[0].numpy()
    truth = np.exp(-np.minimum(values, dtype(end)).astype(np.longdouble))
    assert np.abs(found / truth - 1).max() < 2 * np.finfo(dtype).eps
    assert (found[values == 0] == 1).all()


def test_no_subnormal_numbers():
    """They make products ten times slower; short length scales are full of them."""
    for dtype in (torch.float32, torch.float64):
        X = torch.linspace(0, 60, N, dtype=torch.float64)[:, None]
        for covariance in (RBF(), Matern(0.5, 0.05), Matern(2.5, 0.05), RationalQuadratic(alpha=50.0)):
            tile = KernelOperator(X, covariance, noise=1.0, dtype=dtype).columns(range(N))
            assert float(tile.abs().min()) > torch.finfo(dtype).tiny


@pytest.mark.parametrize("covariance", [RBF(), Matern(2.5), RBF() * Matern(1.5) + Periodic()])
def test_memory_is_kept_to(covariance, generator, monkeypatch):
    """Tiles in one half, the transposed block and its product in the other, whatever the number of columns."""
    n, columns, memory = 300, 12, 1 << 16
    X = _points(n=n)
    V = torch.randn(n, columns, generator=generator, dtype=torch.float64)
    expected = KernelOperator(X, covariance, noise=0.1) @ V
    tiles, widths = [], []
    distances, one_pass = covariances.squared_distances, KernelOperator._pass
    monkeypatch.setattr(covariances, "squared_distances", lambda *a: (tiles.append(distances(*a)), tiles[-1])[1])
    monkeypatch.setattr(KernelOperator, "_pass", lambda K, V: (widths.append(V.shape[1]), one_pass(K, V))[1])
    K = KernelOperator(X, covariance, noise=0.1, memory=memory)
    np.testing.assert_allclose(K @ V, expected, atol=1e-12)
    assert max(tile.nbytes for tile in tiles) * (covariance.buffers + 1) <= memory / 2
    assert 2 * n * max(widths) * 8 <= memory / 2
    assert sum(widths) == columns
    with pytest.raises(ValueError, match="raise memory="):
        KernelOperator(X, covariance, noise=0.1, memory=12_000)


def test_contract_with_the_estimators(device):
    """A kernel operator goes through moves, sums and counts as any other."""
    X = _points().float()
    K = KernelOperator(X, RBF(), noise=1e-2, device=device)
    assert K.dtype == torch.float32
    assert K.to(dtype=torch.float32) is K
    double = K.to(dtype=torch.float64)
    assert double.dtype == torch.float64
    assert double.covariance == K.covariance
    assert tuple(sc.bounds(double, generator=torch.Generator()))[1] >= double.interval[1]
    twice = sc.SumOperator(K, K)
    np.testing.assert_allclose(sc.materialise(twice), 2 * K.columns(range(N)).cpu(), atol=1e-5)


def _with(value):
    X = _points()
    X[3, 1] = value
    return X


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: KernelOperator(_with(np.nan), RBF(), noise=1.0), "1 of 90 rows hold NaN or infinity"),
        (lambda: KernelOperator(_with(np.inf), RBF(), noise=1.0), "1 of 90 rows hold NaN or infinity"),
        (lambda: KernelOperator(torch.zeros(0, 3), RBF(), noise=1.0), r"got \(0, 3\)"),
        (lambda: KernelOperator(torch.zeros(3, 0), RBF(), noise=1.0), r"got \(3, 0\)"),
        (lambda: KernelOperator(torch.zeros(5), RBF(), noise=1.0), r"pass X\[:, None\]"),
        (lambda: KernelOperator([["a", "b"]], RBF(), noise=1.0), "real numbers"),
        (lambda: KernelOperator(np.ones((2, 2)) * 1j, RBF(), noise=1.0), "real numbers"),
        (lambda: KernelOperator(_points(), RBF(), noise=-0.1), "at least 0; got -0.1"),
        (lambda: KernelOperator(_points(), RBF(), noise=np.nan), "at least 0; got nan"),
        (lambda: KernelOperator(_points(), "rbf", noise=1.0), "covariance function"),
        (lambda: KernelOperator(torch.cat([_points(), _points()[:7]]), RBF()), "7 of 97 rows repeat"),
        (lambda: KernelOperator(_points(), RBF((1.0, 2.0)), noise=1.0), "got 2 for 3 columns"),
        (lambda: KernelOperator(_points(), RBF(), dtype=torch.float16), "float32 or float64"),
        (lambda: KernelOperator(_points(), RBF(), noise=1.0).columns([0, 90]), "from 0 to 89"),
        (lambda: RBF().tile(_points(), _points(d=2)), "same columns"),
        (lambda: RBF(0.0), "lengthscale must be positive and finite; got 0"),
        (lambda: RBF(math.inf), "lengthscale must be positive"),
        (lambda: RBF("long"), "lengthscale must be a number"),
        (lambda: RBF((1.0, -2.0)), "ARD length scales must be positive and finite; got -2"),
        (lambda: RBF(outputscale=-1.0), "outputscale must be positive"),
        (lambda: Matern(2.0), "0.5, 1.5 or 2.5; got 2.0"),
        (lambda: RationalQuadratic(alpha=0.0), "alpha must be positive"),
        (lambda: Periodic(period=-1.0), "period must be positive"),
        (lambda: Linear(offset=-1.0), "offset must be finite and at least 0"),
        (lambda: RBF() + 1.0, "only covariance functions"),
        (lambda: RBF() * 2.0, "set outputscale"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_duplicated_rows_are_fine_with_noise():
    X = torch.cat([_points(), _points()[:7]])
    values = np.linalg.eigvalsh(KernelOperator(X, RBF(), noise=1e-2).columns(range(97)))
    np.testing.assert_allclose(values[:7], 1e-2, atol=1e-3)  # one eigenvalue a repetition at the noise


# Cholesky and conjugate gradients


@pytest.mark.parametrize("n", [1, BLOCK, BLOCK + 1, 2 * BLOCK + 30])
def test_cholesky_is_the_factor(n):
    K = KernelOperator(_points(n=n), Matern(1.5), noise=1e-3)
    A = K.columns(range(n))
    L = A.clone()
    fractions = list(cholesky_steps(L))
    assert len(fractions) == -(-n // BLOCK)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    L = L.tril()
    np.testing.assert_allclose(L @ L.T, A, atol=n * np.finfo(float).eps * float(A.diagonal().max()) * 4)


@pytest.mark.parametrize("column", [2, BLOCK + 40])
def test_cholesky_says_what_is_not_positive_definite(column):
    A = torch.eye(BLOCK + 50, dtype=torch.float64)
    A[column, column] = -1e-3
    with pytest.raises(ValueError, match=r"not positive definite.*add a jitter"):
        list(cholesky_steps(A))
    singular = torch.ones(5, 5, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"not positive definite.*add a jitter"):
        list(cholesky_steps(singular))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_conjugate_gradients_bracket_the_quadratic_form(dtype, generator):
    """Every partial bracket holds the truth, to the rounding of the products; the last is as narrow as asked for."""
    K = KernelOperator(_points(n=300), RBF(), noise=1e-2, dtype=dtype)
    y = torch.randn(300, generator=generator, dtype=torch.float64)
    truth = float(y @ torch.linalg.solve(K.to(dtype=torch.float64).columns(range(300)), y))
    steps = list(inverse_quadratic_steps(K, y.to(dtype), tolerance=1e-3))
    # x.(y + r) is wrong by x.(K - K') x where the products are those of a matrix K' near K
    slack = truth * torch.finfo(dtype).eps * K.interval[1] / K.interval[0]
    for step in steps:
        assert step.bracket[0] - slack <= truth <= step.bracket[1] + slack
    last = steps[-1]
    assert last.converged
    assert last.bracket[1] - last.bracket[0] <= 1e-3 * last.value
    assert last.products == len(steps)
    early = list(inverse_quadratic_steps(K, y.to(dtype), products=10))[-1]
    assert early.products == 10
    assert not early.converged
    assert early.bracket[0] <= truth <= early.bracket[1]


def test_conjugate_gradients_with_a_preconditioner_and_without_a_bound(generator):
    K = KernelOperator(_points(n=200), RBF(), noise=1e-2)
    A = K.columns(range(200))
    y = torch.randn(200, generator=generator, dtype=torch.float64)
    truth = float(y @ torch.linalg.solve(A, y))
    inverse = torch.linalg.inv(A)
    *_, q = inverse_quadratic_steps(K, y, precondition=lambda r: inverse @ r)
    assert q.products <= 3
    assert q.value == pytest.approx(truth, rel=1e-6)
    *_, q = inverse_quadratic_steps(sc.as_operator(A), y, tolerance=1e-8)
    assert q.bracket[1] == math.inf
    assert q.value == pytest.approx(truth, rel=1e-6)
    *_, q = inverse_quadratic_steps(K, torch.zeros(200, dtype=torch.float64))
    assert (q.value, q.products, q.converged) == (0.0, 0, True)
    with pytest.raises(ValueError, match=r"not positive definite.*add a jitter"):
        list(inverse_quadratic_steps(torch.diag(torch.tensor([1.0, -1.0])), torch.tensor([1.0, 2.0])))


# the log marginal likelihood


def _problem(n=300, noise=0.05):
    X = _points(n=n, d=2)
    y = (X[:, 0] * 1.3).sin() + 0.2 * torch.randn(n, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    return X, y, KernelOperator(X, Matern(2.5), noise=noise)


def test_exact_likelihood_is_the_density_of_a_gaussian():
    X, y, K = _problem()
    truth = stats.multivariate_normal(np.zeros(300), K.columns(range(300)).numpy()).logpdf(y.numpy())
    found = log_marginal_likelihood(K, y)
    assert found.exact
    assert found.products == 0
    assert found.value == pytest.approx(truth, rel=1e-11)
    assert found.value == pytest.approx(-0.5 * (found.quadratic + found.logdet.value + 300 * math.log(2 * math.pi)))
    assert found.lower == pytest.approx(found.value)
    assert found.upper == pytest.approx(found.value)
    dense = log_marginal_likelihood(K.columns(range(300)), y)  # any operator
    assert dense.value == pytest.approx(truth, rel=1e-11)
    assert pickle.loads(pickle.dumps(found)).value == found.value


@pytest.mark.parametrize("method", ["slq", "preconditioned"])
def test_estimated_likelihood(method, generator):
    X, y, K = _problem()
    truth = log_marginal_likelihood(K, y, exact=True)
    found = log_marginal_likelihood(K, y, exact=False, products=400, method=method, generator=generator)
    assert not found.exact
    assert found.products <= 400 + 1
    assert found.lower <= truth.value <= found.upper
    assert found.quadratic_bracket[0] <= truth.quadratic <= found.quadratic_bracket[1]
    assert abs(found.value - truth.value) < 0.01 * abs(truth.logdet.value)


def test_likelihood_refusals(generator):
    X, y, K = _problem()
    with pytest.raises(ValueError, match="300 finite numbers"):
        log_marginal_likelihood(K, y[:-1])
    with pytest.raises(ValueError, match="NaN or infinite"):
        log_marginal_likelihood(K, y * np.nan)
    with pytest.raises(ValueError, match="at least 8; got 3"):
        log_marginal_likelihood(K, y, products=3)
    huge = sc.as_operator(lambda V: V, n=1_000_000)
    with pytest.raises(ValueError, match=r"8e\+03 GB .*exact=False"):
        log_marginal_likelihood(huge, torch.ones(1_000_000), exact=True)
    singular = KernelOperator(X, Linear(), noise=0.0)
    with pytest.raises(ValueError, match=r"not positive definite.*add a jitter"):
        log_marginal_likelihood(singular, y)


def test_curve_over_length_scales():
    """Exact points are those of the likelihood; estimated ones do not depend on which others are asked for."""
    X, y, _ = _problem(n=80)
    scales = [0.2, 0.5, 1.0, 2.0, 5.0]
    steps = list(kernels.length_scale_curve_steps(X, y, Matern(2.5), 0.05, scales))
    assert [len(step.value) for step in steps] == sorted(len(step.value) for step in steps)
    assert {len(step.value) for step in steps} == set(range(6))
    exact = steps[-1]
    assert exact.exact
    assert exact.best == scales[int(exact.value.argmax())]
    for l, value in zip(scales, exact.value, strict=True):
        K = KernelOperator(X, Matern(2.5, l), noise=0.05)
        assert value == log_marginal_likelihood(K, y).value
    options = {"exact": False, "products": 100, "method": "slq"}
    seeded = [torch.Generator().manual_seed(3) for _ in range(2)]
    whole = kernels.length_scale_curve(X, y, Matern(2.5), 0.05, scales, generator=seeded[0], **options)
    part = kernels.length_scale_curve(X, y, Matern(2.5), 0.05, scales[2:4], generator=seeded[1], **options)
    np.testing.assert_array_equal(part.value, whole.value[2:4])
    assert not whole.exact
    assert (whole.lower <= exact.value).all()
    assert (exact.value <= whole.upper).all()
    assert whole.products <= 5 * 101
    with pytest.raises(ValueError, match="at least one length scale"):
        kernels.length_scale_curve(X, y, RBF(), 0.05, [])


# inputs


def test_standardised_columns(generator):
    X = 5 + 3 * kernels.gaussian_inputs(200, 4, generator=generator)
    Z, notes = kernels.standardised(X)
    assert notes == ()
    np.testing.assert_allclose(Z.mean(dim=0), 0, atol=1e-13)
    np.testing.assert_allclose(Z.std(dim=0, correction=0), 1, atol=1e-13)
    X[:, 1], X[:, 3] = 0.1, 7.0
    X[10:13] = X[0]
    Z, notes = kernels.standardised(X, names=["a", "b", "c", "d"])
    assert Z.shape == (200, 2)
    assert notes[0] == "dropped 2 constant columns: 'b', 'd'."
    assert "3 of 200 rows repeat" in notes[1]
    with pytest.raises(ValueError, match="every column is constant"):
        kernels.standardised(np.ones((5, 2)))
    with pytest.raises(ValueError, match="1 names for 4 columns"):
        kernels.standardised(X, names=["a"])


def test_gaussian_inputs_have_their_scale(generator):
    X = kernels.gaussian_inputs(20_000, scale=0.28, generator=generator)
    assert X.shape == (20_000, 6)
    spread = float(X.std())
    assert abs(spread - 0.28) < 4 * 0.28 / math.sqrt(2 * X.numel())  # standard error of a standard deviation
    with pytest.raises(ValueError, match="positive scale"):
        kernels.gaussian_inputs(10, scale=0.0, generator=generator)


# oracles


def _regression(name, data):
    if name == "diabetes":
        return load_diabetes(return_X_y=True)
    with gzip.open(data / "regression" / f"uci_{name}.csv.gz", "rt") as file:
        table = np.genfromtxt(file, delimiter=",")
    table = table[np.isfinite(table).all(axis=1)]
    return table[:, :-1], table[:, -1]


@pytest.mark.parametrize(
    ("name", "published"), [("concrete", -2681.93469), ("airfoil", -5660.47234), ("diabetes", -119.31459)]
)
def test_log_determinants_of_real_tables(name, published, data):
    X, y = _regression(name, data)
    K = KernelOperator(kernels.standardised(X)[0], RBF(), noise=1e-2)
    found = log_marginal_likelihood(K, y - y.mean(), exact=True)
    assert round(found.logdet.value, 5) == published
