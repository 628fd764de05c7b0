"""Traces, diagonals, norms: exact limits, unbiasedness, coverage."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

import spectral_core as sc
from spectral_core.estimators.trace import METHODS
from tests.core import registry

SEEDS = 200


def _operator(name, repeat=1):
    A = registry.tensor(name)
    return sc.as_operator(lambda V: A @ V, n=A.shape[0])


def _large(kind):
    """n = 150, so that budgets stay below n: a flat and a decaying spectrum."""
    n = 150
    basis, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((n, n)))
    values = np.linspace(-1, 2, n) if kind == "flat" else 0.8 ** np.arange(n)
    dense = torch.as_tensor((basis * values) @ basis.T)
    dense = (dense + dense.T) / 2
    return sc.as_operator(lambda V: dense @ V, n=n), float(values.sum()), dense.numpy()


@pytest.mark.parametrize("kind", ["flat", "decaying"])
@pytest.mark.parametrize("method", METHODS)
def test_unbiased_and_covering(method, kind):
    A, truth, _ = _large(kind)
    estimates = [
        sc.trace(A, method=method, products=45, generator=torch.Generator().manual_seed(seed)) for seed in range(SEEDS)
    ]
    values = np.array([e.value for e in estimates])
    assert abs(values.mean() - truth) < 4 * values.std(ddof=1) / SEEDS**0.5
    held = sum(low <= truth <= high for low, high in (e.interval() for e in estimates))
    if method == "xtrace":
        assert estimates[0].bar == "error scale"
        # the scale is of the error's order, which is all that is claimed
        ratio = np.mean([e.standard_error for e in estimates]) / np.sqrt(np.mean((values - truth) ** 2))
        assert 0.3 < ratio < 1.5
    else:
        assert 0.90 * SEEDS <= held <= 0.99 * SEEDS
    assert estimates[0].products <= 45


def test_variance_of_hutchinson_is_the_formula():
    A, truth, dense = _large("flat")
    d = 20
    values = [
        sc.trace(A, method="hutchinson", products=d, generator=torch.Generator().manual_seed(seed)).value
        for seed in range(400)
    ]
    expected = 2 * ((dense**2).sum() - (np.diag(dense) ** 2).sum()) / d
    # a variance from 400 draws: relative error sqrt(2 / 400) = 7 %, 4 sigma
    assert np.var(values, ddof=1) == pytest.approx(expected, rel=0.28)


def test_low_rank_is_exact_below_the_budget(generator):
    for method in ("hutch++", "xtrace"):
        e = sc.trace(_operator("low rank"), method=method, products=18, generator=generator)
        assert e.value == pytest.approx(8.0, abs=1e-9)
        assert e.standard_error < 1e-9


@pytest.mark.parametrize("name", ["spread", "zero", "one by one", "two by two", "identity"])
def test_enough_products_are_exact(name, generator):
    e = sc.trace(_operator(name), products=40, generator=generator)
    assert e.bar == "exact"
    assert e.value == pytest.approx(registry.SPECTRA[name].sum(), abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["zero", "identity"])
def test_degenerate_matrices(method, name, generator):
    e = sc.trace(_operator(name), method=method, products=12, generator=generator)
    assert np.isfinite(e.value)
    assert e.value == pytest.approx(registry.SPECTRA[name].sum(), rel=0.5, abs=1e-9)


def test_diagonal_and_norm():
    A, _, dense = _large("flat")
    e = sc.diagonal(A, products=100, generator=torch.Generator().manual_seed(1))
    z = (e.value - np.diag(dense)) / e.standard_error
    assert np.abs(z).max() < 5  # 150 entries: 4 sigma and a little for the t distribution
    norms = [sc.frobenius_norm(A, products=30, generator=torch.Generator().manual_seed(s)) for s in range(SEEDS)]
    truth = np.linalg.norm(dense)
    held = sum(low <= truth <= high for low, high in (e.interval() for e in norms))
    assert 0.90 * SEEDS <= held <= 0.99 * SEEDS
    known = sc.as_operator(dense)
    assert sc.frobenius_norm(known, products=2, generator=None).value == pytest.approx(truth)
    assert_allclose(sc.diagonal(known, products=2, generator=None).value, np.diag(dense))
    assert_allclose(sc.diagonal(A, products=150, generator=None).value, np.diag(dense), atol=1e-12)


def test_refusals(generator):
    A, _, _ = _large("flat")
    with pytest.raises(ValueError, match="method"):
        sc.trace(A, method="guess", generator=generator)
    for method, words in (("hutchinson", "at least 2"), ("hutch++", "at least 6"), ("xtrace", "at least 4")):
        with pytest.raises(ValueError, match=words):
            sc.trace(A, method=method, products=1, generator=generator)
