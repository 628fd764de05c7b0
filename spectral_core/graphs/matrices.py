"""The matrices of a graph, with spectral intervals that theory guarantees and the eigenpairs that components give."""

import numpy as np
from scipy import sparse

from spectral_core.graphs.graph import check_choice
from spectral_core.operators import SparseOperator
from spectral_core.results import Eigenspace

__all__ = ["adjacency", "component_eigenspace", "laplacian", "normalised_laplacian"]


def adjacency(graph):
    """``A_ij`` = the weight of edge ij, as an operator of shape (n, n).

    The interval is ``[-b, b]`` with ``b = min(max_i sqrt((A d)_i), max_i (A d)_i / d_i)``, ``d = A 1``: the first
    bounds the row sums of ``A^2``, the second those of ``D^-1 A D`` (Collatz-Wielandt; Horn & Johnson, Matrix Analysis,
    8.1.26). Both are equalities for a regular graph and one for a star. Building it costs one product.

    >>> from spectral_core.graphs import from_edges
    >>> adjacency(from_edges([0, 0, 0, 0], [1, 2, 3, 4])).interval
    (-2.0, 2.0)
    """
    degrees = graph.degrees
    reach = graph.adjacency @ degrees
    joined = degrees > 0
    bound = 0.0
    if joined.any():
        bound = float(min(np.sqrt(reach.max()), (reach[joined] / degrees[joined]).max()))
    return SparseOperator(graph.adjacency, interval=(-bound, bound), symmetric=True)


def laplacian(graph):
    """``L = D - A``, ``D = diag(A 1)``, as an operator of shape (n, n); self-loops cancel.

    The interval is ``[0, max_{ij an edge} (d_i + d_j)]``, the degrees without self-loops (Anderson & Morley 1985). It
    holds with weights: ``L = B W B.T`` has the non-zero eigenvalues of ``B.T B W``, whose row of edge ij has the
    absolute sum ``d_i + d_j`` (Gershgorin).

    >>> from spectral_core.graphs import from_edges
    >>> laplacian(from_edges([0, 1], [1, 2])).interval
    (0.0, 3.0)
    """
    A = graph.adjacency
    matrix = (sparse.diags_array(graph.degrees, format="csr") - A).tocsr()
    degrees = matrix.diagonal()
    rows = np.repeat(np.arange(graph.n, dtype=A.indices.dtype), np.diff(A.indptr))
    off = rows != A.indices
    bound = float((degrees[rows[off]] + degrees[A.indices[off]]).max(initial=0.0))
    return SparseOperator(matrix, interval=(0.0, bound), symmetric=True)


def normalised_laplacian(graph, isolated=0.0):
    """``L_norm = I - D^-1/2 A D^-1/2``, ``D = diag(A 1)``, as an operator of shape (n, n) with its spectrum in [0, 2].

    The row of an isolated node, where ``D^-1/2`` does not exist, is `isolated` on the diagonal and 0 elsewhere: 0
    (default, networkx's convention) makes it a component with its own eigenvalue 0, 1 takes ``D^-1/2 = 0`` there. The
    choice moves the density's atoms at 0 and 1 by the share of isolated nodes.

    Raises
    ------
    ValueError
        `isolated` outside [0, 2].

    Notes
    -----
    Source: Chung, Spectral Graph Theory, section 1.2 and lemma 1.7.

    >>> from spectral_core.graphs import from_edges
    >>> normalised_laplacian(from_edges([0], [1], n=3)).matrix.toarray()[0].tolist()
    [1.0, -1.0, 0.0]
    """
    _check_isolated(isolated)
    A, degrees = graph.adjacency, graph.degrees
    joined = degrees > 0
    scale = np.zeros(graph.n)
    scale[joined] = 1 / np.sqrt(degrees[joined])
    rows = np.repeat(np.arange(graph.n, dtype=A.indices.dtype), np.diff(A.indptr))
    data = A.data * (scale[rows] * scale[A.indices])
    scaled = sparse.csr_array((data, A.indices, A.indptr), shape=A.shape)
    diagonal = sparse.diags_array(np.where(joined, 1.0, isolated), format="csr")
    return SparseOperator((diagonal - scaled).tocsr(), interval=(0.0, 2.0), symmetric=True)


def component_eigenspace(graph, matrix="normalised_laplacian", isolated=0.0):
    """Eigenpairs that the components give exactly: ``A Q = Q diag(values)``, ``Q.T Q = I``.

    For the normalised Laplacian ``D^1/2 1_C / ||D^1/2 1_C||`` with value 0 for each component C that has an edge, and
    ``e_i`` with value `isolated` for each isolated node, and with value 2 the same with alternating signs for each
    bipartite component, such as a lone edge; for the Laplacian ``1_C / sqrt |C|`` with value 0; for the
    adjacency matrix ``e_i`` with value 0 for each isolated node.

    Parameters
    ----------
    graph : Graph
    matrix : {"normalised_laplacian", "laplacian", "adjacency"}
    isolated : float
        As given to `normalised_laplacian`.

    Returns
    -------
    Eigenspace
        c pairs, vectors a sparse (n, c) csc_array. No product; O(n + edges).

    Raises
    ------
    ValueError
        An unknown matrix; `isolated` outside [0, 2].

    >>> from spectral_core.graphs import from_edges
    >>> component_eigenspace(from_edges([0, 3], [1, 4], n=6), isolated=1.0).values.tolist()
    [0.0, 1.0, 0.0, 1.0, 2.0, 2.0]
    """
    check_choice("matrix", matrix, ("normalised_laplacian", "laplacian", "adjacency"))
    _check_isolated(isolated)
    lonely = graph.degrees == 0
    if matrix == "adjacency":
        which = np.flatnonzero(lonely)
        identity = (np.ones(len(which)), which, np.arange(len(which) + 1))
        return Eigenspace(np.zeros(len(which)), sparse.csc_array(identity, shape=(graph.n, len(which))))
    count, labels = graph.components()
    entries = np.ones(graph.n)
    values = np.zeros(count)
    if matrix == "normalised_laplacian":
        entries = np.where(lonely, 1.0, np.sqrt(graph.degrees))
        values[labels[lonely]] = isolated
    norms = np.sqrt(np.bincount(labels, weights=entries**2, minlength=count))
    order = np.argsort(labels, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(labels, minlength=count))])
    vectors = sparse.csc_array((entries[order] / norms[labels[order]], order, starts), shape=(graph.n, count))
    if matrix == "normalised_laplacian":
        side = _sides(graph)
        two = np.zeros(count, dtype=bool)
        two[labels] = side != 0
        alternating = sparse.diags_array(side, format="csc") @ vectors[:, two]
        values, vectors = np.r_[values, np.full(two.sum(), 2.0)], sparse.hstack([vectors, alternating], format="csc")
    return Eigenspace(values, vectors)


def _sides(graph):
    """+1 and -1 for the two sides of each bipartite component that has an edge, 0 for all other nodes.

    A component is bipartite where it falls in two in the double cover, whose edges join ``(i, 0)`` to ``(j, 1)``.
    """
    A, n = graph.adjacency, graph.n
    _, cover = sparse.csgraph.connected_components(sparse.block_array([[None, A], [A, None]], format="csr"))
    return np.where(graph.degrees > 0, np.sign(cover[n:] - cover[:n]), 0).astype(np.float64)


def _check_isolated(isolated):
    if not 0 <= isolated <= 2:
        raise ValueError(
            f"the diagonal entry of an isolated node must lie in [0, 2], as all eigenvalues do; got {isolated}."
        )
