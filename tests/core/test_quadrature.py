"""Lanczos quadrature: Gauss exactness, limits, atoms, smoothing, coverage."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate

import spectral_core as sc
from spectral_core.krylov.lanczos import lanczos_memory
from spectral_core.polynomials import vandermonde
from tests.core import registry

ALL = list(registry.SPECTRA)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("steps", [1, 4, 10])
def test_gauss_exactness(name, steps, generator):
    """Each probe's quadrature integrates polynomials up to degree 2 k - 1 of its own measure."""
    A, exact = registry.tensor(name), registry.eigenvalues(name)
    n = len(exact)
    seed = generator.get_state()
    q = sc.lanczos_quadrature(A, steps=steps, probes=3, generator=generator)
    V = sc.draw_probes(n, 3, generator=_again(seed))
    interval = (exact[0] - 0.1, exact[-1] + 0.1)
    degree = 2 * q.nodes.shape[1] - 1
    measured = np.einsum("pk,pkj->pj", q.weights, vandermonde("chebyshev", degree, q.nodes, interval))
    values, basis = np.linalg.eigh(registry.MATRICES[name])
    weights = (basis.T @ V.numpy()) ** 2 / n
    assert_allclose(measured, weights.T @ vandermonde("chebyshev", degree, values, interval), atol=1e-10)
    assert_allclose(q.weights.sum(axis=1), 1.0, atol=1e-12)
    assert (np.diff(q.nodes, axis=1) >= -1e-12).all()


def _again(state):
    generator = torch.Generator()
    generator.set_state(state)
    return generator


@pytest.mark.parametrize("name", ["spread", "indefinite", "repeated", "low rank"])
def test_full_depth_is_exact(name, generator):
    q = sc.lanczos_quadrature(registry.tensor(name), steps=40, probes=2, generator=generator)
    exact = registry.eigenvalues(name)
    for node in q.nodes[q.weights > 1e-12]:
        assert np.abs(exact - node).min() < 1e-9 * registry.scale(name)
    assert q.residuals[q.weights > 0].max() < 1e-9
    assert q.moments(200, interval=(exact[0] - 1, exact[-1] + 1)).degree == 200


def test_batches_bound_memory_and_change_nothing(generator):
    A = registry.tensor("spread")
    state = generator.get_state()
    whole = sc.lanczos_quadrature(A, steps=8, probes=5, generator=generator)
    two_at_once = lanczos_memory(40, 8, 2)
    items = list(sc.lanczos_quadrature_steps(A, steps=8, probes=5, generator=_again(state), memory=two_at_once))
    assert len(items) == 24
    assert_allclose(items[-1].nodes, whole.nodes, atol=1e-12)
    assert items[-1].products == whole.products == 40
    for item in items:
        assert_allclose(item.weights.sum(axis=1), 1.0, atol=1e-12)


def test_known_eigenpairs_become_exact_atoms(generator):
    values, vectors = np.linalg.eigh(registry.MATRICES["low rank"])
    known = sc.Eigenspace(np.round(values[:37], 9) + 0.0, vectors[:, :37])
    q = sc.lanczos_quadrature(registry.tensor("low rank"), steps=10, probes=4, generator=generator, known=known)
    assert_allclose(q.atoms, [[0.0, 37 / 40]])
    assert_allclose(q.weights.sum(axis=1), 3 / 40)
    assert q.ends[0] > 0.99
    x, w = q.stems()
    assert_allclose(w.sum(), 1.0)
    mu = sc.chebyshev_moments(
        registry.tensor("low rank"), 40, probes=4, generator=generator, known=known, interval=(0.5, 5.5)
    )
    assert np.abs(mu.samples).max() <= 1 + 1e-12
    assert_allclose(mu.raw(2)[0][0], 1.0)


def test_moments_agree_with_chebyshev(generator):
    A = registry.tensor("indefinite")
    state = generator.get_state()
    by_doubling = sc.chebyshev_moments(A, 15, probes=6, generator=generator, interval=(-2.1, 1.1))
    q = sc.lanczos_quadrature(A, steps=8, probes=6, generator=_again(state))
    by_quadrature = q.moments(15, interval=(-2.1, 1.1))
    assert_allclose(by_quadrature.samples, by_doubling.samples, atol=1e-11)
    assert_allclose(by_quadrature.standard_error, by_doubling.standard_error, atol=1e-11)
    with pytest.raises(ValueError, match="up to moment 15"):
        q.moments(16, interval=(-2.1, 1.1))
    x, w = q.stems()
    assert_allclose(by_doubling.raw(5)[0], [(w * x**k).sum() for k in range(6)], atol=1e-12)
    legendre = by_doubling.converted("legendre").values
    assert_allclose(legendre, w @ vandermonde("legendre", 15, x, (-2.1, 1.1)), atol=1e-12)


@pytest.mark.parametrize("kernel", ["gaussian", "cauchy"])
def test_smoothing(kernel, generator):
    q = sc.lanczos_quadrature(registry.tensor("spread"), steps=10, probes=5, generator=generator)
    density = q.density(0.05, kernel=kernel)
    edges = np.linspace(-20, 25, 2000)
    mass = density.bin_masses(edges)
    assert mass.sum() == pytest.approx(1.0, abs=1e-9 if kernel == "gaussian" else 2e-3)
    assert_allclose(q.smoothed(1.7, 0.05, kernel=kernel), density.pdf(1.7))
    total = integrate.quad(density.pdf, 1.0, 2.0, limit=500, points=np.unique(q.nodes[(q.nodes > 1) & (q.nodes < 2)]))
    assert total[0] == pytest.approx(density.bin_masses([1.0, 2.0])[0], abs=1e-7)
    with pytest.raises(ValueError, match="positive"):
        q.density(0.0)
    with pytest.raises(ValueError, match="kernel"):
        q.density(0.1, kernel="box")


def test_theorem_2(generator):
    """The bias of smoothed moments, formula against Gauss-Hermite integration."""
    q = sc.lanczos_quadrature(registry.tensor("indefinite"), steps=6, probes=3, generator=generator)
    x, w = q.stems()
    smoothed = q.density(0.3)
    measured = [smoothed.moment(k) - (w * x**k).sum() for k in range(9)]
    assert_allclose(q.smoothing_bias(8, 0.3), measured, atol=1e-10)
    with pytest.raises(ValueError, match="no moments"):
        q.density(0.3, kernel="cauchy").moment(2)


def test_coverage_of_t_intervals():
    """95 % intervals of (1/n) tr exp(A), 10 probes, hold the truth in 90 to 99 % of 200 seeds."""
    A = registry.tensor("indefinite")
    truth = np.exp(registry.eigenvalues("indefinite")).mean()
    held = 0
    for seed in range(200):
        q = sc.lanczos_quadrature(A, steps=12, probes=10, generator=torch.Generator().manual_seed(seed))
        mean, error = q.integrate(np.exp)
        low, high = sc.Estimate(mean, error, q.products, degrees_of_freedom=9).interval()
        held += low <= truth <= high
    assert 180 <= held <= 198


def test_results_pickle_and_are_read_only(generator):
    q = sc.lanczos_quadrature(registry.tensor("spread"), steps=4, probes=2, generator=generator)
    copy = pickle.loads(pickle.dumps(q))
    assert_allclose(copy.nodes, q.nodes)
    with pytest.raises(ValueError, match="read-only"):
        q.nodes[0, 0] = 1.0


@pytest.mark.parametrize("name", ["clustered", "indefinite", "repeated"])
def test_eigenpairs_found_afterwards_become_atoms(name, generator):
    """At full depth the rest is each probe's own measure without them, as if they had been known beforehand."""
    A, values = registry.tensor(name), registry.eigenvalues(name)
    n, k = len(values), 3
    state = generator.get_state()
    q = sc.lanczos_quadrature(A, steps=n, probes=4, generator=generator)
    V = sc.draw_probes(n, 4, generator=_again(state)).numpy()
    V /= np.linalg.norm(V, axis=0)
    _, basis = np.linalg.eigh(registry.MATRICES[name])
    overlaps = (V.T @ basis) ** 2
    deflated = q.deflated(values[-k:], overlaps[:, -k:])
    rest = overlaps[:, :-k] / overlaps[:, :-k].sum(axis=1, keepdims=True)
    for power in (1, 2, 3):
        truth = (1 - k / n) * rest @ values[:-k] ** power + (values[-k:] ** power).sum() / n
        measured = (deflated.weights * deflated.nodes**power).sum(axis=1) + deflated.atoms[:, 1] @ deflated.atoms[
            :, 0
        ] ** power
        assert_allclose(measured, truth, atol=1e-9 * max(abs(values)) ** power)
    assert_allclose(deflated.weights.sum(axis=1) + k / n, 1.0, atol=1e-12)
