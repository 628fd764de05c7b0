"""Eigenpairs of every matrix of the registry, and what thick restarts, locks and checks owe to theory."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import sparse

import spectral_core as sc
from spectral_core.krylov.thick_restart_lanczos import orthogonalised, thick_restart_lanczos_steps
from spectral_core.operators import DenseOperator
from tests.core import registry

pytestmark = pytest.mark.usefixtures("one_thread")
ALL = list(registry.SPECTRA)
KEYS = {"top": np.copy, "bottom": np.negative, "magnitude": np.abs}
CHECKED = "a fresh vector found no missed one"
SEARCHED = "the rest of the space was searched"


def _wanted(name, which, k):
    exact = registry.eigenvalues(name)
    return exact[np.argsort(-KEYS[which](exact), kind="stable")][:k]


def _counted(name, **options):
    A = registry.tensor(name, **options)
    return sc.CountingOperator(sc.SumOperator(sc.as_operator(A)))  # entries out of sight


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("which", list(KEYS))
@pytest.mark.parametrize("name", ALL)
def test_pairs_of_the_registry(name, which, dtype, generator, device):
    """Copies included, each within its residual of an eigenvalue, at the reported number of products."""
    A, size, eps = _counted(name, dtype=dtype, device=device), len(registry.SPECTRA[name]), torch.finfo(dtype).eps
    scale = registry.scale(name)
    for k in (1, 5, size + 3):
        A.products = 0
        e = sc.eigenpairs(A, k, which, generator=generator)
        k = min(k, size)
        assert e.products == A.products
        assert e.vectors.shape == (size, k)
        assert e.converged.all()
        assert (e.residuals <= 1e-4 * e.scale).all()
        assert_allclose(e.vectors.T @ e.vectors, np.eye(k), atol=1e-12)
        remainder = np.linalg.norm(registry.MATRICES[name] @ e.vectors - e.vectors * e.values, axis=0)
        assert_allclose(e.residuals, remainder, atol=20 * eps * scale)
        assert (np.diff(KEYS[which](e.values)) <= 20 * eps * scale).all()
        # Cauchy: the j-th Ritz value of any space lies at most at the j-th eigenvalue; the check sees what passes it by 1e-4
        found, wanted = KEYS[which](e.values), KEYS[which](_wanted(name, which, k))
        assert (found <= wanted + 20 * eps * scale).all()
        assert_allclose(found, wanted, atol=1e-4 * scale + 20 * eps * scale)
        distance = np.abs(registry.eigenvalues(name) - e.values[:, None]).min(axis=1)
        assert (distance <= e.residuals + 20 * eps * scale).all()
        # Kato and Temple, but for a cluster narrower than 2e-8, whose members no residual tells apart
        assert (distance <= e.errors + (2e-8 + 4 * eps) * scale).all()


@pytest.mark.parametrize(
    ("name", "which", "copies"), [("repeated", "top", 10), ("identity", "bottom", 40), ("zero", "top", 40)]
)
def test_equal_eigenvalues_are_all_found(name, which, copies, generator):
    e = sc.eigenpairs(registry.tensor(name), copies, which, generator=generator, tolerance=1e-10)
    assert_allclose(e.values, np.full(copies, _wanted(name, which, 1)[0]), atol=1e-13 * registry.scale(name))
    assert SEARCHED in e.stopped


def test_a_check_finds_what_one_vector_can_not(generator):
    """A double eigenvalue at the end of a wide spectrum: the run converges without its copy, the check finds it."""
    values = np.r_[3.0, 3.0, 2.6, 2.3, np.linspace(-1, 1.5, 396)]
    steps = list(sc.eigenpair_steps(_rotated(values), k=3, generator=generator))
    early = [s for s in steps[:-1] if len(s.values) == 3 and (s.residuals <= 1e-4 * s.scale).all()]
    assert early[0].values[1] == pytest.approx(2.6, abs=1e-6)  # the copy is missing
    assert_allclose(steps[-1].values, [3.0, 3.0, 2.6], atol=1e-6)
    assert CHECKED in steps[-1].stopped
    # and no copy comes of rounding where there is none
    e = sc.eigenpairs(_rotated(np.r_[3.0, 2.6, values[3:]]), 3, generator=generator, tolerance=1e-12, basis=12)
    assert_allclose(e.values, [3.0, 2.6, 2.3], atol=1e-10)
    assert e.products > 3 * 12  # restarted more than once


def _rotated(values, seed=7):
    basis, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values),) * 2))
    matrix = (basis * values) @ basis.T
    return torch.as_tensor((matrix + matrix.T) / 2)


def test_the_check_overlooks_as_seldom_as_it_says(generator):
    """A lone vector further out than the share of the spread that `stopped` names shows in more than 99 of 100 runs."""
    n, k = 300, 2
    missed = 0
    for seed in range(20):
        values = np.r_[2.0, 2.0, 1.5, np.linspace(0, 1, n - 3)]
        e = sc.eigenpairs(torch.diag(torch.as_tensor(values)), k, generator=torch.Generator().manual_seed(seed))
        share = float(e.stopped.split("further out by ")[1].split("%")[0]) / 100
        assert 0.05 < share < 0.25  # of a spread of 2: the copy of 2 is further out than 1.5 by just that
        missed += not np.allclose(e.values, 2.0, atol=1e-6)
    assert missed == 0


def test_poisson_matrix(generator):
    """Closed form ``4 - 2 cos(i pi / (m + 1)) - 2 cos(j pi / (m + 1))``, equal in pairs: eigenvalues to second order."""
    side = 14
    line = sparse.diags_array([2.0 * np.ones(side), -np.ones(side - 1), -np.ones(side - 1)], offsets=[0, 1, -1])
    A = sc.as_operator(
        sparse.csr_array(sparse.kron(line, sparse.eye_array(side)) + sparse.kron(sparse.eye_array(side), line))
    )
    one = 2 - 2 * np.cos(np.pi * np.arange(1, side + 1) / (side + 1))
    exact = np.sort((one[:, None] + one).ravel())
    for which, wanted in (("top", exact[::-1][:6]), ("bottom", exact[:6])):
        e = sc.eigenpairs(A, 6, which, generator=generator, tolerance=1e-5)
        assert e.converged.all()
        assert (np.abs(e.values - wanted) <= e.errors + 1e-12).all()
        assert e.errors[0] < 1e-3 * e.residuals[0]  # the first has no equal: Kato and Temple
        assert_allclose(
            e.errors[1:3], e.residuals[1:3] + e.rounding, rtol=1e-12
        )  # the second and third are one eigenvalue
        assert e.gaps[0] == pytest.approx(abs(wanted[0] - wanted[1]), rel=1e-3)


def test_every_item_is_complete(generator):
    previous = 0
    exact = registry.eigenvalues("spread")[::-1]
    for e in sc.eigenpair_steps(registry.tensor("spread"), k=4, generator=generator):
        count = min(4, e.products)
        assert e.vectors.shape == (40, count)
        assert len(e.values) == len(e.residuals) == len(e.converged) == len(e.gaps) == len(e.errors) == count
        assert (e.values <= exact[:count] + 1e-12).all()
        remainder = np.linalg.norm(registry.MATRICES["spread"] @ e.vectors - e.vectors * e.values, axis=0)
        assert_allclose(e.residuals, remainder, atol=1e-13)
        assert not e.vectors.flags.writeable
        assert e.products in (previous + 1, previous + 4)
        previous = e.products
    copy = pickle.loads(pickle.dumps(e))
    assert_allclose(copy.vectors, e.vectors)


@pytest.mark.parametrize("products", [10, 20, 33, 42])
def test_products_are_capped(products, generator):
    A = _counted("spread")
    e = sc.eigenpairs(A, 5, generator=generator, products=products, tolerance=1e-8)
    assert e.products == A.products <= products
    assert len(e.values) == 5
    assert ("before all pairs converged" in e.stopped) == (not e.converged.all())
    remainder = np.linalg.norm(registry.MATRICES["spread"] @ e.vectors - e.vectors * e.values, axis=0)
    assert_allclose(e.residuals, remainder, atol=1e-13)


def test_no_product_left_for_the_check(generator):
    A = _rotated(np.r_[3.0, 2.6, np.linspace(-1, 2, 398)])
    steps = list(sc.eigenpair_steps(A, k=2, generator=generator))
    converged = next(s.products for s in steps if len(s.values) == 2 and (2 * s.residuals <= 1e-4 * s.scale).all())
    generator.manual_seed(20)
    e = sc.eigenpairs(A, 2, generator=generator, products=converged + 4)
    assert e.converged.all()
    assert "some may be missing" in e.stopped


def test_locked_pairs_are_left_out(generator):
    A = registry.tensor("repeated")
    first = sc.eigenpairs(A, 12, generator=generator, tolerance=1e-10)
    for lock in (first, sc.Eigenspace(first.values, sparse.csr_array(first.vectors))):
        rest = sc.eigenpairs(A, 9, generator=generator, lock=lock, tolerance=1e-10)
        assert_allclose(rest.values, np.r_[np.full(8, 4.0), 1.0], atol=1e-12)
        assert_allclose(first.vectors.T @ rest.vectors, 0.0, atol=1e-9)
    everything = sc.eigenpairs(A, 40, generator=generator, tolerance=1e-10)
    with pytest.raises(ValueError, match="every eigenpair is locked"):
        sc.eigenpairs(A, 1, generator=generator, lock=everything)
    with pytest.raises(ValueError, match="of length 40"):
        sc.eigenpairs(A, 1, generator=generator, lock=sc.Eigenspace([1.0], np.ones((3, 1))))


def test_restarts_keep_the_lanczos_relation(generator):
    """``A V = V T + beta v e.T`` after several restarts: the residuals of the relation are the true ones."""
    A = registry.tensor("indefinite")
    v, *_ = orthogonalised(sc.draw_probes(40, 1, generator=generator)[:, 0])
    order = lambda theta: np.argsort(-theta)  # noqa: E731
    for run in thick_restart_lanczos_steps(A, v / v.norm(), order=order, basis=9, keep=4):
        V = run.vectors(np.arange(len(run.values))).T.numpy()
        assert_allclose(V.T @ V, np.eye(V.shape[1]), atol=1e-13)
        remainder = np.linalg.norm(registry.MATRICES["indefinite"] @ V - V * run.values, axis=0)
        assert_allclose(run.residuals, remainder, atol=1e-13)
        if run.products == 60:
            break
    assert run.values[-1] == pytest.approx(1.0, abs=1e-9)


def test_refuses(generator):
    A = registry.tensor("spread")
    for options, match in (
        ({"k": 0}, "at least 1"),
        ({"k": 2.5}, "whole number"),
        ({"which": "largest"}, "top, bottom, magnitude"),
        ({"tolerance": 0.0}, "what torch.float64 can hold"),
        ({"products": 9}, "at least 10 products"),
        ({"basis": 6}, "at least 7 vectors"),
        ({"memory": 1000}, "raise basis= or memory="),
    ):
        with pytest.raises(ValueError, match=match):
            sc.eigenpairs(A, **options, generator=generator)
    broken = DenseOperator(torch.full((4, 4), torch.nan, dtype=torch.float64))
    with pytest.raises(ValueError, match="a product with the matrix is NaN or infinite"):
        sc.eigenpairs(broken, 1, generator=generator)
