"""Matrices whose spectra are known: what an estimator can be held against.

Poisson's on a grid (closed form), the field's lattice Schroedinger operator (all eigenvalues by a dense solve) and the
spectrum of the thesis's synthetic network (drawn).
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from spectral_core.operators import DenseOperator, SparseOperator
from spectral_core.polynomials import checked_interval
from spectral_core.results import frozen

__all__ = ["ModelMatrix", "lattice_schroedinger", "poisson", "synthetic_network"]

LARGEST = 4096  # rows of a lattice whose eigenvalues are solved for


@dataclass(frozen=True, eq=False)
class ModelMatrix:
    """A matrix with all of its eigenvalues.

    Attributes
    ----------
    name : str
    operator : operator (n, n)
    eigenvalues : (n,) array
        Ascending, exact to rounding.
    interval : (float, float)
        Holds the spectrum.
    """

    name: str
    operator: object
    eigenvalues: np.ndarray
    interval: tuple[float, float]

    def mapped(self):
        """The same matrix, its extreme eigenvalues mapped to -1 and 1 as in the field's experiments."""
        a, b = float(self.eigenvalues[0]), float(self.eigenvalues[-1])
        if not a < b:
            raise ValueError(f"only a spectrum of more than one point can be mapped to [-1, 1]; this one is {a:g}.")
        scale, shift = 2.0 / (b - a), -(a + b) / (b - a)
        values = np.clip(scale * self.eigenvalues + shift, -1.0, 1.0)
        matrix = self.operator.matrix
        if sparse.issparse(matrix):
            mapped = scale * matrix + shift * sparse.eye_array(matrix.shape[0], format="csr")
            operator = SparseOperator(mapped, interval=(-1.0, 1.0), symmetric=True)
        else:
            eye = torch.eye(matrix.shape[0], dtype=matrix.dtype, device=matrix.device)
            operator = _with_interval(scale * matrix + shift * eye, (-1.0, 1.0))
        return ModelMatrix(self.name, operator, frozen(values), (-1.0, 1.0))


def _second_difference(points, h, periodic):
    """``-u''`` by central differences: 2 on the diagonal and -1 beside it, over ``h^2``; also across the ends if periodic."""
    matrix = sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(points, points)).tolil()
    if periodic:
        matrix[0, points - 1] += -1.0
        matrix[points - 1, 0] += -1.0
    return (matrix / h**2).tocsr()


def _kronecker_sum(terms):
    """``T1 x I x I + I x T2 x I + ...``."""
    total = terms[0]
    for term in terms[1:]:
        here = sparse.kron(total, sparse.eye_array(term.shape[0]))
        total = here + sparse.kron(sparse.eye_array(total.shape[0]), term)
    return sparse.csr_array(total)


def _outer_sum(values, dimensions):
    total = values
    for _ in range(dimensions - 1):
        total = np.add.outer(total, values).ravel()
    return total


def poisson(m, dimensions=2):
    """``-Laplace`` on a grid of ``m^d`` inner points of the unit cube's scaled copy: 5-point stencil in two dimensions.

    Unit spacing and Dirichlet ends; eigenvalues ``sum_a 4 sin^2(pi k_a / (2 (m + 1)))``, ``k_a = 1..m``.

    Parameters
    ----------
    m : int
        Points a side.
    dimensions : {1, 2, 3}

    Examples
    --------
    >>> poisson(2).eigenvalues
    array([2., 4., 4., 6.])
    """
    _check_dimensions(dimensions, (1, 2, 3))
    if not isinstance(m, int) or m < 1:
        raise ValueError(f"a grid needs at least one point a side; got {m}.")
    matrix = _kronecker_sum([_second_difference(m, 1.0, False)] * dimensions)
    side = 4.0 * np.sin(np.pi * np.arange(1, m + 1) / (2.0 * (m + 1))) ** 2
    interval = (0.0, 4.0 * dimensions)
    operator = SparseOperator(matrix, interval=interval, symmetric=True)
    return ModelMatrix(
        f"Poisson, {dimensions}-D, {m} points a side", operator, frozen(np.sort(_outer_sum(side, dimensions))), interval
    )


def lattice_schroedinger(L=6.0, h=0.6, beta=2.0, alpha=-4.0, *, dimensions=3, cells=1):
    """``-Laplace + V`` on a periodic lattice, ``V(r) = alpha sum_c exp(-|r - r_c|^2 / (2 beta^2))``.

    A Gaussian well of depth `alpha` and width `beta` in the middle of every unit cell of side `L`, its images summed over all
    periods; central differences of spacing `h`. With the default values, three dimensions: n = 1000.

    Parameters
    ----------
    L, h, beta : float
        Side of a cell, spacing, standard deviation of a well; ``L / h`` points a side (rounded).
    alpha : float
        Depth; negative is attractive.
    dimensions : {1, 2, 3}
    cells : int
        Unit cells a side.

    Returns
    -------
    ModelMatrix
        Eigenvalues by a dense solve (0.2 s at n = 1000).

    Notes
    -----
    Source: Lin 2017, section 5.1 (ModES3D); parameters of Matti, Lam, He and Kressner 2025. The product form of the well
    makes the sum over images a product of one-dimensional sums; the operator itself does not separate.
    """
    _check_dimensions(dimensions, (1, 2, 3))
    if not all(0.0 < length < np.inf for length in (L, h, beta)) or not np.isfinite(alpha):
        raise ValueError(
            f"L, h and beta are positive lengths and alpha a depth, all finite; got {L}, {h}, {beta}, {alpha}."
        )
    if not isinstance(cells, int) or cells < 1:
        raise ValueError(f"cells must be a whole number, at least 1; got {cells}.")
    points = cells * round(L / h)
    if points < 3 or points**dimensions > LARGEST:
        raise ValueError(
            f"a lattice needs from 3 points a side to {LARGEST} in all, whose eigenvalues are solved for; got {points} a side "
            f"in {dimensions} dimensions: change h or cells."
        )
    x = h * np.arange(points)
    reach = int(np.ceil(40.0 * beta / L)) + 1
    centres = L / 2.0 + L * np.arange(-reach, cells + reach)
    well = np.exp(-0.5 * ((x[:, None] - centres) / beta) ** 2).sum(axis=1)
    potential = well
    for _ in range(dimensions - 1):
        potential = np.multiply.outer(potential, well).ravel()
    potential = alpha * potential
    kinetic = _kronecker_sum([_second_difference(points, h, True)] * dimensions)
    matrix = kinetic + sparse.diags_array(potential, format="csr")
    interval = (float(min(potential.min(), 0.0)), 4.0 * dimensions / h**2 + float(max(potential.max(), 0.0)))
    eigenvalues = np.linalg.eigvalsh(matrix.toarray())
    operator = SparseOperator(matrix, interval=checked_interval(interval), symmetric=True)
    return ModelMatrix(
        f"Lattice Schroedinger, {dimensions}-D, n = {matrix.shape[0]}", operator, frozen(eigenvalues), interval
    )


def synthetic_network(n=1000, *, generator):
    """A dense matrix with the spectrum of a network's Hessian as the thesis draws it.

    Of 1000 eigenvalues 470 are uniform on [0, 15], 20 on [0, 60] and 10 on [-10, 0]; the rest, half of them, are 0. Turned by
    the orthogonal factor of a Gaussian matrix.

    Parameters
    ----------
    n : int
        At least 100; the shares 47 %, 2 % and 1 % are kept.
    generator : torch.Generator

    Notes
    -----
    Source: thesis 4.5.2 (470 + 20 + 10 make 500 eigenvalues; its figure shows the degeneracy of the others at 0).
    """
    if not isinstance(n, int) or n < 100:
        raise ValueError(f"the synthetic network needs at least 100 rows; got {n}.")
    counts, ends = [round(0.47 * n), round(0.02 * n), round(0.01 * n)], [(0.0, 15.0), (0.0, 60.0), (-10.0, 0.0)]
    drawn = [
        low + (high - low) * torch.rand(count, generator=generator, dtype=torch.float64)
        for count, (low, high) in zip(counts, ends, strict=True)
    ]
    values = torch.cat([*drawn, torch.zeros(n - sum(counts), dtype=torch.float64)])
    basis = torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64)).Q
    matrix = (basis * values) @ basis.T
    interval = (-10.0, 60.0)
    operator = _with_interval((matrix + matrix.T) / 2.0, interval)
    return ModelMatrix(f"Synthetic network, n = {n}", operator, frozen(np.sort(values.numpy())), interval)


def _with_interval(matrix, interval):
    operator = DenseOperator(matrix)
    operator.interval = interval  # Gershgorin's discs of a dense matrix are sqrt(n) times too wide
    return operator


def _check_dimensions(dimensions, allowed):
    if not isinstance(dimensions, int) or dimensions not in allowed:
        raise ValueError(f"dimensions must be one of {', '.join(map(str, allowed))}; got {dimensions}.")
