"""Krylov identities on every matrix of the registry."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import spectral_core as sc
from spectral_core.krylov.bounds import gershgorin
from spectral_core.krylov.lanczos import lanczos_memory
from spectral_core.sparse_products import column_dots
from tests.core import registry

ALL = list(registry.SPECTRA)
EPS = np.finfo(float).eps


def _probes(name, count, generator, device="cpu"):
    return sc.draw_probes(len(registry.SPECTRA[name]), count, generator=generator, device=device)


@pytest.mark.parametrize("name", ALL)
def test_lanczos_identities(name, generator, device):
    A = registry.tensor(name, device)
    V = _probes(name, 3, generator, device)
    for run in sc.lanczos_steps(A, V, steps=30):
        pass
    for i, k in enumerate(run.lengths):
        Q, T = run.basis[i, :k].T.cpu().numpy(), run.tridiagonal(i)
        assert_allclose(Q.T @ Q, np.eye(k), atol=1e-10)
        remainder = registry.MATRICES[name] @ Q - Q @ T
        expected = np.zeros_like(Q)
        if k < run.basis.shape[1]:
            expected[:, -1] = run.beta[k - 1, i] * run.basis[i, k].cpu().numpy()
        # at a breakdown what is left is at most 10 eps sqrt(n) of the norm
        assert_allclose(remainder, expected, atol=200 * EPS * registry.scale(name))


@pytest.mark.parametrize("name", ALL)
def test_every_step_is_a_valid_result(name, generator):
    A, V = registry.tensor(name), _probes(name, 2, generator)
    for steps, run in enumerate(sc.lanczos_steps(A, V, steps=6), start=1):
        assert run.alpha.shape == run.beta.shape == (steps, 2)
        assert run.products == 2 * steps
        values = np.linalg.eigvalsh(run.tridiagonal(0))
        exact = registry.eigenvalues(name)
        slack = 100 * EPS * registry.scale(name)
        assert exact[0] - slack <= values[0] <= values[-1] <= exact[-1] + slack


@pytest.mark.parametrize(("name", "distinct"), [("repeated", 4), ("identity", 1), ("zero", 1), ("low rank", 4)])
def test_breakdown_is_found(name, distinct, generator):
    run = sc.lanczos(registry.tensor(name), _probes(name, 3, generator), 30)
    assert (run.lengths == distinct).all()
    assert not run.beta[-1].any()


def test_float32_stays_orthogonal(generator):
    A = registry.tensor("spread", dtype=torch.float32)
    run = sc.lanczos(A, sc.draw_probes(40, 2, generator=generator, dtype=torch.float32), 30)
    gram = run.basis[0, :30] @ run.basis[0, :30].T
    assert_allclose(gram, np.eye(30), atol=1e-5)


def test_lanczos_refuses(generator):
    A = registry.tensor("spread")
    with pytest.raises(ValueError, match="zero or not finite"):
        sc.lanczos(A, torch.zeros(40, 1, dtype=torch.float64), 5)
    with pytest.raises(ValueError, match="MiB"):
        sc.lanczos(A, _probes("spread", 2, generator), 5, memory=lanczos_memory(40, 5, 2) - 1)
    with pytest.raises(ValueError, match="at least one step"):
        sc.lanczos(A, _probes("spread", 2, generator), 0)
    with pytest.raises(ValueError, match="NaN"):
        sc.lanczos(torch.full((4, 4), torch.nan, dtype=torch.float64), torch.ones(4, 1, dtype=torch.float64), 2)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("degree", [1, 2, 7, 20])
def test_chebyshev_moments_by_doubling(name, degree, generator, device):
    exact = registry.eigenvalues(name)
    interval = (exact[0] - 0.1, exact[-1] + 0.2)
    V = _probes(name, 3, generator, device)
    counted = sc.CountingOperator(sc.as_operator(registry.tensor(name, device)))
    for moments, products in sc.chebyshev_moment_steps(counted, V, degree=degree, interval=interval):
        pass
    assert moments.shape == (3, degree + 1)
    assert products == counted.products == 3 * -(-degree // 2)
    values, basis = np.linalg.eigh(registry.MATRICES[name])
    t = np.clip((2 * values - sum(interval)) / (interval[1] - interval[0]), -1, 1)
    weights = (basis.T @ V.cpu().numpy()) ** 2
    expected = (weights / weights.sum(axis=0)).T @ np.cos(np.arccos(t)[:, None] * np.arange(degree + 1))
    assert_allclose(moments, expected, atol=1e-11)


def test_an_eigenvalue_outside_is_found_out(generator):
    A = registry.tensor("spread")
    with pytest.raises(ValueError, match="outside the interval"):
        sc.chebyshev_moments(A, 60, probes=2, generator=generator, interval=(1.0, 2.8))


@pytest.mark.parametrize("rows", [100_000, 1_000_000])
def test_dots_are_accumulated_in_float64(rows, generator):
    X = torch.randn(rows, 2, generator=generator, dtype=torch.float32)
    assert_allclose(column_dots(X, X), (X.double() ** 2).sum(0), rtol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_bounds_hold_the_spectrum(name, generator):
    exact = registry.eigenvalues(name)
    A = registry.tensor(name)
    slack = 1e-12 * registry.scale(name)
    by_products = sc.bounds(sc.as_operator(lambda V: A @ V, n=len(exact)), generator=generator)
    for interval in (sc.bounds(A, generator=generator), by_products, gershgorin(A)):
        assert interval.lower <= exact[0] + slack
        assert interval.upper >= exact[-1] - slack
    assert by_products.source.startswith("Lanczos")
    assert by_products.products > 0
