"""The laws of random matrices against sampled 2000 x 2000 matrices, below, at and above threshold.

    pip install -e ".[test]" && python -m tests.benchmarks.random_matrices [n] [draws]

`allowed` is the finite-size error: ``4 sd / sqrt(draws)`` above threshold, ``4 n^(-2/3)`` of the edge's scale else.
"""

import sys
import time

import numpy as np
import torch
from scipy import stats
from scipy.linalg import eigh, eigh_tridiagonal

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

Q, VARIANCE = 0.25, 2.0


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def extreme(A, upper):
    """The largest or smallest eigenvalue and its unit eigenvector."""
    at = len(A) - 1 if upper else 0
    value, vector = eigh(A.numpy(), subset_by_index=(at, at))
    return value[0], vector[:, 0]


def noise(model, n, g):
    return wigner(n, variance=VARIANCE, generator=g) if model is SpikedWigner else covariance(n, g)


def covariance(n, g, spikes=()):
    return sample_covariance(n, round(n / Q), variance=VARIANCE, spikes=spikes, generator=g)


def sampled(model, l, upper, n, g):
    if model is SpikedCovariance:
        value, vector = extreme(covariance(n, g, [l]), upper)
        return value, vector[0] ** 2
    u = orthonormal_directions(n, 1, generator=g)
    value, vector = extreme(spiked([l], noise(model, n, g), directions=u), upper)
    return value, float(vector @ u[:, 0].numpy()) ** 2


def spikes(n, draws):
    print(
        f"{'model':30} {'spike':>22} {'eigenvalue':>11} {'law':>8} {'error':>9} {'allowed':>8} {'overlap':>8} {'law':>6}"
    )
    g = seeded()
    for model, parameters in (
        (SpikedWigner, (VARIANCE**0.5,)),
        (AdditiveSpikedMarchenkoPastur, (Q, VARIANCE)),
        (SpikedCovariance, (Q, VARIANCE)),
    ):
        base = VARIANCE if model is SpikedCovariance else 0.0
        edge = TracyWidom.wigner(n, variance=VARIANCE)
        if model is not SpikedWigner:
            edge = TracyWidom.sample_covariance(n, round(n / Q), variance=VARIANCE)
        for side, factors in ((1.0, (0.5, 1.0, 1.3, 2.0)), (-1.0, (1.3,))):
            threshold = float(model(base + side, *parameters).threshold)
            for factor in factors:
                l = base + factor * (threshold - base)
                law = model(l, *parameters)
                values, overlaps = zip(*(sampled(model, l, side > 0, n, g) for _ in range(draws)), strict=True)
                allowed = 4 * float(law.standard_deviation(n)) / draws**0.5 if law.visible else 4 * edge.scale
                error = np.mean(values) - law.outlier
                print(
                    f"{model.__name__:30} {f'{l:.3f} = {factor} thresholds':>22} {np.mean(values):11.4f} "
                    f"{law.outlier:8.4f} {error:+9.4f} {allowed:8.4f} {np.mean(overlaps):8.4f} {law.overlap:6.4f}"
                    + ("" if abs(error) <= allowed else "  FAILS")
                )


def bulks(n):
    print(f"\n{'bulk':34} {'KS distance':>12} {'log n / n':>10}")
    g = seeded(1)
    for name, A, law in (
        ("semicircle", wigner(n, variance=VARIANCE, generator=g), Semicircle(2 * VARIANCE**0.5)),
        ("Marchenko-Pastur, q = 0.25", covariance(n, g), MarchenkoPastur(Q, VARIANCE)),
        ("Marchenko-Pastur, q = 1", sample_covariance(n, n, generator=g), MarchenkoPastur(1.0)),
    ):
        values = np.maximum(torch.linalg.eigvalsh(A).numpy(), law.interval[0] - 1)
        print(f"{name:34} {stats.kstest(values, law.cdf).statistic:12.5f} {np.log(n) / n:10.5f}")


def convolution(n):
    nodes = np.r_[np.linspace(-1, 1, n - 102) ** 3, np.full(100, 4.0), 7.0, -5.0]
    start = time.perf_counter()
    law = free_convolution(nodes, np.full(n, 1 / n), 0.7)
    law.pdf(np.linspace(*law.support, 1000))
    seconds = time.perf_counter() - start
    A = torch.diag(torch.as_tensor(nodes)) + wigner(n, variance=0.49, generator=seeded(2))
    values = torch.linalg.eigvalsh(A).numpy()
    print(f"\nfree convolution of {n} nodes, s = 0.7, and its density at 1000 points: {seconds:.2f} s")
    print(f"outliers {values[[0, -1]].round(4)}, law {law.outliers.round(4)}, allowed {4 * 0.7 * (2 / n) ** 0.5:.4f}")
    print(f"bulk {values[[1, -2]].round(4)}, law {law.bulk.round(4)}, allowed {4 * 0.7 * n ** (-2 / 3):.4f}")


def tracy_widom(draws=4000):
    """By tridiagonal models of the ensembles' eigenvalues (Dumitriu and Edelman 2002), so that many draws are cheap."""
    r = np.random.default_rng(0)
    print(f"\n{'largest eigenvalue':26} {'mean, in scales off':>20} {'standard error':>15} {'p of KS':>8}")
    for n in (50, 400, 2000):
        law, keep, top = TracyWidom.wigner(n), min(n, int(12 * n ** (1 / 3)) + 10), []
        for _ in range(draws):
            diagonal = r.normal(size=keep) * (2 / n) ** 0.5
            beside = np.sqrt(r.chisquare(np.arange(n - 1, n - keep, -1)) / n)
            top.append(eigh_tridiagonal(diagonal, beside, select="i", select_range=(keep - 1, keep - 1))[0][0])
        error = law.standard_deviation / law.scale / draws**0.5
        off, p = (np.mean(top) - law.mean) / law.scale, stats.kstest(top, law.cdf).pvalue
        print(f"{f'Wigner, n = {n}':26} {off:20.4f} {error:15.4f} {p:8.3f}")


if __name__ == "__main__":
    order, count = (*map(int, sys.argv[1:]), *(2000, 4)[len(sys.argv) - 1 :])
    spikes(order, count)
    bulks(order)
    convolution(order)
    tracy_widom()
