"""Lanczos without reorthogonalisation: its recurrence, its quadrature, and the log-determinant built on it."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import sparse

import spectral_core as sc
from spectral_core.estimators.logdet.averaged import averaged_gauss, averaged_steps
from spectral_core.krylov.lanczos import lanczos_memory, lanczos_steps
from spectral_core.krylov.three_term_lanczos import (
    choose_lanczos,
    three_term_lanczos,
    three_term_lanczos_memory,
    three_term_lanczos_steps,
)
from spectral_core.polynomials import vandermonde
from spectral_core.sparse_products import SMALL
from tests.core import registry

ALL = list(registry.SPECTRA)
EPS = np.finfo(float).eps
DTYPES = [torch.float32, torch.float64]


def poisson(m):
    """The five-point Laplacian of an ``m x m`` grid, and its log-determinant in closed form."""
    line = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(m, m))
    values = 4 * np.sin(np.pi * np.arange(1, m + 1) / (2 * (m + 1))) ** 2
    return sparse.csr_array(sparse.kronsum(line, line)), np.log(values[:, None] + values).sum()


@pytest.fixture(scope="module")
def grid():
    return poisson(100)


def _vectors(A, V, steps):
    """Alpha, beta and the Lanczos vectors: ``steps + 1`` rows of the block, recovered from the coefficients."""
    run = three_term_lanczos(A, V, steps)
    Q = [V / torch.linalg.vector_norm(V, dim=0)]
    for k in range(len(run.alpha)):
        W = A @ Q[k] - Q[k] * torch.as_tensor(run.alpha[k], dtype=V.dtype, device=V.device)
        Q.append(W - (Q[k - 1] * torch.as_tensor(run.beta[k - 1], dtype=V.dtype, device=V.device) if k else 0.0))
        Q[-1] /= torch.linalg.vector_norm(Q[-1], dim=0)
    return run, Q


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_recurrence_holds(grid, dtype, device, generator):
    """``A q_k = beta_(k-1) q_(k-1) + alpha_k q_k + beta_k q_(k+1)`` to rounding, with vectors of norm 1."""
    A = sc.SparseOperator(grid[0], symmetric=True, dtype=dtype, device=device)
    V = sc.draw_probes(A.shape[0], 3, generator=generator, dtype=dtype, device=device)
    run, Q = _vectors(A, V, 12)
    for k in range(12):
        inner = (Q[k].double() * (A @ Q[k]).double()).sum(0).cpu().numpy()
        onward = (Q[k + 1].double() * (A @ Q[k]).double()).sum(0).cpu().numpy()
        # sums of 10^4 products of rounding eps each, on a matrix of norm 8
        assert_allclose(run.alpha[k], inner, atol=100 * torch.finfo(dtype).eps * 8)
        assert_allclose(run.beta[k], onward, atol=100 * torch.finfo(dtype).eps * 8)


@pytest.mark.parametrize("name", ALL)
def test_first_steps_equal_the_reorthogonalised_ones(name, generator, device):
    A = registry.tensor(name, device)
    V = sc.draw_probes(len(registry.SPECTRA[name]), 3, generator=generator, device=device)
    whole, short = sc.lanczos(A, V, 4), three_term_lanczos(A, V, 4)
    assert_allclose(short.alpha, whole.alpha, atol=1e4 * EPS * registry.scale(name))
    assert_allclose(short.beta, whole.beta, atol=1e4 * EPS * registry.scale(name))
    assert (short.lengths == whole.lengths).all()
    assert short.basis is None
    assert short.products == whole.products


@pytest.mark.parametrize(("name", "distinct"), [("repeated", 4), ("identity", 1), ("zero", 1), ("one by one", 1)])
def test_breakdown_is_found(name, distinct, generator):
    n = len(registry.SPECTRA[name])
    run = three_term_lanczos(registry.tensor(name), sc.draw_probes(n, 3, generator=generator), 30)
    assert (run.lengths == distinct).all()
    assert not run.beta[-1].any()


def test_one_probe_breaks_down_and_the_others_go_on(generator):
    A = registry.tensor("spread")
    V = sc.draw_probes(40, 3, generator=generator)
    V[:, 1] = torch.linalg.eigh(A).eigenvectors[:, [0, -1]].sum(1)
    run = three_term_lanczos(A, V, 10)
    assert run.lengths.tolist() == [10, 2, 10]
    alone = three_term_lanczos(A, V[:, [0, 2]], 10)
    assert_allclose(run.alpha[:, [0, 2]], alone.alpha, atol=1e-12)
    assert not run.alpha[2:, 1].any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_fused_equals_plain(grid, dtype, generator):
    fused = sc.SparseOperator(grid[0], symmetric=True, dtype=dtype)
    plain = sc.as_operator(lambda block: fused @ block, n=fused.shape[0], dtype=dtype)
    V = sc.draw_probes(fused.shape[0], 24, generator=generator, dtype=dtype)
    assert fused.matrix.nnz * 24 > SMALL  # or the compiled step would not run
    start = V.clone()
    counted = sc.CountingOperator(fused)
    a, b, c = (three_term_lanczos(A, V, 10) for A in (fused, plain, counted))
    for other in (b, c):
        assert_allclose(a.alpha, other.alpha, atol=100 * torch.finfo(dtype).eps)
        assert_allclose(a.beta, other.beta, atol=100 * torch.finfo(dtype).eps)
    assert counted.products == c.products == 240
    assert torch.equal(V, start)
    columns = three_term_lanczos(fused, V.T.contiguous().T, 10)  # column-major starting vectors
    assert_allclose(columns.alpha, a.alpha, atol=100 * torch.finfo(dtype).eps)


def test_every_step_is_a_valid_result(grid, generator):
    A = sc.SparseOperator(grid[0], symmetric=True)
    V = sc.draw_probes(A.shape[0], 2, generator=generator)
    items = list(three_term_lanczos_steps(A, V, steps=6))
    assert [item.products for item in items] == [2, 4, 6, 8, 10, 12]
    for k, item in enumerate(items, start=1):
        assert item.alpha.shape == (k, 2)
        assert_allclose(item.alpha, items[-1].alpha[:k])


def test_refuses(generator):
    A, V = registry.tensor("spread"), sc.draw_probes(40, 2, generator=generator)
    with pytest.raises(ValueError, match="zero or not finite"):
        three_term_lanczos(A, torch.zeros(40, 1, dtype=torch.float64), 5)
    with pytest.raises(ValueError, match="MiB"):
        three_term_lanczos(A, V, 5, memory=three_term_lanczos_memory(40, 2) - 1)
    with pytest.raises(ValueError, match="at least one step"):
        three_term_lanczos(A, V, 0)
    with pytest.raises(ValueError, match="NaN"):
        three_term_lanczos(torch.full((4, 4), torch.nan, dtype=torch.float64), torch.ones(4, 1, dtype=torch.float64), 2)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("steps", [1, 4])
def test_gauss_exactness(name, steps, generator):
    """Degree ``2 k - 1`` of each probe's own measure, by Gauss's rule and by the averaged one."""
    A, exact = registry.tensor(name), registry.eigenvalues(name)
    n = len(exact)
    V = sc.draw_probes(n, 3, generator=generator)
    run = three_term_lanczos(A, V, steps)
    values, basis = np.linalg.eigh(registry.MATRICES[name])
    interval = (exact[0] - 0.1, exact[-1] + 0.1)
    for i, k in enumerate(run.lengths):
        truth = (basis.T @ V[:, i].numpy()) ** 2 / n @ vandermonde("chebyshev", 2 * k - 1, values, interval)
        theta, S = np.linalg.eigh(run.tridiagonal(i))
        lower = theta[0] - 0.01 * registry.scale(name)
        for nodes, weights in (
            (theta, S[0] ** 2),
            averaged_gauss(run.alpha[:k, i], run.beta[: k - 1, i]),
            averaged_gauss(run.alpha[:k, i], run.beta[: k - 1, i], lower=lower),
        ):
            # Chebyshev polynomials of a node outside the interval grow: the bound is on their size
            size = np.abs(vandermonde("chebyshev", 2 * k - 1, nodes, interval)).max()
            assert_allclose(
                weights @ vandermonde("chebyshev", 2 * k - 1, nodes, interval), truth, atol=1e-10 * max(1.0, size)
            )
            assert weights.min() >= 0.0
        assert nodes.min() >= lower - 1e-12 * registry.scale(name)


def test_averaged_rule_of_legendre_is_nearer():
    """The logarithm on [1, 3]: the anti-Gauss rule's error is about minus Gauss's (Laurie 1996, section 4)."""
    k = 5
    j = np.arange(1, k)
    alpha, beta = np.full(k, 2.0), j / np.sqrt(4.0 * j**2 - 1.0)
    truth = (3 * np.log(3.0) - 2.0) / 2.0
    nodes, weights = averaged_gauss(alpha, beta)
    theta, S = np.linalg.eigh(np.diag(alpha) + np.diag(beta, 1) + np.diag(beta, -1))
    gauss = S[0] ** 2 @ np.log(theta) - truth
    assert gauss > 0
    assert abs(weights @ np.log(nodes) - truth) < 0.1 * gauss


def test_copies_of_eigenvalues_do_no_harm(generator):
    """The largest eigenvalue stands apart, converges at once, and comes again; the quadrature does not feel it."""
    values = np.r_[np.linspace(1.0, 2.0, 399), 100.0]
    A = sc.as_operator(lambda V: torch.as_tensor(values)[:, None] * V, n=400)
    V = sc.draw_probes(400, 2, generator=generator)
    run = three_term_lanczos(A, V, 60)
    theta, S = np.linalg.eigh(run.tridiagonal(0))
    weight = float(V[-1, 0] ** 2 / (V[:, 0] ** 2).sum())
    copies = np.abs(theta - 100.0) < 1e-6
    assert copies.sum() >= 2
    assert_allclose((S[0] ** 2)[copies].sum(), weight, rtol=1e-9)
    truth = float(np.log(values) @ V[:, 0].numpy() ** 2) / 400
    assert_allclose(S[0] ** 2 @ np.log(theta), truth, rtol=1e-12)


@pytest.mark.parametrize("reorthogonalise", [True, False])
def test_log_determinant_of_poisson(grid, reorthogonalise, generator):
    """100 x 100 grid: the sum of logarithms is 11717.1089."""
    A, truth = sc.SparseOperator(grid[0], symmetric=True), grid[1]
    assert_allclose(truth, 11717.1089, atol=5e-5)
    q = sc.lanczos_quadrature(A, steps=40, probes=10, generator=generator, reorthogonalise=reorthogonalise)
    mean, error = q.integrate(np.log)
    assert q.products == 400
    # Gauss's rule errs upwards by 1e-4 of it at 40 steps, a thirtieth of the standard error
    assert abs(1e4 * mean - truth) < 3 * 1e4 * error
    assert 1e4 * error < 0.005 * truth


def test_quadrature_with_and_without_a_basis_agree(grid, generator):
    A = sc.SparseOperator(grid[0], symmetric=True)
    state = generator.get_state()
    runs = []
    for reorthogonalise in (True, False):
        generator.set_state(state)
        runs.append(sc.lanczos_quadrature(A, steps=20, probes=18, generator=generator, reorthogonalise=reorthogonalise))
    assert_allclose(runs[0].nodes, runs[1].nodes, atol=1e-9)  # 18 probes: two blocks of the second kind
    assert_allclose(runs[0].weights, runs[1].weights, atol=1e-9)


def test_averaged_estimates_hold_the_truth(grid):
    """40 seeds: at least 95 % within 3 reported standard errors, and the bar is smaller than plain quadrature's."""
    A, truth = sc.SparseOperator(grid[0], symmetric=True), grid[1]
    held = 0
    for seed in range(40):
        *_, y = averaged_steps(A, products=300, generator=torch.Generator().manual_seed(seed))
        held += abs(y.value - truth) <= 3 * y.standard_error
        assert y.products <= 300
        assert y.bracket[1] >= y.value
    assert held >= 38
    plain = sc.lanczos_quadrature(A, steps=15, probes=20, generator=torch.Generator().manual_seed(0))
    assert y.standard_error < 1e4 * plain.integrate(np.log)[1]


def test_a_tolerance_is_met_and_paid_for(grid):
    A, truth = sc.SparseOperator(grid[0], symmetric=True), grid[1]
    for seed in range(5):
        y = sc.logdet(A, method="preconditioned", tolerance=2e-3, generator=torch.Generator().manual_seed(seed))
        assert 2 * y.standard_error <= 2e-3 * truth
        assert abs(y.value / truth - 1) < 4e-3  # 4 standard errors
        assert y.products < 1500
        assert "as asked" in y.stopped
    y = sc.logdet(A, method="preconditioned", tolerance=1e-6, products=200, generator=torch.Generator().manual_seed(0))
    assert y.products <= 200
    assert "cap of 200" in y.stopped


def test_small_and_indefinite_matrices(generator):
    one = sc.as_operator(sparse.csr_array([[3.0]]))
    *_, y = averaged_steps(one, products=20, generator=generator)
    assert_allclose(y.value, np.log(3.0), rtol=1e-12)
    *_, y = averaged_steps(registry.tensor("spread"), products=900, steps=40, generator=generator)
    truth = np.log(registry.eigenvalues("spread")).sum()
    assert abs(y.value - truth) < 3 * y.standard_error
    with pytest.raises(ValueError, match="not positive definite"):
        list(averaged_steps(registry.tensor("indefinite"), products=100, generator=generator))
    with pytest.raises(ValueError, match="error bar"):
        list(averaged_steps(registry.tensor("spread"), products=10, generator=generator))


def test_where_it_pays(grid):
    large, small = (sc.SparseOperator(matrix, symmetric=True) for matrix in (grid[0], poisson(20)[0]))
    asked = {"steps": 30, "probes": 40, "memory": 1 << 30}
    assert choose_lanczos(large, **asked) == (three_term_lanczos_steps, 16)
    assert choose_lanczos(small, **asked) == (lanczos_steps, 40)
    assert choose_lanczos(registry.tensor("spread"), **asked) == (lanczos_steps, 40)
    assert choose_lanczos(torch.empty(6000, 6000, device="meta"), **asked) == (lanczos_steps, 40)
    assert choose_lanczos(large, **asked, reorthogonalise=True) == (lanczos_steps, 40)
    asked["memory"] = 3 * lanczos_memory(40, 30, 1)
    assert choose_lanczos(registry.tensor("spread"), **asked) == (lanczos_steps, 3)
