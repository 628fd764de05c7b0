"""Spatial weights: who neighbours whom, and the matrix ``I - rho W`` whose log-determinant spatial models need."""

import numpy as np
import torch
from scipy import sparse

from spectral_core.krylov.lanczos import lanczos
from spectral_core.operators import SparseOperator
from spectral_core.probes import draw_probes

__all__ = ["grid_weights", "nearest_weights", "spatial_operator", "symmetrised"]

ROUNDING = 1e-8


def grid_weights(rows, columns, *, neighbours="rook"):
    """Row-standardised weights of a grid of cells: ``W = D^-1 A``, A joining cells that share an edge (rook) or corner (queen).

    Returns
    -------
    SciPy CSR (rows columns, rows columns)

    Examples
    --------
    >>> grid_weights(1, 3).toarray().tolist()
    [[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]
    """
    if neighbours not in ("rook", "queen"):
        raise ValueError(f"neighbours must be 'rook' or 'queen'; got {neighbours!r}.")
    if min(rows, columns) < 1 or rows * columns < 2:
        raise ValueError(f"a grid needs at least two cells; got {rows} x {columns}.")
    path = [sparse.diags_array(np.ones(side - 1), offsets=1, shape=(side, side)) for side in (rows, columns)]
    down, along = (one + one.T for one in path)
    A = sparse.kron(down, sparse.eye_array(columns)) + sparse.kron(sparse.eye_array(rows), along)
    if neighbours == "queen":
        A = A + sparse.kron(down, along)
    return _row_standardised(A)


def nearest_weights(X, neighbours=5):
    """Row-standardised weights of points ``X (n, d)``: each joined to its nearest, and to those whose nearest it is.

    Examples
    --------
    >>> nearest_weights(np.array([[0.0], [1.0], [3.0]]), 1).toarray().tolist()
    [[0.0, 1.0, 0.0], [0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]
    """
    X = np.asarray(X, dtype=np.float64)
    if not 1 <= neighbours < len(X):
        raise ValueError(f"{len(X):,} points have from 1 to {len(X) - 1:,} neighbours each; got {neighbours}.")
    from scipy.spatial import cKDTree  # here, since few ask for it

    _, found = cKDTree(X).query(X, neighbours + 1)
    rows, cols = np.repeat(np.arange(len(X)), neighbours + 1), found.ravel()
    apart = rows != cols
    A = sparse.csr_array((np.ones(apart.sum()), (rows[apart], cols[apart])), shape=(len(X), len(X)))
    return _row_standardised(((A + A.T) > 0).astype(np.float64))


def _row_standardised(A):
    A = sparse.csr_array(A)
    total = A.sum(axis=1)
    return sparse.csr_array(sparse.diags_array(1.0 / np.where(total > 0, total, 1.0)) @ A)


def symmetrised(W):
    """``S = C^(1/2) W C^(-1/2)``, symmetric, with the eigenvalues of `W`; ``S_ij = sign(W_ij) sqrt(W_ij W_ji)``.

    There is such a diagonal C exactly where ``c_i W_ij = c_j W_ji``: row-standardised weights ``W = D^-1 A`` of a symmetric
    A have ``C = D``, and then ``S = D^(-1/2) A D^(-1/2)``.

    Parameters
    ----------
    W : SciPy sparse or array (n, n)

    Returns
    -------
    SciPy CSR (n, n)

    Raises
    ------
    ValueError
        `W` is not similar to a symmetric matrix in this way.

    Examples
    --------
    >>> symmetrised(grid_weights(1, 3)).toarray().round(4)[0].tolist()
    [0.0, 0.7071, 0.0]
    """
    W = sparse.csr_array(W).astype(np.float64)
    W.sum_duplicates()
    W.eliminate_zeros()
    if W.shape[0] != W.shape[1]:
        raise ValueError(f"spatial weights are a square matrix; got {W.shape[0]:,} x {W.shape[1]:,}.")
    largest = abs(W).max() if W.nnz else 0.0
    if W.nnz == 0 or abs(W - W.T).max() <= ROUNDING * largest:
        return (W + W.T) / 2.0
    refusal = ValueError(
        "the weights are not symmetric, nor the rows of a symmetric matrix over their sums: give W = D^-1 A with A symmetric."
    )
    product = W.multiply(W.T)
    if product.nnz != W.nnz or product.min() < 0:
        raise refusal
    scale = _balance(W)
    balanced = sparse.diags_array(scale) @ W
    if not (scale.min() > 0 and abs(balanced - balanced.T).max() <= ROUNDING * abs(balanced).max()):
        raise refusal
    root = np.sqrt(scale)
    S = sparse.csr_array(sparse.diags_array(root) @ W @ sparse.diags_array(1.0 / root))
    return (S + S.T) / 2.0


def _balance(W):
    """``c > 0`` with ``c_i W_ij = c_j W_ji`` along the edges of a spanning tree of every component."""
    n = W.shape[0]
    W = W.sorted_indices()
    back = sparse.csr_array(W.T).sorted_indices()  # of the same pattern
    step = sparse.csr_array((np.log(W.data / back.data), W.indices, W.indptr), shape=W.shape)  # log c_j - log c_i
    _, labels = sparse.csgraph.connected_components(abs(W), directed=False)
    roots = np.unique(labels, return_index=True)[1]
    joined = sparse.csr_array((np.ones(len(roots)), (np.zeros(len(roots), dtype=int), roots)), shape=(1, n))
    tree = sparse.block_array(
        [[abs(W), None], [joined, sparse.csr_array((1, 1))]], format="csr"
    )  # one root above them all
    _, parent = sparse.csgraph.breadth_first_order(tree, n, directed=True)
    parent[n], inside = n, parent[:n] < n
    logs = np.zeros(n + 1)
    logs[:n][inside] = step[parent[:n][inside], np.flatnonzero(inside)]
    while (parent != n).any():  # each round doubles the distance that is summed up
        logs, parent = logs + logs[parent], parent[parent]
    return np.exp(logs[:n] - logs[:n].max())


def spatial_operator(W, rho, *, dtype=None, device="cpu"):
    """``I - rho S`` with `S` symmetric and similar to `W`, so that ``det(I - rho S) = det(I - rho W)``.

    The operator's interval is ``1 -+ |rho| r`` where that is positive: `r` bounds the spectral radius of `W`, 1 for
    row-standardised weights and what is similar to them.

    Raises
    ------
    ValueError
        Not positive definite: ``rho theta >= 1`` for a Ritz value ``theta`` of `W`.

    Notes
    -----
    ``r = max_i (|S| x)_i / x_i`` bounds the radius for every ``x > 0`` (Collatz 1942): the row sums of W and of S, the
    roots of the numbers of neighbours, the eigenvector of ``D^(-1/2) A D^(-1/2)`` for a binary A, and 50 power steps from
    there. Cost: those, and where the interval is not positive a Lanczos run of 50 products. Source: Ord 1975.

    Examples
    --------
    >>> spatial_operator(grid_weights(2, 2), 0.5).interval
    (0.5, 1.5)
    """
    S = symmetrised(W)
    radius = min(float(abs(sparse.csr_array(W)).sum(axis=1).max()), _radius_bound(S))
    interval = (1.0 - abs(rho) * radius, 1.0 + abs(rho) * radius)
    if interval[0] <= 0:
        _refuse_indefinite(S, rho, radius)
    matrix = sparse.csr_array(sparse.eye_array(S.shape[0]) - rho * S)
    return SparseOperator(
        matrix,
        interval=interval if interval[0] > 0 else None,
        symmetric=True,
        dtype=dtype or torch.float64,
        device=device,
    )


def _radius_bound(S, steps=50):
    S = abs(S)
    bounds = [float(S.sum(axis=1).max())]
    x = np.sqrt(np.maximum(np.diff(S.indptr), 1.0))
    for _ in range(steps):
        y = S @ x
        bounds.append(float((y / x).max()))
        x = (x + y) / (x + y).max()  # of S + I, so that bipartite neighbourhoods do not alternate
        x = np.maximum(x, 1e-100)
    return min(bounds)


def _refuse_indefinite(S, rho, radius):
    V = draw_probes(S.shape[0], 1, generator=torch.Generator())
    ritz = np.linalg.eigvalsh(lanczos(SparseOperator(S, symmetric=True), V, 50).tridiagonal())
    worst = max(ritz[0], ritz[-1], key=lambda theta: rho * theta)
    if rho * worst >= 1.0:
        raise ValueError(
            f"I - rho W is not positive definite at rho = {rho:g}, as W has an eigenvalue of {worst:.4g} or beyond: divide "
            f"its rows by their sums, which puts all eigenvalues into [-1, 1], or take |rho| below {0.99 / radius:.3g}."
        )
