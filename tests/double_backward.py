"""The sharpest eigenvalue of a Hessian by SciPy on double backward, in float64: shares no code with the operators."""

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh
from torch.nn import functional as F

__all__ = ["largest_eigenvalue"]


def largest_eigenvalue(model, inputs, targets):
    """Of the mean cross-entropy over all examples at once; the model is taken to float64."""
    model.double()
    weights = list(model.parameters())
    slopes = torch.autograd.grad(F.cross_entropy(model(inputs.double()), targets), weights, create_graph=True)
    flat = torch.cat([slope.flatten() for slope in slopes])

    def product(v):
        parts = torch.autograd.grad(flat, weights, torch.as_tensor(v.ravel()), retain_graph=True)
        return torch.cat([part.flatten() for part in parts]).numpy()

    H = LinearOperator((len(flat),) * 2, matvec=product, dtype=np.float64)
    return float(eigsh(H, k=1, which="LA", v0=np.ones(len(flat)), tol=1e-5, return_eigenvectors=False)[0])
