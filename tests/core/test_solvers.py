"""Linear solves against dense ones, at the rates that theory gives."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import spectral_core as sc
from spectral_core.operators import DenseOperator
from tests.core import registry

POSITIVE = ["spread", "clustered", "repeated", "identity", "one by one"]


def _by_products(name, **options):
    A = registry.tensor(name, **options)
    return sc.CountingOperator(sc.as_operator(lambda V: A @ V, n=len(A), dtype=A.dtype, device=A.device))


def _right_hand_side(n, seed=3):
    return np.random.default_rng(seed).standard_normal(n)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("method", ["cg", "neumann"])
@pytest.mark.parametrize("name", POSITIVE)
def test_solutions_and_their_residuals(name, method, dtype, generator, device):
    exact = registry.eigenvalues(name)
    b, shift = _right_hand_side(len(exact)), 0.5
    A = _by_products(name, dtype=dtype, device=device)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-10
    spent = A.products
    *partial, s = sc.solve_steps(A, b, shift=shift, method=method, tolerance=tolerance, generator=generator)
    B = registry.MATRICES[name] + shift * np.eye(len(exact))
    truth = np.linalg.solve(B, b)
    norm = np.linalg.norm
    assert s.converged
    # ||x - x*|| <= ||r|| / lambda_min, and rounding
    slack = 100 * torch.finfo(dtype).eps * exact[-1] / (exact[0] + shift)
    assert norm(s.x - truth) <= (s.residual / (exact[0] + shift) + slack) * norm(b)
    assert s.residual == pytest.approx(norm(b - B @ s.x) / norm(b), abs=100 * torch.finfo(dtype).eps)
    assert s.products == A.products - spent
    assert [item.products for item in partial] == list(range(partial[0].products, s.products))
    assert not any(item.converged for item in partial[:-1])
    assert pickle.loads(pickle.dumps(s)).products == s.products
    assert not s.x.flags.writeable


@pytest.mark.parametrize(("name", "distinct"), [("repeated", 4), ("identity", 1), ("low rank", 4), ("one by one", 1)])
def test_conjugate_gradients_end_after_as_many_steps_as_eigenvalues(name, distinct):
    s = sc.solve(registry.tensor(name), _right_hand_side(len(registry.SPECTRA[name])), shift=1.0, tolerance=1e-10)
    assert s.converged
    assert s.products == distinct + 1


def test_an_eigenvector_is_a_right_hand_side(generator):
    e = sc.eigenpairs(registry.tensor("spread"), 2, generator=generator, tolerance=1e-12)
    for b in (e.vectors[:, 1], torch.tensor(e.vectors[:, 1]).float().requires_grad_()):
        s = sc.solve(registry.tensor("spread"), b, shift=-1.0 + 1e-3, tolerance=1e-5)
        assert_allclose(s.x, e.vectors[:, 1] / (e.values[1] - 1.0 + 1e-3), atol=1e-4)


def test_errors_fall_at_their_rates(generator):
    A, b = registry.tensor("spread"), _right_hand_side(registry.SIZE)
    lower, upper = sc.bounds(A, generator=generator)  # Gershgorin's, no product
    truth = np.linalg.solve(registry.MATRICES["spread"], b)
    exact = registry.eigenvalues("spread")
    options = {"interval": (exact[0], exact[-1]), "tolerance": 1e-12}
    series = [s.x for s in sc.solve_steps(A, b, method="neumann", **options)][:-1]
    for j, x in enumerate(series, start=1):
        assert np.linalg.norm(x - truth) <= (1 - exact[0] / exact[-1]) ** j * np.linalg.norm(truth) + 1e-12
    error = [x @ registry.MATRICES["spread"] @ x for x in (s.x - truth for s in sc.solve_steps(A, b, tolerance=1e-12))]
    root = np.sqrt(exact[-1] / exact[0])
    size = truth @ registry.MATRICES["spread"] @ truth
    for j, square in enumerate(error[:-1], start=1):
        assert np.sqrt(square) <= 2 * ((root - 1) / (root + 1)) ** j * np.sqrt(size) + 1e-12
    assert len(error) < len(series)
    # the partial sums themselves
    alpha = 1.0 / exact[-1]
    terms, total = b.copy(), np.zeros_like(b)
    for x in series[:5]:
        total, terms = total + alpha * terms, terms - alpha * registry.MATRICES["spread"] @ terms
        assert_allclose(x, total, rtol=1e-12)
    assert lower < exact[0] <= exact[-1] < upper


def test_what_is_not_positive_definite_is_refused_with_a_shift_that_works():
    A, b = registry.tensor("indefinite"), _right_hand_side(registry.SIZE)
    with pytest.raises(ValueError, match=r"not positive definite.*take a shift above") as refusal:
        sc.solve(A, b)
    least = float(str(refusal.value).split("shift above ")[1].split(",")[0])
    assert 0 < least <= 2.0  # -lambda_min
    assert sc.solve(A, b, shift=2.5).converged
    with pytest.raises(ValueError, match=r"diverges|not positive definite"):
        sc.solve(A, b, method="neumann", interval=(-2, 1), products=1000)
    with pytest.raises(ValueError, match="the Neumann series diverges"):
        sc.solve(registry.tensor("spread"), b, method="neumann", interval=(0, 1))
    with pytest.raises(ValueError, match="every eigenvalue"):
        sc.solve(-registry.tensor("spread"), b, method="neumann", interval=(-3, -1))
    with pytest.raises(ValueError, match="not positive definite"):
        sc.solve(registry.tensor("zero"), b)


def test_stops_where_it_says(generator):
    A, b = registry.tensor("wide"), _right_hand_side(registry.SIZE)
    short = sc.solve(A, b, products=7)
    assert (short.products, short.converged, short.stopped) == (7, False, "spent the products asked for")
    # kappa = 1e6: the residual of the recurrence goes on falling, the true one does not
    s = sc.solve(A.float(), b, shift=1e-2, tolerance=1e-6, products=10_000)
    assert s.residual > 1e-6
    assert not s.converged
    assert s.stopped.startswith("rounding allows")
    nothing = sc.solve(A, np.zeros(registry.SIZE))
    assert (nothing.products, nothing.residual, nothing.converged) == (0, 0.0, True)
    assert not nothing.x.any()
    by_products = _by_products("spread")
    with pytest.raises(ValueError, match="interval="):
        sc.solve(by_products, b, method="neumann")
    with pytest.raises(ValueError, match="more products"):
        sc.solve(by_products, b, method="neumann", products=20, generator=generator)


def test_bad_arguments():
    A = registry.tensor("spread")
    for b in (np.ones(3), np.full(registry.SIZE, np.nan), np.ones((registry.SIZE, 2))):
        with pytest.raises(ValueError, match="right-hand side"):
            sc.solve(A, b)
    b = np.ones(registry.SIZE)
    for options, match in (
        ({"method": "lu"}, "one of cg, neumann"),
        ({"tolerance": 0.0}, "positive tolerance"),
        ({"shift": np.inf}, "finite shift"),
        ({"products": 1}, "2 products"),
    ):
        with pytest.raises(ValueError, match=match):
            sc.solve(A, b, **options)
    broken = DenseOperator(torch.full((4, 4), torch.nan, dtype=torch.float64))
    for method in ("cg", "neumann"):
        with pytest.raises(ValueError, match="a product with the matrix is NaN"):
            sc.solve(broken, np.ones(4), method=method, interval=(0, 1))


@pytest.mark.parametrize("name", ["spread", "low rank", "repeated", "identity", "zero"])
def test_effective_dimension(name, generator):
    """Exact where a probe's Krylov space is exhausted and all weights known; else within four standard errors."""
    exact = registry.eigenvalues(name)
    q = sc.lanczos_quadrature(registry.tensor(name), steps=40, probes=40, generator=generator)
    for shift in (1e-2, 1.0, 30.0):
        d = sc.effective_dimension(q, shift)
        truth = (exact / (exact + shift)).sum()
        assert abs(d.value - truth) <= 4 * d.standard_error + 1e-9
        assert d.products == q.products
        assert d.degrees_of_freedom == 39
    with pytest.raises(ValueError, match="at least 0"):
        sc.effective_dimension(q, -1.0)


def test_effective_dimension_of_an_indefinite_matrix(generator):
    exact = registry.eigenvalues("indefinite")
    q = sc.lanczos_quadrature(registry.tensor("indefinite"), steps=40, probes=40, generator=generator)
    with pytest.raises(ValueError, match=r"pole.*absolute=True"):
        sc.effective_dimension(q, 1.0)
    d = sc.effective_dimension(q, 1.0, absolute=True)
    assert abs(d.value - (np.abs(exact) / (np.abs(exact) + 1)).sum()) <= 4 * d.standard_error
    d = sc.effective_dimension(q, 3.0)
    assert abs(d.value - (exact / (exact + 3)).sum()) <= 4 * d.standard_error
