"""Certificates pass for what is right, and each check fails for what it is there to find."""

import pickle

import numpy as np
import pytest
import torch

import spectral_core as sc
from spectral_core.krylov.lanczos import Lanczos
from tests.curvature.networks import NETWORKS, network

curvature = sc.curvature


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def checks(*arguments, **options):
    found = curvature.certificate(*arguments, generator=seeded(), **options)
    return {check.name: check for check in found.checks}, found


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_pass_in_float32(name):
    model, loss, pair = network(name)
    double = curvature.HessianOperator(model, loss, [pair])
    H = curvature.HessianOperator(model, loss, [pair], dtype=torch.float32)
    run = sc.lanczos(H, torch.randn(H.shape[0], 2, generator=seeded(1)), 15)
    found, certificate = checks(H, run, double=double)
    assert list(found) == ["symmetry", "orthogonality", "copies", "precision"]
    assert certificate.passed, [(check.name, check.value, check.tolerance) for check in certificate.checks]
    assert certificate.products == 3
    # tolerances that are no formality
    assert found["precision"].tolerance < 1e-3
    assert found["precision"].value > 0
    assert pickle.loads(pickle.dumps(certificate)).passed


def test_partial_certificates():
    A = torch.diag(torch.arange(1.0, 41.0))
    run = sc.lanczos(A, torch.ones(40, 1), 20)
    items = list(curvature.certificate_steps(A, run, double=lambda: A.double(), generator=seeded()))
    assert [len(item.checks) for item in items] == [1, 2, 3, 4]
    assert [item.products for item in items] == [2, 2, 2, 3]
    alone = list(curvature.certificate_steps(A, generator=seeded()))
    assert [check.name for check in alone[-1].checks] == ["symmetry"]


def test_asymmetry_is_seen():
    A = torch.randn(60, 60, generator=seeded(), dtype=torch.float64)
    A = A + A.T
    assert checks(A)[0]["symmetry"].passed
    A[0, 1] += 1e-6
    found, certificate = checks(A)
    assert not found["symmetry"].passed
    assert not certificate.passed


def test_lost_orthogonality_is_seen():
    A = torch.diag(torch.linspace(1, 2, 50, dtype=torch.float64))
    run = sc.lanczos(A, torch.randn(50, 2, generator=seeded(), dtype=torch.float64), 20)
    found, _ = checks(A, run)
    Q = run.basis[:, :20].double()
    assert found["orthogonality"].value == pytest.approx(float((Q @ Q.mT - torch.eye(20)).abs().max()), rel=1e-9)
    assert found["orthogonality"].passed
    basis = run.basis.clone()
    basis[1, 7] += 1e-10 * basis[1, 3]
    leaning = Lanczos(run.alpha, run.beta, run.lengths, run.norms, basis, run.products)
    assert not checks(A, leaning)[0]["orthogonality"].passed


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ghosts_of_a_run_without_reorthogonalisation_are_counted(dtype):
    values = torch.cat([torch.linspace(0, 1, 195, dtype=dtype), torch.tensor([5.0, 6.0, 7.0, 8.0, 10.0], dtype=dtype)])
    A, V = torch.diag(values), torch.randn(200, 1, generator=seeded(), dtype=torch.float64).to(dtype)
    run, loose = sc.lanczos(A, V, 80), sc.krylov.three_term_lanczos.three_term_lanczos(A, V, 80)
    found, _ = checks(A, run)
    assert found["copies"].passed
    found, certificate = checks(A, loose)
    theta = np.linalg.eigvalsh(loose.tridiagonal())
    ghosts = sum(int((np.abs(theta - value) < 1e-3).sum()) - 1 for value in (5.0, 6.0, 7.0, 8.0, 10.0))
    assert ghosts > 3
    # one that has just appeared has not converged yet
    assert ghosts / 2 <= found["copies"].value <= ghosts
    assert "orthogonality" not in found
    assert not certificate.passed


def test_an_eigenvalue_that_the_matrix_has_many_times_is_no_copy():
    A = torch.diag(torch.tensor([1.0] * 30 + [2.0] * 30 + [3.0], dtype=torch.float64))
    run = sc.lanczos(A, torch.randn(61, 3, generator=seeded(), dtype=torch.float64), 10)
    assert checks(A, run)[0]["copies"].value == 0
    # low rank: once the Krylov space is exhausted, rounding finds zero again and again, each time with another vector
    Q = torch.linalg.qr(torch.randn(200, 40, generator=seeded(), dtype=torch.float64)).Q
    A = (Q * torch.linspace(0.5, 3, 40, dtype=torch.float64)) @ Q.T
    run = sc.lanczos((A + A.T) / 2, torch.randn(200, 1, generator=seeded(), dtype=torch.float64), 60)
    assert (np.abs(np.linalg.eigvalsh(run.tridiagonal())) < 1e-12).sum() > 1
    assert checks(A, run)[0]["copies"].value == 0


def test_copies_are_found_in_a_basis_that_has_lost_its_orthogonality():
    A = torch.diag(torch.tensor([3.0, 2.0, 1.0, 0.5], dtype=torch.float64))
    e = torch.eye(4, dtype=torch.float64)[0]
    basis = torch.stack([e, e, torch.zeros_like(e)])[None]  # the same eigenvector, found twice
    run = Lanczos(np.full((2, 1), 3.0), np.zeros((2, 1)), np.array([2]), np.ones(1), basis, 2)
    found, _ = checks(A, run)
    assert found["copies"].value == 1
    assert found["orthogonality"].value == pytest.approx(1.0)


def test_another_matrix_in_float64_is_seen():
    A = torch.diag(torch.linspace(1, 2, 50))
    other = A.double()
    other[3, 3] *= 1.01
    assert not checks(A, double=other)[0]["precision"].passed
    for double in (A, torch.eye(3, dtype=torch.float64)):
        with pytest.raises(ValueError, match="the same operator in float64"):
            checks(A, double=double)


def test_a_product_that_is_no_number_passes_nothing():
    A = torch.full((5, 5), torch.nan)
    assert not checks(A)[1].passed
