"""Products that the five largest eigenpairs take: thick-restart Lanczos, ARPACK (SciPy's eigsh), LOBPCG.

    python -m tests.benchmarks.eigenpairs

All reach residuals of at most 1e-4 times the largest eigenvalue in magnitude: means over five seeds, ratios to ours, and how
many of the 25 eigenvalues are not among those found. Ours holds 80 vectors; with 20, which is ARPACK's own choice, beside it.
Its products include those for the true residuals and for the check that no equal eigenvalue was missed: ARPACK has neither.
"""

from functools import partial

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import eigsh, lobpcg

import spectral_core as sc
from tests.curvature.networks import network

SEEDS, K, TOLERANCE = 5, 5, 1e-4


def spiked(n=2000):
    """Wigner noise of radius 2 and eight spikes from 4 to 2.3."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((n, n))
    spikes, _ = np.linalg.qr(rng.standard_normal((n, 8)))
    matrix = (noise + noise.T) / np.sqrt(2 * n) + (spikes * np.linspace(4.0, 2.3, 8)) @ spikes.T
    return sc.as_operator((matrix + matrix.T) / 2)


def poisson(side):
    """The five-point Laplacian of a square: equal eigenvalues in pairs, close together at both ends."""
    line = sparse.diags_array([2.0 * np.ones(side), -np.ones(side - 1), -np.ones(side - 1)], offsets=[0, 1, -1])
    return sc.as_operator(
        sparse.csr_array(sparse.kron(line, sparse.eye_array(side)) + sparse.kron(sparse.eye_array(side), line))
    )


def hessian(name):
    model, loss, pair = network(name)
    return sc.curvature.HessianOperator(model, loss, [pair])


def ours(A, seed, **options):
    e = sc.eigenpairs(A, K, tolerance=TOLERANCE, generator=torch.Generator().manual_seed(seed), **options)
    return e.values, e.vectors


def arpack(A, seed):
    start = np.random.default_rng(seed).standard_normal(A.shape[0])
    return eigsh(sc.as_scipy(A), k=K, which="LA", tol=TOLERANCE, v0=start)


def block(A, seed, scale):
    start = np.random.default_rng(seed).standard_normal((A.shape[0], K))
    return lobpcg(sc.as_scipy(A), start, tol=TOLERANCE * scale, maxiter=2000, largest=True)


def main():
    torch.set_num_threads(1)
    matrices = {
        "spiked, n = 2000": spiked(),
        "Hessian, MLP, P = 109": hessian("MLP"),
        "Hessian, LeNet": hessian("LeNet"),
        "Poisson, n = 900": poisson(30),
        "Poisson, n = 10000": poisson(100),
    }
    print("matrix                   solver         products  ratio  residual/scale  missed")
    for title, A in matrices.items():
        exact = np.linalg.eigvalsh(sc.materialise(A)) if A.shape[0] <= 2500 else poisson_spectrum(100)
        scale, reference = np.abs(exact).max(), None
        runs = {
            "ours": ours,
            "ours, basis 20": lambda A, seed: ours(A, seed, basis=20),
            "ARPACK": arpack,
            "LOBPCG": partial(block, scale=scale),
        }
        for solver, run in runs.items():
            spent, residuals, missed = [], [], 0
            for seed in range(SEEDS):
                counted = sc.CountingOperator(A)
                values, vectors = run(counted, seed)
                spent.append(counted.products)
                AV = (A @ torch.as_tensor(vectors.copy(), dtype=A.dtype)).numpy()
                residuals.append(np.linalg.norm(AV - vectors * values, axis=0).max() / scale)
                missed += int((np.abs(np.sort(values) - exact[-K:]) > 2 * TOLERANCE * scale).sum())
            reference = reference or np.mean(spent)
            ratio = np.mean(spent) / reference
            print(
                f"{title:24} {solver:14} {np.mean(spent):8.0f} {ratio:6.2f} {max(residuals):15.1e} {missed:7}",
                flush=True,
            )


def poisson_spectrum(side):
    line = 2.0 - 2.0 * np.cos(np.pi * np.arange(1, side + 1) / (side + 1))
    return np.sort((line[:, None] + line).ravel())


if __name__ == "__main__":
    main()
