"""Maximum entropy: convergence, monotonicity, exact divergences, noise, atoms."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate

import spectral_core as sc
from spectral_core.random_matrices import MarchenkoPastur, Semicircle
from tests.core import registry

LAWS = [Semicircle(1.0), Semicircle(0.5, 0.5), MarchenkoPastur(0.5), MarchenkoPastur(1.0)]
ORDERS = [5, 30, 60, 100]


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_laws_converge_and_entropy_falls(law):
    entropies = []
    for m in ORDERS:
        d = sc.maxent(law.moments(m))
        assert d.converged
        assert d.gradient < 1e-8
        assert_allclose(d.moments(m, interval=law.support), law.moments(m).values, atol=1e-8)
        entropies.append(d.entropy)
    assert (np.diff(entropies) <= 0).all()


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_divergence_from_the_law_is_the_entropy_gap(law):
    """KL(p || q_m) = S(q_m) - S(p) for exact moments, and it falls with m."""
    x, mass = law._rule()
    entropy = -mass @ np.log(law.pdf(x))
    gaps = [sc.maxent(law.moments(m)) for m in (5, 20, 60)]
    for d in gaps:
        assert law.kl(d) == pytest.approx(d.entropy - entropy, abs=1e-9)


@pytest.mark.parametrize(("basis", "order"), [("legendre", 60), ("power", 15)])
def test_bases_share_the_optimum(basis, order):
    moments = MarchenkoPastur(0.5).moments(order)
    by_chebyshev, other = sc.maxent(moments), sc.maxent(moments, basis=basis)
    assert other.converged
    assert other.entropy == pytest.approx(by_chebyshev.entropy, abs=1e-9)
    x = np.linspace(0.1, 2.9, 50)
    assert_allclose(other.pdf(x), by_chebyshev.pdf(x), atol=1e-5)


def test_unit_mass_and_closed_form_entropy():
    d = sc.maxent(Semicircle(1.0).moments(20))
    assert integrate.quad(d.pdf, -1, 1, limit=300)[0] == pytest.approx(1.0, abs=1e-7)
    assert d.entropy == pytest.approx(1.0 + d.coefficients @ d.fitted, abs=1e-10)  # thesis Equation 3.10
    assert d.bin_masses(np.linspace(-1, 1, 101)).sum() == pytest.approx(1.0, abs=1e-9)
    assert_allclose(d.pdf([-1.1, 1.1]), 0.0)


def test_exact_divergences():
    p = sc.maxent(Semicircle(1.0).moments(12))
    q = sc.maxent(Semicircle(1.2).moments(8, interval=(-1.2, 1.2)), basis=None)
    with pytest.raises(ValueError, match="one domain"):
        p.kl(q)
    p, q = (sc.maxent(Semicircle(r).moments(m, interval=(-1.5, 1.5))) for r, m in ((1.0, 12), (1.2, 8)))
    x, mass = p.rule()
    assert p.kl(q) == pytest.approx(mass @ (p.log_pdf(x) - q.log_pdf(x)), abs=1e-9)
    assert p.kl(p) == pytest.approx(0.0, abs=1e-12)
    assert p.symmetric_kl(q) == pytest.approx(0.5 * (p.kl(q) + q.kl(p)))
    assert p.kl(q) > 0 < q.kl(p)


def _prior(x):
    return 0.75 * (1.0 - np.asarray(x) ** 2)


def test_prior_is_returned_where_it_fits_and_steers_where_not():
    moments = np.r_[1.0, 0.0, 0.0]
    x = np.polynomial.legendre.leggauss(20)
    moments[2] = x[1] @ (_prior(x[0]) * (2 * x[0] ** 2 - 1))
    d = sc.maxent(sc.Moments.exact(moments, interval=(-1, 1)), prior=_prior)
    assert_allclose(d.pdf([0.0, 0.5]), _prior([0.0, 0.5]), atol=1e-5)
    assert d.entropy == pytest.approx(0.0, abs=1e-6)
    assert pickle.loads(pickle.dumps(d)).pdf(0.5) == d.pdf(0.5)
    with pytest.raises(ValueError, match="prior"):
        sc.maxent(sc.Moments.exact(moments, interval=(-1, 1)), prior=lambda x: -np.ones_like(x))


def test_narrower_support():
    law = Semicircle(0.8)
    wide = law.moments(20, interval=(-1, 1))
    d = sc.maxent(wide, support=law.support)
    assert d.converged
    assert law.kl(d) < law.kl(sc.maxent(wide))
    with pytest.raises(ValueError, match="within the interval"):
        sc.maxent(wide, support=(-2, 1))


def test_noise_rule_and_monotone_objective(generator):
    """Penalised by the moments' standard errors, noisy moments of atoms converge and the objective falls."""
    A = registry.tensor("repeated")
    moments = sc.chebyshev_moments(A, 120, probes=8, generator=generator, interval=(0, 5))
    fits = [sc.maxent(moments, degree=m) for m in (2, 10, 30, 60, 120)]
    assert all(d.converged for d in fits)
    assert (np.diff([d.objective for d in fits]) <= 1e-12).all()
    d = fits[2]
    missed = d.fitted[1:] - d.moments_given.values[1:]
    assert_allclose(missed, d.penalty[1:] * d.coefficients[1:], atol=1e-8)
    assert np.isfinite(d.standard_error(np.linspace(0, 5, 9))).all()


def test_hard_constraints_that_no_density_meets_are_reported():
    """Exact moments of three atoms have no maximum-entropy density: said, not shown as converged."""
    nodes = np.array([-0.5, 0.1, 0.7])
    exact = np.cos(np.arccos(nodes)[:, None] * np.arange(31)).mean(axis=0)
    d = sc.maxent(sc.Moments.exact(exact, interval=(-1, 1)))
    assert not d.converged
    assert "fewer moments" in d.stopped
    assert np.isfinite(d.pdf(np.linspace(-1, 1, 11))).all()


def test_error_band_covers(generator):
    """2 standard errors of the density at a point hold its mean over seeds, as often as they should."""
    A, x = registry.tensor("spread"), np.array([1.5, 2.0, 2.5])
    draws = []
    for seed in range(60):
        moments = sc.chebyshev_moments(
            A, 8, probes=20, generator=torch.Generator().manual_seed(seed), interval=(0.9, 3.1)
        )
        d = sc.maxent(moments, standard_error=0.0)
        draws.append((d.pdf(x), d.standard_error(x)))
    values, errors = (np.array(part) for part in zip(*draws, strict=True))
    # spread over seeds against the mean reported error: chi-square with 59 degrees of freedom, 4 sigma = 37 %
    assert_allclose(errors.mean(axis=0), values.std(axis=0, ddof=1), rtol=0.4)


def test_atoms_are_kept_beside_the_density(generator):
    values, vectors = np.linalg.eigh(registry.MATRICES["low rank"])
    known = sc.Eigenspace(np.zeros(37), vectors[:, :37])
    assert_allclose(values[:37], 0, atol=1e-12)
    moments = sc.chebyshev_moments(
        registry.tensor("low rank"), 6, probes=4, generator=generator, interval=(0, 6), known=known
    )
    d = sc.maxent(moments)
    assert_allclose(d.atoms, [[0.0, 37 / 40]])
    assert d.bin_masses([0.0, 1e-9, 6.0]).sum() == pytest.approx(1.0)
    assert d.moment(1) == pytest.approx(moments.raw(1)[0][1], abs=1e-3)
    assert d.kl(d) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("values", "words"),
    [([1.0], "at least two"), ([2.0, 0.0], "mu_0"), ([1.0, 1.5], "within"), ([1.0, np.nan], "finite")],
)
def test_impossible_moments_are_refused(values, words):
    with pytest.raises(ValueError, match=words):
        sc.Moments.exact(values, interval=(-1, 1))


def test_kernel_polynomial(generator):
    law = Semicircle(1.0)
    d = sc.kernel_polynomial(law.moments(60, interval=(-1.1, 1.1)))
    x, mass = d.rule()
    assert mass.sum() == pytest.approx(1.0, abs=1e-12)
    assert (d.pdf(np.linspace(-1.09, 1.09, 500)) > 0).all()  # Jackson's kernel is positive
    edges = np.linspace(-1.1, 1.1, 41)
    assert_allclose(
        d.bin_masses(edges), [integrate.quad(d.pdf, a, b)[0] for a, b in zip(edges, edges[1:], strict=False)], atol=1e-7
    )
    raw = sc.kernel_polynomial(law.moments(60, interval=(-1.1, 1.1)), damping="none")
    assert_allclose(raw.moments(60, interval=(-1.1, 1.1)), law.moments(60, interval=(-1.1, 1.1)).values, atol=1e-10)
    noisy = sc.chebyshev_moments(registry.tensor("spread"), 10, probes=5, generator=generator, interval=(0, 4))
    assert (sc.kernel_polynomial(noisy).standard_error([1.0, 2.0]) > 0).all()
    with pytest.raises(ValueError, match="Chebyshev"):
        sc.kernel_polynomial(noisy.converted("legendre"))
