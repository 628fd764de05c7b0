"""A graph as its symmetric adjacency matrix, and what was changed to make it one."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

__all__ = ["Graph", "from_edges"]

DIRECTED = ("union", "reciprocal", "undirected")


@dataclass(frozen=True, eq=False)
class Graph:
    """``A = A.T >= 0``: an undirected graph, weighted or not.

    Attributes
    ----------
    adjacency : (n, n) csr_array
        Symmetric, float64, sorted indices, int32 where they fit; a zero diagonal unless self-loops were kept.
    nodes : (n,) array or None
        The nodes' labels; None means 0, ..., n - 1.
    notes : tuple of str
        One sentence for each thing that was changed or decided.
    name : str
    """

    adjacency: sparse.csr_array
    nodes: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    name: str = "graph"

    @property
    def n(self):
        """Number of nodes, those without an edge included."""
        return self.adjacency.shape[0]

    @cached_property
    def edges(self):
        """Number of undirected edges; a self-loop counts as one."""
        loops = int(np.count_nonzero(self.adjacency.diagonal()))
        return (int(self.adjacency.nnz) + loops) // 2

    @cached_property
    def weighted(self):
        """Whether some edge has a weight other than 1."""
        return bool(np.any(self.adjacency.data != 1.0))

    @cached_property
    def degrees(self):
        """``d_i = sum_j A_ij``, shape (n,); a self-loop adds its weight once."""
        return self.adjacency @ np.ones(self.n)

    @cached_property
    def content_hash(self):
        """SHA-256 of the adjacency matrix (not of the labels, the notes or the name)."""
        digest = hashlib.sha256(str(self.n).encode())
        for part in (self.adjacency.indptr, self.adjacency.indices, self.adjacency.data):
            digest.update(np.ascontiguousarray(part))
        return digest.hexdigest()

    @cached_property
    def _components(self):
        count, labels = csgraph.connected_components(self.adjacency, directed=False)
        return int(count), labels

    def components(self):
        """The connected components, exactly: their number and each node's component, shape (n,).

        >>> from_edges([0, 3], [1, 4], n=5).components()[0]
        3
        """
        return self._components


def symmetric_csr(rows, cols, weights, n):
    """``A_ij = A_ji = w`` for distinct pairs ``i <= j``, each given once; unweighted where `weights` is None."""
    off = rows != cols
    data = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
    index = np.int32 if n < 2**31 else np.int64
    rows, cols = rows.astype(index, copy=False), cols.astype(index, copy=False)
    both = (np.concatenate([rows, cols[off]]), np.concatenate([cols, rows[off]]))
    adjacency = sparse.coo_array((np.concatenate([data, data[off]]), both), shape=(n, n)).tocsr()
    adjacency.sort_indices()
    return adjacency


def relabel(rows, cols):
    """Ids to 0, ..., n - 1 in ascending order (strings: in order of appearance); labels None where they were that.

    Small integers by a bitmap, anything else by hashing: O(rows).
    """
    if rows.dtype.kind == cols.dtype.kind and rows.dtype.kind in "iu":
        low, high = min(rows.min(), cols.min()), max(rows.max(), cols.max())
        if low >= 0 and high < 8 * len(rows) + 2**20:
            seen = np.zeros(int(high) + 1, dtype=bool)
            seen[rows] = seen[cols] = True
            labels = np.flatnonzero(seen)
            index = np.cumsum(seen, dtype=np.int32) - 1
            return index[rows], index[cols], None if len(labels) == high + 1 else labels
        labels, codes = np.unique(np.concatenate([rows, cols]), return_inverse=True)
    else:
        import pandas as pd  # half a second, and only strings need it

        codes, labels = pd.factorize(np.concatenate([rows.astype(object), cols.astype(object)]))
    codes = codes.astype(np.int32)
    return codes[: len(rows)], codes[len(rows) :], np.asarray(labels)


def check_weights(weights):
    """Refuse weights that are not finite and non-negative, naming the first row."""
    for bad, rule in (
        (np.isnan(weights), "be numbers"),
        (np.isinf(weights), "be finite"),
        (weights > 1e12, "stay below 1e12"),
        (weights < 0, "not be negative"),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise ValueError(
                f"edge weights must {rule}, but {np.count_nonzero(bad):,} of {len(weights):,} are not so (the first is "
                f"{weights[row]:g}, of edge number {row + 1:,}): mend or remove those edges."
            )


def from_edges(
    rows, cols, weights=None, n=None, *, nodes=None, directed="union", self_loops="drop", name="graph", notes=()
):
    """The undirected graph of a list of rows ``u v [w]``.

    Rows with the same ``(u, v)`` in this order are duplicates: without weights they are one edge, with weights they are
    summed, ``w_uv``. Then ``A_uv = max(w_uv, w_vu)`` for "union" and ``min(w_uv, w_vu)`` for "reciprocal", a direction
    that is not listed counting 0: an edge listed in both directions with one weight is one edge of this weight. For
    "undirected" ``u v`` and ``v u`` are duplicates as well. Edges of weight 0 are dropped. A node that had only a
    self-loop stays, isolated.

    Parameters
    ----------
    rows, cols : (e,) arrays
        The ends of each row: any integers or strings, or integers in 0, ..., n - 1 where `n` is given.
    weights : (e,) array, optional
    n : int, optional
        Number of nodes, those without an edge included; without it the nodes are the ids that occur.
    nodes : (n,) array, optional
        Labels, where `n` is given.
    directed : {"union", "reciprocal", "undirected"}
    self_loops : {"drop", "keep"}
    name : str
    notes : iterable of str
        Sentences to put before those written here.

    Raises
    ------
    ValueError
        NaN, infinite or negative weights; ids outside 0, ..., n - 1.

    Notes
    -----
    O(e) time; about 60 bytes a row at the peak.

    >>> graph = from_edges([1, 2, 2, 7], [2, 1, 7, 7])
    >>> graph.n, graph.edges, graph.nodes.tolist()
    (3, 2, [1, 2, 7])
    >>> graph.notes[1]
    'Dropped 1 self-loop.'
    """
    check_choice("directed", directed, DIRECTED)
    check_choice("self_loops", self_loops, ("drop", "keep"))
    rows, cols = np.atleast_1d(rows), np.atleast_1d(cols)
    notes = list(notes)
    if len(rows) != len(cols) or (weights is not None and len(weights) != len(rows)):
        raise ValueError(f"rows, cols and weights must be equally long; got {len(rows)} rows and {len(cols)} columns.")
    if weights is not None:
        weights = np.asarray(weights, dtype=np.float64)
        check_weights(weights)
    if n is None:
        if not len(rows):
            raise ValueError("a list of no edge does not say how many nodes there are: give n=.")
        rows, cols, nodes = relabel(rows, cols)
        n = int(max(rows.max(), cols.max())) + 1
        notes += _gap_notes(nodes)
    elif len(rows) and (min(rows.min(), cols.min()) < 0 or max(rows.max(), cols.max()) >= n):
        raise ValueError(f"with n = {n} the ids must lie in 0, ..., {n - 1}; got {max(rows.max(), cols.max())}.")

    keep = np.ones(len(rows), dtype=bool)
    if weights is not None:
        keep = weights > 0
        _count_note(notes, np.count_nonzero(~keep), "Dropped {} edge{} of weight 0.")
    loops = np.count_nonzero(keep & (rows == cols))
    if self_loops == "drop":
        keep &= rows != cols
    _count_note(notes, loops, ("Dropped" if self_loops == "drop" else "Kept") + " {} self-loop{}.")
    if not keep.all():
        rows, cols = rows[keep], cols[keep]
        weights = None if weights is None else weights[keep]

    index = np.int32 if n < 2**31 else np.int64
    ends = rows.astype(index, copy=False), cols.astype(index, copy=False)
    if directed == "undirected":
        ends = np.minimum(*ends), np.maximum(*ends)
    one_way = sparse.coo_array((np.ones(len(rows)) if weights is None else weights, ends), shape=(n, n)).tocsr()
    merged = "Merged {} duplicate row{}" + ("." if weights is None else ", their weights summed.")
    _count_note(notes, len(rows) - one_way.nnz, merged)
    if weights is None:
        one_way.data[:] = 1.0
    adjacency = _symmetrised(one_way, directed, notes)
    adjacency.sort_indices()
    return Graph(adjacency, nodes, tuple(notes), name)


def _symmetrised(one_way, directed, notes):
    """The larger (union) or the smaller (reciprocal) of both directions, and the notes that say how many there were."""
    other_way = one_way.T.tocsr()
    if directed == "undirected":
        return one_way.maximum(other_way)
    union = one_way.maximum(other_way)
    loops = np.count_nonzero(one_way.diagonal())
    pairs = (union.nnz - loops) // 2
    both = one_way.nnz - loops - pairs
    smaller = one_way.minimum(other_way) if directed == "reciprocal" else None
    unequal = (one_way - other_way).nnz // 2 - (pairs - both) if both and np.any(union.data != 1.0) else 0
    if pairs and both == pairs:
        notes.append(f"Every edge is listed in both directions, which is one edge: {pairs:,} edges.")
    elif both == 0 and directed == "union":
        notes.append("Each edge is listed in one direction and was read as undirected.")
    elif pairs:
        fate = "kept as undirected edges (union)" if directed == "union" else "dropped (reciprocal)"
        notes.append(
            f"Symmetrised: {pairs - both:,} of {pairs:,} edges are listed in one direction only and were {fate}."
        )
    if unequal:
        kept = "larger" if directed == "union" else "smaller"
        notes.append(f"{unequal:,} edges have different weights in their two directions: the {kept} one was kept.")
    return union if smaller is None else smaller


def _gap_notes(labels):
    """Say that ids were renumbered, where integer ids have gaps."""
    if labels is None or labels.dtype.kind not in "iu" or int(labels[-1]) - int(labels[0]) == len(labels) - 1:
        return []
    return [
        f"The ids {labels[0]} to {labels[-1]} have gaps: the {len(labels):,} that occur were numbered from 0, and ids "
        "that do not occur are no nodes."
    ]


def _count_note(notes, count, sentence):
    if count:
        notes.append(sentence.format(f"{count:,}", "" if count == 1 else "s"))


def check_choice(argument, value, choices):
    """One sentence for an unknown option."""
    if value not in choices:
        raise ValueError(f"{argument} must be one of {', '.join(map(repr, choices))}; got {value!r}.")
