"""Power iteration, the bounds of thesis Table 4.5, and maximum entropy on finitely many outcomes."""

import numpy as np
import pytest
import torch
from scipy import optimize, special

import spectral_core as sc
from spectral_core.estimators.finite_maxent import finite_maxent
from spectral_core.estimators.power_iteration import (
    lanczos_bound,
    power_bound,
    power_iteration,
    power_iteration_steps,
)

DIE = np.arange(1.0, 7.0)
EIGENVALUES = torch.cat([torch.tensor([1.5, 1.0]), torch.linspace(0.0, 0.9, 60)]).double()


def start(n, seed=0):
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_values_are_rayleigh_quotients_of_powers(device):
    A, v = torch.diag(EIGENVALUES).to(device), start(len(EIGENVALUES))
    run = power_iteration(A, v, products=6)
    x = EIGENVALUES**5 * v
    assert run.value == pytest.approx(float((EIGENVALUES * x**2).sum() / (x**2).sum()), rel=1e-13)
    expected = float(torch.linalg.vector_norm((EIGENVALUES - run.value) * x) / torch.linalg.vector_norm(x))
    assert run.residuals[-1] == pytest.approx(expected, rel=1e-9)


def test_momentum_is_the_chebyshev_polynomial():
    # x_(k+1) = A x_k - (c^2/4) x_(k-1) from x_1 = A x_0: (c/2)^k U_k(A / c), U of the second kind
    b, v = 0.25, start(len(EIGENVALUES))
    run = power_iteration(torch.diag(EIGENVALUES), v, products=9, momentum=b)
    x = torch.tensor(special.eval_chebyu(8, EIGENVALUES.numpy() / (2.0 * b**0.5))) * v
    assert run.value == pytest.approx(float((EIGENVALUES * x**2).sum() / (x**2).sum()), rel=1e-12)


def test_one_product_a_step_and_the_residual_bounds_the_error():
    A = sc.CountingOperator(sc.as_operator(torch.diag(EIGENVALUES)))
    for count, run in enumerate(power_iteration_steps(A, start(len(EIGENVALUES)), products=40), 1):
        assert A.products == run.products == len(run.values) == count
        assert float((EIGENVALUES - run.value).abs().min()) <= run.residuals[-1] + 1e-15
    assert (np.diff(run.values) >= -1e-15).all()  # of a positive semi-definite matrix


def test_the_theorems_bound_both_and_lanczos_is_never_worse():
    v = start(len(EIGENVALUES))
    width = 1.5 * float((v[1:] ** 2).sum() / v[0] ** 2)  # (lambda_1 - lambda_n) tan^2 phi
    power = 1.5 - power_iteration(torch.diag(EIGENVALUES), v, products=25).values
    products = np.arange(1, 26)
    lanczos = np.array([1.5 - run.tridiagonal().max() if k == 1 else 1.5 - np.linalg.eigvalsh(run.tridiagonal())[-1]
                        for k, run in enumerate(sc.lanczos_steps(torch.diag(EIGENVALUES), v[:, None], steps=25), 1)])  # fmt: skip
    assert (power <= width * power_bound(1.5, products) + 1e-14).all()
    assert (lanczos <= width * lanczos_bound(0.5, products) + 1e-14).all()
    assert (lanczos <= power + 1e-14).all()


@pytest.mark.parametrize(
    ("ratio", "products", "lanczos", "power"),
    [(1.5, 5, 1.1e-4, 3.9e-2), (1.1, 10, 5.5e-5, 1.8e-1), (1.01, 15, 1.5e-2, 7.6e-1), (1.5, 20, 7.4e-22, 2.0e-7)],
)
def test_table_4_5(ratio, products, lanczos, power):
    # printed to two digits
    assert lanczos_bound(ratio - 1.0, products) == pytest.approx(lanczos, rel=0.05)
    assert power_bound(ratio, products) == pytest.approx(power, rel=0.05)


def test_a_null_iterate_and_refusals():
    run = power_iteration(torch.zeros(3, 3, dtype=torch.float64), torch.ones(3), products=5)
    assert (run.value, run.products, run.stopped) == (0.0, 1, "the iterate vanished")
    for arguments in ({"products": 0}, {"products": 2, "momentum": -1.0}):
        with pytest.raises(ValueError, match="at least 0"):
            power_iteration(torch.eye(2), torch.ones(2), **arguments)
    with pytest.raises(ValueError, match="zero or not finite"):
        power_iteration(torch.eye(2), torch.zeros(2), products=2)
    with pytest.raises(ValueError, match="NaN or infinite"):
        power_iteration(torch.full((2, 2), torch.nan), torch.ones(2), products=2)


def test_jaynes_die():
    found = finite_maxent(DIE, 4.5)
    # Jaynes 1978, "Where do we stand on maximum entropy?", section B: five digits
    np.testing.assert_allclose(
        found.probabilities, [0.05435, 0.07877, 0.11416, 0.16545, 0.23977, 0.34749], atol=6e-6, rtol=0
    )
    assert found.entropy == pytest.approx(1.61358, abs=6e-6)
    assert -found.multipliers[0] == pytest.approx(0.37105, abs=6e-6)
    assert found.divergence == pytest.approx(np.log(6.0) - found.entropy, rel=1e-12)
    assert found.converged


@pytest.mark.parametrize("mean", [1.001, 2.0, 3.5, 5.999])
def test_the_exponential_family_of_one_mean(mean):
    prior = np.array([5.0, 0.0, 1.0, 2.0, 1.0, 1.0])
    found = finite_maxent(DIE, mean, prior=prior)

    def gap(a):
        tilted = prior * np.exp(a * (DIE - 3.5))
        return (tilted @ DIE) / tilted.sum() - mean

    tilted = prior * np.exp(optimize.brentq(gap, -60.0, 60.0, xtol=1e-14) * (DIE - 3.5))
    np.testing.assert_allclose(found.probabilities, tilted / tilted.sum(), atol=1e-10)
    assert found.probabilities[1] == 0.0


def test_no_other_distribution_of_these_means_is_nearer_to_the_prior(generator):
    prior = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) / 21.0
    features = np.stack([DIE, DIE**2])
    found = finite_maxent(features, [3.0, 11.0], prior=prior)
    null = np.linalg.svd(np.stack([np.ones(6), *features]))[2][3:]
    for direction in torch.randn(20, 3, generator=generator).double().numpy() @ null:
        p = found.probabilities + 0.02 * direction / np.abs(direction).max()
        if (p > 0).all():
            assert (p * np.log(p / prior)).sum() > found.divergence


def test_bayes_is_a_special_case():
    likelihood = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])  # rows theta, columns x
    joint = np.array([[0.75], [0.25]]) * likelihood
    seen = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]).ravel()
    found = finite_maxent(seen, 1.0, prior=joint.ravel())
    posterior = joint[:, 2] / joint[:, 2].sum()
    np.testing.assert_allclose(found.probabilities.reshape(2, 3).sum(axis=1), posterior, rtol=1e-14)
    assert np.isnan(found.multipliers).all()
    # seen with certainty c only: Jeffrey's rule, which mixes the two posteriors
    other = joint[:, :2].sum(axis=1) / joint[:, :2].sum()
    jeffrey = finite_maxent(seen, 0.9, prior=joint.ravel()).probabilities.reshape(2, 3).sum(axis=1)
    np.testing.assert_allclose(jeffrey, 0.9 * posterior + 0.1 * other, rtol=1e-12)


def test_dependent_features_and_refusals():
    twice = finite_maxent(np.stack([DIE, 2.0 * DIE]), [4.5, 9.0])
    np.testing.assert_allclose(twice.probabilities, finite_maxent(DIE, 4.5).probabilities, atol=1e-12)
    assert not finite_maxent(np.stack([DIE, DIE]), [4.5, 4.0]).converged
    for mean in (0.9, 6.1, np.nan):
        with pytest.raises(ValueError, match="mean"):
            finite_maxent(DIE, mean)
    with pytest.raises(ValueError, match="prior"):
        finite_maxent(DIE, 2.0, prior=-DIE)
    with pytest.raises(ValueError, match="one mean a feature"):
        finite_maxent(DIE, [2.0, 3.0])
