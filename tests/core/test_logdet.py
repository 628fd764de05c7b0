"""Log-determinants: identities, brackets, exact limits, coverage, stored oracles, sentences."""

import math
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import sparse

import spectral_core as sc
from spectral_core.estimators.logdet import METHODS, logdet, logdet_all, logdet_all_steps, logdet_steps
from spectral_core.estimators.logdet.chebyshev import log_coefficients
from spectral_core.estimators.logdet.elimination import SchurComplement, elimination_steps
from spectral_core.estimators.logdet.exact import exact_steps
from spectral_core.estimators.logdet.extrapolation import limit_of_rules, slow_limit
from spectral_core.estimators.logdet.methods import _above
from spectral_core.estimators.logdet.preconditioned import preconditioned_steps
from spectral_core.estimators.logdet.quadrature import log_rules, slq_steps
from spectral_core.kernels import RBF, KernelOperator, gaussian_inputs, grid_weights, spatial_operator
from spectral_core.krylov.lanczos import lanczos
from tests.core import registry

ESTIMATES = ("preconditioned", "slq", "chebyshev")
POSITIVE = ("spread", "clustered", "repeated", "identity", "wide", "one by one")


pytestmark = pytest.mark.usefixtures("one_thread")


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def drained(steps):
    *_, item = steps
    return item


def rotated(values, seed=3):
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values),) * 2))[0]
    matrix = (basis * values) @ basis.T
    return torch.as_tensor((matrix + matrix.T) / 2)


def kernel(n=300, lengthscale=1.3, noise=1e-6):
    X = torch.randn(n, 3, generator=seeded(0), dtype=torch.float64)
    return torch.exp(-(torch.cdist(X, X) ** 2) / (2 * lengthscale**2)) + noise * torch.eye(n, dtype=torch.float64)


def matrix_free(matrix):
    return sc.as_operator(lambda V: matrix.to(V) @ V, n=len(matrix))


def poisson(side):
    D = sparse.diags_array([-np.ones(side - 1), 2 * np.ones(side), -np.ones(side - 1)], offsets=[-1, 0, 1])
    return sparse.csr_array(sparse.kron(D, sparse.eye_array(side)) + sparse.kron(sparse.eye_array(side), D))


# Identities


@pytest.mark.parametrize("name", POSITIVE)
def test_exact_is_the_sum_of_logarithms(name):
    truth = np.log(registry.eigenvalues(name)).sum()
    # backward error n eps ||A|| moves an eigenvalue's logarithm by that over the smallest one
    values = registry.eigenvalues(name)
    rounding = 1e-12 + 40 * len(values) * np.finfo(float).eps * values[-1] / values[0]
    for A in (registry.tensor(name), sparse.csr_array(registry.MATRICES[name]), matrix_free(registry.tensor(name))):
        y = logdet(A, method="exact")
        assert y.value == pytest.approx(truth, abs=rounding)
        assert y.exact
        assert y.lower == y.value == y.upper
        assert y.products == (len(values) if callable(getattr(A, "function", None)) else 0)


def test_exact_in_a_child_process_is_the_same():
    values = np.linspace(1.0, 3.0, 520)
    items = list(exact_steps(rotated(values)))
    assert math.isnan(items[0].value)
    assert "factorising" in items[0].stopped
    assert items[-1].value == pytest.approx(np.log(values).sum(), abs=1e-9)
    # det of the path's Laplacian 2 I - A is n + 1
    path = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(2000, 2000)).tocsr()
    assert logdet(path, method="exact").value == pytest.approx(math.log(2001), abs=1e-9)


@pytest.mark.parametrize("free", [False, True])
def test_elimination_splits_the_determinant(free, device, generator):
    dense = kernel(60, noise=1e-2).to(device)
    A = matrix_free(dense) if free else dense
    if free:
        A = sc.as_operator(lambda V: dense @ V, n=60, device=device)
    *_, (part, mean) = (e for e in elimination_steps(A, columns=10, generator=generator) if e[0].rank <= 30)
    assert part.rank == 30
    V = torch.eye(60, dtype=torch.float64, device=device)
    S = (SchurComplement(A, part) @ part.project_(V.clone())).cpu()
    # S is 0 on Q, of which there are 30, and positive on the rest
    values = torch.linalg.eigvalsh((S + S.T) / 2)
    assert values[:30].abs().max() < 1e-12
    truth = float(torch.linalg.slogdet(dense.cpu())[1])
    assert part.log_determinant + float(values[30:].log().sum()) == pytest.approx(truth, abs=1e-9)
    assert values[30] >= torch.linalg.eigvalsh(dense.cpu())[0] * (1 - 1e-9)  # S inherits the lower bound
    if not free:
        assert mean == pytest.approx(float(S.trace()) / 30, rel=1e-9)


def test_elimination_leaves_little_of_a_low_rank_to_the_probes():
    U = np.linalg.qr(np.random.default_rng(1).standard_normal((300, 20)))[0]
    A = torch.as_tensor((U * np.linspace(1, 9, 20)) @ U.T + 1e-3 * np.eye(300))
    truth = np.log(np.linspace(1, 9, 20) + 1e-3).sum() + 280 * np.log(1e-3)
    for operator in (A, matrix_free(A)):
        y, plain = (
            logdet(operator, method=method, lower_bound=1e-3, products=280, generator=seeded(0))
            for method in ("preconditioned", "slq")
        )
        assert "eliminated exactly" in y.stopped
        assert abs(y.value - truth) < 4 * y.standard_error < plain.standard_error
        assert not y.exact


def test_a_multiple_of_the_identity_leaves_nothing():
    for A in (3.0 * torch.eye(200, dtype=torch.float64), matrix_free(3.0 * torch.eye(200, dtype=torch.float64))):
        for method in ESTIMATES:
            y = logdet(A, method=method, products=150, lower_bound=3.0, generator=seeded(0))
            assert y.value == pytest.approx(200 * np.log(3.0), abs=1e-4 if method == "chebyshev" else 1e-9)
            assert y.standard_error < 1e-3


@pytest.mark.parametrize("name", POSITIVE)
def test_full_depth_is_exact_for_each_probe(name):
    A, values = registry.tensor(name), registry.eigenvalues(name)
    n = len(values)
    basis = torch.as_tensor(np.linalg.eigh(registry.MATRICES[name])[1])
    V = torch.randn(n, 3, generator=seeded(1), dtype=torch.float64)
    run = lanczos(A, V, n)
    rules = log_rules(run.alpha, run.beta, run.lengths, size=n, dtype=torch.float64, lower_bound=values[0] / 2)
    weights = ((basis.T @ V) ** 2 / (V**2).sum(0)).numpy()
    # rounding moves an eigenvalue by some eps ||A||
    rounding = 1e-12 + 100 * np.finfo(float).eps * values[-1] / values[0]
    assert_allclose(rules.gauss, np.log(values) @ weights, atol=rounding)


@pytest.mark.parametrize("steps", [1, 2, 5, 12])
@pytest.mark.parametrize("condition", [3.0, 1e4, 1e8])
def test_rules_bracket_each_probe(condition, steps):
    values = np.geomspace(1.0 / condition, 1.0, 60)
    V = torch.randn(60, 8, generator=seeded(2), dtype=torch.float64)
    run = lanczos(torch.diag(torch.as_tensor(values)), V, steps)
    truth = np.log(values) @ ((V**2 / (V**2).sum(0)).numpy())
    for bound in (values[0], values[0] / 100):
        rules = log_rules(run.alpha, run.beta, run.lengths, size=60, dtype=torch.float64, lower_bound=bound)
        assert (rules.radau <= truth + 1e-9).all()
        assert (truth <= rules.gauss + 1e-9).all()
        assert (rules.radau < rules.gauss).all()


def test_series_of_the_logarithm():
    c, bound = log_coefficients(0.02, 5.0, 40)
    x = np.linspace(0.02, 5.0, 4001)
    errors = np.abs(np.polynomial.chebyshev.chebval((2 * x - 5.02) / 4.98, c) - np.log(x))
    assert errors.max() <= bound * (1 + 1e-9)
    assert errors[0] == pytest.approx(bound, rel=1e-9)  # where the bound is attained


def test_limit_of_rules():
    k = np.arange(1, 4)
    for law in (0.3**k, 1.0 / k, 1.0 / k**2):  # the meeting point knows no law
        value, uncertainty = limit_of_rules(2.0 + law, 2.0 - 3.0 * law)
        assert abs(value - 2.0) <= uncertainty + 1e-12
        assert uncertainty < law[-1]
    value, uncertainty = limit_of_rules(2.0 + 0.3**k, np.full(3, -np.inf))
    assert value == pytest.approx(2.0, abs=1e-12)
    assert uncertainty >= 0.3**3 - 1e-12
    for power in (0.5, 1.0, 2.0, 6.0):  # slow laws, of which nothing is known but that they fall
        value, uncertainty = limit_of_rules(2.0 + 1.0 / k**power, np.full(3, -np.inf))
        assert abs(value - 2.0) <= uncertainty + 1e-3
    assert limit_of_rules(np.ones(3), np.ones(3)) == (1.0, 0.0)
    for power in (0.5, 1.0, 2.0, 6.0):
        assert slow_limit(2.0 + 1.0 / k**power) == pytest.approx(2.0, abs=1e-3)
    assert slow_limit(2.0 + 0.3**k) < 2.0  # on the safe side of faster ones
    assert slow_limit(np.ones(3)) == 1.0


# What every method keeps


@pytest.mark.parametrize("method", METHODS)
def test_contract(method, device):
    A = rotated(np.linspace(0.5, 2.0, 120)).to(device)
    items = list(logdet_steps(A, method=method, products=200, lower_bound=0.5, generator=seeded(0)))
    last = items[-1]
    assert isinstance(last, sc.LogDeterminant)
    assert last.method == method
    assert last.size == 120
    assert last.exact == (method == "exact")
    assert 0 <= last.products <= 200
    assert_allclose(last.history[-1], [last.products, last.value, last.standard_error])
    assert (np.diff(last.history[:, 0]) >= 0).all()
    assert not last.history.flags.writeable
    assert last.stopped
    copy = pickle.loads(pickle.dumps(last))
    assert (copy.value, copy.lower, copy.stopped) == (last.value, last.lower, last.stopped)
    again = logdet(A, method=method, products=200, lower_bound=0.5, generator=seeded(0))
    assert again.value == last.value
    truth = np.log(np.linspace(0.5, 2.0, 120)).sum()
    assert abs(last.value - truth) < 0.2 * 120 * np.log(4.0)


@pytest.mark.parametrize("method", ESTIMATES)
@pytest.mark.parametrize("kind", ["kernel", "flat", "matrix-free"])
def test_bars_and_brackets_hold_the_truth(method, kind):
    A = rotated(np.linspace(0.2, 2.0, 300)) if kind == "flat" else kernel()
    truth = 2.0 * float(torch.linalg.cholesky(A).diagonal().log().sum())
    bound = 0.2 if kind == "flat" else 1e-6
    operator = matrix_free(A) if kind == "matrix-free" else A
    seeds = 12 if method == "preconditioned" else 25
    runs = [
        logdet(operator, method=method, products=250, lower_bound=bound, generator=seeded(seed))
        for seed in range(seeds)
    ]
    z = np.array([(run.value - truth) / run.standard_error for run in runs])
    # |z| > 3 has probability .013 with 9 degrees of freedom: two in 25 are a 4 % event
    assert (np.abs(z) > 3).sum() <= 1
    # nominal 99 %: three misses in 25 are a 0.2 % event
    assert sum(not run.lower <= truth <= run.upper for run in runs) <= 2
    assert all(run.bracket[0] <= run.bracket[1] and run.products <= 250 for run in runs)


def test_preconditioned_beats_plain_quadrature():
    A = kernel()
    truth = 2.0 * float(torch.linalg.cholesky(A).diagonal().log().sum())
    errors = {
        method: np.median(
            [
                abs(logdet(A, method=method, products=250, lower_bound=1e-6, generator=seeded(seed)).value - truth)
                for seed in range(5)
            ]
        )
        for method in ("preconditioned", "slq")
    }
    assert errors["preconditioned"] < 0.1 * errors["slq"]


def test_control_variates_need_no_luck():
    """A quadratic of the matrix is all that ``log`` is near the identity: the known moments leave almost no variance."""
    A = rotated(np.linspace(0.98, 1.02, 1000), seed=1)
    y = logdet(A, method="preconditioned", products=120, lower_bound=0.98, generator=seeded(0))
    plain = logdet(A, method="slq", products=120, lower_bound=0.98, generator=seeded(0))
    assert y.standard_error < 1e-2 * plain.standard_error
    assert abs(y.value - np.log(np.linspace(0.98, 1.02, 1000)).sum()) < 4 * y.standard_error


@pytest.mark.parametrize("method", ESTIMATES)
def test_no_lower_bound_is_said(method):
    A = matrix_free(rotated(np.linspace(0.2, 2.0, 100)))
    y = logdet(A, method=method, products=90, generator=seeded(0))
    assert y.lower == -np.inf
    assert "bound" in y.stopped


def test_float32():
    A = kernel(noise=0.1)
    truth = 2.0 * float(torch.linalg.cholesky(A).diagonal().log().sum())
    for method in ESTIMATES:
        y = logdet(A.float(), method=method, products=280, lower_bound=0.09, generator=seeded(0))
        assert abs(y.value - truth) < 4 * y.standard_error


@pytest.mark.parametrize("method", [*ESTIMATES, "meme", "bmxnt"])
def test_a_bound_below_float32_rounding_stays_in_the_bar(method):
    """Noise 1e-5 under a largest eigenvalue of 100, rounded by as much: the bar holds what lies below, or float64 is asked."""
    K = KernelOperator(gaussian_inputs(300, generator=seeded(0)), RBF(2.0), noise=1e-5)
    truth = float(torch.linalg.slogdet(K @ torch.eye(300, dtype=torch.float64))[1])
    for seed in range(4):
        A = K.to(dtype=torch.float32)
        y = logdet_all(A, products=250, methods=("exact", method), generator=seeded(seed))[method]
        if y.refused:
            assert "use float64" in y.stopped
        else:
            assert abs(y.value - truth) <= 3 * y.standard_error
            assert np.isfinite(y.bracket).all()
            assert y.lower <= truth <= y.upper


def test_float32_that_does_not_resolve_a_matrix_asks_for_float64():
    A = rotated(np.r_[np.full(30, 1e-9), np.linspace(0.5, 1.0, 30)])
    with pytest.raises(ValueError, match=r"singular to working precision.*use float64"):
        logdet(A.float(), method="slq", products=200, generator=seeded(0))
    assert np.isfinite(logdet(A, method="slq", products=200, generator=seeded(0)).value)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("method", METHODS)
def test_the_identity_whose_lower_bound_is_its_eigenvalue(method, dtype):
    """``I - rho W`` at ``rho = 0``: Ritz values are 1 to rounding, on either side of the bound."""
    A, n = spatial_operator(grid_weights(30, 40), 0.0, dtype=dtype), 1200
    assert A.interval == (1.0, 1.0)
    y = logdet(A, method=method, products=200, generator=seeded(0))
    rounding = (
        10 * n * n**0.5 * torch.finfo(dtype).eps + n * n * np.finfo(float).eps
    )  # of sums in any order; one by one
    assert abs(y.value) <= 3 * y.standard_error <= rounding
    assert y.lower <= 0.0 <= y.upper
    if method == "exact":
        assert (y.value, y.standard_error, y.relative_error) == (0.0, 0.0, 0.0)
    elif dtype == torch.float64:
        assert y.standard_error >= n * np.finfo(float).eps
        assert math.isnan(y.relative_error)
        y = logdet(A, method=method, tolerance=1e-3, generator=seeded(0))
        assert "rounding: the value is near 0" in y.stopped
        assert y.products <= 250


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("noise", "scale"), [(1e6, 1e-6), (1e6, 1.0), (1e-6, 1e6), (1.0, 1e-3)])
def test_extreme_kernels_have_a_value(method, noise, scale):
    K = KernelOperator(gaussian_inputs(100, generator=seeded(0)), RBF(0.5, outputscale=scale), noise=noise)
    truth = np.log(np.linalg.eigvalsh((K @ torch.eye(100, dtype=torch.float64)).numpy())).sum()
    y = logdet(K, method=method, products=1000, generator=seeded(0))
    # either of two backward stable answers is off by n eps kappa at worst, 1e-13 of which is the sum's own rounding
    own = 1e-13 * abs(truth) + 100 * np.finfo(float).eps * (1.0 + 100 * scale / noise)
    assert abs(y.value - truth) <= 3 * y.standard_error + own
    assert np.isfinite(y.history).all()


def test_large_sparse_matrices_are_left_whole():
    y = drained(preconditioned_steps(sc.as_operator(poisson(60)), products=300, generator=seeded(0)))
    i = np.arange(1, 61)
    one = 2 - 2 * np.cos(i * np.pi / 61)
    truth = np.log(one[:, None] + one).sum()
    assert abs(y.value - truth) < 3 * y.standard_error < 0.01 * truth
    assert "eliminated" not in y.stopped


# The front


def test_auto_is_exact_up_to_the_budget():
    A = rotated(np.linspace(0.5, 2.0, 120))
    y = logdet(A, products=120)
    assert y.exact
    assert "n = 120 is at most the budget of 120" in y.stopped
    assert y.value == pytest.approx(np.log(np.linspace(0.5, 2.0, 120)).sum(), abs=1e-10)
    y = logdet(A, products=119, generator=seeded(0))
    assert not y.exact
    assert y.method == "preconditioned"


def test_tolerance_is_reached_or_its_cap_is_said():
    A = kernel(600, noise=1e-2)
    truth = 2.0 * float(torch.linalg.cholesky(A).diagonal().log().sum())
    loose, tight = (
        logdet(A, method="preconditioned", tolerance=t, lower_bound=1e-2, generator=seeded(1)) for t in (0.1, 5e-4)
    )
    for y, t in ((loose, 0.1), (tight, 5e-4)):
        assert 2 * y.standard_error <= t * abs(y.value)
        assert abs(y.value - truth) <= 2 * t * abs(truth)  # 4 standard errors
        assert "as asked" in y.stopped
    assert loose.products < tight.products
    assert (np.diff(tight.history[:, 0]) >= 0).all()
    y = logdet(A, method="slq", tolerance=1e-6, products=300, lower_bound=1e-2, generator=seeded(0))
    assert "at the cap of 300 products" in y.stopped
    assert y.products <= 300


def test_the_cap_reads_as_more_than_the_tolerance():
    for reached, tolerance, text in ((0.0104, 0.01, "0.0104"), (0.2, 0.01, "0.2"), (0.01 + 1e-9, 0.01, "0.010000001")):
        assert _above(reached, tolerance) == text


def test_a_method_that_refuses_does_not_end_the_others():
    A = rotated(np.linspace(0.5, 2.0, 60))
    results = logdet_all(A, products=10, generator=seeded(0))
    assert list(results) == list(METHODS)
    assert results["exact"].value == pytest.approx(np.log(np.linspace(0.5, 2.0, 60)).sum(), abs=1e-10)
    refused = results["preconditioned"]
    assert refused.refused
    assert math.isnan(refused.value)
    assert (refused.standard_error, refused.products, refused.method) == (math.inf, 0, "preconditioned")
    assert "needs 18 products" in refused.stopped
    assert math.isnan(refused.relative_error)
    assert not results["exact"].refused
    assert pickle.loads(pickle.dumps(refused)).refused
    some = logdet_all(A, products=100, lower_bound=0.9, methods=("exact", "slq"), generator=seeded(0))
    assert "not a lower bound" in some["slq"].stopped
    assert some["exact"].exact
    with pytest.raises(ValueError, match="needs 18 products"):
        logdet_all(A, products=1, methods=("preconditioned", "slq"), generator=seeded(0))


def test_all_methods_at_once():
    A = rotated(np.linspace(0.5, 2.0, 60))
    results = logdet_all(A, products=100, lower_bound=0.5, generator=seeded(0))
    assert list(results) == list(METHODS)
    assert next(iter(results)) == "exact"
    some = logdet_all(A, products=100, lower_bound=0.5, methods=("slq", "chebyshev"), generator=seeded(0))
    assert some["slq"].value == results["slq"].value  # whatever else runs
    partial = next(iter(logdet_all_steps(A, products=100, methods=("slq",), generator=seeded(0))))
    assert list(partial) == ["slq"]


# Sentences


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("matrix", ["indefinite", "low rank"])
def test_not_positive_definite_is_said(method, matrix):
    A = matrix_free(registry.tensor(matrix))
    words = r"not positive definite.*smallest Ritz value.*jitter" if matrix == "indefinite" else r"jitter"
    with pytest.raises(ValueError, match=words):
        logdet(A, method=method, products=400, generator=seeded(0))


@pytest.mark.parametrize("method", ["exact", "preconditioned", "slq"])
def test_duplicated_rows_without_noise_are_singular(method):
    A = kernel(40, noise=0.0, lengthscale=0.3)
    twice = torch.cat([torch.cat([A, A]), torch.cat([A, A])], dim=1)
    with pytest.raises(ValueError, match="jitter"):
        logdet(twice, method=method, products=1000, generator=seeded(0))


def test_jitter_that_is_proposed_helps():
    A = registry.tensor("indefinite")
    with pytest.raises(ValueError, match=r"jitter to its diagonal, (\S+) to try") as caught:
        logdet(A, method="slq", products=400, generator=seeded(0))
    jitter = float(str(caught.value).split("diagonal, ")[1].split(" ")[0])
    assert np.isfinite(logdet(A + jitter * torch.eye(40, dtype=torch.float64), method="exact").value)


def test_refusals():
    A = rotated(np.linspace(0.5, 2.0, 40))
    big = sc.as_operator(lambda V: V, n=1_000_000)
    with pytest.raises(ValueError, match=r"n = 1000000 needs .* TiB of memory .* and about .* days: use an estimate"):
        logdet(big, method="exact")
    for kind, words in (
        (torch.full((3, 3), math.nan), "NaN or infinite"),
        (torch.ones(3, 4), "square"),
        (torch.triu(torch.ones(30, 30)), r"not symmetric.*I - rho W"),
        ([[1.0, 0.0], [0.0, 1.0]], "got a list: pass an array"),
        (1e-200 * torch.eye(30, dtype=torch.float64), r"of size \de-200, whose squares do not fit"),
        (1e200 * np.eye(30), "divide the matrix"),
    ):
        with pytest.raises(ValueError, match=words):
            logdet(kind, method="slq", generator=seeded(0))
    for options, words in (
        ({"method": "guess"}, "method must be"),
        ({"products": 0}, "products"),
        ({"tolerance": 2.0}, "tolerance"),
        ({"method": "slq"}, "generator"),
        ({"method": "slq", "generator": seeded(0), "lower_bound": -1.0}, "lower_bound must be positive"),
        ({"method": "exact", "lower_bound": -1.0}, "lower_bound must be positive"),
        ({"method": "slq", "generator": seeded(0), "lower_bound": 0.9}, "not a lower bound"),
        ({"method": "preconditioned", "generator": seeded(0), "lower_bound": 0.9}, "not a lower bound"),
        ({"method": "chebyshev", "generator": seeded(0), "lower_bound": 100.0}, "not a lower bound"),
        ({"method": "preconditioned", "generator": seeded(0), "products": 4}, "needs 18 products"),
        ({"method": "slq", "generator": seeded(0), "products": 1}, "2 probes"),
        ({"method": "chebyshev", "generator": seeded(0), "products": 1, "lower_bound": 0.5}, "2 probes"),
    ):
        with pytest.raises(ValueError, match=words):
            logdet(A, **options)
    with pytest.raises(ValueError, match="methods are"):
        logdet_all(A, methods=("guess",), generator=seeded(0))
    with pytest.raises(ValueError, match=r"needs more than|given up"):
        drained(exact_steps(sc.as_operator(poisson(300)), seconds=0.0))


def test_batches_do_not_change_what_is_estimated():
    A = rotated(np.linspace(0.5, 2.0, 80))
    whole, parts = (
        drained(slq_steps(A, products=200, lower_bound=0.5, generator=seeded(0), memory=memory))
        for memory in (1 << 30, 100_000)
    )
    assert parts.value == pytest.approx(whole.value, abs=1e-9)
    assert parts.products == whole.products


# Stored oracles


def spatial(data, name, rho):
    W = sparse.load_npz(data / f"sparse/{name}.npz")
    return sc.as_operator(sparse.eye_array(W.shape[0]) - rho * W), 1.0 - rho


@pytest.mark.parametrize(("name", "rho", "truth"), [("USCounties", 0.9, -360.32330), ("wrld_1deg", 0.99, -2400.13123)])
def test_spatial_weights(data, name, rho, truth):
    A, bound = spatial(data, name, rho)
    assert logdet(A, method="exact").value == pytest.approx(truth, abs=5e-6)
    y = logdet(A, lower_bound=bound, generator=seeded(0))
    assert not y.exact
    assert abs(y.value - truth) < min(3 * y.standard_error, 0.01 * abs(truth))
    assert y.lower <= truth <= y.upper


def test_poisson_in_closed_form():
    A = sc.as_operator(poisson(100))
    assert logdet(A, method="exact").value == pytest.approx(11717.1089, abs=5e-5)
    y = logdet(A, lower_bound=8 * np.sin(np.pi / 202) ** 2, generator=seeded(0))
    assert abs(y.value - 11717.1089) < 3 * y.standard_error < 0.01 * 11717.1089
    assert y.lower <= 11717.1089 <= y.upper
