"""The eigenvalues of ``W.T W`` of one matrix: all of them, or what Lanczos sees of them."""

import numpy as np
import torch

from spectral_core.estimators.quadrature import lanczos_quadrature_steps
from spectral_core.exact import exact_eigenvalue_steps
from spectral_core.operators import FunctionOperator

__all__ = ["estimated_eigenvalue_steps", "gram_eigenvalue_steps"]

AT_ONCE = 4e9  # N M^2 of the product that is formed between two items: 0.2 s on one core
CONVERGED = 1e-3  # residual of a Ritz value that counts as an eigenvalue, in gaps to its neighbours


def gram_eigenvalue_steps(W):
    """Yield ``(fraction, eigenvalues, None)`` of ``W.T W``; None for the eigenvalues until they are there.

    Formed in float64 and solved in a process that dies with this generator; absolute error ``eps lambda_max``.

    Parameters
    ----------
    W : (N, M) tensor

    Examples
    --------
    >>> *_, (fraction, values, _) = gram_eigenvalue_steps(torch.tensor([[3.0, 0.0], [0.0, 2.0]]))
    >>> values.tolist()
    [4.0, 9.0]
    """
    gram = torch.zeros(W.shape[1], W.shape[1], dtype=torch.float64)
    done = 0
    for block in W.split(max(int(AT_ONCE // W.shape[1] ** 2), 1)):
        block = block.double()
        gram.addmm_(block.mT, block)
        done += len(block)
        yield 0.3 * done / len(W), None, None
    for fraction, values in exact_eigenvalue_steps(gram.numpy(), largest=len(gram)):
        yield 0.3 + 0.7 * fraction, values, None


def estimated_eigenvalue_steps(W, *, steps, probes, generator):
    """Yield ``(fraction, eigenvalues, Quadrature)`` of ``W.T W`` after every product; the eigenvalues come last.

    The largest are Ritz values, mean over probes, that have on every probe a residual below 1/1000 of the gaps beside
    them and a weight that goes with one eigenvalue. The rest are quantiles ``F^-1((i - 1/2) / count)`` of the mean over
    probes, ``F`` interpolated between the middles of its steps: by the Chebyshev-Markov-Stieltjes inequalities the true
    distribution of a probe passes through every step. Converged nodes of large weight (zeros, as a rule) stay steps. Unless the
    Krylov spaces are exhausted, a factor on the quantiles makes the sum of all the ``||W||_F^2`` that the entries give.

    Parameters
    ----------
    W : (N, M) float32 or float64 tensor
    steps, probes : int
        ``steps * probes`` products with ``W.T W``.
    generator : torch.Generator
    """
    A = FunctionOperator(lambda V: W.mT @ (W @ V), W.shape[1], dtype=W.dtype)
    for quadrature in lanczos_quadrature_steps(A, steps=steps, probes=probes, generator=generator):
        yield quadrature.products / (steps * probes), None, quadrature
    total = float(torch.linalg.vector_norm(W, dtype=torch.float64)) ** 2
    top, rest = _split(quadrature)
    if rest.sum() > 0 and not quadrature.complete:
        rest = rest * max(total - top.sum(), 0.0) / rest.sum()
    values = np.sort(np.r_[rest, top])
    values[values < 10 * torch.finfo(W.dtype).eps * values[-1]] = 0.0
    yield 1.0, values, quadrature


def _split(quadrature):
    """Converged simple eigenvalues at the top, and as many quantiles as there are others."""
    size, nodes, weights = quadrature.size, np.maximum(quadrature.nodes, 0.0), quadrature.weights
    below = np.diff(nodes, axis=1, prepend=-np.inf)
    gaps = np.minimum(below, np.c_[below[:, 1:], np.full(len(nodes), np.inf)])
    converged = (quadrature.residuals < CONVERGED * gaps) & (weights > 0)
    # a simple eigenvalue has weights chi^2_1 / M: mean 1, variance 2, over M
    simple = size * weights.mean(axis=0) < 1.0 + 5.0 * (2.0 / len(nodes)) ** 0.5
    sound = converged.all(axis=0) & simple
    count = int(np.argmin(np.r_[sound[::-1], False]))
    rest = nodes.shape[1] - count
    top = nodes[:, rest:].mean(axis=0)
    if not rest or count >= size:
        return top, np.zeros(0)
    steps = converged & (size * weights > 1.0 + 5.0 * 2.0**0.5)
    x = np.unique(np.r_[nodes[:, :rest].ravel(), np.nextafter(nodes[:, :rest].ravel(), -np.inf)])
    distribution = np.zeros(len(x))
    for theta, w, step in zip(nodes[:, :rest], weights[:, :rest], steps[:, :rest], strict=True):
        share = w / w.sum()
        before = np.cumsum(share) - share
        points = np.c_[np.where(step, np.nextafter(theta, -np.inf), theta), theta].ravel()
        levels = np.c_[np.where(step, before, before + share / 2.0), before + share * np.where(step, 1.0, 0.5)].ravel()
        distribution += np.interp(x, points, levels, left=0.0, right=1.0) / len(nodes)
    levels = (np.arange(size - count) + 0.5) / (size - count)
    return top, np.interp(levels, distribution, x)
