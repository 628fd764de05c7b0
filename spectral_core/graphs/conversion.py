"""Graphs from what people have in a notebook: networkx graphs and adjacency matrices."""

import numpy as np
from scipy import sparse

from spectral_core.graphs.graph import Graph, from_edges

__all__ = ["as_graph"]


def as_graph(anything, *, name="graph"):
    """A `Graph` as it is; one of a networkx graph, or of an adjacency matrix ``A_ij >= 0`` (SciPy sparse or NumPy).

    Edges in one direction only are read as undirected (`from_edges`, "union"), self-loops are dropped, a networkx edge's
    ``weight`` is its weight (1 where there is none). The graph's notes say what was changed.

    Raises
    ------
    ValueError
        Anything else, a matrix that is not square, or weights that are no weights.

    Notes
    -----
    A networkx graph takes about a microsecond an edge; files are read faster by `read_graph`.

    >>> import networkx as nx
    >>> as_graph(nx.path_graph(4)).edges, as_graph(np.ones((3, 3))).edges
    (3, 3)
    """
    if isinstance(anything, Graph):
        return anything
    if hasattr(anything, "number_of_nodes") and hasattr(anything, "is_directed"):  # networkx, not imported for others
        index = {node: place for place, node in enumerate(anything)}
        rows = [(index[u], index[v], 1.0 if w is None else w) for u, v, w in anything.edges(data="weight")]
        u, v, weights = (np.array(column) for column in zip(*rows, strict=True)) if rows else ([], [], None)
        weights = None if weights is None or (weights == 1).all() else weights
        directed = "union" if anything.is_directed() else "undirected"
        labels = np.array(list(index), dtype=object)
        return from_edges(u, v, weights, n=len(index), nodes=labels, directed=directed, name=anything.name or name)
    if sparse.issparse(anything) or isinstance(anything, np.ndarray):
        if anything.ndim != 2 or anything.shape[0] != anything.shape[1]:
            raise ValueError(f"an adjacency matrix is square; got shape {anything.shape}.")
        A = sparse.coo_array(anything)
        return from_edges(A.row, A.col, None if (A.data == 1).all() else A.data, n=A.shape[0], name=name)
    raise ValueError(
        f"a graph is needed, and this is of type {type(anything).__name__}: use read_graph for a file, from_edges for a "
        "list of edges, or give a networkx graph or an adjacency matrix."
    )
