"""One contract, every operator: linearity, symmetry, block = columns, dense twin."""

import warnings

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigsh

import spectral_core as sc
from spectral_core import operators, sparse_products
from spectral_core.kernels import RBF, KernelOperator

N = 50


def _matrix(seed=0):
    entries = np.random.default_rng(seed).standard_normal((N, N)) * (np.random.default_rng(1).random((N, N)) < 0.2)
    return entries + entries.T


def _eigenspace(dense, count=3):
    values, vectors = np.linalg.eigh(dense)
    return sc.Eigenspace(values[:count], vectors[:, :count])


SOURCES = {
    "numpy": lambda A: (A, A),
    "scipy csr": lambda A: (sparse.csr_array(A), A),
    "scipy coo": lambda A: (sparse.coo_array(A), A),
    "scipy operator": lambda A: (LinearOperator(A.shape, matvec=lambda v: A @ v, matmat=lambda v: A @ v), A),
    "torch": lambda A: (torch.as_tensor(A), A),
    "torch coo": lambda A: (torch.as_tensor(A).to_sparse_coo(), A),
    "kernel": lambda A: (
        sc.kernels.KernelOperator(A[:, :3], sc.kernels.RBF(2.0), noise=0.5),
        np.exp(-((A[:, None, :3] - A[None, :, :3]) ** 2).sum(axis=2) / 8.0) + 0.5 * np.eye(N),
    ),
    "sum": lambda A: (sc.SumOperator(sc.as_operator(A), sc.as_operator(sparse.csr_array(A))), 2 * A),
    "affine": lambda A: (sc.AffineOperator(sc.as_operator(A), scale=-2.0, shift=3.0), 3 * np.eye(N) - 2 * A),
    "counting": lambda A: (sc.CountingOperator(sc.as_operator(sparse.csr_array(A))), A),
    "deflated": lambda A: (
        sc.DeflatedOperator(sc.as_operator(A), _eigenspace(A), destination=0.5),
        A - (v := _eigenspace(A)).vectors @ np.diag(v.values - 0.5) @ v.vectors.T,
    ),
}


@pytest.mark.parametrize("source", SOURCES)
def test_contract(source, generator):
    given, dense = SOURCES[source](_matrix())
    A = sc.as_operator(given)
    V = torch.randn(N, 4, generator=generator, dtype=A.dtype)
    tolerance = {"atol": 100 * torch.finfo(A.dtype).eps * np.abs(dense).sum(1).max(), "rtol": 0}
    product = A @ V
    np.testing.assert_allclose(product, dense @ V.numpy(), **tolerance)
    np.testing.assert_allclose((A @ V[:, 0]), product[:, 0], **tolerance)
    np.testing.assert_allclose(A @ (2 * V[:, :1] - V[:, 1:2]), 2 * product[:, :1] - product[:, 1:2], **tolerance)
    np.testing.assert_allclose(sc.materialise(A), dense, **tolerance)
    U = torch.randn(N, 4, generator=generator, dtype=A.dtype)
    expected = 1.5 * dense @ V.numpy() + 0.25 * V.numpy() - U.numpy()
    np.testing.assert_allclose(operators.recurrence_(A, V, U, 1.5, 0.25), expected, **{**tolerance, "atol": 1e-12})
    if hasattr(A, "diagonal"):
        np.testing.assert_allclose(A.diagonal(), np.diag(dense), **tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("columns", [1, 3, 8])
def test_sparse_kernels_agree_with_scipy(dtype, columns, device, generator, monkeypatch):
    monkeypatch.setattr(sparse_products, "SMALL", 0)
    matrix = sparse.random_array((200, 200), density=0.05, rng=np.random.default_rng(3))
    matrix = (matrix + matrix.T).tocsr()
    A = sc.SparseOperator(matrix, dtype=dtype, device=device)
    V = torch.randn(200, columns, generator=generator, dtype=dtype)
    expected = matrix @ V.double().numpy()
    tolerance = 50 * torch.finfo(dtype).eps * np.abs(matrix).sum(axis=1).max()
    np.testing.assert_allclose((A @ V.to(device)).cpu(), expected, atol=tolerance)
    U = V.flip(0).contiguous()
    step = A.recurrence_(V.to(device), U.clone().to(device), 2.0, -0.5).cpu()
    np.testing.assert_allclose(step, 2 * expected - 0.5 * V.numpy() - U.numpy(), atol=4 * tolerance)


def test_sparse_csr_tensor():
    dense = _matrix()
    A = sparse.csr_array(dense)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch calls its CSR layout a beta
        tensor = torch.sparse_csr_tensor(
            torch.as_tensor(A.indptr), torch.as_tensor(A.indices), torch.as_tensor(A.data), size=A.shape
        )
    np.testing.assert_allclose(sc.materialise(sc.as_operator(tensor)), dense)


def test_counting_and_scipy():
    A = sc.CountingOperator(sc.as_operator(_matrix()))
    A @ torch.ones(N, 7, dtype=torch.float64)
    assert A.products == 7
    values = eigsh(sc.as_scipy(A), k=3, which="LA", v0=np.ones(N))[0]
    np.testing.assert_allclose(np.sort(values), np.linalg.eigvalsh(_matrix())[-3:], rtol=1e-8)
    assert A.products > 7


def test_counting_forwards_what_there_is():
    K = KernelOperator(torch.arange(6.0, dtype=torch.float64)[:, None], RBF(), noise=0.1)
    A = sc.CountingOperator(K)
    torch.testing.assert_close(A.columns([1, 4]), K.columns([1, 4]))
    assert A.squared_frobenius_norm() == K.squared_frobenius_norm()
    assert A.products == 0
    plain = sc.CountingOperator(sc.as_operator(_matrix()))
    assert not hasattr(plain, "columns")
    assert not hasattr(plain, "squared_frobenius_norm")


def test_callable_needs_a_size_and_keeps_shape():
    assert sc.as_operator(lambda V: 2 * V, n=5).shape == (5, 5)
    with pytest.raises(ValueError, match="needs its size"):
        sc.as_operator(lambda V: 2 * V)
    with pytest.raises(ValueError, match="shape"):
        sc.as_operator(lambda V: V[:2], n=5)


def _asymmetric():
    matrix = _matrix()
    matrix[3, 7] += 1e-6
    return matrix


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (_asymmetric(), "not symmetric"),
        (sparse.csr_array(_asymmetric()), "not symmetric"),
        (torch.as_tensor(_asymmetric()), "not symmetric"),
        (LinearOperator((N, N), matvec=lambda v: _asymmetric() @ v), "not symmetric"),
        (np.ones((3, 4)), "square"),
        (np.ones(3), "square"),
        (np.eye(3) * 1j, "complex"),
        (np.diag([1.0, np.nan]), "NaN"),
        (sparse.diags_array([1.0, np.inf]), "NaN or infinite"),
        ("words", "square"),
    ],
    ids=["numpy", "sparse", "torch", "operator", "oblong", "vector", "complex", "nan", "inf", "string"],
)
def test_refusals(bad, words):
    with pytest.raises(ValueError, match=words):
        sc.as_operator(bad)


ESTIMATES = {
    "spectrum": lambda A, g: sc.spectrum(A, products=20, method="lanczos", generator=g),
    "exact": lambda A, g: sc.spectrum(A, products=N, generator=g),
    "count": lambda A, g: sc.eigenvalue_count(A, 0.0, 1.0, products=20, generator=g),
    "sketch": lambda A, g: sc.chebyshev_sketch(A, 4, columns=2, generator=g),
    "quadrature": lambda A, g: sc.lanczos_quadrature(A, steps=3, probes=2, generator=g),
    "moments": lambda A, g: sc.chebyshev_moments(A, 4, probes=2, generator=g),
    "trace": lambda A, g: sc.trace(A, products=10, generator=g),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("estimate", ESTIMATES)
def test_estimators_refuse_unsymmetric_tensors(estimate, dtype, device, generator):
    A = torch.randn(N, N, generator=generator, dtype=torch.float64).to(device, dtype)
    with pytest.raises(ValueError, match="not symmetric"):
        ESTIMATES[estimate](A, generator)
    ESTIMATES[estimate]((A + A.T) / 2, generator)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_symmetric_to_rounding_are_accepted(dtype, device):
    """Products that are symmetric in exact arithmetic, of ordinary, wide and one-signed spectra."""
    for seed in range(5):
        generator = torch.Generator().manual_seed(seed)
        G = torch.randn(300, 300, generator=generator, dtype=torch.float64).to(device, dtype)
        Q, d = torch.linalg.qr(G)[0], G.abs().sum(1).sqrt()
        for values in (G[0], 10.0 ** torch.linspace(-12, 2, 300, dtype=dtype, device=device), G[0].abs()):
            A = (Q * values) @ Q.T
            assert not torch.equal(A, A.T)
            assert operators.accept(A).matrix is A
        ones = torch.ones_like(G) + 0.01 * (G + G.T)
        assert operators.accept(ones / d[:, None] / d).shape == (300, 300)


def test_a_tensor_is_tested_once(generator, monkeypatch):
    tests, check = [], operators.check_symmetric
    monkeypatch.setattr(operators, "check_symmetric", lambda *a, **k: (tests.append(1), check(*a, **k)))
    sc.spectrum(torch.as_tensor(_matrix()), products=30, generator=generator)
    assert len(tests) == 1


def test_wrong_shapes_and_dtypes_are_refused():
    A = sc.as_operator(np.eye(4))
    with pytest.raises(ValueError, match=r"\(4, k\)"):
        A @ torch.ones(5, dtype=torch.float64)
    with pytest.raises(ValueError, match="float32"):
        A @ torch.ones(4, dtype=torch.float32)
