"""What an edge between two separate clusters does to the spectrum: the truth, the thesis's Theorem 3, and true bounds."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from spectral_core.graphs.conversion import as_graph
from spectral_core.graphs.generators import erdos_renyi, watts_strogatz
from spectral_core.graphs.graph import Graph
from spectral_core.graphs.matrices import normalised_laplacian
from spectral_core.results import frozen

__all__ = [
    "LinkedClusters",
    "edge_influence",
    "largest_component",
    "linked_clusters",
    "linked_clusters_steps",
    "split_in_two",
    "two_clusters",
]

DENSE = 2000  # nodes up to which all eigenvalues are computed
SUPPORT = 500  # nodes that a perturbation touches up to which its norm comes from a dense solver


@dataclass(frozen=True, eq=False)
class LinkedClusters:
    """Two clusters joined by E edges, for each E that was computed; all arrays have one entry (or row) an E.

    Attributes
    ----------
    edges : (k,) array
        E, from 0 on.
    eigenvalues : (k, n) array
        Of the normalised Laplacian, ascending; the lowest two alone, (k, 2), for n above 2000.
    thesis : (k,) array
        Equation 3.13 as printed, of each edge when it was added, summed.
    corrected : (k,) array
        The same with the binomial expansion's factors ``1 / (2 d)``.
    corollary : (k,) array
        ``E / d``, with d the mean degree of the clusters before they were joined.
    weyl : (k,) array
        ``||L_E - L_0||_2``: no eigenvalue moves by more.
    rayleigh : (k,) array
        ``w(A, B) (1 / vol A + 1 / vol B)``: the eigenvalue that was 0 is at most this.
    degree : float
    """

    edges: np.ndarray
    eigenvalues: np.ndarray
    thesis: np.ndarray
    corrected: np.ndarray
    corollary: np.ndarray
    weyl: np.ndarray
    rayleigh: np.ndarray
    degree: float

    @property
    def shift(self):
        """How far the second zero eigenvalue has moved: (k,) array."""
        return self.eigenvalues[:, 1]

    @property
    def largest_shift(self):
        """``max_i |lambda_i(E) - lambda_i(0)|``: (k,) array, NaN where only the lowest two are known."""
        moved = np.abs(self.eigenvalues - self.eigenvalues[0]).max(axis=1)
        return moved if self.eigenvalues.shape[1] > 2 else np.full_like(moved, np.nan)


def linked_clusters_steps(graph, links, weights=None, *, points=40):
    """Yield a complete `LinkedClusters` after each of E = 0, 1, ..., len(links), thinned to about `points` values.

    For the edge uv, with d the degrees before it and ``S_u = sum_g A_ug / sqrt d_g``, the thesis prints (3.13)

        ``|S_u / sqrt d_u + S_v / sqrt d_v - 2 / sqrt(d_u d_v)|``,

    which lost the factors of ``1 / sqrt d - 1 / sqrt(d + 1) = 1 / (2 d sqrt d) + O(d^-5/2)`` on the way from its proof:

        ``|S_u / (2 d_u sqrt d_u) + S_v / (2 d_v sqrt d_v) - 2 / sqrt(d_u d_v)|``.

    For d-regular clusters the first is ``2 - 2 / d``, the second ``1 / d``, as Corollary 3.1 has it. Both are the modulus
    of a signed sum of entries of ``L' - L``, which is no norm, and *neither is a bound*: two lone edges joined to a path
    make the printed one 0 where the eigenvalue moves by 1/2, and two stars of four leaves joined at their centres make
    the corrected one 0 where it moves by 1/5. For regular clusters 1 / d is the norm to first order, so the corollary
    holds. True bounds are Weyl's, with the norm itself, and by Courant and Fischer the Rayleigh quotient of
    ``D^1/2 (1_A / vol A - 1_B / vol B)``, which is orthogonal to the null vector ``D^1/2 1``.

    Parameters
    ----------
    graph : Graph
        Exactly two components, A and B, each with an edge.
    links : (E, 2) ints
        The edges to be added, each from A to B, none twice.
    weights : (E,) array, optional
        Default 1.
    points : int
        More values of E than this are thinned to evenly spaced ones on a logarithmic scale.

    Raises
    ------
    ValueError
        Other components, or links that do not join the two.

    Notes
    -----
    A dense solve, O(n^3), for each E and n up to 2000, else Lanczos for the second eigenvalue. Source: thesis, Theorem
    3, Corollary 3.1 and its remark; Chung, Spectral Graph Theory, section 2.1 (the Rayleigh quotient).

    >>> from spectral_core.graphs import from_edges
    >>> *_, last = linked_clusters_steps(from_edges([0, 2], [1, 3]), [(1, 2)])
    >>> last.shift.round(3), last.thesis, last.weyl.round(3), last.rayleigh.round(3)
    (array([0. , 0.5]), array([0., 0.]), array([0.   , 0.635]), array([0.   , 0.667]))
    """
    links = np.asarray(links, dtype=np.int64).reshape(-1, 2)
    weights = np.ones(len(links)) if weights is None else np.asarray(weights, dtype=np.float64)
    side = _checked_sides(graph, links)
    A, first = graph.adjacency, normalised_laplacian(graph).matrix
    degree = float(graph.degrees.mean())
    shown = set(np.geomspace(1, max(1, len(links)), points).round().astype(int).tolist())
    start = _lowest(first, side)
    start[1] = 0.0
    rows = [(0.0, start, 0.0, 0.0, 0.0, 0.0)]
    printed = corrected = across = 0.0
    yield _collected(rows, degree)
    for k, ((u, v), w) in enumerate(zip(links.tolist(), weights, strict=True), start=1):
        d = A @ np.ones(graph.n)
        own = [A[[i]] @ (1 / np.sqrt(d)) / np.sqrt(d[i]) for i in (u, v)]
        new = 2 * w / np.sqrt(d[u] * d[v])
        printed += abs(float(own[0][0] + own[1][0] - new))
        corrected += abs(float(w * own[0][0] / (2 * d[u]) + w * own[1][0] / (2 * d[v]) - new))
        A = (A + sparse.coo_array(([w, w], ([u, v], [v, u])), shape=A.shape)).tocsr()
        d[[u, v]] += w
        across += w
        if k not in shown and len(links) > points:
            continue
        L = normalised_laplacian(Graph(A)).matrix
        bound = across * (1 / d[side].sum() + 1 / d[~side].sum())
        rows.append((k, _lowest(L, side), printed, corrected, _norm((L - first).tocsr()), bound))
        yield _collected(rows, degree)


def linked_clusters(graph, links, weights=None, *, points=40):
    """The last item of `linked_clusters_steps`.

    >>> graph, links = two_clusters(20, degree=4, edges=3, generator=torch.Generator().manual_seed(0))
    >>> result = linked_clusters(graph, links)
    >>> bool((result.shift <= result.rayleigh).all()), result.corollary
    (True, array([0.  , 0.25, 0.5 , 0.75]))
    """
    *_, last = linked_clusters_steps(graph, links, weights, points=points)
    return last


def edge_influence(graph, u, v):
    """Theorem 3 and the truth for one edge uv that joins two components of `graph`; other components take no part.

    Returns
    -------
    LinkedClusters
        For E = 0 and 1.

    Raises
    ------
    ValueError
        Nodes that do not exist, are isolated, or lie in one component already.

    >>> from spectral_core.graphs import from_edges
    >>> path = edge_influence(from_edges([0, 2, 4], [1, 3, 5]), 1, 2)
    >>> path.shift.round(3), path.largest_shift.round(3)
    (array([0. , 0.5]), array([0. , 0.5]))
    """
    graph = as_graph(graph)
    if not all(isinstance(node, int | np.integer) and 0 <= node < graph.n for node in (u, v)):
        raise ValueError(f"the nodes are 0, ..., {graph.n - 1}; got {u} and {v}.")
    labels = graph.components()[1]
    if labels[u] == labels[v]:
        raise ValueError(f"Theorem 3 is about an edge between two components, and nodes {u} and {v} lie in one.")
    keep = np.flatnonzero((labels == labels[u]) | (labels == labels[v]))
    return linked_clusters(_induced(graph, keep), np.searchsorted(keep, [[u, v]]))


def two_clusters(size, *, p=None, degree=None, edges, generator):
    """Two separate random graphs, or two rings of equal degree, and `edges` pairs drawn at random to join them.

    Parameters
    ----------
    size : int
        Nodes a cluster. Of an Erdos-Renyi graph that falls apart the largest component is kept.
    p : float, optional
        Edge probability of Erdos-Renyi graphs.
    degree : int, optional
        Even degree of rings, in which each node meets its nearest.
    edges : int
    generator : torch.Generator

    Returns
    -------
    graph : Graph
    links : (edges, 2) array, or as many as there are pairs
    """
    if (p is None) == (degree is None):
        raise ValueError(f"give either p= or degree=; got p = {p} and degree = {degree}.")
    if p is not None:
        parts = [largest_component(erdos_renyi(size, p, generator=generator)) for _ in range(2)]
    else:
        parts = [watts_strogatz(size, degree, 0.0, generator=generator) for _ in range(2)]
    if min(part.edges for part in parts) == 0:
        raise ValueError(f"a cluster of {size} nodes with p = {p} came out without an edge: choose a larger p.")
    a, b = (part.n for part in parts)
    graph = Graph(sparse.block_diag([part.adjacency for part in parts], format="csr"), name="two clusters")
    pairs = torch.randperm(a * b, generator=generator)[:edges].numpy()
    return graph, np.column_stack([pairs // b, a + pairs % b])


def split_in_two(graph, labels, *, generator):
    """The two clusters of a partition that have the most nodes of all pairs with an edge between them, and these edges.

    The edges are taken out and handed over in random order.

    Parameters
    ----------
    graph : Graph
    labels : (n,) ints
        Such as `Membership.labels`; of each cluster the largest component is kept.

    Returns
    -------
    graph : Graph
        Two components.
    links : (E, 2) array
    weights : (E,) array

    Raises
    ------
    ValueError
        No such pair, or one without an edge inside.
    """
    A, labels = graph.adjacency, np.asarray(labels)
    ends = A.tocoo()
    first, second = labels[ends.row], labels[ends.col]
    joined = np.unique(np.column_stack([first, second])[(first < second) & (first >= 0)], axis=0)
    if not len(joined):
        raise ValueError("no edge joins two of the clusters: cut the graph into another number of clusters.")
    sizes = np.bincount(labels[labels >= 0])
    kept = []
    for label in joined[sizes[joined].sum(axis=1).argmax()]:
        nodes = np.flatnonzero(labels == label)
        part = Graph(A[nodes][:, nodes])
        inside = part.components()[1]
        kept.append(nodes[inside == np.bincount(inside).argmax()])
    if len(kept) < 2 or min(len(nodes) for nodes in kept) < 2:
        raise ValueError(
            "one of the two clusters has no edge of its own: cut the graph into another number of clusters."
        )
    order = np.concatenate(kept)
    blocks = [A[nodes][:, nodes] for nodes in kept]
    between = A[kept[0]][:, kept[1]].tocoo()
    turn = torch.randperm(between.nnz, generator=generator).numpy()
    links = np.column_stack([between.row, between.col + len(kept[0])])[turn]
    nodes = order if graph.nodes is None else graph.nodes[order]
    return Graph(sparse.block_diag(blocks, format="csr"), nodes, name=graph.name), links, between.data[turn]


def _checked_sides(graph, links):
    count, labels = graph.components()
    if count != 2 or (graph.degrees == 0).any():
        raise ValueError(f"two components with an edge each are needed; this graph has {count:,} components.")
    if len(links) and (links.min() < 0 or links.max() >= graph.n or (labels[links[:, 0]] == labels[links[:, 1]]).any()):
        raise ValueError("every link must join a node of one component to a node of the other.")
    if len(np.unique(np.sort(links, axis=1), axis=0)) < len(links):
        raise ValueError("a link is given twice: give each pair once, with its weight.")
    return labels == 0


def _lowest(L, side):
    """All eigenvalues, or the lowest two of a large matrix."""
    n = L.shape[0]
    if n <= DENSE:
        values = np.linalg.eigvalsh(L.toarray())
        values[0] = 0.0
        return np.maximum(values, 0.0)
    try:
        lowest = eigsh(L, k=2, which="SA", v0=np.where(side, 1.0, -1.0) + 0.5, tol=1e-9, maxiter=200, ncv=60)[0]
    except ArpackNoConvergence:
        raise ValueError(
            f"the second eigenvalue of these {n:,} nodes does not converge: choose clusters of at most {DENSE // 2:,}."
        ) from None
    return np.maximum(np.sort(lowest), 0.0)


def _norm(difference):
    """``||difference||_2``, from the nodes that it touches."""
    touched = np.flatnonzero(np.diff(difference.indptr))
    small = difference[touched][:, touched]
    if len(touched) <= SUPPORT:
        return float(np.abs(np.linalg.eigvalsh(small.toarray())).max())
    start = np.random.default_rng(0).standard_normal(len(touched))
    return float(np.abs(eigsh(small, k=1, which="LM", v0=start, return_eigenvectors=False)).max())


def _collected(rows, degree):
    edges, values, printed, corrected, weyl, rayleigh = (frozen(column) for column in zip(*rows, strict=True))
    return LinkedClusters(edges, values, printed, corrected, frozen(edges / degree), weyl, rayleigh, degree)


def largest_component(graph):
    """The subgraph of the component with the most nodes.

    >>> from spectral_core.graphs import from_edges
    >>> largest_component(from_edges([0, 2, 3], [1, 3, 4])).n
    3
    """
    labels = graph.components()[1]
    return _induced(graph, np.flatnonzero(labels == np.bincount(labels).argmax()))


def _induced(graph, keep):
    nodes = keep if graph.nodes is None else graph.nodes[keep]
    return Graph(graph.adjacency[keep][:, keep].tocsr(), nodes, name=graph.name)
