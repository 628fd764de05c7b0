"""Sampled matrices against their laws: bulk within ``log n / n``, edge ``n^(-2/3)``, outliers ``n^(-1/2)``."""

import numpy as np
import pytest
import torch
from scipy import stats

from spectral_core.random_matrices import (
    AdditiveSpikedMarchenkoPastur,
    MarchenkoPastur,
    Semicircle,
    SpikedCovariance,
    SpikedWigner,
    TracyWidom,
    free_convolution,
    orthonormal_directions,
    sample_covariance,
    spiked,
    wigner,
)

N = 200
DRAWS = 12


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def eigenvalues(A):
    return torch.linalg.eigvalsh(A).numpy()


def test_ensembles_have_the_entries_they_say():
    W = wigner(N, variance=4.0, generator=seeded())
    assert torch.equal(W, W.T)
    off = W[np.triu_indices(N, 1)].numpy()
    assert (off**2).mean() == pytest.approx(4.0 / N, rel=4 * (2 / off.size) ** 0.5)
    assert float((W.diagonal() ** 2).mean()) == pytest.approx(8.0 / N, rel=4 * (2 / N) ** 0.5)
    S = sample_covariance(4, 20_000, variance=2.0, spikes=[5.0], generator=seeded())
    expected = torch.diag(torch.tensor([5.0, 2.0, 2.0, 2.0], dtype=torch.float64))
    assert torch.allclose(S, expected, atol=4 * 5 * (2 / 20_000) ** 0.5)
    U = orthonormal_directions(N, 3, generator=seeded())
    assert torch.allclose(U.T @ U, torch.eye(3, dtype=U.dtype), atol=1e-13)
    A = spiked([3.0, -1.0, 2.0], W, directions=U)
    assert torch.allclose((A - W) @ U, U * torch.tensor([3.0, -1.0, 2.0], dtype=U.dtype), atol=1e-13)
    assert wigner(3, generator=seeded(), dtype=torch.float32).dtype == torch.float32
    assert torch.equal(wigner(5, generator=seeded(7)), wigner(5, generator=seeded(7)))


def test_ensembles_refuse():
    for call in (
        lambda: wigner(0, generator=seeded()),
        lambda: wigner(3, variance=-1.0, generator=seeded()),
        lambda: wigner(3, generator=None),
        lambda: sample_covariance(3, 0, generator=seeded()),
        lambda: sample_covariance(1, 5, spikes=[1.0, 2.0], generator=seeded()),
        lambda: spiked([1.0], torch.zeros(2, 3), generator=seeded()),
        lambda: spiked([1.0], torch.zeros(3, 3)),
        lambda: spiked([float("nan")], torch.zeros(3, 3), generator=seeded()),
        lambda: spiked([1.0], torch.zeros(3, 3), directions=torch.zeros(3, 2)),
        lambda: orthonormal_directions(2, 3, generator=seeded()),
    ):
        with pytest.raises(ValueError, match=r"must|at most|one column"):
            call()


@pytest.mark.parametrize("samples", [None, 800, 200, 80])
def test_bulk(samples):
    if samples is None:
        values, law = eigenvalues(wigner(N, variance=2.0, generator=seeded())), Semicircle(2 * 2**0.5)
    else:
        values = eigenvalues(sample_covariance(N, samples, variance=2.0, generator=seeded()))
        law = MarchenkoPastur(N / samples, 2.0)
    if samples == 80:
        assert (np.abs(values) < 1e-12).sum() == round(law.atoms[0, 1] * N)
        values = np.where(np.abs(values) < 1e-12, 0.0, values)
        x = np.linspace(0.01, law.support[1], 200)  # kstest takes no atoms
        distance = np.abs(np.searchsorted(values, x, side="right") / N - law.cdf(x)).max()
    else:
        distance = stats.kstest(values, law.cdf).statistic
    assert distance < np.log(N) / N  # rigidity; independent points would be at 1.36 / sqrt(N), four times as far


@pytest.mark.parametrize("samples", [None, 800, 80])
def test_edge_scatters_by_tracy_widom(samples):
    g = seeded(3)
    if samples is None:
        law = TracyWidom.wigner(N, variance=4.0)
        top = [eigenvalues(wigner(N, variance=4.0, generator=g))[-1] for _ in range(2 * DRAWS)]
    else:
        law = TracyWidom.sample_covariance(N, samples, variance=4.0)
        top = [eigenvalues(sample_covariance(N, samples, variance=4.0, generator=g))[-1] for _ in range(2 * DRAWS)]
    assert np.mean(top) == pytest.approx(law.mean, abs=4 * law.standard_deviation / (2 * DRAWS) ** 0.5)
    assert stats.kstest(top, law.cdf).pvalue > 1e-3


def test_tracy_widom_has_no_bias_of_order_one_third():
    g, n, count = seeded(1), 30, 2000
    law = TracyWidom.wigner(n)  # without the 1 / 2n it would be off by 5.6 standard errors
    top = torch.linalg.eigvalsh(torch.stack([wigner(n, generator=g) for _ in range(count)]))[:, -1].numpy()
    assert top.mean() == pytest.approx(law.mean, abs=4 * law.standard_deviation / count**0.5)


@pytest.mark.parametrize("samples", [None, 200])
def test_variance_of_a_far_outlier(samples):
    g, n, count, l = seeded(2), 50, 600, 50.0
    u = torch.eye(n, 1, dtype=torch.float64)
    if samples is None:
        law, noise = SpikedWigner(l, 1.0), [wigner(n, generator=g) for _ in range(count)]
    else:
        law = AdditiveSpikedMarchenkoPastur(l, n / samples, 1.0)
        noise = [sample_covariance(n, samples, generator=g) for _ in range(count)]
    top = torch.linalg.eigvalsh(torch.stack([spiked([l], W, directions=u) for W in noise]))[:, -1].numpy()
    low, high = stats.chi2(count - 1).ppf([1e-3, 1 - 1e-3]) / (count - 1)
    assert low < top.var(ddof=1) / law.standard_deviation(n) ** 2 < high


def draws(model, l, noise, seed=5):
    """Extreme eigenvalue on the spike's side, and overlap with the planted direction, of each draw."""
    g, values, overlaps = seeded(seed), [], []
    for _ in range(DRAWS):
        if model is SpikedCovariance:
            u = torch.eye(N, 1, dtype=torch.float64)
            A = sample_covariance(N, round(N / noise[0]), variance=noise[1], spikes=[l], generator=g)
        else:
            u = orthonormal_directions(N, 1, generator=g)
            if model is SpikedWigner:
                W = wigner(N, variance=noise[0] ** 2, generator=g)
            else:
                W = sample_covariance(N, round(N / noise[0]), variance=noise[1], generator=g)
            A = spiked([l], W, directions=u)
        w, V = torch.linalg.eigh(A)
        at = -1 if l > (noise[1] if model is SpikedCovariance else 0) else 0
        values.append(float(w[at]))
        overlaps.append(float(V[:, at] @ u[:, 0]) ** 2)
    return np.array(values), np.array(overlaps)


@pytest.mark.parametrize(
    ("model", "l", "noise"),
    [
        (SpikedWigner, 4.0, (2.0,)),
        (SpikedWigner, -3.0, (2.0,)),
        (AdditiveSpikedMarchenkoPastur, 4.0, (0.25, 2.0)),
        (AdditiveSpikedMarchenkoPastur, -2.0, (0.25, 2.0)),
        (AdditiveSpikedMarchenkoPastur, 8.0, (2.0, 1.0)),
        (AdditiveSpikedMarchenkoPastur, -1.0, (2.0, 1.0)),
        (SpikedCovariance, 6.0, (0.25, 2.0)),
        (SpikedCovariance, 0.4, (0.25, 2.0)),
        (SpikedCovariance, 6.0, (2.0, 1.0)),
    ],
)
def test_outliers_overlaps_and_fluctuations_above_threshold(model, l, noise):
    law = model(l, *noise)
    values, overlaps = draws(model, l, noise)
    deviation = float(law.standard_deviation(N))
    bias = 2.0 * deviation**2 / abs(law.outlier - law.edge)  # second order in the fluctuation: 1 / n
    assert values.mean() == pytest.approx(law.outlier, abs=4 * deviation / DRAWS**0.5 + bias)
    low, high = stats.chi2(DRAWS - 1).ppf([1e-3, 1 - 1e-3]) / (DRAWS - 1)
    assert low < values.var(ddof=1) / deviation**2 < high
    assert overlaps.mean() == pytest.approx(law.overlap, abs=4 * overlaps.std(ddof=1) / DRAWS**0.5 + 2.0 / N)


@pytest.mark.parametrize(
    ("model", "noise"),
    [(SpikedWigner, (2.0,)), (AdditiveSpikedMarchenkoPastur, (0.25, 2.0)), (SpikedCovariance, (0.25, 2.0))],
)
def test_edge_at_and_below_threshold(model, noise):
    if model is SpikedWigner:
        edge = TracyWidom.wigner(N, variance=4.0)
    else:
        edge = TracyWidom.sample_covariance(N, round(N / noise[0]), variance=2.0)
    threshold = float(model(10.0, *noise).threshold)
    population = 2.0 if model is SpikedCovariance else 0.0  # of no spike at all
    below = population + 0.4 * (threshold - population)
    values, overlaps = draws(model, below, noise)
    assert model(below, *noise).outlier == pytest.approx(edge.centre, abs=2 / N**0.66 * edge.centre)
    assert values.mean() == pytest.approx(edge.mean, abs=4 * edge.standard_deviation / DRAWS**0.5 + 0.5 * edge.scale)
    assert overlaps.mean() < 20 / N
    values, overlaps = draws(model, threshold, noise)
    assert abs(values.mean() - model(threshold, *noise).outlier) < 2 * edge.scale  # n^(-2/3), the law another one
    assert overlaps.mean() < 4 * N ** (-1 / 3)


def test_free_convolution_of_a_measured_spectrum():
    nodes = np.r_[np.linspace(-1, 1, N - 52) ** 3, np.full(50, 4.0), 7.0, -5.0]
    law = free_convolution(nodes, np.full(N, 1 / N), 0.7)
    assert law.converged
    assert len(law.edges) == 4
    g, spectra = seeded(), []
    for _ in range(DRAWS):
        A = torch.diag(torch.as_tensor(nodes)) + wigner(N, variance=0.49, generator=g)
        spectra.append(eigenvalues(A))
    mean = np.mean(spectra, axis=0)
    deviation = 0.7 * (2 / N) ** 0.5 / DRAWS**0.5
    np.testing.assert_allclose(mean[[0, -1]], law.outliers, atol=4 * deviation)
    tracy_widom = 4 * 0.7 * N ** (-2 / 3)
    np.testing.assert_allclose([mean[1], mean[-2]], law.bulk, atol=tracy_widom)
    counts = [np.mean((mean > a - tracy_widom) & (mean < b + tracy_widom)) for a, b in law.edges]
    np.testing.assert_allclose(counts, law.masses, atol=1e-12)
    x = np.linspace(-6, 8, 4001)
    distribution = np.cumsum(law.pdf(x)) * (x[1] - x[0])
    sampled = np.searchsorted(np.sort(np.concatenate(spectra)), x) / (N * DRAWS)
    assert np.abs(distribution - sampled).max() < np.log(N) / N
