"""Matrices with known spectra, which every operator, recurrence and estimator must get right."""

import numpy as np
import torch

SIZE = 40


def _rotated(eigenvalues, seed=5):
    eigenvalues = np.asarray(eigenvalues, dtype=np.float64)
    basis, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(eigenvalues),) * 2))
    matrix = (basis * eigenvalues) @ basis.T
    return (matrix + matrix.T) / 2.0


SPECTRA = {
    "spread": np.linspace(1.0, 3.0, SIZE),
    "clustered": np.r_[np.full(20, 1.0) + 1e-9 * np.arange(20), np.full(20, 2.0) + 1e-9 * np.arange(20)],
    "indefinite": np.linspace(-2.0, 1.0, SIZE),
    "low rank": np.r_[np.zeros(SIZE - 3), 1.0, 2.0, 5.0],
    "repeated": np.repeat([0.5, 1.0, 4.0, 4.5], 10),
    "identity": np.ones(SIZE),
    "zero": np.zeros(SIZE),
    "wide": np.logspace(-8, 4, SIZE),
    "one by one": np.array([3.0]),
    "two by two": np.array([-1.0, 1.0]),
}
MATRICES = {name: _rotated(values) for name, values in SPECTRA.items()}


def eigenvalues(name):
    """Ascending."""
    return np.sort(SPECTRA[name])


def tensor(name, device="cpu", dtype=torch.float64):
    """The matrix as a dense tensor."""
    return torch.as_tensor(MATRICES[name], dtype=dtype, device=device)


def scale(name):
    """Largest eigenvalue in magnitude; 1 for the zero matrix."""
    return np.abs(SPECTRA[name]).max() or 1.0
