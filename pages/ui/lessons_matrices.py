"""The matrices of the lessons, with all their eigenvalues."""

import torch

import spectral_core as sc
from spectral_core.model_matrices import synthetic_network

__all__ = ["MATRICES", "known_matrix"]

MATRICES = {
    "network": "Synthetic network",
    "wigner": "Wigner",
    "covariance": "Marchenko–Pastur, q = 1/2",
    "singular": "Marchenko–Pastur, q = 2",
}


def known_matrix(name, n, seed):
    """``(A, eigenvalues)``: a dense tensor of order n and its eigenvalues, ascending."""
    generator = torch.Generator().manual_seed(seed)
    if name == "network":
        model = synthetic_network(n, generator=generator)
        return model.operator.matrix, model.eigenvalues
    if name == "wigner":
        A = sc.random_matrices.wigner(n, generator=generator)
    else:
        A = sc.random_matrices.sample_covariance(n, 2 * n if name == "covariance" else n // 2, generator=generator)
    return A, torch.linalg.eigvalsh(A).numpy()
