"""What every example's matrix does to the leading eigenvectors: with it, mini-batches are drawn without a product."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch.func import vmap

from spectral_core.batch_scaling.mini_batches import check_separable, population
from spectral_core.curvature.examples import ProductDistances, _chosen, _counts, _merged
from spectral_core.interruption import stop_if_asked
from spectral_core.results import frozen, last

__all__ = ["ExampleProjections", "example_projections", "projection_steps"]


@dataclass(frozen=True, eq=False)
class ExampleProjections:
    """``H_i U`` of every example i, in and out of the span of the leading eigenvectors U of H.

    Attributes
    ----------
    inside : (N, k, k) array
        ``M_i = U.T H_i U``; their mean is the diagonal matrix of eigenvalues. Weight decay is not in it.
    outside : (N, k, k) array
        ``C_i = U.T H_i (I - U U.T) H_i U``.
    strength : (N, k) array
        ``z_i`` with ``z_i z_i.T`` the best approximation of ``C_i`` of rank one: its part along one direction ``q_i``.
    along : (N,) array
        ``rho_i = q_i.T H_i q_i``.
    eigenvalues : (k,) array
        Of H, without weight decay, largest first.
    weight_decay : float
    """

    inside: np.ndarray
    outside: np.ndarray
    strength: np.ndarray
    along: np.ndarray
    eigenvalues: np.ndarray
    weight_decay: float = 0.0

    @property
    def examples(self):
        """``N``."""
        return len(self.along)

    @property
    def noise(self):
        """``s^2(u_j)``, (k,), and its standard error as a mean over examples, which are a sample of all there might be."""
        energies = self._energies()
        N = len(energies)
        error = energies.std(axis=0, ddof=1) / np.sqrt(N) if N > 1 else np.full(energies.shape[1], np.inf)
        return energies.mean(axis=0) - self.eigenvalues**2, error

    @property
    def largest_share(self):
        """Of ``(1/N) sum_i ||H_i u_1||^2``, by the one example that has most of it."""
        first = self._energies()[:, 0]
        return float(first.max() / first.sum()) if first.sum() > 0 else 0.0

    @cached_property
    def largest(self):
        """Largest eigenvalue of each ``H_i`` on the span of U and ``q_i``, (N,): a lower bound of its own."""
        k = self.inside.shape[1]
        arrows = torch.zeros(self.examples, k + 1, k + 1, dtype=torch.float64)
        arrows[:, :k, :k] = torch.tensor(self.inside)
        arrows[:, k, :k], arrows[:, k, k] = torch.tensor(self.strength), torch.tensor(self.along)
        return frozen(torch.linalg.eigvalsh(arrows)[:, -1].numpy())

    def _energies(self):
        """``||H_i u_j||^2``, (N, k)."""
        return np.square(self.inside).sum(axis=2) + np.diagonal(self.outside, axis1=1, axis2=2)


def projection_steps(H, vectors):
    """Yield ``(fraction, None)`` chunk of examples by chunk, at last ``(1.0, ExampleProjections)``; see `example_projections`."""
    check_separable(H)
    N = population(H)
    U = torch.tensor(np.asarray(vectors)).to(dtype=H.dtype, device=H.device)
    if U.ndim != 2 or len(U) != H.shape[0] or not torch.isfinite(U).all():
        raise ValueError(f"vectors are {H.shape[0]} finite numbers a column; got an array of shape {tuple(U.shape)}.")
    products, k = _Projections(H, U), U.shape[1]
    ends = np.cumsum([batch.examples for batch in H.batches])
    rows, weights = np.zeros((N, 2 * k * k + k + 1)), np.zeros(N)
    for start in range(0, N, products.chunk):
        stop_if_asked()
        chosen = np.arange(start, min(start + products.chunk, N))
        done = 0
        for part in _merged(_chosen(H.batches, ends, chosen)):
            where = chosen[done : done + part.examples]
            weights[where] = counts = _counts(H.loss, part)
            if (counts > 0).any():
                counted = part.taken(torch.as_tensor(counts > 0, device=H.device))
                rows[where[counts > 0]] = products.of_examples(counted)
            done += part.examples
        yield (start + len(chosen)) / N, None
    relative = weights / weights.mean()
    M, C, z, along = np.split(rows, [k * k, 2 * k * k, 2 * k * k + k], axis=1)
    M, C = M.reshape(N, k, k) * relative[:, None, None], C.reshape(N, k, k) * relative[:, None, None] ** 2
    mean = M.mean(axis=0)
    yield (
        1.0,
        ExampleProjections(
            *map(frozen, (M, C, z * relative[:, None], along[:, 0] * relative, np.diagonal(mean))), H.weight_decay
        ),
    )


def example_projections(H, vectors):
    """`ExampleProjections` of a curvature matrix ``H = (1/N) sum_i H_i`` on its leading eigenvectors.

    Parameters
    ----------
    H : HessianOperator, GGNOperator or Fisher operator
    vectors : (P, k) tensor or array
        Orthonormal eigenvectors of H, such as ``eigenpairs(H, k).vectors``.

    Raises
    ------
    ValueError
        Examples without a loss of their own; vectors of another shape or not finite.

    Notes
    -----
    Cost: a pass of ``k + 1`` small products for each example, side by side where the model allows it; together as many
    numbers as ``k + 1`` products with H for each example, in the time of some five to ten products a direction.

    Examples
    --------
    >>> from spectral_core.curvature import HessianOperator
    >>> data = [(torch.tensor([[1.0], [3.0]]), torch.zeros(2, 1))]
    >>> H = HessianOperator(torch.nn.Linear(1, 1, bias=False), "squared error", data)  # H_i = x_i^2
    >>> example_projections(H, torch.ones(1, 1)).inside.ravel()
    array([1., 9.])
    """
    return last(projection_steps(H, vectors))[1]


class _Projections(ProductDistances):
    """Rows of numbers instead of distances: M_i, C_i, z_i and rho_i of each example."""

    def __init__(self, H, U):
        super().__init__(H, U.T.contiguous(), torch.zeros_like(U.T))

    def _numbers(self, products, again):
        """From ``H_i U`` as rows, and a function that multiplies one more row by ``H_i``."""
        M = products @ self.rows.T
        out = products - M @ self.rows
        C = out @ out.T
        values, turned = torch.linalg.eigh(C)
        q = turned[:, -1] @ out
        norm = torch.linalg.vector_norm(q)
        q = q / torch.where(norm > 0, norm, 1.0)
        z = turned[:, -1] * values[-1].clamp(min=0.0).sqrt()
        return torch.cat([((M + M.T) / 2).flatten(), C.flatten(), z, (q @ again(q[None])[0])[None]])

    def of_mini_batch(self, pieces):
        total = sum(piece.share for piece in pieces)
        graphs = [(self.H._graph(piece), piece.share / total) for piece in pieces]
        split, flatten = self.H.parameters.split, self.H.parameters.flatten

        def product(rows):
            each = (sum(flatten(apply(split(row), False)) * share for apply, share in graphs) for row in rows)
            return torch.stack(list(each))

        return self._numbers(product(self.rows), product).double().cpu().numpy()

    def _side_by_side(self, part, tensors):
        H, trace = self.H, self.H._trace(part.part(0, 1))
        given = [*(weight.detach() for weight in H._weights), *H._fixed.values()]

        def one(*tensors):
            _, kept = trace.constants([*given, *tensors])

            def product(rows):
                return H.parameters.flatten(trace.block_product(kept, H.parameters.split(rows)), leading=1)

            return self._numbers(torch.cat([product(self.rows[columns]) for columns, _ in self._blocks()]), product)

        return vmap(one)(*tensors)
